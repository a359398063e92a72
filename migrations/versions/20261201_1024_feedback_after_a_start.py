"""Feedback of social enterprises after a start, and links by which they confirm a placement.

Revision: a15665f0e8dd
After: f3f591ebf697
"""

import sqlalchemy as sa
from alembic import op

revision = "a15665f0e8dd"
down_revision = "f3f591ebf697"
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
    "placement_changed",
    "case_assigned",
    "case_merged",
    "introduction_reopened",
    "safety_withdrew",
    "step_recorded",
    "claim_to_decide",
    "claim_decided",
    "claim_turned_down",
    "invited",
    "sign_in_link",
    "sign_in_changed",
]
NEW = ["feedback_given"]


def _listed(kinds: list[str]) -> str:
    return ", ".join(f"'{kind}'" for kind in kinds)


def _kinds(kinds: list[str]) -> None:
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notices_kind_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_notices_kind_is_known"), f"kind IN ({_listed(kinds)})")


def upgrade() -> None:
    _kinds([*KINDS, *NEW])
    op.create_table(
        "reconfirm_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("placement_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=80), nullable=False),
        sa.Column("reconfirm_by", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["placement_id"], ["placements.id"], name=op.f("fk_reconfirm_links_placement_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_reconfirm_links_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconfirm_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_reconfirm_links_token_hash")),
    )
    with op.batch_alter_table("reconfirm_links", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reconfirm_links_placement_id"), ["placement_id"], unique=False)

    op.create_table(
        "start_feedback",
        sa.Column("introduction_id", sa.Uuid(), nullable=False),
        sa.Column(
            "how",
            sa.Enum("well", "with_difficulty", "at_risk", name="feedbackhow", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("wants_call", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "api", "page", "command_line", "import", "demonstration", name="source", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "how IN ('well', 'with_difficulty', 'at_risk')", name=op.f("ck_start_feedback_how_is_known")
        ),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_start_feedback_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "introduction_id"],
            ["introductions.partner_id", "introductions.id"],
            name=op.f("fk_start_feedback_partner_id_introduction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_start_feedback_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["start_feedback.id"], name=op.f("fk_start_feedback_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_start_feedback")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_start_feedback_supersedes")),
    )
    with op.batch_alter_table("start_feedback", schema=None) as batch_op:
        batch_op.create_index("ix_start_feedback_introduction", ["partner_id", "introduction_id"], unique=False)
        batch_op.create_index("ix_start_feedback_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_start_feedback_recorded_at"), ["recorded_at"], unique=False)


def downgrade() -> None:
    op.execute(f"DELETE FROM notices WHERE kind IN ({_listed(NEW)})")  # noqa: S608 - the kinds are constants above
    _kinds(KINDS)
    with op.batch_alter_table("start_feedback", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_start_feedback_recorded_at"))
        batch_op.drop_index("ix_start_feedback_person")
        batch_op.drop_index("ix_start_feedback_introduction")

    op.drop_table("start_feedback")
    with op.batch_alter_table("reconfirm_links", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reconfirm_links_placement_id"))

    op.drop_table("reconfirm_links")
