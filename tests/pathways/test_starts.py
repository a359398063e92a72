"""A start makes the spell of work and its check-ins, asks what it must, and is undone together with its spell."""

import ast
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update

from pathways import consistency
from pathways.introductions.models import Introduction, IntroductionMove
from pathways.introductions.start_questions import INCLUDED
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.jobseekers.profile import write_profile
from pathways.jobseekers.schemas import NewProfile
from pathways.placements.models import MUST_PAY, DbsLevel, PlacementKind
from pathways.progression.models import Spell, SpellState, SpellVersion
from pathways.reference import tables
from pathways.reference.vocabularies import labels_of
from tests.work import evidence
from tests.world import World

pytestmark = pytest.mark.any_database

TODAY = date.today()
ROOT = Path(__file__).parents[2]
BEGAN = TODAY - timedelta(days=20)
ASKING = [level for level in DbsLevel if level is not DbsLevel.NONE]
LATER = TODAY + timedelta(days=10)


class Case:
    """A jobseeker who accepted a place, and who is enrolled unless ``is_enrolled`` is false."""

    def __init__(self, client: Any, world: World, *, is_enrolled: bool = True, earliest: date | None = None) -> None:
        self.client, self.world, self.is_enrolled, self.earliest = client, world, is_enrolled, earliest

    def accepted(self, **placement: Any) -> "Case":
        world = self.world
        self.placement = world.list_placement(day=BEGAN, **placement)
        referral = world.refer(day=BEGAN, referred_on=BEGAN)
        world.accept(referral, BEGAN)
        self.enrolment = world.enrol(referral, BEGAN) if self.is_enrolled else None
        self.jobseeker = referral.jobseeker_id
        if self.earliest is not None:
            self.know(earliest_start_on=self.earliest)
        self.permit("identity", "work")
        about = {"jobseeker_id": str(self.jobseeker), "placement_id": str(self.placement)}
        self.id = self.post("caseworker", "/introductions", **about)["id"]
        self.made_on(BEGAN - timedelta(days=10))
        self.path = f"/introductions/{self.id}"
        for who, step in (
            ("caseworker", "agree"),
            ("caseworker", "send"),
            ("lister", "offer"),
            ("caseworker", "accept"),
        ):
            self.post(who, f"{self.path}/{step}")
        return self

    def made_on(self, day: date) -> None:
        """Let the introduction have been made on an earlier day, so that the work can have begun before today."""
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        with self.world.database.writing(self.world.operator) as session:
            session.execute(update(Introduction).where(Introduction.id == UUID(self.id)).values(made_at=at))

    def know(self, **profile: Any) -> None:
        actor = self.world.on("caseworker")
        with self.world.database.writing(actor) as session:
            person = session.get_one(Jobseeker, self.jobseeker)
            current = jobseeker_queries.profile(session, person)
            number = current.number if current else 0
            write_profile(session, actor, person, NewProfile(**profile), on_number=number)

    def permit(self, *groups: str) -> None:
        self.world.permit(self.jobseeker, *groups)

    def post(self, who: str, path: str, expect: int = 0, key: str = "", **body: Any) -> Any:
        headers = self.world.key(who) | ({"Idempotency-Key": key} if key else {})
        answer = self.client.post(f"/api/v1{path}", headers=headers, json=body)
        assert answer.status_code == expect if expect else answer.is_success, (path, answer.status_code, answer.text)
        return answer.json()

    def get(self, who: str, path: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers=self.world.key(who)).json()

    def start(self, who: str = "caseworker", on: date = TODAY, **more: Any) -> Any:
        return self.post(who, f"{self.path}/start", **{"started_on": on.isoformat(), **more})

    def spells(self) -> list[Any]:
        return [
            s for s in self.get("caseworker", f"/spells?jobseeker={self.jobseeker}")["items"] if s["state"] != "voided"
        ]

    def spell_body(self, **changes: Any) -> dict[str, Any]:
        return {
            "enrolment_id": str(self.enrolment),
            "introduction_id": self.id,
            "kind": "JOB_OPEN",
            "title": "Cafe Assistant",
            "started_on": TODAY.isoformat(),
            **changes,
        }

    def is_coherent(self) -> bool:
        with self.world.database.reading() as session:
            return consistency.faults(session) == []


@pytest.fixture
def case(client, world: World) -> Case:
    return Case(client, world)


# ---------------------------------------------------------------------------------------------- the spell of a start


