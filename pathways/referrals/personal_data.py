"""The tables of referrals that contain personal data, for the timeline, extract, merge and erasure."""

from pathways.holdings import Held, Holding, as_schema, fact_entry
from pathways.imports import actions as imports
from pathways.imports.models import ImportRow
from pathways.jobseekers.schemas import MoveOut
from pathways.referrals import actions
from pathways.referrals.models import ProgressPermission, Referral, ReferralMove, ReferralSnapshot
from pathways.referrals.schemas import ProgressPermissionOut, ReferralRecord

MOVE_TEXTS = {
    "submit": "Referral received.",
    "acknowledge": "Referral acknowledged.",
    "accept": "Referral accepted.",
    "decline": "Referral declined.",
    "withdraw": "Referral withdrawn.",
}

HOLDING = Holding(
    "referrals",
    (
        Held(Referral, as_schema(ReferralRecord)),
        Held(
            ReferralMove,
            as_schema(MoveOut),
            fact_entry("referral", lambda m: MOVE_TEXTS.get(m.event, f"Referral is now {m.to_state}.")),
        ),
        Held(
            ReferralSnapshot,
            actions.extract_of_snapshot,
            fact_entry("referral details", lambda _: "The referrer's details of the jobseeker were recorded."),
        ),
        Held(
            ProgressPermission,
            as_schema(ProgressPermissionOut),
            fact_entry(
                "permission",
                lambda row: (
                    "The jobseeker agreed what the referrer may read of their progress."
                    if row.stages
                    else "The jobseeker's agreement that the referrer may read their progress was revoked."
                ),
            ),
        ),
        Held(ImportRow, imports.extract_of_row, stays=True),
    ),
    void=actions.withdraw_open,
    scrub=imports.forget_person,
)
