"""The optional sentence model in the service: the vectors of all labels, kept in a folder of this deployment.

The model is used by every search for skills and occupations if two things hold: its wheel is installed, and the command
``pathways reference make-vectors`` has computed the vectors of the labels. If either is missing, the shipped token
table is used.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pathways.reference.esco import ConceptKind, EscoConcept

if TYPE_CHECKING:
    from matching.words.kept_vectors import KeptVectors
    from matching.words.sentence import SentenceModel

_folder: list[Path] = []
_load: list[Callable[[], "SentenceModel"]] = []


def use_folder(folder: Path | None, load: "Callable[[], SentenceModel] | None" = None) -> None:
    """Set the folder in which vectors are kept. Called once at start.

    ``load`` loads the model; if None, it is loaded from its installed wheel.
    """
    _folder[:] = [folder] if folder else []
    _load[:] = [load] if load else []
    _model.cache_clear()


def path_of(kind: ConceptKind) -> Path | None:
    """Return the file of vectors of a kind of entry, which need not exist; None if no folder is set."""
    return _folder[0] / f"{kind}.npz" if _folder else None


def stamp(kind: ConceptKind) -> int:
    """Return a number that changes when the vectors are made again: a finder made before it is then made again."""
    path = path_of(kind)
    try:
        return path.stat().st_mtime_ns if path else 0
    except OSError:
        return 0


def encoder(kind: ConceptKind, concepts: Iterable[EscoConcept]) -> "KeptVectors | None":
    """Return the sentence model with kept vectors, if it is installed and knows nearly all labels of the entries."""
    from matching.words.kept_vectors import MOST_MISSING  # noqa: PLC0415 - SciPy takes long to import
    from matching.words.sentence import ModelMissing  # noqa: PLC0415

    if not stamp(kind):
        return None
    try:
        kept = _kept(kind)
    except ModelMissing:
        return None
    return kept if len(kept.missing(labels_of(concepts))) <= MOST_MISSING else None


def make(kind: ConceptKind, concepts: Iterable[EscoConcept], progress: Callable[[int, int], None]) -> int:
    """Compute and keep the vectors of all labels of the entries. Return their number.

    Raises ``ModelMissing`` if the model is not installed.
    """
    labels = set(labels_of(concepts))
    _kept(kind).keep(labels, progress)
    return len(labels)


def labels_of(concepts: Iterable[EscoConcept]) -> list[str]:
    """Return all labels in the form in which finders compare them."""
    return [label.lower() for concept in concepts for label in (concept.preferred, *concept.alternatives)]


@lru_cache(maxsize=1)
def _model() -> "SentenceModel":
    from matching.words.sentence import SentenceModel  # noqa: PLC0415

    return (_load[0] if _load else SentenceModel.installed)()


def _kept(kind: ConceptKind) -> "KeptVectors":
    from matching.words.kept_vectors import KeptVectors  # noqa: PLC0415
    from matching.words.sentence import SHA256  # noqa: PLC0415

    made_by = hashlib.sha256(json.dumps(SHA256, sort_keys=True).encode()).hexdigest()
    path = path_of(kind)
    assert path is not None, "use_folder is called at start"
    return KeptVectors(_model(), path, made_by)
