"""The index proposes and the database decides: nothing that changed is missed, and nothing stale is ever shown."""

import random
import threading
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import delete, func, select, text, update

from matching.bulk.bits import RULES
from matching.pairs import eligibility
from matching.pairs.checks import CheckResult
from pathways import consistency
from pathways.background import BackgroundLoop
from pathways.database import Database
from pathways.introductions import actions as introduction_actions
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import IntroductionEvent
from pathways.introductions.schemas import NewIntroduction
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import exclusions
from pathways.jobseekers.models import Jobseeker, JobseekerEvent
from pathways.jobseekers.schemas import NewSafetyExclusion
from pathways.organisations.models import Organisation
from pathways.placements import actions as placement_actions
from pathways.placements.models import (
    Place,
    Placement,
    PlacementChangeMark,
    PlacementEvent,
    PlacementVersion,
    PlaceState,
)
from pathways.placements.schemas import PlacementChange as ChangeBody
from pathways.reference import tables
from pathways.shortlists import actions, index, profiles, queries, snapshot
from pathways.shortlists.models import ModelState, RankingModel, Shortlist
from pathways.shortlists.snapshot import RankingSnapshot
from tests.pathways.test_matching import get, post
from tests.world import World

pytestmark = pytest.mark.any_database

TODAY = date(2026, 11, 2)


def open_places(database: Database) -> dict[str, int]:
    """The titles that are open today and their free places, as the index has them."""
    day = index.of(database).current(database).on(date.max - timedelta(days=1))
    return {one.title: one.places_left for one in day.profiles}


def move(world: World, placement: UUID, event: PlacementEvent) -> None:
    actor = world.on("lister")
    with world.database.writing(actor) as session:
        row = session.get_one(Placement, placement)
        placement_actions.move(session, actor, row, event, reason="because")


def change(world: World, placement: UUID, **body) -> None:
    with world.database.writing(world.on("lister")) as session:
        row = session.get_one(Placement, placement)
        placement_actions.change(session, world.on("lister"), row, ChangeBody(**body))


def test_every_change_is_in_the_next_answer_whoever_made_it(world: World, database, stage):
    assert open_places(database) == {}
    one = world.list_placement(title="One", places=2)
    two = world.list_placement(title="Two")
    assert open_places(database) == {"One": 2, "Two": 3}
    change(world, one, title="Uno", places=1)
    assert open_places(database) == {"Uno": 1, "Two": 3}
    move(world, two, PlacementEvent.PAUSE)
    assert open_places(database) == {"Uno": 1}
    move(world, two, PlacementEvent.PUBLISH)
    other = Database.of(stage.settings)  # as another process would
    with other.engine.execution_options(writes=True).begin() as connection:
        connection.execute(update(Placement).where(Placement.id == two).values(title="Zwei"))
        connection.execute(update(Place).where(Place.placement_id == one).values(state=PlaceState.WITHDRAWN))
    other.close()
    assert open_places(database) == {"Uno": 0, "Zwei": 3}
    move(world, one, PlacementEvent.CLOSE)
    assert open_places(database) == {"Zwei": 3}


def test_a_social_enterprise_is_shown_by_its_new_name_at_once(client, world: World, database):
    person, _ = world.supported()
    world.list_placement()
    post(client, world, f"/jobseekers/{person}/shortlists")
    with database.engine.execution_options(writes=True).begin() as connection:
        renamed = update(Organisation).where(Organisation.id == world.organisations["enterprise"])
        connection.execute(renamed.values(name="Oak Kitchen CIC"))
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    assert [match["social_enterprise"] for match in made["matches"]] == ["Oak Kitchen CIC"]


def test_a_place_that_is_offered_is_one_less(world: World, database):
    placement = world.list_placement(title="One", places=1)
    person, _ = world.supported()
    world.permit(person)
    actor = world.on("manager")
    with database.writing(actor) as session:
        made = introduction_actions.propose(
            session, actor, NewIntroduction(jobseeker_id=person, placement_id=placement)
        )
        introduction_actions.move(session, actor, made, IntroductionEvent.AGREE)
        introduction_actions.move(session, actor, made, IntroductionEvent.SEND)
    assert open_places(database) == {"One": 1}
    lister = world.on("lister")
    with database.writing(lister) as session:
        row = introduction_queries.introduction(session, lister, made.id, for_update=True)
        introduction_actions.move(session, lister, row, IntroductionEvent.OFFER)
    assert open_places(database) == {"One": 0}


