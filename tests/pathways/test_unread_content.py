"""What a file hides or an export mangles is read right, or the row or the file says so with a remedy (rule 9)."""

import csv
import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date, datetime

import openpyxl
import pytest
import xlsxwriter
from openpyxl.comments import Comment
from sqlalchemy import select

from pathways.errors import DomainError
from pathways.jobseekers.models import JobseekerDetails
from pathways.referrals.files import ALIASES, KIND
from pathways.sheets.damage import damage_of, tidy
from pathways.sheets.encodings import decoded
from pathways.sheets.spreadsheets import read_table
from tests.pathways.test_bad_files import rewritten
from tests.world import World

pytestmark = pytest.mark.any_database

HEADER = ["referral_ref", "source_type", "referring_organisation", "referred_on", "given_name", "family_name"]
MORE = ["date_of_birth", "nino", "email", "phone", "postcode", "council_person_id", "reason"]
SHEET, BOOK = "xl/worksheets/sheet1.xml", "xl/workbook.xml"


def cells_of(ref: str = "A1", **cells: object) -> list[object]:
    row = {"referral_ref": ref, "source_type": "JCP", "referring_organisation": "Hendon Jobcentre"}
    row |= {"referred_on": "2026-09-01", "given_name": "Amina", "family_name": "Begum"}
    return [(row | cells).get(name) for name in [*HEADER, *MORE]]


