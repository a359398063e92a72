"""Notices to whoever waits: a case assigned or merged, terms changed, steps recorded for a side, decisions on claims.

Revision: 4c8a17e2d9b5
After: b3e60d9a41f7
"""

from alembic import op

revision = "4c8a17e2d9b5"
down_revision = "b3e60d9a41f7"
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
    "placement_closed",
]
NEW = [
    "placement_changed",
    "case_assigned",
    "case_merged",
    "introduction_reopened",
    "safety_withdrew",
    "step_recorded",
    "claim_to_decide",
    "claim_decided",
    "claim_turned_down",
]


def _listed(kinds: list[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


def _kinds(kinds: list[str]) -> None:
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notices_kind_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_notices_kind_is_known"), f"kind IN ({_listed(kinds)})")


def upgrade() -> None:
    _kinds([*KINDS, *NEW])


def downgrade() -> None:
    op.execute(f"DELETE FROM notices WHERE kind IN ({_listed(NEW)})")  # noqa: S608 - the kinds are constants above
    _kinds(KINDS)
