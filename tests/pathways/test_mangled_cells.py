"""What a program put into a cell in place of what people wrote: formulas, codes, nulls, ticked boxes, quotes."""

import io

import openpyxl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pathways.errors import DomainError
from pathways.imports import staging
from pathways.imports.intake import Fault
from pathways.jobseekers.models import JobseekerDetails
from pathways.placements.models import Placement
from pathways.referrals.models import Referral, SourceType
from pathways.sheets import formulas, quotes
from pathways.sheets.damage import damage_of, examined, tidy
from tests.pathways.test_around_tables import ROW, as_csv, as_xlsx, lines_of, people, send
from tests.world import World

pytestmark = pytest.mark.any_database


def warned(report: dict) -> set[tuple[int, str]]:
    of_cells = [warning for warning in report["warnings"] if warning["field"] != "listing"]
    assert all(warning["rule"] and warning["remedy"] for warning in of_cells)
    return {(warning["row"], warning["field"]) for warning in report["warnings"]}


# Formulas of which no value was saved.

FORMULAS = [
    '=IF(Z1=1,"07700900651","07700900652")',
    '=IF(K2="yes","Ring any time","Never ring")',
    "=VLOOKUP(A1,'[1]x'!A:B,2,0)",
    "=Sheet2!A1",
    "='Old list'!B7",
    "=$B$7",
    '="077"&"00900651"',
    "=(A1)",
    "=1+1",
    "=-A7",
    "=_xlfn.XLOOKUP(A1,B:B,C:C)",
]


@pytest.mark.parametrize("form", [as_csv, as_xlsx])
@pytest.mark.parametrize("formula", FORMULAS)
@pytest.mark.parametrize("column", ["phone", "postcode", "known_as"])
def test_a_formula_that_was_not_read_leaves_nothing_in_the_record(
    client, world: World, database, form, formula: str, column: str
):
    report = send(client, world, form(lines_of(list(ROW), {column: formula})))["report"]
    assert (report["created"], (2, column) in warned(report)) == (1, True)
    with database.reading() as session:
        details = session.scalars(select(JobseekerDetails)).one()
        assert getattr(details, column) is None
        assert "0651" not in str(details.safe_contact)


@pytest.mark.parametrize("form", [as_csv, as_xlsx])
@pytest.mark.parametrize("formula", FORMULAS)
def test_a_formula_that_may_say_how_contact_is_safe_asks_first(client, world: World, form, formula: str):
    lines = lines_of(list(ROW), {"safe_contact": formula, "phone": FORMULAS[0], "restricted": formula})
    assert send(client, world, form(lines))["report"]["created"] == 1
    amina = people(client, world)["Amina"]
    assert amina["safe_contact"] == "Could not be read from the file. Ask the referrer before any contact."
    assert amina["is_restricted"]


@pytest.mark.parametrize("formula", ["Postcode", "PI", "Table1[Post]", "A:A", "SUM(A1)", "TRUE", "-x"])
def test_whatever_formula_a_workbook_has_is_one_to_the_reader(formula: str):
    assert formulas.is_formula(formulas.as_text(formula))


@pytest.mark.parametrize(("formula", "value"), [('"0770"', "0770"), ('"a ""b"""', 'a "b"'), ("12.5", "12.5")])
def test_the_value_of_a_constant_formula_is_known(formula: str, value: str):
    assert formulas.as_text(formula) == value


@pytest.mark.parametrize("words", ["=fled (DV)", "= see file", "=M", "=07700 900123", "a=b", "+44 7700 900123", "=)"])
def test_words_after_an_equals_sign_are_no_formula(words: str):
    assert not formulas.is_formula(words)


@pytest.mark.parametrize("column", ["given_name", "referred_on", "referring_organisation"])
def test_a_formula_in_a_needed_cell_refuses_its_row(client, world: World, column: str):
    lines = lines_of(list(ROW), {column: FORMULAS[2]}, {"referral_ref": "A2", "given_name": "Wei"})
    report = send(client, world, as_csv(lines))["report"]
    assert (report["created"], {error["row"] for error in report["errors"]}) == (1, {2})


# Text in a code or in a wrong encoding.

NAMES = ["Zoë", "Łukasz", "José", "Óscar", "Ștefan", "Ayşe", "Renée O\u2019Brien", "Žofia", "Świętosława"]


@pytest.mark.parametrize("wrong", ["cp1250", "iso8859_2", "cp437", "cp1254", "cp1251", "cp1252", "latin-1"])
@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_was_read_in_a_wrong_encoding_is_put_right_or_said(wrong: str, name: str):
    garbled = tidy("".join(_letter(byte, wrong) for byte in name.encode()))
    damage = damage_of("given_name", garbled)
    assert damage is not None
    assert damage.rule
    assert damage.text in {name, garbled}


