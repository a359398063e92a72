"""Introductions, places, work and claims in any order, by callers at once: nothing overbooked or paid twice."""

import os
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from pathways import consistency
from pathways.claims import actions as claim_actions
from pathways.claims import queries as claim_queries
from pathways.claims.models import OVER, Claim, ClaimEvent, ClaimMove, ClaimState
from pathways.claims.schemas import Declaration, NewClaim
from pathways.database import Database
from pathways.errors import DomainError
from pathways.introductions import actions as introduction_actions
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import HOLDS_A_PLACE, Introduction, IntroductionEvent, IntroductionState, WhyNot
from pathways.introductions.schemas import NewIntroduction, StartedOn
from pathways.placements.models import Place, PlaceState
from pathways.programmes import actions as programme_actions
from pathways.programmes.models import Programme
from pathways.programmes.schemas import NewPrice
from pathways.progression import actions as progression_actions
from pathways.progression import evidence, outcomes, starting
from pathways.progression import queries as progression_queries
from pathways.progression.models import Evidence, EvidenceKind, Outcome, Spell
from pathways.progression.schemas import (
    EvidenceVerdict,
    NewEvidence,
    NewHours,
    NewOutcome,
    NewSpell,
    SpellEnding,
)
from tests.work import TODAY
from tests.world import World

E = IntroductionEvent
RULE, PENCE = "LOCAL_13_IN_16", 100_000
WALKS = count()
START = TODAY - timedelta(weeks=20)
BY_LISTER = (E.INVITE, E.WAIT, E.OFFER, E.DECLINE, E.RECONSIDER, E.END)
BY_PARTNER = (E.ACCEPT, E.START, E.DECLINE, E.WITHDRAW, E.EXPIRE, E.RECONSIDER, E.OFFER)


