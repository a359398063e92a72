"""What a jobseeker's shortlist was ranked on, packed: what was not shown is worked out again, a page at a time.

A list of ten thousand listings refuses most of them. Their sentences are not kept: the profile as it was read and the
number of each listing's version are, with the checks that failed as bits and the score of the others. The bits and the
scores are what was decided; only the words are made again.
"""

import json
import zlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.eligibility import EXCLUDED, ONLY_A_CASEWORKER, Check, Result, Rule
from matching.passes.bits import PLACES, RULES, SAFETY
from matching.profiles import JobseekerLimits, JobseekerOffer, JobseekerProfile, JobseekerWishes, PlacementProfile
from pathways.shortlists import profiles

QUICKLY = 1  # zlib's level: the lists are written far more often than read
STEPS: tuple[Any, ...] = (np.uint8, np.uint16, np.uint32)
DAYS = {"earliest_start_on"}
LISTING_DAYS = ("starts_on", "ends_on")
METRES_BEYOND_ANY = 1e9
COVERED = Check(Rule.SAFETY, Result.FAIL, EXCLUDED, ONLY_A_CASEWORKER)


@dataclass(frozen=True, eq=False)
class Looked:
    """How every listing came out: ``numbers`` of versions, rising; ``failed`` checks as bits; ``scores`` in millionths.

    A score is -1 where a check failed.
    """

    numbers: NDArray[np.int64]
    failed: NDArray[np.uint16]
    scores: NDArray[np.int32]

    def packed(self) -> bytes:
        steps = np.diff(self.numbers, prepend=0)
        largest = int(steps.max(initial=0))
        width = next(n for n, kind in enumerate(STEPS) if largest <= np.iinfo(kind).max)
        parts = (
            np.array([len(steps), width], dtype=np.int64),
            steps.astype(STEPS[width]),
            self.failed,
            self.scores[self.failed == 0],
        )
        return zlib.compress(b"".join(part.tobytes() for part in parts), QUICKLY)

    @classmethod
    def unpacked(cls, kept: bytes) -> "Looked":
        told = zlib.decompress(kept)
        count, width = np.frombuffer(told, dtype=np.int64, count=2).tolist()
        steps = np.frombuffer(told, dtype=STEPS[width], count=count, offset=16)
        at = 16 + steps.nbytes
        failed = np.frombuffer(told, dtype=np.uint16, count=count, offset=at)
        scores = np.full(count, -1, dtype=np.int32)
        scores[failed == 0] = np.frombuffer(told, dtype=np.int32, offset=at + failed.nbytes)
        return cls(np.cumsum(steps.astype(np.int64)), failed, scores)


def packed(rows: Sequence[Sequence[Any]]) -> bytes:
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode())


def unpacked(kept: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(zlib.decompress(kept))
    return rows


def profile_packed(wanted: JobseekerProfile) -> bytes:
    """Keep a profile as a ranking read it, without the safety exclusions: of them only what they decided is kept."""
    told: dict[str, Any] = {"key": wanted.key}
    for part in ("limits", "wishes", "offer"):
        told[part] = {name: value for name, value in asdict(getattr(wanted, part)).items() if name != "exclusions"}
    return json.dumps(told, default=str, separators=(",", ":")).encode()


def profile_unpacked(kept: bytes) -> JobseekerProfile:
    told = json.loads(kept)
    return JobseekerProfile(
        limits=_part(JobseekerLimits, told["limits"]),
        wishes=_part(JobseekerWishes, told["wishes"]),
        offer=_part(JobseekerOffer, told["offer"]),
        key=told["key"],
    )


def _part(kind: Any, told: dict[str, Any]) -> Any:
    known = {one.name for one in fields(kind)}
    return kind(**{name: _value(name, value) for name, value in told.items() if name in known})


def _value(name: str, value: Any) -> Any:
    if value is not None and name in DAYS:
        return date.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


def listing(version: Any, failed: int) -> PlacementProfile:
    """Return a listing as its version says, with a place left unless that was what failed."""
    told = dict(version.inputs)
    for name in LISTING_DAYS:
        told[name] = date.fromisoformat(told[name]) if told[name] else None
    return profiles.of_placement(
        SimpleNamespace(id=version.placement_id, contact_email=None, places_left=0 if failed & PLACES else 1, **told)
    )


def nearness(failed: NDArray[np.uint16], metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what refused listings are ordered by: how many checks fail, then how far away they are."""
    return np.bitwise_count(failed) * METRES_BEYOND_ANY + metres


def told_of(failed: int, checks: tuple[Check, ...]) -> list[Check]:
    """Return the checks that failed, in their own words made again; a safety exclusion has but one sentence."""
    found = {check.rule: check for check in checks if check.result is Result.FAIL}
    if failed & SAFETY:
        found[Rule.SAFETY] = COVERED
    return [found[rule] for bit, rule in enumerate(RULES) if failed >> bit & 1 and rule in found]
