"""Every error that the check of a request can find is told in a sentence of our own, with its limit and a remedy."""

import re
from typing import Any, get_args

import pytest
from pydantic import ValidationError
from pydantic_core.core_schema import ErrorType

import pathways.app  # noqa: F401 - so that every body is known
from pathways.field_faults import WORDS, sentence_of
from pathways.fields import Body

pytestmark = pytest.mark.any_database

RAW = re.compile(
    r"Input should|should (?:be|have|match)|Value error|Field required|valid (?:string|integer|UUID)|\{|pattern"
)
WRONG: list[Any] = [None, "", "x", "x" * 10_000, -1, 1e9, 0.123456, True, [], [None], ["x"] * 999, {}, {"x": 1}]
WRONG += ["2026-13-45", "2026-11-03", "2026-11-03T09:30:00", "1900-01-01", "9:99", "not-an-id", "QQ123456C", "\x07"]


def bodies(base: type[Body] = Body) -> set[type[Body]]:
    return {kind for own in base.__subclasses__() for kind in (own, *bodies(own))}


def test_the_table_has_a_sentence_for_every_kind_of_error():
    assert set(get_args(ErrorType)) == set(WORDS)
    for kind, words in WORDS.items():
        assert words.endswith("."), kind
        assert words.count(". ") >= 1 or kind.startswith(("timezone", "datetime", "time", "missing_sentinel")), kind


def test_no_body_of_the_api_answers_in_the_words_of_its_library():
    told: dict[str, set[str]] = {}
    for model in bodies():
        for name in model.model_fields:
            for value in WRONG:
                try:
                    model.model_validate({name: value})
                except ValidationError as wrong:
                    for fault in wrong.errors():
                        told.setdefault(sentence_of(fault), set()).add(fault["type"])
    assert len({kind for kinds in told.values() for kind in kinds}) > 15
    assert sorted(sentence for sentence in told if RAW.search(sentence) or not sentence.endswith((".", "?"))) == []


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (
            {"type": "string_too_long", "ctx": {"max_length": 99}},
            "At most 99 characters are taken. Shorten the text.",
        ),
        ({"type": "too_short", "ctx": {"min_length": 1}}, "At least one value is needed. Add more."),
        ({"type": "less_than_equal", "ctx": {"le": 168}}, "The number must be at most 168. Correct it."),
        (
            {"type": "value_error", "ctx": {"error": ValueError("The end is first. Swap them.")}},
            "The end is first. Swap them.",
        ),
    ],
)
def test_limits_are_filled_in_and_our_own_sentences_kept(fault, sentence: str):
    assert sentence_of(fault | {"msg": "raw"}) == sentence
