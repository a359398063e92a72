"""The definition of each published table: its columns in order, with their types and meanings.

Files and metadata are made from these definitions. Every published count or rate is defined here and nowhere else.
"""

from dataclasses import dataclass
from typing import Literal

from pathways.disclosure.suppression import CONFIDENTIAL, LOW, NOT_YET
from pathways.exports.cohort import BREAKDOWNS, EVERYBODY, WAITS, Row
from pathways.exports.journeys import CONTACTED, STAGES

Kind = Literal["string", "integer", "number", "date", "yearmonth"]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a published table.

    Parameters
    ----------
    name, kind, about : str
    words : tuple of str
        The allowed values; empty if any value is allowed.
    is_required : bool
        Whether every cell must have a value.
    """

    name: str
    kind: Kind
    about: str
    words: tuple[str, ...] = ()
    is_required: bool = True


@dataclass(frozen=True, slots=True)
class ExportTable:
    """One file of rows; ``key`` names the columns that identify a row."""

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
    Column("report_period", "yearmonth", "The month that the figures are about."),
    Column("as_of", "date", "The figures use only facts recorded by the end of this day."),
    Column("version", "integer", "The version number of this month's figures."),
)
VALUE = (
    Column(
        "value",
        "integer",
        "Number of people, to the nearest five; blank if value_status gives a reason.",
        is_required=False,
    ),
    Column(
        "value_status",
        "string",
        "[c]: confidential, suppressed. [x]: not available, the period is not over. [low]: above 0, but rounds to 0.",
        STATUS,
        is_required=False,
    ),
)
SHARES = tuple(f"{stage}_share" for stage in STAGES)
COHORT = ExportTable(
    "cohort",
    "People by month of referral or of start, and by the months that have passed",
    "For the people referred (or started) in a month: how many had reached each stage a number of calendar months"
    " later, and what share of the cohort that is. People are counted, not jobs. The size of a cohort does not change"
    " with the months elapsed. A new enrolment counts in a new cohort. Earlier cohorts are published again each month.",
    (
        *HEAD,
        Column(
            "cohort_basis",
            "string",
            "Whether the cohort is by month of referral or by month of start.",
            ("referral", "start"),
        ),
        Column("cohort_month", "yearmonth", "The month of the cohort."),
        Column(
            "elapsed_months",
            "integer",
            "Calendar months since the month of the cohort, counted to the last day of the month.",
        ),
        Column(
            "measure", "string", "The stage reached, or the share of the cohort that reached it.", (*STAGES, *SHARES)
        ),
        Column(
            "value",
            "number",
            "Number of people, to the nearest five, or a share of two such numbers.",
            is_required=False,
        ),
        VALUE[1],
    ),
    ("cohort_basis", "cohort_month", "elapsed_months", "measure"),
)
PROGRESSION = ExportTable(
    "progression",
    "People at each stage at the month's start and end, and every move between stages",
    "Each person is counted at the furthest stage reached. A person who stayed at a stage is in no move.",
    (
        *HEAD,
        Column(
            "measure",
            "string",
            "People at the start, people at the end, or people who moved.",
            ("at_start", "at_end", "moved"),
        ),
        Column(
            "from_stage", "string", "The stage before; blank for at_end.", ("not_referred", *STAGES), is_required=False
        ),
        Column("to_stage", "string", "The stage after; blank for at_start.", STAGES, is_required=False),
        *VALUE,
    ),
    ("measure", "from_stage", "to_stage"),
)
STAGES_BY_MONTH = ExportTable(
    "stages",
    "People at each stage at the end of each of the last thirteen months",
    "As in progression.csv, for the past year, using the facts known now.",
    (
        *HEAD,
        Column("month_end", "yearmonth", "People were counted at the end of this month."),
        Column("stage", "string", "The furthest stage reached.", STAGES),
        *VALUE,
    ),
    ("month_end", "stage"),
)
BREAKDOWN = ExportTable(
    "breakdowns",
    "People referred in the last twelve months, by group, and the stages they have reached",
    "By programme, area (the first half of the postcode), type of referring organisation, kind of the first job, and"
    " the answers to equality monitoring questions.",
    (
        *HEAD,
        Column("breakdown", "string", "What the groups are based on.", (EVERYBODY, *BREAKDOWNS)),
        Column("group", "string", "The group."),
        Column("stage", "string", "The stage reached; contacted means contact with an employer.", (*STAGES, CONTACTED)),
        *VALUE,
    ),
    ("breakdown", "group", "stage"),
)
MEDIANS = ExportTable(
    "medians",
    "Median days between stages, for people referred in the last twelve months",
    "Half of the people who reached both stages took this number of days or fewer. Published for ten or more people"
    " only.",
    (
        *HEAD,
        Column("wait", "string", "The two stages that the days are measured between.", tuple(WAITS)),
        Column(
            "measure",
            "string",
            "The number of people who reached both stages, or the median days.",
            ("people", "median_days"),
        ),
        *VALUE,
    ),
    ("wait", "measure"),
)
REASONS = ("late_evidence", "correction", "withdrawn", "merge", "rule_change", "erasure")
ADJUSTMENTS = ExportTable(
    "adjustments",
    "Figures of closed months that have changed since",
    "A closed month is never rewritten. If later facts change a published figure, this table gives the figure as first"
    " reported and as known now.",
    (
        *HEAD,
        Column("first_reported", "yearmonth", "The closed month that first published the figure."),
        Column("table", "string", "The table that the figure is in.", ("cohort", "progression")),
        Column("cohort_basis", "string", "As in cohort.csv.", ("referral", "start"), is_required=False),
        Column("cohort_month", "yearmonth", "As in cohort.csv.", is_required=False),
        Column("elapsed_months", "integer", "As in cohort.csv; blank for the size of the cohort.", is_required=False),
        Column("day", "date", "The day, for figures of progression.csv.", is_required=False),
        Column("stage", "string", "The stage.", STAGES),
        Column("as_first_reported", "integer", "Number of people as first published.", is_required=False),
        Column("first_status", "string", "As value_status in the other tables.", STATUS, is_required=False),
        Column("as_now_known", "integer", "Number of people as known now.", is_required=False),
        Column("now_status", "string", "As value_status in the other tables.", STATUS, is_required=False),
        Column("difference", "integer", "as_now_known less as_first_reported.", is_required=False),
        Column(
            "reason",
            "string",
            f"Why it changed: {', '.join(REASONS)}; separated by semicolons. [c]: too few people to publish the"
            " reason.",
            is_required=False,
        ),
    ),
    ("table", "cohort_basis", "cohort_month", "elapsed_months", "day", "stage"),
)
TABLES: tuple[ExportTable, ...] = (COHORT, PROGRESSION, STAGES_BY_MONTH, BREAKDOWN, MEDIANS, ADJUSTMENTS)
