"""What a referrer reads of what became of its referrals, and the jobseeker's agreement that decides how much.

Without an agreement, a referrer reads that a referral was received, accepted, declined (with its reason) or withdrawn,
and that the case was closed. About a restricted or void record it reads no more than the answer to the referral.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select

from pathways.base import Actor, Role, local_day
from pathways.database import Session, WriteSession
from pathways.errors import RuleBroken
from pathways.facts import as_known
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers import restrictions
from pathways.jobseekers.models import (
    Contact,
    ContactOutcome,
    ContactWith,
    Jobseeker,
    JobseekerEvent,
    JobseekerMove,
    JobseekerState,
    Restriction,
)
from pathways.referrals import queries
from pathways.referrals.models import (
    AGREED_STAGES,
    ProgressPermission,
    ProgressStage,
    ReachedStage,
    Referral,
    ReferralEvent,
    ReferralMove,
    StageSource,
)
from pathways.referrals.schemas import NewProgressPermission, ProgressLine, ReferralLine, ReferralOut

P = ProgressStage
ANSWERS = {
    ReferralEvent.ACCEPT.value: P.ACCEPTED,
    ReferralEvent.DECLINE.value: P.DECLINED,
    ReferralEvent.WITHDRAW.value: P.WITHDRAWN,
}
# ``{on}`` is the day. The sentences say nothing about why, how or with whom.
TEXTS = {
    P.RECEIVED: "The partner received the referral on {on}.",
    P.ACCEPTED: "The partner accepted the referral on {on}.",
    P.DECLINED: "The partner declined the referral on {on}.",
    P.WITHDRAWN: "The referral was withdrawn on {on}.",
    P.MET: "The partner first met or spoke with the jobseeker on {on}.",
    P.STARTED_PROGRAMME: "The jobseeker started on a programme on {on}.",
    P.STARTED_WORK: "The jobseeker started work or a placement on {on}.",
    P.LEFT_WORK: "The jobseeker's work or placement ended on {on}.",
    P.LEFT_PROGRAMME: "The jobseeker's time on the programme ended on {on}.",
    P.CLOSED: "The partner closed the case on {on}.",
}
ENDS = {P.STARTED_PROGRAMME: P.LEFT_PROGRAMME, P.STARTED_WORK: P.LEFT_WORK}


def agree(session: WriteSession, actor: Actor, referral: Referral, new: NewProgressPermission) -> ProgressPermission:
    """Record what the jobseeker agreed that the referrer may read. It replaces what was agreed before."""
    person = jobseeker_queries.jobseeker(session, actor, referral.jobseeker_id)
    jobseeker_actions.must_not_be_void(person)
    if referral.referring_organisation_id is None:
        raise RuleBroken("This person referred themselves, so there is no referrer to whom progress could be told.")
    if new.valid_on is not None and new.valid_on > actor.today:
        raise RuleBroken("The date cannot be in the future. Correct the date.", pointer="/valid_on")
    if person.is_restricted and new.stages:
        raise RuleBroken(
            "The case is restricted, so the referrer reads only the answer to the referral. Send an empty list of"
            " stages, or ask a team manager to lift the restriction first.",
            pointer="/stages",
        )
    previous = _permissions(session, referral.partner_id, [referral.id]).get(referral.id)
    permission = ProgressPermission.recorded(
        actor,
        new.valid_on,
        partner_id=referral.partner_id,
        jobseeker_id=referral.jobseeker_id,
        referral_id=referral.id,
        supersedes=previous.id if previous else None,
        stages=[stage.value for stage in AGREED_STAGES if stage in new.stages],
        names_workplace=new.names_workplace,
        how_given=new.how_given,
    )
    session.add(permission)
    session.flush()  # refuses the second of two writers that supersede the same permission
    return permission


def with_progress(
    session: Session, actor: Actor, referral: Referral, reply: ReferralOut, sources: Sequence[StageSource]
) -> ReferralOut:
    """Return the reply with what became of the referral; for the partner's staff, also with what was agreed."""
    known = _known(session, [referral], sources)
    declined = [move.reason for move in known.answers[referral.id] if _declines_with_reason(move)]
    stages = None if actor.role is Role.REFERRER else sorted(known.agreed(referral)[0], key=list(P).index)
    told = {"progress": _lines(known, referral, actor.today), "declined_because": next(iter(declined), None)}
    visible = queries.visible_groups(session, actor, referral)
    shown = {name: value for name, value in told.items() if ReferralOut.group_of[name] in visible}
    return reply.model_copy(update={**shown, "referrer_may_read": stages}).limited_to(visible)


