"""Background loops are logged, restarted and shown; nothing that one raises stops another."""

import threading
import time

from structlog.testing import capture_logs

from pathways import background
from pathways.background import BackgroundLoop, LoopState


def test_a_loop_that_raises_is_logged_without_its_message_and_starts_again():
    runs = []

    def run(stop: threading.Event) -> None:
        runs.append(1)
        if len(runs) < 3:
            raise ValueError("Amina Begum, QQ224466C")

    loop = BackgroundLoop("fails twice", run, first_pause=0.01)
    with capture_logs() as logs:
        loop.supervise(threading.Event())
    assert (len(runs), loop.failures, loop.state) == (3, 2, LoopState.FINISHED)
    # A loop of another test may still be at its last turn, in a thread of its own.
    own = [line for line in logs if line.get("loop") == loop.name]
    assert [(line["event"], line["error"]) for line in own] == [("background_loop_failed", "ValueError")] * 2
    assert "Amina" not in str(logs)
    assert loop.report()["failures"] == 2


def test_whatever_a_loop_raises_the_others_go_on():
    stop, went_on = threading.Event(), threading.Event()

    def fail(_: threading.Event) -> None:
        raise KeyError("anything")

    def go_on(_: threading.Event) -> None:
        went_on.set()

    failing = BackgroundLoop("failing", fail, first_pause=0.01)
    background.start_all([failing, BackgroundLoop("other", go_on)], stop)
    assert went_on.wait(5)
    until = time.monotonic() + 5
    while failing.failures < 2 and time.monotonic() < until:
        time.sleep(0.01)
    stop.set()
    assert failing.failures >= 2
    assert failing.report()["state"] in {"restarting", "running"}


def test_readiness_shows_every_loop(client):
    answer = client.get("/health/ready").json()
    assert answer["keys"] == "right"
    assert set(answer["background"]) == {
        "keys",
        "placement_index",
        "row_counts",
        "person_keys",
        "imports",
        "taxonomy",
        "messages",
    }
    assert answer["background"]["imports"] == {"state": "starting"}  # the client does not start the service's threads
