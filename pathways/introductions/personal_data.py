"""What this feature keeps about a person."""

from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.introductions import actions
from pathways.introductions.models import DecisionLink, Introduction, IntroductionMove
from pathways.introductions.schemas import IntroductionRecord, LinkRecord
from pathways.jobseekers.schemas import MoveOut

HOLDING = Holding(
    "introductions",
    (
        Held(Introduction, as_schema(IntroductionRecord)),
        Held(
            IntroductionMove,
            as_schema(MoveOut),
            fact_entry("introduction", lambda m: f"Introduction: {m.event}, now {m.to_state}."),
        ),
        Held(DecisionLink, as_schema(LinkRecord)),
    ),
    void=actions.withdraw_all,
    close=actions.withdraw_open,
)
