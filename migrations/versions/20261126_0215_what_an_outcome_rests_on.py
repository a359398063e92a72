"""What was counted when an outcome was recorded, by which tables, and the days of each spell that it rests on.

Revision: 5b0f3c2a91d7
After: edac9fa49bd1
"""

import sqlalchemy as sa
from alembic import op

revision = "5b0f3c2a91d7"
down_revision = "edac9fa49bd1"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Outcomes of before keep no figures and name no days: their evidence was looked at by the rules of then.
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.add_column(sa.Column("figures", sa.JSON(), nullable=False, server_default="{}"))
        batch_op.add_column(sa.Column("rests_on", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.alter_column("figures", existing_type=sa.JSON(), server_default=None)
        batch_op.alter_column("rests_on", existing_type=sa.JSON(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("outcomes", schema=None) as batch_op:
        batch_op.drop_column("rests_on")
        batch_op.drop_column("figures")
