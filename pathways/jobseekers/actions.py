"""Every change to a jobseeker's record."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import event, select
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from pathways.base import Actor
from pathways.database import Session, WriteSession, insert_many
from pathways.errors import Conflict, RuleBroken, StaleVersion
from pathways.facts import MoveRefused, destination, possible_events
from pathways.jobseekers import formats, known, queries
from pathways.jobseekers.models import (
    DETAIL_NAMES,
    JOBSEEKER_MOVES,
    PROFILE_NAMES,
    AboutPerson,
    CaseworkerAssignment,
    ConfirmedWord,
    Contact,
    ExclusionKind,
    Jobseeker,
    JobseekerDetails,
    JobseekerEvent,
    JobseekerMove,
    JobseekerState,
    MonitoringAnswers,
    ProfileVersion,
    SafetyExclusion,
    SharingPermission,
    Supporter,
)
from pathways.jobseekers.schemas import (
    ConfirmedWordOut,
    DetailsFields,
    DetailsOut,
    JobseekerOut,
    MonitoringCount,
    NewConfirmedWord,
    NewContact,
    NewMonitoring,
    NewPermission,
    NewProfile,
    NewSafetyExclusion,
    NewSupporter,
    ProfileOut,
    SafetyExclusionOut,
    Warned,
)
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.reference import half_days, tables, vocabulary
from pathways.reference.esco import ConceptKind
from pathways.reference.postcodes import GridPoint, locate, locate_all

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
REFERENCE_LENGTH = 6


class JobseekerMoveRefused(MoveRefused):
    title = "The case cannot make that move now"


class TestValueRefused(RuleBroken):
    title = "A value reserved for tests"
    __test__ = False  # its name begins with Test; pytest collects it otherwise


class CaseIsClosed(RuleBroken):
    title = "The case is closed"


def make(session: WriteSession, actor: Actor, partner_id: UUID, told: Sequence[Mapping[str, Any]]) -> list[Jobseeker]:
    """Make jobseekers with first details; each of ``told`` holds the names of ``DetailsBody`` and ``is_restricted``."""
    people = [
        Jobseeker(
            id=uuid7(),
            partner_id=partner_id,
            reference=reference,
            state=JobseekerState.REFERRED,
            is_restricted=bool(values.get("is_restricted")),
            made_at=actor.at,
        )
        for values, reference in zip(told, _free_references(session, len(told)), strict=True)
    ]
    places = locate_all(session, [values.get("postcode") for values in told])
    for person, values in zip(people, told, strict=True):
        _must_have_a_name(values)
        refuse_test_values(session, values)
        _describe(session, person, values, places[values.get("postcode")])
    session.add_all(people)
    session.flush()  # the details point to them
    rows = [
        JobseekerDetails.row(actor, **_details(session, person, values))
        for person, values in zip(people, told, strict=True)
    ]
    insert_many(session, JobseekerDetails, rows)
    who = {
        person.id: known.identity(session, str(person.id), values) for person, values in zip(people, told, strict=True)
    }
    known.index(session, partner_id, who)
    return people


def _free_references(session: Session, count: int) -> list[str]:
    free: dict[str, None] = {}
    while len(free) < count:
        drawn = {
            "J-" + "".join(secrets.choice(CROCKFORD) for _ in range(REFERENCE_LENGTH)) for _ in range(count - len(free))
        }
        taken = set(session.scalars(select(Jobseeker.reference).where(Jobseeker.reference.in_(drawn))))
        free |= dict.fromkeys(sorted(drawn - taken))
    return list(free)


def record_details(session: WriteSession, actor: Actor, person: Jobseeker, values: Mapping[str, Any]) -> None:
    """Record a whole new version of identity and contact, and the keys by which the person is found."""
    _must_have_a_name(values)
    refuse_test_values(session, values)
    previous = session.scalars(queries.facts_about(JobseekerDetails, person)).one_or_none()
    supersedes = previous.id if previous else None
    session.add(JobseekerDetails.recorded(actor, **_details(session, person, values), supersedes=supersedes))
    _describe(session, person, values, locate(session, values.get("postcode")))
    flag_modified(person, "state")  # its details are a row of their own, but they are part of this version
    known.index(session, person.partner_id, {person.id: known.identity(session, str(person.id), values)})
    session.flush()  # so that the reply carries the new version


def _must_have_a_name(values: Mapping[str, Any]) -> None:
    if not (values.get("given_name") or values.get("family_name")):
        raise RuleBroken(
            "A jobseeker needs a name; one of given_name and family_name is enough.", pointer="/given_name"
        )


def _details(session: Session, person: Jobseeker, values: Mapping[str, Any]) -> dict[str, Any]:
    fact_id = uuid7()
    return {
        "id": fact_id,
        "partner_id": person.partner_id,
        "jobseeker_id": person.id,
        **sealed(session, "jobseeker_details", fact_id, values),
    }


def _describe(session: Session, person: Jobseeker, values: Mapping[str, Any], place: GridPoint | None) -> None:
    """Keep beside a person what they are looked up and ranked by."""
    person.given_key = formats.name_key(values.get("given_name"))
    person.family_key = formats.name_key(values.get("family_name"))
    person.date_of_birth = values.get("date_of_birth")
    person.postcode_key = formats.compact(values.get("postcode"))
    nino, nhs_number = formats.compact(values.get("nino")), formats.compact(values.get("nhs_number"))
    person.nino_hash = session.vault.fingerprint("nino", nino) if nino else None
    person.nhs_number_hash = session.vault.fingerprint("nhs_number", nhs_number) if nhs_number else None
    person.easting, person.northing = (place.easting, place.northing) if place else (None, None)
    person.place_basis = place.basis if place else None


def refuse_test_values(session: Session, values: Mapping[str, Any]) -> None:
    if session.is_production:
        reserved = formats.test_values(values)
        if reserved:
            raise TestValueRefused(
                f"{', '.join(reserved)}: this value is reserved for tests and not taken here.",
                pointer=f"/{reserved[0]}",
            )


def sealed(session: Session, table: str, fact_id: UUID, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return details as their columns: tidied, with the NI and NHS numbers encrypted for this row."""
    columns = {name: values.get(name) or None for name in DETAIL_NAMES if name not in {"nino", "nhs_number"}}
    columns["interpreter_needed"] = values.get("interpreter_needed")
    columns["postcode"] = formats.tidy_postcode(values.get("postcode"))
    columns["phone"] = formats.tidy_phone(values.get("phone"))
    for name in ("nino", "nhs_number"):
        text = formats.compact(values.get(name))
        columns[f"{name}_sealed"] = (
            session.vault.seal(text, place=f"{table}:{name}:{fact_id}") if text is not None else None
        )
    return columns


