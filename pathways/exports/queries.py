"""Every SELECT on exports, and the facts about each jobseeker as known at an instant.

A month is made from millions of rows. Each table is read through a server-side cursor, ordered by jobseeker. All tables
are read side by side, so that only one jobseeker's rows are in memory at a time, however many jobseekers there are.
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
from pathways.claims import queries as claim_queries
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
    """Select the exports visible to the actor.

    A commissioner sees its own figures. The operator, who makes the figures, sees those of all commissioners: figures
    contain no personal data. A claims file is visible only to the user who made it.
    """
    figures = select(Export).where(Export.kind == ExportKind.OUTCOMES)
    if actor.role is Role.OPERATOR:
        return figures
    rows = select(Export).where(Export.commissioner_id == actor.organisation_id)
    return rows.where(or_(Export.kind == ExportKind.OUTCOMES, Export.by == actor.user_id))


def export(session: Session, actor: Actor, export_id: UUID) -> Export:
    row = session.scalars(visible_to(actor).where(Export.id == export_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such export, or you may not see it. Check the id.")
    return row


def published(
    session: Session, actor: Actor, month: str, commissioner_id: UUID | None, programme_id: UUID | None
) -> Export:
    """Return the latest released figures of a month; raise NotFound if there are none."""
    row = session.scalars(
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
    if row is None:
        raise NotFound("There are no figures for this month yet. Make an export of the month first.")
    return row


def certificate(session: Session, commissioner_id: UUID, folder: Path | None) -> bytes | None:
    """Return the certificate for encrypting a commissioner's claims files; None if the folder has no such file."""
    ref = session.scalars(select(Organisation.ref).where(Organisation.id == commissioner_id)).one()
    path = folder / f"{ref}.pem" if folder is not None else None
    return path.read_bytes() if path is not None and path.is_file() else None


def file_names(session: Session, export_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """Return the names of the files of each export, without reading their content."""
    rows = session.execute(
        select(ExportFile.export_id, ExportFile.name)
        .where(ExportFile.export_id.in_(list(export_ids)))
        .order_by(ExportFile.name)
    )
    names: dict[UUID, list[str]] = defaultdict(list)
    for export_id, name in rows:
        names[export_id].append(name)
    return names


def file(session: Session, export: Export, name: str) -> ExportFile:
    row = session.scalars(
        select(ExportFile).where(ExportFile.export_id == export.id, ExportFile.name == name)
    ).one_or_none()
    if row is None:
        raise NotFound("There is no file of this name in the export. The export's files list gives the names.")
    return row


def programmes_of(session: Session, commissioner_id: UUID, at: datetime) -> list[Programme]:
    """Return the programmes of a commissioner that had been recorded by an instant."""
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
    """Return a commissioner's submitted claims that changed state in a month, as known at an instant."""
    first, last = month.first_day, month.last_day
    included = _moved_claims(session, commissioner_id, programme_id, month, at)
    about = _about_claims(session, [rows[0][1] for rows in included.values()])
    tiers = _tiers(session, [outcome for outcome, _, _ in about.values()])
    return [_claim_line(rows, tiers, about[key], first, last) for key, rows in included.items()]


def people_of_claims_file(session: Session, export: Export) -> set[UUID]:
    """Return the jobseekers whose claims a claims file has, found again from what was recorded when it was made.

    The file itself has only pseudonyms, and may be encrypted for its recipient.
    """
    month = Month.parse(export.month)
    claims = _moved_claims(session, export.commissioner_id, export.programme_id, month, export.made_at)
    return {rows[0][1].jobseeker_id for rows in claims.values()}


def _moved_claims(
    session: Session, commissioner_id: UUID, programme_id: UUID | None, month: Month, at: datetime
) -> dict[UUID, list[Any]]:
    """Return, by claim id, the moves, the claim and its programme's reference, of claims that moved in a month."""
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
    moves_of: dict[UUID, list[Any]] = defaultdict(list)
    for row in session.execute(moved):
        moves_of[row[1].id].append(row)
    return {
        key: rows
        for key, rows in moves_of.items()
        if any(
            move.event != "draft" and move.answers_id is None and first <= move.valid_on <= last for move, *_ in rows
        )
        and any(move.event == "submit" for move, *_ in rows)
    }


def _tiers(session: Session, outcomes: Sequence[Outcome]) -> dict[str, str]:
    """Return the tier of each evidence item of these outcomes, by the item's id."""
    partners = {outcome.partner_id for outcome in outcomes}
    ids = {UUID(item) for outcome in outcomes for item in outcome.evidence_ids}
    rows = select(Evidence.id, Evidence.tier).where(Evidence.partner_id.in_(partners), Evidence.id.in_(ids))
    return {str(key): tier for key, tier in session.execute(rows)}


def _days(outcome: Outcome) -> int:
    """Return the number of distinct days of work that an outcome is based on.

    The days are read from the outcome, because the days of a failed or reversed claim have been deleted.
    """
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
        worst.value if (worst := claim_queries.worst_answer(claim_queries.funders_answers(moves).values())) else "no",
    )


