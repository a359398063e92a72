"""Pay, hours and days are possible, by every door; a figure that nobody verified judges nothing."""

from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
import time_machine
from sqlalchemy import select

from pathways.base import Nation, hours_into_local_day, utc_now
from pathways.placements import scheduled
from pathways.placements.models import MUST_PAY, Placement, PlacementKind, PlacementMove
from pathways.reference import outcome_rules, tables
from pathways.reference.pay import likely_meaning
from tests.pathways.test_files import send
from tests.work import evidence, working
from tests.world import World

pytestmark = pytest.mark.any_database

TODAY = date.today()
HEADER = "placement_ref,title,kind,pay_per_hour_pounds,hours_per_week,starts_on,closes_on,places\n"


def listed(client, world: World) -> dict[str, dict]:
    items = client.get("/api/v1/placements?limit=100", headers=world.key("lister")).json()["items"]
    return {item["ref"]: item for item in items}


def import_rows(client, world: World, *rows: str) -> dict:
    answer = send(client, world, (HEADER + "\n".join(rows)).encode(), who="lister", kind="placements")
    return answer.json()["report"]


def draft(client, world: World, **fields) -> dict:
    body = {"title": "Packer", "kind": "JOB_OPEN", "pay_per_hour_pounds": 14, **fields}
    answer = client.post("/api/v1/placements", headers=world.key("lister"), json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def publish(client, world: World, placement: dict, **body):
    path = f"/api/v1/placements/{placement['id']}/publish"
    return client.post(path, headers=world.key("lister"), json=body or None)


def change(client, world: World, placement: dict, **body):
    version = client.get(f"/api/v1/placements/{placement['id']}", headers=world.key("lister")).headers["etag"]
    headers = world.key("lister") | {"If-Match": version}
    return client.patch(f"/api/v1/placements/{placement['id']}", headers=headers, json=body)


@pytest.mark.parametrize(
    ("written", "meaning"),
    [
        ("23795.20", "a salary for a year"),
        ("£23,795.20", "a salary for a year"),
        ("120000", "a salary for a year"),
        ("1900", "pay for a month, or pence"),
        ("1271", "pay for a month, or pence"),
    ],
)
def test_pay_over_any_hour_keeps_a_row_in_draft_with_its_likely_meaning(client, world: World, written, meaning):
    report = import_rows(client, world, f'P1,Manager,JOB_OPEN,"{written}",,,,')
    (warning,) = [one for one in report["warnings"] if one["field"] == "pay_per_hour_pounds"]
    assert (report["created"], report["errors"], meaning in warning["rule"]) == (1, [], True)
    kept = listed(client, world)["P1"]
    assert (kept["state"], kept["pay_per_hour_pounds"]) == ("draft", None)


@pytest.mark.parametrize(("amount", "meaning"), [(450, "pay for a week"), (101, "pay for a day")])
@pytest.mark.parametrize("kind", ["JOB_OPEN", "WORK_EXPERIENCE"])
def test_pay_that_is_hardly_for_an_hour_keeps_a_listing_in_draft(client, world: World, amount, meaning, kind):
    made = draft(client, world, pay_per_hour_pounds=amount, kind=kind)
    answer = publish(client, world, made)
    assert answer.status_code == 409
    assert meaning in answer.json()["detail"]
    assert meaning in " ".join(made["kept_in_draft_because"])


def test_the_api_names_the_likely_meaning_of_pay_over_its_limit(client, world: World):
    body = {"title": "Manager", "kind": "JOB_OPEN", "pay_per_hour_pounds": 23795.2}
    answer = client.post("/api/v1/placements", headers=world.key("lister"), json=body)
    assert answer.status_code == 422
    assert "a salary for a year" in answer.text


@pytest.mark.parametrize(
    "written",
    [
        "12.71",
        "£12.71",
        "12.71 per hour",
        "£12.71/hour",
        "12.71 an hour",
        "£12.71ph",
        "12.71 p/h",
        "12.71 p.h.",
        "12.71 GBP",
    ],
)
def test_pay_for_an_hour_is_read_as_people_write_it(client, world: World, written):
    assert import_rows(client, world, f"P1,Packer,JOB_OPEN,{written},,,,")["created"] == 1
    assert (listed(client, world)["P1"]["pay_per_hour_pounds"], listed(client, world)["P1"]["state"]) == (
        12.71,
        "published",
    )


@pytest.mark.parametrize(
    "written", ["23795 per annum", "£24k a year", "24000 pa", "450 a week", "100 per day", "1900 pcm"]
)
def test_pay_for_another_period_keeps_a_row_in_draft_with_a_warning(client, world: World, written):
    report = import_rows(client, world, f"P1,Packer,JOB_OPEN,{written},,,,")
    (warning,) = [one for one in report["warnings"] if one["field"] == "pay_per_hour_pounds"]
    assert (report["created"], "pay for one hour" in warning["rule"]) == (1, True)
    kept = listed(client, world)["P1"]
    assert (kept["state"], kept["pay_per_hour_pounds"]) == ("draft", None)


@pytest.mark.parametrize("kind", sorted(PlacementKind))
def test_a_paid_kind_without_pay_stays_in_draft_by_every_door(client, world: World, kind):
    made = draft(client, world, kind=kind, pay_per_hour_pounds=None)
    by_api = publish(client, world, made).status_code
    import_rows(client, world, f"P1,Packer,{kind},,,,,")
    expected = (409, "draft") if kind in MUST_PAY else (200, "published")
    assert (by_api, listed(client, world)["P1"]["state"]) == expected


def test_pay_cannot_be_taken_from_a_published_listing(client, world: World):
    made = draft(client, world)
    assert publish(client, world, made).status_code == 200
    assert change(client, world, made, pay_per_hour_pounds=None).status_code == 409
    unpaid = draft(client, world, kind="TASTER", pay_per_hour_pounds=None)
    assert publish(client, world, unpaid).status_code == 200
    assert change(client, world, unpaid, kind="JOB_OPEN").status_code == 409
    items = {i["id"]: i for i in listed(client, world).values()}
    assert (items[made["id"]]["pay_per_hour_pounds"], items[unpaid["id"]]["kind"]) == (14, "TASTER")


def test_a_published_listing_whose_pay_is_no_longer_lawful_is_paused_with_the_reason(client, world: World, database):
    kept, low = draft(client, world), draft(client, world)
    for made in (kept, low):
        publish(client, world, made)
    with database.writing(world.on("lister")) as session:
        for row in session.scalars(select(Placement)):
            if str(row.id) == low["id"]:
                row.pay_per_hour_pence = 1200  # lawful until the rates rose
    job = scheduled.OF_SOCIAL_ENTERPRISES[0]
    with database.writing(world.on("operator")) as session:
        due = list(job.due(session, world.organisations["enterprise"], TODAY))
        assert [str(one) for one in due] == [low["id"]]
        assert job.act(session, world.on("operator"), due[0])
    assert {i["id"]: i["state"] for i in listed(client, world).values()} == {
        kept["id"]: "published",
        low["id"]: "paused",
    }
    with database.reading() as session:
        reasons = session.scalars(select(PlacementMove.reason).where(PlacementMove.event == "pause")).all()
    assert ["minimum wage" in reason for reason in reasons] == [True]


def test_a_listing_that_starts_under_a_rate_nobody_verified_is_compared_with_the_last_verified_one(
    client, world: World
):
    start = date(TODAY.year + 1 + (date(TODAY.year, 4, 1) <= TODAY), 4, 5)
    band = tables.highest_wage_band(TODAY)
    lowest = tables.minimum_wage(band, TODAY).pence
    report = import_rows(
        client,
        world,
        f"OK,Porter,JOB_OPEN,{lowest / 100:.2f},,{start.isoformat()},,",
        f"LOW,Porter,JOB_OPEN,{(lowest - 1) / 100:.2f},,{start.isoformat()},,",
        f"NOW,Porter,JOB_OPEN,{lowest / 100:.2f},,,,",
    )
    states = {ref: (item["state"], len(item["notes"])) for ref, item in listed(client, world).items()}
    assert states == {"OK": ("published", 1), "LOW": ("draft", 1), "NOW": ("published", 0)}
    assert "last verified minimum wage" in listed(client, world)["OK"]["notes"][0]
    assert any("last verified" in warning["rule"] for warning in report["warnings"])


def test_no_row_marked_unverified_is_ever_a_rate():
    unverified = {
        (row["band"], row["from"], int(row["pence"])) for row in tables.rows("minimum_wage") if row["mark"] != "seen"
    }
    assert unverified
    for band, since, pence in unverified:
        assert tables.minimum_wage(band, date.fromisoformat(since)).pence < pence


@pytest.mark.parametrize(
    ("day", "age", "pence"),
    [
        (date(2019, 4, 1), 25, 821),
        (date(2019, 4, 1), 24, 770),
        (date(2021, 3, 31), 24, 820),
        (date(2021, 4, 1), 23, 891),
        (date(2022, 4, 1), 22, 918),
        (date(2023, 4, 1), 20, 749),
        (date(2024, 3, 31), 21, 1018),
        (date(2024, 4, 1), 21, 1144),
        (date(2026, 4, 1), 17, 800),
        (date(2026, 4, 1), 15, 800),
    ],
)
def test_every_rate_since_2019_is_that_of_the_age_and_the_day(day, age, pence):
    assert tables.minimum_wage(tables.wage_band(age, day), day).pence == pence


def test_the_living_wage_is_one_series_although_its_ages_changed():
    assert outcome_rules.rates("NLW")[0] == (date(2019, 4, 1), 821)
    assert [pence for _, pence in outcome_rules.rates("NLW")] == [821, 872, 891, 950, 1042, 1144, 1221, 1271]


@pytest.mark.parametrize("field", ["starts_on", "ends_on", "closes_on"])
@pytest.mark.parametrize("year", [1926, 2099])
def test_a_day_that_nobody_means_is_refused_by_api_and_left_unknown_in_a_file(client, world: World, field, year):
    body = {"title": "Packer", "kind": "JOB_OPEN", field: f"{year}-05-01"}
    assert client.post("/api/v1/placements", headers=world.key("lister"), json=body).status_code == 409
    assert change(client, world, draft(client, world), **{field: f"{year}-05-01"}).status_code == 409
    body = f"placement_ref,title,kind,{field}\nP1,Packer,JOB_OPEN,{year}-05-01"
    report = send(client, world, body.encode(), who="lister", kind="placements").json()["report"]
    assert (report["created"], report["errors"]) == (1, [])
    assert field in {warning["field"] for warning in report["warnings"]}


@pytest.mark.parametrize(("hours", "status"), [(78, 200), (78.5, 409), (160, 409)])
def test_hours_that_leave_no_rest_keep_a_listing_in_draft(client, world: World, hours, status):
    made = draft(client, world, hours_per_week=hours)
    assert publish(client, world, made).status_code == status
    assert len(made["notes"]) == 1  # over 48 hours needs the worker's agreement


def test_evidence_covers_no_day_that_has_not_come(client, world: World):
    _, spell = working(client, world, 3)
    body = {"spell_id": spell, "kind": "payslip", "obtained_how": "copies", "received_on": TODAY.isoformat()}
    days = {
        "covers_from": (TODAY - timedelta(days=7)).isoformat(),
        "covers_to": (TODAY + timedelta(days=1)).isoformat(),
    }
    answer = client.post("/api/v1/evidence", headers=world.key("caseworker"), json=body | days)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/covers_to")
    assert evidence(client, world, spell, TODAY - timedelta(days=7), TODAY)


def test_the_day_is_that_of_london(client, world: World):
    _, spell = working(client, world, 3)
    body = {"spell_id": spell, "kind": "payslip", "obtained_how": "copies", "covers_from": "2027-06-01"}
    with time_machine.travel("2027-06-30T23:30:00Z", tick=False):  # 00:30 on 1 July in London
        for day, status in (("2027-07-01", 201), ("2027-07-02", 409)):
            about = {"covers_to": day, "received_on": "2027-07-01"}
            answer = client.post("/api/v1/evidence", headers=world.key("caseworker"), json=body | about)
            assert answer.status_code == status, answer.text


@pytest.mark.parametrize("come", range(1, 8))
def test_no_more_hours_are_recorded_than_have_passed_of_a_week(client, world: World, come):
    enrolment, _ = working(client, world, 1)
    start = TODAY - timedelta(days=come - 1)
    body = {"enrolment_id": enrolment, "kind": "JOB_OPEN", "title": "Cafe", "started_on": start.isoformat()}
    spell = client.post("/api/v1/spells", headers=world.key("caseworker"), json=body).json()["id"]
    passed = 24 * (come - 1) + int(hours_into_local_day(utc_now()))
    most = min(passed, 78)  # 13 hours on 6 days: the law leaves no more
    for hours, status in ((most + 2, 409), (most, 201)):
        week = {"week_from": start.isoformat(), "hours": hours}
        path = f"/api/v1/spells/{spell}/hours"
        assert client.post(path, headers=world.key("caseworker"), json=week).status_code == status


def test_what_is_recorded_of_work_lies_within_the_work(client, world: World):
    _, spell = working(client, world, 6)
    start, key = TODAY - timedelta(weeks=7), world.key("caseworker")
    before = (start - timedelta(days=40)).isoformat()
    item = {"spell_id": spell, "kind": "payslip", "obtained_how": "copies", "received_on": TODAY.isoformat()}
    refused = {
        "/evidence": item | {"covers_from": before, "covers_to": (start - timedelta(days=1)).isoformat()},
        "/check-ins": {"spell_id": spell, "on": before, "result": "in_work", "told_by": "jobseeker"},
        f"/spells/{spell}/end": {"ended_on": (start + timedelta(days=9)).isoformat(), "end_reason": "resigned"},
    }
    for path, body in refused.items():
        answer = client.post(f"/api/v1{path}", headers=key, json=body)
        assert (answer.status_code, answer.json()["type"]) == (409, "/problems/rule-broken"), (path, answer.text)
    item |= {"covers_from": before, "covers_to": start.isoformat()}
    made = client.post("/api/v1/evidence", headers=key, json=item)
    assert made.status_code == 201, made.text
    check = f"/api/v1/evidence/{made.json()['id']}/check"
    assert client.post(check, headers=world.key("manager"), json={"is_accepted": False}).status_code == 409
    why = {"is_accepted": False, "reason": "The payslip cannot be read."}
    assert client.post(check, headers=world.key("manager"), json=why).status_code == 200
    assert client.post(f"/api/v1/spells/{spell}/void", headers=key, json={"reason": "A mistake."}).status_code == 200
    assert client.post("/api/v1/evidence", headers=key, json=item).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"hours_min": 79},
        {"hours_max": 168},
        {"earliest_start_on": "1900-01-01"},
        {"valid_on": (TODAY + timedelta(days=1)).isoformat()},
    ],
)
def test_a_profile_says_what_is_possible(client, world: World, body):
    person, _ = world.supported()
    path = f"/api/v1/jobseekers/{person}/profile"
    tag = client.get(path, headers=world.key("caseworker")).headers["etag"]
    answer = client.put(path, headers=world.key("caseworker") | {"If-Match": tag}, json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, f"/{next(iter(body))}")


