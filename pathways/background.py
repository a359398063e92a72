"""Background loops of the service: each runs in a thread of its own, is logged and restarted, and reports its state.

A loop that raises is logged with the kind of error and where it was raised, never with its message, and starts again
after a pause that doubles each time, up to 15 seconds. ``/health/ready`` shows the state of every loop.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import structlog

from pathways.base import utc_now
from pathways.problems import raised_at

FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 5.0, 15.0
LOG = structlog.get_logger()


class LoopState(StrEnum):
    """What a background loop is doing."""

    STARTING = "starting"
    RUNNING = "running"
    RESTARTING = "restarting"  # it raised, and waits before it starts again
    FINISHED = "finished"  # it has finished its work and will not start again


@dataclass
class BackgroundLoop:
    """The name of a loop, the function it runs, and its state.

    ``run`` gets an event that is set when the service stops, and returns when it has nothing more to do.
    ``first_pause`` is the pause in seconds before the first restart.
    """

    name: str
    run: Callable[[threading.Event], None]
    first_pause: float = FIRST_PAUSE_SECONDS
    state: LoopState = LoopState.STARTING
    failures: int = 0
    failed_at: datetime | None = None

    def supervise(self, stop: threading.Event) -> None:
        """Run until the loop finishes or the service stops; log every error and start again."""
        pause = self.first_pause
        while not stop.is_set():
            self.state, began = LoopState.RUNNING, time.monotonic()
            try:
                self.run(stop)
            except Exception as error:  # noqa: BLE001 - every error is logged, and the loop starts again
                self.state, self.failed_at = LoopState.RESTARTING, utc_now()
                self.failures += 1
                with suppress(OSError, ValueError):  # a log that cannot be written must not end the loop
                    LOG.error(  # noqa: TRY400 - a traceback may hold personal data of what was being handled
                        "background_loop_failed", loop=self.name, error=type(error).__name__, where=raised_at(error)
                    )
            else:
                self.state = LoopState.FINISHED
                return
            if time.monotonic() - began > LONGEST_PAUSE_SECONDS:
                pause = self.first_pause  # it ran for a while, so the pauses begin again with the first
            stop.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)

    def report(self) -> dict[str, str | int]:
        """Return the state; if the loop has failed, also the number of failures and the time of the last one."""
        report: dict[str, str | int] = {"state": self.state.value}
        if self.failed_at is not None:
            report |= {"failures": self.failures, "last_failed_at": self.failed_at.isoformat(timespec="seconds")}
        return report


def start_all(loops: Sequence[BackgroundLoop], stop: threading.Event) -> None:
    """Start each loop in a daemon thread."""
    for loop in loops:
        threading.Thread(target=loop.supervise, args=(stop,), name=loop.name, daemon=True).start()
