"""Two-sided decisions: reasons for a no, who reads what of them, waiting lists, what is settled, what is taken back."""

import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from pathways import consistency
from pathways.introductions.models import INTRODUCTION_MOVES, IntroductionMove, Side, WhyNot
from pathways.introductions.reasons import WORDINGS, reasons_for
from tests.world import World


def person(world: World, number: int) -> Any:
    names = {
        "given_name": ("Ada", "Boaz", "Cyra", "Dov")[number],
        "family_name": ("Okoro", "Lind", "Sow", "Wren")[number],
    }
    unknown = dict.fromkeys(("nino", "nhs_number", "phone", "email", "date_of_birth"))
    referral = world.refer(ref=f"R{number}", **names, **unknown)
    world.accept(referral)
    world.permit(referral.jobseeker_id)
    return referral.jobseeker_id


def sent(call, world: World, jobseeker: Any, placement: Any, **more: Any) -> str:
    made = call("caseworker", "/introductions", jobseeker_id=str(jobseeker), placement_id=str(placement), **more)
    call("caseworker", f"/introductions/{made['id']}/agree")
    return call("caseworker", f"/introductions/{made['id']}/send")["id"]


def read(client, world: World, who: str, one: str) -> dict[str, Any]:
    return client.get(f"/api/v1/introductions/{one}", headers=world.key(who)).json()


def test_every_reason_has_its_words_and_a_side_that_can_say_it():
    assert set(WORDINGS) == set(WhyNot)
    assert all(wording.said_by for wording in WORDINGS.values())
    for side in Side:
        assert WhyNot.OTHER in reasons_for(side)
    needs = (WhyNot.ADJUSTMENT, WhyNot.SUPPORT, WhyNot.CHECKS)  # that one is needed tells of a disability or a past
    for private in (WhyNot.HEALTH, WhyNot.CARING, WhyNot.BENEFITS, *needs):
        assert WORDINGS[private].outside == "The introduction did not go ahead."


def test_what_a_social_enterprise_reads_of_a_jobseekers_no_says_nothing_private(client, world: World, call):
    one = sent(call, world, person(world, 1), world.list_placement())
    told = call("caseworker", f"/introductions/{one}/decline", why="health", reason="Her back is worse.")
    assert (told["why"], told["said_by"], told["last_reason"]) == ("health", "jobseeker", "Her back is worse.")
    assert told["words"]["jobseeker"] == "You decided not to go ahead, because of your health."
    seen = read(client, world, "lister", one)
    assert seen["why_not"] == "The introduction did not go ahead."
    assert {seen[name] for name in ("why", "said_by", "words", "last_reason")} == {None}
    assert "health" not in str({key: value for key, value in seen.items() if key != "withheld"})


def test_a_reason_belongs_to_a_side_that_can_give_it(world: World, call):
    one = sent(call, world, person(world, 1), world.list_placement())
    wrong = call("lister", f"/introductions/{one}/decline", expect=409, why="benefits")
    assert wrong["errors"][0]["pointer"] == "/why"
    assert call("lister", f"/introductions/{one}/decline", expect=409, why="hours", said_by="jobseeker")
    told = call("caseworker", f"/introductions/{one}/decline", why="skills", said_by="social_enterprise")
    assert told["words"]["referrer"] == "Skills that the social enterprise is looking for were missing."


def test_after_a_no_the_next_best_are_named_and_none_that_was_tried(client, world: World, call):
    jobseeker = person(world, 1)
    placements = {str(world.list_placement(ref=f"p{n}", title=f"Cafe Assistant {n}")) for n in range(5)}
    shortlist = call("caseworker", f"/jobseekers/{jobseeker}/shortlists")
    first, second, *_ = [match["placement_id"] for match in shortlist["matches"]]
    with_it = {"shortlist_id": shortlist["id"]}
    one, two = (sent(call, world, jobseeker, placement, **with_it) for placement in (first, second))
    told = call("lister", f"/introductions/{one}/decline", why="hours")
    assert told["next_options"] in (None, [])  # the other side is told nothing of it
    told = call("caseworker", f"/introductions/{two}/decline", why="travel")
    named = [option["placement_id"] for option in told["next_options"]]
    assert len(named) == 3
    assert set(named) == placements - {first, second}
    assert [option["rank"] for option in told["next_options"]] == sorted(o["rank"] for o in told["next_options"])


def test_whoever_waits_longest_gets_the_place_that_comes_free(client, world: World, call, database):
    placement = world.list_placement(places=1)
    holder, first, second = (sent(call, world, person(world, n), placement) for n in range(3))
    assert call("lister", f"/introductions/{first}/wait", expect=409)["possible"] == ["offer"]
    call("lister", f"/introductions/{holder}/offer")
    call("lister", f"/introductions/{second}/offer", expect=409)
    for one in (first, second):
        call("lister", f"/introductions/{one}/wait")
    assert [read(client, world, "caseworker", one)["waiting_position"] for one in (first, second)] == [1, 2]
    call("caseworker", f"/introductions/{holder}/decline", why="pay")
    assert [read(client, world, "lister", one)["state"] for one in (first, second)] == ["offered", "waiting"]
    assert read(client, world, "caseworker", second)["waiting_position"] == 1
    with database.reading() as session:
        move = session.scalars(
            select(IntroductionMove)
            .where(IntroductionMove.event == "offer")
            .order_by(IntroductionMove.recorded_at.desc())
        ).first()
        assert (move.by, move.made_by_role) == (world.actors["lister"].user_id, "placement_lister")
        assert consistency.faults(session) == []


