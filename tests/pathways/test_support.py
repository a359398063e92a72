"""Check-ins, plans, barriers, distance travelled, the worklist and fidelity."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from pathways.introductions import actions as introduction_actions
from pathways.introductions.models import IntroductionEvent
from pathways.introductions.schemas import NewIntroduction
from pathways.messages.models import Notice, NoticeKind
from pathways.support.schedule import ScheduleState, ScheduleStep, answers, lines
from tests.work import TODAY, working
from tests.world import World

START = date(2026, 1, 5)
STEPS = [
    ScheduleStep("before", -7, 7),
    ScheduleStep("first_days", 3, 4),
    ScheduleStep("week_1", 7, 6),
    ScheduleStep("month_2", 61, 14),
]


def states(on: date, *, ended: date | None = None, **answered: date) -> list[str]:
    return [line.state.value for line in lines(STEPS, START, ended, answered, on)]


def test_a_line_is_due_from_its_day_and_overdue_after_its_window():
    assert states(START - timedelta(days=8)) == ["to_come"] * 4
    assert states(START - timedelta(days=7)) == ["due", "to_come", "to_come", "to_come"]
    # Due on Thursday 8 January, in time until Monday 12 January.
    assert states(date(2026, 1, 12), before=START)[1] == "due"
    assert states(date(2026, 1, 13), before=START)[1] == "overdue"
    assert states(date(2026, 1, 13), before=START, first_days=date(2026, 1, 12))[1] == "met"
    assert states(date(2026, 1, 20), before=START, first_days=date(2026, 1, 13))[1] == "late"


def test_what_falls_after_the_end_is_not_needed():
    assert states(date(2026, 6, 1), ended=date(2026, 1, 9))[2:] == [ScheduleState.NOT_NEEDED] * 2


def test_a_check_in_answers_the_last_line_that_had_come_once():
    assert answers(STEPS, START, date(2026, 1, 20), []) == "week_1"
    assert answers(STEPS, START, date(2026, 1, 20), ["week_1"]) is None
    assert answers(STEPS, START, START - timedelta(days=30), []) is None


@pytest.fixture
def read(client, world: World):
    def ask(who: str, path: str) -> Any:
        answer = client.get(f"/api/v1{path}", headers=world.key(who))
        assert answer.status_code == 200, (path, answer.text)
        return answer.json()

    return ask


def test_nobody_reached_is_unknown_and_leaves_the_check_in_due(client, world: World, call, read):
    _, spell = working(client, world, weeks=1)
    person = read("caseworker", f"/spells/{spell}")["jobseeker_id"]

    def state_of(step: str) -> str:
        return next(
            line["state"]
            for line in read("caseworker", f"/jobseekers/{person}/check-ins")["items"]
            if line["step"] == step
        )

    told = {"spell_id": spell, "on": TODAY.isoformat()}
    assert state_of("week_2") == "due"
    call("caseworker", "/check-ins", expect=409, **told, result="unknown", told_by="employer")
    call("caseworker", "/check-ins", **told, result="unknown", told_by="nobody")
    assert state_of("week_2") == "due"
    made = call("caseworker", "/check-ins", **told, result="in_work", told_by="jobseeker", note="She likes it.")
    assert (made["step"], state_of("week_2")) == ("week_2", "met")
    assert state_of("week_1") == "overdue"
    kinds = read("caseworker", "/worklist")["counts"]
    assert (kinds["check_in_due"], kinds["check_in_overdue"]) == (0, 1)  # the one before was never made


def test_work_at_risk_needs_a_path_back_and_is_told_at_once(client, world: World, call, read, database):
    _, spell = working(client, world, weeks=1)
    told = {"spell_id": spell, "on": TODAY.isoformat(), "result": "in_work", "told_by": "employer", "is_at_risk": True}
    wrong = call("caseworker", "/check-ins", expect=409, **told)
    assert wrong["errors"][0]["pointer"] == "/path_back"
    call("manager", "/check-ins", **told, path_back="talk_with_employer")
    with database.reading() as session:
        (notice,) = session.scalars(select(Notice).where(Notice.kind == NoticeKind.AT_RISK)).all()
        assert (notice.user_id, notice.is_urgent) == (world.actors["caseworker"].user_id, True)
    items = read("caseworker", "/worklist?kind=at_risk")["items"]
    assert [item["subject_id"] for item in items] == [spell]
    assert read("colleague", "/worklist?kind=at_risk&mine=true")["items"] == []
    call("caseworker", "/check-ins", spell_id=spell, on=TODAY.isoformat(), result="in_work", told_by="employer")
    assert read("caseworker", "/worklist?kind=at_risk")["items"] == []


def test_a_restricted_case_waits_in_nobody_elses_list(world: World, read):
    world.supported(day=TODAY - timedelta(days=25), referred_on=TODAY - timedelta(days=26), is_restricted=True)
    world.supported(
        ref="long",
        given_name="Wei",
        family_name="Zhang",
        **dict.fromkeys(("nino", "nhs_number", "phone", "email", "date_of_birth", "postcode")),
        day=TODAY - timedelta(days=29),
        referred_on=TODAY - timedelta(days=30),
    )
    seen = {name: len(read(name, "/worklist?kind=no_contact")["items"]) for name in ("caseworker", "colleague")}
    assert seen == {"caseworker": 1, "colleague": 1}
    seen = {name: len(read(name, "/worklist?kind=stalled")["items"]) for name in ("caseworker", "colleague")}
    assert seen == {"caseworker": 1, "colleague": 1}


def test_a_plan_is_made_reviewed_and_kept(client, world: World, call, read):
    person, enrolment = world.supported(day=TODAY - timedelta(days=29), referred_on=TODAY - timedelta(days=29))
    assert [w["subject_id"] for w in read("caseworker", "/worklist?kind=plan_to_make")["items"]] == [str(enrolment)]
    agreed = TODAY - timedelta(days=29)
    step = {"what": "Open a bank account.", "by": "jobseeker", "due_on": TODAY.isoformat()}
    plan = call("caseworker", f"/jobseekers/{person}/plans", agreed_on=agreed.isoformat(), steps=[step])
    assert plan["review_due_on"] == (agreed + timedelta(days=28)).isoformat()
    counts = read("caseworker", "/worklist")["counts"]
    assert (counts["plan_to_make"], counts["plan_to_review"]) == (0, 1)
    done = step | {"done_on": TODAY.isoformat()}
    again = call("caseworker", f"/jobseekers/{person}/plans", agreed_on=TODAY.isoformat(), steps=[done])
    assert again["number"] == 2
    assert [one["number"] for one in read("caseworker", f"/jobseekers/{person}/plans")["items"]] == [2]
    assert read("caseworker", "/worklist")["counts"]["plan_to_review"] == 0
    late = step | {"done_on": (TODAY + timedelta(days=1)).isoformat()}
    wrong = call("caseworker", f"/jobseekers/{person}/plans", expect=409, agreed_on=TODAY.isoformat(), steps=[late])
    assert wrong["errors"][0]["pointer"] == "/steps/0/done_on"


def test_barriers_open_and_close_and_a_second_of_a_kind_is_refused(world: World, call, read):
    person, _ = world.supported()
    made = call("caseworker", f"/jobseekers/{person}/barriers", kind="housing", opened_on=TODAY.isoformat())
    call("caseworker", f"/jobseekers/{person}/barriers", expect=409, kind="housing", opened_on=TODAY.isoformat())
    path = f"/jobseekers/{person}/barriers/{made['id']}/close"
    call("caseworker", path, expect=409, closed_on=(TODAY - timedelta(days=1)).isoformat())
    assert call("caseworker", path, closed_on=TODAY.isoformat())["closed_on"] == TODAY.isoformat()
    call("caseworker", f"/jobseekers/{person}/barriers", kind="housing", opened_on=TODAY.isoformat())
    assert len(read("caseworker", f"/jobseekers/{person}/barriers")["items"]) == 2


def test_distance_is_travelled_within_one_edition_of_one_scale(world: World, call, read):
    person, _ = world.supported()

    def score(points: float, days: int, edition: str = "2") -> dict[str, Any]:
        return call(
            "caseworker",
            f"/jobseekers/{person}/scores",
            tool="Work Star",
            edition=edition,
            scale="Stability",
            score=points,
            scored_on=(TODAY - timedelta(days=days)).isoformat(),
        )

    score(4, 60)
    assert score(7.5, 0)["change"] == 3.5
    assert score(2, 0, edition="1")["change"] == 0
    assert score(5, 60)["change"] == 0  # the first one, put right
    assert [
        one["change"] for one in read("caseworker", f"/jobseekers/{person}/scores")["items"] if one["edition"] == "2"
    ] == [2.5, 0]


def test_fidelity_is_computed_from_what_is_recorded(client, world: World, call, read):
    person, _ = world.supported(day=TODAY - timedelta(days=20), referred_on=TODAY - timedelta(days=20))
    for days, how in ((15, "phone"), (10, "face_to_face"), (5, "face_to_face")):
        on = (TODAY - timedelta(days=days)).isoformat()
        call("caseworker", f"/jobseekers/{person}/contacts", on=on, with_whom="employer", how=how, outcome="spoke")
    working(client, world, ref="w", given_name="Wei", family_name="Chen", weeks=2)
    told = {one["name"]: one for one in read("manager", "/fidelity")["measures"]}
    # Two people, three caseworkers' memberships of whom two are caseworkers: 2 / 2 = 1.
    assert (told["caseload_per_full_time_worker"]["value"], told["caseload_per_full_time_worker"]["band"]) == (1.0, 5)
    assert (told["days_to_first_employer_contact"]["value"], told["days_to_first_employer_contact"]["of"]) == (10.0, 1)
    assert (told["competitive_jobs"]["value"], told["competitive_jobs"]["of"]) == (100.0, 1)
    # Before the start, the first days and week 1 fell due and were not made; week 2 is due until its window is over.
    assert (told["follow_along_met"]["value"], told["follow_along_met"]["of"]) == (0.0, 4)
    assert told["job_types"]["is_verified"] is False
    assert client.get("/api/v1/fidelity", headers=world.key("caseworker")).status_code == 403
    for days, status in (
        ("since=8.4e-145", 422),
        ("since=2026-11-02&until=2026-11-01", 409),
        ("until=2999-01-01", 409),
    ):
        assert client.get(f"/api/v1/fidelity?{days}", headers=world.key("manager")).status_code == status, days


def test_a_proposal_that_was_agreed_to_and_never_sent_waits_for_its_caseworker(world: World, read, database):
    day = TODAY - timedelta(days=20)
    person, _ = world.supported(day=day, referred_on=day)
    placement, actor = world.list_placement(day=day), world.on("caseworker", day)
    with database.writing(actor) as session:
        new = NewIntroduction(jobseeker_id=person, placement_id=placement)
        made = introduction_actions.propose(session, actor, new)
        introduction_actions.move(session, actor, made, IntroductionEvent.AGREE)
    items = read("caseworker", "/worklist?kind=to_send&mine=true")["items"]
    assert [item["subject_id"] for item in items] == [str(made.id)]
