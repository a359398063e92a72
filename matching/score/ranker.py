"""PlacementRanker: checks first, then two probabilities a pair, one for each side, multiplied into the score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import groupby

import numpy as np

from matching.pairs import eligibility, features
from matching.pairs.eligibility import Check, Context
from matching.pairs.features import SIDES, Feature, ModelSide, Value, Values
from matching.pairs.grades import UNKNOWN, Codes, Uints, grades_of, hash_of, list_hash, mixed, mixed_all
from matching.pairs.profiles import JobseekerProfile, PlacementProfile
from matching.pairs.text import Vocabulary
from matching.pairs.travel import TravelEstimate
from matching.score.side_models import COLUMNS_OF, Floats, SideModel, logit, matrix_of, sigmoid
from matching.score.tables import MILLION, ONE, SIDE_ORDER, ScoreTables, multiplied

EXPERT_VERSION = "expert-4"
# An interval that holds the truth four times in five: wide enough to be honest, narrow enough to be read.
INTERVAL_DEVIATIONS = 1.2816
HIGH_CONFIDENCE, MEDIUM_CONFIDENCE = 0.75, 0.45
# Two scores this near cannot be told apart by anybody; one such run in ten is shuffled, which is how later learning can
# tell what was chosen from what merely stood first (measured findings 8).
NEAR_TIE = 5000  # millionths
SHUFFLED_SHARE = 0.1
OF_RUNS, OF_NEAR_TIES = 0x72756E73, 0x6E656172  # what keeps the lots of one kind apart from those of another


@dataclass(frozen=True, eq=False)
class TwoSidedModel:
    """Both sides of the score, under one version.

    Parameters
    ----------
    version : str
    sides : mapping of ModelSide to SideModel
    cases : int
        Decided cases it was trained on; 0 for the experts' own.

    Examples
    --------
    >>> TwoSidedModel.expert().cases
    0
    """

    version: str
    sides: Mapping[ModelSide, SideModel]
    cases: int = 0

    @staticmethod
    def expert() -> "TwoSidedModel":
        """Return the model of the published priors.

        Returns
        -------
        TwoSidedModel
        """
        return _expert()

    @cached_property
    def tables(self) -> ScoreTables:
        """The model compiled to tables of whole numbers, which define its scores."""
        return ScoreTables.of(self.sides)

    def probabilities(self, pairs: Sequence[Values]) -> dict[ModelSide, Floats]:
        """Return what each side would say of each pair.

        Parameters
        ----------
        pairs : sequence of mapping of Feature to Value

        Returns
        -------
        dict of ModelSide to ndarray of shape (n_pairs,)
        """
        return self.probabilities_of(features.codes_of(pairs))

    def probabilities_of(self, codes: Codes) -> dict[ModelSide, Floats]:
        """Return what each side would say of pairs whose features stand as grades already.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        dict of ModelSide to ndarray of shape (n_pairs,)
        """
        return dict(zip(SIDE_ORDER, (side / ONE for side in self.tables.sides(codes)), strict=True))

    def scores(self, pairs: Sequence[Values]) -> Floats:
        """Return the product of both sides.

        Parameters
        ----------
        pairs : sequence of mapping of Feature to Value

        Returns
        -------
        ndarray of shape (n_pairs,)
            In [0, 1], in whole millionths: the same on every machine, so that a tie is a tie.
        """
        return np.asarray(self.tables.scores(features.codes_of(pairs)) / MILLION)

    def scores_of(self, matrices: Mapping[ModelSide, Floats]) -> Floats:
        """Return the product of both sides for features that stand in matrices already.

        Parameters
        ----------
        matrices : mapping of ModelSide to ndarray of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs,)
        """
        rows = len(next(iter(matrices.values())))
        codes = np.full((rows, len(Feature)), 255, dtype=np.uint8)
        inorder = list(Feature)
        for side, X in matrices.items():
            codes[:, [inorder.index(name) for name in SIDES[side]]] = grades_of(X)
        return np.asarray(self.tables.scores(codes) / MILLION)

    def intervals(self, codes: Codes) -> Floats:
        """Return the range the score may well lie in: four times in five, were the model's form right.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs, 2)
            Lowest and highest.
        """
        low, high = np.ones(len(codes)), np.ones(len(codes))
        for side, model in self.sides.items():
            X = matrix_of(side, codes)
            z, reach = logit(model.probability(X)), INTERVAL_DEVIATIONS * model.spread(X)
            low *= sigmoid(z - reach)
            high *= sigmoid(z + reach)
        return np.asarray(np.column_stack([low, high]).round(4), dtype=np.float64)

    def shares_known(self, codes: Codes) -> Floats:
        """Return how much of the model's weight rests on something known.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs,)
            In [0, 1].
        """
        weights = sum(np.abs(self._spread_out(side, model.weights)) for side, model in self.sides.items())
        total = float(np.sum(weights))
        return np.asarray((codes != UNKNOWN) @ weights / total if total else np.zeros(len(codes)))

    @staticmethod
    def _spread_out(side: ModelSide, of_side: Floats) -> Floats:
        """Return numbers of a side's features among all features, 0 for those it does not read."""
        found = np.zeros((*of_side.shape[:-1], len(Feature)))
        found[..., COLUMNS_OF[side]] = of_side
        return found

    def contributions(self, codes: Codes) -> Floats:
        """Return what each known feature adds to or takes from the log of the score, by the logistic halves.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs, n_features)
            Weight x (value - neutral) on each side, times the share of that side's odds that is still open, so that
            the parts of both sides can be added; 0 for what is not known.
        """
        parts = np.zeros(codes.shape)
        for side, model in self.sides.items():
            X = matrix_of(side, codes)
            still_open = 1.0 - model.logistic(X)
            parts += self._spread_out(side, model.centred(X) * model.weights * still_open[:, None])
        return parts

    def rest(self, codes: Codes) -> Floats:
        """Return what past decisions add beyond the named contributions: the boosted half and the calibration.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs,)
            On the scale of ``contributions``.
        """
        total = np.zeros(len(codes))
        for side, model in self.sides.items():
            if model.is_plain:
                continue
            X = matrix_of(side, codes)
            total += np.log(model.probability(X)) - np.log(model.logistic(X))
        return total


