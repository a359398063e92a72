"""What people write in an optional cell: nobody is refused for it, the words are kept, and a warning says so."""

import csv
import io
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pathways.imports.intake import ImportKind, _is_readable
from pathways.placements import columns as placement_columns
from pathways.placements import files as placement_files
from pathways.reference import half_days
from pathways.referrals import columns as referral_columns
from pathways.referrals import files as referral_files
from pathways.sheets import cells, damage, slips
from pathways.sheets.cells import InvalidCell
from tests.world import World

pytestmark = pytest.mark.any_database

NEEDED = {
    "referral_ref": "S1",
    "referring_organisation": "Hendon Jobcentre",
    "referred_on": "2026-09-01",
    "given_name": "Slip",
    "family_name": "Case",
}
OPTIONAL = sorted(set(referral_columns.COLUMNS) - set(NEEDED) | {"referral_ref"})
LISTING = {"placement_ref": "L1", "title": "Packer", "kind": "VOLUNTEERING"}
OPTIONAL_LISTING = sorted(set(placement_columns.READERS) - {"title", "kind", "social_enterprise"})
# Column, what is written, and what the field holds then.
CASES = [
    ("hours_min", "16-20", {"hours_min": 16.0, "hours_max": 20.0}),
    ("hours_max", "16 - 20", {"hours_min": 16.0, "hours_max": 20.0}),
    ("hours_max", "16 hrs", {"hours_max": 16.0}),
    ("hours_max", "up to 16 hrs", {"hours_min": None, "hours_max": 16.0}),
    ("hours_min", "20+", {"hours_min": 20.0, "hours_max": None}),
    ("hours_max", "16hrs pw", {"hours_max": 16.0}),
    ("hours_max", "part time", {"hours_max": None}),
    ("hours_min", "term time only", {"hours_min": None}),
    ("hours_min", "zero hours", {"hours_min": None}),
    ("hours_max", "400", {"hours_max": None}),
    ("half_days", "Mon-Fri mornings", {"half_days": "mon am; tue am; wed am; thu am; fri am"}),
    ("half_days", "weekends", {"half_days": "sat am; sat pm; sun am; sun pm"}),
    ("half_days", "Tues & Thurs afternoons", {"half_days": "tue pm; thu pm"}),
    ("half_days", "school hours", {"half_days": None}),
    ("half_days", "not Mondays", {"half_days": None}),
    ("half_days", "9.30-2.30", {"half_days": None}),
    ("postcode", "No fixed abode (sofa surfing)", {"postcode": None}),
    ("postcode", "Flat 12, Rowan House, N1 1AA", {"postcode": "N1 1AA"}),
    ("postcode", "care of the night shelter until Friday", {"postcode": None}),
    (
        "phone",
        "07700 900557 (mum's phone - no voicemail)",
        {"phone": "+447700900557", "safe_contact": "mum's phone - no voicemail"},
    ),
    ("phone", "07700 900111 or 07700 900222", {"phone": "+447700900111", "safe_contact": None}),
    ("date_of_birth", "1999", {"date_of_birth": None, "birth_year": 1999}),
    ("date_of_birth", "approx 1999", {"date_of_birth": None, "birth_year": 1999}),
    ("date_of_birth", "May 1999", {"date_of_birth": None, "birth_year": 1999}),
    ("date_of_birth", "31/02/2001", {"date_of_birth": None, "birth_year": 2001}),
    ("date_of_birth", "12/5/99", {"date_of_birth": "1999-05-12", "birth_year": None}),
    ("date_of_birth", "about 27", {"date_of_birth": None, "birth_year": None}),
    ("earliest_start_on", "03.11.26", {"earliest_start_on": "2026-11-03"}),
    ("earliest_start_on", "ASAP", {"earliest_start_on": None}),
    ("earliest_start_on", "after half term", {"earliest_start_on": None}),
    ("qualifications", "GCSEs", {"qualification_level": None}),
    ("qualifications", "none", {"qualification_level": None}),
    ("qualifications", "NVQ 2", {"qualification_level": "2"}),
    ("qualifications", "BTEC Level 3, GCSEs", {"qualification_level": "3"}),
    ("travel_modes", "taxi", {"travel_modes": None}),
    ("travel_modes", "bus pass", {"travel_modes": ["bus"]}),
    ("travel_modes", "no car", {"travel_modes": None}),
    ("max_travel_minutes", "1 hour", {"max_travel_minutes": 60}),
    ("max_travel_minutes", "30-45", {"max_travel_minutes": 45}),
    ("max_travel_minutes", "not far", {"max_travel_minutes": None}),
    ("right_to_work", "British citizen", {"right_to_work": None}),
    ("ever_paid_work", "volunteering only", {"ever_paid_work": None}),
    ("interpreter_needed", "Urdu", {"interpreter_needed": None}),
    ("interpreter_needed", "Yes - Somali", {"interpreter_needed": True}),
    ("interpreter_needed", "sometimes", {"interpreter_needed": None}),
    ("permission_to_share", "verbal", {"permission_to_share": None}),
    ("permission_to_share", "Y (verbal)", {"permission_to_share": None}),
    ("restricted", "MAPPA", {"is_restricted": True}),
    ("contact_withheld_reason", "=fled " + "x" * 400, {}),
    ("skills", "cooking; " + "n" * 400, {}),
    ("nino", "QQ224466C (card seen)", {"nino": "******66C"}),
]
OTHER_FIELDS = {"restricted": "is_restricted", "qualifications": "qualification_level", "reason": "referred_because"}
NONSENSE = ["???", "none", "see notes", "TBC", "ask mum", "-1", "999999999", "1e999", "31/02/2026", "00/00/0000", "0"]
NONSENSE += [
    "yes and no",
    "=1+1",
    "@home",
    "n/a",
    "16-20",
    "part time",
    "ASAP",
    "x" * 301,
    "x" * 5_000,
    "a\x07b",
    "'",
    '"',
]
NONSENSE += [
    "; ; ;",
    "½",
    "\uff11\uff16",
    "NaN",
    "∞",
    "\u202e",
    "mon-",
    "1/2/3/4",
    "²",
    "-",
    "mon-mon-mon",
    "inf",
    "16--20",
]
NONSENSE += [
    "£",
    "99999999999999999999 hours",
    "12:30",
    "٣",
    "()",
    "#REF!",
    "yes, but",
    "under",
    "1 1 1",
    "Jan",
    "2026",
]


