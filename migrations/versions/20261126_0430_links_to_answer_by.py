"""Links of an e-mail by which a social enterprise may answer.

Revision: 682a081380bf
After: 2459ab9f1865
"""

import sqlalchemy as sa
from alembic import op

revision = "682a081380bf"
down_revision = "2459ab9f1865"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "decision_links",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("introduction_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.String(length=80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id", "introduction_id"],
            ["introductions.partner_id", "introductions.id"],
            name=op.f("fk_decision_links_partner_id_introduction_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_decision_links_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_decision_links_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_decision_links_token_hash")),
    )
    with op.batch_alter_table("decision_links", schema=None) as batch_op:
        batch_op.create_index("ix_decision_links_person", ["partner_id", "jobseeker_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("decision_links", schema=None) as batch_op:
        batch_op.drop_index("ix_decision_links_person")

    op.drop_table("decision_links")
