"""The first page of a caseworker: all that waits, with names, the most urgent first, five of each kind."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from gettext import gettext as _
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Select, select

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Actor, Role
from pathways.database import Database, Session
from pathways.duplicates import queries as duplicate_queries
from pathways.duplicates.models import PairState
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerState
from pathways.pages.forms import Option
from pathways.pages.teams import caseworkers
from pathways.pages.visitors import PageRoute, Visitor, allowed, show
from pathways.progression import queries as progression_queries
from pathways.progression.models import Evidence, EvidenceCheck
from pathways.referrals.models import Referral, ReferralState
from pathways.support import worklist
from pathways.support.schemas import WorklistItem
from pathways.support.waiting import Cases

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Reader = Annotated[Visitor, allowed(Permission.SUPPORT_READ)]
FIRST_FEW = 5
MOST = 200
MOST_AT_ONCE = 1000  # people of a team whose items are all read for one page


@dataclass(frozen=True, slots=True)
class TodaySection:
    """One part of the page: its heading, and the kinds of worklist items in it."""

    key: str
    title: str
    kinds: tuple[str, ...]


SECTIONS = (
    TodaySection("risk", "At risk", ("at_risk", "employer_asks", "stopped", "safety_withdrew")),
    TodaySection(
        "answers", "Answers that came", ("offer_to_answer", "meeting_to_arrange", "decline_to_tell", "reopened")
    ),
    TodaySection(
        "referrals",
        "Referrals",
        ("referral_new", "referral_to_decide", "to_enrol", "on_no_programme", "referrer_to_tell"),
    ),
    TodaySection("check-ins", "Check-ins", ("check_in_overdue", "check_in_due")),
    TodaySection("starts", "First days to record", ("start_to_record", "spell_to_record")),
    TodaySection(
        "introductions",
        "Introductions to move on",
        ("to_send", "word_awaited", "answer_awaited", "nobody_notified"),
    ),
    TodaySection("contact", "Contact and progress", ("no_contact", "stalled", "nothing_offered")),
    TodaySection("plans", "Action plans", ("plan_to_make", "plan_to_review")),
    TodaySection("claims", "Claims", ("claim_queried", "claim_turned_down")),
)
SECTION = {section.key: section for section in SECTIONS}
# By kind: what the link of an item says, and where it leads. ``{ref}`` is the person, ``{id}`` the record.
LINKS: Mapping[str, tuple[str, str]] = {
    "at_risk": ("See the work", "/people/{ref}/work"),
    "check_in_due": ("Record the check-in", "/people/{ref}/check-ins/new?spell={id}"),
    "check_in_overdue": ("Record the check-in", "/people/{ref}/check-ins/new?spell={id}"),
    "no_contact": ("Record a contact", "/people/{ref}/contacts/new"),
    "stalled": ("Open the person", "/people/{ref}"),
    "nothing_offered": ("See the places", "/people/{ref}/places"),
    "plan_to_make": ("Make the plan", "/people/{ref}/support"),
    "plan_to_review": ("Review the plan", "/people/{ref}/support"),
    "on_no_programme": ("Open the person", "/people/{ref}"),
    "claim_queried": ("Answer it", "/people/{ref}/claims/{id}"),
    "claim_turned_down": ("See the claim", "/people/{ref}/claims/{id}"),
    "start_to_record": ("Record the first day", "/introductions/{id}/start"),
}
BY_SUBJECT = {
    "introductions": ("Open it", "/introductions/{id}"),
    "referrals": ("Open it", "/referrals/{id}"),
}


@dataclass(frozen=True, slots=True)
class TodayLine:
    """One item with the name of its person and its link."""

    item: WorklistItem
    name: str
    link_text: str
    href: str


EVERYBODY, ME = "all", "mine"


def chosen_caseload(options: Sequence[Option], wanted: str) -> str:
    """Return whose items a page shows: the one of ``caseload_options`` that is wanted, else the first of them."""
    values = [option.value for option in options] or [ME]
    return wanted if wanted in values else values[0]


def _is_small(session: Session, actor: Actor) -> bool:
    rows = select(Jobseeker.id).where(
        Jobseeker.partner_id == actor.organisation_id, Jobseeker.state != JobseekerState.CLOSED
    )
    return len(session.scalars(rows.limit(MOST_AT_ONCE + 1)).all()) <= MOST_AT_ONCE


def caseload_options(session: Session, actor: Actor) -> tuple[Option, ...]:
    """Return whose items a manager can choose: the whole team if it is small, their own, or those of a caseworker."""
    if actor.role is not Role.TEAM_MANAGER:
        return ()
    everybody = (Option(EVERYBODY, _("The whole team")),) if _is_small(session, actor) else ()
    others = (one for one in caseworkers(session, actor) if one.value != str(actor.membership_id))
    return (*everybody, Option(ME, _("Me")), *others)


def most_pressing(waits: Sequence[Any]) -> Any:
    """Return what comes first of what waits about one person: work at risk or a stop before anything overdue.

    They are worklist items, or lines with one, most overdue first. There is at least one.
    """
    kinds = SECTIONS[0].kinds
    return next((one for one in waits if getattr(one, "item", one).kind in kinds), waits[0])


def scope(session: Session, actor: Actor, whose: str = ME) -> Cases:
    """Return whose items the page shows: the actor's caseload, and people who have no caseworker yet.

    ``whose`` is one of ``caseload_options``.
    """
    if whose == EVERYBODY:
        return Cases(actor.organisation_id, None)
    if whose != ME:
        rows = select(Jobseeker.id).where(
            Jobseeker.partner_id == actor.organisation_id, Jobseeker.caseworker_id == UUID(whose)
        )
        return Cases(actor.organisation_id, tuple(session.scalars(rows)))
    open_referral = select(Referral.id).where(
        Referral.partner_id == Jobseeker.partner_id,
        Referral.jobseeker_id == Jobseeker.id,
        Referral.state.in_([ReferralState.SUBMITTED, ReferralState.ACKNOWLEDGED, ReferralState.ACCEPTED]),
    )
    own = Jobseeker.caseworker_id == actor.membership_id
    without = Jobseeker.caseworker_id.is_(None) & (Jobseeker.state != JobseekerState.VOIDED) & open_referral.exists()
    rows = select(Jobseeker.id).where(Jobseeker.partner_id == actor.organisation_id)
    ids = [*session.scalars(rows.where(own)), *session.scalars(rows.where(without).limit(MOST))]
    return Cases(actor.organisation_id, tuple(ids))


def names(session: Session, actor: Actor, ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return the names of jobseekers whom the actor may see, by id, and note them for the audit."""
    rows = session.execute(jobseeker_queries.listed(actor).where(Jobseeker.id.in_(list(ids)))).all()
    actor.reading.people.update(row.id for row in rows)
    return {row.id: " ".join(filter(None, (row.given_name, row.family_name))) or row.reference for row in rows}


