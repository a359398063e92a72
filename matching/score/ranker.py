"""Rank placements: check each pair, and multiply the probabilities of both sides to give the score of the pair."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache, partial
from itertools import groupby

import numpy as np

from matching.pairs import eligibility, features
from matching.pairs.checks import Check, CheckResult
from matching.pairs.eligibility import Context
from matching.pairs.features import Feature, ModelSide, Value, Values
from matching.pairs.grades import UNKNOWN, Codes, Uints, grades_of, hash_of, list_hash, mixed, mixed_all
from matching.pairs.profiles import JobseekerProfile, PlacementProfile
from matching.pairs.surroundings import conditions_found
from matching.pairs.travel import TravelEstimate
from matching.pairs.vocabulary import Vocabulary
from matching.score.confidence import certainties, confidence_of
from matching.score.side_models import COLUMNS_OF, Calibration, Floats, SideModel, logit, matrix_of, sigmoid
from matching.score.tables import MILLION, ONE, SIDE_ORDER, ScoreTables, multiplied

EXPERT_VERSION = "expert-4"
# The number of standard deviations from the middle to each end of an 80 % interval of a normal distribution.
INTERVAL_DEVIATIONS = 1.2816
# Scores this close together (near-ties) do not differ in practice. One in ten runs of near-ties is shuffled, so that
# later training can separate what people preferred from what was merely listed first.
NEAR_TIE = 5000  # millionths
SHUFFLED_SHARE = 0.1
OF_RUNS, OF_NEAR_TIES = 0x72756E73, 0x6E656172  # two random numbers: whether to shuffle a run, and its order


@dataclass(frozen=True, eq=False)
class TwoSidedModel:
    """The models of both sides of the score, which share one version name.

    Parameters
    ----------
    version : str
    sides : mapping of ModelSide to SideModel
    cases : int
        The number of decided cases that the model was trained on. 0 for the model of the expert priors.
    match_chance : Calibration
        The map from the score of a pair to the chance of a match. Only an allocation uses it: no score depends on it.

    Examples
    --------
    >>> TwoSidedModel.expert().cases
    0
    """

    version: str
    sides: Mapping[ModelSide, SideModel]
    cases: int = 0
    match_chance: Calibration = field(default_factory=Calibration)

    @staticmethod
    def expert() -> "TwoSidedModel":
        """Return the model of the expert priors.

        Returns
        -------
        TwoSidedModel
        """
        return _expert()

    @cached_property
    def tables(self) -> ScoreTables:
        """The model compiled to tables of whole numbers. These tables define the scores."""
        return ScoreTables.of(self.sides)

    def probabilities(self, pairs: Sequence[Values]) -> dict[ModelSide, Floats]:
        """Return the probability of each side for each pair.

        Parameters
        ----------
        pairs : sequence of mapping of Feature to Value

        Returns
        -------
        dict of ModelSide to ndarray of shape (n_pairs,)
        """
        return self.probabilities_of(features.codes_of(pairs))

    def probabilities_of(self, codes: Codes) -> dict[ModelSide, Floats]:
        """Return the probability of each side for each pair, from the grades of the features.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        dict of ModelSide to ndarray of shape (n_pairs,)
        """
        return dict(zip(SIDE_ORDER, (side / ONE for side in self.tables.sides(codes)), strict=True))

    def scores(self, pairs: Sequence[Values]) -> Floats:
        """Return the score of each pair: the product of the probabilities of both sides.

        Parameters
        ----------
        pairs : sequence of mapping of Feature to Value

        Returns
        -------
        ndarray of shape (n_pairs,)
            In [0, 1], in whole millionths, so that scores and ties are the same on every machine.
        """
        return np.asarray(self.tables.scores(features.codes_of(pairs)) / MILLION)

    def scores_of(self, matrices: Mapping[ModelSide, Floats]) -> Floats:
        """Return the score of each pair, from the feature matrices of both sides.

        Parameters
        ----------
        matrices : mapping of ModelSide to ndarray of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs,)
        """
        codes = np.full((len(next(iter(matrices.values()))), len(Feature)), UNKNOWN, dtype=np.uint8)
        for side, X in matrices.items():
            codes[:, COLUMNS_OF[side]] = grades_of(X)
        return np.asarray(self.tables.scores(codes) / MILLION)

    def intervals(self, codes: Codes) -> Floats:
        """Return an 80 % interval for each score. The interval is valid only if the form of the model is right.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs, 2)
            The lower and the upper end of each interval.
        """
        low, high = np.ones(len(codes)), np.ones(len(codes))
        for side, model in self.sides.items():
            X = matrix_of(side, codes)
            z, reach = logit(model.probability(X)), INTERVAL_DEVIATIONS * model.spread(X)
            low *= sigmoid(z - reach)
            high *= sigmoid(z + reach)
        return np.asarray(np.column_stack([low, high]).round(4), dtype=np.float64)

    @staticmethod
    def _spread_out(side: ModelSide, of_side: Floats) -> Floats:
        """Return one side's numbers with a column for every feature: 0 for a feature that the side does not read."""
        among_all = np.zeros((*of_side.shape[:-1], len(Feature)))
        among_all[..., COLUMNS_OF[side]] = of_side
        return among_all

    def contributions(self, codes: Codes) -> Floats:
        """Return what each feature adds, on the log-score scale, in the logistic half of each side.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs, n_features)
            The sum over both sides of weight x (value - neutral) x (1 - probability of the side). The last factor
            converts log-odds to the log-score scale, so that the sides can be added. 0 for an unknown feature.
        """
        parts = np.zeros(codes.shape)
        for side, model in self.sides.items():
            X = matrix_of(side, codes)
            still_open = 1.0 - model.logistic(X)
            parts += self._spread_out(side, model.centred(X) * model.weights * still_open[:, None])
        return parts

    def rest(self, codes: Codes) -> Floats:
        """Return what the boosted half and the calibration, both learnt from past decisions, add to ``contributions``.

        Parameters
        ----------
        codes : ndarray of uint8 of shape (n_pairs, n_features)

        Returns
        -------
        ndarray of shape (n_pairs,)
            On the log-score scale, like ``contributions``.
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
    """A pair that failed no check, with its score and what the score is based on.

    Parameters
    ----------
    placement : PlacementProfile
    score : float
        In [0, 1]: the product of the probabilities of both sides.
    confidence : str
        ``low``, ``medium`` or ``high``: how sure it is that the pair stands in the right order with others.
    values : dict of Feature to Value
    checks : tuple of Check
    journey : TravelEstimate or None
    sides : tuple of float
        Probabilities of the jobseeker's side and of the placement's side.
    interval : tuple of float
        An 80 % interval for the score.
    propensity : float
        The probability that the random tie-breaks of this day give the pair this rank.
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
        """Return a copy of this match with the given propensity.

        Parameters
        ----------
        propensity : float

        Returns
        -------
        Match
        """
        # ``dataclasses.replace`` would cost as much time as the score itself.
        scored = (self.placement, self.score, self.confidence, self.values, self.checks, self.journey)
        return Match(*scored, self.sides, self.interval, propensity)


