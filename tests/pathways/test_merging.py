"""Two records of one person become one and two again: nothing is lost or counted twice, and all of it goes back."""

import os
import threading
from datetime import UTC, date, datetime
from itertools import count
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import func, select

from pathways import consistency
from pathways.app import HOLDINGS
from pathways.casefile import merging
from pathways.database import Database
from pathways.duplicates import queries as duplicate_queries
from pathways.duplicates.models import DuplicatePair, PairState
from pathways.exports import queries as export_queries
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import identifiers, monitoring, profile
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import (
    Jobseeker,
    JobseekerDetails,
    JobseekerMove,
    JobseekerState,
    Merge,
    ProfileVersion,
)
from pathways.jobseekers.schemas import NewMonitoring
from pathways.programmes.models import Programme
from pathways.referrals import actions as referral_actions
from pathways.referrals import queries as referral_queries
from pathways.referrals.models import Referral, ReferralMove, ReferralSnapshot
from tests.pathways.test_duplicates import BARE, say
from tests.pathways.test_matching import get, post
from tests.world import World

STAYS = {held.model.__tablename__ for h in HOLDINGS for held in h.tables if held.stays}


def rows_of(database, jobseeker_id: UUID) -> dict[str, set[UUID]]:
    """What happened to a person, by table: everything but what describes the record."""
    with database.reading() as session:
        return {
            table: {row.id for row in rows}
            for h in HOLDINGS
            for table, rows in h.rows(session, jobseeker_id).items()
            if table not in STAYS and rows
        }


def says(database, jobseeker_id: UUID) -> dict:
    """What a record says, and how its case stands."""
    with database.reading() as session:
        person = session.get_one(Jobseeker, jobseeker_id)
        details = identifiers.unsealed(session, jobseeker_queries.details(session, person)).as_dict()
        current = jobseeker_queries.profile(session, person)
        told = {name: getattr(current, name) for name in ("skills", "aspirations", "hours_min")} if current else {}
        case = {name: getattr(person, name) for name in ("state", "caseworker_id", "programme_id", "is_restricted")}
        return details | {name: value for name, value in told.items() if value} | case


def merge(client, world: World, kept: UUID, other: UUID, expect: int = 201, by: str = "manager"):
    body = {"other_id": str(other), "reason": "Same NI number; she says so."}
    return post(client, world, f"/jobseekers/{kept}/merge", body, by=by, expect=expect)


def undo(client, world: World, made: dict, expect: int = 200):
    path = f"/jobseekers/{made['jobseeker_id']}/merges/{made['id']}/undo"
    return post(client, world, path, {"reason": "Two sisters."}, by="manager", expect=expect)


@pytest.fixture
def two(world: World) -> tuple[UUID, UUID]:
    """One person supported, and referred again by another office that knows other things of her."""
    kept, _ = world.supported(ref="A", email=None, skills=None, half_days=None)
    other = world.refer(ref="B", by="other_referrer", given_name="Aminah", phone=None, skills=["sewing"]).jobseeker_id
    return kept, other


def test_what_happened_moves_what_is_not_known_is_learnt_and_all_of_it_goes_back(client, world: World, database, two):
    kept, other = two
    before = {one: (rows_of(database, one), says(database, one)) for one in two}
    made = merge(client, world, kept, other)
    assert made["moved"]["referrals"] == 1
    assert set(made["filled"]) == {"email", "skills", "half_days"}
    assert rows_of(database, other) == {}
    both = {t: before[kept][0].get(t, set()) | before[other][0].get(t, set()) for one in two for t in before[one][0]}
    assert rows_of(database, kept) == both
    now = says(database, kept)
    assert (now["email"], now["skills"], now["given_name"]) == ("amina@example.org", ["sewing"], "Amina")
    assert says(database, other)["state"] is JobseekerState.VOIDED
    with database.reading() as session:
        assert consistency.faults(session) == []
        assert session.scalars(select(DuplicatePair.state)).all() == [PairState.MERGED]
    assert [one["id"] for one in get(client, world, f"/jobseekers/{kept}/merges", by="manager")["items"]] == [
        made["id"]
    ]
    what = [entry["what"] for entry in get(client, world, f"/jobseekers/{kept}/timeline?limit=100")["items"]]
    assert "merge" in what
    told = undo(client, world, made)
    assert (told["left"], told["stays"], told["put_back"]["referrals"]) == ([], {}, 1)
    for one in two:
        assert (rows_of(database, one), says(database, one)) == before[one]
    with database.reading() as session:
        assert consistency.faults(session) == []
        assert session.scalars(select(DuplicatePair.state)).all() == [PairState.OPEN]
    assert get(client, world, f"/jobseekers/{kept}/merges", by="manager")["items"] == []
    undo(client, world, made, expect=404)


