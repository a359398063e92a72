"""What was shown, decided and came of it, as the score learns from it; no name, number or address is read."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from matching.features import Feature, Value
from matching.training import Case, Outcome
from pathways.base import Role
from pathways.database import Session
from pathways.errors import NotFound
from pathways.facts import as_known
from pathways.introductions.models import Introduction, IntroductionEvent, IntroductionMove, IntroductionState
from pathways.jobseekers.models import MonitoringAnswers
from pathways.progression.models import Spell, SpellEnd, SpellState, SpellVersion
from pathways.reference import tables
from pathways.shortlists.models import RankingModel, Shortlist, ShortlistMatch

S, E = IntroductionState, IntroductionEvent
# Before it is sent, only the jobseeker can say no; once there is an offer, it is theirs to take up again.
THEIRS_TO_DECLINE = frozenset({S.PROPOSED, S.OFFERED, S.ACCEPTED})


def model(session: Session, name_or_id: str | UUID) -> RankingModel:
    column = RankingModel.id if isinstance(name_or_id, UUID) else RankingModel.name
    found = session.scalars(select(RankingModel).where(column == name_or_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such model.")
    return found


@dataclass(frozen=True, slots=True)
class Ending:
    """How an introduction ended, in what the two sides' models learn."""

    wanted: bool | None
    lasted: bool | None
    outcome: Outcome
    decided_on: date


def values_of(match: ShortlistMatch) -> dict[Feature, Value]:
    """Return the features as they were shown; one of an older version that is no feature today is left out."""
    known = {feature.value for feature in Feature}
    return {Feature(name): Value(value, tuple(found)) for name, (value, found) in match.values.items() if name in known}


def cases(session: Session, until: date) -> list[Case]:
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
            & (ShortlistMatch.jobseeker_id == Introduction.jobseeker_id)
            & (ShortlistMatch.placement_id == Introduction.placement_id),
        )
        .order_by(Introduction.id)
    )
    return [
        Case(
            values_of(match),
            wanted=ending.wanted,
            lasted=ending.lasted,
            outcome=ending.outcome,
            decided_on=ending.decided_on,
            jobseeker=str(introduction.jobseeker_id),
            placement=str(introduction.placement_id),
        )
        for introduction, match in rows
        if (ending := endings.get(introduction.id)) is not None
    ]


def _endings(session: Session, until: date) -> dict[UUID, Ending]:
    lasting = timedelta(weeks=int(tables.limit("lasting_weeks", until)))
    moves: dict[UUID, list[IntroductionMove]] = defaultdict(list)
    for move in session.scalars(
        select(IntroductionMove)
        .where(IntroductionMove.valid_on <= until, ~IntroductionMove.is_withdrawal)
        .order_by(IntroductionMove.recorded_at, IntroductionMove.id)
    ):
        moves[move.introduction_id].append(move)
    spells = _spells(session, until)
    endings = {}
    for introduction_id, made in moves.items():
        last = made[-1]
        if last.to_state == S.STARTED.value:
            endings[introduction_id] = _started(last.valid_on, spells.get(introduction_id), until, lasting)
        elif last.event == E.DECLINE.value and last.from_state is not None:
            found = _declined(last)
            if found is not None:
                endings[introduction_id] = found
    return endings


def _declined(move: IntroductionMove) -> Ending | None:
    """Read a refusal; one that a caseworker recorded while the social enterprise was deciding could be either's."""
    if move.made_by_role == Role.PLACEMENT_LISTER.value:
        return Ending(None, lasted=False, outcome=Outcome.INTRODUCED, decided_on=move.valid_on)
    if move.from_state is not None and S(move.from_state) in THEIRS_TO_DECLINE:
        return Ending(wanted=False, lasted=None, outcome=Outcome.DECLINED, decided_on=move.valid_on)
    return None


def _started(started_on: date, spell: SpellVersion | None, until: date, lasting: timedelta) -> Ending:
    ended_on = spell.ended_on if spell is not None and spell.ended_on is not None and spell.ended_on <= until else None
    if (ended_on or until) - started_on >= lasting:
        went_on = spell is not None and ended_on is not None and spell.end_reason is SpellEnd.ANOTHER_JOB
        outcome = Outcome.PROGRESSED if went_on else Outcome.SUSTAINED
        return Ending(wanted=True, lasted=True, outcome=outcome, decided_on=started_on)
    lasted = None if ended_on is None else False
    return Ending(wanted=True, lasted=lasted, outcome=Outcome.STARTED, decided_on=started_on)


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
class ShownList:
    """A shortlist as it was shown, and how far each of its pairs came."""

    jobseeker: str
    shown_on: date
    pairs: Sequence[dict[Feature, Value]]
    grades: Sequence[int]


def shown_lists(session: Session, decided: Iterable[Case], since: date) -> list[ShownList]:
    """Return the shortlists from a day on that led to at least one decided introduction."""
    grade = {(case.jobseeker, case.placement): int(case.outcome) for case in decided}
    lists: dict[UUID, list[ShortlistMatch]] = defaultdict(list)
    rows: Any = session.execute(
        select(ShortlistMatch, Shortlist.shown_on)
        .join(
            Shortlist,
            (Shortlist.partner_id == ShortlistMatch.partner_id) & (Shortlist.id == ShortlistMatch.shortlist_id),
        )
        .where(Shortlist.shown_on >= since, Shortlist.jobseeker_id.is_not(None))
        .order_by(ShortlistMatch.shortlist_id, ShortlistMatch.rank)
    )
    days: dict[UUID, date] = {}
    for match, shown_on in rows:
        lists[match.shortlist_id].append(match)
        days[match.shortlist_id] = shown_on
    found = []
    for shortlist_id, matches in lists.items():
        keys = [(str(match.jobseeker_id), str(match.placement_id)) for match in matches]
        if any(key in grade for key in keys):
            found.append(
                ShownList(
                    keys[0][0],
                    days[shortlist_id],
                    [values_of(match) for match in matches],
                    [grade.get(key, 0) for key in keys],
                )
            )
    return found


def groups(session: Session) -> dict[str, dict[str, str]]:
    """Return equality monitoring by person, for figures of groups only; who has not answered is in none."""
    answers: dict[str, dict[str, str]] = {"sex": {}, "ethnic_group": {}, "long_term_condition": {}}
    for row in session.scalars(select(MonitoringAnswers).where(as_known(MonitoringAnswers))):
        for question, of_people in answers.items():
            of_people[str(row.jobseeker_id)] = getattr(row, question)
    return answers
