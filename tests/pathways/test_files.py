"""Referral and placement files as people send them: one clear report, nothing half-saved, nothing lost."""

import csv
import io
import zipfile
from datetime import date

import openpyxl
import pytest
from sqlalchemy import func, select

from pathways.errors import DomainError
from pathways.jobseekers.models import Jobseeker, ProfileVersion
from pathways.referrals import files
from pathways.referrals.models import Referral
from pathways.sheets import cells, spreadsheets
from tests.world import World

HEADER = "referral_ref,source_type,referring_organisation,referred_on,given_name,family_name,date_of_birth,skills"
GOOD = "A1,JCP,Hendon Jobcentre,2026-09-01,Amina,Test,26/05/2002,cooking; team work"


def send(client, world: World, content: bytes, query: str = "", who: str = "caseworker", kind: str = "referrals"):
    return client.post(
        f"/api/v1/{kind}/imports{query}", headers=world.key(who), files={"file": ("file.csv", content, "text/csv")}
    )


def text(*lines: str) -> bytes:
    return "\r\n".join([HEADER, *lines]).encode()


def counted(answer) -> dict[str, int]:
    report = answer.json()["report"]
    return {name: report[name] for name in ("rows", "created", "updated", "unchanged", "repeated", "in_error")}


def test_good_rows_land_and_each_bad_one_is_named_with_row_field_rule_and_remedy(client, world: World):
    answer = send(
        client,
        world,
        text(
            GOOD,
            "A2,JCP,Hendon Jobcentre,31/02/2026,Ben,Test,,",
            "A3,XYZ,Hendon Jobcentre,2026-09-01,Cy,Test,,",
            "A4,JCP,Hendon Jobcentre,2026-09-01,,,,",
            'A5,JCP,Hendon Jobcentre,2026-09-01,"=HYPERLINK(""x"")",Test,,',
            "A6,JCP,Nobody Knows Ltd,2026-09-01,Di,Test,,",
        ),
    )
    assert answer.status_code == 201
    assert counted(answer) == {"rows": 6, "created": 2, "updated": 0, "unchanged": 0, "repeated": 0, "in_error": 4}
    errors = answer.json()["report"]["errors"]
    assert [(e["row"], e["field"]) for e in errors] == [
        (3, "referred_on"),
        (5, "family_name"),
        (6, "given_name"),
        (7, "referring_organisation"),
    ]
    assert all(e["rule"] and e["remedy"] for e in errors)
    assert "HYPERLINK" not in answer.text  # a report never repeats what a cell holds


def test_all_or_nothing_saves_nothing_when_a_row_is_wrong(client, world: World, database):
    answer = send(client, world, text(GOOD, "A2,JCP,Hendon Jobcentre,never,Ben,Test,,"), "?all_or_nothing=true")
    assert answer.json()["report"]["was_applied"] is False
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Jobseeker)).one() == 0


def test_a_dry_run_says_what_would_happen_and_saves_nothing(client, world: World, database):
    answer = send(client, world, text(GOOD), "?dry_run=true")
    report = answer.json()["report"]
    assert (report["to_create"], report["created"], report["was_applied"]) == (1, 0, False)
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Referral)).one() == 0
    again = client.get(f"/api/v1/referrals/imports/{answer.json()['id']}", headers=world.key("caseworker"))
    assert again.json() == answer.json()


def test_the_same_file_again_changes_nothing_and_blank_cells_clear_nothing(client, world: World):
    send(client, world, text(GOOD))
    assert counted(send(client, world, text(GOOD)))["unchanged"] == 1
    blanked = "A1,JCP,Hendon Jobcentre,2026-09-01,Amina,Test,,"
    assert counted(send(client, world, text(blanked)))["unchanged"] == 1
    person = client.get("/api/v1/jobseekers", headers=world.key("caseworker")).json()["items"][0]["id"]
    profile = client.get(f"/api/v1/jobseekers/{person}/profile", headers=world.key("caseworker")).json()
    assert profile["skills"] == ["cooking", "team work"]


def test_what_a_caseworker_edited_is_proposed_and_never_written_over(client, world: World):
    send(client, world, text(GOOD))
    person = client.get("/api/v1/jobseekers", headers=world.key("caseworker")).json()["items"][0]["id"]
    edited = client.put(
        f"/api/v1/jobseekers/{person}/profile",
        headers=world.key("caseworker") | {"If-Match": '"1"'},
        json={"skills": ["sewing"], "said_by": {"skills": "jobseeker"}},
    )
    assert edited.json()["number"] == 2
    assert counted(send(client, world, text(GOOD.replace("cooking; team work", "driving"))))["updated"] == 1
    profile = client.get(f"/api/v1/jobseekers/{person}/profile", headers=world.key("caseworker")).json()
    referral = client.get("/api/v1/referrals", headers=world.key("caseworker")).json()["items"][0]["id"]
    seen = client.get(f"/api/v1/referrals/{referral}", headers=world.key("caseworker")).json()
    assert (profile["skills"], seen["skills"], seen["differs_from_record"]) == (["sewing"], ["driving"], ["skills"])


