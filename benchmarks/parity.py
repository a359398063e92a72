"""NDCG at equal terms: our boosted tables with pairs against LightGBM, on a truth that neither can see as a formula.

The truth is drawn by the seed: for each feature a curve of its own, some pairs and two triples of features that act
together beyond thresholds of their own, and noise. A feature that is not known has some value all the same, which no
ranker sees. The grades 0 to 4 cut what comes out where half, three quarters, nine tenths and 97 % of pairs lie below.
Both learn from the same pairs of the same people and are judged on others, with settings that were chosen on yet other
people and other truths: rate, leaves and number of pairs for ours, the rate for LightGBM's 300 trees of 31 leaves. Ours
are judged as whole-number tables: the very ones that the compiled pass reads when it is timed. Each strength of the
interactions has truths of its own: mild ones, of which pairs make about as much as in the published comparisons, a
hundredth of NDCG, and strong ones, which outweigh what each feature does alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from lightgbm import LGBMRanker
from numpy.random import Generator
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it carries no types

from benchmarks.served_stage import HELD_OUT_FROM, LEARNT_FROM, K, ServedStage, candidates, timed
from matching.learning import evaluation
from matching.learning.boosting import BoostedTables
from matching.pairs.features import Feature, ModelSide
from matching.pairs.grades import STEPS, UNKNOWN, Codes
from matching.score.priors import NEUTRAL
from matching.score.side_models import Floats, SideModel, Tables
from matching.score.tables import FEATURES, ScoreTables, TableArrays

LEARNT, HELD_OUT = 1000, 600  # people
MOST_PAIRS = 200  # of one person, drawn: what all of a city's pairs add is time
CUTS = (50, 75, 90, 97)
NOISE = 0.25  # of the spread of the truth
TOLERATED = 0.002
PAIRS = 20  # of 66
STRENGTHS = {"mild": 0.4, "strong": 1.2}  # the spread of an interaction's weight; a feature's own is .3 to 1.5
TRUTHS = 3


@dataclass(frozen=True, eq=False)
class CandidateLists:
    """Some people's candidates, one list after another: grades of the features, and what is true of each pair."""

    codes: Codes
    sizes: NDArray[np.int64]
    truth: Floats
    relevance: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class UtilityTruth:
    """A utility with curves, pairs and triples; ``bends`` and ``steps`` give each feature its curve."""

    weights: Floats
    bends: Floats
    steps: Floats
    together: list[tuple[tuple[int, ...], float]]

    @classmethod
    def drawn(cls, rng: Generator, strength: float) -> "UtilityTruth":
        count = len(FEATURES)
        groups = [*([2] * 8), *([3] * 2)]
        return cls(
            rng.uniform(0.3, 1.5, count),
            rng.choice([0.4, 1.0, 2.5], count),
            rng.uniform(0.2, 0.8, count),
            [
                (tuple(rng.choice(count, size, replace=False).tolist()), float(rng.normal(0, strength)))
                for size in groups
            ],
        )

    def of(self, X: Floats) -> Floats:
        beyond = 1 / (1 + np.exp((self.steps - X) * 12))
        curved = np.where(self.bends == 1.0, beyond, X**self.bends)
        total = curved @ self.weights
        for features, weight in self.together:
            total = total + weight * beyond[:, features].prod(axis=1)
        return np.asarray(total)


class AllFeatures(SideModel):
    """One side that reads every feature, so that one table of scores holds the whole of a learner."""

    @property
    def features(self) -> tuple[Feature, ...]:
        return FEATURES


def lists_of(stage: ServedStage, count: int, first: int, truth: UtilityTruth, rng: Generator) -> CandidateLists:
    people, codes = stage.people(count, first), []
    for j in range(count):
        found = candidates(stage, people, j)
        if len(found) > 1:
            codes.append(found[np.sort(rng.permutation(len(found))[:MOST_PAIRS])])
    stacked = np.vstack(codes)
    hidden = rng.random(stacked.shape)
    return CandidateLists(
        stacked,
        np.array([len(one) for one in codes]),
        truth.of(np.where(stacked == UNKNOWN, hidden, stacked / STEPS)),
    )


def values(codes: Codes, *, unknown: float = np.nan) -> Floats:
    return np.where(codes == UNKNOWN, unknown, codes / STEPS)


def our_tables(lists: CandidateLists) -> TableArrays:
    """Boost additive tables with pairs and compile them as the pass reads them."""
    model = BoostedTables(
        max_iter=300, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20, n_pairs=PAIRS, unit_bins=True
    ).fit(values(lists.codes, unknown=NEUTRAL), lists.relevance.astype(np.float64))
    return compiled(model.tables_, float(lists.relevance.mean()))


