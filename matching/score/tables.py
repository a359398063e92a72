"""A model of both sides, compiled to tables of whole numbers. These tables are the only definition of a score.

Every feature has a grade (see ``grades``). Each side has two halves: the logistic half and the boosted half. A table
gives what each grade adds to the log-odds of each half, in units of 1 / 65,536. Some pairs of features have a table for
the boosted half too. A table of the logistic curve turns each sum into a probability, and a table of the calibration
corrects the probability. Both tables are interpolated linearly. All numbers are whole, so the order of a sum does not
matter: NumPy, compiled code and any other machine give exactly the same score.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matching.pairs.features import Feature, ModelSide
from matching.pairs.grades import NEUTRAL_GRADE, STEPS, Codes
from matching.score.priors import NEUTRAL
from matching.score.side_models import Floats, SideModel, Tables, sigmoid

UNIT = 1 << 16  # log-odds of 1, in the whole numbers used for log-odds
ONE = 1 << 20  # a probability of 1, in the whole numbers used for probabilities
REACH = 16  # log-odds beyond which the logistic curve is treated as flat
PER_UNIT = 64  # points of the logistic curve for each 1 of log-odds; interpolation is wrong by at most 3e-6
CURVE_POINTS = 4096
MILLION = 1_000_000
GRADES = 256
FEATURES = tuple(Feature)
COLUMNS = np.arange(len(FEATURES))
SIDE_ORDER = (ModelSide.JOBSEEKER, ModelSide.PLACEMENT)
Ints = NDArray[np.int64]


class TableArrays(NamedTuple):
    """The arrays of a compiled model, in the form that every scoring pass reads. Brackets name an array's dimensions.

    - ``base`` (side, half) is the constant of each half, and ``parts`` (side, half, feature, grade) is what each grade
      adds to this constant, both in units of 1 / 65,536 of log-odds. The two halves are the logistic and the boosted.
    - Each row of ``pairs`` has a side and the two features of one table: the first and the second. ``bins`` (pair,
      first or second, grade) gives the bin of a grade. ``pair_parts`` (pair, first bin, second bin) gives what a bin
      of the first feature and a bin of the second together add to the boosted half.
    - ``mix`` (side) is the weight of the boosted half, in units of 1 / 65,536.
    - ``odds`` is the logistic curve, and ``curves`` (side, point) are the calibration curves.
    - ``both`` holds the logistic ``parts`` of both sides in one number: the placement's side in the upper 32 bits, the
      jobseeker's side in the lower. One look-up and one sum then serve both sides.
    """

    base: NDArray[np.int32]
    parts: NDArray[np.int32]
    pairs: NDArray[np.int32]
    bins: Codes
    pair_parts: NDArray[np.int32]
    mix: Ints
    odds: NDArray[np.int32]
    curves: NDArray[np.int32]
    both: Ints


def _units(values: Floats) -> NDArray[np.int32]:
    return np.floor(np.asarray(values) * UNIT + 0.5).astype(np.int32)


def _logistic_part(weight: float) -> NDArray[np.int32]:
    """Return what each grade adds to the log-odds: weight x (value - neutral), and 0 for the unknown grade."""
    part = np.zeros(GRADES, dtype=np.int32)
    part[: STEPS + 1] = _units(weight * (np.arange(STEPS + 1) / STEPS - NEUTRAL))
    return part


def _bins_of(edges: Floats) -> Codes:
    """Return the bin of each grade. The unknown grade gets the bin of the neutral grade."""
    value = np.full(GRADES, NEUTRAL_GRADE / STEPS)
    value[: STEPS + 1] = np.arange(STEPS + 1) / STEPS
    return np.searchsorted(edges, value, side="left").astype(np.uint8)


@dataclass(frozen=True, eq=False)
class ScoreTables:
    """A model compiled to tables of whole numbers, with the scores that they define.

    Parameters
    ----------
    arrays : TableArrays

    Examples
    --------
    >>> from matching.score.side_models import SideModel
    >>> tables = ScoreTables.of({side: SideModel.expert(side) for side in ModelSide})
    >>> tables.scores(np.full((1, 12), 255, dtype=np.uint8)).tolist()
    [180659]
    """

    arrays: TableArrays

    @classmethod
    def of(cls, sides: Mapping[ModelSide, SideModel]) -> "ScoreTables":
        """Compile the models of both sides.

        Parameters
        ----------
        sides : mapping of ModelSide to SideModel

        Returns
        -------
        ScoreTables
        """
        base = np.zeros((2, 2), dtype=np.int32)
        parts = np.zeros((2, 2, len(FEATURES), GRADES), dtype=np.int32)
        mix = np.zeros(2, dtype=np.int64)
        curves = np.zeros((2, CURVE_POINTS + 1), dtype=np.int32)
        pair_tables: list[tuple[int, int, int, Codes, Codes, NDArray[np.int32]]] = []
        for number, side in enumerate(SIDE_ORDER):
            model = sides[side]
            at = [FEATURES.index(name) for name in model.features]
            base[number, 0] = _units(np.array(model.intercept))
            for feature, weight in zip(at, model.weights.tolist(), strict=True):
                parts[number, 0, feature] = _logistic_part(weight)
            curves[number] = _curve(model)
            if model.boosted is not None:
                mix[number] = round(model.mix * UNIT)
                base[number, 1] = _units(np.array(model.boosted.base))
                for column, single in model.boosted.singles.items():
                    parts[number, 1, at[column]] = _units(single[_bins_of(model.boosted.edges[column])])
                pair_tables += _pairs(number, at, model.boosted)
        odds = np.floor(sigmoid(np.arange(-REACH * PER_UNIT, REACH * PER_UNIT + 1) / PER_UNIT) * ONE + 0.5)
        most = max((max(table.shape) for *_, table in pair_tables), default=1)
        pair_parts = np.zeros((len(pair_tables), most, most), dtype=np.int32)
        for number, (*_, table) in enumerate(pair_tables):
            pair_parts[number, : table.shape[0], : table.shape[1]] = table
        return cls(
            TableArrays(
                base,
                parts,
                np.array([entry[:3] for entry in pair_tables], dtype=np.int32).reshape(-1, 3),
                np.array([entry[3:5] for entry in pair_tables], dtype=np.uint8).reshape(-1, 2, GRADES),
                pair_parts,
                mix,
                odds.astype(np.int32),
                curves,
                (parts[0, 0].astype(np.int64) + (parts[1, 0].astype(np.int64) << 32)).ravel(),
            )
        )

    def scores(self, codes: Codes) -> Ints:
        """Return the score of each pair.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)
            Columns are in the order of ``Feature``.

        Returns
        -------
        ndarray of int64 of shape (n_pairs,)
            Scores in millionths.
        """
        return multiplied(*self.sides(codes))

    def sides(self, codes: Codes) -> tuple[Ints, Ints]:
        """Return the calibrated probability of each side.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        tuple of two ndarrays of int64 of shape (n_pairs,)
            The jobseeker's side and the placement's side, in units of 1 / 1,048,576.
        """
        return self._side(0, codes), self._side(1, codes)

    def _side(self, side: int, codes: Codes) -> Ints:
        p = self._odds(self._total(side, 0, codes))
        share = int(self.arrays.mix[side])
        if share:
            p = ((UNIT - share) * p + share * self._odds(self._total(side, 1, codes))) >> 16
        at = np.minimum(p >> 8, CURVE_POINTS - 1)
        curve = self.arrays.curves[side]
        lower = curve[at].astype(np.int64)
        return np.asarray(lower + ((curve[at + 1] - lower) * (p - (at << 8)) >> 8))

    def _total(self, side: int, half: int, codes: Codes) -> Ints:
        of_features = self.arrays.parts[side, half][COLUMNS, codes]
        total: Ints = of_features.sum(axis=1, dtype=np.int64) + self.arrays.base[side, half]
        if half:
            for number, (pair_side, first, second) in enumerate(self.arrays.pairs.tolist()):
                if pair_side == side:
                    bins = self.arrays.bins[number]
                    total += self.arrays.pair_parts[number][bins[0][codes[:, first]], bins[1][codes[:, second]]]
        return total

    def _odds(self, total: Ints) -> Ints:
        z = np.clip(total + REACH * UNIT, 0, 2 * REACH * UNIT - 1)
        odds, at = self.arrays.odds, z >> 10
        lower = odds[at].astype(np.int64)
        return np.asarray(lower + ((odds[at + 1] - lower) * (z & 1023) >> 10))


def multiplied(jobseeker: Ints, placement: Ints) -> Ints:
    """Multiply the probabilities of both sides, in units of 1 / 1,048,576, and return the scores in millionths.

    Parameters
    ----------
    jobseeker, placement : ndarray of int64 of shape (n_pairs,)

    Returns
    -------
    ndarray of int64 of shape (n_pairs,)

    Examples
    --------
    >>> multiplied(np.array([1 << 19]), np.array([1 << 20])).tolist()
    [500000]
    """
    return np.asarray((jobseeker * placement * MILLION + (1 << 39)) >> 40)


def _curve(model: SideModel) -> NDArray[np.int32]:
    """Return the calibration curve at evenly spaced probabilities. The curve never falls."""
    calibrated = model.calibration.apply(np.arange(CURVE_POINTS + 1) / CURVE_POINTS)
    return np.maximum.accumulate(np.floor(calibrated * ONE + 0.5)).astype(np.int32)


def _pairs(
    side: int, at: Sequence[int], boosted: Tables
) -> list[tuple[int, int, int, Codes, Codes, NDArray[np.int32]]]:
    return [
        (side, at[first], at[second], _bins_of(boosted.edges[first]), _bins_of(boosted.edges[second]), _units(table))
        for (first, second), table in sorted(boosted.pairs.items())
    ]
