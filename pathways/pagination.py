"""Paged lists: an opaque cursor holds the id of the last row, so that no row is skipped or repeated."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import Select

from pathways.database import Session
from pathways.errors import RuleBroken

MOST = 100
CURSOR = r"^[A-Za-z0-9_-]{22}$"  # base64 of 16 bytes, so that every matching string is a valid id
Item = TypeVar("Item")


class PageRequest(BaseModel):
    """The query parameters of a page: how many rows to return, and the cursor after which to begin."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = 50
    after: Annotated[str, Field(pattern=CURSOR)] | None = None

    def after_id(self) -> UUID | None:
        if self.after is None:
            return None
        return UUID(bytes=urlsafe_b64decode(self.after + "=="))


class Page(BaseModel, Generic[Item]):
    """One page of a list. ``next`` is the cursor of the next page; null on the last page."""

    items: list[Item]
    next: str | None = None


def cursor(row_id: UUID) -> str:
    return urlsafe_b64encode(row_id.bytes).decode().rstrip("=")


def page_of(
    session: Session, rows: Select[Any], key: Any, request: PageRequest, shape: Callable[[Any], Item]
) -> Page[Item]:
    """Return one page of entities in order of the id column ``key``. ``shape`` turns an entity into its reply."""
    after = request.after_id()
    if after is not None:
        rows = rows.where(key > after)
    entities = session.scalars(rows.order_by(key).limit(request.limit + 1)).all()
    return cut(entities, request, shape, lambda row: row.id)


def page_of_all(
    session: Session,
    rows: Select[Any],
    key: Any,
    request: PageRequest,
    shape_all: Callable[[Sequence[Any]], Sequence[Item]],
) -> Page[Item]:
    """Return a page like ``page_of``, but shape all its rows in one call, so that related data is read only once."""
    page = page_of(session, rows, key, request, lambda row: row)
    return Page(items=list(shape_all(page.items)), next=page.next)


def cut(
    found: Sequence[Any], request: PageRequest, shape: Callable[[Any], Item], identity: Callable[[Any], UUID]
) -> Page[Item]:
    """Return a page of the rows ``found``. If they are more than ``request.limit``, there is a next page."""
    rows = found[: request.limit]
    more = len(found) > request.limit
    return Page(items=[shape(row) for row in rows], next=cursor(identity(rows[-1])) if more else None)


def page_after(found: Sequence[Any], request: PageRequest, identity: Callable[[Any], UUID]) -> Sequence[Any]:
    """Return the rows after the cursor: one page, and one row more if there is a next page.

    Raises ``RuleBroken`` if the cursor is not in the list.
    """
    after = request.after_id()
    start = 0
    if after is not None:
        places = [place for place, row in enumerate(found) if identity(row) == after]
        if not places:
            raise RuleBroken(
                "This cursor is not from this list. To begin at the first page, leave out ``after``.", pointer="/after"
            )
        start = places[0] + 1
    return found[start : start + request.limit + 1]
