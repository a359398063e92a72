"""The result of an import as a file: each row at its original row number, with its result and its errors."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

import xlsxwriter

from pathways.base import Actor
from pathways.database import Session
from pathways.imports import intake, queries, reports
from pathways.imports.intake import Fault, ImportKind
from pathways.imports.models import ImportRow, ImportRun
from pathways.sheets.spreadsheets import FORMULA_STARTS, OUR_ANSWERS, Sheet
from pathways.sheets.workbooks import OWN_NOTES

RESULT, PROBLEMS = ("import result", "import problems")
assert {RESULT, PROBLEMS} == OUR_ANSWERS  # these two columns are ignored when a corrected file is sent again
WRONG, UNSURE = "#F6D7D2", "#FFF7BF"  # lighter shades of the GOV.UK colours for errors and warnings
WIDE = 40
MOST_OF_A_NAME = 31
NAMED_AT_ONCE = 1_000


def as_csv(session: Session, actor: Actor, kind: ImportKind, run: ImportRun) -> bytes:
    """Return the result as CSV with a byte order mark, so that Excel reads UTF-8. No cell can be read as a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    line, sheet_at = 0, -1
    for row, faults in _rows_with_faults(session, actor, kind, run):
        sheet = intake.sheet_of(run, row)
        if row.sheet != sheet_at:
            sheet_at = row.sheet
            line = _pad(writer, line, sheet.header_at)
            writer.writerow([*map(inert, _header(run, sheet)), RESULT, PROBLEMS])
            line += 1
        line = _pad(writer, line, row.number)
        own, beyond = _cells(session, run, row, sheet)
        writer.writerow(list(map(inert, [*own, row.state.value, problems_of(faults), *beyond])))
        line += 1
    return out.getvalue().encode("utf-8-sig")


def _pad(writer: Any, line: int, number: int) -> int:
    """Write empty lines up to a row number, so that row 17 of the report is row 17 of this file."""
    while line < number - 1:
        writer.writerow([])
        line += 1
    return line


def inert(text: str) -> str:
    """Return a cell that no spreadsheet reads as a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.lstrip()[:1] in FORMULA_STARTS else text


def as_workbook(session: Session, actor: Actor, kind: ImportKind, run: ImportRun) -> bytes:
    """Return the result as a workbook with the file's sheets. Cells with errors or warnings have a comment."""
    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold, wrong = book.add_format({"bold": True}), book.add_format({"bg_color": WRONG})
        unsure = book.add_format({"bg_color": UNSURE})
        found = dict.fromkeys(sheet["name"] for sheet in run.found["sheets"])
        names = dict(zip(found, lawful(list(found)), strict=True))
        page, page_of, header_of = None, "", -1
        for row, (errors, warnings) in _rows_with_faults(session, actor, kind, run):
            sheet = intake.sheet_of(run, row)
            header = _header(run, sheet)
            if page is None or sheet.name != page_of:
                page, page_of = book.add_worksheet(names[sheet.name]), sheet.name
                page.set_column(len(header), len(header) + 1, WIDE)
            if row.sheet != header_of:
                header_of = row.sheet
                page.write_row(sheet.header_at - 1, 0, [*header, RESULT, PROBLEMS], bold)
            comments = {field: (f"{rule} {remedy}", unsure) for field, rule, remedy in warnings}
            comments |= {field: (f"{rule} {remedy}", wrong) for field, rule, remedy in errors}
            own, beyond = _cells(session, run, row, sheet)
            columns = [*sheet.columns, *_added(run, sheet)]
            for place, (column, cell) in enumerate(zip(columns, own, strict=True)):
                text, mark = comments.get(column, ("", None)) if column else ("", None)
                if cell or mark is not None:
                    page.write_string(row.number - 1, place, cell, mark)
                if text:
                    page.write_comment(row.number - 1, place, text, {"author": OWN_NOTES})
            for place, cell in enumerate([row.state.value, problems_of((errors, warnings)), *beyond], len(header)):
                page.write_string(row.number - 1, place, cell)
        if page is None:
            book.add_worksheet()
    return out.getvalue()


def lawful(names: Sequence[str]) -> list[str]:
    """Return valid sheet names: at most 31 characters, unique, without the characters that Excel forbids."""
    taken: list[str] = []
    for name in names:
        plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip(" '")[:MOST_OF_A_NAME].strip(" '") or "Sheet"
        unique, n = plain, 1
        while unique.casefold() in {other.casefold() for other in taken} or unique.casefold() == "history":
            n += 1
            unique = f"{plain[: MOST_OF_A_NAME - len(str(n)) - 1]} {n}"
        taken.append(unique)
    return taken


RowFaults = tuple[list[Fault], list[Fault]]  # errors, warnings


def problems_of(faults: RowFaults) -> str:
    """Return the errors and warnings of a row as one line; each begins with its field."""
    return " | ".join(f"{field}: {rule} {remedy}".strip() for group in faults for field, rule, remedy in group)


def _rows_with_faults(
    session: Session, actor: Actor, kind: ImportKind, run: ImportRun
) -> Iterator[tuple[ImportRow, RowFaults]]:
    """Yield the rows in file order with their errors and warnings. Name only jobseekers that the actor may see."""
    rows = queries.in_order(session, run)
    while batch := list(islice(rows, NAMED_AT_ONCE)):
        names = kind.references(session, actor, {UUID(person) for row in batch for person in row.alike or ()})
        for row in batch:
            reports.note_people(actor, row, names)
            warnings = [Fault(*warning) for warning in row.warnings or ()]
            errors = [Fault(*error) for error in row.errors or ()]
            yield row, (errors, [*warnings, *reports.candidate_faults(actor, kind, names, row.alike)])


def _header(run: ImportRun, sheet: Sheet) -> list[str]:
    """Return the header as written, followed by columns that the file lacks but that a correction has filled."""
    return [*sheet.header, *_added(run, sheet)]


def _added(run: ImportRun, sheet: Sheet) -> list[str]:
    return [name for name in run.found.get("added") or [] if name not in sheet.columns]


def _cells(session: Session, run: ImportRun, row: ImportRow, sheet: Sheet) -> tuple[list[str], list[str]]:
    """Return a row's cells in the columns of ``_header``, and its cells to the right of the file's header."""
    cells, others = intake.opened(session, row) or ({}, {})
    own = [cells.get(column, "") if column else others.get(str(at), "") for at, column in enumerate(sheet.columns)]
    beyond = [text for at, text in sorted(others.items(), key=lambda item: int(item[0])) if int(at) >= len(own)]
    return [*own, *(cells.get(name, "") for name in _added(run, sheet))], beyond
