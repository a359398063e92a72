"""What people write beside or instead of a number, an address, a name or a place: read right, or no evidence."""

import io
import string
from datetime import date

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from matching.people.heard import name_match
from matching.people.identity import keys_of
from matching.people.names import plain
from pathways.imports.headers import unread_header
from pathways.imports.queries import suggested
from pathways.jobseekers import formats, joining, name_marks, placeholders
from pathways.jobseekers.details import Details
from pathways.organisations import names
from pathways.placements.columns import READERS as LISTING
from pathways.placements.files import KIND as LISTINGS
from pathways.reference import postcodes
from pathways.referrals.columns import ALIASES, READERS
from pathways.referrals.files import KIND
from pathways.sheets import slips
from pathways.sheets.header_words import column_of
from pathways.sheets.spreadsheets import read_table
from tests.world import World

pytestmark = pytest.mark.any_database

TODAY = date(2026, 11, 30)
SPECIAL = ["GIR 0AA", "GIR0AA", "BFPO 801", "AI-2640", "JE2 3AB", "GY1 1AA", "IM1 1AA", "ASCN 1ZZ", "FIQQ 1ZZ"]
SPECIAL += ["GX11 1AA", "BX1 1LT", "XX1 1XX", "ZZ99 3VZ", "STHL 1ZZ", "TDCU 1ZZ", "BBND 1ZZ", "SIQQ 1ZZ", "NPT 0AA"]
OUTWARD = st.from_regex(r"[A-Z]{1,2}[0-9][A-Z0-9]?", fullmatch=True)
INWARD = st.from_regex(r"[0-9][A-Z]{2}", fullmatch=True)


def located(postcode: str | None) -> postcodes.GridPoint | None:
    codes = postcodes._codes(postcode)  # noqa: SLF001 - the whole of what is worked out without a database
    return postcodes._place({}, *codes) if codes else None  # noqa: SLF001


def known(**values: str) -> Details:
    return Details.of(values).identifying(TODAY)


def warned(**values: str) -> set[str]:
    return {warning["field"] for warning in Details.of(values).warnings(TODAY)}


@pytest.mark.parametrize("written", SPECIAL)
def test_a_special_postcode_has_a_place_or_none(written: str):
    place = located(Details.of({"postcode": written}).postcode)
    assert place is None or place.easting > 0


@given(OUTWARD, INWARD, st.sampled_from(["", " ", "  "]))
def test_every_text_of_the_form_of_a_postcode_has_a_place_or_none(outward: str, inward: str, between: str):
    place = located(Details.of({"postcode": f"{outward}{between}{inward}"}).postcode)
    assert place is None or (place.easting > 0 and place.northing > 0)


@given(st.text(max_size=20))
def test_any_text_in_the_place_of_a_postcode_has_a_place_or_none(text: str):
    assert located(text) is None or located(text).easting > 0


NO_NUMBERS = ["applied 2026", "will bring 5 Dec 2026", "N/A (asylum 2025)", "see file 2024/117", "0800 141 2075"]
NO_NUMBERS += ["GP: 020 7946 0018", "TEMP 120599M", "TN 120599 M", "on 12/05/99", "ref 123456", "pending 01/12/2026"]
NO_NUMBERS += [
    "GP 020794",
    "passport 123456789",
    "HO 1234567",
    "card lost 03/2025",
    "QQ12345C",
    "QQ2244667C",
    "4471234",
]


@pytest.mark.parametrize("field", ["nino", "nhs_number"])
@pytest.mark.parametrize("written", NO_NUMBERS)
def test_words_with_digits_are_no_number(field: str, written: str):
    assert getattr(known(**{field: written}), field) is None
    assert field in warned(**{field: written})


@pytest.mark.parametrize("written", ["applied 2026", "N/A (asylum 2025)", "see file 2024/117", "0800 141 2075"])
def test_words_in_the_place_of_a_number_are_kept_as_said(written: str):
    assert Details.of({"nino": written}).as_written == {"nino": written}


def test_a_number_among_words_is_not_readable_in_them():
    assert Details.of({"nino": "passport 123456789"}).as_written == {"nino": "passport *********"}


