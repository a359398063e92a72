"""JSON API of shortlists, and of the changes that would turn more placements into good matches."""

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


def _log_access(database: Database, actor: Actor, shortlist_id: UUID) -> None:
    """Record in the access log that a shortlist, and the jobseeker it is about, is being read."""
    with database.reading(actor) as session:
        jobseeker_id = queries.shortlist(session, actor, shortlist_id).jobseeker_id
    audit.opened(database, actor, "shortlists", [(shortlist_id, jobseeker_id)])


def _json_response(shape: replay.Shape, status_code: int = 200) -> Response:
    """Return a shortlist as JSON without validating it again, because it has hundreds of lines."""
    return Response(to_json(shape), status_code, media_type="application/json")


def _make(database: Database, actor: Actor, once: Once, ranking: Callable[[], Ranked], **subject: UUID) -> Response:
    """Rank, record and return a shortlist; a repeated idempotency key returns the earlier shortlist without ranking.

    ``subject`` is ``jobseeker_id`` or ``placement_id``.
    """
    earlier = once.earlier(database, actor)
    if earlier is not None:
        with database.reading(actor, newest=True) as session:
            return _json_response(replay.reply(session, actor, queries.shortlist(session, actor, earlier)), 201)

    def act(session: WriteSession, ranked: Ranked, may_repeat: bool) -> replay.Shape:  # noqa: FBT001 - for settled
        made: list[RecordedShortlist] = []

        def make() -> Shortlist:
            made.append(actions.record(session, actor, ranked, may_repeat=may_repeat, **subject))
            return made[0].shortlist

        shortlist = once(session, actor, make, lambda found: queries.shortlist(session, actor, found))
        return replay.reply(session, actor, shortlist, made[0] if made else None)

    return _json_response(actions.settled(database, actor, ranking, act), 201)


@router.post(
    "/jobseekers/{jobseeker_id}/shortlists",
    status_code=201,
    response_model=ShortlistOut,
    responses=documented(NotFound, Conflict),
)
def shortlist_for_jobseeker(
    jobseeker_id: UUID, new: NewShortlist, actor: Maker, database: DatabaseDep, once: OnceDep
) -> Response:
    """Rank the open placements for a jobseeker and record the shortlist, with reasons for matches and refusals.

    A placement is open if it is published, not past its closing date and has a free place. A jobseeker you may not see
    is reported as not found (404).
    """
    day = new.on or actor.today

    def ranking() -> Ranked:
        return actions.rank_placements(database, actor, jobseeker_id, day, new.limit)

    return _make(database, actor, once, ranking, jobseeker_id=jobseeker_id)


@router.get("/jobseekers/{jobseeker_id}/shortlists", responses=documented(NotFound))
def list_shortlists(jobseeker_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> Page[ShortlistLine]:
    """List the shortlists made for a jobseeker, without their matches. The jobseeker must be visible to you."""
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
    """For one placement, rank the jobseekers with open cases that you may see. For caseworkers and team managers.

    Refuses a placement that is not open on the day. The social enterprise never receives this list.
    """
    day = new.on or actor.today

    def ranking() -> Ranked:
        return actions.rank_jobseekers(database, actor, placement_id, day, new.limit)

    return _make(database, actor, once, ranking, placement_id=placement_id)


@router.get("/shortlists/{shortlist_id}", response_model=ShortlistOut, responses=documented(NotFound))
def get_shortlist(shortlist_id: UUID, actor: Reader, database: DatabaseDep) -> Response:
    """Return a stored shortlist with its original ids, scores and order. Withholds reasons you may not read today."""
    _log_access(database, actor, shortlist_id)
    with database.reading(actor) as session:
        return _json_response(replay.reply(session, actor, queries.shortlist(session, actor, shortlist_id)))


@router.get("/shortlists/{shortlist_id}/refused", responses=documented(NotFound, Conflict))
def list_refused(shortlist_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> RefusedPage:
    """List every refused pair of a shortlist, nearest to eligible first, with changes that would make it eligible."""
    _log_access(database, actor, shortlist_id)
    with database.reading(actor) as session:
        return replay.refused_page(session, actor, queries.shortlist(session, actor, shortlist_id), page)


@router.get("/shortlists/{shortlist_id}/below", responses=documented(NotFound, Conflict))
def list_below(shortlist_id: UUID, actor: Reader, database: DatabaseDep, page: PageDep) -> BelowPage:
    """List the eligible pairs ranked too low for the limit (highest number of matches) of a shortlist, best first."""
    _log_access(database, actor, shortlist_id)
    with database.reading(actor) as session:
        return replay.below_page(session, actor, queries.shortlist(session, actor, shortlist_id), page)


@router.get("/shortlists/{shortlist_id}/matches/{placement_id}", responses=documented(NotFound))
def explain_match(
    shortlist_id: UUID, placement_id: UUID, actor: Reader, database: DatabaseDep
) -> MatchOut | RefusalOut:
    """Explain one pair of a jobseeker's shortlist: a match with its reasons, or a refusal with its checks.

    Refused if the shortlist was made for a placement. Also refused if this placement was not checked, or was ranked
    too low for the shortlist's limit.
    """
    _log_access(database, actor, shortlist_id)
    with database.reading(actor) as session:
        shortlist = queries.shortlist(session, actor, shortlist_id)
        return replay.explained(session, actor, shortlist, placement_id)


@router.get("/jobseekers/{jobseeker_id}/unlock", responses=documented(NotFound, Conflict))
def unlock_for_jobseeker(
    jobseeker_id: UUID, actor: Unlocker, database: DatabaseDep, on: Annotated[Day | None, Query()] = None
) -> JobseekerUnlockOut:
    """List the changes that, each made alone, would turn the most placements into good matches for a jobseeker.

    A change is, for instance, one more half-day, a longer journey, a licence, a skill or an answer to an open question.
    """
    with database.reading(actor) as session:
        jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    audit.opened(database, actor, "jobseekers", [(jobseeker_id, jobseeker_id)])
    return unlock.for_jobseeker(database, actor, jobseeker_id, on or actor.today)


@router.get("/placements/{placement_id}/unlock", responses=documented(NotFound, Conflict))
def unlock_for_placement(
    placement_id: UUID, actor: Unlocker, database: DatabaseDep, on: Annotated[Day | None, Query()] = None
) -> PlacementUnlockOut:
    """For each requirement of a placement, count the jobseekers who would be good matches without this requirement.

    The highest count comes first. Counts only jobseekers you may see, and returns no names.
    Refuses a placement that is not open on the day given in ``on``.
    """
    return unlock.for_placement(database, actor, placement_id, on or actor.today)


@router.get("/unlock", responses=documented(Conflict))
def unlock_for_caseload(
    actor: Unlocker, database: DatabaseDep, on: Annotated[Day | None, Query()] = None
) -> CaseloadUnlockOut:
    """List the training or support that would add the most good matches across the open cases you may see."""
    return unlock.for_caseload(database, actor, on or actor.today)
