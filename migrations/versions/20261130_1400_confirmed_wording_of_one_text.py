"""The hash of the advert in which a person confirmed words. Confirmations without one no longer count.

Revision: 6e1d84b7a3f2
After: 2f9d61c8a470
"""

import sqlalchemy as sa
from alembic import op

revision = "6e1d84b7a3f2"
down_revision = "2f9d61c8a470"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("placement_wording_confirmations", sa.Column("of_text", sa.String(length=64), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("placement_wording_confirmations", schema=None) as batch_op:
        batch_op.drop_column("of_text")
