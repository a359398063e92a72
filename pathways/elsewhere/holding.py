"""What this feature keeps about a person."""

from pathways.elsewhere.models import ContactRequest, ContactRequestMove, ElsewhereAsk
from pathways.elsewhere.schemas import AskRecord, RequestMoveRecord, RequestRecord
from pathways.holdings import Held, Holding, fact_entry
from pathways.jobseekers.holding import plainly

HOLDING = Holding(
    "elsewhere",
    (
        Held(
            ElsewhereAsk,
            plainly(AskRecord),
            fact_entry("asked elsewhere", lambda _: "Other partners were asked whether they support this person."),
        ),
        Held(ContactRequest, plainly(RequestRecord)),
        Held(ContactRequestMove, plainly(RequestMoveRecord)),
    ),
)
