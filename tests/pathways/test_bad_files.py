"""Files as they should not be: each is read, or refused in one plain sentence, and nothing breaks or is half saved."""

import io
import struct
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from sqlalchemy import func, select

from pathways.errors import DomainError
from pathways.imports.files import lawful as result_names
from pathways.imports.models import ImportRun
from pathways.jobseekers.models import JobseekerDetails
from pathways.referrals.files import ALIASES
from pathways.sheets.spreadsheets import MOST_COLUMNS, read_table
from tests.world import World

pytestmark = pytest.mark.any_database

HEAD = "source_type,referring_organisation,referred_on,given_name,family_name"
LINE = "JCP,Hendon Jobcentre,2026-09-01,{given},{family}"


def send(client, world: World, content: bytes):
    return client.post(
        "/api/v1/referrals/imports", headers=world.key("caseworker"), files={"file": ("f", content, "text/csv")}
    )


def book(*rows: list[object], more: Callable[[openpyxl.Workbook], None] = lambda _: None) -> bytes:
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    more(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def test_a_thousand_columns_are_read_and_one_more_is_refused(client, world: World):
    for more, expect in ((MOST_COLUMNS - 5, 201), (MOST_COLUMNS - 4, 409)):
        head = HEAD + "".join(f",other {n}" for n in range(more))
        answer = send(client, world, f"{head}\n{LINE.format(given='Amina', family='Begum')}".encode())
        assert answer.status_code == expect, answer.text[:300]
    assert str(MOST_COLUMNS) in answer.json()["detail"]


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ('"O""Brien"', 'O"Brien'),
        ('"Begum, Amina"', "Begum, Amina"),
        ('"two\nlines"', "two lines"),
        ("n" * 200, "n" * 200),
        ("محمد", "محمد"),
        ("שלמה\u200f", "שלמה\u200f"),
        ("ﬁona", "ﬁona"),
        ("李", "李"),
    ],
)
def test_names_of_every_kind_are_kept_as_they_are(client, world: World, database, written: str, kept: str):
    answer = send(client, world, f"{HEAD}\n{LINE.format(given=written, family='')}".encode())
    assert answer.json()["report"]["created"] == 1, answer.text
    with database.reading() as session:
        assert session.scalars(select(JobseekerDetails.given_name)).all() == [kept]


@pytest.mark.parametrize("cell", ["=HYPERLINK(1)", "@SUM(1)", "a\x07b", "n" * 301])
def test_a_cell_that_is_not_taken_is_named_and_never_repeated(client, world: World, cell: str):
    report = send(client, world, f"{HEAD}\n{LINE.format(given=cell, family='Begum')}".encode()).json()["report"]
    assert [(error["row"], error["field"]) for error in report["errors"]] == [(2, "given_name")]
    assert cell not in str(report)


def test_a_quote_that_is_never_closed_is_found_however_far_down(client, world: World, database):
    lines = [HEAD, *(LINE.format(given=f"A{n}", family="Begum") for n in range(300)), 'JCP,"Hendon,2026-09-01,A,B']
    answer = send(client, world, "\n".join(lines).encode())
    assert answer.status_code == 409
    assert "302" in answer.json()["detail"]
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(ImportRun)) == 0


def lying(content: bytes, part: str, told: int) -> bytes:
    """Return a workbook whose table of contents says that one part is small."""
    raw = bytearray(content)
    at = 0
    while (at := raw.find(b"PK\x01\x02", at)) >= 0:
        (length,) = struct.unpack_from("<H", raw, at + 28)
        if raw[at + 46 : at + 46 + length].decode() == part:
            struct.pack_into("<I", raw, at + 24, told)
        at += 4
    return bytes(raw)


@pytest.mark.parametrize("part", ["xl/worksheets/sheet1.xml", "xl/styles.xml"])
def test_a_workbook_that_unpacks_to_more_than_it_says_is_refused(client, world: World, part: str):
    good = book(HEAD.split(","), LINE.format(given="Amina", family="Begum").split(","))
    assert send(client, world, good).status_code == 201
    assert send(client, world, lying(good, part, 20)).status_code == 409


def bomb() -> bytes:
    """A small workbook one of whose parts unpacks to a hundred megabytes of nothing."""
    out = io.BytesIO(book(HEAD.split(",")))
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/media/image1.png", bytes(100_000_000))
    return out.getvalue()


def far_cell(made: openpyxl.Workbook) -> None:
    made.active["XFD1048576"] = "x"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bomb(), "unpacks to more"),
        (book(HEAD.split(","), ["JCP"], more=far_cell), "which is too many"),
        (b"PK\x03\x04" + bytes(200), "cannot be opened"),
        (book(["nothing", "of", "ours"]), "have no header row"),
    ],
    ids=["a bomb", "a far cell", "no workbook", "no header"],
)
def test_a_workbook_that_would_fill_the_memory_or_says_nothing_is_refused(content: bytes, words: str):
    with pytest.raises(DomainError, match=words):
        read_table(content, ALIASES, needed=[], most_unpacked=50_000_000)


def test_sheets_of_odd_names_and_other_headers_are_each_read_and_come_back(client, world: World):
    def more(made: openpyxl.Workbook) -> None:
        made.active.title = "Referrals of September 2026, N"
        second = made.create_sheet("O'Brien's")
        second.append([name.upper() for name in reversed(HEAD.split(","))])
        second.append(list(reversed(LINE.format(given="Wei", family="Zhang").split(","))))
        made.create_sheet("Notes").append(["Call Mrs Hall about these."])

    content = book(HEAD.split(","), LINE.format(given="Amina", family="Begum").split(","), more=more)
    answer = send(client, world, content).json()
    assert (answer["report"]["created"], answer["report"]["passed_over"]) == (2, ["sheet Notes: no header row"])
    result = client.get(f"/api/v1/referrals/imports/{answer['id']}/result", headers=world.key("caseworker"))
    read = openpyxl.load_workbook(io.BytesIO(result.content))
    assert read.sheetnames == ["Referrals of September 2026, N", "O'Brien's"]
    assert [cell.value for cell in read["O'Brien's"][2]][:2] == ["Zhang", "Wei"]


