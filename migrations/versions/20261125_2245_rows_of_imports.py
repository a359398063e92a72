"""Rows of imports: each as it was written, sealed, with what becomes of it.

Revision: 0be5c5d42800
After: c6de67045598
"""

import sqlalchemy as sa
from alembic import op

revision = "0be5c5d42800"
down_revision = "c6de67045598"
branch_labels = None
depends_on = None

FLAGS = {"creates_organisations": False, "all_or_nothing": False, "applies": False, "takes_duplicates": True}


def upgrade() -> None:
    op.create_table(
        "import_rows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sheet", sa.Integer(), nullable=False),
        sa.Column("cells_sealed", sa.Text(), nullable=True),
        sa.Column("faults", sa.JSON(none_as_null=True), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "read",
                "understood",
                "to_create",
                "to_update",
                "unchanged",
                "possible_duplicate",
                "with_errors",
                "repeated",
                "skipped",
                "created",
                "updated",
                name="rowstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=80), nullable=True),
        sa.Column("said", sa.String(length=80), nullable=True),
        sa.Column("errors", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("warnings", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("alike", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("same_as", sa.Uuid(), nullable=True),
        sa.Column("made", sa.String(length=300), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=True),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('read', 'understood', 'to_create', 'to_update', 'unchanged', 'possible_duplicate', 'with_errors', 'repeated', 'skipped', 'created', 'updated')",
            name=op.f("ck_import_rows_state_is_known"),
        ),
        sa.ForeignKeyConstraint(["import_id"], ["imports.id"], name=op.f("fk_import_rows_import_id")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_import_rows_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["same_as"], ["jobseekers.id"], name=op.f("fk_import_rows_same_as")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_rows")),
        sa.UniqueConstraint("import_id", "position", name=op.f("uq_import_rows_import_id_position")),
    )
    with op.batch_alter_table("import_rows", schema=None) as batch_op:
        batch_op.create_index("ix_import_rows_import_id_key", ["import_id", "key", "state", "position"], unique=False)
        batch_op.create_index("ix_import_rows_import_id_state", ["import_id", "state", "position"], unique=False)
        batch_op.create_index("ix_import_rows_partner_id_jobseeker_id", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_import_rows_same_as"), ["same_as"], unique=False)

    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.add_column(sa.Column("acting_id", sa.Uuid(), nullable=True))
        batch_op.add_column(sa.Column("membership_id", sa.Uuid(), nullable=True))
        batch_op.add_column(
            sa.Column(
                "role",
                sa.Enum(
                    "referrer",
                    "caseworker",
                    "team_manager",
                    "placement_lister",
                    "commissioner",
                    "administrator",
                    "auditor",
                    "operator",
                    name="role",
                    native_enum=False,
                    length=40,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("doing", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("acts_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("touched_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(
            sa.Column(
                "state",
                sa.Enum(
                    "reading",
                    "checking",
                    "checked",
                    "applying",
                    "applied",
                    "discarded",
                    name="importstate",
                    native_enum=False,
                    length=40,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(sa.Column("creates_organisations", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("all_or_nothing", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("applies", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("takes_duplicates", sa.Boolean(), nullable=True))
        batch_op.add_column(sa.Column("rows", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("rows_read", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("found", sa.JSON(), nullable=True))
    # What was imported before kept no rows: its report is whole and says whether anything was saved.
    imports = sa.table(
        "imports",
        sa.column("made_at"),
        sa.column("touched_at"),
        sa.column("state"),
        sa.column("doing"),
        sa.column("rows"),
        sa.column("rows_read"),
        sa.column("found", sa.JSON()),
        sa.column("report", sa.JSON()),
        *(sa.column(name) for name in FLAGS),
    )
    op.execute(
        imports.update().values(
            touched_at=imports.c.made_at, doing="", rows=0, rows_read=0, found={}, state="checked", **FLAGS
        )
    )
    connection = op.get_bind()
    rows = connection.execute(sa.text("SELECT id, report FROM imports").columns(id=sa.Uuid(), report=sa.JSON())).all()
    by_id = sa.table("imports", sa.column("id", sa.Uuid()), sa.column("state"), sa.column("applies"))
    for row in rows:
        if row.report.get("was_applied"):
            applied = by_id.update().where(by_id.c.id == row.id).values(state="applied", applies=True)
            connection.execute(applied)
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.alter_column("doing", existing_type=sa.String(length=80), nullable=False)
        batch_op.alter_column(
            "state",
            existing_type=sa.Enum(
                "reading",
                "checking",
                "checked",
                "applying",
                "applied",
                "discarded",
                name="importstate",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        )
        batch_op.alter_column("creates_organisations", existing_type=sa.Boolean(), nullable=False)
        batch_op.alter_column("all_or_nothing", existing_type=sa.Boolean(), nullable=False)
        batch_op.alter_column("applies", existing_type=sa.Boolean(), nullable=False)
        batch_op.alter_column("takes_duplicates", existing_type=sa.Boolean(), nullable=False)
        batch_op.alter_column("rows", existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("rows_read", existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("found", existing_type=sa.JSON(), nullable=False)
        batch_op.create_check_constraint(
            "state_is_known",
            "state IN ('reading', 'checking', 'checked', 'applying', 'applied', 'discarded')",
        )
        batch_op.create_index(batch_op.f("ix_imports_state"), ["state"], unique=False)
        batch_op.create_foreign_key(batch_op.f("fk_imports_acting_id"), "users", ["acting_id"], ["id"])
        batch_op.create_foreign_key(batch_op.f("fk_imports_membership_id"), "memberships", ["membership_id"], ["id"])
    with op.batch_alter_table("referrals", schema=None) as batch_op:
        batch_op.create_index("ix_referrals_partner_id_made_at", ["partner_id", "made_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("referrals", schema=None) as batch_op:
        batch_op.drop_index("ix_referrals_partner_id_made_at")
    with op.batch_alter_table("imports", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_imports_membership_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("fk_imports_acting_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_imports_state"))
        batch_op.drop_constraint(batch_op.f("ck_imports_state_is_known"), type_="check")
        batch_op.drop_column("found")
        batch_op.drop_column("rows_read")
        batch_op.drop_column("rows")
        batch_op.drop_column("takes_duplicates")
        batch_op.drop_column("applies")
        batch_op.drop_column("all_or_nothing")
        batch_op.drop_column("creates_organisations")
        batch_op.drop_column("state")
        batch_op.drop_column("touched_at")
        batch_op.drop_column("acts_at")
        batch_op.drop_column("doing")
        batch_op.drop_column("role")
        batch_op.drop_column("membership_id")
        batch_op.drop_column("acting_id")

    with op.batch_alter_table("import_rows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_import_rows_same_as"))
        batch_op.drop_index("ix_import_rows_partner_id_jobseeker_id")
        batch_op.drop_index("ix_import_rows_import_id_state")
        batch_op.drop_index("ix_import_rows_import_id_key")

    op.drop_table("import_rows")
