"""Vocabularies for matching/: the starter vocabulary, ESCO if loaded, cues of experience, and finders of entries."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from matching.pairs.conditions import Condition, Conditions
from matching.pairs.experience import Cue, Drawn, Experience, ExperienceKind, skills_of
from matching.pairs.vocabulary import NearWork, Vocabulary
from matching.words.meaning import shipped
from matching.words.neutral import NeutralWords
from pathways.database import Database, Session
from pathways.reference import advert_spelling, esco, half_days, sentence_vectors, tables, taxonomy
from pathways.reference.esco import ConceptKind, EscoConcept

if TYPE_CHECKING:
    from matching.words.joined import Finder

STARTER = "starter:"
GROUPS = ("nation", "people", "religion")  # kinds of group_names.csv


# What a pair of kinds of work is worth to a wish, by its tenths in near_work.csv; a kind of work of a wished sector.
CREDIT_OF_NEAR = {3: 0.25, 5: 0.5, 7: 0.75}
OF_SECTOR = 0.9


@lru_cache
def _starter(_reading: object) -> Vocabulary:
    return _with_starter()


def starter() -> Vocabulary:
    """Return the starter vocabulary, which works without any download."""
    return _starter(tables.reading_of("skills"))


def _with_starter(
    skills: Iterable[tuple[str, str, bool]] = (),
    occupations: Iterable[tuple[str, str]] = (),
    importance: Mapping[str, float] | None = None,
    near: Mapping[tuple[str, str], float] | None = None,
) -> Vocabulary:
    """Return the starter vocabulary together with the entries of a taxonomy."""
    return Vocabulary(
        skills=(*_skill_rows(), *skills),
        occupations=(*_occupation_rows("title"), *occupations),
        importance=importance,
        near={**_near_skills(), **(near or {})},
        near_work=_near_work(),
        wish_words=(*_occupation_rows("said"), *_sector_words()),
        conditions=conditions(),
        meaning=shipped(),
        neutral=neutral_words(),
    )


def _skill_rows() -> tuple[tuple[str, str, bool], ...]:
    return tuple((row["label"], row["concept"], row["relation"] == "same") for row in tables.rows("skills"))


def _near_skills() -> dict[tuple[str, str], float]:
    """Return the credit for having the first of two neighbouring skills if the second is wanted."""
    return {(row["first"], row["second"]): int(row["tenths"]) / 10 for row in tables.rows("skill_neighbours")}


def _occupation_rows(relation: str) -> tuple[tuple[str, str], ...]:
    """Return the labels of kinds of work: titles of adverts, or phrases in which people say that they want the work."""
    # An operator's own table from before has no column ``relation``: all its labels are titles.
    return tuple(
        (row["label"], row["concept"]) for row in tables.rows("occupations") if row.get("relation", "title") == relation
    )


def _sector_words() -> tuple[tuple[str, str], ...]:
    return tuple((word, _sector(row["sector"])) for row in tables.rows("sectors") for word in row["words"].split(";"))


def _sector(name: str) -> str:
    return f"sector: {name}"


def _near_work() -> dict[tuple[str, str], NearWork]:
    near: dict[tuple[str, str], NearWork] = {
        (_sector(row["sector"]), row["kind"]): NearWork(OF_SECTOR, "sector") for row in tables.rows("kinds_of_work")
    }
    for row in tables.rows("near_work"):
        value = NearWork(CREDIT_OF_NEAR[int(row["tenths"])], row["why"])
        near[row["first"], row["second"]] = near[row["second"], row["first"]] = value
    return near


@lru_cache
def _conditions(_reading: object) -> Conditions:
    return Conditions(
        Condition(
            row["condition"],
            _list(row["said"]),
            _list(row["shown"]),
            _list(row["ruled_out"]),
            half_days.named(row["half_days"]),
            half_days.named(row["within"]),
            float(row["least_hours"] or 0),
            row["clock"],
            _list(row["titles"]),
            _list(row.get("also_said") or ""),  # an operator's own table from before has no such column
        )
        for row in tables.rows("conditions")
    )


def conditions() -> Conditions:
    """Return the conditions of work that people want to avoid or need, as listings are read for them."""
    return _conditions(tables.reading_of("conditions"))


def neutral_words() -> NeutralWords:
    """Return the words that must not move a likeness: gendered words, names, and names of groups of people."""
    return NeutralWords(
        {row["word"]: row["read_as"] for row in tables.rows("neutral_words")},
        (name for kind in GROUPS for name in advert_spelling.names(kind) if " " not in name),
    )


def _list(cell: str) -> tuple[str, ...]:
    return tuple(word for word in cell.split(";") if word)


# Reading a taxonomy takes seconds, so each process caches the vocabulary it read last, with its stamp.
_in_force: tuple[object, Vocabulary] | None = None
_reading = Lock()


def in_force(session: Session, stamp: object = None) -> Vocabulary:
    """Return the starter vocabulary, combined with ESCO if it is loaded.

    ``stamp`` is the result of the query ``taxonomy.stamp``, if the caller has read it already.
    """
    global _in_force  # noqa: PLW0603 - a cache of the process
    if stamp is None:
        stamp = tuple(session.execute(taxonomy.stamp()).one())
    if stamp == (None, None):
        return starter()
    with _reading:
        if _in_force is None or _in_force[0] != stamp:
            known = taxonomy.taxonomy_words(session)
            made = _with_starter(
                skills=((label, uri, True) for label, uri in known.skills),
                occupations=known.occupations,
                importance={label: known.importance[uri] for label, uri in known.skills if uri in known.importance},
                near=known.near,
            )
            _in_force = (stamp, made)
        return _in_force[1]


@lru_cache
def cues() -> tuple[Cue, ...]:
    """Return the cues: words about life, school, caring and volunteering, and the skills they suggest."""
    return tuple(
        Cue(_set(row["any_of"]), _set(row["and_any_of"]), tuple(row["skills"].split(";")))
        for row in tables.rows("experiences")
    )


def drawn(experiences: Iterable[Mapping[str, str]] | None) -> tuple[Drawn, ...]:
    """Return the skills that a jobseeker's experiences suggest, each with the experience that suggests it."""
    read = [Experience(ExperienceKind(experience["kind"]), experience["text"]) for experience in experiences or ()]
    return skills_of(read, cues())


