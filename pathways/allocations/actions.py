"""Propose an allocation and decide each of its lines; a proposal creates no introduction and sends nothing."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path
from typing import Any, cast
from uuid import UUID

from sqlalchemy import Table, insert, select
from uuid_utils.compat import uuid7

from matching.bulk.caseload import Run, in_turn
from matching.places.allocation import AllocationPlan as Proposal
from matching.places.allocation import PlaceOffer, Unplaced, allocate, share_of, unevenness
from matching.places.problem import AllocationProblem, Policy
from pathways import audit
from pathways.allocations import queries
from pathways.allocations.models import (
    LINE_MOVES,
    Allocation,
    AllocationLine,
    AllocationLineMove,
    LineEvent,
    LineState,
)
from pathways.allocations.schemas import AllocationFigures, AllocationLineOut, AllocationOut, LineDecisions
from pathways.allocations.scoring import Answer, Caseload, Scored, Tell, score, true_ranks
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
from pathways.shortlists import index, safety
from pathways.shortlists import queries as shortlist_queries
from pathways.shortlists.benefits_told import flags_of
from pathways.shortlists.index import IndexState
from pathways.shortlists.profiles import benefit_rules

LINES_AT_ONCE = 2_000
GONE = "The place was taken while the proposal was being made. Make a new proposal to use the places that are left."
CHANGED = "The case changed while the proposal was being made. Make a new proposal."


class LineMoveRefused(MoveRefused):
    title = "The line's state does not allow this decision"


class ReasonNeeded(RuleBroken):
    title = "A decision that differs from the proposal needs a reason"


def policy_in_force(on: date) -> tuple[Policy, queries.NeedRule]:
    """Return the policy in force on a day: the parameters of the assignment, and the rule for who is in most need."""
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


def gather(
    session: Session, actor: Actor, on: date, index_state: IndexState, caseworker_id: UUID | None = None
) -> Caseload:
    """Return the open cases that the actor may see (or one caseworker's), the open placements and the policy."""
    where = [] if caseworker_id is None else [Jobseeker.caseworker_id == caseworker_id]
    if caseworker_id is not None:
        member = session.get(Membership, caseworker_id)
        if member is None or member.organisation_id != actor.organisation_id:
            raise RuleBroken(
                "There is no such member in your organisation. Choose a member of your organisation, or leave"
                " the caseworker out (caseworker_id).",
                pointer="/caseworker_id",
            )
    policy, rule = policy_in_force(on)
    return Caseload(
        on,
        shortlist_queries.ids_to_rank(session, actor, *where),
        index_state,
        policy,
        {str(key): facts for key, facts in queries.need_facts(session, actor, on, rule).items()},
        queries.before(session, actor),
    )


def assign(caseload: Caseload, scored: Scored) -> Proposal:
    """Assign places across the whole caseload under the policy."""
    listings = caseload.day.columns.profiles
    keys = [str(jobseeker_id) for jobseeker_id in caseload.ids]
    return allocate(
        AllocationProblem(
            keys,
            [listing.key for listing in listings],
            scored.pairs,
            [listing.places_left for listing in listings],
            [key in caseload.need for key in keys],
            [listing.organisation for listing in listings],
            caseload.before,
            scored.open_to.tolist(),
            caseload.index_state.model.match_chance,
        ),
        caseload.policy,
    )


def propose(
    database: Database,
    actor: Actor,
    on: date,
    *,
    caseworker_id: UUID | None = None,
    run: Run[Answer] = in_turn,
    folder: Path | None = None,
    begun: Callable[[int], Tell] | None = None,
) -> tuple[Caseload, Proposal]:
    """Read the caseload; then score its pairs and assign places, with no transaction open during the calculation.

    ``run`` and ``folder`` are passed to ``scoring.score``. ``begun`` gets the number of all jobseekers
    and returns a function that reports progress: it is called with the number of jobseekers in each finished batch.
    """
    with index.of(database).reading(database, actor) as (session, index_state):
        caseload = gather(session, actor, on, index_state, caseworker_id)
    tell = begun(len(caseload.ids)) if begun is not None else None
    scored = score(database, actor, caseload, run=run, folder=folder, tell=tell)
    proposal = assign(caseload, scored)
    if caseload.weighs_all:
        return caseload, proposal
    not_first_choices = [(UUID(offer.jobseeker), offer.score) for offer in proposal.offers if offer.rank > 1]
    ranks = true_ranks(database, actor, caseload, not_first_choices)
    offers = tuple(replace(offer, rank=ranks.get(UUID(offer.jobseeker), offer.rank)) for offer in proposal.offers)
    return caseload, replace(proposal, offers=offers)


def record(session: WriteSession, actor: Actor, caseload: Caseload, proposal: Proposal) -> Allocation:
    """Record a proposal with one line for each jobseeker, after checking again that cases and places are still open."""
    proposal = _still_possible(session, actor, caseload, proposal)
    allocation = Allocation.recorded(
        actor,
        caseload.on,
        partner_id=actor.organisation_id,
        proposed_on=caseload.on,
        model_version=caseload.index_state.model.version,
        policy=_policy_figures(caseload.on),
        looked_at=len(_people(proposal)),
        placements=len(caseload.day.columns),
        figures=_figures(caseload, proposal),
    )
    session.add(allocation)
    session.flush()  # the lines have a foreign key to the allocation
    lines = [_offered(allocation, offer, caseload) for offer in proposal.offers]
    lines += [_without_offer(allocation, unplaced, caseload) for unplaced in proposal.without]
    for start in range(0, len(lines), LINES_AT_ONCE):
        batch = lines[start : start + LINES_AT_ONCE]
        session.execute(insert(cast("Table", AllocationLine.__table__)), batch)
        moves = [_proposed(actor, line) for line in batch]
        session.execute(insert(cast("Table", AllocationLineMove.__table__)), moves)
        audit.people_changed(session, actor, [line["jobseeker_id"] for line in batch])
    return allocation


def _still_possible(session: WriteSession, actor: Actor, caseload: Caseload, proposal: Proposal) -> Proposal:
    """Return the proposal without closed cases and without offers that are no longer possible.

    An offer is removed if its placement has no free place or a safety exclusion covers the pair. If a placement has too
    few places, the offers with the lowest scores are removed. The figures are calculated again; ``certified`` becomes
    None, because the distance to the best possible assignment is no longer known.
    """
    open_keys = {str(jobseeker_id) for jobseeker_id in shortlist_queries.ids_to_rank(session, actor)}
    ids = sorted({UUID(offer.placement) for offer in proposal.offers})
    places_left: dict[str, int] = {}
    for start in range(0, len(ids), LINES_AT_ONCE):
        still_open = placement_queries.still_open(session, ids[start : start + LINES_AT_ONCE], caseload.on)
        places_left |= {str(key): places for key, (_, places) in still_open.items()}
    listings = {listing.key: listing for listing in caseload.day.columns.profiles}
    excluded = safety.covered(
        session, actor, [(UUID(offer.jobseeker), listings[offer.placement]) for offer in proposal.offers], caseload.on
    )
    offers, removed = [], []
    for offer in sorted(proposal.offers, key=lambda offer: (-offer.score, offer.jobseeker)):
        if offer.jobseeker not in open_keys:
            continue
        if (UUID(offer.jobseeker), offer.placement) in excluded:
            removed.append(Unplaced(offer.jobseeker, offer.could_go_to, CHANGED))
        elif places_left.get(offer.placement, 0) > 0:
            places_left[offer.placement] -= 1
            offers.append(offer)
        else:
            removed.append(Unplaced(offer.jobseeker, offer.could_go_to, GONE))
    without = tuple(unplaced for unplaced in (*proposal.without, *removed) if unplaced.jobseeker in open_keys)
    if len(offers) == len(proposal.offers) and len(without) == len(proposal.without):
        return proposal
    offers.sort(key=lambda offer: offer.jobseeker)
    people, need_offers = len(offers) + len(without), sum(offer.jobseeker in caseload.need for offer in offers)
    in_need = need_offers + sum(unplaced.jobseeker in caseload.need for unplaced in without)
    enterprises = {
        listing.organisation
        for listing in listings.values()
        if listing.organisation is not None and listing.places_left
    }
    return replace(
        proposal,
        offers=tuple(offers),
        without=without,
        expected_lasting=round(sum(offer.chance for offer in offers), 4),
        need_offers=need_offers,
        need_share_of_caseload=share_of(in_need, people),
        need_share_of_offers=share_of(need_offers, len(offers)),
        enterprise_gini=unevenness((listings[offer.placement].organisation for offer in offers), enterprises),
        certified=proposal.certified if len(offers) == len(proposal.offers) else None,
        taken_back=len(proposal.offers) - len(offers),
        kept=sum(caseload.before.get(offer.jobseeker) == offer.placement for offer in offers),
    )


def _people(proposal: Proposal) -> list[str]:
    return [offer.jobseeker for offer in proposal.offers] + [unplaced.jobseeker for unplaced in proposal.without]


def _offered(allocation: Allocation, offer: PlaceOffer, caseload: Caseload) -> dict[str, Any]:
    return _line(
        allocation,
        offer.jobseeker,
        caseload,
        state=LineState.PROPOSED,
        placement_id=UUID(offer.placement),
        first_choice_id=UUID(offer.first_choice),
        score=offer.score,
        rank_of_own=offer.rank,
        could_go_to=offer.could_go_to,
        why=offer.why,
    )


def _without_offer(allocation: Allocation, unplaced: Unplaced, caseload: Caseload) -> dict[str, Any]:
    return _line(
        allocation,
        unplaced.jobseeker,
        caseload,
        state=LineState.WITHOUT,
        could_go_to=unplaced.could_go_to,
        why=unplaced.why,
    )


def _line(allocation: Allocation, key: str, caseload: Caseload, **columns: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("placement_id", "first_choice_id", "changed_to_id", "score", "rank_of_own"))
    return {
        "id": uuid7(),
        "version": 1,
        "partner_id": allocation.partner_id,
        "allocation_id": allocation.id,
        "jobseeker_id": UUID(key),
        "need_facts": caseload.need.get(key, []),
        **empty,
        **columns,
    }


def _proposed(actor: Actor, line: Mapping[str, Any]) -> dict[str, Any]:
    person_columns = {name: line[name] for name in ("partner_id", "jobseeker_id")}
    moved = {"event": "propose", "from_state": None, "to_state": line["state"].value}
    return AllocationLineMove.row(actor, line_id=line["id"], **person_columns, **moved)


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


def _policy_figures(on: date) -> dict[str, Any]:
    """Return the policy in force on a day: its numbers, and the row of the dated table that they come from."""
    policy, rule = policy_in_force(on)
    numbers = asdict(policy) | asdict(rule)
    return numbers | tables.origin("allocation_policies", on) | {"table": tables.version_of("allocation_policies")}


def _figures(caseload: Caseload, proposal: Proposal) -> dict[str, Any]:
    return AllocationFigures(
        offers=len(proposal.offers),
        without=len(proposal.without),
        expected_lasting=proposal.expected_lasting,
        need_people=sum(key in caseload.need for key in _people(proposal)),
        need_offers=proposal.need_offers,
        need_floor=proposal.need_floor,
        need_share_of_caseload=proposal.need_share_of_caseload,
        need_share_of_offers=proposal.need_share_of_offers,
        need_share_of_top=proposal.need_share_of_top,
        enterprise_gini=proposal.enterprise_gini,
        kept=proposal.kept,
        first_choices=sum(offer.rank == 1 for offer in proposal.offers),
        certified=proposal.certified,
        taken_back=proposal.taken_back,
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
    """Accept, change or reject one line; nothing is sent.

    Changing or rejecting needs a reason. Accepting or changing is refused if the case is closed, the placement is not
    published or a safety exclusion covers the pair.
    """
    to_state = destination(LINE_MOVES, line.state, event, LineMoveRefused)
    if event is not LineEvent.ACCEPT and not reason:
        raise ReasonNeeded("Give the reason in one sentence.", pointer="/reason")
    if event is LineEvent.ACCEPT and line.placement_id is None:
        raise LineMoveRefused(
            "No placement was proposed on this line, so it cannot be accepted. Change the line to a placement.",
            possible=["change"],
        )
    if event is not LineEvent.REJECT:
        proposed = placement_id if event is LineEvent.CHANGE else line.placement_id
        _must_be_possible(session, actor, line, proposed, event, reason)
    session.add(_move_row(actor, line, event.value, line.state, to_state, reason))
    line.state = to_state
    line.changed_to_id = placement_id if event is LineEvent.CHANGE else None
    session.flush()  # so that the reply contains the new version
    return line


def _must_be_possible(
    session: WriteSession,
    actor: Actor,
    line: AllocationLine,
    placement_id: UUID | None,
    event: LineEvent,
    reason: str,
) -> None:
    """Refuse unless the case is open, the placement is published and no safety exclusion covers the pair.

    Where the safety check cannot tell, the reason says how the actor made sure, and is kept as a safety review.
    """
    person = jobseeker_queries.jobseeker(session, actor, line.jobseeker_id)
    jobseeker_actions.must_be_open(person)
    placement = placement_queries.placement(session, actor, placement_id) if placement_id else None
    if placement is None or placement.state is not PlacementState.PUBLISHED:
        raise RuleBroken("This placement is not published. Choose a published placement.", pointer="/placement_id")
    if event is LineEvent.CHANGE and placement.id == line.placement_id:
        raise RuleBroken(
            "The line already proposes this placement. Accept the line, or choose another placement.",
            pointer="/placement_id",
        )
    if reason and safety.needs_review(session, person, placement):
        safety.review(session, actor, person, placement, reason)
    safety.must_be_safe(session, person, placement)


def close_lines(
    session: WriteSession,
    actor: Actor,
    person: Jobseeker,
    reason: str,
    *,
    is_closed: Callable[[AllocationLine], bool] = lambda _: True,
) -> None:
    """Reject a jobseeker's undecided lines, because the case closes or the record becomes void.

    With ``is_closed``: only the lines for which it is true, because a safety exclusion covers their placement.
    """
    rows = select(AllocationLine).where(
        AllocationLine.partner_id == person.partner_id,
        AllocationLine.jobseeker_id == person.id,
        AllocationLine.state == LineState.PROPOSED,
    )
    # Locked and read again, so that a decision at the same moment is neither overwritten nor refuses this.
    locked = rows.order_by(AllocationLine.id).with_for_update().execution_options(populate_existing=True)
    for line in session.scalars(locked).all():
        if is_closed(line):
            session.add(_move_row(actor, line, LineEvent.REJECT.value, line.state, LineState.REJECTED, reason))
            line.state = LineState.REJECTED


def reply(session: Session, actor: Actor, allocation: Allocation) -> AllocationOut:
    return replies(session, actor, [allocation])[0]


def replies(session: Session, actor: Actor, allocations: Sequence[Allocation]) -> list[AllocationOut]:
    """Return the replies for allocations.

    Totals are withheld from an actor who may not see every line, because a total could reveal facts about a jobseeker
    the actor may not see.
    """
    ids = [allocation.id for allocation in allocations]
    counted, whole = queries.states(session, actor, ids), queries.wholly_visible(session, actor, ids)
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
            figures=AllocationFigures(**allocation.figures) if allocation.id in whole else None,
            decided=_decided(counted[allocation.id]) if allocation.id in whole else None,
        )
        for allocation in allocations
    ]


