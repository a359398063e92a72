"""From a score to the reasons a caseworker can read: for, against, not known, and what would change it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from matching.pairs.features import Feature, Value, Values, codes_of
from matching.pairs.grades import STEPS, UNKNOWN
from matching.score.ranker import Refusal, TwoSidedModel
from matching.score.tables import MILLION

Effect = Literal["for", "against", "unknown"]
LEAST_EFFECT = 0.02  # of the log of the score; under it a reason would say nothing
LEAST_LIFT = 0.01
PAST_DECISIONS = "past_decisions"


class MatchReason(NamedTuple):
    """One reason: what it is about, the sentence, and whether it speaks for or against.

    Parameters
    ----------
    feature : str
        A ``Feature``, or ``past_decisions`` for what the boosted half and the calibration add to the rest.
    text : str
    effect : str
        ``for``, ``against`` or ``unknown``.
    weight : float
        How much it moved the log of the score; for something unknown, how far it could.
    """

    feature: str
    text: str
    effect: Effect
    weight: float


@dataclass(frozen=True, slots=True)
class PairChange:
    """What would open a refused pair, or lift a low one.

    Parameters
    ----------
    about : str
        A rule or a feature.
    text : str
        What would have to be so.
    score : float or None
        What the score would be then; None where the pair would only be opened.
    """

    about: str
    text: str
    score: float | None = None


FOR = {
    Feature.ASPIRATION: "It is the work the jobseeker asked for: {found}.",
    Feature.AVOIDS: "Nothing the jobseeker wants to avoid is listed.",
    Feature.ESSENTIAL_SKILLS: "The jobseeker has what the work needs: {found}.",
    Feature.DESIRABLE_SKILLS: "The jobseeker has skills that help: {found}.",
    Feature.TRAVEL: "It is near: {found}.",
    Feature.HOURS: "The hours suit: {found}.",
    Feature.HALF_DAYS: "The days suit: {found}.",
    Feature.ENVIRONMENT: "The place of work suits: {found}.",
    Feature.START_DATE: "It starts about when the jobseeker can.",
    Feature.ADJUSTMENTS: "It offers what the jobseeker asked for: {found}.",
    Feature.SUPPORT: "It offers support: {found}.",
    Feature.ANSWERS: "The social enterprise answers soon, in about {found}.",
}
AGAINST = {
    Feature.ASPIRATION: "It is not one of the kinds of work the jobseeker asked for.",
    Feature.AVOIDS: "It may include what the jobseeker wants to avoid: {found}.",
    Feature.ESSENTIAL_SKILLS: "Some of the skills the work needs are still to be learnt.",
    Feature.DESIRABLE_SKILLS: "Few of the skills that would help are there yet.",
    Feature.TRAVEL: "The journey is long: {found}.",
    Feature.HOURS: "The hours are not quite what is wanted.",
    Feature.HALF_DAYS: "Not all its days suit: {found}.",
    Feature.ENVIRONMENT: "The place of work is not the kind that is wanted.",
    Feature.START_DATE: "It starts well before or after the jobseeker can.",
    Feature.ADJUSTMENTS: "It offers little of what the jobseeker asked for.",
    Feature.SUPPORT: "Support there has helped less than hoped: {found}.",
    Feature.ANSWERS: "The social enterprise takes long to answer, about {found}.",
}
UNKNOWN_TEXT = {
    Feature.ASPIRATION: "Which work the jobseeker wants is not known: ask.",
    Feature.AVOIDS: "What the jobseeker would rather not do is not known: ask.",
    Feature.ESSENTIAL_SKILLS: "Skills were not compared: ask what the jobseeker can do, or what the work needs.",
    Feature.TRAVEL: "The journey is not known: find both postcodes.",
    Feature.HOURS: "The hours were not compared: ask how many suit, or how many it is.",
    Feature.HALF_DAYS: "The days were not compared: ask which suit, or which it is.",
    Feature.ADJUSTMENTS: "Ask the social enterprise whether it can make the adjustments.",
}
LIFTED_BY = {
    Feature.ASPIRATION: "If this kind of work became one the jobseeker wants.",
    Feature.AVOIDS: "If the part the jobseeker wants to avoid could be left out.",
    Feature.ESSENTIAL_SKILLS: "If the missing skills were learnt, or taught on the job.",
    Feature.DESIRABLE_SKILLS: "If the skills that help were learnt.",
    Feature.TRAVEL: "If the journey were short: a lift, a quicker way, or a nearer site.",
    Feature.HOURS: "If the hours could be what the jobseeker wants.",
    Feature.HALF_DAYS: "If its days could be ones that suit.",
    Feature.ENVIRONMENT: "If there were a place there of the kind the jobseeker wants.",
    Feature.START_DATE: "If the start could be when the jobseeker can.",
    Feature.ADJUSTMENTS: "If it could make the adjustments the jobseeker asked for.",
    Feature.SUPPORT: "If it offered support on the job.",
    Feature.ANSWERS: "If the social enterprise answered sooner.",
}

FEATURES = tuple(Feature)
CANNOT_BE_ASKED = [at for at, name in enumerate(FEATURES) if name not in UNKNOWN_TEXT]


def reasons(values: Values, model: TwoSidedModel | None = None) -> list[MatchReason]:
    """Return the reasons of one score: the weightiest first, then what is not known and would tell most.

    Parameters
    ----------
    values : mapping of Feature to Value
    model : TwoSidedModel or None
        The experts' own where None.

    Returns
    -------
    list of MatchReason
        The weights of those for and against add to the log of the score less its log where nothing is known, but for
        the curve between: each side's odds are taken as the straight line at this pair.

    Examples
    --------
    >>> reasons({Feature.TRAVEL: Value(1.0, ("2 km",))})[0].text
    'It is near: 2 km.'
    """
    return reasons_of([values], model or TwoSidedModel.expert())[0]


def reasons_of(pairs: Sequence[Values], model: TwoSidedModel) -> list[list[MatchReason]]:
    """Return the reasons of many scores, as ``reasons`` has them.

    Parameters
    ----------
    pairs : sequence of mapping of Feature to Value
    model : TwoSidedModel

    Returns
    -------
    list of list of MatchReason

    Examples
    --------
    >>> reasons_of([{Feature.HOURS: Value(None)}], TwoSidedModel.expert())[0][0].effect
    'unknown'
    """
    codes = codes_of(pairs)
    moved, past = model.contributions(codes).tolist(), model.rest(codes).tolist()
    is_open = codes == UNKNOWN
    is_open[:, CANNOT_BE_ASKED] = False
    reach = model.contributions(np.where(is_open, STEPS, UNKNOWN).astype(np.uint8)).round(4).tolist()
    found = []
    for row, values in enumerate(pairs):
        told = [
            MatchReason(
                feature.value,
                sentence(feature, moved[row][at] > 0, values[feature].found),
                _way(moved[row][at]),
                round(moved[row][at], 4),
            )
            for at, feature in enumerate(FEATURES)
            if abs(moved[row][at]) >= LEAST_EFFECT
        ]
        if abs(past[row]) >= LEAST_EFFECT:
            way = "more" if past[row] > 0 else "less"
            text = f"Past decisions on pairs like this make it {way} likely than the reasons above alone."
            told.append(MatchReason(PAST_DECISIONS, text, _way(past[row]), round(past[row], 4)))
        told.sort(key=_weightiest)
        missing = [
            MatchReason(feature.value, UNKNOWN_TEXT[feature], "unknown", reach[row][at])
            for at, feature in enumerate(FEATURES)
            if is_open[row, at] and feature in values
        ]
        found.append(told + sorted(missing, key=_weightiest))
    return found


def _way(moved: float) -> Effect:
    return "for" if moved > 0 else "against"


def _weightiest(reason: MatchReason) -> tuple[float, str]:
    return -abs(reason.weight), reason.feature


def sentence(feature: Feature, is_for: bool, found: tuple[str, ...]) -> str:  # noqa: FBT001 - the two tables
    """Return the sentence of one feature.

    Parameters
    ----------
    feature : Feature
    is_for : bool
    found : tuple of str
        The words that made it so; a sentence that would name none is shortened.

    Returns
    -------
    str

    Examples
    --------
    >>> sentence(Feature.HOURS, True, ())
    'The hours suit.'
    """
    text = (FOR if is_for else AGAINST)[feature]
    if "{found}" in text and not found:
        return text.split(":", 1)[0] + "."
    return text.format(found=", ".join(found[:4]))


def what_would_lift(values: Values, model: TwoSidedModel, most: int = 3) -> list[PairChange]:
    """Return the single changes that would lift a pair most, each with the score it would have then.

    Parameters
    ----------
    values : mapping of Feature to Value
    model : TwoSidedModel
    most : int

    Returns
    -------
    list of PairChange
        The largest lift first; a change that would lift by less than 0.01 is left out.

    Examples
    --------
    >>> [change.about for change in what_would_lift({Feature.HOURS: Value(0.0)}, TwoSidedModel.expert())]
    ['hours']
    """
    return lifts_of([values], model, most)[0]


def lifts_of(pairs: Sequence[Values], model: TwoSidedModel, most: int = 3) -> list[list[PairChange]]:
    """Return what would lift many pairs, as ``what_would_lift`` has it.

    Parameters
    ----------
    pairs : sequence of mapping of Feature to Value
    model : TwoSidedModel
    most : int

    Returns
    -------
    list of list of PairChange

    Examples
    --------
    >>> lifts_of([], TwoSidedModel.expert())
    []
    """
    codes = codes_of(pairs)
    rows, at = np.nonzero(codes < STEPS)
    lifted = codes[rows]
    lifted[np.arange(len(rows)), at] = STEPS
    scores = (model.tables.scores(np.vstack([codes, lifted])) / MILLION).tolist()
    now, then = scores[: len(codes)], scores[len(codes) :]
    found: list[list[tuple[Feature, float]]] = [[] for _ in pairs]
    for row, column, score in zip(rows.tolist(), at.tolist(), then, strict=True):
        found[row].append((FEATURES[column], score))
    return [
        [
            PairChange(name.value, LIFTED_BY[name], round(score, 4))
            for name, score in sorted(lifts, key=lambda lift: (-lift[1], lift[0]))[:most]
            if score - now[row] >= LEAST_LIFT
        ]
        for row, lifts in enumerate(found)
    ]


def what_would_open(refusal: Refusal) -> list[PairChange]:
    """Return all that would have to change for a refused pair to be opened: one change for each failed check.

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
    """Return every part of the log of a score, named and the rest, unrounded.

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
