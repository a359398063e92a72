"""What each published table is: its columns in order, with their types and meanings. Files and metadata are made of it.

Each claim, rate or count that is published has its definition here and nowhere else.
"""

from dataclasses import dataclass
from typing import Literal

from pathways.exports.cohort import BREAKDOWNS, EVERYBODY, WAITS, Row
from pathways.exports.disclosure import CONFIDENTIAL, LOW, NOT_YET
from pathways.exports.journeys import CONTACTED, STAGES

Kind = Literal["string", "integer", "number", "date", "yearmonth"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    Parameters
    ----------
    name, kind, about : str
    words : tuple of str
        All it may hold; any where empty.
    is_required : bool
        Whether no cell of it is blank.
    """

    name: str
    kind: Kind
    about: str
    words: tuple[str, ...] = ()
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One file of rows. ``key`` are the columns that tell its rows apart."""

    name: str
    title: str
    about: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]

    @property
    def header(self) -> Row:
        return tuple(column.name for column in self.columns)


STATUS = (CONFIDENTIAL, NOT_YET, LOW)
HEAD = (
    Column("report_period", "yearmonth", "The month the figures are of."),
    Column("as_of", "date", "The figures are as they were known at the end of this day."),
    Column("version", "integer", "Which version of this month's figures these are."),
)
VALUE = (
    Column("value", "integer", "People, to the nearest five; blank where value_status says why.", is_required=False),
    Column(
        "value_status",
        "string",
        "[c]: confidential, hidden. [x]: not available, the months have not passed. [low]: not nought, rounds to it.",
        STATUS,
        is_required=False,
    ),
)
SHARES = tuple(f"{stage}_share" for stage in STAGES)
COHORT = ExportTable(
    "cohort",
    "People by month of referral or of start, and by the months that have passed",
    "How many of those referred (or started) in a month had reached each stage so many calendar months later, and what"
    " share of them. People are counted, not jobs. The whole never changes with time; a new enrolment opens a new"
    " cohort, and earlier cohorts are told again each month.",
    (
        *HEAD,
        Column("cohort_basis", "string", "What the cohort's month is of.", ("referral", "start")),
        Column("cohort_month", "yearmonth", "The cohort."),
        Column("elapsed_months", "integer", "Calendar months after the cohort's own, counted to their last day."),
        Column("measure", "string", "The stage reached, or its share of the cohort.", (*STAGES, *SHARES)),
        Column("value", "number", "People, to the nearest five; a share is of two such numbers.", is_required=False),
        VALUE[1],
    ),
    ("cohort_basis", "cohort_month", "elapsed_months", "measure"),
)
PROGRESSION = ExportTable(
    "progression",
    "People at each stage at the month's start and end, and every move between",
    "Each person is at the furthest stage that was reached. Whoever stayed at a stage is in no move.",
    (
        *HEAD,
        Column("measure", "string", "Of whom it tells.", ("at_start", "at_end", "moved")),
        Column("from_stage", "string", "Where they were.", ("not_referred", *STAGES), is_required=False),
        Column("to_stage", "string", "Where they came to.", STAGES, is_required=False),
        *VALUE,
    ),
    ("measure", "from_stage", "to_stage"),
)
STAGES_BY_MONTH = ExportTable(
    "stages",
    "People at each stage at the end of each of the last thirteen months",
    "As in progression.csv, for a year back, as it is known now.",
    (
        *HEAD,
        Column("month_end", "yearmonth", "The month at whose end people were counted."),
        Column("stage", "string", "The furthest stage reached.", STAGES),
        *VALUE,
    ),
    ("month_end", "stage"),
)
BREAKDOWN = ExportTable(
    "breakdowns",
    "Those referred in the last twelve months, by group, and the stages they have reached",
    "By programme, area (the outward half of the postcode), who referred, kind of the first job, and equality"
    " monitoring as people answered it.",
    (
        *HEAD,
        Column("breakdown", "string", "By what.", (EVERYBODY, *BREAKDOWNS)),
        Column("group", "string", "Which group."),
        Column("stage", "string", "The stage reached; contacted: with an employer.", (*STAGES, CONTACTED)),
        *VALUE,
    ),
    ("breakdown", "group", "stage"),
)
MEDIANS = ExportTable(
    "medians",
    "Median days between steps, of those referred in the last twelve months",
    "Half of the people who took both steps took no more days. It is told of ten people or more.",
    (
        *HEAD,
        Column("wait", "string", "Between which steps.", tuple(WAITS)),
        Column("measure", "string", "How many people took both, or the days.", ("people", "median_days")),
        *VALUE,
    ),
    ("wait", "measure"),
)
REASONS = ("late_evidence", "correction", "withdrawn", "merge", "rule_change", "erasure")
ADJUSTMENTS = ExportTable(
    "adjustments",
    "Figures of closed months that are known otherwise now",
    "A closed month is never rewritten. What was learnt later is told here, as it was first reported and as it is known"
    " now, where the published figures differ.",
    (
        *HEAD,
        Column("first_reported", "yearmonth", "The closed month that told it first."),
        Column("table", "string", "Which table told it.", ("cohort", "progression")),
        Column("cohort_basis", "string", "As in cohort.csv.", ("referral", "start"), is_required=False),
        Column("cohort_month", "yearmonth", "As in cohort.csv.", is_required=False),
        Column("elapsed_months", "integer", "As in cohort.csv; blank for the cohort's size.", is_required=False),
        Column("day", "date", "Of progression.csv: the day.", is_required=False),
        Column("stage", "string", "The stage.", STAGES),
        Column("as_first_reported", "integer", "People.", is_required=False),
        Column("first_status", "string", "As value_status.", STATUS, is_required=False),
        Column("as_now_known", "integer", "People.", is_required=False),
        Column("now_status", "string", "As value_status.", STATUS, is_required=False),
        Column("difference", "integer", "Of the two published figures.", is_required=False),
        Column(
            "reason",
            "string",
            f"Why, in words of {', '.join(REASONS)}; several with semicolons. [c]: of too few people to be told.",
            is_required=False,
        ),
    ),
    ("table", "cohort_basis", "cohort_month", "elapsed_months", "day", "stage"),
)
TABLES: tuple[ExportTable, ...] = (COHORT, PROGRESSION, STAGES_BY_MONTH, BREAKDOWN, MEDIANS, ADJUSTMENTS)
