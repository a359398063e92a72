"""Routes about jobseekers, with their permissions. Each opening of a record is first written to the audit log."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from pathways import audit
from pathways.access.guards import (
    DatabaseDep,
    IfMatch,
    OnceDep,
    PageDep,
    PathwaysRoute,
    etag,
    expect_number,
    permitted,
)
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database
from pathways.errors import Conflict, NotFound, RuleBroken
from pathways.fields import Instant
from pathways.jobseekers import actions, contacts, exclusions, monitoring, profile, queries, search
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import (
    ConfirmedWord,
    Contact,
    Jobseeker,
    JobseekerState,
    MonitoringAnswers,
    ProfileVersion,
    SafetyExclusion,
    SharingPermission,
    Supporter,
)
from pathways.jobseekers.personal_data import contact_reply, permission_reply, supporter_reply
from pathways.jobseekers.schemas import (
    ConfirmedWordOut,
    ContactOut,
    JobseekerLine,
    JobseekerOut,
    MonitoringRecorded,
    MonitoringSummary,
    NewConfirmedWord,
    NewContact,
    NewJobseeker,
    NewMonitoring,
    NewProfile,
    NewSupporter,
    PermissionOut,
    ProfileOut,
    ReasonBody,
    SafetyExclusionOut,
    SupporterOut,
)
from pathways.jobseekers.search_schemas import SearchAnswer, SearchBody, SearchHit
from pathways.pagination import Page, cursor, cut, page_after, page_of
from pathways.problems import documented

router = APIRouter(prefix="/jobseekers", tags=["jobseekers"], route_class=PathwaysRoute)
monitoring_router = APIRouter(prefix="/monitoring-summary", tags=["jobseekers"], route_class=PathwaysRoute)

Reader = Annotated[Actor, permitted(Permission.JOBSEEKER_READ)]
Changer = Annotated[Actor, permitted(Permission.JOBSEEKER_CHANGE)]
Closer = Annotated[Actor, permitted(Permission.JOBSEEKER_CLOSE)]
Voider = Annotated[Actor, permitted(Permission.JOBSEEKER_VOID)]
ProfileReader = Annotated[Actor, permitted(Permission.PROFILE_READ)]
ProfileWriter = Annotated[Actor, permitted(Permission.PROFILE_WRITE)]
MonitoringRecorder = Annotated[Actor, permitted(Permission.MONITORING_RECORD)]
MonitoringReader = Annotated[Actor, permitted(Permission.MONITORING_AGGREGATE)]
PermissionReader = Annotated[Actor, permitted(Permission.PERMISSION_READ)]
PermissionRecorder = Annotated[Actor, permitted(Permission.PERMISSION_RECORD)]
ContactReader = Annotated[Actor, permitted(Permission.CONTACT_READ)]
ContactRecorder = Annotated[Actor, permitted(Permission.CONTACT_RECORD)]
WordConfirmer = Annotated[Actor, permitted(Permission.WORD_CONFIRM)]
SafetyReader = Annotated[Actor, permitted(Permission.SAFETY_READ)]
SafetyRecorder = Annotated[Actor, permitted(Permission.SAFETY_RECORD)]


Candidates = Callable[[Database, Actor, Sequence[UUID]], list[SearchHit]]


def get_candidates(request: Request) -> Candidates:
    """Return the function that lists the records that may be a recorded person (from ``duplicates/actions.py``)."""
    candidates: Candidates = request.app.state.candidates
    return candidates


CandidatesDep = Annotated[Candidates, Depends(get_candidates)]


def open_record(database: Database, actor: Actor, jobseeker_id: UUID) -> None:
    """Record in the audit log that this actor opens a jobseeker's record. Refuse if the actor may not see it."""
    with database.reading(actor) as session:
        queries.jobseeker(session, actor, jobseeker_id)
    audit.opened(database, actor, "jobseekers", [(jobseeker_id, jobseeker_id)])


class Filters:
    """The filters of the list of jobseekers."""

    def __init__(
        self,
        state: Annotated[JobseekerState | None, Query()] = None,
        caseworker: Annotated[UUID | None, Query(description="The id of the caseworker's membership.")] = None,
        programme: Annotated[UUID | None, Query()] = None,
        updated_since: Annotated[Instant | None, Query()] = None,
    ) -> None:
        self.state: JobseekerState | None = state
        self.caseworker: UUID | None = caseworker
        self.programme: UUID | None = programme
        self.updated_since: datetime | None = updated_since


