"""A notice of claims that stand twice, and one chain of corrections for each price.

Revision: a1c4658e95aa
After: fea198cb1290
"""

import sqlalchemy as sa
from alembic import op

revision = "a1c4658e95aa"
down_revision = "fea198cb1290"
branch_labels = None
depends_on = None

KINDS = (
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
)


def upgrade() -> None:
    with op.batch_alter_table("programme_prices", schema=None) as batch_op:
        batch_op.create_index(
            "uq_programme_prices_first",
            ["programme_id", "rule", "valid_on"],
            unique=True,
            sqlite_where=sa.text("supersedes IS NULL"),
            postgresql_where=sa.text("supersedes IS NULL"),
        )

    _kinds(*KINDS, "claim_twice")


def downgrade() -> None:
    op.execute("DELETE FROM notices WHERE kind = 'claim_twice'")
    _kinds(*KINDS)
    with op.batch_alter_table("programme_prices", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_programme_prices_first",
            sqlite_where=sa.text("supersedes IS NULL"),
            postgresql_where=sa.text("supersedes IS NULL"),
        )


def _kinds(*kinds: str) -> None:
    allowed = ", ".join(f"'{kind}'" for kind in kinds)
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notices_kind_is_known"), type_="check")
        batch_op.create_check_constraint("kind_is_known", f"kind IN ({allowed})")
