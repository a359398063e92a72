"""Restrictions and safety reviews as facts; notices and e-mails that can be cancelled.

Revision: 5d0a2c9b7e14
After: 483e089ed61e
"""

import sqlalchemy as sa
from alembic import op

revision = "5d0a2c9b7e14"
down_revision = "483e089ed61e"
branch_labels = None
depends_on = None

KINDS = [
    "referral_to_acknowledge",
    "referral_to_start",
    "introduction_sent",
    "introduction_unanswered",
    "introduction_escalated",
    "introduction_expired",
    "introduction_to_agree",
    "offer_made",
    "offer_runs_out",
    "start_to_record",
    "listing_to_reconfirm",
    "listing_paused",
    "listing_closed",
    "check_in_due",
    "check_in_overdue",
    "at_risk",
    "plan_to_make",
    "plan_to_review",
    "outcome_can_be_recorded",
    "claim_queried",
    "claim_owed_back",
    "claim_twice",
]
NEW_KINDS = ["safety_to_decide", "restricted_on_suspicion", "case_reassigned"]
STATES = ["queued", "sent", "quarantined"]


def _one_of(column: str, values: list[str]) -> str:
    return f"{column} IN (" + ", ".join(f"'{value}'" for value in values) + ")"


def _fact_columns() -> list[sa.Column]:
    sources = ("api", "page", "command_line", "import", "demonstration")
    return [
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("partner_id", sa.Uuid(), nullable=False),
        sa.Column("jobseeker_id", sa.Uuid(), nullable=False),
        sa.Column("valid_on", sa.Date(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Enum(*sources, name="source", native_enum=False, length=40), nullable=False),
        sa.Column("is_withdrawal", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("supersedes", sa.Uuid(), nullable=True),
    ]


def _fact_table(table: str, *more: sa.schema.SchemaItem) -> None:
    op.create_table(
        table,
        *_fact_columns(),
        *more,
        sa.ForeignKeyConstraint(
            ["partner_id", "jobseeker_id"],
            ["jobseekers.partner_id", "jobseekers.id"],
            name=op.f(f"fk_{table}_partner_id_jobseeker_id"),
        ),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name=op.f(f"fk_{table}_by")),
        sa.ForeignKeyConstraint(["supersedes"], [f"{table}.id"], name=op.f(f"fk_{table}_supersedes")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("supersedes", name=op.f(f"uq_{table}_supersedes")),
    )
    op.create_index(f"ix_{table}_person", table, ["partner_id", "jobseeker_id"])
    op.create_index(op.f(f"ix_{table}_recorded_at"), table, ["recorded_at"])


def _check(table: str, name: str, values: list[str], column: str) -> None:
    with op.batch_alter_table(table, schema=None) as batch_op:
        batch_op.drop_constraint(op.f(f"ck_{table}_{name}"), type_="check")
        batch_op.create_check_constraint(op.f(f"ck_{table}_{name}"), _one_of(column, values))


def upgrade() -> None:
    _fact_table("restrictions", sa.Column("is_restricted", sa.Boolean(), nullable=False))
    _fact_table(
        "safety_reviews",
        sa.Column("placement_id", sa.Uuid(), nullable=False),
        sa.Column("listing", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["placement_id"], ["placements.id"], name=op.f("fk_safety_reviews_placement_id")),
    )
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.add_column(sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True))
    _check("notices", "kind_is_known", [*KINDS, *NEW_KINDS], "kind")
    for table in ("emails", "webhook_deliveries"):
        _check(table, "state_is_known", [*STATES, "cancelled"], "state")


def downgrade() -> None:
    for table in ("emails", "webhook_deliveries"):
        state = sa.column("state", sa.String)
        op.execute(sa.table(table, state).update().where(state == "cancelled").values(state="quarantined"))
        _check(table, "state_is_known", STATES, "state")
    kind = sa.column("kind", sa.String)
    op.execute(sa.table("notices", kind).delete().where(kind.in_(NEW_KINDS)))
    _check("notices", "kind_is_known", KINDS, "kind")
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_column("cancelled_at")
    for table in ("safety_reviews", "restrictions"):
        op.drop_index(op.f(f"ix_{table}_recorded_at"), table_name=table)
        op.drop_index(f"ix_{table}_person", table_name=table)
        op.drop_table(table)