def book(*rows: Sequence[object], change: Callable[[openpyxl.Workbook], None] = lambda _: None) -> bytes:
    made = openpyxl.Workbook()
    for row in ([*HEADER, *MORE], *rows):
        made.active.append(row)
    change(made)
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def text_file(*rows: Sequence[object], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    for row in ([*HEADER, *MORE], *rows):
        writer.writerow(["" if cell is None else cell for cell in row])
    return out.getvalue().encode(encoding)


def send(client, world: World, content: bytes, query: str = "") -> dict:
    answer = client.post(
        f"/api/v1/referrals/imports{query}", headers=world.key("caseworker"), files={"file": ("f", content, "text/csv")}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["report"]


def warned(report: dict) -> set[tuple[int, str]]:
    assert all(warning["rule"] and warning["remedy"] for warning in report["warnings"])
    return {(warning["row"], warning["field"]) for warning in report["warnings"]}


def saved(database) -> JobseekerDetails:
    with database.reading() as session:
        return session.scalars(select(JobseekerDetails)).one()


def table_of(content: bytes):
    return read_table(content, ALIASES, needed=[], most_unpacked=50_000_000)


# Days counted from 1904.


def in_1904(made: openpyxl.Workbook) -> None:
    made.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904


EXTENSIONS = (
    '<extLst><ext xmlns:x15="http://schemas.microsoft.com/office/spreadsheetml/2010/11/main" uri="{140A7094}">'
    '<x15:workbookPr chartTrackingRefBase="1"/></ext></extLst></workbook>'
)


@pytest.mark.parametrize("flag", ["1", "true"])
@pytest.mark.parametrize("has_extensions", [False, True])
def test_a_typed_date_counted_from_1904_is_read_right(client, world: World, database, flag: str, has_extensions: bool):
    content = book(cells_of(date_of_birth=date(2002, 5, 26)), change=in_1904)
    content = rewritten(content, BOOK, lambda xml: xml.replace('date1904="1"', f'date1904="{flag}"'))
    if has_extensions:
        content = rewritten(content, BOOK, lambda xml: xml.replace("</workbook>", EXTENSIONS))
    assert warned(send(client, world, content)) == set()
    assert saved(database).date_of_birth == date(2002, 5, 26)


@pytest.mark.parametrize("number", [35940, 35940.5, "35940"])
def test_an_untyped_number_of_days_is_counted_as_its_workbook_counts(client, world: World, database, number: object):
    report = send(client, world, book(cells_of(date_of_birth=number), change=in_1904))
    assert warned(report) == {(2, "date_of_birth")}
    assert saved(database).date_of_birth == date(2002, 5, 26)


def test_an_untyped_number_of_days_from_1900_is_read_with_a_warning(client, world: World, database):
    assert warned(send(client, world, text_file(cells_of(date_of_birth="37402")))) == {(2, "date_of_birth")}
    assert saved(database).date_of_birth == date(2002, 5, 26)


def test_a_strict_workbook_with_dates_as_text_is_read(client, world: World, database):
    def strict(xml: str) -> str:
        day = '<c r="G2" t="d"><v>2002-05-26</v></c>'
        xml = xml.replace("http://schemas.openxmlformats.org/spreadsheetml/2006/main", STRICT)
        return xml[: xml.index('<c r="G2"')] + day + xml[xml.index('<c r="H2"') :]

    content = book(cells_of(date_of_birth="x", nino="QQ224466C"))
    assert warned(send(client, world, rewritten(content, SHEET, strict))) == set()
    assert saved(database).date_of_birth == date(2002, 5, 26)


STRICT = "http://purl.oclc.org/ooxml/spreadsheetml/main"


# Error values.

ERRORS = ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"]


@pytest.mark.parametrize("value", [*ERRORS, "#FIELD!", "#BLOCKED!", "#BUSY!"])
def test_an_error_cell_of_a_workbook_is_not_read_and_said(client, world: World, database, value: str):
    def as_error(xml: str) -> str:
        return xml.replace('<c r="H2" t="inlineStr"><is><t>here</t></is></c>', f'<c r="H2" t="e"><v>{value}</v></c>')

    content = rewritten(book(cells_of(nino="here")), SHEET, as_error)
    assert f"<v>{value}</v>" in zipfile.ZipFile(io.BytesIO(content)).read(SHEET).decode()
    assert warned(send(client, world, content)) == {(2, "nino")}
    assert saved(database).nino_sealed is None


@pytest.mark.parametrize("value", [*ERRORS, "#WERT!", "#BEZUG!", "#NV", "Err:502", "#####", "NaN", "[object Object]"])
@pytest.mark.parametrize("column", ["nino", "phone", "email", "date_of_birth", "postcode"])
def test_an_error_value_as_text_bars_nobody_and_is_not_read(column: str, value: str):
    assert damage_of(column, value).text is None


def test_an_error_value_in_a_needed_cell_refuses_the_row(client, world: World):
    report = send(client, world, text_file(cells_of(referred_on="#REF!"), cells_of("A2")))
    assert (report["created"], report["in_error"], report["errors"][0]["field"]) == (1, 1, "referred_on")
    assert (2, "referred_on") in warned(report)


@pytest.mark.parametrize("column", ["restricted", "contact_withheld_reason", "safe_contact"])
def test_a_protection_that_was_lost_protects_all_the_same(client, world: World, database, column: str):
    content = text_file([*cells_of(), "#REF!"]).replace(b"reason\r\n", f"reason,{column}\r\n".encode(), 1)
    report = send(client, world, content)
    assert (report["created"], warned(report)) == (1, {(2, column)})
    rows = client.get("/api/v1/jobseekers", headers=world.key("manager")).json()["items"]
    read = client.get(f"/api/v1/jobseekers/{rows[0]['id']}", headers=world.key("manager")).json()
    assert read["is_restricted" if column == "restricted" else column]


# Formulas, merged cells, notes, struck-through text.


def test_a_formula_without_a_result_in_a_needed_cell_refuses_its_row_only(client, world: World):
    report = send(client, world, book(cells_of(), cells_of("A2", given_name="=VLOOKUP(A1,'[1]x'!A:B,2,0)")))
    assert (report["created"], {error["row"] for error in report["errors"]}) == (1, {3})


def test_a_formula_without_a_result_in_an_optional_cell_refuses_nobody(client, world: World):
    report = send(client, world, book(cells_of(), cells_of("A2", nino="=VLOOKUP(A1,'[1]x'!A:B,2,0)")))
    assert (report["created"], report["errors"], warned(report)) == (2, [], {(3, "nino")})


def test_a_note_of_a_colleague_is_not_read_and_said(client, world: World):
    def note(made: openpyxl.Workbook) -> None:
        made.active["J3"].comment = Comment("Never ring: he answers her phone", "Hall")

    report = send(client, world, book(cells_of(), cells_of("A2", given_name="Wei"), change=note))
    assert (report["created"], warned(report)) == (2, {(3, "row")})
    assert "safely" in report["warnings"][0]["remedy"]
    assert "answers" not in str(report)


def struck_through(*, is_rich: bool) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as made:
        page, struck = made.add_worksheet(), made.add_format({"font_strikeout": True})
        page.write_row(0, 0, [*HEADER, *MORE])
        page.write_row(1, 0, cells_of())
        page.write_row(2, 0, cells_of("A2", given_name="Wei"), None if is_rich else struck)
        if is_rich:
            page.write_rich_string(2, 9, struck, "07700 900111", " ", made.add_format(), "07700 900112")
    return out.getvalue()


@pytest.mark.parametrize("is_rich", [False, True])
def test_struck_through_text_is_said(client, world: World, is_rich: bool):
    assert (3, "row") in warned(send(client, world, struck_through(is_rich=is_rich)))


def test_runs_of_a_text_are_joined_and_its_reading_aid_is_left_out():
    runs = "<is><r><t>Ami</t></r><r><rPr><b/></rPr><t>na</t></r><rPh sb='0' eb='1'><t>アミナ</t></rPh></is>"
    content = book(cells_of(given_name="here"))
    content = rewritten(content, SHEET, lambda xml: xml.replace("<is><t>here</t></is>", runs))
    (row,) = table_of(content).rows()
    assert row.cells["given_name"] == "Amina"


# Hidden sheets, rows and columns.


def sheets_of(made: openpyxl.Workbook) -> None:
    for name, state in (("Closed 2024", "hidden"), ("old", "veryHidden"), ("Example", "visible"), ("Empty", "hidden")):
        page = made.create_sheet(name)
        page.sheet_state = state
        page.append([*HEADER, *MORE])
        for n in range(2 if name != "Empty" else 0):
            page.append(cells_of(f"{name}{n}", given_name=f"{name}{n}"))


def test_people_on_hidden_sheets_are_not_made_and_the_report_names_the_sheets(client, world: World, database):
    report = send(client, world, book(cells_of(), change=sheets_of))
    assert report["created"] == 1
    assert saved(database).given_name == "Amina"
    for name in ("Closed 2024", "old", "Example"):
        (said,) = [what for what in report["passed_over"] if f"sheet {name}:" in what]
        assert "2 rows not read" in said
        assert "send the file again" in said


def test_a_workbook_with_rows_only_on_hidden_sheets_is_refused_with_their_names():
    def hide(made: openpyxl.Workbook) -> None:
        sheets_of(made)
        made.active.delete_rows(1, 5)

    with pytest.raises(DomainError, match=r"Closed 2024: hidden, 2 rows not read.*show the sheet"):
        table_of(book(cells_of(), change=hide))


@pytest.mark.parametrize("way", ["hidden", "filter", "no height", "outline"])
def test_a_hidden_row_is_read_and_said(client, world: World, way: str):
    def hide(made: openpyxl.Workbook) -> None:
        dimension = made.active.row_dimensions[3]
        dimension.hidden = True
        if way == "filter":
            made.active.auto_filter.ref = "A1:M3"
        if way == "outline":
            dimension.outlineLevel = 1

    content = book(cells_of(), cells_of("A2", given_name="Wei"), change=hide)
    if way == "no height":
        content = rewritten(content, SHEET, lambda xml: xml.replace('hidden="1"', 'ht="0" customHeight="1"'))
    report = send(client, world, content)
    assert (report["created"], warned(report)) == (2, {(3, "row")})


def test_hidden_columns_are_read_and_named(client, world: World):
    def hide(made: openpyxl.Workbook) -> None:
        made.active.column_dimensions["J"].hidden = True

    report = send(client, world, book(cells_of(phone="07700 900123"), change=hide))
    assert ["phone" in note and "hidden" in note for note in report["notes"]] == [True]


def test_a_cell_whose_format_hides_it_is_said(client, world: World):
    def hide(made: openpyxl.Workbook) -> None:
        made.active["H2"].number_format = ";;;"

    assert warned(send(client, world, book(cells_of(nino="QQ224466C"), change=hide))) == {(2, "row")}


def test_macros_links_and_pictures_are_named():
    out = io.BytesIO(book(cells_of()))
    with zipfile.ZipFile(out, "a") as parts:
        parts.writestr("xl/vbaProject.bin", b"macro")
        parts.writestr("xl/externalLinks/externalLink1.xml", "<externalLink/>")
    assert [word in str(table_of(out.getvalue()).notes) for word in ("macros", "linked")] == [True, True]
    with_box = io.BytesIO()
    with xlsxwriter.Workbook(with_box) as made:
        page = made.add_worksheet()
        page.write_row(0, 0, [*HEADER, *MORE])
        page.write_row(1, 0, cells_of())
        page.insert_textbox(5, 1, "Do not send letters to anybody here")
    assert "text boxes" in str(table_of(with_box.getvalue()).notes)


# Numbers as a format shows them.


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (7700900123, "00000000000", "07700900123"),
        (7700900123, "00000 000000", "07700 900123"),
        (7700900123, "0#### ######", "07700 900123"),
        (145, "00000", "00145"),
        (145, '"R-"0000', "R-0145"),
        (123456, "000", "123456"),
        (447700900123, "0.00E+00", "447700900123"),
        (7700900123.0, "General", "7700900123"),
        (0.5, "0%", "50%"),
        (12345678901234567890, "0", "12345678901234600000"),
    ],
)
def test_a_number_is_read_as_its_format_shows_it(value: float, form: str, text: str):
    def show(made: openpyxl.Workbook) -> None:
        made.active["L2"].number_format = form

    (row,) = table_of(book(cells_of(council_person_id=value), change=show)).rows()
    assert row.cells["council_person_id"] == text