@dataclass(frozen=True, slots=True)
class Refusal:
    """A pair that failed at least one check.

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
        """The checks that the pair failed."""
        return tuple(c for c in self.checks if c.result is CheckResult.FAIL)


@dataclass(frozen=True, slots=True)
class Ranking:
    """A ranked list: matches, those with the best score first, and refusals, those with the fewest failed checks first.

    Parameters
    ----------
    matches : tuple of Match
    refusals : tuple of Refusal
    """

    matches: tuple[Match, ...]
    refusals: tuple[Refusal, ...]


def tie_break(seed: str, list_key: str, key: str = "") -> int:
    """Return a number that looks random and is the same for the same arguments on every machine.

    Parameters
    ----------
    seed : str
        The text that seeds the day's tie-breaks.
    list_key : str
        Key of the jobseeker or placement for which the list is made.
    key : str
        Key of one entry of the list.

    Returns
    -------
    int
        A number of 64 bits.

    Examples
    --------
    >>> tie_break("2026-11-02", "a") == tie_break("2026-11-02", "a")
    True
    """
    return mixed(list_hash(seed, list_key) ^ hash_of(key))


@dataclass(frozen=True, slots=True)
class TieBreakOrder:
    """The ranked order of a list, with the probability that each entry has its rank.

    Parameters
    ----------
    places : list of int
        The positions of the entries in the unranked list, best entry first.
    propensities : list of float
        For each entry, in the order of ``places``: the probability that the entry has this rank.
    """

    places: list[int] = field(default_factory=list)
    propensities: list[float] = field(default_factory=list)


def order(
    scores: Sequence[float] | Floats, keys: Sequence[str], seed: str, list_key: str, hashes: Uints | None = None
) -> TieBreakOrder:
    """Rank entries by score. Ties are broken at random, and some runs of near-ties are shuffled.

    The random numbers depend only on the day's seed, the list key and the keys of the entries. The result of one day is
    therefore always the same, in whatever order the entries are given, and a replay reproduces it.

    Parameters
    ----------
    scores : sequence of float
    keys : sequence of str
        Keys of the entries to rank.
    seed : str
        The text that seeds the day's tie-breaks.
    list_key : str
        Key of the jobseeker or placement for which the list is made.
    hashes : ndarray of uint64 or None
        ``hash_of`` of each key, if the caller has already computed it.

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
    list_bits = np.uint64(list_hash(seed, list_key))
    tie_breaks = mixed_all(own ^ list_bits)
    by_key = (
        np.argsort(np.asarray(keys, dtype=np.str_), kind="stable")
        if len(set(tie_breaks.tolist())) < len(keys)
        else None
    )
    inorder = (tie_breaks, -whole) if by_key is None else (np.argsort(by_key), tie_breaks, -whole)
    ranked = np.lexsort(inorder).tolist()
    result, levels = TieBreakOrder(), whole.tolist()
    for number, run in enumerate(_runs(ranked, levels)):
        tied = all(levels[i] == levels[run[0]] for i in run)
        shuffles = not tied and mixed(int(list_bits) ^ OF_RUNS ^ number << 32) / 2**64 < SHUFFLED_SHARE
        placed = run
        if shuffles:
            near = mixed_all(tie_breaks[run] ^ np.uint64(OF_NEAR_TIES))
            placed = [run[i] for i in np.argsort(near, kind="stable").tolist()]
        result.places.extend(placed)
        result.propensities.extend(_propensities(run, placed, levels, tied=tied))
    return result