def test_a_reference_twice_counts_once_when_equal_and_is_an_error_when_not(client, world: World):
    answer = send(
        client,
        world,
        text(GOOD, GOOD, GOOD.replace("A1", "B1"), GOOD.replace("A1", "B1").replace("Amina", "Another")),
    )
    assert counted(answer) == {"rows": 4, "created": 1, "updated": 0, "unchanged": 0, "repeated": 1, "in_error": 2}


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_another_delimiter_is_understood(client, world: World, delimiter: str):
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows([HEADER.split(","), GOOD.split(",")])
    assert counted(send(client, world, ("\ufeff" + out.getvalue()).encode()))["created"] == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "empty"),
        (b"\xff\xfeR\x00e", "UTF-16"),
        (HEADER.encode() + b"\nA1,JCP,x,2026-09-01,Jos\xe9\x81,Test,,", "not UTF-8 (line 2)"),
        (b"one,two\n1,2\n", "have no header row"),
        (b"referral_ref,given_name,family_name\nA1,Amina,Test\n", "There is no column referred_on"),
        (b"PK\x03\x04 but no workbook", "cannot be opened"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"0" * 600, "old or password-protected"),
        (b"source_type,referred_on,given_name,first name\nJCP,2026-09-01,A,B\n", "Two columns are read as given_name"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_plain_problem(client, world: World, database, content: bytes, words: str):
    answer = send(client, world, content)
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert words in answer.json()["detail"]
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Jobseeker)).one() == 0


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "utf-8-sig"])
def test_a_file_as_excel_saves_it_is_read_and_what_was_guessed_is_said(client, world: World, database, encoding: str):
    row = GOOD.replace("Amina", "José")
    assert "José" in row
    report = send(client, world, f"{HEADER}\n{row}".encode(encoding)).json()["report"]
    assert report["created"] == 1
    assert ["Windows-1252" in note for note in report["notes"]] == [True] * (encoding == "cp1252")
    with database.reading() as session:
        assert session.scalars(select(Jobseeker.given_key)).all() == ["jose"]


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("26th May 2002", date(2002, 5, 26)),
        ("Sunday 26 May 2002", date(2002, 5, 26)),
        ("2002-05-26 00:00:00", date(2002, 5, 26)),
        ("26/05/2002 12:30", date(2002, 5, 26)),
        ("37402", date(2002, 5, 26)),
        ("05.06.2002", date(2002, 6, 5)),
    ],
)
def test_dates_are_read_as_people_write_them(text: str, day: date):
    assert cells.as_date(text) == day


@pytest.mark.parametrize("text", ["May 2002", "26/05/02", "5.26.2002", "31/02/2002", "2002", "99999", "1 Jan 1870"])
def test_a_date_that_is_half_told_or_none_is_not_made_up(text: str):
    with pytest.raises(cells.InvalidCell):
        cells.as_date(text)


def test_a_header_nobody_knows_is_confirmed_once_and_then_read(client, world: World, database):
    header = HEADER.replace("given_name", "Frist Nmae").replace("skills", "Things she likes")
    report = send(client, world, f"{header}\n{GOOD}".encode(), "?dry_run=true").json()["report"]
    assert report["unknown_columns"] == ["Frist Nmae", "Things she likes"]
    assert report["suggested_columns"] == {"Frist Nmae": "given_name", "Things she likes": "aspirations"}
    path, who = "/api/v1/referrals/columns", world.key("caseworker")
    names = {"columns": {"Frist Nmae": "given_name", "THINGS she likes!": "skills"}}
    assert client.put(path, json=names, headers=who).json()["columns"] == {
        "frist nmae": "given_name",
        "things she likes": "skills",
    }
    report = send(client, world, f"{header}\n{GOOD}".encode()).json()["report"]
    assert (report["unknown_columns"], report["created"]) == ([], 1)
    with database.reading() as session:
        assert session.scalars(select(ProfileVersion)).one().skills == ["cooking", "team work"]
    wrong = client.put(path, json={"columns": {"x": "no such column"}}, headers=who)
    assert (wrong.status_code, "There is no column no such column" in wrong.json()["detail"]) == (409, True)
    assert client.put(path, json={"columns": {"FRIST nmae": None}}, headers=who).json()["columns"] == {
        "things she likes": "skills"
    }
    assert client.get(path, headers=world.key("other_caseworker")).json() == {"columns": {}}