@pytest.mark.parametrize(
    ("column", "written", "read"),
    [
        ("phone", "4.48E+11", None),
        ("phone", "4.477E+11", None),
        ("phone", "4.47700900123E+11", "447700900123"),
        ("nhs_number", "9.99E+09", None),
        ("phone", "7700900123.0", "7700900123"),
        ("phone", "'07700900123", "07700900123"),
        ("phone", '="07700900123"', "07700900123"),
        ("council_person_id", "12345678901234500", "12345678901234500"),
        ("referral_ref", "03-Nov", "03-Nov"),
        ("referral_ref", "Nov-26", "Nov-26"),
        ("postcode", "2026-03-01", "2026-03-01"),
        ("date_of_birth", "37402.5", "37402"),
        ("reason", "O&#39;Brien &amp; Sons", "O'Brien & Sons"),
        ("given_name", "Jos%C3%A9", "José"),
        ("given_name", "Jos\\u00e9", "José"),
        ("given_name", "Ami_x000D_na", "Ami\nna"),
        ("given_name", "NULL", "NULL"),
        ("skills", "NULL", None),
    ],
)
def test_a_number_or_text_that_an_export_changed_is_put_right_or_not_read(column: str, written: str, read: str | None):
    text = tidy(written)
    damage = damage_of(column, text)
    assert (text if damage is None else damage.text) == read


