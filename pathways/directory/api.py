"""The feed's routes: open to anybody, read by a connection of its own, the same bytes until something changes."""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from pathways.access.guards import DatabaseDep, SettingsDep
from pathways.base import local_day, utc_now
from pathways.database import Database, Session
from pathways.directory import feed, queries
from pathways.directory.schemas import (
    About,
    FeedPart,
    PageOf,
    Service,
    ServiceAtLocation,
    Taxonomy,
    TaxonomyTerm,
)
from pathways.errors import NotFound
from pathways.problems import documented

# Its shapes are the profile's, described there: the API's own description is of what needs a key.
router = APIRouter(prefix=feed.PREFIX, include_in_schema=False)
PROFILE = "https://github.com/OpenReferralUK/uk-profile"
MOST_A_PAGE, USUAL_PAGE = 100, 50
MOST_KEPT = 512  # answers
A_MINUTE = RateLimitItemPerMinute(120)
HEADERS = {"access-control-allow-origin": "*", "cache-control": "public, max-age=300"}
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
PerPage = Annotated[int, Query(ge=1, le=MOST_A_PAGE)]


class Answers:
    """Answers as they were made, by what was asked, until a listing changes or the day does."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[object, ...], tuple[bytes, str]] = OrderedDict()
        self._lock = threading.Lock()
        self.limiter = FixedWindowRateLimiter(MemoryStorage())

    def of(self, asked: tuple[object, ...], make: Callable[[], FeedPart]) -> tuple[bytes, str]:
        """Return the bytes of an answer and their ETag."""
        with self._lock:
            if asked in self._kept:
                self._kept.move_to_end(asked)
                return self._kept[asked]
        body = make().model_dump_json().encode()
        made = body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        with self._lock:
            self._kept[asked] = made
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return made


def _answers(request: Request) -> Answers:
    state = request.app.state
    if not hasattr(state, "directory_answers"):
        state.directory_answers = Answers()
    found: Answers = state.directory_answers
    return found


def _answer(request: Request, database: Database, make: Callable[[Session, date], FeedPart]) -> Response:
    """Answer from what is kept, or anew; 304 where the asker has it already, 429 who asks too often."""
    answers = _answers(request)
    who = request.client.host if request.client else ""
    if not answers.limiter.hit(A_MINUTE, who):
        return Response(status_code=429, headers={**HEADERS, "retry-after": "60", "cache-control": "no-store"})
    today = local_day(utc_now())
    with database.reading_publicly() as session:
        asked = (id(database), queries.stamp(session), today, request.url.path, request.url.query)
        body, tag = answers.of(asked, lambda: make(session, today))
    headers = {**HEADERS, "etag": tag}
    if tag in [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.get("")
@router.get("/", response_model=About)
def get_about(request: Request, database: DatabaseDep) -> Response:
    """Say what this feed is."""
    about = About(
        version="HSDS-UK-3.0",
        profile=PROFILE,
        openapi_url=f"{PROFILE}/blob/main/schema/openapi.json",
        publisher="Pathways",
    )
    return _answer(request, database, lambda *_: about)


@router.get("/services", response_model=PageOf[Service])
def list_services(
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    page: PageNumber = 1,
    per_page: PerPage = USUAL_PAGE,
) -> Response:
    """List what is offered: placements that are published or paused and have not closed."""

    def make(session: Session, today: date) -> FeedPart:
        found = [feed.service(row, settings.public_url) for row in queries.page(session, today, page, per_page)]
        return feed.page_of(Service, found, queries.count(session, today), page, per_page)

    return _answer(request, database, make)


@router.get("/services/{service_id}", response_model=Service, responses=documented(NotFound))
def get_service(service_id: UUID, request: Request, database: DatabaseDep, settings: SettingsDep) -> Response:
    def make(session: Session, today: date) -> FeedPart:
        row = queries.organisation(session, today, service_id)
        if row is None:
            raise NotFound("There is no such service.")
        return feed.service(row, settings.public_url)

    return _answer(request, database, make)


@router.get("/service_at_locations", response_model=PageOf[ServiceAtLocation])
def list_service_at_locations(
    request: Request, database: DatabaseDep, page: PageNumber = 1, per_page: PerPage = USUAL_PAGE
) -> Response:
    """List where it is offered."""

    def make(session: Session, today: date) -> FeedPart:
        # Few listings say nothing of where they are, so a page of services has about a page of places.
        found = [place for row in session.execute(queries.open_on(today)) for place in feed.locations(row)]
        shown = found[(page - 1) * per_page : page * per_page]
        return feed.page_of(ServiceAtLocation, shown, len(found), page, per_page)

    return _answer(request, database, make)


@router.get("/service_at_locations/{place_id}", response_model=ServiceAtLocation, responses=documented(NotFound))
def get_service_at_location(place_id: UUID, request: Request, database: DatabaseDep) -> Response:
    def make(session: Session, today: date) -> FeedPart:
        for row in session.execute(queries.open_on(today)):
            if feed.service_at_location_id(row.id) == place_id and (found := feed.locations(row)):
                return found[0]
        raise NotFound("There is no such service at a location.")

    return _answer(request, database, make)


@router.get("/taxonomies", response_model=PageOf[Taxonomy])
def list_taxonomies(request: Request, database: DatabaseDep) -> Response:
    return _answer(request, database, lambda *_: feed.page_of(Taxonomy, [feed.TAXONOMY], 1, 1, USUAL_PAGE))


@router.get("/taxonomies/{taxonomy_id}", response_model=Taxonomy, responses=documented(NotFound))
def get_taxonomy(taxonomy_id: UUID, request: Request, database: DatabaseDep) -> Response:
    def make(*_: object) -> FeedPart:
        if taxonomy_id != feed.TAXONOMY.id:
            raise NotFound("There is no such taxonomy.")
        return feed.TAXONOMY

    return _answer(request, database, make)


@router.get("/taxonomy_terms", response_model=PageOf[TaxonomyTerm])
def list_taxonomy_terms(
    request: Request, database: DatabaseDep, page: PageNumber = 1, per_page: PerPage = USUAL_PAGE
) -> Response:
    shown = feed.TERMS[(page - 1) * per_page : page * per_page]
    made = feed.page_of(TaxonomyTerm, shown, len(feed.TERMS), page, per_page)
    return _answer(request, database, lambda *_: made)


@router.get("/taxonomy_terms/{term_id}", response_model=TaxonomyTerm, responses=documented(NotFound))
def get_taxonomy_term(term_id: UUID, request: Request, database: DatabaseDep) -> Response:
    def make(*_: object) -> FeedPart:
        for one in feed.TERMS:
            if one.id == term_id:
                return one
        raise NotFound("There is no such term.")

    return _answer(request, database, make)