@given(st.text(string.ascii_lowercase + string.digits + " /()-", max_size=25))
def test_what_has_not_the_form_of_a_number_makes_no_key(text: str):
    number = known(nino=text).nino
    assert number is None or placeholders.nino_in_form(number) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("QQ 22 44 66 C", "QQ224466C"),
        ("qq-22-44-66-c", "QQ224466C"),
        ("QQ224466", "QQ224466"),
        ("QQ 22 44 6O C", "QQ224460C"),
        ("NI QQ224466C", "QQ224466C"),
    ],
)
def test_a_slip_in_an_ni_number_is_read(written: str, number: str):
    assert known(nino=written).nino == number


@pytest.mark.parametrize("written", ["999 077 0476", "9990770476", "999O770476", "NHS no 999 077 0476"])
def test_a_slip_in_an_nhs_number_is_read(written: str):
    assert known(nhs_number=written).nhs_number == "9990770476"


@pytest.mark.parametrize("field", ["nino", "family_name", "phone", "email", "postcode"])
@pytest.mark.parametrize("unknown", ["unknown", "tbc", "NFA", "none", "n/a"])
def test_a_merge_puts_a_real_value_in_the_place_of_a_placeholder(field: str, unknown: str):
    real = {"nino": "QQ224466C", "family_name": "Begum", "phone": "07700 900123", "postcode": "NW9 5QN"}
    real |= {"email": "amina@example.org"}
    kept, taken = Details.of({field: unknown}), Details.of({field: real[field]})
    assert joining.new_details(kept, taken, TODAY)[field] == getattr(taken, field)
    assert field not in joining.new_details(taken, kept, TODAY)


@pytest.mark.parametrize("known_birth", [{"date_of_birth": date(1990, 5, 3)}, {"birth_year": 1990}])
def test_a_merge_replaces_a_date_of_birth_that_stands_for_none(known_birth):
    kept = Details.of({"date_of_birth": date(1900, 1, 1)})
    new = kept.changed(joining.new_details(kept, Details.of(known_birth), TODAY))
    assert {name: getattr(new, name) for name in known_birth} == known_birth


def test_contact_that_is_withheld_is_filled_by_no_merge():
    kept = Details.of({"phone": "unknown", "contact_withheld_reason": "DV"})
    assert joining.new_details(kept, Details.of({"phone": "07700 900123"}), TODAY) == {}


@pytest.mark.parametrize("typed", ["n/a", "-", "none", "N.A.", "Not applicable", "as above"])
def test_words_for_no_organisation_name_none(typed: str):
    assert names.names_no_organisation(typed)


@pytest.mark.parametrize(
    "typed",
    [
        "demonstration jobcentre",
        "Demonstration Job Centre",
        "DEMONSTRATION JOBCENTRE LTD.",
        "The Demonstration Job-Centre",
    ],
)
def test_a_name_of_an_organisation_is_one_name_however_it_is_written(typed: str):
    assert names.plain_name(typed) == names.plain_name("Demonstration Jobcentre")


def test_another_organisation_is_another_and_a_near_name_is_suggested():
    assert not names.is_almost("Hendon Jobcentre", "Barnet Council")
    assert names.like("Hendon Jobcenter Plus", ["Barnet Council", "Hendon Jobcentre"]) == "Hendon Jobcentre"


@pytest.mark.parametrize("beside", ["hostel", "reception", "HMP", "GP's", "support worker", "jobcentre", "key worker"])
@pytest.mark.parametrize(
    ("field", "value"), [("phone", "020 7946 0018"), ("email", "amina@example.org"), ("postcode", "NW9 5QN")]
)
def test_a_detail_that_its_cell_calls_an_offices_is_no_evidence(field: str, value: str, beside: str):
    written = f"{value} ({beside})"
    assert getattr(Details.of({field: written}), field) is not None
    assert getattr(known(**{field: written}), field) is None
    assert field in warned(**{field: written})


def test_a_street_is_no_office():
    assert known(postcode="12 Church Road, NW9 5QN").postcode == "NW9 5QN"


@pytest.mark.parametrize("phone", ["0300 790 6801", "0800 141 2075", "0808 800 4444", "0845 606 0234", "0870 240 0009"])
def test_an_offices_number_is_no_evidence(phone: str):
    assert known(phone=phone).phone is None
    assert warned(phone=phone) == {"phone"}


OFFICES = ["jobcentre@example.org", "info@example.org", "admin@example.org", "reception@example.org"]
OFFICES += ["enquiries@example.org", "hendon@dwp.gov.uk", "j.smith@barnet.gov.uk", "declined@declined.co.uk"]
OFFICES += ["name@name.com", "a@a.com", "none@none.com", "test@example.org", "hendon.jobcentre@example.org"]


