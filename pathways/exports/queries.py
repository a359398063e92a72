"""Every SELECT on exports, and what is known of people at an instant, read person by person.

A month rests on millions of rows. Each table is read by a cursor of the server's, in the order of people, and all of
them side by side, so that one person at a time is in memory, however many there are.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select, text, type_coerce
from sqlalchemy.types import NullType

from pathways.access.models import User
from pathways.base import Actor, Role
from pathways.claims.models import Claim, ClaimMove
from pathways.database import Session, WriteSession
from pathways.enrolments.models import Enrolment, EnrolmentMove
from pathways.errors import NotFound
from pathways.exports.adjustments import Closed
from pathways.exports.claim_lines import ClaimLine
from pathways.exports.cohort import EVERYBODY
from pathways.exports.journeys import Frame, Journey, Life, journeys_of
from pathways.exports.models import Export, ExportFile, ExportKind, ExportState, Release
from pathways.exports.months import Month
from pathways.exports.releases import StoredRelease, unpacked
from pathways.facts import as_known
from pathways.introductions.models import IntroductionMove
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import (
    Contact,
    ContactWith,
    JobseekerDetails,
    JobseekerMove,
    Merge,
    MonitoringAnswers,
    ProfileVersion,
)
from pathways.organisations.models import Organisation
from pathways.programmes.models import Programme
from pathways.progression import queries as progression_queries
from pathways.progression import rules
from pathways.progression.models import Evidence, Outcome, SpellHours, SpellVersion
from pathways.reference import outcome_rules, tables
from pathways.reference.postcodes import outcode_of
from pathways.referrals.models import Referral, ReferralMove


def visible_to(actor: Actor) -> Select[Export]:
    """A commissioner sees its own figures, the operator, who makes them for all, everybody's: they hold no person.

    A file of claims is seen by whoever made it.
    """
    figures = select(Export).where(Export.kind == ExportKind.OUTCOMES)
    if actor.role is Role.OPERATOR:
        return figures
    rows = select(Export).where(Export.commissioner_id == actor.organisation_id)
    return rows.where(or_(Export.kind == ExportKind.OUTCOMES, Export.by == actor.user_id))


def export(session: Session, actor: Actor, export_id: UUID) -> Export:
    found = session.scalars(visible_to(actor).where(Export.id == export_id)).one_or_none()
    if found is None:
        raise NotFound("There is no such export.")
    return found


def published(
    session: Session, actor: Actor, month: str, commissioner_id: UUID | None, programme_id: UUID | None
) -> Export:
    """Return the figures of a month as they were released last."""
    found = session.scalars(
        visible_to(actor)
        .where(
            Export.kind == ExportKind.OUTCOMES,
            Export.month == month,
            Export.commissioner_id == (commissioner_id or actor.organisation_id),
            Export.programme_key == str(programme_id or EVERYBODY),
        )
        .order_by(Export.number.desc())
        .limit(1)
    ).first()
    if found is None:
        raise NotFound("There are no figures of this month yet. Make an export of it first.")
    return found


def certificate(session: Session, commissioner_id: UUID, folder: Path | None) -> bytes | None:
    """Return the certificate files for a commissioner are sealed for, where one lies in the folder of the setting."""
    ref = session.scalars(select(Organisation.ref).where(Organisation.id == commissioner_id)).one()
    path = folder / f"{ref}.pem" if folder is not None else None
    return path.read_bytes() if path is not None and path.is_file() else None


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


def programmes_of(session: Session, commissioner_id: UUID, at: datetime) -> list[Programme]:
    """Return the programmes a commissioner paid for at an instant."""
    rows = select(Programme).where(Programme.commissioner_id == commissioner_id, Programme.made_at <= at)
    return list(session.scalars(rows.order_by(Programme.ref)))


def latest(session: Session, commissioner_id: UUID, programme_id: UUID | None, month: str) -> Export | None:
    """Return the latest version of a month's figures."""
    return session.scalars(
        select(Export)
        .where(
            Export.commissioner_id == commissioner_id,
            Export.kind == ExportKind.OUTCOMES,
            Export.programme_key == str(programme_id or EVERYBODY),
            Export.month == month,
        )
        .order_by(Export.number.desc())
        .limit(1)
    ).first()


