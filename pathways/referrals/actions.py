"""The functions that record, change and count referrals."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified
from uuid_utils.compat import uuid7

from pathways.base import LONDON, Actor, Nation, Role, local_day, utc_now
from pathways.database import Session, WriteSession, insert_many
from pathways.duplicates import actions as duplicate_actions
from pathways.errors import Conflict, RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.fields import Group
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import formats, identifiers, identify, joining
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.identify import BatchComparison, Candidate
from pathways.jobseekers.models import PROFILE_NAMES, Jobseeker, ProfileVersion
from pathways.jobseekers.schemas import DetailsFields, ProfileFields, Warned
from pathways.messages import actions as message_actions
from pathways.messages import queries as message_queries
from pathways.messages.actions import WebhookEvent
from pathways.messages.models import NoticeKind
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.reference import half_days, tables
from pathways.referrals import carrying, queries, sources
from pathways.referrals.content import Arriving, ReferralContent, days_to_come
from pathways.referrals.models import (
    ABOUT_NAMES,
    REFERRAL_MOVES,
    Referral,
    ReferralEvent,
    ReferralMove,
    ReferralSnapshot,
    ReferralState,
    SourceType,
    afterwards,
)
from pathways.referrals.schemas import (
    EarlierReferral,
    NewReferral,
    ReferralChange,
    ReferralLine,
    ReferralOut,
    SnapshotOut,
    Workload,
    WorkloadQuery,
)

LONGEST_NOTE = 4000
REFERRERS = {OrganisationKind.LOCAL_AUTHORITY, OrganisationKind.JOB_CENTRE, OrganisationKind.OTHER_REFERRER}


class ReferralMoveRefused(MoveRefused):
    title = "This step is not possible for the referral now"


class ReferredAlready(Conflict):
    title = "There is already a referral with this reference"


def submit(session: WriteSession, actor: Actor, new: NewReferral) -> Referral:
    """Submit one referral to a partner.

    A referrer refers for its own organisation; a caseworker names the organisation that made the referral.
    """
    _refuse_days_to_come(actor, new.model_dump())
    partner_id, organisation_id = _parties(session, actor, new)
    person = None
    if new.jobseeker_id is not None:
        person = jobseeker_queries.jobseeker(session, actor, new.jobseeker_id, for_update=True)
        jobseeker_actions.must_not_be_void(person)
    content = ReferralContent.of(new.model_dump() | {"half_days": half_days.parse(new.half_days)})
    ref = new.ref or f"R-{uuid7().hex[-10:]}"
    source_type = new.source_type or (
        sources.of_id(session, organisation_id, partner_id) if organisation_id else SourceType.SELF
    )
    referral = Arriving(content, new.referred_on, organisation_id, source_type, ref, person)
    [recorded] = record(session, actor, partner_id, [referral])
    return recorded.referral


def _refuse_days_to_come(actor: Actor, given: Mapping[str, Any]) -> None:
    for name in days_to_come(given, max(actor.today, local_day(utc_now()))):
        raise RuleBroken("The date cannot be in the future. Correct the date.", pointer=f"/{name}")


def _parties(session: WriteSession, actor: Actor, new: NewReferral) -> tuple[UUID, UUID | None]:
    """Return two ids: the partner's, and the referring organisation's (None for a self-referral)."""
    if actor.role is Role.REFERRER:
        if new.source_type is SourceType.SELF:
            raise RuleBroken(
                "The source type SELF is only for people who refer themselves. Use your organisation's source type.",
                pointer="/source_type",
            )
        if new.jobseeker_id is not None:
            raise RuleBroken(
                "Only the partner can link a referral to a jobseeker. Leave the jobseeker out (jobseeker_id).",
                pointer="/jobseeker_id",
            )
        if new.referring_organisation_id not in {None, actor.organisation_id}:
            raise RuleBroken(
                "You can only refer for your own organisation. Leave the organisation out (referring_organisation_id).",
                pointer="/referring_organisation_id",
            )
        partner = session.get(Organisation, new.partner_id) if new.partner_id else None
        if partner is None or partner.kind is not OrganisationKind.VOLUNTARY_SECTOR_PARTNER:
            raise RuleBroken(
                "The partner is missing or unknown. Choose the voluntary-sector partner to refer to.",
                pointer="/partner_id",
            )
        return partner.id, actor.organisation_id
    if new.partner_id not in {None, actor.organisation_id}:
        raise RuleBroken(
            "You can only record referrals to your own organisation. Leave the partner out (partner_id).",
            pointer="/partner_id",
        )
    if new.source_type is SourceType.SELF:
        if new.referring_organisation_id is not None:
            raise RuleBroken(
                "A self-referral has no referring organisation. Leave the organisation out"
                " (referring_organisation_id).",
                pointer="/referring_organisation_id",
            )
        return actor.organisation_id, None
    organisation = session.get(Organisation, new.referring_organisation_id) if new.referring_organisation_id else None
    if organisation is None or organisation.kind not in REFERRERS | {OrganisationKind.VOLUNTARY_SECTOR_PARTNER}:
        raise RuleBroken(
            "The referring organisation is missing or unknown. Choose one.", pointer="/referring_organisation_id"
        )
    return actor.organisation_id, organisation.id


@dataclass(frozen=True, slots=True)
class RecordedReferral:
    """A recorded referral, its jobseeker, and all candidates for the person, even those that the actor may not see."""

    referral: Referral
    person: Jobseeker
    may_be: Sequence[Candidate] = ()


def record(
    session: WriteSession, actor: Actor, partner_id: UUID, arriving: Sequence[Arriving]
) -> list[RecordedReferral]:
    """Record referrals. For a referral without ``person``, also create a jobseeker record and its first profile.

    Refuse a reference that the referring organisation has used before.
    """
    if queries.by_source_keys(session, partner_id, [item.key for item in arriving]):
        raise ReferredAlready(
            "You have already sent this reference. There is nothing more to do, unless it is about another person: then"
            " use another reference. To correct it, change the existing referral."
        )
    made_people = iter(
        jobseeker_actions.make(
            session,
            actor,
            partner_id,
            [(item.content.details, item.content.about["is_restricted"]) for item in arriving if item.person is None],
        )
    )
    people = [item.person or next(made_people) for item in arriving]
    referrals = [
        Referral(
            id=uuid7(),
            partner_id=partner_id,
            jobseeker_id=person.id,
            ref=item.ref,
            source_key=item.key,
            source_type=item.source_type,
            referring_organisation_id=item.organisation_id,
            referred_on=item.referred_on,
            state=ReferralState.SUBMITTED,
            made_at=actor.at,
        )
        for item, person in zip(arriving, people, strict=True)
    ]
    session.add_all(referrals)
    session.flush()  # the moves and snapshots reference these rows by foreign key
    new_people = [
        (person, item.content.details) for item, person in zip(arriving, people, strict=True) if item.person is None
    ]
    moves = [_submit_row(actor, referral) for referral in referrals]
    insert_many(session, ReferralMove, moves)
    message_actions.queue_webhooks(
        session, [_webhook(referral, row) for referral, row in zip(referrals, moves, strict=True)]
    )
    insert_many(
        session,
        ReferralSnapshot,
        [_snapshot(session, actor, row, item.content) for row, item in zip(referrals, arriving, strict=True)],
    )
    insert_many(
        session,
        ProfileVersion,
        [
            _first_profile(actor, row, item.content)
            for row, item in zip(referrals, arriving, strict=True)
            if item.person is None and item.content.has_profile
        ],
    )
    for item in arriving:
        if item.person is not None:
            carrying.protect_known(session, actor, item.person, item.content)
    candidates = duplicate_actions.find_candidates(session, actor, new_people, BatchComparison.CAME)
    may_be = {
        person.id: person_candidates for (person, _), person_candidates in zip(new_people, candidates, strict=True)
    }
    # A referral of a known person may say something that the record does not.
    known = [(item.person, item.content.details) for item in arriving if item.person is not None]
    for (person, _), more in zip(known, duplicate_actions.find_candidates(session, actor, known), strict=True):
        may_be[person.id] = more
    return [
        RecordedReferral(referral, person, may_be.get(person.id, ()))
        for referral, person in zip(referrals, people, strict=True)
    ]


def _webhook(referral: Referral, row: Mapping[str, Any]) -> WebhookEvent:
    referrer = referral.referring_organisation_id
    organisations = {referral.partner_id, referral.partner_id if referrer is None else referrer}
    return WebhookEvent(
        row["id"], "referral", referral.id, row["event"], row["to_state"], row["recorded_at"], organisations
    )


def _submit_row(actor: Actor, referral: Referral) -> dict[str, Any]:
    return ReferralMove.row(actor, referral.referred_on, **_move(referral, "submit", None, ReferralState.SUBMITTED))


def _first_profile(actor: Actor, referral: Referral, content: ReferralContent) -> dict[str, Any]:
    profile = formats.without_crossed_hours(dict(content.profile))
    return ProfileVersion.row(
        actor,
        referral.referred_on,
        partner_id=referral.partner_id,
        jobseeker_id=referral.jobseeker_id,
        number=1,
        said_by={name: "referrer" for name, value in profile.items() if value is not None},
        note=_note_of(content.profile_words),
        **profile,
    )


def _note_of(words: Mapping[str, str]) -> str | None:
    """Return the note of a profile that repeats what a referrer wrote where a profile field could not hold it."""
    if not words:
        return None
    said = "; ".join(f"{name.replace('_', ' ')}: {text}" for name, text in sorted(words.items()))
    return f"The referrer wrote: {said}."[:LONGEST_NOTE]


def _take_snapshot(
    session: WriteSession,
    actor: Actor,
    referral: Referral,
    content: ReferralContent,
    previous: ReferralSnapshot | None,
) -> ReferralSnapshot:
    columns = _snapshot(session, actor, referral, content) | {"supersedes": previous.id if previous else None}
    snapshot = ReferralSnapshot(**columns)
    session.add(snapshot)
    session.flush()  # refuses the second of two writers that supersede the same snapshot
    return snapshot


def _snapshot(session: Session, actor: Actor, referral: Referral, content: ReferralContent) -> dict[str, Any]:
    fact_id = uuid7()
    return ReferralSnapshot.row(
        actor,
        referral.referred_on,
        id=fact_id,
        partner_id=referral.partner_id,
        jobseeker_id=referral.jobseeker_id,
        referral_id=referral.id,
        **identifiers.sealed(session, "referral_snapshots", fact_id, content.details),
        **content.profile,
        **content.about,
    )


def content_of(session: Session, snapshot: ReferralSnapshot) -> ReferralContent:
    """Return the content of a snapshot."""
    return ReferralContent(
        identifiers.unsealed(session, snapshot),
        {name: getattr(snapshot, name) for name in PROFILE_NAMES},
        {name: getattr(snapshot, name) for name in ABOUT_NAMES},
    )


def change(session: WriteSession, actor: Actor, referral: Referral, body: ReferralChange) -> Referral:
    """Change the details that the referrer gave. Refuse a referral that is already accepted, declined or withdrawn."""
    if referral.state not in {ReferralState.SUBMITTED, ReferralState.ACKNOWLEDGED}:
        raise ReferralMoveRefused(
            f"This referral is {referral.state} and cannot be changed. The partner can correct the jobseeker's record.",
            possible=[],
        )
    given = body.model_dump(exclude_unset=True)
    if given.get("is_restricted", False) is None:
        raise RuleBroken(
            "Whether the record is restricted must be true or false (is_restricted). Leave it out to keep the"
            " current value.",
            pointer="/is_restricted",
        )
    _refuse_days_to_come(actor, given)
    if "half_days" in given:
        given["half_days"] = half_days.parse(given["half_days"])
    after = content_of(session, queries.snapshot(session, referral)).changed(given, blanks_clear=True)
    if not after.details.has_name:
        raise RuleBroken("A referral needs a name. Enter a given name or a family name.", pointer="/given_name")
    resay(session, actor, referral, after)
    return referral


def may_correct_referred_on(referral: Referral) -> bool:
    return referral.state in {ReferralState.SUBMITTED, ReferralState.ACKNOWLEDGED}


def correct_referred_on(session: WriteSession, actor: Actor, referral: Referral, day: date) -> bool:
    """Correct the day of a referral. If the referral is already decided, change nothing and return False."""
    if not may_correct_referred_on(referral):
        return False
    first = session.scalars(
        select(ReferralMove)
        .where(
            ReferralMove.partner_id == referral.partner_id,
            ReferralMove.referral_id == referral.id,
            ReferralMove.event == "submit",
        )
        .order_by(ReferralMove.recorded_at.desc(), ReferralMove.id.desc())
        .limit(1)
    ).one()
    referral.referred_on = day
    corrected = _move_row(actor, referral, "submit", None, ReferralState.SUBMITTED)
    corrected.supersedes = first.id
    session.add(corrected)
    session.flush()  # refuses the second of two writers that correct the same day
    return True


def resay(session: WriteSession, actor: Actor, referral: Referral, after: ReferralContent) -> bool:
    """Record a new snapshot. Copy each changed field to the jobseeker's record, unless staff have edited that field.

    A field counts as edited if the record differs from the previous snapshot. The record keeps an edited value, and
    the reply lists the field in ``differs_from_record``. What protects the jobseeker is added to an edited value, and
    is never cleared. Return whether anything changed.
    """
    previous = queries.snapshot(session, referral)
    before = content_of(session, previous)
    new = after.names_that_differ(before)
    if not new:
        return False
    identifiers.refuse_test_values(session, after.details, among=new)
    _take_snapshot(session, actor, referral, after, previous)
    # Marking the row as changed gives the referral a new version, although the content has a row of its own.
    flag_modified(referral, "state")
    person = session.get_one(Jobseeker, referral.jobseeker_id)
    details = {name: value for name, value in after.details.as_dict().items() if name in new}
    carrying.carry_details(session, actor, person, before.details, details)
    carrying.carry_profile(session, actor, person, before.profile, {n: v for n, v in after.profile.items() if n in new})
    carrying.protect_known(session, actor, person, after)
    session.flush()  # so that the reply includes the new version
    return True


def differences(session: Session, referral: Referral, snapshot: ReferralSnapshot) -> list[str]:
    """Return the fields in which the jobseeker's record differs from a value that the referrer gave."""
    person = session.get_one(Jobseeker, referral.jobseeker_id)
    details = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    profile = jobseeker_queries.profile(session, person)
    record_values = details.as_dict() | {name: getattr(profile, name) if profile else None for name in PROFILE_NAMES}
    snapshot_values = content_of(session, snapshot).as_dict()
    # What the record says about safe contact stands beside the referral's number, so it is named even if it is new.
    told = {"safe_contact"} if details.safe_contact else set()
    return sorted(
        name
        for name in record_values
        if name != "as_written"
        and (snapshot_values[name] is not None or name in told)
        and snapshot_values[name] != record_values[name]
    )


