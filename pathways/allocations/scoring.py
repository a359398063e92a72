"""Score a whole caseload in batches: read jobseekers, convert them to arrays, score the arrays with a pure function.

The scoring function receives arrays only, so other processes and other machines can run it without a database. Scored
batches can be stored in a folder, so that an interrupted run can continue after the last stored batch.
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

# With at most this many pairs, the assignment considers every eligible pair. With more, it considers only the best
# pairs of each jobseeker and the best pairs of each placement, which makes the result hardly worse. With only the best
# pairs of each jobseeker, a sixth of the result would be lost.
MOST_PAIRS = 4_000_000
CANDIDATES, SIDE_CANDIDATES = 20, 20
AT_ONCE = 2_000
Answer = Mapping[str, NDArray[Any]]
Tell = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Caseload:
    """The jobseekers to place, the open placements, and the facts the policy needs about the jobseekers."""

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
        """Whether the caseload is small enough for the assignment to consider every eligible pair."""
        return len(self.ids) * len(self.day.columns) <= MOST_PAIRS

    def work(self) -> Work:
        ranker, day = self.index_state.ranker(self.on), self.day
        tables = ranker.model.tables.arrays
        return Work(day.columns.arrays, tables, day.arrays, hash_of(ranker.seed), CANDIDATES, SIDE_CANDIDATES)


@dataclass(frozen=True, eq=False)
class Scored:
    """The scored pairs of a caseload, and the number of eligible placements of each jobseeker.

    ``pairs`` are in the order of the caseload's jobseekers and placements. ``open_to`` is the number of eligible
    placements, including those whose pair the assignment does not consider.
    """

    pairs: OpenPairs
    open_to: NDArray[np.int64]


def score_all(jobseekers: JobseekerArrays, work: Work) -> Answer:
    """Return the scores of every eligible pair in a batch."""
    pairs = open_pairs(jobseekers, work)
    counts = np.array([len(rows) for rows, _ in pairs], dtype=np.int64)
    return {
        "eligible": counts,
        "rows": np.concatenate([rows for rows, _ in pairs] or [np.zeros(0, np.intp)]).astype(np.int32),
        "scores": np.concatenate([scores for _, scores in pairs] or [np.zeros(0, np.int32)]),
    }


def score_best(jobseekers: JobseekerArrays, work: Work) -> Answer:
    """Return the scores of the best pairs of each jobseeker and of each placement in a batch."""
    return vars(block(jobseekers, work))


class ScoredPieces:
    """Scored batches stored in a folder.

    The file name is a hash of everything the scores depend on, so an outdated file is never read.
    """

    def __init__(self, folder: Path | None, caseload: Caseload) -> None:
        self.folder = folder
        self.common = b""
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.common = self._shared_inputs(caseload).encode()

    @staticmethod
    def _shared_inputs(caseload: Caseload) -> str:
        """Return a text that changes if an input shared by all batches changes: placements, model, day and so on."""
        day, vocabulary = caseload.day, caseload.index_state.lexicon.vocabulary
        shared = (caseload.work(), day.context, day.numbers, vocabulary, caseload.weighs_all)
        from joblib import hash as hash_of_arrays  # noqa: PLC0415 - a tenth of a second, for every process

        return f"{hash_of_arrays(shared)} {tables.version_of_all()} {version('pathways')}"

    def path(self, session: Session, ids: Sequence[UUID]) -> Path | None:
        if self.folder is None:
            return None
        facts = shortlist_queries.newest_facts(session, ids)
        name = hashlib.sha256(
            self.common + b"".join(jobseeker_id.bytes for jobseeker_id in ids) + repr(facts).encode()
        ).hexdigest()
        return self.folder / f"{name[:32]}.npz"

    @staticmethod
    def load(path: Path | None, ids: Sequence[UUID]) -> Answer | None:
        """Return the stored scores of these jobseekers; None if the file is missing, damaged or of other jobseekers."""
        if path is None or not path.exists():
            return None
        try:
            with path.open("rb") as raw_file, np.load(raw_file, allow_pickle=False) as file:
                stored = dict(file)
        except (OSError, ValueError, BadZipFile):
            return None
        if not np.array_equal(stored.pop("people", None), _people(ids)) or len(stored["eligible"]) != len(ids):
            return None
        return stored

    @staticmethod
    def save(path: Path | None, ids: Sequence[UUID], answer: Answer) -> None:
        if path is not None:
            unfinished = path.with_suffix(f".{os.getpid()}.half")
            unfinished.touch(mode=0o600)
            with unfinished.open("wb") as file:
                np.savez(file, allow_pickle=False, people=_people(ids), **dict(answer))
            unfinished.replace(path)


def _people(ids: Sequence[UUID]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(jobseeker_id.bytes for jobseeker_id in ids), dtype=np.uint8)


def forget(folder: Path | None) -> None:
    """Delete the stored batches in a folder; called after their proposal has been recorded."""
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
    """Score a caseload in batches of ``AT_ONCE`` jobseekers.

    ``run`` may score the batches in several processes. Scored batches are stored in ``folder``, if given. ``tell`` is
    called with the number of jobseekers in each finished batch.
    """
    stored, batches = (
        ScoredPieces(folder, caseload),
        [caseload.ids[n : n + AT_ONCE] for n in range(0, len(caseload.ids), AT_ONCE)],
    )
    with database.reading(actor, newest=True) as session:
        paths = [stored.path(session, batch) for batch in batches]
    # Decided once, before scoring: another run on the same folder must not change which batches ``run`` returns.
    are_stored = [ScoredPieces.load(path, batch) is not None for batch, path in zip(batches, paths, strict=True)]
    todo = [batch for batch, is_stored in zip(batches, are_stored, strict=True) if not is_stored]
    score_batch = score_all if caseload.weighs_all else score_best
    work = caseload.work()
    fresh = iter(run(score_batch, (_read(database, actor, caseload, batch) for batch in todo), work))
    gathered = _CombinedScores(caseload)
    for batch, path, is_stored in zip(batches, paths, are_stored, strict=True):
        if is_stored:
            # None if another run with the same folder has finished and deleted the stored files.
            loaded = ScoredPieces.load(path, batch)
            gathered.add(loaded if loaded is not None else score_batch(_read(database, actor, caseload, batch), work))
        else:
            answer = next(fresh)
            stored.save(path, batch, answer)
            gathered.add(answer)
        if tell is not None:
            tell(len(batch))
    return gathered.whole()


def _read(database: Database, actor: Actor, caseload: Caseload, ids: Sequence[UUID]) -> JobseekerArrays:
    with database.reading(actor, newest=True) as session:
        people = shortlist_queries.people(session, actor, ids)
        by_key = {profile.key: profile for profile, _ in shortlist_queries.profiled(session, people, caseload.on)}
    # A jobseeker whose case has just closed still needs a row here; ``record`` checks again and leaves the case out.
    profiles = [by_key.get(str(key)) or JobseekerProfile(key=str(key)) for key in ids]
    return jobseeker_arrays(profiles, caseload.day.columns, caseload.day.context)


class _CombinedScores:
    """Combines the scores of batches, holding in memory only what the result needs."""

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
    """Return, for each given jobseeker and score, the rank of the score among all the jobseeker's eligible placements.

    Needed if the assignment considered only the best pairs, because its own ranks then count only those pairs.
    """
    ranks: dict[UUID, int] = {}
    work = caseload.work()
    for start in range(0, len(pairs), AT_ONCE):
        batch = pairs[start : start + AT_ONCE]
        arrays = _read(database, actor, caseload, [jobseeker_id for jobseeker_id, _ in batch])
        for (jobseeker_id, score), (_, scores) in zip(batch, open_pairs(arrays, work), strict=True):
            ranks[jobseeker_id] = 1 + int((scores > round(score * MILLION)).sum())
    return ranks
