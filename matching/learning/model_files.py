"""Save models to files and load them.

A file holds plain numbers in JSON and a manifest with a hash. It is never a pickle, so loading a file cannot run code.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np

from matching.pairs.features import SIDES, Feature, ModelSide
from matching.score.ranker import TwoSidedModel
from matching.score.side_models import Calibration, Floats, SideModel, Tables

FORMAT = 2  # 2 adds the map from the score to the chance of a match
CHANCE = "match_chance"  # beside the two sides; a file of format 1 has none, and its scores are the chances
NOT_A_MODEL = "The data are not a saved model. Next: train a model again or restore one from a backup."

FEWEST_POINTS = 2  # of a calibration


class ModelRefused(ValueError):
    """The bytes cannot be loaded as a model. The message gives the reason and says what to do."""


@dataclass(frozen=True)
class Manifest:
    """The data and the software that were used to train a saved model.

    Parameters
    ----------
    version : str
    first_day, last_day : date or None
        The days on which the first and the last of the training cases were decided.
    cases : int
        The number of training cases.
    features : mapping of str to list of str
        The names of the features of each side, in the order of the weights.
    metrics : mapping
        The quality of the model, measured on held-out cases.
    libraries : mapping of str to str
        The versions of the libraries that trained the model.

    Examples
    --------
    >>> Manifest("expert-4").cases
    0
    """

    version: str
    first_day: date | None = None
    last_day: date | None = None
    cases: int = 0
    features: Mapping[str, list[str]] = field(
        default_factory=lambda: {side.value: [name.value for name in names] for side, names in SIDES.items()}
    )
    metrics: Mapping[str, Any] = field(default_factory=dict)
    libraries: Mapping[str, str] = field(default_factory=lambda: {"numpy": np.__version__})


def save(model: TwoSidedModel, manifest: Manifest) -> bytes:
    """Convert a model to bytes that can be stored.

    Parameters
    ----------
    model : TwoSidedModel
    manifest : Manifest

    Returns
    -------
    bytes
        JSON in UTF-8. The same model and manifest give the same bytes.

    Raises
    ------
    ValueError
        If the manifest and the model have different versions.

    Examples
    --------
    >>> saved = save(TwoSidedModel.expert(), Manifest("expert-4"))
    >>> load(saved)[0].version
    'expert-4'
    """
    if manifest.version != model.version:
        raise ValueError(f"The manifest is for version {manifest.version}, but the model is version {model.version}.")
    body = {side.value: _side_out(side_model) for side, side_model in model.sides.items()}
    body[CHANCE] = _curve_out(model.match_chance)
    head = {"format": FORMAT, **asdict(manifest), "sha256": _hash_of(body, asdict(manifest))}
    return json.dumps({"manifest": head, "sides": body}, sort_keys=True, default=str).encode()


def load(saved: bytes) -> tuple[TwoSidedModel, Manifest]:
    """Load a saved model after checking that it is complete and unchanged.

    Parameters
    ----------
    saved : bytes

    Returns
    -------
    tuple of (TwoSidedModel, Manifest)

    Raises
    ------
    ModelRefused
        If the bytes are not a model, were changed after saving, have a newer format, or use unknown features.

    Examples
    --------
    >>> load(b"{}")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    matching.learning.model_files.ModelRefused: The data are not a saved model. Next: ...
    """
    try:
        read = json.loads(saved)
        head, body = dict(read["manifest"]), dict(read["sides"])
        saved_format, digest = int(head.pop("format")), str(head.pop("sha256"))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
        raise ModelRefused(NOT_A_MODEL) from error
    if saved_format < 1:
        raise ModelRefused(NOT_A_MODEL)
    if saved_format > FORMAT:
        raise ModelRefused(
            f"This model was saved by a newer version of Pathways (format {saved_format}). Next: update Pathways."
        )
    if _hash_of(body, head) != digest:
        raise ModelRefused(
            "This model was changed after it was saved, so it was not loaded. "
            "Next: train a model again or restore one from a backup."
        )
    expected = {side.value: [name.value for name in names] for side, names in SIDES.items()}
    trained_on = head.get("features")
    if not isinstance(trained_on, dict) or not all(
        _is_part(trained_on.get(side), names) for side, names in expected.items()
    ):
        raise ModelRefused("This model uses other features than this version of Pathways. Next: train a model again.")
    try:
        manifest = Manifest(**{**head, "first_day": _day(head["first_day"]), "last_day": _day(head["last_day"])})
        sides = {side: _side_in(side, body[side.value], trained_on[side.value]) for side in ModelSide}
        chance = _curve_in(body[CHANCE]) if CHANCE in body else Calibration()
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as error:
        raise ModelRefused(NOT_A_MODEL) from error
    return TwoSidedModel(manifest.version, sides, manifest.cases, chance), manifest


def _is_part(trained_on: Any, names: list[str]) -> bool:
    """Return whether ``trained_on`` is a list of features that are all in ``names``, in the same order."""
    return isinstance(trained_on, list) and trained_on == [name for name in names if name in trained_on]


def _hash_of(body: Any, head: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([head, body], sort_keys=True, default=str).encode()).hexdigest()


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _side_out(model: SideModel) -> dict[str, Any]:
    boosted = model.boosted
    return {
        "intercept": model.intercept,
        "weights": model.weights.tolist(),
        "covariance": model.covariance.tolist(),
        "mix": model.mix,
        "calibration": _curve_out(model.calibration),
        "boosted": None
        if boosted is None
        else {
            "edges": [edges.tolist() for edges in boosted.edges],
            "base": boosted.base,
            "singles": [[column, table.tolist()] for column, table in sorted(boosted.singles.items())],
            "pairs": [[first, second, table.tolist()] for (first, second), table in sorted(boosted.pairs.items())],
        },
    }


def _side_in(side: ModelSide, saved: Mapping[str, Any], trained_on: list[str]) -> SideModel:
    """Return one side of a saved model. A feature that is newer than the model gets its expert prior as weight."""
    boosted, expert = saved["boosted"], SideModel.expert(side)
    columns = np.array([SIDES[side].index(Feature(name)) for name in trained_on], dtype=np.intp)
    learned, covariance = _numbers(saved["weights"]), _numbers(saved["covariance"])
    if learned.shape != (len(columns),) or covariance.shape != (len(columns) + 1, len(columns) + 1):
        raise ValueError("The number of weights in the saved model differs from the number of its features.")
    weights, spread = expert.weights.copy(), expert.covariance.copy()
    weights[columns] = learned
    rows = np.concatenate([[0], columns + 1])
    spread[np.ix_(rows, rows)] = covariance
    return SideModel(
        side,
        float(saved["intercept"]),
        weights,
        spread,
        boosted=None if boosted is None else _tables_in(boosted, columns.tolist(), len(weights)),
        mix=float(saved["mix"]),
        calibration=_curve_in(saved["calibration"]),
    )


def _curve_out(curve: Calibration) -> dict[str, list[float]]:
    return {"at": curve.at.tolist(), "to": curve.to.tolist()}


def _curve_in(saved: Mapping[str, Any]) -> Calibration:
    at, to = _numbers(saved["at"]), _numbers(saved["to"])
    is_curve = at.ndim == to.ndim == 1 and len(at) == len(to) >= FEWEST_POINTS
    if not is_curve or (np.diff(at) <= 0).any() or (np.diff(to) < 0).any():
        raise ValueError("A calibration must have two points or more, both rows ascending.")
    return Calibration(at, to)


def _tables_in(saved: Mapping[str, Any], columns: list[int], count: int) -> Tables:
    edges = [np.zeros(0) for _ in range(count)]
    for column, numbers in zip(columns, saved["edges"], strict=True):
        edges[column] = _numbers(numbers)
    return Tables(
        edges,
        float(saved["base"]),
        {columns[int(column)]: _numbers(table) for column, table in saved["singles"]},
        {(columns[int(first)], columns[int(second)]): _numbers(table) for first, second, table in saved["pairs"]},
    )


def _numbers(saved: Any) -> Floats:
    numbers = np.asarray(saved, dtype=np.float64)
    if not np.isfinite(numbers).all():
        raise ValueError("A number in the saved model is missing or not finite.")
    return numbers
