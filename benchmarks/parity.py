"""Compare the NDCG of our boosted tables, which use pairs of features, to that of LightGBM, on made-up truths.

A truth is a formula for the true utility of a candidate pair, drawn from the seed: a curve for each feature, and eight
pairs and two triples of features that add to the utility together once they pass thresholds. Noise is added. Unknown
features have a value too, which no ranker sees. The utility is cut into grades 0 to 4 at the 50th, 75th, 90th and 97th
percentile of the candidate pairs. Neither ranker can represent the formula exactly.

Both rankers learn from the same candidate pairs of the same people and are judged on other people. Their settings were
chosen on yet other people and truths: for ours the learning rate, leaves and number of feature pairs, for LightGBM (300
trees of 31 leaves) the learning rate. Our model is judged in the form of whole-number tables, which the compiled pass
also reads when it is timed. Truths have mild or strong interactions of features. If mild, pairs of features add about
0.01 of NDCG, as in the published comparisons. If strong, they matter more than the single features.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from lightgbm import LGBMRanker
from numpy.random import Generator
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # the package has no types

from benchmarks.served_stage import HELD_OUT_FROM, LEARNT_FROM, K, ServedStage, candidates, timed
from matching.learning import evaluation
from matching.learning.boosting import BoostedTables
from matching.pairs.features import Feature, ModelSide
from matching.pairs.grades import STEPS, UNKNOWN, Codes
from matching.score.priors import NEUTRAL
from matching.score.side_models import Floats, SideModel, Tables
from matching.score.tables import FEATURES, ScoreTables, TableArrays

LEARNT, HELD_OUT = 1000, 600  # people
MOST_PAIRS = 200  # candidate pairs drawn for each person: using all pairs of a city only takes longer
CUTS = (50, 75, 90, 97)
NOISE = 0.25  # standard deviation of the noise, as a share of that of the truth
TOLERATED = 0.002  # our NDCG may be at most this much lower
PAIRS = 20  # of the 66 possible pairs of features
# The standard deviation of the weight of an interaction. A feature alone has a weight of 0.3 to 1.5.
STRENGTHS = {"mild": 0.4, "strong": 1.2}
TRUTHS = 3


@dataclass(frozen=True, eq=False)
class CandidateLists:
    """The candidate pairs of some people, one list after another: feature grades, true utility and relevance."""

    codes: Codes
    sizes: NDArray[np.int64]
    truth: Floats
    relevance: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))


@dataclass(frozen=True, eq=False)
class UtilityTruth:
    """A formula for the true utility of a candidate pair: a curve for each feature, plus interactions of features.

    ``weights``, ``bends`` and ``steps`` define the curves. ``together`` has the interactions: the numbers of two or
    three features, and the weight that they have together.
    """

    weights: Floats
    bends: Floats
    steps: Floats
    together: list[tuple[tuple[int, ...], float]]

    @classmethod
    def drawn(cls, rng: Generator, strength: float) -> "UtilityTruth":
        """Draw a random formula. ``strength`` is the standard deviation of the weights of its interactions."""
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
        """Return the utility of each row of ``X``, which has the values of all features, from 0 to 1."""
        beyond = 1 / (1 + np.exp((self.steps - X) * 12))
        curved = np.where(self.bends == 1.0, beyond, X**self.bends)
        total = curved @ self.weights
        for features, weight in self.together:
            total = total + weight * beyond[:, features].prod(axis=1)
        return np.asarray(total)


class AllFeatures(SideModel):
    """A model of one side that reads every feature, so that a single score table represents the whole trained model."""

    @property
    def features(self) -> tuple[Feature, ...]:
        return FEATURES


def lists_of(stage: ServedStage, count: int, first: int, truth: UtilityTruth, rng: Generator) -> CandidateLists:
    """Return the candidate pairs of some people with their true utility. People with one candidate are left out."""
    people, codes = stage.people(count, first), []
    for j in range(count):
        own = candidates(stage, people, j)
        if len(own) > 1:
            codes.append(own[np.sort(rng.permutation(len(own))[:MOST_PAIRS])])
    stacked = np.vstack(codes)
    unseen = rng.random(stacked.shape)
    return CandidateLists(
        stacked,
        np.array([len(own) for own in codes]),
        truth.of(np.where(stacked == UNKNOWN, unseen, stacked / STEPS)),
    )


def values(codes: Codes, *, unknown: float = np.nan) -> Floats:
    """Return feature grades as values from 0 to 1, with ``unknown`` in place of unknown grades."""
    return np.where(codes == UNKNOWN, unknown, codes / STEPS)


def our_tables(lists: CandidateLists) -> TableArrays:
    """Train boosted tables with pairs of features, and convert them to the form that the compiled pass reads."""
    model = BoostedTables(
        max_iter=300, learning_rate=0.1, max_leaf_nodes=8, min_samples_leaf=20, n_pairs=PAIRS, unit_bins=True
    ).fit(values(lists.codes, unknown=NEUTRAL), lists.relevance.astype(np.float64))
    return compiled(model.tables_, float(lists.relevance.mean()))


def compiled(tables: Tables, middle: float) -> TableArrays:
    """Return ``tables``, minus ``middle``, as whole-number tables. The score of the placement's side is constant."""
    nothing = np.zeros(len(FEATURES))
    learnt = AllFeatures(
        ModelSide.JOBSEEKER, 0.0, nothing, np.zeros((1, 1)), replace(tables, base=tables.base - middle), mix=1.0
    )
    indifferent = replace(SideModel.expert(ModelSide.PLACEMENT), intercept=3.0, weights=np.zeros(7))
    return ScoreTables.of({ModelSide.JOBSEEKER: learnt, ModelSide.PLACEMENT: indifferent}).arrays