def test_what_commits_late_is_seen_though_a_later_change_was_seen_before_it(world: World, database):
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time, so changes commit in their order.")
    one, two = world.list_placement(title="One"), world.list_placement(title="Two")
    assert open_places(database) == {"One": 3, "Two": 3}
    slow = database.engine.connect()
    begun = slow.begin()
    slow.execute(update(Placement).where(Placement.id == one).values(title="Late"))
    with database.engine.begin() as quick:
        quick.execute(update(Placement).where(Placement.id == two).values(title="Soon"))
    for _ in range(3):
        assert open_places(database) == {"One": 3, "Soon": 3}
    begun.commit()
    slow.close()
    assert open_places(database) == {"Late": 3, "Soon": 3}


def test_a_change_that_is_rolled_back_changes_nothing(world: World, database):
    one = world.list_placement(title="One")
    assert open_places(database) == {"One": 3}
    with database.rehearsing(world.on("lister")) as session:
        placement_actions.change(session, world.on("lister"), session.get_one(Placement, one), ChangeBody(title="No"))
        session.flush()
    assert open_places(database) == {"One": 3}


def test_a_database_put_in_the_place_of_another_is_read_anew(world: World, database):
    one = world.list_placement(title="One")
    open_places(database)
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(update(Placement).where(Placement.id == one).values(title="Restored"))
        connection.execute(delete(PlacementChangeMark))
    assert open_places(database) == {"Restored": 3}
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(update(Placement).where(Placement.id == one).values(title="Again"))
        connection.execute(update(PlacementChangeMark).values(token=7))
    assert open_places(database) == {"Again": 3}


def test_a_flood_of_changes_is_read_anew(world: World, database, monkeypatch):
    placements = [world.list_placement(title=f"Job {n}", ref=f"R{n}") for n in range(4)]
    open_places(database)
    monkeypatch.setattr(index, "MOST_MENDED", 2)
    for number, placement in enumerate(placements):
        change(world, placement, title=f"New {number}")
    assert open_places(database) == {f"New {number}": 3 for number in range(4)}


def test_a_start_with_a_model_that_cannot_be_read_goes_on_once_it_is_retired(world: World, database):
    with database.writing(world.operator) as session:
        columns = {"name": "spoilt", "state": ModelState.RELEASED, "kept": b"no model", "manifest": {}}
        session.add(RankingModel(**columns, made_at=world.operator.at))
    fresh = Database(database.engine.url.render_as_string(hide_password=False), database.vault)
    stop = threading.Event()
    loop = BackgroundLoop("placement_index", lambda _: index.warm(fresh), first_pause=0.05)
    starting = threading.Thread(target=loop.supervise, args=(stop,))
    starting.start()
    starting.join(0.5)
    assert starting.is_alive()
    assert not index.of(fresh).is_ready
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(update(RankingModel).values(state=ModelState.RETIRED))
    starting.join(20)
    stop.set()
    assert index.of(fresh).is_ready
    fresh.close()


def test_a_listing_changed_while_people_were_ranked_for_it_is_ranked_again(world: World, database):
    for number in range(2):
        world.supported(ref=f"R{number}", given_name=f"Person {number}", nino=None, nhs_number=None)
    placement = world.list_placement()
    actor, tries = world.on("caseworker"), []

    def ranking():
        ranked = actions.rank_jobseekers(database, actor, placement, actor.today, 20)
        if not tries:
            change(world, placement, minimum_age=18, title="Another title")
        tries.append(len(ranked.matches))
        return ranked

    def act(session, ranked, may_repeat):
        return len(actions.record(session, actor, ranked, placement_id=placement, may_repeat=may_repeat).matches)

    assert (actions.settled(database, actor, ranking, act), tries) == (2, [2, 2])


