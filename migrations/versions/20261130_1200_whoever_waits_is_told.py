"""Notices about the steps of an introduction.

Revision: 7a3c9e51d402
After: 3f6d20c8a917
"""

from alembic import op

revision = "7a3c9e51d402"
down_revision = "3f6d20c8a917"
branch_labels = None
depends_on = None

KINDS = [
    "referral_to_acknowledge",
    "referral_to_start",
    "introduction_sent",
    "introduction_unanswered",
    "introduction_escalated",
    "introduction_expired",
    "introduction_to_agree",
    "offer_made",
    "offer_runs_out",
    "start_to_record",
    "listing_to_reconfirm",
    "listing_paused",
    "listing_closed",
    "check_in_due",
    "check_in_overdue",
    "at_risk",
    "plan_to_make",
    "plan_to_review",
    "outcome_can_be_recorded",
    "claim_queried",
    "claim_owed_back",
    "claim_twice",
    "safety_to_decide",
    "restricted_on_suspicion",
    "case_reassigned",
    "claim_to_confirm",
    "claim_contested",
    "key_to_claim",
    "key_in_use",
    "key_expires",
]
NEW_KINDS = [
    "introduction_invited",
    "introduction_waits",
    "introduction_declined",
    "introduction_closed",
    "offer_accepted",
    "work_started",
    "work_ended",
]


def _listed(kinds: list[str]) -> str:
    return "(" + ", ".join(f"'{kind}'" for kind in kinds) + ")"


def _kinds(kinds: list[str]) -> None:
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notices_kind_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_notices_kind_is_known"), f"kind IN {_listed(kinds)}")


def upgrade() -> None:
    _kinds([*KINDS, *NEW_KINDS])


def downgrade() -> None:
    op.execute(f"DELETE FROM notices WHERE kind IN {_listed(NEW_KINDS)}")  # noqa: S608 - the kinds are constants
    _kinds(KINDS)
