"""Decisions told in the funder's name and its answers; keys that are claimed, limited and expire.

Keys without an end date get one 90 days from the upgrade. Keys of members who have left are revoked, also if the member
has come back since.

Revision: 5d0e7c41b9a2
After: 6b1e4f0a8d27
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "5d0e7c41b9a2"
down_revision = "6b1e4f0a8d27"
branch_labels = None
depends_on = None

KINDS = (
    *("referral_to_acknowledge", "referral_to_start", "introduction_sent", "introduction_unanswered"),
    *("introduction_escalated", "introduction_expired", "introduction_to_agree", "offer_made", "offer_runs_out"),
    *("start_to_record", "listing_to_reconfirm", "listing_paused", "listing_closed", "check_in_due"),
    *("check_in_overdue", "at_risk", "plan_to_make", "plan_to_review", "outcome_can_be_recorded", "claim_queried"),
    *("claim_owed_back", "claim_twice"),
)
KINDS = (*KINDS, "safety_to_decide", "restricted_on_suspicion", "case_reassigned")
NEW_KINDS = ("claim_to_confirm", "claim_contested", "key_to_claim", "key_in_use", "key_expires")
MOVES = (
    *(" draft draft", "draft submit submitted", "submitted query queried", "queried answer submitted"),
    *("submitted accept accepted", "submitted fail failed", "queried fail failed", "accepted fail failed"),
    *("accepted pay paid", "paid reverse reversed", "draft withdraw failed", "submitted withdraw failed"),
    "queried withdraw failed",
)
STATES = ("submitted", "accepted", "queried", "failed", "paid", "reversed")
ANSWERS = tuple(f"{state} {event} {state}" for state in STATES for event in ("confirm", "contest"))
FUNDERS_WORD = ("query", "accept", "fail", "pay", "reverse")
SOURCES = ("api", "page", "command_line", "import", "demonstration")
DAYS = 90


def upgrade() -> None:
    op.add_column("audit", sa.Column("issued_by", sa.Uuid(), nullable=True))
    _kinds(*KINDS, *NEW_KINDS)
    with op.batch_alter_table("claim_moves", schema=None) as batch_op:
        batch_op.add_column(sa.Column("told_by_partner", sa.Boolean(), nullable=False, server_default=sa.text("false")))
        batch_op.add_column(sa.Column("answers_id", sa.Uuid(), nullable=True))
        batch_op.create_unique_constraint(batch_op.f("uq_claim_moves_partner_id_id"), ["partner_id", "id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_claim_moves_partner_id_answers_id"),
            "claim_moves",
            ["partner_id", "answers_id"],
            ["partner_id", "id"],
        )
        batch_op.create_check_constraint(
            batch_op.f("ck_claim_moves_answers_a_decision"),
            "(answers_id IS NOT NULL) = (event IN ('confirm', 'contest'))",
        )
        batch_op.drop_constraint(batch_op.f("ck_claim_moves_move_is_in_the_table"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_claim_moves_move_is_in_the_table"), _in(*MOVES, *ANSWERS))
    with op.batch_alter_table("claim_moves", schema=None) as batch_op:
        batch_op.alter_column("told_by_partner", server_default=None)
    moves = sa.table(
        "claim_moves",
        sa.column("event", sa.String()),
        sa.column("made_by_role", sa.String()),
        sa.column("told_by_partner", sa.Boolean()),
    )
    told = moves.c.event.in_(FUNDERS_WORD) & (moves.c.made_by_role == "team_manager")
    op.execute(moves.update().where(told).values(told_by_partner=sa.true()))
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        batch_op.alter_column("secret_hash", existing_type=sa.String(length=80), nullable=True)
        batch_op.add_column(sa.Column("issued_by", sa.Uuid(), nullable=True))
        batch_op.add_column(
            sa.Column("issued_from", sa.Enum(*SOURCES, name="source", native_enum=False, length=40), nullable=True)
        )
        batch_op.add_column(sa.Column("scopes", sa.JSON(none_as_null=True), nullable=True))
        batch_op.add_column(sa.Column("link_hash", sa.String(length=80), nullable=True))
        batch_op.add_column(sa.Column("claim_until", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_api_keys_issued_by"), "users", ["issued_by"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_api_keys_link_hash"), ["link_hash"])
        for name, condition in (
            ("claimed_or_to_claim", "secret_hash IS NOT NULL OR claim_until IS NOT NULL"),
            ("link_works_once", "claimed_at IS NULL OR link_hash IS NULL"),
            ("issued_from_is_known", "issued_from IS NULL OR issued_from IN " + _listed(*SOURCES)),
        ):
            batch_op.create_check_constraint(batch_op.f(f"ck_api_keys_{name}"), condition)
    _end_old_keys()


def _end_old_keys() -> None:
    keys = sa.table(
        "api_keys",
        sa.column("membership_id", sa.Uuid()),
        sa.column("made_at", sa.DateTime(timezone=True)),
        sa.column("expires_on", sa.Date()),
        sa.column("revoked_at", sa.DateTime(timezone=True)),
    )
    periods = sa.table(
        "membership_periods",
        sa.column("membership_id", sa.Uuid()),
        sa.column("recorded_at", sa.DateTime(timezone=True)),
        sa.column("is_member", sa.Boolean()),
    )
    now = datetime.now(UTC)
    left = sa.exists().where(
        periods.c.membership_id == keys.c.membership_id,
        periods.c.is_member.is_(False),
        periods.c.recorded_at >= keys.c.made_at,
    )
    op.execute(keys.update().where(keys.c.revoked_at.is_(None), left).values(revoked_at=now))
    last_day = now.date() + timedelta(days=DAYS)
    op.execute(keys.update().where(keys.c.expires_on.is_(None)).values(expires_on=last_day))


def downgrade() -> None:
    op.execute("DELETE FROM api_keys WHERE secret_hash IS NULL")
    with op.batch_alter_table("api_keys", schema=None) as batch_op:
        for name in ("claimed_or_to_claim", "link_works_once", "issued_from_is_known"):
            batch_op.drop_constraint(batch_op.f(f"ck_api_keys_{name}"), type_="check")
        batch_op.drop_constraint(batch_op.f("uq_api_keys_link_hash"), type_="unique")
        batch_op.drop_constraint(batch_op.f("fk_api_keys_issued_by"), type_="foreignkey")
        for name in ("claimed_at", "claim_until", "link_hash", "scopes", "issued_from", "issued_by"):
            batch_op.drop_column(name)
        batch_op.alter_column("secret_hash", existing_type=sa.String(length=80), nullable=False)
    op.execute("DELETE FROM claim_moves WHERE event IN ('confirm', 'contest')")
    with op.batch_alter_table("claim_moves", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_claim_moves_move_is_in_the_table"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_claim_moves_move_is_in_the_table"), _in(*MOVES))
        batch_op.drop_constraint(batch_op.f("ck_claim_moves_answers_a_decision"), type_="check")
        batch_op.drop_constraint(batch_op.f("fk_claim_moves_partner_id_answers_id"), type_="foreignkey")
        batch_op.drop_constraint(batch_op.f("uq_claim_moves_partner_id_id"), type_="unique")
        batch_op.drop_column("answers_id")
        batch_op.drop_column("told_by_partner")
    op.execute(f"DELETE FROM notices WHERE kind IN {_listed(*NEW_KINDS)}")  # noqa: S608 - the kinds are constants
    _kinds(*KINDS)
    op.drop_column("audit", "issued_by")


def _listed(*values: str) -> str:
    return "(" + ", ".join(f"'{value}'" for value in values) + ")"


def _in(*moves: str) -> str:
    return f"coalesce(from_state, '') || ' ' || event || ' ' || to_state IN {_listed(*moves)}"


def _kinds(*kinds: str) -> None:
    with op.batch_alter_table("notices", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_notices_kind_is_known"), type_="check")
        batch_op.create_check_constraint(batch_op.f("ck_notices_kind_is_known"), f"kind IN {_listed(*kinds)}")
