"""Forms: questions, how a browser's fields become the body of an action, and where each error belongs.

A form is a list of questions. ``values_of`` reads what was typed, ``body_of`` checks it with the same Pydantic model
as the API, and ``Faults`` carries one sentence for each field back to the page.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from pathways.base import utc_now
from pathways.errors import DomainError
from pathways.field_faults import sentence_of
from pathways.pages.words import number, phone, plain
from pathways.reference import half_days

Typed = Mapping[str, Sequence[str]]
Kind = Literal[
    "text", "long", "lines", "number", "pounds", "email", "phone", "day", "one", "several", "select", "yes_no",
    "half_days", "hidden",
]  # fmt: skip
DAYS = tuple(
    zip(half_days.DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"), strict=True)
)
PARTS = (("am", "Morning"), ("pm", "Afternoon"), ("eve", "Evening"))
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
YEARS_AHEAD = 10
NO_DAY = "Enter a real date, such as 3 12 2026"
Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer that can be chosen: its value, its words, and a hint."""

    value: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class FormQuestion:
    """One question of a form.

    Parameters
    ----------
    name : str
        The field of the body, and of the form.
    kind : Kind
        How it is answered.
    text : str
        The question, or the label.
    hint : str
        What helps to answer it.
    options : tuple of Option
        What can be chosen, for ``one``, ``several`` and ``select``.
    missing : str
        The sentence when a needed answer is missing. Without it, the question may be left blank.
    width : str
        The number of characters that the field is made for: "2", "4", "5", "10", "20"; empty: the full width.
    autocomplete : str
        What the browser may fill in by itself.
    prefix, suffix : str
        The text before or after the field, such as "£" or "hours".
    rows : int
        The lines of a long text.
    pattern, wrong : str
        The regular expression that a text must match as a whole, and the sentence if it does not.
    """

    name: str
    kind: Kind
    text: str
    hint: str = ""
    options: tuple[Option, ...] = ()
    missing: str = ""
    width: str = ""
    autocomplete: str = ""
    prefix: str = ""
    suffix: str = ""
    rows: int = 4
    pattern: str = ""
    wrong: str = ""

    @property
    def first(self) -> str:
        """Return the id of the first field, to which an error leads."""
        return {"day": f"{self.name}-day", "half_days": f"{self.name}-mon-am"}.get(self.kind, self.name)


@dataclass
class Faults(Exception):
    """What is wrong with a form: a sentence by field. The empty field stands for the whole form."""

    by_field: dict[str, str] = field(default_factory=dict)

    def summary(self, questions: Iterable[FormQuestion]) -> list[dict[str, str]]:
        """Return the lines of the error summary, each leading to its field."""
        first = {question.name: question.first for question in questions}
        return [
            {"text": sentence, "href": f"#{first.get(name, name or 'main-content')}"}
            for name, sentence in self.by_field.items()
        ]


def options(words: Mapping[Any, str], hints: Mapping[Any, str] | None = None) -> tuple[Option, ...]:
    """Return the options of an enumeration, in the order of its words."""
    hints = hints or {}
    return tuple(Option(str(getattr(key, "value", key)), text, hints.get(key, "")) for key, text in words.items())


def first(typed: Typed, name: str) -> str:
    """Return the first value of a field without blanks around it; an empty text if there is none."""
    values = typed.get(name) or [""]
    return values[0].strip()


def values_of(questions: Iterable[FormQuestion], typed: Typed) -> dict[str, Any]:
    """Return what was typed as the values of a body. A blank is None.

    Raises
    ------
    Faults
        If a needed answer is missing, or a day is no day.
    """
    values: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for question in questions:
        try:
            values[question.name] = _value(question, typed)
        except ValueError as wrong:
            faults[question.name] = str(wrong)
            continue
        if question.missing and values[question.name] in (None, []):
            faults[question.name] = question.missing
        value = values[question.name]
        if question.pattern and isinstance(value, str) and not re.fullmatch(question.pattern, value):
            faults[question.name] = question.wrong
    if faults:
        raise Faults(faults)
    return values


def _value(question: FormQuestion, typed: Typed) -> Any:
    name = question.name
    match question.kind:
        case "several":
            return [value for value in typed.get(name, ()) if value] or None
        case "lines":
            return [line.strip() for line in first(typed, name).split("\n") if line.strip()] or None
        case "day":
            return day_of(*(first(typed, f"{name}-{part}") for part in ("day", "month", "year")))
        case "yes_no":
            return {"yes": True, "no": False}.get(first(typed, name))
        case "half_days":
            return "; ".join(typed.get(name, ())) or None
        case "pounds" | "number":
            text = first(typed, name).replace(",", "").removeprefix("£").strip()
            return text or None
        case _:
            return first(typed, name) or None