def test_what_is_recorded_since_goes_with_what_it_hangs_on_and_the_rest_is_told(client, world: World, database, two):
    kept, other = two
    made = merge(client, world, kept, other)
    with database.reading() as session:
        moved = session.scalars(select(Referral).where(Referral.ref == "B")).one().id
    post(client, world, f"/referrals/{moved}/accept", {}, expect=200)
    contact = {"with_whom": "jobseeker", "how": "phone", "outcome": "spoke", "on": "2026-11-01"}
    post(client, world, f"/jobseekers/{kept}/contacts", contact)
    with database.writing(world.on("manager")) as session:
        person = session.get_one(Jobseeker, kept)
        jobseeker_actions.change(session, world.on("manager"), person, {"email": "new@example.org"})
    told = undo(client, world, made)
    assert told["stays"] == {"contacts": 1}
    assert told["left"] == ["Personal details edited since the merge stay as they are now."]
    assert told["put_back"]["referral_moves"] == 2  # submitted before the merge, accepted since
    assert says(database, kept)["email"] == "new@example.org"
    with database.reading() as session:
        assert session.get_one(Referral, moved).jobseeker_id == other
        faults = consistency.faults(session)
    assert faults == []


def test_a_record_taken_in_is_found_by_what_it_said_and_is_nobody_by_itself(client, world: World, database):
    kept, _ = world.supported(ref="A", **BARE | {"phone": "07700 900123"})
    other = world.refer(
        ref="B", given_name="Zofia", family_name="Wojcik", **BARE | {"email": "z@example.org"}
    ).jobseeker_id
    merge(client, world, kept, other)
    third = world.refer(
        ref="C", given_name="Zofia", family_name="Wojcik", **BARE | {"email": "z@example.org"}
    ).jobseeker_id
    hits = get(client, world, f"/jobseekers/{third}/duplicates")["items"]
    assert [UUID(hit["jobseeker_id"]) for hit in hits] == [kept]
    with database.reading() as session:
        (pair,) = session.scalars(select(DuplicatePair)).all()
        assert {pair.jobseeker_id, pair.other_id} == {kept, third}


def test_a_pair_found_through_an_undone_merge_is_nobodys_verdict_and_hinders_no_merge(client, world: World, database):
    kept, other = (
        world.refer(ref=ref, given_name=name, family_name=family, **BARE | contact).jobseeker_id
        for ref, name, family, contact in (
            ("A", "Amina", "Ní Bhriain", {"phone": "07700 900123"}),
            ("B", "Zofia", "Wojcik", {"email": "z@example.org"}),
        )
    )
    made = merge(client, world, kept, other)
    like_b = {"given_name": "Zofia", "family_name": "Wojcik", **BARE, "email": "z@example.org"}
    third = world.refer(ref="C", **like_b).jobseeker_id

    def state_of(one: UUID) -> PairState:
        with database.reading() as session:
            pair = duplicate_queries.between(session, world.organisations["partner"], one, third)
            assert pair is not None
            return pair.state

    assert state_of(kept) is PairState.OPEN
    undo(client, world, made)
    assert (state_of(kept), state_of(other)) == (PairState.DROPPED, PairState.OPEN)
    again = merge(client, world, kept, other)
    assert state_of(kept) is PairState.OPEN  # alike again through what it took in
    undo(client, world, again)
    assert state_of(kept) is PairState.DROPPED
    merge(client, world, kept, third)
    assert state_of(kept) is PairState.MERGED


def test_two_open_enrolments_are_not_made_one_by_a_merge(client, world: World, database):
    kept, _ = world.supported(ref="A")
    other, _ = world.supported(ref="B", given_name="Aminah")
    before = {one: rows_of(database, one) for one in (kept, other)}
    refused = merge(client, world, kept, other, expect=409)
    assert refused["type"] == "/problems/merge-refused"
    assert "End one enrolment" in refused["detail"]
    assert {one: rows_of(database, one) for one in (kept, other)} == before


