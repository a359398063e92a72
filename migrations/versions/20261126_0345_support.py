"""Support: check-ins, action plans, barriers, scores; how much of a full-time worker a member is.

Revision: 1b14a731b36e
After: e2a0696b994c
"""

import sqlalchemy as sa
from alembic import op

revision = "1b14a731b36e"
down_revision = "e2a0696b994c"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "barriers",
        sa.Column(
            "kind",
            sa.Enum(
                "housing",
                "debt",
                "health",
                "caring",
                "childcare",
                "transport",
                "skills",
                "language",
                "digital",
                "confidence",
                "conviction",
                "benefits",
                "papers",
                "other",
                name="barrierkind",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
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
            "kind IN ('housing', 'debt', 'health', 'caring', 'childcare', 'transport', 'skills', 'language', 'digital', 'confidence', 'conviction', 'benefits', 'papers', 'other')",
            name=op.f("ck_barriers_kind_is_known"),
        ),
        sa.CheckConstraint(
            "closed_on IS NULL OR closed_on >= valid_on", name=op.f("ck_barriers_closes_after_it_opened")
        ),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_barriers_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_barriers_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["barriers.id"], name=op.f("fk_barriers_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_barriers")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_barriers_supersedes")),
    )
    with op.batch_alter_table("barriers", schema=None) as batch_op:
        batch_op.create_index("ix_barriers_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_barriers_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "scores",
        sa.Column("tool", sa.String(length=80), nullable=False),
        sa.Column("edition", sa.String(length=80), nullable=False),
        sa.Column("scale", sa.String(length=80), nullable=False),
        sa.Column("score", sa.Numeric(precision=7, scale=2), nullable=False),
        sa.Column("licence_ref", sa.String(length=300), nullable=True),
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
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_scores_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_scores_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["scores.id"], name=op.f("fk_scores_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scores")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_scores_supersedes")),
    )
    with op.batch_alter_table("scores", schema=None) as batch_op:
        batch_op.create_index("ix_scores_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_scores_recorded_at"), ["recorded_at"], unique=False)
        batch_op.create_index("ix_scores_scale", ["partner_id", "jobseeker_id", "tool", "scale"], unique=False)

    op.create_table(
        "action_plans",
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("steps", sa.JSON(), nullable=False),
        sa.Column("review_due_on", sa.Date(), nullable=False),
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
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_action_plans_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "enrolment_id"],
            ["enrolments.partner_id", "enrolments.id"],
            name=op.f("fk_action_plans_partner_id_enrolment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_action_plans_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["action_plans.id"], name=op.f("fk_action_plans_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action_plans")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_action_plans_supersedes")),
    )
    with op.batch_alter_table("action_plans", schema=None) as batch_op:
        batch_op.create_index("ix_action_plans_enrolment", ["partner_id", "enrolment_id"], unique=False)
        batch_op.create_index("ix_action_plans_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_action_plans_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "check_ins",
        sa.Column("spell_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.String(length=80), nullable=True),
        sa.Column(
            "result",
            sa.Enum("in_work", "not_in_work", "unknown", name="inwork", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column(
            "told_by",
            sa.Enum(
                "jobseeker",
                "employer",
                "supporter",
                "payslip",
                "hmrc",
                "nobody",
                name="toldby",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_at_risk", sa.Boolean(), nullable=False),
        sa.Column(
            "path_back",
            sa.Enum(
                "job_coaching",
                "adjustment",
                "talk_with_employer",
                "another_placement",
                "benefits_advice",
                "health_support",
                "nothing_wanted",
                name="pathback",
                native_enum=False,
                length=40,
            ),
            nullable=True,
        ),
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
            "(result = 'unknown') = (told_by = 'nobody')", name=op.f("ck_check_ins_unknown_is_told_by_nobody")
        ),
        sa.CheckConstraint(
            "result IN ('in_work', 'not_in_work', 'unknown')", name=op.f("ck_check_ins_result_is_known")
        ),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_check_ins_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_check_ins_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "spell_id"],
            ["spells.partner_id", "spells.id"],
            name=op.f("fk_check_ins_partner_id_spell_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["check_ins.id"], name=op.f("fk_check_ins_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_ins")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_check_ins_supersedes")),
    )
    with op.batch_alter_table("check_ins", schema=None) as batch_op:
        batch_op.create_index("ix_check_ins_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_check_ins_recorded_at"), ["recorded_at"], unique=False)
        batch_op.create_index("ix_check_ins_spell", ["partner_id", "spell_id"], unique=False)

    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("full_time_share", sa.Numeric(precision=3, scale=2), nullable=False, server_default="1")
        )
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.alter_column("full_time_share", existing_type=sa.Numeric(3, 2), server_default=None)
        batch_op.create_check_constraint("full_time_share_is_a_share", "full_time_share >= 0 AND full_time_share <= 1")


def downgrade() -> None:
    with op.batch_alter_table("memberships", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_memberships_full_time_share_is_a_share"), type_="check")
        batch_op.drop_column("full_time_share")

    with op.batch_alter_table("check_ins", schema=None) as batch_op:
        batch_op.drop_index("ix_check_ins_spell")
        batch_op.drop_index(batch_op.f("ix_check_ins_recorded_at"))
        batch_op.drop_index("ix_check_ins_person")

    op.drop_table("check_ins")
    with op.batch_alter_table("action_plans", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_action_plans_recorded_at"))
        batch_op.drop_index("ix_action_plans_person")
        batch_op.drop_index("ix_action_plans_enrolment")

    op.drop_table("action_plans")
    with op.batch_alter_table("scores", schema=None) as batch_op:
        batch_op.drop_index("ix_scores_scale")
        batch_op.drop_index(batch_op.f("ix_scores_recorded_at"))
        batch_op.drop_index("ix_scores_person")

    op.drop_table("scores")
    with op.batch_alter_table("barriers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_barriers_recorded_at"))
        batch_op.drop_index("ix_barriers_person")

    op.drop_table("barriers")
