"""Two records of one person are one.

- ``merges``: which record was taken into which, what moved, and how the two stood before.
- ``jobseekers.merged_into_id``: by the details of a record that was taken in, the one that is kept is found.

Revision: 5f0e01269fbd
After: 2b266ae833e6
"""

import sqlalchemy as sa
from alembic import op

revision = "5f0e01269fbd"
down_revision = "2b266ae833e6"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "merges",
        sa.Column("merged_id", sa.Uuid(), nullable=False),
        sa.Column("moved", sa.JSON(), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("filled", sa.JSON(), nullable=False),
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
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_merges_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_merges_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "merged_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_merges_partner_id_merged_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["merges.id"], name=op.f("fk_merges_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merges")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_merges_supersedes")),
    )
    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.create_index("ix_merges_merged", ["partner_id", "merged_id"], unique=False)
        batch_op.create_index("ix_merges_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_merges_recorded_at"), ["recorded_at"], unique=False)

    with op.batch_alter_table("jobseekers", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into_id", sa.Uuid(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("jobseekers", schema=None) as batch_op:
        batch_op.drop_column("merged_into_id")

    with op.batch_alter_table("merges", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_merges_recorded_at"))
        batch_op.drop_index("ix_merges_person")
        batch_op.drop_index("ix_merges_merged")

    op.drop_table("merges")
