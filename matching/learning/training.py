"""Train a model for each side, jobseeker and placement, on decided cases.

The model of a side always has a logistic half, trained from the expert priors. Held-out cases decide the weight of a
boosted half, which may be 0 (see ``mixing``). Held-out cases also decide the map from the score of a pair to the chance
of a match, which only the allocation uses (see ``chances``).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matching.learning.boosting import BoostedTables
from matching.learning.cases import DecidedCase
from matching.learning.chances import MatchChance, calibrate, match_chance
from matching.learning.logistic import most_probable
from matching.learning.mixing import MixChoice, choose_share, folds_of, reason_for, why_not_tried
from matching.pairs.features import SIDES, ModelSide
from matching.score.priors import INTERCEPTS, NEUTRAL, WEIGHTS
from matching.score.ranker import TwoSidedModel
from matching.score.side_models import Floats, SideModel, Tables, matrix, sigmoid

PAIRS, ROUNDS = 3, 150
IMAGINED_ROWS, IMAGINED_CASES = 1000, 100


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model, with the evidence for what was chosen on held-out cases.

    Parameters
    ----------
    model : TwoSidedModel
    mixes : tuple of MixChoice
        For each side, the weight of the boosted half.
    chance : MatchChance
        The map from the score to the chance of a match.
    """

    model: TwoSidedModel
    mixes: tuple[MixChoice, ...]
    chance: MatchChance


@dataclass(frozen=True, eq=False)
class _SideCases:
    """All cases as one side sees them.

    ``X`` has a row for each case, ``y`` the label of each case (NaN if it has none for this side), ``people`` the
    person and ``folds`` the fold of each case.
    """

    side: ModelSide
    X: Floats
    y: Floats
    people: NDArray[np.str_]
    folds: NDArray[np.intp]

    @property
    def is_labelled(self) -> NDArray[np.bool_]:
        return ~np.isnan(self.y)


def train(cases: Sequence[DecidedCase], version: str) -> Trained:
    """Train a model on decided cases, starting from the expert priors.

    Parameters
    ----------
    cases : sequence of DecidedCase
        In any order: training sorts them by the day of the decision. Without cases, the weights are the expert priors.
    version : str
        Version of the new model.

    Returns
    -------
    Trained

    Examples
    --------
    >>> train([], "none").model.cases
    0
    """
    ordered = sorted(cases, key=lambda c: (c.decided_on, c.jobseeker, c.placement))
    people = [case.jobseeker for case in ordered]
    folds = folds_of(people)
    mixes: list[MixChoice] = []
    sides: dict[ModelSide, SideModel] = {}
    score = np.ones(len(ordered))
    for side in ModelSide:
        labels = np.array([np.nan if (y := case.label(side)) is None else float(y) for case in ordered])
        seen = _SideCases(side, matrix(side, [c.values for c in ordered]), labels, np.array(people, dtype=str), folds)
        sides[side], mix, held_out = _train_side(seen)
        score = score * held_out
        mixes.append(mix)
    chance = match_chance(score, [case.matched for case in ordered], people)
    return Trained(TwoSidedModel(version, sides, len(ordered), chance.curve), tuple(mixes), chance)


def _train_side(seen: _SideCases) -> tuple[SideModel, MixChoice, Floats]:
    """Return the model of a side, the choice of its mix, and the held-out probability of every case."""
    is_labelled = seen.is_labelled
    X, y, people = seen.X[is_labelled], seen.y[is_labelled], seen.people[is_labelled].tolist()
    model, why_not = fit_logistic(seen.side, X, y), why_not_tried(y, people)
    logistic, boosted = _held_out(seen, boosts=not why_not)
    if why_not:
        return model, MixChoice(seen.side, len(y), len(set(people)), 0.0, (), why_not), logistic
    share, tried = choose_share(logistic[is_labelled], boosted[is_labelled], y, people)
    if share:
        model = replace(model, boosted=fit_boosted(seen.side, X, y), mix=share)
    mixed = (1 - share) * logistic + share * boosted
    model = replace(model, calibration=calibrate(mixed[is_labelled], y))
    mix = MixChoice(seen.side, len(y), len(set(people)), share, tuple(tried), reason_for(len(y), share, tried))
    return model, mix, model.calibration.apply(mixed)