def test_whoever_is_hidden_while_people_are_ranked_is_in_no_part_of_a_placements_list(world: World, database):
    """Restricted, closed or kept apart between ranking and record: not shown, not under the limit, not refused."""
    people = [
        world.supported(ref=f"R{n}", given_name=f"Person {n}", nino=None, nhs_number=None, half_days=week)[0]
        for n, week in enumerate(["mon all day; tue all day"] * 5 + ["thu all day"] * 2)
    ]
    placement = world.list_placement(hours_flexible=False)
    actor = world.on("colleague")
    ranked = actions.rank_jobseekers(database, actor, placement, actor.today, 2)
    refused = [UUID(row[1]) for row in snapshot.unpacked(ranked.refusals)]
    below = [UUID(row[1]) for row in snapshot.unpacked(ranked.below)]
    shown = [person for person, _, _ in ranked.matches]
    assert {*refused, *below, *shown} == set(people)
    assert (len(refused), len(below), len(shown)) == (2, 3, 2)
    assert list(ranked.refused_by_rule.values()) == [2]
    manager = world.on("manager")
    with database.writing(manager) as session:
        for person in (refused[0], below[0]):
            session.get_one(Jobseeker, person).is_restricted = True
        closed = session.get_one(Jobseeker, below[1])
        jobseeker_actions.move(session, manager, closed, JobseekerEvent.CLOSE, reason="Moved away.")
        exclude(session, manager, shown[0], world)
    with pytest.raises(actions.RankedTooSoon), database.writing(actor) as session:
        actions.record(session, actor, ranked, placement_id=placement, may_repeat=True)
    with database.writing(actor) as session:
        made = actions.record(session, actor, ranked, placement_id=placement)
        kept = made.shortlist
        assert [match.jobseeker_id for match in made.matches] == shown[1:]
        assert [UUID(row[1]) for row in snapshot.unpacked(kept.refusals)] == refused[1:]
        assert [UUID(row[1]) for row in snapshot.unpacked(kept.below)] == below[2:]
        assert (kept.looked_at, kept.eligible, kept.refused_by_rule) == (4, 3, {next(iter(ranked.refused_by_rule)): 1})


def test_an_exclusion_recorded_while_a_list_is_made_is_heeded(world: World, database):
    person, _ = world.supported()
    kept_apart = world.list_placement(ref="APART", title="Cafe Assistant")
    actor, tries = world.on("caseworker"), []

    def ranking():
        ranked = actions.rank_placements(database, actor, person, actor.today, 20)
        if not tries:
            with database.writing(actor) as session:
                exclude(session, actor, person, world)
        tries.append([key for _, key, _ in ranked.matches])
        return ranked

    def act(session, ranked, may_repeat):
        made = actions.record(session, actor, ranked, jobseeker_id=person, may_repeat=may_repeat)
        return made.shortlist.refused_by_rule, [match.placement_id for match in made.matches]

    assert actions.settled(database, actor, ranking, act) == ({"safety": 1}, [])
    assert tries == [[kept_apart], []]


def exclude(session, actor, person, world: World):
    new = NewSafetyExclusion(
        kind="organisation", social_enterprise_id=world.organisations["enterprise"], reason="Asked."
    )
    exclusions.exclude(session, actor, session.get_one(Jobseeker, person), new)


def test_old_notes_are_forgotten_and_who_had_not_read_them_reads_anew(world: World, database):
    one = world.list_placement(title="One")
    open_places(database)
    behind = index.Index()
    behind.current(database)
    for number in range(4):
        change(world, one, title=f"Title {number}")
    index.forget_old_notes(database, most=2)
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(PlacementChangeMark)).one() == 2
    assert open_places(database) == {"Title 3": 3}
    assert [one.title for one in behind.current(database).rows.profiles] == ["Title 3"]
    index.forget_old_notes(database, most=2)
    assert open_places(database) == {"Title 3": 3}