def claim_lines(
    session: Session, commissioner_id: UUID, programme_id: UUID | None, month: Month, at: datetime
) -> list[ClaimLine]:
    """Return the claims to a commissioner that moved in a month beyond their draft, as they stood at an instant."""
    first, last = month.first_day, month.last_day
    moved = (
        select(ClaimMove, Claim, Programme.ref)
        .join(Claim, (Claim.partner_id == ClaimMove.partner_id) & (Claim.id == ClaimMove.claim_id))
        .join(Programme, Programme.id == Claim.programme_id)
        .where(Claim.commissioner_id == commissioner_id, ClaimMove.recorded_at <= at)
        .order_by(Claim.id, ClaimMove.id)
    )
    if programme_id is not None:
        moved = moved.where(Claim.programme_id == programme_id)
    found: dict[UUID, list[Any]] = defaultdict(list)
    for row in session.execute(moved):
        found[row[1].id].append(row)
    kept = {
        key: rows
        for key, rows in found.items()
        if any(move.event != "draft" and first <= move.valid_on <= last for move, *_ in rows)
        and any(move.event == "submit" for move, *_ in rows)
    }
    about = _about_claims(session, [rows[0][1] for rows in kept.values()])
    tiers = _tiers(session, [outcome for outcome, _, _ in about.values()])
    return [_claim_line(rows, tiers, about[key], first, last) for key, rows in kept.items()]


