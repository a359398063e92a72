"""What this feature keeps about a person."""

from typing import Any

from pathways.base import Actor
from pathways.database import Session
from pathways.fields import Schema
from pathways.holdings import Held, Holding, TimelineEntry, fact_entry
from pathways.jobseekers import actions, queries
from pathways.jobseekers.models import (
    CaseworkerAssignment,
    ConfirmedWord,
    Contact,
    Jobseeker,
    JobseekerDetails,
    JobseekerMove,
    MonitoringAnswers,
    PersonKey,
    ProfileVersion,
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
    MonitoringExtract,
    MoveOut,
    PermissionOut,
    ProfileOut,
    SupporterOut,
)


def shown_permission(actor: Actor, person: Jobseeker, row: SharingPermission) -> PermissionOut:
    return PermissionOut.model_validate(row).shown(queries.visible_groups(actor, person))


def shown_contact(actor: Actor, person: Jobseeker, row: Contact) -> ContactOut:
    return ContactOut.model_validate(row).shown(queries.visible_groups(actor, person))


def shown_supporter(actor: Actor, person: Jobseeker, row: Supporter) -> SupporterOut:
    return SupporterOut.model_validate(row).shown(queries.visible_groups(actor, person))


def plainly(schema: type[Schema]) -> Any:
    """Return the shape of a row that needs nothing but its own columns."""

    def shape(_: Session, row: Any) -> Schema:
        return schema.model_validate(row)

    return shape


def _exclusion_entry(row: SafetyExclusion) -> TimelineEntry:
    """Say that there is one, and nothing of why: a reason may name somebody."""
    entry = fact_entry("safety exclusion", lambda _: "Somewhere not to be sent was recorded.")(row)
    return entry.model_copy(update={"text": "It was taken back."}) if row.is_withdrawal else entry


HOLDING = Holding(
    "jobseekers",
    (
        Held(Jobseeker, plainly(JobseekerRecord)),
        Held(JobseekerDetails, actions.extract_of_details, fact_entry("details", lambda _: "Details recorded.")),
        Held(JobseekerMove, plainly(MoveOut), fact_entry("case", lambda m: f"Case: {m.event}, now {m.to_state}.")),
        Held(PersonKey, plainly(KeyRecord)),
        Held(
            CaseworkerAssignment,
            plainly(AssignmentOut),
            fact_entry("caseworker", lambda a: "Caseworker assigned." if a.caseworker_id else "Caseworker ended."),
        ),
        Held(ProfileVersion, plainly(ProfileOut), fact_entry("profile", lambda p: f"Profile version {p.number}.")),
        Held(MonitoringAnswers, plainly(MonitoringExtract)),
        Held(
            SharingPermission,
            plainly(PermissionOut),
            fact_entry(
                "permission",
                lambda p: (
                    f"May tell a social enterprise: {', '.join(p.groups)}."
                    if p.is_granted
                    else "Permission taken back."
                ),
            ),
        ),
        Held(
            Contact,
            plainly(ContactOut),
            fact_entry(
                "contact",
                lambda c: f"Contact with {c.with_whom}, {c.how.replace('_', ' ')}: {c.outcome.replace('_', ' ')}.",
            ),
        ),
        Held(
            SafetyExclusion,
            actions.exclusion_of,
            _exclusion_entry,
        ),
        Held(
            ConfirmedWord,
            plainly(ConfirmedWordOut),
            fact_entry("words", lambda w: f"What the jobseeker's words mean was confirmed ({w.kind})."),
        ),
        Held(Supporter, plainly(SupporterOut), fact_entry("supporter", lambda s: f"Supporter recorded: {s.role}.")),
    ),
)