def test_what_is_kept_after_many_changes_is_what_is_read_afresh(world: World, database):
    drawn = random.Random(4)
    kept = [world.list_placement(title=f"Job {n}", ref=f"R{n}", essential_skills=["cooking"]) for n in range(6)]
    for round_ in range(25):
        act = drawn.choice(("make", "change", "change", "pause", "back", "close"))
        one = drawn.choice(kept)
        with database.reading() as session:
            state = session.get_one(Placement, one).state.value
        if act == "make":
            kept.append(
                world.list_placement(title=f"New {round_}", ref=f"N{round_}", remote=drawn.choice(["yes", "no"]))
            )
        elif act == "change" and state != "closed":
            words = drawn.sample(["cooking", "cleaning", "driving", "welding"], drawn.randrange(3))
            change(world, one, essential_skills=words, title=f"Job {drawn.randrange(99)}")
        elif (act, state) in {("pause", "published"), ("back", "paused"), ("close", "paused")}:
            events = {"pause": PlacementEvent.PAUSE, "back": PlacementEvent.PUBLISH, "close": PlacementEvent.CLOSE}
            move(world, one, events[act])
        mended = index.of(database).current(database)
        with database.reading() as session:
            fresh = index.read(session, mended.lexicon)
        ours, theirs = (_told(one) for one in (mended, fresh))
        assert ours == theirs


def _told(found: index.IndexState) -> list[tuple]:
    day = found.on(TODAY)
    arrays = day.columns.arrays
    rows = []
    for row in range(len(day.columns)):
        skills = arrays.essential[arrays.essential_from[row] : arrays.essential_from[row + 1]].tolist()
        profile = day.columns.profile(row)
        numbers = arrays.numbers[:, row].tolist()
        rows.append((profile.key, profile, numbers, skills, int(day.numbers[row]), int(day.versions[row])))
    return sorted(rows, key=lambda row: row[0])


def test_a_listing_reads_the_same_from_its_version_as_from_its_row(world: World, database):
    world.list_placement(
        essential_skills=["cooking"],
        licences_needed=["food hygiene"],
        qualifications_needed="E3",
        minimum_age=18,
        remote="hybrid",
        environment=["quiet"],
        adjustments_offered=["quiet space"],
        support_offered=["job coach"],
        starts_on="2026-12-01",
        ends_on="2027-03-01",
        dbs_level="BASIC",
        contact_email="somebody@example.org",
    )
    found = index.of(database).current(database)
    with database.reading() as session:
        (number,) = found.numbers.tolist()
        version = queries.versions(session, [number])[number]
        told = snapshot.listing(version, 0)
    kept = found.rows.profiles[0]
    assert told.places_left == 1
    for name in type(kept).__slots__:
        if name != "places_left":
            assert getattr(told, name) == getattr(kept, name), name


def test_a_listing_closed_while_it_was_ranked_is_not_shown_and_another_takes_its_place(world: World, database):
    person, _ = world.supported()
    placements = {world.list_placement(ref=f"R{n}", title="Cafe Assistant") for n in range(3)}
    actor, closed = world.on("caseworker"), []

    def ranking():
        ranked = actions.rank_placements(database, actor, person, actor.today, 2)
        if not closed:
            closed.append(ranked.matches[0][1])
            move(world, closed[0], PlacementEvent.CLOSE)
        return ranked

    def act(session, ranked, may_repeat):
        made = actions.record(session, actor, ranked, jobseeker_id=person, may_repeat=may_repeat)
        return [match.placement_id for match in made.matches]

    shown = actions.settled(database, actor, ranking, act)
    assert set(shown) == placements - set(closed)
    with database.reading() as session:
        assert session.scalars(select(Shortlist.looked_at)).all() == [2]


def test_a_list_that_never_settles_leaves_out_what_changed(world: World, database):
    person, _ = world.supported()
    busy = world.list_placement(ref="BUSY", title="Cafe Assistant")
    calm = world.list_placement(ref="CALM", title="Porter")
    actor, tries = world.on("caseworker"), []

    def ranking():
        ranked = actions.rank_placements(database, actor, person, actor.today, 20)
        tries.append(len(ranked.matches))
        change(world, busy, title=f"Cafe Assistant {len(tries)}")
        return ranked

    def act(session, ranked, may_repeat):
        made = actions.record(session, actor, ranked, jobseeker_id=person, may_repeat=may_repeat)
        return [match.placement_id for match in made.matches]

    assert actions.settled(database, actor, ranking, act) == [calm]
    assert tries == [2, 2, 2]


