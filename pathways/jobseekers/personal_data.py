"""The tables about jobseekers that contain personal data, for the timeline, extract, merge and erasure."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import delete, select, update

from pathways.base import Actor
from pathways.database import WriteSession
from pathways.fields import SHAREABLE_IN_WORDS
from pathways.holdings import Held, Holding, TimelineEntry, as_schema, fact_entry
from pathways.jobseekers import actions, exclusions, queries
from pathways.jobseekers.models import (
    CaseworkerAssignment,
    ConfirmedWord,
    Contact,
    Jobseeker,
    JobseekerDetails,
    JobseekerMove,
    Merge,
    MonitoringAnswers,
    NameWord,
    PersonKey,
    ProfileVersion,
    Restriction,
    SafetyExclusion,
    SharingPermission,
    Supporter,
)
from pathways.jobseekers.schemas import (
    AssignmentOut,
    ConfirmedWordOut,
    ContactOut,
    JobseekerRecord,
    KeyRecord,
    MergeRecord,
    MonitoringExtract,
    MoveOut,
    PermissionOut,
    ProfileOut,
    RestrictionRecord,
    SupporterOut,
)
from pathways.jobseekers.search_schemas import NameWordRecord


def permission_reply(actor: Actor, person: Jobseeker, row: SharingPermission) -> PermissionOut:
    return PermissionOut.model_validate(row).limited_to(queries.visible_groups(actor, person))


def contact_reply(actor: Actor, person: Jobseeker, row: Contact) -> ContactOut:
    return ContactOut.model_validate(row).limited_to(queries.visible_groups(actor, person))


def supporter_reply(actor: Actor, person: Jobseeker, row: Supporter) -> SupporterOut:
    return SupporterOut.model_validate(row).limited_to(queries.visible_groups(actor, person))


def _in_words(groups: Iterable[str]) -> str:
    return "; ".join(text.lower() for group, text in SHAREABLE_IN_WORDS.items() if group in groups)


def _exclusion_entry(row: SafetyExclusion) -> TimelineEntry:
    """Return a timeline entry without the reason, because the reason may name a person."""
    entry = fact_entry("safety exclusion", lambda _: "A safety exclusion was recorded.")(row)
    return entry.model_copy(update={"text": "A safety exclusion was withdrawn."}) if row.is_withdrawal else entry


def scrub(session: WriteSession, jobseeker_id: UUID) -> None:
    """Delete the merges of this person's record into another record, and its link to that record."""
    partner_id = session.scalars(select(Jobseeker.partner_id).where(Jobseeker.id == jobseeker_id)).one_or_none()
    is_merge_of_person = Merge.partner_id == partner_id, Merge.merged_id == jobseeker_id
    session.execute(update(Merge).where(*is_merge_of_person).values(supersedes=None))
    session.execute(delete(Merge).where(*is_merge_of_person))
    session.execute(update(Jobseeker).where(Jobseeker.merged_into_id == jobseeker_id).values(merged_into_id=None))


MOVE_TEXTS = {
    "open": "Case opened.",
    "close": "Case closed.",
    "reopen": "Case reopened.",
    "void": "Record voided.",
    "undo_merge": "A merge of two records was undone.",
}

HOLDING = Holding(
    "jobseekers",
    (
        Held(Jobseeker, as_schema(JobseekerRecord), stays=True),
        Held(
            JobseekerDetails,
            actions.extract_of_details,
            fact_entry("details", lambda _: "Identity and contact details recorded."),
            stays=True,
        ),
        Held(
            JobseekerMove,
            as_schema(MoveOut),
            fact_entry("case", lambda m: MOVE_TEXTS.get(m.event, f"Case is now {m.to_state}.")),
            stays=True,
        ),
        Held(
            Restriction,
            as_schema(RestrictionRecord),
            fact_entry(
                "restriction", lambda r: "Case restricted." if r.is_restricted else "The case's restriction was lifted."
            ),
            stays=True,
        ),
        Held(PersonKey, as_schema(KeyRecord), stays=True),
        Held(NameWord, as_schema(NameWordRecord), stays=True),
        Held(
            Merge,
            as_schema(MergeRecord),
            fact_entry("merge", lambda _: "Another record of the same person was merged into this one."),
            stays=True,
        ),
        Held(
            CaseworkerAssignment,
            as_schema(AssignmentOut),
            fact_entry(
                "caseworker",
                lambda a: "Caseworker assigned." if a.caseworker_id else "The caseworker's assignment ended.",
            ),
            stays=True,
        ),
        Held(
            ProfileVersion,
            as_schema(ProfileOut),
            fact_entry("profile", lambda p: f"Vocational profile recorded, version {p.number}."),
            stays=True,
        ),
        Held(MonitoringAnswers, as_schema(MonitoringExtract), stays=True),
        Held(
            SharingPermission,
            as_schema(PermissionOut),
            fact_entry(
                "permission",
                lambda p: (
                    f"Permission given to share with a social enterprise: {_in_words(p.groups)}."
                    if p.is_granted
                    else "Permission to share with a social enterprise revoked."
                ),
            ),
        ),
        Held(
            Contact,
            as_schema(ContactOut),
            fact_entry(
                "contact",
                lambda c: f"Contact with {c.with_whom}, {c.how.replace('_', ' ')}: {c.outcome.replace('_', ' ')}.",
            ),
        ),
        Held(
            SafetyExclusion,
            exclusions.exclusion_of,
            _exclusion_entry,
        ),
        Held(
            ConfirmedWord,
            as_schema(ConfirmedWordOut),
            fact_entry(
                "words",
                lambda w: (
                    f"It was recorded what the jobseeker's words do not mean ({w.kind})."
                    if w.not_meant
                    else f"The meaning of the jobseeker's words was confirmed ({w.kind})."
                ),
            ),
        ),
        Held(Supporter, as_schema(SupporterOut), fact_entry("supporter", lambda s: f"Supporter recorded: {s.role}.")),
    ),
    scrub=scrub,
)
