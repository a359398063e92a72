"""The result of an import as a file to work on: each row where it stood, what became of it, errors beside the cells."""

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
from pathways.spreadsheets import FORMULA_STARTS, OUR_ANSWERS, Sheet

RESULT, PROBLEMS = ("import result", "import problems")
assert {RESULT, PROBLEMS} == OUR_ANSWERS  # what is sent again is read without them
WRONG, UNSURE = "#F6D7D2", "#FFF7BF"  # what the GOV.UK palette has for errors and warnings, lightened
WIDE = 40
MOST_OF_A_NAME = 31
NAMED_AT_ONCE = 1_000


def as_csv(session: Session, actor: Actor, kind: ImportKind, run: ImportRun) -> bytes:
    """Return the result as CSV that a spreadsheet opens in the right letters and takes no cell of for a formula."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    line, sheet_at = 0, -1
    for row, told in _rows_with_faults(session, actor, kind, run):
        sheet = intake.sheet_of(run, row)
        if row.sheet != sheet_at:
            sheet_at = row.sheet
            line = _pad(writer, line, sheet.header_at)
            writer.writerow([*map(inert, _header(run, sheet)), RESULT, PROBLEMS])
            line += 1
        line = _pad(writer, line, row.number)
        own, beyond = _cells(session, run, row, sheet)
        writer.writerow(list(map(inert, [*own, row.state.value, problems_of(told), *beyond])))
        line += 1
    return out.getvalue().encode("utf-8-sig")


def _pad(writer: Any, line: int, number: int) -> int:
    """Leave lines empty up to a row of the file, so that row 17 of the report is row 17 here."""
    while line < number - 1:
        writer.writerow([])
        line += 1
    return line


def inert(text: str) -> str:
    """Return a cell so that no spreadsheet takes it for a formula (OWASP, CSV injection)."""
    return f"'{text}" if text.lstrip()[:1] in FORMULA_STARTS else text


def as_workbook(session: Session, actor: Actor, kind: ImportKind, run: ImportRun) -> bytes:
    """Return the result as a workbook of the same sheets; a cell that is wrong is marked and says why."""
    out = io.BytesIO()
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        bold, wrong = book.add_format({"bold": True}), book.add_format({"bg_color": WRONG})
        unsure = book.add_format({"bg_color": UNSURE})
        names = lawful([sheet["name"] for sheet in run.found["sheets"]])
        page, page_of = None, -1
        for row, (errors, warnings) in _rows_with_faults(session, actor, kind, run):
            sheet = intake.sheet_of(run, row)
            header = _header(run, sheet)
            if page is None or row.sheet != page_of:
                page, page_of = book.add_worksheet(names[row.sheet]), row.sheet
                page.set_column(len(header), len(header) + 1, WIDE)
                page.write_row(sheet.header_at - 1, 0, [*header, RESULT, PROBLEMS], bold)
            told = {field: (f"{rule} {remedy}", unsure) for field, rule, remedy in warnings}
            told |= {field: (f"{rule} {remedy}", wrong) for field, rule, remedy in errors}
            own, beyond = _cells(session, run, row, sheet)
            columns = [*sheet.columns, *_added(run, sheet)]
            for place, (column, cell) in enumerate(zip(columns, own, strict=True)):
                text, mark = told.get(column, ("", None)) if column else ("", None)
                if cell or mark is not None:
                    page.write_string(row.number - 1, place, cell, mark)
                if text:
                    page.write_comment(row.number - 1, place, text)
            for place, cell in enumerate([row.state.value, problems_of((errors, warnings)), *beyond], len(header)):
                page.write_string(row.number - 1, place, cell)
        if page is None:
            book.add_worksheet()
    return out.getvalue()


def lawful(names: Sequence[str]) -> list[str]:
    """Return names that a workbook takes: of 31 characters at most, each once, without some marks."""
    taken: list[str] = []
    for name in names:
        plain = re.sub(r"[\[\]:*?/\\\x00-\x1f]", " ", name).strip(" '")[:MOST_OF_A_NAME].strip(" '") or "Sheet"
        found, n = plain, 1
        while found.casefold() in {one.casefold() for one in taken} or found.casefold() == "history":
            n += 1
            found = f"{plain[: MOST_OF_A_NAME - len(str(n)) - 1]} {n}"
        taken.append(found)
    return taken


Told = tuple[list[Fault], list[Fault]]  # errors, warnings


def problems_of(told: Told) -> str:
    """Return all that is wrong or unsure in a row in one line, the field first."""
    return " | ".join(f"{field}: {rule} {remedy}".strip() for some in told for field, rule, remedy in some)


def _rows_with_faults(
    session: Session, actor: Actor, kind: ImportKind, run: ImportRun
) -> Iterator[tuple[ImportRow, Told]]:
    """Read the rows in their order with what is wrong or unsure of each, people named whom this actor may see."""
    rows = queries.in_order(session, run)
    while some := list(islice(rows, NAMED_AT_ONCE)):
        names = kind.references(session, actor, {UUID(one) for row in some for one in row.alike or ()})
        for row in some:
            warnings = [Fault(*told) for told in row.warnings or ()]
            errors = [Fault(*told) for told in row.errors or ()]
            yield row, (errors, [*warnings, *reports.candidate_faults(kind, names, row.alike)])


def _header(run: ImportRun, sheet: Sheet) -> list[str]:
    """Return the header as it was written, and the columns in which something was added by hand."""
    return [*sheet.header, *_added(run, sheet)]


def _added(run: ImportRun, sheet: Sheet) -> list[str]:
    return [name for name in run.found.get("added") or [] if name not in sheet.columns]


def _cells(session: Session, run: ImportRun, row: ImportRow, sheet: Sheet) -> tuple[list[str], list[str]]:
    """Return the cells of a row under its header, and those that stood beyond it."""
    cells, others = intake.opened(session, row) or ({}, {})
    own = [cells.get(column, "") if column else others.get(str(at), "") for at, column in enumerate(sheet.columns)]
    beyond = [text for at, text in sorted(others.items(), key=lambda told: int(told[0])) if int(at) >= len(own)]
    return [*own, *(cells.get(name, "") for name in _added(run, sheet))], beyond