def test_text_that_looks_like_a_number_and_totals_under_the_rows_are_understood(client, world: World):
    head = [*HEAD.split(","), "hours_max", "referral_ref"]
    rows = [[*LINE.format(given=f"A{n}", family="Begum").split(","), "16", f"00{n}"] for n in range(2)]
    answer = send(client, world, book(["Hendon, September"], [], head, *rows, ["Total", None, None, 2])).json()
    assert (answer["report"]["created"], answer["report"]["passed_over"]) == (
        2,
        ["row 1: text above the header", "row 6: a total"],
    )


def rewritten(content: bytes, part: str, change: Callable[[str], str]) -> bytes:
    """Return a workbook one part of which is written otherwise."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as read, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        for name in read.namelist():
            text = read.read(name)
            parts.writestr(name, change(text.decode()).encode() if name == part else text)
    return out.getvalue()


SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"
FAR = "<row r='900000'><c r='XFD900000' t='inlineStr'><is><t>x</t></is></c></row></sheetData>"
UNSAID = "<row r='900000'>" + "<c/>" * 10 + "<c t='inlineStr'><is><t>x</t></is></c></row></sheetData>"
DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'


@pytest.mark.parametrize(
    ("part", "change", "words"),
    [
        (SHEET, lambda xml: xml.replace("</sheetData>", FAR), "which is too many"),
        (SHEET, lambda xml: xml.replace("</sheetData>", UNSAID), "which is too many"),
        (BOOK, lambda xml: xml.replace('name="Sheet"', "name='Sheet'"), ""),
        (SHEET, lambda xml: xml[xml.index("<worksheet") :].replace("<worksheet", DOCTYPE + "<worksheet", 1), "opened"),
        (SHEET, lambda xml: xml[:300], "opened"),
        (BOOK, lambda xml: xml.replace('"rId1"', '"rId9"'), "opened"),
    ],
    ids=["a far cell in other quotes", "a place that is not told", "a name in other quotes", "entities", "cut", "none"],
)
def test_what_a_workbook_says_of_itself_is_read_as_its_reader_reads_it(part: str, change, words: str):
    good = book(HEAD.split(","), *(LINE.format(given=f"A{n}", family="B").split(",") for n in range(3)))
    made = rewritten(good, part, change)
    if words:
        with pytest.raises(DomainError, match=words):
            read_table(made, ALIASES, needed=[], most_unpacked=50_000_000)
    else:
        assert read_table(made, ALIASES, needed=[], most_unpacked=50_000_000).count == 3


@pytest.mark.parametrize(
    "formula", ["<c r='D3'><f>A1</f><v>1</v></c>", '<c r="D3">\n<f>A1</f><v>1</v></c>', '<c r="D3"><f/></c>']
)
def test_a_formula_is_seen_however_it_is_written(formula: str):
    good = book(HEAD.split(","), *(LINE.format(given=f"A{n}", family="B").split(",") for n in range(2)))
    made = rewritten(good, SHEET, lambda xml: xml.replace("</row></sheetData>", f"{formula}</row></sheetData>"))
    for required in ([], list(ALIASES.values())):
        rows = list(read_table(made, ALIASES, needed=[], most_unpacked=50_000_000, required=required).rows())
        assert [len(row.faults if required else row.warnings) for row in rows] == [0, 1]


def test_merged_cells_beyond_the_rows_cost_nothing():
    good = book(HEAD.split(","), LINE.format(given="A", family="B").split(","))
    merges = "<mergeCells>" + '<mergeCell ref="A1:XFD1048576"/>' * 30 + "</mergeCells>"
    made = rewritten(good, SHEET, lambda xml: xml.replace("</sheetData>", f"</sheetData>{merges}"))
    (row,) = read_table(made, ALIASES, needed=[], most_unpacked=50_000_000).rows()
    assert len(row.faults) == 1


def test_two_sheets_of_one_name_are_refused():
    good = book(HEAD.split(","), more=lambda made: made.create_sheet("Other").append(HEAD.split(",")))
    made = rewritten(good, BOOK, lambda xml: xml.replace('name="Other"', 'name="sheet"'))
    with pytest.raises(DomainError, match="the same name"):
        read_table(made, ALIASES, needed=[], most_unpacked=50_000_000)


def test_cells_beyond_the_header_are_shown_and_come_back(client, world: World):
    answer = send(client, world, f"{HEAD}\n{LINE.format(given='Amina', family='Begum')},beyond".encode()).json()
    assert answer["report"]["in_error"] == 1
    path = f"/api/v1/referrals/imports/{answer['id']}/result"
    assert "beyond" in client.get(path, headers=world.key("caseworker")).text
    for form in ("csv", "xlsx"):
        assert client.get(f"{path}?format={form}", headers=world.key("caseworker")).status_code == 200


def test_names_of_sheets_that_a_workbook_does_not_take_are_written_so_that_it_does():
    names = [
        "Referrals of September 2026, North",
        "Referrals of September 2026, Nor",
        "a/b[c]",
        "'x'",
        "A/B(C)",
        "a b c",
        "",
    ]
    lawful = result_names(names)
    assert len({name.casefold() for name in lawful}) == len(names)
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in lawful)
