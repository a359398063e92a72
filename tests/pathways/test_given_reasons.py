"""A reason is words, at every place where the API asks for one. The doors are read from the OpenAPI document."""

import inspect
from typing import get_args

import pytest
from pydantic import AfterValidator, ValidationError

import pathways.app  # noqa: F401 - every request body must be imported
from pathways import fields
from pathways.fields import Body
from pathways.given_reasons import FEWEST_FOR_AN_EXCEPTION, is_a_reason

pytestmark = pytest.mark.any_database

NO_REASONS = [
    ".",
    "x",
    "aaaa",
    "-",
    "??",
    "123",
    "n/a",
    "N/A",
    "none",
    "test",
    "Test test",
    "asdf",
    "asdfgh",
    "qwerty",
    "xxx",
    "zzz zzz",
    "ok",
    "because",
    "reason",
    "the reason",
    "tbc",
    "abc",
    "abcdef",
    ". . .",
    "x x x",
    "a b c",
    "blah blah",
    "hahaha",
    "lorem ipsum",
    "no",
    "yes",
    "not",
    "placeholder",
    "bcdfg",
    "hjkl",
    "\u200b",
    "----",
    "null",
    "undefined",
    "other",
    "just because",
    "as above",
    "1 2 3",
    "!!!!",
]
REASONS = [
    "Mistake.",
    "She moved away.",
    "The placement is full",
    "MAPPA",
    "DV",
    "Went to hospital",
    "Wedi symud i ffwrdd",
    "Przeprowadzka",
    "\u041f\u0435\u0440\u0435\u0435\u0445\u0430\u043b\u0430",
    "The payslips were another person's.",
    "Duplicate",
    "Found work elsewhere",
    "Too far",
    "His back is worse",
    "No bus runs there",
    "Left area",
]


@pytest.mark.parametrize("text", NO_REASONS)
def test_what_is_typed_to_get_past_the_question_is_no_reason(text):
    assert not is_a_reason(text)


@pytest.mark.parametrize("text", REASONS)
def test_words_are_a_reason(text):
    assert is_a_reason(text)


def test_an_exception_needs_more_than_a_word():
    assert not is_a_reason("Section", FEWEST_FOR_AN_EXCEPTION)
    assert not is_a_reason("care care care", FEWEST_FOR_AN_EXCEPTION)
    assert is_a_reason("Personal care in a women's refuge", FEWEST_FOR_AN_EXCEPTION)


def _bodies(kind: type = Body) -> list[type]:
    return [one for below in kind.__subclasses__() for one in (below, *_bodies(below))]


def _asks_for_words(field: object) -> bool:
    metadata = [*field.metadata, *(one for arg in get_args(field.annotation) for one in get_args(arg))]
    checks = [one.func for one in metadata if isinstance(one, AfterValidator)]
    return any(inspect.getmodule(check) is fields for check in checks)


ASKED = [
    (body, name)
    for body in _bodies()
    for name in body.model_fields
    if name in {"reason", "without_spell_because", "unusual_pay_because"}
]


def test_every_request_that_has_a_reason_was_looked_at():
    assert len(ASKED) >= 15


@pytest.mark.parametrize(("body", "name"), ASKED, ids=lambda one: getattr(one, "__name__", one))
def test_every_reason_of_a_request_must_be_words(body, name):
    assert _asks_for_words(body.model_fields[name])
    with pytest.raises(ValidationError) as refused:
        body(**{name: "aaaa"})
    wrong = [error for error in refused.value.errors() if error["loc"] == (name,)]
    assert "in words" in wrong[0]["msg"]
