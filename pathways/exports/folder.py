"""Pure functions that turn a month's counts and suppression decision into the bytes of every file of an export."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from pathways.disclosure.suppression import Suppression, SuppressionReason
from pathways.exports import cohort, files, metadata
from pathways.exports.charts import Chart, ChartLine, svg
from pathways.exports.cohort import BASES, EVERYBODY, MOVES, NOT_HERE, Head, Row, Tally
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
    "Counts are of people, not jobs, to the nearest five. They may not add up, because each is rounded separately.",
    "[c] confidential: suppressed, because the figure is about few people or would reveal a figure about few people.",
    "[x] not available: the period is not over yet. [x] does not mean 0.",
    "[low] above 0, but rounded to 0.",
    "A share is a published figure divided by a larger one. It is suppressed if the larger figure is too small.",
    "A cohort is everyone first referred for an enrolment in one month, or everyone who started in one month.",
    "A new enrolment counts in a new cohort. A second referral during an enrolment does not.",
    "In work: from the first day of a paid job with at least four paid hours recorded. Unpaid work does not count.",
    "13 and 26 weeks: an outcome under a funder's rule, with evidence checked by a second person.",
    "Figures of earlier months use the facts known now. Changed figures of closed months are in adjustments.csv.",
    "Area is the first half of the current postcode. Equality monitoring groups are people's own answers.",
)

REASON_TEXTS = {
    SuppressionReason.SMALL: "about too few people",
    SuppressionReason.OF_A_SMALL_WHOLE: "0 people out of a group that is too small",
    SuppressionReason.ALL_OR_NONE: "would reveal that all or none of a group reached a stage",
    SuppressionReason.BESIDE: "would reveal another suppressed figure",
    SuppressionReason.CLOSED: "no safer choice was found, so all remaining figures were suppressed",
    SuppressionReason.KNOWN: "could already be worked out from earlier releases",
}


@dataclass(frozen=True)
class FolderContents:
    """Everything that the files of a folder are made from.

    Parameters
    ----------
    ref, name : str
        The reference and name of the commissioner.
    head : Head
    tally : Tally
    decision : Suppression
    adjustments : sequence of Row
    programmes : sequence of mapping
        The reference and rule versions of each programme.
    references : mapping of str to str
        The dated reference tables that the figures depend on, with their versions.
    fewest_for_median : int
        The smallest number of people for which a median is published.
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


def files_of(contents: FolderContents) -> dict[str, bytes]:
    """Return the content of every file of a folder, by file name.

    Parameters
    ----------
    contents : FolderContents

    Returns
    -------
    dict of str to bytes
    """
    rows = rows_of(contents)
    file_bytes = {f"{table.name}.csv": files.csv_bytes(table.header, rows[table.name]) for table in TABLES}
    charts = charts_of(contents)
    file_bytes |= {f"chart-{chart.name}.svg": svg(chart) for chart in charts}
    file_bytes["summary.html"] = _summary(contents, charts)
    file_bytes["tables.xlsx"] = workbook(
        contents.title,
        [
            contents.status_text,
            *_sentences(contents),
            "The same figures are in the CSV files in this folder, one row for each figure.",
        ],
        NOTES,
        _sheets(contents, rows, charts),
        contents.head.as_of,
    )
    sizes = {name: (len(body), files.sha256(body)) for name, body in file_bytes.items()}
    file_bytes["datapackage.json"] = files.json_bytes(
        metadata.datapackage(contents.folder, contents.title, contents.status_text, TABLES, sizes)
    )
    file_bytes["csv-metadata.json"] = files.json_bytes(metadata.csvw(contents.title, TABLES))
    file_bytes["manifest.json"] = files.json_bytes(_manifest(contents, file_bytes))
    return file_bytes


def rows_of(contents: FolderContents) -> dict[str, list[Row]]:
    """Return the rows of every table, by table name."""
    tally, decision, head = contents.tally, contents.decision, contents.head
    return {
        COHORT.name: list(cohort.cohort_rows(tally, decision, head)),
        PROGRESSION.name: list(cohort.progression_rows(tally, decision, head)),
        STAGES_BY_MONTH.name: list(cohort.stage_rows(tally, decision, head)),
        BREAKDOWN.name: list(cohort.breakdown_rows(tally, decision, head)),
        MEDIANS.name: list(cohort.median_rows(tally, decision, head, contents.fewest_for_median)),
        ADJUSTMENTS.name: list(contents.adjustments),
    }


