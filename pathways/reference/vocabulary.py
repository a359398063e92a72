"""The starter vocabulary of entry-level occupations and everyday skills, and what experience shows, for matching/."""

from functools import lru_cache

from matching.experience import Cue
from matching.text import Vocabulary
from pathways.reference import tables


@lru_cache
def starter() -> Vocabulary:
    return Vocabulary(
        skills=tuple((row["label"], row["concept"], row["relation"] == "same") for row in tables.rows("skills")),
        occupations=tuple((row["label"], row["concept"]) for row in tables.rows("occupations")),
    )


@lru_cache
def cues() -> tuple[Cue, ...]:
    """Words about life, school, caring and volunteering, and the skills they show."""
    return tuple(
        Cue(_set(row["any_of"]), _set(row["and_any_of"]), tuple(row["skills"].split(";")))
        for row in tables.rows("experiences")
    )


def _set(cell: str) -> frozenset[str]:
    return frozenset(word for word in cell.split(";") if word)