@pytest.mark.parametrize("year", [1901, TODAY.year - 3, TODAY.year + 40])
def test_an_impossible_year_of_birth_is_named(client, world: World, year):
    new = {"given_name": "Ada", "family_name": "Okoro", "birth_year": year}
    made = client.post("/api/v1/jobseekers", headers=world.key("manager"), json=new)
    assert made.status_code == 201, made.text
    assert "impossible" in str(made.json()["warnings"])


def test_a_closing_date_that_has_passed_closes_nothing_silently(client, world: World):
    placement = draft(client, world)
    assert publish(client, world, placement).status_code == 200
    answer = change(client, world, placement, closes_on=(TODAY - timedelta(days=1)).isoformat())
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/closes_on")


def test_pay_of_a_spell_and_of_a_week_is_possible(client, world: World):
    enrolment, spell = working(client, world, 3)
    start = TODAY - timedelta(weeks=4)
    week = {"week_from": start.isoformat(), "hours": 10, "pay_pounds": 19_000}
    answer = client.post(f"/api/v1/spells/{spell}/hours", headers=world.key("caseworker"), json=week)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/pay_pounds")
    body = {"enrolment_id": enrolment, "kind": "JOB_OPEN", "title": "Cafe", "started_on": start.isoformat()}
    answer = client.post("/api/v1/spells", headers=world.key("caseworker"), json=body | {"pay_per_hour_pounds": 480})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/pay_per_hour_pounds")


