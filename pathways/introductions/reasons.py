"""Why an introduction came to nothing, in the words of whoever reads it.

What a social enterprise reads of a jobseeker's reason, and a jobseeker of a social enterprise's, is declared here and
nowhere else. Health, caring, benefits, what somebody needs and which check is missing are nobody's business outside:
they read that the jobseeker decided otherwise.
"""

from dataclasses import dataclass

from pathways.introductions.models import Side, WhyNot

J, S, P = Side.JOBSEEKER, Side.SOCIAL_ENTERPRISE, Side.PARTNER
DECIDED_OTHERWISE = "The jobseeker decided otherwise."
TALK = "Your caseworker will talk it through with you."


@dataclass(frozen=True, slots=True)
class Wording:
    """Who may give a reason, and what is read of it; ``outside`` is for the social enterprise."""

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
        "Not the work they want.",
        "The work was not what they are looking for.",
    ),
    WhyNot.HOURS: Wording(_of(J, S), "The hours did not fit.", "The hours did not fit.", "The hours did not fit."),
    WhyNot.TRAVEL: Wording(_of(J, S), "It was too far to travel.", "Too far to travel.", "It was too far to travel."),
    WhyNot.PAY: Wording(_of(J), "The pay did not fit.", "The pay did not fit.", "The pay did not fit."),
    WhyNot.SKILLS: Wording(
        _of(S),
        f"They look for skills you can still learn. {TALK}",
        "Skills they look for were missing.",
        "The skills did not fit.",
    ),
    WhyNot.CHECKS: Wording(
        _of(S, P),
        f"A check the work needs was not there yet. {TALK}",
        "A check the work needs was not there yet.",
    ),
    WhyNot.ADJUSTMENT: Wording(
        _of(S, J),
        f"What you need could not be arranged there. {TALK}",
        "What they need could not be arranged there.",
    ),
    WhyNot.SUPPORT: Wording(
        _of(S, J),
        f"The support you want could not be given there. {TALK}",
        "The support could not be given there.",
    ),
    WhyNot.BENEFITS: Wording(_of(J), "You decided otherwise, for your benefits.", "They decided otherwise."),
    WhyNot.HEALTH: Wording(_of(J), "You decided otherwise, for your health.", "They decided otherwise."),
    WhyNot.CARING: Wording(_of(J), "You decided otherwise, for those you care for.", "They decided otherwise."),
    WhyNot.ANOTHER_PLACE: Wording(
        _of(J, P), "You took another place.", "They took another place.", "The jobseeker took another place."
    ),
    WhyNot.CHANGED_MIND: Wording(_of(J), "You decided otherwise.", "They decided otherwise."),
    WhyNot.DID_NOT_COME: Wording(
        _of(S),
        f"You could not be there that day. {TALK}",
        "They could not be there that day.",
        "The jobseeker was not there that day.",
    ),
    WhyNot.PLACE_FILLED: Wording(
        _of(S), "The place went to somebody else.", "The place was filled.", "The place was filled."
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
        _of(J, S, P), "It was recorded by mistake.", "It was recorded by mistake.", "It was recorded by mistake."
    ),
    WhyNot.OTHER: Wording(_of(J, S, P), f"It did not work out. {TALK}", "It did not work out.", "It did not work out."),
}


def reasons_for(side: Side) -> list[WhyNot]:
    """Return the reasons a side can give."""
    return [why for why, wording in WORDINGS.items() if side in wording.said_by]
