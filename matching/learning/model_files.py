"""Models as files: plain numbers in JSON under a manifest with a hash; never a pickle, so nothing in it can run."""

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

FORMAT = 1


class ModelRefused(ValueError):
    """A file that is not a model of ours, or not as it was saved, or of a newer kind: said in one sentence."""


@dataclass(frozen=True)
class Manifest:
    """What a saved model was made of.

    Parameters
    ----------
    version : str
    first_day, last_day : date or None
        The days its cases were decided between.
    cases : int
    features : mapping of str to list of str
        By side, in order.
    metrics : mapping
        What was measured on held-out cases.
    libraries : mapping of str to str
        Versions it was trained with.

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
    """Return a model as bytes to keep.

    Parameters
    ----------
    model : TwoSidedModel
    manifest : Manifest

    Returns
    -------
    bytes
        JSON in UTF-8; the same model and manifest give the same bytes.

    Raises
    ------
    ValueError
        If the manifest names another version than the model.

    Examples
    --------
    >>> kept = save(TwoSidedModel.expert(), Manifest("expert-4"))
    >>> load(kept)[0].version
    'expert-4'
    """
    if manifest.version != model.version:
        raise ValueError(f"The manifest is of {manifest.version}, and the model is {model.version}.")
    body = {side.value: _side_out(one) for side, one in model.sides.items()}
    head = {"format": FORMAT, **asdict(manifest), "sha256": _hash_of(body, asdict(manifest))}
    return json.dumps({"manifest": head, "sides": body}, sort_keys=True, default=str).encode()


def load(kept: bytes) -> tuple[TwoSidedModel, Manifest]:
    """Return a kept model, or refuse it.

    Parameters
    ----------
    kept : bytes

    Returns
    -------
    tuple of (TwoSidedModel, Manifest)

    Raises
    ------
    ModelRefused
        If it is not a model, was changed since it was saved, has a newer format, or reads features there are not.

    Examples
    --------
    >>> load(b"{}")
    Traceback (most recent call last):
    matching.learning.model_files.ModelRefused: This is not a saved model.
    """
    try:
        read = json.loads(kept)
        head, body = dict(read["manifest"]), dict(read["sides"])
        kept_format, digest = int(head.pop("format")), str(head.pop("sha256"))
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as wrong:
        raise ModelRefused("This is not a saved model.") from wrong
    if kept_format < 1:
        raise ModelRefused("This is not a saved model.")
    if kept_format > FORMAT:
        raise ModelRefused(f"This model was saved by a newer version (format {kept_format}); update Pathways first.")
    if _hash_of(body, head) != digest:
        raise ModelRefused("This model was changed after it was saved; train it again or take it from a backup.")
    expected = {side.value: [name.value for name in names] for side, names in SIDES.items()}
    told = head.get("features")
    if not isinstance(told, dict) or not all(_is_part(told.get(side), names) for side, names in expected.items()):
        raise ModelRefused("This model was trained on other features than today's; train it again.")
    try:
        manifest = Manifest(**{**head, "first_day": _day(head["first_day"]), "last_day": _day(head["last_day"])})
        sides = {side: _side_in(side, body[side.value], told[side.value]) for side in ModelSide}
    except (ValueError, KeyError, TypeError, IndexError, OverflowError) as wrong:
        raise ModelRefused("This is not a saved model.") from wrong
    return TwoSidedModel(manifest.version, sides, manifest.cases), manifest


def _is_part(told: Any, names: list[str]) -> bool:
    """Say whether a model read some of today's features, in their order."""
    return isinstance(told, list) and told == [name for name in names if name in told]


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
        "calibration": {"at": model.calibration.at.tolist(), "to": model.calibration.to.tolist()},
        "boosted": None
        if boosted is None
        else {
            "edges": [edges.tolist() for edges in boosted.edges],
            "base": boosted.base,
            "singles": [[column, table.tolist()] for column, table in sorted(boosted.singles.items())],
            "pairs": [[one, other, table.tolist()] for (one, other), table in sorted(boosted.pairs.items())],
        },
    }


def _side_in(side: ModelSide, kept: Mapping[str, Any], told: list[str]) -> SideModel:
    """Return a side; of a feature that came after it was trained it knows what the experts hold, and no case."""
    boosted, curve, begins = kept["boosted"], kept["calibration"], SideModel.expert(side)
    at = np.array([SIDES[side].index(Feature(name)) for name in told], dtype=np.intp)
    learnt, covariance = _numbers(kept["weights"]), _numbers(kept["covariance"])
    if learnt.shape != (len(at),) or covariance.shape != (len(at) + 1, len(at) + 1):
        raise ValueError("The weights do not fit the features.")
    weights, spread = begins.weights.copy(), begins.covariance.copy()
    weights[at] = learnt
    rows = np.concatenate([[0], at + 1])
    spread[np.ix_(rows, rows)] = covariance
    return SideModel(
        side,
        float(kept["intercept"]),
        weights,
        spread,
        boosted=None if boosted is None else _tables_in(boosted, at.tolist(), len(weights)),
        mix=float(kept["mix"]),
        calibration=Calibration(_numbers(curve["at"]), _numbers(curve["to"])),
    )


def _tables_in(kept: Mapping[str, Any], at: list[int], count: int) -> Tables:
    edges = [np.zeros(0) for _ in range(count)]
    for column, told in zip(at, kept["edges"], strict=True):
        edges[column] = _numbers(told)
    return Tables(
        edges,
        float(kept["base"]),
        {at[int(column)]: _numbers(table) for column, table in kept["singles"]},
        {(at[int(one)], at[int(other)]): _numbers(table) for one, other, table in kept["pairs"]},
    )


def _numbers(kept: Any) -> Floats:
    found = np.asarray(kept, dtype=np.float64)
    if not np.isfinite(found).all():
        raise ValueError("A number is missing.")
    return found
