"""The personal data that this feature stores about a jobseeker."""

from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.introductions import actions
from pathways.introductions.models import DecisionLink, Introduction, IntroductionMove
from pathways.introductions.schemas import IntroductionMoveRecord, IntroductionRecord, LinkRecord

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

HOLDING = Holding(
    "introductions",
    (
        Held(Introduction, as_schema(IntroductionRecord)),
        Held(
            IntroductionMove,
            as_schema(IntroductionMoveRecord),
            fact_entry(
                "introduction",
                lambda m: MOVE_TEXTS[m.event] + (" The DBS check was confirmed as seen." if m.dbs_seen_on else ""),
            ),
        ),
        Held(DecisionLink, as_schema(LinkRecord)),
    ),
    void=actions.withdraw_all,
    close=actions.withdraw_open,
)
