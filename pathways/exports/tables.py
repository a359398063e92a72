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
    """A published table, which is one file; ``key`` names the columns that identify a row."""

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
        "The number of people, to the nearest five. Blank if value_status says why there is no number.",
        is_required=False,
    ),
    Column(
        "value_status",
        "string",
        "[c]: confidential, suppressed. [x]: not available, as the period is not over. [low]: above 0, rounded to 0.",
        STATUS,
        is_required=False,
    ),
)
SHARES = tuple(f"{stage}_share" for stage in STAGES)
COHORT = ExportTable(
    "cohort",
    "People by month of referral or of start, and by the number of months since then",
    "For the people who were referred (or who started) in a month: how many of them had reached each stage 0, 1, 2 and"
    " more calendar months later, and what share of the cohort they are. People are counted, not jobs. The size of a"
    " cohort does not change with the months elapsed. A new enrolment counts in a new cohort. Earlier cohorts are"
    " published again each month.",
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
            "The number of calendar months after the cohort's month. People are counted on the last day of that month.",
        ),
        Column(
            "measure", "string", "The stage reached, or the share of the cohort that reached it.", (*STAGES, *SHARES)
        ),
        Column(
            "value",
            "number",
            "The number of people, to the nearest five, or a share calculated from two such numbers.",
            is_required=False,
        ),
        VALUE[1],
    ),
    ("cohort_basis", "cohort_month", "elapsed_months", "measure"),
)
PROGRESSION = ExportTable(
    "progression",
    "People at each stage at the month's start and end, and every move between stages",
    "Each person is counted at the furthest stage reached. A person who stayed at a stage is not counted in any move.",
    (
        *HEAD,
        Column(
            "measure",
            "string",
            "Whether people are counted at the month's start, at the month's end, or for a move between stages.",
            ("at_start", "at_end", "moved"),
        ),
        Column(
            "from_stage",
            "string",
            "The stage at the month's start; blank for at_end.",
            ("not_referred", *STAGES),
            is_required=False,
        ),
        Column("to_stage", "string", "The stage at the month's end; blank for at_start.", STAGES, is_required=False),
        *VALUE,
    ),
    ("measure", "from_stage", "to_stage"),
)
STAGES_BY_MONTH = ExportTable(
    "stages",
    "People at each stage at the end of each of the last thirteen months",
    "People are counted as in progression.csv, for each month of the past year, using the facts known now.",
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
    "People by programme, area (the first half of the postcode), type of referring organisation, kind of the first job,"
    " and the answers to equality monitoring questions.",
    (
        *HEAD,
        Column(
            "breakdown",
            "string",
            "What the groups are based on, for instance age. The value all means one group of all people.",
            (EVERYBODY, *BREAKDOWNS),
        ),
        Column("group", "string", "The group in this breakdown, for instance 18_to_24."),
        Column("stage", "string", "The stage reached; contacted means contact with an employer.", (*STAGES, CONTACTED)),
        *VALUE,
    ),
    ("breakdown", "group", "stage"),
)
MEDIANS = ExportTable(
    "medians",
    "Median days between stages, for people referred in the last twelve months",
    "Half of the people who reached both stages took this number of days or fewer. The median is published only"
    " if ten or more people reached both stages.",
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
        Column("day", "date", "The day of the count, for figures of progression.csv.", is_required=False),
        Column("stage", "string", "The stage that the figure is about.", STAGES),
        Column("as_first_reported", "integer", "The number of people as first published.", is_required=False),
        Column("first_status", "string", "Like value_status in the other tables.", STATUS, is_required=False),
        Column("as_now_known", "integer", "The number of people as known now.", is_required=False),
        Column("now_status", "string", "Like value_status in the other tables.", STATUS, is_required=False),
        Column("difference", "integer", "as_now_known less as_first_reported.", is_required=False),
        Column(
            "reason",
            "string",
            f"Why the figure changed: {', '.join(REASONS)}; separated by semicolons. [c]: too few people to publish the"
            " reason.",
            is_required=False,
        ),
    ),
    ("table", "cohort_basis", "cohort_month", "elapsed_months", "day", "stage"),
)
TABLES: tuple[ExportTable, ...] = (COHORT, PROGRESSION, STAGES_BY_MONTH, BREAKDOWN, MEDIANS, ADJUSTMENTS)
