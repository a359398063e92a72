"""The month's tables: who is counted when, what is hidden, what is not yet known, and what a folder proves."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from pathways.base import end_of_local_day
from pathways.disclosure import suppression
from pathways.disclosure.suppression import DisclosureRules
from pathways.exports import actions, cohort, queries
from pathways.exports.cohort import Head, Tally
from pathways.exports.journeys import Journey
from pathways.exports.months import Month
from pathways.exports.schemas import NewExport
from pathways.exports.tables import COHORT
from pathways.programmes.models import Programme
from pathways.programmes.schemas import NewProgramme
from tests.world import World

MONTH = Month(2026, 9)
FILES = {
    "adjustments.csv",
    "breakdowns.csv",
    "chart-conversion.svg",
    "chart-progression.svg",
    "cohort.csv",
    "csv-metadata.json",
    "datapackage.json",
    "manifest.json",
    "medians.csv",
    "progression.csv",
    "stages.csv",
    "summary.html",
    "tables.xlsx",
}


def journeys(world: World, as_of: date, until: date = MONTH.last_day) -> list[dict[str, date]]:
    with world.database.reading() as session:
        at = end_of_local_day(as_of)
        programmes = queries.programmes_of(session, world.organisations["fund"], at)
        return [dict(j.reached_on) for j in queries.journeys(session, programmes, at, until)]


def tables_of(reached: list[Journey], smallest: int, base: int = 1, whole: int = 1):
    """The cohort and the progression table of some journeys."""
    tally = Tally(MONTH).count(reached)
    decision = suppression.protect(tally.figures(), DisclosureRules(smallest, base, whole))
    head = Head(MONTH, MONTH.last_day, 1)
    return list(cohort.cohort_rows(tally, decision, head)), list(cohort.progression_rows(tally, decision, head))


def day(text: str) -> date:
    return date.fromisoformat(text)


def test_a_person_counts_from_the_first_referral_that_led_to_the_enrolment(world: World):
    first = world.refer(day=day("2026-07-02"), referred_on=day("2026-07-01"), ref="A")
    world.accept(first, day("2026-07-03"))
    world.enrol(first, day("2026-09-05"))
    assert journeys(world, day("2026-09-30")) == [{"referred": day("2026-07-01"), "started": day("2026-09-05")}]


def test_a_second_referral_during_an_enrolment_opens_no_cohort_and_one_after_it_does(world: World, client):
    person, enrolment = world.supported(day=day("2026-07-02"), referred_on=day("2026-07-01"))
    again = {"source_type": "SELF", "referred_on": "2026-08-01", "given_name": "Amina", "jobseeker_id": str(person)}
    assert client.post("/api/v1/referrals", headers=world.key("manager"), json=again).status_code == 201
    today = date.today()
    assert len(journeys(world, today)) == 1
    ending = {"ended_on": "2026-08-20", "end_reason": "completed"}
    client.post(f"/api/v1/enrolments/{enrolment}/end", headers=world.key("manager"), json=ending)
    later = {"source_type": "SELF", "referred_on": "2026-09-10", "given_name": "Amina", "jobseeker_id": str(person)}
    client.post("/api/v1/referrals", headers=world.key("manager"), json=later)
    assert sorted(j["referred"] for j in journeys(world, today)) == [day("2026-07-01"), day("2026-09-10")]


def test_a_correction_counts_from_the_day_it_was_known(world: World):
    referral = world.refer(day=day("2026-09-02"), referred_on=day("2026-09-01"))
    world.accept(referral, day("2026-09-03"))
    enrolment = world.enrol(referral, day("2026-09-10"))
    from pathways.enrolments import actions as enrolment_actions
    from pathways.enrolments.models import Enrolment
    from pathways.enrolments.schemas import EnrolmentChange

    actor = world.on("manager", day("2026-09-20"))
    with world.database.writing(actor) as session:
        row = session.get_one(Enrolment, enrolment)
        enrolment_actions.correct_start(session, actor, row, EnrolmentChange(started_on=day("2026-09-04")))
    started = [journeys(world, day(known))[0]["started"] for known in ("2026-09-19", "2026-09-20")]
    assert started == [day("2026-09-10"), day("2026-09-04")]


def test_a_voided_record_leaves_the_figures_from_the_day_it_was_voided(world: World, client):
    person, _ = world.supported(day=day("2026-09-02"), referred_on=day("2026-09-01"))
    client.post(f"/api/v1/jobseekers/{person}/void", headers=world.key("manager"), json={"reason": "A mistake."})
    yesterday = date.today() - timedelta(days=1)
    assert (len(journeys(world, yesterday)), len(journeys(world, date.today()))) == (1, 0)


def test_a_programme_made_later_does_not_change_what_was_known_before(world: World):
    world.refer(day=day("2026-09-02"), referred_on=day("2026-09-01"))
    before = journeys(world, day("2026-09-30"))
    from pathways.programmes import actions as programme_actions

    operator = world.on("operator")
    with world.database.writing(operator) as session:
        new = NewProgramme(
            commissioner_id=world.organisations["fund"],
            partner_id=world.organisations["partner"],
            name="A second one",
            starts_on=day("2026-01-01"),
        )
        assert isinstance(programme_actions.make(session, operator, new), Programme)
    assert journeys(world, day("2026-09-30")) == before == [{"referred": day("2026-09-01")}]


def test_somebody_who_closed_without_an_enrolment_has_left(world: World, client):
    referral = world.refer(day=day("2026-09-02"), referred_on=day("2026-09-01"))
    world.accept(referral, day("2026-09-03"))
    closing = {"closed_on": "2026-09-15", "end_reason": "withdrew", "reason": "Did not want support."}
    client.post(f"/api/v1/jobseekers/{referral.jobseeker_id}/close", headers=world.key("manager"), json=closing)
    assert journeys(world, date.today()) == [{"referred": day("2026-09-01"), "left": day("2026-09-15")}]


def people(*days: str) -> list[Journey]:
    return [Journey({"referred": day("2026-08-03"), "started": day(d)}) for d in days]


def test_small_counts_are_hidden_rates_on_them_too_and_months_to_come_are_blank():
    reached = people(*["2026-08-10"] * 6, *["2026-09-10"] * 3)
    rows = {(r[3], r[4], r[5], r[6]): r[7:] for r in tables_of(reached, smallest=5)[0]}
    assert rows["referral", "2026-08", "0", "referred"] == ("9", "")
    assert rows["referral", "2026-08", "0", "started"] == ("6", "")
    assert rows["referral", "2026-08", "0", "started_share"] == ("0.67", "")
    assert rows["referral", "2026-08", "1", "started_share"] == ("1.00", "")
    assert rows["referral", "2026-08", "0", "in_work"] == ("0", "")
    # Of the three who started in September none works yet. Who knew that nobody of all does would know it of them.
    assert rows["referral", "2026-08", "1", "in_work"] == rows["start", "2026-09", "0", "in_work"] == ("", "[c]")
    assert rows["referral", "2026-08", "2", "started"] == ("", "[x]")
    assert rows["start", "2026-09", "0", "started"] == ("", "[c]")
    assert rows["start", "2026-09", "0", "started_share"] == ("", "[c]")
    assert {status for _, status in rows.values()} == {"", "[c]", "[x]"}


def test_published_figures_are_rounded_and_a_share_is_of_rounded_ones():
    reached = people(*["2026-08-10"] * 16, *["2026-09-10"] * 7)
    rows = {(r[3], r[4], r[5], r[6]): r[7:] for r in tables_of(reached, smallest=5, base=5, whole=20)[0]}
    assert rows["referral", "2026-08", "0", "referred"] == ("25", "")  # 23
    assert rows["referral", "2026-08", "0", "started"] == ("15", "")  # 16
    assert rows["referral", "2026-08", "0", "started_share"] == ("0.60", "")  # 15 of 25
    assert rows["start", "2026-09", "0", "started"] == ("5", "")  # 7
    assert rows["start", "2026-09", "0", "started_share"] == ("", "[c]")  # a whole of 5 makes no share


def test_the_progression_table_counts_each_person_once_at_each_end():
    reached = [*people(*["2026-09-10"] * 7), Journey({"referred": day("2026-09-02")})]
    rows = {r[3:6]: r[6:] for r in tables_of(reached, smallest=1)[1]}
    assert rows["at_start", "referred", ""] == ("7", "")
    assert rows["at_end", "", "started"] == ("7", "")
    assert rows["at_end", "", "referred"] == ("1", "")
    assert rows["moved", "referred", "started"] == ("7", "")
    assert rows["moved", "not_referred", "referred"] == ("1", "")


@pytest.mark.parametrize("fault", ["changed", "missing", "added", "no manifest"])
def test_a_delivered_folder_is_proved_and_a_changed_one_is_found(world: World, tmp_path, fault: str):
    world.supported(day=day("2026-09-02"), referred_on=day("2026-09-01"))
    actor = world.on("commissioner")
    made = actions.make(world.database, actor, NewExport(month="2026-09"))
    again = actions.make(world.database, actor, NewExport(month="2026-09"))
    with world.database.reading(actor) as session:
        folder = Path(actions.deliver(session, actor, made, str(tmp_path)))
    assert (again.id, folder.name) == (made.id, "outcomes_skills-fund_2026-09_v1")
    assert {path.name for path in folder.iterdir()} == FILES
    assert actions.verify_folder(folder) == []
    if fault == "changed":
        (folder / "cohort.csv").write_bytes(b"report_period\r\n")
    elif fault == "missing":
        (folder / "cohort.csv").unlink()
    elif fault == "added":
        (folder / "more.csv").write_bytes(b"")
    else:
        (folder / "manifest.json").write_text("{")
    assert len(actions.verify_folder(folder)) == 1


def test_a_new_fact_makes_a_new_version_and_the_old_one_stays(world: World, client):
    headers = world.key("commissioner")
    world.refer(day=day("2026-09-02"), referred_on=day("2026-09-01"), ref="A")
    first = client.post("/api/v1/exports", headers=headers, json={"month": "2026-09"}).json()
    for number in range(6):
        world.refer(referred_on=day("2026-09-03"), ref=f"B{number}")
    second = client.post("/api/v1/exports", headers=headers, json={"month": "2026-09"}).json()
    assert (first["version"], second["version"]) == (1, 2)
    bodies = [
        client.get(f"/api/v1/exports/{one['id']}/files/cohort.csv", headers=headers).content for one in (first, second)
    ]
    assert bodies[0] != bodies[1]
    assert client.get(f"/api/v1/exports/{first['id']}", headers=world.key("other_commissioner")).status_code == 404


def test_an_empty_month_is_an_empty_table_and_not_an_error(world: World, client):
    made = client.post("/api/v1/exports", headers=world.key("commissioner"), json={"month": "2026-09"}).json()
    body = client.get(
        f"/api/v1/exports/{made['id']}/files/cohort.csv", headers=world.key("commissioner")
    ).content.decode()
    assert body.split("\r\n") == [",".join(COHORT.header), ""]
