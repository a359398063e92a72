"""The hash of the advert in which a person confirmed words, and notices that a placement was closed.

Confirmations without a hash no longer count.

Revision: 6e1d84b7a3f2
After: 2f9d61c8a470
"""

import sqlalchemy as sa
from alembic import op

revision = "6e1d84b7a3f2"
down_revision = "2f9d61c8a470"
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
    "introduction_invited",
    "introduction_waits",
    "introduction_declined",
    "introduction_closed",
    "offer_accepted",
    "work_started",
    "work_ended",
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
    "referral_accepted",
    "referral_declined",
]


def _kinds(kinds: list[str]) -> None:
    listed = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notices_kind_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_notices_kind_is_known"), f"kind IN ({listed})")


def upgrade() -> None:
    op.add_column("placement_wording_confirmations", sa.Column("of_text", sa.String(length=64), nullable=True))
    _kinds([*KINDS, "placement_closed"])


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE kind = 'placement_closed'")
    _kinds(KINDS)
    with op.batch_alter_table("placement_wording_confirmations", schema=None) as batch_op:
        batch_op.drop_column("of_text")