@pytest.mark.parametrize(
    ("column", "written"),
    [
        ("phone", "07700 900123"),
        ("referral_ref", "5E10"),
        ("referral_ref", "#12"),
        ("referral_ref", "R-0145"),
        ("family_name", "Null"),
        ("family_name", "Müller-Łukasz"),
        ("family_name", "JOÃO"),
        ("family_name", "O\u2019Brien"),
        ("family_name", "L\u2019éclair"),
        ("given_name", "Íñigo"),
        ("family_name", "JOSÉ\u2019S"),
        ("given_name", "Nguyễn"),
        ("given_name", "Иван"),
        ("given_name", "محمد"),
        ("reason", "Why? She wants work."),
        ("reason", "See https://example.org/?page=2"),
        ("aspirations", "R&D; shop"),
        ("date_of_birth", "2002-05-26"),
        ("hours_max", "16"),
    ],
)
def test_what_people_really_write_is_not_taken_for_damage(column: str, written: str):
    assert damage_of(column, tidy(written)) is None


def test_a_shortened_telephone_number_is_not_kept_and_said(client, world: World, database):
    report = send(client, world, text_file(cells_of(phone="4.48E+11")))
    assert (report["created"], warned(report), saved(database).phone) == (1, {(2, "phone")}, None)


# Letters.

