"""Run commands of Pathways, each in a process of its own, without importing the code for each again.

Importing takes a process one to three seconds of CPU and the vocabulary two more, and the tests start some hundred
processes. So one process imports the code, makes the vocabulary, and does nothing else; each command runs in a fork of
it, with its own folder, environment, output and end. ``anew`` starts an interpreter instead, for the few tests that
hold that a command finds its own imports.
"""

import atexit
import gc
import json
import os
import pkgutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from datetime import date
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SECONDS_BETWEEN_LOOKS = 0.005


class Launcher:
    """The process that has imported the code. It is asked by one line of JSON and replies by one line."""

    def __init__(self) -> None:
        self._turn = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.launched"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        atexit.register(self.close)

    def ask(self, **request: Any) -> Any:
        assert self._process.stdin
        assert self._process.stdout
        with self._turn:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())

    def close(self) -> None:
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait()


class Launched:
    """A command that was started, with the methods of ``subprocess.Popen`` that the tests use."""

    def __init__(self, launcher: Launcher, pid: int) -> None:
        self._launcher, self.pid, self.returncode = launcher, pid, None

    def poll(self) -> int | None:
        if self.returncode is None:
            self.returncode = self._launcher.ask(ended=self.pid)
        return self.returncode

    def wait(self, timeout: float = 600) -> int:
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("pathways", timeout)
            time.sleep(SECONDS_BETWEEN_LOOKS)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


_launcher = cache(Launcher)
_started: list[int] = []


def count() -> int:
    """Return how many commands were started."""
    return len(_started)


def start(
    arguments: list[str], environment: dict[str, str], folder: Path, out: Path, error: Path | None = None
) -> Launched:
    """Start a command in a folder. Its output is added to the file ``out``, its errors to ``error`` or to ``out``."""
    return _start(arguments, environment, folder, out, error)


def _start(
    arguments: list[str], environment: dict[str, str], folder: Path, out: Path, error: Path | None, program: str = ""
) -> Launched:
    launcher = _launcher()
    pid = launcher.ask(
        arguments=arguments,
        environment=environment,
        folder=str(folder),
        out=str(out),
        error=str(error or out),
        program=program,
    )
    _started.append(pid)
    return Launched(launcher, pid)


def run(
    arguments: list[str], environment: dict[str, str], folder: Path, program: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command, or a program of Python with these arguments, to its end and return what it printed."""
    with tempfile.TemporaryDirectory(prefix="pathways-launched-") as kept:
        out, error = Path(kept) / "out", Path(kept) / "error"
        code = _start(arguments, environment, folder, out, error, program).wait()
        return subprocess.CompletedProcess(arguments, code, out.read_text(), error.read_text())


def anew(arguments: list[str], environment: dict[str, str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a new interpreter, which imports what it needs."""
    command = [sys.executable, "-m", "pathways.cli", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, cwd=folder, env=environment)


# What follows runs in the process of the launcher.


def _import_all() -> None:
    import matching
    import pathways

    for package in (pathways, matching):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)


def _make_words() -> None:
    """Make what a service makes of the shipped tables of words, so that it is made once and not by each fork."""
    from pathways.reference import vocabulary, wording

    vocabulary.starter().work_likeness("cook", "Chef")
    wording.in_advert(("Chef",), date(2026, 11, 30), is_paid=True)


def _become(request: dict[str, Any]) -> None:
    """Become the command, in the fork."""
    from pathways import cli

    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    for number, name in ((1, "out"), (2, "error")):
        os.dup2(os.open(request[name], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644), number)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.argv = ["pathways", *request["arguments"]]
    if request["program"]:
        exec(request["program"], {"__name__": "__main__"})
    else:
        cli.main()


def _reply(value: Any) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _serve() -> None:
    gc.disable()  # nothing that is imported becomes garbage; commands set thresholds of their own
    _import_all()
    _make_words()
    gc.enable()
    gc.freeze()  # so that no fork copies the memory of what is there, only to look for garbage in it
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        if "ended" in request:
            pid, status = os.waitpid(request["ended"], os.WNOHANG)
            _reply(os.waitstatus_to_exitcode(status) if pid else None)
            continue
        pid = os.fork()
        if not pid:
            _become(request)
            return
        _reply(pid)


if __name__ == "__main__":
    _serve()
