"""Why an introduction ended without a start, worded for each reader.

This module is the only place that decides what one side reads about the other side's reason. A social enterprise must
not learn about health, caring, benefits, adjustments, support or missing checks. For these reasons it reads only that
the introduction did not go ahead.
"""

from dataclasses import dataclass

from pathways.introductions.models import Side, WhyNot

J, S, P = Side.JOBSEEKER, Side.SOCIAL_ENTERPRISE, Side.PARTNER
DECIDED_OTHERWISE = "The introduction did not go ahead."
TALK = "Your caseworker will talk it through with you."


@dataclass(frozen=True, slots=True)
class Wording:
    """The sides that may give a reason, and what each reader reads. The social enterprise reads ``outside``."""

    said_by: frozenset[Side]
    jobseeker: str
    referrer: str
    outside: str = DECIDED_OTHERWISE


def _of(*sides: Side) -> frozenset[Side]:
    return frozenset(sides)


WORDINGS: dict[WhyNot, Wording] = {
    WhyNot.WORK_NOT_WANTED: Wording(
        _of(J),
        "It was not the work you want.",
        "It was not the work that the jobseeker wants.",
        "It was not the work that the jobseeker is looking for.",
    ),
    WhyNot.HOURS: Wording(_of(J, S), "The hours did not fit.", "The hours did not fit.", "The hours did not fit."),
    WhyNot.TRAVEL: Wording(
        _of(J, S), "It was too far to travel.", "It was too far to travel.", "It was too far to travel."
    ),
    WhyNot.PAY: Wording(_of(J), "The pay did not fit.", "The pay did not fit.", "The pay did not fit."),
    WhyNot.SKILLS: Wording(
        _of(S),
        f"The social enterprise is looking for skills that you can still learn. {TALK}",
        "Skills that the social enterprise is looking for were missing.",
        "The skills did not fit.",
    ),
    WhyNot.CHECKS: Wording(
        _of(S, P),
        f"A check that the work requires was not done yet. {TALK}",
        "A check that the work requires was not done yet.",
    ),
    WhyNot.ADJUSTMENT: Wording(
        _of(S, J),
        f"What you need could not be arranged there. {TALK}",
        "What the jobseeker needs could not be arranged there.",
    ),
    WhyNot.SUPPORT: Wording(
        _of(S, J),
        f"The support you want could not be given there. {TALK}",
        "The support that the jobseeker wants could not be given there.",
    ),
    WhyNot.BENEFITS: Wording(
        _of(J), "You decided not to go ahead, because of your benefits.", "The jobseeker decided not to go ahead."
    ),
    WhyNot.HEALTH: Wording(
        _of(J), "You decided not to go ahead, because of your health.", "The jobseeker decided not to go ahead."
    ),
    WhyNot.CARING: Wording(
        _of(J), "You decided not to go ahead, because you care for others.", "The jobseeker decided not to go ahead."
    ),
    WhyNot.ANOTHER_PLACE: Wording(
        _of(J, P), "You took another place.", "The jobseeker took another place.", "The jobseeker took another place."
    ),
    WhyNot.CHANGED_MIND: Wording(_of(J), "You decided not to go ahead.", "The jobseeker decided not to go ahead."),
    WhyNot.DID_NOT_COME: Wording(
        _of(S),
        f"You could not attend that day. {TALK}",
        "The jobseeker could not attend that day.",
        "The jobseeker did not attend that day.",
    ),
    WhyNot.PLACE_FILLED: Wording(
        _of(S), "The place went to another person.", "The place was filled.", "The place was filled."
    ),
    WhyNot.LISTING_CLOSED: Wording(
        _of(S, P),
        "The placement is no longer offered.",
        "The placement is no longer offered.",
        "The placement is no longer offered.",
    ),
    WhyNot.NO_ANSWER: Wording(
        _of(J, S, P), "There was no answer in time.", "There was no answer in time.", "There was no answer in time."
    ),
    WhyNot.CASE_CLOSED: Wording(_of(P), "Your case was closed.", "The case was closed."),
    WhyNot.MISTAKE: Wording(
        _of(J, S, P),
        "The introduction was recorded by mistake.",
        "The introduction was recorded by mistake.",
        "The introduction was recorded by mistake.",
    ),
    WhyNot.OTHER: Wording(_of(J, S, P), f"It did not work out. {TALK}", "It did not work out.", "It did not work out."),
}


def reasons_for(side: Side) -> list[WhyNot]:
    """Return the reasons that a side can give."""
    return [why for why, wording in WORDINGS.items() if side in wording.said_by]