@pytest.mark.parametrize("field", ["referred_on", "permission_recorded_on"])
def test_a_referral_has_no_day_that_has_not_come(client, world: World, field):
    tomorrow = (TODAY + timedelta(days=1)).isoformat()
    body = {
        "partner_id": str(world.organisations["partner"]),
        "source_type": "JCP",
        "referred_on": TODAY.isoformat(),
        "given_name": "Amina",
        "family_name": "Test",
    }
    answer = client.post("/api/v1/referrals", headers=world.key("referrer"), json=body | {field: tomorrow})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, f"/{field}")
    assert client.post("/api/v1/referrals", headers=world.key("referrer"), json=body).status_code == 201


def test_likely_meanings_follow_the_amount():
    meanings = [likely_meaning(Decimal(amount)) for amount in (101, 250, 1000, 7000)]
    assert len(set(meanings)) == 4


def test_an_operator_adds_and_moves_a_bank_holiday(tmp_path):
    added, moved = date(2027, 6, 9), date(2027, 5, 31)  # an ordinary Wednesday; the spring bank holiday
    assert [tables.is_working_day(day, Nation.ENGLAND) for day in (added, moved)] == [True, False]
    (tmp_path / "bank_holidays.csv").write_text(
        "day,nation,is_holiday,name,source\n2027-06-09,all,yes,A proclaimed day,The Gazette\n"
        "2027-05-31,england,no,Moved,The Gazette\n"
    )
    tables.use_folder(tmp_path)
    try:
        assert [tables.is_working_day(day, Nation.ENGLAND) for day in (added, moved)] == [False, True]
        assert [tables.is_working_day(day, Nation.SCOTLAND) for day in (added,)] == [False]
        assert tables.add_working_days(date(2027, 6, 8), 1, Nation.WALES) == date(2027, 6, 10)
    finally:
        tables.use_folder(None)


