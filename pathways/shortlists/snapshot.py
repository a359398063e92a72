"""The snapshot stored with a jobseeker's shortlist, from which refusals and lower ranks are restored a page at a time.

A ranking of ten thousand placements refuses most of them, so their sentences are not stored. The snapshot holds the
profile that was ranked and, for each placement, the number of its version, its failed checks as bits, and its score and
the grades of its features if no check failed. Replies use these stored results; only sentences are made again.
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
from matching.pairs.checks import Check, CheckResult, Rule
from matching.pairs.eligibility import EXCLUDED, ONLY_A_CASEWORKER, Context
from matching.pairs.profiles import JobseekerLimits, JobseekerOffer, JobseekerProfile, JobseekerWishes, PlacementProfile
from pathways.placements.versions import columns_of
from pathways.shortlists import profiles

QUICKLY = 1  # the fastest zlib level, because snapshots are written far more often than read
# The header: the number of placements, the number of distinct patterns of failed checks, and the length in bytes of the
# packed version numbers.
HEAD = Struct("<III")
MOST_NARROW = 256
STEPS: tuple[Any, ...] = (np.uint8, np.uint16, np.uint32)
DAYS = {"earliest_start_on"}
LISTING_DAYS = ("starts_on", "ends_on")
METRES_BEYOND_ANY = 1e9
# Used if a table has been revised since the ranking, so that the check would not fail today.
THEN = "The {rule} check refused this pair under the rules and figures in force on the day of the shortlist."
COVERED = Check(Rule.SAFETY, CheckResult.FAIL, EXCLUDED, ONLY_A_CASEWORKER)


@dataclass(frozen=True, eq=False)
class RankingSnapshot:
    """The results of a ranking, one entry for each placement.

    ``numbers`` are the numbers of the placement versions, ascending; ``failed`` holds the failed checks as bits;
    ``scores`` are in millionths, and -1 if a check failed. ``grades`` has the grades of the features of each pair that
    failed no check, in the same order: later words of a vocabulary do not change what a stored list says. It is None in
    a snapshot of an earlier version.
    """

    numbers: NDArray[np.int64]
    failed: NDArray[np.uint16]
    scores: NDArray[np.int32]
    grades: NDArray[np.uint8] | None = None

    def packed(self, numbers: bytes | None = None) -> bytes:
        """Pack the snapshot into bytes.

        ``numbers`` are the version numbers in packed form, if the caller has them: shortlists made from the same index
        state share them.
        """
        patterns = np.flatnonzero(np.bincount(self.failed, minlength=1)).astype(np.uint16)
        codes = np.zeros(int(patterns[-1]) + 1 if len(patterns) else 1, dtype=np.uint16)
        codes[patterns] = np.arange(len(patterns))
        narrow = np.uint8 if len(patterns) <= MOST_NARROW else np.uint16
        parts = [patterns, codes.astype(narrow)[self.failed], self.scores[self.failed == 0]]
        if self.grades is not None:
            parts.append(self.grades.T)  # by feature, because equal grades then lie together
        body = zlib.compress(b"".join(part.tobytes() for part in parts), QUICKLY)
        head_numbers = numbers if numbers is not None else numbers_packed(self.numbers)
        return HEAD.pack(len(self.numbers), len(patterns), len(head_numbers)) + head_numbers + body

    def only(self, numbers: Sequence[int]) -> "RankingSnapshot":
        """Return a snapshot with only the results of the given version numbers."""
        wanted = np.isin(self.numbers, np.asarray(numbers, dtype=np.int64))
        if wanted.all():
            return self
        grades = None if self.grades is None else self.grades[wanted[self.failed == 0]]
        return RankingSnapshot(self.numbers[wanted], self.failed[wanted], self.scores[wanted], grades)

    def grades_of(self, rows: Sequence[int]) -> NDArray[np.uint8] | None:
        """Return the grades of some rows that failed no check; None if this snapshot has none."""
        if self.grades is None:
            return None
        place = np.cumsum(self.failed == 0) - 1
        return np.asarray(self.grades[place[np.asarray(rows, dtype=np.intp)]])

    @classmethod
    def unpacked(cls, packed_bytes: bytes) -> "RankingSnapshot":
        count, patterns, length = HEAD.unpack_from(packed_bytes)
        numbers = _numbers_unpacked(packed_bytes[HEAD.size : HEAD.size + length], count)
        body = zlib.decompress(packed_bytes[HEAD.size + length :])
        palette = np.frombuffer(body, dtype=np.uint16, count=patterns)
        narrow = np.uint8 if patterns <= MOST_NARROW else np.uint16
        codes = np.frombuffer(body, dtype=narrow, count=count, offset=palette.nbytes)
        failed = palette[codes] if count else np.zeros(0, dtype=np.uint16)
        scores = np.full(count, -1, dtype=np.int32)
        n_open, at = int(np.count_nonzero(failed == 0)), palette.nbytes + codes.nbytes
        scores[failed == 0] = np.frombuffer(body, dtype=np.int32, count=n_open, offset=at)
        rest = np.frombuffer(body, dtype=np.uint8, offset=at + n_open * scores.itemsize)
        grades = rest.reshape(-1, n_open).T if n_open and len(rest) else None
        return cls(numbers, failed, scores, grades)


def numbers_packed(numbers: NDArray[np.int64]) -> bytes:
    """Pack ascending numbers as the differences between them, in the smallest integer type that fits."""
    steps = np.diff(numbers, prepend=0)
    largest = int(steps.max(initial=0))
    width = next(n for n, kind in enumerate(STEPS) if largest <= np.iinfo(kind).max)
    return bytes([width]) + zlib.compress(steps.astype(STEPS[width]).tobytes(), QUICKLY)


def _numbers_unpacked(packed_bytes: bytes, count: int) -> NDArray[np.int64]:
    steps = np.frombuffer(zlib.decompress(packed_bytes[1:]), dtype=STEPS[packed_bytes[0]], count=count)
    return np.cumsum(steps.astype(np.int64))


def packed(rows: Sequence[Sequence[Any]]) -> bytes:
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), QUICKLY)


def unpacked(packed_rows: bytes) -> list[list[Any]]:
    rows: list[list[Any]] = json.loads(zlib.decompress(packed_rows))
    return rows


def without(rows: Sequence[Sequence[Any]], gone: Collection[str]) -> list[Sequence[Any]]:
    """Return the unpacked pairs without the pairs of the given jobseekers."""
    return [row for row in rows if row[1] not in gone]


def counted(refused: Sequence[Sequence[Any]]) -> dict[str, int]:
    """Return the number of refused pairs for each rule, in alphabetical order of the rules."""
    return dict(sorted(Counter(check[0] for row in refused for check in row[3]).items()))


def profile_packed(wanted: JobseekerProfile) -> bytes:
    """Pack the profile a ranking used, without safety exclusions; only the safety check's results are stored."""
    parts: dict[str, Any] = {"key": wanted.key}
    for part in ("limits", "wishes", "offer"):
        parts[part] = {name: value for name, value in asdict(getattr(wanted, part)).items() if name != "exclusions"}
    return json.dumps(parts, default=str, separators=(",", ":")).encode()