def with_progress_of_lines(
    session: Session, actor: Actor, lines: Sequence[ReferralLine], sources: Sequence[StageSource]
) -> list[ReferralLine]:
    """Return a referrer's list with what became of each referral. Partner staff read it in the referral itself."""
    if actor.role is not Role.REFERRER:
        return list(lines)
    referrals = session.scalars(queries.visible_to(actor).where(Referral.id.in_([line.id for line in lines]))).all()
    known = _known(session, referrals, sources)
    progress = {referral.id: _lines(known, referral, actor.today) for referral in referrals}
    return [line.model_copy(update={"progress": progress.get(line.id)}) for line in lines]


@dataclass(slots=True)
class _Known:
    """What is known of some referrals and their people, by the ids of the referrals or of the jobseekers."""

    people: dict[UUID, Jobseeker] = field(default_factory=dict)
    answers: dict[UUID, list[ReferralMove]] = field(default_factory=lambda: defaultdict(list))
    permissions: dict[UUID, ProgressPermission] = field(default_factory=dict)
    restricted: dict[UUID, list[Any]] = field(default_factory=lambda: defaultdict(list))
    case_moves: dict[UUID, list[JobseekerMove]] = field(default_factory=lambda: defaultdict(list))
    accepts: dict[UUID, list[ReferralMove]] = field(default_factory=lambda: defaultdict(list))
    met: dict[UUID, list[Contact]] = field(default_factory=lambda: defaultdict(list))
    reached: dict[UUID, list[ReachedStage]] = field(default_factory=lambda: defaultdict(list))

    def says_little(self, referral: Referral) -> bool:
        person = self.people[referral.jobseeker_id]
        return person.is_restricted or person.state is JobseekerState.VOIDED

    def agreed(self, referral: Referral) -> tuple[frozenset[ProgressStage], bool]:
        """Return the stages that the referrer may read, and whether it may read the workplace.

        A restriction ends an agreement for good: after it is lifted, the jobseeker has to be asked again.
        """
        permission = self.permissions.get(referral.id)
        if permission is None or self.says_little(referral):
            return frozenset(), False
        if any(at >= permission.recorded_at for at in self.restricted[referral.jobseeker_id]):
            return frozenset(), False
        return frozenset(P(stage) for stage in permission.stages), permission.names_workplace


def _known(session: Session, referrals: Sequence[Referral], sources: Sequence[StageSource]) -> _Known:
    known = _Known()
    of_partner: dict[UUID, list[Referral]] = defaultdict(list)
    for referral in referrals:
        of_partner[referral.partner_id].append(referral)
    for partner_id, rows in of_partner.items():
        _read(session, partner_id, rows, sources, known)
    return known


def _read(
    session: Session, partner_id: UUID, referrals: Sequence[Referral], sources: Sequence[StageSource], known: _Known
) -> None:
    ids, people = [row.id for row in referrals], sorted({row.jobseeker_id for row in referrals})
    rows = select(Jobseeker).where(Jobseeker.partner_id == partner_id, Jobseeker.id.in_(people))
    known.people |= {person.id: person for person in session.scalars(rows)}
    known.permissions |= _permissions(session, partner_id, ids)
    for move in _about(session, ReferralMove, partner_id, people, ReferralMove.event.in_(ANSWERS)):
        known.answers[move.referral_id].append(move)
        if move.event == ReferralEvent.ACCEPT.value:
            known.accepts[move.jobseeker_id].append(move)
    restricted = (Restriction.is_restricted.is_(True), Restriction.reason != restrictions.SUSPECTED)
    for row in _about(session, Restriction, partner_id, people, *restricted):
        known.restricted[row.jobseeker_id].append(row.recorded_at)
    case_events = JobseekerMove.event.in_([JobseekerEvent.CLOSE.value, JobseekerEvent.REOPEN.value])
    for row in _about(session, JobseekerMove, partner_id, people, case_events, as_known(JobseekerMove)):
        known.case_moves[row.jobseeker_id].append(row)
    spoke = (Contact.with_whom == ContactWith.JOBSEEKER, Contact.outcome == ContactOutcome.SPOKE, as_known(Contact))
    for row in _about(session, Contact, partner_id, people, *spoke):
        known.met[row.jobseeker_id].append(row)
    for source in sources:
        for stage in source(session, partner_id, people):
            known.reached[stage.jobseeker_id].append(stage)