def next_number(session: Session, commissioner_id: UUID, programme_id: UUID | None, month: str) -> int:
    """Return the version number of the next claims file of a month."""
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
    """Return the ids of the expired exports that still have files."""
    rows = select(Export.id).where(Export.commissioner_id == commissioner_id, Export.expires_on < on)
    has_file = select(ExportFile.id).where(ExportFile.export_id == Export.id)
    return list(session.scalars(rows.where(has_file.exists()).order_by(Export.id)))


def lock(session: WriteSession, commissioner_id: UUID) -> None:
    """Lock a commissioner until the transaction ends, so that no other release is stored meanwhile."""
    session.execute(select(Organisation.id).where(Organisation.id == commissioner_id).with_for_update())


def released_ids(session: Session, commissioner_id: UUID) -> list[UUID]:
    rows = select(Release.export_id).where(Release.commissioner_id == commissioner_id).order_by(Release.export_id)
    return list(session.scalars(rows))


def released(session: Session, commissioner_id: UUID) -> list[tuple[UUID, StoredRelease]]:
    """Return every release of a commissioner's figures, oldest first."""
    rows = (
        select(Release.export_id, Release.content)
        .where(Release.commissioner_id == commissioner_id)
        .order_by(Release.export_id)
    )
    return [(export_id, unpacked(content)) for export_id, content in session.execute(rows)]


def closed_months(session: Session, commissioner_id: UUID, programme_id: UUID | None, before: Month) -> list[Closed]:
    """Return the closed months before a month, oldest first."""
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
    """Return the ids (driver's format) of the records that were merged, or separated again, between two instants."""
    rows = select(Merge.merged_id, Merge.jobseeker_id).where(
        Merge.partner_id.in_(partners), Merge.recorded_at > after, Merge.recorded_at <= until
    )
    return {driven(session)(key) for pair in session.execute(rows) for key in pair}


def is_machine(session: Session, user_id: UUID) -> bool:
    """Return whether a user is a machine account."""
    return bool(session.scalars(select(User.is_machine).where(User.id == user_id)).one_or_none())


def commissioners(session: Session) -> list[UUID]:
    """Return the ids of all commissioners with a programme."""
    return list(session.scalars(select(Programme.commissioner_id).distinct()))


AT_ONCE = 2_000  # rows fetched from each table at a time


def _raw(column: Any) -> Any:
    """Select a key in the driver's format, without converting it to a UUID.

    The keys are only compared with each other, and converting each key would take most of the running time.
    """
    return type_coerce(column, NullType())


Add = Callable[[Life, Any], None]


def _tables(partners: list[UUID], at: datetime) -> list[tuple[Select[Any], Add]]:
    """Return a query for each table that journeys are made from, with the function that adds its rows to a ``Life``."""

    def facts_of_people(model: Any, *columns: Any) -> Select[Any]:
        return (
            select(_raw(model.partner_id), _raw(model.jobseeker_id), _raw(model.id), *columns)
            .where(model.partner_id.in_(partners), as_known(model, at))
            .order_by(model.partner_id, model.jobseeker_id, model.valid_on, model.recorded_at, model.id)
        )

    referrals = (
        facts_of_people(
            ReferralMove,
            ReferralMove.event,
            _raw(ReferralMove.referral_id),
            ReferralMove.valid_on,
            Referral.source_type,
        )
        .join(Referral, (Referral.partner_id == ReferralMove.partner_id) & (Referral.id == ReferralMove.referral_id))
        .where(ReferralMove.event.in_(["submit", "decline", "withdraw"]))
    )
    enrolments = facts_of_people(
        EnrolmentMove,
        EnrolmentMove.event,
        _raw(EnrolmentMove.enrolment_id),
        _raw(EnrolmentMove.programme_id),
        _raw(EnrolmentMove.referral_id),
        EnrolmentMove.valid_on,
    ).where(EnrolmentMove.event.in_(["start", "end"]))
    cases = facts_of_people(JobseekerMove, JobseekerMove.event, JobseekerMove.valid_on).where(
        JobseekerMove.event.in_(["close", "void"])
    )
    introductions = facts_of_people(IntroductionMove, IntroductionMove.event, IntroductionMove.valid_on).where(
        IntroductionMove.event.in_(["send", "offer"])
    )
    # Once a version of the profile was agreed to, the profile counts as agreed, even if a later version was not.
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
    contacts = facts_of_people(Contact, Contact.valid_on).where(Contact.with_whom == ContactWith.EMPLOYER)
    spells = facts_of_people(
        SpellVersion,
        _raw(SpellVersion.enrolment_id),
        _raw(SpellVersion.spell_id),
        _raw(SpellVersion.kind),
        SpellVersion.started_on,
        SpellVersion.ended_on,
    )
    hours = facts_of_people(SpellHours, _raw(SpellHours.spell_id), SpellHours.valid_on, SpellHours.hours)
    outcomes = facts_of_people(
        Outcome, _raw(Outcome.enrolment_id), Outcome.rule, Outcome.rule_version, Outcome.valid_on
    )
    monitoring = facts_of_people(
        MonitoringAnswers, MonitoringAnswers.sex, MonitoringAnswers.ethnic_group, MonitoringAnswers.long_term_condition
    )
    details = facts_of_people(JobseekerDetails, JobseekerDetails.date_of_birth, JobseekerDetails.postcode)
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
    """One table read through a cursor, ordered by jobseeker; ``head`` is the next row, or None at the end."""

    def __init__(self, session: Session, query: Select[Any], add: Add) -> None:
        self.add = add
        result = session.connection().execute(query, execution_options={"yield_per": AT_ONCE})
        self._rows = iter(result)
        self.head: Any = next(self._rows, None)

    def next(self) -> None:
        self.head = next(self._rows, None)


