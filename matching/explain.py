"""From a score to the reasons a caseworker can read, for and against, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from matching.features import Feature, Value
from matching.ranker import EXPERT_WEIGHTS, NEUTRAL

Effect = Literal["for", "against", "unknown"]
LEAST_EFFECT = 0.005


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: which feature, the sentence, and whether it speaks for or against.

    Parameters
    ----------
    feature : Feature
    text : str
    effect : str
        ``for``, ``against`` or ``unknown``.
    weight : float
        How much it moved the score from neutral.
    """

    feature: Feature
    text: str
    effect: Effect
    weight: float


FOR = {
    Feature.ASPIRATION: "It is the work the jobseeker asked for: {found}.",
    Feature.AVOIDS: "Nothing the jobseeker wants to avoid is listed.",
    Feature.ESSENTIAL_SKILLS: "The jobseeker has what the work needs: {found}.",
    Feature.DESIRABLE_SKILLS: "The jobseeker has skills that help: {found}.",
    Feature.TRAVEL: "It is near: {found}.",
    Feature.HOURS: "The hours suit: {found}.",
    Feature.ENVIRONMENT: "The place of work suits: {found}.",
    Feature.START_DATE: "It starts about when the jobseeker can.",
    Feature.ADJUSTMENTS: "It offers what the jobseeker asked for: {found}.",
}
AGAINST = {
    Feature.ASPIRATION: "It is not one of the kinds of work the jobseeker asked for.",
    Feature.AVOIDS: "It may include what the jobseeker wants to avoid: {found}.",
    Feature.ESSENTIAL_SKILLS: "Some of the skills the work needs are still to be learnt.",
    Feature.DESIRABLE_SKILLS: "Few of the skills that would help are there yet.",
    Feature.TRAVEL: "The journey is long: {found}.",
    Feature.HOURS: "The hours are not quite what is wanted.",
    Feature.ENVIRONMENT: "The place of work is not the kind that is wanted.",
    Feature.START_DATE: "It starts well before or after the jobseeker can.",
    Feature.ADJUSTMENTS: "",
}
UNKNOWN = {
    Feature.ASPIRATION: "Which work the jobseeker wants is not known: ask.",
    Feature.ESSENTIAL_SKILLS: "Skills were not compared: either side is not known.",
    Feature.TRAVEL: "The journey is not known.",
    Feature.HOURS: "The hours were not compared: either side is not known.",
    Feature.ADJUSTMENTS: "Whether the adjustments can be made is a question for the social enterprise.",
}


def reasons(values: Mapping[Feature, Value], weights: Mapping[Feature, float] = EXPERT_WEIGHTS) -> list[Reason]:
    """Return the reasons of one score, the weightiest first and what is unknown last.

    Parameters
    ----------
    values : mapping of Feature to Value
    weights : mapping of Feature to float

    Returns
    -------
    list of Reason
        ``weight`` is weight x (value - neutral); unknown ones weigh nothing.

    Examples
    --------
    >>> reasons({Feature.TRAVEL: Value(1.0, ("2 km",))})[0].text
    'It is near: 2 km.'
    """
    told: list[Reason] = []
    for feature, value in values.items():
        if value.value is None:
            if feature in UNKNOWN:
                told.append(Reason(feature, UNKNOWN[feature], "unknown", 0.0))
            continue
        moved = weights[feature] * (value.value - NEUTRAL)
        if abs(moved) < LEAST_EFFECT:
            continue
        text = sentence(feature, moved > 0, value.found)
        if text:
            told.append(Reason(feature, text, "for" if moved > 0 else "against", round(moved, 4)))
    return sorted(told, key=lambda r: (r.effect == "unknown", -abs(r.weight), r.feature))


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
