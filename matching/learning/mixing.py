"""Choose the weight of the boosted half of a model on held-out cases, never by the number of cases alone.

The cases are cut into folds by person, so that no person is in both parts. Every fold is predicted by the models that
were fitted without it. The weight is the smallest one whose loss on these predictions is within one standard error of
the least loss. The standard error is that of the difference between the two losses, over people.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from matching.pairs.features import ModelSide
from matching.pairs.grades import hash_of
from matching.score.side_models import Floats

FOLDS = 5
# The weights that are tried. 1 is not among them: the expert priors, which the logistic half carries, always count.
SHARES = tuple(step / 10 for step in range(10))
# With fewer cases or people of a side, the standard error itself is too uncertain to judge by.
FEWEST_CASES, FEWEST_PEOPLE = 40, 10
LEFT_OUT = "Boosting is left out: "


@dataclass(frozen=True, slots=True)
class TriedShare:
    """One weight of the boosted half that was tried on held-out cases.

    Parameters
    ----------
    share : float
        The weight of the boosted half, from 0 to 1.
    gain : float
        The mean log-loss of the logistic half alone minus the mean log-loss of the mix, in nats a case. Over 0 if the
        mix predicts better.
    short_of_best : float
        The mean log-loss of this mix minus that of the best one, in nats a case.
    standard_error : float
        The standard error of ``short_of_best``, over people.
    """

    share: float
    gain: float
    short_of_best: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class MixChoice:
    """The weight of the boosted half that was chosen for one side, and the evidence.

    Parameters
    ----------
    side : ModelSide
    cases, people : int
        The number of cases with a result for this side, and of the people that they are about.
    share : float
        The chosen weight. 0 if boosting is left out.
    tried : tuple of TriedShare
        Every weight that was tried, in ascending order. Empty if there were too few cases to try any.
    why : str
        The reason for the choice, in one sentence.

    Examples
    --------
    >>> MixChoice(ModelSide.JOBSEEKER, 0, 0, 0.0, (), "").is_mixed_in
    False
    """

    side: ModelSide
    cases: int
    people: int
    share: float
    tried: tuple[TriedShare, ...]
    why: str

    @property
    def is_mixed_in(self) -> bool:
        """Whether the model includes the boosted half."""
        return self.share > 0.0


def folds_of(people: Sequence[str], folds: int = FOLDS) -> NDArray[np.intp]:
    """Return the fold of each case. All cases of one person are in one fold.

    Parameters
    ----------
    people : sequence of str
        The key of the person of each case.
    folds : int
        The greatest number of folds.

    Returns
    -------
    ndarray of int of shape (n_cases,)
        Numbers from 0. The order of the cases does not change the fold of a person. With fewer people than ``folds``,
        every person is a fold.

    Examples
    --------
    >>> fold = folds_of(["a", "b", "a"])
    >>> bool(fold[0] == fold[2] != fold[1])
    True
    """
    mixed_up = sorted(set(people), key=lambda person: (hash_of(person), person))
    fold = {person: number % folds for number, person in enumerate(mixed_up)}
    return np.array([fold[person] for person in people], dtype=np.intp)


def why_not_tried(y: Floats, people: Sequence[str]) -> str:
    """Return why no weight can be tried on these cases, as a sentence; empty if weights can be tried.

    Parameters
    ----------
    y : ndarray of shape (n_cases,)
        Labels 0 and 1.
    people : sequence of str
        The key of the person of each case.

    Returns
    -------
    str

    Examples
    --------
    >>> why_not_tried(np.zeros(3), ["a", "b", "c"])
    'Boosting is left out: it needs 40 cases with a result for this side, not 3.'
    """
    if len(y) < FEWEST_CASES:
        return f"{LEFT_OUT}it needs {FEWEST_CASES} cases with a result for this side, not {len(y)}."
    if len(set(people)) < FEWEST_PEOPLE:
        return f"{LEFT_OUT}it needs cases of {FEWEST_PEOPLE} people, not {len(set(people))}."
    if y.min() == y.max():
        return f"{LEFT_OUT}all {len(y)} cases have the same result for this side."
    return ""


def choose_share(logistic: Floats, boosted: Floats, y: Floats, people: Sequence[str]) -> tuple[float, list[TriedShare]]:
    """Choose the weight of the boosted half by the one-standard-error rule, towards the smaller weight.

    Parameters
    ----------
    logistic, boosted : ndarray of shape (n_cases,)
        The probabilities of both halves, each predicted without the cases of the same person.
    y : ndarray of shape (n_cases,)
        Labels 0 and 1.
    people : sequence of str
        The key of the person of each case.

    Returns
    -------
    tuple of (float, list of TriedShare)
        The chosen weight, and every weight that was tried.

    References
    ----------
    .. [1] Breiman, Friedman, Olshen, Stone, "Classification and regression trees", 1984, section 3.4.3: the rule.

    Examples
    --------
    >>> y = np.tile([0.0, 1.0], 50)
    >>> share, _ = choose_share(np.full(100, 0.5), np.where(y > 0, 0.9, 0.1), y, [str(n) for n in range(100)])
    >>> share
    0.9
    """
    losses = [log_loss((1 - share) * logistic + share * boosted, y) for share in SHARES]
    means = [float(loss.mean()) for loss in losses]
    best = int(np.argmin(means))
    tried = []
    for share, mean, loss in zip(SHARES, means, losses, strict=True):
        short, error = gain_of(loss, losses[best], people)
        tried.append(TriedShare(share, round(means[0] - mean, 6), round(short, 6), round(error, 6)))
    return next(one.share for one in tried if one.short_of_best <= one.standard_error), tried


def log_loss(p: Floats, y: Floats) -> Floats:
    """Return the log-loss of each case. Probabilities are first clipped to the range from 1e-6 to 1 - 1e-6.

    Parameters
    ----------
    p, y : ndarray of shape (n_cases,)

    Returns
    -------
    ndarray of shape (n_cases,)
        In nats.

    Examples
    --------
    >>> log_loss(np.array([0.5]), np.array([1.0])).round(3)
    array([0.693])
    """
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(-(y * np.log(clipped) + (1 - y) * np.log1p(-clipped)))


def gain_of(losses: Floats, others: Floats, people: Sequence[str]) -> tuple[float, float]:
    """Return the mean of ``losses - others`` over cases, and its standard error over people.

    Parameters
    ----------
    losses, others : ndarray of shape (n_cases,)
    people : sequence of str
        The key of the person of each case. The cases of one person are not independent of each other.

    Returns
    -------
    tuple of (float, float)

    Examples
    --------
    >>> gain_of(np.array([2.0, 2.0]), np.array([1.0, 1.0]), ["a", "b"])
    (1.0, 0.0)
    """
    gains = losses - others
    person = np.unique(np.asarray(people), return_inverse=True)[1]
    sums = np.bincount(person, weights=gains - gains.mean())
    error = np.sqrt((sums**2).sum() * len(sums) / max(len(sums) - 1, 1)) / len(gains)
    return float(gains.mean()), float(error)


def reason_for(side_cases: int, share: float, tried: Sequence[TriedShare]) -> str:
    """Return the reason for a chosen weight, in one sentence.

    Parameters
    ----------
    side_cases : int
        The number of cases.
    share : float
    tried : sequence of TriedShare

    Returns
    -------
    str

    Examples
    --------
    >>> reason_for(50, 0.0, [TriedShare(0.0, 0.0, 0.0, 0.0)])
    'Boosting is left out: on 50 held-out cases, no weight is clearly better than 0.'
    """
    chosen = next(one for one in tried if one.share == share)
    if not share:
        return f"{LEFT_OUT}on {side_cases} held-out cases, no weight is clearly better than 0."
    return (
        f"Boosting is included with the weight {share:.0%}: on {side_cases} held-out cases it lowers the log-loss by "
        f"{chosen.gain:.4f}, and no greater weight is clearly better."
    )
