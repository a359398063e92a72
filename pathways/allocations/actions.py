"""Proposing an allocation, and deciding each line. A proposal makes no introduction and sends nothing."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import select
from uuid_utils.compat import uuid7

from matching.allocation import Allocation as Proposal
from matching.allocation import Policy, Problem, allocate
from matching.caseload import Work, open_pairs
from matching.columns import JobseekerArrays, PlacementColumns, jobseeker_arrays
from matching.grades import hash_of
from matching.profiles import JobseekerProfile, PlacementProfile
from matching.score_tables import MILLION
from pathways.allocations import queries
from pathways.allocations.models import (
    LINE_MOVES,
    Allocation,
    AllocationLine,
    AllocationLineMove,
    LineEvent,
    LineState,
)
from pathways.allocations.schemas import AllocationLineOut, AllocationOut, Decided, Figures
from pathways.base import Actor
from pathways.database import Database, Session, WriteSession
from pathways.errors import RuleBroken
from pathways.facts import MoveRefused, destination, possible_events
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.organisations.models import Membership
from pathways.placements import queries as placement_queries
from pathways.placements.models import Placement, PlacementState
from pathways.reference import tables
from pathways.shortlists import actions as shortlist_actions
from pathways.shortlists import index, profiles, safety
from pathways.shortlists.actions import GatheredPeople
from pathways.shortlists.index import Standing

Scored = Sequence[tuple[int, list[int], list[float]]]


class LineMoveRefused(MoveRefused):
    title = "The line cannot be decided so now"


class ReasonNeeded(RuleBroken):
    title = "A decision that departs from the proposal needs its reason"


@dataclass(frozen=True, slots=True)
class Gathered:
    """What is read for a whole caseload, so that ranking needs nothing open."""

    caseload: GatheredPeople
    policy: Policy
    need: dict[str, list[str]]
    before: dict[str, str]

    @property
    def people(self) -> list[JobseekerProfile]:
        return self.caseload.people

    @property
    def placements(self) -> list[PlacementProfile]:
        return self.caseload.placements


def policy_in_force(on: date) -> tuple[Policy, queries.NeedRule]:
    """Return the dated policy of a day: the numbers of the assignment, and the facts of the need band."""
    row = tables.in_force("allocation_policies", on)
    policy = Policy(
        version=row["version"],
        need_floor=float(row["need_floor"]),
        offer_value=float(row["offer_value"]),
        soft_cap=float(row["soft_cap"]),
        evenness=float(row["evenness"]),
        keeping=float(row["keeping"]),
    )
    return policy, queries.NeedRule(int(row["weeks_without_offer"]), int(row["open_barriers"]))


def gather(session: Session, actor: Actor, on: date, standing: Standing, caseworker_id: UUID | None = None) -> Gathered:
    where = [] if caseworker_id is None else [Jobseeker.caseworker_id == caseworker_id]
    if caseworker_id is not None:
        member = session.get(Membership, caseworker_id)
        if member is None or member.organisation_id != actor.organisation_id:
            raise RuleBroken("There is no such member of your organisation.", pointer="/caseworker_id")
    policy, rule = policy_in_force(on)
    return Gathered(
        caseload=shortlist_actions.gather_people(session, actor, on, standing, *where),
        policy=policy,
        need={str(key): facts for key, facts in queries.need_facts(session, actor, on, rule).items()},
        before=queries.before(session, actor),
    )


@dataclass(frozen=True, slots=True)
class Scoring:
    """A caseload as columns: its pieces are plain arrays, so that another process scores them without a database."""

    gathered: Gathered
    placements: PlacementColumns
    work: Work

    @classmethod
    def of(cls, gathered: Gathered) -> "Scoring":
        caseload = gathered.caseload
        ranker, day = caseload.ranker(), caseload.standing.on(caseload.on)
        tables = ranker.model.tables.arrays
        work = Work(day.columns.arrays, tables, day.arrays, hash_of(ranker.seed))
        return cls(gathered, day.columns, work)

    def people(self, first: int, last: int) -> JobseekerArrays:
        """Return a stretch of the caseload, to be scored by ``matching.caseload.open_pairs``."""
        return jobseeker_arrays(
            self.gathered.people[first:last], self.placements, profiles.context(self.gathered.caseload.on)
        )

    def told(self, first: int, pairs: Sequence[tuple[Any, Any]]) -> Scored:
        """Return what was found of a stretch by person, placement and score."""
        return [
            (first + row, self.placements.order[kept].tolist(), (scores / MILLION).tolist())
            for row, (kept, scores) in enumerate(pairs)
        ]


def score(gathered: Gathered) -> Scored:
    """Return, for each person of a caseload, the open placements and their scores."""
    scoring = Scoring.of(gathered)
    return scoring.told(0, open_pairs(scoring.people(0, len(gathered.people)), scoring.work))


def assign(gathered: Gathered, scored: Scored) -> Proposal:
    """Assign places over the whole caseload under the policy."""
    scores = np.full((len(gathered.people), len(gathered.placements)), np.nan)
    for row, columns, values in scored:
        scores[row, columns] = values
    return allocate(
        Problem(
            [person.key for person in gathered.people],
            [placement.key for placement in gathered.placements],
            scores,
            [placement.places_left for placement in gathered.placements],
            [person.key in gathered.need for person in gathered.people],
            [placement.organisation for placement in gathered.placements],
            gathered.before,
        ),
        gathered.policy,
    )


def propose(
    database: Database,
    actor: Actor,
    on: date,
    *,
    caseworker_id: UUID | None = None,
    run: Callable[[Gathered], Scored] | None = None,
) -> tuple[Gathered, Proposal]:
    """Read, then score and assign with nothing open; ``run`` may score in several processes."""
    with index.of(database).reading(database, actor) as (session, standing):
        gathered = gather(session, actor, on, standing, caseworker_id)
    scored = run(gathered) if run is not None else score(gathered)
    return gathered, assign(gathered, scored)


def record(session: WriteSession, actor: Actor, gathered: Gathered, proposal: Proposal) -> Allocation:
    """Keep a proposal with a line for everybody, those without an offer too."""
    allocation = Allocation.recorded(
        actor,
        gathered.caseload.on,
        partner_id=actor.organisation_id,
        proposed_on=gathered.caseload.on,
        model_version=gathered.caseload.model.version,
        policy=_policy_told(gathered.caseload.on),
        looked_at=len(gathered.people),
        placements=len(gathered.placements),
        figures=_figures(gathered, proposal),
    )
    session.add(allocation)
    session.flush()  # its lines point to it
    lines = [
        *(
            _line(
                allocation,
                offer.jobseeker,
                gathered,
                state=LineState.PROPOSED,
                placement_id=UUID(offer.placement),
                first_choice_id=UUID(offer.first_choice),
                score=offer.score,
                rank_of_own=offer.rank,
                could_go_to=offer.could_go_to,
                why=offer.why,
            )
            for offer in proposal.offers
        ),
        *(
            _line(
                allocation,
                unplaced.jobseeker,
                gathered,
                state=LineState.WITHOUT,
                could_go_to=unplaced.could_go_to,
                why=unplaced.why,
            )
            for unplaced in proposal.without
        ),
    ]
    session.add_all(lines)
    session.flush()  # their log points to them
    session.add_all(_move_row(actor, line, "propose", None, line.state, "") for line in lines)
    session.flush()  # the reply counts them
    return allocation


def _line(allocation: Allocation, key: str, gathered: Gathered, **columns: Any) -> AllocationLine:
    return AllocationLine(
        id=uuid7(),
        partner_id=allocation.partner_id,
        allocation_id=allocation.id,
        jobseeker_id=UUID(key),
        need_facts=gathered.need.get(key, []),
        **columns,
    )


def _move_row(
    actor: Actor, line: AllocationLine, event: str, from_state: LineState | None, to_state: LineState, reason: str
) -> AllocationLineMove:
    return AllocationLineMove.recorded(
        actor,
        partner_id=line.partner_id,
        jobseeker_id=line.jobseeker_id,
        line_id=line.id,
        event=event,
        from_state=from_state.value if from_state else None,
        to_state=to_state.value,
        reason=reason,
    )


def _policy_told(on: date) -> dict[str, Any]:
    policy, rule = policy_in_force(on)
    return asdict(policy) | asdict(rule) | {"table": tables.version_of("allocation_policies")}


def _figures(gathered: Gathered, proposal: Proposal) -> dict[str, Any]:
    return Figures(
        offers=len(proposal.offers),
        without=len(proposal.without),
        expected_lasting=proposal.expected_lasting,
        need_people=sum(person.key in gathered.need for person in gathered.people),
        need_offers=proposal.need_offers,
        need_floor=proposal.need_floor,
        need_share_of_caseload=proposal.need_share_of_caseload,
        need_share_of_offers=proposal.need_share_of_offers,
        need_share_of_top=proposal.need_share_of_top,
        enterprise_gini=proposal.enterprise_gini,
        kept=proposal.kept,
        first_choices=sum(offer.rank == 1 for offer in proposal.offers),
    ).model_dump()


def decide(
    session: WriteSession,
    actor: Actor,
    line: AllocationLine,
    event: LineEvent,
    *,
    reason: str = "",
    placement_id: UUID | None = None,
) -> AllocationLine:
    """Accept, change or reject one line; what departs from the proposal needs a reason. Nothing is sent."""
    to_state = destination(LINE_MOVES, line.state, event, LineMoveRefused)
    if event is not LineEvent.ACCEPT and not reason:
        raise ReasonNeeded("Say why, in a sentence.", pointer="/reason")
    if event is LineEvent.ACCEPT and line.placement_id is None:
        raise LineMoveRefused("Nothing was proposed here; change the line to a placement.", possible=["change"])
    if event is not LineEvent.REJECT:
        _must_be_possible(session, actor, line, placement_id if event is LineEvent.CHANGE else line.placement_id, event)
    session.add(_move_row(actor, line, event.value, line.state, to_state, reason))
    line.state = to_state
    line.changed_to_id = placement_id if event is LineEvent.CHANGE else None
    session.flush()  # the reply carries the new version
    return line


def _must_be_possible(
    session: Session, actor: Actor, line: AllocationLine, placement_id: UUID | None, event: LineEvent
) -> None:
    """Look again at what a proposal rests on: the case is open, the placement published, no exclusion covers it."""
    person = jobseeker_queries.jobseeker(session, actor, line.jobseeker_id)
    jobseeker_actions.must_be_open(person)
    placement = placement_queries.placement(session, actor, placement_id) if placement_id else None
    if placement is None or placement.state is not PlacementState.PUBLISHED:
        raise RuleBroken("This placement is not published now. Choose another one.", pointer="/placement_id")
    if event is LineEvent.CHANGE and placement.id == line.placement_id:
        raise RuleBroken("That is the placement that was proposed: accept the line.", pointer="/placement_id")
    safety.must_not_be_excluded(session, person, placement)


def close_lines(session: WriteSession, actor: Actor, person: Jobseeker, reason: str) -> None:
    """Reject what is still proposed for somebody whose case closes or whose record is void."""
    for line in session.scalars(
        select(AllocationLine).where(
            AllocationLine.partner_id == person.partner_id,
            AllocationLine.jobseeker_id == person.id,
            AllocationLine.state == LineState.PROPOSED,
        )
    ):
        session.add(_move_row(actor, line, LineEvent.REJECT.value, line.state, LineState.REJECTED, reason))
        line.state = LineState.REJECTED


def shown(session: Session, actor: Actor, allocation: Allocation) -> AllocationOut:
    return shown_all(session, actor, [allocation])[0]


def shown_all(session: Session, actor: Actor, allocations: Sequence[Allocation]) -> list[AllocationOut]:
    ids = [allocation.id for allocation in allocations]
    counted, whole = queries.states(session, ids), queries.wholly_visible(session, actor, ids)
    return [
        AllocationOut(
            id=allocation.id,
            on=allocation.proposed_on,
            made_at=allocation.recorded_at,
            by=allocation.by,
            model_version=allocation.model_version,
            policy=allocation.policy,
            looked_at=allocation.looked_at if allocation.id in whole else None,
            placements=allocation.placements,
            figures=Figures(**allocation.figures) if allocation.id in whole else None,
            decided=_decided(counted[allocation.id]) if allocation.id in whole else None,
        )
        for allocation in allocations
    ]


def _decided(counted: Counter[LineState]) -> Decided:
    decided = counted[LineState.ACCEPTED] + counted[LineState.CHANGED] + counted[LineState.REJECTED]
    return Decided(
        proposed=counted[LineState.PROPOSED],
        accepted=counted[LineState.ACCEPTED],
        changed=counted[LineState.CHANGED],
        rejected=counted[LineState.REJECTED],
        accepted_unchanged_share=round(counted[LineState.ACCEPTED] / decided, 4) if decided else None,
    )


def shown_lines(session: Session, actor: Actor, lines: Sequence[AllocationLine]) -> list[AllocationLineOut]:
    """Return lines as this actor may see them, with the names of what they name."""
    people = {
        person.id: person
        for person in session.scalars(select(Jobseeker).where(Jobseeker.id.in_({line.jobseeker_id for line in lines})))
    }
    ids = {i for line in lines for i in (line.placement_id, line.first_choice_id, line.changed_to_id) if i}
    rows = session.execute(
        select(Placement.id, Placement.title, Placement.social_enterprise_id).where(Placement.id.in_(ids))
    ).all()
    names = placement_queries.names(session, {row.social_enterprise_id for row in rows})
    titles = {row.id: (row.title, names[row.social_enterprise_id]) for row in rows}
    reasons = queries.last_reasons(session, [line.id for line in lines])
    answers = []
    for line in lines:
        person = people[line.jobseeker_id]
        title, enterprise = titles[line.placement_id] if line.placement_id else (None, None)
        answer = AllocationLineOut(
            id=line.id,
            jobseeker_id=person.id,
            jobseeker_reference=person.reference,
            state=line.state,
            placement_id=line.placement_id,
            title=title,
            social_enterprise=enterprise,
            score=line.score,
            rank_of_own=line.rank_of_own,
            first_choice=titles[line.first_choice_id][0] if line.first_choice_id else None,
            why=line.why,
            need_facts=line.need_facts,
            could_go_to=line.could_go_to,
            changed_to_id=line.changed_to_id,
            decided_because=reasons.get(line.id) or None,
            possible_events=[event.value for event in possible_events(LINE_MOVES, line.state)],
            version=line.version,
        )
        answers.append(answer.shown(jobseeker_queries.visible_groups(actor, person)))
    return answers
