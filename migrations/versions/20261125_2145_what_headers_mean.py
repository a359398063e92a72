"""What the headers of an organisation's own files mean, as a person confirmed once.

Revision: c6de67045598
After: d349b4e56d9a
"""

import sqlalchemy as sa
from alembic import op

revision = "c6de67045598"
down_revision = "d349b4e56d9a"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "column_names",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("header", sa.String(length=300), nullable=False),
        sa.Column("column", sa.String(length=80), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_column_names_by")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_column_names_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_column_names")),
        sa.UniqueConstraint(
            "organisation_id", "kind", "header", name=op.f("uq_column_names_organisation_id_kind_header")
        ),
    )


def downgrade() -> None:
    op.drop_table("column_names")
