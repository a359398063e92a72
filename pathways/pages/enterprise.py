"""The first page of a social enterprise: who waits for an answer, and its placements."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import case, select

from pathways.base import Actor, Nation, local_day
from pathways.database import Database, Session
from pathways.drafts import actions as drafts
from pathways.introductions import actions as introduction_actions
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import Introduction, IntroductionState
from pathways.introductions.schemas import IntroductionOut
from pathways.organisations.models import Organisation
from pathways.pages.visitors import Visitor, show
from pathways.placements import actions as placement_actions
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.placements.schemas import PlacementOut
from pathways.reference import tables

FIRST_FEW = 5
S = IntroductionState
# What waits for the social enterprise, in this order: answers first, then first days, then offers.
WAITS = (S.SENT, S.INVITED, S.ACCEPTED, S.WAITING, S.OFFERED)
ANSWERS, STARTS, WORKING = (S.SENT, S.INVITED), (S.ACCEPTED,), (S.STARTED,)  # an answer to both is due


@dataclass(frozen=True, slots=True)
class IntroductionLine:
    """One introduction in a list: what its reader may see, and by when an answer is due."""

    shown: IntroductionOut
    due_on: date | None

    @property
    def name(self) -> str:
        """Return the name by which the person is called, if it was shared."""
        names = (self.shown.known_as or self.shown.given_name or "", self.shown.family_name or "")
        return " ".join(filter(None, names))


def nation_of(session: Session, actor: Actor) -> Nation:
    return session.scalars(select(Organisation.nation).where(Organisation.id == actor.organisation_id)).one()


def lines(session: Session, actor: Actor, rows: list[Introduction]) -> list[IntroductionLine]:
    """Return introductions as lines of a list, each with the fields that the actor's side may see."""
    nation = nation_of(session, actor)
    due = {
        row.id: tables.due_on("introduction_answer", local_day(row.sent_at), nation)
        for row in rows
        if row.sent_at is not None and row.state in ANSWERS
    }
    return [IntroductionLine(shape, due.get(shape.id)) for shape in introduction_actions.replies(session, actor, rows)]


def _waiting(session: Session, actor: Actor, states: tuple[IntroductionState, ...]) -> list[IntroductionLine]:
    rows = introduction_queries.visible_to(actor).where(Introduction.state.in_(states))
    found = session.scalars(rows.order_by(Introduction.sent_at, Introduction.id).limit(FIRST_FEW + 1)).all()
    return lines(session, actor, list(found))


def _placements(session: Session, actor: Actor, soon: date) -> list[PlacementOut]:
    """Return placements that are not closed: those to confirm soon first, then the newest."""
    rows = placement_queries.own(actor).where(Placement.state != PlacementState.CLOSED)
    is_soon = (Placement.state == PlacementState.PUBLISHED) & (Placement.reconfirm_by <= soon)
    found = session.scalars(rows.order_by(case((is_soon, 0), else_=1), Placement.id.desc()).limit(FIRST_FEW + 1)).all()
    return placement_actions.replies(session, actor, list(found))


def first_page(request: Request, visitor: Visitor, database: Database) -> Response:
    """Show who waits for an answer, whose first day is to be recorded, and the placements."""
    actor = visitor.actor
    soon = int(tables.limit("reconfirm_soon_days", actor.today))
    with database.reading(actor) as session:
        values: dict[str, Any] = {
            "answers": _waiting(session, actor, (S.SENT,)),
            "meetings": _waiting(session, actor, (S.INVITED,)),
            "starts": _waiting(session, actor, STARTS),
            "working": _waiting(session, actor, WORKING),
            "placements": _placements(session, actor, actor.today + timedelta(days=soon)),
            "has_begun": bool(drafts.saved(session, visitor.membership_id, "/placements/new", actor.at)),
        }
    return show(request, visitor, "enterprise/home", "Home", few=FIRST_FEW, today=actor.today, soon=soon, **values)
