"""Find the single changes that would add the most good matches.

The data is read first. Then, with no transaction open, each change is tried with the same checks and score as a
shortlist.
"""

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
# The field group a change reveals; a kind or answer that is not listed here reveals the group WORK.
GROUP_OF_KIND = {unlock.Kind.TRAVEL_ALONE: Group.HEALTH}
GROUP_OF_ANSWER = {"right to work": Group.RIGHT_TO_WORK, "date of birth": Group.IDENTITY, "travel": Group.CONTACT}


def _good(on: date) -> float:
    return float(tables.limit("good_match_score", on))


def for_jobseeker(database: Database, actor: Actor, jobseeker_id: UUID, on: date) -> JobseekerUnlockOut:
    """Return the single changes that would turn placements into good matches for one jobseeker.

    Changes that reveal a field group the actor may not read are left out and counted as withheld.
    """
    with index.of(database).reading(database, actor) as (session, index_state):
        gathered = actions.gather(session, actor, jobseeker_id, on, index_state)
        visible = jobseeker_queries.visible_groups(actor, session.get_one(Jobseeker, jobseeker_id))
    changes = unlock.for_jobseeker(gathered.ranker(), gathered.wanted, gathered.day.profiles, good=_good(on))
    readable = [change for change in changes if _group_of(change) in visible]
    with database.reading(actor) as session:
        placement_ids = {UUID(key) for change in readable for key in change.opens[:MOST_NAMED]}
        rows = session.execute(
            select(Placement.id, Placement.title, Placement.social_enterprise_id).where(Placement.id.in_(placement_ids))
        ).all()
        names = placement_queries.names(session, {row.social_enterprise_id for row in rows})
    titles = {str(row.id): (row.title, names[row.social_enterprise_id]) for row in rows}
    return JobseekerUnlockOut(
        jobseeker_id=jobseeker_id,
        on=on,
        model_version=gathered.index_state.model.version,
        good_score=_good(on),
        withheld=len(changes) - len(readable),
        items=[
            JobseekerUnlockLine(
                kind=change.kind,
                what=change.what,
                text=change.text,
                opens=len(change.opens),
                settles=change.settles,
                placements=[
                    OpenedOut(placement_id=UUID(key), title=titles[key][0], social_enterprise=titles[key][1])
                    for key in change.opens[:MOST_NAMED]
                    if key in titles
                ],
            )
            for change in readable
        ],
    )


def _group_of(change: unlock.Unlock) -> Group:
    if change.kind is unlock.Kind.ANSWER:
        return GROUP_OF_ANSWER.get(change.what, Group.WORK)
    return GROUP_OF_KIND.get(change.kind, Group.WORK)


def for_placement(database: Database, actor: Actor, placement_id: UUID, on: date) -> PlacementUnlockOut:
    """Count, for each requirement, the suitable jobseekers the actor may see who fail only that requirement."""
    with index.of(database).reading(database, actor) as (session, index_state):
        gathered = actions.gather_people(session, actor, on, index_state, placement_id=placement_id)
    placement, people = gathered.placements[0], gathered.people
    requirements = unlock.for_placement(gathered.ranker(), placement, people, good=_good(on))
    return PlacementUnlockOut(
        placement_id=placement_id,
        on=on,
        looked_at=len(people),
        good_score=_good(on),
        items=[
            PlacementUnlockLine(
                rule=requirement.rule, people=requirement.people, suitable=requirement.suitable, text=requirement.text
            )
            for requirement in requirements
        ],
    )


def for_caseload(database: Database, actor: Actor, on: date) -> CaseloadUnlockOut:
    """Return the training or support that would add the most good matches across the open cases the actor may see."""
    with index.of(database).reading(database, actor) as (session, index_state):
        gathered = actions.gather_people(session, actor, on, index_state)
    people = gathered.people
    changes = unlock.for_caseload(gathered.ranker(), people, gathered.placements, good=_good(on))
    return CaseloadUnlockOut(
        on=on,
        looked_at=len(people),
        good_score=_good(on),
        items=[
            CaseloadUnlockLine(
                kind=change.kind, what=change.what, people=change.people, matches=change.matches, text=change.text
            )
            for change in changes
        ],
    )
