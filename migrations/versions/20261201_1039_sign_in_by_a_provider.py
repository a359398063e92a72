"""Organisations that sign in their own members by a provider (OpenID Connect).

Revision: 9b83a4af414c
After: a15665f0e8dd
"""

import sqlalchemy as sa
from alembic import op

revision = "9b83a4af414c"
down_revision = "a15665f0e8dd"
branch_labels = None
depends_on = None

WAYS = ["link", "passkey", "authenticator", "recovery_code"]


def _listed(ways: list[str]) -> str:
    return ", ".join(f"'{way}'" for way in ways)


def upgrade() -> None:
    op.create_table(
        "identity_providers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organisation_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(length=300), nullable=False),
        sa.Column("client_id", sa.String(length=300), nullable=False),
        sa.Column("sealed_secret", sa.String(length=300), nullable=False),
        sa.Column("email_domain", sa.String(length=80), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_identity_providers_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_providers")),
    )
    with op.batch_alter_table("identity_providers", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_identity_providers_organisation_id"), ["organisation_id"], unique=False)
        batch_op.create_index(
            "uq_identity_providers_current",
            ["email_domain"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "provider_identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["identity_providers.id"], name=op.f("fk_provider_identities_provider_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_provider_identities_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_identities")),
        sa.UniqueConstraint("provider_id", "subject", name=op.f("uq_provider_identities_provider_id_subject")),
    )
    with op.batch_alter_table("provider_identities", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_provider_identities_user_id"), ["user_id"], unique=False)

    op.create_table(
        "provider_sign_ins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("provider_id", sa.Uuid(), nullable=False),
        sa.Column("state_hash", sa.String(length=80), nullable=False),
        sa.Column("nonce", sa.String(length=80), nullable=False),
        sa.Column("sealed_verifier", sa.String(length=300), nullable=False),
        sa.Column("next_path", sa.String(length=600), nullable=False),
        sa.Column("works_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["provider_id"], ["identity_providers.id"], name=op.f("fk_provider_sign_ins_provider_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_sign_ins")),
        sa.UniqueConstraint("state_hash", name=op.f("uq_provider_sign_ins_state_hash")),
    )
    with op.batch_alter_table("provider_sign_ins", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_provider_sign_ins_works_until"), ["works_until"], unique=False)

    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_sessions_way_is_known"), type_="check")
        batch_op.create_check_constraint(
            batch_op.f("ck_sessions_way_is_known"), f"way IN ({_listed([*WAYS, 'provider'])})"
        )
        batch_op.add_column(sa.Column("only_organisation_id", sa.Uuid(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_sessions_only_organisation_id"), "organisations", ["only_organisation_id"], ["id"]
        )


def downgrade() -> None:
    op.execute("DELETE FROM sessions WHERE way = 'provider'")
    with op.batch_alter_table("sessions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_sessions_way_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_sessions_way_is_known"), f"way IN ({_listed(WAYS)})")
        batch_op.drop_constraint(batch_op.f("fk_sessions_only_organisation_id"), type_="foreignkey")
        batch_op.drop_column("only_organisation_id")

    with op.batch_alter_table("provider_sign_ins", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_provider_sign_ins_works_until"))

    op.drop_table("provider_sign_ins")
    with op.batch_alter_table("provider_identities", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_provider_identities_user_id"))

    op.drop_table("provider_identities")
    with op.batch_alter_table("identity_providers", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_identity_providers_organisation_id"))
        batch_op.drop_index("uq_identity_providers_current")

    op.drop_table("identity_providers")
