"""Asking other partners.

- ``sharing_agreements``: which partners agreed to ask each other about people, and who leads for each.
- ``elsewhere_asks``: what was asked, and why; ``contact_requests`` and their moves: what a holder hears and answers.

Revision: d349b4e56d9a
After: 5f0e01269fbd
"""

import sqlalchemy as sa
from alembic import op

revision = "d349b4e56d9a"
down_revision = "5f0e01269fbd"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sharing_agreements",
        sa.Column("one_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("one_lead_id", sa.Uuid(), nullable=False),
        sa.Column("other_lead_id", sa.Uuid(), nullable=False),
        sa.Column("document", sa.String(length=300), nullable=False),
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
        sa.CheckConstraint("one_id <> other_id", name=op.f("ck_sharing_agreements_two_partners")),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_sharing_agreements_by")),
        sa.ForeignKeyConstraint(["one_id"], ["organisations.id"], name=op.f("fk_sharing_agreements_one_id")),
        sa.ForeignKeyConstraint(["one_lead_id"], ["memberships.id"], name=op.f("fk_sharing_agreements_one_lead_id")),
        sa.ForeignKeyConstraint(["other_id"], ["organisations.id"], name=op.f("fk_sharing_agreements_other_id")),
        sa.ForeignKeyConstraint(
            ["other_lead_id"], ["memberships.id"], name=op.f("fk_sharing_agreements_other_lead_id")
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["sharing_agreements.id"], name=op.f("fk_sharing_agreements_supersedes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sharing_agreements")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_sharing_agreements_supersedes")),
    )
    with op.batch_alter_table("sharing_agreements", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sharing_agreements_one_id"), ["one_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sharing_agreements_other_id"), ["other_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_sharing_agreements_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "contact_requests",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("ask_id", sa.Uuid(), nullable=False),
        sa.Column("asking_id", sa.Uuid(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("because", sa.String(length=300), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column(
            "state",
            sa.Enum("waiting", "opened", "declined", name="requeststate", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("answer", sa.String(length=300), nullable=True),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'opened') = (answer IS NOT NULL)", name=op.f("ck_contact_requests_opened_has_an_answer")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'opened', 'declined')", name=op.f("ck_contact_requests_state_is_known")
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_contact_requests_asked_by")),
        sa.ForeignKeyConstraint(["asking_id"], ["organisations.id"], name=op.f("fk_contact_requests_asking_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["memberships.id"], name=op.f("fk_contact_requests_lead_id")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_contact_requests_partner_id_jobseeker_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_requests")),
        sa.UniqueConstraint("partner_id", "id", name=op.f("uq_contact_requests_partner_id_id")),
    )
    with op.batch_alter_table("contact_requests", schema=None) as batch_op:
        batch_op.create_index("ix_contact_requests_ask_id", ["ask_id"], unique=False)
        batch_op.create_index("ix_contact_requests_person", ["partner_id", "jobseeker_id"], unique=False)

    op.create_table(
        "elsewhere_asks",
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
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
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_elsewhere_asks_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_elsewhere_asks_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["supersedes"], ["elsewhere_asks.id"], name=op.f("fk_elsewhere_asks_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_elsewhere_asks")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_elsewhere_asks_supersedes")),
    )
    with op.batch_alter_table("elsewhere_asks", schema=None) as batch_op:
        batch_op.create_index("ix_elsewhere_asks_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_elsewhere_asks_recorded_at"), ["recorded_at"], unique=False)

    op.create_table(
        "contact_request_moves",
        sa.Column("request_id", sa.Uuid(), nullable=False),
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
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f("fk_contact_request_moves_by")),
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f("fk_contact_request_moves_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(
            ["partner_id", "request_id"],
            ["contact_requests.partner_id", "contact_requests.id"],
            name=op.f("fk_contact_request_moves_partner_id_request_id"),
        ),
        sa.ForeignKeyConstraint(
            ["supersedes"], ["contact_request_moves.id"], name=op.f("fk_contact_request_moves_supersedes")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_request_moves")),
        sa.UniqueConstraint("supersedes", name=op.f("uq_contact_request_moves_supersedes")),
    )
    with op.batch_alter_table("contact_request_moves", schema=None) as batch_op:
        batch_op.create_index("ix_contact_request_moves_person", ["partner_id", "jobseeker_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_request_moves_recorded_at"), ["recorded_at"], unique=False)
        batch_op.create_index("ix_contact_request_moves_request", ["partner_id", "request_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("contact_request_moves", schema=None) as batch_op:
        batch_op.drop_index("ix_contact_request_moves_request")
        batch_op.drop_index(batch_op.f("ix_contact_request_moves_recorded_at"))
        batch_op.drop_index("ix_contact_request_moves_person")

    op.drop_table("contact_request_moves")
    with op.batch_alter_table("elsewhere_asks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_elsewhere_asks_recorded_at"))
        batch_op.drop_index("ix_elsewhere_asks_person")

    op.drop_table("elsewhere_asks")
    with op.batch_alter_table("contact_requests", schema=None) as batch_op:
        batch_op.drop_index("ix_contact_requests_person")
        batch_op.drop_index("ix_contact_requests_ask_id")

    op.drop_table("contact_requests")
    with op.batch_alter_table("sharing_agreements", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sharing_agreements_recorded_at"))
        batch_op.drop_index(batch_op.f("ix_sharing_agreements_other_id"))
        batch_op.drop_index(batch_op.f("ix_sharing_agreements_one_id"))

    op.drop_table("sharing_agreements")
