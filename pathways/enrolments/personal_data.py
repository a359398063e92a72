"""What this feature keeps about a person."""

from pathways.enrolments import actions
from pathways.enrolments.models import Enrolment, EnrolmentMove
from pathways.enrolments.schemas import EnrolmentRecord
from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.jobseekers.schemas import MoveOut

HOLDING = Holding(
    "enrolments",
    (
        Held(Enrolment, as_schema(EnrolmentRecord)),
        Held(
            EnrolmentMove,
            as_schema(MoveOut),
            fact_entry("enrolment", lambda m: f"Enrolment: {m.event}, now {m.to_state}."),
        ),
    ),
    void=actions.end_for_mistake,
)
