"""What stands between, above and beside the rows of a table is read right or said: headers again, titles, notes."""

import csv
import io
import random
from collections.abc import Sequence

import openpyxl
import pytest
from sqlalchemy import select

from pathways.errors import DomainError
from pathways.imports import surroundings
from pathways.jobseekers.models import JobseekerDetails
from pathways.placements.files import ALIASES as PLACEMENT_ALIASES
from pathways.referrals.columns import READERS
from pathways.referrals.files import ALIASES
from pathways.sheets.spreadsheets import read_table
from tests.world import World

pytestmark = pytest.mark.any_database

ROW = {
    "referral_ref": "A1",
    "source_type": "JCP",
    "referring_organisation": "Hendon Jobcentre",
    "referred_on": "2026-09-01",
    "given_name": "Amina",
    "family_name": "Begum",
    "date_of_birth": "2002-05-26",
    "restricted": "",
    "interpreter_needed": "",
    "known_as": "",
    "phone": "07700 900123",
    "safe_contact": "",
    "postcode": "",
}


def lines_of(columns: Sequence[str], *rows: dict) -> list[list[str]]:
    return [list(columns), *([(ROW | row)[column] for column in columns] for row in rows)]


def as_csv(lines: Sequence[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows(lines)
    return out.getvalue().encode()


def as_xlsx(lines: Sequence[Sequence[str]], title: str = "Sheet", **others: Sequence[Sequence[str]]) -> bytes:
    made = openpyxl.Workbook()
    made.active.title = title
    for line in lines:
        made.active.append(line)
    for name, more in others.items():
        page = made.create_sheet(name)
        for line in more:
            page.append(line)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def send(client, world: World, content: bytes, query: str = "", who: str = "manager") -> dict:
    answer = client.post(
        f"/api/v1/referrals/imports{query}", headers=world.key(who), files={"file": ("f", content, "text/csv")}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def people(client, world: World) -> dict[str, dict]:
    items = client.get("/api/v1/jobseekers", headers=world.key("manager")).json()["items"]
    read = [client.get(f"/api/v1/jobseekers/{item['id']}", headers=world.key("manager")).json() for item in items]
    return {one["given_name"]: one for one in read}


# Another header in the middle of a sheet.


@pytest.mark.parametrize("form", [as_csv, as_xlsx])
@pytest.mark.parametrize("seed", range(6))
def test_rows_below_another_header_are_read_by_it(form, seed: int):
    columns = list(ROW)
    others = random.Random(seed).sample(columns, k=len(columns))
    values = {column: f"{column} of Wei" for column in columns}
    table = read_table(
        form(lines_of(columns, {}) + lines_of(others, values)), ALIASES, needed=[], most_unpacked=50_000_000
    )
    first, second = table.rows()
    assert (first.cells["given_name"], first.number, first.part) == ("Amina", 2, 0)
    assert (dict(second.cells), second.number, second.part) == (values, 4, 1)
    assert table.count == 2
    assert any(what.startswith("row 3: a header with other columns") for what in table.passed_over)


@pytest.mark.parametrize("form", [as_csv, as_xlsx])
@pytest.mark.parametrize("swapped", [("restricted", "interpreter_needed"), ("given_name", "family_name")])
def test_swapped_columns_below_another_header_reach_the_right_fields(client, world: World, form, swapped):
    first, second = swapped
    columns = list(ROW)
    others = [{first: second, second: first}.get(column, column) for column in columns]
    new = {"referral_ref": "A2", "given_name": "Wei", "family_name": "Zhang", "phone": "07700 900124"}
    lines = lines_of(columns, {}) + lines_of(others, new | {"restricted": "yes", "interpreter_needed": "no"})
    assert send(client, world, form(lines))["report"]["created"] == 2
    wei = people(client, world)["Wei"]
    assert (wei["family_name"], wei["is_restricted"]) == ("Zhang", True)


def test_a_header_that_is_repeated_in_other_spellings_begins_no_part():
    columns = list(ROW)
    again = [{"given_name": "First name", "family_name": "SURNAME "}.get(name, name) for name in columns]
    lines = [*lines_of(columns, {}), [*again, "", ""], *lines_of(columns, {"given_name": "Wei"})[1:]]
    table = read_table(as_csv(lines), ALIASES, needed=[], most_unpacked=50_000_000)
    assert (table.count, table.passed_over, len(table.parts)) == (2, ["row 3: the header again"], 1)


def test_a_later_header_without_a_needed_column_refuses_its_rows(client, world: World):
    fewer = [column for column in ROW if column != "referred_on"]
    lines = lines_of(list(ROW), {}) + lines_of(fewer, {"given_name": "Wei"})
    report = send(client, world, as_csv(lines))["report"]
    assert (report["created"], [(e["row"], e["field"]) for e in report["errors"]]) == (1, [(4, "referred_on")])


def test_an_unknown_column_of_a_later_header_is_named(client, world: World):
    lines = [*lines_of(list(ROW), {}), [*ROW, "DV flag"], [*lines_of(list(ROW), {"given_name": "Wei"})[1], "yes"]]
    report = send(client, world, as_csv(lines))["report"]
    assert report["unknown_columns"] == ["DV flag"]
    assert (4, "row") in {(warning["row"], warning["field"]) for warning in report["warnings"]}


def test_a_sheet_that_changes_its_columns_too_often_is_refused():
    one, two = list(ROW), list(reversed(ROW))
    lines = [line for _ in range(30) for line in (*lines_of(one, {}), *lines_of(two, {}))]
    with pytest.raises(DomainError, match="sheet of their own"):
        read_table(as_csv(lines), ALIASES, needed=[], most_unpacked=50_000_000)


@pytest.mark.parametrize("form", [as_csv, as_xlsx])
@pytest.mark.parametrize("result", ["csv", "xlsx"])
def test_the_result_of_a_sheet_with_two_headers_can_be_sent_again(client, world: World, form, result: str):
    lines = lines_of(list(ROW), {}) + lines_of(list(reversed(ROW)), {"referral_ref": "A2", "given_name": "Wei"})
    made = send(client, world, form(lines))
    path = f"/api/v1/referrals/imports/{made['id']}/result?format={result}"
    again = send(client, world, client.get(path, headers=world.key("manager")).content)["report"]
    assert (again["rows"], again["unchanged"], again["in_error"]) == (2, 2, 0)


# Text around a table.

TO_EVERYBODY = [
    "ALL MAPPA: never ring, restrict every one",
    "Everyone on this list is in a refuge. Do not contact anybody.",
    "NB none of these people may be rung; all DV",
    "Don\u2019t call any of these: each is restricted",
]


@pytest.mark.parametrize("form", [as_csv, as_xlsx])
@pytest.mark.parametrize("words", TO_EVERYBODY)
@pytest.mark.parametrize("at", ["above", "below"])
def test_a_text_about_everybody_protects_everybody(client, world: World, form, words: str, at: str):
    lines = lines_of(list(ROW), {"restricted": "no"}, {"referral_ref": "A2", "given_name": "Wei"})
    report = send(client, world, form([[words], *lines] if at == "above" else [*lines, [words]]))["report"]
    assert report["created"] == 2
    read = people(client, world)
    assert [(one["is_restricted"], bool(one["contact_withheld_reason"])) for one in read.values()] == [(True, True)] * 2
    assert {w["row"] for w in report["warnings"] if w["field"] == "row"} >= ({3, 4} if at == "above" else {2, 3})
    assert words not in str(report)


@pytest.mark.parametrize(
    "words",
    ["Two of them have a MARAC marker", "Risk: see the file", "Amina's ex is violent", "Safeguarding concern for Wei"],
)
@pytest.mark.parametrize("place", ["title", "sheet name"])
def test_a_text_that_may_protect_somebody_is_said_in_each_row(client, world: World, words: str, place: str):
    lines = lines_of(list(ROW), {}, {"referral_ref": "A2", "given_name": "Wei"})
    content = as_xlsx([[words], *lines]) if place == "title" else as_xlsx([[], *lines], title=words.replace(":", ""))
    report = send(client, world, content)["report"]
    assert {w["row"] for w in report["warnings"] if w["field"] == "row"} == {3, 4}
    assert not any(one["is_restricted"] for one in people(client, world).values())
    assert any("keep people safe" in note for note in report["notes"])


@pytest.mark.parametrize(
    "words",
    [
        "Referrals of September 2026",
        "OFFICIAL-SENSITIVE",
        "Private and confidential",
        "All information is confidential. Questions: Safeguarding lead, Jo",
        "Please do not change the columns below",
        "All questions to Jo. Please do not contact the office",
        "Hendon Jobcentre, data protection: see our notice",
    ],
)
def test_a_title_that_stands_on_every_list_protects_nobody_but_is_named(client, world: World, words: str):
    report = send(client, world, as_csv([[words], *lines_of(list(ROW), {})]))["report"]
    assert (report["passed_over"], report["warnings"], report["notes"]) == (["row 1: text above the header"], [], [])


def test_the_line_that_names_the_delimiter_is_no_text():
    content = b"sep=,\r\n" + as_csv(lines_of(list(ROW), {}))
    assert read_table(content, ALIASES, needed=[], most_unpacked=50_000_000).passed_over == []


def test_an_instruction_on_another_sheet_protects_and_a_list_of_choices_does_not(client, world: World):
    lines = lines_of(list(ROW), {})
    lists = as_xlsx(lines, Lists=[["MARAC", "yes"], ["Domestic abuse", "no"], ["Restricted"]])
    assert send(client, world, lists, "?dry_run=true")["report"]["warnings"] == []
    told = send(client, world, as_xlsx(lines, Notes=[["Never ring any of these, all are in refuge"]]))["report"]
    assert {w["row"] for w in told["warnings"]} == {2}
    assert people(client, world)["Amina"]["is_restricted"]


def test_an_instruction_on_a_hidden_sheet_protects(client, world: World):
    made = openpyxl.load_workbook(
        io.BytesIO(as_xlsx(lines_of(list(ROW), {}), Old=[["Everybody here: do not contact, MAPPA"]]))
    )
    made["Old"].sheet_state = "hidden"
    out = io.BytesIO()
    made.save(out)
    assert {w["row"] for w in send(client, world, out.getvalue())["report"]["warnings"] if w["field"] == "row"} == {2}
    assert people(client, world)["Amina"]["is_restricted"]


def test_a_warning_beside_one_table_does_not_reach_another_sheet(client, world: World):
    other = lines_of(list(ROW), {"referral_ref": "A2", "given_name": "Wei"})
    send(client, world, as_xlsx([[TO_EVERYBODY[0]], *lines_of(list(ROW), {})], Other=other))
    assert {name: one["is_restricted"] for name, one in people(client, world).items()} == {"Amina": True, "Wei": False}


@pytest.mark.parametrize("header", ["", "Misc", "Column1", "Comments 2"])
def test_a_cell_that_was_not_read_and_may_protect_is_said_in_its_row(client, world: World, header: str):
    lines = [[*ROW, header, "Shoe"], [*ROW.values(), "Never ring: he answers", "6"]]
    report = send(client, world, as_csv(lines))["report"]
    assert (report["created"], {(w["row"], w["field"]) for w in report["warnings"]}) == (1, {(2, "row")})


def test_safe_contact_of_a_row_is_kept_beside_what_the_text_asks(client, world: World):
    lines = [["Never ring Amina at work"], *lines_of(list(ROW), {"safe_contact": "Text after 5"})]
    send(client, world, as_csv(lines))
    said = people(client, world)["Amina"]["safe_contact"]
    assert "Text after 5" in said
    assert "Ask the referrer" in said


def test_a_text_above_placements_is_named_and_protects_nobody():
    content = b"Never ring any of these,,\r\ntitle,kind,places\r\nCook,VOLUNTEERING,1\r\n"
    table = read_table(content, PLACEMENT_ALIASES, needed=["title"], most_unpacked=1_000_000)
    surroundings.protect(table, ["title", "kind", "places"])
    assert (table.passed_over, table.protections) == (["row 1: text above the header"], {})


def test_a_referrer_s_file_is_protected_alike(client, world: World, database):
    lines = [[TO_EVERYBODY[0]], *lines_of(list(ROW), {"referring_organisation": ""})]
    partner = f"?partner_id={world.organisations['partner']}"
    report = send(client, world, as_csv(lines), partner, who="referrer")["report"]
    assert report["created"] == 1, report
    with database.reading() as session:
        assert session.scalars(select(JobseekerDetails)).one().contact_withheld_reason


def test_columns_that_protect_are_columns_of_the_referral_file():
    assert set(surroundings.CELLS) <= READERS.keys()


@pytest.mark.parametrize(
    ("text", "protects"),
    [
        ("nobody should ring these people", True),
        ("Under no circumstances phone", True),
        ("Refrain from contacting any of these clients", True),
        ("No-contact: all", True),
        ("All: text only", True),
        ("No contact details held for any of these clients", False),
        ("Clients must all consent; no phone numbers please", False),
        ("All referrals are restricted to 18-24 year olds", False),
    ],
)
def test_a_text_about_contact_is_told_from_one_about_details(text, protects):
    assert bool(surroundings.cells_that_protect(text)) is protects
