"""A pair that is no longer alike is dropped, which is nobody's verdict: it hinders no merge and may be found again.

Revision: 9f1d27c04b6e
After: 5b0f3c2a91d7
"""

from alembic import op

revision = "9f1d27c04b6e"
down_revision = "5b0f3c2a91d7"
branch_labels = None
depends_on = None

BEFORE = "state IN ('open', 'asked', 'same', 'different', 'merged')"
AFTER = "state IN ('open', 'asked', 'same', 'different', 'merged', 'dropped')"


def upgrade() -> None:
    _check(AFTER)
    # What was dropped so before was noted as a verdict, which nobody gave.
    op.execute(
        """
        UPDATE duplicate_pairs SET state = 'dropped' WHERE state = 'different' AND id IN (
            SELECT pair_id FROM duplicate_moves AS m
            WHERE m.event = 'different' AND m.reason = 'Found through a record that was merged then, and is not now.'
            AND NOT EXISTS (
                SELECT 1 FROM duplicate_moves AS later WHERE later.pair_id = m.pair_id
                AND (later.recorded_at > m.recorded_at OR (later.recorded_at = m.recorded_at AND later.id > m.id))
            )
        )
        """
    )
    op.execute(
        """
        UPDATE duplicate_moves SET event = 'drop', to_state = 'dropped'
        WHERE event = 'different' AND reason = 'Found through a record that was merged then, and is not now.'
        """
    )


def downgrade() -> None:
    op.execute("UPDATE duplicate_pairs SET state = 'different' WHERE state = 'dropped'")
    op.execute("UPDATE duplicate_moves SET event = 'different', to_state = 'different' WHERE event = 'drop'")
    _check(BEFORE)


def _check(rule: str) -> None:
    with op.batch_alter_table("duplicate_pairs", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_duplicate_pairs_state_is_known"), type_="check")
        batch_op.create_check_constraint("state_is_known", rule)
