"""What time alone makes due: told once, escalated, expired, released; twice or late does no harm."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways import consistency, daily
from pathways.base import LONDON
from pathways.introductions import actions, queries
from pathways.introductions.models import Introduction, IntroductionEvent, IntroductionMove, WhyNot
from pathways.introductions.schemas import NewIntroduction
from pathways.messages.models import Email, Notice, NoticeKind
from pathways.organisations import actions as organisation_actions
from pathways.organisations.schemas import NewOrganisation
from pathways.placements.models import Placement, PlacementMove, PlacementState
from pathways.reference import tables
from tests.work import TODAY, evidence, working
from tests.world import World

E, K = IntroductionEvent, NoticeKind
MONDAY = date(2026, 9, 7)


def introduced(world: World, number: int | str, placement: Any, day: date, to: str = "enterprise") -> Any:
    referral = world.refer(ref=f"R{number}", given_name=f"Person {number}", nino=None, nhs_number=None, day=day)
    world.accept(referral, day)
    world.permit(referral.jobseeker_id, to=to, day=day)
    actor = world.on("manager", day)
    with world.database.writing(actor) as session:
        new = NewIntroduction(jobseeker_id=referral.jobseeker_id, placement_id=placement)
        introduction = actions.propose(session, actor, new)
        actions.move(session, actor, introduction, E.AGREE)
        actions.move(session, actor, introduction, E.SEND)
        return introduction.id


def move(world: World, who: str, one: Any, event: E, day: date) -> None:
    actor = world.on(who, day)
    with world.database.writing(actor) as session:
        actions.move(session, actor, queries.introduction(session, actor, one, for_update=True), event)


def run(world: World, day: date) -> None:
    """Twice, as a nervous administrator would."""
    for _ in range(2):
        daily.run(world.database, world.operator, datetime.combine(day, time(20), LONDON))
    with world.database.reading() as session:
        assert consistency.faults(session) == []


def told(world: World, kind: K) -> int:
    with world.database.reading() as session:
        return len(session.scalars(select(Notice).where(Notice.kind == kind)).all())


def state_of(world: World, one: Any) -> str:
    with world.database.reading() as session:
        return session.get_one(Introduction, one).state.value


def test_silence_is_reminded_of_then_escalated_then_ends(world: World, database):
    placement = world.list_placement(day=MONDAY)
    one = introduced(world, 1, placement, MONDAY)
    # Sent on Monday 7 September: reminded after 5 working days, on Tuesday 15; told after 10, on 22; over after 20.
    steps = [
        (date(2026, 9, 14), "sent", 0, 0),
        (date(2026, 9, 15), "sent", 1, 0),
        (date(2026, 9, 16), "sent", 1, 0),
        (date(2026, 9, 21), "sent", 1, 0),
        (date(2026, 9, 22), "sent", 1, 1),
        (date(2026, 10, 5), "sent", 1, 1),
        (date(2026, 10, 6), "expired", 1, 1),
    ]
    for day, state, reminded, escalated in steps:
        run(world, day)
        found = (state_of(world, one), told(world, K.INTRODUCTION_UNANSWERED), told(world, K.INTRODUCTION_ESCALATED))
        assert found[0] == state, day
        # A lister of the enterprise is reminded; nobody has the case yet, so the team manager is told.
        assert found[1:] == (reminded, escalated), day
    with database.reading() as session:
        last = session.scalars(select(IntroductionMove).where(IntroductionMove.event == "expire")).one()
        assert (last.why, last.said_by) == (WhyNot.NO_ANSWER, "social_enterprise")


def test_run_late_it_ends_the_same(world: World):
    one = introduced(world, 1, world.list_placement(day=MONDAY), MONDAY)
    run(world, date(2026, 10, 20))
    assert state_of(world, one) == "expired"
    assert told(world, K.INTRODUCTION_EXPIRED) == 2  # the lister and the manager, once each


def test_a_hold_that_runs_out_frees_its_place_for_whoever_waits(client, world: World):
    placement = world.list_placement(places=1, day=MONDAY)
    first, second = (introduced(world, n, placement, MONDAY) for n in range(2))
    move(world, "lister", first, E.OFFER, MONDAY)
    move(world, "lister", second, E.WAIT, MONDAY)
    hold = int(tables.in_force("clocks", MONDAY, clock="place_hold")["amount"])
    run(world, MONDAY + timedelta(days=hold - 5))
    assert told(world, K.OFFER_RUNS_OUT) == 1
    run(world, MONDAY + timedelta(days=hold))
    assert state_of(world, first) == "offered"
    run(world, MONDAY + timedelta(days=hold + 1))
    assert (state_of(world, first), state_of(world, second)) == ("expired", "offered")


def test_a_listing_nobody_confirms_is_warned_of_then_paused_and_one_that_closes_closes(world: World, database):
    stale = world.list_placement(ref="stale", day=MONDAY)
    closes = world.list_placement(ref="closes", day=MONDAY, closes_on=MONDAY + timedelta(days=10))
    run(world, MONDAY + timedelta(days=10))
    run(world, MONDAY + timedelta(days=11))
    assert told(world, K.LISTING_CLOSED) == 1
    run(world, MONDAY + timedelta(days=76))
    run(world, MONDAY + timedelta(days=90))
    assert (told(world, K.LISTING_TO_RECONFIRM), told(world, K.LISTING_PAUSED)) == (1, 0)
    run(world, MONDAY + timedelta(days=91))
    assert told(world, K.LISTING_PAUSED) == 1
    with database.reading() as session:
        found = {row.id: row.state for row in session.scalars(select(Placement))}
    assert (found[stale], found[closes]) == (PlacementState.PAUSED, PlacementState.CLOSED)


@pytest.mark.parametrize(
    "columns",
    [
        {"maximum_age": 24, "legal_basis": "we prefer the young"},  # earlier versions took any text as a legal basis
        {"ring_fenced_for": "disabled people", "legal_basis": "positive_action"},
        {"dbs_level": "ENHANCED", "legal_basis": "insurance"},
        {"pay_per_hour_pence": 500},
    ],
    ids=lambda columns: next(iter(columns)),
)
def test_a_published_listing_whose_limits_no_law_allows_is_paused_with_the_reason(world: World, database, columns):
    day = date.today()
    placement, lawful = world.list_placement(ref="A", day=day), world.list_placement(ref="B", day=day)
    with database.writing(world.operator) as session:
        for name, value in columns.items():
            setattr(session.get_one(Placement, placement), name, value)
    run(world, day)
    with database.reading() as session:
        found = {row.id: row.state for row in session.scalars(select(Placement))}
        reason = session.scalars(
            select(PlacementMove.reason).where(PlacementMove.to_state == PlacementState.PAUSED)
        ).one()
    assert found == {placement: PlacementState.PAUSED, lawful: PlacementState.PUBLISHED}
    assert any(words in reason for words in ("minimum wage", "legal basis", "DBS check"))
    assert told(world, K.LISTING_PAUSED) == 1


def test_places_that_were_added_are_offered_to_those_who_wait(client, world: World):
    placement = world.list_placement(places=1)
    today = world.on("lister").today
    first, second = (introduced(world, n, placement, today) for n in range(2))
    move(world, "lister", first, E.OFFER, today)
    move(world, "lister", second, E.WAIT, today)
    path = f"/api/v1/placements/{placement}"
    tag = client.get(path, headers=world.key("lister")).headers["ETag"]
    client.patch(path, headers=world.key("lister") | {"If-Match": tag}, json={"places": 2})
    run(world, today)
    assert state_of(world, second) == "offered"


def test_a_referral_that_waits_is_told_to_the_managers_once_and_one_email_a_day_carries_it(world: World, database):
    world.refer(day=MONDAY)
    world.refer(ref="two", given_name="Wei", day=MONDAY)
    run(world, MONDAY + timedelta(days=2))
    assert told(world, K.REFERRAL_TO_ACKNOWLEDGE) == 0
    run(world, MONDAY + timedelta(days=3))
    run(world, MONDAY + timedelta(days=4))
    assert told(world, K.REFERRAL_TO_ACKNOWLEDGE) == 2
    with database.reading() as session:
        assert len(session.scalars(select(Email)).all()) == 1


def test_how_quick_a_social_enterprise_answers_is_shown_once_there_is_enough_to_go_by(client, world: World):
    placement = world.list_placement(places=9, day=MONDAY)
    days = [1, 2, 3, 8]
    for n, after in enumerate(days):
        move(world, "lister", introduced(world, n, placement, MONDAY), E.INVITE, MONDAY + timedelta(days=after))
    told_no = introduced(world, 7, placement, MONDAY)
    move(world, "manager", told_no, E.DECLINE, MONDAY + timedelta(days=30))  # the jobseeker's word, not theirs

    def shown() -> float | None:
        path = f"/api/v1/placements/{placement}"
        return client.get(path, headers=world.key("caseworker")).json()["median_days_to_answer"]

    run(world, MONDAY + timedelta(days=9))
    assert shown() is None  # four answers say nothing
    introduced(world, 8, placement, MONDAY + timedelta(days=1))
    for day in (40, 41):  # what ended today is counted tomorrow
        run(world, MONDAY + timedelta(days=day))
    # Days 1, 2, 3, 8, and the one of day 1 that silence ended on day 40: the median of 1, 2, 3, 8, 39 is 3.
    assert shown() == 3.0


@pytest.mark.long_test("sqlite")
def test_who_answers_soon_ranks_before_who_does_not_and_a_new_one_between(client, call, world: World):
    """One listing, three social enterprises: one answers the next day, one is new, one leaves everybody waiting."""
    listed = {"quick": world.list_placement(places=9, day=MONDAY)}
    with world.database.writing(world.operator) as session:
        for name in ("new", "slow"):
            kind = NewOrganisation(kind="social_enterprise", name=f"The {name} yard")
            world.organisations[name] = organisation_actions.make_organisation(session, world.operator, kind).id
    for name in ("new", "slow"):
        listed[name] = world.list_placement(places=9, day=MONDAY, owner=world.organisations[name])
    person = world.refer(ref="ME", nino=None, nhs_number=None, day=MONDAY).jobseeker_id
    before = call("caseworker", f"/jobseekers/{person}/shortlists", 201)
    before_names = {UUID(match["placement_id"]): match["social_enterprise"] for match in before["matches"]}
    assert len({match["score"] for match in before["matches"]}) == 1

    for name, asked in (("quick", 6), ("slow", 5)):
        for number in range(asked):
            one = introduced(
                world, f"{name}-{number}", listed[name], MONDAY, to="enterprise" if name == "quick" else name
            )
            if name == "quick":
                move(world, "lister", one, E.INVITE, MONDAY + timedelta(days=1))
    for day in range(25, 50):  # silence is ended by the clocks, and counted the day after
        run(world, MONDAY + timedelta(days=day))
    after = call("caseworker", f"/jobseekers/{person}/shortlists", 201)
    scores = {match["social_enterprise"]: match["score"] for match in after["matches"]}
    names = [before_names[listed[name]] for name in ("quick", "new", "slow")]
    assert [match["social_enterprise"] for match in after["matches"]] == names
    assert scores[names[0]] > scores[names[1]] > scores[names[2]]
    assert scores[names[1]] == before["matches"][0]["score"]  # who is new stands where everybody began
    why = {match["social_enterprise"]: [r["text"] for r in match["reasons"]] for match in after["matches"]}
    assert "The social enterprise answers quickly, in about 1 day." in why[names[0]]
    assert any(text.startswith("The social enterprise is slow to answer") for text in why[names[2]])
    assert not any("answer" in text for text in why[names[1]])
    # What was ranked before is told as it was, and a listing made today begins with what is known of its maker.
    path = f"/api/v1/shortlists/{before['id']}"
    again = client.get(path, headers=world.key("caseworker")).json()
    assert [m["score"] for m in again["matches"]] == [m["score"] for m in before["matches"]]
    with world.database.reading() as session:
        assert session.get_one(Placement, world.list_placement()).days_to_answer == 1


def test_nobody_waits_for_a_listing_that_is_closed(client, world: World):
    placement = world.list_placement(places=1, day=MONDAY)
    held, waits = (introduced(world, n, placement, MONDAY) for n in range(2))
    move(world, "lister", held, E.OFFER, MONDAY)
    move(world, "lister", waits, E.WAIT, MONDAY)
    over = {"reason": "We stopped."}
    closed = client.post(f"/api/v1/placements/{placement}/close", headers=world.key("lister"), json=over)
    assert closed.status_code == 200, closed.text
    run(world, MONDAY + timedelta(days=1))
    assert (state_of(world, held), state_of(world, waits)) == ("offered", "expired")
    assert told(world, K.INTRODUCTION_EXPIRED) == 1


def test_one_that_ends_again_is_told_again(world: World):
    placement = world.list_placement(day=MONDAY)
    one = introduced(world, 1, placement, MONDAY)
    run(world, MONDAY + timedelta(days=40))
    move(world, "manager", one, E.RECONSIDER, MONDAY + timedelta(days=41))
    run(world, MONDAY + timedelta(days=81))
    assert told(world, K.INTRODUCTION_EXPIRED) == 4


def test_an_outcome_that_is_met_and_not_recorded_is_told_once(client, world: World):
    enrolment, spell = working(client, world)
    for _ in range(2):
        run(world, TODAY)
    assert told(world, K.OUTCOME_CAN_BE_RECORDED) == 1
    with world.database.reading() as session:
        notice = session.scalars(select(Notice).where(Notice.kind == K.OUTCOME_CAN_BE_RECORDED)).one()
        assert (str(notice.subject_id), notice.user_id) == (enrolment, world.actors["caseworker"].user_id)
    evidence(client, world, spell, TODAY - timedelta(weeks=16), TODAY)
    made = client.post(
        "/api/v1/outcomes", headers=world.key("caseworker"), json={"enrolment_id": enrolment, "rule": "LOCAL_13_IN_16"}
    )
    assert made.status_code == 201