@pytest.mark.parametrize("row", ["9 June 2027,all,yes", "2027-06-09,uk,yes", "2027-06-09,all,maybe", "2027-06-09"])
def test_a_bank_holiday_that_cannot_be_read_stops_the_start(tmp_path, row):
    (tmp_path / "bank_holidays.csv").write_text(f"day,nation,is_holiday\n{row}\n")
    try:
        with pytest.raises(tables.TableNotUnderstood, match="Line 2"):
            tables.use_folder(tmp_path)
    finally:
        tables.use_folder(None)


RESENT = "PL,Packer,JOB_OPEN,{pay},,,{closes},{places}"


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ({"places": 5}, {"places": 2}, {"places": 2}),
        ({"places": 2}, {"places": 5}, {"places": 5}),
        ({"places": 5}, {"places": ""}, {"places": 5}),
        ({"pay": 14}, {"pay": 15.5}, {"pay_per_hour_pounds": 15.5}),
        ({"pay": 14}, {"pay": 13.5}, {"pay_per_hour_pounds": 13.5}),
        ({"closes": 10}, {"closes": 20}, {"state": "published", "closes_on": 20}),
        ({"closes": 20}, {"closes": 10}, {"state": "published", "closes_on": 10}),
        ({"closes": 20}, {"closes": -1}, {"state": "closed", "closes_on": -1}),
        ({"pay": ""}, {"pay": 14}, {"state": "published"}),
    ],
)
def test_a_resent_row_does_what_it_says(client, world: World, first, second, expected):
    def row(values: dict) -> str:
        closes = values.get("closes")
        day = (TODAY + timedelta(days=closes)).isoformat() if closes is not None else ""
        return RESENT.format(pay=values.get("pay", 14), closes=day, places=values.get("places", 5))

    import_rows(client, world, row(first))
    report = import_rows(client, world, row(second))
    item = listed(client, world)["PL"]
    wanted = {k: (TODAY + timedelta(days=v)).isoformat() if k == "closes_on" else v for k, v in expected.items()}
    assert {name: item[name] for name in wanted} == wanted
    assert report["errors"] == []


