"""Protective facts by every door: suspicions marked as such, what a safety review answers, room for joined texts.

Revision: 9d27e5b1c6f0
After: 8c41f7d0b25e
A safety review recorded before this migration answers nothing any more, so the check is asked again.
"""

import sqlalchemy as sa
from alembic import op

revision = "9d27e5b1c6f0"
down_revision = "8c41f7d0b25e"
branch_labels = None
depends_on = None

SUSPECTED = "This record may belong to a person whose other record is restricted. Compare both records."
TABLES = ("jobseeker_details", "referral_snapshots")
JOINED = ("contact_withheld_reason", "safe_contact")


def upgrade() -> None:
    op.create_index("ix_notices_subject", "notices", ["subject_id"])
    op.add_column("safety_reviews", sa.Column("answers", sa.JSON(), nullable=True))
    # The default stays, so that a process of the version before can still record a restriction.
    op.add_column("restrictions", sa.Column("is_suspected", sa.Boolean(), server_default=sa.false(), nullable=False))
    restrictions = sa.table("restrictions", sa.column("reason"), sa.column("is_suspected"), sa.column("is_restricted"))
    op.execute(
        sa.update(restrictions)
        .where(restrictions.c.reason == SUSPECTED, restrictions.c.is_restricted)
        .values(is_suspected=True)
    )
    for about in TABLES:
        with op.batch_alter_table(about) as table:
            for name in JOINED:
                table.alter_column(name, existing_type=sa.String(length=300), type_=sa.String(length=1000))


def downgrade() -> None:
    """Narrow the joined texts again. PostgreSQL refuses if one is longer than 300 characters: shorten it first."""
    for about in TABLES:
        with op.batch_alter_table(about) as table:
            for name in JOINED:
                table.alter_column(name, existing_type=sa.String(length=1000), type_=sa.String(length=300))
    with op.batch_alter_table("restrictions") as table:
        table.drop_column("is_suspected")
    with op.batch_alter_table("safety_reviews") as table:
        table.drop_column("answers")
    op.drop_index("ix_notices_subject", "notices")
