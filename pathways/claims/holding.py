"""What this feature keeps about a person."""

from pathways.claims import actions
from pathways.claims.models import Claim, ClaimDay, ClaimDocument, ClaimEvidence, ClaimMove
from pathways.claims.schemas import ClaimRecord, DayRecord, DocumentRecord, ItemRecord
from pathways.holdings import Held, Holding, fact_entry
from pathways.jobseekers.holding import plainly
from pathways.jobseekers.schemas import MoveOut

HOLDING = Holding(
    "claims",
    (
        Held(Claim, plainly(ClaimRecord)),
        Held(ClaimMove, plainly(MoveOut), fact_entry("claim", lambda m: f"Claim: {m.event}, now {m.to_state}.")),
        Held(ClaimDay, plainly(DayRecord)),
        Held(ClaimEvidence, plainly(ItemRecord)),
        Held(ClaimDocument, plainly(DocumentRecord)),
    ),
    void=actions.withdraw_all,
)
