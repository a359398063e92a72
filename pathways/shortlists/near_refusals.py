"""Refused placements that would be among the first five if both sides agreed on one thing. Each comes with a question.

Hours, half-days, a journey and dates can be agreed. Nothing else can: no protective, legal or safety check is here.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from matching.bulk import numpy_pass
from matching.bulk.bits import RULES
from matching.bulk.columns import JobseekerArrays
from matching.pairs.checks import CheckResult, Rule
from matching.pairs.eligibility import CHECKS
from matching.pairs.profiles import JobseekerLimits
from matching.score.ranker import TwoSidedModel
from pathways.database import Session
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.shortlists.index import Day
from pathways.shortlists.safety import Safety, safety_of

QUESTIONS: Mapping[str, str] = {
    Rule.HOURS: "Ask the jobseeker and the social enterprise whether other hours are possible.",
    Rule.HALF_DAYS: "Ask the jobseeker and the social enterprise whether other half-days are possible.",
    Rule.TRAVEL: "Ask the jobseeker whether a longer journey or another way of travelling is possible.",
    Rule.DATES: "Ask the social enterprise for a later end, and the jobseeker for an earlier start.",
}
MOST, AMONG_FIRST = 3, 5
MOST_SCORED = 100  # the nearest refused placements, so that a list over many thousands costs no more


def worth_asking(
    day: Day,
    model: TwoSidedModel,
    person: JobseekerArrays,
    failed: NDArray[np.uint16],
    scores: NDArray[np.int32],
    near: NDArray[np.float64],
    limits: JobseekerLimits,
) -> list[tuple[int, int]]:
    """Return up to three refused rows that would be among the first five, each with the rank that it would have.

    A row whose safety check is open is left out: nobody is to be asked before it is known who works there.

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
        if ranks[at] <= AMONG_FIRST and _is_open(day, int(rows[at]), limits)
    ]
    return best[:MOST]


def _is_open(day: Day, row: int, limits: JobseekerLimits) -> bool:
    listing = day.columns.profile(row)
    safety = CHECKS[Rule.SAFETY](limits, listing, day.context)
    is_over = listing.ends_on is not None and listing.ends_on < day.context.on
    return not is_over and (safety is None or safety.result is CheckResult.PASS)


def still_holds(session: Session, partner_id: UUID, rows: Sequence[list[Any]]) -> list[list[Any]]:
    """Return the stored rows whose placement is published, has a free place, and is safe by what is known today."""
    found = select(Placement).where(
        Placement.id.in_({UUID(row[2]) for row in rows}), Placement.state == PlacementState.PUBLISHED
    )
    placements = {str(placement.id): placement for placement in session.scalars(found)}
    counts = placement_queries.place_counts(session, [placement.id for placement in placements.values()])
    pairs = [(UUID(row[1]), placements[row[2]]) for row in rows if row[2] in placements]
    safety = safety_of(session, pairs, [partner_id])
    return [
        row
        for row in rows
        if row[2] in placements
        and counts[UUID(row[2])][1]
        and safety.get((UUID(row[1]), UUID(row[2])), Safety.CLEAR) is Safety.CLEAR
    ]
