"""The audit names who read a list, with which key and from where, and what was refused.

Revision: 6b1e4f0a8d27
After: 5d0a2c9b7e14
"""

import sqlalchemy as sa
from alembic import op

revision = "6b1e4f0a8d27"
down_revision = "5d0a2c9b7e14"
branch_labels = None
depends_on = None

COLUMNS = ("listed", "address", "key_id", "is_refused")


def upgrade() -> None:
    op.create_table(
        "audit_people",
        sa.Column("audit_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["audit_id"], ["audit.id"], name=op.f("fk_audit_people_audit_id")),
        sa.PrimaryKeyConstraint("audit_id", "jobseeker_id", name=op.f("pk_audit_people")),
    )
    op.create_index("ix_audit_people_jobseeker_id", "audit_people", ["jobseeker_id", "audit_id"])
    # Constant defaults: neither database writes the existing rows again.
    op.add_column("audit", sa.Column("is_refused", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("audit", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.add_column("audit", sa.Column("address", sa.String(length=80), nullable=False, server_default=""))
    op.add_column("audit", sa.Column("listed", sa.JSON(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("audit", schema=None) as batch_op:
        for name in COLUMNS:
            batch_op.drop_column(name)
    op.drop_index("ix_audit_people_jobseeker_id", table_name="audit_people")
    op.drop_table("audit_people")