def _letter(byte: int, encoding: str) -> str:
    try:
        return bytes([byte]).decode(encoding)
    except UnicodeDecodeError:
        return chr(byte)  # as Windows does with bytes that have no letter


@pytest.mark.parametrize("name", ["Łukasz", "Óscar", "Józef", "Zoë"])
def test_polish_names_read_as_windows_1250_are_put_right(name: str):
    garbled = "".join(_letter(byte, "cp1250") for byte in name.encode())
    assert damage_of("given_name", garbled).text == name


@pytest.mark.parametrize("name", [*NAMES, "GĂŞCA", "ĂNGĚL", "Пётр", "Ěva", "Žižek", "DĂŞ", "Ağaoğlu", "Ľubomír"])
def test_a_name_as_it_is_written_is_not_damage(name: str):
    assert damage_of("family_name", name) is None


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("Zo=C3=AB", "Zoë"),
        ("=C5=81ukasz", "Łukasz"),
        ("Zo=EB", "Zoë"),
        ("O=E2=80=99Brien", "O\u2019Brien"),
        ("Jos&eacute;", "José"),
        ("Jos%C3%A9", "José"),
    ],
)
def test_letters_in_a_code_are_put_right_and_said(client, world: World, written: str, read: str):
    report = send(client, world, as_csv(lines_of(list(ROW), {"given_name": written})))["report"]
    assert (report["created"], warned(report)) == (1, {(2, "given_name")})
    assert list(people(client, world)) == [read]


@pytest.mark.parametrize("null", ["\\N", "NULL", "null", "(null)", "<null>", "[NULL]", "<NA>", "(blank)", "{null}"])
def test_a_word_for_an_empty_cell_is_not_kept_and_said(client, world: World, null: str):
    row = {"safe_contact": null, "postcode": null, "phone": null}
    report = send(client, world, as_csv(lines_of(list(ROW), row)))["report"]
    assert warned(report) == {(2, column) for column in row}
    assert null not in str(people(client, world))


# Ticked boxes and shortened numbers.


@pytest.mark.parametrize("value", [True, False])
def test_a_ticked_box_where_a_name_should_be_is_said_and_is_no_yes(client, world: World, value: bool):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        page.write_row(0, 0, list(ROW))
        page.write_row(1, 0, (ROW | {"given_name": value, "restricted": value}).values())
    report = send(client, world, out.getvalue())["report"]
    assert (report["created"], warned(report)) == (1, {(2, "given_name")})
    ((name, read),) = people(client, world).items()
    assert (name, read["is_restricted"]) == (str(value).upper(), value)


@pytest.mark.parametrize("number", ["447701000000", "07701000000", "7701000000", "+447700000000", "4.47701E+11"])
def test_a_telephone_number_that_lost_its_digits_is_not_kept_as_one(client, world: World, number: str):
    report = send(client, world, as_csv(lines_of(list(ROW), {"phone": number})))["report"]
    assert (report["created"], warned(report)) == (1, {(2, "phone")})
    assert people(client, world)["Amina"]["phone"] is None


@pytest.mark.parametrize("number", ["07700900000", "07700 900000", "447700900100", "0800000000", "00000000000"])
def test_a_number_with_few_noughts_is_no_shortened_one(number: str):
    assert damage_of("phone", number) is None


@pytest.mark.parametrize("column", ["council_person_id", "nhs_number", "referral_ref"])
def test_another_long_number_that_ends_in_noughts_is_kept_and_said(column: str):
    damage = damage_of(column, "123456000000")
    assert (damage.text, bool(damage.rule)) == ("123456000000", True)


# Quotes that CSV does not allow.

PLACEMENT = ["placement_ref", "social_enterprise", "title", "kind", "description", "hours_per_week"]


def list_placements(client, world: World, content: bytes) -> dict:
    answer = client.post(
        "/api/v1/placements/imports", headers=world.key("lister"), files={"file": ("f", content, "text/csv")}
    )
    assert answer.status_code == 201, answer.text
    return answer.json()["report"]


@pytest.mark.parametrize("cell", ['"Handyman" and driver', '"Cafe" x "shop"', '"a"b', '""Best"" cafe'])
def test_a_cell_with_quotes_that_csv_does_not_allow_is_read_as_it_stands(client, world: World, database, cell: str):
    lines = [",".join(PLACEMENT), f"P1,,Cook,VOLUNTEERING,{cell},8", "P2,,Baker,VOLUNTEERING,Bread,8"]
    report = list_placements(client, world, "\n".join(lines).encode())
    assert (report["created"], (2, "row") in warned(report), report["errors"]) == (2, True, [])
    with database.reading() as session:
        assert session.scalars(select(Placement.description).where(Placement.ref == "P1")).one() == cell


