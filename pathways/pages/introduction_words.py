"""How the pages call the states, moves and reasons of introductions, and the kinds of what was shared."""

from pathways.base import Role
from pathways.fields import Group
from pathways.introductions.models import IntroductionEvent, IntroductionState, WhyNot

S, E = IntroductionState, IntroductionEvent
STATES_OF_LISTER = {
    S.SENT: "Waits for your answer",
    S.INVITED: "You want to meet",
    S.WAITING: "On your waiting list",
    S.OFFERED: "You offered a place",
    S.ACCEPTED: "Place accepted",
    S.STARTED: "Working with you",
    S.ENDED: "Work ended",
    S.DECLINED: "Did not go ahead",
    S.WITHDRAWN: "Withdrawn",
    S.EXPIRED: "Ran out without an answer",
}
STATES_OF_PARTNER = {
    S.PROPOSED: "Ask the jobseeker",
    S.AGREED: "Ready to send",
    S.SENT: "Waits for the social enterprise",
    S.INVITED: "Meeting wanted",
    S.WAITING: "On the waiting list",
    S.OFFERED: "Place offered",
    S.ACCEPTED: "Place accepted",
    S.STARTED: "Working",
    S.ENDED: "Work ended",
    S.DECLINED: "Declined",
    S.WITHDRAWN: "Withdrawn",
    S.EXPIRED: "Expired",
}
COLOURS = {
    S.SENT: "yellow",
    S.PROPOSED: "yellow",
    S.AGREED: "yellow",
    S.INVITED: "light-blue",
    S.WAITING: "light-blue",
    S.OFFERED: "turquoise",
    S.ACCEPTED: "turquoise",
    S.STARTED: "green",
}
MOVES_OF_LISTER = {
    E.INVITE: "We would like to meet",
    E.OFFER: "We offer a place",
    E.WAIT: "Put on our waiting list",
    E.DECLINE: "We do not want to go ahead",
    E.RECONSIDER: "We would like to think again",
}
MOVES_OF_PARTNER = {
    E.AGREE: "The jobseeker agrees to be put forward",
    E.SEND: "Send it to the social enterprise",
    E.INVITE: "The social enterprise wants to meet",
    E.OFFER: "The social enterprise offers a place",
    E.WAIT: "The social enterprise puts the jobseeker on its waiting list",
    E.ACCEPT: "The jobseeker accepts the place",
    E.DECLINE: "It does not go ahead",
    E.WITHDRAW: "Withdraw it",
    E.EXPIRE: "It ran out without an answer",
    E.RECONSIDER: "Open it again",
}
HINTS = {
    E.INVITE: "The partner arranges the meeting.",
    E.OFFER: "A place is held until the jobseeker answers.",
    E.WAIT: "When a place becomes free, the person who has waited longest gets the offer.",
    E.RECONSIDER: "The introduction is open again, and you decide once more.",
}
HINTS_OF_PARTNER = {
    E.DECLINE: "One side said no. Choose below who, and why.",
    E.WITHDRAW: "You take it back, before the social enterprise has decided.",
    E.EXPIRE: "Nobody answered in time.",
}
WITHHELD = {
    Group.IDENTITY: "name",
    Group.CONTACT: "telephone and e-mail",
    Group.WORK: "skills and working hours",
    Group.HEALTH: "adjustments",
    Group.RIGHT_TO_WORK: "right to work",
}
REASONS = {
    WhyNot.HOURS: "The hours do not fit",
    WhyNot.TRAVEL: "It is too far to travel",
    WhyNot.SKILLS: "Skills are missing",
    WhyNot.CHECKS: "A check that the work needs is missing",
    WhyNot.ADJUSTMENT: "The adjustments cannot be made",
    WhyNot.SUPPORT: "The support cannot be given",
    WhyNot.DID_NOT_COME: "The jobseeker did not come",
    WhyNot.PLACE_FILLED: "The place is filled",
    WhyNot.LISTING_CLOSED: "The placement is no longer offered",
    WhyNot.WORK_NOT_WANTED: "The jobseeker does not want this work",
    WhyNot.PAY: "The pay does not fit",
    WhyNot.BENEFITS: "It would affect the jobseeker's benefits",
    WhyNot.HEALTH: "The jobseeker's health",
    WhyNot.CARING: "The jobseeker cares for somebody",
    WhyNot.ANOTHER_PLACE: "The jobseeker has another place",
    WhyNot.CHANGED_MIND: "The jobseeker changed their mind",
    WhyNot.NO_ANSWER: "There was no answer",
    WhyNot.CASE_CLOSED: "The case was closed",
    WhyNot.MISTAKE: "It was a mistake",
    WhyNot.OTHER: "Another reason",
}


def states_of(role: Role) -> dict[IntroductionState, str]:
    return STATES_OF_LISTER if role is Role.PLACEMENT_LISTER else STATES_OF_PARTNER


def hints_of(role: Role) -> dict[IntroductionEvent, str]:
    return HINTS if role is Role.PLACEMENT_LISTER else HINTS_OF_PARTNER


def moves_of(role: Role) -> dict[IntroductionEvent, str]:
    return MOVES_OF_LISTER if role is Role.PLACEMENT_LISTER else MOVES_OF_PARTNER
