"""The personal data that this feature stores about a jobseeker."""

from pathways.base import Role
from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.introductions import actions
from pathways.introductions.models import DecisionLink, Introduction, IntroductionMove, StartFeedback
from pathways.introductions.schemas import FeedbackOut, IntroductionMoveRecord, IntroductionRecord, LinkRecord

# The sentence on the timeline for each event of a move.
MOVE_TEXTS = {
    "propose": "The jobseeker was proposed for a placement.",
    "agree": "The jobseeker agreed to be put forward.",
    "send": "The introduction was sent to the social enterprise.",
    "invite": "The social enterprise wants to meet the jobseeker.",
    "wait": "The jobseeker was put on the waiting list for a place.",
    "offer": "The social enterprise offered a place.",
    "accept": "The jobseeker accepted the offered place.",
    "start": "The jobseeker started on the placement.",
    "decline": "The introduction was declined.",
    "withdraw": "The introduction was withdrawn.",
    "expire": "The introduction expired.",
    "reconsider": "The introduction was reopened and sent again.",
    "end": "The work on the placement ended.",
}

# The same events, if a caseworker recorded what a social enterprise said.
RECORDED_BY_PARTNER = {
    "invite": "The partner recorded that the social enterprise wants to meet the jobseeker.",
    "wait": "The partner put the jobseeker on the waiting list for a place.",
    "offer": "The partner recorded that the social enterprise offered a place.",
}


def _sentence(move: IntroductionMove) -> str:
    is_partners = move.made_by_role in {Role.CASEWORKER.value, Role.TEAM_MANAGER.value}
    return RECORDED_BY_PARTNER.get(move.event, MOVE_TEXTS[move.event]) if is_partners else MOVE_TEXTS[move.event]


HOLDING = Holding(
    "introductions",
    (
        Held(Introduction, as_schema(IntroductionRecord)),
        Held(
            IntroductionMove,
            as_schema(IntroductionMoveRecord),
            fact_entry(
                "introduction",
                lambda m: _sentence(m) + (" The DBS check was confirmed as seen." if m.dbs_seen_on else ""),
            ),
        ),
        Held(DecisionLink, as_schema(LinkRecord)),
        Held(
            StartFeedback,
            as_schema(FeedbackOut),
            fact_entry("feedback", lambda _: "The social enterprise said how the work goes."),
        ),
    ),
    void=actions.withdraw_all,
    close=actions.withdraw_open,
)
