"""The routes of the public feed.

They need no key. They use a small pool of read-only database connections of their own, so that heavy use of the feed
never takes a connection from members. Replies are cached: the same request gets the same bytes until a placement or
the day changes.
"""

import hashlib
import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import date
from math import ceil
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter

from pathways.access.guards import DatabaseDep, SettingsDep, refuse_unknown_query
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
from pathways.settings import Settings

# The profile describes these routes and shapes. The OpenAPI description covers only the routes that need a key.
router = APIRouter(prefix=feed.PREFIX, include_in_schema=False, dependencies=[Depends(refuse_unknown_query)])
PROFILE = "https://github.com/OpenReferralUK/uk-profile"
MOST_A_PAGE, USUAL_PAGE = 100, 50  # items
MOST_CACHED = 512  # replies
A_MINUTE = RateLimitItemPerMinute(120)
HEADERS = {"access-control-allow-origin": "*", "cache-control": "public, max-age=300"}
PageNumber = Annotated[int, Query(ge=1, le=1_000_000)]
PerPage = Annotated[int, Query(ge=1, le=MOST_A_PAGE)]


class Answers:
    """A cache of replies, and the limiter of requests.

    The key of a cached reply contains the newest change mark and the day. A reply is therefore no longer used once a
    placement or the day has changed. The least recently used replies are dropped first.
    """

    def __init__(self) -> None:
        self._cache: OrderedDict[tuple[object, ...], tuple[bytes, str]] = OrderedDict()
        self._lock = threading.Lock()
        self.limiter = FixedWindowRateLimiter(MemoryStorage())

    def of(self, key: tuple[object, ...], make: Callable[[], FeedPart]) -> tuple[bytes, str]:
        """Return the bytes and the ETag of the reply with this key; call ``make`` if it is not cached."""
        with self._lock:
            if key in self._cache:
                self._cache.move_to_end(key)
                return self._cache[key]
        body = json.dumps(make().in_feed(), ensure_ascii=False, separators=(",", ":")).encode()
        made = body, f'"{hashlib.sha256(body).hexdigest()[:32]}"'
        with self._lock:
            self._cache[key] = made
            while len(self._cache) > MOST_CACHED:
                self._cache.popitem(last=False)
        return made


def _answers(request: Request) -> Answers:
    state = request.app.state
    if not hasattr(state, "directory_answers"):
        state.directory_answers = Answers()
    answers: Answers = state.directory_answers
    return answers


def _address(settings: Settings) -> str | None:
    """Return the configured address that links of the feed begin with; None leaves the links out.

    The Host header of a request makes no link: anybody can send any, and the reply may be cached for everybody.
    """
    return settings.public_url.rstrip("/") if "public_url" in settings.model_fields_set else None


def _answer(request: Request, database: Database, make: Callable[[Session, date], FeedPart]) -> Response:
    """Reply from the cache, or make and cache the reply.

    The status is 304 if the client has the current version already, and 429 if one address sends more than 120 requests
    a minute.
    """
    answers = _answers(request)
    address = request.client.host if request.client else ""
    if not answers.limiter.hit(A_MINUTE, address):
        return Response(status_code=429, headers={**HEADERS, "retry-after": "60", "cache-control": "no-store"})
    today = local_day(utc_now())
    with database.reading_publicly() as session:
        key = (id(database), queries.stamp(session), today, str(request.url))
        body, tag = answers.of(key, lambda: make(session, today))
    headers = {**HEADERS, "etag": tag}
    if tag in [known.strip().removeprefix("W/") for known in request.headers.get("if-none-match", "").split(",")]:
        return Response(status_code=304, headers=headers)
    return Response(body, media_type="application/json", headers=headers)


@router.get("")
@router.get("/", response_model=About)
def get_about(request: Request, database: DatabaseDep) -> Response:
    """Describe this feed: its version, profile, OpenAPI address and publisher. No key is needed."""
    about = About(
        version="HSDS-UK-3.0",
        profile=PROFILE,
        openapi_url=f"{PROFILE}/blob/main/schema/openapi.json",
        publisher="Pathways",
    )
    return _answer(request, database, lambda *_: about)


def _on_page(frame: list[tuple[UUID, bool]], number: int, size: int) -> list[UUID]:
    """Return the ids to show on one page of a frame. The page has fewer than ``size`` if some are not shown."""
    return [key for key, is_shown in frame[(number - 1) * size : number * size] if is_shown]


