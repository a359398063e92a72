"""The starter vocabulary of entry-level occupations and everyday skills, as matching/ takes it."""

from functools import lru_cache

from matching.text import Vocabulary
from pathways.reference import tables


@lru_cache
def starter() -> Vocabulary:
    return Vocabulary(
        skills=tuple((row["label"], row["concept"], row["relation"] == "same") for row in tables.rows("skills")),
        occupations=tuple((row["label"], row["concept"]) for row in tables.rows("occupations")),
    )
