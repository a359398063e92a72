"""What was released, packed to be kept: counts before anything was hidden, what was, and how they hang together."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from pathways.exports.disclosure import EarlierRelease, Suppression, rounded
from pathways.exports.inference import Inequality, Sum


@dataclass(frozen=True)
class StoredRelease:
    """A release as it is read again.

    Parameters
    ----------
    released : EarlierRelease
    shown : mapping of str to int
        What was published of each count that was not hidden.
    reasons : mapping of str to list of str
        Of counts that are known otherwise than they were first reported, why, as far as that was found.
    references : mapping of str to str
        The dated tables it rested on.
    """

    released: EarlierRelease
    shown: Mapping[str, int]
    reasons: Mapping[str, list[str]] = field(default_factory=dict)
    references: Mapping[str, str] = field(default_factory=dict)


def packed(decision: Suppression, reasons: Mapping[str, list[str]], references: Mapping[str, str]) -> bytes:
    """Return a release as bytes; keys are numbered, for sums name them many times.

    Parameters
    ----------
    decision : Suppression
    reasons : mapping of str to list of str
    references : mapping of str to str

    Returns
    -------
    bytes
    """
    kept = decision.released()
    number = {key: at for at, key in enumerate(sorted(kept.counts))}
    told = {
        "keys": list(number),
        "counts": [kept.counts[key] for key in number],
        "hidden": sorted(number[key] for key in kept.hidden),
        "unpublished": sorted(number[key] for key in kept.unpublished),
        "withheld": sorted(number[key] for key in kept.withheld),
        "sums": [[number[one.total], [number[part] for part in one.parts]] for one in kept.sums],
        "orders": [[number[one.lower], number[one.upper]] for one in kept.orders],
        "is_apart": kept.is_apart,
        "base": decision.rules.base,
        "reasons": {key: list(why) for key, why in sorted(reasons.items())},
        "references": dict(references),
    }
    return zlib.compress(json.dumps(told, separators=(",", ":")).encode())


def unpacked(content: bytes) -> StoredRelease:
    """Return a release that was packed.

    Parameters
    ----------
    content : bytes

    Returns
    -------
    StoredRelease
    """
    told = json.loads(zlib.decompress(content))
    keys: list[str] = told["keys"]
    released = EarlierRelease(
        dict(zip(keys, told["counts"], strict=True)),
        frozenset(keys[at] for at in told["hidden"]),
        [Sum(keys[total], tuple(keys[part] for part in parts)) for total, parts in told["sums"]],
        [Inequality(keys[lower], keys[upper]) for lower, upper in told["orders"]],
        frozenset(keys[at] for at in told["unpublished"]),
        frozenset(keys[at] for at in told.get("withheld", ())),  # before, they were told with the unpublished
        told.get("is_apart", False),
    )
    return StoredRelease(released, _published_counts(released, told["base"]), told["reasons"], told["references"])


def _published_counts(released: EarlierRelease, base: int) -> dict[str, int]:
    shown = released.published.difference(released.hidden)
    return {key: rounded(count, base) for key, count in released.counts.items() if key in shown}
