"""Server defaults of two columns that processes of an earlier release do not write.

The migrations that added them dropped the defaults at once, so an old process that still ran could record no move of a
claim or of a referral.

Revision: 2f9d61c8a470
After: 9d27e5b1c6f0
"""

import sqlalchemy as sa
from alembic import op

revision = "2f9d61c8a470"
down_revision = "9d27e5b1c6f0"
branch_labels = None
depends_on = None

COLUMNS = (("claim_moves", "told_by_partner"), ("referral_moves", "reason_is_for_referrer"))


def upgrade() -> None:
    _default(sa.text("false"))


def downgrade() -> None:
    _default(None)


def _default(default: sa.TextClause | None) -> None:
    for table, column in COLUMNS:
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.alter_column(column, existing_type=sa.Boolean(), existing_nullable=False, server_default=default)