def day_of(day: str, month: str, year: str) -> str | None:
    """Return a day as yyyy-mm-dd; None if it is blank.

    Raises
    ------
    ValueError
        If it is no day.
    """
    if not day and not month and not year:
        return None
    if month[:3].lower() in MONTHS:
        month = str(MONTHS.index(month[:3].lower()) + 1)
    if not all(re.fullmatch(r"\d{1,4}", part) for part in (day, month, year)) or len(year) not in {2, 4}:
        raise ValueError(NO_DAY)
    full_year = int(year) if len(year) > 2 else _with_century(int(year))  # noqa: PLR2004 - a year without its century
    try:
        return date(full_year, int(month), int(day)).isoformat()
    except ValueError:
        raise ValueError(NO_DAY) from None


def _with_century(year: int) -> int:
    """Return the year that is meant by two digits: at most ten years from now, else of the last century."""
    in_this = 2000 + year
    return in_this if in_this <= utc_now().year + YEARS_AHEAD else in_this - 100


def typed_of(questions: Iterable[FormQuestion], values: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return values as a browser would send them, to fill a form with what is stored."""
    typed: dict[str, list[str]] = {}
    for question in questions:
        value = values.get(question.name)
        if value is None or value == []:
            continue
        if question.kind == "day":
            day = date.fromisoformat(value) if isinstance(value, str) else value
            parts = (("day", day.day), ("month", day.month), ("year", day.year))
            typed |= {f"{question.name}-{part}": [str(number)] for part, number in parts}
        elif question.kind == "lines":
            typed[question.name] = ["\n".join(value)]
        elif question.kind == "half_days":
            typed[question.name] = _half_days(value)
        elif question.kind == "yes_no":
            typed[question.name] = ["yes" if value else "no"]
        elif question.kind == "several":
            typed[question.name] = [_text(one) for one in value]
        elif question.kind == "phone":
            typed[question.name] = [phone(value)]
        else:
            typed[question.name] = [_text(value)]
    return typed


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, (Decimal, float)):
        return number(value)
    return str(value)


def _half_days(value: Any) -> list[str]:
    text = half_days.text_of(half_days.parse(value) if isinstance(value, str) else value) or ""
    bits = half_days.parse(text) or 0
    return [f"{day} {part}" for day, _ in DAYS for part, _ in PARTS if bits & half_days.bit(day, part)]


def body_of(model: type[Body], questions: Sequence[FormQuestion], typed: Typed, **more: Any) -> Body:
    """Return the body of an action from what was typed. Blank answers are left out.

    Raises
    ------
    Faults
        With a sentence for each field that is wrong.
    """
    values = values_of(questions, typed)
    given = {name: value for name, value in values.items() if value is not None}
    try:
        return model.model_validate(given | more)
    except ValidationError as wrong:
        raise faults_of_model(wrong, questions) from wrong


IN_WORDS = {
    "decimal_parsing": "Enter a number, such as 16 or 16.5",
    "int_parsing": "Enter a whole number, such as 3",
    "enum": "Choose one of the answers",
    "missing": "Answer this question",
}


def faults_of_model(wrong: ValidationError, questions: Sequence[FormQuestion]) -> Faults:
    """Return the sentences of a check of a body, by field."""
    known = {question.name: question for question in questions}
    by_field: dict[str, str] = {}
    for error in wrong.errors():
        name = str(error["loc"][0]) if error["loc"] else ""
        question = known.get(name)
        if error["type"] == "missing" and question is not None and question.missing:
            sentence = question.missing
        else:
            sentence = IN_WORDS.get(error["type"]) or plain(sentence_of(error))
        by_field.setdefault(name if question else "", sentence)
    return Faults(by_field)


def faults_of(error: DomainError, questions: Sequence[FormQuestion]) -> Faults:
    """Return the sentences of a refusal by a rule: at its field if it names one, else for the whole form.

    A refusal that protects a record (not found, not permitted) is raised again, for a page of its own.
    """
    if error.is_audited:
        raise error
    known = {question.name for question in questions}
    by_field: dict[str, str] = {}
    for one in error.more.get("errors", ()):
        name = str(one["pointer"]).strip("/").split("/")[0]
        by_field.setdefault(name if name in known else "", plain(one["detail"]))
    return Faults(by_field or {"": plain(error.detail)})
