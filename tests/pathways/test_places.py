"""Places are never overbooked, whatever comes at once; a place is held at the offer and filled at the start."""

import threading
from collections import Counter

import pytest

from pathways import consistency
from pathways.introductions import actions, queries
from pathways.introductions.models import Introduction, IntroductionEvent
from pathways.introductions.schemas import NewIntroduction
from tests.world import World

E = IntroductionEvent


def introduced(world: World, number: int, placement) -> object:
    """Refer, accept, permit, propose and send one person; return the introduction's id."""
    referral = world.refer(ref=f"R{number}", given_name=f"Person {number}")
    world.accept(referral)
    world.permit(referral.jobseeker_id)
    actor = world.on("manager")
    with world.database.writing(actor) as session:
        new = NewIntroduction(jobseeker_id=referral.jobseeker_id, placement_id=placement)
        introduction = actions.propose(session, actor, new)
        actions.move(session, actor, introduction, E.AGREE)
        actions.move(session, actor, introduction, E.SEND)
        return introduction.id


def move(world: World, who: str, introduction_id, event: E) -> None:
    actor = world.on(who)
    with world.database.writing(actor) as session:
        row = queries.introduction(session, actor, introduction_id, for_update=True)
        actions.move(session, actor, row, event, reason="because")


def test_fifty_callers_at_once_fill_exactly_three_places(world: World, database):
    placement = world.list_placement(places=3)
    introductions = [introduced(world, number, placement) for number in range(50)]
    outcomes: Counter[str] = Counter()
    gate = threading.Barrier(len(introductions))

    def offer(introduction_id) -> None:
        gate.wait()
        try:
            move(world, "lister", introduction_id, E.OFFER)
        except Exception as refused:  # noqa: BLE001 - whatever else came of it is to be seen below
            outcomes[type(refused).__name__] += 1
        else:
            outcomes["offered"] += 1

    threads = [threading.Thread(target=offer, args=(one,)) for one in introductions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"offered": 3, "NoPlaceLeft": 47}
    with database.reading() as session:
        assert consistency.faults(session) == []


@pytest.mark.parametrize("end", [E.DECLINE, E.WITHDRAW, E.EXPIRE])
def test_a_held_place_comes_free_when_the_introduction_ends(client, world: World, end):
    placement = world.list_placement(places=1)
    introduction = introduced(world, 1, placement)
    left = [left_of(client, world, placement)]
    move(world, "lister", introduction, E.OFFER)
    left.append(left_of(client, world, placement))
    move(world, "manager", introduction, end)
    left.append(left_of(client, world, placement))
    assert left == [1, 0, 1]


def left_of(client, world: World, placement) -> int:
    return client.get(f"/api/v1/placements/{placement}", headers=world.key("lister")).json()["places_left"]


def test_a_held_place_cannot_be_taken_away_and_free_ones_can(client, world: World):
    placement = world.list_placement(places=3)
    move(world, "lister", introduced(world, 1, placement), E.OFFER)
    path = f"/api/v1/placements/{placement}"

    def ask_for(places: int):
        tag = client.get(path, headers=world.key("lister")).headers["ETag"]
        return client.patch(path, headers=world.key("lister") | {"If-Match": tag}, json={"places": places})

    assert ask_for(1).json()["places"] == 1
    refused = client.patch(path, headers=world.key("lister"), json={"places": 2})
    assert refused.status_code == 428
    assert ask_for(4).json()["places_left"] == 3


def test_a_voided_record_gives_back_its_place_and_stops_what_was_open(client, world: World, database):
    placement = world.list_placement(places=1)
    introduction = introduced(world, 1, placement)
    move(world, "lister", introduction, E.OFFER)
    with database.reading() as session:
        person = session.get_one(Introduction, introduction).jobseeker_id
    answer = client.post(
        f"/api/v1/jobseekers/{person}/void", headers=world.key("manager"), json={"reason": "Two records of one person."}
    )
    assert answer.json()["state"] == "voided"
    assert left_of(client, world, placement) == 1
    assert client.get(f"/api/v1/jobseekers/{person}", headers=world.key("caseworker")).status_code == 404
    with database.reading() as session:
        assert consistency.faults(session) == []
