"""Confirmed wording of adverts, the order of the public feed, and what an organisation publishes in it.

Revision: 5b8e1f6c2a94
After: 5d0c7f9a1e42
"""

import sqlalchemy as sa
from alembic import op

revision = "5b8e1f6c2a94"
down_revision = "5d0c7f9a1e42"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "placement_wording_confirmations",
        sa.Column("placement_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column("wording", sa.String(length=300), nullable=False),
        sa.Column(
            "basis",
            sa.Enum(
                "means_something_else",
                "occupational_requirement",
                "positive_action",
                "required_by_law",
                name="wordingbasis",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "api",
                "page",
                "command_line",
                "import",
                "demonstration",
                name="source",
                native_enum=False,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_placement_wording_confirmations_by")),
        sa.ForeignKeyConstraint(
            ["placement_id"], ["placements.id"], name=op.f("fk_placement_wording_confirmations_placement_id")
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"],
            ["placement_wording_confirmations.id"],
            name=op.f("fk_placement_wording_confirmations_supersedes"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_placement_wording_confirmations")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_placement_wording_confirmations_supersedes")),
    )
    for column in ("placement_id", "recorded_at"):
        op.create_index(
            op.f(f"ix_placement_wording_confirmations_{column}"), "placement_wording_confirmations", [column]
        )
    # Plain columns are added without making the tables anew, so that their triggers stay.
    op.add_column("placements", sa.Column("listed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("placements", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "organisations",
        sa.Column(
            "published_place",
            sa.Enum("postcode", "district", "nothing", name="publishedplace", native_enum=False, length=40),
            nullable=True,
        ),
    )
    op.add_column("organisations", sa.Column("public_email", sa.String(length=300), nullable=True))
    op.add_column("organisations", sa.Column("public_website", sa.String(length=300), nullable=True))


def downgrade() -> None:
    for column in ("public_website", "public_email", "published_place"):
        op.drop_column("organisations", column)
    for column in ("closed_at", "listed_at"):
        op.drop_column("placements", column)
    op.drop_table("placement_wording_confirmations")
