"""Every SELECT on exports, and the facts behind a month as they were known at an instant."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Select, select

from pathways.base import Actor, Role
from pathways.database import Session
from pathways.enrolments.models import EnrolmentMove
from pathways.errors import NotFound
from pathways.exports.cohort import Journey
from pathways.exports.models import Export, ExportFile
from pathways.facts import as_known
from pathways.introductions.models import IntroductionMove
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import JobseekerMove, JobseekerState, ProfileVersion
from pathways.programmes.models import Programme
from pathways.progression import queries as progression_queries
from pathways.progression import rules
from pathways.progression.models import Outcome, SpellHours, SpellVersion
from pathways.reference import outcome_rules, tables
from pathways.referrals.models import ReferralMove


def visible_to(actor: Actor) -> Select[Export]:
    """A commissioner sees its own; the operator, who makes them for all, sees every one: they hold no person."""
    rows = select(Export)
    if actor.role is Role.OPERATOR:
        return rows
    return rows.where(Export.commissioner_id == actor.organisation_id)


def export(session: Session, actor: Actor, export_id: UUID) -> Export:
    found = session.scalars(visible_to(actor).where(Export.id == export_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such export.")
    return found


def file_names(session: Session, export_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Return the names of the files of each export; what they say is not read."""
    rows = session.execute(
        select(ExportFile.export_id, ExportFile.name)
        .where(ExportFile.export_id.in_(list(export_ids)))
        .order_by(ExportFile.name)
    )
    found: dict[UUID, list[str]] = defaultdict(list)
    for export_id, name in rows:
        found[export_id].append(name)
    return found


def file(session: Session, export: Export, name: str) -> ExportFile:
    found = session.scalars(
        select(ExportFile).where(ExportFile.export_id == export.id, ExportFile.name == name)
    ).one_or_none()
    if found is None:
        raise NotFound("There is no such file in this export.")
    return found


def programmes_of(session: Session, commissioner_id: UUID, programme_id: UUID | None, at: datetime) -> list[Programme]:
    """Return the programmes that were there at an instant."""
    rows = select(Programme).where(Programme.commissioner_id == commissioner_id, Programme.made_at <= at)
    if programme_id is not None:
        rows = rows.where(Programme.id == programme_id)
    return list(session.scalars(rows.order_by(Programme.ref)))


def commissioners(session: Session) -> list[UUID]:
    return list(session.scalars(select(Programme.commissioner_id).distinct()))


Person = tuple[UUID, UUID]  # partner, jobseeker


