"""Boosted trees that order a shortlist, and the calibration of their scores, as plain arrays that NumPy alone reads.

They are learned by ``python -m benchmarks.words_training``; nothing here learns.
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
N_WEIGHTS = 4  # three of what the calibration sees, and a constant
PARTS = ("feature", "threshold", "left", "right", "value")


@dataclass(frozen=True, eq=False)
class Reranker:
    """Trees and a calibration.

    Parameters
    ----------
    trees : mapping of str to ndarray of shape (n_trees, n_nodes)
        ``feature``, ``threshold``, ``left`` (at most the threshold), ``right`` and ``value``; a leaf points at itself.
    depth : int
        The steps from a root to the deepest leaf.
    calibration : sequence of float
        Weights of what ``calibration_inputs`` gives, and a constant, in log-odds.

    Raises
    ------
    ValueError
        If the arrays are not such trees.

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
            raise ValueError("The reranker's trees or its calibration are not whole.")
        n_nodes = self.trees["feature"].shape[1]
        for part, most in (("left", n_nodes), ("right", n_nodes), ("feature", len(FEATURES))):
            numbers = self.trees[part]
            if numbers.size and not (numbers.min() >= 0 and numbers.max() < most):
                raise ValueError(f"The reranker's trees point at a {part} that is not there.")

    @cached_property
    def _flat(self) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, NDArray[np.int64], Floats]:
        """Roots, features, thresholds, children (right, then left) and values, all trees end to end."""
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
        """Return the sum of the trees.

        Parameters
        ----------
        X : ndarray of shape (n_shortlisted, n_features)
            In the order of ``FEATURES``.

        Returns
        -------
        ndarray of shape (n_shortlisted,)
            The higher the likelier; comparable within one text.
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
        """Return how likely each concept of one shortlist is the right one.

        Parameters
        ----------
        scores : ndarray of shape (n_shortlisted,)

        Returns
        -------
        ndarray of shape (n_shortlisted,)
            Calibrated; they need not add up to 1, for it may be that none fits.
        """
        weights = np.array(self.calibration)
        return np.asarray(1 / (1 + np.exp(-(calibration_inputs(scores) @ weights[:-1] + weights[-1]))))

    def save(self, path: Path) -> None:
        """Write it as JSON, with the names of its features and the SHA-256 of the rest.

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
        """Read what ``save`` wrote.

        Parameters
        ----------
        path : Path
            The shipped file unless told.

        Returns
        -------
        Reranker

        Raises
        ------
        ValueError
            If the file is not a reranker, was changed, or was learned on other features.
        """
        try:
            body = json.loads(path.read_text(encoding="utf-8"))
            sha256 = body.pop("sha256")
            features, depth, calibration = body["features"], body["depth"], body["calibration"]
            trees = {part: np.array(body["trees"][part]) for part in PARTS}
        except (ValueError, KeyError, AttributeError, TypeError) as wrong:
            raise ValueError(f"{path.name} is not a reranker.") from wrong
        if sha256 != _sha256(body):
            raise ValueError(f"{path.name} was changed after it was written: its SHA-256 differs.")
        if features != list(FEATURES):
            raise ValueError(f"{path.name} was learned on other features.")
        return cls(trees, int(depth), tuple(calibration))


def calibration_inputs(scores: Floats) -> Floats:
    """Return what the calibration sees of each concept of one shortlist.

    Parameters
    ----------
    scores : ndarray of shape (n_shortlisted,)
        At least one.

    Returns
    -------
    ndarray of shape (n_shortlisted, 3)
        Log-odds of its share of all, its lead over the best other one, and the score itself.

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
    plain = json.dumps(body, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(plain.encode()).hexdigest()
