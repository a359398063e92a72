"""JSON of shortlists."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic_core import to_json

from pathways import audit
from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database, WriteSession
from pathways.errors import Conflict, NotFound
from pathways.fields import Day
from pathways.idempotency import Once
from pathways.jobseekers import queries as jobseeker_queries
from pathways.pagination import Page, page_of
from pathways.problems import documented
from pathways.shortlists import actions, queries, replay, unlock
from pathways.shortlists.actions import Ranked, RecordedShortlist
from pathways.shortlists.models import Shortlist
from pathways.shortlists.schemas import (
    BelowPage,
    CaseloadUnlockOut,
    JobseekerUnlockOut,
    MatchOut,
    NewShortlist,
    PlacementUnlockOut,
    RefusalOut,
    RefusedPage,
    ShortlistLine,
    ShortlistOut,
)

router = APIRouter(tags=["shortlists"], route_class=PathwaysRoute)
Maker = Annotated[Actor, permitted(Permission.SHORTLIST_MAKE)]
Reader = Annotated[Actor, permitted(Permission.SHORTLIST_READ)]
Unlocker = Annotated[Actor, permitted(Permission.UNLOCK_READ)]


def _note(database: Database, actor: Actor, shortlist_id: UUID) -> None:
    """Note in the access log that what was ranked about a jobseeker is being read."""
    with database.reading(actor) as session:
        jobseeker_id = queries.shortlist(session, actor, shortlist_id).jobseeker_id
    audit.opened(database, actor, "shortlists", [(shortlist_id, jobseeker_id)])


def _shaped(shape: replay.Shape, status_code: int = 200) -> Response:
    """Write a shortlist as JSON once: its hundreds of lines are not checked again on their way out."""
    return Response(to_json(shape), status_code, media_type="application/json")


def _made(database: Database, actor: Actor, once: Once, ranking: Callable[[], Ranked], **whose: UUID) -> Response:
    """Rank, record and show; the same key again shows what it made before, and ranks nothing."""
    earlier = once.earlier(database, actor)
    if earlier is not None:
        with database.reading(actor, newest=True) as session:
            return _shaped(replay.reply(session, actor, queries.shortlist(session, actor, earlier)), 201)

    def act(session: WriteSession, ranked: Ranked, may_repeat: bool) -> replay.Shape:  # noqa: FBT001 - settled calls it
        made: list[RecordedShortlist] = []

        def make() -> Shortlist:
            made.append(actions.record(session, actor, ranked, may_repeat=may_repeat, **whose))
            return made[0].shortlist

        shortlist = once(session, actor, make, lambda found: queries.shortlist(session, actor, found))
        return replay.reply(session, actor, shortlist, made[0] if made else None)

    return _shaped(actions.settled(database, actor, ranking, act), 201)


@router.post(
    "/jobseekers/{jobseeker_id}/shortlists",
    status_code=201,
    response_model=ShortlistOut,
    responses=documented(NotFound, Conflict),
)
def shortlist_for_jobseeker(
    jobseeker_id: UUID, new: NewShortlist, actor: Maker, database: DatabaseDep, once: OnceDep
) -> Response:
    """Rank the open placements for a jobseeker, record what is shown, and say why and why not."""
    day = new.on or actor.today

    def ranking() -> Ranked:
        return actions.rank_placements(database, actor, jobseeker_id, day, new.limit)

    return _made(database, actor, once, ranking, jobseeker_id=jobseeker_id)


@router.get("/jobseekers/{jobseeker_id}/shortlists", responses=documented(NotFound))
def list_shortlists(jobseeker_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> Page[ShortlistLine]:
    with database.reading(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        rows = (
            queries.visible_to(actor)
            .where(Shortlist.jobseeker_id == person.id)
            .options(queries.WITHOUT_WHAT_WAS_RANKED)
        )
        return page_of(
            session,
            rows,
            Shortlist.id,
            page,
            lambda row: ShortlistLine(
                id=row.id,
                on=row.shown_on,
                made_at=row.recorded_at,
                eligible=row.eligible,
                model_version=row.model_version,
            ),
        )


@router.post(
    "/placements/{placement_id}/shortlists",
    status_code=201,
    response_model=ShortlistOut,
    responses=documented(NotFound, Conflict),
)
def shortlist_for_placement(
    placement_id: UUID, new: NewShortlist, actor: Maker, database: DatabaseDep, once: OnceDep
) -> Response:
    """Rank the open cases you may see for a placement; for caseworkers and team managers only."""
    day = new.on or actor.today

    def ranking() -> Ranked:
        return actions.rank_jobseekers(database, actor, placement_id, day, new.limit)

    return _made(database, actor, once, ranking, placement_id=placement_id)


@router.get("/shortlists/{shortlist_id}", response_model=ShortlistOut, responses=documented(NotFound))
def get_shortlist(shortlist_id: UUID, actor: Reader, database: DatabaseDep) -> Response:
    """Replay a shortlist: the same ids, scores and order, with reasons as today's policy lets you read them."""
    _note(database, actor, shortlist_id)
    with database.reading(actor) as session:
        return _shaped(replay.reply(session, actor, queries.shortlist(session, actor, shortlist_id)))


