"""Versions of outcome rules that were loaded, beside those that ship.

Revision: ac4fb20bfe59
After: 0be5c5d42800
"""

import sqlalchemy as sa
from alembic import op

revision = "ac4fb20bfe59"
down_revision = "0be5c5d42800"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outcome_rules",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=80), nullable=False),
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("text", sa.JSON(), nullable=False),
        sa.Column("loaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_outcome_rules_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_rules")),
        sa.UniqueConstraint("rule", "version", name=op.f("uq_outcome_rules_rule_version")),
    )


def downgrade() -> None:
    op.drop_table("outcome_rules")
