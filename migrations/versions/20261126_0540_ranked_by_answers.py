"""How soon its social enterprise answers, on each listing.

Revision: 7c9125f5521d
After: a1c4658e95aa
"""

import sqlalchemy as sa
from alembic import op

revision = "7c9125f5521d"
down_revision = "a1c4658e95aa"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("placements", sa.Column("days_to_answer", sa.Integer(), nullable=True))


def downgrade() -> None:
    # Not by making the table anew: its triggers, which tell what a shortlist has to read, would be gone with it.
    op.drop_column("placements", "days_to_answer")
