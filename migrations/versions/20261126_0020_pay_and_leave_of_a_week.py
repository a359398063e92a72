"""What was paid in a week of work, whether it was leave, and whether the employer is of the provider's own chain.

Revision: edac9fa49bd1
After: ac4fb20bfe59
"""

import sqlalchemy as sa
from alembic import op

revision = "edac9fa49bd1"
down_revision = "ac4fb20bfe59"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("spell_hours", schema=None) as batch_op:
        batch_op.add_column(sa.Column("pay_pence", sa.Integer(), nullable=True))
        batch_op.add_column(
            sa.Column("leave", sa.Enum("sick", "statutory", name="leave", native_enum=False, length=40), nullable=True)
        )
        batch_op.create_check_constraint("pay_is_not_owed", "pay_pence >= 0")
    # Nobody was asked before: what was recorded was counted, and goes on counting. A default is there at once, however
    # many rows there are.
    with op.batch_alter_table("spell_versions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_own_supply_chain", sa.Boolean(), nullable=False, server_default=sa.false()))
    with op.batch_alter_table("spell_versions", schema=None) as batch_op:
        batch_op.alter_column("is_own_supply_chain", existing_type=sa.Boolean(), server_default=None)


def downgrade() -> None:
    with op.batch_alter_table("spell_versions", schema=None) as batch_op:
        batch_op.drop_column("is_own_supply_chain")
    with op.batch_alter_table("spell_hours", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_spell_hours_pay_is_not_owed"), type_="check")
        batch_op.drop_column("leave")
        batch_op.drop_column("pay_pence")
