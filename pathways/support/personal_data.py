"""The personal data that this feature stores about a jobseeker."""

from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.support.models import ActionPlan, Barrier, CheckIn, Score
from pathways.support.schemas import BarrierOut, CheckInOut, PlanRecord, ScoreOut

HOLDING = Holding(
    "support",
    (
        Held(
            CheckIn,
            as_schema(CheckInOut),
            fact_entry("check-in", lambda c: f"Check-in: {c.result.replace('_', ' ')} (source: {c.told_by})."),
        ),
        Held(
            ActionPlan,
            as_schema(PlanRecord),
            fact_entry("plan", lambda p: f"Action plan, version {p.number}, with {len(p.steps)} steps."),
        ),
        Held(
            Barrier,
            as_schema(BarrierOut),
            fact_entry("barrier", lambda b: "A barrier was closed." if b.closed_on else "A barrier was recorded."),
        ),
        Held(Score, as_schema(ScoreOut), fact_entry("score", lambda s: f"A score on {s.tool} was recorded.")),
    ),
)