def test_work_that_ends_frees_its_place_for_the_next(client, world: World, call, database):
    placement = world.list_placement(places=1)
    jobseeker, enrolment = world.supported(ref="worker")
    world.permit(jobseeker)
    working, waiting = sent(call, world, jobseeker, placement), sent(call, world, person(world, 2), placement)
    call("lister", f"/introductions/{working}/offer")
    call("lister", f"/introductions/{waiting}/wait")
    call("caseworker", f"/introductions/{working}/accept")
    today = world.on("caseworker").today.isoformat()
    call("caseworker", f"/introductions/{working}/start", started_on=today)
    spell = call(
        "caseworker",
        "/spells",
        enrolment_id=str(enrolment),
        introduction_id=working,
        kind="JOB_OPEN",
        title="Cook",
        started_on=today,
    )
    call("caseworker", f"/spells/{spell['id']}/end", ended_on=today, end_reason="health")
    assert read(client, world, "caseworker", working)["state"] == "ended"
    assert read(client, world, "lister", waiting)["state"] == "offered"
    assert read(client, world, "lister", working)["given_name"] is None  # what was agreed was for the work
    with database.reading() as session:
        assert consistency.faults(session) == []


def test_a_yes_settles_the_others_by_the_places_left(client, world: World, call):
    jobseeker = person(world, 1)
    taken, unsent, offered, scarce, roomy = (
        world.list_placement(ref=f"p{n}", places=p) for n, p in enumerate((1, 1, 1, 1, 3))
    )
    mine = sent(call, world, jobseeker, taken)
    call("lister", f"/introductions/{mine}/offer")
    waits = call("caseworker", "/introductions", jobseeker_id=str(jobseeker), placement_id=str(unsent))["id"]
    gives_up, in_line, stays = (sent(call, world, jobseeker, one) for one in (offered, scarce, roomy))
    call("lister", f"/introductions/{gives_up}/offer")
    sent(call, world, person(world, 2), scarce)  # one place, two in line
    call("caseworker", f"/introductions/{mine}/accept")
    states = {
        name: read(client, world, "caseworker", one)
        for name, one in (("unsent", waits), ("offered", gives_up), ("scarce", in_line), ("roomy", stays))
    }
    assert {name: told["state"] for name, told in states.items()} == {
        "unsent": "withdrawn",
        "offered": "withdrawn",
        "scarce": "withdrawn",
        "roomy": "sent",
    }
    assert states["offered"]["why"] == "another_place"
    assert client.get(f"/api/v1/placements/{offered}", headers=world.key("lister")).json()["places_left"] == 1


def test_somebody_who_keeps_others_keeps_them(client, world: World, call):
    jobseeker = person(world, 1)
    mine, other = (sent(call, world, jobseeker, world.list_placement(ref=f"p{n}", places=1)) for n in range(2))
    for one in (mine, other):
        call("lister", f"/introductions/{one}/offer")
    call("caseworker", f"/introductions/{mine}/accept", keeps_others=True)
    assert read(client, world, "caseworker", other)["state"] == "offered"


def test_a_no_is_taken_back_by_whoever_said_it(client, world: World, call, database):
    placement = world.list_placement(places=1)
    one = sent(call, world, person(world, 1), placement)
    call("caseworker", f"/introductions/{one}/decline", why="changed_mind")
    call("lister", f"/introductions/{one}/reconsider", expect=403)
    assert call("caseworker", f"/introductions/{one}/reconsider")["state"] == "sent"
    call("lister", f"/introductions/{one}/decline", why="skills")
    assert call("lister", f"/introductions/{one}/reconsider")["state"] == "sent"
    call("lister", f"/introductions/{one}/offer")
    call("caseworker", f"/introductions/{one}/accept")
    with database.reading() as session:
        events = session.scalars(
            select(IntroductionMove.event).order_by(IntroductionMove.recorded_at, IntroductionMove.id)
        ).all()
        assert consistency.faults(session) == []
    assert events.count("reconsider") == 2
    unsent = call("caseworker", "/introductions", jobseeker_id=str(person(world, 2)), placement_id=str(placement))["id"]
    call("caseworker", f"/introductions/{unsent}/decline", why="changed_mind")
    assert "Propose a new" in call("caseworker", f"/introductions/{unsent}/reconsider", expect=409)["detail"]


def test_the_database_holds_no_move_that_is_not_in_the_table(world: World, call, database):
    sent(call, world, person(world, 1), world.list_placement())
    for change in (
        "UPDATE introduction_moves SET event = 'start', to_state = 'started' WHERE event = 'send'",
        "UPDATE introductions SET state = 'waiting'",
        "UPDATE introductions SET state = 'ended'",
        "UPDATE introductions SET state = 'happy'",
        "UPDATE introduction_moves SET why = 'hours'",
    ):
        with database.engine.begin() as connection, pytest.raises(IntegrityError):
            connection.execute(text(change))