def unsealed(session: Session, row: Any) -> dict[str, Any]:
    """Return the details of a row as plain values."""
    values = {name: getattr(row, name) for name in DETAIL_NAMES if name not in {"nino", "nhs_number"}}
    for name in ("nino", "nhs_number"):
        text = getattr(row, f"{name}_sealed")
        values[name] = (
            session.vault.open(text, place=f"{row.__tablename__}:{name}:{row.id}") if text is not None else None
        )
    return values


def readable(session: Session, row: Any, *, is_masked: bool = True) -> dict[str, Any]:
    values = unsealed(session, row)
    if is_masked:
        values["nino"], values["nhs_number"] = formats.masked(values["nino"]), formats.masked(values["nhs_number"])
    return values


def shown(session: Session, actor: Actor, person: Jobseeker) -> JobseekerOut:
    """Return the record as this actor may see it."""
    row = queries.details(session, person)
    answer = JobseekerOut(
        **DetailsFields(**readable(session, row)).model_dump(),
        id=person.id,
        reference=person.reference,
        state=person.state,
        is_restricted=person.is_restricted,
        caseworker_id=person.caseworker_id,
        programme_id=person.programme_id,
        made_at=person.made_at,
        has_known_place=person.easting is not None,
        possible_events=[event.value for event in possible_events(JOBSEEKER_MOVES, person.state)],
        version=person.version,
        warnings=[Warned(**warning) for warning in formats.warnings_of(unsealed(session, row), actor.today)],
    )
    visible = queries.visible_groups(actor, person)
    shaped = answer.shown(visible)
    return shaped.model_copy(
        update={"warnings": [w for w in shaped.warnings if JobseekerOut.group_of[w.field] in visible]}
    )


def extract_of_details(session: Session, row: JobseekerDetails) -> DetailsOut:
    values = readable(session, row, is_masked=False)
    return DetailsOut(**values, id=row.id, valid_on=row.valid_on, recorded_at=row.recorded_at)


