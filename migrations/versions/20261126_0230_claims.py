"""What a commissioner pays for an outcome, and claims: their moves, and the days and evidence that are spent on each.

Revision: 9f972fe7f248
After: 9f1d27c04b6e
"""

import sqlalchemy as sa
from alembic import op

revision = "9f972fe7f248"
down_revision = "9f1d27c04b6e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "programme_prices",
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("pence", sa.Integer(), nullable=False),
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
        sa.CheckConstraint("pence > 0", name=op.f("ck_programme_prices_something_is_paid")),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_programme_prices_by")),
        sa.ForeignKeyConstraint(["programme_id"], ["programmes.id"], name=op.f("fk_programme_prices_programme_id")),
        sa.ForeignKeyConstraint(["supersedes"], ["programme_prices.id"], name=op.f("fk_programme_prices_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme_prices")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_programme_prices_supersedes")),
    )
    with op.batch_alter_table("programme_prices", schema=None) as batch_op:
        batch_op.create_index("ix_programme_prices_programme", ["programme_id", "rule", "valid_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_programme_prices_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "claims",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enrolment_id", sa.Uuid(), nullable=False),
        sa.Column("programme_id", sa.Uuid(), nullable=False),
        sa.Column("commissioner_id", sa.Uuid(), nullable=False),
        sa.Column("outcome_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("rule_version", sa.String(length=80), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "submitted",
                "accepted",
                "queried",
                "failed",
                "paid",
                "reversed",
                name="claimstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("participant_ref", sa.String(length=80), nullable=False),
        sa.Column("achieved_on", sa.Date(), nullable=False),
        sa.Column("pence", sa.Integer(), nullable=False),
        sa.Column("paid_pence", sa.Integer(), nullable=True),
        sa.Column("is_subsidised", sa.Boolean(), nullable=False),
        sa.Column("is_own_supply_chain", sa.Boolean(), nullable=False),
        sa.Column("has_other_funding", sa.Boolean(), nullable=True),
        sa.Column("other_funding", sa.String(length=300), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("earlier_id", sa.Uuid(), nullable=True),
        sa.Column("submitted_by", sa.Uuid(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(paid_pence IS NOT NULL) = (state IN ('paid', 'reversed'))",
            name=op.f("ck_claims_paid_pence_matches_state"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'failed') OR submitted_by IS NOT NULL", name=op.f("ck_claims_submitted_by_somebody")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'submitted', 'accepted', 'queried', 'failed', 'paid', 'reversed')",
            name=op.f("ck_claims_state_is_known"),
        ),
        sa.CheckConstraint(
            "paid_pence IS NULL OR (paid_pence > 0 AND paid_pence <= pence)", name=op.f("ck_claims_paid_at_most_asked")
        ),
        sa.CheckConstraint("pence > 0", name=op.f("ck_claims_something_is_asked")),
        sa.ForeignKeyConstraint(["commissioner_id"], ["organisations.id"], name=op.f("fk_claims_commissioner_id")),
        sa.ForeignKeyConstraint(
            ["partner_id", "earlier_id"],
            ["claims.partner_id", "claims.id"],
            name=op.f("fk_claims_partner_id_earlier_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "enrolment_id"],
            ["enrolments.partner_id", "enrolments.id"],
            name=op.f("fk_claims_partner_id_enrolment_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_claims_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "outcome_id"],
            ["outcomes.partner_id", "outcomes.id"],
            name=op.f("fk_claims_partner_id_outcome_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "programme_id"],
            ["programmes.partner_id", "programmes.id"],
            name=op.f("fk_claims_partner_id_programme_id"),
        ),
        sa.ForeignKeyConstraint(["submitted_by"], ["users.id"], name=op.f("fk_claims_submitted_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claims")),
        sa.UniqueConstraint("partner_id", "id", name=op.f("uq_claims_partner_id_id")),
    )
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.create_index("ix_claims_commissioner_id", ["commissioner_id", "id"], unique=False)
        batch_op.create_index("ix_claims_outcome_id", ["partner_id", "outcome_id"], unique=False)
        batch_op.create_index("ix_claims_partner_id_state", ["partner_id", "state", "id"], unique=False)
        batch_op.create_index("ix_claims_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(
            "uq_claims_one_standing",
            ["partner_id", "enrolment_id", "rule"],
            unique=True,
            sqlite_where=sa.text("state NOT IN ('failed', 'reversed')"),
            postgresql_where=sa.text("state NOT IN ('failed', 'reversed')"),
        )

    op.create_table(
        "claim_days",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id", "claim_id"],
            ["claims.partner_id", "claims.id"],
            name=op.f("fk_claim_days_partner_id_claim_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_claim_days_partner_id_jobseeker_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_days")),
        sa.UniqueConstraint(
            "partner_id", "jobseeker_id", "rule", "day", name=op.f("uq_claim_days_partner_id_jobseeker_id_rule_day")
        ),
    )
    with op.batch_alter_table("claim_days", schema=None) as batch_op:
        batch_op.create_index("ix_claim_days_claim", ["partner_id", "claim_id"], unique=False)
        batch_op.create_index("ix_claim_days_person", ["partner_id", "jobseeker_id"], unique=False)

    op.create_table(
        "claim_documents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("document_hash", sa.String(length=80), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id", "claim_id"],
            ["claims.partner_id", "claims.id"],
            name=op.f("fk_claim_documents_partner_id_claim_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_claim_documents_partner_id_jobseeker_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_documents")),
        sa.UniqueConstraint(
            "partner_id", "document_hash", "rule", name=op.f("uq_claim_documents_partner_id_document_hash_rule")
        ),
    )
    with op.batch_alter_table("claim_documents", schema=None) as batch_op:
        batch_op.create_index("ix_claim_documents_claim", ["partner_id", "claim_id"], unique=False)
        batch_op.create_index("ix_claim_documents_person", ["partner_id", "jobseeker_id"], unique=False)

    op.create_table(
        "claim_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id", "claim_id"],
            ["claims.partner_id", "claims.id"],
            name=op.f("fk_claim_evidence_partner_id_claim_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "evidence_id"],
            ["evidence.partner_id", "evidence.id"],
            name=op.f("fk_claim_evidence_partner_id_evidence_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_claim_evidence_partner_id_jobseeker_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_evidence")),
        sa.UniqueConstraint(
            "partner_id", "rule", "evidence_id", name=op.f("uq_claim_evidence_partner_id_rule_evidence_id")
        ),
    )
    with op.batch_alter_table("claim_evidence", schema=None) as batch_op:
        batch_op.create_index("ix_claim_evidence_claim", ["partner_id", "claim_id"], unique=False)
        batch_op.create_index("ix_claim_evidence_person", ["partner_id", "jobseeker_id"], unique=False)

    op.create_table(
        "claim_moves",
        sa.Column("claim_id", sa.Uuid(), nullable=False),
        sa.Column("made_by_role", sa.String(length=80), nullable=False),
        sa.Column("pence", sa.Integer(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=300), nullable=False),
        sa.Column("from_state", sa.String(length=300), nullable=True),
        sa.Column("to_state", sa.String(length=300), nullable=False),
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
            "(pence > 0) = (event = 'pay') AND (pence < 0) = (event = 'reverse')",
            name=op.f("ck_claim_moves_money_moves"),
        ),
        sa.CheckConstraint(
            "coalesce(from_state, '') || ' ' || event || ' ' || to_state IN (' draft draft', 'draft submit submitted', 'submitted query queried', 'queried answer submitted', 'submitted accept accepted', 'submitted fail failed', 'queried fail failed', 'accepted fail failed', 'accepted pay paid', 'paid reverse reversed', 'draft withdraw failed', 'submitted withdraw failed', 'queried withdraw failed')",
            name=op.f("ck_claim_moves_move_is_in_the_table"),
        ),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_claim_moves_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "claim_id"],
            ["claims.partner_id", "claims.id"],
            name=op.f("fk_claim_moves_partner_id_claim_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_claim_moves_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["claim_moves.id"], name=op.f("fk_claim_moves_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim_moves")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_claim_moves_supersedes")),
    )
    with op.batch_alter_table("claim_moves", schema=None) as batch_op:
        batch_op.create_index("ix_claim_moves_claim", ["partner_id", "claim_id"], unique=False)
        batch_op.create_index("ix_claim_moves_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_claim_moves_recorded_at"), ["recorded_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("claim_moves", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_claim_moves_recorded_at"))
        batch_op.drop_index("ix_claim_moves_person")
        batch_op.drop_index("ix_claim_moves_claim")

    op.drop_table("claim_moves")
    with op.batch_alter_table("claim_evidence", schema=None) as batch_op:
        batch_op.drop_index("ix_claim_evidence_person")
        batch_op.drop_index("ix_claim_evidence_claim")

    op.drop_table("claim_evidence")
    with op.batch_alter_table("claim_documents", schema=None) as batch_op:
        batch_op.drop_index("ix_claim_documents_person")
        batch_op.drop_index("ix_claim_documents_claim")

    op.drop_table("claim_documents")
    with op.batch_alter_table("claim_days", schema=None) as batch_op:
        batch_op.drop_index("ix_claim_days_person")
        batch_op.drop_index("ix_claim_days_claim")

    op.drop_table("claim_days")
    with op.batch_alter_table("claims", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_claims_one_standing",
            sqlite_where=sa.text("state NOT IN ('failed', 'reversed')"),
            postgresql_where=sa.text("state NOT IN ('failed', 'reversed')"),
        )
        batch_op.drop_index("ix_claims_person")
        batch_op.drop_index("ix_claims_partner_id_state")
        batch_op.drop_index("ix_claims_outcome_id")
        batch_op.drop_index("ix_claims_commissioner_id")

    op.drop_table("claims")
    with op.batch_alter_table("programme_prices", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programme_prices_recorded_at"))
        batch_op.drop_index("ix_programme_prices_programme")

    op.drop_table("programme_prices")