def test_what_was_refused_is_worked_out_again_as_it_was_decided_whatever_changed_since(client, world: World, database):
    person, _ = world.supported(half_days="mon am", hours_max=20)
    far = world.list_placement(ref="FAR", postcode="LS1 4AP")
    days = world.list_placement(ref="DAYS", hours_flexible=False, half_days="sat pm; sun pm")
    licence = world.list_placement(ref="LICENCE", licences_needed=["forklift licence"], minimum_age=21)
    full = world.list_placement(ref="FULL", places=1)
    with database.engine.execution_options(writes=True).begin() as connection:
        connection.execute(update(Place).where(Place.placement_id == full).values(state=PlaceState.WITHDRAWN))
    made = post(client, world, f"/jobseekers/{person}/shortlists", {"limit": 1})
    path = f"/shortlists/{made['id']}"
    before = _pages(client, world, f"{path}/refused?limit=2")
    assert {UUID(one["placement_id"]) for one in before} >= {far, days, licence, full}
    assert len(before) == made["refused"]
    nearest = sorted(made["nearest_refusals"], key=lambda one: one["placement_id"])
    assert sorted(before, key=lambda one: one["placement_id"]) == nearest
    change(world, days, half_days="mon am", hours_flexible=True)
    move(world, far, PlacementEvent.CLOSE)
    assert _pages(client, world, f"{path}/refused?limit=3") == before
    one = get(client, world, f"{path}/matches/{days}")
    assert {check["rule"] for check in one["checks"]} == {"half_days"}
    refused = client.get(f"/api/v1{path}/refused?after=AAAAAAAAAAAAAAAAAAAAAA", headers=world.key("caseworker"))
    assert refused.status_code == 409


def _pages(client, world: World, path: str) -> list[dict]:
    found, after = [], ""
    while True:
        page = get(client, world, f"{path}{after}")
        found += page["items"]
        if page["next"] is None:
            return found
        after = f"&after={page['next']}"


def test_a_table_revised_since_changes_no_list_that_was_made(client, world: World, tmp_path):
    person, _ = world.supported(max_travel_minutes=60)
    for number in range(4):
        world.list_placement(ref=f"NEAR{number}", title="Cafe Assistant")
    world.list_placement(ref="FAR", postcode="LS1 4AP")
    made = post(client, world, f"/jobseekers/{person}/shortlists", {"limit": 1})
    pages = [f"/shortlists/{made['id']}/{page}?limit=2" for page in ("below", "refused")]
    before = [_pages(client, world, page) for page in pages]
    assert [len(page) for page in before] == [3, 1]
    text = tables.path_of("travel_modes").read_text()
    for slower in (True, False):
        lines = [line.split(",") for line in text.splitlines()]
        for line in lines[1:]:
            line[2:4] = ("0.01", "0.01") if slower else ("9999", "9999")
        (tmp_path / "travel_modes.csv").write_text("\n".join(map(",".join, lines)) + "\n")
        tables.use_folder(tmp_path)
        try:
            below, refused = (_pages(client, world, page) for page in pages)
        finally:
            tables.use_folder(None)
        told = [[(one["placement_id"], one["rank"], one["score"]) for one in page] for page in (below, before[0])]
        assert told[0] == told[1]
        assert [one["placement_id"] for one in refused] == [one["placement_id"] for one in before[1]]
        assert [[check["rule"] for check in one["checks"]] for one in refused] == [["travel"]]
    assert "in force on the day" in refused[0]["checks"][0]["text"]