def change(session: WriteSession, actor: Actor, person: Jobseeker, changes: Mapping[str, Any]) -> Jobseeker:
    """Change what ``changes`` names and keep the rest; the older version stays."""
    given = dict(changes)
    restricted = given.pop("is_restricted", None)
    if restricted is not None:
        person.is_restricted = restricted
    if given:
        values = unsealed(session, queries.details(session, person)) | given
        record_details(session, actor, person, values)
    session.flush()  # so that the reply carries the new version
    return person


def move(
    session: WriteSession,
    actor: Actor,
    person: Jobseeker,
    event: JobseekerEvent,
    *,
    reason: str = "",
    valid_on: date | None = None,
) -> Jobseeker:
    to_state = destination(JOBSEEKER_MOVES, person.state, event, JobseekerMoveRefused)
    session.add(
        JobseekerMove.recorded(
            actor,
            valid_on,
            partner_id=person.partner_id,
            jobseeker_id=person.id,
            event=event.value,
            from_state=person.state.value,
            to_state=to_state.value,
            reason=reason,
        )
    )
    person.state = to_state
    session.flush()  # so that the reply carries the new version
    return person


def restore(session: WriteSession, actor: Actor, person: Jobseeker, state: JobseekerState) -> None:
    """Put a case back into the state it was in before its record was merged with another."""
    if person.state is state:
        return
    last = select(JobseekerMove).where(
        JobseekerMove.partner_id == person.partner_id, JobseekerMove.jobseeker_id == person.id
    )
    # What it takes back stood while the two were one, and no longer: figures of that time still know of it.
    undone = session.scalars(last.order_by(JobseekerMove.recorded_at.desc(), JobseekerMove.id.desc()).limit(1)).one()
    session.add(
        JobseekerMove.recorded(
            actor,
            partner_id=person.partner_id,
            jobseeker_id=person.id,
            supersedes=undone.id,
            event="undo_merge",
            from_state=person.state.value,
            to_state=state.value,
            reason="A merge of two records was undone.",
        )
    )
    person.state = state
    session.flush()  # so that the reply carries the new version


def open_case(session: WriteSession, actor: Actor, person: Jobseeker) -> None:
    """Open the case of someone whose referral is accepted; reopen it if it had been closed."""
    must_not_be_void(person)
    if person.state is JobseekerState.REFERRED:
        move(session, actor, person, JobseekerEvent.OPEN)
    elif person.state is JobseekerState.CLOSED:
        move(session, actor, person, JobseekerEvent.REOPEN, reason="A new referral was accepted.")


def must_not_be_void(person: Jobseeker) -> None:
    if person.state is JobseekerState.VOIDED:
        raise CaseIsClosed("This record was made by mistake and is void. Use the person's own record.")


def must_be_open(person: Jobseeker) -> None:
    if person.state is not JobseekerState.OPEN:
        raise CaseIsClosed(f"The case is {person.state}. Accept a referral or reopen it first.")


def assign(
    session: WriteSession,
    actor: Actor,
    person: Jobseeker,
    caseworker_id: UUID | None,
    programme_id: UUID | None,
    valid_on: date | None = None,
) -> None:
    """Record who is the caseworker from now; called by enrolments, which decides who may be."""
    previous = session.scalars(queries.facts_about(CaseworkerAssignment, person)).one_or_none()
    if previous is None or previous.caseworker_id != caseworker_id:
        session.add(
            CaseworkerAssignment.recorded(
                actor,
                valid_on,
                partner_id=person.partner_id,
                jobseeker_id=person.id,
                supersedes=previous.id if previous else None,
                caseworker_id=caseworker_id,
            )
        )
    person.caseworker_id = caseworker_id
    person.programme_id = programme_id