NAMES = ["José Peña", "Zoë O\u2019Brien", "Müller", "Renée", "Ångström", "JOSÉ", "Seán Ní Bhriain"]


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_letters_are_read_in_every_encoding_that_a_spreadsheet_writes(encoding: str):
    for name in NAMES:
        assert name in decoded(text_file(cells_of(given_name=name), encoding=encoding)).text


@pytest.mark.parametrize("name", ["José Peña", "Müller", "Renée", "JOSÉ"])
def test_letters_of_dos_are_read(name: str):
    assert name in decoded(text_file(cells_of(given_name=name), encoding="cp850")).text


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman", "cp850"])
def test_each_row_with_guessed_letters_says_so(client, world: World, database, encoding: str):
    content = text_file(cells_of(given_name="José"), encoding=encoding)
    report = send(client, world, content)
    assert (warned(report), len(report["notes"])) == ({(2, "given_name")}, 1)
    assert saved(database).given_name == "José"


def test_a_file_of_two_encodings_is_read_line_by_line(client, world: World):
    content = text_file(cells_of(given_name="José")) + text_file(cells_of("A2", given_name="Zoë"), encoding="cp1252")
    table = table_of(content)
    assert [row.cells["given_name"] for row in table.rows()] == ["José", "Zoë"]
    assert "line 4" in table.notes[0]


@pytest.mark.parametrize("wrong", ["cp1252", "mac_roman", "cp850", "latin-1"])
@pytest.mark.parametrize("name", ["José", "Peña", "Müller", "Łukasz", "Ayşe", "O\u2019Brien", "Ștefan"])
def test_utf_8_that_was_once_read_wrongly_is_put_right(wrong: str, name: str):
    garbled = name.encode().decode(wrong, errors="replace")
    damage = damage_of("given_name", garbled)
    assert damage.rule
    assert damage.text in ({garbled} if "\ufffd" in garbled else {name})


def test_names_garbled_twice_are_put_right(client, world: World, database):
    twice = "José".encode().decode("cp1252").encode().decode("cp1252")
    assert warned(send(client, world, text_file(cells_of(given_name=twice)))) == {(2, "given_name")}
    assert saved(database).given_name == "José"


@pytest.mark.parametrize("name", ["Jos\ufffd", "Pe?a", "Jos?", "?ukasz", "\ue001mina"])
def test_a_lost_letter_of_a_name_is_said(client, world: World, name: str):
    report = send(client, world, text_file(cells_of(given_name=name)))
    assert (report["created"], warned(report)) == (1, {(2, "given_name")})


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Amina\xa0Begum", "Amina\xa0Begum"),
        ("\u200bAmina\ufeff", "Amina"),
        ("Ami\u00adna", "Amina"),
        ("\u202aAmina\u202c", "Amina"),
        ("שלמה\u200f", "שלמה\u200f"),
        ("  'Amina", "'Amina"),
        ("'-5", "-5"),
    ],
)
def test_what_nobody_sees_in_a_cell_is_left_out(written: str, read: str):
    assert tidy(written) == read


def test_invisible_characters_do_not_spoil_codes_dates_and_headers(client, world: World):
    content = text_file(cells_of(source_type="JCP\u200b", date_of_birth="26/05/2002\ufeff"))
    content = content.replace(b"given_name", "given\xa0na\u00adme".encode())
    report = send(client, world, content)
    assert (report["created"], report["unknown_columns"], warned(report)) == (1, [], set())


@pytest.mark.parametrize("line_break", ["\n", "\r\n", "\r", "\x0b", "\u2028"])
def test_every_kind_of_line_break_in_a_cell_is_read(client, world: World, database, line_break: str):
    report = send(client, world, text_file(cells_of(given_name=f"Amina{line_break}Noor")))
    assert (report["created"], warned(report)) == (1, set())
    assert saved(database).given_name == "Amina Noor"