def lambdarank(lists: CandidateLists) -> LGBMRanker:
    """Train LightGBM's ranker."""
    model = LGBMRanker(n_estimators=300, num_leaves=31, learning_rate=0.05, n_jobs=1, verbose=-1, random_state=0)
    return model.fit(values(lists.codes), lists.relevance, group=lists.sizes)


def ndcg_of(lists: CandidateLists, scores: Floats) -> Floats:
    """Return the NDCG of each person's list."""
    ends = np.cumsum(lists.sizes)[:-1]
    by_person = zip(np.split(lists.relevance, ends), np.split(scores, ends), strict=True)
    return np.array([evaluation.ndcg(relevance, score, K) for relevance, score in by_person])


@dataclass(frozen=True, eq=False)
class Parity:
    """The two models learnt for the last truth, and each held-out person's mean NDCG@20 over all truths."""

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
    """Train both rankers on every truth with interactions of one strength. A person's NDCG is the mean over truths."""
    runs = [parity_of(stage, [seed, 7, number], strength) for number in range(TRUTHS)]
    ours, theirs, best = (np.mean([getattr(run, name) for run in runs], axis=0) for name in ("ours", "theirs", "best"))
    gaps = tuple(evaluation.paired(run.ours, run.theirs).mean for run in runs)
    return replace(runs[-1], ours=ours, theirs=theirs, best=best, gaps=gaps)


def parity_of(stage: ServedStage, seed: Sequence[int], strength: str) -> Parity:
    """Train both rankers on one truth and compare them on held-out people."""
    rng = np.random.default_rng(seed)
    truth = UtilityTruth.drawn(rng, STRENGTHS[strength])
    known, held_out = (
        lists_of(stage, count, first, truth, rng) for count, first in ((LEARNT, LEARNT_FROM), (HELD_OUT, HELD_OUT_FROM))
    )
    spread = NOISE * float(known.truth.std())
    noisy = [lists.truth + rng.normal(0, spread, len(lists.truth)) for lists in (known, held_out)]
    edges = np.percentile(noisy[0], CUTS)
    known, held_out = (
        replace(lists, relevance=np.searchsorted(edges, utility))
        for lists, utility in zip((known, held_out), noisy, strict=True)
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


def lines(parity: Parity) -> Iterator[str]:
    """Yield the comparison as lines of text."""
    gap = evaluation.paired(parity.ours, parity.theirs)
    is_met = "met" if gap.mean >= -TOLERATED else "NOT met"
    yield (
        f"  NDCG@{K}, {gap.lists} held-out people, {LEARNT} learnt from ({parity.pairs:,} pairs), mean of {TRUTHS} "
        f"truths with {parity.strength} interactions:"
    )
    ours, theirs, best = (np.nanmean(ndcg) for ndcg in (parity.ours, parity.theirs, parity.best))
    yield (
        f"    ours, {PAIRS} pairs {ours:.4f} ({parity.seconds[0]:.0f} s to learn), LightGBM 300 x 31 {theirs:.4f} "
        f"({parity.seconds[1]:.0f} s), ranking by the utility without noise {best:.4f}"
    )
    each = ", ".join(f"{truth_gap:+.4f}" for truth_gap in parity.gaps)
    interval = f"[{gap.low:+.4f}, {gap.high:+.4f}] over people; for each truth {each}"
    yield f"    ours minus LightGBM {gap.mean:+.4f} {interval}; at least -0.002: {is_met}"