@router.get("/shortlists/{shortlist_id}/refused", responses=documented(NotFound, Conflict))
def list_refused(shortlist_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> RefusedPage:
    """Every refused pair, nearest first, with what would change it."""
    _note(database, actor, shortlist_id)
    with database.reading(actor) as session:
        return replay.refused_page(session, actor, queries.shortlist(session, actor, shortlist_id), page)


@router.get("/shortlists/{shortlist_id}/below", responses=documented(NotFound, Conflict))
def list_below(shortlist_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> BelowPage:
    """What fits too, but stood under the limit of the list, best first."""
    _note(database, actor, shortlist_id)
    with database.reading(actor) as session:
        return replay.below_page(session, actor, queries.shortlist(session, actor, shortlist_id), page)


@router.get("/shortlists/{shortlist_id}/matches/{placement_id}", responses=documented(NotFound))
def explain_match(
    shortlist_id: UUID, placement_id: UUID, actor: Reader, database: DatabaseDep
) -> MatchOut | RefusalOut:
    """Explain one pair, also a refused one."""
    _note(database, actor, shortlist_id)
    with database.reading(actor) as session:
        shortlist = queries.shortlist(session, actor, shortlist_id)
        return replay.explained(session, actor, shortlist, placement_id)


@router.get("/jobseekers/{jobseeker_id}/unlock", responses=documented(NotFound, Conflict))
def unlock_for_jobseeker(
    jobseeker_id: UUID, actor: Unlocker, database: DatabaseDep, on: Annotated[Day | None, Query()] = None
) -> JobseekerUnlockOut:
    """Which single changes would open most good placements: a half-day, a journey, a licence, a skill, an answer."""
    with database.reading(actor) as session:
        jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    audit.opened(database, actor, "jobseekers", [(jobseeker_id, jobseeker_id)])
    return unlock.for_jobseeker(database, actor, jobseeker_id, on or actor.today)


@router.get("/placements/{placement_id}/unlock", responses=documented(NotFound, Conflict))
def unlock_for_placement(
    placement_id: UUID, actor: Unlocker, database: DatabaseDep, on: Annotated[Day | None, Query()] = None
) -> PlacementUnlockOut:
    """Which requirement of a placement alone keeps out most suitable people of the cases you may see; counts only."""
    return unlock.for_placement(database, actor, placement_id, on or actor.today)


@router.get("/unlock", responses=documented(Conflict))
def unlock_for_caseload(
    actor: Unlocker, database: DatabaseDep, on: Annotated[Day | None, Query()] = None
) -> CaseloadUnlockOut:
    """Which training or support would open most matches over the open cases you may see."""
    return unlock.for_caseload(database, actor, on or actor.today)
