"""Timetables of public transport, and which of them a shortlist used.

Revision: 5f0c7e92d3a4
After: 9e2b54c7a1d8
"""

import sqlalchemy as sa
from alembic import op

revision = "5f0c7e92d3a4"
down_revision = "9e2b54c7a1d8"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "timetables",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_name", sa.String(length=300), nullable=False),
        sa.Column("sha256", sa.String(length=80), nullable=False),
        sa.Column("is_current", sa.Boolean(), nullable=False),
        sa.Column("loaded_on", sa.Date(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=False),
        sa.Column("modes", sa.JSON(), nullable=False),
        sa.Column("stops", sa.Integer(), nullable=False),
        sa.Column("trips", sa.Integer(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timetables")),
    )
    op.create_index(
        "uq_timetables_one_current",
        "timetables",
        ["is_current"],
        unique=True,
        sqlite_where=sa.text("is_current"),
        postgresql_where=sa.text("is_current"),
    )
    op.add_column("shortlists", sa.Column("timetable_id", sa.Uuid(), nullable=True))
    op.create_index(op.f("ix_shortlists_timetable_id"), "shortlists", ["timetable_id"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_shortlists_timetable_id"), table_name="shortlists")
    with op.batch_alter_table("shortlists", schema=None) as batch_op:
        batch_op.drop_column("timetable_id")
    op.drop_index("uq_timetables_one_current", table_name="timetables")
    op.drop_table("timetables")
