"""Forms of several steps: one page for each step, then all answers once more. What was answered is kept as a draft."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel

from pathways.database import Database
from pathways.drafts import actions as drafts
from pathways.pages import words
from pathways.pages.forms import Faults, FormQuestion, Typed, body_of, values_of
from pathways.pages.visitors import Visitor, go, show, typed_before


@dataclass(frozen=True, slots=True)
class Step:
    """One page of a form: its name in the address, its heading and its questions."""

    name: str
    title: str
    questions: tuple[FormQuestion, ...]
    intro: str = ""


@dataclass(frozen=True, slots=True)
class StepForm:
    """A form of several steps.

    Parameters
    ----------
    address : str
        The path of the form, under which its answers are kept.
    title, check_title : str
        The headings of the first page and of the page with all answers.
    steps : tuple of Step
    partial : type of BaseModel
        The model with which the answers of one step are checked.
    leaves_to : str
        The path to which the form leads back.
    sends : str
        The words of the button that sends it.
    saves : str
        The words of the button that saves it without sending, if there is one.
    last_words : str
        What happens next, above the buttons.
    """

    address: str
    title: str
    check_title: str
    steps: tuple[Step, ...]
    partial: type[BaseModel]
    leaves_to: str
    sends: str
    saves: str = ""
    last_words: str = ""

    @property
    def names(self) -> list[str]:
        return [step.name for step in self.steps]

    @property
    def questions(self) -> tuple[FormQuestion, ...]:
        return tuple(question for step in self.steps for question in step.questions)

    def step(self, name: str) -> Step | None:
        return next((step for step in self.steps if step.name == name), None)

    def step_of(self, field: str) -> str:
        """Return the name of the step that asks a question."""
        return next(step.name for step in self.steps if any(one.name == field for one in step.questions))


def in_words(questions: Iterable[FormQuestion], values: Mapping[str, Any]) -> dict[str, str]:
    """Return answers in words, by field. What was not answered is left out."""
    said = {}
    for question in questions:
        value = values.get(question.name)
        text = "" if value is None or value == [] else _answer(question, value)
        if text:
            said[question.name] = text
    return said


def _answer(question: FormQuestion, value: Any) -> str:
    if question.options:
        named = {one.value: one.text for one in question.options}
        chosen = value if isinstance(value, list) else [value]
        return ", ".join(named.get(str(getattr(one, "value", one)), str(one)) for one in chosen)
    match question.kind:
        case "yes_no":
            return "Yes" if value else "No"
        case "lines":
            return ", ".join(value)
        case "day":
            return words.day(date.fromisoformat(value) if isinstance(value, str) else value)
        case "half_days":
            return words.half_days(value)
        case "pounds":
            return f"{words.pounds(value)} an hour"
        case "number" | "phone":
            text = words.number(value) if question.kind == "number" else words.phone(value)
            return f"{text} {question.suffix}" if question.suffix else text
        case _:
            return str(value)


def kept(database: Database, visitor: Visitor, form: StepForm) -> dict[str, list[str]]:
    """Return what the visitor has answered so far."""
    return typed_before(database, visitor, form.address) or {}


def _field_of(key: str) -> str:
    """Return the question that a field of the browser belongs to: ``starts_on-day`` belongs to ``starts_on``."""
    return key.split("-", maxsplit=1)[0]


def overview_page(request: Request, visitor: Visitor, database: Database, form: StepForm) -> Response:
    """Show the steps and which are answered; begin with the first if none is."""
    answered = {_field_of(key) for key in kept(database, visitor, form)}
    if not answered:
        return go(f"{form.address}/{form.names[0]}")
    steps = [(step, any(question.name in answered for question in step.questions)) for step in form.steps]
    return show(request, visitor, "steps/overview", form.title, form=form, steps=steps)


def check_page(
    request: Request, visitor: Visitor, form: StepForm, given: Typed, faults: Faults | None = None
) -> Response:
    """Show all answers before the form is sent."""
    values: dict[str, Any] = {}
    wrong: dict[str, str] = dict(faults.by_field) if faults else {}
    for question in form.questions:
        try:
            values |= _readable(question, given)
        except Faults as fault:
            wrong |= fault.by_field if faults else {}
    errors = [
        {"text": text, "href": f"{form.address}/{form.step_of(name)}?from=check" if name else "#main-content"}
        for name, text in wrong.items()
    ]
    return show(
        request,
        visitor,
        "steps/check",
        form.check_title,
        422 if wrong else 200,
        form=form,
        said=in_words(form.questions, values),
        faults=wrong,
        errors=errors,
    )


def _readable(question: FormQuestion, given: Typed) -> dict[str, Any]:
    """Return the answer to a question. Raises ``Faults`` if it cannot be put in words: a draft is kept unchecked."""
    values = values_of([question], given)
    try:
        in_words([question], values)
    except (ArithmeticError, KeyError, ValueError, IndexError) as wrong:
        raise Faults({question.name: "This answer cannot be read. Answer it again."}) from wrong
    return values


def step_page(
    request: Request,
    visitor: Visitor,
    form: StepForm,
    step: Step,
    typed: Typed,
    *,
    faults: Faults | None = None,
    offers: Mapping[str, Any] | None = None,
    has_lookup: bool = False,
) -> Response:
    """Ask the questions of one step."""
    from_check = request.query_params.get("from") == "check"
    number = form.names.index(step.name)
    before = form.leaves_to if not number else f"{form.address}/{form.names[number - 1]}"
    return show(
        request,
        visitor,
        "steps/step",
        step.title,
        422 if faults else 200,
        form=form,
        step=step,
        number=number + 1,
        action=f"{form.address}/{step.name}" + ("?from=check" if from_check else ""),
        back=f"{form.address}/check" if from_check else before,
        button="Continue",
        version="",
        offers=offers or {},
        has_lookup=has_lookup,
        typed=typed,
        faults=faults.by_field if faults else {},
        errors=faults.summary(step.questions) if faults else (),
    )


def take(request: Request, visitor: Visitor, database: Database, form: StepForm, step: Step, typed: Typed) -> Response:
    """Check and keep the answers of one step, and go on to the next.

    Raises
    ------
    Faults
        If an answer is wrong. Nothing is kept then.
    """
    body_of(form.partial, step.questions, typed)
    names = {question.name for question in step.questions}
    other = {key: value for key, value in kept(database, visitor, form).items() if _field_of(key) not in names}
    new = {key: list(value) for key, value in typed.items() if _field_of(key) in names and any(value)}
    with database.writing(visitor.actor) as session:
        drafts.save(session, visitor.membership_id, form.address, other | new, visitor.actor.at)
    number = form.names.index(step.name)
    is_last = request.query_params.get("from") == "check" or number + 1 == len(form.names)
    return go(f"{form.address}/check" if is_last else f"{form.address}/{form.names[number + 1]}")


def discard(visitor: Visitor, database: Database, form: StepForm) -> Response:
    """Discard what was answered."""
    with database.writing(visitor.actor) as session:
        drafts.forget(session, visitor.membership_id, form.address)
    return go(form.leaves_to, "discarded")
