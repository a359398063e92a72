"""When a spell was meant to end, and what came after it.

Revision: fea198cb1290
After: 682a081380bf
"""

import sqlalchemy as sa
from alembic import op

revision = "fea198cb1290"
down_revision = "682a081380bf"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("spell_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("planned_end_on", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "came_after",
                sa.Enum(
                    "another_job",
                    "self_employment",
                    "education",
                    "training",
                    "volunteering",
                    "looking",
                    "not_looking",
                    "unknown",
                    name="cameafter",
                    native_enum=False,
                    length=40,
                ),
                nullable=True,
            )
        )
    with op.batch_alter_table("spell_versions", schema=None) as batch_op:
        batch_op.create_check_constraint("after_comes_after", "came_after IS NULL OR ended_on IS NOT NULL")


def downgrade() -> None:
    with op.batch_alter_table("spell_versions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_spell_versions_after_comes_after"), type_="check")
    with op.batch_alter_table("spell_versions", schema=None) as batch_op:
        batch_op.drop_column("came_after")
        batch_op.drop_column("planned_end_on")