@pytest.mark.parametrize("email", OFFICES)
def test_an_offices_or_made_up_address_is_no_evidence(email: str):
    assert known(email=email).email is None
    assert warned(email=email) == {"email"}


@pytest.mark.parametrize("phone", ["0207946", "0161 496", "077009001", "07700 90012", "020 7946 001", "0207 946"])
def test_half_a_number_is_kept_as_written_and_is_no_evidence(phone: str):
    assert Details.of({"phone": phone}).phone == phone
    assert known(phone=phone).phone is None
    assert warned(phone=phone) == {"phone"}


OLD, NEW = "07700 900711", "07700 900712"


@pytest.mark.parametrize(
    "written",
    [
        f"old {OLD} new {NEW}",
        f"{OLD} (old) {NEW}",
        f"{OLD} old, {NEW} new",
        f"do not use {OLD}, use {NEW}",
        f"{OLD} lost, now {NEW}",
        f"was {OLD} now {NEW}",
        f"ex's {OLD}; {NEW}",
        f"{NEW} not {OLD}",
        f"{NEW} (new number) / {OLD} (lost)",
    ],
)
def test_of_two_numbers_the_current_one_is_taken(written: str):
    assert Details.of({"phone": written}).phone == "+447700900712"


@pytest.mark.parametrize(
    "written", [f"NOT {OLD}", f"lost {OLD}", f"{OLD} - don't use", f"{OLD} old {NEW}", f"{OLD} no longer in use"]
)
def test_where_no_number_is_current_none_is_taken_and_the_words_are_kept(written: str):
    details = Details.of({"phone": written})
    assert (details.phone, details.as_written) == (None, {"phone": written})
    assert "phone" in warned(phone=written)


@pytest.mark.parametrize("written", [f"{NEW} do not call after 6pm", f"do not leave a message {NEW}", f"mum {NEW}"])
def test_a_limit_of_how_to_call_leaves_the_number(written: str):
    assert Details.of({"phone": written}).phone == "+447700900712"


@pytest.mark.parametrize(
    ("written", "has_words"),
    [
        ("mailto:amina@example.org", False),
        ("<amina@example.org>", False),
        ("Amina B <amina@example.org>", True),
        ("amina@example.org; second@example.org", True),
        ("amina@example.org (check daily)", True),
        ("amina@example.org?subject=Hello", False),
    ],
)
def test_an_address_is_read_from_what_an_export_makes_of_it(written: str, has_words: bool):
    details = Details.of({"email": written})
    assert (details.email, bool(details.as_written)) == ("amina@example.org", has_words)
    assert bool(warned(email=written)) == has_words


def test_words_beside_an_address_travel_with_it():
    assert Details.of({"email": "amina@example.org (her ex reads it)"}).safe_contact == "her ex reads it"


def test_a_second_number_and_a_second_address_find_the_person():
    details = Details.of({"phone": f"{NEW} or 07700 900713", "email": "amina@example.org, second@example.org"})
    assert details.other_contacts == [("phone", "+447700900713"), ("email", "second@example.org")]


@pytest.mark.parametrize("written", ["NW9 5QN or N1 1AA", "NW9 5QN / N1 1AA", "N1 1AA (mum) NW9 5QN"])
def test_of_two_postcodes_none_is_taken(written: str):
    details = Details.of({"postcode": written})
    assert (details.postcode, details.as_written) == (None, {"postcode": written})


@pytest.mark.parametrize("written", ["Smith *RESTRICTED*", "Smith (DV)", "Smith - confidential", "Smith [MARAC]"])
def test_a_restriction_beside_a_name_restricts(written: str):
    details = Details.of({"family_name": written})
    assert (details.family_name, details.says_restricted) == ("Smith", True)
    assert details.as_written == {"family_name": written}


@pytest.mark.parametrize(
    "written", ["Smith - deceased", "Smith (do not contact)", "Smith (see notes)", "Smith **DNC**"]
)
def test_other_words_that_protect_are_taken_out_of_a_name(written: str):
    assert Details.of({"family_name": written}).family_name == "Smith"
    assert "family_name" in warned(family_name=written)


def test_a_ban_on_contact_beside_a_name_withholds_it():
    assert Details.of({"family_name": "Smith (do not contact)"}).contact_withheld_reason == "do not contact"


@pytest.mark.parametrize("name", ["Jones (née Smith)", "Ali-Court", "Risk", "Begum (Mina)", "Smith - Jones", "O'Neill"])
def test_a_name_of_several_parts_is_left_as_it_is(name: str):
    assert name_marks.read(name) == (name, None)


