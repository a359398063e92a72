"""Routes about possible duplicates: the review queue, one pair, and the reviewer's decision."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response

from pathways.access.guards import (
    DatabaseDep,
    IfMatch,
    PageDep,
    PathwaysRoute,
    etag,
    expect_version,
    permitted,
)
from pathways.access.permissions import Permission
from pathways.audit import opened
from pathways.base import Actor
from pathways.database import Database
from pathways.duplicates import actions, queries
from pathways.duplicates.models import DuplicatePair, PairEvent, PairState
from pathways.duplicates.schemas import PairOut
from pathways.errors import Conflict, NotFound
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.schemas import ReasonBody
from pathways.jobseekers.search_schemas import SearchAnswer
from pathways.pagination import Page, page_of
from pathways.problems import documented

router = APIRouter(tags=["duplicates"], route_class=PathwaysRoute)
Reviewer = Annotated[Actor, permitted(Permission.DUPLICATE_REVIEW)]


@router.get("/duplicates")
def list_duplicates(
    actor: Reviewer,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[
        PairState, Query(description="The state of the pairs. ``open`` pairs have not been reviewed yet.")
    ] = PairState.OPEN,
) -> Page[PairOut]:
    """List pairs of records that may be one person, side by side. A pair is listed only if you may see both people."""
    with database.reading(actor) as session:
        listed = page_of(session, queries.listed(actor, [state]), DuplicatePair.id, page, lambda row: row)
    _audit_opened(database, actor, listed.items)
    with database.reading(actor) as session:
        rows = queries.visible_to(actor).where(DuplicatePair.id.in_([pair.id for pair in listed.items]))
        pairs = session.scalars(rows.order_by(DuplicatePair.id)).all()
        return Page[PairOut](items=actions.replies(session, actor, pairs), next=listed.next)


def _audit_opened(database: Database, actor: Actor, pairs: list[DuplicatePair]) -> None:
    people = {key for pair in pairs for key in (pair.jobseeker_id, pair.other_id)}
    if people:
        opened(database, actor, "jobseekers", [(key, key) for key in sorted(people)])


@router.get("/duplicates/{pair_id}", responses=documented(NotFound))
def get_duplicate(pair_id: UUID, actor: Reviewer, database: DatabaseDep, response: Response) -> PairOut:
    """Return one pair of records side by side. Refused unless you may see both people."""
    with database.reading(actor) as session:
        pair = queries.pair(session, actor, pair_id)
    _audit_opened(database, actor, [pair])
    with database.reading(actor) as session:
        pair = queries.pair(session, actor, pair_id)
        etag(response, pair.version)
        return actions.replies(session, actor, [pair])[0]


def _record_event(
    pair_id: UUID, reason: ReasonBody, actor: Actor, database: Database, version: int | None, event: PairEvent
) -> PairOut:
    with database.writing(actor) as session:
        pair = queries.pair(session, actor, pair_id, for_update=True)
        expect_version(pair, version)
        actions.record_event(session, actor, pair, event, reason.reason)
        return actions.replies(session, actor, [pair])[0]


@router.post("/duplicates/{pair_id}/same", responses=documented(NotFound, Conflict))
def say_same(pair_id: UUID, reason: ReasonBody, actor: Reviewer, database: DatabaseDep, version: IfMatch) -> PairOut:
    """Record that both records are one person. This merges nothing: a team manager merges the records."""
    return _record_event(pair_id, reason, actor, database, version, PairEvent.SAME)


@router.post("/duplicates/{pair_id}/different", responses=documented(NotFound, Conflict))
def say_different(
    pair_id: UUID, reason: ReasonBody, actor: Reviewer, database: DatabaseDep, version: IfMatch
) -> PairOut:
    """Record that the records are of two different people. The pair is not proposed again."""
    return _record_event(pair_id, reason, actor, database, version, PairEvent.DIFFERENT)


@router.post("/duplicates/{pair_id}/ask", responses=documented(NotFound, Conflict))
def say_ask(pair_id: UUID, reason: ReasonBody, actor: Reviewer, database: DatabaseDep, version: IfMatch) -> PairOut:
    """Record that a question must be answered before the decision. Say in the reason who to ask, and what."""
    return _record_event(pair_id, reason, actor, database, version, PairEvent.ASK)


@router.get("/jobseekers/{jobseeker_id}/duplicates", responses=documented(NotFound))
def possible_duplicates(jobseeker_id: UUID, actor: Reviewer, database: DatabaseDep) -> SearchAnswer:
    """List other records of your organisation that may be this person. Nothing is merged automatically."""
    with database.reading(actor) as session:
        jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        candidates = actions.alike(session, actor, person)
    opened(
        database,
        actor,
        "jobseekers",
        [(key, key) for key in (jobseeker_id, *(candidate.jobseeker_id for candidate in candidates))],
    )
    return SearchAnswer(items=[actions.hit(candidate) for candidate in candidates])
