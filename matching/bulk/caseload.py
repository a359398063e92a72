"""Rank a whole caseload in blocks of jobseekers, in threads, in processes or on several machines.

The result of a block depends only on the arrays passed in, so a block needs no database and can run in another process.
Threads on one machine, joblib's loky processes on its cores and Dask on many machines give identical bytes.
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
    """The inputs that are the same for every block of a caseload.

    Parameters
    ----------
    placements : PlacementArrays
    tables : TableArrays
    day : DayArrays
    seed : int
        The hash of the day's seed, computed by ``hash_of``.
    k : int
        The number of placements in the list of each jobseeker.
    side_k : int
        The number of jobseekers in the list of each placement. With 0, placements have no lists, so a placement that is
        in no jobseeker's list is not matched with anybody.

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
        The number of threads, among which the jobseekers are divided. It does not change the result.

    Returns
    -------
    Best
        The first jobseeker of the block has the number 0.
    """
    count = len(jobseekers.east)
    options: Any = {"k": work.k, "seed": work.seed, "side_k": work.side_k}
    if threads == 1 or count < 2 * threads:
        return passes.best(jobseekers, work.placements, work.tables, work.day, **options)
    cuts = np.linspace(0, count, threads + 1).astype(int).tolist()
    parts = [take(jobseekers, slice(cuts[n], cuts[n + 1])) for n in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        results = pool.map(lambda part: passes.best(part, work.placements, work.tables, work.day, **options), parts)
        return together(results)


def open_pairs(jobseekers: JobseekerArrays, work: Work) -> list[tuple[NDArray[np.intp], NDArray[np.int32]]]:
    """Return every pair that passes all checks, as the input of an allocation of places.

    Parameters
    ----------
    jobseekers : JobseekerArrays
    work : Work

    Returns
    -------
    list of (ndarray, ndarray)
        For each jobseeker, the row numbers of the placements and their scores in millionths.
    """
    pairs = []
    for j in range(len(jobseekers.east)):
        scored = passes.check_and_score(jobseekers, j, work.placements, work.tables, work.day)
        rows = np.flatnonzero(scored.failed == 0)
        pairs.append((rows, scored.scores[rows]))
    return pairs


Answer = TypeVar("Answer")
Score = Callable[[JobseekerArrays, Work], Answer]
Run = Callable[[Score[Answer], Iterable[JobseekerArrays], Work], Iterable[Answer]]


def in_turn(score: Score[Answer], blocks: Iterable[JobseekerArrays], work: Work) -> Iterator[Answer]:
    """Apply a function to blocks, one after another, in this process.

    Parameters
    ----------
    score : callable
        A function without side effects that takes a block and ``work``, for example ``block``.
    blocks : iterable of JobseekerArrays
    work : Work

    Yields
    ------
    object
        The result for each block.
    """
    for part in blocks:
        yield score(part, work)


def in_parallel(jobs: int) -> Run[Any]:
    """Return a function like ``in_turn`` that uses joblib's current backend: loky processes or a Dask cluster.

    Parameters
    ----------
    jobs : int
        The number of workers.

    Returns
    -------
    callable
        It takes the arguments of ``in_turn`` and gives the results in the order of the blocks. A block is built only
        when a worker will soon need it, so the whole caseload is never in memory at once.
    """

    def run(score: Score[Any], blocks: Iterable[JobseekerArrays], work: Work) -> Iterable[Any]:
        from joblib import Parallel, delayed  # noqa: PLC0415 - the service does not need joblib

        parallel = Parallel(n_jobs=jobs, return_as="generator", pre_dispatch="2 * n_jobs", batch_size=1)
        answers: Iterable[Any] = parallel(delayed(score)(part, work) for part in blocks)
        return answers

    return run


def together(parts: Iterable[Best]) -> Best:
    """Join the results of consecutive blocks into the result of one large block.

    Parameters
    ----------
    parts : iterable of Best
        The results of at least one block, in the order of the jobseekers.

    Returns
    -------
    Best
        The first jobseeker of the caseload has the number 0.

    Raises
    ------
    ValueError
        If ``parts`` is empty.
    """
    placements, scores, eligible = [], [], []
    side: Best | None = None
    offset = 0
    for part in parts:
        placements.append(part.placements)
        scores.append(part.scores)
        eligible.append(part.eligible)
        renumbered = moved(part, offset)
        side = renumbered if side is None else best_of(side, renumbered)
        offset += len(part.eligible)
    if side is None:
        raise ValueError("There are no results to join. Pass the result of at least one block.")
    return Best(
        np.concatenate(placements),
        np.concatenate(scores),
        np.concatenate(eligible),
        side.jobseekers,
        side.jobseeker_scores,
        side.jobseeker_lots,
    )


def moved(part: Best, offset: int) -> Best:
    """Renumber the jobseekers of a block's result by their positions in the whole caseload.

    Parameters
    ----------
    part : Best
    offset : int
        The number of jobseekers before the block.

    Returns
    -------
    Best
    """
    people = np.where(part.jobseekers == NOBODY, NOBODY, part.jobseekers + offset).astype(np.int32)
    return Best(part.placements, part.scores, part.eligible, people, part.jobseeker_scores, part.jobseeker_lots)


def best_of(left: Best, right: Best) -> Best:
    """Merge the jobseeker lists of each placement from two results, and take everything else from ``left``.

    Parameters
    ----------
    left, right : Best
        Jobseekers are numbered by their positions in the whole caseload.

    Returns
    -------
    Best
    """
    side_k = left.jobseekers.shape[1]
    if not side_k:
        return left
    people = np.hstack([left.jobseekers, right.jobseekers])
    scores = np.hstack([left.jobseeker_scores, right.jobseeker_scores])
    tie_breaks = np.hstack([left.jobseeker_lots, right.jobseeker_lots])
    first = np.lexsort((people, tie_breaks, -scores.astype(np.int64)), axis=1)[:, :side_k]
    return Best(
        left.placements,
        left.scores,
        left.eligible,
        np.take_along_axis(people, first, axis=1),
        np.take_along_axis(scores, first, axis=1),
        np.take_along_axis(tie_breaks, first, axis=1),
    )
