"""Scoring a whole caseload piece by piece: people are read, turned into columns, scored by a pure function, forgotten.

What scores is handed arrays only, so that other processes and other machines do it without a database. What has been
scored can be kept in a folder: whoever is stopped half-way goes on from there.
"""

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any
from uuid import UUID
from zipfile import BadZipFile

import joblib
import numpy as np
from numpy.typing import NDArray

from matching.bulk.bits import NOBODY, Best
from matching.bulk.caseload import Run, Work, best_of, block, in_turn, moved, open_pairs
from matching.bulk.columns import JobseekerArrays, jobseeker_arrays
from matching.pairs.grades import hash_of
from matching.pairs.profiles import JobseekerProfile
from matching.places.problem import OpenPairs, Policy
from matching.score.tables import MILLION
from pathways.base import Actor
from pathways.database import Database, Session
from pathways.reference import tables
from pathways.shortlists import queries as shortlist_queries
from pathways.shortlists.index import Day, IndexState

# Up to so many pairs every open one is weighed; beyond, the best of each jobseeker and the best of each placement,
# which together lose next to nothing (each jobseeker's own alone would lose a sixth).
MOST_PAIRS = 4_000_000
CANDIDATES, SIDE_CANDIDATES = 20, 20
AT_ONCE = 2_000
Answer = Mapping[str, NDArray[Any]]
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Caseload:
    """Who is to be placed, what is open, and what the policy needs to know of them."""

    on: date
    ids: Sequence[UUID]
    index_state: IndexState
    policy: Policy
    need: Mapping[str, list[str]]
    before: Mapping[str, str]

    @property
    def day(self) -> Day:
        return self.index_state.on(self.on)

    @property
    def weighs_all(self) -> bool:
        return len(self.ids) * len(self.day.columns) <= MOST_PAIRS

    def work(self) -> Work:
        ranker, day = self.index_state.ranker(self.on), self.day
        tables = ranker.model.tables.arrays
        return Work(day.columns.arrays, tables, day.arrays, hash_of(ranker.seed), CANDIDATES, SIDE_CANDIDATES)


@dataclass(frozen=True, eq=False)
class Scored:
    """What a caseload could take: ``pairs`` in the order of its people and placements; ``open_to`` counts them all."""

    pairs: OpenPairs
    open_to: NDArray[np.int64]


def score_all(jobseekers: JobseekerArrays, work: Work) -> Answer:
    """Return every open pair of a piece."""
    found = open_pairs(jobseekers, work)
    counts = np.array([len(rows) for rows, _ in found], dtype=np.int64)
    return {
        "eligible": counts,
        "rows": np.concatenate([rows for rows, _ in found] or [np.zeros(0, np.intp)]).astype(np.int32),
        "scores": np.concatenate([scores for _, scores in found] or [np.zeros(0, np.int32)]),
    }


def score_best(jobseekers: JobseekerArrays, work: Work) -> Answer:
    """Return the best pairs of a piece, from both sides."""
    return vars(block(jobseekers, work))


class ScoredPieces:
    """Pieces that were scored before, in a folder; each under a name that changes with whatever it was scored from."""

    def __init__(self, folder: Path | None, caseload: Caseload) -> None:
        self.folder = folder
        self.common = b""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.common = self._told(caseload).encode()

    @staticmethod
    def _told(caseload: Caseload) -> str:
        """Return what changes with anything that every piece is scored from: listings, model, day, words, tables."""
        day, vocabulary = caseload.day, caseload.index_state.lexicon.vocabulary
        shared = (caseload.work(), day.context, day.numbers, vocabulary, caseload.weighs_all)
        return f"{joblib.hash(shared)} {tables.version_of_all()} {version('pathways')}"

    def path(self, session: Session, ids: Sequence[UUID]) -> Path | None:
        if self.folder is None:
            return None
        read = shortlist_queries.newest_facts(session, ids)
        name = hashlib.sha256(self.common + b"".join(one.bytes for one in ids) + repr(read).encode()).hexdigest()
        return self.folder / f"{name[:32]}.npz"

    @staticmethod
    def load(path: Path | None, ids: Sequence[UUID]) -> Answer | None:
        """Return what was kept of just these people; nothing where it is not there, or of others, or cut short."""
        if path is None or not path.exists():
            return None
        try:
            with path.open("rb") as raw, np.load(raw, allow_pickle=False) as file:
                told = dict(file)
        except (OSError, ValueError, BadZipFile):
            return None
        if not np.array_equal(told.pop("people", None), _people(ids)) or len(told["eligible"]) != len(ids):
            return None
        return told

    @staticmethod
    def save(path: Path | None, ids: Sequence[UUID], answer: Answer) -> None:
        if path is not None:
            half = path.with_suffix(f".{os.getpid()}.half")
            half.touch(mode=0o600)
            with half.open("wb") as file:
                np.savez(file, allow_pickle=False, people=_people(ids), **dict(answer))
            half.replace(path)


def _people(ids: Sequence[UUID]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(one.bytes for one in ids), dtype=np.uint8)