@lru_cache
def _expert() -> TwoSidedModel:
    return TwoSidedModel(EXPERT_VERSION, {side: SideModel.expert(side) for side in ModelSide})


@dataclass(frozen=True, slots=True)
class Match:
    """A pair that passed or may pass every check, with its score and what made it.

    Parameters
    ----------
    placement : PlacementProfile
    score : float
        In [0, 1]: the product of both sides.
    confidence : str
        ``low``, ``medium`` or ``high``: how much of the weight rests on something known.
    values : dict of Feature to Value
    checks : tuple of Check
    journey : TravelEstimate or None
    sides : tuple of float
        What the jobseeker's side and the placement's side say.
    interval : tuple of float
        Where the score may well lie.
    propensity : float
        How likely this pair was to stand at this rank on this day.
    """

    placement: PlacementProfile
    score: float
    confidence: str
    values: dict[Feature, Value]
    checks: tuple[Check, ...]
    journey: TravelEstimate | None
    sides: tuple[float, float] = (0.0, 0.0)
    interval: tuple[float, float] = (0.0, 1.0)
    propensity: float = 1.0

    def with_propensity(self, propensity: float) -> "Match":
        """Return the same match with how likely it was to stand where it stands.

        Parameters
        ----------
        propensity : float

        Returns
        -------
        Match
        """
        # Field by field: ``dataclasses.replace`` costs as much as the score itself.
        return Match(
            self.placement,
            self.score,
            self.confidence,
            self.values,
            self.checks,
            self.journey,
            self.sides,
            self.interval,
            propensity,
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A pair that failed a check.

    Parameters
    ----------
    placement : PlacementProfile
    checks : tuple of Check
    journey : TravelEstimate or None
    """

    placement: PlacementProfile
    checks: tuple[Check, ...]
    journey: TravelEstimate | None

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that refused it."""
        return tuple(c for c in self.checks if c.result is eligibility.CheckResult.FAIL)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Everything that was looked at: matches best first, and refusals nearest first.

    Parameters
    ----------
    matches : tuple of Match
    refusals : tuple of Refusal
    """

    matches: tuple[Match, ...]
    refusals: tuple[Refusal, ...]


def confidence_of(known_share: float) -> str:
    """Return how much of the weight rests on something known, in a word.

    Parameters
    ----------
    known_share : float
        In [0, 1].

    Returns
    -------
    str
        ``high`` from 0.75, ``medium`` from 0.45, else ``low``.

    Examples
    --------
    >>> confidence_of(0.5)
    'medium'
    """
    return "high" if known_share >= HIGH_CONFIDENCE else "medium" if known_share >= MEDIUM_CONFIDENCE else "low"


def tie_break(seed: str, list_key: str, key: str = "") -> int:
    """Return the same number for the same words on every machine, as good as drawn at random.

    Parameters
    ----------
    seed : str
        The day's.
    list_key : str
        Whose list it is.
    key : str
        What stands on it.

    Returns
    -------
    int
        Of 64 bits.

    Examples
    --------
    >>> tie_break("2026-11-02", "a") == tie_break("2026-11-02", "a")
    True
    """
    return mixed(list_hash(seed, list_key) ^ hash_of(key))


@dataclass(frozen=True, slots=True)
class TieBreakOrder:
    """An order of things with scores, and how likely each was to stand where it stands.

    Parameters
    ----------
    places : list of int
        Positions in the list that came in, best first.
    propensities : list of float
        For each of ``places``.
    """

    places: list[int] = field(default_factory=list)
    propensities: list[float] = field(default_factory=list)


def order(
    scores: Sequence[float] | Floats, keys: Sequence[str], seed: str, list_key: str, hashes: Uints | None = None
) -> TieBreakOrder:
    """Return the order to show: by score, equal scores by lot, and now and then near-equal ones too.

    The lot depends on the day's seed, whose list it is and the keys alone, so the same day gives the same order
    however the pairs came in, and a replay can repeat it.

    Parameters
    ----------
    scores : sequence of float
    keys : sequence of str
        What is ranked.
    seed : str
        The day's.
    list_key : str
        Whose list it is.
    hashes : ndarray of uint64 or None
        ``hash_of`` each key, where it is known already.

    Returns
    -------
    TieBreakOrder

    Examples
    --------
    >>> order([0.1, 0.9], ["a", "b"], "2026-11-02", "J").places
    [1, 0]
    """
    whole = np.floor(np.asarray(scores, dtype=np.float64) * MILLION + 0.5).astype(np.int64)
    own = np.array([hash_of(key) for key in keys], dtype=np.uint64) if hashes is None else hashes
    drawn_by = np.uint64(list_hash(seed, list_key))
    lots = mixed_all(own ^ drawn_by)
    by_key = np.argsort(np.asarray(keys, dtype=np.str_), kind="stable") if len(set(lots.tolist())) < len(keys) else None
    inorder = (lots, -whole) if by_key is None else (np.argsort(by_key), lots, -whole)
    drawn = np.lexsort(inorder).tolist()
    found, told = TieBreakOrder(), whole.tolist()
    for number, run in enumerate(_runs(drawn, told)):
        tied = all(told[i] == told[run[0]] for i in run)
        shuffles = not tied and mixed(int(drawn_by) ^ OF_RUNS ^ number << 32) / 2**64 < SHUFFLED_SHARE
        shown = run
        if shuffles:
            near = mixed_all(lots[run] ^ np.uint64(OF_NEAR_TIES))
            shown = [run[i] for i in np.argsort(near, kind="stable").tolist()]
        found.places.extend(shown)
        found.propensities.extend(_propensities(run, shown, told, tied=tied))
    return found


def _runs(drawn: Sequence[int], scores: Sequence[int]) -> list[list[int]]:
    """Cut a falling list into runs no wider than a near-tie."""
    runs: list[list[int]] = []
    for place in drawn:
        if runs and scores[runs[-1][0]] - scores[place] <= NEAR_TIE:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _propensities(run: Sequence[int], shown: Sequence[int], scores: Sequence[int], *, tied: bool) -> list[float]:
    if tied:
        return [1.0 / len(run)] * len(run)
    equal: dict[int, int] = {}
    level: dict[int, int] = {}
    for score, group in groupby(range(len(run)), key=lambda rank: scores[run[rank]]):
        ranks = list(group)
        for rank in ranks:
            equal[rank], level[rank] = len(ranks), score
    return [
        SHUFFLED_SHARE / len(run)
        + (1.0 - SHUFFLED_SHARE) * (1.0 / equal[rank] if scores[place] == level[rank] else 0.0)
        for rank, place in enumerate(shown)
    ]


class PlacementRanker:
    """Rank placements for one jobseeker, or jobseekers for one placement.

    Parameters
    ----------
    vocabulary : Vocabulary
        What words mean the same.
    context : Context
        The day, and figures from dated tables.
    model : TwoSidedModel or None
        The experts' own where None.

    Examples
    --------
    >>> from datetime import date
    >>> ranker = PlacementRanker(Vocabulary(), Context(on=date(2026, 11, 2), modes={}))
    >>> ranking = ranker.rank(JobseekerProfile(), [PlacementProfile(key="1", title="Gardener")])
    >>> [(match.placement.key, round(match.score, 3)) for match in ranking.matches]
    [('1', 0.181)]
    """

    def __init__(self, vocabulary: Vocabulary, context: Context, model: TwoSidedModel | None = None) -> None:
        self.vocabulary = vocabulary
        self.context = context
        self.model = model or TwoSidedModel.expert()

    @property
    def seed(self) -> str:
        """The day's seed for lots."""
        return f"{self.context.on.isoformat()} {self.model.version}"

    def values(self, jobseeker: JobseekerProfile, placement: PlacementProfile) -> dict[Feature, Value]:
        """Return the features of one pair, whether it is refused or not.

        Parameters
        ----------
        jobseeker : JobseekerProfile
        placement : PlacementProfile

        Returns
        -------
        dict of Feature to Value
        """
        journey = eligibility.journey(jobseeker.limits, placement, self.context)
        return features.compute(jobseeker.wishes, jobseeker.offer, placement, journey, self.vocabulary)

    def pair(self, jobseeker: JobseekerProfile, placement: PlacementProfile) -> Match | Refusal:
        """Return one pair, explained whether it is refused or not.

        Parameters
        ----------
        jobseeker : JobseekerProfile
        placement : PlacementProfile

        Returns
        -------
        Match or Refusal
        """
        matches, refusals = self.pairs([(jobseeker, placement)])
        return matches[0][1] if matches else refusals[0][1]

    def pairs(
        self, pairs: Iterable[tuple[JobseekerProfile, PlacementProfile]]
    ) -> tuple[list[tuple[JobseekerProfile, Match]], list[tuple[JobseekerProfile, Refusal]]]:
        """Return many pairs, those that may be and those that are refused, each in the order they came.

        Parameters
        ----------
        pairs : iterable of (JobseekerProfile, PlacementProfile)

        Returns
        -------
        tuple of two lists
        """
        refusals: list[tuple[JobseekerProfile, Refusal]] = []
        kept: list[tuple[JobseekerProfile, PlacementProfile, tuple[Check, ...], TravelEstimate | None]] = []
        values: list[dict[Feature, Value]] = []
        for jobseeker, placement in pairs:
            checks, journey = eligibility.checks_and_travel(jobseeker.limits, placement, self.context)
            if eligibility.is_refused(checks):
                refusals.append((jobseeker, Refusal(placement, checks, journey)))
                continue
            kept.append((jobseeker, placement, checks, journey))
            values.append(features.compute(jobseeker.wishes, jobseeker.offer, placement, journey, self.vocabulary))
        if not kept:
            return [], refusals
        codes = features.codes_of(values)
        sides = self.model.tables.sides(codes)
        scores = (multiplied(*sides) / MILLION).tolist()
        told = (np.column_stack(sides) / ONE).round(4).tolist()
        intervals = self.model.intervals(codes).tolist()
        known = self.model.shares_known(codes).tolist()
        matches = [
            (
                jobseeker,
                Match(
                    placement,
                    scores[i],
                    confidence_of(known[i]),
                    values[i],
                    checks,
                    journey,
                    sides=(told[i][0], told[i][1]),
                    interval=(intervals[i][0], intervals[i][1]),
                ),
            )
            for i, (jobseeker, placement, checks, journey) in enumerate(kept)
        ]
        return matches, refusals

    def rank(self, jobseeker: JobseekerProfile, placements: Iterable[PlacementProfile]) -> Ranking:
        """Return every placement, either ranked or refused; none disappears.

        Parameters
        ----------
        jobseeker : JobseekerProfile
        placements : iterable of PlacementProfile

        Returns
        -------
        Ranking
            Matches by score, ties by the day's lot; refusals by number of failed checks, then distance, then key.
        """
        matches, refusals = self.pairs((jobseeker, placement) for placement in placements)
        ranked = self.ordered([m for _, m in matches], [m.placement.key for _, m in matches], jobseeker.key)
        nearest = sorted(
            (refusal for _, refusal in refusals),
            key=lambda r: (len(r.failed), r.journey.km if r.journey else 0.0, r.placement.key),
        )
        return Ranking(tuple(match for _, match in ranked), tuple(nearest))

    def rank_jobseekers(
        self, placement: PlacementProfile, jobseekers: Iterable[JobseekerProfile]
    ) -> tuple[list[tuple[JobseekerProfile, Match]], list[tuple[JobseekerProfile, Refusal]]]:
        """Return jobseekers for a placement: for caseworkers, never for a social enterprise.

        Parameters
        ----------
        placement : PlacementProfile
        jobseekers : iterable of JobseekerProfile
            Each with a key of its own.

        Returns
        -------
        tuple of two lists
            Matches best first; refusals by number of failed checks, then key.
        """
        matches, refusals = self.pairs((jobseeker, placement) for jobseeker in jobseekers)
        keys = [jobseeker.key for jobseeker, _ in matches]
        ranked = self.ordered([m for _, m in matches], keys, placement.key)
        refusals.sort(key=lambda r: (len(r[1].failed), r[0].key))
        return [(matches[i][0], match) for i, match in ranked], refusals

    def ordered(self, matches: Sequence[Match], keys: Sequence[str], list_key: str) -> list[tuple[int, Match]]:
        """Return matches in the order to show, each with its place in the list that came in and its propensity.

        Parameters
        ----------
        matches : sequence of Match
        keys : sequence of str
        list_key : str

        Returns
        -------
        list of (int, Match)
        """
        found = order([m.score for m in matches], keys, self.seed, list_key)
        return [
            (place, matches[place].with_propensity(round(chance, 6)))
            for place, chance in zip(found.places, found.propensities, strict=True)
        ]
