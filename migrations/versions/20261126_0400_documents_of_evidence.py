"""Documents of evidence: where each is kept, sealed, and what it is.

Revision: a72d52ac8486
After: 1b14a731b36e
"""

import sqlalchemy as sa
from alembic import op

revision = "a72d52ac8486"
down_revision = "1b14a731b36e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "evidence_documents",
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("sha256", sa.String(length=80), nullable=False),
        sa.Column("content_type", sa.String(length=80), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
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
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_evidence_documents_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "evidence_id"],
            ["evidence.partner_id", "evidence.id"],
            name=op.f("fk_evidence_documents_partner_id_evidence_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_evidence_documents_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["evidence_documents.id"], name=op.f("fk_evidence_documents_supersedes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_documents")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_evidence_documents_supersedes")),
    )
    with op.batch_alter_table("evidence_documents", schema=None) as batch_op:
        batch_op.create_index("ix_evidence_documents_evidence", ["partner_id", "evidence_id"], unique=False)
        batch_op.create_index("ix_evidence_documents_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_evidence_documents_recorded_at"), ["recorded_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("evidence_documents", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_documents_recorded_at"))
        batch_op.drop_index("ix_evidence_documents_person")
        batch_op.drop_index("ix_evidence_documents_evidence")

    op.drop_table("evidence_documents")