def test_a_table_that_begins_in_the_middle_of_a_sheet_is_read_with_its_formats():
    made = openpyxl.Workbook()
    for line, row in enumerate([[*HEADER, *MORE], cells_of(phone=7700900123)], 5):
        for column, cell in enumerate(row, 3):
            made.active.cell(line, column, cell)
    made.active["L6"].number_format = "00000 000000"
    out = io.BytesIO()
    made.save(out)
    (row,) = table_of(out.getvalue()).rows()
    assert (row.number, row.cells["phone"], row.cells["given_name"]) == (6, "07700 900123", "Amina")


# The shape of a table.


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
@pytest.mark.parametrize("first", ["", "sep={delimiter}\r\n"])
def test_other_delimiters_are_found(delimiter: str, first: str):
    content = first.format(delimiter=delimiter).encode() + text_file(cells_of(reason="a\nb"), delimiter=delimiter)
    assert [row.cells["reason"] for row in table_of(content).rows()] == ["a\nb"]


def test_titles_headers_again_totals_and_columns_without_a_header_are_named():
    def shape(made: openpyxl.Workbook) -> None:
        page = made.active
        page.insert_rows(1, 2)
        page["A1"] = "Referrals of September"
        page.append([*HEADER, *MORE])
        page.append(cells_of("A2", given_name="Wei"))
        page.append(["Number of referrals: 2"])
        page["O4"] = "Ring first"

    table = table_of(book(cells_of(), change=shape))
    assert [row.cells["given_name"] for row in table.rows()] == ["Amina", "Wei"]
    assert table.passed_over == [
        "row 1: text above the header",
        "row 5: the header again",
        "row 7: a total",
        "column O of sheet Sheet: it has cells but no header",
    ]


def test_of_two_headers_in_a_row_the_fuller_is_read():
    content = b"First name,Surname,DOB,x\r\n" + text_file(cells_of())
    (row,) = table_of(content).rows()
    assert row.number == 3


def test_a_blank_header_over_cells_is_said():
    content = text_file(cells_of(reason="Ring first")).replace(b",reason", b",", 1)
    assert table_of(content).passed_over == ["column M: it has cells but no header"]


def test_a_file_that_ends_in_a_row_says_so(client, world: World):
    content = text_file(cells_of(), cells_of("A2", given_name="Wei", reason="long reason"))
    cut = content[: content.rindex(b"Begum") + 3]
    report = send(client, world, cut)
    assert (3, "row") in warned(report)


def test_dates_with_the_month_first_make_the_others_doubtful(client, world: World):
    rows = [
        cells_of(date_of_birth="05/26/2002"),
        cells_of("A2", given_name="Wei", date_of_birth="05/06/2002"),
        cells_of("A3", given_name="Bo", date_of_birth="07/07/2002"),
    ]
    report = send(client, world, text_file(*rows))
    assert {(3, "date_of_birth"), (4, "date_of_birth")} & warned(report) == {(3, "date_of_birth")}
    [note] = [note for note in report["notes"] if "month before the day" in note]
    assert note.startswith("Column date_of_birth: row 2 has the month before the day")
    assert "day, month: 1, in row 3. Check them." in note


def test_one_date_with_the_month_first_among_many_with_the_day_first_is_a_slip(client, world: World):
    rows = [cells_of(f"A{n}", given_name=f"A{n}", date_of_birth=f"{13 + n}/06/2002") for n in range(12)]
    slip = cells_of("A20", given_name="Wei", date_of_birth="05/26/2002")
    doubtful = cells_of("A21", given_name="Bo", date_of_birth="05/06/2002")
    report = send(client, world, text_file(*rows, slip, doubtful))
    assert {row for row, field in warned(report) if field == "date_of_birth"} == {14}


def test_nul_bytes_are_named_by_their_line():
    with pytest.raises(DomainError, match="line 2"):
        decoded(text_file(cells_of(given_name="Ami\x00na")))


# Files of another kind.


