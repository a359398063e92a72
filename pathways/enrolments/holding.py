"""What this feature keeps about a person."""

from pathways.enrolments import actions
from pathways.enrolments.models import Enrolment, EnrolmentMove
from pathways.enrolments.schemas import EnrolmentRecord
from pathways.holdings import Held, Holding, fact_entry
from pathways.jobseekers.holding import plainly
from pathways.jobseekers.schemas import MoveOut

HOLDING = Holding(
    "enrolments",
    (
        Held(Enrolment, plainly(EnrolmentRecord)),
        Held(
            EnrolmentMove,
            plainly(MoveOut),
            fact_entry("enrolment", lambda m: f"Enrolment: {m.event}, now {m.to_state}."),
        ),
    ),
    void=actions.end_for_mistake,
)
