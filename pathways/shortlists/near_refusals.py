"""Refused placements that would be among the first five if both sides agreed on one thing. Each comes with a question.

Hours, half-days, a journey and dates can be agreed. Nothing else can: no protective, legal or safety check is here.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from matching.bulk.bits import RULES, CheckedPlacements
from matching.pairs.checks import CheckResult, Rule
from matching.pairs.eligibility import CHECKS
from matching.pairs.profiles import JobseekerLimits
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
Rows = NDArray[np.intp]
AGREEABLE = sum(1 << RULES.index(rule) for rule in RULES if rule in QUESTIONS)
MOST, AMONG_FIRST = 3, 5


def worth_asking(
    day: Day,
    scored: CheckedPlacements,
    first: Sequence[int],
    near: Callable[[Rows], NDArray[np.float64]],
    limits: JobseekerLimits,
) -> list[tuple[int, int]]:
    """Return up to three refused rows that would be among the first five, each with the rank that it would have.

    Of equal scores, the nearest comes first. A row whose safety check is open is left out: nobody is to be asked before
    it is known who works there.

    ``scored`` was made with ``AGREEABLE``; ``first`` are the first rows of the list, at least ``AMONG_FIRST`` if there
    are so many; ``near`` returns how far some placements are from the jobseeker's home.
    """
    scores = np.sort(scored.scores[first[:AMONG_FIRST]])
    rows = np.flatnonzero(scored.agreed >= (scores[0] if len(scores) == AMONG_FIRST else 0))
    best = []
    for at in np.lexsort((day.numbers[rows], near(rows), -scored.agreed[rows])).tolist():
        row = int(rows[at])
        rank = 1 + int(np.count_nonzero(scores > scored.agreed[row]))
        if _is_open(day, row, limits):
            best.append((row, rank))
            if len(best) == MOST:
                break
    return best


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
