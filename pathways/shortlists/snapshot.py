"""What a jobseeker's shortlist was ranked on, packed: what was not shown is worked out again, a page at a time.

A list of ten thousand listings refuses most of them. Their sentences are not kept: the profile as it was read and the
number of each listing's version are, with the checks that failed as bits and the score of the others. The bits and the
scores are what was decided; only the words are made again.
"""

import json
import zlib
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from struct import Struct
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from matching.bulk.bits import PLACES, RULES, SAFETY
from matching.pairs import eligibility
from matching.pairs.eligibility import EXCLUDED, ONLY_A_CASEWORKER, Check, CheckResult, Context, Rule
from matching.pairs.profiles import JobseekerLimits, JobseekerOffer, JobseekerProfile, JobseekerWishes, PlacementProfile
from pathways.placements.versions import columns_of
from pathways.shortlists import profiles

QUICKLY = 1  # zlib's level: the lists are written far more often than read
# How many listings, how many patterns of failed checks, how many bytes of numbers.
HEAD = Struct("<III")
MOST_NARROW = 256
STEPS: tuple[Any, ...] = (np.uint8, np.uint16, np.uint32)
DAYS = {"earliest_start_on"}
LISTING_DAYS = ("starts_on", "ends_on")
METRES_BEYOND_ANY = 1e9
# Where a table has been revised since, so that the check would say something else today.
THEN = "The check of {rule} refused it by the tables then in force."
COVERED = Check(Rule.SAFETY, CheckResult.FAIL, EXCLUDED, ONLY_A_CASEWORKER)


@dataclass(frozen=True, eq=False)
class RankingSnapshot:
    """How every listing came out: ``numbers`` of versions, rising; ``failed`` checks as bits; ``scores`` in millionths.

    A score is -1 where a check failed.
    """

    numbers: NDArray[np.int64]
    failed: NDArray[np.uint16]
    scores: NDArray[np.int32]

    def packed(self, numbers: bytes | None = None) -> bytes:
        """Pack all three; ``numbers`` where they stand packed already, as many lists of one moment share them."""
        patterns = np.flatnonzero(np.bincount(self.failed, minlength=1)).astype(np.uint16)
        codes = np.zeros(int(patterns[-1]) + 1 if len(patterns) else 1, dtype=np.uint16)
        codes[patterns] = np.arange(len(patterns))
        narrow = np.uint8 if len(patterns) <= MOST_NARROW else np.uint16
        told = (patterns, codes.astype(narrow)[self.failed], self.scores[self.failed == 0])
        kept = zlib.compress(b"".join(part.tobytes() for part in told), QUICKLY)
        first = numbers if numbers is not None else numbers_packed(self.numbers)
        return HEAD.pack(len(self.numbers), len(patterns), len(first)) + first + kept

    def only(self, numbers: Sequence[int]) -> "RankingSnapshot":
        """Return what is told of some versions, rising."""
        there = np.isin(self.numbers, np.asarray(numbers, dtype=np.int64))
        return self if there.all() else RankingSnapshot(self.numbers[there], self.failed[there], self.scores[there])

    @classmethod
    def unpacked(cls, kept: bytes) -> "RankingSnapshot":
        count, patterns, length = HEAD.unpack_from(kept)
        numbers = _numbers_unpacked(kept[HEAD.size : HEAD.size + length], count)
        told = zlib.decompress(kept[HEAD.size + length :])
        palette = np.frombuffer(told, dtype=np.uint16, count=patterns)
        narrow = np.uint8 if patterns <= MOST_NARROW else np.uint16
        codes = np.frombuffer(told, dtype=narrow, count=count, offset=palette.nbytes)
        failed = palette[codes] if count else np.zeros(0, dtype=np.uint16)
        scores = np.full(count, -1, dtype=np.int32)
        scores[failed == 0] = np.frombuffer(told, dtype=np.int32, offset=palette.nbytes + codes.nbytes)
        return cls(numbers, failed, scores)


def numbers_packed(numbers: NDArray[np.int64]) -> bytes:
    """Pack rising numbers as the steps between them."""
    steps = np.diff(numbers, prepend=0)
    largest = int(steps.max(initial=0))
    width = next(n for n, kind in enumerate(STEPS) if largest <= np.iinfo(kind).max)
    return bytes([width]) + zlib.compress(steps.astype(STEPS[width]).tobytes(), QUICKLY)


def _numbers_unpacked(kept: bytes, count: int) -> NDArray[np.int64]:
    steps = np.frombuffer(zlib.decompress(kept[1:]), dtype=STEPS[kept[0]], count=count)
    return np.cumsum(steps.astype(np.int64))


def packed(rows: Sequence[Sequence[Any]]) -> bytes:
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode())


def unpacked(kept: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(zlib.decompress(kept))
    return rows


def without(rows: Sequence[Sequence[Any]], gone: Collection[str]) -> list[Sequence[Any]]:
    """Return packed-away pairs, refused or under the limit, but those of some people."""
    return [row for row in rows if row[1] not in gone]


def counted(refused: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Return how many refused pairs each rule refuses, by the alphabet."""
    return dict(sorted(Counter(check[0] for row in refused for check in row[3]).items()))


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
    told = columns_of(version.inputs)
    for name in LISTING_DAYS:
        told[name] = date.fromisoformat(told[name]) if told[name] else None
    return profiles.of_placement(
        SimpleNamespace(id=version.placement_id, contact_email=None, places_left=0 if failed & PLACES else 1, **told)
    )


def nearness(failed: NDArray[np.uint16], metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what refused listings are ordered by: how many checks fail, then how far away they are."""
    return np.bitwise_count(failed) * METRES_BEYOND_ANY + metres


def failed_checks(failed: int, limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> list[Check]:
    """Return the checks that failed, in their own words made again; a safety exclusion has but one sentence."""
    rules = [rule for bit, rule in enumerate(RULES) if failed >> bit & 1]
    found = {check.rule: check for check in eligibility.failures(limits, placement, context, rules)}
    if failed & SAFETY:
        found[Rule.SAFETY] = COVERED
    return [found.get(rule) or Check(rule, CheckResult.FAIL, THEN.format(rule=rule.value)) for rule in rules]
