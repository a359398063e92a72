"""What people type in intake sheets and exports, read without a database: words kept, fields unknown, warnings."""

from datetime import date
from decimal import Decimal

import pytest

from pathways.imports.headers import HeaderMatter, unread_header
from pathways.imports.intake import ImportKind, _is_readable
from pathways.imports.queries import suggested
from pathways.jobseekers import placeholders
from pathways.placements import files as placement_files
from pathways.placements.columns import READERS
from pathways.referrals import files as referral_files
from pathways.referrals.columns import COLUMNS
from pathways.sheets import cells, damage, slips
from pathways.sheets.header_words import normal
from pathways.sheets.spreadsheets import read_table

pytestmark = pytest.mark.any_database

TODAY = date(2026, 11, 30)
NEEDED = {
    "referring_organisation": "Hendon Jobcentre",
    "referred_on": "2026-09-01",
    "given_name": "Slip",
    "family_name": "Case",
}


def read(column: str, text: str):
    """Return the value of one cell of a referral, the columns warned of, and the words kept."""
    kind = referral_files.KIND
    own, found = damage.examined(NEEDED | {column: text}, kind.form.if_lost, lambda *cell: _is_readable(kind, *cell))
    values, errors = cells.read_row(cells.Row(2, "", own), kind.readers)
    assert errors == []
    read_values = kind.values(values)
    field = COLUMNS[column][0]
    warned = {warning[0] for warning in [*found, *read_values["slips"]]}
    warned |= {warning["field"] for warning in read_values["content"].warnings(TODAY)}
    return read_values.get(field), warned & {column, field}, read_values["as_written"].get(field)


NOT_YET = [
    "?",
    "tbc",
    "TBA",
    "not asked",
    "pending",
    "n/a",
    "unknown",
    "nk",
    "N/K",
    "-",
    "verbal",
    "Y?",
    "to be confirmed",
]
NOT_YET += [
    "awaiting",
    "will ask",
    "refused",
    "yes (not DWP)",
    "see form",
    "signed",
    "ticked",
    "x",
    "on file",
    "yes pending",
]


@pytest.mark.parametrize("words", NOT_YET)
def test_words_that_are_no_plain_answer_are_no_permission_yet(words: str):
    assert read("permission_to_share", words) == (None, {"permission_to_share"}, words)


@pytest.mark.parametrize("words", ["Y", "yes", "No", "n"])
def test_a_plain_answer_is_taken_without_a_warning(words: str):
    assert read("permission_to_share", words) == (words.lower().startswith("y"), set(), None)


NO_BIRTHDAY = [
    "unknown",
    "not given",
    "DK",
    "?",
    "n/k",
    "refused",
    "tbc",
    "declined",
    "-",
    "N/A",
    "None",
    "adult",
    "23 yrs",
]
NO_BIRTHDAY += [
    "over 18",
    "00/00/0000",
    "99/99/9999",
    "dd/mm/yyyy",
    "11/11/1111",
    "5/85",
    "see file",
    "will bring passport",
]


@pytest.mark.parametrize("words", NO_BIRTHDAY)
def test_words_for_no_birthday_are_kept_and_warned_of(words: str):
    assert read("date_of_birth", words) == (None, {"date_of_birth"}, words)


@pytest.mark.parametrize(
    "words", ["00/00/1985", "1985?", "c.1985", "xx/xx/1985", "1985-00-00", "30/02/1985", "born 1985"]
)
def test_a_birthday_of_which_only_the_year_is_known(words: str):
    assert read("date_of_birth", words) == (None, {"date_of_birth"}, words)


NO_NAMES = [
    "FNU",
    "LNU",
    "SNU",
    "UAM",
    "UASC",
    "Dad of",
    "Mum of 3",
    "Sister of Ann",
    "Unknown male",
    "Mr",
    "N/A",
    "Baby",
]
NO_NAMES += [
    "Client 23",
    "Client A",
    "Person A",
    "Learner 5",
    "SU1",
    "YP",
    "Young person",
    "Service User",
    "Male 1",
    "Child 2",
]
NO_NAMES += [
    "Asylum seeker",
    "Homeless man",
    "Rough sleeper",
    "Walk-in",
    "Drop in",
    "Redacted",
    "Unborn",
    "ditto",
    "same",
]
NO_NAMES += [
    "DO NOT USE",
    "do not contact",
    "ask worker",
    "see notes",
    "c/o mum",
    "Not supplied",
    "not sure",
    "No first name",
]
NO_NAMES += [
    "Only one name",
    "single name",
    "Initials only",
    "First name",
    "name withheld",
    "Ref 123",
    "12345",
    "NFN",
    "?",
]


