"""The tables of partner enquiries that contain personal data, for the timeline, extract and erasure."""

from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.partner_enquiries.models import ContactRequest, ContactRequestMove, ElsewhereAsk
from pathways.partner_enquiries.schemas import AskRecord, ContactRequestRecord, RequestMoveRecord

HOLDING = Holding(
    "elsewhere",
    (
        Held(
            ElsewhereAsk,
            as_schema(AskRecord),
            fact_entry("asked elsewhere", lambda _: "Other partners were asked whether they support this person."),
        ),
        Held(ContactRequest, as_schema(ContactRequestRecord)),
        Held(ContactRequestMove, as_schema(RequestMoveRecord)),
    ),
)
