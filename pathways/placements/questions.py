"""What a listing leaves open, as questions to its social enterprise, and what it says outside the fields made for it.

A listing that says little ranks with less confidence, because what it does not say counts as unknown.
"""

from functools import lru_cache

from matching.words.phrases import Phrases, plain, stems_of
from pathways.placements.models import Placement
from pathways.reference import tables

SHORTEST_DESCRIPTION = 60  # characters: about one sentence
INTERNAL_ONLY, MAYBE_INTERNAL, LICENCE, ENGLISH = "internal_only", "maybe_internal", "licence", "english"
LONGEST_QUOTE = 6  # words
# The field, and what to ask where it is empty.
FIELDS = {
    "hours_per_week": "How many hours a week is the work?",
    "half_days": "Which half-days is the work on?",
    "postcode": "Where is the work? Enter the full postcode.",
    "essential_skills": "Which skills must somebody have on the first day? Leave out what you teach. If none, say so.",
    "environment": "What is it like there: quiet or busy, indoors or outdoors, alone or in a team?",
    "adjustments_offered": "Which adjustments are possible, such as a later start, quiet breaks or written steps?",
}


def questions(placement: Placement) -> list[str]:
    """Return what to ask the social enterprise, one question for each thing that the listing does not say."""
    asked = [question for field, question in FIELDS.items() if getattr(placement, field) is None]
    if len(placement.description or "") < SHORTEST_DESCRIPTION:
        asked.append("What does somebody do on an ordinary day? Describe it in two or three sentences.")
    if placement.dbs_level is None:
        asked.append(
            "Does the work need a DBS check (a check of criminal records)? If so: basic, standard or enhanced, and with"
            " the barred list for children or for adults?"
        )
    return [*asked, *_internal_questions(placement), *_licence_questions(placement), *_english_questions(placement)]


def internal_only(placement: Placement) -> str | None:
    """Return a sentence if a listing says that nobody from outside may apply, else None."""
    found = _found(placement, INTERNAL_ONLY)
    if not found:
        return None
    (quote,) = list(found.values())[:1]
    return (
        f"The advert says “{quote}”. If only your own people may apply, do not list it here. If others may, change"
        " these words, then publish."
    )


def _internal_questions(placement: Placement) -> list[str]:
    return [
        f"The advert says “{quote}”. May people from outside apply? If not, close it here."
        for quote in _found(placement, MAYBE_INTERNAL).values()
    ]


def _licence_questions(placement: Placement) -> list[str]:
    if placement.licences_needed:
        return []
    return [
        f"The advert says “{quote}”. Must somebody have the {name} before they start? If so, add it under licences."
        for name, quote in _found(placement, LICENCE).items()
    ]


def _english_questions(placement: Placement) -> list[str]:
    return [
        f"The advert says “{quote}”. What must somebody do in English: follow spoken instructions, read labels, write"
        " reports?"
        for quote in _found(placement, ENGLISH).values()
    ]


@lru_cache
def _phrases(what: str, _reading: object) -> tuple[Phrases, tuple[str, ...]]:
    rows = [row for row in tables.rows("listing_words") if row["what"] == what]
    phrases = Phrases((phrase, number) for number, row in enumerate(rows) for phrase in row["phrases"].split(";"))
    return phrases, tuple(row["name"] for row in rows)


def _found(placement: Placement, what: str) -> dict[str, str]:
    """Return, by name, the words of an advert that say something, as written. What the advert denies is left out."""
    phrases, names = _phrases(what, tables.reading_of("listing_words"))
    quotes: dict[str, str] = {}
    for text in (placement.title, placement.description or "", *(placement.essential_skills or ())):
        words = text.split()
        for found in phrases.find(stems_of(plain(text))):
            # "Not open to external applicants" is itself a denial.
            if not found.may_be_denied or (what == INTERNAL_ONLY and not found.is_denied):
                quotes.setdefault(names[found.number], _quote(phrases, words, found.number))
    return quotes


def _quote(phrases: Phrases, words: list[str], number: int) -> str:
    """Return the words as written in which a phrase stands."""
    for size in range(1, LONGEST_QUOTE + 1):
        for start in range(len(words) - size + 1):
            part = " ".join(words[start : start + size]).strip(".,;:!?()")
            if any(found.number == number for found in phrases.find(stems_of(plain(part)))):
                return part
    return " ".join(words[:LONGEST_QUOTE])