def _is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"


def driven(session: Session) -> Callable[[UUID], Any]:
    """Return the function that converts a UUID to the format in which the database driver returns ids."""
    return (lambda key: key) if _is_postgresql(session) else (lambda key: key.hex)


def lives(session: Session, partners: list[UUID], at: datetime) -> Iterator[tuple[Any, Any, Life]]:
    """Yield partner id, jobseeker id and facts as known at an instant, for each jobseeker of these partners.

    Ids are in the driver's format. Jobseekers with records that were ever merged come last, because their rows are
    stored under several ids.
    """
    if _is_postgresql(session):
        session.execute(text("SET LOCAL statement_timeout = 0"))  # each cursor stays open until all jobseekers are read
    as_driven = driven(session)
    into, owners = jobseeker_queries.merged_at(session, partners, at)
    merged = select(Merge.merged_id, Merge.jobseeker_id).where(Merge.partner_id.in_(partners))
    touched = {as_driven(key) for pair in session.execute(merged) for key in pair}
    final_record = {as_driven(record): as_driven(_last(into, record)) for record in into}
    owner_of_row = {as_driven(row): as_driven(owner) for row, owner in owners.items()}
    merged_lives: dict[tuple[Any, Any], Life] = defaultdict(Life)
    cursors = [_Cursor(session, query, add) for query, add in _tables(partners, at)]
    while heads := [(cursor.head[0], cursor.head[1]) for cursor in cursors if cursor.head is not None]:
        partner, person = min(heads)
        life, is_touched = Life(), person in touched
        for cursor in cursors:
            row, follows_merge = cursor.head, cursor is cursors[PROFILES]
            while row is not None and row[1] == person and row[0] == partner:
                if is_touched:
                    target = final_record.get(person, person) if follows_merge else owner_of_row.get(row[2], person)
                    cursor.add(merged_lives[partner, target], row)
                else:
                    cursor.add(life, row)
                cursor.next()
                row = cursor.head
        if not is_touched:
            yield partner, person, life
    for (partner, person), life in sorted(merged_lives.items(), key=lambda item: item[0]):
        _in_order(life)
        yield partner, person, life


PROFILES = 4  # index of profiles in ``_tables``; a merged record's profile counts for the kept record


def _last(into: dict[UUID, UUID], record: UUID) -> UUID:
    """Return the last record of a chain of merges; ``into`` names the record that each record was merged into."""
    while record in into:
        record = into[record]
    return record


def _in_order(life: Life) -> None:
    """Sort rows that come from several records of one jobseeker by their day."""
    life.referrals.sort(key=lambda row: row[2])
    life.enrolments.sort(key=lambda row: row[4])
    life.introductions.sort(key=lambda row: row[1])
    for days in (life.closed, life.profiled, life.contacted):
        days.sort()


def journeys(session: Session, programmes: list[Programme], at: datetime, until: date) -> Iterator[Journey]:
    """Yield the journeys of all jobseekers on these programmes up to the day ``until``, as known at an instant."""
    partners = sorted({programme.partner_id for programme in programmes}, key=str)
    month_frame = frame(session, programmes, partners, at, until)
    for partner, person, life in lives(session, partners, at):
        yield from journeys_of(life, partner, person, month_frame)


def frame(session: Session, programmes: Sequence[Programme], partners: list[UUID], at: datetime, until: date) -> Frame:
    """Return the settings for making journeys on these programmes up to the day ``until``, as known at an instant."""
    as_driven = driven(session)
    running: dict[Any, list[tuple[Any, date, date | None]]] = defaultdict(list)
    rows = select(Programme).where(Programme.partner_id.in_(partners), Programme.made_at <= at)
    for programme in session.scalars(rows):
        running[as_driven(programme.partner_id)].append(
            (as_driven(programme.id), programme.starts_on, programme.ends_on)
        )
    weeks_of = {
        (version.rule, version.version): version.weeks_required
        for version in outcome_rules.all_versions(session).values()
        # in other rules the weeks are a factor of the price, not weeks in work
        if rules.Basis(version.basis) is rules.Basis.HOURS_WEEKS
    }
    return Frame(
        wanted={as_driven(programme.id): programme.ref for programme in programmes},
        running=lambda partner: running[partner],
        until=until,
        kinds=progression_queries.kinds_that_count(until),
        least_hours=tables.limit("job_start_paid_hours", until),
        weeks_of=weeks_of,
        postcode_area=lru_cache(maxsize=10_000)(outcode_of),
    )
