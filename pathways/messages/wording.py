"""The texts of notices and of the e-mails made from them: what to do and where, without any personal data."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from pathways.messages.models import Notice
from pathways.messages.models import NoticeKind as K

TEXT: dict[K, tuple[str, str]] = {
    K.REFERRAL_TO_ACKNOWLEDGE: (
        "A referral has not been acknowledged yet.",
        "{n} referrals have not been acknowledged yet.",
    ),
    K.REFERRAL_TO_START: (
        "A referral is overdue: no start on a programme is recorded.",
        "{n} referrals are overdue: no start on a programme is recorded.",
    ),
    K.INTRODUCTION_SENT: (
        "A jobseeker has been put forward for your placement. Open the introduction and answer it.",
        "{n} jobseekers have been put forward for your placements. Open the introductions and answer them.",
    ),
    K.INTRODUCTION_UNANSWERED: (
        "An introduction is waiting for your answer.",
        "{n} introductions are waiting for your answer.",
    ),
    K.INTRODUCTION_ESCALATED: (
        "A social enterprise has not answered an introduction in time. Contact it, or withdraw the introduction.",
        "Social enterprises have not answered {n} introductions in time. Contact them, or withdraw these.",
    ),
    K.INTRODUCTION_EXPIRED: (
        "An introduction expired without an answer.",
        "{n} introductions expired without an answer.",
    ),
    K.INTRODUCTION_TO_AGREE: (
        "The jobseeker has not yet agreed to a proposed introduction.",
        "{n} proposed introductions are still waiting for the jobseeker to agree.",
    ),
    K.INTRODUCTION_INVITED: (
        "A social enterprise would like to meet a jobseeker.",
        "Social enterprises would like to meet {n} jobseekers.",
    ),
    K.INTRODUCTION_WAITS: (
        "A social enterprise put a jobseeker on the waiting list for a place.",
        "Social enterprises put {n} jobseekers on waiting lists for a place.",
    ),
    K.INTRODUCTION_DECLINED: (
        "A social enterprise does not want to go ahead with an introduction.",
        "Social enterprises do not want to go ahead with {n} introductions.",
    ),
    K.INTRODUCTION_CLOSED: (
        "The jobseeker's support organisation (the partner) ended an introduction.",
        "The jobseekers' support organisations (partners) ended {n} introductions.",
    ),
    K.OFFER_ACCEPTED: (
        "A jobseeker accepted the place you offered.",
        "{n} jobseekers accepted the places you offered.",
    ),
    K.WORK_STARTED: (
        "A social enterprise recorded a jobseeker's first day.",
        "Social enterprises recorded the first days of {n} jobseekers.",
    ),
    K.WORK_ENDED: (
        "A social enterprise recorded that a jobseeker's work is over.",
        "Social enterprises recorded that the work of {n} jobseekers is over.",
    ),
    K.OFFER_MADE: (
        "A social enterprise has offered a place to a jobseeker. Ask the jobseeker whether they accept it.",
        "Social enterprises have offered places to {n} jobseekers. Ask the jobseekers whether they accept.",
    ),
    K.OFFER_RUNS_OUT: ("An offer of a place expires soon.", "{n} offers of a place expire soon."),
    K.START_TO_RECORD: (
        "A place was accepted, but no start is recorded.",
        "{n} places were accepted, but no start is recorded.",
    ),
    K.LISTING_TO_RECONFIRM: (
        "Please confirm that a placement is still available.",
        "Please confirm that {n} placements are still available.",
    ),
    K.LISTING_PAUSED: (
        "A placement was paused: it was not confirmed in time, or its pay is no longer lawful.",
        "{n} placements were paused: they were not confirmed in time, or their pay is no longer lawful.",
    ),
    K.LISTING_CLOSED: (
        "A placement was closed on its closing date.",
        "{n} placements were closed on their closing dates.",
    ),
    K.PLACEMENT_CLOSED: (
        "A placement with an open introduction was closed. Ask the social enterprise whether an offer still counts.",
        "Placements with {n} open introductions were closed. Ask the social enterprises whether offers still count.",
    ),
    K.CHECK_IN_DUE: ("A check-in is due.", "{n} check-ins are due."),
    K.CHECK_IN_OVERDUE: ("A check-in is overdue.", "{n} check-ins are overdue."),
    K.AT_RISK: (
        "A jobseeker's work is at risk or has ended. Contact the jobseeker.",
        "The work of {n} jobseekers is at risk or has ended. Contact them.",
    ),
    K.PLAN_TO_MAKE: ("An action plan has not been made yet.", "{n} action plans have not been made yet."),
    K.PLAN_TO_REVIEW: ("An action plan is due for review.", "{n} action plans are due for review."),
    K.OUTCOME_CAN_BE_RECORDED: (
        "An outcome has been met but is not recorded.",
        "{n} outcomes have been met but are not recorded.",
    ),
    K.CLAIM_QUERIED: ("A funder has a query about a claim.", "A funder has queries about {n} claims."),
    K.CLAIM_TWICE: (
        "Two records of a jobseeker were merged, and two claims are now the same. Withdraw one, or reverse it if paid.",
        "Records were merged, and {n} claims are now the same as others. Withdraw one of each, or reverse it if paid.",
    ),
    K.SAFETY_TO_DECIDE: (
        "A safety exclusion may apply to current work or to an introduction. Decide today whether it can go on.",
        "Safety exclusions may apply to {n} introductions or jobs. Decide today whether they can go on.",
    ),
    K.RESTRICTED_ON_SUSPICION: (
        "A record was restricted, because it may belong to a person with a restricted record. Compare the two records.",
        "{n} records were restricted, because they may belong to people with restricted records. Compare the records.",
    ),
    K.CASE_REASSIGNED: (
        "A case of yours was assigned to another caseworker.",
        "{n} cases of yours were assigned to other caseworkers.",
    ),
    K.CLAIM_OWED_BACK: (
        "The outcome of a paid claim was withdrawn, so the partner must repay the funder.",
        "The outcomes of {n} paid claims were withdrawn, so the partner must repay the funder.",
    ),
    K.CLAIM_TO_CONFIRM: (
        "A partner recorded a decision on a claim in your name. Confirm or contest it.",
        "Partners recorded {n} decisions on claims in your name. Confirm or contest them.",
    ),
    K.CLAIM_CONTESTED: (
        "A funder contests a decision on a claim that was recorded in its name.",
        "Funders contest {n} decisions on claims that were recorded in their names.",
    ),
    K.KEY_TO_CLAIM: (
        "A key was issued to you. The link shows it once.",
        "{n} keys were issued to you. Each link shows its key once.",
    ),
    K.KEY_IN_USE: (
        "A key in your name is now in use. If it is not yours, ask your administrator to revoke it.",
        "{n} keys in your name are now in use. If one is not yours, ask your administrator to revoke it.",
    ),
    K.KEY_EXPIRES: (
        "A key in your name expires soon. Ask your administrator for a new key.",
        "{n} keys in your name expire soon. Ask your administrator for new keys.",
    ),
    K.REFERRAL_ACCEPTED: ("The partner accepted a referral.", "The partner accepted {n} referrals."),
    K.REFERRAL_DECLINED: (
        "The partner declined a referral. Open it to read the reason.",
        "The partner declined {n} referrals. Open each to read the reason.",
    ),
}


def line(kind: K, count: int = 1) -> str:
    """Return the sentence for ``count`` notices of a kind."""
    singular, plural = TEXT[kind]
    return singular if count == 1 else plural.format(n=count)


def mail(
    notices: Sequence[Notice],
    address: str,
    paths: Mapping[UUID, str],
    labels: Mapping[UUID, str] = MappingProxyType({}),
) -> tuple[str, str]:
    """Return the subject and the text of an e-mail. For each kind of notice, the text has a line and up to ten links.

    ``paths`` has, by notice id, the path of a decision link. A notice without a path links to its record. ``labels``
    has, by notice id, what the link is about, for instance the placement, the partner and the day.
    """
    kinds = sorted({notice.kind for notice in notices}, key=list(K).index)
    lines = []
    for kind in kinds:
        same_kind = [notice for notice in notices if notice.kind is kind]
        lines.append(line(kind, len(same_kind)))
        for notice in same_kind[:10]:
            lines += [f"  {labels[notice.id]}:"] if notice.id in labels else []
            lines.append(f"  {address}/{paths.get(notice.id, f'{notice.subject}/{notice.subject_id}')}")
        if len(same_kind) > 10:  # noqa: PLR2004 - ten links are enough to begin with
            lines.append(f"  and {len(same_kind) - 10} more in your list of notices")
    title = (
        line(kinds[0], sum(notice.kind is kinds[0] for notice in notices))
        if len(kinds) == 1
        else "Things that need your attention"
    )
    text = "\n".join(lines) + "\n\nFor privacy, e-mails do not name anyone. Sign in to see who this is about.\n"
    return title, text
