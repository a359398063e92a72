"""The template of a kind of file: a workbook with lists to choose from, help for each column, and an example row."""

import io
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter

from pathways.imports.intake import ImportKind, TemplateForm
from pathways.sheets.damage import is_day_column
from pathways.sheets.header_words import normal
from pathways.sheets.spreadsheets import HELP_SHEET, ExampleRow
from pathways.sheets.workbooks import OWN_NOTES

LAST_ROW = 2_000  # rows with lists to choose from; rows below are read all the same
WIDE, NARROW = 60, 18
LONGEST_MESSAGE = 255  # characters of the help that a spreadsheet shows beside a cell
LONGEST_TITLE = 32
CAPITALS = {"nhs": "NHS", "dbs": "DBS", "id": "ID", "nino": "NINO"}
DAY_FORMAT = "yyyy-mm-dd"
ABOUT = (
    "Write one {one} in each row of the sheet {sheet}. Leave a cell blank if you do not know.",
    "The columns with a dark header are needed. You may delete or move the others.",
    "Write dates as yyyy-mm-dd or dd/mm/yyyy. Put ; between several values in one cell.",
    "The example row is not imported. Delete it, or write over it.",
)


def path_of(kind: ImportKind) -> str:
    """Return the path of the template in the API."""
    return f"/api/v1/{kind.name}/imports/template"


def example_row(kind: ImportKind) -> ExampleRow | None:
    """Return how the example row of the template is recognised when the file is sent."""
    form = kind.form
    if not form.example:
        return None
    recognised_by = {column: form.example[column] for column in form.recognised_by}
    return ExampleRow(kind.key_column, form.example[kind.key_column], recognised_by)


def header_of(column: str) -> str:
    """Return the header of a column, which is read as this column when the file is sent."""
    words = [CAPITALS.get(word, word) for word in column.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def workbook(kind: ImportKind) -> bytes:
    """Return the template as an XLSX file."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"strings_to_formulas": False, "strings_to_urls": False, "in_memory": True}) as book:
        book.set_properties({"title": f"Template for {kind.name}", "created": datetime(2026, 1, 1)})  # noqa: DTZ001 - the same bytes each time
        page, help_page = book.add_worksheet(kind.name.capitalize()), book.add_worksheet(HELP_SHEET)
        lists = _write_help(book, help_page, kind, page.name)
        _write_rows(book, page, kind, lists)
    return out.getvalue()


def _write_help(book: Any, page: Any, kind: ImportKind, sheet: str) -> dict[str, str]:
    """Write what each column means, and the lists to choose from. Return the range of each column's list."""
    bold, wrapped = book.add_format({"bold": True}), book.add_format({"text_wrap": True, "valign": "top"})
    page.set_column(0, 0, 28)
    page.set_column(1, 1, 10)
    page.set_column(2, 3, WIDE, wrapped)
    for at, line in enumerate(ABOUT):
        page.write_string(at, 0, line.format(one=kind.name.removesuffix("s"), sheet=sheet))
    first = len(ABOUT) + 1
    page.write_row(first, 0, ["Column", "Needed", "What it is", "What to write"], bold)
    lists: dict[str, str] = {}
    for at, column in enumerate(kind.readers):
        values = _values(kind.form, column)
        page.write_string(first + 1 + at, 0, header_of(column))
        page.write_string(first + 1 + at, 1, "yes" if _is_needed(kind, column) else "")
        page.write_string(first + 1 + at, 2, kind.form.help.get(column, ""))
        page.write_string(first + 1 + at, 3, _advice(kind.form, column))
        if values:
            place = 5 + len(lists)
            page.write_string(first, place, f"Choices for {header_of(column)}", bold)
            page.set_column(place, place, NARROW)
            page.write_column(first + 1, place, values)
            cells = xlsxwriter.utility.xl_range_abs(first + 1, place, first + len(values), place)
            lists[column] = f"='{HELP_SHEET}'!{cells}"
    return lists


def _write_rows(book: Any, page: Any, kind: ImportKind, lists: Mapping[str, str]) -> None:
    as_text, as_day = book.add_format({"num_format": "@"}), book.add_format({"num_format": DAY_FORMAT})
    grey = {"italic": True, "font_color": "#505A5F"}
    example_text = book.add_format({"num_format": "@", **grey})
    example_day = book.add_format({"num_format": DAY_FORMAT, **grey})
    needed = book.add_format({"bold": True, "bg_color": "#1D70B8", "font_color": "#FFFFFF", "text_wrap": True})
    other = book.add_format({"bold": True, "bg_color": "#DEE9F4", "text_wrap": True})
    page.freeze_panes(1, 0)
    for at, column in enumerate(kind.readers):
        header, help_text = header_of(column), kind.form.help.get(column, "")
        page.set_column(at, at, max(NARROW, len(header) + 2), as_day if is_day_column(column) else as_text)
        page.write_string(0, at, header, needed if _is_needed(kind, column) else other)
        words = f"{help_text} {_advice(kind.form, column)}".strip()
        page.write_comment(0, at, words, {"author": OWN_NOTES, "x_scale": 2})
        example = kind.form.example.get(column, "")
        if is_day_column(column) and example:
            page.write_datetime(1, at, date.fromisoformat(example), example_day)
        elif example:
            page.write_string(1, at, example, example_text)
        message = {"input_title": header[:LONGEST_TITLE], "input_message": words[:LONGEST_MESSAGE]}
        page.data_validation(1, at, LAST_ROW, at, message | _rule(kind.form, column, lists))
    last = len(kind.readers) - 1
    page.ignore_errors({"number_stored_as_text": xlsxwriter.utility.xl_range(1, 0, LAST_ROW, last)})


def _rule(form: TemplateForm, column: str, lists: Mapping[str, str]) -> dict[str, Any]:
    """Return what a spreadsheet lets people write in a column; where other values are accepted, it only suggests."""
    if column not in lists:
        return {"validate": "any"}
    if column in form.choices:
        title = "Not in the list"
        return {"validate": "list", "source": lists[column], "error_title": title, "error_message": "Choose a value."}
    return {"validate": "list", "source": lists[column], "show_error": False}


def _values(form: TemplateForm, column: str) -> Sequence[str]:
    return form.choices.get(column) or form.suggestions().get(column) or ()


def _advice(form: TemplateForm, column: str) -> str:
    if column in form.choices:
        return f"One of: {', '.join(form.choices[column])}."
    if column in form.suggestions():
        return "Choose from the list or use your own words. Put ; between several values."
    return "A date, such as 2026-11-03 or 03/11/2026." if is_day_column(column) else ""


def _is_needed(kind: ImportKind, column: str) -> bool:
    return column in kind.needed or column in kind.form.also_needed


WHOSE = (
    *("client", "customer", "participant", "candidate", "jobseeker", "applicant", "person", "individual"),
    *("service user", "young person", "learner", "resident", "claimant"),
)
ASKED = ("please", "if known", "required", "mandatory", "optional", "state", "the", "of")
ADDED = re.compile(rf"\b(?:(?:{'|'.join(WHOSE)})(?:\W?s)?|{'|'.join(ASKED)})\b|[*:?]", re.IGNORECASE)


SINGLE_LETTERS = re.compile(r"\b[a-z](?: [a-z]\b)+")  # N.H.S. and D.O.B.


def words_of(header: str) -> str:
    """Return a header without what people add to it: brackets, whose it is, requests, and full stops in N.H.S."""
    plain = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", header)
    words = normal(ADDED.sub(" ", plain)) or normal(header)
    return SINGLE_LETTERS.sub(lambda found: found[0].replace(" ", ""), words)
