"""Boosted trees that order a shortlist of concepts, and the calibration of their scores. Only NumPy is needed.

The trees are stored as plain arrays. They are trained by ``python -m benchmarks.words_training``, not in this module.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.words.evidence import FEATURES

Floats = NDArray[np.float64]
SHIPPED = Path(__file__).with_name("reranker.json")
N_WEIGHTS = 4  # a weight for each of the three calibration inputs, and a constant
PARTS = ("feature", "threshold", "left", "right", "value")


@dataclass(frozen=True, eq=False)
class Reranker:
    """Trees that score concepts, and the calibration that turns scores into probabilities.

    Parameters
    ----------
    trees : mapping of str to ndarray of shape (n_trees, n_nodes)
        ``feature``, ``threshold``, ``left`` (the next node for values up to the threshold), ``right`` (the next node
        for greater values) and ``value``. The next node of a leaf is the leaf itself.
    depth : int
        The number of steps from a root to the deepest leaf.
    calibration : sequence of float
        The weight of each column of ``calibration_inputs``, and a constant. The weighted sum is in log-odds.

    Raises
    ------
    ValueError
        If the arrays are not valid trees, or the number of calibration weights is wrong.

    Examples
    --------
    >>> stump = {"feature": [[0, 0, 0]], "threshold": [[0.5, 0, 0]], "left": [[1, 1, 2]], "right": [[2, 1, 2]]}
    >>> trees = {name: np.array(rows) for name, rows in {**stump, "value": [[0, -1.0, 1.0]]}.items()}
    >>> Reranker(trees, 1, (1.0, 0.0, 0.0, 0.0)).scores(np.array([[0.2], [0.9]]))
    array([-1.,  1.])
    """

    trees: Mapping[str, NDArray[Any]]
    depth: int
    calibration: Sequence[float]

    def __post_init__(self) -> None:
        shapes = {self.trees[part].shape for part in PARTS}
        if len(shapes) > 1 or {len(shape) for shape in shapes} != {2} or len(self.calibration) != N_WEIGHTS:
            raise ValueError(
                "The reranker is incomplete: its trees differ in shape, or a calibration weight is missing."
            )
        n_nodes = self.trees["feature"].shape[1]
        for part, most in (("left", n_nodes), ("right", n_nodes), ("feature", len(FEATURES))):
            numbers = self.trees[part]
            if numbers.size and not (numbers.min() >= 0 and numbers.max() < most):
                raise ValueError(f"The reranker is not valid: its trees point at a {part} number that does not exist.")

    @cached_property
    def _flat(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, NDArray[np.int64], Floats]:
        """Roots, features, thresholds, children (right, then left) and values of all trees, concatenated."""
        count, nodes = self.trees["feature"].shape
        offset = np.arange(count)[:, None] * nodes
        children = np.stack([self.trees["right"] + offset, self.trees["left"] + offset], axis=-1)
        return (
            offset[:, 0],
            self.trees["feature"].ravel().astype(np.int64),
            self.trees["threshold"].ravel().astype(np.float64),
            children.ravel().astype(np.int64),
            self.trees["value"].ravel().astype(np.float64),
        )

    def scores(self, X: Floats) -> Floats:
        """Return the sum of the trees' values for each concept.

        Parameters
        ----------
        X : ndarray of shape (n_shortlisted, n_features)
            Columns in the order of ``FEATURES``.

        Returns
        -------
        ndarray of shape (n_shortlisted,)
            A higher score means a likelier concept. Scores are comparable within one text only.
        """
        roots, feature, threshold, children, value = self._flat
        values = X.ravel()
        row = (np.arange(len(X)) * X.shape[1])[:, None]
        node = np.tile(roots, (len(X), 1))
        for _ in range(self.depth):
            is_low = values.take(row + feature.take(node)) <= threshold.take(node)
            node = children.take(2 * node + is_low)
        return np.asarray(value.take(node).sum(axis=1))

    def probabilities(self, scores: Floats) -> Floats:
        """Return, for each concept of one shortlist, the probability that it is the right concept.

        Parameters
        ----------
        scores : ndarray of shape (n_shortlisted,)

        Returns
        -------
        ndarray of shape (n_shortlisted,)
            Calibrated probabilities. Their sum may differ from 1, because it is possible that no concept is right.
        """
        weights = np.array(self.calibration)
        return np.asarray(1 / (1 + np.exp(-(calibration_inputs(scores) @ weights[:-1] + weights[-1]))))

    def save(self, path: Path) -> None:
        """Write the reranker to a JSON file, with the names of its features and a SHA-256 of the content.

        Parameters
        ----------
        path : Path
        """
        body = {
            "features": list(FEATURES),
            "depth": self.depth,
            "calibration": list(self.calibration),
            "trees": {part: self.trees[part].tolist() for part in PARTS},
        }
        path.write_text(json.dumps({"sha256": _sha256(body), **body}) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path = SHIPPED) -> "Reranker":
        """Read a reranker from a file that ``save`` wrote.

        Parameters
        ----------
        path : Path
            If left out: the file shipped with this package.

        Returns
        -------
        Reranker

        Raises
        ------
        ValueError
            If the file is not a reranker, was changed, or was trained on other features.
        """
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            sha256 = body.pop("sha256")
            features, depth, calibration = body["features"], body["depth"], body["calibration"]
            trees = {part: np.array(body["trees"][part]) for part in PARTS}
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            raise ValueError(
                f"{path.name} is not a reranker. Next: restore the shipped file or train it again."
            ) from error
        if sha256 != _sha256(body):
            raise ValueError(
                f"{path.name} was changed after it was saved. Next: restore the shipped file or train it again."
            )
        if features != list(FEATURES):
            raise ValueError(f"{path.name} was trained on other features. Next: train it again.")
        return cls(trees, int(depth), tuple(calibration))


def calibration_inputs(scores: Floats) -> Floats:
    """Return the inputs of the calibration for each concept of one shortlist.

    Parameters
    ----------
    scores : ndarray of shape (n_shortlisted,)
        The scores of at least one concept.

    Returns
    -------
    ndarray of shape (n_shortlisted, 3)
        The log-odds of the concept's softmax share, the lead of its score over the best other score, and its score.

    Examples
    --------
    >>> calibration_inputs(np.array([0.0, 0.0])).round(3)
    array([[0., 0., 0.],
           [0., 0., 0.]])
    """
    share = np.exp(scores - scores.max())
    share = np.clip(share / share.sum(), 1e-6, 1 - 1e-6)
    best, second = np.sort(scores)[[-1, max(-2, -len(scores))]]
    lead = scores - np.where(scores == best, second, best)
    return np.stack([np.log(share / (1 - share)), lead, scores], axis=1)


def _sha256(body: Mapping[str, Any]) -> str:
    content = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()