def workbook(rows: list[list[object]], *, merge: str | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    for row in rows:
        sheet.append(row)
    if merge:
        sheet.merge_cells(merge)
    book.create_sheet("Notes").append(["Exported from the case system"])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def test_a_workbook_with_title_aliases_dates_numbers_blanks_and_a_total_is_understood(client, world: World):
    header = ["Referral ref", "Source type", "Referring organisation", "Date referred", "First name", "Surname", "DOB"]
    content = workbook(
        [
            ["Referrals to employment support"],
            [],
            [*header, "NHS No", "Shoe size"],
            ["B1", "ASC", "Barnet Council", date(2026, 9, 1), "Amina", "Test", date(2002, 5, 26), 9990770476, 6],
            [],
            ["Total", 1],
        ]
    )
    answer = send(client, world, content)
    report = answer.json()["report"]
    assert (report["created"], report["unknown_columns"]) == (1, ["Shoe size"])
    assert report["passed_over"] == [
        "row 1: text above the header",
        "row 6: a total",
        "sheet Notes: no header row",
    ]


def test_merged_cells_among_the_rows_are_named(client, world: World):
    rows = [HEADER.split(","), GOOD.split(","), GOOD.replace("A1", "A2").split(",")]
    answer = send(client, world, workbook(rows, merge="C2:C3"))
    errors = answer.json()["report"]["errors"]
    assert [(error["row"], error["rule"]) for error in errors] == [
        (2, "Merged cells are not accepted."),
        (3, "Merged cells are not accepted."),
    ]


def test_a_workbook_that_unpacks_to_too_much_is_refused_before_it_is_opened():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bomb:
        bomb.writestr("xl/workbook.xml", b"0" * 5_000_000)
    with pytest.raises(DomainError, match="unpacks to more than"):
        spreadsheets.read_table(out.getvalue(), files.ALIASES, needed=[], most_unpacked=1_000_000)


def test_a_referrer_learns_nothing_of_the_partners_records_from_an_import(client, world: World):
    world.refer(given_name="Amina", family_name="Test", date_of_birth=date(2002, 5, 26), nino=None)
    body = text(GOOD.replace("Hendon Jobcentre", ""))
    answer = send(client, world, body, f"?partner_id={world.organisations['partner']}", who="other_referrer")
    report = answer.json()["report"]
    assert (report["created"], report["made"]) == (1, [])
    assert "same person" not in answer.text


def test_a_referral_with_hours_crossed_is_taken_and_its_hours_left_unknown(client, world: World, database):
    body = (HEADER + ",hours_min,hours_max\r\n" + GOOD + ",16,8\r\n").encode()
    answer = send(client, world, body)
    assert [w["field"] for w in answer.json()["report"]["warnings"]] == ["hours_min"]
    with database.reading() as session:
        profile = session.scalars(select(ProfileVersion)).one()
    assert (profile.hours_min, profile.hours_max) == (None, None)


LISTING = "placement_ref,title,kind,pay_per_hour_pounds,maximum_age,legal_basis,dbs_level,places,closes_on"


def test_an_unlawful_listing_stays_in_draft_with_its_reason(client, world: World):
    rows = (
        "P1,Cafe Assistant,JOB_OPEN,14.00,,,,2,",
        "P2,Cafe Assistant,JOB_OPEN,5.00,,,,1,",
        "P3,Gardener,JOB_OPEN,14.00,24,,,1,",
        "P4,Gardener,JOB_OPEN,14.00,24,Schedule 9 paragraph 1,,1,",
        "P5,Gardener,JOB_OPEN,14.00,,,ENHANCED,1,",
        "P6,Care Assistant,JOB_OPEN,14.00,,,ENHANCED,1,",
        "P7,Taster day,TASTER,,,,,1,",
        "P8,Cafe Assistant,JOB_OPEN,14.00,,,,1,2020-01-01",
    )
    body = "\n".join((LISTING, *rows))
    answer = send(client, world, body.encode(), who="lister", kind="placements")
    assert answer.json()["report"]["created"] == 8
    listed = client.get("/api/v1/placements?limit=100", headers=world.key("lister")).json()["items"]
    states = {item["ref"]: item["state"] for item in listed}
    assert states == {
        "P1": "published",
        "P2": "draft",
        "P3": "draft",
        "P4": "published",
        "P5": "draft",
        "P6": "published",
        "P7": "published",
        "P8": "closed",
    }
    reasons = {item["ref"]: item["kept_in_draft_because"] for item in listed if item["state"] == "draft"}
    assert "minimum wage" in reasons["P2"][0]
    assert "legal basis" in reasons["P3"][0]
    assert "DBS" in reasons["P5"][0]
