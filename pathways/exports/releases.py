"""Stored releases: the counts before suppression, the suppressed keys and the relations between counts, compressed."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pathways.disclosure.inference import Inequality, Sum
from pathways.disclosure.suppression import EarlierRelease, Suppression, rounded


@dataclass(frozen=True)
class StoredRelease:
    """A release read back from the database.

    Parameters
    ----------
    released : EarlierRelease
    shown : mapping of str to int
        The published, rounded value of each count that was not suppressed.
    reasons : mapping of str to list of str
        For each count that differs from its first reported value, the known reasons.
    references : mapping of str to str
        The version of each dated reference table that the release was made with.
    """

    released: EarlierRelease
    shown: Mapping[str, int]
    reasons: Mapping[str, list[str]] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)


def packed(decision: Suppression, reasons: Mapping[str, list[str]], references: Mapping[str, str]) -> bytes:
    """Return a release as bytes. Each key is replaced by its index, because sums repeat each key many times.

    Parameters
    ----------
    decision : Suppression
    reasons : mapping of str to list of str
    references : mapping of str to str

    Returns
    -------
    bytes
    """
    released = decision.released()
    number = {key: at for at, key in enumerate(sorted(released.counts))}
    content = {
        "keys": list(number),
        "counts": [released.counts[key] for key in number],
        "hidden": sorted(number[key] for key in released.hidden),
        "unpublished": sorted(number[key] for key in released.unpublished),
        "withheld": sorted(number[key] for key in released.withheld),
        "sums": [[number[total], [number[part] for part in parts]] for total, parts in released.sums],
        "orders": [[number[lower], number[upper]] for lower, upper in released.orders],
        "is_apart": released.is_apart,
        "base": decision.rules.base,
        "reasons": {key: list(why) for key, why in sorted(reasons.items())},
        "references": dict(references),
    }
    return zlib.compress(json.dumps(content, separators=(",", ":")).encode())


def unpacked(content: bytes) -> StoredRelease:
    """Return the release that ``packed`` turned into bytes.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    StoredRelease
    """
    stored = json.loads(zlib.decompress(content))
    keys: list[str] = stored["keys"]
    released = EarlierRelease(
        dict(zip(keys, stored["counts"], strict=True)),
        frozenset(keys[at] for at in stored["hidden"]),
        [Sum(keys[total], tuple(keys[part] for part in parts)) for total, parts in stored["sums"]],
        [Inequality(keys[lower], keys[upper]) for lower, upper in stored["orders"]],
        frozenset(keys[at] for at in stored["unpublished"]),
        frozenset(keys[at] for at in stored.get("withheld", ())),  # older releases have these keys in "unpublished"
        stored.get("is_apart", False),
    )
    return StoredRelease(released, _published_counts(released, stored["base"]), stored["reasons"], stored["references"])


def _published_counts(released: EarlierRelease, base: int) -> dict[str, int]:
    published = released.published.difference(released.hidden)
    return {key: rounded(count, base) for key, count in released.counts.items() if key in published}