def profile_unpacked(packed_profile: bytes) -> JobseekerProfile:
    parts = json.loads(packed_profile)
    return JobseekerProfile(
        limits=_part(JobseekerLimits, parts["limits"]),
        wishes=_part(JobseekerWishes, parts["wishes"]),
        offer=_part(JobseekerOffer, parts["offer"]),
        key=parts["key"],
    )


def _part(kind: Any, columns: dict[str, Any]) -> Any:
    field_names = {field.name for field in fields(kind)}
    return kind(**{name: _value(name, value) for name, value in columns.items() if name in field_names})


def _value(name: str, value: Any) -> Any:
    if value is not None and name in DAYS:
        return date.fromisoformat(value)
    return tuple(value) if isinstance(value, list) else value


def listing(version: Any, failed: int) -> PlacementProfile:
    """Return the placement of a stored version; ``places_left`` is 0 if the places check failed, otherwise 1."""
    columns = columns_of(version.inputs)
    for name in LISTING_DAYS:
        columns[name] = date.fromisoformat(columns[name]) if columns[name] else None
    return profiles.of_placement(
        SimpleNamespace(id=version.placement_id, places_left=0 if failed & PLACES else 1, **columns)
    )


def nearness(failed: NDArray[np.uint16], metres: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sort keys of refused placements: the number of failed checks, then the distance in metres."""
    return np.bitwise_count(failed) * METRES_BEYOND_ANY + metres


def failed_checks(failed: int, limits: JobseekerLimits, placement: PlacementProfile, context: Context) -> list[Check]:
    """Return the failed checks, each with its sentence. The sentence of the safety check tells no detail."""
    rules = [rule for bit, rule in enumerate(RULES) if failed >> bit & 1]
    checks = {check.rule: check for check in eligibility.failures(limits, placement, context, rules)}
    if failed & SAFETY:
        checks[Rule.SAFETY] = COVERED
    return [checks.get(rule) or Check(rule, CheckResult.FAIL, THEN.format(rule=rule.value)) for rule in rules]