def send(client, world: World, kind: str, rows: list[dict[str, str]], who: str = "caseworker"):
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows(rows)
    answer = client.post(
        f"/api/v1/{kind}/imports",
        headers=world.key(who),
        files={"file": ("f.csv", out.getvalue().encode(), "text/csv")},
    )
    assert answer.status_code == 201, answer.text
    return answer.json()


def one(client, world: World, kind: str, who: str = "manager"):
    item = client.get(f"/api/v1/{kind}", headers=world.key(who)).json()["items"][0]
    return client.get(f"/api/v1/{kind}/{item['id']}", headers=world.key(who)).json()


def errors_of(kind: ImportKind, row: dict[str, str]) -> list[Any]:
    """Return the errors of one row as the import reads it, without the database; nothing else may fail either."""
    own, _ = damage.examined(row, kind.form.if_lost, lambda *cell: _is_readable(kind, *cell))
    values, errors = cells.read_row(cells.Row(2, "", own), kind.readers)
    if not errors:
        kind.values(values)
    return errors


@pytest.mark.parametrize(("column", "written", "held"), CASES)
def test_a_slip_is_taken_its_words_are_kept_and_it_is_warned_of(client, world: World, column, written, held):
    report = send(client, world, "referrals", [NEEDED | {column: written}])["report"]
    assert (report["created"], report["errors"]) == (1, [])
    assert [warning["field"] for warning in report["warnings"]] == [column]
    assert all(warning["rule"] and warning["remedy"] for warning in report["warnings"])
    reply = one(client, world, "referrals")
    assert {name: reply[name] for name in held} == held
    kept = reply["as_written"][OTHER_FIELDS.get(column, column)]
    assert kept == (written if column != "nino" else "(card seen)")
    assert written not in str(report)


@pytest.mark.parametrize("column", OPTIONAL)
def test_nothing_written_in_an_optional_column_refuses_the_row(column: str):
    for text in NONSENSE:
        assert errors_of(referral_files.KIND, NEEDED | {column: text}) == [], text


@pytest.mark.parametrize("column", OPTIONAL_LISTING)
def test_nothing_written_in_an_optional_column_refuses_the_listing(column: str):
    for text in NONSENSE:
        assert errors_of(placement_files.KIND, LISTING | {column: text}) == [], text


