"""Pure functions for the Excel workbook: cover, contents, notes, then one table on each sheet.

The layout follows the guidance of the Government Analysis Function: no merged cells, no blank row or column inside a
table, one header row, wrapped text and a name for each table. A cell holds a number, or the shorthand that says why
there is no number. Every text is written as a string, so no cell can run as a formula.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import xlsxwriter

from pathways.exports.charts import COLOURS, Chart
from pathways.exports.cohort import Row
from pathways.exports.tables import Column

OPTIONS = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "in_memory": True}
WIDEST, NARROWEST = 60, 10
HEADINGS_BEFORE_TABLE = 2


@dataclass(frozen=True, slots=True)
class WorkbookSheet:
    """One table of the workbook: name, title, header and rows.

    ``numbers`` names the columns where cells that look like numbers are written as numbers.
    """

    name: str
    title: str
    header: Row
    rows: Sequence[Row]
    numbers: frozenset[str]
    charts: Sequence[Chart] = ()


def sheet_of(name: str, title: str, columns: Sequence[Column], rows: Sequence[Row]) -> WorkbookSheet:
    """Return a table as a sheet, with a value and its status merged into one cell for easier reading."""
    positions = [at for at, column in enumerate(columns) if not column.name.endswith("status")]
    status_of = {at: at + 1 for at in positions if at + 1 < len(columns) and columns[at + 1].name.endswith("status")}
    cells = [tuple(row[at] or (row[status_of[at]] if at in status_of else "") for at in positions) for row in rows]
    numbers = frozenset(columns[at].name for at in positions if columns[at].kind in {"integer", "number"})
    return WorkbookSheet(name, title, tuple(columns[at].name for at in positions), cells, numbers)


def workbook(
    title: str, cover: Sequence[str], notes: Sequence[str], sheets: Sequence[WorkbookSheet], made_on: date
) -> bytes:
    """Return a workbook as bytes.

    Parameters
    ----------
    title : str
    cover, notes : sequence of str
        The paragraphs of the cover and the notes; each is written to a row of its own.
    sheets : sequence of WorkbookSheet
    made_on : date
        Stored as the creation date instead of the present day, so that the same figures always give the same bytes.

    Returns
    -------
    bytes
    """
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, OPTIONS) as book:
        book.set_properties(
            {
                "title": title,
                "created": datetime(made_on.year, made_on.month, made_on.day, tzinfo=UTC).replace(tzinfo=None),
            }
        )
        formats = {
            "title": book.add_format({"bold": True, "font_size": 16}),
            "wrapped": book.add_format({"text_wrap": True, "valign": "top"}),
            "header": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 1}),
            "link": book.add_format({"font_color": "#1d70b8", "underline": 1}),
            "right": book.add_format({"align": "right"}),
        }
        _lines(book.add_worksheet("Cover"), title, cover, formats)
        contents = book.add_worksheet("Contents")
        _lines(book.add_worksheet("Notes"), "Notes", notes, formats)
        contents.write_string(0, 0, "Contents", formats["title"])
        contents.set_column(0, 0, NARROWEST * 2)
        contents.set_column(1, 1, WIDEST)
        contents.add_table(
            1,
            0,
            1 + len(sheets) + 1,
            1,
            {
                "name": "Contents",
                "autofilter": False,
                "style": None,
                "columns": [{"header": "Sheet"}, {"header": "Content"}],
            },
        )
        for number, (name, content) in enumerate(
            [("Notes", "How to read the figures"), *((s.name, s.title) for s in sheets)]
        ):
            contents.write_url(2 + number, 0, f"internal:'{name}'!A1", formats["link"], name)
            contents.write_string(2 + number, 1, content, formats["wrapped"])
        for sheet in sheets:
            _table(book, sheet, formats)
    return out.getvalue()


def _lines(page: Any, title: str, lines: Sequence[str], formats: Mapping[str, Any]) -> None:
    page.set_column(0, 0, WIDEST * 1.6)
    page.write_string(0, 0, title, formats["title"])
    for number, line in enumerate(lines, start=1):
        page.write_string(number, 0, line, formats["wrapped"])


def _table(book: Any, sheet: WorkbookSheet, formats: Mapping[str, Any]) -> None:
    page = book.add_worksheet(sheet.name)
    page.write_string(0, 0, sheet.title, formats["title"])
    page.write_string(
        1, 0, "This sheet contains one table. Some cells contain shorthand, which the Notes sheet explains."
    )
    for at, name in enumerate(sheet.header):
        widest = max([len(name), *(len(row[at]) for row in sheet.rows)], default=0)
        page.set_column(at, at, min(WIDEST, max(NARROWEST, widest + 2)))
    if not sheet.rows:
        for at, name in enumerate(sheet.header):
            page.write_string(HEADINGS_BEFORE_TABLE, at, name, formats["header"])
        page.write_string(HEADINGS_BEFORE_TABLE + 1, 0, "This table has no rows.")
        return
    page.add_table(
        HEADINGS_BEFORE_TABLE,
        0,
        HEADINGS_BEFORE_TABLE + len(sheet.rows),
        len(sheet.header) - 1,
        {
            "name": sheet.name,
            "style": None,
            "autofilter": False,
            "columns": [{"header": name, "header_format": formats["header"]} for name in sheet.header],
        },
    )
    for number, row in enumerate(sheet.rows, start=HEADINGS_BEFORE_TABLE + 1):
        for at, cell in enumerate(row):
            if sheet.header[at] in sheet.numbers and _is_number(cell):
                page.write_number(number, at, float(cell))
            else:
                page.write_string(number, at, cell, formats["right"] if sheet.header[at] in sheet.numbers else None)
    page.freeze_panes(HEADINGS_BEFORE_TABLE + 1, 0)
    for number, chart in enumerate(sheet.charts):
        _chart(book, page, sheet, chart, number)


def _chart(book: Any, page: Any, sheet: WorkbookSheet, chart: Chart, number: int) -> None:
    """Draw a chart from the sheet's own rows: each column is a line, and each row is a point along the axis."""
    drawn = book.add_chart({"type": "line"})
    first, last = HEADINGS_BEFORE_TABLE + 1, HEADINGS_BEFORE_TABLE + len(sheet.rows)
    for at, line in enumerate(chart.lines):
        column = sheet.header.index(line.name)
        drawn.add_series(
            {
                "name": [sheet.name, HEADINGS_BEFORE_TABLE, column],
                "categories": [sheet.name, first, 0, last, 0],
                "values": [sheet.name, first, column, last, column],
                "line": {"color": COLOURS[at % len(COLOURS)], "width": 2.25},
                "marker": {"type": "automatic"},
            }
        )
    drawn.set_title({"name": chart.title, "overlay": False})
    drawn.set_x_axis({"name": chart.along})
    drawn.set_y_axis({"name": chart.up, "min": 0})
    drawn.show_blanks_as("gap")
    drawn.set_size({"width": 760, "height": 420})
    page.insert_chart(
        HEADINGS_BEFORE_TABLE + 2 + 22 * number,
        len(sheet.header) + 1,
        drawn,
        {"description": chart.about, "object_position": 3},
    )


def _is_number(cell: str) -> bool:
    return cell.removeprefix("-").replace(".", "", 1).isdecimal()