def test_a_quote_that_moves_the_cells_refuses_its_row_only(client, world: World):
    lines = [",".join(PLACEMENT), 'P1,,Cook,VOLUNTEERING,"He said "no", and left",8', "P2,,Baker,VOLUNTEERING,Bread,8"]
    report = list_placements(client, world, "\n".join(lines).encode())
    assert (report["created"], {error["row"] for error in report["errors"]}) == (1, {2})


@pytest.mark.parametrize("at", [2, 3, 10])
def test_a_quote_that_is_not_closed_is_named_by_its_row(at: int):
    rows = [f"P{n},,Cook,VOLUNTEERING,x,8" for n in range(2, 40)]
    rows[at - 2] = 'P,,Cook,VOLUNTEERING,"Handyman,8'
    with pytest.raises(DomainError, match=rf"row {at}\."):
        list(quotes.numbered("\n".join([",".join(PLACEMENT), *rows]), ","))


@pytest.mark.parametrize("at", [2, 10])
def test_the_refusal_of_a_file_names_the_row_of_a_quote_near_its_top(client, world: World, at: int):
    rows = [f"P{n},,Cook,VOLUNTEERING,x,8" for n in range(2, 40)]
    rows[at - 2] = 'P,,Cook,VOLUNTEERING,"Handyman,8'
    content = "\n".join([",".join(PLACEMENT), *rows]).encode()
    answer = client.post(
        "/api/v1/placements/imports", headers=world.key("lister"), files={"file": ("f", content, "text/csv")}
    )
    assert (answer.status_code, f"row {at}." in answer.json()["detail"]) == (409, True)


CELLS = st.text(st.sampled_from('ab ,;\n"'), max_size=8)


@given(rows=st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=4))
def test_a_text_that_csv_allows_is_read_as_it_was_written(rows: list[list[str]]):
    repaired: dict[int, int] = {}
    text = as_csv(rows).decode()
    assert [cells for _, cells in quotes.numbered(text, ",", repaired)] == rows
    assert repaired == {}


# Slips that refused a row or told nothing.


@pytest.mark.parametrize("source", ["SELF", "self", "Self-referral", "self referred"])
def test_a_self_referral_that_names_an_organisation_follows_the_organisation(
    client, world: World, database, source: str
):
    report = send(client, world, as_csv(lines_of(list(ROW), {"source_type": source})))["report"]
    assert (report["created"], (2, "source_type") in warned(report)) == (1, True)
    with database.reading() as session:
        referral = session.scalars(select(Referral)).one()
        assert (referral.source_type, referral.referring_organisation_id) == (
            SourceType.JCP,
            world.organisations["job_centre"],
        )


@pytest.mark.parametrize("name", ["Facebook", "saw a poster", "Friend of Wei"])
def test_a_self_referral_that_names_no_organisation_of_ours_is_one(client, world: World, database, name: str):
    lines = lines_of(list(ROW), {"source_type": "SELF", "referring_organisation": name})
    report = send(client, world, as_csv(lines))["report"]
    assert (report["created"], warned(report)) == (1, {(2, "referring_organisation")})
    with database.reading() as session:
        referral = session.scalars(select(Referral)).one()
        assert (referral.source_type, referral.referring_organisation_id) == (SourceType.SELF, None)


@pytest.mark.parametrize("words", ["weekends", "mornings", "Mon-Fri mornings", "school hours", "evenings"])
def test_half_days_of_a_listing_are_told_in_words(client, world: World, words: str):
    content = as_csv([[*PLACEMENT, "half_days"], ["P1", "", "Cook", "VOLUNTEERING", "x", "8", words]])
    told = [w["rule"] for w in list_placements(client, world, content)["warnings"] if w["field"] == "half_days"]
    assert told
    assert not any(letter.isdigit() for letter in str(told))


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("jane@", None),
        ("@example.org", None),
        ("jane at example.org", None),
        ("jane@example", None),
        ("Jane Hall <jane@example.org>", "jane@example.org"),
        ("jane@example.org or bo@example.org", "jane@example.org"),
        ("mailto:jane@example.org", "jane@example.org"),
    ],
)
def test_an_address_of_a_listing_that_is_none_is_said_and_not_published(
    client, world: World, database, written: str, kept: str | None
):
    content = as_csv([[*PLACEMENT, "contact_email"], ["P1", "", "Cook", "VOLUNTEERING", "x", "8", written]])
    report = list_placements(client, world, content)
    assert (report["created"], (2, "contact_email") in warned(report)) == (1, True)
    with database.reading() as session:
        assert session.scalars(select(Placement.contact_email)).one() == kept