def _runs(ranked: Sequence[int], scores: Sequence[int]) -> list[list[int]]:
    """Split a list ranked by falling score into runs whose highest and lowest score differ by at most ``NEAR_TIE``."""
    runs: list[list[int]] = []
    for place in ranked:
        if runs and scores[runs[-1][0]] - scores[place] <= NEAR_TIE:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _propensities(run: Sequence[int], placed: Sequence[int], scores: Sequence[int], *, tied: bool) -> list[float]:
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
        for rank, place in enumerate(placed)
    ]


class PlacementRanker:
    """Rank placements for one jobseeker, or jobseekers for one placement.

    Parameters
    ----------
    vocabulary : Vocabulary
        Labels of skills and occupations, with the concepts that they mean.
    context : Context
        The day, and figures from the reference tables.
    model : TwoSidedModel or None
        The model of the score. If None: the model of the expert priors.

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
        self.context = replace(context, shows=partial(conditions_found, vocabulary=vocabulary))
        self.model = model or TwoSidedModel.expert()

    @property
    def seed(self) -> str:
        """The text that seeds the day's tie-breaks: the day and the version of the model."""
        return f"{self.context.on.isoformat()} {self.model.version}"

    def values(self, jobseeker: JobseekerProfile, placement: PlacementProfile) -> dict[Feature, Value]:
        """Return the features of one pair, even if the pair is ruled out.

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
        """Check one pair and, unless it is ruled out, score it.

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
        """Return the matches and the refusals among many pairs, each in the order of ``pairs``.

        Parameters
        ----------
        pairs : iterable of (JobseekerProfile, PlacementProfile)

        Returns
        -------
        tuple of two lists
        """
        refusals: list[tuple[JobseekerProfile, Refusal]] = []
        passed: list[tuple[JobseekerProfile, PlacementProfile, tuple[Check, ...], TravelEstimate | None]] = []
        values: list[dict[Feature, Value]] = []
        for jobseeker, placement in pairs:
            checks, journey = eligibility.checks_and_travel(jobseeker.limits, placement, self.context)
            if eligibility.is_refused(checks):
                refusals.append((jobseeker, Refusal(placement, checks, journey)))
                continue
            passed.append((jobseeker, placement, checks, journey))
            values.append(features.compute(jobseeker.wishes, jobseeker.offer, placement, journey, self.vocabulary))
        if not passed:
            return [], refusals
        codes = features.codes_of(values)
        sides = self.model.tables.sides(codes)
        scores = (multiplied(*sides) / MILLION).tolist()
        probabilities = (np.column_stack(sides) / ONE).round(4).tolist()
        intervals = self.model.intervals(codes).tolist()
        sure = certainties(self.model, codes).tolist()
        matches = []
        for i, (jobseeker, placement, checks, journey) in enumerate(passed):
            both, interval = (probabilities[i][0], probabilities[i][1]), (intervals[i][0], intervals[i][1])
            confidence = confidence_of(sure[i])
            match = Match(placement, scores[i], confidence, values[i], checks, journey, both, interval)
            matches.append((jobseeker, match))
        return matches, refusals

    def rank(self, jobseeker: JobseekerProfile, placements: Iterable[PlacementProfile]) -> Ranking:
        """Return every placement, either as a match or as a refusal. No placement is left out.

        Parameters
        ----------
        jobseeker : JobseekerProfile
        placements : iterable of PlacementProfile

        Returns
        -------
        Ranking
            Matches are ordered by score, then tie-break; refusals by number of failed checks, distance and key.
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
        """Rank jobseekers for a placement. Only caseworkers may see the result, never a social enterprise.

        Parameters
        ----------
        placement : PlacementProfile
        jobseekers : iterable of JobseekerProfile
            The key of each must be unique.

        Returns
        -------
        tuple of two lists
            The matches, best first, and the refusals, ordered by number of failed checks and then by key.
        """
        matches, refusals = self.pairs((jobseeker, placement) for jobseeker in jobseekers)
        keys = [jobseeker.key for jobseeker, _ in matches]
        ranked = self.ordered([m for _, m in matches], keys, placement.key)
        refusals.sort(key=lambda r: (len(r[1].failed), r[0].key))
        return [(matches[i][0], match) for i, match in ranked], refusals

    def ordered(self, matches: Sequence[Match], keys: Sequence[str], list_key: str) -> list[tuple[int, Match]]:
        """Rank matches. Return each with its position in ``matches``, and with the propensity of its rank.

        Parameters
        ----------
        matches : sequence of Match
        keys : sequence of str
        list_key : str

        Returns
        -------
        list of (int, Match)
        """
        ranked = order([m.score for m in matches], keys, self.seed, list_key)
        return [
            (place, matches[place].with_propensity(round(chance, 6)))
            for place, chance in zip(ranked.places, ranked.propensities, strict=True)
        ]