def test_a_resent_row_that_cannot_do_what_it_says_says_why_at_the_row(client, world: World, database):
    import_rows(client, world, RESENT.format(pay=14, closes="", places=3), "CL,Packer,JOB_OPEN,14,,,,1")
    items = listed(client, world)
    reason = {"reason": "Filled by others."}
    client.post(f"/api/v1/placements/{items['CL']['id']}/close", headers=world.key("lister"), json=reason)
    from pathways.placements import actions

    with database.writing(world.on("lister")) as session:
        row = session.scalars(select(Placement).where(Placement.ref == "PL")).one()
        for number in (1, 2):
            actions.hold_place(session, world.on("lister"), row.id, UUID(int=number))
    report = import_rows(
        client,
        world,
        RESENT.format(pay=14, closes="", places=1),
        f"CL,Packer,JOB_OPEN,14,,,{(TODAY + timedelta(days=9)).isoformat()},1",
    )
    said = {error["row"]: (error["field"], error["rule"]) for error in report["errors"]}
    assert [said[row][0] for row in sorted(said)] == ["places", "placement_ref"]
    assert "2 places are held or filled" in said[2][1]
    items = listed(client, world)
    assert (items["PL"]["places"], items["CL"]["state"]) == (3, "closed")


def test_a_resent_row_about_a_paused_listing_says_that_it_is_paused(client, world: World):
    row = RESENT.format(pay=14, closes="", places=3)
    import_rows(client, world, row)
    made = listed(client, world)["PL"]
    client.post(f"/api/v1/placements/{made['id']}/pause", headers=world.key("lister"), json={"reason": "Full."})
    for again in (row, RESENT.format(pay=15, closes="", places=3)):
        report = import_rows(client, world, again)
        assert ["paused" in warning["rule"] for warning in report["warnings"]] == [True]