def _decided(counted: Counter[LineState]) -> LineDecisions:
    decided = counted[LineState.ACCEPTED] + counted[LineState.CHANGED] + counted[LineState.REJECTED]
    return LineDecisions(
        proposed=counted[LineState.PROPOSED],
        accepted=counted[LineState.ACCEPTED],
        changed=counted[LineState.CHANGED],
        rejected=counted[LineState.REJECTED],
        accepted_unchanged_share=round(counted[LineState.ACCEPTED] / decided, 4) if decided else None,
    )


def line_replies(session: Session, actor: Actor, lines: Sequence[AllocationLine]) -> list[AllocationLineOut]:
    """Return the replies for lines, with placement titles and only the field groups the actor may read."""
    people = {
        person.id: person
        for person in session.scalars(select(Jobseeker).where(Jobseeker.id.in_({line.jobseeker_id for line in lines})))
    }
    ids = {i for line in lines for i in (line.placement_id, line.first_choice_id, line.changed_to_id) if i}
    rows = session.execute(
        select(
            Placement.id,
            Placement.title,
            Placement.social_enterprise_id,
            Placement.kind,
            Placement.hours_per_week,
            Placement.pay_per_hour_pence,
        ).where(Placement.id.in_(ids))
    ).all()
    works = {row.id: row for row in rows}
    benefits, rules = shortlist_queries.benefits(session, actor, people), benefit_rules(actor.today)
    names = placement_queries.names(session, {row.social_enterprise_id for row in rows})
    titles = {row.id: (row.title, names[row.social_enterprise_id]) for row in rows}
    reasons = queries.last_reasons(session, actor, [line.id for line in lines])
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
        work = works.get(line.changed_to_id or line.placement_id)
        if work is not None:
            answer.benefit_flags = flags_of(benefits.get(person.id), rules, work)
        answers.append(answer.limited_to(jobseeker_queries.visible_groups(actor, person)))
    return answers