def _set(cell: str) -> frozenset[str]:
    return frozenset(word for word in cell.split(";") if word)


# Fitting a finder takes from seconds to half a minute, so each process caches one for each kind of concept.
_finders: dict[ConceptKind, tuple[object, "Finder"]] = {}
_learning = Lock()


def finder(session: Session, kind: ConceptKind) -> "Finder":
    """Return what finds entries for a text: in the starter vocabulary and, if a taxonomy is loaded, in that too."""
    loaded = taxonomy.version(session, kind) if taxonomy.is_loaded(session, kind) else STARTER
    state = loaded, sentence_vectors.stamp(kind)
    cached = _finders.get(kind)
    if cached is not None and cached[0] == state:
        return cached[1]
    with _learning:
        cached = _finders.get(kind)  # another thread may have fitted it meanwhile
        if cached is not None and cached[0] == state:
            return cached[1]
        made = starter_finder(kind)
        if loaded != STARTER:
            from matching.words.joined import JoinedFinder  # noqa: PLC0415 - as below

            made = JoinedFinder(made, _made(kind, list(taxonomy.entries(session, kind))))
        _finders[kind] = (state, made)
        return made


def starter_finder(kind: ConceptKind) -> "Finder":
    """Return what finds entries of the starter vocabulary for a text."""
    return _starter_finder(kind, (tables.reading_of("skills"), sentence_vectors.stamp(kind)))


@lru_cache(maxsize=4)
def _starter_finder(kind: ConceptKind, _reading: object) -> "Finder":
    return _made(kind, _starter_concepts(kind))


def make_vectors(database: Database, kind: ConceptKind, progress: Callable[[int, int], None]) -> int:
    """Compute and keep the sentence model's vectors of the starter vocabulary and of what is loaded. Return how many.

    Takes a minute for each 6,000 labels that have no vector yet, outside any transaction. Raises ``ModelMissing`` if
    the model is not installed.
    """
    with database.reading() as session:
        concepts = [*_starter_concepts(kind), *taxonomy.entries(session, kind)]
    return sentence_vectors.make(kind, concepts, progress)


def _made(kind: ConceptKind, concepts: list[EscoConcept]) -> "Finder":
    from matching.words.skills import SkillFinder  # noqa: PLC0415 - scikit-learn takes a second to import
    from matching.words.titles import TitleFinder  # noqa: PLC0415

    model = sentence_vectors.encoder(kind, concepts)
    made = SkillFinder(model=model) if kind is ConceptKind.SKILL else TitleFinder(model)
    return made.fit(concepts)


def _starter_concepts(kind: ConceptKind) -> list[EscoConcept]:
    labels: dict[str, list[str]] = defaultdict(list)
    if kind is ConceptKind.SKILL:
        for label, concept, is_same in _skill_rows():
            if is_same:
                labels[concept].append(label)
    else:
        for label, concept in (*_occupation_rows("title"), *_occupation_rows("said")):
            labels[concept].append(label)
    return [
        EscoConcept(f"{STARTER}{name}", kind, name, tuple(label for label in given if label != name))
        for name, given in sorted(labels.items())
    ]


def source_of(uri: str) -> str:
    """Return the classification that an entry belongs to: starter, esco, or the name of another list."""
    return STARTER.rstrip(":") if uri.startswith(STARTER) else esco.source_of(uri)


def label_of(session: Session, kind: ConceptKind, uri: str) -> str | None:
    """Return the preferred label of an entry; None if there is no such entry."""
    if uri.startswith(STARTER):
        return next((concept.preferred for concept in _starter_concepts(kind) if concept.uri == uri), None)
    return taxonomy.preferred(session, kind, uri)