@pytest.mark.long_test("sqlite")
def test_nonsense_in_every_optional_column_at_once_refuses_nobody(client, world: World):
    for n, text in enumerate(NONSENSE):
        row = dict.fromkeys(OPTIONAL, text) | NEEDED | {"referral_ref": f"S{n}", "family_name": f"Case{n}"}
        listing = dict.fromkeys(OPTIONAL_LISTING, text) | LISTING | {"placement_ref": f"L{n}", "title": f"P{n}"}
        assert send(client, world, "referrals", [row])["report"]["errors"] == [], text
        assert send(client, world, "placements", [listing], "lister")["report"]["errors"] == [], text


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=300)
@given(st.sampled_from(OPTIONAL + OPTIONAL_LISTING), st.text(max_size=400) | st.from_regex(r"[0-9a-z ./:+-]{1,20}"))
def test_no_reader_of_an_optional_cell_ever_refuses(column: str, text: str):
    readers = [referral_columns.READERS.get(column), placement_columns.READERS.get(column)]
    for reader in filter(None, readers if column not in NEEDED else readers[1:]):
        try:
            slips.settle({column: reader(text.strip())})
        except InvalidCell as refused:  # names are checked by the row
            pytest.fail(f"{column}: {refused}")


@pytest.mark.parametrize(
    ("written", "held"),
    [
        ({"hours_per_week": "16-20"}, {"hours_per_week": None}),
        ({"hours_per_week": "16 hours"}, {"hours_per_week": 16.0}),
        ({"hours_per_week": "part time"}, {"hours_per_week": None}),
        ({"half_days": "Mon to Wed mornings"}, {"half_days": "mon am; tue am; wed am"}),
        ({"starts_on": "ASAP"}, {"starts_on": None}),
        ({"starts_on": "03.11.26"}, {"starts_on": "2026-11-03"}),
        ({"places": "2-3"}, {"places": 2}),
        ({"places": "several"}, {"places": 1}),
        ({"pay_per_hour_pounds": "from £12.71"}, {"pay_per_hour_pounds": 12.71}),
        ({"pay_per_hour_pounds": "12.71-13.50"}, {"pay_per_hour_pounds": 12.71}),
        ({"pay_per_hour_pounds": "real living wage"}, {"pay_per_hour_pounds": None, "state": "draft"}),
        ({"minimum_age": "18+"}, {"minimum_age": 18}),
        ({"minimum_age": "adults"}, {"minimum_age": None, "state": "draft"}),
        ({"dbs_level": "yes please"}, {"dbs_level": None, "state": "draft"}),
        ({"qualifications_needed": "GCSE maths"}, {"qualifications_needed": None}),
        ({"postcode": "Unit 4, Rowan Yard, N1 1AA"}, {"postcode": "N1 1AA"}),
        ({"contact_email": "ask for Jo"}, {"contact_email": None}),
        ({"remote": "some days"}, {"remote": None}),
        ({"hours_flexible": "depends"}, {"hours_flexible": None}),
        ({"starts_on": "2026-12-02", "ends_on": "2026-12-01"}, {"starts_on": None, "ends_on": None}),
    ],
)
def test_a_slip_in_a_listing_is_taken_and_its_words_are_kept(client, world: World, written, held):
    report = send(client, world, "placements", [LISTING | written], "lister")["report"]
    assert (report["created"], report["errors"]) == (1, [])
    assert set(written) & {warning["field"] for warning in report["warnings"]}
    reply = one(client, world, "placements", "lister")
    assert {name: reply[name] for name in held} == held
    assert set(written) <= set(reply["as_written"])


def test_the_words_of_a_listing_go_once_the_field_is_known(client, world: World):
    send(client, world, "placements", [LISTING | {"hours_per_week": "part time"}], "lister")
    reply = one(client, world, "placements", "lister")
    client.patch(
        f"/api/v1/placements/{reply['id']}",
        headers=world.key("lister") | {"If-Match": f'"{reply["version"]}"'},
        json={"hours_per_week": 16},
    )
    assert one(client, world, "placements", "lister")["as_written"] is None


def test_the_words_go_once_the_value_is_known_and_sending_again_changes_nothing(client, world: World):
    row = NEEDED | {"hours_max": "part time", "postcode": "Flat 1, N1 1AA"}
    send(client, world, "referrals", [row])
    assert send(client, world, "referrals", [row])["report"]["unchanged"] == 1
    assert send(client, world, "referrals", [row | {"hours_max": "16"}])["report"]["updated"] == 1
    assert one(client, world, "referrals")["as_written"] == {"postcode": "Flat 1, N1 1AA"}


def test_a_protecting_sentence_of_before_survives_words_beside_a_number(client, world: World):
    send(client, world, "referrals", [NEEDED | {"phone": "07700 900557", "safe_contact": "Text only"}])
    send(client, world, "referrals", [NEEDED | {"phone": "07700 900557 (never ring after six)", "safe_contact": ""}])
    assert one(client, world, "referrals")["safe_contact"] == "Text only; never ring after six"


