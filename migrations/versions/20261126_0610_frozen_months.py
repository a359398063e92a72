"""Frozen months, kinds of exports, and what was ever released.

Revision: 483e089ed61e
After: 7c9125f5521d
"""

import sqlalchemy as sa
from alembic import op

revision = "483e089ed61e"
down_revision = "7c9125f5521d"
branch_labels = None
depends_on = None


COLUMNS = ("frozen_by", "frozen_at", "expires_on", "facts_hash", "state", "kind")


def upgrade() -> None:
    op.create_table(
        "export_releases",
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("commissioner_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["commissioner_id"], ["organisations.id"], name=op.f("fk_export_releases_commissioner_id")
        ),
        sa.ForeignKeyConstraint(["export_id"], ["exports.id"], name=op.f("fk_export_releases_export_id")),
        sa.PrimaryKeyConstraint("export_id", name=op.f("pk_export_releases")),
    )
    op.create_index("ix_export_releases_commissioner_id", "export_releases", ["commissioner_id", "export_id"])
    with op.batch_alter_table("exports", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "kind",
                sa.Enum("outcomes", "claims", name="exportkind", native_enum=False, length=40),
                nullable=False,
                server_default="outcomes",
            )
        )
        batch_op.add_column(
            sa.Column(
                "state",
                sa.Enum("provisional", "frozen", name="exportstate", native_enum=False, length=40),
                nullable=False,
                server_default="provisional",
            )
        )
        # What was made before is made anew when it is asked for: no counts are kept of it.
        batch_op.add_column(sa.Column("facts_hash", sa.String(length=80), nullable=False, server_default=""))
        batch_op.add_column(sa.Column("frozen_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("frozen_by", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("expires_on", sa.Date(), nullable=True))
        batch_op.drop_constraint(batch_op.f("uq_exports_commissioner_id_programme_key_month_number"), type_="unique")
        batch_op.create_index("ix_exports_commissioner_id", ["commissioner_id", "id"], unique=False)
        batch_op.create_unique_constraint(
            batch_op.f("uq_exports_commissioner_id_kind_programme_key_month_number"),
            ["commissioner_id", "kind", "programme_key", "month", "number"],
        )
        batch_op.create_foreign_key(batch_op.f("fk_exports_frozen_by"), "users", ["frozen_by"], ["id"])
        batch_op.create_check_constraint(op.f("ck_exports_kind_is_known"), "kind IN ('outcomes', 'claims')")
        batch_op.create_check_constraint(op.f("ck_exports_state_is_known"), "state IN ('provisional', 'frozen')")
        batch_op.create_check_constraint(
            op.f("ck_exports_somebody_froze_it"),
            "(state = 'frozen') = (frozen_at IS NOT NULL) AND (frozen_at IS NULL) = (frozen_by IS NULL)",
        )
    with op.batch_alter_table("exports", schema=None) as batch_op:
        for name in ("kind", "state", "facts_hash"):
            batch_op.alter_column(name, server_default=None)


def downgrade() -> None:
    files, exports = (
        sa.table("export_files", sa.column("export_id")),
        sa.table("exports", sa.column("id"), sa.column("kind")),
    )
    claims = sa.select(exports.c.id).where(exports.c.kind == "claims")
    op.execute(files.delete().where(files.c.export_id.in_(claims)))
    op.execute(exports.delete().where(exports.c.kind == "claims"))
    with op.batch_alter_table("exports", schema=None) as batch_op:
        for name in ("kind_is_known", "state_is_known", "somebody_froze_it"):
            batch_op.drop_constraint(op.f(f"ck_exports_{name}"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_exports_frozen_by"), type_="foreignkey")
        batch_op.drop_constraint(
            batch_op.f("uq_exports_commissioner_id_kind_programme_key_month_number"), type_="unique"
        )
        batch_op.drop_index("ix_exports_commissioner_id")
        batch_op.create_unique_constraint(
            batch_op.f("uq_exports_commissioner_id_programme_key_month_number"),
            ["commissioner_id", "programme_key", "month", "number"],
        )
        for name in COLUMNS:
            batch_op.drop_column(name)
    op.drop_index("ix_export_releases_commissioner_id", table_name="export_releases")
    op.drop_table("export_releases")
