"""Words of adverts, however they are written, and ordinary adverts in which nothing is flagged. No database."""

import csv
import itertools
from datetime import date
from pathlib import Path

import pytest

from pathways.reference import tables, wording

pytestmark = pytest.mark.any_database

DAY = date(2026, 11, 30)
ORDINARY = (Path(__file__).parents[1] / "ordinary_adverts.txt").read_text(encoding="utf-8").splitlines()
HIDDEN = ["women", "female", "ladies", "waitress", "youthful", "barmaid"]
LOOKALIKES = {row["latin"]: chr(int(row["code"].replace("U+", "0x"), 0)) for row in tables.rows("lookalike_letters")}
TRICKS = {
    "spaced": " ".join,
    "dotted": ".".join,
    "hyphenated": "-".join,
    "zero-width": "\u200b".join,
    "soft hyphens": "\u00ad".join,
    "joiners": "\u2060".join,
    "wide letters": lambda word: "".join(chr(ord(letter) + 0xFEE0) for letter in word),
    "bold letters": lambda word: "".join(chr(ord(letter) - ord("a") + 0x1D41A) for letter in word),
    "other alphabets": lambda word: "".join(LOOKALIKES.get(letter, letter) for letter in word),
    "accents": "\u0301".join,
    "capitals": str.upper,
    "drawn out": lambda word: word + word[-1] * 4,
}
CLAIMS = [
    "European appearance",
    "native English",
    "recent graduate",
    "digital native",
    "mature person",
    "able-bodied",
    "must be British",
    "English only",
    "no accents",
    "Polish speaker preferred",
    "bubbly girl",
    "lads wanted",
    "handyman",
    "wimmin only",
    "femail cleaner",
    "yung team",
    "w0men",
    "wom@n",
    "fair skinned",
    "under 40 preferred",
    "40+ need not apply",
    "must not be pregnant",
    "no kids",
    "no sick notes",
    "fit and strong",
    "Mandarin speakers only",
    "fluent Polish essential",
    "white British",
    "OAP welcome",
    "fresh faced",
]


def found(text: str) -> list[str]:
    return [one.words for one in wording.in_advert([text], DAY, is_paid=True)]


@pytest.mark.parametrize(("word", "trick"), list(itertools.product(HIDDEN, TRICKS)))
def test_a_word_is_read_as_a_person_sees_it_and_named_as_it_was_written(word, trick):
    written = TRICKS[trick](word)
    (named,) = found(f"We want {written}  here.")
    assert named.strip("\u0301") == written.strip("\u0301")


@pytest.mark.parametrize("text", CLAIMS)
def test_wording_that_limits_who_applies_is_found(text):
    assert found(f"We need a {text}.")


@pytest.mark.parametrize("row", tables.rows("advert_spellings"), ids=lambda row: row["word"])
def test_each_spelling_means_its_word_and_each_exception_does_not(row):
    meant = wording.advert_spelling.meant(tables.reading_of("advert_spellings"))
    spelt = [spelling for spelling in row["spelt"].split("|") if spelling]
    assert all(row["word"] in meant.forms(spelling) for spelling in spelt)
    ordinary = [word for word in row["unless"].split("|") if word]
    assert all(meant.forms(word) == (word,) for word in ordinary)


@pytest.mark.parametrize("row", [row for row in tables.rows("advert_spellings") if row["near"] == "yes"], ids=str)
def test_a_letter_too_few_or_two_exchanged_still_mean_the_word(row):
    meant, word = wording.advert_spelling.meant(tables.reading_of("advert_spellings")), row["word"]
    middle = len(word) // 2
    exchanged = word[:middle] + word[middle + 1] + word[middle] + word[middle + 2 :]
    doubled = word[:middle] + word[middle] + word[middle:]
    for slip in (exchanged, doubled):
        assert slip in meant.vocabulary or len(meant.forms(slip)) > 1, slip


def test_there_are_more_than_two_hundred_ordinary_sentences():
    assert len(set(ORDINARY)) > 200


@pytest.mark.parametrize("text", ORDINARY)
def test_nothing_is_flagged_in_an_ordinary_sentence(text):
    assert found(text) == []
    assert found(text.upper()) == []


def test_the_tables_of_letters_and_spellings_name_each_entry_once():
    for table, column in (("lookalike_letters", "code"), ("advert_spellings", "word")):
        with tables.path_of(table).open(encoding="utf-8", newline="") as opened:
            names = [row[column] for row in csv.DictReader(opened)]
        assert len(names) == len(set(names)) > 20