def test_the_words_of_a_profile_field_are_in_the_note_of_the_first_profile(client, world: World):
    send(client, world, "referrals", [NEEDED | {"hours_max": "school hours"}])
    person = one(client, world, "referrals")["jobseeker_id"]
    profile = client.get(f"/api/v1/jobseekers/{person}/profile", headers=world.key("caseworker")).json()
    assert profile["note"] == "The referrer wrote: hours max: school hours."


@pytest.mark.parametrize(
    ("sent", "held"),
    [
        ({"postcode": "No fixed abode (sofa surfing)"}, {"postcode": None}),
        ({"postcode": "c/o Rowan House, N1 1AA"}, {"postcode": "N1 1AA"}),
        ({"phone": "07700 900557 (text first)"}, {"phone": "+447700900557", "safe_contact": "text first"}),
        ({"nino": "QQ224466C seen at the job centre on the first day"}, {"nino": "******66C"}),
        ({"nino": "not known, will bring the card to the first meeting"}, {"nino": None}),
    ],
)
@pytest.mark.parametrize("door", ["jobseekers", "referrals"])
def test_free_words_by_api_are_taken_like_those_of_a_file(client, world: World, door: str, sent, held):
    body = {"given_name": "Slip", "family_name": "Case"} | sent
    if door == "referrals":
        body |= {"referred_on": "2026-09-01", "referring_organisation_id": str(world.organisations["council"])}
    answer = client.post(f"/api/v1/{door}", headers=world.key("caseworker"), json=body)
    assert answer.status_code == 201, answer.text
    reply = answer.json()
    assert {name: reply[name] for name in held} == held
    assert set(reply["as_written"]) == set(sent) == {warning["field"] for warning in reply["warnings"]}
    assert "224466" not in answer.text


def test_a_year_of_birth_by_api_is_kept_until_the_date_is_known(client, world: World):
    body = {"given_name": "Slip", "family_name": "Case", "birth_year": 1999}
    reply = client.post("/api/v1/jobseekers", headers=world.key("caseworker"), json=body).json()
    assert (reply["birth_year"], reply["date_of_birth"]) == (1999, None)
    changed = client.patch(
        f"/api/v1/jobseekers/{reply['id']}",
        headers=world.key("caseworker") | {"If-Match": f'"{reply["version"]}"'},
        json={"date_of_birth": "1999-05-12"},
    ).json()
    assert (changed["birth_year"], changed["date_of_birth"], changed["warnings"]) == (None, "1999-05-12", [])


def test_the_words_of_a_field_are_seen_only_by_who_sees_the_field(client, world: World):
    send(client, world, "referrals", [NEEDED | {"contact_withheld_reason": "x" * 400, "hours_max": "part time"}])
    item = client.get("/api/v1/referrals", headers=world.key("colleague")).json()["items"][0]
    seen = client.get(f"/api/v1/referrals/{item['id']}", headers=world.key("colleague")).json()
    assert set(seen["as_written"]) == {"hours_max"}


@pytest.mark.parametrize(("organisation", "expect"), [("Hendon Jobcentre", "JCP"), ("Barnet Council", "ASC")])
@pytest.mark.parametrize("written", ["", "???", None])
def test_the_source_type_follows_from_the_organisation(client, world: World, organisation, expect, written):
    row = NEEDED | {"referring_organisation": organisation}
    row |= {} if written is None else {"source_type": written}
    assert send(client, world, "referrals", [row])["report"]["created"] == 1
    assert one(client, world, "referrals")["source_type"] == expect


def test_the_source_type_of_a_referrers_own_file_needs_no_organisation(client, world: World):
    row = {name: text for name, text in NEEDED.items() if name != "referring_organisation"}
    answer = client.post(
        f"/api/v1/referrals/imports?partner_id={world.organisations['partner']}",
        headers=world.key("other_referrer"),
        files={"file": ("f.csv", (",".join(row) + "\n" + ",".join(row.values())).encode(), "text/csv")},
    )
    assert answer.json()["report"]["created"] == 1, answer.text
    assert one(client, world, "referrals")["source_type"] == "ASC"


@given(st.lists(st.sampled_from(half_days.DAYS), min_size=1, max_size=7, unique=True), st.sampled_from(half_days.PARTS))
def test_half_days_in_words_are_those_of_the_strict_form(days: list[str], part: str):
    strict = half_days.parse("; ".join(f"{day} {part}" for day in days))
    words = {"am": "mornings", "pm": "afternoons", "eve": "evenings"}[part]
    assert half_days.parse_words(f"{', '.join(days)} {words}") == strict
    assert half_days.parse_words(f"{words} {' and '.join(days)}") == strict
