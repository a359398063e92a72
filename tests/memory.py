"""Where the tests put their databases: in memory, if the machine has a file system there.

Every commit of SQLite waits until the disk has the data. On a disk the tests spend more time on that than on computing.
The statements, the locks and the files are the same in memory.
"""

import os
import shutil
from functools import cache
from pathlib import Path

MEMORY = "/dev/shm"
LEAST_FREE_BYTES = 3 * 1024**3


@cache
def folder() -> str | None:
    """Return the folder in memory, or None if there is none with enough free space. None means the usual one."""
    if not Path(MEMORY).is_dir() or not os.access(MEMORY, os.W_OK):
        return None
    return MEMORY if shutil.disk_usage(MEMORY).free >= LEAST_FREE_BYTES else None
