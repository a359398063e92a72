"""Rows of imports keep the warnings that were found while the file was read.

Revision: 5d0c2b7e91a4
After: 5b8e1f6c2a94
"""

import sqlalchemy as sa
from alembic import op

revision = "5d0c2b7e91a4"
down_revision = "5b8e1f6c2a94"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("import_rows") as table:
        table.add_column(sa.Column("file_warnings", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("import_rows") as table:
        table.drop_column("file_warnings")