def move(
    session: WriteSession, actor: Actor, referral: Referral, event: ReferralEvent, *, reason: str = ""
) -> Referral:
    """Apply an event to a referral. Accepting also opens the case and, if necessary, acknowledges the referral."""
    then = afterwards(referral.state, actor.role)
    to_state = destination(REFERRAL_MOVES, referral.state, event, ReferralMoveRefused, afterwards=then)
    row = _move_row(actor, referral, event.value, referral.state, to_state, reason)
    row.reason_is_for_referrer = event is ReferralEvent.DECLINE
    session.add(row)
    referral.state = to_state
    if to_state in {ReferralState.ACKNOWLEDGED, ReferralState.ACCEPTED} and referral.acknowledged_at is None:
        referral.acknowledged_at = actor.at
    if to_state is ReferralState.ACCEPTED:
        jobseeker_actions.open_case(session, actor, session.get_one(Jobseeker, referral.jobseeker_id))
        # The partner's staff may compare numbers that the referrer's request could not decrypt.
        identify.note(session, referral.partner_id, [referral.jobseeker_id])
    if event in NOTICE_OF:
        _notify_referrer(session, actor, referral, NOTICE_OF[event])
    session.flush()  # so that the reply includes the new version
    return referral


NOTICE_OF = {
    ReferralEvent.ACCEPT: NoticeKind.REFERRAL_ACCEPTED,
    ReferralEvent.DECLINE: NoticeKind.REFERRAL_DECLINED,
}


