"""What this feature keeps about a person."""

from pathways.holdings import Held, Holding, fact_entry
from pathways.jobseekers.holding import plainly
from pathways.progression import actions
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
    DocumentRecord,
    EvidenceCheckRecord,
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
        Held(Spell, plainly(SpellRecord)),
        Held(
            SpellVersion,
            plainly(SpellVersionOut),
            fact_entry(
                "spell",
                lambda s: (
                    f"Work from {s.started_on.isoformat()}"
                    + (f" to {s.ended_on.isoformat()}." if s.ended_on else ", running.")
                ),
            ),
        ),
        Held(SpellHours, plainly(HoursRecord), fact_entry("hours", lambda h: f"{h.hours:g} paid hours in this week.")),
        Held(
            Evidence,
            plainly(EvidenceRecord),
            fact_entry(
                "evidence",
                lambda e: f"Evidence: {e.kind.replace('_', ' ')} for {e.covers_from} to {e.covers_to}.",
            ),
        ),
        Held(
            EvidenceDocument,
            plainly(DocumentRecord),
            fact_entry("document", lambda d: f"A document of {d.size_bytes:,} bytes was kept."),
        ),
        Held(
            EvidenceCheck,
            plainly(EvidenceCheckRecord),
            fact_entry("evidence check", lambda c: "Evidence accepted." if c.is_accepted else "Evidence rejected."),
        ),
        Held(
            Outcome,
            plainly(OutcomeOut),
            fact_entry("outcome", lambda o: f"Outcome {o.rule} met, {o.weeks_counted} weeks counted."),
        ),
        Held(OutcomeClaimed, plainly(HeldOutcome)),
    ),
    void=actions.void_all,
    scrub=actions.forget_documents,
)
