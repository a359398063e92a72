"""The result of an import as a file to work on: each row where it stood, what became of it, errors beside the cells."""

import csv
import io
from typing import Any

import xlsxwriter

from pathways.database import Session
from pathways.imports import queries, staging
from pathways.imports.models import ImportRow, ImportRun
from pathways.spreadsheets import FORMULA_STARTS, OUR_ANSWERS, Sheet

RESULT, PROBLEMS = ("import result", "import problems")
assert {RESULT, PROBLEMS} == OUR_ANSWERS  # what is sent again is read without them
WRONG, UNSURE = "#F6D7D2", "#FFF7BF"  # what the GOV.UK palette has for errors and warnings, lightened
WIDE = 40


def as_csv(session: Session, run: ImportRun) -> bytes:
    """Return the result as CSV that a spreadsheet opens in the right letters and takes no cell of for a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    line, sheet_at = 0, -1
    for row in queries.in_order(session, run):
        sheet = staging.sheet_of(run, row)
        if row.sheet != sheet_at:
            sheet_at = row.sheet
            line = _pad(writer, line, sheet.header_at)
            writer.writerow([*_header(run, sheet), RESULT, PROBLEMS])
            line += 1
        line = _pad(writer, line, row.number)
        writer.writerow(list(map(inert, [*_cells(session, run, row, sheet), row.state.value, problems_of(row)])))
        line += 1
    return out.getvalue().encode("utf-8-sig")


def _pad(writer: Any, line: int, number: int) -> int:
    """Leave lines empty up to a row of the file, so that row 17 of the report is row 17 here."""
    while line < number - 1:
        writer.writerow([])
        line += 1
    return line


def inert(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def as_workbook(session: Session, run: ImportRun) -> bytes:
    """Return the result as a workbook of the same sheets; a cell that is wrong is marked and says why."""
    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold, wrong = book.add_format({"bold": True}), book.add_format({"bg_color": WRONG})
        unsure = book.add_format({"bg_color": UNSURE})
        page, page_of = None, -1
        for row in queries.in_order(session, run):
            sheet = staging.sheet_of(run, row)
            header = _header(run, sheet)
            if page is None or row.sheet != page_of:
                page, page_of = book.add_worksheet(sheet.name[:31] or None), row.sheet
                page.set_column(len(header), len(header) + 1, WIDE)
                page.write_row(sheet.header_at - 1, 0, [*header, RESULT, PROBLEMS], bold)
            told = {field: (f"{rule} {remedy}", wrong) for field, rule, remedy in row.errors or ()}
            told = {f: (f"{rule} {remedy}", unsure) for f, rule, remedy in row.warnings or ()} | told
            for place, cell in enumerate(_cells(session, run, row, sheet)):
                column = sheet.columns[place] if place < len(sheet.columns) else ""
                text, mark = told.get(column, ("", None)) if column else ("", None)
                if cell or mark is not None:
                    page.write_string(row.number - 1, place, cell, mark)
                if text:
                    page.write_comment(row.number - 1, place, text)
            page.write_string(row.number - 1, len(header), row.state.value)
            page.write_string(row.number - 1, len(header) + 1, problems_of(row))
        if page is None:
            book.add_worksheet()
    return out.getvalue()


def problems_of(row: ImportRow) -> str:
    """Return all that is wrong or unsure in a row in one line, the field first."""
    told = [*(row.errors or ()), *(row.warnings or ())]
    return " | ".join(f"{field}: {rule} {remedy}".strip() for field, rule, remedy in told)


def _header(run: ImportRun, sheet: Sheet) -> list[str]:
    """Return the header as it was written, and the columns in which something was added by hand."""
    return [*sheet.header, *(run.found.get("added") or [])]


def _cells(session: Session, run: ImportRun, row: ImportRow, sheet: Sheet) -> list[str]:
    kept = staging.opened(session, row)
    if kept is None:
        return [""] * len(_header(run, sheet))
    cells, others = kept
    own = [cells.get(column, "") if column else others.get(str(at), "") for at, column in enumerate(sheet.columns)]
    # What was added by hand under a column that this sheet has stands in its own place.
    return [*own, *("" if name in sheet.columns else cells.get(name, "") for name in run.found.get("added") or [])]