def test_merges_are_a_team_managers_and_of_two_records_that_are_there(client, world: World, database, two):
    kept, other = two
    merge(client, world, kept, other, expect=403, by="caseworker")
    merge(client, world, kept, other, expect=404, by="other_manager")
    merge(client, world, kept, kept, expect=409)
    made = merge(client, world, kept, other)
    assert "nothing more to do" in merge(client, world, kept, other, expect=409)["detail"]
    third = world.refer(ref="C", given_name="Aisha").jobseeker_id
    merge(client, world, third, other, expect=409)
    later = merge(client, world, third, kept)
    assert undo(client, world, made, expect=409)["type"] == "/problems/undo-refused"
    undo(client, world, later)
    undo(client, world, made)
    assert {says(database, one)["state"] for one in (kept, other)} == {JobseekerState.OPEN, JobseekerState.REFERRED}


def test_a_restricted_record_keeps_the_other_one_restricted_while_they_are_one(client, world: World, database, two):
    kept, other = two
    with database.writing(world.on("manager")) as session:
        session.get_one(Jobseeker, other).is_restricted = True
    made = merge(client, world, kept, other)
    assert says(database, kept)["is_restricted"] is True
    undo(client, world, made)
    assert (says(database, kept)["is_restricted"], says(database, other)["is_restricted"]) == (False, True)


def journeys_at(database, at) -> list[str]:
    with database.reading() as session:
        programmes = list(session.scalars(select(Programme)))
        return sorted(map(str, export_queries.journeys(session, programmes, at, date.max)))


def test_one_person_is_counted_once_while_they_are_one_and_any_day_is_told_as_it_was_known(
    client, world: World, database, two
):
    """Two referrals in workload, one cohort row; a merge and its undo change nothing of what was known before them."""
    kept, other = two
    instants = [datetime.now(UTC)]
    told = [journeys_at(database, instants[0])]
    made = merge(client, world, kept, other)
    instants.append(datetime.now(UTC))
    told.append(journeys_at(database, instants[1]))
    undo(client, world, made)
    instants.append(datetime.now(UTC))
    told.append(journeys_at(database, instants[2]))
    again = merge(client, world, kept, other)
    instants.append(datetime.now(UTC))
    told.append(journeys_at(database, instants[3]))
    assert [len(one) for one in told] == [2, 1, 2, 1]
    assert (told[0], told[1]) == (told[2], told[3])
    assert [journeys_at(database, at) for at in instants] == told
    with database.reading() as session:
        assert {row.jobseeker_id for row in session.scalars(select(Referral))} == {kept}
    undo(client, world, again)
    assert [journeys_at(database, at) for at in instants] == told


WALKS = count()


