"""Words of names, by which the search finds people.

- ``name_words``: the words of each person's present and earlier names. The sound of a word is worked out by the
  program, so the command that upgrades the database and the start of the service fill the table.

Revision: 3f6d20c8a917
After: 5d1e07a6c2b4
"""

import sqlalchemy as sa
from alembic import op

revision = "3f6d20c8a917"
down_revision = "5d1e07a6c2b4"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "name_words",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("word", sa.String(length=80), nullable=False),
        sa.Column("backwards", sa.String(length=80), nullable=False),
        sa.Column("sound", sa.String(length=80), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("given", "family", "known_as", "earlier", name="namekind", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('given', 'family', 'known_as', 'earlier')", name=op.f("ck_name_words_kind_is_known")
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_name_words_partner_id_jobseeker_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_name_words")),
    )
    with op.batch_alter_table("name_words", schema=None) as batch_op:
        batch_op.create_index("uq_name_words_person", ["partner_id", "jobseeker_id", "word", "kind"], unique=True)
        batch_op.create_index("ix_name_words_word", ["partner_id", "word", "jobseeker_id", "kind"], unique=False)
        batch_op.create_index("ix_name_words_backwards", ["partner_id", "backwards"], unique=False)
        batch_op.create_index("ix_name_words_sound", ["partner_id", "sound", "word"], unique=False)


def downgrade() -> None:
    op.drop_table("name_words")
