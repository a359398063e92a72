"""The answers that a start records: the DBS certificate that was seen, and an earlier start that was agreed.

Revision: 8c41f7d0b25e
After: b8e41f7d2c96
"""

import sqlalchemy as sa
from alembic import op

revision = "8c41f7d0b25e"
down_revision = "b8e41f7d2c96"
branch_labels = None
depends_on = None

LEVELS = ("NONE", "BASIC", "STANDARD", "ENHANCED", "ENHANCED_BL_CHILD", "ENHANCED_BL_ADULT", "ENHANCED_BL_BOTH")
COLUMNS = ("dbs_level", "dbs_seen_on", "dbs_seen_by", "earlier_start_agreed")


def upgrade() -> None:
    with op.batch_alter_table("introduction_moves") as table:
        level = sa.Enum(*LEVELS, name="dbslevel", native_enum=False, length=40)
        table.add_column(sa.Column("dbs_level", level, nullable=True))
        table.add_column(sa.Column("dbs_seen_on", sa.Date(), nullable=True))
        table.add_column(sa.Column("dbs_seen_by", sa.String(length=300), nullable=True))
        table.add_column(sa.Column("earlier_start_agreed", sa.Boolean(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("introduction_moves") as table:
        for column in reversed(COLUMNS):
            table.drop_column(column)
