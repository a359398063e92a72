"""The template of each kind of file: lists to choose from, an example that is never imported, a link in each report."""

import io
from datetime import date

import openpyxl
import pytest

from pathways.imports import template
from pathways.imports.intake import ImportKind
from pathways.imports.queries import suggested
from pathways.placements.files import KIND as PLACEMENTS
from pathways.referrals.files import KIND as REFERRALS
from pathways.sheets.spreadsheets import HELP_SHEET, SpreadsheetTable, read_table
from tests.world import World

KINDS = pytest.mark.parametrize("kind", [REFERRALS, PLACEMENTS], ids=lambda kind: kind.name)
SENDER = {"referrals": "caseworker", "placements": "lister"}


def opened(kind: ImportKind) -> openpyxl.Workbook:
    return openpyxl.load_workbook(io.BytesIO(template.workbook(kind)))


def saved(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def table_of(kind: ImportKind, content: bytes) -> SpreadsheetTable:
    example = template.example_row(kind)
    return read_table(content, kind.aliases, needed=kind.needed, most_unpacked=50_000_000, example=example)


def filled(kind: ImportKind, book: openpyxl.Workbook, line: int, **cells_by_column: object) -> None:
    page = book.worksheets[0]
    places = {kind.aliases[template.normal(cell.value)]: cell.column for cell in page[1]}
    for column, value in cells_by_column.items():
        page.cell(line, places[column], value)


PERSON = {
    "referral_ref": "A1",
    "source_type": "JCP",
    "referring_organisation": "Hendon Jobcentre",
    "referred_on": date(2026, 9, 1),
    "given_name": "Amina",
    "family_name": "Begum",
}


@KINDS
def test_each_column_has_a_header_that_is_read_as_it_with_help(kind: ImportKind):
    header = opened(kind).worksheets[0][1]
    assert [kind.aliases[template.normal(cell.value)] for cell in header] == list(kind.readers)
    assert all(len(cell.comment.text) > 10 for cell in header)
    assert all(kind.form.help[column] for column in kind.readers)


@KINDS
def test_a_list_to_choose_from_holds_only_what_its_column_takes(kind: ImportKind):
    book = opened(kind)
    validations = book.worksheets[0].data_validations.dataValidation
    rules = {next(iter(rule.sqref.ranges)).min_col - 1: rule for rule in validations}
    columns = list(kind.readers)
    offered = {}
    for place, rule in rules.items():
        if rule.type == "list":
            sheet, cells_range = rule.formula1.lstrip("=").split("!")
            assert sheet == f"'{HELP_SHEET}'"
            offered[columns[place]] = [str(cell.value) for (cell,) in book[HELP_SHEET][cells_range.replace("$", "")]]
    assert set(offered) == {*kind.form.choices, *kind.form.suggestions()}
    for column, values in offered.items():
        assert all(kind.readers[column](value) is not None for value in values), column
        assert bool(rules[columns.index(column)].showErrorMessage) == (column in kind.form.choices)


@KINDS
def test_the_example_row_is_readable_and_never_imported(kind: ImportKind):
    table = table_of(kind, template.workbook(kind))
    assert (table.count, table.passed_over, table.unknown_columns) == (
        0,
        ["row 2: the example row of the template"],
        [],
    )
    for column, text in kind.form.example.items():
        kind.readers[column](text)


def test_the_example_row_saved_as_csv_is_not_imported_either():
    rows = [[cell.value for cell in row] for row in opened(REFERRALS).worksheets[0].iter_rows(max_row=2)]
    line = ",".join(f'"{"" if cell is None else cell}"' for cell in rows[1])
    content = (",".join(rows[0]) + "\n" + line + "\n").encode()
    assert table_of(REFERRALS, content).passed_over == ["row 2: the example row of the template"]


def test_a_person_written_over_the_example_is_not_left_out():
    book = opened(REFERRALS)
    filled(REFERRALS, book, 2, **{**PERSON, "referral_ref": "EXAMPLE"})
    (row,) = table_of(REFERRALS, saved(book)).rows()
    assert [rule for rule, _ in row.faults] == ["The row has the reference of the example row."]
    filled(REFERRALS, book, 2, referral_ref="A1")
    (row,) = table_of(REFERRALS, saved(book)).rows()
    assert (row.faults, row.cells["given_name"]) == ((), "Amina")


@KINDS
def test_the_template_is_downloaded_by_those_who_may_import(client, world: World, kind: ImportKind):
    path = f"/api/v1/{kind.name}/imports/template"
    answer = client.get(path, headers=world.key(SENDER[kind.name]))
    assert answer.status_code == 200
    assert answer.headers["content-type"].endswith("spreadsheetml.sheet")
    assert openpyxl.load_workbook(io.BytesIO(answer.content)).sheetnames == [kind.name.capitalize(), HELP_SHEET]
    assert client.get(path).status_code == 401
    assert client.get(path, headers=world.key("commissioner")).status_code == 403


def test_a_filled_template_is_imported_and_its_report_links_the_template(client, world: World):
    book = opened(REFERRALS)
    filled(REFERRALS, book, 3, **PERSON)
    answer = client.post(
        "/api/v1/referrals/imports",
        headers=world.key("caseworker"),
        files={"file": ("f", saved(book), "text/csv")},
    ).json()
    report = answer["report"]
    assert (report["created"], report["in_error"], report["warnings"], report["notes"]) == (1, 0, [], [])
    assert report["template"] == "/api/v1/referrals/imports/template"
    read = client.get(f"/api/v1/referrals/imports/{answer['id']}", headers=world.key("caseworker")).json()
    assert client.get(read["report"]["template"], headers=world.key("caseworker")).status_code == 200


@pytest.mark.parametrize("content", [b"one,two\n1,2\n", b"given_name,family_name,dob\nAmina,Begum,\n"])
def test_a_file_without_the_columns_is_told_where_the_template_is(client, world: World, content: bytes):
    answer = client.post(
        "/api/v1/referrals/imports", headers=world.key("caseworker"), files={"file": ("f", content, "text/csv")}
    )
    assert answer.status_code == 409
    assert answer.json()["type"] == "/problems/file-not-understood"
    assert "/api/v1/referrals/imports/template" in answer.json()["detail"]


HEADERS = {
    "Client DOB": "date_of_birth",
    "NINO (if known)": "nino",
    "Tel": "phone",
    "Client's mobile no.": "phone",
    "Christian name": "given_name",
    "Surname *": "family_name",
    "Date of Referral": "referred_on",
    "Agency": "referring_organisation",
    "Any health conditions?": "adjustments",
    "Immigration status": "right_to_work",
    "Best time to call": "safe_contact",
    "Consent given?": "permission_to_share",
    "Hrs pw": "hours_max",
    "Transprot": "travel_modes",
    "Favourite colour": "",
}


@pytest.mark.parametrize(("header", "column"), HEADERS.items())
def test_every_unknown_header_has_a_suggestion_or_none_is_like_it(header: str, column: str):
    assert suggested([header], REFERRALS.aliases, REFERRALS.form.synonyms, set()) == {header: column}
    taken = suggested([header], REFERRALS.aliases, REFERRALS.form.synonyms, {column})
    assert taken[header] != column or not column


@KINDS
def test_synonyms_and_protections_name_columns_of_the_file(kind: ImportKind):
    form = kind.form
    named = {
        *form.synonyms.values(),
        *form.choices,
        *form.suggestions(),
        *form.example,
        *form.if_lost,
        *form.recognised_by,
    }
    assert named <= set(kind.readers)
    assert not {template.normal(words) for words in form.synonyms} & set(kind.aliases)
    for column, text in form.if_lost.items():
        assert kind.readers[column](text)
