"""The taxonomy in the database: loads ESCO files, and reads what a ranking needs."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from math import log
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import Select, delete, func, insert, select, update
from uuid_utils.compat import uuid7

from pathways.database import Session, WriteSession
from pathways.errors import RuleBroken
from pathways.reference import esco, plain_list
from pathways.reference.esco import ConceptKind, RelationKind
from pathways.reference.models import ConceptEntry, ConceptLabel, ConceptRelation

AT_ONCE = 2000
LONGEST_LABEL = 500
# How much a related skill counts (0 to 1): a broader skill, a skill used together, a skill in the same group.
BROADER, USED_WITH, SIBLING = 0.7, 0.6, 0.5
# The command that loads each kind of entry: skill groups are loaded with skills.
OF_LOAD = {
    ConceptKind.SKILL: ConceptKind.SKILL,
    ConceptKind.SKILL_GROUP: ConceptKind.SKILL,
    ConceptKind.OCCUPATION: ConceptKind.OCCUPATION,
}
MOST_SIBLINGS = 40  # in a larger group, two skills have little to do with each other

Item = TypeVar("Item")
Normalise = Callable[[str], str]


@dataclass
class Loaded:
    """What a load stored: the number of concepts, labels and relations."""

    concepts: int = 0
    labels: int = 0
    relations: int = 0
    unknown: int = 0  # relations that name a concept that is not loaded


def _pieces(items: Iterable[Item], size: int = AT_ONCE) -> Iterator[list[Item]]:
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece


def load(session: WriteSession, files: Sequence[Path], wanted: ConceptKind, normalise: Normalise) -> Loaded:
    """Load downloaded ESCO CSV files, concepts first, then relations. Replace entries loaded before.

    Runs in the caller's transaction, so a file with an error changes nothing.
    """
    loaded = Loaded()
    kinds = {path: esco.kind_of(path) for path in files}
    for path, kind in kinds.items():
        if kind in esco.CONCEPTS:
            if OF_LOAD[esco.CONCEPTS[kind]] is not wanted:
                raise RuleBroken(
                    f"{path.name} holds {kind}. Load it with: pathways reference load-{OF_LOAD[esco.CONCEPTS[kind]]}s"
                )
            _load_concepts(session, esco.concepts(path), esco.CONCEPTS[kind], normalise, loaded)
    ids = {row.uri: row.id for row in session.execute(select(ConceptEntry.uri, ConceptEntry.id))}
    if not ids:
        raise RuleBroken("No skills or occupations are loaded yet. Load a file of skills or occupations first.")
    for path, kind in kinds.items():
        if kind not in esco.CONCEPTS:
            before = loaded.relations
            _clear_relations(session, kind)
            _load_relations(session, esco.relations(path), ids, loaded)
            if loaded.relations == before:
                raise RuleBroken(f"{path.name} links skills or occupations that are not loaded. Load them first.")
    return loaded


def load_list(session: WriteSession, path: Path, kind: ConceptKind, name: str, normalise: Normalise) -> Loaded:
    """Load a plain CSV of another classification under its own name. Replace the entries of that name loaded before.

    Runs in the caller's transaction, so a file with an error changes nothing.
    """
    loaded = Loaded()
    _load_concepts(session, plain_list.concepts(path, kind, name), kind, normalise, loaded, source=name.strip())
    return loaded


# For each file of relations: the kind of its first concept, and its kinds of relations. Loading such a file again
# deletes these relations first.
FIRST_END = {
    esco.EscoFileKind.OCCUPATION_SKILLS: (ConceptKind.OCCUPATION, (RelationKind.ESSENTIAL, RelationKind.OPTIONAL)),
    esco.EscoFileKind.SKILL_SKILLS: (ConceptKind.SKILL, (RelationKind.ESSENTIAL, RelationKind.OPTIONAL)),
    esco.EscoFileKind.BROADER_SKILLS: (None, (RelationKind.BROADER,)),
}


def _clear_relations(session: WriteSession, kind: esco.EscoFileKind) -> None:
    first, kinds = FIRST_END[kind]
    statement = delete(ConceptRelation).where(ConceptRelation.kind.in_(kinds))
    if first is not None:
        of_first = select(ConceptEntry.id).where(ConceptEntry.kind == first)
        statement = statement.where(ConceptRelation.from_id.in_(of_first))
    session.execute(statement)


def _forget(session: WriteSession, ids: Sequence[UUID]) -> None:
    """Delete entries that a newer release no longer has. Words confirmed for jobseekers remain."""
    for piece in _pieces(ids, 500):
        session.execute(
            delete(ConceptRelation).where(ConceptRelation.from_id.in_(piece) | ConceptRelation.to_id.in_(piece))
        )
        session.execute(delete(ConceptLabel).where(ConceptLabel.concept_id.in_(piece)))
        session.execute(delete(ConceptEntry).where(ConceptEntry.id.in_(piece)))


def _load_concepts(
    session: WriteSession,
    concepts: Iterable[esco.EscoConcept],
    kind: ConceptKind,
    normalise: Normalise,
    loaded: Loaded,
    source: str = esco.ESCO,
) -> None:
    rows = session.execute(select(ConceptEntry.uri, ConceptEntry.id).where(ConceptEntry.kind == kind))
    known = {row.uri: row.id for row in rows if esco.source_of(row.uri) == source}
    gone = dict(known)
    for piece in _pieces(concepts):
        fresh: list[dict[str, Any]] = []
        changed: list[dict[str, Any]] = []
        labels: list[dict[str, Any]] = []
        for concept in piece:
            gone.pop(concept.uri, None)
            concept_id = known.get(concept.uri) or uuid7()
            columns = {
                "id": concept_id,
                "uri": concept.uri,
                "kind": concept.kind,
                "preferred": concept.preferred[:LONGEST_LABEL],
                "description": concept.description or None,
                "code": concept.code or None,
                "reuse_level": concept.reuse_level or None,
            }
            (changed if concept.uri in known else fresh).append(columns)
            texts = dict.fromkeys(label[:LONGEST_LABEL] for label in (concept.preferred, *concept.alternatives))
            labels += [
                {"id": uuid7(), "concept_id": concept_id, "label": label, "key": normalise(label)} for label in texts
            ]
        if changed:
            session.execute(update(ConceptEntry), changed)
            for ids in _pieces([columns["id"] for columns in changed], 500):
                session.execute(delete(ConceptLabel).where(ConceptLabel.concept_id.in_(ids)))
        if fresh:
            session.execute(insert(ConceptEntry), fresh)
        if labels:
            session.execute(insert(ConceptLabel), labels)
        loaded.concepts += len(piece)
        loaded.labels += len(labels)
    _forget(session, list(gone.values()))


def _load_relations(
    session: WriteSession, relations: Iterable[esco.EscoRelation], ids: dict[str, UUID], loaded: Loaded
) -> None:
    known = {
        (row.from_id, row.to_id, row.kind)
        for row in session.execute(select(ConceptRelation.from_id, ConceptRelation.to_id, ConceptRelation.kind))
    }
    for piece in _pieces(relations):
        rows = []
        for relation in piece:
            origin, target = ids.get(relation.from_uri), ids.get(relation.to_uri)
            if origin is None or target is None:
                loaded.unknown += 1
                continue
            if (origin, target, relation.kind) not in known:
                known.add((origin, target, relation.kind))
                rows.append({"id": uuid7(), "from_id": origin, "to_id": target, "kind": relation.kind})
        if rows:
            session.execute(insert(ConceptRelation), rows)
        loaded.relations += len(rows)


@dataclass(frozen=True)
class TaxonomyWords:
    """The taxonomy as a vocabulary: label and URI of each entry, relatedness of two skills, importance of a skill."""

    skills: list[tuple[str, str]] = field(default_factory=list)
    occupations: list[tuple[str, str]] = field(default_factory=list)
    near: dict[tuple[str, str], float] = field(default_factory=dict)
    importance: dict[str, float] = field(default_factory=dict)


def is_loaded(session: Session, kind: ConceptKind) -> bool:
    return session.scalars(select(ConceptEntry.id).where(ConceptEntry.kind == kind).limit(1)).first() is not None


def sources(session: Session, kind: ConceptKind) -> list[str]:
    """Return the names of the loaded classifications of a kind, in alphabetical order."""
    uris = session.scalars(select(ConceptEntry.uri).where(ConceptEntry.kind == kind))
    return sorted({esco.source_of(uri) for uri in uris})


def preferred(session: Session, kind: ConceptKind, uri: str) -> str | None:
    return session.scalars(
        select(ConceptEntry.preferred).where(ConceptEntry.kind == kind, ConceptEntry.uri == uri)
    ).one_or_none()


def version(session: Session, kind: ConceptKind) -> tuple[int, str]:
    """Return a value that changes with the taxonomy: the number of labels, and the id of the newest label."""
    labels = (
        select(ConceptLabel.id)
        .join(ConceptEntry, ConceptEntry.id == ConceptLabel.concept_id)
        .where(ConceptEntry.kind == kind)
    )
    count = session.scalars(select(func.count()).select_from(labels.subquery())).one()
    return count, str(session.scalars(labels.order_by(ConceptLabel.id.desc()).limit(1)).first())


def entries(session: Session, kind: ConceptKind) -> Iterator[esco.EscoConcept]:
    """Yield the concepts of a kind with their labels. A finder is trained on them."""
    labels: dict[UUID, list[str]] = defaultdict(list)
    for row in session.execute(
        select(ConceptLabel.concept_id, ConceptLabel.label)
        .join(ConceptEntry, ConceptEntry.id == ConceptLabel.concept_id)
        .where(ConceptEntry.kind == kind)
    ):
        labels[row.concept_id].append(row.label)
    for concept in session.execute(
        select(ConceptEntry.id, ConceptEntry.uri, ConceptEntry.preferred, ConceptEntry.description).where(
            ConceptEntry.kind == kind
        )
    ):
        others = tuple(sorted(label for label in labels[concept.id] if label != concept.preferred))
        yield esco.EscoConcept(concept.uri, kind, concept.preferred, others, concept.description or "")


def stamp() -> Select[Any, Any]:
    """Return a query for the ids of the newest label and the newest relation. They change when a taxonomy is loaded."""
    newest: Select[Any, Any] = select(
        select(ConceptLabel.id).order_by(ConceptLabel.id.desc()).limit(1).scalar_subquery().label("newest_label"),
        select(ConceptRelation.id)
        .order_by(ConceptRelation.id.desc())
        .limit(1)
        .scalar_subquery()
        .label("newest_relation"),
    )
    return newest


def taxonomy_words(session: Session) -> TaxonomyWords:
    """Return the vocabulary of the loaded taxonomy; empty if none is loaded."""
    labels = session.execute(
        select(ConceptLabel.label, ConceptEntry.id, ConceptEntry.uri, ConceptEntry.kind)
        .join(ConceptEntry, ConceptEntry.id == ConceptLabel.concept_id)
        .where(ConceptEntry.kind.in_((ConceptKind.SKILL, ConceptKind.OCCUPATION)))
        .order_by(ConceptLabel.id)
    ).all()
    of_skills = {row.id: row.uri for row in labels if row.kind is ConceptKind.SKILL}
    if not labels:
        return TaxonomyWords()
    return TaxonomyWords(
        skills=[(row.label, row.uri) for row in labels if row.kind is ConceptKind.SKILL],
        occupations=[(row.label, row.uri) for row in labels if row.kind is ConceptKind.OCCUPATION],
        near=_near(session, of_skills),
        importance=_importance(session, of_skills),
    )


def _near(session: Session, uris: dict[UUID, str]) -> dict[tuple[str, str], float]:
    """Return the relatedness (0 to 1) of two skills: one is broader, they are used together, or they share a group."""
    near: dict[tuple[str, str], float] = {}
    above: dict[UUID, list[UUID]] = defaultdict(list)
    for piece in _pieces(sorted(uris), AT_ONCE):
        for row in session.execute(
            select(ConceptRelation.from_id, ConceptRelation.to_id, ConceptRelation.kind).where(
                ConceptRelation.from_id.in_(piece)
            )
        ):
            if row.kind is RelationKind.BROADER:
                above[row.to_id].append(row.from_id)
            if row.to_id in uris:
                credit = BROADER if row.kind is RelationKind.BROADER else USED_WITH
                _credit(near, uris[row.from_id], uris[row.to_id], credit)
    for siblings in above.values():
        if len(siblings) <= MOST_SIBLINGS:
            for first in siblings:
                for second in siblings:
                    if first != second:
                        _credit(near, uris[first], uris[second], SIBLING)
    return near


def _credit(near: dict[tuple[str, str], float], first: str, second: str, credit: float) -> None:
    near[first, second] = near[second, first] = max(near.get((first, second), 0.0), credit)


def _importance(session: Session, uris: dict[UUID, str]) -> dict[str, float]:
    """Return the importance (0.5 to 1.5) by skill URI. The fewer concepts need a skill, the more important it is."""
    occupations = session.scalars(
        select(func.count()).select_from(ConceptEntry).where(ConceptEntry.kind == ConceptKind.OCCUPATION)
    ).one()
    if not occupations:
        return {}
    importance: dict[str, float] = {}
    for piece in _pieces(sorted(uris), AT_ONCE):
        rows = session.execute(
            select(ConceptRelation.to_id, func.count())
            .where(ConceptRelation.to_id.in_(piece), ConceptRelation.kind == RelationKind.ESSENTIAL)
            .group_by(ConceptRelation.to_id)
        )
        for concept_id, count in rows:
            importance[uris[concept_id]] = 0.5 + log((occupations + 1) / (count + 1)) / log(occupations + 1)
    return importance