def write_profile(
    session: WriteSession, actor: Actor, person: Jobseeker, new: NewProfile, *, on_number: int
) -> ProfileVersion:
    """Record a whole new profile version on top of the one the caller read (0 where there was none)."""
    current = queries.profile(session, person)
    number = current.number if current else 0
    if number != on_number:
        raise StaleVersion("The profile has changed since you read it. Read it again, then repeat the change.")
    if new.hours_min is not None and new.hours_max is not None and new.hours_min > new.hours_max:
        raise RuleBroken("hours_min is more than hours_max.", pointer="/hours_min")
    if new.agreed_on is not None and new.agreed_on > actor.today:
        raise RuleBroken("This day has not come.", pointer="/agreed_on")
    unknown = sorted(set(new.said_by) - set(PROFILE_NAMES))
    if unknown:
        raise RuleBroken(f"said_by names no field of a profile: {unknown[0][:60]}.", pointer="/said_by")
    columns = new.model_dump(include=set(PROFILE_NAMES), exclude={"half_days"})
    return add_profile(
        session,
        actor,
        person,
        columns | {"half_days": half_days.parse(new.half_days)},
        said_by=dict(new.said_by),
        valid_on=new.valid_on,
        agreed_on=new.agreed_on,
        agreed_by=new.agreed_by,
        own_words=new.own_words,
        note=new.note,
        experiences=[one.model_dump() for one in new.experiences] if new.experiences else None,
        barriers=new.barriers or None,
    )


def add_profile(
    session: WriteSession,
    actor: Actor,
    person: Jobseeker,
    columns: Mapping[str, Any],
    *,
    said_by: Mapping[str, str],
    valid_on: Any = None,
    **about: Any,
) -> ProfileVersion:
    current = queries.profile(session, person)
    version = ProfileVersion.recorded(
        actor,
        valid_on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=current.id if current else None,
        number=current.number + 1 if current else 1,
        said_by=dict(said_by),
        **columns,
        **about,
    )
    session.add(version)
    session.flush()  # two writers of the same number meet here
    return version


def shown_profile(actor: Actor, person: Jobseeker, version: ProfileVersion) -> ProfileOut:
    answer = ProfileOut.model_validate(version)
    answer.skills_shown = [
        {"skill": one.skill, "kind": one.kind.value, "text": one.source}
        for one in vocabulary.drawn(version.experiences)
    ]
    return answer.shown(queries.visible_groups(actor, person))


def record_monitoring(session: WriteSession, actor: Actor, person: Jobseeker, new: NewMonitoring) -> MonitoringAnswers:
    previous = session.scalars(queries.facts_about(MonitoringAnswers, person)).one_or_none()
    answers = MonitoringAnswers.recorded(
        actor,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=previous.id if previous else None,
        **{name: answer.value for name, answer in new},
    )
    session.add(answers)
    session.flush()  # two writers that supersede the same answers meet here
    return answers


def monitoring_summary(session: Session, actor: Actor) -> list[MonitoringCount]:
    """Return the counts, hiding small ones and the next smallest where a single hidden one could be worked out."""
    smallest = int(tables.limit("disclosure_smallest_count", actor.today))
    items = []
    for question, counts in queries.monitoring_counts(session, actor).items():
        hidden = {answer for answer, count in counts.items() if 0 < count < smallest}
        if len(hidden) == 1 and len(counts) > 1:
            hidden.add(min((a for a in counts if a not in hidden), key=lambda a: (counts[a], a)))
        items += [
            MonitoringCount(
                question=question,
                answer=answer,
                value=None if answer in hidden else count,
                value_status="[c]" if answer in hidden else "",
            )
            for answer, count in sorted(counts.items())
        ]
    return items


def grant_permission(session: WriteSession, actor: Actor, person: Jobseeker, new: NewPermission) -> SharingPermission:
    must_not_be_void(person)
    organisation = session.get(Organisation, new.social_enterprise_id)
    if organisation is None or organisation.kind is not OrganisationKind.SOCIAL_ENTERPRISE:
        raise RuleBroken("There is no such social enterprise.", pointer="/social_enterprise_id")
    return _permission(
        session,
        actor,
        person,
        social_enterprise_id=new.social_enterprise_id,
        groups=sorted(set(new.groups)),
        is_granted=True,
        how_given=new.how_given,
        valid_on=new.valid_on,
    )


def revoke_permission(
    session: WriteSession, actor: Actor, person: Jobseeker, permission: SharingPermission, reason: str
) -> SharingPermission:
    """Take a permission back; from this instant the social enterprise is shown nothing."""
    if not permission.is_granted:
        raise RuleBroken("This permission has been taken back already.")
    return _permission(
        session,
        actor,
        person,
        social_enterprise_id=permission.social_enterprise_id,
        groups=[],
        is_granted=False,
        how_given=reason,
        valid_on=None,
    )