def test_what_is_kept_of_a_list_says_what_the_checks_say(client, world: World, database):
    person, _ = world.supported(half_days="mon am; tue am", hours_max=20, date_of_birth="2008-05-26")
    drawn = random.Random(11)
    for number in range(40):
        world.list_placement(
            ref=f"R{number}",
            hours_flexible=drawn.choice([True, False, None]),
            half_days=drawn.choice(["mon am; tue am", "sat pm", None]),
            postcode=drawn.choice(["NW4 4BT", "LS1 4AP", None]),
            minimum_age=drawn.choice([None, 18, 21]),
            licences_needed=drawn.choice([None, ["forklift licence"]]),
            starts_on=drawn.choice([None, "2027-05-01"]),
        )
    made = post(client, world, f"/jobseekers/{person}/shortlists", {"limit": 3})
    with database.reading() as session:
        row = session.get_one(Shortlist, UUID(made["id"]))
        kept, wanted = RankingSnapshot.unpacked(row.looked), snapshot.profile_unpacked(row.inputs)
        versions = queries.versions(session, kept.numbers.tolist())
        context = profiles.context(row.shown_on)
        for number, failed in zip(kept.numbers.tolist(), kept.failed.tolist(), strict=True):
            checks, _ = eligibility.checks_and_travel(
                wanted.limits, snapshot.listing(versions[number], failed), context
            )
            bits = sum(1 << RULES.index(c.rule) for c in checks if c.result is CheckResult.FAIL)
            assert bits == failed
    assert 0 < made["eligible"] < made["looked_at"] == 40
    below = _pages(client, world, f"/shortlists/{made['id']}/below?limit=2")
    ranks = [match["rank"] for match in made["matches"]] + [one["rank"] for one in below]
    assert ranks == list(range(1, made["eligible"] + 1))
    scores = [match["score"] for match in made["matches"]] + [one["score"] for one in below]
    assert all(one + 0.005 >= other for one, other in pairwise(scores))


def test_a_safety_exclusion_is_told_again_though_the_exclusion_itself_is_not_kept(client, world: World, database):
    person, _ = world.supported()
    placement = world.list_placement()
    body = NewSafetyExclusion(
        kind="organisation", social_enterprise_id=world.organisations["enterprise"], reason="Her ex."
    )
    path = f"/jobseekers/{person}/safety-exclusions"
    post(client, world, path, body.model_dump(mode="json", exclude_none=True))
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    assert made["refused_by_rule"] == {"safety": 1}
    with database.reading() as session:
        inputs = session.scalars(select(Shortlist.inputs)).one()
    assert str(world.organisations["enterprise"]).encode() not in inputs
    (told,) = get(client, world, f"/shortlists/{made['id']}/refused")["items"]
    assert told["placement_id"] == str(placement)
    assert told["checks"] == made["nearest_refusals"][0]["checks"]


def test_packing_keeps_every_number():
    drawn = np.random.default_rng(1)
    for largest in (1, 200, 60_000, 4_000_000):
        numbers = np.cumsum(drawn.integers(1, largest + 1, 500)).astype(np.int64)
        failed = drawn.integers(0, 3, 500).astype(np.uint16)
        scores = np.where(failed == 0, drawn.integers(0, 1_000_001, 500), -1).astype(np.int32)
        grades = drawn.integers(0, 256, (int((failed == 0).sum()), 12)).astype(np.uint8)
        again = RankingSnapshot.unpacked(RankingSnapshot(numbers, failed, scores, grades).packed())
        for name in ("numbers", "failed", "scores", "grades"):
            assert np.array_equal(getattr(again, name), locals()[name])
        few = again.only(numbers[100:300].tolist())
        open_rows = np.flatnonzero(few.failed == 0)
        assert np.array_equal(few.grades_of(open_rows.tolist()), grades[np.isin(numbers[failed == 0], few.numbers)])
        earlier = RankingSnapshot.unpacked(RankingSnapshot(numbers, failed, scores).packed())
        assert earlier.grades_of([0]) is None
    none = RankingSnapshot(np.zeros(0, np.int64), np.zeros(0, np.uint16), np.zeros(0, np.int32))
    assert len(RankingSnapshot.unpacked(none.packed()).numbers) == 0


def test_a_repeat_shows_what_its_key_made_though_the_placement_has_closed(client, world: World):
    world.supported()
    placement = world.list_placement()
    path, headers = f"/api/v1/placements/{placement}/shortlists", world.key("caseworker") | {"Idempotency-Key": "one"}
    made = client.post(path, json={}, headers=headers)
    move(world, placement, PlacementEvent.CLOSE)
    again = client.post(path, json={}, headers=headers)
    assert (made.status_code, again.status_code, made.json()["id"]) == (201, 201, again.json()["id"])
    assert client.post(path, json={"limit": 3}, headers=headers).status_code == 422
    assert client.post(path, json={}, headers=world.key("caseworker")).status_code == 409