def packed(*names: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as parts:
        for name in names:
            parts.writestr(name, "x")
    return out.getvalue()


OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"%PDF-1.7 ...", "PDF"),
        (packed("[Content_Types].xml", "word/document.xml"), "Word document"),
        (packed("mimetype", "content.xml"), "OpenDocument"),
        (packed("Index/Document.iwa"), "Numbers"),
        (packed("[Content_Types].xml", "xl/workbook.bin"), "binary workbook"),
        (packed("september.csv"), "zip file"),
        (OLD, "old or password-protected"),
        (OLD + "EncryptedPackage".encode("utf-16-le"), "password-protected"),
        (OLD + "WordDocument".encode("utf-16-le"), "Word document"),
        (OLD + "__substg1.0_".encode("utf-16-le"), "e-mail"),
        (b"<html><table><tr><td>source_type</td></tr></table>", "web page"),
        (b"<?xml version='1.0'?><Workbook/>", "XML file"),
        (b"{\\rtf1 hello}", "text document"),
        (b"\x89PNG\r\n\x1a\n", "picture"),
        (b'[{"given_name": "Amina"}]', "JSON"),
    ],
)
def test_a_file_of_another_kind_is_named_with_a_remedy(client, world: World, content: bytes, words: str):
    answer = client.post(
        "/api/v1/referrals/imports", headers=world.key("caseworker"), files={"file": ("f", content, "text/csv")}
    )
    assert (answer.status_code, words in answer.json()["detail"]) == (409, True), answer.text
    assert "send" in answer.json()["detail"].lower()


# Correcting and sending again.


def test_a_corrected_cell_has_no_warning_any_more(client, world: World):
    content = text_file(cells_of(phone="4.48E+11"))
    made = client.post(
        "/api/v1/referrals/imports?dry_run=true",
        headers=world.key("caseworker"),
        files={"file": ("f", content, "text/csv")},
    ).json()
    path = f"/api/v1/referrals/imports/{made['id']}"
    (row,) = client.get(f"{path}/rows", headers=world.key("caseworker")).json()["items"]
    assert [warning["field"] for warning in row["warnings"]] == ["phone"]
    headers = world.key("caseworker") | {"If-Match": f'"{row["version"]}"'}
    changed = client.patch(f"{path}/rows/{row['id']}", json={"cells": {"phone": "07700 900123"}}, headers=headers)
    assert changed.json()["warnings"] == []


def test_our_own_notes_on_a_result_file_do_not_warn_when_it_is_sent_again(client, world: World):
    content = book(cells_of(phone="#N/A"), cells_of("A2", given_name="Wei"))
    made = client.post(
        "/api/v1/referrals/imports", headers=world.key("caseworker"), files={"file": ("f", content, "text/csv")}
    ).json()
    path = f"/api/v1/referrals/imports/{made['id']}/result?format=xlsx"
    result = client.get(path, headers=world.key("caseworker")).content
    assert b"comments1.xml" in result
    assert warned(send(client, world, result)) == {(2, "phone")}


def test_every_damage_has_a_rule_and_a_remedy_for_every_column():
    samples = ["#N/A", "4.48E+11", "a #REF! b", "Jos\ufffd", "JosÃ©", "2026-03-01", "x" * 255, "&amp;", "37402"]
    found = [damage_of(column, text) for column in KIND.readers for text in samples]
    assert all(damage is None or (damage.rule and damage.remedy) for damage in found)
    assert sum(damage is not None for damage in found) > 5 * len(KIND.readers)


def test_a_date_with_a_time_is_a_day():
    (row,) = table_of(book(cells_of(date_of_birth=datetime(2002, 5, 26, 0, 0)))).rows()  # noqa: DTZ001 - a cell
    assert row.cells["date_of_birth"] == "2002-05-26"


def test_a_column_that_may_protect_somebody_and_was_not_read_is_said_in_its_rows(client, world: World):
    content = text_file([*cells_of(), "Yes"], [*cells_of("A2", given_name="Wei"), ""]).replace(
        b"reason\r\n", b"reason,DV?\r\n", 1
    )
    report = send(client, world, content)
    assert (report["created"], warned(report)) == (2, {(2, "row")})
    assert "DV?" in report["warnings"][0]["rule"]
    assert "by hand" in report["unread_columns"]["DV?"]
    assert any("DV?" in note for note in report["notes"])