def _notify_referrer(session: WriteSession, actor: Actor, referral: Referral, kind: NoticeKind) -> None:
    """Notify the member who submitted the referral. If they are no referrer there now, notify its referrers."""
    organisation_id = referral.referring_organisation_id
    if organisation_id is None:
        return
    referrers = message_queries.members(session, organisation_id, [Role.REFERRER])
    submitter = queries.submitter(session, referral)
    to = [submitter] if submitter in referrers else referrers
    message_actions.notify(session, actor, to, kind, about=("referrals", referral.id), organisation_id=organisation_id)


def _move_row(
    actor: Actor,
    referral: Referral,
    event: str,
    from_state: ReferralState | None,
    to_state: ReferralState,
    reason: str = "",
) -> ReferralMove:
    valid_on = referral.referred_on if event == "submit" else None
    return ReferralMove.recorded(actor, valid_on, **_move(referral, event, from_state, to_state), reason=reason)


def _move(referral: Referral, event: str, from_state: ReferralState | None, to_state: ReferralState) -> dict[str, Any]:
    return {
        "partner_id": referral.partner_id,
        "jobseeker_id": referral.jobseeker_id,
        "referral_id": referral.id,
        "event": event,
        "from_state": from_state.value if from_state else None,
        "to_state": to_state.value,
    }


