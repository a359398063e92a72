"""What people type when they do not know: kept as it was typed, warned of, and no evidence that two people are one."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.people.compare import Text, compare_days, compare_phones
from matching.people.identity import Identity
from matching.people.linkage import IDENTIFIER_SHARED, MOST_UNSURE, Linkage
from pathways.base import local_day, utc_now
from pathways.jobseekers import formats, identify, placeholders
from pathways.jobseekers.details import Details
from pathways.placements.schemas import NewPlacement
from tests.world import World

pytestmark = pytest.mark.any_database

HEAD = "referral_ref,referring_organisation,referred_on,given_name,family_name"
TODAY = date(2026, 11, 20)
PLACEHOLDERS = [
    ("nino", "unknown"),
    ("nino", "TBC"),
    ("nino", "n/a"),
    ("nino", "Applied for"),
    ("nino", "QQ 12 34 56 C"),
    ("nino", "AB000000A"),
    ("nino", "TN010190F"),
    ("nino", "ZZ999999D"),
    ("nino", "will bring card"),
    ("nhs_number", "0000000000"),
    ("nhs_number", "123 456 7890"),
    ("nhs_number", "not registered with a GP"),
    ("postcode", "ZZ99 3VZ"),
    ("postcode", "zz993wz"),
    ("postcode", "ZZ99 9ZZ"),
    ("postcode", "NFA"),
    ("postcode", "Homeless"),
    ("postcode", "sofa surfing"),
    ("postcode", "SW1A 1AA"),
    ("phone", "00000000000"),
    ("phone", "01111111111"),
    ("phone", "07000 000000"),
    ("phone", "1234567890"),
    ("phone", "07123 456789"),
    ("phone", "0999 999 9999"),
    ("phone", "none"),
    ("phone", "no phone at present"),
    ("phone", "00000"),
    ("phone", "+44 0000 000000"),
    ("phone", "07777 777777 ext 1"),
    ("email", "none@none.com"),
    ("email", "no-reply@example.org"),
    ("email", "N/A"),
    ("email", "no.email@example.org"),
    ("email", "unknown@unknown.com"),
    ("email", "test@test.com"),
    ("date_of_birth", "01/01/1900"),
    ("date_of_birth", "01/01/1901"),
    ("date_of_birth", f"{local_day(utc_now()):%d/%m/%Y}"),
]
NAMES = [
    ("Unknown", "Unknown"),
    ("Baby", "Unknown"),
    ("Miss", "X"),
    ("A N", "Other"),
    ("Test", "Test"),
    ("Joe", "Bloggs"),
    ("Not", "Known"),
    ("-", "?"),
    ("TBC", "TBC"),
    ("Client", "2"),
]
REAL = [
    {"nino": "QQ224466C", "nhs_number": "9990770476", "postcode": "NW9 5QN", "phone": "07700 900123"},
    {"given_name": "Grace", "family_name": "Street", "email": "grace@example.org"},
    {"given_name": "Will", "family_name": "Null", "date_of_birth": date(1970, 1, 1)},
    {"given_name": "Na", "family_name": "No", "phone": "020 7946 0000"},
    {"given_name": "Son", "family_name": "Say", "postcode": "N1"},
    {"given_name": "李", "family_name": "王", "postcode": "SW1A 2BB"},
    {"given_name": "Amina", "family_name": "Test", "nino": "QQ909090A"},
]


def send(client, world: World, *lines: str, head: str = HEAD):
    answer = client.post(
        "/api/v1/referrals/imports",
        headers=world.key("caseworker"),
        files={"file": ("f.csv", "\n".join([head, *lines]).encode(), "text/csv")},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def get(client, world: World, path: str):
    return client.get(f"/api/v1{path}", headers=world.key("caseworker")).json()


@pytest.mark.parametrize(("field", "typed"), PLACEHOLDERS)
def test_a_placeholder_in_a_file_is_warned_of_and_makes_no_pair(client, world: World, field: str, typed: str):
    run = send(
        client,
        world,
        f'P1,Hendon Jobcentre,2026-09-01,Sarah,Khan,"{typed}"',
        f'P2,Hendon Jobcentre,2026-09-01,Sarah,Ahmed,"{typed}"',
        head=f"{HEAD},{field}",
    )
    assert (run["report"]["created"], run["report"]["in_error"]) == (2, 0)
    assert [(w["row"], w["field"]) for w in run["report"]["warnings"]] == [(2, field), (3, field)]
    assert get(client, world, "/duplicates")["items"] == []


@pytest.mark.parametrize(("field", "typed"), [case for case in PLACEHOLDERS if case[0] != "date_of_birth"])
def test_a_placeholder_by_api_is_kept_as_said_and_warned_of(client, world: World, field: str, typed: str):
    ids = []
    for family in ("Khan", "Ahmed"):
        body = {"given_name": "Sarah", "family_name": family, field: typed}
        answer = client.post("/api/v1/jobseekers", headers=world.key("caseworker"), json=body)
        assert answer.status_code == 201, answer.text
        reply = answer.json()
        assert field in [warning["field"] for warning in reply["warnings"]]
        has_digits = any(character.isdigit() for character in typed)
        said = formats.compact(reply[field]), formats.compact(typed)
        assert said[0] == said[1] or (has_digits and field in {"nino", "nhs_number"}), reply[field]
        ids.append(reply["id"])
    assert get(client, world, f"/jobseekers/{ids[0]}/duplicates")["items"] == []


@pytest.mark.parametrize("day", ["1900-01-01", "1901-01-01", str(local_day(utc_now()))])
def test_a_day_that_stands_for_no_birthday_gives_no_age(client, world: World, database, day: str):
    referral = world.refer(date_of_birth=date.fromisoformat(day))
    reply = get(client, world, f"/referrals/{referral.id}")
    assert reply["date_of_birth"] == day
    assert "age stays unknown" in str(reply["warnings"])
    with database.reading() as session:
        from pathways.jobseekers.models import Jobseeker

        assert session.get_one(Jobseeker, referral.jobseeker_id).date_of_birth is None


@pytest.mark.parametrize(("first", "last"), NAMES)
def test_a_word_for_no_name_is_no_evidence(client, world: World, first: str, last: str):
    run = send(
        client,
        world,
        f'P1,Hendon Jobcentre,2026-09-01,"{first}","{last}",1995-02-03',
        f'P2,Hendon Jobcentre,2026-09-01,"{first}","{last}",1995-02-03',
        head=f"{HEAD},date_of_birth",
    )
    assert run["report"]["created"] == 2
    assert {w["field"] for w in run["report"]["warnings"]} & {"given_name", "family_name"}
    assert get(client, world, "/duplicates")["items"] == []


@pytest.mark.parametrize("values", REAL)
def test_what_a_real_person_may_have_is_no_placeholder(values):
    assert Details.of(values).placeholders(TODAY) == set()


@given(st.sampled_from("0123456789"), st.integers(7, 12))
def test_one_digit_repeated_is_nobodys_number(digit: str, count: int):
    assert placeholders.is_phone(digit * count)
    assert placeholders.is_nhs_number(digit * 10)
    assert placeholders.is_nino(f"QQ{digit * 6}C")


@given(st.integers(0, 10**7))
def test_every_postcode_of_zz99_is_no_address(number: int):
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    code = f"ZZ99 {number % 10}{letters[number % 20]}{letters[number // 20 % 20]}"
    assert placeholders.is_postcode(code)
    assert Details.of({"postcode": code}).postcode == code


@given(st.text(min_size=1, max_size=60))
def test_any_text_is_kept_or_repeated_in_the_words_and_read_the_same_twice(text: str):
    for field in ("nino", "nhs_number", "postcode", "phone"):
        once = Details.of({field: text})
        again = Details.of(once.as_dict())
        assert again == once


EXTENSIONS = [
    "ext 12",
    "x12",
    "ext.12",
    "Extn 12",
    "extension 12",
    "#12",
    "(ext 12)",
    "- ext. 12",
    "Ext No. 12",
    ", 12",
]


@pytest.mark.parametrize("written", EXTENSIONS)
def test_an_extension_is_a_part_of_the_number_however_it_is_written(written: str):
    assert Details.of({"phone": f"020 7946 0000 {written}"}).phone == "+442079460000 ext 12"
    assert Details.of({"phone": f"020 7946 0000 {written}"}).warnings(TODAY) == []


def test_two_extensions_are_two_numbers_and_a_switchboard_is_neither():
    board = Identity("1", phone="+442079460000")
    first, second = (Identity(end, phone=f"+442079460000 ext {end}") for end in ("12", "15"))
    assert compare_phones(first, second) == Text.OTHER
    assert compare_phones(first, board) == Text.UNKNOWN
    assert compare_phones(first, first) == Text.SAME


def test_two_extensions_in_a_file_make_no_pair(client, world: World):
    run = send(
        client,
        world,
        "Q7,Hendon Jobcentre,2026-09-02,Lily,Dunn,020 7946 0000 ext 12",
        "Q8,Hendon Jobcentre,2026-09-02,Lily,Dunn,020 7946 0000 ext 15",
        head=f"{HEAD},phone",
    )
    assert run["report"]["warnings"] == []
    phones = {
        get(client, world, f"/jobseekers/{line['id']}")["phone"] for line in get(client, world, "/jobseekers")["items"]
    }
    assert phones == {"+442079460000 ext 12", "+442079460000 ext 15"}
    told = [line for pair in get(client, world, "/duplicates")["items"] for line in pair["told"]]
    assert [line for line in told if line["field"] == "phone" and line["bits"] > 0] == []


@pytest.mark.parametrize("records", [IDENTIFIER_SHARED, 20, 1000])
def test_an_identifier_of_many_records_weighs_by_how_many_have_it_and_is_never_certain(records: int):
    model = Linkage.shipped()
    one, other = (Identity(key, "Sarah", "Khan", born=born, identifiers={"nino": "h"}) for key, born in ("1a", "2b"))
    alone = model.verdict(one, other, 10_000).probability
    shared = model.verdict(one, other, 10_000, {"nino": records}).probability
    assert shared <= MOST_UNSURE
    assert shared < alone


def test_the_referrers_own_address_is_not_the_jobseekers(client, world: World):
    body = {
        "referred_on": "2026-09-01",
        "given_name": "Amina",
        "family_name": "Begum",
        "email": "Coach@example.org",
        "referrer_email": "coach@example.org",
        "partner_id": str(world.organisations["partner"]),
    }
    reply = client.post("/api/v1/referrals", headers=world.key("referrer"), json=body).json()
    assert (reply["email"], reply["as_written"], reply["source_type"]) == (None, {"email": "Coach@example.org"}, "JCP")
    assert [warning["field"] for warning in reply["warnings"]] == ["email"]


def test_the_address_of_a_user_of_the_service_is_no_evidence(world: World, database):
    world.refer(ref="A", email="referrer@example.org", nino=None, nhs_number=None, phone=None)
    with database.reading(world.on("caseworker")) as session:
        details = Details.of({"given_name": "Amina", "family_name": "Odd", "email": "referrer@example.org"})
        query = identify.IdentityQuery(identify.identity(session, "new", details))
        [candidates] = identify.find(session, world.organisations["partner"], [query])
    assert [one.agrees_on for one in candidates if "email" in one.agrees_on] == []


@pytest.mark.parametrize("years_apart", range(9))
def test_a_year_of_birth_agrees_with_its_year_and_says_nothing_about_near_years(years_apart: int):
    level = compare_days(Identity("1", born="1990"), Identity("2", born=f"{1990 + years_apart}0503"))
    assert level == (3 if years_apart == 0 else 1 if years_apart <= 5 else 0)


def test_what_was_typed_today_stays_a_placeholder_tomorrow():
    for days in (0, 1, 300):
        assert placeholders.is_birthday(TODAY, TODAY + timedelta(days=days))


@pytest.mark.parametrize(
    ("field", "value", "records"), [("phone", "020 7946 0018", 3), ("email", "desk@example.org", 3)]
)
def test_what_many_people_have_is_warned_of_and_told_to_no_referrer(client, world: World, field, value, records):
    names = ("Bola,Ade", "Wei,Zhang", "Quentin,Marsh")[:records]
    rows = [f"M{n},Hendon Jobcentre,2026-09-01,{name},{value}" for n, name in enumerate(names)]
    report = send(client, world, *rows, head=f"{HEAD},{field}")["report"]
    assert field in {warning["field"] for warning in report["warnings"]}
    person = get(client, world, "/jobseekers")["items"][0]["id"]
    assert [warning["field"] for warning in get(client, world, f"/jobseekers/{person}")["warnings"]] == [field]
    again = client.post(
        f"/api/v1/referrals/imports?partner_id={world.organisations['partner']}",
        headers=world.key("referrer"),
        files={
            "file": ("f.csv", f"{HEAD},{field}\nM9,Hendon Jobcentre,2026-09-01,Zoe,Quill,{value}".encode(), "text/csv")
        },
    )
    assert (again.json()["report"]["created"], again.json()["report"]["warnings"]) == (1, [])


@pytest.mark.parametrize(("field", "value"), [("phone", "07700 900333"), ("email", "duty@example.org")])
def test_a_detail_suspected_to_be_an_offices_is_no_evidence(client, world: World, field: str, value: str):
    names = [("Brian", "Okafor"), ("Zofia", "Nowak"), ("Tariq", "Hussain"), ("Mei", "Zhang"), ("Zoe", "Nowack")]
    lines = [f"P{n},Hendon Jobcentre,2026-09-01,{first},{last},{value}" for n, (first, last) in enumerate(names)]
    send(client, world, *lines, head=f"{HEAD},{field}")
    assert get(client, world, "/duplicates")["items"] == []


@pytest.mark.parametrize(("field", "value"), [("phone", "07700 900334"), ("email", "zofia@example.org")])
def test_one_persons_several_records_are_not_many_people(client, world: World, field: str, value: str):
    warned = []
    for name in ("Zofia", "Zosia", "Zofia", "Zofia", "Zofia"):
        body = {"given_name": name, "family_name": "Nowak", "date_of_birth": "1990-02-03", field: value}
        answer = client.post("/api/v1/jobseekers", headers=world.key("caseworker"), json=body)
        warned += [warning["field"] for warning in answer.json()["warnings"]]
    assert field not in warned


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("nino", text) for text in ("AA112233A", "AB 00 00 01 A", "QQ123456C")),
        *(("email", text) for text in ("123@123.com", "a1@a1.co.uk")),
        *(("council_person_id", text) for text in ("unknown", "TBC", "000000", "n/a")),
        *(("postcode", text) for text in ("00000", "1", "999", "NFA1", "NONE1", "PO Box 1", "Britannia Hotel, E14")),
    ],
)
def test_made_up_values_identify_nobody_and_are_warned_of(field, value):
    details = Details.of({"given_name": "Noor", "family_name": "Ali", field: value})
    assert getattr(details.identifying(TODAY), field) is None
    assert field in {warning["field"] for warning in details.warnings(TODAY)}


@pytest.mark.parametrize(("given", "family"), [("Service", "User"), ("Donald", "Duck"), ("Young", "Person")])
def test_two_words_that_stand_for_a_name_identify_nobody(given, family):
    details = Details.of({"given_name": given, "family_name": family}).identifying(TODAY)
    assert (details.given_name, details.family_name) == (None, None)


@pytest.mark.parametrize("text", [";ext=12", ", then press 12", " room 12", " e12", " ext. 12", " x12", " desk 12"])
def test_an_extension_is_part_of_the_number_however_it_is_written(text):
    assert Details.of({"phone": f"020 7946 0123{text}"}).phone == "+442079460123 ext 12"


@pytest.mark.parametrize(
    ("line", "is_no_requirement"),
    [
        ("none", True),
        ("None needed", True),
        ("No experience required", True),
        ("no particular skills", True),
        ("N/A", True),
        ("not required", True),
        ("no fear of heights", False),
        ("nothing is too small for you", False),
        ("food hygiene", False),
        ("никакие", False),
    ],
)
def test_a_line_that_says_that_nothing_is_needed_is_no_skill(line, is_no_requirement):
    assert placeholders.is_no_requirement(line) is is_no_requirement
    fields = NewPlacement(title="Cook", kind="JOB_OPEN", essential_skills=[line, "cooking"])
    assert fields.essential_skills == (["cooking"] if is_no_requirement else [line, "cooking"])