def test_a_listing_whose_version_is_lost_hides_no_other_and_is_kept_again_at_the_next_start(
    client, world: World, database
):
    person, _ = world.supported()
    listed = [world.list_placement(ref=f"R{n}", title=f"Porter {n}", hours_flexible=False) for n in range(4)]
    made = post(client, world, f"/jobseekers/{person}/shortlists", {"limit": 1})
    lose = delete(PlacementVersion).where(PlacementVersion.placement_id == listed[0])
    with database.engine.execution_options(writes=database.is_sqlite).begin() as connection:
        connection.execute(lose)
        connection.execute(update(Placement).where(Placement.id == listed[0]).values(title="By hand"))
    told = {row["placement_id"] for row in get(client, world, f"/shortlists/{made['id']}/below")["items"]}
    shown = {made["matches"][0]["placement_id"]}
    assert told == {str(one) for one in listed[1:]} - shown
    later = post(client, world, f"/jobseekers/{person}/shortlists", {"limit": 1})
    assert later["eligible"] == 4  # it is ranked and shown as ever
    assert [fault for fault in faults_of(database) if "not stored" in fault]
    fresh = Database(database.engine.url.render_as_string(hide_password=False), database.vault)
    index.warm(fresh)
    fresh.close()
    assert faults_of(database) == []
    with database.engine.execution_options(writes=database.is_sqlite).begin() as connection:
        connection.execute(update(Placement).where(Placement.id == listed[1]).values(title="By hand too"))
    assert faults_of(database) == [f"placements: the stored current version of {listed[1]} differs from the placement."]


def faults_of(database: Database) -> list[str]:
    with database.reading() as session:
        return consistency.faults(session)


def test_notes_of_another_cluster_are_not_read_for_ever(world: World, database):
    if database.is_sqlite:
        pytest.skip("Notes of SQLite have no mark: it has one writer at a time.")
    one = world.list_placement(title="One")
    with database.engine.begin() as connection:
        connection.execute(update(PlacementChangeMark).values(mark=2**40))
    kept = index.Index()
    kept.current(database)
    assert kept.seen.numbers
    index.forget_old_notes(database)
    kept = index.Index()
    kept.current(database)
    assert not kept.seen.numbers
    change(world, one, title="Two")
    assert [row.title for row in kept.current(database).rows.profiles] == ["Two"]


def test_what_has_no_note_yet_is_read_once(world: World, database, monkeypatch):
    one = world.list_placement(title="One")
    with database.engine.execution_options(writes=database.is_sqlite).begin() as connection:
        connection.execute(delete(PlacementChangeMark))
    index.forget_old_notes(database)  # as each start does
    kept, read, whole = index.Index(), [], index.read
    monkeypatch.setattr(index, "read", lambda *told: read.append(1) or whole(*told))
    for _ in range(3):
        assert [row.title for row in kept.current(database).rows.profiles] == ["One"]
    assert read == [1]
    change(world, one, title="Two")
    assert [row.title for row in kept.current(database).rows.profiles] == ["Two"]


def test_words_of_what_closed_long_ago_are_forgotten(world: World, database, monkeypatch):
    one = world.list_placement(title="One")
    monkeypatch.setattr(index, "MOST_GROWN_BY", 8)
    kept = index.Index()
    words = kept.current(database).lexicon
    sizes = []
    for number in range(40):
        change(world, one, title=f"Title {number}")
        now = kept.current(database)
        assert [row.title for row in now.rows.profiles] == [f"Title {number}"]
        sizes.append(now.lexicon.count_of_words())
    assert now.lexicon is not words
    assert max(sizes) <= index.TIMES_GROWN * min(sizes) + 8 + 2


def test_both_tables_note_their_changes(database):
    """A later migration that makes one of them anew on SQLite loses its triggers: it has to make them again."""
    query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    if not database.is_sqlite:
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal"
    with database.engine.connect() as connection:
        found = set(connection.execute(text(query)).scalars())
    acts = ("_insert", "_update", "_delete") if database.is_sqlite else ("",)
    named = {"note_organisations_update" if database.is_sqlite else "note_organisations"}
    assert found == {f"note_{table}{act}" for table in ("placements", "places") for act in acts} | named