def _manifest(contents: FolderContents, file_bytes: Mapping[str, bytes]) -> dict[str, object]:
    rules = contents.decision.rules
    return {
        "as_of": contents.head.as_of.isoformat(),
        "commissioner": contents.ref,
        "disclosure": {
            "hidden": contents.decision.counts_by_reason(),
            "rounded_to": rules.base,
            "smallest_shown": rules.smallest,
            "smallest_whole_of_a_share": rules.smallest_whole,
        },
        "files": {name: files.sha256(body) for name, body in file_bytes.items()},
        "month": str(contents.head.month),
        "programmes": list(contents.programmes),
        "publishable": contents.decision.is_safe,
        "reference_versions": dict(contents.references),
        "schema_version": SCHEMA_VERSION,
        "scope": contents.tally.scope,
        "version": contents.head.version,
    }


def _published_cell(contents: FolderContents, key: str) -> str:
    """Return a count as published, or the shorthand that replaces it, for instance ``[c]``."""
    count = contents.decision.published(key)
    return contents.decision.status(key) or str(count)


def _value(contents: FolderContents, key: str) -> float | None:
    count = contents.decision.published(key)
    return None if count is None else float(count)


def charts_of(contents: FolderContents) -> list[Chart]:
    """Return the two charts: the share of each cohort that is in work, and the number of people at each stage."""
    return [_conversion(contents), _progression(contents)]


def _conversion(contents: FolderContents) -> Chart:
    """Return the chart of the shares of people in work, for the latest cohorts with published shares."""
    tally, decision = contents.tally, contents.decision
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
    latest = [(line.name, value) for line in lines if (value := _last(line.values)) is not None]
    about = (
        "; ".join(f"of the people referred in {name}, {value:.0%} so far" for name, value in latest)
        or "no cohort is large enough to publish"
    )
    return Chart(
        "conversion",
        "Share of the people referred in each month who have started work",
        f"One line for each of the latest months of referral, with the share in work by months since referral:"
        f" {about}.",
        "Calendar months since referral",
        "Share in work",
        [str(month) for month in range(longest)],
        lines,
        is_share=True,
    )


def _progression(contents: FolderContents) -> Chart:
    """Return the chart of the number of people at each stage, for the stages with most people."""
    tally = contents.tally
    lines = [
        ChartLine(WORD[stage], [_value(contents, tally.at_key(month.last_day, stage)) for month in tally.month_ends])
        for stage in STAGES
    ]
    visible = [line for line in lines if any(line.values)]
    largest = sorted(visible, key=lambda line: -max(value or 0 for value in line.values))[:MOST_LINES]
    lines = [line for line in lines if line in largest]
    about = "; ".join(
        f"{line.name.lower()}, {first:.0f} to {last:.0f}"
        for line in lines
        if (first := _first(line.values)) is not None and (last := _last(line.values)) is not None
    )
    return Chart(
        "progression",
        "People at each stage at the end of each month",
        f"One line for each stage over thirteen months. First and last published figures: {about or 'none'}.",
        "End of month",
        "People",
        [str(month) for month in tally.month_ends],
        lines,
    )


def _first(values: Sequence[float | None]) -> float | None:
    return next((value for value in values if value is not None), None)


def _last(values: Sequence[float | None]) -> float | None:
    return _first(list(reversed(values)))


def _sentences(contents: FolderContents) -> list[str]:
    tally, head = contents.tally, contents.head

    def year(stage: str) -> str:
        return _published_cell(contents, tally.group_key(EVERYBODY, NOT_HERE, stage))

    if not tally.groups(EVERYBODY):
        return [f"No one was referred in the twelve months to the end of {head.month.in_words}."]
    rows = {
        (row[3], row[4]): row[5] or row[6]
        for row in cohort.median_rows(tally, contents.decision, head, contents.fewest_for_median)
    }
    job_days = rows["referral_to_job_start", "median_days"]
    employer_days = rows["start_to_employer_contact", "median_days"]
    year_text = (
        f"In the twelve months to the end of {head.month.in_words}, {year('referred')} people were referred. Of these"
        f" people, {year('started')} have started, {year('introduced')} were put forward for work, {year('in_work')}"
        f" have started a job and {year('sustained_13')} have been in work for 13 weeks."
    )
    return [
        year_text,
        f"Referred this month and not started yet: {_published_cell(contents, tally.move_key(NOT_HERE, 'referred'))}.",
        f"Half of those who started a job did so within {job_days} days of referral.",
        f"Half of those with an employer contact had the first contact within {employer_days} days of starting.",
    ]


