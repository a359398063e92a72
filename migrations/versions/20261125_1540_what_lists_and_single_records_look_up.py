"""Indexes for what lists and single records look up beside their own rows.

- ``jobseekers``, by caseworker: the caseload of one caseworker.
- ``referrals`` and ``introductions``, by state: a partner's inbox, and what waits for an answer.
- ``referral_snapshots``: the names in a list of referrals, and one referral as it was sent.
- ``referral_moves`` and ``enrolment_moves``: the move that a correction supersedes.
- ``introduction_moves``: the last reason, shown with each introduction of a list.
- ``spell_versions`` and ``outcomes``, by enrolment: the rules of an enrolment, explained.
- ``evidence``, by spell, and ``evidence_checks``: the items a claim rests on, and whether each was accepted.
- ``allocation_lines``, by proposal, and ``allocation_line_moves``: a proposal's figures and its lines with their reasons.

They are built in the migration's one transaction: of a borough's rows each takes tenths of a second, and the lock that
keeps two deployments apart would end with the transaction if they were built concurrently.

Revision: 3b9e5d27c1f4
After: 7c1d0a9e42b6
"""

from alembic import op

revision = "3b9e5d27c1f4"
down_revision = "7c1d0a9e42b6"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_jobseekers_partner_id_caseworker_id": ("jobseekers", ["partner_id", "caseworker_id", "id"]),
    "ix_referrals_partner_id_state": ("referrals", ["partner_id", "state", "id"]),
    "ix_referral_moves_referral": ("referral_moves", ["partner_id", "referral_id"]),
    "ix_referral_snapshots_referral": ("referral_snapshots", ["partner_id", "referral_id"]),
    "ix_enrolment_moves_enrolment": ("enrolment_moves", ["partner_id", "enrolment_id"]),
    "ix_introductions_partner_id_state": ("introductions", ["partner_id", "state", "id"]),
    "ix_introduction_moves_introduction": ("introduction_moves", ["partner_id", "introduction_id"]),
    "ix_spell_versions_enrolment": ("spell_versions", ["partner_id", "enrolment_id"]),
    "ix_outcomes_enrolment": ("outcomes", ["partner_id", "enrolment_id"]),
    "ix_evidence_spell": ("evidence", ["partner_id", "spell_id"]),
    "ix_evidence_checks_evidence": ("evidence_checks", ["partner_id", "evidence_id"]),
    "ix_allocation_lines_allocation": ("allocation_lines", ["partner_id", "allocation_id", "id"]),
    "ix_allocation_line_moves_line": ("allocation_line_moves", ["partner_id", "line_id"]),
}


def upgrade() -> None:
    for name, (table, columns) in INDEXES.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, (table, _) in reversed(INDEXES.items()):
        op.drop_index(name, table_name=table)