def workbook(write) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet("People")
        page.write_row(0, 0, ["referral_ref", "referred_on", "given_name", "family_name", "date_of_birth", "phone"])
        page.write_row(1, 0, ["R1", "2026-11-03", "Amina", "Begum"])
        write(book, page)
    return out.getvalue()


def read(content: bytes):
    return read_table(content, ALIASES, needed=("referred_on",), most_unpacked=10**7)


def test_a_struck_through_part_of_a_cell_is_left_out_and_said():
    def write(book, page) -> None:
        page.write_rich_string(1, 5, book.add_format({"font_strikeout": True}), OLD, book.add_format(), f" {NEW}")

    [row] = read(workbook(write)).rows()
    assert row.cells["phone"] == NEW
    assert "struck" in str(row.warnings)


@pytest.mark.parametrize("place", ["C1", "B9"])
def test_a_note_outside_the_rows_is_said(place: str):
    table = read(workbook(lambda _, page: page.write_comment(place, "Never ring her", {"author": "Hall"})))
    assert "has notes" in str(table.notes)
    assert "Never" not in str(table.notes)


@pytest.mark.parametrize(
    ("shown", "text"),
    [("yyyy", "2002"), ("mmm-yy", "May 2002"), ("mmmm yyyy", "May 2002"), ("dd/mm/yyyy", "2002-05-26")],
)
def test_of_a_date_of_birth_only_what_its_format_shows_is_read(shown: str, text: str):
    def write(book, page) -> None:
        page.write_datetime(1, 4, date(2002, 5, 26), book.add_format({"num_format": shown}))

    [row] = read(workbook(write)).rows()
    assert row.cells["date_of_birth"] == text


def test_another_day_is_read_in_full_however_it_is_formatted():
    def write(book, page) -> None:
        page.write_datetime(1, 1, date(2026, 11, 3), book.add_format({"num_format": "mmm-yy"}))

    [row] = read(workbook(write)).rows()
    assert row.cells["referred_on"] == "2026-11-03"


HEARD = [("Tomson", "Thompson"), ("Izzy", "Isabella"), ("Rory", "Ruairí"), ("Reanna", "Rhiannon"), ("Nowak", "Novak")]
HEARD += [("Kristof", "Krzysztof"), ("Funmi", "Olufunmilayo"), ("Shevon", "Siobhán"), ("Funke", "Olufunke")]
HEARD += [("Kowalchik", "Kowalczyk"), ("Davith", "Dafydd"), ("Shcherba", "Szczerba"), ("Simson", "Simpson")]


@pytest.mark.parametrize(("first", "second"), HEARD)
def test_a_name_written_by_ear_matches(first: str, second: str):
    assert name_match(plain(first), plain(second)) is not None


@pytest.mark.parametrize(("first", "second"), [("Sam", "Stan"), ("Hanna", "China"), ("Lin", "Win"), ("Keith", "Kelly")])
def test_other_names_stay_other_names(first: str, second: str):
    assert name_match(plain(first), plain(second)) is None


COLUMNS = [("Yr of birth", "date_of_birth"), ("N.H.S. No", "nhs_number"), ("LAS no", "council_person_id")]
COLUMNS += [
    ("Alias", "known_as"),
    ("Max travel", "max_travel_minutes"),
    ("Ref date", "referred_on"),
    ("Ref", "referral_ref"),
]


@pytest.mark.parametrize(("header", "column"), COLUMNS)
def test_a_header_suggests_its_column(header: str, column: str):
    assert suggested([header], KIND.aliases, KIND.form.synonyms, ())[header] == column


def test_a_header_that_says_again_what_the_file_has_suggests_nothing():
    header = "Surname / family name"
    assert suggested([header], KIND.aliases, KIND.form.synonyms, {"family_name"})[header] == ""


@pytest.mark.parametrize("header", ["Referrer tel", "Referral contact mobile", "Referring agency phone"])
def test_a_referrers_number_is_no_column(header: str):
    column = suggested([header], KIND.aliases, KIND.form.synonyms, ())[header]
    assert unread_header(header, column, KIND.readers.keys()).column == ""


@pytest.mark.parametrize("header", ["DOB (dd/mm/yy)", "DOB [DD/MM/YYYY]", "dob (if known)", "DOB (required)"])
def test_the_form_of_a_cell_in_brackets_is_no_part_of_a_header(header: str):
    assert column_of(header, KIND.aliases) == "date_of_birth"


