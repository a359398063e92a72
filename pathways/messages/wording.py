"""What a notice says, and an e-mail made of notices: what is to be done and where, never about whom."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from pathways.messages.models import Notice
from pathways.messages.models import NoticeKind as K

TEXT: dict[K, tuple[str, str]] = {
    K.REFERRAL_TO_ACKNOWLEDGE: ("A referral waits to be acknowledged.", "{n} referrals wait to be acknowledged."),
    K.REFERRAL_TO_START: ("A referral has no start recorded in time.", "{n} referrals have no start recorded in time."),
    K.INTRODUCTION_SENT: (
        "Somebody is put forward for your placement.",
        "{n} people are put forward for your placements.",
    ),
    K.INTRODUCTION_UNANSWERED: ("An introduction waits for your answer.", "{n} introductions wait for your answer."),
    K.INTRODUCTION_ESCALATED: (
        "A social enterprise has not answered an introduction.",
        "{n} introductions have no answer from the social enterprise.",
    ),
    K.INTRODUCTION_EXPIRED: ("An introduction ended without an answer.", "{n} introductions ended without an answer."),
    K.INTRODUCTION_TO_AGREE: (
        "A proposal waits for the jobseeker's word.",
        "{n} proposals wait for the jobseeker's word.",
    ),
    K.OFFER_MADE: ("A place is offered.", "{n} places are offered."),
    K.OFFER_RUNS_OUT: ("A held place runs out soon.", "{n} held places run out soon."),
    K.START_TO_RECORD: (
        "A place was accepted and no start is recorded.",
        "{n} accepted places have no start recorded.",
    ),
    K.LISTING_TO_RECONFIRM: ("A listing is to be confirmed again.", "{n} listings are to be confirmed again."),
    K.LISTING_PAUSED: (
        "A listing was paused, for nobody confirmed it in time.",
        "{n} listings were paused, for nobody confirmed them in time.",
    ),
    K.LISTING_CLOSED: ("A listing closed on its closing day.", "{n} listings closed on their closing day."),
    K.CHECK_IN_DUE: ("A check-in is due.", "{n} check-ins are due."),
    K.CHECK_IN_OVERDUE: ("A check-in is overdue.", "{n} check-ins are overdue."),
    K.AT_RISK: ("Somebody's work is at risk.", "The work of {n} people is at risk."),
    K.PLAN_TO_MAKE: ("An action plan is to be made.", "{n} action plans are to be made."),
    K.PLAN_TO_REVIEW: ("An action plan is to be reviewed.", "{n} action plans are to be reviewed."),
    K.OUTCOME_CAN_BE_RECORDED: ("An outcome is met and not recorded.", "{n} outcomes are met and not recorded."),
    K.CLAIM_QUERIED: ("A funder asks about a claim.", "A funder asks about {n} claims."),
    K.CLAIM_TWICE: (
        "A claim stands twice for one person: two records were merged.",
        "{n} claims stand twice for one person: records were merged.",
    ),
    K.CLAIM_OWED_BACK: ("A paid claim has lost its outcome.", "{n} paid claims have lost their outcome."),
}


def line(kind: K, count: int = 1) -> str:
    one, many = TEXT[kind]
    return one if count == 1 else many.format(n=count)


def mail(notices: Sequence[Notice], address: str, paths: Mapping[UUID, str]) -> tuple[str, str]:
    """Return the subject and the text of an e-mail: a line for each kind, and where to look.

    ``paths`` has the path of a notice's own link; the others lead to what they are about.
    """
    kinds = sorted({notice.kind for notice in notices}, key=list(K).index)
    lines = []
    for kind in kinds:
        found = [notice for notice in notices if notice.kind is kind]
        lines.append(line(kind, len(found)))
        lines += [f"  {address}/{paths.get(n.id, f'{n.subject}/{n.subject_id}')}" for n in found[:10]]
        if len(found) > 10:  # noqa: PLR2004 - ten links are enough to begin with
            lines.append(f"  and {len(found) - 10} more under your notices")
    title = (
        line(kinds[0], sum(notice.kind is kinds[0] for notice in notices)) if len(kinds) == 1 else "What waits for you"
    )
    text = "\n".join(lines) + "\n\nWho it is about is not written in an e-mail: sign in to see.\n"
    return title, text