def _summary(contents: FolderContents, charts: Sequence[Chart]) -> bytes:
    tally = contents.tally
    before, after = tally.month.first_day - timedelta(days=1), tally.month.last_day
    return rendered(
        "summary.html",
        title=contents.title,
        status_text=contents.status_text,
        sentences=_sentences(contents),
        stages=[
            (
                WORD[stage],
                _published_cell(contents, tally.at_key(before, stage)),
                _published_cell(contents, tally.at_key(after, stage)),
            )
            for stage in STAGES
        ],
        charts=charts,
        notes=NOTES,
        suppressed=[
            (REASON_TEXTS[SuppressionReason(why)], count) for why, count in contents.decision.counts_by_reason().items()
        ],
    )


def _sheets(
    contents: FolderContents, rows: Mapping[str, Sequence[Row]], charts: Sequence[Chart]
) -> list[WorkbookSheet]:
    conversion, progression = charts
    return [
        _cohorts(
            contents, "referral", "Cohorts_by_referral", "People by month of referral, and the stages reached by now"
        ),
        _cohorts(contents, "start", "Cohorts_by_start", "People by month of start, and the stages reached by now"),
        _by_place(conversion, "Conversion", "months_since_referral"),
        _by_place(progression, "Stages_by_month", "month_end"),
        _at_both_ends(contents),
        _moves(contents),
        _breakdowns(contents),
        _plainly(MEDIANS, "Medians", rows),
        _plainly(ADJUSTMENTS, "Adjustments", rows),
    ]


def _cohorts(contents: FolderContents, basis: str, name: str, title: str) -> WorkbookSheet:
    tally = contents.tally
    stages = STAGES[STAGES.index(BASES[basis]) :]
    rows = [
        (
            str(month),
            *(
                _published_cell(contents, tally.cohort_key(basis, month, stage, tally.last_elapsed(month)))
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


def _at_both_ends(contents: FolderContents) -> WorkbookSheet:
    tally = contents.tally
    before, after = tally.month.first_day - timedelta(days=1), tally.month.last_day
    rows = [
        (
            WORD[stage],
            _published_cell(contents, tally.at_key(before, stage)),
            _published_cell(contents, tally.at_key(after, stage)),
        )
        for stage in STAGES
    ]
    header = ("stage", "at_start", "at_end")
    return WorkbookSheet(
        "Progression", "People at each stage at the month's start and end", header, rows, frozenset(header[1:])
    )


def _moves(contents: FolderContents) -> WorkbookSheet:
    """Return the moves as a table: each cell counts moves from the stage of its row to the stage of its column."""
    rows = [
        (
            WORD[origin] if origin else "Not referred yet",
            *(
                _published_cell(contents, contents.tally.move_key(origin, stage)) if (origin, stage) in MOVES else "[z]"
                for stage in STAGES
            ),
        )
        for origin in (NOT_HERE, *STAGES[:-1])
    ]
    title = "Moves in the month, from the stage of the row to the stage of the column; [z]: this move is not possible"
    return WorkbookSheet("Moves", title, ("from_stage", *(WORD[stage] for stage in STAGES)), rows, _words(STAGES))


def _breakdowns(contents: FolderContents) -> WorkbookSheet:
    tally = contents.tally
    rows = []
    for breakdown in (EVERYBODY, *tally.breakdowns):
        stages = tally.stages(breakdown)
        rows += [
            (
                breakdown,
                group or EVERYBODY,
                *(
                    _published_cell(contents, tally.group_key(breakdown, group, stage)) if stage in stages else "[z]"
                    for stage in STAGES
                ),
            )
            for group in tally.groups(breakdown)
        ]
    title = "People referred in the last twelve months, by group; [z]: does not apply to this breakdown"
    return WorkbookSheet(
        "Breakdowns", title, ("breakdown", "group", *(WORD[stage] for stage in STAGES)), rows, _words(STAGES)
    )


def _plainly(table: ExportTable, name: str, rows: Mapping[str, Sequence[Row]]) -> WorkbookSheet:
    columns, lead = table.columns[3:], 3
    return sheet_of(name, table.title, columns, [row[lead:] for row in rows[table.name]])