@pytest.mark.parametrize("kind", sorted(PlacementKind))
@pytest.mark.parametrize("who", ["caseworker", "manager", "lister"])
def test_a_start_of_each_kind_of_work_by_each_side_makes_the_spell_of_its_listing(case: Case, who: str, kind: str):
    pay = "14.00" if kind in MUST_PAY else None
    legal = {"title": "Cafe Assistant"} | ({"ends_on": LATER} if kind not in MUST_PAY else {})
    case.accepted(kind=kind, pay_per_hour_pounds=pay, hours_per_week=8, **legal)
    told = case.start(who)
    (spell,) = case.spells()
    assert (spell["introduction_id"], spell["enrolment_id"], spell["state"]) == (
        case.id,
        str(case.enrolment),
        "running",
    )
    assert (spell["kind"], spell["title"], spell["started_on"]) == (kind, "Cafe Assistant", TODAY.isoformat())
    assert spell["pay_per_hour_pounds"] == (14.0 if pay else None)
    assert spell["planned_end_on"] == (LATER.isoformat() if kind not in MUST_PAY else None)
    assert spell["employer"] == case.get("caseworker", case.path)["social_enterprise"]
    assert (told["state"], told["spell_id"]) == ("started", None if who == "lister" else spell["id"])
    assert told["no_spell"] is None
    assert case.is_coherent()


def test_every_check_in_of_the_dated_schedule_becomes_due_by_a_start_alone(case: Case):
    case.accepted()
    case.start("lister", BEGAN)
    lines = case.get("caseworker", f"/jobseekers/{case.jobseeker}/check-ins")["items"]
    steps = {row["step"]: int(row["offset_days"]) for row in tables.rows("check_ins")}
    assert {line["step"]: line["due_on"] for line in lines} == {
        step: (BEGAN + timedelta(days=days)).isoformat() for step, days in steps.items()
    }
    counts = case.get("caseworker", "/worklist")["counts"]
    assert counts["check_in_due"] + counts["check_in_overdue"] > 0


def test_without_an_enrolment_the_start_is_recorded_and_the_reply_says_what_to_do(client, world: World):
    case = Case(client, world, is_enrolled=False).accepted()
    told = case.start()
    assert (told["state"], told["spell_id"], case.spells()) == ("started", None, [])
    assert "no open enrolment" in told["no_spell"]
    assert "Enrol the jobseeker" in told["no_spell"]
    seen = case.get("lister", case.path)
    assert (seen["state"], "no_spell" in seen) == ("started", False)


def test_without_an_enrolment_a_social_enterprise_is_not_told_so(client, world: World):
    case = Case(client, world, is_enrolled=False).accepted()
    told = case.start("lister")
    assert (told["state"], told["spell_id"], told["no_spell"]) == ("started", None, None)
    assert {"spell_id", "no_spell"} <= set(told["withheld"])
    assert "enrol" not in str({key: value for key, value in told.items() if key != "withheld"})


def test_a_start_before_the_enrolment_is_recorded_and_makes_no_spell(case: Case):
    case.accepted()
    told = case.start(on=BEGAN - timedelta(days=3))
    assert (told["state"], told["spell_id"], case.spells()) == ("started", None, [])
    assert "before the enrolment" in told["no_spell"]


def test_a_refused_start_makes_no_spell(case: Case):
    case.accepted()
    case.post("caseworker", f"{case.path}/start", expect=409, started_on=LATER.isoformat())
    assert case.spells() == []
    assert case.get("caseworker", case.path)["state"] == "accepted"


# ------------------------------------------------------------------------------------------------- no second spell


def test_a_repeated_start_makes_one_spell_and_gives_the_same_reply(case: Case):
    case.accepted()
    first, again = (case.start(key="the-same-key") for _ in range(2))
    assert first == again
    assert len(case.spells()) == 1
    case.post("caseworker", f"{case.path}/start", expect=409, started_on=TODAY.isoformat())
    assert len(case.spells()) == 1


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"title": "Kitchen Assistant"},
        {"kind": "JOB_ILM"},
        {"employer": "The cafe in the park"},
        {"pay_per_hour_pounds": 15.5},
        {"is_own_supply_chain": True},
        {"planned_end_on": LATER.isoformat()},
    ],
    ids=str,
)
def test_a_spell_posted_after_the_start_corrects_the_spell_of_the_start(case: Case, change: dict[str, Any]):
    case.accepted()
    made = case.start()["spell_id"]
    before = case.spells()[0]
    posted = case.post("caseworker", "/spells", **case.spell_body(**change))
    (spell,) = case.spells()
    assert posted["id"] == spell["id"] == made
    assert {name: spell[name] for name in before if name not in {"version", *change}} == {
        name: value for name, value in before.items() if name not in {"version", *change}
    }
    assert all(spell[name] == value for name, value in change.items())
    again = case.post("caseworker", "/spells", **case.spell_body(**change))
    assert (again["id"], again["version"]) == (made, spell["version"])  # the same is said again