# Headers.


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_file_of_which_no_header_is_known_is_told_what_each_may_mean(client, world: World, delimiter: str):
    header = ["Client Name", "D.O.B. (dd/mm)", "Tel No", "Nat Ins", "Addr", "Shoe size"]
    content = "\n".join(delimiter.join(line) for line in (header, ["Amina Begum", "1/2/2002", "0", "", "", "6"]))
    answer = client.post(
        "/api/v1/referrals/imports",
        headers=world.key("manager"),
        files={"file": ("f", content.encode(), "text/csv")},
    )
    detail = answer.json()["detail"]
    columns = ["family_name", "date_of_birth", "phone", "nino", "postcode"]
    assert answer.status_code == 409
    assert [f"{words} may be {column}" in detail for words, column in zip(header, columns, strict=False)] == [True] * 5
    assert "like Shoe size" in detail


def test_a_file_without_a_header_repeats_nothing_of_its_first_person(client, world: World):
    content = b"Amina,Begum,Hendon,Looking for work\nWei,Zhang,Barnet,Cafe\n"
    answer = client.post(
        "/api/v1/referrals/imports", headers=world.key("manager"), files={"file": ("f", content, "text/csv")}
    )
    assert answer.status_code == 409
    assert not {"Amina", "Begum", "Hendon"} & set(answer.json()["detail"].split())


@pytest.mark.parametrize(
    ("header", "column"),
    [
        ("Age", "minimum_age"),
        ("Age range", "minimum_age"),
        ("No. of posts", "places"),
        ("Number of vacancies", "places"),
        ("How many people?", "places"),
        ("# posts", "places"),
        ("Wage", "pay_per_hour_pounds"),
    ],
)
def test_a_header_of_a_listing_suggests_the_column_it_means(client, world: World, header: str, column: str):
    content = as_csv([["placement_ref", "title", "kind", header], ["P1", "Cook", "VOLUNTEERING", "2"]])
    assert list_placements(client, world, content)["suggested_columns"] == {header: column}


# One warning for one cell.


def test_two_warnings_about_one_cell_are_one(client, world: World):
    made = openpyxl.load_workbook(io.BytesIO(as_xlsx(lines_of(list(ROW), {}))))
    made.active["F1"].value = "family_name"
    made.active["G2"].value = "05/06/2002"
    made.active.append([*ROW.values()])
    made.active["A3"].value, made.active["E3"].value, made.active["G3"].value = "A2", "Zo=C3=AB Jos?", "05/26/2002"
    out = io.BytesIO()
    made.save(out)
    report = send(client, world, out.getvalue())["report"]
    told = [(warning["row"], warning["field"]) for warning in report["warnings"] if warning["field"] != "row"]
    assert len(told) == len(set(told)) >= 3


FAULTS = st.builds(
    Fault,
    st.sampled_from(["phone", "email", "row"]),
    st.sampled_from(["A.", "B.", "C."]),
    st.sampled_from(["D.", "E."]),
)


@given(warnings=st.lists(FAULTS, max_size=6))
def test_joined_warnings_say_all_that_each_said(warnings: list[Fault]):
    joined = staging.one_for_each_cell(warnings)
    cells = [fault.field for fault in joined if fault.field != "row"]
    assert len(cells) == len(set(cells))
    for field, rule, remedy in warnings:
        assert any(fault.field == field and rule in fault.rule and remedy in fault.remedy for fault in joined)
    assert staging.one_for_each_cell(joined) == joined


@pytest.mark.parametrize(
    ("column", "text"),
    [
        ("referral_ref", "ID=A12"),
        ("referral_ref", "ID=C3=AB"),
        ("contact_email", "jo=B2@example.org"),
        ("reason", "score=80, see www.example.org/?id=AB12"),
        ("safe_contact", "weekdays=90 min, text only"),
    ],
)
def test_signs_that_are_no_code_of_letters_stay(column, text):
    assert damage_of(column, text) is None


@pytest.mark.parametrize("null", ["NULL", "null", "\\N", "(null)", "<NA>"])
def test_a_programs_word_for_an_empty_cell_protects_nobody_and_removes_nothing(null):
    instead = {"restricted": "yes", "safe_contact": "Ask first."}
    cells, warnings = examined({"restricted": null, "safe_contact": null}, instead, lambda *_: True)
    assert cells == {"restricted": "", "safe_contact": ""}
    assert len(warnings) == 2
    lost, _ = examined({"restricted": "#REF!"}, instead, lambda *_: True)
    assert lost == {"restricted": "yes"}


def test_a_row_whose_cells_a_quote_moved_is_refused(client, world: World):
    row = {**ROW, "safe_contact": "text only"}
    head = ",".join(row)
    cells = list(row.values())
    at = list(row).index("family_name")
    cells[at] = f'"{cells[at]} "Mum", {cells[at + 1]}"'
    del cells[at + 1]
    report = send(client, world, f"{head}\n{','.join(cells)}\n".encode())["report"]
    assert report["created"] == 0
    assert report["errors"]
