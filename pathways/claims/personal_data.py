"""What this feature keeps about a person."""

from pathways.claims import actions
from pathways.claims.models import Claim, ClaimDay, ClaimDocument, ClaimEvidence, ClaimMove
from pathways.claims.schemas import ClaimedDocumentRecord, ClaimRecord, DayRecord, ItemRecord
from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.jobseekers.schemas import MoveOut

HOLDING = Holding(
    "claims",
    (
        Held(Claim, as_schema(ClaimRecord)),
        Held(ClaimMove, as_schema(MoveOut), fact_entry("claim", lambda m: f"Claim: {m.event}, now {m.to_state}.")),
        Held(ClaimDay, as_schema(DayRecord)),
        Held(ClaimEvidence, as_schema(ItemRecord)),
        Held(ClaimDocument, as_schema(ClaimedDocumentRecord)),
    ),
    void=actions.withdraw_all,
)
