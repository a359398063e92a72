"""The personal data that this feature stores about a jobseeker."""

from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.progression import actions, evidence
from pathways.progression.models import (
    Evidence,
    EvidenceCheck,
    EvidenceDocument,
    Outcome,
    OutcomeClaimed,
    Spell,
    SpellHours,
    SpellVersion,
)
from pathways.progression.schemas import (
    EvidenceCheckRecord,
    EvidenceDocumentRecord,
    EvidenceRecord,
    HeldOutcome,
    HoursRecord,
    OutcomeOut,
    SpellRecord,
    SpellVersionOut,
)

HOLDING = Holding(
    "progression",
    (
        Held(Spell, as_schema(SpellRecord)),
        Held(
            SpellVersion,
            as_schema(SpellVersionOut),
            fact_entry(
                "spell",
                lambda s: (
                    f"Work from {s.started_on.isoformat()}"
                    + (f" to {s.ended_on.isoformat()}." if s.ended_on else ", continuing.")
                ),
            ),
        ),
        Held(
            SpellHours, as_schema(HoursRecord), fact_entry("hours", lambda h: f"{h.hours:g} paid hours in this week.")
        ),
        Held(
            Evidence,
            as_schema(EvidenceRecord),
            fact_entry(
                "evidence",
                lambda e: f"Evidence: {e.kind.replace('_', ' ')} for {e.covers_from} to {e.covers_to}.",
            ),
        ),
        Held(
            EvidenceDocument,
            as_schema(EvidenceDocumentRecord),
            fact_entry("document", lambda d: f"A document of {d.size_bytes:,} bytes was stored."),
        ),
        Held(
            EvidenceCheck,
            as_schema(EvidenceCheckRecord),
            fact_entry("evidence check", lambda c: f"The evidence was {'accepted' if c.is_accepted else 'rejected'}."),
        ),
        Held(
            Outcome,
            as_schema(OutcomeOut),
            fact_entry("outcome", lambda o: f"Outcome {o.rule} was met. Weeks counted: {o.weeks_counted}."),
        ),
        Held(OutcomeClaimed, as_schema(HeldOutcome)),
    ),
    void=actions.void_all,
    scrub=evidence.forget_documents,
)