@router.get("/services", response_model=PageOf[Service])
def list_services(
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    page: PageNumber = 1,
    per_page: PerPage = USUAL_PAGE,
) -> Response:
    """List the services on offer: placements that are published or paused and have not closed. No key is needed."""
    address = _address(settings)

    def make(session: Session, today: date) -> FeedPart:
        frame = queries.frame(session, today)
        rows = queries.of_ids(session, today, _on_page(frame, page, per_page))
        operator = queries.operator_email(session)
        services = [feed.service(row, address, operator) for row in rows]
        total = sum(is_shown for _, is_shown in frame)
        return feed.framed_page(Service, services, total, pages=ceil(len(frame) / per_page), number=page)

    return _answer(request, database, make)


@router.get("/services/{service_id}", response_model=Service, responses=documented(NotFound))
def get_service(service_id: UUID, request: Request, database: DatabaseDep, settings: SettingsDep) -> Response:
    """Return one service. Refused if the placement does not exist, has closed or is a draft."""

    def make(session: Session, today: date) -> FeedPart:
        row = queries.organisation(session, today, service_id)
        if row is None:
            raise NotFound("No service has this id, or it has closed. Next: list the current services.")
        return feed.service(row, _address(settings), queries.operator_email(session))

    return _answer(request, database, make)


@router.get("/service_at_locations", response_model=PageOf[ServiceAtLocation])
def list_service_at_locations(
    request: Request, database: DatabaseDep, page: PageNumber = 1, per_page: PerPage = USUAL_PAGE
) -> Response:
    """List the services that have a location, each with that location. No key is needed."""

    def make(session: Session, today: date) -> FeedPart:
        frame, located = queries.frame(session, today), queries.located(session, today)
        # A placement without a location has a position too, because its location may be stated or hidden meanwhile.
        shown = [(key, key in located) for key, _ in frame]
        rows = queries.of_ids(session, today, _on_page(shown, page, per_page))
        items = [item for row in rows for item in feed.locations(row)]
        pages = ceil(len(frame) / per_page)
        return feed.framed_page(ServiceAtLocation, items, len(located), pages=pages, number=page)

    return _answer(request, database, make)


@router.get("/service_at_locations/{place_id}", response_model=ServiceAtLocation, responses=documented(NotFound))
def get_service_at_location(place_id: UUID, request: Request, database: DatabaseDep) -> Response:
    """Return one service with its location. Refused if the service does not exist, has closed or has no location."""

    def make(session: Session, today: date) -> FeedPart:
        for row in session.execute(queries.open_on(today)):
            if feed.service_at_location_id(row.id) == place_id and (items := feed.locations(row)):
                return items[0]
        raise NotFound("No service at a location has this id, or it has closed. Next: list the services at locations.")

    return _answer(request, database, make)


@router.get("/taxonomies", response_model=PageOf[Taxonomy])
def list_taxonomies(request: Request, database: DatabaseDep) -> Response:
    """List the taxonomies of the feed. There is one: the kinds of placement."""
    return _answer(request, database, lambda *_: feed.page_of(Taxonomy, [feed.TAXONOMY], 1, 1, USUAL_PAGE))


@router.get("/taxonomies/{taxonomy_id}", response_model=Taxonomy, responses=documented(NotFound))
def get_taxonomy(taxonomy_id: UUID, request: Request, database: DatabaseDep) -> Response:
    """Return one taxonomy. Refused if the feed has no taxonomy with this id."""

    def make(*_: object) -> FeedPart:
        if taxonomy_id != feed.TAXONOMY.id:
            raise NotFound("No taxonomy has this id. Next: list the taxonomies.")
        return feed.TAXONOMY

    return _answer(request, database, make)


@router.get("/taxonomy_terms", response_model=PageOf[TaxonomyTerm])
def list_taxonomy_terms(
    request: Request, database: DatabaseDep, page: PageNumber = 1, per_page: PerPage = USUAL_PAGE
) -> Response:
    """List the terms of the taxonomy: one for each kind of placement."""
    terms = feed.TERMS[(page - 1) * per_page : page * per_page]
    made = feed.page_of(TaxonomyTerm, terms, len(feed.TERMS), page, per_page)
    return _answer(request, database, lambda *_: made)


@router.get("/taxonomy_terms/{term_id}", response_model=TaxonomyTerm, responses=documented(NotFound))
def get_taxonomy_term(term_id: UUID, request: Request, database: DatabaseDep) -> Response:
    """Return one taxonomy term. Refused if the taxonomy has no term with this id."""

    def make(*_: object) -> FeedPart:
        for term in feed.TERMS:
            if term.id == term_id:
                return term
        raise NotFound("No taxonomy term has this id. Next: list the taxonomy terms.")

    return _answer(request, database, make)