class Intake(RuleBasedStateMachine):
    """Referrals, re-imports, verdicts, merges and undos in any order."""

    database: Database
    world: World

    def __init__(self) -> None:
        super().__init__()
        self.walk = next(WALKS)  # the database is not emptied between walks
        self.refs = 0
        self.people: list[UUID] = []
        self.merges: list[tuple[UUID, UUID, dict, dict]] = []
        self.facts = 0

    @rule(name=st.sampled_from(["Amina", "Aminah", "Zofia", "Wei"]), born=st.sampled_from([1990, 2002]))
    def refer(self, name, born):
        self.refs += 1
        day = date(born, 5, 26)
        told = self.world.refer(ref=f"S{self.walk}-{self.refs}", given_name=name, date_of_birth=day, **BARE)
        self.people.append(told.jobseeker_id)

    @precondition(lambda self: len(self.people) > 1)
    @rule(data=st.data())
    def merge(self, data):
        kept, other = data.draw(st.permutations(self.people))[:2]
        before = {one: (rows_of(self.database, one), says(self.database, one)) for one in (kept, other)}
        manager = self.world.on("manager")
        with self.database.writing(manager) as session:
            made = merging.merge(session, manager, HOLDINGS, kept, other, "The same.")
            self.merges.append((made.id, kept, other, before))
        self.people.remove(other)

    @precondition(lambda self: self.merges)
    @rule()
    def undo_the_last(self):
        merge_id, kept, other, before = self.merges.pop()
        manager = self.world.on("manager")
        with self.database.writing(manager) as session:
            made = session.get_one(Merge, merge_id)
            _, told = merging.undo(session, manager, HOLDINGS, made, "Two people.")
        self.people.append(other)
        if not told.left and not told.stays:
            for one in (kept, other):
                assert rows_of(self.database, one) == before[one][0]
                assert says(self.database, one) == before[one][1]

    @precondition(lambda self: self.people)
    @rule(data=st.data(), phone=st.sampled_from(["07700 900201", "07700 900202"]))
    def edit(self, data, phone):
        person, manager = data.draw(st.sampled_from(self.people)), self.world.on("manager")
        self.merges = [one for one in self.merges if person not in one[1:3]]  # what is edited since is left, and said
        with self.database.writing(manager) as session:
            jobseeker_actions.change(session, manager, session.get_one(Jobseeker, person), {"phone": phone})

    @precondition(lambda self: self.refs)
    @rule(data=st.data())
    def import_again(self, data):
        ref = f"S{self.walk}-{data.draw(st.integers(1, self.refs))}"
        manager = self.world.on("manager")
        with self.database.writing(manager) as session:
            row = session.scalars(select(Referral).where(Referral.ref == ref)).one()
            said = referral_actions.content_of(session, referral_queries.snapshot(session, row))
            assert not referral_actions.resay(session, manager, row, said)

    @invariant()
    def nothing_is_lost(self):
        with self.database.reading() as session:
            facts = sum(session.scalars(select(func.count()).select_from(model)).one() for model in fact_models())
            assert facts >= self.facts
            self.facts = facts
            without = select(Referral.id).where(
                ~select(Jobseeker.id).where(Jobseeker.id == Referral.jobseeker_id).exists()
            )
            assert session.scalars(without).all() == []
            held = session.scalars(select(Jobseeker).join(Referral, Referral.jobseeker_id == Jobseeker.id)).all()
            assert all(one.state is not JobseekerState.VOIDED for one in held)
            assert consistency.faults(session) == []


def fact_models() -> list:
    return [ReferralMove, ReferralSnapshot, JobseekerDetails, JobseekerMove, Merge, ProfileVersion]


def test_intake_merge_undo_and_import_in_any_order_lose_nothing(world: World, database):
    """A Hypothesis state machine; `make prove` runs more and longer walks."""
    walks, steps = (60, 30) if os.environ.get("PATHWAYS_PROVE") else (4, 12)
    machine = type("Walk", (Intake,), {"database": database, "world": world})
    run_state_machine_as_test(machine, settings=settings(max_examples=walks, stateful_step_count=steps, deadline=None))


# What a hostile reader found.


def edit(database, world: World, person: UUID, **changes) -> None:
    manager = world.on("manager")
    with database.writing(manager) as session:
        jobseeker_actions.change(session, manager, session.get_one(Jobseeker, person), changes)


def test_the_number_is_learnt_and_contact_that_is_withheld_is_not(client, world: World, database):
    withheld = {"contact_withheld_reason": "Ex-partner reads her phone."}
    kept = world.refer(ref="A", **BARE | withheld).jobseeker_id
    other = world.refer(ref="B", given_name="Aminah").jobseeker_id
    made = merge(client, world, kept, other)
    assert set(made["filled"]) == {"nino", "nhs_number"}
    told = says(database, kept)
    assert (told["nino"], told["phone"], told["email"]) == ("QQ224466C", None, None)
    undo(client, world, made)
    assert says(database, kept)["nino"] is None


def test_what_was_filled_goes_back_field_by_field_and_what_stays_keeps_the_record_closed(
    client, world: World, database
):
    kept, _ = world.supported(ref="A", **BARE)
    other = world.refer(ref="B", given_name="Aminah", **BARE | {"phone": "07700 900123"}).jobseeker_id
    with database.writing(world.on("manager")) as session:
        session.get_one(Jobseeker, other).is_restricted = True
    made = merge(client, world, kept, other)
    edit(database, world, kept, language="Somali")
    told = undo(client, world, made)
    assert (says(database, kept)["phone"], says(database, kept)["language"]) == (None, "Somali")
    assert any("stays restricted" in one for one in told["left"])
    get(client, world, f"/jobseekers/{kept}", by="colleague", expect=404)