@pytest.mark.parametrize(
    "written", ["12.706", "£12.7099", "12.7051 per hour", "99.994", "100.004", "13.333", "12.706-14"]
)
def test_pay_with_parts_of_a_penny_is_kept_as_written_and_the_listing_stays_in_draft(client, world: World, written):
    report = import_rows(client, world, f"P1,Packer,JOB_OPEN,{written},,,,")
    assert "pay_per_hour_pounds" in {warning["field"] for warning in report["warnings"]}
    kept = listed(client, world)["P1"]
    assert (kept["state"], kept["pay_per_hour_pounds"]) == ("draft", None)
    assert kept["as_written"]["pay_per_hour_pounds"] == written


@pytest.mark.parametrize("written", ["12.71", "12.710", "12.710000000000001", "13", "13.5"])
def test_noughts_and_the_noise_of_a_workbook_are_no_parts_of_a_penny(client, world: World, written):
    import_rows(client, world, f"P1,Packer,JOB_OPEN,{written},,,,")
    kept = listed(client, world)["P1"]
    assert (kept["state"], kept["pay_per_hour_pounds"]) == ("published", round(float(written), 2))


@pytest.mark.parametrize(
    ("hours", "half_days", "is_named"),
    [
        (40, "mon am; tue am", True),
        (14, "sun am", True),
        (8, "sun am", False),
        (16, "mon am; tue pm", False),
        (40, "mon all day; tue all day; wed all day; thu all day; fri all day", False),
        (40, None, False),
    ],
)
def test_hours_that_do_not_fit_into_the_half_days_are_named(client, world: World, hours, half_days, is_named):
    made = draft(client, world, hours_per_week=hours, half_days=half_days)
    assert any("do not fit into" in note for note in made["notes"]) is is_named