class Known:
    """Everything the tables of a month rest on, as it was known at an instant."""

    def __init__(self, session: Session, at: datetime, partners: list[UUID]) -> None:
        self.session = session
        self.at = at
        self.partners = partners
        self.merged_into, self.whose = jobseeker_queries.merged_at(session, partners, at)
        self.voided = self._people(
            select(JobseekerMove.partner_id, JobseekerMove.jobseeker_id).where(
                JobseekerMove.partner_id.in_(partners),
                JobseekerMove.to_state == JobseekerState.VOIDED.value,
                as_known(JobseekerMove, at),
            )
        )

    def _people(self, rows: Executable) -> set[Person]:
        return {(row[0], row[1]) for row in self.session.execute(rows)}

    def moves(self, model: Any, events: list[str]) -> list[Any]:
        """Return the moves of one kind that stood, in the order they were true."""
        rows = (
            select(model.__table__)
            .where(model.partner_id.in_(self.partners), model.event.in_(events), as_known(model, self.at))
            .order_by(model.valid_on, model.recorded_at, model.id)
        )
        found = [self._as_theirs(move) for move in self.session.execute(rows)]
        return [m for m in found if (m.partner_id, m.jobseeker_id) not in self.voided]

    def _as_theirs(self, move: Any) -> Any:
        """Return a move as being about whom it was then: a merge that came later, or was undone, moved it."""
        whose = self.whose.get(move.id)
        return move if whose is None else SimpleNamespace(**{**move._mapping, "jobseeker_id": whose})  # noqa: SLF001 - its public name

    def profiled(self) -> dict[Person, list[date]]:
        """The days on which jobseekers agreed to a profile; a later version does not undo that it happened."""
        found: dict[Person, list[date]] = defaultdict(list)
        rows = select(ProfileVersion.partner_id, ProfileVersion.jobseeker_id, ProfileVersion.agreed_on).where(
            ProfileVersion.partner_id.in_(self.partners),
            ProfileVersion.agreed_on.is_not(None),
            ProfileVersion.recorded_at <= self.at,
        )
        for partner_id, jobseeker_id, agreed_on in self.session.execute(rows):
            if agreed_on is not None:
                whose = jobseeker_id
                while whose in self.merged_into:  # its profile stays with a record that was merged; its case does not
                    whose = self.merged_into[whose]
                found[partner_id, whose].append(agreed_on)
        return found

    def spells(self) -> dict[UUID, list[rules.SpellFacts]]:
        """Return the spells of each enrolment."""
        weeks: dict[UUID, dict[date, Decimal]] = defaultdict(dict)
        hours = select(SpellHours.spell_id, SpellHours.valid_on, SpellHours.hours).where(
            SpellHours.partner_id.in_(self.partners), as_known(SpellHours, self.at)
        )
        for spell_id, week_from, amount in self.session.execute(hours):
            weeks[spell_id][week_from] = Decimal(amount)
        found: dict[UUID, list[rules.SpellFacts]] = defaultdict(list)
        versions = select(SpellVersion).where(
            SpellVersion.partner_id.in_(self.partners), as_known(SpellVersion, self.at)
        )
        for v in self.session.scalars(versions):
            found[v.enrolment_id].append(
                rules.SpellFacts(str(v.spell_id), v.kind.value, v.started_on, v.ended_on, weeks.get(v.spell_id, {}))
            )
        return found

    def outcomes(self) -> dict[UUID, dict[int, date]]:
        """Return, by enrolment, the first day a recorded outcome of 13 and of 26 weeks was met."""
        weeks_of = {
            (text.rule, text.version): text.weeks_required
            for text in outcome_rules.known(self.session).values()
            if rules.Basis(text.basis)
            is rules.Basis.HOURS_WEEKS  # of other rules weeks are a factor of money, not weeks in work
        }
        found: dict[UUID, dict[int, date]] = defaultdict(dict)
        rows = select(Outcome.enrolment_id, Outcome.rule, Outcome.rule_version, Outcome.valid_on).where(
            Outcome.partner_id.in_(self.partners), as_known(Outcome, self.at)
        )
        for enrolment_id, rule, version, met_on in self.session.execute(rows):
            weeks = weeks_of.get((rule, version))
            if weeks is not None:
                found[enrolment_id][weeks] = min(met_on, found[enrolment_id].get(weeks, met_on))
        return found


def journeys(session: Session, programmes: list[Programme], at: datetime, until: date) -> list[Journey]:
    """Return each person's journey on these programmes, as known at an instant, up to a day.

    A cohort is the month of the first referral that led to the enrolment. Somebody referred and not enrolled yet is
    counted with the partner's programme if it is the only one that ran on that day.
    """
    partners = sorted({programme.partner_id for programme in programmes}, key=str)
    known = Known(session, at, partners)
    submitted = [m for m in known.moves(ReferralMove, ["submit"]) if m.valid_on <= until]
    referred_on = {m.referral_id: m.valid_on for m in submitted}
    starts = [m for m in known.moves(EnrolmentMove, ["start"]) if m.valid_on <= until]
    ends = {m.enrolment_id: m.valid_on for m in known.moves(EnrolmentMove, ["end"])}
    wanted = {programme.id for programme in programmes}
    mine = [m for m in starts if m.programme_id in wanted]
    found = _enrolled(known, mine, ends, referred_on, until)
    waiting = _waiting(known, submitted, starts, ends, _only_programmes(session, programmes, partners, at))
    return [
        Journey({stage: day for stage, day in journey.items() if day <= until})
        for journey in [*found, *waiting]
        if journey["referred"] <= until
    ]


