"""Which single change would open most: read, then tried with nothing open, by a shortlist's own checks and score."""

from datetime import date
from uuid import UUID

from sqlalchemy import select

from matching.score import unlock
from pathways.base import Actor
from pathways.database import Database
from pathways.fields import Group
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement
from pathways.reference import tables
from pathways.shortlists import actions, index
from pathways.shortlists.schemas import (
    CaseloadUnlockLine,
    CaseloadUnlockOut,
    JobseekerUnlockLine,
    JobseekerUnlockOut,
    OpenedOut,
    PlacementUnlockLine,
    PlacementUnlockOut,
)

MOST_NAMED = 20
# Which group of fields a change tells of; all others tell of work.
GROUP_OF_KIND = {unlock.Kind.TRAVEL_ALONE: Group.HEALTH}
GROUP_OF_ANSWER = {"right to work": Group.RIGHT_TO_WORK, "date of birth": Group.IDENTITY, "travel": Group.CONTACT}


def _good(on: date) -> float:
    return float(tables.limit("good_match_score", on))


def for_jobseeker(database: Database, actor: Actor, jobseeker_id: UUID, on: date) -> JobseekerUnlockOut:
    """Say which single changes would open good placements for one jobseeker."""
    with index.of(database).reading(database, actor) as (session, index_state):
        gathered = actions.gather(session, actor, jobseeker_id, on, index_state)
        seen = jobseeker_queries.visible_groups(actor, session.get_one(Jobseeker, jobseeker_id))
    found = unlock.for_jobseeker(gathered.ranker(), gathered.wanted, gathered.day.profiles, good=_good(on))
    kept = [one for one in found if _group_of(one) in seen]
    with database.reading(actor) as session:
        named = {UUID(key) for one in kept for key in one.opens[:MOST_NAMED]}
        rows = session.execute(
            select(Placement.id, Placement.title, Placement.social_enterprise_id).where(Placement.id.in_(named))
        ).all()
        names = placement_queries.names(session, {row.social_enterprise_id for row in rows})
    titles = {str(row.id): (row.title, names[row.social_enterprise_id]) for row in rows}
    return JobseekerUnlockOut(
        jobseeker_id=jobseeker_id,
        on=on,
        model_version=gathered.index_state.model.version,
        good_score=_good(on),
        withheld=len(found) - len(kept),
        items=[
            JobseekerUnlockLine(
                kind=one.kind,
                what=one.what,
                text=one.text,
                opens=len(one.opens),
                settles=one.settles,
                placements=[
                    OpenedOut(placement_id=UUID(key), title=titles[key][0], social_enterprise=titles[key][1])
                    for key in one.opens[:MOST_NAMED]
                    if key in titles
                ],
            )
            for one in kept
        ],
    )


def _group_of(one: unlock.Unlock) -> Group:
    if one.kind is unlock.Kind.ANSWER:
        return GROUP_OF_ANSWER.get(one.what, Group.WORK)
    return GROUP_OF_KIND.get(one.kind, Group.WORK)


def for_placement(database: Database, actor: Actor, placement_id: UUID, on: date) -> PlacementUnlockOut:
    """Say which requirement alone keeps out most suitable people of those this actor may see; counts, never names."""
    with index.of(database).reading(database, actor) as (session, index_state):
        gathered = actions.gather_people(session, actor, on, index_state, placement_id=placement_id)
    placement, people = gathered.placements[0], gathered.people
    found = unlock.for_placement(gathered.ranker(), placement, people, good=_good(on))
    return PlacementUnlockOut(
        placement_id=placement_id,
        on=on,
        looked_at=len(people),
        good_score=_good(on),
        items=[
            PlacementUnlockLine(rule=one.rule, people=one.people, suitable=one.suitable, text=one.text) for one in found
        ],
    )


def for_caseload(database: Database, actor: Actor, on: date) -> CaseloadUnlockOut:
    """Say which training or support would open most matches over the open cases this actor may see."""
    with index.of(database).reading(database, actor) as (session, index_state):
        gathered = actions.gather_people(session, actor, on, index_state)
    people = gathered.people
    found = unlock.for_caseload(gathered.ranker(), people, gathered.placements, good=_good(on))
    return CaseloadUnlockOut(
        on=on,
        looked_at=len(people),
        good_score=_good(on),
        items=[
            CaseloadUnlockLine(kind=one.kind, what=one.what, people=one.people, matches=one.matches, text=one.text)
            for one in found
        ],
    )