def withdraw_open(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Withdraw the person's undecided referrals when the person's record is voided."""
    rows = session.scalars(
        select(Referral).where(
            Referral.partner_id == person.partner_id,
            Referral.jobseeker_id == person.id,
            Referral.state.in_([ReferralState.SUBMITTED, ReferralState.ACKNOWLEDGED]),
        )
    ).all()
    for referral in rows:
        move(session, actor, referral, ReferralEvent.WITHDRAW, reason=reason)


EVENTS_OF_REFERRER = {ReferralEvent.WITHDRAW}


def reply(session: Session, actor: Actor, referral: Referral) -> ReferralOut:
    """Return the referral, limited to the fields that this actor (partner staff or the referrer) may see."""
    snapshot = queries.snapshot(session, referral)
    content = content_of(session, snapshot)
    partner = session.get_one(Organisation, referral.partner_id)
    received_on = local_day(referral.made_at)
    is_referrer = actor.role is Role.REFERRER
    earlier = [] if is_referrer else queries.earlier(session, referral)
    events = [
        event.value
        for event in possible_events(REFERRAL_MOVES, referral.state)
        if not is_referrer or event in EVENTS_OF_REFERRER
    ]
    person = session.get_one(Jobseeker, referral.jobseeker_id)
    record = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    full = ReferralOut(
        **DetailsFields(**joining.protected(content.details, record).as_read()).model_dump(),
        **ProfileFields(**content.profile).model_dump(),
        **content.about,
        id=referral.id,
        ref=referral.ref,
        state=referral.state,
        partner_id=referral.partner_id,
        jobseeker_id=referral.jobseeker_id,
        source_type=referral.source_type,
        referring_organisation_id=referral.referring_organisation_id,
        referred_on=referral.referred_on,
        acknowledge_by=tables.due_on("acknowledge_referral", received_on, partner.nation),
        initial_meeting_by=tables.due_on("initial_meeting", received_on, partner.nation),
        acknowledged_at=referral.acknowledged_at,
        made_at=referral.made_at,
        possible_events=events,
        differs_from_record=None if is_referrer else differences(session, referral, snapshot),
        warnings=[Warned(**warning) for warning in content.warnings(actor.today)],
        earlier=[EarlierReferral.model_validate(row) for row in earlier] or None,
        case_was=queries.case_was(session, referral) if earlier else None,
        nobody_notified=None if is_referrer else _what_if_unread(session, referral, content),
        version=referral.version,
    )
    visible = queries.visible_groups(session, actor, referral)
    if is_referrer and record.contact_withheld_reason and not content.details.contact_withheld_reason:
        visible -= {Group.CONTACT}
    shaped = full.limited_to(visible)
    return shaped.model_copy(
        update={
            "warnings": [w for w in shaped.warnings if ReferralOut.group_of[w.field] in visible],
            "differs_from_record": [
                name for name in full.differs_from_record or [] if ReferralOut.group_of[name] in visible
            ]
            if shaped.differs_from_record is not None
            else None,
        }
    )


NOBODY_NOTIFIED = (
    "The referrer has no account here, so nobody was notified of your decision. Tell the referrer yourself, and record"
    " the contact."
)


def _what_if_unread(session: Session, referral: Referral, content: ReferralContent) -> str | None:
    """Return what to do if a referrer waits for a decision and can read no notice of it."""
    about = content.about
    waits = referral.referring_organisation_id or about.get("referrer_email") or about.get("referrer_name")
    if not waits or referral.state not in {ReferralState.ACCEPTED, ReferralState.DECLINED}:
        return None
    organisation_id = referral.referring_organisation_id
    has_reader = organisation_id is not None and message_queries.members(session, organisation_id, [Role.REFERRER])
    return None if has_reader else NOBODY_NOTIFIED


def line_reply(actor: Actor, nation: Nation, row: Any, case: jobseeker_queries.CaseAccess) -> ReferralLine:
    due = tables.due_on("acknowledge_referral", local_day(row.made_at), nation)
    return ReferralLine(
        id=row.id,
        ref=row.ref,
        state=row.state,
        given_name=row.given_name,
        family_name=row.family_name,
        referred_on=row.referred_on,
        source_type=row.source_type,
        acknowledge_by=due,
        is_repeat=row.is_repeat,
    ).limited_to(queries.visible_groups_of_line(actor, case))


def workload(session: Session, actor: Actor, days: WorkloadQuery) -> Workload:
    """Count the referrals (repeat referrals included) and the different people referred in a period."""
    first = datetime.combine(days.first_day, time(), tzinfo=LONDON)
    end = datetime.combine(days.last_day + timedelta(days=1), time(), tzinfo=LONDON)
    rows = session.execute(queries.received_between(actor, first, end)).all()
    return Workload(
        referrals=len(rows),
        people=len({row[0] for row in rows}),
        repeats=sum(row[3] for row in rows),
        by_state=dict(sorted(Counter(row[1].value for row in rows).items())),
        by_source=dict(sorted(Counter(row[2].value for row in rows).items())),
    )


def extract_of_snapshot(session: Session, row: ReferralSnapshot) -> SnapshotOut:
    values = identifiers.unsealed(session, row).as_dict()
    columns = {name: getattr(row, name) for name in SnapshotOut.model_fields if name not in values}
    return SnapshotOut(**values, **columns)