@pytest.mark.parametrize("what", ["another day", "corrected", "hours", "evidence"])
def test_a_spell_that_differs_from_what_is_recorded_is_refused_and_named(client, case: Case, what: str):
    case.accepted()
    spell = case.start(on=BEGAN)["spell_id"]
    body = case.spell_body(started_on=BEGAN.isoformat(), title="Gardener")
    if what == "another day":
        body["started_on"] = TODAY.isoformat()
    elif what == "corrected":
        case.post("caseworker", "/spells", **case.spell_body(started_on=BEGAN.isoformat(), title="Cook"))
    elif what == "hours":
        case.post("caseworker", f"/spells/{spell}/hours", week_from=BEGAN.isoformat(), hours=8)
    else:
        evidence(client, case.world, spell, BEGAN, TODAY, is_checked=False)
    refused = case.post("caseworker", "/spells", expect=409, **body)
    assert (refused["type"], refused["spell_id"]) == ("/problems/spell-recorded-already", spell)
    assert len(case.spells()) == 1
    case.post("caseworker", "/spells", **body, is_another=True)
    assert len(case.spells()) == 2


def test_after_the_spell_of_a_start_is_voided_another_can_be_recorded(case: Case):
    case.accepted()
    case.post("caseworker", f"/spells/{case.start()['spell_id']}/void", reason="Other work.")
    made = case.post("caseworker", "/spells", **case.spell_body(title="Cook"))
    assert [spell["id"] for spell in case.spells()] == [made["id"]]


def test_of_a_start_and_spells_at_once_one_running_spell_remains(case: Case):
    case.accepted()
    key = case.world.key("caseworker")
    start = ("start", f"/api/v1{case.path}/start", {"started_on": TODAY.isoformat()})
    spell = ("spell", "/api/v1/spells", case.spell_body())

    def send(one: tuple[str, str, dict[str, Any]]) -> tuple[str, int]:
        return one[0], case.client.post(one[1], headers=key, json=one[2]).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(send, [start, spell, start, spell]))
    assert sorted(status for name, status in answers if name == "start") == [200, 409]
    assert {status for name, status in answers if name == "spell"} <= {201, 409}
    assert len(case.spells()) == 1
    assert case.is_coherent()


# ---------------------------------------------------------------------------------------------------- what is asked


def check(level: str, seen_on: date = TODAY) -> dict[str, str]:
    return {"level": level, "seen_on": seen_on.isoformat(), "seen_by": "the manager of the cafe"}


def moves(world: World) -> Any:
    with world.database.reading() as session:
        return session.scalars(select(IntroductionMove).where(IntroductionMove.event == "start")).one()


@pytest.mark.parametrize("who", ["caseworker", "lister"])
@pytest.mark.parametrize("level", ASKING)
def test_each_level_of_dbs_check_asks_each_side_and_the_answer_is_stored(case: Case, who: str, level: DbsLevel):
    case.accepted(title="Teacher and care assistant", dbs_level=level, legal_basis="Regulated activity")
    asked = case.post(who, f"{case.path}/start", expect=409, started_on=TODAY.isoformat())
    assert asked["type"] == "/problems/start-needs-answers"
    assert [one["pointer"] for one in asked["errors"]] == ["/dbs_check"]
    assert labels_of("dbs-levels")[level].partition(" with ")[2] in asked["detail"]
    assert "DBS check" in asked["detail"]
    assert level.value not in asked["detail"].split()
    assert (case.get("caseworker", case.path)["state"], case.spells()) == ("accepted", [])
    case.start(who, dbs_check=check(level))
    move = moves(case.world)
    assert (move.dbs_level, move.dbs_seen_on, move.dbs_seen_by) == (level, TODAY, "the manager of the cafe")
    assert move.by == case.world.actors[who].user_id
    assert len(case.spells()) == 1


@pytest.mark.parametrize("needed", ASKING)
def test_a_certificate_must_include_the_level_that_is_needed(client, world: World, needed: DbsLevel):
    case = Case(client, world).accepted(title="Care assistant", dbs_level=needed, legal_basis="Regulated activity")
    low = [level for level in DbsLevel if needed not in INCLUDED[level]]
    for level in low:
        refused = case.post(
            "caseworker", f"{case.path}/start", expect=409, started_on=str(TODAY), dbs_check=check(level)
        )
        assert refused["errors"][0]["pointer"] == "/dbs_check/level"
    assert DbsLevel.NONE in low
    case.start(dbs_check=check("ENHANCED_BL_BOTH"))