def test_the_diagram_in_the_readme_is_the_table_of_moves():
    document = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
    found = re.search(r"```mermaid\nstateDiagram-v2\n(.*?)```", document, re.DOTALL)
    assert found
    drawn = {
        tuple(line.replace("-->", ":").replace(" ", "").split(":"))
        for line in found.group(1).split("\n")
        if "-->" in line and "[*]" not in line
    }
    single = {(start, end, event) for start, ends, event in drawn for end in [ends]}
    wanted = {(start.value, end.value, event.value) for (start, event), end in INTRODUCTION_MOVES.items()}
    # A no is drawn once for every open state, as the note beside the diagram says.
    assert single == {
        (start, end, event)
        for start, end, event in wanted
        if event not in {"decline", "withdraw", "expire"} or start == "started"
    }


# What a hostile reader found.


def excluded(call, world: World, jobseeker: Any) -> None:
    about = {"kind": "organisation", "social_enterprise_id": str(world.organisations["enterprise"])}
    call("caseworker", f"/jobseekers/{jobseeker}/safety-exclusions", **about, reason="Her abuser works there.")


def test_a_lister_who_takes_back_a_no_learns_nothing_of_why_it_cannot_be(client, world: World, call):
    jobseeker = person(world, 1)
    one = sent(call, world, jobseeker, world.list_placement())
    call("lister", f"/introductions/{one}/decline", why="hours")
    excluded(call, world, jobseeker)
    refused = call("lister", f"/introductions/{one}/reconsider", expect=403)
    assert (refused["type"], "exclu" in str(refused), "permission" in str(refused)) == (
        "/problems/not-your-move",
        False,
        False,
    )
    assert call("caseworker", f"/introductions/{one}/reconsider", expect=409)["type"] == "/problems/excluded-for-safety"


def test_a_place_that_comes_free_passes_over_whoever_must_not_be_sent_there(client, world: World, call):
    placement = world.list_placement(places=1)
    holder, first, second = (person(world, n) for n in range(3))
    held, passed, next_one = (sent(call, world, one, placement) for one in (holder, first, second))
    call("lister", f"/introductions/{held}/offer")
    for one in (passed, next_one):
        call("lister", f"/introductions/{one}/wait")
    excluded(call, world, first)
    call("caseworker", f"/introductions/{held}/decline", why="pay")
    assert [read(client, world, "caseworker", one)["state"] for one in (passed, next_one)] == ["withdrawn", "offered"]


def test_an_offer_made_on_is_told_to_whose_case_it_is_whoever_recorded_the_wait(client, world: World, call):
    placement = world.list_placement(places=1)
    held, waits = (sent(call, world, person(world, n), placement) for n in range(2))
    call("lister", f"/introductions/{held}/offer")
    call("caseworker", f"/introductions/{waits}/wait")
    call("caseworker", f"/introductions/{held}/decline", why="pay")
    told = client.get("/api/v1/notices", headers=world.key("manager")).json()["items"]
    assert [n["subject_id"] for n in told if n["kind"] == "offer_made" and n["subject_id"] == waits] == [waits]


def test_a_place_that_was_added_goes_to_whoever_waits_before_anybody_later(client, world: World, call):
    placement = world.list_placement(places=1)
    held, waits, later = (sent(call, world, person(world, n), placement) for n in range(3))
    call("lister", f"/introductions/{held}/offer")
    call("lister", f"/introductions/{waits}/wait")
    path = f"/api/v1/placements/{placement}"
    tag = client.get(path, headers=world.key("lister")).headers["ETag"]
    client.patch(path, headers=world.key("lister") | {"If-Match": tag}, json={"places": 2})
    assert call("lister", f"/introductions/{later}/offer", expect=409)["type"] == "/problems/no-place-left"
    assert read(client, world, "lister", waits)["state"] == "offered"


def test_a_place_stays_taken_while_another_spell_of_the_same_introduction_runs(client, world: World, call):
    placement = world.list_placement(places=1)
    jobseeker, enrolment = world.supported(ref="worker")
    world.permit(jobseeker)
    one, today = sent(call, world, jobseeker, placement), world.on("caseworker").today.isoformat()
    call("lister", f"/introductions/{one}/offer")
    call("caseworker", f"/introductions/{one}/accept")
    call("caseworker", f"/introductions/{one}/start", started_on=today)
    told = {"enrolment_id": str(enrolment), "introduction_id": one, "kind": "JOB_OPEN", "title": "Cook"}
    spells = [
        call("caseworker", "/spells", **told, started_on=today, is_another=another)["id"] for another in (False, True)
    ]
    for spell, state in zip(spells, ("started", "ended"), strict=True):
        call("caseworker", f"/spells/{spell}/end", ended_on=today, end_reason="completed")
        assert read(client, world, "caseworker", one)["state"] == state