def lines(session: Session, actor: Actor, items: list[WorklistItem]) -> list[TodayLine]:
    """Return worklist items as lines of the page."""
    known = names(session, actor, {item.jobseeker_id for item in items})
    found = []
    for item in items:
        text, path = LINKS.get(item.kind) or BY_SUBJECT.get(item.subject, ("Open the person", "/people/{ref}"))
        href = path.format(ref=item.reference, id=item.subject_id)
        found.append(TodayLine(item, known.get(item.jobseeker_id, item.reference), text, href))
    return found


def unchecked(actor: Actor, cases: Cases) -> Select[Evidence]:
    """Return the query of the evidence that nobody has checked yet and that the actor did not record."""
    checked = select(EvidenceCheck.id).where(
        EvidenceCheck.partner_id == Evidence.partner_id, EvidenceCheck.evidence_id == Evidence.id
    )
    rows = progression_queries.evidence_visible_to(actor).where(~checked.exists(), cases.own(Evidence))
    return rows.where(Evidence.by != actor.user_id).order_by(Evidence.id)


def _to_check(session: Session, actor: Actor, cases: Cases) -> int:
    return len(session.scalars(unchecked(actor, cases).with_only_columns(Evidence.id).limit(MOST)).all())


def first_page(request: Request, visitor: Visitor, database: Database) -> Response:
    """Show what waits for the caseworker, or for the team if they manage it."""
    actor = visitor.actor
    with database.reading(actor) as session:
        caseloads = caseload_options(session, actor)
        whose = chosen_caseload(caseloads, request.query_params.get("whose", ""))
        cases = scope(session, actor, whose)
        items = worklist.items_of(session, actor, cases)
        by_section = {section.key: [item for item in items if item.kind in section.kinds] for section in SECTIONS}
        shown = lines(session, actor, [item for found in by_section.values() for item in found[:FIRST_FEW]])
        pairs = duplicate_queries.listed(actor, {PairState.OPEN}).limit(MOST)
        counts = {"duplicates": len(session.scalars(pairs).all()), "evidence": _to_check(session, actor, cases)}
    sections = [
        (section, [line for line in shown if line.item.kind in section.kinds], len(by_section[section.key]))
        for section in SECTIONS
    ]
    return show(
        request,
        visitor,
        "today/today",
        "Today",
        sections=[one for one in sections if one[2]],
        counts=counts,
        whose=whose,
        caseloads=caseloads,
    )


@router.get("/today/{key}")
def all_of(
    key: str,
    request: Request,
    visitor: Reader,
    database: DatabaseDep,
    whose: Annotated[str, Query(max_length=36)] = "",
) -> Response:
    """Show all items of one part of the first page."""
    section = SECTION.get(key, SECTIONS[0])
    actor = visitor.actor
    with database.reading(actor) as session:
        whose = chosen_caseload(caseload_options(session, actor), whose)
        items = worklist.items_of(session, actor, scope(session, actor, whose))
        found = lines(session, actor, [item for item in items if item.kind in section.kinds][:MOST])
    return show(request, visitor, "today/all", section.title, lines=found, whose=whose)
