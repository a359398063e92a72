"""Compare skills and occupations as people write them. The likeness of two texts is a number from 0 to 1."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache

from rapidfuzz import fuzz

SAME, NEAR = 1.0, 0.7
# Two texts whose letters are less alike than this count as not alike at all. The limit was measured on pairs of labels
# in the starter vocabulary that mean different things but share letters by chance.
CHANCE = 0.78
LONGEST = 300
SHORT = 3  # a word of at most this length, such as "gas" or "bus", is not taken for a plural
# Words of a job title that say how a person is employed, not what the work is. Two titles that share only these words
# are not alike.
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
    """Return a text in lower case, without accents and punctuation.

    Parameters
    ----------
    text : str
        The text as written. Only its first 300 characters are read.

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
    """Return a job title in the form used for comparison: normalised, singular, without any text in brackets.

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
    """Labels of skills and occupations, with the concepts that they mean. Labels that share a concept are alike.

    Parameters
    ----------
    skills : iterable of (label, concept, is_same)
        ``is_same`` is True if the label means the concept, and False if its meaning is only close to the concept.
    occupations : iterable of (label, concept)
        A label may belong to several concepts.
    importance : mapping of str to float
        The weight of a skill that a listing wants, by the label of the skill. Skills not in the mapping weigh 1.
    near : mapping of (concept, concept) to float
        For two neighbours in a taxonomy: the credit, from 0 to 1, for having the first concept if the second is wanted.

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
        self._arguments = (tuple(skills), tuple(occupations), dict(importance or {}), dict(near or {}))
        skills, occupations, importance, near = self._arguments
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
        for concept, neighbour in near:
            self.neighbours[concept].add(neighbour)

    def __reduce__(self) -> tuple[type["Vocabulary"], tuple[object, ...]]:
        """Pickle the constructor's arguments only. Caches are not sent to another process."""
        return Vocabulary, self._arguments

    def importance(self, skill: str) -> float:
        """Return the weight of a wanted skill compared with other skills. Rare skills weigh more than common skills.

        Parameters
        ----------
        skill : str

        Returns
        -------
        float
            Over 0. It is 1 if the vocabulary has no weight for the skill.
        """
        return self._importance.get(normalise(skill), 1.0)

    def concepts_of_skill(self, key: str) -> Mapping[str, float]:
        """Return the concepts of a skill, with the likeness of each. Empty if the skill is not in the vocabulary.

        Parameters
        ----------
        key : str
            As ``normalise`` returns it.

        Returns
        -------
        mapping of str to float
            1.0 for a concept that the skill means, 0.7 for a concept to which its meaning is only close.
        """
        return self._skills.get(key, {})

    def _skill_likeness(self, first: str, second: str) -> float:
        """Return how alike two skills are, in [0, 1]: by concepts or, if a skill has no concept, by letters."""
        first, second = normalise(first), normalise(second)
        if not first or not second:
            return 0.0
        if first == second:
            return SAME
        first_concepts, second_concepts = self._skills.get(first), self._skills.get(second)
        if first_concepts and second_concepts:
            shared = max(
                (min(first_concepts[c], second_concepts[c]) for c in first_concepts.keys() & second_concepts.keys()),
                default=0.0,
            )
            return max(shared, self._neighbour_credit(first_concepts, second_concepts)) if self._near else shared
        return _letters(first, second)

    def _neighbour_credit(self, first_concepts: Mapping[str, float], second_concepts: Mapping[str, float]) -> float:
        """Return the highest neighbour credit between a concept of one skill and a concept of the other."""
        pairs = (((a, b), x * y) for a, x in first_concepts.items() for b, y in second_concepts.items())
        return max((self._near.get(pair, 0.0) * share for pair, share in pairs), default=0.0)

    def _occupation_likeness(self, first: str, second: str) -> float:
        """Return how alike two occupations or job titles are, in [0, 1]."""
        first, second = title_words(first), title_words(second)
        if not first or not second:
            return 0.0
        if first == second:
            return SAME
        shared = self.concepts_of_title(first) & self.concepts_of_title(second)
        return SAME if shared else _letters(what_at(first), what_at(second))

    def _find_concepts(self, title: str) -> frozenset[str]:
        """Return the concepts whose labels occur in a title as whole words. Longer labels are matched first."""
        words = title.split()
        spans = ((start, end) for start in range(len(words)) for end in range(start + 1, len(words) + 1))
        labels = {text for text in (" ".join(words[start:end]) for start, end in spans) if text in self._lengths}
        rest = f" {title} "
        concepts: set[str] = set()
        for label in sorted(labels, key=self._lengths.__getitem__):
            if f" {label} " in rest:
                concepts |= self._occupations[label]
                rest = rest.replace(f" {label} ", " | ")
        return frozenset(concepts)


def what_at(title: str) -> str:
    """Return the words of a job title that say what the work is, without the words of ``ANY_WORK``.

    Parameters
    ----------
    title : str
        As ``title_words`` returns it.

    Returns
    -------
    str

    Examples
    --------
    >>> what_at("trainee bike mechanic")
    'bike mechanic'
    """
    return " ".join(word for word in title.split() if word not in ANY_WORK)


def _letters(first: str, second: str) -> float:
    if not first or not second:
        return 0.0
    likeness = fuzz.token_sort_ratio(first, second) / 100
    return likeness if likeness >= CHANCE else 0.0
