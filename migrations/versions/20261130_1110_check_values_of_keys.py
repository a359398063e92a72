"""Check values of the keys, by which a wrong key is recognised.

They are recorded by the program afterwards, because a migration has no keys.

Revision: 5d0c7f9a1e42
After: 5d0e7c41b9a2
"""

import sqlalchemy as sa
from alembic import op

revision = "5d0c7f9a1e42"
down_revision = "5d0e7c41b9a2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "key_checks",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("salt", sa.String(length=80), nullable=False),
        sa.Column("encryption_key", sa.String(length=80), nullable=False),
        sa.Column("hash_key", sa.String(length=80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_key_checks_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_checks")),
    )


def downgrade() -> None:
    op.drop_table("key_checks")
