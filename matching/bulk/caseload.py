"""A whole caseload at once: blocks of jobseekers against the same placements, in threads, processes or machines.

The work on a block is a pure function of arrays. Whoever runs it needs neither a database nor this process: threads on
one machine, joblib's loky over its cores and Dask over many machines give the same bytes.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from matching.bulk import passes
from matching.bulk.bits import NOBODY, Best
from matching.bulk.columns import DayArrays, JobseekerArrays, PlacementArrays, take
from matching.score.tables import TableArrays


@dataclass(frozen=True, eq=False)
class Work:
    """What every block of a caseload shares.

    Parameters
    ----------
    placements : PlacementArrays
    tables : TableArrays
    day : DayArrays
    seed : int
        ``hash_of`` the day's seed.
    k : int
        How many placements of each jobseeker are kept.
    side_k : int
        How many jobseekers of each placement are kept; without the second, a placement that is nobody's first choice
        would have no candidate.

    Examples
    --------
    >>> import dataclasses
    >>> [field.name for field in dataclasses.fields(Work)][-2:]
    ['k', 'side_k']
    """

    placements: PlacementArrays
    tables: TableArrays
    day: DayArrays
    seed: int
    k: int = 20
    side_k: int = 0


def block(jobseekers: JobseekerArrays, work: Work, threads: int = 1) -> Best:
    """Rank one block of jobseekers.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    work : Work
    threads : int
        Each takes some of the jobseekers; the answer does not depend on how many there are.

    Returns
    -------
    Best
        With numbers of rows within the block.
    """
    count = len(jobseekers.east)
    asked: Any = {"k": work.k, "seed": work.seed, "side_k": work.side_k}
    if threads == 1 or count < 2 * threads:
        return passes.best(jobseekers, work.placements, work.tables, work.day, **asked)
    cuts = np.linspace(0, count, threads + 1).astype(int).tolist()
    parts = [take(jobseekers, slice(cuts[n], cuts[n + 1])) for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        found = pool.map(lambda part: passes.best(part, work.placements, work.tables, work.day, **asked), parts)
        return together(found)


def open_pairs(jobseekers: JobseekerArrays, work: Work) -> list[tuple[NDArray[np.intp], NDArray[np.int32]]]:
    """Return every pair of some jobseekers that no check refuses, for an assignment that weighs them all.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    work : Work

    Returns
    -------
    list of (ndarray, ndarray)
        For each jobseeker, the rows of the placements' columns and the scores in millionths.
    """
    found = []
    for j in range(len(jobseekers.east)):
        failed, scores = passes.check_and_score(jobseekers, j, work.placements, work.tables, work.day)
        kept = np.flatnonzero(failed == 0)
        found.append((kept, scores[kept]))
    return found


Answer = TypeVar("Answer")
Score = Callable[[JobseekerArrays, Work], Answer]
Run = Callable[[Score[Answer], Iterable[JobseekerArrays], Work], Iterable[Answer]]


def in_turn(score: Score[Answer], blocks: Iterable[JobseekerArrays], work: Work) -> Iterator[Answer]:
    """Do the same with blocks one after another in this process.

    Parameters
    ----------
    score : callable
        A pure function of a block and the work, ``block`` for one.
    blocks : iterable of JobseekerArrays
    work : Work

    Yields
    ------
    object
        The answer for each block.
    """
    for one in blocks:
        yield score(one, work)


def in_parallel(jobs: int) -> Run[Any]:
    """Return what does the same with blocks by joblib's current backend: loky's processes, or a Dask cluster.

    Parameters
    ----------
    jobs : int

    Returns
    -------
    callable
        As ``in_turn``, with the answers in the order of the blocks; blocks are made as workers ask for them, so that a
        caseload of any size is never in memory as a whole.
    """

    def run(score: Score[Any], blocks: Iterable[JobseekerArrays], work: Work) -> Iterable[Any]:
        from joblib import Parallel, delayed  # noqa: PLC0415 - the service itself does without

        parallel = Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2 * n_jobs", batch_size=1)
        answers: Iterable[Any] = parallel(delayed(score)(one, work) for one in blocks)
        return answers

    return run


def together(parts: Iterable[Best]) -> Best:
    """Put the answers of neighbouring blocks together, as if they had been one.

    Parameters
    ----------
    parts : iterable of Best
        In the order of their jobseekers, at least one.

    Returns
    -------
    Best
        With numbers of rows in the whole.
    """
    placements, scores, eligible = [], [], []
    side: Best | None = None
    offset = 0
    for part in parts:
        placements.append(part.placements)
        scores.append(part.scores)
        eligible.append(part.eligible)
        fresh = moved(part, offset)
        side = fresh if side is None else best_of(side, fresh)
        offset += len(part.eligible)
    if side is None:
        raise ValueError("There is no block.")
    return Best(
        np.concatenate(placements),
        np.concatenate(scores),
        np.concatenate(eligible),
        side.jobseekers,
        side.jobseeker_scores,
        side.jobseeker_lots,
    )


def moved(part: Best, offset: int) -> Best:
    """Return a block's answer with its jobseekers numbered as those of the whole.

    Parameters
    ----------
    part : Best
    offset : int
        How many jobseekers came before the block.

    Returns
    -------
    Best
    """
    people = np.where(part.jobseekers == NOBODY, NOBODY, part.jobseekers + offset).astype(np.int32)
    return Best(part.placements, part.scores, part.eligible, people, part.jobseeker_scores, part.jobseeker_lots)


def best_of(one: Best, other: Best) -> Best:
    """Return the better jobseekers of each placement's two lists; everything else is the first one's.

    Parameters
    ----------
    one, other : Best
        With jobseekers numbered as those of the whole.

    Returns
    -------
    Best
    """
    side_k = one.jobseekers.shape[1]
    if not side_k:
        return one
    people = np.hstack([one.jobseekers, other.jobseekers])
    scores = np.hstack([one.jobseeker_scores, other.jobseeker_scores])
    lots = np.hstack([one.jobseeker_lots, other.jobseeker_lots])
    first = np.lexsort((people, lots, -scores.astype(np.int64)), axis=1)[:, :side_k]
    return Best(
        one.placements,
        one.scores,
        one.eligible,
        np.take_along_axis(people, first, axis=1),
        np.take_along_axis(scores, first, axis=1),
        np.take_along_axis(lots, first, axis=1),
    )
