"""JSON of possible duplicates: the queue, one pair, and what is said of it."""

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
from pathways.jobseekers.schemas import ReasonBody, SearchAnswer, SearchHit
from pathways.pagination import Page, page_of
from pathways.problems import documented

router = APIRouter(tags=["duplicates"], route_class=PathwaysRoute)
Reviewer = Annotated[Actor, permitted(Permission.DUPLICATE_REVIEW)]


@router.get("/duplicates")
def list_duplicates(
    actor: Reviewer,
    database: DatabaseDep,
    page: PageDep,
    state: Annotated[PairState, Query(description="open: nobody has looked yet.")] = PairState.OPEN,
) -> Page[PairOut]:
    """Two records side by side that may be one person, of those you may see both of."""
    with database.reading(actor) as session:
        found = page_of(session, queries.listed(actor, [state]), DuplicatePair.id, page, lambda row: row)
    _note(database, actor, found.items)
    with database.reading(actor) as session:
        rows = queries.visible_to(actor).where(DuplicatePair.id.in_([one.id for one in found.items]))
        pairs = session.scalars(rows.order_by(DuplicatePair.id)).all()
        return Page[PairOut](items=actions.replies(session, actor, pairs), next=found.next)


def _note(database: Database, actor: Actor, pairs: list[DuplicatePair]) -> None:
    people = {key for pair in pairs for key in (pair.jobseeker_id, pair.other_id)}
    if people:
        opened(database, actor, "jobseekers", [(key, key) for key in sorted(people)])


@router.get("/duplicates/{pair_id}", responses=documented(NotFound))
def get_duplicate(pair_id: UUID, actor: Reviewer, database: DatabaseDep, response: Response) -> PairOut:
    with database.reading(actor) as session:
        pair = queries.pair(session, actor, pair_id)
    _note(database, actor, [pair])
    with database.reading(actor) as session:
        pair = queries.pair(session, actor, pair_id)
        etag(response, pair.version)
        return actions.replies(session, actor, [pair])[0]


def _record_event(
    pair_id: UUID, reason: ReasonBody, actor: Actor, database: Database, version: int, event: PairEvent
) -> PairOut:
    with database.writing(actor) as session:
        pair = queries.pair(session, actor, pair_id, for_update=True)
        expect_version(pair, version)
        actions.record_event(session, actor, pair, event, reason.reason)
        return actions.replies(session, actor, [pair])[0]


@router.post("/duplicates/{pair_id}/same", responses=documented(NotFound, Conflict))
def say_same(pair_id: UUID, reason: ReasonBody, actor: Reviewer, database: DatabaseDep, version: IfMatch) -> PairOut:
    """Say that they are one person. Nothing is merged by that: a team manager merges the records."""
    return _record_event(pair_id, reason, actor, database, version, PairEvent.SAME)


@router.post("/duplicates/{pair_id}/different", responses=documented(NotFound, Conflict))
def say_different(
    pair_id: UUID, reason: ReasonBody, actor: Reviewer, database: DatabaseDep, version: IfMatch
) -> PairOut:
    """Say that they are two people; the pair is not found again."""
    return _record_event(pair_id, reason, actor, database, version, PairEvent.DIFFERENT)


@router.post("/duplicates/{pair_id}/ask", responses=documented(NotFound, Conflict))
def say_ask(pair_id: UUID, reason: ReasonBody, actor: Reviewer, database: DatabaseDep, version: IfMatch) -> PairOut:
    """Say that somebody must be asked first, and what."""
    return _record_event(pair_id, reason, actor, database, version, PairEvent.ASK)


@router.get("/jobseekers/{jobseeker_id}/duplicates", responses=documented(NotFound))
def possible_duplicates(jobseeker_id: UUID, actor: Reviewer, database: DatabaseDep) -> SearchAnswer:
    """Other records of this partner that may be the same person. Nothing merges by itself."""
    with database.reading(actor) as session:
        jobseeker_queries.jobseeker(session, actor, jobseeker_id)
    with database.reading(actor) as session:
        person = jobseeker_queries.jobseeker(session, actor, jobseeker_id)
        hits = actions.alike(session, actor, person)
    opened(database, actor, "jobseekers", [(key, key) for key in (jobseeker_id, *(hit.jobseeker_id for hit in hits))])
    return SearchAnswer(
        items=[
            SearchHit(
                jobseeker_id=hit.jobseeker_id,
                reference=hit.row.reference,
                given_name=hit.row.given_name,
                family_name=hit.row.family_name,
                date_of_birth=hit.row.date_of_birth,
                likeness=round(hit.verdict.probability, 3),
                agrees_on=hit.agrees_on,
            )
            for hit in hits
        ]
    )