def test_each_level_includes_itself_and_what_those_below_it_include():
    for level, included in INCLUDED.items():
        assert level in included
        assert all(INCLUDED[lower] <= included for lower in included)
    assert DbsLevel.ENHANCED_BL_ADULT not in INCLUDED[DbsLevel.ENHANCED_BL_CHILD]
    assert DbsLevel.ENHANCED_BL_CHILD not in INCLUDED[DbsLevel.ENHANCED_BL_ADULT]


def test_a_certificate_cannot_have_been_seen_on_a_day_that_has_not_come(case: Case):
    case.accepted(dbs_level="BASIC")
    answer = check("BASIC", TODAY + timedelta(days=1))
    refused = case.post("caseworker", f"{case.path}/start", expect=409, started_on=str(TODAY), dbs_check=answer)
    assert refused["errors"][0]["pointer"] == "/dbs_check/seen_on"


@pytest.mark.parametrize("level", [None, "NONE"])
@pytest.mark.parametrize("earliest", [None, BEGAN, TODAY])
@pytest.mark.parametrize("who", ["caseworker", "lister"])
def test_nothing_is_asked_where_nothing_is_needed(client, world: World, who: str, earliest: date | None, level: Any):
    case = Case(client, world, earliest=earliest).accepted(dbs_level=level)
    assert case.start(who)["state"] == "started"
    move = moves(world)
    assert (move.dbs_level, move.earlier_start_agreed) == (None, None)


@pytest.mark.parametrize("groups", [("identity",), ("contact",), ("identity", "work")], ids=str)
@pytest.mark.parametrize("who", ["caseworker", "lister"])
@pytest.mark.parametrize("days", [1, 10, 400])
def test_a_first_day_before_the_earliest_start_asks_without_saying_that_day(
    client, world: World, who: str, groups: tuple[str, ...], days: int
):
    earliest = TODAY + timedelta(days=days)
    case = Case(client, world, earliest=earliest).accepted()
    case.permit(*groups)
    answer = client.post(f"/api/v1{case.path}/start", headers=world.key(who), json={"started_on": str(TODAY)})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/start-needs-answers")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["/earlier_start_agreed"]
    assert earliest.isoformat() not in answer.text
    assert ("profile" in answer.text) == (who == "caseworker")
    assert case.spells() == []
    told = client.post(
        f"/api/v1{case.path}/start",
        headers=world.key(who),
        json={"started_on": str(TODAY), "earlier_start_agreed": True},
    )
    assert told.status_code == 200
    assert (earliest.isoformat() in told.text) == (who == "caseworker" or "work" in groups)
    assert moves(world).earlier_start_agreed is True


def test_two_questions_are_asked_at_once(client, world: World):
    case = Case(client, world, earliest=LATER).accepted(dbs_level="BASIC")
    asked = case.post("caseworker", f"{case.path}/start", expect=409, started_on=str(TODAY))
    assert [one["pointer"] for one in asked["errors"]] == ["/dbs_check", "/earlier_start_agreed"]
    case.start(dbs_check=check("BASIC"), earlier_start_agreed=True)


def test_who_may_take_no_step_is_asked_nothing(client, world: World):
    case = Case(client, world, earliest=LATER).accepted(dbs_level="BASIC")
    permission = case.get("caseworker", f"/jobseekers/{case.jobseeker}/permissions")["items"][0]["id"]
    revoked = f"/jobseekers/{case.jobseeker}/permissions/{permission}/revoke"
    case.post("caseworker", revoked, reason="The jobseeker asked us to.")
    refused = case.post("lister", f"{case.path}/start", expect=403, started_on=str(TODAY))
    assert refused["type"] == "/problems/not-your-move"


def test_the_answers_are_in_the_copy_that_a_jobseeker_receives(case: Case):
    case.accepted(dbs_level="BASIC")
    case.start(dbs_check=check("BASIC"))
    copy = case.client.get(f"/api/v1/jobseekers/{case.jobseeker}/extract", headers=case.world.key("manager")).text
    assert '"dbs_seen_by":"the manager of the cafe"' in copy.replace('": "', '":"')


# ------------------------------------------------------------------------------------------------------- undoing it


def states(world: World, jobseeker: UUID) -> list[SpellState]:
    with world.database.reading() as session:
        return list(session.scalars(select(Spell.state).where(Spell.jobseeker_id == jobseeker).order_by(Spell.id)))