def _permission(
    session: WriteSession, actor: Actor, person: Jobseeker, *, social_enterprise_id: UUID, valid_on: Any, **columns: Any
) -> SharingPermission:
    previous = queries.permission_for(session, person, social_enterprise_id)
    permission = SharingPermission.recorded(
        actor,
        valid_on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=previous.id if previous else None,
        social_enterprise_id=social_enterprise_id,
        **columns,
    )
    session.add(permission)
    session.flush()  # two writers that supersede the same permission meet here
    return permission


def exclude(session: WriteSession, actor: Actor, person: Jobseeker, new: NewSafetyExclusion) -> SafetyExclusion:
    """Keep a jobseeker from an organisation, a person or an area; whose name it is is sealed."""
    must_not_be_void(person)
    fact_id = uuid7()
    columns: dict[str, Any] = {}
    if new.kind is ExclusionKind.ORGANISATION:
        organisation = session.get(Organisation, new.social_enterprise_id) if new.social_enterprise_id else None
        if organisation is None or organisation.kind is not OrganisationKind.SOCIAL_ENTERPRISE:
            raise RuleBroken("Name the social enterprise to keep away from.", pointer="/social_enterprise_id")
        columns["social_enterprise_id"] = organisation.id
    elif new.kind is ExclusionKind.PERSON:
        if not new.who:
            raise RuleBroken("Name the person to keep away from.", pointer="/who")
        columns["who_sealed"] = session.vault.seal(new.who, place=f"safety_exclusions:who:{fact_id}")
        columns["who_hash"] = who_hash(session, new.who)
    else:
        if new.radius_km is None:
            raise RuleBroken("Say how far around, in kilometres.", pointer="/radius_km")
        place = locate(session, new.postcode)
        if place is None or place.basis != "postcode":
            raise RuleBroken(
                "Where exactly this postcode is, is not known; use a full one near it.", pointer="/postcode"
            )
        columns |= {"postcode": formats.tidy_postcode(new.postcode), "radius_km": new.radius_km}
        columns |= {"easting": place.easting, "northing": place.northing}
    exclusion = SafetyExclusion.recorded(
        actor,
        id=fact_id,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        kind=new.kind,
        reason=new.reason,
        **columns,
    )
    session.add(exclusion)
    session.flush()  # the reply reads it
    return exclusion


def exclude_as(session: WriteSession, actor: Actor, person: Jobseeker, other: SafetyExclusion) -> None:
    """Keep somebody from what another record is kept from; whose name it is is sealed anew."""
    fact_id = uuid7()
    columns = {
        name: getattr(other, name)
        for name in ("kind", "social_enterprise_id", "who_hash", "postcode", "easting", "northing", "radius_km")
    }
    if other.who_sealed is not None:
        who = session.vault.open(other.who_sealed, place=f"safety_exclusions:who:{other.id}")
        columns["who_sealed"] = session.vault.seal(who, place=f"safety_exclusions:who:{fact_id}")
    session.add(
        SafetyExclusion.recorded(
            actor,
            id=fact_id,
            partner_id=person.partner_id,
            jobseeker_id=person.id,
            reason=other.reason,
            **columns,
        )
    )


def withdraw_exclusion(session: WriteSession, actor: Actor, exclusion: SafetyExclusion, reason: str) -> SafetyExclusion:
    """Take an exclusion back; a name in it is sealed again for the row that takes it back."""
    withdrawal = exclusion.withdrawn(actor, reason)
    if exclusion.who_sealed is not None:
        who = session.vault.open(exclusion.who_sealed, place=f"safety_exclusions:who:{exclusion.id}")
        withdrawal.who_sealed = session.vault.seal(who, place=f"safety_exclusions:who:{withdrawal.id}")
    session.add(withdrawal)
    session.flush()  # two who take back the same exclusion meet here
    return withdrawal


def who_hash(session: Session, who: str) -> str:
    """The fingerprint by which a person who runs a placement is recognised without their name being kept open."""
    return session.vault.fingerprint("who", " ".join(who.casefold().split()))


def shown_exclusion(session: Session, actor: Actor, person: Jobseeker, row: SafetyExclusion) -> SafetyExclusionOut:
    return exclusion_of(session, row).shown(queries.visible_groups(actor, person))


