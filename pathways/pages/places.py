"""The pages on which places are found for a person: the shortlist with its reasons, and putting the person forward."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import select

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.database import Session, WriteSession
from pathways.errors import DomainError
from pathways.introductions import actions as introduction_actions
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import OPEN, Introduction, IntroductionState
from pathways.introductions.schemas import NewIntroduction
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.pages import words
from pathways.pages.forms import first
from pathways.pages.listing_questions import KINDS
from pathways.pages.maps import PlacesMap, drawn
from pathways.pages.person import PersonHead, find, head, person_page
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, note_refusal, once_of
from pathways.placements.models import Placement
from pathways.reference.postcodes import locate_all
from pathways.shortlists import actions, queries, replay, safety, unlock
from pathways.shortlists.actions import Ranked
from pathways.shortlists.models import Shortlist

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.SHORTLIST_READ)]
Maker = Annotated[Visitor, allowed(Permission.SHORTLIST_MAKE)]
Introducer = Annotated[Visitor, allowed(Permission.INTRODUCTION_MAKE)]
Unlocker = Annotated[Visitor, allowed(Permission.UNLOCK_READ)]
LIMIT = 20
MOST_COMPARED = 3


def _page(
    request: Request,
    visitor: Visitor,
    database: Any,
    reference: str,
    chosen: UUID | None,
    fault: str = "",
    to_check: str = "",
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        rows = queries.visible_to(actor).where(Shortlist.jobseeker_id == person.id)
        if chosen is not None:
            rows = rows.where(Shortlist.id == chosen)
        latest = session.scalars(rows.order_by(Shortlist.id.desc()).limit(1)).first()
        shown = replay.reply(session, actor, latest) if latest is not None else None
        open_at = _open_at(session, person)
        drawing = _map(session, top, shown) if shown is not None else None
        profile = jobseeker_queries.profile(session, person)
        is_stale = latest is not None and profile is not None and profile.id != latest.profile_version_id
        facts = _facts(session, shown) if shown is not None else {}
    return person_page(
        request,
        visitor,
        top,
        "person/places",
        "Places",
        shortlist=shown,
        map=drawing,
        is_stale=is_stale,
        days_old=(actor.today - latest.shown_on).days if latest is not None else 0,
        facts=facts,
        common=_common(shown) if shown is not None else [],
        open_at=open_at,
        fault=fault,
        to_check=to_check,
        errors=[{"text": fault, "href": "#main-content"}] if fault else (),
        status=422 if fault else 200,
    )


def _open_at(session: Session, person: Jobseeker) -> set[str]:
    """Return the ids of the placements for which the person is put forward now, or where they work."""
    rows = select(Introduction.placement_id).where(
        Introduction.partner_id == person.partner_id,
        Introduction.jobseeker_id == person.id,
        Introduction.state.in_([*OPEN, IntroductionState.STARTED]),
    )
    return {str(one) for one in session.scalars(rows)}


LEAST_IN_COMMON = 3  # matches from which on what all of them ask is said once, above them


def _common(shown: Mapping[str, Any]) -> list[str]:
    """Return what every match asks or warns of, which says nothing about one of them."""
    matches = shown["matches"]
    if len(matches) < LEAST_IN_COMMON:
        return []
    of_each = [_questions_of(match) for match in matches]
    return [text for text in dict.fromkeys(of_each[0]) if all(text in one for one in of_each)]


def _questions_of(match: Mapping[str, Any]) -> list[str]:
    unknown = [reason["text"] for reason in match["reasons"] if reason["effect"] not in {"for", "against"}]
    checks = [check["text"] for check in match["checks"] if check["result"] == "unknown"]
    return [*unknown, *checks, *(flag["text"] for flag in match["benefit_flags"])]


def _facts(session: Session, shown: Mapping[str, Any]) -> dict[str, str]:
    """Return, by placement, its kind, hours and pay in words."""
    ids = [UUID(str(one["placement_id"])) for one in shown["matches"]]
    rows = session.execute(
        select(Placement.id, Placement.kind, Placement.hours_per_week, Placement.pay_per_hour_pence).where(
            Placement.id.in_(ids)
        )
    )
    return {
        str(row.id): ", ".join(
            filter(
                None,
                (
                    KINDS.get(row.kind, ""),
                    f"{words.hours(row.hours_per_week)} hours a week" if row.hours_per_week is not None else "",
                    f"{words.pounds(row.pay_per_hour_pence / 100)} an hour" if row.pay_per_hour_pence else "",
                ),
            )
        )
        for row in rows
    }


def _map(session: Session, top: PersonHead, shown: Mapping[str, Any]) -> PlacesMap | None:
    """Return the map of a shortlist, from the home that the visitor may read; None if it is withheld or not known."""
    home = top.shown.postcode if "postcode" not in top.shown.withheld else None
    if not home:
        return None
    ids = [UUID(str(one["placement_id"])) for one in shown["matches"]]
    rows = select(Placement.id, Placement.postcode).where(Placement.id.in_(ids))
    postcodes = {row.id: row.postcode for row in session.execute(rows)}
    known = locate_all(session, {home, *postcodes.values()})
    places = {
        match["rank"]: point
        for match in shown["matches"]
        if (point := known.get(postcodes.get(UUID(str(match["placement_id"]))))) is not None
    }
    return drawn(known.get(home), places)


@router.get("/{reference}/places")
def places(
    reference: str,
    request: Request,
    visitor: Reader,
    database: DatabaseDep,
    shortlist: UUID | None = None,
) -> Response:
    """Show the latest shortlist of a person, or an earlier one: reasons for and against, checks and questions."""
    return _page(request, visitor, database, reference, shortlist)


@router.post("/{reference}/places")
def rank(reference: str, request: Request, visitor: Maker, database: DatabaseDep, typed: TypedDep) -> Response:
    """Rank the open placements for a person, and record the shortlist."""
    actor, once = visitor.actor, once_of(request, typed)
    with database.reading(actor) as session:
        jobseeker_id = find(session, actor, reference).id
    if once.earlier(database, actor) is None:

        def ranking() -> Ranked:
            return actions.rank_placements(database, actor, jobseeker_id, actor.today, LIMIT)

        def act(session: WriteSession, ranked: Ranked, may_repeat: bool) -> UUID:  # noqa: FBT001 - for settled
            made = once(
                session,
                actor,
                lambda: (
                    actions.record(session, actor, ranked, may_repeat=may_repeat, jobseeker_id=jobseeker_id).shortlist
                ),
                lambda found: queries.shortlist(session, actor, found),
            )
            return made.id

        actions.settled(database, actor, ranking, act)
    return go(f"/people/{reference}/places")


@router.post("/{reference}/places/propose")
def propose(reference: str, request: Request, visitor: Introducer, database: DatabaseDep, typed: TypedDep) -> Response:
    """Put a person forward for a placement. The introduction's page then asks for the person's answer."""
    actor = visitor.actor
    with database.reading(actor) as session:
        jobseeker_id = find(session, actor, reference).id
    check = first(typed, "safety_check")
    try:
        new = NewIntroduction(
            jobseeker_id=jobseeker_id,
            placement_id=UUID(first(typed, "placement")),
            shortlist_id=UUID(first(typed, "shortlist")) if first(typed, "shortlist") else None,
            safety_check=check or None,
        )
        with database.writing(actor) as session:
            made = once_of(request, typed)(
                session,
                actor,
                lambda: introduction_actions.propose(session, actor, new),
                lambda found: introduction_queries.introduction(session, actor, found),
            )
            introduction_id: UUID = made.id
    except ValueError:
        return _page(request, visitor, database, reference, None, "Choose one of the placements, and try again.")
    except safety.SafetyNotChecked as refused:
        note_refusal(request, actor)
        return _page(request, visitor, database, reference, None, refused.detail, first(typed, "placement"))
    except DomainError as refused:
        if refused.is_audited:
            raise
        return _page(request, visitor, database, reference, None, refused.detail)
    return go(f"/introductions/{introduction_id}", "proposed")


@router.get("/{reference}/places/compare")
def compare(
    reference: str,
    request: Request,
    visitor: Reader,
    database: DatabaseDep,
    shortlist: UUID,
    placement: Annotated[list[UUID], Query()] = [],  # noqa: B006 - FastAPI copies it
) -> Response:
    """Show up to three matches of a shortlist side by side."""
    actor = visitor.actor
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        shown = replay.reply(session, actor, queries.shortlist(session, actor, shortlist))
        facts, open_at = _facts(session, shown), _open_at(session, person)
    wanted = {str(one) for one in placement}
    chosen = [match for match in shown["matches"] if str(match["placement_id"]) in wanted][:MOST_COMPARED]
    return person_page(
        request,
        visitor,
        top,
        "person/compare",
        "Compare places",
        matches=chosen,
        shortlist=shown,
        facts=facts,
        open_at=open_at,
    )


@router.get("/{reference}/places/unlock")
def what_would_help(reference: str, request: Request, visitor: Unlocker, database: DatabaseDep) -> Response:
    """Show which single changes would turn the most placements into good matches."""
    actor = visitor.actor
    with database.reading(actor) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        jobseeker_id = person.id
    found = unlock.for_jobseeker(database, actor, jobseeker_id, actor.today)
    return person_page(request, visitor, top, "person/unlock", "What would help", found=found)