def _tiers(session: Session, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the tier of each item of evidence that some outcomes rest on."""
    partners = {outcome.partner_id for outcome in outcomes}
    ids = {UUID(item) for outcome in outcomes for item in outcome.evidence_ids}
    rows = select(Evidence.id, Evidence.tier).where(Evidence.partner_id.in_(partners), Evidence.id.in_(ids))
    return {str(key): tier for key, tier in session.execute(rows)}


def _days(outcome: Outcome) -> int:
    """Return the days of work an outcome rests on, each once: a claim that does not stand any more holds none."""
    spans = [(date.fromisoformat(begun), date.fromisoformat(over)) for _, begun, over in outcome.rests_on]
    return len({day for begun, over in spans for day in range(begun.toordinal(), over.toordinal() + 1)})


def _about_claims(session: Session, claims: Sequence[Claim]) -> dict[UUID, tuple[Outcome, Enrolment, date | None]]:
    rows = session.execute(
        select(Claim.id, Outcome, Enrolment, Referral.referred_on)
        .join(Outcome, (Outcome.partner_id == Claim.partner_id) & (Outcome.id == Claim.outcome_id))
        .join(Enrolment, (Enrolment.partner_id == Claim.partner_id) & (Enrolment.id == Claim.enrolment_id))
        .join(Referral, (Referral.partner_id == Enrolment.partner_id) & (Referral.id == Enrolment.referral_id))
        .where(Claim.id.in_([claim.id for claim in claims]))
    )
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _claim_line(
    rows: Sequence[Any],
    tiers: dict[str, str],
    about: tuple[Outcome, Enrolment, date | None],
    first: date,
    last: date,
) -> ClaimLine:
    moves, claim, programme = [row[0] for row in rows], rows[0][1], rows[0][2]
    outcome, enrolment, referred_on = about
    paid = sum(move.pence for move in moves)
    return ClaimLine(
        str(claim.id),
        claim.participant_ref,
        programme,
        claim.rule,
        claim.rule_version,
        moves[-1].to_state,
        referred_on,
        enrolment.started_on,
        claim.achieved_on,
        outcome.weeks_counted,
        _days(outcome),
        max((tiers[item] for item in outcome.evidence_ids if item in tiers), default=None),
        tuple(sorted(outcome.evidence_ids)),
        claim.pence,
        paid if any(move.event in {"pay", "reverse"} for move in moves) else None,
        sum(move.pence for move in moves if move.event == "reverse" and first <= move.valid_on <= last),
        claim.is_subsidised,
        claim.is_own_supply_chain,
        claim.has_other_funding,
        claim.attempt,
        str(claim.earlier_id) if claim.earlier_id else None,
    )


def next_number(session: Session, commissioner_id: UUID, programme_id: UUID | None, month: str) -> int:
    """Return the number of the next file of a month's claims."""
    last = session.scalars(
        select(func.max(Export.number)).where(
            Export.commissioner_id == commissioner_id,
            Export.kind == ExportKind.CLAIMS,
            Export.programme_key == str(programme_id or EVERYBODY),
            Export.month == month,
        )
    ).one()
    return (last or 0) + 1


def expired(session: Session, commissioner_id: UUID, on: date) -> list[UUID]:
    """Return the files about persons that are kept no longer."""
    rows = select(Export.id).where(Export.commissioner_id == commissioner_id, Export.expires_on < on)
    there = select(ExportFile.id).where(ExportFile.export_id == Export.id)
    return list(session.scalars(rows.where(there.exists()).order_by(Export.id)))


def lock(session: WriteSession, commissioner_id: UUID) -> None:
    """Let nobody else release figures of this commissioner until this is done."""
    session.execute(select(Organisation.id).where(Organisation.id == commissioner_id).with_for_update())


def released_ids(session: Session, commissioner_id: UUID) -> list[UUID]:
    rows = select(Release.export_id).where(Release.commissioner_id == commissioner_id).order_by(Release.export_id)
    return list(session.scalars(rows))


def released(session: Session, commissioner_id: UUID) -> list[tuple[UUID, StoredRelease]]:
    """Return all that was ever released of a commissioner's figures, oldest first."""
    rows = (
        select(Release.export_id, Release.content)
        .where(Release.commissioner_id == commissioner_id)
        .order_by(Release.export_id)
    )
    return [(export_id, unpacked(content)) for export_id, content in session.execute(rows)]


def closed_months(session: Session, commissioner_id: UUID, programme_id: UUID | None, before: Month) -> list[Closed]:
    """Return the closed months before one, oldest first."""
    rows = (
        select(Export.month, Export.as_of, Release.content)
        .join(Release, Release.export_id == Export.id)
        .where(
            Export.commissioner_id == commissioner_id,
            Export.programme_key == str(programme_id or EVERYBODY),
            Export.state == ExportState.FROZEN,
            Export.month < str(before),
        )
        .order_by(Export.month)
    )
    return [Closed(Month.parse(month), as_of, unpacked(content)) for month, as_of, content in session.execute(rows)]


def merged_between(session: Session, partners: list[UUID], after: datetime, until: datetime) -> set[Any]:
    """Return whose records were merged, or a merge undone, between two instants; keys as the driver has them."""
    rows = select(Merge.merged_id, Merge.jobseeker_id).where(
        Merge.partner_id.in_(partners), Merge.recorded_at > after, Merge.recorded_at <= until
    )
    return {driven(session)(key) for pair in session.execute(rows) for key in pair}


def is_machine(session: Session, user_id: UUID) -> bool:
    return bool(session.scalars(select(User.is_machine).where(User.id == user_id)).one_or_none())


def commissioners(session: Session) -> list[UUID]:
    return list(session.scalars(select(Programme.commissioner_id).distinct()))


AT_ONCE = 2_000  # rows of each table that are fetched together


def _raw(column: Any) -> Any:
    """Select a key as the driver has it: it is compared and never shown, and making a UUID of each costs most."""
    return type_coerce(column, NullType())


Add = Callable[[Life, Any], None]


def _tables(partners: list[UUID], at: datetime) -> list[tuple[Select[Any], Add]]:
    """Return a query of each table that a journey rests on, and how its rows are put into a life."""

    def people_known(model: Any, *columns: Any) -> Select[Any]:
        return (
            select(_raw(model.partner_id), _raw(model.jobseeker_id), _raw(model.id), *columns)
            .where(model.partner_id.in_(partners), as_known(model, at))
            .order_by(model.partner_id, model.jobseeker_id, model.valid_on, model.recorded_at, model.id)
        )

    referrals = (
        people_known(
            ReferralMove,
            ReferralMove.event,
            _raw(ReferralMove.referral_id),
            ReferralMove.valid_on,
            Referral.source_type,
        )
        .join(Referral, (Referral.partner_id == ReferralMove.partner_id) & (Referral.id == ReferralMove.referral_id))
        .where(ReferralMove.event.in_(["submit", "decline", "withdraw"]))
    )
    enrolments = people_known(
        EnrolmentMove,
        EnrolmentMove.event,
        _raw(EnrolmentMove.enrolment_id),
        _raw(EnrolmentMove.programme_id),
        _raw(EnrolmentMove.referral_id),
        EnrolmentMove.valid_on,
    ).where(EnrolmentMove.event.in_(["start", "end"]))
    cases = people_known(JobseekerMove, JobseekerMove.event, JobseekerMove.valid_on).where(
        JobseekerMove.event.in_(["close", "void"])
    )
    introductions = people_known(IntroductionMove, IntroductionMove.event, IntroductionMove.valid_on).where(
        IntroductionMove.event.in_(["send", "offer"])
    )
    # A later version does not undo that a profile was agreed to.
    profiles = (
        select(_raw(ProfileVersion.partner_id), _raw(ProfileVersion.jobseeker_id), _raw(ProfileVersion.id))
        .add_columns(ProfileVersion.agreed_on)
        .where(
            ProfileVersion.partner_id.in_(partners),
            ProfileVersion.agreed_on.is_not(None),
            ProfileVersion.recorded_at <= at,
        )
        .order_by(ProfileVersion.partner_id, ProfileVersion.jobseeker_id, ProfileVersion.agreed_on, ProfileVersion.id)
    )
    contacts = people_known(Contact, Contact.valid_on).where(Contact.with_whom == ContactWith.EMPLOYER)
    spells = people_known(
        SpellVersion,
        _raw(SpellVersion.enrolment_id),
        _raw(SpellVersion.spell_id),
        _raw(SpellVersion.kind),
        SpellVersion.started_on,
        SpellVersion.ended_on,
    )
    hours = people_known(SpellHours, _raw(SpellHours.spell_id), SpellHours.valid_on, SpellHours.hours)
    outcomes = people_known(Outcome, _raw(Outcome.enrolment_id), Outcome.rule, Outcome.rule_version, Outcome.valid_on)
    monitoring = people_known(
        MonitoringAnswers,
        MonitoringAnswers.sex,
        MonitoringAnswers.ethnic_group,
        MonitoringAnswers.long_term_condition,
    )
    details = people_known(JobseekerDetails, JobseekerDetails.date_of_birth, JobseekerDetails.postcode)
    return [
        (referrals, _add_referral),
        (enrolments, lambda life, row: life.enrolments.append(row[3:])),
        (cases, _add_case),
        (introductions, lambda life, row: life.introductions.append(row[3:])),
        (profiles, lambda life, row: life.profiled.append(row[3])),
        (contacts, lambda life, row: life.contacted.append(row[3])),
        (spells, lambda life, row: life.spells.append(row[3:])),
        (hours, lambda life, row: life.hours.append(row[3:])),
        (outcomes, lambda life, row: life.outcomes.append(row[3:])),
        (monitoring, lambda life, row: life.monitoring.append(row[3:])),
        (details, lambda life, row: life.details.append(row[3:])),
    ]


def _add_referral(life: Life, row: Any) -> None:
    life.referrals.append((row[3], row[4], row[5]))
    life.sources[row[4]] = row[6].value


def _add_case(life: Life, row: Any) -> None:
    if row[3] == "void":
        life.is_void = True
    else:
        life.closed.append(row[4])


class _Cursor:
    """One table, read in the order of people."""

    def __init__(self, session: Session, query: Select[Any], add: Add) -> None:
        self.add = add
        found = session.connection().execute(query, execution_options={"yield_per": AT_ONCE})
        self._rows = iter(found)
        self.head: Any = next(self._rows, None)

    def next(self) -> None:
        self.head = next(self._rows, None)


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def driven(session: Session) -> Callable[[UUID], Any]:
    """Return how a key is as the driver has it."""
    return (lambda key: key) if _is_postgresql(session) else (lambda key: key.hex)


def lives(session: Session, partners: list[UUID], at: datetime) -> Iterator[tuple[Any, Any, Life]]:
    """Return what was known of each person of some partners at an instant, one person after another.

    Keys are as the driver has them. People whose records were ever merged come last: their rows lie apart.
    """
    if _is_postgresql(session):
        session.execute(text("SET LOCAL statement_timeout = 0"))  # one statement reads for as long as people are read
    as_driven = driven(session)
    into, whose = jobseeker_queries.merged_at(session, partners, at)
    merged = select(Merge.merged_id, Merge.jobseeker_id).where(Merge.partner_id.in_(partners))
    touched = {as_driven(key) for pair in session.execute(merged) for key in pair}
    followed = {as_driven(one): as_driven(_last(into, one)) for one in into}
    theirs = {as_driven(row): as_driven(one) for row, one in whose.items()}
    apart: dict[tuple[Any, Any], Life] = defaultdict(Life)
    cursors = [_Cursor(session, query, add) for query, add in _tables(partners, at)]
    while heads := [(one.head[0], one.head[1]) for one in cursors if one.head is not None]:
        partner, person = min(heads)
        life, is_touched = Life(), person in touched
        for one in cursors:
            row, follows = one.head, one is cursors[PROFILES]
            while row is not None and row[1] == person and row[0] == partner:
                if is_touched:
                    target = followed.get(person, person) if follows else theirs.get(row[2], person)
                    one.add(apart[partner, target], row)
                else:
                    one.add(life, row)
                one.next()
                row = one.head
        if not is_touched:
            yield partner, person, life
    for (partner, person), life in sorted(apart.items(), key=lambda one: one[0]):
        _in_order(life)
        yield partner, person, life


PROFILES = 4  # the place of profiles among the tables: of a record that was merged its profile is the other one's


def _last(into: dict[UUID, UUID], one: UUID) -> UUID:
    while one in into:
        one = into[one]
    return one


def _in_order(life: Life) -> None:
    """Put what two records told into the order it was true."""
    life.referrals.sort(key=lambda row: row[2])
    life.enrolments.sort(key=lambda row: row[4])
    life.introductions.sort(key=lambda row: row[1])
    for days in (life.closed, life.profiled, life.contacted):
        days.sort()


def journeys(session: Session, programmes: list[Programme], at: datetime, until: date) -> Iterator[Journey]:
    """Return each person's journeys on some programmes, as known at an instant, up to a day; see ``journeys_of``."""
    partners = sorted({programme.partner_id for programme in programmes}, key=str)
    made_by = frame(session, programmes, partners, at, until)
    for partner, person, life in lives(session, partners, at):
        yield from journeys_of(life, partner, person, made_by)


def frame(session: Session, programmes: Sequence[Programme], partners: list[UUID], at: datetime, until: date) -> Frame:
    """Return what a month's journeys are made by, on some programmes, as known at an instant, up to a day."""
    as_driven = driven(session)
    running: dict[Any, list[tuple[Any, date, date | None]]] = defaultdict(list)
    for one in session.scalars(select(Programme).where(Programme.partner_id.in_(partners), Programme.made_at <= at)):
        running[as_driven(one.partner_id)].append((as_driven(one.id), one.starts_on, one.ends_on))
    weeks_of = {
        (people_known.rule, people_known.version): people_known.weeks_required
        for people_known in outcome_rules.all_versions(session).values()
        # of other rules weeks are a factor of money, not weeks in work
        if rules.Basis(people_known.basis) is rules.Basis.HOURS_WEEKS
    }
    return Frame(
        wanted={as_driven(one.id): one.ref for one in programmes},
        running=lambda partner: running[partner],
        until=until,
        kinds=progression_queries.kinds_that_count(until),
        least_hours=tables.limit("job_start_paid_hours", until),
        weeks_of=weeks_of,
        postcode_area=lru_cache(maxsize=10_000)(outcode_of),
    )
