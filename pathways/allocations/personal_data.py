"""The personal data that allocations hold about a jobseeker."""

from pathways.allocations import actions
from pathways.allocations.models import AllocationLine, AllocationLineMove
from pathways.allocations.schemas import AllocationLineRecord, AllocationMoveRecord
from pathways.holdings import Held, Holding, as_schema, fact_entry

HOLDING = Holding(
    "allocations",
    (
        Held(AllocationLine, as_schema(AllocationLineRecord)),
        Held(
            AllocationLineMove,
            as_schema(AllocationMoveRecord),
            fact_entry(
                "allocation",
                lambda m: (
                    "Included in a proposal that shares places among the caseload."
                    if m.event == "propose"
                    else f"The proposed place was {m.to_state}."
                ),
            ),
        ),
    ),
    void=actions.close_lines,
    close=actions.close_lines,
)