def test_a_restriction_asked_for_while_they_were_one_holds_for_both(client, world: World, database, two):
    kept, other = two
    made = merge(client, world, kept, other)
    with database.writing(world.on("manager")) as session:
        session.get_one(Jobseeker, kept).is_restricted = True
    told = undo(client, world, made)
    assert [says(database, one)["is_restricted"] for one in two] == [True, True]
    assert any("both records are now restricted" in one for one in told["left"])


def test_an_earlier_merge_is_undone_after_the_later_one(client, world: World, database, two):
    kept, other = two
    third = world.refer(ref="C", given_name="Aisha").jobseeker_id
    first, second = merge(client, world, kept, other), merge(client, world, kept, third)
    assert undo(client, world, first, expect=409)["type"] == "/problems/undo-refused"
    undo(client, world, second)
    undo(client, world, first)


def test_two_people_by_a_verdict_are_not_merged_in_silence(client, world: World, database, two):
    kept, other = two
    (pair,) = get(client, world, "/duplicates")["items"]
    say(client, world, pair, "different")
    refused = merge(client, world, kept, other, expect=409)
    assert "two different people" in refused["detail"]


def test_who_must_be_kept_away_is_not_told_by_a_merge(client, world: World, database):
    kept, _ = world.supported(ref="A", **BARE)
    away = {"kind": "organisation", "social_enterprise_id": str(world.organisations["enterprise"]), "reason": "Asked."}
    referral = world.refer(ref="B", given_name="Aminah")
    world.accept(referral)
    body = {"jobseeker_id": str(referral.jobseeker_id), "placement_id": str(world.list_placement())}
    made = post(client, world, "/introductions", body)
    post(client, world, f"/jobseekers/{kept}/safety-exclusions", away)
    refused = merge(client, world, kept, referral.jobseeker_id, expect=409)
    assert "Withdraw that introduction first" in refused["detail"]
    post(client, world, f"/introductions/{made['id']}/withdraw", {"why": "other", "reason": "Not safe."}, expect=200)
    merge(client, world, kept, referral.jobseeker_id)


def test_what_protects_and_was_recorded_while_they_were_one_holds_for_both(client, world: World, database, two):
    kept, other = two
    world.permit(kept)
    made = merge(client, world, kept, other)
    away = {"kind": "person", "who": "Sam Stone", "reason": "Asked."}
    post(client, world, f"/jobseekers/{kept}/safety-exclusions", away)
    told = undo(client, world, made)
    assert any("safety exclusion" in one for one in told["left"])
    for one in two:
        who = [row["who"] for row in get(client, world, f"/jobseekers/{one}/safety-exclusions")["items"]]
        assert who == ["Sam Stone"]


def test_a_permission_taken_back_while_they_were_one_is_taken_back_of_both(client, world: World, database, two):
    kept, other = two
    for one in two:
        world.permit(one)
    made = merge(client, world, kept, other)
    told = get(client, world, f"/jobseekers/{kept}/permissions")["items"]
    assert [one["is_granted"] for one in told] == [True, True]
    for permission in told[-1:]:
        path = f"/jobseekers/{kept}/permissions/{permission['id']}/revoke"
        post(client, world, path, {"reason": "She asked."}, expect=200)
    undo(client, world, made)
    with database.reading() as session:
        for one in two:
            person, enterprise = session.get_one(Jobseeker, one), world.organisations["enterprise"]
            standing = jobseeker_queries.permission_for(session, person, enterprise)
            assert standing is None or not standing.is_granted


def test_a_merge_signs_nothing_and_counts_nobodys_answers_twice(client, world: World, database, two):
    kept, other = two
    with database.writing(world.on("manager")) as session:
        for one in two:
            person = session.get_one(Jobseeker, one)
            monitoring.record_monitoring(session, world.on("manager"), person, NewMonitoring(sex="female"))
        person = session.get_one(Jobseeker, other)
        columns = {"skills": ["sewing"], "aspirations": ["tailor"]}
        about = {"agreed_on": date(2026, 11, 1), "agreed_by": "Aminah"}
        profile.add_profile(session, world.on("manager"), person, columns, said_by={}, **about)
    made = merge(client, world, kept, other)
    assert "skills" in made["filled"]
    with database.reading() as session:
        current = jobseeker_queries.profile(session, session.get_one(Jobseeker, kept))
        assert (current.skills, current.agreed_on, current.agreed_by) == (["sewing"], None, None)
        assert jobseeker_queries.monitoring_counts(session, world.on("manager"))["sex"] == {"female": 1}


