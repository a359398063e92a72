"""Words as they were written, and years of birth.

Revision: 5d1e07a6c2b4
After: 5d0c2b7e91a4
"""

import sqlalchemy as sa
from alembic import op

revision = "5d1e07a6c2b4"
down_revision = "5d0c2b7e91a4"
branch_labels = None
depends_on = None


DETAILS = ("jobseeker_details", "referral_snapshots")


def upgrade() -> None:
    for table in DETAILS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.add_column(sa.Column("birth_year", sa.Integer(), nullable=True))
            batch_op.add_column(sa.Column("as_written", sa.JSON(), nullable=True))
    op.add_column("placements", sa.Column("as_written", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("placements", "as_written")  # not as a batch: triggers of other tables name this table
    for table in reversed(DETAILS):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column("as_written")
            batch_op.drop_column("birth_year")
