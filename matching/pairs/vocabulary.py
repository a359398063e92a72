"""The words of one service: labels of skills and kinds of work, what they mean, and how near two of them are."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from matching.pairs.conditions import Conditions
from matching.pairs.grades import STEPS, THOUSAND
from matching.pairs.nearness import TENTHS, Meaning
from matching.pairs.not_meant import limited, refused_columns, said
from matching.pairs.remembered import RememberedTable
from matching.pairs.text import CHANCE, NEAR, SAME, normalise, title_parts, title_words, what_at, what_before
from matching.pairs.wishes import SAYS_NOTHING
from matching.pairs.words_by_meaning import WordsByMeaning
from matching.words.mending import Mender
from matching.words.neutral import NeutralWords
from matching.words.phrases import Phrases, longest, stems_of

Table = NDArray[Any]
# A skill that is only a part of what was said: "I cook and clean at home" has "cook". The smaller the part, the less it
# counts.
PART_OF_PHRASE, SHARE_POWER = 0.8, 0.25
# A kind of work that is only named in the second part of a title, or before its last noun: "library" in "Library
# Technician", "reception" in "Assistant - Specimen Reception".
NAMED_BESIDE = 0.45
OTHER_GROUP = 4  # tenths: the most that a skill or title with the name of a group or language counts without that name
# Nearness of meaning, in thousandths. At ``NEAR_ENOUGH`` a skill counts as one that the jobseeker has (``ALIKE``), and
# work is as near to a wish as it is far. Of unrelated pairs in the half of our own phrases that was used for
# development (``benchmarks/phrases/develop``), one in twenty lies higher.
SKILL_NEAR_ENOUGH, SKILL_FLOOR, SKILL_MOST = 214, 85, 700
WORK_NEAR_ENOUGH, WORK_FLOOR, WORK_MOST = 440, 140, 800
ALIKE, HALF = 600, 500
MOST_SIDES = 16
ARTICLE = re.compile(r"^(?:a|an|the)\s+")


class NearWork(NamedTuple):
    """How near two kinds of work are, from 0 to 1, and why: ``skills``, ``sector`` or ``surroundings``."""

    credit: float
    why: str


class _WantedSkills(NamedTuple):
    """What a table of skills needs of its columns: the skills that are wanted, each as ``key`` returns it."""

    texts: tuple[str, ...]  # without the names of groups
    groups: list[tuple[int, frozenset[str]]]  # columns that name groups
    concepts: list[Mapping[str, float]]
    known: list[int]  # columns that have a concept
    columns: Mapping[str, list[int]]  # of each concept
    same: Mapping[str, list[int]]  # of each text


class _ListedTitles(NamedTuple):
    """What a table of work needs of its columns: the titles of listings."""

    words: list[str]
    groups: list[tuple[int, frozenset[str]]]  # columns that name groups
    columns: Mapping[str, list[tuple[int, float]]]  # of each kind of work, each with its credit
    same: Mapping[str, list[int]]  # of each text


class Vocabulary:
    """Labels of skills and kinds of work, with the concepts that they mean, and what compares two of them.

    Parameters
    ----------
    skills : iterable of (label, concept, is_same)
        ``is_same`` is True if the label means the concept, and False if its meaning is only close to the concept.
    occupations : iterable of (label, concept)
        Titles of listings. A label may belong to several concepts.
    importance : mapping of str to float
        The weight of a skill that a listing wants, by the label of the skill. Skills not in the mapping weigh 1.
    near : mapping of (concept, concept) to float
        For two neighbouring skills: the credit, from 0 to 1, for having the first if the second is wanted.
    near_work : mapping of (concept, concept) to NearWork
        The same for two kinds of work: the first is wished for, the second is listed.
    wish_words : iterable of (label, concept)
        Words that mean a kind of work in a wish, but not in a title: "the tills", "outdoors".
    conditions : Conditions or None
    meaning : Meaning or None
        If None, phrases are compared by concepts and by letters only.
    neutral : NeutralWords or None
        Words that must not move a likeness.

    Examples
    --------
    >>> words = Vocabulary([("excel", "spreadsheets", True)], [("barista", "cafe")])
    >>> words.skill_likeness("Excel", "spreadsheets")
    1.0
    >>> words.work_likeness("barista", "Cafe")
    1.0
    """

    def __init__(
        self,
        skills: Iterable[tuple[str, str, bool]] = (),
        occupations: Iterable[tuple[str, str]] = (),
        importance: Mapping[str, float] | None = None,
        near: Mapping[tuple[str, str], float] | None = None,
        *,
        near_work: Mapping[tuple[str, str], NearWork] | None = None,
        wish_words: Iterable[tuple[str, str]] = (),
        conditions: Conditions | None = None,
        meaning: Meaning | None = None,
        neutral: NeutralWords | None = None,
    ) -> None:
        self._arguments = (tuple(skills), tuple(occupations), dict(importance or {}), dict(near or {}))
        self._named = (dict(near_work or {}), tuple(wish_words), conditions, meaning, neutral)
        skills, occupations, importance, self.near = self._arguments
        self.near_work, wish_words = self._named[:2]
        self.conditions = conditions or Conditions()
        self._neutral = neutral or NeutralWords()
        labels = (*(label for label, *_ in skills), *(label for label, _ in (*occupations, *wish_words)))
        self._mender = Mender((*labels, *self.conditions.phrases))
        self.key = lru_cache(maxsize=200_000)(self._key)
        self.mended = lru_cache(maxsize=50_000)(self._mender.mend)
        self._importance = {normalise(label): weight for label, weight in importance.items()}
        self._read_skills(skills)
        self._read_work(occupations, wish_words)
        self.neighbours: dict[str, set[str]] = defaultdict(set)
        for concept, neighbour in self.near:
            self.neighbours[concept].add(neighbour)
        self.work_near: dict[str, dict[str, NearWork]] = defaultdict(dict)
        for (concept, neighbour), value in self.near_work.items():
            self.work_near[concept][neighbour] = value
        self._cache()
        self._meaning = meaning

    @cached_property
    def _by_meaning(self) -> WordsByMeaning | None:
        return None if self._meaning is None else WordsByMeaning(self, self._meaning)

    def _cache(self) -> None:
        self.skill_likeness = lru_cache(maxsize=200_000)(self._skill_likeness)
        self.work_likeness = lru_cache(maxsize=200_000)(self._work_likeness)
        self.skills = RememberedTable(self.skill_table)
        self.work = RememberedTable(self.work_table)
        # The same listings are compared with one new word after another.
        self._wanted_skills = lru_cache(maxsize=MOST_SIDES)(self._wanted_skills_of)
        self._listed_titles = lru_cache(maxsize=MOST_SIDES)(self._listed_titles_of)
        self.relation_of = lru_cache(maxsize=50_000)(self._relation_of)
        self._groups_in = lru_cache(maxsize=100_000)(self._neutral.groups_in)
        self._without_groups = lru_cache(maxsize=100_000)(self._neutral.without_groups)
        self._title = lru_cache(maxsize=50_000)(self._title_words)
        self.concepts_of_skill = lru_cache(maxsize=100_000)(self._concepts_of_skill)
        self.concepts_of_title = lru_cache(maxsize=50_000)(self._concepts_of_title)
        self.concepts_of_wish = lru_cache(maxsize=50_000)(self._concepts_of_wish)

    def __reduce__(self) -> tuple[Any, tuple[object, ...]]:
        """Pickle the constructor's arguments only. Caches are not sent to another process."""
        return _remade, (*self._arguments, *self._named)

    def _read_skills(self, skills: Iterable[tuple[str, str, bool]]) -> None:
        self._skills: dict[str, dict[str, float]] = defaultdict(dict)
        self.skill_labels: dict[str, dict[str, float]] = defaultdict(dict)
        for label, concept, is_same in skills:
            credit = SAME if is_same else NEAR
            for text, value in ((self.key(label), credit), (self.key(concept), SAME)):
                self._skills[text][concept] = max(self._skills[text].get(concept, 0.0), value)
                self.skill_labels[concept][text] = self._skills[text][concept]
        self._spoken = list(self._skills)
        self._skill_phrases = Phrases((key, number) for number, key in enumerate(self._spoken))

    def _read_work(self, occupations: Iterable[tuple[str, str]], wish_words: Iterable[tuple[str, str]]) -> None:
        self._titles: dict[str, set[str]] = defaultdict(set)
        self.work_labels: dict[str, dict[str, None]] = defaultdict(dict)
        for label, concept in occupations:
            for text in (title_words(self.key(label)), title_words(self.key(concept))):
                self._titles[text].add(concept)
                self.work_labels[concept][text] = None
        self.said_work: dict[str, set[str]] = defaultdict(set)
        for label, concept in wish_words:
            self.said_work[ARTICLE.sub("", self.key(label))].add(concept)
        self._title_list = [text for text in self._titles if what_at(text)]
        self._title_phrases = Phrases((text, number) for number, text in enumerate(self._title_list))
        self._wish_list = list(self.said_work)
        self._wish_phrases = Phrases((text, number) for number, text in enumerate(self._wish_list))

    def _key(self, text: str) -> str:
        """Return a text as it is compared: normalised, slips corrected, and words that must not matter made neutral.

        What the text does not mean is kept behind it.
        """
        text, others = said(text)
        if others:
            return limited(self.key(text), map(self.key, others))
        written = text.split()
        # In a sentence, a word with a capital that the vocabulary does not know is a name. A title has capitals anyway.
        is_sentence = 2 * sum(word[0].islower() for word in written[1:]) > len(written[1:])
        words = []
        for position, word in enumerate(written):
            low = normalise(word)
            may_be_name = is_sentence and position > 0 and word[0].isupper() and not word.isupper()
            if not may_be_name or self._mender.knows(low):
                words += [self._neutral.read(self._mender.word(part)) for part in low.split()]
        return " ".join(word for word in words if word)

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

    def _concepts_of_skill(self, key: str) -> Mapping[str, float]:
        """Return the concepts of a skill, with the likeness of each. Empty if the vocabulary knows none of its words.

        The argument is a text that ``normalise`` returned. A label inside a longer phrase counts too, unless the phrase
        denies it.
        """
        if key in self._skills:
            return self._skills[key]
        stems = stems_of(key)
        content = max(1, sum(word not in SAYS_NOTHING for word in stems))
        concepts: dict[str, float] = {}
        for found in longest(self._skill_phrases.find(stems)):
            label = self._spoken[found.number]
            size = sum(word not in SAYS_NOTHING for word in stems[found.start : found.end])
            if found.is_denied or not size or (found.end - found.start == 1 and not _has_word(key, label)):
                continue
            share = SAME if size >= content else PART_OF_PHRASE * (size / content) ** SHARE_POWER
            for concept, credit in self._skills[label].items():
                concepts[concept] = max(concepts.get(concept, 0.0), min(credit, share))
        return concepts

    def _concepts_of_title(self, title: str) -> Mapping[str, float]:
        """Return the kinds of work that a listing's title names, with the credit of each.

        A kind at the end of the first part of a title has a credit of 1, and any other kind has less.
        """
        kinds: dict[str, float] = {}
        for part, says_work in title_parts(title):
            words = self._title(part)
            stems = stems_of(words)
            bare = len(stems_of(what_before(words)))
            for found in longest(self._title_phrases.find(stems)):
                is_main = (says_work or not kinds) and found.end >= bare
                credit = SAME if is_main else NAMED_BESIDE
                for kind in self._titles[self._title_list[found.number]]:
                    kinds[kind] = max(kinds.get(kind, 0.0), credit)
        return kinds

    def _concepts_of_wish(self, wish: str) -> frozenset[str]:
        """Return the kinds of work and the sectors that a wish names."""
        stems = stems_of(self._without_groups(self.key(wish)))
        found = [(each, self._titles[self._title_list[each.number]]) for each in self._title_phrases.find(stems)]
        found += [(each, self.said_work[self._wish_list[each.number]]) for each in self._wish_phrases.find(stems)]
        best = {(each.start, each.end) for each in longest([each for each, _ in found])}
        # The last of two names that follow each other says what the work is: "hospital laboratory".
        best = {(start, end) for start, end in best if not any(other == end for other, _ in best)}
        kept = [kinds for each, kinds in found if (each.start, each.end) in best and not each.is_denied]
        named = {kind for kinds in kept for kind in kinds}
        return frozenset({kind for kind in named if kind in self.work_labels} or named)

    def _kinds_wished(self, wish: str) -> Iterator[tuple[str, NearWork]]:
        """Yield the kinds of work that a wish names, and those near them, each with how near it is.

        A wish with a word of its own behind the name, such as "hospital laboratory", is for other work in such a place.
        """
        stems = stems_of(self._without_groups(self.key(wish)))
        named = self.concepts_of_wish(wish)
        known = [*self._title_phrases.find(stems), *self._wish_phrases.find(stems)]
        ends = max((found.end for found in known), default=0)
        is_place = ends < len(stems) and stems[ends] not in SAYS_NOTHING and not stems[ends].isdigit()
        for kind in named:
            yield kind, IN_SUCH_A_PLACE if is_place else SAME_WORK
            for near, value in self.work_near.get(kind, {}).items():
                yield near, min(value, IN_SUCH_A_PLACE) if is_place else value

    def _skill_likeness(self, offered: str, wanted: str) -> float:
        """Return how well a skill that somebody has meets a skill that is wanted, in [0, 1]."""
        offered, wanted = self.key(offered), self.key(wanted)
        if not offered or not wanted:
            return 0.0
        return float(self.skills.few((offered,), (wanted,))[0][0]) / THOUSAND

    def skill_table(self, offered: Sequence[str], wanted: Sequence[str]) -> NDArray[np.uint16]:
        """Return how well each skill that somebody has meets each skill that is wanted.

        Parameters
        ----------
        offered, wanted : sequence of str
            As ``key`` returns them.

        Returns
        -------
        ndarray of uint16 of shape (n_offered, n_wanted)
            In thousandths. Skills that share a concept have 1,000. Skills without a concept are compared by letters.
            Likeness of meaning gives at most 700.
        """
        if not offered or not wanted:
            return np.zeros((len(offered), len(wanted)), dtype=np.uint16)
        given = [said(skill) for skill in offered]
        refused = refused_columns(given, wanted, lambda skill: frozenset(self.concepts_of_skill(skill)))
        groups = [self._groups_in(skill.text) for skill in given]
        offered, right = [self._without_groups(skill.text) for skill in given], self._wanted_skills(tuple(wanted))
        table = np.floor(_letters(offered, right.texts) * THOUSAND + 0.5).astype(np.int64)
        for row, skill in enumerate(offered):
            own = self.concepts_of_skill(skill)
            if own:
                table[row, right.known] = 0
                for column, credit in self._credits(own, right.columns, right.concepts):
                    table[row, column] = max(table[row, column], round(THOUSAND * credit))
        if self._by_meaning is not None:
            nearness = self._by_meaning.skills(tuple(offered), right.texts)
            value = np.minimum(nearness * ALIKE // SKILL_NEAR_ENOUGH, SKILL_MOST)
            table = np.maximum(table, np.where(nearness < SKILL_FLOOR, 0, value))
        for row, skill in enumerate(offered):
            table[row, right.same.get(skill, [])] = THOUSAND
        for row, places in refused:
            table[row, places] = 0
        limited_table = _without_other_groups(table, groups, right.groups, OTHER_GROUP * THOUSAND // TENTHS)
        return limited_table.astype(np.uint16)

    def _wanted_skills_of(self, wanted: tuple[str, ...]) -> _WantedSkills:
        texts = tuple(self._without_groups(skill) for skill in wanted)
        concepts = [self.concepts_of_skill(skill) for skill in texts]
        columns: dict[str, list[int]] = defaultdict(list)
        for column, own in enumerate(concepts):
            for concept in own:
                columns[concept].append(column)
        known = [column for column, own in enumerate(concepts) if own]
        groups = self._columns_with_groups(wanted)
        return _WantedSkills(texts, groups, concepts, known, columns, _positions(texts))

    def _credits(
        self, own: Mapping[str, float], columns: Mapping[str, list[int]], wanted: Sequence[Mapping[str, float]]
    ) -> Iterator[tuple[int, float]]:
        """Yield the columns whose skill shares a concept with a skill that somebody has, or has a neighbour of it."""
        for concept, credit in own.items():
            for column in columns.get(concept, ()):
                yield column, min(credit, wanted[column][concept])
            for neighbour in self.neighbours.get(concept, ()):
                for column in columns.get(neighbour, ()):
                    yield column, self.near[concept, neighbour] * credit * wanted[column][neighbour]

    def _work_likeness(self, wish: str, title: str) -> float:
        """Return how near a listed title is to the work that somebody wishes for, in [0, 1]."""
        return float(self.work.few((wish,), (title,))[0][0]) / STEPS

    def work_table(self, wishes: Sequence[str], titles: Sequence[str]) -> NDArray[np.uint8]:
        """Return how near each listed title is to each wish.

        Parameters
        ----------
        wishes, titles : sequence of str

        Returns
        -------
        ndarray of uint8 of shape (n_wishes, n_titles)
            Grades from 0 to 240: 240 for the same kind of work, less for near work, 0 for other work.
        """
        if not wishes or not titles:
            return np.zeros((len(wishes), len(titles)), dtype=np.uint8)
        given, titles = [said(self.key(wish)) for wish in wishes], tuple(titles)
        groups = [self._groups_in(wish.text) for wish in given]
        wishes, right = [self._without_groups(wish.text) for wish in given], self._listed_titles(titles)
        wish_words = [title_words(wish) for wish in wishes]
        letters = _letters([what_at(words) for words in wish_words], right.words)
        table = np.floor(letters * STEPS + 0.5).astype(np.int64)
        if self._by_meaning is not None:
            nearness = self._by_meaning.work(tuple(wishes), titles)
            value = np.minimum(nearness * HALF // WORK_NEAR_ENOUGH, WORK_MOST)
            value = np.where(nearness < WORK_FLOOR, 0, value)
            table = np.maximum(table, (2 * STEPS * value + THOUSAND) // (2 * THOUSAND))
        self._credit_named_work(table, wishes, right.columns)
        for row, words in enumerate(wish_words):
            table[row, right.same.get(words, [])] = STEPS
            if not words:
                table[row] = 0
        table[:, right.same.get("", [])] = 0
        if any(wish.not_meant for wish in given):
            for row, places in refused_columns(given, [self.key(title) for title in titles], self._main_kinds):
                table[row, places] = 0
        return _without_other_groups(table, groups, right.groups, OTHER_GROUP * STEPS // TENTHS).astype(np.uint8)

    def _listed_titles_of(self, titles: tuple[str, ...]) -> _ListedTitles:
        columns: dict[str, list[tuple[int, float]]] = defaultdict(list)
        for column, title in enumerate(titles):
            for kind, credit in self.concepts_of_title(title).items():
                columns[kind].append((column, credit))
        words = [self._title(title) for title in titles]
        groups = self._columns_with_groups([self.key(title) for title in titles])
        return _ListedTitles([what_at(text) for text in words], groups, columns, _positions(words))

    def _columns_with_groups(self, keys: Sequence[str]) -> list[tuple[int, frozenset[str]]]:
        return [(column, groups) for column, key in enumerate(keys) if (groups := self._groups_in(key))]

    def _credit_named_work(
        self, table: NDArray[np.int64], wishes: Sequence[str], columns: Mapping[str, list[tuple[int, float]]]
    ) -> None:
        """Raise the grades of titles that name a wished kind of work, or one near it."""
        for row, wish in enumerate(wishes):
            for kind, value in self._kinds_wished(wish):
                for column, credit in columns.get(kind, ()):
                    table[row, column] = max(table[row, column], int(STEPS * value.credit * credit + 0.5))

    def _main_kinds(self, title: str) -> frozenset[str]:
        """Return the kinds of work of a title, without those that it only names on the way; else its own words."""
        kinds = [kind for kind, credit in self.concepts_of_title(title).items() if credit == SAME]
        return frozenset(kinds or [self._title(title)])

    def _title_words(self, title: str) -> str:
        """Return a title without brackets, in the singular, and neutral."""
        return self._without_groups(title_words(self.key(title_words(title))))

    def parts_of_title(self, title: str) -> list[str]:
        """Return the parts of a title that say what the work is, as they are compared.

        Parameters
        ----------
        title : str

        Returns
        -------
        list of str
            At least one text, which may be empty.
        """
        return [self._title(part) for part, says_work in title_parts(title) if says_work] or [""]

    def _relation_of(self, wish: str, titles: tuple[str, ...]) -> str:
        """Return why a listing is near a wish: ``same``, ``skills``, ``sector``, ``surroundings`` or ``words``."""
        best = (0.0, "words")
        for title in titles:
            if self._title(title) == self._title(wish):
                return SAME_WORK.why
            kinds = self.concepts_of_title(title)
            for wished, value in self._kinds_wished(wish):
                credit = kinds.get(wished, 0.0)
                why = value.why if credit == SAME or value.why != SAME_WORK.why else "words"
                best = max(best, (value.credit * credit, why))
        return best[1]


SAME_WORK = NearWork(SAME, "same")
IN_SUCH_A_PLACE = NearWork(0.6, "surroundings")


def _without_other_groups(
    table: NDArray[np.int64],
    lefts: Sequence[frozenset[str]],
    rights: Sequence[tuple[int, frozenset[str]]],
    most: int,
) -> NDArray[np.int64]:
    """Limit the likeness to what names a group or a language that the left text does not name: "Polish speaker"."""
    for column, named in rights:
        rows = [row for row, own in enumerate(lefts) if not named <= own]
        table[rows, column] = np.minimum(table[rows, column], most)
    return table


def _has_word(text: str, label: str) -> bool:
    """Return whether a text has a label of one word as it is or in the plural. Its stem alone may be another word."""
    return not {label, f"{label}s", label.removesuffix("s")}.isdisjoint(text.split())


def _positions(texts: Sequence[str]) -> dict[str, list[int]]:
    positions: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(texts):
        positions[text].append(position)
    return positions


def _remade(skills: Any, occupations: Any, importance: Any, near: Any, *named: Any) -> Vocabulary:
    near_work, wish_words, conditions, meaning, neutral = named
    return Vocabulary(
        skills, occupations, importance, near,
        near_work=near_work, wish_words=wish_words, conditions=conditions, meaning=meaning, neutral=neutral,
    )  # fmt: skip


def _letters(lefts: Sequence[str], rights: Sequence[str]) -> NDArray[np.float64]:
    """Return how alike each left and right text are by letters, from 0 to 1. A likeness under ``CHANCE`` becomes 0."""
    likeness = (
        process.cdist(lefts, rights, scorer=fuzz.token_sort_ratio, score_cutoff=CHANCE * 100, dtype=np.float64) / 100
    )
    likeness[likeness < CHANCE] = 0.0
    likeness[[row for row, text in enumerate(lefts) if not text]] = 0.0
    likeness[:, [column for column, text in enumerate(rights) if not text]] = 0.0
    return np.asarray(likeness)