def compiled(tables: Tables, middle: float) -> TableArrays:
    """Return tables of whole numbers that put pairs in the same order; the other side says the same of every pair."""
    nothing = np.zeros(len(FEATURES))
    learnt = AllFeatures(
        ModelSide.JOBSEEKER, 0.0, nothing, np.zeros((1, 1)), replace(tables, base=tables.base - middle), mix=1.0
    )
    indifferent = replace(SideModel.expert(ModelSide.PLACEMENT), intercept=3.0, weights=np.zeros(7))
    return ScoreTables.of({ModelSide.JOBSEEKER: learnt, ModelSide.PLACEMENT: indifferent}).arrays


def lambdarank(lists: CandidateLists) -> LGBMRanker:
    model = LGBMRanker(n_estimators=300, num_leaves=31, learning_rate=0.05, n_jobs=1, verbose=-1, random_state=0)
    return model.fit(values(lists.codes), lists.relevance, group=lists.sizes)


def ndcg_of(lists: CandidateLists, scores: Floats) -> Floats:
    ends = np.cumsum(lists.sizes)[:-1]
    told = zip(np.split(lists.relevance, ends), np.split(scores, ends), strict=True)
    return np.array([evaluation.ndcg(relevance, score, K) for relevance, score in told])


@dataclass(frozen=True, eq=False)
class Parity:
    """Both learners of the last truth, and the NDCG@20 of all of them on people held out, person by person."""

    strength: str
    tables: TableArrays
    lightgbm: LGBMRanker
    ours: Floats
    theirs: Floats
    best: Floats
    seconds: tuple[float, float]
    pairs: int
    gaps: tuple[float, ...] = ()


def learn(stage: ServedStage, seed: int, strength: str) -> Parity:
    """Learn every truth of one strength both ways; a person's NDCG is the mean over the truths."""
    runs = [parity_of(stage, [seed, 7, number], strength) for number in range(TRUTHS)]
    ours, theirs, best = (np.mean([getattr(run, name) for run in runs], axis=0) for name in ("ours", "theirs", "best"))
    gaps = tuple(evaluation.paired(run.ours, run.theirs).mean for run in runs)
    return replace(runs[-1], ours=ours, theirs=theirs, best=best, gaps=gaps)


def parity_of(stage: ServedStage, seed: Sequence[int], strength: str) -> Parity:
    rng = np.random.default_rng(seed)
    truth = UtilityTruth.drawn(rng, STRENGTHS[strength])
    known, held_out = (
        lists_of(stage, count, first, truth, rng) for count, first in ((LEARNT, LEARNT_FROM), (HELD_OUT, HELD_OUT_FROM))
    )
    spread = NOISE * float(known.truth.std())
    noisy = [one.truth + rng.normal(0, spread, len(one.truth)) for one in (known, held_out)]
    edges = np.percentile(noisy[0], CUTS)
    known, held_out = (
        replace(one, relevance=np.searchsorted(edges, told)) for one, told in zip((known, held_out), noisy, strict=True)
    )
    with threadpool_limits(1):
        tables, our_seconds = timed(lambda: our_tables(known))
        lightgbm, their_seconds = timed(lambda: lambdarank(known))
    return Parity(
        strength,
        tables,
        lightgbm,
        ndcg_of(held_out, ScoreTables(tables).scores(held_out.codes).astype(np.float64)),
        ndcg_of(held_out, np.asarray(lightgbm.predict(values(held_out.codes)))),
        ndcg_of(held_out, held_out.truth),
        (our_seconds, their_seconds),
        len(known.codes),
    )


def lines(found: Parity) -> Iterator[str]:
    """Yield the comparison as lines of text."""
    gap = evaluation.paired(found.ours, found.theirs)
    is_met = "met" if gap.mean >= -TOLERATED else "NOT met"
    yield (
        f"  NDCG@{K}, {gap.lists} people held out, {LEARNT} learnt from ({found.pairs:,} pairs), mean of {TRUTHS} "
        f"truths with {found.strength} interactions:"
    )
    ours, theirs, best = (np.nanmean(one) for one in (found.ours, found.theirs, found.best))
    yield (
        f"    ours, {PAIRS} pairs {ours:.4f} ({found.seconds[0]:.0f} s to learn), LightGBM 300 x 31 {theirs:.4f} "
        f"({found.seconds[1]:.0f} s), the truth without its noise {best:.4f}"
    )
    each = ", ".join(f"{one:+.4f}" for one in found.gaps)
    interval = f"[{gap.low:+.4f}, {gap.high:+.4f}] over people, truth by truth {each}"
    yield f"    ours less LightGBM {gap.mean:+.4f} {interval}; no lower than -.002: {is_met}"
