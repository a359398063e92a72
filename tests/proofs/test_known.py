"""One person, one record: public sets beside Splink, and everybody a partner knows looked through in a request."""

import os

import pytest

from benchmarks import known, people
from tests.conftest import BACKENDS

PROVES = bool(os.environ.get("PATHWAYS_PROVE"))
PEOPLE = 1_000_000 if PROVES else 1_000


@pytest.mark.skipif(not PROVES, reason="Beside Splink by make prove; tests/matching holds both sets to their numbers.")
@pytest.mark.parametrize(("number", "least"), [(3, 0.985), (4, 0.995)])
def test_public_records_are_linked_no_worse_than_by_splink(number: int, least: float):
    scores = people.report(people.febrl(number))
    assert scores["ours"] >= max(least, scores["Splink"])


@pytest.mark.long_test("sqlite")
@pytest.mark.parametrize("backend", BACKENDS)
def test_somebody_told_anew_is_found_among_all_and_a_stranger_is_nobody(backend: str):
    """What it costs is printed, never asserted: the machine does other things."""
    told = known.report(backend, PEOPLE)
    assert told.found >= 0.9
    assert told.wrong == 0
