"""Select the implementation of the scan: compiled or, without Numba or with ``PATHWAYS_PLAIN_PASSES=1``, NumPy's."""

import os
from importlib.util import find_spec

if find_spec("numba") is not None and os.environ.get("PATHWAYS_PLAIN_PASSES") != "1":
    from matching.timetables.compiled_scan import best_of, scan
else:
    from matching.timetables.numpy_scan import best_of, scan

__all__ = ["best_of", "scan"]
