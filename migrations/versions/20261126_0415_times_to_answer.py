"""How many days a social enterprise takes to answer.

Revision: 2459ab9f1865
After: a72d52ac8486
"""

import sqlalchemy as sa
from alembic import op

revision = "2459ab9f1865"
down_revision = "a72d52ac8486"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "answer_times",
        sa.Column("social_enterprise_id", sa.Uuid(), nullable=False),
        sa.Column("median_days", sa.Numeric(precision=5, scale=1), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["social_enterprise_id"], ["organisations.id"], name=op.f("fk_answer_times_social_enterprise_id")
        ),
        sa.PrimaryKeyConstraint("social_enterprise_id", name=op.f("pk_answer_times")),
    )


def downgrade() -> None:
    op.drop_table("answer_times")
