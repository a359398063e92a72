"""Shortlists, unlock, allocations and models, through the API as those who use it would."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import select
from uuid_utils.compat import uuid7

from matching.learning import model_files
from matching.pairs.text import normalise
from matching.score.ranker import TwoSidedModel
from matching.score.side_models import Calibration
from pathways.errors import RuleBroken
from pathways.introductions.models import IntroductionEvent
from pathways.jobseekers.models import Jobseeker
from pathways.learning import actions as learning_actions
from pathways.placements.models import Placement
from pathways.reference import tables, taxonomy
from pathways.reference.esco import ConceptKind
from pathways.shortlists import queries as shortlist_queries
from pathways.shortlists.models import ModelState, RankingModel, Shortlist, ShortlistMatch
from tests.world import World

API = "/api/v1"


def post(client, world: World, path: str, body=None, by: str = "caseworker", expect: int = 201):
    answer = client.post(f"{API}{path}", json=body or {}, headers=world.key(by))
    assert answer.status_code == expect, answer.text
    return answer.json()


def get(client, world: World, path: str, by: str = "caseworker", expect: int = 200):
    answer = client.get(f"{API}{path}", headers=world.key(by))
    assert answer.status_code == expect, answer.text
    return answer.json()


def write_profile(client, world: World, person: UUID, **fields):
    read = client.get(f"{API}/jobseekers/{person}/profile", headers=world.key("caseworker"))
    answer = client.put(
        f"{API}/jobseekers/{person}/profile",
        json=fields,
        headers=world.key("caseworker") | {"If-Match": read.headers.get("ETag", '"0"')},
    )
    assert answer.status_code in {200, 201}, answer.text
    return answer.json()


def test_a_match_says_both_sides_its_interval_and_what_would_lift_it(client, world: World):
    person, _ = world.supported()
    world.list_placement(essential_skills=["teamwork"], title="Receptionist")
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    match = made["matches"][0]
    assert match["score"] == pytest.approx(match["jobseeker_side"] * match["placement_side"], abs=1e-3)
    assert match["score_low"] < match["score"] < match["score_high"]
    assert match["propensity"] == 1.0
    assert match["what_would_lift_it"][0]["about"] == "travel"
    assert match["what_would_lift_it"][0]["score"] > match["score"]
    assert made["profile"]["number"] == 1


def test_a_replay_has_the_same_order_scores_and_seed_after_the_profile_changed(client, world: World):
    person, _ = world.supported()
    for number in range(6):
        world.list_placement(title="Cafe Assistant", ref=f"P{number}")
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    write_profile(client, world, person, aspirations=["gardener"])
    again = get(client, world, f"/shortlists/{made['id']}")
    assert again == made
    assert {round(match["propensity"], 4) for match in made["matches"]} == {round(1 / 6, 4)}
    fresh = post(client, world, f"/jobseekers/{person}/shortlists")
    assert [m["placement_id"] for m in fresh["matches"]] == [m["placement_id"] for m in made["matches"]]


def test_what_stood_under_the_limit_can_be_read_to_the_end(client, world: World):
    person, _ = world.supported()
    for number in range(5):
        world.list_placement(title="Cafe Assistant", ref=f"P{number}")
    made = post(client, world, f"/jobseekers/{person}/shortlists", {"limit": 2})
    first = get(client, world, f"/shortlists/{made['id']}/below?limit=2")
    second = get(client, world, f"/shortlists/{made['id']}/below?limit=2&after={first['next']}")
    ranks = [item["rank"] for item in first["items"] + second["items"]]
    assert (ranks, second["next"]) == ([3, 4, 5], None)
    shown = {match["placement_id"] for match in made["matches"]}
    assert not shown & {item["placement_id"] for item in first["items"]}


def test_a_safety_exclusion_keeps_a_placement_away_and_nobody_outside_reads_it(client, world: World):
    person, _ = world.supported()
    placement = world.list_placement(contact_email="sam@example.org")
    away = {"reason": "The jobseeker asked us to."}
    bodies = (
        {"kind": "organisation", "social_enterprise_id": str(world.organisations["enterprise"]), **away},
        {"kind": "person", "who": "Sam@Example.org", **away},
        {"kind": "area", "postcode": "NW4 4BT", "radius_km": 1.5, **away},
    )
    for body in bodies:
        kept = post(client, world, f"/jobseekers/{person}/safety-exclusions", body)
        refused = post(
            client,
            world,
            "/introductions",
            {"jobseeker_id": str(person), "placement_id": str(placement)},
            expect=409,
        )
        assert refused["type"] == "/problems/excluded-for-safety"
        made = post(client, world, f"/jobseekers/{person}/shortlists")
        assert made["matches"] == []
        assert made["refused_by_rule"] == {"safety": 1}
        assert made["nearest_refusals"][0]["checks"][0]["rule"] == "safety"
        post(
            client,
            world,
            f"/jobseekers/{person}/safety-exclusions/{kept['id']}/withdraw",
            {"reason": "Done."},
            expect=200,
        )
    open_again = post(client, world, f"/jobseekers/{person}/shortlists")
    assert [m["placement_id"] for m in open_again["matches"]] == [str(placement)]
    for outsider in ("lister", "referrer", "commissioner"):
        get(client, world, f"/jobseekers/{person}/safety-exclusions", by=outsider, expect=403)
    get(client, world, f"/jobseekers/{person}/safety-exclusions", by="other_caseworker", expect=404)


def test_a_name_that_nobody_listed_has_is_a_question_and_never_a_pass(client, world: World):
    person, _ = world.supported()
    world.list_placement(contact_email="jobs@example.org")
    body = {"kind": "person", "who": "Casey Rowan", "reason": "Asked."}
    post(client, world, f"/jobseekers/{person}/safety-exclusions", body)
    checks = post(client, world, f"/jobseekers/{person}/shortlists")["matches"][0]["checks"]
    assert [c["result"] for c in checks if c["rule"] == "safety"] == ["unknown"]


def test_an_exclusion_recorded_after_a_proposal_stops_its_line_and_a_closed_case_stops_its_own(client, world: World):
    a_caseload(world)
    made = post(client, world, "/allocations", by="manager")
    path = f"/allocations/{made['id']}/lines"
    first, second = (one for one in get(client, world, path)["items"] if one["state"] == "proposed")
    away = {"kind": "organisation", "social_enterprise_id": str(world.organisations["enterprise"]), "reason": "Asked."}
    post(client, world, f"/jobseekers/{first['jobseeker_id']}/safety-exclusions", away)
    problem = post(client, world, f"{path}/{first['id']}/accept", {}, expect=409)
    assert problem["type"] == "/problems/excluded-for-safety"
    closing = {"closed_on": str(world.on("manager").today), "end_reason": "moved_away", "reason": "Moved away."}
    read = client.get(f"{API}/jobseekers/{second['jobseeker_id']}", headers=world.key("caseworker"))
    answer = client.post(
        f"{API}/jobseekers/{second['jobseeker_id']}/close",
        json=closing,
        headers=world.key("caseworker") | {"If-Match": read.headers["ETag"]},
    )
    assert answer.status_code == 200, answer.text
    post(client, world, f"{path}/{second['id']}/accept", {}, expect=409)


def test_totals_of_a_proposal_are_kept_from_who_may_not_see_every_line(client, world: World):
    people = a_caseload(world)
    made = post(client, world, "/allocations", by="manager")
    with world.database.writing(world.operator) as session:
        session.get_one(Jobseeker, people[0]).is_restricted = True
    assert get(client, world, f"/allocations/{made['id']}", by="manager")["figures"]["offers"] == 2
    told = get(client, world, f"/allocations/{made['id']}", by="colleague")
    assert (told["figures"], told["looked_at"], told["decided"]) == (None, None, None)
    assert len(get(client, world, f"/allocations/{made['id']}/lines", by="colleague")["items"]) == 2


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "organisation"},
        {"kind": "person"},
        {"kind": "area", "postcode": "NW4 4BT"},
        {"kind": "area", "postcode": "ZZ99 9ZZ", "radius_km": 1},
        {"kind": "area", "postcode": "NW4", "radius_km": 1},
    ],
)
def test_an_exclusion_that_names_nothing_is_refused_with_the_field(client, world: World, body):
    person, _ = world.supported()
    problem = post(client, world, f"/jobseekers/{person}/safety-exclusions", {**body, "reason": "Asked."}, expect=409)
    assert problem["errors"][0]["pointer"].startswith("/")


def test_the_name_in_an_exclusion_is_sealed_in_the_database(client, world: World, database):
    person, _ = world.supported()
    body = {"kind": "person", "who": "Casey Rowan", "reason": "Asked."}
    told = post(client, world, f"/jobseekers/{person}/safety-exclusions", body)
    assert told["who"] == "Casey Rowan"
    with database.engine.connect() as connection:
        stored = connection.exec_driver_sql("SELECT * FROM safety_exclusions").mappings().one()
    assert "Casey" not in str(dict(stored))


def test_experience_is_matched_on_and_says_where_it_came_from(client, world: World):
    person, _ = world.supported()
    world.list_placement(title="Care Assistant", dbs_level="ENHANCED", essential_skills=["caring for people"])
    write_profile(client, world, person, experiences=[{"kind": "caring", "text": "Looked after my nan"}])
    match = post(client, world, f"/jobseekers/{person}/shortlists")["matches"][0]
    reason = next(r for r in match["reasons"] if r["feature"] == "essential_skills")
    assert reason["effect"] == "for"
    assert reason["text"].endswith("caring for people, from caring.")
    profile = get(client, world, f"/jobseekers/{person}/profile")
    assert {"skill": "caring for people", "kind": "caring", "text": "Looked after my nan"} in profile["skills_shown"]


@pytest.mark.parametrize("text", ["My carer helps me wash and dress", "My gran looked after me", "I can't cook"])
def test_help_that_somebody_needs_is_never_read_as_a_skill(client, world: World, text):
    person, _ = world.supported()
    profile = write_profile(client, world, person, experiences=[{"kind": "life", "text": text}])
    assert profile["skills_shown"] == []


def test_a_benefit_is_a_flag_for_those_who_may_read_benefits_and_never_a_filter(client, world: World):
    person, _ = world.supported()
    world.list_placement(hours_per_week=20)
    plain = post(client, world, f"/jobseekers/{person}/shortlists")["matches"]
    write_profile(client, world, person, benefits=["ESA", "UC"], half_days="mon all day; tue all day")
    flagged = post(client, world, f"/jobseekers/{person}/shortlists")["matches"]
    assert [m["placement_id"] for m in flagged] == [m["placement_id"] for m in plain]
    assert [f["benefit"] for f in flagged[0]["benefit_flags"]] == ["ESA", "Universal Credit"]


def test_unlock_names_the_licence_that_opens_most_and_counts_for_a_placement(client, world: World):
    person, _ = world.supported()
    write_profile(
        client,
        world,
        person,
        licences=["CSCS card"],
        aspirations=["driver", "cafe"],
        travel_modes=["bus"],
        max_travel_minutes=60,
    )
    shut = world.list_placement(title="Van Driver", licences_needed=["driving licence"])
    answer = get(client, world, f"/jobseekers/{person}/unlock")
    line = next(item for item in answer["items"] if item["kind"] == "licence")
    assert (line["what"], line["opens"]) == ("driving licence", 1)
    assert line["placements"][0]["placement_id"] == str(shut)
    counted = get(client, world, f"/placements/{shut}/unlock")
    assert [(i["rule"], i["people"]) for i in counted["items"]] == [("licences", 1)]
    whole = get(client, world, "/unlock")
    assert (whole["looked_at"], [i["what"] for i in whole["items"] if i["kind"] == "licence"]) == (
        1,
        ["driving licence"],
    )


def a_caseload(world: World) -> list[UUID]:
    people = [
        world.supported(
            ref=f"R{n}",
            given_name=f"Person{n}",
            nino=None,
            nhs_number=None,
            email=None,
            phone=None,
            ever_paid_work="no" if n else "yes",
        )[0]
        for n in range(3)
    ]
    world.list_placement(ref="ONE", places=1)
    world.list_placement(ref="TWO", places=1, title="Receptionist")
    return people


def test_an_allocation_proposes_within_places_says_who_has_nothing_and_makes_no_introduction(client, world: World):
    people = a_caseload(world)
    made = post(client, world, "/allocations", by="manager")
    told = made["figures"]
    assert (told["offers"], told["without"], made["looked_at"]) == (2, 1, 3)
    assert told["need_people"] == 2
    assert told["need_offers"] >= told["need_floor"] >= 1
    lines = get(client, world, f"/allocations/{made['id']}/lines", by="manager")["items"]
    assert sorted(line["jobseeker_id"] for line in lines) == sorted(map(str, people))
    without = [line for line in lines if line["state"] == "without"]
    assert len(without) == 1
    assert without[0]["why"]
    assert without[0]["placement_id"] is None
    offered = [line["placement_id"] for line in lines if line["placement_id"]]
    assert len(set(offered)) == len(offered) == 2
    assert get(client, world, "/introductions", by="manager")["items"] == []
    row = tables.in_force("allocation_policies", date.fromisoformat(made["on"]))
    told = made["policy"]
    assert (told["version"], told["need_floor"]) == (row["version"], float(row["need_floor"]))
    assert (told["in_force_from"], told["source"]) == (row["from"], row["source"])
    assert told["evidence"] == row["evidence"] != ""


@pytest.mark.parametrize(
    ("on", "version", "floor"),
    [("2026-11-30", "default-1", 0.3), ("2026-12-01", "default-2", 0.6), ("2031-01-01", "default-2", 0.6)],
)
def test_the_need_floor_is_that_of_the_day(client, world: World, on, version, floor):
    a_caseload(world)
    told = post(client, world, "/allocations", {"on": on}, by="manager")
    assert (told["policy"]["version"], told["policy"]["need_floor"]) == (version, floor)
    assert told["figures"]["need_offers"] >= told["figures"]["need_floor"] >= 1


def test_a_table_of_a_partner_replaces_the_policy_and_needs_no_column_of_evidence(client, world: World, tmp_path):
    a_caseload(world)
    columns = "from,version,need_floor,offer_value,soft_cap,evenness,keeping,weeks_without_offer,open_barriers,source"
    row = "2020-01-01,council-3,0.9,0.1,4,0.05,0.02,26,3,agreed with the council"
    (tmp_path / "allocation_policies.csv").write_text(f"{columns}\n{row}\n")
    tables.use_folder(tmp_path)
    try:
        told = post(client, world, "/allocations", by="manager")["policy"]
    finally:
        tables.use_folder(None)
    assert (told["version"], told["in_force_from"], told["source"], told["evidence"]) == (
        "council-3",
        "2020-01-01",
        "agreed with the council",
        None,
    )


def test_an_allocation_counts_chances_and_shows_scores(client, world: World, database):
    a_caseload(world)
    before = post(client, world, "/allocations", by="manager")
    curve = Calibration(np.array([-1.0, 1.0]), np.array([-2.0, 0.0]))
    model = replace(TwoSidedModel.expert(), version="bent", match_chance=curve)
    with database.writing(world.operator) as session:
        kept = model_files.save(model, model_files.Manifest("bent"))
        made_at = world.operator.at
        session.add(
            RankingModel(
                id=uuid7(), name="bent", state=ModelState.RELEASED, kept=kept, manifest={"cases": 0}, made_at=made_at
            )
        )
    after = post(client, world, "/allocations", by="manager")
    assert (before["model_version"], after["model_version"]) == ("expert-4", "bent")
    read = [get(client, world, f"/allocations/{made['id']}/lines")["items"] for made in (before, after)]
    scored = [{line["jobseeker_id"]: line["score"] for line in lines} for lines in read]
    assert scored[0] == scored[1]
    scores = np.array([score for score in scored[1].values() if score is not None])
    assert before["figures"]["expected_lasting"] == pytest.approx(scores.sum(), abs=1e-3)
    assert after["figures"]["expected_lasting"] == pytest.approx(curve.apply(scores).sum(), abs=1e-3)


def test_each_line_is_decided_with_a_reason_and_the_shares_are_counted(client, world: World):
    a_caseload(world)
    made = post(client, world, "/allocations", by="manager")
    fourth = world.list_placement(ref="LATER", title="Gardener")
    path = f"/allocations/{made['id']}/lines"
    lines = get(client, world, path)["items"]
    first, second = (line["id"] for line in lines if line["state"] == "proposed")
    last = next(line["id"] for line in lines if line["state"] == "without")
    post(client, world, f"{path}/{last}/accept", {}, expect=409)  # nothing was proposed there
    assert post(client, world, f"{path}/{first}/accept", {}, expect=200)["state"] == "accepted"
    post(client, world, f"{path}/{second}/reject", {"reason": ""}, expect=422)
    rejected = post(client, world, f"{path}/{second}/reject", {"reason": "Not what they want."}, expect=200)
    assert rejected["decided_because"] == "Not what they want."
    body = {"placement_id": str(fourth), "reason": "It was listed since."}
    changed = post(client, world, f"{path}/{last}/change", body, expect=200)
    assert (changed["state"], changed["changed_to_id"]) == ("changed", str(fourth))
    assert get(client, world, f"/allocations/{made['id']}")["decided"] == {
        "proposed": 0,
        "accepted": 1,
        "changed": 1,
        "rejected": 1,
        "accepted_unchanged_share": 0.3333,
    }
    post(client, world, f"{path}/{second}/reject", {"reason": "Again."}, expect=409)


def test_a_proposal_is_kept_to_the_next_time_and_other_partners_see_nothing_of_it(client, world: World):
    a_caseload(world)
    first = post(client, world, "/allocations", by="manager")
    second = post(client, world, "/allocations", by="manager")
    assert second["figures"]["kept"] == 2
    assert get(client, world, "/allocations", by="other_manager")["items"] == []
    get(client, world, f"/allocations/{first['id']}", by="other_manager", expect=404)
    get(client, world, f"/allocations/{first['id']}/lines", by="lister", expect=403)


def test_an_empty_caseload_has_an_empty_proposal(client, world: World):
    made = post(client, world, "/allocations", by="manager")
    assert (made["looked_at"], made["figures"]["offers"], made["decided"]["accepted_unchanged_share"]) == (0, 0, None)


def decided_cases(client, world: World, count: int) -> None:
    """Introductions from shortlists, some of them declined by the jobseeker before they were sent."""
    person, _ = world.supported()
    for number in range(count):
        placement = world.list_placement(ref=f"P{number}", title="Cafe Assistant" if number % 2 else "Porter")
        shortlist = post(client, world, f"/jobseekers/{person}/shortlists")
        introduced = post(
            client,
            world,
            "/introductions",
            {"jobseeker_id": str(person), "placement_id": str(placement), "shortlist_id": shortlist["id"]},
        )
        event = IntroductionEvent.AGREE if number % 2 else IntroductionEvent.DECLINE
        no = {"why": "work_not_wanted"} if event is IntroductionEvent.DECLINE else {}
        post(client, world, f"/introductions/{introduced['id']}/{event}", no, expect=200)


def test_a_model_learns_is_assessed_and_ranks_only_once_a_person_released_it_behind_open_gates(
    client, world: World, database
):
    post(client, world, "/models", by="operator", expect=409)  # nothing was decided yet
    post(client, world, "/models", {"until": "2099-01-01"}, by="operator", expect=409)
    decided_cases(client, world, 6)
    model = post(client, world, "/models", by="operator")
    assert (model["state"], model["cases"]) == ("trained", 3)
    metrics = model["manifest"]["metrics"]
    assert (metrics["boosting"]["jobseeker"]["share"], metrics["boosting"]["jobseeker"]["tried"]) == (0.0, [])
    assert "40 cases" in metrics["boosting"]["jobseeker"]["why"]
    assert (metrics["match_chance"]["kind"], metrics["policies"]["lasting_weeks"]["amount"]) == ("diagonal", "13")
    assert metrics["policies"]["allocation"]["in_force_from"] <= model["manifest"]["metrics"]["until"]
    get(client, world, "/models", by="caseworker")
    get(client, world, "/models", by="lister", expect=403)
    path = f"/models/{model['id']}"
    post(client, world, f"{path}/release", {"reason": "Now."}, by="operator", expect=409)
    assessed = post(client, world, f"{path}/assess", by="operator", expect=200)
    assert assessed["assessment"]["policies"] == metrics["policies"]
    gates = {gate["gate"]: gate["passed"] for gate in assessed["gates"]}
    assert gates["ranking"] is False  # too few held-out lists to judge
    assert gates["nonsense"] is gates["signs"] is True
    refused = post(client, world, f"{path}/release", {"reason": "Now."}, by="operator", expect=409)
    assert refused["type"] == "/problems/gates-closed"
    operator = world.operator
    with database.writing(operator) as session:
        row = session.scalars(select(RankingModel)).one()
        row.assessment = dict(row.assessment) | {"gates": []}
    post(client, world, f"{path}/release", {"reason": "Looked at it."}, by="operator", expect=200)
    person, _ = world.supported(ref="NEW", given_name="New", nino=None, nhs_number=None, email=None, phone=None)
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    assert made["model_version"] == model["name"]
    post(client, world, f"{path}/retire", {"reason": "Back to the experts."}, by="operator", expect=200)
    again = post(client, world, f"/jobseekers/{person}/shortlists")
    assert again["model_version"] == "expert-4"
    assert get(client, world, f"/shortlists/{made['id']}")["model_version"] == model["name"]


def test_a_model_changed_in_the_database_is_refused_in_one_sentence(client, world: World, database):
    decided_cases(client, world, 2)
    model = post(client, world, "/models", by="operator")
    with database.writing(world.operator) as session:
        row = session.get_one(RankingModel, UUID(model["id"]))
        row.kept = row.kept.replace(b'"mix": 0.0', b'"mix": 1.0', 1)
    shortlist_queries.read_model.cache_clear()
    problem = post(client, world, f"/models/{model['id']}/assess", by="operator", expect=409)
    assert "changed after it was saved" in problem["detail"]


def test_what_was_shown_is_logged_with_its_rank_and_propensity(client, world: World, database):
    person, _ = world.supported()
    world.list_placement()
    post(client, world, f"/jobseekers/{person}/shortlists")
    with database.reading(world.actors["manager"]) as session:
        match = session.scalars(select(ShortlistMatch)).one()
        shortlist = session.scalars(select(Shortlist)).one()
    assert (match.rank, match.propensity) == (1, 1.0)
    assert shortlist.seed.startswith(str(shortlist.shown_on))


def test_learning_reads_no_case_that_was_decided_later(client, world: World, database):
    decided_cases(client, world, 4)
    today = world.on("manager").today
    with database.reading(world.operator) as session:
        assert len(learning_actions.queries.cases(session, today)) == 2
        assert learning_actions.queries.cases(session, today - timedelta(days=1)) == []


def test_words_are_offered_confirmed_and_matched_on(client, world: World):
    person, _ = world.supported()
    write_profile(client, world, person, skills=["sorting out squabbles as a team"], aspirations=["brew coffee"])
    world.list_placement(essential_skills=["teamwork"])
    offered = post(client, world, "/words/skills", {"text": "teem wrok"}, expect=200)
    assert offered["taxonomy"] == "starter"
    assert 1 <= len(offered["offers"]) <= 5
    assert offered["offers"][0]["preferred"] == "teamwork"
    before = post(client, world, f"/jobseekers/{person}/shortlists")["matches"][0]
    confirmed = post(
        client,
        world,
        f"/jobseekers/{person}/confirmed-words",
        {"kind": "skill", "text": "Sorting out squabbles as a team", "uri": offered["offers"][0]["uri"]},
    )
    assert confirmed["label"] == "teamwork"
    assert confirmed["offered"]
    after = post(client, world, f"/jobseekers/{person}/shortlists")["matches"][0]
    assert after["placement_side"] > before["placement_side"]
    none = {"kind": "skill", "text": "Sorting out squabbles as a team"}
    post(client, world, f"/jobseekers/{person}/confirmed-words", none)
    items = get(client, world, f"/jobseekers/{person}/confirmed-words")["items"]
    assert [item["uri"] for item in items] == [None]
    wrong = {"kind": "skill", "text": "x", "uri": "http://example.org/none"}
    post(client, world, f"/jobseekers/{person}/confirmed-words", wrong, expect=409)


def test_a_place_refused_for_its_hours_is_put_as_a_question_if_the_jobseeker_is_best_at_it(client, world: World):
    person, _ = world.supported()
    write_profile(client, world, person, skills=["doing laundry"], aspirations=["laundry"], hours_max=16)
    world.list_placement(
        title="Laundry Assistant", essential_skills=["doing laundry"], hours_per_week=20, hours_flexible=False
    )
    world.list_placement(title="Lorry Driver", essential_skills=["driving"], hours_per_week=30, hours_flexible=False)
    for title in ("Gardener", "Barista", "Cleaner", "Kitchen Porter", "Shop Assistant"):
        world.list_placement(title=title, essential_skills=["teamwork"], hours_per_week=12)
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    assert made["eligible"] == 5
    (asked,) = made["worth_asking"]
    assert (asked["title"], asked["would_rank"]) == ("Laundry Assistant", 1)
    assert asked["checks"][0]["text"] == "The work is 20 hours a week. The jobseeker wants up to 16."
    assert asked["question"] == "Ask the jobseeker and the social enterprise whether other hours are possible."
    assert len(made["nearest_refusals"]) == made["refused"] == 2
    stored = get(client, world, f"/shortlists/{made['id']}")
    assert stored["worth_asking"] == made["worth_asking"]


def test_nothing_is_asked_about_a_check_that_nobody_can_agree_away(client, world: World):
    person, _ = world.supported()
    write_profile(client, world, person, aspirations=["laundry"], right_to_work="no", hours_max=16)
    world.list_placement(title="Laundry Assistant", hours_per_week=20, hours_flexible=False)
    world.list_placement(title="Laundry Assistant", hours_per_week=12)
    assert post(client, world, f"/jobseekers/{person}/shortlists")["worth_asking"] == []


def laundry_on_too_many_hours(client, world: World):
    person, _ = world.supported()
    write_profile(client, world, person, skills=["doing laundry"], aspirations=["laundry"], hours_max=16)
    listed = world.list_placement(
        title="Laundry Assistant", essential_skills=["doing laundry"], hours_per_week=20, hours_flexible=False
    )
    return person, listed


def test_nobody_is_to_be_asked_before_it_is_known_who_works_there(client, world: World):
    person, _ = laundry_on_too_many_hours(client, world)
    assert post(client, world, f"/jobseekers/{person}/shortlists")["worth_asking"]
    away = {"kind": "person", "who": "Robin Fenn", "reason": "A court order."}
    post(client, world, f"/jobseekers/{person}/safety-exclusions", away)
    assert post(client, world, f"/jobseekers/{person}/shortlists")["worth_asking"] == []


@pytest.mark.parametrize("meanwhile", ["excluded", "paused"])
def test_a_stored_question_is_not_asked_when_it_holds_no_longer(client, world: World, meanwhile):
    person, listed = laundry_on_too_many_hours(client, world)
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    assert get(client, world, f"/shortlists/{made['id']}")["worth_asking"] == made["worth_asking"] != []
    if meanwhile == "excluded":
        away = {
            "kind": "organisation",
            "social_enterprise_id": str(world.organisations["enterprise"]),
            "reason": "A court order.",
        }
        post(client, world, f"/jobseekers/{person}/safety-exclusions", away)
    else:
        answer = client.post(f"{API}/placements/{listed}/pause", json={"reason": "Full."}, headers=world.key("lister"))
        assert answer.status_code == 200, answer.text
    assert get(client, world, f"/shortlists/{made['id']}")["worth_asking"] == []


def test_saying_what_words_mean_keeps_what_they_do_not_mean(client, world: World):
    person, _ = world.supported()
    write_profile(client, world, person, skills=["washing"])
    world.list_placement(title="Helper", essential_skills=["doing laundry"])
    path = f"/jobseekers/{person}/confirmed-words"
    post(client, world, path, {"kind": "skill", "text": "washing", "not_meant": "doing laundry"})
    before = post(client, world, f"/jobseekers/{person}/shortlists")["matches"][0]["score"]
    (offer, *_) = post(client, world, "/words/skills", {"text": "doing laundry"}, expect=200)["offers"]
    post(client, world, path, {"kind": "skill", "text": "washing", "uri": offer["uri"]})
    assert post(client, world, f"/jobseekers/{person}/shortlists")["matches"][0]["score"] == before


def test_a_mark_that_somebody_typed_is_only_words(client, world: World):
    person, _ = world.supported()
    write_profile(client, world, person, skills=["washing (not meant: laundry)"], aspirations=["gardening"])
    world.list_placement(title="Gardener", essential_skills=["doing laundry"])
    (match,) = post(client, world, f"/jobseekers/{person}/shortlists")["matches"]
    assert not any("(." in reason["text"] for reason in match["reasons"])


def test_what_was_not_meant_gets_no_credit_until_it_is_withdrawn(client, world: World):
    person, _ = world.supported()
    write_profile(client, world, person, skills=["washing"], aspirations=["gardening or dog walking"])
    world.list_placement(title="Gardener", essential_skills=["doing laundry"])

    def reason(feature):
        (match,) = post(client, world, f"/jobseekers/{person}/shortlists")["matches"]
        return next((one["text"], one["effect"]) for one in match["reasons"] if one["feature"] == feature)

    before = reason("aspiration"), reason("essential_skills")
    assert [effect for _, effect in before] == ["for", "for"]
    path = f"/jobseekers/{person}/confirmed-words"
    wish = post(client, world, path, {"kind": "occupation", "text": "Gardening", "not_meant": "Gardener"})
    skill = post(client, world, path, {"kind": "skill", "text": "washing", "not_meant": "laundry"})
    assert (wish["not_meant"], wish["uri"], wish["offered"]) == ("Gardener", None, [])
    text, effect = reason("aspiration")
    assert effect == "against"
    assert "gardening" not in text
    assert reason("essential_skills")[1] == "against"
    post(client, world, path, {"kind": "occupation", "text": "gardening", "not_meant": "Florist"})
    assert len(get(client, world, path)["items"]) == 3
    for word in (wish, skill):
        post(client, world, f"{path}/{word['id']}/withdraw", {"reason": "misread"}, expect=200)
    assert (reason("aspiration"), reason("essential_skills")) == before
    both = {"kind": "skill", "text": "washing", "not_meant": "laundry", "uri": "starter:laundry"}
    post(client, world, path, both, expect=422)


@pytest.mark.parametrize("text", ["", "   ", "🙂", "x" * 10_000])
def test_words_that_say_nothing_fit_nothing(client, world: World, text):
    for kind in ("skills", "occupations"):
        answer = post(client, world, f"/words/{kind}", {"text": text}, expect=200)
        assert answer["fits"] is False


ESCO_SKILLS = """conceptType,conceptUri,skillType,reuseLevel,preferredLabel,altLabels,hiddenLabels,status,modifiedDate,\
scopeNote,definition,inScheme,description
KnowledgeSkillCompetence,http://example.org/s/1,skill,cross-sector,brew coffee,"make coffee
pull espresso",,released,,,,,Make hot drinks from ground beans.
KnowledgeSkillCompetence,http://example.org/s/2,skill,cross-sector,steam milk,froth milk,,released,,,,,Heat milk.
KnowledgeSkillCompetence,http://example.org/s/3,skill,cross-sector,fold laundry,,,released,,,,,Fold clean clothes.
""".replace("\\\n", "")
ESCO_BROADER = """conceptType,conceptUri,broaderType,broaderUri
KnowledgeSkillCompetence,http://example.org/s/2,KnowledgeSkillCompetence,http://example.org/s/1
KnowledgeSkillCompetence,http://example.org/s/9,SkillGroup,http://example.org/g/1
"""


def test_esco_is_loaded_as_downloaded_and_gives_neighbouring_skills_part_of_the_credit(
    client, world: World, database, tmp_path
):
    (tmp_path / "skills_en.csv").write_text(ESCO_SKILLS)
    (tmp_path / "broader.csv").write_text(ESCO_BROADER)
    files = [tmp_path / "skills_en.csv", tmp_path / "broader.csv"]
    for _ in range(2):  # loading again replaces, and adds nothing twice
        with database.writing(world.operator) as session:
            loaded = taxonomy.load(session, files, ConceptKind.SKILL, normalise)
        assert (loaded.concepts, loaded.labels, loaded.unknown) == (3, 6, 1)
    person, _ = world.supported()
    write_profile(client, world, person, skills=["froth milk"])
    world.list_placement(ref="NEAR", essential_skills=["make coffee"])
    world.list_placement(ref="FAR", essential_skills=["fold laundry"])
    world.list_placement(ref="SAME", essential_skills=["steam milk"])
    made = post(client, world, f"/jobseekers/{person}/shortlists")["matches"]
    with database.reading(world.actors["manager"]) as session:
        rows = session.scalars(select(ShortlistMatch)).all()
        names = {p.id: p.ref for p in session.scalars(select(Placement))}
    values = {names[row.placement_id]: row.values["essential_skills"][0] for row in rows}
    assert values == {"NEAR": 0.7, "FAR": 0.0, "SAME": 1.0}
    assert [names[UUID(match["placement_id"])] for match in made] == ["SAME", "NEAR", "FAR"]
    answer = post(client, world, "/words/skills", {"text": "pulling expresso"}, expect=200)
    assert answer["taxonomy"] == "esco"
    offered = [(offer["preferred"], offer["source"]) for offer in answer["offers"]]
    assert offered[0] == ("barista skills", "starter")
    assert ("brew coffee", "esco") in offered
    assert "ESCO classification" in answer["note"]


def test_a_bad_esco_file_leaves_the_taxonomy_as_it_was(world: World, database, tmp_path):
    (tmp_path / "skills_en.csv").write_text(ESCO_SKILLS + "KnowledgeSkillCompetence,http://example.org/s/4\n")
    with pytest.raises(RuleBroken, match=r"skills_en.csv, row \d+"), database.writing(world.operator) as session:
        taxonomy.load(session, [tmp_path / "skills_en.csv"], ConceptKind.SKILL, normalise)
    with database.reading(world.operator) as session:
        assert not taxonomy.is_loaded(session, ConceptKind.SKILL)
