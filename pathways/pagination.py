"""Pages by keyset: an opaque cursor names the last row seen, so that a page is never skipped or shown twice."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import Select

from pathways.database import Session
from pathways.errors import RuleBroken

MOST = 100
CURSOR = r"^[A-Za-z0-9_-]{22}$"  # sixteen bytes, so that every string of this form is an id
Item = TypeVar("Item")


class PageRequest(BaseModel):
    """How many rows, and after which."""

    limit: Annotated[int, Field(ge=1, le=MOST)] = 50
    after: Annotated[str, Field(pattern=CURSOR)] | None = None

    def after_id(self) -> UUID | None:
        if self.after is None:
            return None
        return UUID(bytes=urlsafe_b64decode(self.after + "=="))


class Page(BaseModel, Generic[Item]):
    """Some rows, and the cursor of the next ones if there are more."""

    items: list[Item]
    next: str | None = None


def cursor(row_id: UUID) -> str:
    return urlsafe_b64encode(row_id.bytes).decode().rstrip("=")


def page_of(
    session: Session, rows: Select[Any], key: Any, request: PageRequest, shape: Callable[[Any], Item]
) -> Page[Item]:
    """Return one page of entities in the order of their ids, which is the order they were made in."""
    after = request.after_id()
    if after is not None:
        rows = rows.where(key > after)
    found = session.scalars(rows.order_by(key).limit(request.limit + 1)).all()
    return cut(found, request, shape, lambda row: row.id)


def page_of_all(
    session: Session,
    rows: Select[Any],
    key: Any,
    request: PageRequest,
    shape_all: Callable[[Sequence[Any]], Sequence[Item]],
) -> Page[Item]:
    """Return one page of entities, shaped together: what stands beside them is read once for all."""
    found = page_of(session, rows, key, request, lambda row: row)
    return Page(items=list(shape_all(found.items)), next=found.next)


def cut(
    found: Sequence[Any], request: PageRequest, shape: Callable[[Any], Item], identity: Callable[[Any], UUID]
) -> Page[Item]:
    shown = found[: request.limit]
    more = len(found) > request.limit
    return Page(items=[shape(row) for row in shown], next=cursor(identity(shown[-1])) if more else None)


def page_after(found: Sequence[Any], request: PageRequest, identity: Callable[[Any], UUID]) -> Sequence[Any]:
    """Return what a whole, already ordered list holds after the cursor, one row more than the page."""
    after = request.after_id()
    start = 0
    if after is not None:
        places = [place for place, row in enumerate(found) if identity(row) == after]
        if not places:
            raise RuleBroken("This cursor is not one we gave; start without it.", pointer="/after")
        start = places[0] + 1
    return found[start : start + request.limit + 1]
