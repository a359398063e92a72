"""Confirmed words may say what the words do not mean.

Revision: 9e2b54c7a1d8
After: 4c8a17e2d9b5
"""

import sqlalchemy as sa
from alembic import op

revision = "9e2b54c7a1d8"
down_revision = "4c8a17e2d9b5"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("confirmed_words", schema=None) as batch_op:
        batch_op.add_column(sa.Column("not_meant", sa.String(300), nullable=True))


def downgrade() -> None:
    # Without the column, such a row would say that no entry fits the words.
    op.execute("DELETE FROM confirmed_words WHERE not_meant IS NOT NULL")
    with op.batch_alter_table("confirmed_words", schema=None) as batch_op:
        batch_op.drop_column("not_meant")
