"""Note in which form the keyed hashes of each person are made, so that those of an earlier form are made again.

Earlier versions made hashes of whatever stood in the cell of an NI number ("unknown"), and of its last letter.
The command that upgrades the database, and the start of the service, make them again.

Revision: b3e60d9a41f7
After: 6e1d84b7a3f2
"""

import sqlalchemy as sa
from alembic import op

revision = "b3e60d9a41f7"
down_revision = "6e1d84b7a3f2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobseekers", sa.Column("hash_form", sa.Integer(), server_default="1", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("jobseekers", schema=None) as batch_op:
        batch_op.drop_column("hash_form")