@router.get("", responses=documented(Conflict))
def list_jobseekers(
    actor: Reader, database: DatabaseDep, page: PageDep, filters: Annotated[Filters, Depends()]
) -> Page[JobseekerLine]:
    """List the jobseekers of your organisation that you may see and that match the filters."""
    with database.reading(actor) as session:
        rows = queries.listed(
            actor,
            state=filters.state,
            caseworker=filters.caseworker,
            programme=filters.programme,
            updated_since=filters.updated_since,
        )
        after = page.after_id()
        if after is not None:
            rows = rows.where(Jobseeker.id > after)
        listed = session.execute(rows.order_by(Jobseeker.id).limit(page.limit + 1)).all()
        answer = cut(listed, page, JobseekerLine.model_validate, lambda row: row.id)
    actor.reading.people.update(line.id for line in answer.items)
    return answer


@router.post("", status_code=201, responses=documented(Conflict))
def make_jobseeker(
    new: NewJobseeker,
    actor: Changer,
    database: DatabaseDep,
    once: OnceDep,
    response: Response,
    candidates: CandidatesDep,
) -> JobseekerOut:
    """Create a record for a person who has no referral yet. The case opens when a referral is accepted.

    A given or family name is required. An unusual format is saved with a warning. ``may_be`` lists possible duplicates.
    """
    details = Details.of(new.model_dump())
    with database.writing(actor) as session:
        person = once(
            session,
            actor,
            lambda: actions.make(session, actor, actor.organisation_id, [(details, new.is_restricted)])[0],
            lambda person_id: queries.jobseeker(session, actor, person_id),
        )
        etag(response, person.version)
        reply = actions.reply(session, actor, person)
    return reply.model_copy(update={"may_be": candidates(database, actor, [person.id])})


@router.post("/search", responses=documented(RuleBroken))
def search_jobseekers(wanted: SearchBody, actor: Reader, database: DatabaseDep, page: PageDep) -> SearchAnswer:
    """Search by any part of any name, by number, e-mail, reference, postcode or date of birth, in one field or in many.

    The best match is first, and ``reasons`` says why each record matches. A search of a record that was merged finds
    the record into which it was merged. If nobody has all of a name, records with a part of it are listed, and
    ``notes`` says so. The search is a POST, so that the URL has no personal data.
    """
    if not wanted.model_dump(exclude_none=True):
        raise RuleBroken(
            "The search is empty. Give a name, a number, an e-mail address, a postcode or a date of birth.",
            pointer="/text",
        )
    with database.reading(actor) as session:
        matches = page_after(search.search(session, actor, wanted), page, lambda match: match.id)
        items = search.hits(session, matches[: page.limit])
    audit.opened(database, actor, "jobseekers", [(hit.jobseeker_id, hit.jobseeker_id) for hit in items])
    more = cursor(items[-1].jobseeker_id) if len(matches) > page.limit else None
    return SearchAnswer(items=items, next=more, notes=search.notes(wanted, matches))


@router.get("/{jobseeker_id}", responses=documented(NotFound))
def get_jobseeker(
    jobseeker_id: UUID, actor: Reader, database: DatabaseDep, response: Response, candidates: CandidatesDep
) -> JobseekerOut:
    """Return one jobseeker's record. Opening it is recorded in the audit log.

    ``may_be`` lists other records that may be the same person. Their way of safe contact may matter here too.
    """
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        etag(response, person.version)
        reply = actions.reply(session, actor, person)
    return reply.model_copy(update={"may_be": candidates(database, actor, [jobseeker_id])})


@router.get("/{jobseeker_id}/profile", responses=documented(NotFound))
def get_profile(jobseeker_id: UUID, actor: ProfileReader, database: DatabaseDep, response: Response) -> ProfileOut:
    """Return the current vocational profile. Opening it is recorded in the audit log."""
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        version = queries.profile(session, person)
        if version is None:
            raise NotFound('This jobseeker has no profile yet. Write the first version with PUT and If-Match: "0".')
        etag(response, version.number)
        return profile.profile_reply(actor, person, version)


