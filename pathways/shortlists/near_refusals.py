"""Refused placements that would be among the first five if both sides agreed on one thing. Each comes with a question.

Hours, half-days, a journey and dates can be agreed. Nothing else can: no protective, legal or safety check is here.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from matching.bulk import numpy_pass
from matching.bulk.bits import RULES
from matching.bulk.columns import JobseekerArrays
from matching.pairs.eligibility import Rule
from matching.score.ranker import TwoSidedModel
from pathways.shortlists.index import Day

QUESTIONS: Mapping[str, str] = {
    Rule.HOURS: "Ask the jobseeker and the social enterprise whether other hours are possible.",
    Rule.HALF_DAYS: "Ask the jobseeker and the social enterprise whether other half-days are possible.",
    Rule.TRAVEL: "Ask the jobseeker whether a longer journey or another way of travelling is possible.",
    Rule.DATES: "Ask the social enterprise for a later end, and the jobseeker for an earlier start.",
}
MOST, AMONG_FIRST = 3, 5
MOST_SCORED = 200  # the nearest refused placements, so that a list over many thousands costs no more


def worth_asking(
    day: Day,
    model: TwoSidedModel,
    person: JobseekerArrays,
    failed: NDArray[np.uint16],
    scores: NDArray[np.int32],
    near: NDArray[np.float64],
) -> list[tuple[int, int]]:
    """Return up to three refused rows that would be among the first five, each with the rank that it would have.

    ``failed`` has the failed checks of each placement, ``scores`` the scores of those that failed none, and ``near``
    how far each is from the jobseeker's home. Only rows with one failed check, of ``QUESTIONS``, are looked at.
    """
    is_asked = np.isin(failed, [1 << RULES.index(rule) for rule in RULES if rule in QUESTIONS])
    rows = np.flatnonzero(is_asked)
    rows = rows[np.lexsort((day.numbers[rows], near[rows]))][:MOST_SCORED]
    if not len(rows):
        return []
    would = model.tables.scores(numpy_pass.codes(person, 0, day.columns.arrays, day.arrays, rows))
    open_scores = np.sort(scores[failed == 0])
    ranks = len(open_scores) - np.searchsorted(open_scores, would, side="right") + 1
    best = [
        (int(rows[at]), int(ranks[at]))
        for at in np.lexsort((day.numbers[rows], -would)).tolist()
        if ranks[at] <= AMONG_FIRST and not _has_ended(day, int(rows[at]))
    ]
    return best[:MOST]


def _has_ended(day: Day, row: int) -> bool:
    ends_on = day.columns.profile(row).ends_on
    return ends_on is not None and ends_on < day.context.on