@pytest.mark.parametrize("words", NO_NAMES)
def test_words_for_no_name_are_warned_of_and_kept(words: str):
    value, warned, _ = read("given_name", words)
    assert (value, warned) == (words, {"given_name"})


REAL_NAMES = ["Young", "Will", "Grace", "Su", "See Mei", "Man", "Mark", "Guest", "White", "Black", "Boy George"]
REAL_NAMES += ["Nan"]
REAL_NAMES += ["Mo", "Dee", "Walk", "Friend", "Parent", "Sonny", "Ask", "Nee Smith", "Case", "Asian", "Chi", "Kim Su"]


@pytest.mark.parametrize("name", REAL_NAMES)
def test_real_names_are_no_placeholders(name: str):
    assert not placeholders.is_name(name)


@pytest.mark.parametrize("column", ["hours_min", "hours_max"])
@pytest.mark.parametrize(
    "words", ["168", "100", "79", "-5", "-1", "ft", "PT", "any", "9am-3pm", "2 days", "20ish", "nil"]
)
def test_hours_that_nobody_works_are_unknown_and_warned_of(column: str, words: str):
    assert read(column, words) == (None, {column}, words)


HEADERS = [
    "Quals",
    "Agency",
    "Client ID",
    "Jobcentre",
    "DV?",
    "Alert",
    "GP",
    "Ref",
    "Surname/First name",
    "DOB/Age",
    "NOK",
]
HEADERS += [
    "Mobile/landline",
    "Perm to share",
    "Lang",
    "Risk",
    "Keyworker",
    "Contact ID",
    "Account Name",
    "LTHC",
    "EHCP",
    "CRN",
]
HEADERS += [
    "Timestamp",
    "Ethnicity",
    "Housing status",
    "Signature",
    "Photo consent",
    "Maiden name",
    "Zzyx",
    "Next appt",
    "P/code",
]
PROTECTIVE = [
    "DV?",
    "Alert",
    "Risk",
    "Known risks",
    "Exclusion zone",
    "Do not contact",
    "Safe to text?",
    "MARAC",
    "MAPPA level",
]
PROTECTIVE += [
    "OK to leave voicemail",
    "Perp name",
    "Red flag",
    "Warnings",
    "Lone working",
    "Visit in pairs",
    "No male workers",
]
PROTECTIVE += [
    "Non-molestation order",
    "Offences",
    "Safeguarding concerns",
    "Animals at address",
    "Ex-directory?",
    "Bail conditions",
]
OTHERS = [
    "Key worker phone",
    "support worker tel",
    "next of kin phone",
    "emergency contact number",
    "Tel (mum)",
    "NOK mobile",
]
OTHERS += [
    "Carer's number",
    "Landlord tel",
    "Referee phone",
    "Social worker mobile",
    "Parent/guardian email",
    "GP telephone",
]
OTHERS += [
    "Probation officer tel",
    "Partner's DOB",
    "Work coach phone",
    "Advocate phone no",
    "Hostel phone",
    "Interpreter tel",
]


def about(kind: ImportKind, header: str):
    column = suggested([header], kind.aliases, kind.form.synonyms, set())[header]
    return unread_header(header, column, kind.readers.keys())


@pytest.mark.parametrize("kind", [referral_files.KIND, placement_files.KIND], ids=["referrals", "placements"])
@pytest.mark.parametrize("header", [*HEADERS, *PROTECTIVE, *OTHERS])
def test_every_unknown_header_has_a_sentence(kind: ImportKind, header: str):
    if normal(header) in kind.aliases:
        return
    unread = about(kind, header)
    assert header in unread.sentence
    assert "not read" in unread.sentence


