"""A caseload in blocks, and many people to few places with a certificate."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joblib import parallel_config
from scipy.optimize import linear_sum_assignment

from benchmarks import synthetic
from matching.bulk.bits import NOBODY
from matching.bulk.caseload import Work, block, in_parallel, in_turn, together
from matching.bulk.columns import PlacementColumns, day_arrays, jobseeker_arrays
from matching.bulk.word_tables import WordTables
from matching.places.auction import FREE, Edges, auction
from matching.score.ranker import TwoSidedModel

ARRAYS = ("placements", "scores", "eligible", "jobseekers", "jobseeker_scores", "jobseeker_lots")


@pytest.fixture(scope="module")
def caseload():
    borough = synthetic.make(90, 60, seed=4)
    placements = PlacementColumns.of(borough.placements, WordTables(borough.vocabulary))
    day = day_arrays(borough.context, placements)
    work = Work(placements.arrays, TwoSidedModel.expert().tables.arrays, day, seed=11, k=6, side_k=4)
    people = [
        jobseeker_arrays(borough.jobseekers[start:stop], placements, borough.context)
        for start, stop in ((0, 90), (0, 31), (31, 32), (32, 90))
    ]
    return people[0], people[1:], work


def equal(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in ARRAYS)


def test_blocks_put_together_are_the_whole(caseload):
    whole, blocks, work = caseload
    assert equal(together(in_turn(block, blocks, work)), block(whole, work))
    assert (block(whole, work).jobseekers != NOBODY).any()


@pytest.mark.parametrize("threads", [2, 3, 7])
def test_threads_change_nothing(caseload, threads):
    whole, _, work = caseload
    assert equal(block(whole, work, threads), block(whole, work))


def test_processes_give_the_same_bytes(caseload):
    whole, blocks, work = caseload
    with parallel_config(backend="loky", inner_max_num_threads=1):
        assert equal(together(in_parallel(2)(block, blocks, work)), block(whole, work))


@pytest.mark.filterwarnings("ignore:Sending large graph", "ignore::ResourceWarning", "ignore::DeprecationWarning")
def test_a_cluster_of_two_gives_the_same_bytes(caseload, tmp_path):
    """What many machines run: the same block function, sent to workers by a scheduler."""
    from distributed import Client, LocalCluster

    whole, blocks, work = caseload
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, local_directory=str(tmp_path), processes=True
        ) as cluster,
        Client(cluster),
        parallel_config(backend="dask"),
    ):
        found = together(in_parallel(2)(block, blocks, work))
    alone = block(whole, work)
    for name in ARRAYS:
        assert getattr(found, name).tobytes() == getattr(alone, name).tobytes()


def test_no_block_is_refused(caseload):
    with pytest.raises(ValueError, match="There are no results to join"):
        together([])


def test_a_list_longer_than_what_is_open_ends_in_nobody(caseload):
    whole, _, work = caseload
    found = block(whole, replace(work, k=200, side_k=0))
    kept = (found.placements != NOBODY).sum(axis=1)
    assert np.array_equal(kept, found.eligible)
    assert found.jobseekers.shape == (60, 0)


def edges_of(values, places):
    people, columns = np.nonzero(values)
    begins = np.searchsorted(people, np.arange(len(values) + 1))
    return Edges(
        begins.astype(np.int64),
        columns.astype(np.int32),
        values[people, columns].astype(np.int64),
        np.asarray(places, dtype=np.int32),
    )


@settings(max_examples=60)
@given(st.integers(1, 12), st.integers(1, 8), st.integers(0, 10_000))
def test_an_auction_is_as_good_as_its_certificate_says(people, placements, seed):
    rng = np.random.default_rng(seed)
    values = rng.integers(1, 1_000_000, (people, placements)) * (rng.random((people, placements)) < 0.6)
    places = rng.integers(0, 4, placements)
    found = auction(edges_of(values, places), certify=0.9999)
    columns = np.repeat(np.arange(placements), places)
    best = 0
    if len(columns):
        rows, taken = linear_sum_assignment(values[:, columns], maximize=True)
        best = int(values[rows, columns[taken]].sum())
    assert found.value <= best <= found.bound
    assert found.value >= 0.999 * best
    edges = edges_of(values, places)
    chosen = edges.placements[found.edges[found.edges != FREE]]
    assert (np.bincount(chosen, minlength=placements) <= places).all()
    mine = [edges.begins[i] <= e < edges.begins[i + 1] for i, e in enumerate(found.edges.tolist()) if e != FREE]
    assert all(mine)


def test_an_auction_of_nothing_is_nothing():
    found = auction(Edges(np.zeros(1, dtype=np.int64), *(np.zeros(0, dtype=t) for t in (np.int32, np.int64, np.int32))))
    assert (found.value, found.bound, found.certified) == (0, 0, 1.0)
