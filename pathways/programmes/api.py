"""JSON API of programmes and their prices."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Response

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
from pathways.errors import Conflict, NotFound
from pathways.pagination import Page, page_of
from pathways.problems import documented
from pathways.programmes import actions, queries
from pathways.programmes.models import Programme, ProgrammePrice
from pathways.programmes.schemas import NewPrice, NewProgramme, PriceOut, ProgrammeChange, ProgrammeOut

router = APIRouter(prefix="/programmes", tags=["programmes"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.PROGRAMME_READ)]
Maker = Annotated[Actor, permitted(Permission.PROGRAMME_MAKE)]


@router.get("")
def list_programmes(actor: Reader, database: DatabaseDep, page: PageDep) -> Page[ProgrammeOut]:
    """List the programmes that your organisation pays for or delivers. The operator gets all programmes."""
    with database.reading(actor) as session:
        return page_of(session, queries.visible_to(actor), Programme.id, page, ProgrammeOut.model_validate)


@router.post("", status_code=201, responses=documented(Conflict))
def make_programme(
    new: NewProgramme, actor: Maker, database: DatabaseDep, once: OnceDep, response: Response
) -> ProgrammeOut:
    """Create a programme that a commissioner pays for and a partner delivers.

    Refused if an organisation is of the wrong kind, an outcome rule is unknown or the reference is already used.
    """
    with database.writing(actor) as session:
        programme = once(
            session,
            actor,
            lambda: actions.make(session, actor, new),
            lambda made: queries.programme(session, actor, made),
        )
        etag(response, programme.version)
        return ProgrammeOut.model_validate(programme)


@router.get("/{programme_id}", responses=documented(NotFound))
def get_programme(programme_id: UUID, actor: Reader, database: DatabaseDep, response: Response) -> ProgrammeOut:
    """Return one programme. A programme that you may not see is reported as not found (404)."""
    with database.reading(actor) as session:
        programme = queries.programme(session, actor, programme_id)
        etag(response, programme.version)
        return ProgrammeOut.model_validate(programme)


@router.patch("/{programme_id}", responses=documented(NotFound))
def change_programme(
    programme_id: UUID,
    change: ProgrammeChange,
    actor: Maker,
    database: DatabaseDep,
    version: IfMatch,
    response: Response,
) -> ProgrammeOut:
    """Change the name, end date or outcome rules of a programme. Refuses an end date before the start date."""
    with database.writing(actor) as session:
        programme = queries.programme(session, actor, programme_id)
        expect_version(programme, version)
        actions.change(session, programme, change)
        etag(response, programme.version)
        return ProgrammeOut.model_validate(programme)


@router.get("/{programme_id}/prices", responses=documented(NotFound))
def list_prices(programme_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> Page[PriceOut]:
    """List the prices of a programme, each with its outcome rule and first day. Replaced prices are left out."""
    with database.reading(actor) as session:
        programme = queries.programme(session, actor, programme_id)
        return page_of(session, queries.prices(programme), ProgrammePrice.id, page, actions.price_reply)


@router.post("/{programme_id}/prices", status_code=201, responses=documented(NotFound, Conflict))
def set_price(programme_id: UUID, new: NewPrice, actor: Maker, database: DatabaseDep, once: OnceDep) -> PriceOut:
    """Record the price that the commissioner pays for an outcome from a given day on.

    A second price for the same rule and day replaces the first price, but only for new claims. Refuses an outcome rule
    that the programme does not use.
    """
    with database.writing(actor) as session:
        programme = queries.programme(session, actor, programme_id)
        price = once(
            session,
            actor,
            lambda: actions.set_price(session, actor, programme, new),
            lambda made: session.get_one(ProgrammePrice, made),
        )
        return actions.price_reply(price)