def forget(folder: Path | None) -> None:
    """Forget what was kept: the proposal it was for is recorded."""
    if folder is not None:
        for path in (*folder.glob("*.npz"), *folder.glob("*.half")):
            path.unlink()


def score(
    database: Database,
    actor: Actor,
    caseload: Caseload,
    *,
    run: Run[Answer] = in_turn,
    folder: Path | None = None,
    tell: Tell | None = None,
) -> Scored:
    """Score a caseload; ``run`` may do so in several processes, ``folder`` keeps what is done, ``tell`` hears of it."""
    kept, pieces = (
        ScoredPieces(folder, caseload),
        [caseload.ids[n : n + AT_ONCE] for n in range(0, len(caseload.ids), AT_ONCE)],
    )
    with database.reading(actor, newest=True) as session:
        paths = [kept.path(session, piece) for piece in pieces]
    # Decided once and for all: another run on the same folder must not change whose answer comes next.
    are_kept = [ScoredPieces.load(path, piece) is not None for piece, path in zip(pieces, paths, strict=True)]
    todo = [piece for piece, is_kept in zip(pieces, are_kept, strict=True) if not is_kept]
    how = score_all if caseload.weighs_all else score_best
    work = caseload.work()
    fresh = iter(run(how, (_read(database, actor, caseload, piece) for piece in todo), work))
    gathered = _Gathering(caseload)
    for piece, path, is_kept in zip(pieces, paths, are_kept, strict=True):
        if is_kept:
            known = ScoredPieces.load(path, piece)  # gone meanwhile, where another run ended and cleared up
            gathered.add(known if known is not None else how(_read(database, actor, caseload, piece), work))
        else:
            answer = next(fresh)
            kept.save(path, piece, answer)
            gathered.add(answer)
        if tell is not None:
            tell(len(piece))
    return gathered.whole()


def _read(database: Database, actor: Actor, caseload: Caseload, ids: Sequence[UUID]) -> JobseekerArrays:
    with database.reading(actor, newest=True) as session:
        people = shortlist_queries.people(session, actor, ids)
        profiled = {one.key: one for one, _ in shortlist_queries.profiled(session, people, caseload.on)}
    # Somebody whose case closed a moment ago keeps their row; the record looks again and leaves them out.
    told = [profiled.get(str(one)) or JobseekerProfile(key=str(one)) for one in ids]
    return jobseeker_arrays(told, caseload.day.columns, caseload.day.context)


class _Gathering:
    """Puts the answers of pieces together, holding no more of each than what is kept in the end."""

    def __init__(self, caseload: Caseload) -> None:
        self.caseload = caseload
        self.parts: list[Answer] = []
        self.side: Best | None = None
        self.count = 0

    def add(self, answer: Answer) -> None:
        if self.caseload.weighs_all:
            self.parts.append(answer)
            return
        best = Best(**answer)
        self.parts.append({name: answer[name] for name in ("placements", "scores", "eligible")})
        fresh = moved(best, self.count)
        self.side = fresh if self.side is None else best_of(self.side, fresh)
        self.count += len(best.eligible)

    def whole(self) -> Scored:
        order, n, m = self.caseload.day.columns.order, len(self.caseload.ids), len(self.caseload.day.columns)
        eligible = np.concatenate([part["eligible"] for part in self.parts] or [np.zeros(0, np.int64)]).astype(np.int64)
        if not self.parts:
            return Scored(OpenPairs(np.zeros(1, np.int64), np.zeros(0, np.int32), np.zeros(0)), eligible)
        if self.caseload.weighs_all:
            people = np.repeat(np.arange(n), eligible)
            rows, scores = (np.concatenate([part[name] for part in self.parts]) for name in ("rows", "scores"))
        else:
            placements = np.concatenate([part["placements"] for part in self.parts])
            at, _ = listed = np.nonzero(placements != NOBODY)
            people, rows = at, placements[listed]
            scores = np.concatenate([part["scores"] for part in self.parts])[listed]
            if self.side is not None:
                row, _ = listed = np.nonzero(self.side.jobseekers != NOBODY)
                people = np.concatenate([people, self.side.jobseekers[listed]])
                rows, scores = np.concatenate([rows, row]), np.concatenate([scores, self.side.jobseeker_scores[listed]])
        keys, first = np.unique(people.astype(np.int64) * m + order[rows], return_index=True)
        begins = np.searchsorted(keys, np.arange(n + 1, dtype=np.int64) * m)
        return Scored(OpenPairs(begins, (keys % m).astype(np.int32), scores[first] / MILLION), eligible)


def true_ranks(
    database: Database, actor: Actor, caseload: Caseload, pairs: Sequence[tuple[UUID, float]]
) -> dict[UUID, int]:
    """Return where a score stands on each one's whole list, where only the best of it was weighed."""
    found: dict[UUID, int] = {}
    work = caseload.work()
    for start in range(0, len(pairs), AT_ONCE):
        piece = pairs[start : start + AT_ONCE]
        arrays = _read(database, actor, caseload, [one for one, _ in piece])
        for (jobseeker_id, score), (_, scores) in zip(piece, open_pairs(arrays, work), strict=True):
            found[jobseeker_id] = 1 + int((scores > round(score * MILLION)).sum())
    return found