@router.put("/{jobseeker_id}/profile", responses=documented(NotFound))
def write_profile(
    jobseeker_id: UUID,
    new: NewProfile,
    actor: ProfileWriter,
    database: DatabaseDep,
    number: IfMatch,
    response: Response,
) -> ProfileOut:
    """Write a new version of the whole profile. Older versions remain on record.

    ``If-Match`` is the number of the version that you read, or 0 for the first. Refused if a newer version exists.
    """
    with database.writing(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        current = queries.profile(session, person)
        on_number = current.number if current else 0
        expect_number(on_number, number)
        version = profile.write_profile(session, actor, person, new, on_number=on_number)
        etag(response, version.number)
        return profile.profile_reply(actor, person, version)


@router.get("/{jobseeker_id}/profile/versions", responses=documented(NotFound))
def list_profile_versions(
    jobseeker_id: UUID, actor: ProfileReader, database: DatabaseDep, page: PageDep
) -> Page[ProfileOut]:
    """List all versions of the profile. Opening them is recorded in the audit log."""
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        rows = queries.profile_versions(person)
        return page_of(session, rows, ProfileVersion.id, page, lambda v: profile.profile_reply(actor, person, v))


@router.post("/{jobseeker_id}/monitoring", status_code=201, responses=documented(NotFound))
def record_monitoring(
    jobseeker_id: UUID, new: NewMonitoring, actor: MonitoringRecorder, database: DatabaseDep, once: OnceDep
) -> MonitoringRecorded:
    """Record answers to the equality monitoring questions. They can be read only as counts of many people."""
    with database.writing(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id, for_update=True)
        answers = once(
            session,
            actor,
            lambda: monitoring.record_monitoring(session, actor, person, new),
            lambda answers_id: session.get_one(MonitoringAnswers, answers_id),
        )
        return MonitoringRecorded.model_validate(answers)


@monitoring_router.get("")
def monitoring_summary(actor: MonitoringReader, database: DatabaseDep) -> MonitoringSummary:
    """Count the partner's jobseekers by their answers to the monitoring questions. Small counts are suppressed."""
    with database.reading(actor) as session:
        return MonitoringSummary(items=monitoring.monitoring_summary(session, actor))


@router.get("/{jobseeker_id}/permissions", responses=documented(NotFound))
def list_permissions(
    jobseeker_id: UUID, actor: PermissionReader, database: DatabaseDep, page: PageDep
) -> Page[PermissionOut]:
    """List the jobseeker's current permissions: which groups of fields each social enterprise may read."""
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        rows = queries.facts_about(SharingPermission, person)
        return page_of(session, rows, SharingPermission.id, page, lambda row: permission_reply(actor, person, row))


@router.get("/{jobseeker_id}/contacts", responses=documented(NotFound))
def list_contacts(jobseeker_id: UUID, actor: ContactReader, database: DatabaseDep, page: PageDep) -> Page[ContactOut]:
    """List the contacts about this person, such as calls and meetings."""
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        rows = queries.facts_about(Contact, person)
        return page_of(session, rows, Contact.id, page, lambda row: contact_reply(actor, person, row))


@router.post("/{jobseeker_id}/contacts", status_code=201, responses=documented(NotFound, Conflict))
def record_contact(
    jobseeker_id: UUID, new: NewContact, actor: ContactRecorder, database: DatabaseDep, once: OnceDep
) -> ContactOut:
    """Record a contact about this person, such as a call or a meeting. A date in the future is refused.

    A jobseeker's wait for the first employer contact ends with the first contact in which an employer was spoken to.
    """
    with database.writing(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        contact = once(
            session,
            actor,
            lambda: contacts.record_contact(session, actor, person, new),
            lambda contact_id: session.get_one(Contact, contact_id),
        )
        return contact_reply(actor, person, contact)


@router.post("/{jobseeker_id}/contacts/{contact_id}/withdraw", responses=documented(NotFound, Conflict))
def withdraw_contact(
    jobseeker_id: UUID,
    contact_id: UUID,
    reason: ReasonBody,
    actor: ContactRecorder,
    database: DatabaseDep,
    once: OnceDep,
) -> ContactOut:
    """Withdraw a contact that was recorded by mistake. The contact and its withdrawal remain on record."""
    with database.writing(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        contact = once(
            session,
            actor,
            lambda: actions.withdraw_fact(
                session, actor, queries.fact(session, Contact, person, contact_id), reason.reason
            ),
            lambda withdrawal_id: session.get_one(Contact, withdrawal_id),
        )
        return contact_reply(actor, person, contact)


@router.get("/{jobseeker_id}/confirmed-words", responses=documented(NotFound))
def list_confirmed_words(
    jobseeker_id: UUID, actor: ProfileReader, database: DatabaseDep, page: PageDep
) -> Page[ConfirmedWordOut]:
    """List what caseworkers said that the jobseeker's words mean or do not mean. Shortlists use it."""
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        rows = queries.facts_about(ConfirmedWord, person)
        return page_of(session, rows, ConfirmedWord.id, page, lambda row: profile.word_reply(actor, person, row))


@router.post("/{jobseeker_id}/confirmed-words", status_code=201, responses=documented(NotFound, Conflict))
def confirm_word(
    jobseeker_id: UUID, new: NewConfirmedWord, actor: WordConfirmer, database: DatabaseDep, once: OnceDep
) -> ConfirmedWordOut:
    """Say what the jobseeker's words mean, or what they do not mean.

    Confirm the taxonomy entry that fits (``uri``), or leave ``uri`` out if none fits. If a reason of a shortlist
    misread the words, name the title or skill of that listing as ``not_meant``: the next shortlist leaves it out.
    """
    with database.writing(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        confirmed = once(
            session,
            actor,
            lambda: profile.confirm_word(session, actor, person, new),
            lambda word_id: session.get_one(ConfirmedWord, word_id),
        )
        return profile.word_reply(actor, person, confirmed)


@router.post("/{jobseeker_id}/confirmed-words/{word_id}/withdraw", responses=documented(NotFound, Conflict))
def withdraw_confirmed_word(
    jobseeker_id: UUID, word_id: UUID, reason: ReasonBody, actor: WordConfirmer, database: DatabaseDep, once: OnceDep
) -> ConfirmedWordOut:
    """Withdraw what was said about words by mistake. It remains on record, and shortlists no longer use it."""
    with database.writing(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        word = once(
            session,
            actor,
            lambda: profile.withdraw_word(session, actor, person, word_id, reason.reason),
            lambda withdrawal_id: session.get_one(ConfirmedWord, withdrawal_id),
        )
        return profile.word_reply(actor, person, word)


@router.get("/{jobseeker_id}/safety-exclusions", responses=documented(NotFound))
def list_safety_exclusions(
    jobseeker_id: UUID, actor: SafetyReader, database: DatabaseDep, page: PageDep
) -> Page[SafetyExclusionOut]:
    """List the organisations, people and areas that this jobseeker must be kept away from.

    Social enterprises, referrers and commissioners can never read this list.
    """
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        rows = queries.facts_about(SafetyExclusion, person)
        return page_of(
            session, rows, SafetyExclusion.id, page, lambda row: exclusions.exclusion_reply(session, actor, person, row)
        )


@router.get("/{jobseeker_id}/supporters", responses=documented(NotFound))
def list_supporters(
    jobseeker_id: UUID, actor: ContactReader, database: DatabaseDep, page: PageDep
) -> Page[SupporterOut]:
    """List the people who speak for or support the jobseeker: advocate, attorney, deputy, family, professional."""
    open_record(database, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        rows = queries.facts_about(Supporter, person)
        return page_of(session, rows, Supporter.id, page, lambda row: supporter_reply(actor, person, row))


@router.post("/{jobseeker_id}/supporters", status_code=201, responses=documented(NotFound))
def add_supporter(
    jobseeker_id: UUID, new: NewSupporter, actor: ContactRecorder, database: DatabaseDep, once: OnceDep
) -> SupporterOut:
    """Record a person who speaks for or supports the jobseeker."""
    with database.writing(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        supporter = once(
            session,
            actor,
            lambda: contacts.add_supporter(session, actor, person, new),
            lambda supporter_id: session.get_one(Supporter, supporter_id),
        )
        return supporter_reply(actor, person, supporter)


@router.post("/{jobseeker_id}/supporters/{supporter_id}/withdraw", responses=documented(NotFound, Conflict))
def withdraw_supporter(
    jobseeker_id: UUID,
    supporter_id: UUID,
    reason: ReasonBody,
    actor: ContactRecorder,
    database: DatabaseDep,
    once: OnceDep,
) -> SupporterOut:
    """Withdraw a supporter who was recorded by mistake. The supporter and the withdrawal remain on record."""
    with database.writing(actor) as session:
        person = queries.jobseeker(session, actor, jobseeker_id)
        supporter = once(
            session,
            actor,
            lambda: actions.withdraw_fact(
                session, actor, queries.fact(session, Supporter, person, supporter_id), reason.reason
            ),
            lambda withdrawal_id: session.get_one(Supporter, withdrawal_id),
        )
        return supporter_reply(actor, person, supporter)