def exclusion_of(session: Session, row: SafetyExclusion) -> SafetyExclusionOut:
    who = session.vault.open(row.who_sealed, place=f"safety_exclusions:who:{row.id}") if row.who_sealed else None
    return SafetyExclusionOut(
        id=row.id,
        kind=row.kind,
        social_enterprise_id=row.social_enterprise_id,
        who=who,
        postcode=row.postcode,
        radius_km=float(row.radius_km) if row.radius_km is not None else None,
        reason=row.reason,
        valid_on=row.valid_on,
        recorded_at=row.recorded_at,
        by=row.by,
    )


def confirm_word(session: WriteSession, actor: Actor, person: Jobseeker, new: NewConfirmedWord) -> ConfirmedWord:
    """Store which entry of the taxonomy words mean, beside what was offered; the same words again replace that."""
    must_not_be_void(person)
    kind = ConceptKind(new.kind.value)
    found = vocabulary.finder(session, kind).find(new.text)
    offered = [{"uri": one.uri, "label": one.preferred, "score": round(one.score, 4)} for one in found.offers]
    label = None
    if new.uri is not None:
        label = {one.uri: one.preferred for one in found.offers}.get(new.uri) or vocabulary.label_of(
            session, kind, new.uri
        )
        if label is None:
            raise RuleBroken("There is no such entry in the taxonomy.", pointer="/uri")
    standing = session.scalars(queries.facts_about(ConfirmedWord, person).where(ConfirmedWord.kind == new.kind))
    previous = next((word for word in standing if word.text.casefold() == new.text.casefold()), None)
    confirmed = ConfirmedWord.recorded(
        actor,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=previous.id if previous else None,
        kind=new.kind,
        text=new.text,
        uri=new.uri,
        label=label[:300] if label else None,
        offered=offered,
    )
    session.add(confirmed)
    session.flush()  # two who confirm the same words meet here
    return confirmed


def shown_word(actor: Actor, person: Jobseeker, row: ConfirmedWord) -> ConfirmedWordOut:
    return ConfirmedWordOut.model_validate(row).shown(queries.visible_groups(actor, person))


def record_contact(session: WriteSession, actor: Actor, person: Jobseeker, new: NewContact) -> Contact:
    if new.on > actor.today:
        raise RuleBroken("A contact is recorded after it happened; this day has not come.", pointer="/on")
    if new.organisation_id is not None and session.get(Organisation, new.organisation_id) is None:
        raise RuleBroken("There is no such organisation.", pointer="/organisation_id")
    contact = Contact.recorded(
        actor,
        new.on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        **new.model_dump(exclude={"on"}),
    )
    session.add(contact)
    session.flush()  # its id is needed by the reply
    return contact


def add_supporter(session: WriteSession, actor: Actor, person: Jobseeker, new: NewSupporter) -> Supporter:
    supporter = Supporter.recorded(
        actor,
        new.valid_on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        **new.model_dump(exclude={"valid_on"}),
    )
    session.add(supporter)
    session.flush()  # its id is needed by the reply
    return supporter


def withdraw_fact(session: WriteSession, actor: Actor, fact: Any, reason: str) -> Any:
    """Take back an entry that was a mistake; both stay on record."""
    withdrawal = fact.withdrawn(actor, reason)
    session.add(withdrawal)
    session.flush()  # two who take back the same entry meet here
    return withdrawal


class MergedMeanwhile(Conflict):
    title = "The record was merged into another one"


def _must_not_be_merged(session: WriteSession, *_: object) -> None:
    """Refuse facts about a record that was merged into another one while they were on their way.

    On PostgreSQL they would wait for the merge, and then stand with a record nobody looks at; SQLite has one writer.
    """
    if session.get_bind().dialect.name == "sqlite" or session.info.get("merging"):
        return
    people = {row.jobseeker_id for row in session.new if isinstance(row, AboutPerson) and row.jobseeker_id is not None}
    if not people:
        return
    rows = select(Jobseeker.id).where(Jobseeker.id.in_(people), Jobseeker.merged_into_id.is_not(None))
    # Whoever is merging holds these rows: this waits for it, and reads what it left.
    locked = select(Jobseeker.id).where(Jobseeker.id.in_(people)).order_by(Jobseeker.id)
    with session.no_autoflush:
        session.connection().execute(locked.with_for_update(read=True, key_share=True))
        if session.connection().execute(rows).first() is not None:
            raise MergedMeanwhile("Use the record it was merged into.")


event.listen(WriteSession, "before_flush", _must_not_be_merged)