@pytest.mark.parametrize("header", PROTECTIVE)
def test_a_header_that_may_protect_somebody_is_warned_of_strongly(header: str):
    unread = about(referral_files.KIND, header)
    assert unread.matter is HeaderMatter.PROTECTION
    assert "by hand" in unread.sentence


@pytest.mark.parametrize("header", OTHERS)
def test_a_detail_of_somebody_else_never_becomes_the_persons_own(header: str):
    unread = about(referral_files.KIND, header)
    assert unread.column not in {"phone", "email", "date_of_birth", "postcode", "given_name", "family_name"}
    assert unread.matter is HeaderMatter.SOMEBODY_ELSE or unread.column.startswith("referrer")
    assert normal(header) not in referral_files.KIND.aliases


SUGGESTED = {
    "Quals": "qualifications",
    "Agency": "referring_organisation",
    "Client ID": "referral_ref",
    "Lang": "language",
}
SUGGESTED |= {"Jobcentre": "referring_organisation", "Ref": "referral_ref", "Surname/First name": "family_name"}
SUGGESTED |= {"DOB/Age": "date_of_birth", "Mobile/landline": "phone", "Perm to share": "permission_to_share"}
SUGGESTED |= {"Keyworker": "referrer_name", "P/code": "postcode", "LTHC": "adjustments", "Contact ID": "referral_ref"}


@pytest.mark.parametrize(("header", "column"), SUGGESTED.items())
def test_short_headers_suggest_their_column(header: str, column: str):
    assert about(referral_files.KIND, header).column == column


@pytest.mark.parametrize(
    ("words", "low", "high"),
    [
        ("less than 16", None, "15.75"),
        ("under 16 hours", None, "15.75"),
        ("<16", None, "15.75"),
        ("fewer than 16 hrs a week", None, "15.75"),
        ("always below 16", None, "15.75"),
        ("<= 16", None, "16"),
        ("no more than 16", None, "16"),
        ("not more than 16 hrs", None, "16"),
        ("up to 16", None, "16"),
        ("more than 16", "16.25", None),
        (">16", "16.25", None),
        ("no less than 16", "16", None),
        ("16 or more", "16", None),
    ],
)
def test_less_than_a_number_is_not_that_number(words: str, low: str | None, high: str | None):
    """Whoever must stay under 16 hours for a benefit must not be offered 16."""
    expected = tuple(None if end is None else Decimal(end) for end in (low, high))
    assert slips.bounds(words, slips.HOUR_UNITS, slips.QUARTER) == expected


@pytest.mark.parametrize(
    ("column", "words", "read"),
    [
        ("maximum_age", "under 25", 24),
        ("maximum_age", "under 25s", 24),
        ("maximum_age", "18-24", 24),
        ("minimum_age", "over 18s only", 18),
        ("minimum_age", "18+", 18),
        ("dbs_level", "TBC", None),
        ("dbs_level", "tbc?", None),
        ("minimum_age", "TBA", None),
        ("pay_per_hour_pounds", "tbc", None),
    ],
)
def test_what_limits_whom_the_law_allows_is_read_or_named(column: str, words: str, read: int | None):
    found = READERS[column](words)
    assert isinstance(found, slips.Slip)
    assert (found.value, found.words) == (read, words)


@pytest.mark.parametrize(
    ("words", "born"), [("05/02/26", None), ("13/5/26", None), ("13/5/46", 1946), ("13/5/06", 2006)]
)
def test_a_birth_year_of_two_digits_makes_nobody_a_hundred(words: str, born: int | None):
    found = slips.date_of_birth(words)
    assert isinstance(found, slips.Slip)
    assert (found.value.year if found.value else None) == born
    assert (born is not None) or "century" in found.rule


def test_every_row_left_out_is_counted():
    rows = "".join(f"Total,{number}\n" for number in range(150))
    content = b"referral_ref,given_name,family_name\nA,Ada,Okoro\n" + rows.encode()
    table = read_table(content, referral_files.ALIASES, needed=[], most_unpacked=1_000_000)
    assert len(table.passed_over) == 101
    assert "50 more rows" in table.passed_over[-1]
