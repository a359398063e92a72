"""Listings as they stood, what changed in placements, and what a shortlist was ranked on.

Revision: 7c1d0a9e42b6
After: 50efff20953a
"""

import sqlalchemy as sa
from alembic import op

revision = "7c1d0a9e42b6"
down_revision = "50efff20953a"
branch_labels = None
depends_on = None

COLUMNS = (
    ("social_enterprise_id", sa.Uuid()),
    ("title", sa.String()),
    ("occupation", sa.String()),
    ("essential_skills", sa.JSON()),
    ("desirable_skills", sa.JSON()),
    ("qualifications_needed", sa.String()),
    ("licences_needed", sa.JSON()),
    ("minimum_age", sa.Integer()),
    ("maximum_age", sa.Integer()),
    ("legal_basis", sa.String()),
    ("right_to_work_needed", sa.Boolean()),
    ("hours_per_week", sa.Numeric(5, 2)),
    ("hours_flexible", sa.Boolean()),
    ("half_days", sa.Integer()),
    ("starts_on", sa.Date()),
    ("ends_on", sa.Date()),
    ("easting", sa.Integer()),
    ("northing", sa.Integer()),
    ("place_basis", sa.String()),
    ("remote", sa.String()),
    ("environment", sa.JSON()),
    ("adjustments_offered", sa.JSON()),
    ("support_offered", sa.JSON()),
    ("dbs_level", sa.String()),
)
AT_ONCE = 500
TABLES = (("placements", "id"), ("places", "placement_id"))
NUMBERED = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "placement_changes",
        sa.Column("number", NUMBERED, autoincrement=True, nullable=False),
        sa.Column("placement_id", sa.Uuid(), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("mark", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_placement_changes")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_placement_changes_mark"), "placement_changes", ["mark"])
    op.create_table(
        "placement_versions",
        sa.Column("number", NUMBERED, autoincrement=True, nullable=False),
        sa.Column("placement_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("easting", sa.Integer(), nullable=True),
        sa.Column("northing", sa.Integer(), nullable=True),
        sa.Column("inputs", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placements.id"], name=op.f("fk_placement_versions_placement_id_placements")
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_placement_versions")),
        sa.UniqueConstraint("placement_id", "version", name=op.f("uq_placement_versions_placement_id_version")),
        sqlite_autoincrement=True,
    )
    with op.batch_alter_table("shortlists", schema=None) as batch_op:
        batch_op.add_column(sa.Column("inputs", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("looked", sa.LargeBinary(), nullable=True))
    _keep_what_stands()
    _note_changes()


def _keep_what_stands() -> None:
    """Keep every listing as it stands now: the first of its versions that can be read again."""
    connection = op.get_bind()
    placements = sa.table(
        "placements",
        sa.column("id", sa.Uuid()),
        sa.column("version", sa.Integer()),
        sa.column("made_at", sa.DateTime(timezone=True)),
        *(sa.column(name, kind) for name, kind in COLUMNS),
    )
    versions = sa.table(
        "placement_versions",
        sa.column("placement_id", sa.Uuid()),
        sa.column("version", sa.Integer()),
        sa.column("made_at", sa.DateTime(timezone=True)),
        sa.column("easting", sa.Integer()),
        sa.column("northing", sa.Integer()),
        sa.column("inputs", sa.JSON()),
    )
    rows = connection.execute(sa.select(placements).order_by(placements.c.id)).mappings().all()
    for start in range(0, len(rows), AT_ONCE):
        kept = [
            {
                "placement_id": row["id"],
                "version": row["version"],
                "made_at": row["made_at"],
                "easting": row["easting"] if row["remote"] != "yes" else None,
                "northing": row["northing"] if row["remote"] != "yes" else None,
                "inputs": {name: _plain(row[name]) for name, _ in COLUMNS},
            }
            for row in rows[start : start + AT_ONCE]
        ]
        connection.execute(sa.insert(versions), kept)


def _plain(value: object) -> object:
    if value is None or isinstance(value, (bool, int, str, list)):
        return value
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return float(value) if hasattr(value, "quantize") else str(value)


NOTED_BY_SQLITE = """
CREATE TRIGGER note_{table}_{name} AFTER {act} ON {table} BEGIN
    INSERT INTO placement_changes (placement_id, token) VALUES ({row}.{column}, random());
END
"""
NOTED_BY_POSTGRESQL = """
CREATE FUNCTION note_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO placement_changes (placement_id, token, mark) VALUES (
        COALESCE(NEW.{column}, OLD.{column}),
        (random() * 9007199254740991)::bigint,
        pg_current_xact_id()::text::bigint
    );
    RETURN NULL;
END $$;
CREATE TRIGGER note_{table} AFTER INSERT OR UPDATE OR DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION note_{table}()
"""

# A listing is shown under its social enterprise's name.
NAMES_BY_SQLITE = """
CREATE TRIGGER note_organisations_update AFTER UPDATE OF name ON organisations BEGIN
    INSERT INTO placement_changes (placement_id, token)
    SELECT id, random() FROM placements WHERE social_enterprise_id = NEW.id;
END
"""
NAMES_BY_POSTGRESQL = """
CREATE FUNCTION note_organisations() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    INSERT INTO placement_changes (placement_id, token, mark)
    SELECT id, (random() * 9007199254740991)::bigint, pg_current_xact_id()::text::bigint
    FROM placements WHERE social_enterprise_id = NEW.id;
    RETURN NULL;
END $$;
CREATE TRIGGER note_organisations AFTER UPDATE OF name ON organisations FOR EACH ROW
EXECUTE FUNCTION note_organisations()
"""


def _note_changes() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(NAMES_BY_SQLITE if is_sqlite else NAMES_BY_POSTGRESQL)
    for table, column in TABLES:
        if not is_sqlite:
            op.execute(NOTED_BY_POSTGRESQL.format(table=table, column=column))
            continue
        for act, row in (("INSERT", "NEW"), ("UPDATE", "NEW"), ("DELETE", "OLD")):
            op.execute(NOTED_BY_SQLITE.format(table=table, column=column, act=act, name=act.lower(), row=row))


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER note_organisations_update")
        for table, _ in TABLES:
            for act in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER note_{table}_{act}")
    else:
        for table in ("organisations", *(table for table, _ in TABLES)):
            op.execute(f"DROP TRIGGER note_{table} ON {table}")
            op.execute(f"DROP FUNCTION note_{table}()")
    with op.batch_alter_table("shortlists", schema=None) as batch_op:
        batch_op.drop_column("looked")
        batch_op.drop_column("inputs")
    op.drop_table("placement_versions")
    op.drop_index(op.f("ix_placement_changes_mark"), table_name="placement_changes")
    op.drop_table("placement_changes")
