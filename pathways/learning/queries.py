"""What was shown, decided and came of it, as the score learns from it; no name, number or address is read."""

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
AT_ONCE = 500
# Before it is sent, only the jobseeker can say no; once there is an offer, it is theirs to take up again.
THEIRS_TO_DECLINE = frozenset({S.PROPOSED, S.OFFERED, S.ACCEPTED})
SAYS_NOTHING = frozenset(
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
    column = RankingModel.id if isinstance(name_or_id, UUID) else RankingModel.name
    found = session.scalars(select(RankingModel).where(column == name_or_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such model.")
    return found


@dataclass(frozen=True, slots=True)
class IntroductionEnding:
    """How an introduction ended, in what the two sides' models learn."""

    wanted: bool | None
    lasted: bool | None
    outcome: CaseOutcome
    decided_on: date


def values_of(match: ShortlistMatch) -> dict[Feature, Value]:
    """Return the features as they were shown; one of an older version that is no feature today is left out."""
    known = {feature.value for feature in Feature}
    return {Feature(name): Value(value, tuple(found)) for name, (value, found) in match.values.items() if name in known}


@dataclass(frozen=True, slots=True)
class ShortlistedCase:
    """A case, and the shortlist it came from."""

    case: DecidedCase
    shortlist_id: UUID


def decided(session: Session, until: date) -> list[ShortlistedCase]:
    """Return every introduction that came from a shortlist and was decided by a day."""
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
    """Return what was decided by a day, without where it came from."""
    return [one.case for one in decided(session, until)]


def _endings(session: Session, until: date) -> dict[UUID, IntroductionEnding]:
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
            found = _declined(last)
            if found is not None:
                endings[introduction_id] = found
    return endings


def _declined(move: IntroductionMove) -> IntroductionEnding | None:
    """Read a refusal; one that a caseworker recorded while the social enterprise was deciding could be either's.

    Where it is written down whose it was, that is what counts; a place that was filled says nothing of the two.
    """
    if move.why in SAYS_NOTHING:
        return None
    if move.said_by is Side.SOCIAL_ENTERPRISE:
        return IntroductionEnding(None, lasted=False, outcome=CaseOutcome.INTRODUCED, decided_on=move.valid_on)
    if move.said_by is Side.JOBSEEKER and move.why is not WhyNot.OTHER:
        return IntroductionEnding(wanted=False, lasted=None, outcome=CaseOutcome.DECLINED, decided_on=move.valid_on)
    if move.made_by_role == Role.PLACEMENT_LISTER.value:
        return IntroductionEnding(None, lasted=False, outcome=CaseOutcome.INTRODUCED, decided_on=move.valid_on)
    if move.from_state is not None and S(move.from_state) in THEIRS_TO_DECLINE:
        return IntroductionEnding(wanted=False, lasted=None, outcome=CaseOutcome.DECLINED, decided_on=move.valid_on)
    return None


def _started(started_on: date, spell: SpellVersion | None, until: date, lasting: timedelta) -> IntroductionEnding:
    """Read a start. Whether it lasted is known of all starts at the same age, or the newest would all seem to fail.

    It is known from a spell alone. One that led to another job lasted; one that was completed early, as it was meant
    to be, says nothing of lasting.
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
    """A shortlist as it was shown, and how far each of its pairs came."""

    jobseeker: str
    pairs: Sequence[dict[Feature, Value]]
    grades: Sequence[int]


def held_out_lists(
    session: Session, later: Iterable[ShortlistedCase], earlier: Iterable[ShortlistedCase]
) -> list[HeldOutList]:
    """Return the shortlists that held-out cases came from, without the pairs that were decided before."""
    grade: dict[tuple[UUID, str, str], int] = {}
    for one in later:
        grade[one.shortlist_id, one.case.jobseeker, one.case.placement] = int(one.case.outcome)
    learnt = {(one.case.jobseeker, one.case.placement) for one in earlier}
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
            found = grade.get((match.shortlist_id, *pair))
            if found is not None or pair not in learnt:
                lists[match.shortlist_id, pair[0]].append((values_of(match), found or 0))
    return [HeldOutList(person, [v for v, _ in pairs], [g for _, g in pairs]) for (_, person), pairs in lists.items()]


def groups(session: Session) -> dict[str, dict[str, str]]:
    """Return equality monitoring by person, for figures of groups only; who has not answered is in none."""
    answers: dict[str, dict[str, str]] = {"sex": {}, "ethnic_group": {}, "long_term_condition": {}}
    for row in session.scalars(select(MonitoringAnswers).where(as_known(MonitoringAnswers))):
        for question, of_people in answers.items():
            of_people[str(row.jobseeker_id)] = getattr(row, question)
    return answers
