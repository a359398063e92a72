"""Reasons for every no, waiting lists, work that has ended, and the moves there are, which the database holds too.

Revision: 6435c96e9fdd
After: 9f972fe7f248
"""

import sqlalchemy as sa
from alembic import op

revision = "6435c96e9fdd"
down_revision = "9f972fe7f248"
branch_labels = None
depends_on = None

MOVES = (
    " propose proposed",
    "proposed agree agreed",
    "agreed send sent",
    "sent invite invited",
    "sent wait waiting",
    "invited wait waiting",
    "sent offer offered",
    "invited offer offered",
    "waiting offer offered",
    "offered accept accepted",
    "accepted start started",
    "started end ended",
    "started withdraw withdrawn",
    "proposed decline declined",
    "agreed decline declined",
    "sent decline declined",
    "invited decline declined",
    "waiting decline declined",
    "offered decline declined",
    "accepted decline declined",
    "proposed withdraw withdrawn",
    "agreed withdraw withdrawn",
    "sent withdraw withdrawn",
    "invited withdraw withdrawn",
    "waiting withdraw withdrawn",
    "offered withdraw withdrawn",
    "accepted withdraw withdrawn",
    "proposed expire expired",
    "agreed expire expired",
    "sent expire expired",
    "invited expire expired",
    "waiting expire expired",
    "offered expire expired",
    "accepted expire expired",
    "declined reconsider sent",
    "withdrawn reconsider sent",
    "expired reconsider sent",
)
STATES_BEFORE = (
    "'proposed', 'agreed', 'sent', 'invited', 'offered', 'accepted', 'started', 'declined', 'withdrawn', 'expired'"
)
STATES = (
    "'proposed', 'agreed', 'sent', 'invited', 'waiting', 'offered', 'accepted', 'started', 'ended', 'declined',"
    " 'withdrawn', 'expired'"
)
OPEN_BEFORE = "'proposed', 'agreed', 'sent', 'invited', 'offered', 'accepted'"
OPEN = "'proposed', 'agreed', 'sent', 'invited', 'waiting', 'offered', 'accepted'"


def upgrade() -> None:
    with op.batch_alter_table("introduction_moves", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "why",
                sa.Enum(
                    "work_not_wanted",
                    "hours",
                    "travel",
                    "pay",
                    "skills",
                    "checks",
                    "adjustment",
                    "support",
                    "benefits",
                    "health",
                    "caring",
                    "another_place",
                    "changed_mind",
                    "did_not_come",
                    "place_filled",
                    "listing_closed",
                    "no_answer",
                    "case_closed",
                    "mistake",
                    "other",
                    name="whynot",
                    native_enum=False,
                    length=40,
                ),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "said_by",
                sa.Enum("jobseeker", "social_enterprise", "partner", name="side", native_enum=False, length=40),
                nullable=True,
            )
        )

    with op.batch_alter_table("introductions", schema=None) as batch_op:
        batch_op.add_column(sa.Column("waiting_since", sa.DateTime(timezone=True), nullable=True))
        batch_op.drop_index(batch_op.f("ix_introductions_placement_id"))
        batch_op.create_index("ix_introductions_placement_id", ["placement_id", "state"], unique=False)

    _constraints(STATES, "state IN ('started', 'ended')", OPEN)
    with op.batch_alter_table("introductions", schema=None) as batch_op:
        batch_op.create_check_constraint(
            "waiting_since_matches_state", "(state = 'waiting') = (waiting_since IS NOT NULL)"
        )
    known = ", ".join(f"'{move}'" for move in MOVES)
    with op.batch_alter_table("introduction_moves", schema=None) as batch_op:
        batch_op.create_check_constraint(
            "move_is_in_the_table", f"coalesce(from_state, '') || ' ' || event || ' ' || to_state IN ({known})"
        )
        batch_op.create_check_constraint("why_has_a_side", "(why IS NULL) = (said_by IS NULL)")


# What was not there before is told in the words there were: waiting is invited, ended is withdrawn.
BACK = (
    "UPDATE introductions SET state = 'invited', waiting_since = NULL WHERE state = 'waiting'",
    "DELETE FROM introduction_moves WHERE event = 'wait' AND from_state = 'invited'",
    "UPDATE introduction_moves SET event = 'invite', to_state = 'invited' WHERE event = 'wait'",
    "UPDATE introduction_moves SET from_state = 'invited' WHERE from_state = 'waiting'",
    "UPDATE introductions SET state = 'withdrawn', started_on = NULL WHERE state = 'ended'",
    "UPDATE introduction_moves SET event = 'withdraw', to_state = 'withdrawn' WHERE event = 'end'",
)


def downgrade() -> None:
    with op.batch_alter_table("introduction_moves", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_introduction_moves_move_is_in_the_table"), type_="check")
        batch_op.drop_constraint(batch_op.f("ck_introduction_moves_why_has_a_side"), type_="check")
    with op.batch_alter_table("introductions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_introductions_waiting_since_matches_state"), type_="check")
    with op.batch_alter_table("introductions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_introductions_started_on_matches_state"), type_="check")
    for statement in BACK:
        op.execute(statement)
    with op.batch_alter_table("introductions", schema=None) as batch_op:
        batch_op.create_check_constraint(
            "started_on_matches_state", "(state IN ('started', 'ended')) = (started_on IS NOT NULL)"
        )
    _constraints(STATES_BEFORE, "state = 'started'", OPEN_BEFORE)
    with op.batch_alter_table("introductions", schema=None) as batch_op:
        batch_op.drop_index("ix_introductions_placement_id")
        batch_op.create_index(batch_op.f("ix_introductions_placement_id"), ["placement_id"], unique=False)
        batch_op.drop_column("waiting_since")

    with op.batch_alter_table("introduction_moves", schema=None) as batch_op:
        batch_op.drop_column("said_by")
        batch_op.drop_column("why")


def _constraints(states: str, started: str, is_open: str) -> None:
    with op.batch_alter_table("introductions", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_introductions_state_is_known"), type_="check")
        batch_op.create_check_constraint("state_is_known", f"state IN ({states})")
        batch_op.drop_constraint(batch_op.f("ck_introductions_started_on_matches_state"), type_="check")
        batch_op.create_check_constraint("started_on_matches_state", f"({started}) = (started_on IS NOT NULL)")
        batch_op.drop_index("uq_introductions_one_open")
        batch_op.create_index(
            "uq_introductions_one_open",
            ["partner_id", "jobseeker_id", "placement_id"],
            unique=True,
            sqlite_where=sa.text(f"state IN ({is_open})"),
            postgresql_where=sa.text(f"state IN ({is_open})"),
        )