def _held_out(seen: _SideCases, *, boosts: bool) -> tuple[Floats, Floats]:
    """Predict every case by models that were fitted without the cases of its fold, so without those of its person.

    Returns the probabilities of the logistic half and of the boosted half. The latter are those of the logistic half
    where there is nothing to boost: if ``boosts`` is false, or all results outside the fold are equal.
    """
    logistic = np.zeros(len(seen.y))
    boosted = np.zeros(len(seen.y))
    for fold in np.unique(seen.folds):
        rows, learnt = seen.folds == fold, (seen.folds != fold) & seen.is_labelled
        X, y = seen.X[learnt], seen.y[learnt]
        logistic[rows] = boosted[rows] = fit_logistic(seen.side, X, y).logistic(seen.X[rows])
        if boosts and y.min() < y.max():
            boosted[rows] = sigmoid(fit_boosted(seen.side, X, y).raw(seen.X[rows]))
    return logistic, boosted


def fit_logistic(side: ModelSide, X: Floats, y: Floats) -> SideModel:
    """Fit the logistic half: find the most probable weights, given the expert priors and the cases.

    Parameters
    ----------
    side : ModelSide
    X : ndarray of shape (n_cases, n_features)
        NaN where a feature is not known.
    y : ndarray of shape (n_cases,)

    Returns
    -------
    SideModel
    """
    expert = SideModel.expert(side)
    if not len(y):
        return expert
    priors = [WEIGHTS[side][name] for name in SIDES[side]]
    estimate, covariance, _ = most_probable(
        expert.centred(X),
        y,
        np.array([INTERCEPTS[side].mean, *(p.mean for p in priors)]),
        np.array([INTERCEPTS[side].spread, *(p.spread for p in priors)]),
        monotone=[p.is_monotone for p in priors],
    )
    return replace(expert, intercept=float(estimate[0]), weights=estimate[1:], covariance=covariance)


def fit_boosted(side: ModelSide, X: Floats, y: Floats) -> Tables:
    """Fit the boosted half as tables, on the cases and on random pairs labelled by the logistic half.

    Trees have no priors. To prevent extreme predictions for pairs unlike all cases, the trees are also fitted on random
    pairs from the whole range of the features. Each random pair is used once with each label, and each label is
    weighted by the probability that the logistic half gives it. Together, the random pairs weigh as much as 100 cases.

    Parameters
    ----------
    side : ModelSide
    X : ndarray of shape (n_cases, n_features)
    y : ndarray of shape (n_cases,)
        Labels 0 and 1. Both must occur.

    Returns
    -------
    Tables
    """
    boosted = BoostedTables(
        "log_loss",
        n_pairs=PAIRS,
        max_iter=ROUNDS,
        learning_rate=0.1,
        max_leaf_nodes=5,
        min_samples_leaf=10,
        l2_regularization=1.0,
        monotone=[int(WEIGHTS[side][name].is_monotone) for name in SIDES[side]],
        unit_bins=True,
    )
    filled = np.where(np.isnan(X), NEUTRAL, X)
    imagined = np.random.default_rng(0).random((IMAGINED_ROWS, X.shape[1]))
    predicted = fit_logistic(side, X, y).logistic(imagined)
    share = IMAGINED_CASES / IMAGINED_ROWS
    return boosted.fit(
        np.vstack([filled, imagined, imagined]),
        np.r_[y, np.ones(IMAGINED_ROWS), np.zeros(IMAGINED_ROWS)],
        np.r_[np.ones(len(y)), share * predicted, share * (1 - predicted)],
    ).tables_