def _about(session: Session, model: Any, partner_id: UUID, people: Sequence[UUID], *conditions: Any) -> Iterable[Any]:
    rows = select(model).where(model.partner_id == partner_id, model.jobseeker_id.in_(people), *conditions)
    return session.scalars(rows.order_by(model.recorded_at, model.id)).all()


def _permissions(session: Session, partner_id: UUID, referral_ids: Sequence[UUID]) -> Mapping[UUID, ProgressPermission]:
    rows = select(ProgressPermission).where(
        ProgressPermission.partner_id == partner_id,
        ProgressPermission.referral_id.in_(referral_ids),
        as_known(ProgressPermission),
    )
    return {row.referral_id: row for row in session.scalars(rows)}


def _declines_with_reason(move: ReferralMove) -> bool:
    return move.event == ReferralEvent.DECLINE.value and move.reason_is_for_referrer and bool(move.reason)


def _lines(known: _Known, referral: Referral, today: date) -> list[ProgressLine]:
    lines = [_line(P.RECEIVED, local_day(referral.made_at))]
    for move in known.answers[referral.id]:
        because = f" The reason: {move.reason}" if _declines_with_reason(move) else ""
        lines.append(_line(ANSWERS[move.event], move.valid_on, because))
    if not known.says_little(referral):
        accepted = [move for move in known.answers[referral.id] if move.event == ReferralEvent.ACCEPT.value]
        lines += [line for move in accepted[:1] for line in _after_acceptance(known, referral, move, today)]
    return lines


def _after_acceptance(known: _Known, referral: Referral, accepted: ReferralMove, today: date) -> Iterator[ProgressLine]:
    """Yield what the referrer may read of the time from the referral until its case was closed."""
    closing = _closing(known, referral, accepted)
    stages, names_workplace = known.agreed(referral)
    told = []
    for stage, on, workplace in _reached(known, referral, closing, today):
        if stage in stages:
            where = f" The workplace: {workplace}." if workplace and names_workplace else ""
            told.append(_line(stage, on, where))
    yield from sorted(told, key=lambda line: (line.on, list(P).index(line.stage)))
    if closing is not None:
        yield _line(P.CLOSED, closing.valid_on)


def _reached(
    known: _Known, referral: Referral, closing: JobseekerMove | None, today: date
) -> Iterator[tuple[ProgressStage, date, str | None]]:
    first, last = referral.referred_on, closing.valid_on if closing is not None else today

    def is_within(on: date, recorded_at: datetime) -> bool:
        # What began on the day of the closing but was recorded after it may belong to the next time of support.
        return first <= on <= last and (closing is None or on < last or recorded_at <= closing.recorded_at)

    met = [row.valid_on for row in known.met[referral.jobseeker_id] if is_within(row.valid_on, row.recorded_at)]
    if met:
        yield P.MET, min(met), None
    for stretch in known.reached[referral.jobseeker_id]:
        if is_within(stretch.on, stretch.recorded_at):
            yield stretch.stage, stretch.on, stretch.workplace
            if stretch.until is not None and stretch.until <= last:
                yield ENDS[stretch.stage], stretch.until, None


def _closing(known: _Known, referral: Referral, accepted: ReferralMove) -> JobseekerMove | None:
    """Return the closing of the case that this referral opened; None while it is open.

    A case that another referral opened again is another time of support, about which this referrer reads nothing.
    """
    others = {m.recorded_at for m in known.accepts[referral.jobseeker_id] if m.referral_id != referral.id}
    closing = None
    for move in known.case_moves[referral.jobseeker_id]:
        if move.recorded_at < accepted.recorded_at:
            continue
        if move.event == JobseekerEvent.CLOSE.value:
            closing = move
        elif move.recorded_at in others:
            break
        else:
            closing = None
    return closing


def _line(stage: ProgressStage, on: date, more: str = "") -> ProgressLine:
    day = f"{on.day} {on:%B %Y}"
    return ProgressLine(stage=stage, on=on, text=TEXTS[stage].format(on=day) + more)