def _enrolled(
    known: Known, starts: list[EnrolmentMove], ends: dict[UUID, date], referred_on: dict[UUID, date], until: date
) -> list[dict[str, date]]:
    profiled, spells, outcomes = known.profiled(), known.spells(), known.outcomes()
    kinds, least = progression_queries.kinds_that_count(until), tables.limit("job_start_paid_hours", until)
    sent: dict[Person, list[date]] = defaultdict(list)
    offered: dict[Person, list[date]] = defaultdict(list)
    for move in known.moves(IntroductionMove, ["send", "offer"]):
        (sent if move.event == "send" else offered)[move.partner_id, move.jobseeker_id].append(move.valid_on)
    found = []
    for start in starts:
        person = (start.partner_id, start.jobseeker_id)
        end = ends.get(start.enrolment_id)
        journey = {"referred": referred_on.get(start.referral_id, start.valid_on), "started": start.valid_on}
        _first_within(journey, "profiled", profiled.get(person, []), start.valid_on, end)
        _first_within(journey, "introduced", sent.get(person, []), start.valid_on, end)
        _first_within(journey, "offered", offered.get(person, []), start.valid_on, end)
        work = [spell for spell in spells.get(start.enrolment_id, []) if spell.started_on >= start.valid_on]
        started = rules.job_started_on(work, kinds, least)
        if started is not None:
            journey["in_work"] = started
        for weeks, met_on in outcomes.get(start.enrolment_id, {}).items():
            journey[f"sustained_{weeks}"] = met_on
        if end is not None:
            journey["left"] = end
        found.append(journey)
    return found


def _first_within(journey: dict[str, date], stage: str, days: list[date], start: date, end: date | None) -> None:
    inside = [day for day in days if day >= start and (end is None or day <= end)]
    if inside:
        journey[stage] = min(inside)


def _only_programmes(
    session: Session, programmes: list[Programme], partners: list[UUID], at: datetime
) -> dict[UUID, list[tuple[Programme, bool]]]:
    """Return every programme of each partner, and whether it is one of those asked for."""
    wanted = {programme.id for programme in programmes}
    found: dict[UUID, list[tuple[Programme, bool]]] = defaultdict(list)
    for programme in session.scalars(
        select(Programme).where(Programme.partner_id.in_(partners), Programme.made_at <= at)
    ):
        found[programme.partner_id].append((programme, programme.id in wanted))
    return found


def _waiting(
    known: Known,
    submitted: list[ReferralMove],
    starts: list[EnrolmentMove],
    ends: dict[UUID, date],
    programmes: dict[UUID, list[tuple[Programme, bool]]],
) -> list[dict[str, date]]:
    """People referred whose referral led to no enrolment: once a person, from the earliest such referral."""
    used = {start.referral_id for start in starts}
    spans: dict[Person, list[tuple[date, date]]] = defaultdict(list)
    day_of = {m.referral_id: m.valid_on for m in submitted}
    for start in starts:
        begins = min(day_of.get(start.referral_id, start.valid_on), start.valid_on)
        spans[start.partner_id, start.jobseeker_id].append((begins, ends.get(start.enrolment_id, date.max)))
    refused = {m.referral_id: m.valid_on for m in known.moves(ReferralMove, ["decline", "withdraw"])}
    closed: dict[Person, date] = {}
    for close in known.moves(JobseekerMove, ["close"]):
        closed.setdefault((close.partner_id, close.jobseeker_id), close.valid_on)
    earliest: dict[Person, dict[str, date]] = {}
    for move in submitted:
        person = (move.partner_id, move.jobseeker_id)
        running = [
            is_wanted
            for programme, is_wanted in programmes[move.partner_id]
            if programme.starts_on <= move.valid_on
            and (programme.ends_on is None or move.valid_on <= programme.ends_on)
        ]
        is_inside = any(begins <= move.valid_on <= over for begins, over in spans.get(person, []))
        if move.referral_id in used or is_inside or running != [True] or person in earliest:
            continue
        journey = {"referred": move.valid_on}
        over = [day for day in (refused.get(move.referral_id), closed.get(person)) if day is not None]
        if over:
            journey["left"] = max(min(over), move.valid_on)
        earliest[person] = journey
    return list(earliest.values())