@pytest.mark.parametrize("also", ["nothing", "hours", "corrected", "a further spell"])
def test_withdrawing_a_start_voids_its_spells(case: Case, also: str):
    case.accepted()
    spell = case.start(on=BEGAN)["spell_id"]
    if also == "hours":
        case.post("caseworker", f"/spells/{spell}/hours", week_from=BEGAN.isoformat(), hours=8)
    elif also == "corrected":
        case.post("caseworker", "/spells", **case.spell_body(started_on=BEGAN.isoformat(), title="Cook"))
    elif also == "a further spell":
        case.post("caseworker", "/spells", **case.spell_body(), is_another=True)
    told = case.post("caseworker", f"{case.path}/withdraw", why="mistake", said_by="partner", reason="Another person.")
    assert told["state"] == "withdrawn"
    assert set(states(case.world, case.jobseeker)) == {SpellState.VOIDED}
    counts = case.get("caseworker", "/worklist")["counts"]
    assert counts.get("check_in_due", 0) + counts.get("check_in_overdue", 0) == 0
    assert case.is_coherent()


@pytest.mark.parametrize("is_checked", [True, False])
def test_a_start_on_whose_work_evidence_rests_is_not_withdrawn(client, case: Case, *, is_checked: bool):
    case.accepted()
    spell = case.start(on=BEGAN)["spell_id"]
    evidence(client, case.world, spell, BEGAN, TODAY, is_checked=is_checked)
    refused = case.post("caseworker", f"{case.path}/withdraw", expect=409, why="mistake", said_by="partner")
    assert (refused["type"], refused["spell_id"]) == ("/problems/start-is-evidenced", spell)
    assert states(case.world, case.jobseeker) == [SpellState.RUNNING]
    assert case.get("caseworker", case.path)["state"] == "started"
    case.post("caseworker", f"/spells/{spell}/void", reason="Another person.")
    case.post("caseworker", f"{case.path}/withdraw", why="mistake", said_by="partner")
    assert case.is_coherent()


def test_a_start_that_was_withdrawn_and_made_again_has_one_new_spell(case: Case):
    case.accepted()
    first = case.start(on=BEGAN)["spell_id"]
    case.post("caseworker", f"{case.path}/withdraw", why="mistake", said_by="partner")
    for who, step in (("caseworker", "reconsider"), ("lister", "offer"), ("caseworker", "accept")):
        case.post(who, f"{case.path}/{step}")
    second = case.start()["spell_id"]
    assert second != first
    assert states(case.world, case.jobseeker) == [SpellState.VOIDED, SpellState.RUNNING]


def test_an_open_introduction_is_withdrawn_as_before(case: Case):
    case.accepted()
    assert case.post("caseworker", f"{case.path}/withdraw", why="other")["state"] == "withdrawn"
    refused = case.post("lister", f"{case.path}/withdraw", expect=403, why="other")
    assert refused["type"] == "/problems/not-your-move"


def test_the_end_of_the_spell_ends_the_introduction_and_frees_the_place(case: Case):
    case.accepted(places=1)
    spell = case.start()["spell_id"]
    case.post("caseworker", f"/spells/{spell}/end", ended_on=TODAY.isoformat(), end_reason="completed")
    assert case.get("caseworker", case.path)["state"] == "ended"
    assert case.get("lister", f"/placements/{case.placement}")["places_left"] == 1
    assert case.is_coherent()


def test_voiding_the_record_voids_the_spell_of_its_start(case: Case):
    case.accepted()
    case.start()
    case.post("manager", f"/jobseekers/{case.jobseeker}/void", reason="A mistake.")
    assert states(case.world, case.jobseeker) == [SpellState.VOIDED]
    assert case.is_coherent()


def test_a_start_is_recorded_as_the_fact_of_whoever_recorded_it(case: Case):
    case.accepted()
    case.start("lister")
    with case.world.database.reading() as session:
        assert session.scalars(select(SpellVersion.by)).one() == case.world.actors["lister"].user_id
        assert session.scalar(select(func.count()).select_from(SpellVersion)) == 1


def test_nothing_but_the_room_of_starts_makes_the_move_to_started():
    users = {
        str(path.relative_to(ROOT / "pathways"))
        for path in (ROOT / "pathways").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, (ast.Attribute, ast.Name))
        and (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id) == "move"
        and any(isinstance(arg, ast.Attribute) and arg.attr == "START" for arg in node.args)
    }
    assert users == {"progression/starting.py"}