def test_a_closing_date_after_the_last_day_of_the_work_is_named(client, world: World):
    days = [(TODAY + timedelta(days=n)).isoformat() for n in (30, 60)]
    late = draft(client, world, ends_on=days[0], closes_on=days[1])
    right = draft(client, world, ends_on=days[1], closes_on=days[0])
    assert [any("closing date" in note for note in made["notes"]) for made in (late, right)] == [True, False]


LONG_AGO = ["1900-01-02", f"{TODAY.year - 11}-06-01"]


@pytest.mark.parametrize("day", LONG_AGO)
def test_no_record_of_a_person_is_dated_before_anybody_can_mean_it(client, world: World, day):
    person, enrolment = world.supported()
    at = f"/api/v1/jobseekers/{person}"
    contact = {"with_whom": "jobseeker", "how": "phone", "outcome": "spoke"}
    score = {"tool": "swemwbs", "edition": "1", "scale": "total", "score": 21}
    partner = {"partner_id": str(world.organisations["partner"]), "source_type": "JCP", "given_name": "Ola"}
    permission = {"social_enterprise_id": str(world.organisations["enterprise"]), "groups": ["work"]}
    doors = [
        ("caseworker", f"{at}/contacts", contact | {"on": day}, "/on"),
        ("caseworker", f"{at}/barriers", {"kind": "transport", "opened_on": day}, "/opened_on"),
        ("caseworker", f"{at}/scores", score | {"scored_on": day}, "/scored_on"),
        ("caseworker", f"{at}/permissions", permission | {"how_given": "in person", "valid_on": day}, "/valid_on"),
        ("referrer", "/api/v1/referrals", partner | {"referred_on": day}, "/referred_on"),
        (
            "caseworker",
            "/api/v1/spells",
            {"enrolment_id": str(enrolment), "kind": "JOB_OPEN", "title": "Cafe", "started_on": day},
            "/started_on",
        ),
    ]
    for who, path, body, pointer in doors:
        answer = client.post(path, headers=world.key(who), json=body)
        problem = answer.json()
        found = {error["pointer"].removeprefix("/body") for error in problem.get("errors", [])}
        assert (answer.status_code, found) == (409, {pointer}), (path, answer.text)


@pytest.mark.parametrize("day", ["1900-01-01", "1926-05-01", "2099-01-01"])
def test_an_earliest_start_that_nobody_means_is_refused_by_api_and_left_unknown_in_a_file(client, world: World, day):
    key = world.key("referrer")
    body = {"source_type": "JCP", "referred_on": TODAY.isoformat(), "given_name": "Ola", "family_name": "Ade"}
    body |= {"partner_id": str(world.organisations["partner"])}
    posted = client.post("/api/v1/referrals", headers=key, json=body | {"earliest_start_on": day})
    assert (posted.status_code, posted.json()["errors"][0]["pointer"]) == (409, "/earliest_start_on")
    head = "referral_ref,source_type,referring_organisation,referred_on,given_name,family_name,earliest_start_on"
    file = f"{head}\nR1,JCP,Hendon Jobcentre,{TODAY.isoformat()},Ola,Ade,{day}\n".encode()
    report = send(client, world, file, who="caseworker").json()["report"]
    assert (report["created"], report["errors"]) == (1, [])
    assert "earliest_start_on" in {warning["field"] for warning in report["warnings"]}
    (found,) = client.get("/api/v1/referrals?limit=100", headers=world.key("manager")).json()["items"]
    referral = client.get(f"/api/v1/referrals/{found['id']}", headers=world.key("manager")).json()
    assert (referral["earliest_start_on"], referral["as_written"]["earliest_start_on"]) == (None, day)