class Calls(RuleBasedStateMachine):
    """What two sides and a funder may call, one by one and at once; a refusal is an answer, a fault is not."""

    database: Database
    world: World
    answers: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.walk = next(WALKS)
        self.introductions: list[UUID] = []
        self.spells: list[UUID] = []
        self.outcomes: list[UUID] = []
        self.claims: list[UUID] = []
        self.placements = [self.world.list_placement(ref=f"m{self.walk}-{n}", places=1 + n) for n in range(2)]
        self.people = [self._enrolled(n) for n in range(3)]

    def _enrolled(self, n: int) -> tuple[UUID, UUID]:
        told = {"ref": f"M{self.walk}-{n}", "given_name": f"Person {self.walk} {n}", "nino": None, "nhs_number": None}
        person, enrolment = self.world.supported(day=START, referred_on=START, phone=None, email=None, **told)
        self.world.permit(person)
        return person, enrolment

    def call(self, who: str, act: Callable[[Any, Any], Any]) -> Any:
        """Make one call in a transaction; say what kind of answer came."""
        actor = self.world.on(who)
        try:
            with self.database.writing(actor) as session:
                made = act(session, actor)
                found = made.id if hasattr(made, "id") else None
        except DomainError as refused:
            self.answers[type(refused).__name__] += 1
            return None
        except SQLAlchemyError as clash:  # told over HTTP as changed meanwhile: nothing was done
            self.answers[type(clash).__name__] += 1
            return None
        self.answers["done"] += 1
        return found

    def at_once(self, calls: list[tuple[str, Callable[[Any, Any], Any]]]) -> list[Any]:
        gate, found = threading.Barrier(len(calls)), [None] * len(calls)

        def one(place: int, who: str, act: Callable[[Any, Any], Any]) -> None:
            gate.wait()
            found[place] = self.call(who, act)

        threads = [threading.Thread(target=one, args=(n, *told)) for n, told in enumerate(calls)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return found

    @rule(data=st.data())
    def introduce(self, data: Any) -> None:
        person, _ = data.draw(st.sampled_from(self.people))
        self._introduce(person, data.draw(st.sampled_from(self.placements)))

    def _introduce(self, person: UUID, placement: UUID) -> None:
        def act(session: Any, actor: Any) -> Introduction:
            new = NewIntroduction(jobseeker_id=person, placement_id=placement)
            made = introduction_actions.propose(session, actor, new)
            introduction_actions.move(session, actor, made, E.AGREE)
            return introduction_actions.move(session, actor, made, E.SEND)

        found = self.call("caseworker", act)
        if found is not None:
            self.introductions.append(found)

    def moving(self, one: UUID, event: E) -> Callable[[Any, Any], Any]:
        def act(session: Any, actor: Any) -> Introduction:
            if event is E.START:
                row = introduction_queries.introduction(session, actor, one)
                return starting.start_introduction(session, actor, row, StartedOn(started_on=actor.today))
            if event is E.WITHDRAW:
                row, no = introduction_queries.introduction(session, actor, one), introduction_actions.No(WhyNot.OTHER)
                return starting.withdraw_introduction(session, actor, row, reason="", no=no)
            row = introduction_queries.introduction(session, actor, one, for_update=True)
            if event is E.ACCEPT:
                return introduction_actions.accept(session, actor, row, keeps_others=False)
            return introduction_actions.move(session, actor, row, event)

        return act

    @precondition(lambda self: self.introductions)
    @rule(data=st.data(), at_once=st.integers(1, 4))
    def move(self, data: Any, at_once: int) -> None:
        calls = []
        for _ in range(at_once):
            one = data.draw(st.sampled_from(self.introductions))
            who, events = data.draw(st.sampled_from([("lister", BY_LISTER), ("manager", BY_PARTNER)]))
            calls.append((who, self.moving(one, data.draw(st.sampled_from(events)))))
        self.at_once(calls)

    @initialize()
    def begin(self) -> None:
        """One has worked long enough, it is recorded and claimed by two at once; all are before a social enterprise."""
        self._work(*self.people[0])
        self.outcomes += self._outcomes(self.people[0][1], 2)
        self.claims += self._claims(self.outcomes[0], 2)
        for person, _ in self.people:
            self._introduce(person, self.placements[0])

    @rule(data=st.data())
    def work(self, data: Any) -> None:
        self._work(*data.draw(st.sampled_from(self.people)))

    def _work(self, person: UUID, enrolment: UUID) -> None:
        """Thirteen weeks of work, with hours and evidence that a second person accepted, all long ago."""
        with self.database.reading() as session:
            started = select(Introduction.id).where(
                Introduction.jobseeker_id == person, Introduction.state == IntroductionState.STARTED
            )
            introduction = session.scalars(started.limit(1)).first()

        def act(session: Any, actor: Any) -> Spell:
            new = NewSpell(
                enrolment_id=enrolment,
                introduction_id=introduction,
                kind="JOB_OPEN",
                title="Cook",
                started_on=START + timedelta(days=1),
                is_another=True,
            )
            spell = progression_actions.start(session, actor, new)
            for week in range(13):
                first = START + timedelta(days=1, weeks=week)
                progression_actions.record_hours(session, actor, spell, NewHours(week_from=first, hours=Decimal(8)))
            item = NewEvidence(
                spell_id=spell.id,
                kind=EvidenceKind.PAYSLIP,
                covers_from=START,
                covers_to=TODAY,
                received_on=TODAY,
                obtained_how="copies",
            )
            payslip = evidence.add_evidence(session, actor, item)
            manager = self.world.on("manager")
            evidence.check_evidence(session, manager, payslip, EvidenceVerdict(is_accepted=True))
            return spell

        found = self.call("caseworker", act)
        if found is not None:
            self.spells.append(found)

    @precondition(lambda self: self.spells)
    @rule(data=st.data())
    def end_work(self, data: Any) -> None:
        one = data.draw(st.sampled_from(self.spells))
        ending = SpellEnding(ended_on=TODAY, end_reason="completed")
        self.call(
            "caseworker",
            lambda session, actor: progression_actions.end(
                session, actor, progression_queries.spell(session, actor, one, for_update=True), ending
            ),
        )

    @precondition(lambda self: self.spells)
    @rule(data=st.data(), at_once=st.integers(1, 3))
    def record_outcome(self, data: Any, at_once: int) -> None:
        _, enrolment = data.draw(st.sampled_from(self.people))
        self.outcomes += self._outcomes(enrolment, at_once)

    def _outcomes(self, enrolment: UUID, at_once: int) -> list[UUID]:
        new = NewOutcome(enrolment_id=enrolment, rule=RULE)

        def act(session: Any, actor: Any) -> Outcome:
            return outcomes.record_outcome(session, actor, new)

        found = [one for one in self.at_once([("caseworker", act)] * at_once) if one is not None]
        assert len(found) <= 1
        return found

    @precondition(lambda self: self.outcomes)
    @rule(data=st.data(), at_once=st.integers(1, 3))
    def draft_claim(self, data: Any, at_once: int) -> None:
        self.claims += self._claims(data.draw(st.sampled_from(self.outcomes)), at_once)

    def _claims(self, outcome: UUID, at_once: int) -> list[UUID]:
        def act(session: Any, actor: Any) -> Claim:
            return claim_actions.draft(session, actor, NewClaim(outcome_id=outcome))

        found = [one for one in self.at_once([("caseworker", act)] * at_once) if one is not None]
        assert len(found) <= 1
        return found

    def deciding(self, one: UUID, event: ClaimEvent) -> Callable[[Any, Any], Any]:
        def act(session: Any, actor: Any) -> Claim:
            claim = claim_queries.claim(session, actor, one, for_update=True)
            if event is ClaimEvent.SUBMIT:
                return claim_actions.submit(session, actor, claim, Declaration(has_other_funding=False))
            return claim_actions.move(session, actor, claim, event, reason="So it is.")

        return act

    @precondition(lambda self: self.claims)
    @rule(data=st.data(), at_once=st.integers(1, 4))
    def decide_claim(self, data: Any, at_once: int) -> None:
        calls = []
        for _ in range(at_once):
            one, event = data.draw(st.sampled_from(self.claims)), data.draw(st.sampled_from(list(ClaimEvent)))
            own = {ClaimEvent.SUBMIT, ClaimEvent.ANSWER, ClaimEvent.WITHDRAW}
            calls.append(("caseworker" if event in own else "commissioner", self.deciding(one, event)))
        self.at_once(calls)

    @precondition(lambda self: self.outcomes)
    @rule(data=st.data(), withdraws=st.booleans())
    def take_back(self, data: Any, withdraws: bool) -> None:
        """The outcome is withdrawn, or evidence it rests on is rejected, maybe as it is paid."""
        one = data.draw(st.sampled_from(self.outcomes))

        def act(session: Any, actor: Any) -> Any:
            outcome = progression_queries.outcome(session, actor, one)
            if withdraws:
                return outcomes.withdraw_outcome(session, actor, outcome, "Wrong.")
            item = session.get_one(Evidence, UUID(outcome.evidence_ids[0]))
            return evidence.check_evidence(
                session, actor, item, EvidenceVerdict(is_accepted=False, reason="The payslip cannot be read.")
            )

        calls: list[tuple[str, Callable[[Any, Any], Any]]] = [("manager", act)]
        if self.claims:
            calls.append(("commissioner", self.deciding(data.draw(st.sampled_from(self.claims)), ClaimEvent.PAY)))
        self.at_once(calls)

    @invariant()
    def nothing_is_overbooked_or_paid_twice(self) -> None:
        with self.database.reading() as session:
            assert consistency.faults(session) == []
            taken = session.scalars(
                select(func.count()).select_from(Place).where(Place.state.in_([PlaceState.HELD, PlaceState.FILLED]))
            ).one()
            holding = (*HOLDS_A_PLACE, IntroductionState.STARTED)
            held = select(func.count()).select_from(Introduction).where(Introduction.state.in_(holding))
            assert session.scalars(held).one() == taken
            waiting_while_free = (
                select(func.count())
                .select_from(Introduction)
                .join(Place, Place.placement_id == Introduction.placement_id)
                .where(Introduction.state == IntroductionState.WAITING, Place.state == PlaceState.FREE)
            )
            assert session.scalars(waiting_while_free).one() == 0
            standing = session.execute(
                select(Claim.enrolment_id, func.count())
                .where(Claim.state.not_in(OVER))
                .group_by(Claim.enrolment_id, Claim.rule)
            )
            assert all(row[1] == 1 for row in standing)
            money = session.execute(
                select(Claim.enrolment_id, func.sum(ClaimMove.pence))
                .join(ClaimMove, ClaimMove.claim_id == Claim.id)
                .group_by(Claim.enrolment_id, Claim.rule)
            )
            assert all(0 <= row[1] <= PENCE for row in money)


def test_no_order_of_calls_overbooks_a_place_or_pays_twice(world: World, database: Database):
    """A Hypothesis state machine with callers at once; `make prove` runs more and longer walks."""
    walks, steps = (40, 40) if os.environ.get("PATHWAYS_PROVE") else (5, 20)
    with database.writing(world.operator) as session:
        new = NewPrice(rule=RULE, pounds=Decimal(PENCE) / 100, from_on=START - timedelta(days=400))
        programme_actions.set_price(session, world.operator, session.get_one(Programme, world.programme_id), new)
    answers: Counter[str] = Counter()
    machine = type("Walk", (Calls,), {"database": database, "world": world, "answers": answers})
    # What callers at once get depends on who is first, so a failure is not made smaller: its last state is what counts.
    run_state_machine_as_test(
        machine, settings=settings(max_examples=walks, stateful_step_count=steps, deadline=None, print_blob=False)
    )
    print(database.engine.dialect.name, dict(answers))
    assert answers["done"] > walks * 5
    assert len(answers) > 4  # much of it is refused, for many reasons
    with database.reading() as session:
        states = set(session.scalars(select(Claim.state).distinct()))
    assert states - {ClaimState.DRAFT}
