"""Read decided introductions, their outcomes and their shortlists as training cases for the ranking models.

No name, identity number or address is read.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import select

from matching.learning.cases import CaseOutcome, DecidedCase
from matching.pairs.features import Feature, Value
from pathways.base import Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.introductions.models import (
    Introduction,
    IntroductionEvent,
    IntroductionMove,
    IntroductionState,
    Side,
    WhyNot,
)
from pathways.jobseekers.models import MonitoringAnswers
from pathways.progression.models import Spell, SpellEnd, SpellState, SpellVersion
from pathways.reference import tables
from pathways.shortlists.models import RankingModel, ShortlistMatch

S, E = IntroductionState, IntroductionEvent
AT_ONCE = 500  # shortlists in one query
# The states in which only the jobseeker can decline: before the introduction is sent, and once there is an offer.
JOBSEEKER_DECLINES = frozenset({S.PROPOSED, S.OFFERED, S.ACCEPTED})
# Reasons that say nothing about whether the jobseeker and the placement fit. Models do not learn from such cases.
UNINFORMATIVE = frozenset(
    {
        WhyNot.PLACE_FILLED,
        WhyNot.LISTING_CLOSED,
        WhyNot.ANOTHER_PLACE,
        WhyNot.NO_ANSWER,
        WhyNot.MISTAKE,
        WhyNot.CASE_CLOSED,
    }
)


def model(session: Session, name_or_id: str | UUID) -> RankingModel:
    """Return the ranking model with this id or name. Raise ``NotFound`` if there is none."""
    column = RankingModel.id if isinstance(name_or_id, UUID) else RankingModel.name
    row = session.scalars(select(RankingModel).where(column == name_or_id)).one_or_none()
    if row is None:
        raise NotFound("No model has this name or id. Next: list the models and use the name or id of one of them.")
    return row


@dataclass(frozen=True, slots=True)
class IntroductionEnding:
    """How an introduction ended, as labels for the models of the two sides.

    ``wanted`` is the label for the jobseeker's side and ``lasted`` for the placement's side. Each is None if unknown.
    """

    wanted: bool | None
    lasted: bool | None
    outcome: CaseOutcome
    decided_on: date


def values_of(match: ShortlistMatch) -> dict[Feature, Value]:
    """Return the feature values stored with a match. Features that no longer exist are left out."""
    known = {feature.value for feature in Feature}
    return {Feature(name): Value(kept[0], tuple(kept[1])) for name, kept in match.values.items() if name in known}


@dataclass(frozen=True, slots=True)
class ShortlistedCase:
    """A decided case and the shortlist it came from."""

    case: DecidedCase
    shortlist_id: UUID


def decided(session: Session, until: date) -> list[ShortlistedCase]:
    """Return the introductions that came from a shortlist and were decided on or before a day, in order of id."""
    endings = _endings(session, until)
    if not endings:
        return []
    rows = session.execute(
        select(Introduction, ShortlistMatch)
        .join(
            ShortlistMatch,
            (ShortlistMatch.partner_id == Introduction.partner_id)
            & (ShortlistMatch.shortlist_id == Introduction.shortlist_id)
            & (ShortlistMatch.placement_id == Introduction.placement_id),
        )
        .order_by(Introduction.id)
    )
    return [
        ShortlistedCase(
            DecidedCase(
                values_of(match),
                wanted=ending.wanted,
                lasted=ending.lasted,
                outcome=ending.outcome,
                decided_on=ending.decided_on,
                jobseeker=str(introduction.jobseeker_id),
                placement=str(introduction.placement_id),
            ),
            match.shortlist_id,
        )
        for introduction, match in rows
        if (ending := endings.get(introduction.id)) is not None
    ]


def cases(session: Session, until: date) -> list[DecidedCase]:
    """Return the cases decided on or before a day, without their shortlists."""
    return [shortlisted.case for shortlisted in decided(session, until)]


def _endings(session: Session, until: date) -> dict[UUID, IntroductionEnding]:
    """Return, by id, the ending of each introduction that was started, or declined for a reason about the pair."""
    lasting = timedelta(weeks=int(tables.limit("lasting_weeks", until)))
    moves: dict[UUID, list[IntroductionMove]] = defaultdict(list)
    for move in session.scalars(
        select(IntroductionMove)
        .where(IntroductionMove.valid_on <= until, ~IntroductionMove.is_withdrawal)
        .order_by(IntroductionMove.id)
    ):
        moves[move.introduction_id].append(move)
    spells = _spells(session, until)
    endings = {}
    for introduction_id, made in moves.items():
        last = made[-1]
        if last.to_state in {S.STARTED.value, S.ENDED.value}:
            began = next(move.valid_on for move in reversed(made) if move.to_state == S.STARTED.value)
            endings[introduction_id] = _started(began, spells.get(introduction_id), until, lasting)
        elif last.event == E.DECLINE.value and last.from_state is not None:
            ending = _declined(last)
            if ending is not None:
                endings[introduction_id] = ending
    return endings


def _declined(move: IntroductionMove) -> IntroductionEnding | None:
    """Turn a decline into labels, or return None if the decline says nothing about the pair.

    ``said_by`` is the side that declined. If no side is recorded, the member's role and the introduction's state
    decide. The result is None if a caseworker recorded the decline while the social enterprise was deciding, because
    either side could have declined. It is also None if the reason says nothing about the pair, such as a filled place.
    """
    if move.why in UNINFORMATIVE:
        return None
    if move.said_by is Side.SOCIAL_ENTERPRISE:
        return IntroductionEnding(None, lasted=False, outcome=CaseOutcome.INTRODUCED, decided_on=move.valid_on)
    if move.said_by is Side.JOBSEEKER and move.why is not WhyNot.OTHER:
        return IntroductionEnding(wanted=False, lasted=None, outcome=CaseOutcome.DECLINED, decided_on=move.valid_on)
    if move.made_by_role == Role.PLACEMENT_LISTER.value:
        return IntroductionEnding(None, lasted=False, outcome=CaseOutcome.INTRODUCED, decided_on=move.valid_on)
    if move.from_state is not None and S(move.from_state) in JOBSEEKER_DECLINES:
        return IntroductionEnding(wanted=False, lasted=None, outcome=CaseOutcome.DECLINED, decided_on=move.valid_on)
    return None


def _started(started_on: date, spell: SpellVersion | None, until: date, lasting: timedelta) -> IntroductionEnding:
    """Turn a start into labels.

    Each start is judged once the period ``lasting`` has passed since its first day. Otherwise all of the newest starts
    would seem to have failed. Only the recorded spell is used. The label ``lasted`` is None if there is no spell, if
    the period is not over on the day ``until``, or if the spell was completed as planned within the period. A spell
    that ended because of another job counts as lasting.
    """
    known_on = started_on + lasting
    if spell is None or known_on > until:
        return IntroductionEnding(wanted=True, lasted=None, outcome=CaseOutcome.STARTED, decided_on=started_on)
    ended_on = spell.ended_on if spell.ended_on is not None and spell.ended_on <= until else None
    if ended_on is not None and spell.end_reason is SpellEnd.ANOTHER_JOB:
        return IntroductionEnding(wanted=True, lasted=True, outcome=CaseOutcome.PROGRESSED, decided_on=known_on)
    if ended_on is None or ended_on >= known_on:
        return IntroductionEnding(wanted=True, lasted=True, outcome=CaseOutcome.SUSTAINED, decided_on=known_on)
    lasted = None if spell.end_reason is SpellEnd.COMPLETED else False
    return IntroductionEnding(wanted=True, lasted=lasted, outcome=CaseOutcome.STARTED, decided_on=known_on)


def _spells(session: Session, until: date) -> dict[UUID, SpellVersion]:
    """Return the current version of the spell that each introduction led to. Voided spells are left out."""
    rows = session.execute(
        select(Spell.introduction_id, SpellVersion)
        .join(SpellVersion, (SpellVersion.partner_id == Spell.partner_id) & (SpellVersion.spell_id == Spell.id))
        .where(
            Spell.introduction_id.is_not(None),
            Spell.state != SpellState.VOIDED,
            SpellVersion.started_on <= until,
            as_known(SpellVersion),
        )
    )
    return {introduction_id: version for introduction_id, version in rows if introduction_id is not None}


@dataclass(frozen=True, slots=True)
class HeldOutList:
    """A stored shortlist with the grade of each of its pairs: how far the pair came (see ``CaseOutcome``)."""

    jobseeker: str
    pairs: Sequence[dict[Feature, Value]]
    grades: Sequence[int]


def held_out_lists(
    session: Session, later: Iterable[ShortlistedCase], earlier: Iterable[ShortlistedCase]
) -> list[HeldOutList]:
    """Return the shortlists of the held-out cases, without the pairs that the model learnt from.

    A pair that has no decided case has the grade 0.
    """
    grade: dict[tuple[UUID, str, str], int] = {}
    for held_out in later:
        case = held_out.case
        grade[held_out.shortlist_id, case.jobseeker, case.placement] = int(case.outcome)
    learnt = {(learnt_from.case.jobseeker, learnt_from.case.placement) for learnt_from in earlier}
    lists: dict[tuple[UUID, str], list[tuple[dict[Feature, Value], int]]] = defaultdict(list)
    ids = sorted({shortlist_id for shortlist_id, *_ in grade})
    for start in range(0, len(ids), AT_ONCE):
        rows = session.scalars(
            select(ShortlistMatch)
            .where(ShortlistMatch.shortlist_id.in_(ids[start : start + AT_ONCE]))
            .order_by(ShortlistMatch.shortlist_id, ShortlistMatch.rank)
        )
        for match in rows:
            pair = (str(match.jobseeker_id), str(match.placement_id))
            pair_grade = grade.get((match.shortlist_id, *pair))
            if pair_grade is not None or pair not in learnt:
                lists[match.shortlist_id, pair[0]].append((values_of(match), pair_grade or 0))
    return [HeldOutList(person, [v for v, _ in pairs], [g for _, g in pairs]) for (_, person), pairs in lists.items()]


def groups(session: Session) -> dict[str, dict[str, str]]:
    """Return the equality monitoring answers by question and jobseeker.

    They are used only to compare groups in an assessment, never as features. Jobseekers without answers are left out.
    """
    answers: dict[str, dict[str, str]] = {"sex": {}, "ethnic_group": {}, "long_term_condition": {}}
    for row in session.scalars(select(MonitoringAnswers).where(as_known(MonitoringAnswers))):
        for question, answer_of in answers.items():
            answer_of[str(row.jobseeker_id)] = getattr(row, question)
    return answers
