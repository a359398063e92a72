"""What a referrer reads of what became of its people, and why an end as in work has no spell.

- ``progress_permissions``: what the jobseeker agreed that the referrer may read.
- ``referral_moves.reason_is_for_referrer``: false for the reasons of earlier versions, which no referrer was to read.
- ``without_spell_because`` of the moves of cases and enrolments.
- Notices of a referral's answer.

Revision: b8e41f7d2c96
After: 7a3c9e51d402
"""

import sqlalchemy as sa
from alembic import op

revision = "b8e41f7d2c96"
down_revision = "7a3c9e51d402"
branch_labels = None
depends_on = None

KINDS = (
    *("referral_to_acknowledge", "referral_to_start", "introduction_sent", "introduction_unanswered"),
    *("introduction_escalated", "introduction_expired", "introduction_to_agree", "offer_made", "offer_runs_out"),
    *("start_to_record", "listing_to_reconfirm", "listing_paused", "listing_closed", "check_in_due"),
    *("check_in_overdue", "at_risk", "plan_to_make", "plan_to_review", "outcome_can_be_recorded", "claim_queried"),
    *("claim_owed_back", "claim_twice", "safety_to_decide", "restricted_on_suspicion", "case_reassigned"),
    *("claim_to_confirm", "claim_contested", "key_to_claim", "key_in_use", "key_expires"),
)
KINDS = (
    *KINDS,
    *("introduction_invited", "introduction_waits", "introduction_declined", "introduction_closed", "offer_accepted"),
    *("work_started", "work_ended"),
)
NEW_KINDS = ("referral_accepted", "referral_declined")
SOURCES = ("api", "page", "command_line", "import", "demonstration")


def upgrade() -> None:
    _kinds(*KINDS, *NEW_KINDS)
    with op.batch_alter_table("referral_moves", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("reason_is_for_referrer", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        )
    with op.batch_alter_table("referral_moves", schema=None) as batch_op:
        batch_op.alter_column("reason_is_for_referrer", server_default=None)
    for table in ("jobseeker_moves", "enrolment_moves"):
        op.add_column(table, sa.Column("without_spell_because", sa.String(length=300), nullable=True))
    op.create_table(
        "progress_permissions",
        sa.Column("referral_id", sa.Uuid(), nullable=False),
        sa.Column("stages", sa.JSON(), nullable=False),
        sa.Column("names_workplace", sa.Boolean(), nullable=False),
        sa.Column("how_given", sa.String(length=300), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Enum(*SOURCES, name="source", native_enum=False, length=40), nullable=False),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_progress_permissions_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_progress_permissions_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "referral_id"],
            ["referrals.partner_id", "referrals.id"],
            name=op.f("fk_progress_permissions_partner_id_referral_id"),
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["progress_permissions.id"], name=op.f("fk_progress_permissions_supersedes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress_permissions")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_progress_permissions_supersedes")),
    )
    with op.batch_alter_table("progress_permissions", schema=None) as batch_op:
        batch_op.create_index("ix_progress_permissions_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index("ix_progress_permissions_referral", ["partner_id", "referral_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_progress_permissions_recorded_at"), ["recorded_at"], unique=False)


def downgrade() -> None:
    op.drop_table("progress_permissions")
    for table in ("enrolment_moves", "jobseeker_moves"):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("without_spell_because")
    with op.batch_alter_table("referral_moves", schema=None) as batch_op:
        batch_op.drop_column("reason_is_for_referrer")
    op.execute(f"DELETE FROM notices WHERE kind IN {_listed(*NEW_KINDS)}")  # noqa: S608 - the kinds are constants
    _kinds(*KINDS)


def _listed(*values: str) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def _kinds(*kinds: str) -> None:
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notices_kind_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_notices_kind_is_known"), f"kind IN {_listed(*kinds)}")
