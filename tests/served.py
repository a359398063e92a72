"""Serve an instance in a process of its own, and end it by its process id."""

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pathways.settings import Settings
from tests import launched

LONGEST_START_SECONDS = 60


def environment_of(settings: Settings) -> dict[str, str]:
    """Return the environment with which another process uses the same database and keys."""
    return os.environ | {
        "PATHWAYS_DATABASE_URL": settings.database_url,
        "PATHWAYS_ENCRYPTION_KEY": settings.encryption_key.get_secret_value(),
        "PATHWAYS_HASH_KEY": settings.hash_key.get_secret_value(),
        "PATHWAYS_LOG_LEVEL": "warning",
    }


@contextmanager
def served(settings: Settings, log: Path, **changes: str) -> Iterator[str]:
    """Serve a database that is already migrated, and yield the address.

    ``changes`` are environment variables. The output of the service goes to ``log``.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = environment_of(settings) | {"PATHWAYS_PUBLIC_URL": f"http://127.0.0.1:{port}"} | changes
    log.write_bytes(b"")
    process = launched.start(["serve", "--port", str(port)], environment, log.parent, log)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait(address, process, log)
        yield address
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()


def _wait(address: str, process: launched.Launched, log: Path) -> None:
    until = time.monotonic() + LONGEST_START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    message = f"The service did not start: {log.read_text()[-2000:]}"
    raise RuntimeError(message)
