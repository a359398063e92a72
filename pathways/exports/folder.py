"""A month's folder, pure: from counts and what was decided of them to the bytes of every file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pathways.exports import cohort, files, metadata
from pathways.exports.charts import Chart, ChartLine, svg
from pathways.exports.cohort import BASES, EVERYBODY, MOVES, NOT_HERE, Head, Row, Tally
from pathways.exports.disclosure import Suppression
from pathways.exports.journeys import CONTACTED, STAGES
from pathways.exports.rendering import rendered
from pathways.exports.tables import (
    ADJUSTMENTS,
    BREAKDOWN,
    COHORT,
    MEDIANS,
    PROGRESSION,
    STAGES_BY_MONTH,
    TABLES,
    ExportTable,
)
from pathways.exports.workbook import WorkbookSheet, sheet_of, workbook

SCHEMA_VERSION = "2"
WORD = {
    "referred": "Referred",
    "started": "Started",
    "profiled": "Profile agreed",
    "introduced": "Put forward",
    "offered": "Offered a place",
    "in_work": "In work",
    "sustained_13": "13 weeks in work",
    "sustained_26": "26 weeks in work",
    "left": "Left",
    CONTACTED: "Employer contacted",
}
MOST_LINES = 6
NOTES = (
    "Counts are of people, not of jobs, to the nearest five. They may not add up, because each is rounded by itself.",
    "[c] confidential: hidden because few people stand behind it, or because such a one could be worked out from it.",
    "[x] not available: the months have not passed yet. It is not nought.",
    "[low] not nought, but rounds to it.",
    "A share is made of two published figures, and is hidden where the whole is too small to make one of.",
    "A cohort is the month of the first referral that led to the enrolment, or of the start.",
    "A second referral during an enrolment opens no cohort; a new enrolment does.",
    "In work: from the first day of a paid job in which four paid hours or more are recorded. Unpaid work is no job.",
    "13 and 26 weeks: an outcome by a funder's rule, recorded on evidence that somebody else has checked.",
    "Earlier months are told again as they are known now. What a closed month told otherwise is in adjustments.csv.",
    "Area is the outward half of the postcode, as it is known now. Monitoring groups are as people answered.",
)


@dataclass(frozen=True)
class FolderContents:
    """All that a folder is made of.

    Parameters
    ----------
    ref, name : str
        The commissioner's.
    head : Head
    tally : Tally
    decision : Suppression
    adjustments : sequence of Row
    programmes : sequence of mapping
        Reference and rule versions of each.
    references : mapping of str to str
        The dated tables it rests on, with their versions.
    fewest_for_median : int
    """

    ref: str
    name: str
    head: Head
    tally: Tally
    decision: Suppression
    adjustments: Sequence[Row]
    programmes: Sequence[Mapping[str, object]]
    references: Mapping[str, str]
    fewest_for_median: int

    @property
    def folder(self) -> str:
        scope = "" if self.tally.scope == EVERYBODY else f"_{self.tally.scope}"
        return f"outcomes_{self.ref}{scope}_{self.head.month}_v{self.head.version}"

    @property
    def title(self) -> str:
        return f"{self.name}: first steps into work, {self.head.month.in_words}"

    @property
    def status_text(self) -> str:
        return f"As known at the end of {self.head.as_of}. Version {self.head.version} of this month."


def files_of(told: FolderContents) -> dict[str, bytes]:
    """Return every file of a folder by its name.

    Parameters
    ----------
    told : FolderContents

    Returns
    -------
    dict of str to bytes
    """
    rows = rows_of(told)
    found = {f"{table.name}.csv": files.csv_bytes(table.header, rows[table.name]) for table in TABLES}
    charts = charts_of(told)
    found |= {f"chart-{chart.name}.svg": svg(chart) for chart in charts}
    found["summary.html"] = _summary(told, charts)
    found["tables.xlsx"] = workbook(
        told.title,
        [
            told.status_text,
            *_sentences(told),
            "The same figures are in the CSV files beside this one, one row a figure.",
        ],
        NOTES,
        _sheets(told, rows, charts),
        told.head.as_of,
    )
    sizes = {name: (len(body), files.sha256(body)) for name, body in found.items()}
    found["datapackage.json"] = files.json_bytes(
        metadata.datapackage(told.folder, told.title, told.status_text, TABLES, sizes)
    )
    found["csv-metadata.json"] = files.json_bytes(metadata.csvw(told.title, TABLES))
    found["manifest.json"] = files.json_bytes(_manifest(told, found))
    return found


def rows_of(told: FolderContents) -> dict[str, list[Row]]:
    """Return the rows of every table by its name."""
    tally, decision, head = told.tally, told.decision, told.head
    return {
        COHORT.name: list(cohort.cohort_rows(tally, decision, head)),
        PROGRESSION.name: list(cohort.progression_rows(tally, decision, head)),
        STAGES_BY_MONTH.name: list(cohort.stage_rows(tally, decision, head)),
        BREAKDOWN.name: list(cohort.breakdown_rows(tally, decision, head)),
        MEDIANS.name: list(cohort.median_rows(tally, decision, head, told.fewest_for_median)),
        ADJUSTMENTS.name: list(told.adjustments),
    }


def _manifest(told: FolderContents, content: Mapping[str, bytes]) -> dict[str, object]:
    rules = told.decision.rules
    return {
        "as_of": told.head.as_of.isoformat(),
        "commissioner": told.ref,
        "disclosure": {
            "hidden": told.decision.counts_by_reason(),
            "rounded_to": rules.base,
            "smallest_shown": rules.smallest,
            "smallest_whole_of_a_share": rules.smallest_whole,
        },
        "files": {name: files.sha256(body) for name, body in content.items()},
        "month": str(told.head.month),
        "programmes": list(told.programmes),
        "publishable": told.decision.is_safe,
        "reference_versions": dict(told.references),
        "schema_version": SCHEMA_VERSION,
        "scope": told.tally.scope,
        "version": told.head.version,
    }


def _published_cell(told: FolderContents, key: str) -> str:
    count = told.decision.published(key)
    return told.decision.status(key) or str(count)


def _value(told: FolderContents, key: str) -> float | None:
    shown = told.decision.published(key)
    return None if shown is None else float(shown)


def charts_of(told: FolderContents) -> list[Chart]:
    """Return the charts: how many of each cohort were in work month by month, and people at each stage."""
    return [_conversion(told), _progression(told)]


def _conversion(told: FolderContents) -> Chart:
    tally, decision = told.tally, told.decision
    lines: list[ChartLine] = []
    longest = 0
    for basis, month in reversed(tally.cohorts):
        if basis != "referral" or len(lines) == MOST_LINES:
            continue
        size = tally.cohort_key(basis, month, BASES[basis], 0)
        rates = [
            decision.rate(tally.cohort_key(basis, month, "in_work", elapsed), size)
            for elapsed in range(tally.last_elapsed(month) + 1)
        ]
        if any(rate is not None for rate in rates) and len(rates) > 1:
            lines.append(ChartLine(str(month), [None if rate is None else float(rate) for rate in rates]))
            longest = max(longest, len(rates))
    lines.reverse()
    told_of = [(line.name, value) for line in lines if (value := _last(line.values)) is not None]
    about = (
        "; ".join(f"of those referred in {name}, {value:.0%} so far" for name, value in told_of)
        or "No cohort is large enough to be shown"
    )
    return Chart(
        "conversion",
        "Share of each month's referrals that had started work",
        f"Lines by month of referral, latest months only, rising with the months since: {about}.",
        "Calendar months since referral",
        "Share in work",
        [str(month) for month in range(longest)],
        lines,
        is_share=True,
    )


def _progression(told: FolderContents) -> Chart:
    tally = told.tally
    lines = [
        ChartLine(WORD[stage], [_value(told, tally.at_key(month.last_day, stage)) for month in tally.month_ends])
        for stage in STAGES
    ]
    seen = [line for line in lines if any(line.values)]
    kept = sorted(seen, key=lambda line: -max(value or 0 for value in line.values))[:MOST_LINES]
    lines = [line for line in lines if line in kept]
    about = "; ".join(
        f"{line.name.lower()}, {first:.0f} to {last:.0f}"
        for line in lines
        if (first := _first(line.values)) is not None and (last := _last(line.values)) is not None
    )
    return Chart(
        "progression",
        "People at each stage at the end of each month",
        f"Lines by stage over thirteen months, first to last figure that is shown: {about or 'none is shown'}.",
        "Month's end",
        "People",
        [str(month) for month in tally.month_ends],
        lines,
    )


def _first(values: Sequence[float | None]) -> float | None:
    return next((value for value in values if value is not None), None)


def _last(values: Sequence[float | None]) -> float | None:
    return _first(list(reversed(values)))


def _sentences(told: FolderContents) -> list[str]:
    tally, head = told.tally, told.head

    def year(stage: str) -> str:
        return _published_cell(told, tally.group_key(EVERYBODY, NOT_HERE, stage))

    if not tally.groups(EVERYBODY):
        return [f"Nobody was referred in the twelve months to the end of {head.month.in_words}."]
    rows = {
        (row[3], row[4]): row[5] or row[6]
        for row in cohort.median_rows(tally, told.decision, head, told.fewest_for_median)
    }
    year_told = (
        f"In the twelve months to the end of {head.month.in_words}, {year('referred')} people were referred; of them"
        f" {year('started')} have started, {year('introduced')} were put forward for work, {year('in_work')} have"
        f" started a job and {year('sustained_13')} have been 13 weeks in work."
    )
    return [
        year_told,
        f"Referred this month and still to start: {_published_cell(told, tally.move_key(NOT_HERE, 'referred'))}.",
        f"Half of those who found a job did so within {rows['referral_to_job_start', 'median_days']} days of referral.",
        f"Half met an employer within {rows['start_to_employer_contact', 'median_days']} days of starting.",
    ]


def _summary(told: FolderContents, charts: Sequence[Chart]) -> bytes:
    tally = told.tally
    before, after = tally.month.first_day - timedelta(days=1), tally.month.last_day
    return rendered(
        "summary.html",
        title=told.title,
        status_text=told.status_text,
        sentences=_sentences(told),
        stages=[
            (
                WORD[stage],
                _published_cell(told, tally.at_key(before, stage)),
                _published_cell(told, tally.at_key(after, stage)),
            )
            for stage in STAGES
        ],
        charts=charts,
        notes=NOTES,
        hidden=list(told.decision.counts_by_reason().items()),
    )


def _sheets(told: FolderContents, rows: Mapping[str, Sequence[Row]], charts: Sequence[Chart]) -> list[WorkbookSheet]:
    conversion, progression = charts
    return [
        _cohorts(told, "referral", "Cohorts_by_referral", "People by month of referral, and the stages reached by now"),
        _cohorts(told, "start", "Cohorts_by_start", "People by month of start, and the stages reached by now"),
        _by_place(conversion, "Conversion", "months_since_referral"),
        _by_place(progression, "Stages_by_month", "month_end"),
        _at_both_ends(told),
        _moves(told),
        _breakdowns(told),
        _plainly(MEDIANS, "Medians", rows),
        _plainly(ADJUSTMENTS, "Adjustments", rows),
    ]


def _cohorts(told: FolderContents, basis: str, name: str, title: str) -> WorkbookSheet:
    tally = told.tally
    stages = STAGES[STAGES.index(BASES[basis]) :]
    rows = [
        (
            str(month),
            *(
                _published_cell(told, tally.cohort_key(basis, month, stage, tally.last_elapsed(month)))
                for stage in stages
            ),
        )
        for of, month in tally.cohorts
        if of == basis
    ]
    return WorkbookSheet(name, title, ("cohort_month", *(WORD[stage] for stage in stages)), rows, _words(stages))


def _words(stages: Sequence[str]) -> frozenset[str]:
    return frozenset(WORD[stage] for stage in stages)


def _by_place(chart: Chart, name: str, first: str) -> WorkbookSheet:
    rows = [
        (
            place,
            *(
                _description(line.values[at], is_share=chart.is_share) if at < len(line.values) else "[x]"
                for line in chart.lines
            ),
        )
        for at, place in enumerate(chart.places)
    ]
    header = (first, *(line.name for line in chart.lines))
    return WorkbookSheet(
        name, chart.title, header, rows if chart.lines else [], frozenset(header[1:]), [chart] if chart.lines else []
    )


def _description(value: float | None, *, is_share: bool) -> str:
    return "[c]" if value is None else f"{value:.2f}" if is_share else f"{value:.0f}"


def _at_both_ends(told: FolderContents) -> WorkbookSheet:
    tally = told.tally
    before, after = tally.month.first_day - timedelta(days=1), tally.month.last_day
    rows = [
        (
            WORD[stage],
            _published_cell(told, tally.at_key(before, stage)),
            _published_cell(told, tally.at_key(after, stage)),
        )
        for stage in STAGES
    ]
    header = ("stage", "at_start", "at_end")
    return WorkbookSheet(
        "Progression", "People at each stage at the month's start and end", header, rows, frozenset(header[1:])
    )


def _moves(told: FolderContents) -> WorkbookSheet:
    """Return moves as a square of stages: from each row to each column."""
    rows = [
        (
            WORD[origin] if origin else "Not referred yet",
            *(
                _published_cell(told, told.tally.move_key(origin, stage)) if (origin, stage) in MOVES else "[z]"
                for stage in STAGES
            ),
        )
        for origin in (NOT_HERE, *STAGES[:-1])
    ]
    title = "Moves in the month, from the stage of the row to that of the column; [z]: there is no such move"
    return WorkbookSheet("Moves", title, ("from_stage", *(WORD[stage] for stage in STAGES)), rows, _words(STAGES))


def _breakdowns(told: FolderContents) -> WorkbookSheet:
    tally = told.tally
    rows = []
    for breakdown in (EVERYBODY, *tally.breakdowns):
        there = tally.stages(breakdown)
        rows += [
            (
                breakdown,
                group or EVERYBODY,
                *(
                    _published_cell(told, tally.group_key(breakdown, group, one)) if one in there else "[z]"
                    for one in STAGES
                ),
            )
            for group in tally.groups(breakdown)
        ]
    title = "Those referred in the last twelve months, by group; [z]: does not apply to this breakdown"
    return WorkbookSheet(
        "Breakdowns", title, ("breakdown", "group", *(WORD[one] for one in STAGES)), rows, _words(STAGES)
    )


def _plainly(table: ExportTable, name: str, rows: Mapping[str, Sequence[Row]]) -> WorkbookSheet:
    columns, lead = table.columns[3:], 3
    return sheet_of(name, table.title, columns, [row[lead:] for row in rows[table.name]])