def test_a_referral_accepted_while_they_were_one_leaves_an_open_case(client, world: World, database, two):
    kept, other = two
    made = merge(client, world, kept, other)
    with database.reading() as session:
        moved = session.scalars(select(Referral).where(Referral.ref == "B")).one().id
    post(client, world, f"/referrals/{moved}/accept", {}, expect=200)
    undo(client, world, made)
    assert says(database, other)["state"] is JobseekerState.OPEN
    with database.reading() as session:
        assert consistency.faults(session) == []


def test_the_open_enrolment_decides_whose_case_it_is(client, world: World, database):
    kept = world.refer(ref="A", **BARE).jobseeker_id
    referral = world.refer(ref="B", given_name="Aminah")
    world.accept(referral)
    colleague = world.actors["colleague"].membership_id
    world.enrol(referral, caseworker_id=colleague)
    before = says(database, kept)
    made = merge(client, world, kept, referral.jobseeker_id)
    told = says(database, kept)
    assert (told["caseworker_id"], told["programme_id"]) == (colleague, world.programme_id)
    undo(client, world, made)
    assert says(database, kept) == before
    assert says(database, referral.jobseeker_id)["caseworker_id"] == colleague
    with database.reading() as session:
        assert consistency.faults(session) == []


def test_a_subject_access_request_tells_what_stayed_with_a_merged_record(client, world: World, database, two):
    kept, other = two
    merge(client, world, kept, other)
    held = get(client, world, f"/jobseekers/{kept}/extract", by="manager")["holdings"]
    assert {row["given_name"] for row in held["jobseeker_details"]} == {"Amina", "Aminah"}


def test_a_pair_found_through_a_merged_record_is_that_records_after_an_undo(client, world: World, database):
    kept, _ = world.supported(ref="A", **BARE | {"phone": "07700 900555"})
    zofia = {"given_name": "Zofia", "family_name": "Wojcik", **BARE, "nino": "QQ664422A"}
    other = world.refer(ref="B", **zofia).jobseeker_id
    made = merge(client, world, kept, other)
    third = world.refer(ref="C", **zofia).jobseeker_id
    undo(client, world, made)
    with database.reading() as session:
        rows = session.scalars(select(DuplicatePair).where(DuplicatePair.state == PairState.OPEN)).all()
        assert [{row.jobseeker_id, row.other_id} for row in rows] == [{other, third}]


def test_what_is_written_during_a_merge_does_not_stand_with_a_record_nobody_looks_at(client, world: World, database):
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time, so whoever writes next reads the merge first.")
    kept, other = world.refer(ref="A").jobseeker_id, world.refer(ref="B", given_name="Aminah").jobseeker_id
    manager, answers = world.on("manager"), []

    def exclude() -> None:
        away = {"kind": "person", "who": "Sam Stone", "reason": "Asked."}
        path = f"/api/v1/jobseekers/{other}/safety-exclusions"
        answers.append(client.post(path, json=away, headers=world.key("manager")).status_code)

    with database.writing(manager) as session:
        merging.merge(session, manager, HOLDINGS, kept, other, "One.")
        writing = threading.Thread(target=exclude)
        writing.start()
        writing.join(1.0)
        assert writing.is_alive()  # it waits for the merge
    writing.join(10)
    assert answers == [409]


def test_a_merged_record_names_the_record_that_remains_to_those_who_may_see_it(client, world: World, two):
    kept, other = two
    third = world.refer(ref="C", given_name="Aisha").jobseeker_id
    merge(client, world, kept, other)
    merge(client, world, third, kept)
    reference = get(client, world, f"/jobseekers/{third}")["reference"]
    for one in (kept, other):
        answers = {
            who: client.get(f"/api/v1/jobseekers/{one}", headers=world.key(who))
            for who in ("caseworker", "other_manager")
        }
        assert {answer.status_code for answer in answers.values()} == {404}
        assert answers["caseworker"].json()["detail"] == f"This record was merged into {reference}. Open that record."
        assert "merged" not in answers["other_manager"].text
