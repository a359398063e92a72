"""JSON API of placements and their places."""

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy import func

from pathways.access.guards import (
    DatabaseDep,
    IfMatch,
    OnceDep,
    PageDep,
    PathwaysRoute,
    etag,
    expect_version,
    permitted,
)
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database, Session
from pathways.errors import Conflict, NotFound
from pathways.idempotency import Once
from pathways.imports import api as imports
from pathways.jobseekers.schemas import ReasonBody
from pathways.pagination import Page, cursor
from pathways.placements import actions, files, queries
from pathways.placements.models import Placement, PlacementEvent, PlacementState
from pathways.placements.schemas import (
    NewPlacement,
    PlacementChange,
    PlacementOut,
    PlaceOut,
    PlacesOut,
    PublishBody,
    WordingToConfirm,
)
from pathways.problems import documented

router = APIRouter(prefix="/placements", tags=["placements"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.PLACEMENT_READ)]
Maker = Annotated[Actor, permitted(Permission.PLACEMENT_MAKE)]
Changer = Annotated[Actor, permitted(Permission.PLACEMENT_CHANGE)]
Importer = Annotated[Actor, permitted(Permission.PLACEMENT_IMPORT)]


def reply(session: Session, actor: Actor, placement: Placement, response: Response) -> PlacementOut:
    etag(response, placement.version)
    return actions.replies(session, actor, [placement])[0]


@router.get("")
def list_placements(
    actor: Reader,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[PlacementState | None, Query()] = None,
    title: Annotated[str | None, Query(max_length=100, pattern=r"^[^\x00]*$")] = None,
) -> Page[PlacementOut]:
    """List the placements you may read, oldest first. Filter by state or by text in the title.

    Placement listers and administrators get their own and all published placements; other roles get all but drafts.
    """
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        if state is not None:
            rows = rows.where(Placement.state == state)
        if title:
            rows = rows.where(func.lower(Placement.title).contains(title.lower(), autoescape=True))
        after = page.after_id()
        if after is not None:
            rows = rows.where(Placement.id > after)
        placements = list(session.scalars(rows.order_by(Placement.id).limit(page.limit + 1)))
        items = actions.replies(session, actor, placements[: page.limit])
        return Page(items=items, next=cursor(items[-1].id) if len(placements) > page.limit else None)


@router.post("", status_code=201, responses=documented(Conflict))
def make_placement(
    new: NewPlacement, actor: Maker, database: DatabaseDep, once: OnceDep, response: Response
) -> PlacementOut:
    """Create a draft placement for your social enterprise. Refuses a ref that one of your placements already has."""
    with database.writing(actor) as session:
        placement = once(
            session,
            actor,
            lambda: actions.make(
                session, actor, actor.organisation_id, new.model_dump(exclude={"places"}), places=new.places
            ),
            lambda made: queries.own_placement(session, actor, made),
        )
        return reply(session, actor, placement, response)


def _own_organisation() -> UUID | None:
    """Return None: placement listers import only for their own organisation, so they name none."""
    return None


_STEPS = (Permission.PLACEMENT_MAKE, Permission.PLACEMENT_CHANGE)
router.include_router(imports.routes(files.KIND, Permission.PLACEMENT_IMPORT, _own_organisation, _STEPS))


@router.get("/{placement_id}", responses=documented(NotFound))
def get_placement(placement_id: UUID, actor: Reader, database: DatabaseDep, response: Response) -> PlacementOut:
    """Return one placement. A draft is returned only to the social enterprise that owns the placement."""
    with database.reading(actor) as session:
        return reply(session, actor, queries.placement(session, actor, placement_id), response)


@router.patch("/{placement_id}", responses=documented(NotFound))
def change_placement(
    placement_id: UUID,
    change: PlacementChange,
    actor: Changer,
    database: DatabaseDep,
    version: IfMatch,
    response: Response,
) -> PlacementOut:
    """Change the fields you send on your own placement; fields you leave out stay as they are.

    Refuses a change that would make a published placement break a legal rule, or that would remove a held or filled
    place.
    """
    with database.writing(actor) as session:
        placement = queries.own_placement(session, actor, placement_id)
        expect_version(placement, version)
        actions.change(session, actor, placement, change)
        return reply(session, actor, placement, response)


def _move(
    placement_id: UUID,
    actor: Actor,
    database: Database,
    once: Once,
    response: Response,
    event: PlacementEvent,
    reason: str,
    confirmations: Sequence[WordingToConfirm] = (),
) -> PlacementOut:
    with database.writing(actor) as session:
        placement = once(
            session,
            actor,
            lambda: actions.move(
                session,
                actor,
                queries.own_placement(session, actor, placement_id),
                event,
                reason=reason,
                confirmations=confirmations,
            ),
            lambda made: queries.own_placement(session, actor, made),
        )
        return reply(session, actor, placement, response)


@router.post("/{placement_id}/publish", responses=documented(NotFound, Conflict))
def publish_placement(
    placement_id: UUID,
    actor: Changer,
    database: DatabaseDep,
    once: OnceDep,
    response: Response,
    body: PublishBody | None = None,
) -> PlacementOut:
    """Publish your own placement. Refuses a placement that breaks a legal rule or is past its closing date.

    A refused placement keeps its state, and the reply lists the reasons. Wording that may limit who applies is
    published only if a person confirms it in ``confirm_wording``.
    """
    confirmations = body.confirm_wording if body else []
    return _move(placement_id, actor, database, once, response, PlacementEvent.PUBLISH, "", confirmations)


@router.post("/{placement_id}/pause", responses=documented(NotFound, Conflict))
def pause_placement(
    placement_id: UUID, reason: ReasonBody, actor: Changer, database: DatabaseDep, once: OnceDep, response: Response
) -> PlacementOut:
    """Pause your own published placement, with a reason. It is left out of shortlists until you publish it again."""
    return _move(placement_id, actor, database, once, response, PlacementEvent.PAUSE, reason.reason)


@router.post("/{placement_id}/close", responses=documented(NotFound, Conflict))
def close_placement(
    placement_id: UUID, reason: ReasonBody, actor: Changer, database: DatabaseDep, once: OnceDep, response: Response
) -> PlacementOut:
    """Close your own placement, with a reason. A closed placement cannot be published again."""
    return _move(placement_id, actor, database, once, response, PlacementEvent.CLOSE, reason.reason)


@router.post("/{placement_id}/reconfirm", responses=documented(NotFound, Conflict))
def reconfirm_placement(
    placement_id: UUID, actor: Changer, database: DatabaseDep, once: OnceDep, response: Response
) -> PlacementOut:
    """Confirm that your own placement is still correct. This sets the last day for the next confirmation.

    Refuses a closed placement.
    """
    with database.writing(actor) as session:
        placement = once(
            session,
            actor,
            lambda: actions.confirm(session, actor, queries.own_placement(session, actor, placement_id)),
            lambda made: queries.own_placement(session, actor, made),
        )
        return reply(session, actor, placement, response)


@router.get("/{placement_id}/places", responses=documented(NotFound))
def list_places(placement_id: UUID, actor: Reader, database: DatabaseDep) -> PlacesOut:
    """List the places of a placement and their states: free, held, filled or withdrawn."""
    with database.reading(actor) as session:
        placement = queries.placement(session, actor, placement_id)
        return PlacesOut(items=[PlaceOut.model_validate(place) for place in queries.places(session, placement.id)])