@pytest.mark.parametrize("written", ["No", "n/a", "none", "N/A", "-", "Not applicable"])
def test_words_for_no_reason_are_no_reason(written: str):
    assert READERS["contact_withheld_reason"](written) is None


@pytest.mark.parametrize("written", ["TBC", "No contact by phone", "unknown", "DV"])
def test_a_doubt_is_a_reason(written: str):
    assert READERS["contact_withheld_reason"](written) == written


@pytest.mark.parametrize("written", ["none", "Open to all", "anyone", "n/a", "No", "Everyone"])
def test_a_listing_that_is_open_to_all_is_reserved_for_nobody(written: str):
    assert LISTING["ring_fenced_for"](written) is None


@pytest.mark.parametrize("written", ["0.75", "1.5", "0,5"])
def test_a_part_of_a_minute_is_no_time_of_travel(written: str):
    found = READERS["max_travel_minutes"](written)
    assert isinstance(found, slips.Slip)
    assert (found.value, found.words) == (None, written)


def values_of(columns, written: dict[str, str]) -> dict:
    cells = {column: reader(written.get(column, "")) for column, reader in columns.readers.items()}
    return columns.values(cells)


def test_a_permission_of_a_day_to_come_is_no_permission_and_bars_nobody():
    row = {"referred_on": "2026-01-02", "family_name": "Begum", "permission_to_share": "yes"}
    values = values_of(KIND, row | {"permission_recorded_on": "2099-01-01"})
    assert (values["permission_to_share"], values["permission_recorded_on"]) == (None, None)
    assert "permission_recorded_on" in [slip[0] for slip in values["slips"]]


@pytest.mark.parametrize(("column", "day"), [("starts_on", "01/01/1900"), ("ends_on", "01/01/2045")])
def test_a_day_of_a_listing_that_nobody_means_is_left_unknown(column: str, day: str):
    values = values_of(LISTINGS, {"title": "Packer", "kind": "JOB_OPEN", column: day})
    assert (values[column], column in values["as_written"]) == (None, True)
    assert column in [slip[0] for slip in values["slips"]]


def test_the_keys_of_a_person_hold_the_second_number():
    from matching.people.identity import Identity

    person = Identity("1", "Amina", "Begum", phone="+447700900712", others=(("phone", "+447700900713"),))
    assert {"phone:+447700900712", "phone:+447700900713"} <= set(keys_of(person))


def test_a_number_in_words_is_read_with_its_place():
    assert [number.number for number in formats.numbers_in(f"{OLD} or {NEW}")] == ["+447700900711", "+447700900712"]


HEAD = "referral_ref,source_type,referring_organisation,referred_on,given_name,family_name,postcode"


@pytest.mark.parametrize(
    "line",
    [
        "S1,SELF,Self,2026-09-01,Amina,Begum,GIR 0AA",
        "S1,self,n/a,2026-09-01,Amina,Begum,GIR0AA",
        "S1,,hendon job-centre,2026-09-01,Amina,Begum,BFPO 801",
        "S1,,-,2026-09-01,Amina,Begum,ASCN 1ZZ",
    ],
)
def test_no_slip_about_the_own_organisation_bars_a_referrers_row(client, world: World, line: str):
    answer = client.post(
        f"/api/v1/referrals/imports?partner_id={world.organisations['partner']}",
        headers=world.key("referrer"),
        files={"file": ("f.csv", f"{HEAD}\n{line}".encode(), "text/csv")},
    )
    report = answer.json()["report"]
    assert (report["created"], report["errors"]) == (1, [])


@pytest.mark.parametrize("postcode", ["various", "NFA", "tbc", "ZZ99 3VZ", "London", "unknown", "GIR 0AA"])
def test_a_listing_without_a_known_place_says_so(client, world: World, postcode: str):
    body = {"title": "Packer", "kind": "JOB_OPEN", "postcode": postcode}
    answer = client.post("/api/v1/placements", headers=world.key("lister"), json=body)
    assert (answer.status_code, "is not known by its postcode" in str(answer.json()["notes"])) == (201, True)
    sent = client.post(
        "/api/v1/placements/imports",
        headers=world.key("lister"),
        files={
            "file": ("f.csv", f"placement_ref,title,kind,postcode\nP1,Packer,JOB_OPEN,{postcode}".encode(), "text/csv")
        },
    )
    assert "postcode" in {warning["field"] for warning in sent.json()["report"]["warnings"]}
