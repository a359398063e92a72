"""Forty people, and what the month says of them, worked out by hand: as closed, and as it is known later and why.

April: 12 referred on the 6th, started on the 10th, of them 8 at work from 4 May, of those 6 for 13 weeks on 3 August.
July: 14 referred on the 6th, of them 11 started on the 20th, of those 6 at work from 17 August; one of the 11 left on
31 August. September: 14 referred on the 7th, of them 9 started on the 21st. That is forty people. One of April is
referred again in September while supported, which opens no cohort. Whoever left in August is referred again on
14 September and starts anew on the 28th, which does. One of September was recorded twice, on the 8th, by mistake.

September is closed as known on 5 October. After that: on the 8th it is learnt that two of July work since
1 September; on the 9th, that one of September started on 2 October only; on the 10th the two records of one person are
merged; on the 11th one of July that never started is voided; on the 12th one of April that never worked is erased; on
the 15th an outcome of April is recorded by another version of its rule, which is met on 3 September.
"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest

from pathways.app import HOLDINGS
from pathways.casefile import actions as casefile_actions
from pathways.casefile import merging
from pathways.disclosure.suppression import DisclosureRules, Suppression, rounded
from pathways.enrolments import actions as enrolment_actions
from pathways.enrolments.models import Enrolment
from pathways.enrolments.schemas import EnrolmentChange, EnrolmentEnding
from pathways.exports import actions, adjustments, cohort, releases
from pathways.exports.models import ExportState
from pathways.exports.schemas import NewExport
from pathways.jobseekers.models import Jobseeker
from pathways.placements.models import PlacementKind
from pathways.progression import actions as progression_actions
from pathways.progression import outcomes
from pathways.progression.models import Outcome
from pathways.progression.schemas import NewHours, NewSpell
from pathways.reference import outcome_rules
from tests.pathways.test_outcome_rules import RULE, file
from tests.world import World

CLOSED_ON, KNOWN_ON = date(2026, 10, 5), date(2026, 10, 31)
OPEN = DisclosureRules(1, 1, 1)  # nothing is small, nothing is rounded: what is counted itself


class Town:
    def __init__(self, world: World) -> None:
        self.world, self.database, self.number = world, world.database, 0

    def refer(self, day: date, **about: Any) -> Any:
        self.number += 1
        name = {"given_name": f"Person{self.number}", "family_name": f"Made{self.number:02}"}
        none = {"nino": None, "nhs_number": None, "email": None, "phone": None, "date_of_birth": None}
        born = {"date_of_birth": date(1990, 1, 1) + timedelta(days=97 * self.number)}
        return self.world.refer(day=day, referred_on=day, ref=f"R{self.number}", **{**none, **name, **born, **about})

    def start(self, referral: Any, day: date) -> UUID:
        self.world.accept(referral, day)
        return self.world.enrol(referral, day)

    def work(self, enrolment: UUID, since: date, known: date) -> UUID:
        actor = self.world.on("caseworker", known)
        with self.database.writing(actor) as session:
            new = NewSpell(enrolment_id=enrolment, kind=PlacementKind.JOB_OPEN, title="Cafe", started_on=since)
            spell = progression_actions.start(session, actor, new)
            progression_actions.record_hours(session, actor, spell, NewHours(week_from=since, hours=16))
            return spell.id

    def sustain(self, enrolment: UUID, met: date, known: date, version: str = "1") -> None:
        actor = self.world.on("caseworker", known)
        with self.database.writing(actor) as session:
            whose = session.get_one(Enrolment, enrolment)
            session.add(
                Outcome.recorded(
                    actor,
                    met,
                    partner_id=whose.partner_id,
                    jobseeker_id=whose.jobseeker_id,
                    enrolment_id=enrolment,
                    rule=RULE["rule"],
                    rule_version=version,
                    weeks_counted=13,
                    spell_ids=[],
                    evidence_ids=[],
                )
            )


@pytest.fixture
def town(world: World) -> Town:
    """The forty, as they were known on 5 October."""
    town = Town(world)
    vars(town).update(world.arranged("the forty", lambda: _the_forty(Town(world))))
    return town


def _the_forty(town: Town) -> dict[str, Any]:
    """Record the forty, and return what the town knows of them."""
    world = town.world
    with world.database.writing(world.operator) as session:
        rules = [RULE | {"weeks_required": 13, "window_weeks": 16, "version": version} for version in ("1", "2")]
        outcome_rules.load(session, world.operator, file(*rules))
    april = [town.refer(date(2026, 4, 6)) for _ in range(12)]
    town.april = [(one.jobseeker_id, town.start(one, date(2026, 4, 10))) for one in april]
    for _, enrolment in town.april[:8]:
        town.work(enrolment, date(2026, 5, 4), date(2026, 5, 5))
    for _, enrolment in town.april[:6]:
        town.sustain(enrolment, date(2026, 8, 3), date(2026, 8, 4))
    july = [town.refer(date(2026, 7, 6)) for _ in range(14)]
    town.july = [(one.jobseeker_id, town.start(one, date(2026, 7, 20))) for one in july[:11]]
    for _, enrolment in town.july[:6]:
        town.work(enrolment, date(2026, 8, 17), date(2026, 8, 18))
    town.never_started = july[13].jobseeker_id
    left, first = town.july[10]
    actor = world.on("manager", date(2026, 8, 31))
    with world.database.writing(actor) as session:
        ending = EnrolmentEnding(ended_on=date(2026, 8, 31), end_reason="completed")
        enrolment_actions.end(session, actor, session.get_one(Enrolment, first), ending)
    september = [town.refer(date(2026, 9, 7)) for _ in range(14)]
    town.september = [(one.jobseeker_id, town.start(one, date(2026, 9, 21))) for one in september[:9]]
    town.twice = september[13].jobseeker_id
    town.again = town.refer(date(2026, 9, 8)).jobseeker_id
    town.refer(date(2026, 9, 10), by="manager", source_type="SELF", jobseeker_id=town.april[0][0])
    back = town.refer(date(2026, 9, 14), by="manager", source_type="SELF", jobseeker_id=left)
    town.start(back, date(2026, 9, 28))
    return {name: value for name, value in vars(town).items() if name not in {"world", "database"}}


def learn_the_rest(town: Town) -> None:
    world, database = town.world, town.database
    for _, enrolment in town.july[6:8]:
        town.work(enrolment, date(2026, 9, 1), date(2026, 10, 8))
    actor = world.on("manager", date(2026, 10, 9))
    with database.writing(actor) as session:
        row = session.get_one(Enrolment, town.september[8][1])
        enrolment_actions.correct_start(session, actor, row, EnrolmentChange(started_on=date(2026, 10, 2)))
    actor = world.on("manager", date(2026, 10, 10))
    with database.writing(actor) as session:
        merging.merge(session, actor, HOLDINGS, town.twice, town.again, "One person.")
    actor = world.on("manager", date(2026, 10, 11))
    with database.writing(actor) as session:
        mistake = session.get_one(Jobseeker, town.never_started)
        casefile_actions.void(session, actor, HOLDINGS, mistake, "Nobody knows them.")
    with database.writing(None) as session:
        for holding in reversed(HOLDINGS):
            holding.erase(session, town.april[11][0])
    actor = world.on("caseworker", date(2026, 10, 15))
    with database.writing(actor) as session:
        whose = session.get_one(Enrolment, town.april[0][1])
        outcome = session.query(Outcome).filter(Outcome.enrolment_id == whose.id).one()
        outcomes.withdraw_outcome(session, actor, outcome, "By the new version.")
    town.sustain(town.april[0][1], date(2026, 9, 3), date(2026, 10, 15), version="2")


def counted(town: Town, month: str, on: date) -> Any:
    actor = town.world.on("commissioner", on)
    with town.database.reading(actor) as session:
        return actions.count(session, actor, NewExport(month=month))


def plain(town_counted: Any) -> tuple[dict, dict]:
    """The cohort and the progression table as they are counted."""
    tally = town_counted.tally
    decision = Suppression(tally.figures(), OPEN, {})
    head = cohort.Head(tally.month, town_counted.as_of, 1)
    cells = {r[3:7]: r[7] for r in cohort.cohort_rows(tally, decision, head) if not r[6].endswith("_share")}
    moves = {r[3:6]: r[6] for r in cohort.progression_rows(tally, decision, head)}
    return cells, moves


STAGES = ("referred", "started", "profiled", "introduced", "offered", "in_work", "sustained_13", "sustained_26", "left")


def cells_of(basis: str, month: str, size: int, upto: int, **reached: list[int]) -> dict:
    """Every cell of one cohort, of 25 elapsed months: what is not named is nought, what has not passed is blank."""
    stages = STAGES if basis == "referral" else STAGES[1:]
    told = {}
    for elapsed in range(25):
        for stage in stages:
            counts = [size] * 25 if stage == stages[0] else reached.get(stage, [])
            value = str(counts[elapsed] if elapsed < len(counts) else 0) if elapsed <= upto else ""
            told[basis, month, str(elapsed), stage] = value
    return told


def nobody(*months: str) -> dict:
    """The rows of months in which nobody was referred or started: nought, as far as months have passed."""
    told = {}
    for month in months:
        upto = 9 - int(month[-2:])
        for basis in ("referral", "start"):
            told |= cells_of(basis, month, 0, upto)
    return told


NOBODY_IN = nobody("2026-05", "2026-06", "2026-08")


def test_september_as_it_was_closed(town: Town):
    cells, moves = plain(counted(town, "2026-09", CLOSED_ON))
    assert cells == NOBODY_IN | (
        # April is five months before September: in work from May, the first after it; 13 weeks from August, the fourth.
        cells_of(
            "referral", "2026-04", 12, 5, started=[12] * 6, in_work=[0, 8, 8, 8, 8, 8], sustained_13=[0, 0, 0, 0, 6, 6]
        )
        | cells_of("referral", "2026-07", 14, 2, started=[11] * 3, in_work=[0, 6, 6], left=[0, 1, 1])
        # 14, and whoever came again, and the record that was made twice; 9 started, and whoever came again.
        | cells_of("referral", "2026-09", 16, 0, started=[10])
        | cells_of("start", "2026-04", 12, 5, in_work=[0, 8, 8, 8, 8, 8], sustained_13=[0, 0, 0, 0, 6, 6])
        | cells_of("start", "2026-07", 11, 2, in_work=[0, 6, 6], left=[0, 1, 1])
        | cells_of("start", "2026-09", 10, 0)
    )
    # End of August: of April 4 started, 2 at work, 6 for 13 weeks; of July 3 waited, 4 started, 6 at work, 1 left.
    start = {"referred": 3, "started": 8, "in_work": 8, "sustained_13": 6, "left": 1}
    # In September 16 came, of whom 10 started.
    end = start | {"referred": 9, "started": 18}
    assert {stage: int(moves["at_start", stage, ""]) for stage in STAGES} == {
        stage: start.get(stage, 0) for stage in STAGES
    }
    assert {stage: int(moves["at_end", "", stage]) for stage in STAGES} == {
        stage: end.get(stage, 0) for stage in STAGES
    }
    moved = {key[1:]: int(value) for key, value in moves.items() if key[0] == "moved" and value != "0"}
    assert moved == {("not_referred", "referred"): 6, ("not_referred", "started"): 10}


def test_september_as_it_is_known_later(town: Town):
    learn_the_rest(town)
    cells, moves = plain(counted(town, "2026-09", KNOWN_ON))
    assert cells == NOBODY_IN | (
        cells_of(
            "referral", "2026-04", 11, 5, started=[11] * 6, in_work=[0, 8, 8, 8, 8, 8], sustained_13=[0, 0, 0, 0, 5, 6]
        )
        | cells_of("referral", "2026-07", 13, 2, started=[11] * 3, in_work=[0, 6, 8], left=[0, 1, 1])
        | cells_of("referral", "2026-09", 15, 0, started=[9])
        | cells_of("start", "2026-04", 11, 5, in_work=[0, 8, 8, 8, 8, 8], sustained_13=[0, 0, 0, 0, 5, 6])
        | cells_of("start", "2026-07", 11, 2, in_work=[0, 6, 8], left=[0, 1, 1])
        | cells_of("start", "2026-09", 9, 0)
    )
    start = {"referred": 2, "started": 7, "in_work": 9, "sustained_13": 5, "left": 1}
    # Two who were thought to be supported work since the 1st; one of April is for 13 weeks in work since the 3rd.
    end = {"referred": 2 + 15 - 9, "started": 7 + 9 - 2, "in_work": 9 + 2 - 1, "sustained_13": 6, "left": 1}
    assert {stage: int(moves["at_start", stage, ""]) for stage in STAGES} == {
        stage: start.get(stage, 0) for stage in STAGES
    }
    assert {stage: int(moves["at_end", "", stage]) for stage in STAGES} == {
        stage: end.get(stage, 0) for stage in STAGES
    }
    moved = {key[1:]: int(value) for key, value in moves.items() if key[0] == "moved" and value != "0"}
    assert moved == {
        ("not_referred", "referred"): 6,
        ("not_referred", "started"): 9,
        ("started", "in_work"): 2,
        ("in_work", "sustained_13"): 1,
    }


def close_september(town: Town) -> Any:
    actor = town.world.on("commissioner", CLOSED_ON)
    made = actions.make(town.database, actor, NewExport(month="2026-09"))
    with town.database.writing(actor) as session:
        return actions.freeze(session, actor, session.merge(made))


def test_what_is_known_otherwise_is_told_beside_what_was_first_reported_and_why(town: Town):
    """By the counts themselves: what is small would hide most of it."""
    september = counted(town, "2026-09", CLOSED_ON)
    first = Suppression(september.tally.figures(), OPEN, {})
    kept = releases.unpacked(releases.packed(first, {}, september.references))
    closed = [adjustments.Closed(september.tally.month, CLOSED_ON, kept)]
    learn_the_rest(town)
    october = counted(town, "2026-10", KNOWN_ON)
    with town.database.reading() as session:
        why = actions.reasons_since(session, october.programmes, "all", closed, KNOWN_ON, october.references, 1)
    decision = Suppression(october.tally.figures(), OPEN, {})
    head = cohort.Head(october.tally.month, KNOWN_ON, 1)
    rows = list(adjustments.adjustment_rows(closed, decision, head, why))
    assert {row[3] for row in rows} == {"2026-09"}
    cohorts = {(*row[5:8], row[9]): (row[10], row[12], row[14], row[15]) for row in rows if row[4] == "cohort"}
    erased = ("12", "11", "-1", "erasure")
    by_rule = ("6", "5", "-1", "rule_change")
    late = ("6", "8", "2", "late_evidence")
    assert cohorts == {
        ("referral", "2026-04", "", "referred"): erased,
        **{("referral", "2026-04", str(elapsed), "started"): erased for elapsed in range(6)},
        ("start", "2026-04", "", "started"): erased,
        ("referral", "2026-04", "4", "sustained_13"): by_rule,
        ("start", "2026-04", "4", "sustained_13"): by_rule,
        ("referral", "2026-07", "", "referred"): ("14", "13", "-1", "withdrawn"),
        ("referral", "2026-07", "2", "in_work"): late,
        ("start", "2026-07", "2", "in_work"): late,
        ("referral", "2026-09", "", "referred"): ("16", "15", "-1", "merge"),
        ("referral", "2026-09", "0", "started"): ("10", "9", "-1", "correction"),
        ("start", "2026-09", "", "started"): ("10", "9", "-1", "correction"),
    }
    levels = {(row[8], row[9]): (row[10], row[12], row[15]) for row in rows if row[4] == "progression"}
    assert levels == {
        ("2026-04-30", "started"): ("12", "11", "erasure"),
        ("2026-05-31", "started"): ("4", "3", "erasure"),
        ("2026-06-30", "started"): ("4", "3", "erasure"),
        ("2026-07-31", "referred"): ("3", "2", "withdrawn"),
        ("2026-07-31", "started"): ("15", "14", "erasure"),
        ("2026-08-31", "referred"): ("3", "2", "withdrawn"),
        ("2026-08-31", "started"): ("8", "7", "erasure"),
        ("2026-08-31", "in_work"): ("8", "9", "rule_change"),
        ("2026-08-31", "sustained_13"): ("6", "5", "rule_change"),
        ("2026-09-30", "referred"): ("9", "8", "correction;merge;withdrawn"),
        ("2026-09-30", "started"): ("18", "14", "correction;erasure;late_evidence"),
        ("2026-09-30", "in_work"): ("8", "10", "late_evidence"),
    }


def test_a_closed_month_is_never_rewritten_and_each_published_figure_is_the_counted_one(town: Town, client):
    frozen = close_september(town)
    assert frozen.state is ExportState.FROZEN
    cells, _ = plain(counted(town, "2026-09", CLOSED_ON))
    path = f"/api/v1/exports/{frozen.id}/files/cohort.csv"
    before = client.get(path, headers=town.world.key("commissioner")).content
    told = [line.split(",") for line in before.decode().split("\r\n")[1:-1]]
    shown = {tuple(row[3:7]): row[7:] for row in told if not row[6].endswith("_share")}
    assert shown.keys() == cells.keys()
    for place, (value, status) in shown.items():
        count = cells[place]
        if count == "":
            assert (value, status) == ("", "[x]"), place
        elif 0 < int(count) < 5:
            assert (value, status) == ("", "[c]"), place
        else:
            assert status == "[c]" or value == str(rounded(int(count), 5)), place
    assert sum(status == "" for _, status in shown.values()) > 150
    learn_the_rest(town)
    headers = town.world.key("commissioner")
    again = client.post("/api/v1/exports", headers=headers, json={"month": "2026-09"})
    assert (again.status_code, again.json()["id"], again.json()["state"]) == (201, str(frozen.id), "frozen")
    other = client.post("/api/v1/exports", headers=headers, json={"month": "2026-09", "as_of": "2026-10-20"})
    assert (other.status_code, other.json()["type"]) == (409, "/problems/month-frozen")
    assert client.get(path, headers=headers).content == before
    october = client.post("/api/v1/exports", headers=headers, json={"month": "2026-10", "as_of": "2026-10-31"}).json()
    body = client.get(f"/api/v1/exports/{october['id']}/files/adjustments.csv", headers=headers).text
    # Each change is of one or two people, which rounds to a step here and there and is never told with its reason.
    rows = [line.split(",") for line in body.split("\r\n")[1:-1]]
    assert rows
    assert {row[15] for row in rows} <= {"[c]", ""}
