"""Skills and occupations as people write them, and how alike two of them are, in [0, 1]."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz import fuzz

SAME, NEAR = 1.0, 0.7
# Under this, two texts share letters by chance. Measured on pairs of the starter vocabulary that mean different things.
CHANCE = 0.78
LONGEST = 300
SHORT = 3  # "gas" and "bus" are no plurals
# Words of a title that say how somebody is employed and not at what: two titles that share only these are not alike.
ANY_WORK = frozenset(
    {
        "and",
        "apprentice",
        "apprenticeship",
        "assistant",
        "band",
        "bank",
        "for",
        "full",
        "general",
        "grade",
        "helper",
        "in",
        "job",
        "junior",
        "lead",
        "level",
        "manager",
        "member",
        "of",
        "officer",
        "operative",
        "part",
        "permanent",
        "post",
        "role",
        "senior",
        "service",
        "staff",
        "supervisor",
        "support",
        "team",
        "temporary",
        "the",
        "time",
        "trainee",
        "with",
        "work",
        "worker",
    }
)


@lru_cache(maxsize=50_000)
def normalise(text: str) -> str:
    """Return a text in lower case, without accents and marks.

    Parameters
    ----------
    text : str
        As written; only its first 300 characters are read.

    Returns
    -------
    str
        Words with single spaces; may be empty.

    Examples
    --------
    >>> normalise("Café  Assistant (Part-time)")
    'cafe assistant part time'
    """
    plain = unicodedata.normalize("NFKD", text[:LONGEST])
    plain = "".join(c for c in plain if not unicodedata.combining(c)).casefold()
    return re.sub(r"[^a-z0-9+#']+", " ", plain).strip()


@lru_cache(maxsize=50_000)
def title_words(title: str) -> str:
    """Return a title for comparing: without what stands in brackets, and in the singular.

    Parameters
    ----------
    title : str

    Returns
    -------
    str

    Examples
    --------
    >>> title_words("Cleaners (Bank Hours)")
    'cleaner'
    """
    words = normalise(re.sub(r"\([^)]*\)", " ", title[:LONGEST])).split()
    return " ".join(
        word[:-1] if len(word) > SHORT and word.endswith("s") and word[-2] != "s" else word for word in words
    )


class Vocabulary:
    """Words that mean the same or nearly the same, for skills and for occupations.

    Parameters
    ----------
    skills : iterable of (label, concept, is_same)
        A label belongs to a concept fully, or nearly.
    occupations : iterable of (label, concept)
        A label may belong to several concepts.
    importance : mapping of str to float
        How much a wanted skill weighs among others, by its label.
    near : mapping of (concept, concept) to float
        How much of one skill counts for its neighbour in a taxonomy.

    Examples
    --------
    >>> words = Vocabulary([("excel", "spreadsheets", True)], [("barista", "cafe")])
    >>> words.skill_likeness("Excel", "spreadsheets")
    1.0
    >>> words.occupation_likeness("barista", "Cafe")
    1.0
    """

    def __init__(
        self,
        skills: Iterable[tuple[str, str, bool]] = (),
        occupations: Iterable[tuple[str, str]] = (),
        importance: Mapping[str, float] | None = None,
        near: Mapping[tuple[str, str], float] | None = None,
    ) -> None:
        self._told = (tuple(skills), tuple(occupations), dict(importance or {}), dict(near or {}))
        skills, occupations, importance, near = self._told
        self._near = near
        self._importance = {normalise(label): weight for label, weight in (importance or {}).items()}
        self._skills: dict[str, dict[str, float]] = defaultdict(dict)
        for label, concept, is_same in skills:
            self._skills[normalise(label)][concept] = SAME if is_same else NEAR
            self._skills[normalise(concept)].setdefault(concept, SAME)
        self._occupations: dict[str, set[str]] = defaultdict(set)
        for label, concept in occupations:
            self._occupations[title_words(label)].add(concept)
            self._occupations[title_words(concept)].add(concept)
        by_length = sorted(self._occupations, key=len, reverse=True)
        self._lengths = {label: rank for rank, label in enumerate(by_length)}
        self.skill_likeness = lru_cache(maxsize=200_000)(self._skill_likeness)
        self.occupation_likeness = lru_cache(maxsize=200_000)(self._occupation_likeness)
        self.concepts_of_title = lru_cache(maxsize=50_000)(self._find_concepts)
        self.neighbours: dict[str, set[str]] = defaultdict(set)
        for one, other in near:
            self.neighbours[one].add(other)

    def __reduce__(self) -> tuple[type["Vocabulary"], tuple[object, ...]]:
        """Go to another process as what it was made of; what it has looked up stays here."""
        return Vocabulary, self._told

    def importance(self, skill: str) -> float:
        """Return how much a wanted skill weighs among others: a rarer one more, one that all ask for less.

        Parameters
        ----------
        skill : str

        Returns
        -------
        float
            Over 0; 1 where nothing is known of how rare it is.
        """
        return self._importance.get(normalise(skill), 1.0)

    def concepts_of_skill(self, key: str) -> Mapping[str, float]:
        """Return the concepts a skill belongs to, and how fully; none where it is not known.

        Parameters
        ----------
        key : str
            As ``normalise`` gives it.

        Returns
        -------
        mapping of str to float
        """
        return self._skills.get(key, {})

    def _skill_likeness(self, one: str, other: str) -> float:
        """Return how alike two skills are, in [0, 1]: through a shared concept, else by their letters."""
        one, other = normalise(one), normalise(other)
        if not one or not other:
            return 0.0
        if one == other:
            return SAME
        mine, theirs = self._skills.get(one), self._skills.get(other)
        if mine and theirs:
            shared = max((min(mine[c], theirs[c]) for c in mine.keys() & theirs.keys()), default=0.0)
            return max(shared, self._neighbour_credit(mine, theirs)) if self._near else shared
        return _letters(one, other)

    def _neighbour_credit(self, mine: Mapping[str, float], theirs: Mapping[str, float]) -> float:
        """Return the credit of the two nearest neighbours among the concepts of two skills."""
        pairs = (((a, b), x * y) for a, x in mine.items() for b, y in theirs.items())
        return max((self._near.get(pair, 0.0) * share for pair, share in pairs), default=0.0)

    def _occupation_likeness(self, one: str, other: str) -> float:
        """Return how alike two occupations or titles are, in [0, 1]."""
        one, other = title_words(one), title_words(other)
        if not one or not other:
            return 0.0
        if one == other:
            return SAME
        shared = self.concepts_of_title(one) & self.concepts_of_title(other)
        return SAME if shared else _letters(what_at(one), what_at(other))

    def _find_concepts(self, title: str) -> frozenset[str]:
        """Return the concepts whose labels stand in a title as whole words, longer labels first."""
        words = title.split()
        spans = ((start, end) for start in range(len(words)) for end in range(start + 1, len(words) + 1))
        there = {text for text in (" ".join(words[start:end]) for start, end in spans) if text in self._lengths}
        rest = f" {title} "
        found: set[str] = set()
        for label in sorted(there, key=self._lengths.__getitem__):
            if f" {label} " in rest:
                found |= self._occupations[label]
                rest = rest.replace(f" {label} ", " | ")
        return frozenset(found)


def what_at(title: str) -> str:
    """Return the words of a title that say at what somebody works, without those that say how.

    Parameters
    ----------
    title : str
        As ``title_words`` gives it.

    Returns
    -------
    str

    Examples
    --------
    >>> what_at("trainee bike mechanic")
    'bike mechanic'
    """
    return " ".join(word for word in title.split() if word not in ANY_WORK)


def _letters(one: str, other: str) -> float:
    if not one or not other:
        return 0.0
    alike = fuzz.token_sort_ratio(one, other) / 100
    return alike if alike >= CHANCE else 0.0