def test_a_referral_of_a_file_is_not_dated_long_ago(client, world: World):
    head = "referral_ref,source_type,referring_organisation,referred_on,given_name,family_name,permission_recorded_on"
    rows = [f"R{n},JCP,Hendon Jobcentre,{{}},Ola,Ade{n},{{}}" for n in (1, 2)]
    file = "\n".join([head, rows[0].format("1900-01-02", ""), rows[1].format(TODAY.isoformat(), "1900-01-02")])
    report = send(client, world, file.encode(), who="caseworker").json()["report"]
    assert [(error["row"], error["field"]) for error in report["errors"]] == [(2, "referred_on")]
    assert "permission_recorded_on" in {warning["field"] for warning in report["warnings"]}


@pytest.mark.parametrize(("days", "status"), [(366, 201), (367, 409), (40_000, 409)])
def test_evidence_begins_at_most_a_year_before_the_work(client, world: World, days, status):
    _, spell = working(client, world, 1)
    start = TODAY - timedelta(weeks=2)
    body = {"spell_id": spell, "kind": "p60", "obtained_how": "copies", "received_on": TODAY.isoformat()}
    body |= {"covers_from": (start - timedelta(days=days)).isoformat(), "covers_to": start.isoformat()}
    answer = client.post("/api/v1/evidence", headers=world.key("caseworker"), json=body)
    assert answer.status_code == status, answer.text
    assert status == 201 or answer.json()["errors"][0]["pointer"] == "/covers_from"


@pytest.mark.parametrize(
    ("age", "status", "is_named"), [(10, 409, False), (12, 409, False), (14, 201, True), (17, 201, False)]
)
def test_a_child_takes_no_job_and_who_is_of_school_age_is_named(client, world: World, age, status, is_named):
    start = TODAY - timedelta(days=5)
    birth = date(start.year - age, start.month, min(start.day, 28))
    _, enrolment = world.supported(day=start, referred_on=start, date_of_birth=birth)
    body = {"enrolment_id": str(enrolment), "kind": "WORK_EXPERIENCE", "title": "Cafe", "started_on": start.isoformat()}
    made = client.post("/api/v1/spells", headers=world.key("caseworker"), json=body)
    assert made.status_code == status, made.text
    assert any("school age" in note for note in made.json().get("notes", [])) is is_named


def test_a_volunteer_has_no_pay_of_a_week_either(client, world: World):
    enrolment, paid = working(client, world, 1)
    start, key = TODAY - timedelta(weeks=2), world.key("caseworker")
    body = {"enrolment_id": enrolment, "kind": "VOLUNTEERING", "title": "Shop", "started_on": start.isoformat()}
    unpaid = client.post("/api/v1/spells", headers=key, json=body).json()["id"]
    week = {"week_from": start.isoformat(), "hours": 10}
    refused = client.post(f"/api/v1/spells/{unpaid}/hours", headers=key, json=week | {"pay_pounds": 540})
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "/pay_pounds")
    assert client.post(f"/api/v1/spells/{unpaid}/hours", headers=key, json=week).status_code == 201
    week |= {"pay_pounds": 140}
    for pay, status in ((140, 409), (None, 200)):
        posted = client.post(f"/api/v1/spells/{paid}/hours", headers=key, json=week | {"pay_pounds": pay})
        assert posted.status_code == 201, posted.text
        headers = key | {"If-Match": client.get(f"/api/v1/spells/{paid}", headers=key).headers["etag"]}
        answer = client.patch(f"/api/v1/spells/{paid}", headers=headers, json={"kind": "VOLUNTEERING"})
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize("places", ["3.004", "2.5"])
def test_a_part_of_a_place_is_not_rounded_away(client, world: World, places):
    report = import_rows(client, world, f"P1,Packer,JOB_OPEN,14,,,,{places}")
    assert [warning["field"] for warning in report["warnings"]] == ["places"]
