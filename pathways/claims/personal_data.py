"""The personal data of claims: timeline entries, extract and void."""

from pathways.claims import actions
from pathways.claims.models import Claim, ClaimDay, ClaimDocument, ClaimEvidence, ClaimMove
from pathways.claims.schemas import ClaimedDocumentRecord, ClaimRecord, DayRecord, ItemRecord
from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.jobseekers.schemas import MoveOut

EVENT_TEXTS = {
    "draft": "Claim drafted.",
    "submit": "Claim submitted to the funder.",
    "query": "Claim queried by the funder.",
    "answer": "The funder's query about the claim was answered.",
    "accept": "Claim accepted by the funder.",
    "fail": "Claim failed: the funder will not pay it.",
    "withdraw": "Claim withdrawn.",
    "pay": "Claim paid.",
    "reverse": "Payment of the claim reversed.",
    "confirm": "The funder confirmed a decision that the partner recorded in its name.",
    "contest": "The funder contested a decision that the partner recorded in its name.",
}

HOLDING = Holding(
    "claims",
    (
        Held(Claim, as_schema(ClaimRecord)),
        Held(ClaimMove, as_schema(MoveOut), fact_entry("claim", lambda m: EVENT_TEXTS[m.event])),
        Held(ClaimDay, as_schema(DayRecord)),
        Held(ClaimEvidence, as_schema(ItemRecord)),
        Held(ClaimDocument, as_schema(ClaimedDocumentRecord)),
    ),
    void=actions.withdraw_all,
)
