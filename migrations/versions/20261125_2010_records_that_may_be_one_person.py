"""Records that may be one person.

- ``person_keys``: keyed hashes by which another record of the same person is found. The database has no key to make
  them with, so the command that upgrades it and the start of the service make those of people who have none.
- ``duplicate_pairs`` and ``duplicate_moves``: two records side by side, and what people said of them.

Revision: 2b266ae833e6
After: 3b9e5d27c1f4
"""

import sqlalchemy as sa
from alembic import op

revision = "2b266ae833e6"
down_revision = "3b9e5d27c1f4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "duplicate_pairs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("open", "asked", "same", "different", "merged", name="pairstate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("held_back", sa.String(length=300), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'asked', 'same', 'different', 'merged')", name=op.f("ck_duplicate_pairs_state_is_known")
        ),
        sa.CheckConstraint("jobseeker_id <> other_id", name=op.f("ck_duplicate_pairs_two_records")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_duplicate_pairs_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "other_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_duplicate_pairs_partner_id_other_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_pairs")),
        sa.UniqueConstraint("partner_id", "id", name=op.f("uq_duplicate_pairs_partner_id_id")),
        sa.UniqueConstraint(
            "partner_id", "jobseeker_id", "other_id", name=op.f("uq_duplicate_pairs_partner_id_jobseeker_id_other_id")
        ),
    )
    with op.batch_alter_table("duplicate_pairs", schema=None) as batch_op:
        batch_op.create_index("ix_duplicate_pairs_other", ["partner_id", "other_id"], unique=False)
        batch_op.create_index("ix_duplicate_pairs_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index("ix_duplicate_pairs_state", ["partner_id", "state", "id"], unique=False)

    op.create_table(
        "person_keys",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_person_keys_partner_id_jobseeker_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_keys")),
    )
    with op.batch_alter_table("person_keys", schema=None) as batch_op:
        batch_op.create_index("ix_person_keys_key", ["key", "partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index("uq_person_keys_person", ["partner_id", "jobseeker_id", "key"], unique=True)

    op.create_table(
        "duplicate_moves",
        sa.Column("pair_id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.String(length=300), nullable=False),
        sa.Column("from_state", sa.String(length=300), nullable=True),
        sa.Column("to_state", sa.String(length=300), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "source",
            sa.Enum(
                "api", "page", "command_line", "import", "demonstration", name="source", native_enum=False, length=40
            ),
            nullable=False,
        ),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_duplicate_moves_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_duplicate_moves_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "pair_id"],
            ["duplicate_pairs.partner_id", "duplicate_pairs.id"],
            name=op.f("fk_duplicate_moves_partner_id_pair_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["duplicate_moves.id"], name=op.f("fk_duplicate_moves_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_moves")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_duplicate_moves_supersedes")),
    )
    with op.batch_alter_table("duplicate_moves", schema=None) as batch_op:
        batch_op.create_index("ix_duplicate_moves_pair", ["partner_id", "pair_id"], unique=False)
        batch_op.create_index("ix_duplicate_moves_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_duplicate_moves_recorded_at"), ["recorded_at"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("duplicate_moves", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_duplicate_moves_recorded_at"))
        batch_op.drop_index("ix_duplicate_moves_person")
        batch_op.drop_index("ix_duplicate_moves_pair")

    op.drop_table("duplicate_moves")
    with op.batch_alter_table("person_keys", schema=None) as batch_op:
        batch_op.drop_index("uq_person_keys_person")
        batch_op.drop_index("ix_person_keys_key")

    op.drop_table("person_keys")
    with op.batch_alter_table("duplicate_pairs", schema=None) as batch_op:
        batch_op.drop_index("ix_duplicate_pairs_state")
        batch_op.drop_index("ix_duplicate_pairs_person")
        batch_op.drop_index("ix_duplicate_pairs_other")

    op.drop_table("duplicate_pairs")
