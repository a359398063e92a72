"""Explain a score to a caseworker: reasons for, reasons against, what is not known, and what would change the score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from matching.pairs.features import (
    IN_LIMIT,
    MAYBE_FAR,
    MISSING,
    NEARLY,
    NO_WAY,
    NONE_SHARED,
    NOT_OFFERED,
    NOT_SAID,
    OF_JOBSEEKER,
    OF_LISTING,
    PARTLY,
    TOO_FAR,
    Feature,
    Value,
    Values,
    codes_of,
)
from matching.pairs.grades import STEPS, UNKNOWN, Codes
from matching.score.ranker import Refusal, TwoSidedModel
from matching.score.tables import MILLION

Effect = Literal["for", "against", "unknown"]
LEAST_EFFECT = 0.02  # a smaller effect, on the log-score scale, is not mentioned
LEAST_LIFT = 0.01  # a smaller rise of the score is not mentioned
PAST_DECISIONS = "past_decisions"


class MatchReason(NamedTuple):
    """One reason for or against a match, or one thing that is not known about it.

    Parameters
    ----------
    feature : str
        A ``Feature``, or ``past_decisions`` for what boosting and calibration learnt from past decisions.
    text : str
        One or two plain sentences.
    effect : str
        ``for``, ``against`` or ``unknown``.
    weight : float
        How much the reason changes the log-score. If ``effect`` is ``unknown``: how much the best value would do so.
    """

    feature: str
    text: str
    effect: Effect
    weight: float


@dataclass(frozen=True, slots=True)
class PairChange:
    """A change that would make a failed check pass, or raise the score of a pair that fails no check.

    Parameters
    ----------
    about : str
        The rule or the feature that would change.
    text : str
        The change, as a sentence.
    score : float or None
        The score after the change. None for a ruled-out pair, which has no score.
    """

    about: str
    text: str
    score: float | None = None


FOR = {
    Feature.ASPIRATION: "This is near to the work the jobseeker asked for: {words}.",
    Feature.AVOIDS: "The listing leaves out what the jobseeker wants to avoid: {words}.",
    Feature.ESSENTIAL_SKILLS: "The jobseeker has skills that the work needs: {words}.",
    Feature.DESIRABLE_SKILLS: "The jobseeker has skills that help: {words}.",
    Feature.TRAVEL: "The journey is short: {words}.",
    Feature.HOURS: "The hours suit: {words}.",
    Feature.HALF_DAYS: "The jobseeker is free when the work is: {words}.",
    Feature.ENVIRONMENT: "The working environment suits: {words}.",
    Feature.START_DATE: "The placement starts at about the time the jobseeker can start.",
    Feature.ADJUSTMENTS: "The placement offers adjustments that the jobseeker asked for: {words}.",
    Feature.SUPPORT: "The placement offers support: {words}.",
    Feature.ANSWERS: "The social enterprise answers quickly, in about {words}.",
}
AGAINST = {
    Feature.ASPIRATION: "This is not one of the kinds of work the jobseeker asked for.",
    Feature.AVOIDS: "The work includes what the jobseeker wants to avoid: {words}.",
    Feature.ESSENTIAL_SKILLS: "The work needs these, and the profile does not have them yet: {words}. "
    "Ask the jobseeker.",
    Feature.DESIRABLE_SKILLS: "These would help, and the profile does not have them yet: {words}.",
    Feature.TRAVEL: "The journey is long: {words}.",
    Feature.HOURS: "The hours are not what the jobseeker wants: {words}. Ask whether others are possible.",
    Feature.HALF_DAYS: "The jobseeker is not free for all of the work, only for {words}.",
    Feature.ENVIRONMENT: "The working environment is not the kind that the jobseeker wants: {words}.",
    Feature.START_DATE: "The placement starts well before or well after the jobseeker can start.",
    Feature.ADJUSTMENTS: "The placement offers few of the adjustments that the jobseeker asked for.",
    Feature.SUPPORT: "In past cases, placements with this support led to fewer matches: {words}. This does not "
    "show why.",
    Feature.ANSWERS: "The social enterprise is slow to answer, and takes about {words}.",
}
UNKNOWN_TEXT = {
    Feature.ASPIRATION: "The kind of work that the jobseeker wants is not known. Ask the jobseeker.",
    Feature.AVOIDS: "What the jobseeker wants to avoid at work is not recorded. Ask the jobseeker.",
    Feature.ESSENTIAL_SKILLS: "The skills could not be compared. Ask the jobseeker and the social enterprise.",
    Feature.TRAVEL: "The journey is not known. Find the postcodes of the jobseeker's home and of the placement.",
    Feature.HOURS: "The hours could not be compared. Ask how many hours the jobseeker wants or the work needs.",
    Feature.HALF_DAYS: "The half-days could not be compared. Ask which half-days suit the jobseeker or the placement.",
    Feature.ADJUSTMENTS: "Adjustments are not recorded. Ask the jobseeker whether any would help.",
}
# Questions for a value with a note, in place of the questions above.
NOTED_UNKNOWN = {
    (Feature.ESSENTIAL_SKILLS, OF_LISTING): "The listing does not say which skills the work needs. Ask the social "
    "enterprise.",
    (Feature.ESSENTIAL_SKILLS, OF_JOBSEEKER): "The jobseeker's skills are not recorded. Ask the jobseeker.",
    (
        Feature.HOURS,
        OF_LISTING,
    ): "The listing does not say how many hours a week the work is. Ask the social enterprise.",
    (Feature.HOURS, OF_JOBSEEKER): "The hours that the jobseeker wants are not recorded. Ask the jobseeker.",
    (
        Feature.HALF_DAYS,
        OF_LISTING,
    ): "The listing does not say which half-days the work is on. Ask the social enterprise.",
    (Feature.HALF_DAYS, OF_JOBSEEKER): "It is not recorded which half-days suit the jobseeker. Ask the jobseeker.",
    (
        Feature.ADJUSTMENTS,
        NOT_OFFERED,
    ): "The listing does not offer: {words}. Ask the social enterprise whether they are "
    "possible. Do not name the jobseeker.",
    (
        Feature.AVOIDS,
        NOT_SAID,
    ): "The listing does not say whether the work includes: {words}. Ask the social enterprise.",
}
HAS_PARTLY = "{0}. The profile does not show yet: {1}. Ask the jobseeker."
# Sentences for a value with a note, in place of the sentences above.
NOTED_FOR = {
    "same": "This is the work the jobseeker asked for: {words}.",
    "skills": "This is near to the work the jobseeker asked for, because it needs much the same skills: {words}.",
    "sector": "This is the kind of work or place that the jobseeker asked for: {words}.",
    "surroundings": "This work has much the same surroundings as the work the jobseeker asked for: {words}.",
    "words": "The title looks like the work the jobseeker asked for: {words}.",
    NEARLY: "These may show what the work needs. Check with the jobseeker: {words}.",
    IN_LIMIT: "The journey is within the jobseeker's limit: {words}.",
    MAYBE_FAR: "The journey may be over the jobseeker's limit: {words}. Try it once with the jobseeker.",
    NO_WAY: "No journey was found: {words}. Ask the jobseeker about another way to travel.",
}
NOTED_AGAINST = {
    "same": "This is only partly the work the jobseeker asked for: {words}.",
    "skills": "This is other work than the jobseeker asked for, with some of the same skills: {words}.",
    "sector": "This is other work than the jobseeker asked for, in the same sector: {words}.",
    "surroundings": "This is other work than the jobseeker asked for, in similar surroundings: {words}.",
    "words": "This is not the work the jobseeker asked for. The nearest wish is: {words}.",
    NEARLY: "These may show a part of what the work needs. Check with the jobseeker: {words}.",
    IN_LIMIT: "The journey is within the jobseeker's limit, but long: {words}.",
    MAYBE_FAR: "The journey may be over the jobseeker's limit: {words}. Try it once with the jobseeker.",
    NO_WAY: "No journey was found: {words}. Ask the jobseeker about another way to travel.",
    TOO_FAR: "The journey is probably too long: {words}. Ask the jobseeker first.",
    NONE_SHARED: "The jobseeker is free on none of the half-days of the work. Ask whether others are possible.",
}
# These reasons come first, whatever their weight: without an answer to them the place is of no use.
FIRST = frozenset({TOO_FAR, NONE_SHARED})
LIFTED_BY = {
    Feature.AVOIDS: "The score would rise if the work left out what the jobseeker wants to avoid.",
    Feature.ESSENTIAL_SKILLS: "The score would rise if the work taught the missing skills on the job.",
    Feature.DESIRABLE_SKILLS: "The score would rise if the work taught the skills that would help.",
    Feature.TRAVEL: "The score would rise if the journey were shorter, by a quicker route or to a nearer site.",
    Feature.HOURS: "The score would rise if the work had the hours that the jobseeker wants.",
    Feature.HALF_DAYS: "The score would rise if the work were on half-days that suit the jobseeker.",
    Feature.ENVIRONMENT: "The score would rise if the working environment were the kind that the jobseeker wants.",
    Feature.START_DATE: "The score would rise if the work started when the jobseeker can start.",
    Feature.ADJUSTMENTS: "The score would rise if the placement offered the adjustments that the jobseeker asked for.",
    Feature.SUPPORT: "The score would rise if the social enterprise offered support on the job.",
    Feature.ANSWERS: "The score would rise if the social enterprise answered more quickly.",
}

FEATURES = tuple(Feature)
SKILLS = frozenset({Feature.ESSENTIAL_SKILLS, Feature.DESIRABLE_SKILLS})
CANNOT_BE_ASKED = [at for at, name in enumerate(FEATURES) if name not in UNKNOWN_TEXT]


def reasons(values: Values, model: TwoSidedModel | None = None) -> list[MatchReason]:
    """Return the reasons of one score: the largest effects first, then the unknown features that could matter most.

    Parameters
    ----------
    values : mapping of Feature to Value
    model : TwoSidedModel or None
        The model of the score. If None: the model of the expert priors.

    Returns
    -------
    list of MatchReason
        On the log-score scale, the weights of the reasons for and against add up to about this difference: this score
        minus the score of a pair about which nothing is known. The sum is only approximate, because the log-probability
        of each side is treated as linear around this pair.

    Examples
    --------
    >>> reasons({Feature.TRAVEL: Value(1.0, ("2 km",))})[0].text
    'The journey is short: 2 km.'
    """
    return reasons_of([values], model or TwoSidedModel.expert())[0]


def reasons_of(pairs: Sequence[Values], model: TwoSidedModel, codes: Codes | None = None) -> list[list[MatchReason]]:
    """Return, for each of many pairs, the reasons that ``reasons`` returns.

    Parameters
    ----------
    pairs : sequence of mapping of Feature to Value
    model : TwoSidedModel
    codes : ndarray of uint8 of shape (n_pairs, n_features) or None
        What ``codes_of`` returns for the pairs, if the caller has it.

    Returns
    -------
    list of list of MatchReason

    Examples
    --------
    >>> reasons_of([{Feature.HOURS: Value(None)}], TwoSidedModel.expert())[0][0].effect
    'unknown'
    """
    codes = codes_of(pairs) if codes is None else codes
    is_open = codes == UNKNOWN
    is_open[:, CANNOT_BE_ASKED] = False
    best = np.where(is_open, STEPS, UNKNOWN).astype(np.uint8)
    both = model.contributions(np.vstack([codes, best]))
    moved, reach, past = both[: len(codes)].tolist(), both[len(codes) :].round(4).tolist(), model.rest(codes).tolist()
    explained = []
    for row, values in enumerate(pairs):
        known = [
            MatchReason(
                feature.value,
                sentence(feature, moved[row][at] > 0, values[feature].found, values[feature].note),
                _way(moved[row][at]),
                round(moved[row][at], 4),
            )
            for at, feature in enumerate(FEATURES)
            if abs(moved[row][at]) >= LEAST_EFFECT
        ]
        if abs(past[row]) >= LEAST_EFFECT:
            way = "more" if past[row] > 0 else "less"
            text = f"Past decisions on similar pairs make success {way} likely than the other reasons suggest."
            known.append(MatchReason(PAST_DECISIONS, text, _way(past[row]), round(past[row], 4)))
        come_first = {feature.value for feature, value in values.items() if value.note in FIRST}
        known.sort(key=lambda reason: (reason.feature not in come_first, _weightiest(reason)))
        missing = [
            MatchReason(feature.value, question(feature, values[feature]), "unknown", reach[row][at])
            for at, feature in enumerate(FEATURES)
            if is_open[row, at] and feature in values and not _is_needless(feature, values[feature])
        ]
        explained.append(known + sorted(missing, key=_weightiest))
    return explained


def _is_needless(feature: Feature, value: Value) -> bool:
    """Return whether nobody has to be asked: adjustments that nobody asked for."""
    return feature is Feature.ADJUSTMENTS and not value.found


def _way(moved: float) -> Effect:
    return "for" if moved > 0 else "against"


def _weightiest(reason: MatchReason) -> tuple[float, str]:
    return -abs(reason.weight), reason.feature


def sentence(feature: Feature, is_for: bool, words: tuple[str, ...], note: str = "") -> str:  # noqa: FBT001 - a choice of table
    """Return the sentence that explains one feature.

    Parameters
    ----------
    feature : Feature
    is_for : bool
        Whether the reason is for the match or against it.
    words : tuple of str
        The words to quote. Only the first four are used. If there are none, the sentence ends before its colon.
    note : str
        The note of the value, if it has one.

    Returns
    -------
    str

    Examples
    --------
    >>> sentence(Feature.HOURS, True, ())
    'The hours suit.'
    >>> sentence(Feature.ASPIRATION, True, ("gardening",), "same")
    'This is the work the jobseeker asked for: gardening.'
    """
    noted = NOTED_FOR if is_for else NOTED_AGAINST
    text = noted.get(note) or (FOR if is_for else AGAINST)[feature]
    if note == PARTLY:
        has, missing = words
        if not is_for:
            return (AGAINST[feature]).format(words=missing)
        return HAS_PARTLY.format(FOR[feature].format(words=has).rstrip("."), missing)
    if (
        feature in SKILLS and note not in noted and (note == MISSING) is is_for
    ):  # a model may weigh a skill against its sign: then no skill is named
        words = ()
    if note in {TOO_FAR, MAYBE_FAR}:
        words = (f"{words[0]}; the limit is {words[1]} minutes",)
    if "{words}" in text and not words:
        return text.split(":", 1)[0] + "."
    return text.format(words=", ".join(words[:4]))


def question(feature: Feature, value: Value) -> str:
    """Return what is not known about a feature, and whom to ask.

    Parameters
    ----------
    feature : Feature
        One of ``UNKNOWN_TEXT``.
    value : Value

    Returns
    -------
    str

    Examples
    --------
    >>> question(Feature.AVOIDS, Value(None, ("nights",), "not_said"))
    'The listing does not say whether the work includes: nights. Ask the social enterprise.'
    """
    text = NOTED_UNKNOWN.get((feature, value.note), UNKNOWN_TEXT[feature])
    return text.format(words=", ".join(value.found[:4]))


def what_would_lift(values: Values, model: TwoSidedModel, most: int = 3) -> list[PairChange]:
    """Return the single changes that would most raise the score of a pair, each with the score after the change.

    Parameters
    ----------
    values : mapping of Feature to Value
    model : TwoSidedModel
    most : int

    Returns
    -------
    list of PairChange
        At most ``most`` changes, the largest rise first. A change that raises the score by less than 0.01 is left out.

    Examples
    --------
    >>> [change.about for change in what_would_lift({Feature.HOURS: Value(0.0)}, TwoSidedModel.expert())]
    ['hours']
    """
    return lifts_of([values], model, most)[0]


def lifts_of(
    pairs: Sequence[Values], model: TwoSidedModel, most: int = 3, codes: Codes | None = None
) -> list[list[PairChange]]:
    """Return, for each of many pairs, the changes that ``what_would_lift`` returns.

    Parameters
    ----------
    pairs : sequence of mapping of Feature to Value
    model : TwoSidedModel
    most : int
    codes : ndarray of uint8 of shape (n_pairs, n_features) or None
        What ``codes_of`` returns for the pairs, if the caller has it.

    Returns
    -------
    list of list of PairChange

    Examples
    --------
    >>> lifts_of([], TwoSidedModel.expert())
    []
    """
    codes = codes_of(pairs) if codes is None else codes
    can_rise = np.array([name in LIFTED_BY for name in FEATURES])  # a wish is not something to change
    rows, at = np.nonzero((codes < STEPS) & can_rise)
    lifted = codes[rows]
    lifted[np.arange(len(rows)), at] = STEPS
    scores = (model.tables.scores(np.vstack([codes, lifted])) / MILLION).tolist()
    now, then = scores[: len(codes)], scores[len(codes) :]
    lifts_by_pair: list[list[tuple[Feature, float]]] = [[] for _ in pairs]
    for row, column, score in zip(rows.tolist(), at.tolist(), then, strict=True):
        lifts_by_pair[row].append((FEATURES[column], score))
    return [
        [
            PairChange(name.value, LIFTED_BY[name], round(score, 4))
            for name, score in sorted(lifts, key=lambda lift: (-lift[1], lift[0]))[:most]
            if score - now[row] >= LEAST_LIFT
        ]
        for row, lifts in enumerate(lifts_by_pair)
    ]


def what_would_open(refusal: Refusal) -> list[PairChange]:
    """Return one change for each failed check of a pair. A failed check that names no change is left out.

    Parameters
    ----------
    refusal : Refusal

    Returns
    -------
    list of PairChange

    Examples
    --------
    >>> from matching.pairs.profiles import PlacementProfile
    >>> what_would_open(Refusal(PlacementProfile(key="1", title="x"), (), None))
    []
    """
    return [PairChange(check.rule.value, check.change) for check in refusal.failed if check.change]


def additive(values: Values, model: TwoSidedModel) -> Mapping[str, float]:
    """Return what each known feature adds to a log-score, and what past decisions add. The numbers are not rounded.

    Parameters
    ----------
    values : mapping of Feature to Value
    model : TwoSidedModel

    Returns
    -------
    mapping of str to float

    Examples
    --------
    >>> additive({}, TwoSidedModel.expert())
    {'past_decisions': 0.0}
    """
    codes = codes_of([values])
    parts = dict(zip((name.value for name in FEATURES), model.contributions(codes)[0].tolist(), strict=True))
    known = {name: parts[name] for name in parts if values.get(Feature(name), Value(None)).value is not None}
    return {**known, PAST_DECISIONS: float(model.rest(codes)[0])}
