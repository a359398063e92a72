"""The personal data of enrolments: timeline, extract, and the end of an enrolment whose record becomes void."""

from pathways.enrolments import actions
from pathways.enrolments.models import Enrolment, EnrolmentMove
from pathways.enrolments.schemas import EnrolmentRecord
from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.jobseekers.schemas import MoveOut

# The timeline sentence for each event.
MOVE_TEXTS = {
    "start": "Started on a programme.",
    "end": "Enrolment on the programme ended.",
    "resume": "Enrolment reopened: its end was recorded by mistake.",
}

HOLDING = Holding(
    "enrolments",
    (
        Held(Enrolment, as_schema(EnrolmentRecord)),
        Held(
            EnrolmentMove,
            as_schema(MoveOut),
            fact_entry("enrolment", lambda m: MOVE_TEXTS[m.event]),
        ),
    ),
    void=actions.end_for_mistake,
)
