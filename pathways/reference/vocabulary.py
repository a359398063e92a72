"""Vocabularies for matching/: the starter vocabulary, ESCO if loaded, cues of experience, and finders of entries."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import lru_cache
from threading import Lock
from typing import TYPE_CHECKING

from matching.pairs.experience import Cue, Drawn, Experience, ExperienceKind, skills_of
from matching.pairs.text import Vocabulary
from pathways.database import Session
from pathways.reference import tables, taxonomy
from pathways.reference.esco import ConceptKind, EscoConcept

if TYPE_CHECKING:
    from matching.words.skills import SkillFinder
    from matching.words.titles import TitleFinder

STARTER = "starter:"


@lru_cache
def starter() -> Vocabulary:
    return Vocabulary(skills=_skill_rows(), occupations=_occupation_rows())


def _skill_rows() -> tuple[tuple[str, str, bool], ...]:
    return tuple((row["label"], row["concept"], row["relation"] == "same") for row in tables.rows("skills"))


def _occupation_rows() -> tuple[tuple[str, str], ...]:
    return tuple((row["label"], row["concept"]) for row in tables.rows("occupations"))


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
            made = Vocabulary(
                skills=(*_skill_rows(), *((label, uri, True) for label, uri in known.skills)),
                occupations=(*_occupation_rows(), *known.occupations),
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
_finders: dict[ConceptKind, tuple[object, "SkillFinder | TitleFinder"]] = {}
_learning = Lock()


def finder(session: Session, kind: ConceptKind) -> "SkillFinder | TitleFinder":
    """Return the object that finds entries for a text, in ESCO if it is loaded, else in the starter vocabulary."""
    state = taxonomy.version(session, kind) if taxonomy.is_loaded(session, kind) else STARTER
    cached = _finders.get(kind)
    if cached is not None and cached[0] == state:
        return cached[1]
    with _learning:
        cached = _finders.get(kind)  # another thread may have fitted it meanwhile
        if cached is not None and cached[0] == state:
            return cached[1]
        concepts = _starter_concepts(kind) if state == STARTER else list(taxonomy.entries(session, kind))
        made = _made(kind, concepts)
        _finders[kind] = (state, made)
        return made


def _made(kind: ConceptKind, concepts: list[EscoConcept]) -> "SkillFinder | TitleFinder":
    from matching.words.skills import SkillFinder  # noqa: PLC0415 - scikit-learn takes a second to import
    from matching.words.titles import TitleFinder  # noqa: PLC0415

    return SkillFinder().fit(concepts) if kind is ConceptKind.SKILL else TitleFinder().fit(concepts)


def _starter_concepts(kind: ConceptKind) -> list[EscoConcept]:
    labels: dict[str, list[str]] = defaultdict(list)
    if kind is ConceptKind.SKILL:
        for label, concept, is_same in _skill_rows():
            if is_same:
                labels[concept].append(label)
    else:
        for label, concept in _occupation_rows():
            labels[concept].append(label)
    return [
        EscoConcept(f"{STARTER}{name}", kind, name, tuple(label for label in given if label != name))
        for name, given in sorted(labels.items())
    ]


def label_of(session: Session, kind: ConceptKind, uri: str) -> str | None:
    """Return the preferred label of an entry; None if there is no such entry."""
    if uri.startswith(STARTER):
        return next((concept.preferred for concept in _starter_concepts(kind) if concept.uri == uri), None)
    return taxonomy.preferred(session, kind, uri)
