"""The texts of notices and of the e-mails made from them: what to do and where, without any personal data."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from uuid import UUID

from pathways.messages.models import Notice
from pathways.messages.models import NoticeKind as K

TEXT: dict[K, tuple[str, str]] = {
    K.REFERRAL_TO_ACKNOWLEDGE: (
        "A referral has not been acknowledged yet. Open it, then acknowledge, accept or decline it.",
        "{n} referrals have not been acknowledged yet. Open each, then acknowledge, accept or decline it.",
    ),
    K.REFERRAL_TO_START: (
        "A referral is overdue: no start on a programme is recorded. Enrol the jobseeker, or decide on the referral.",
        "{n} referrals are overdue: no start on a programme is recorded. Enrol the jobseekers, or decide on these.",
    ),
    K.INTRODUCTION_SENT: (
        "A jobseeker has been put forward for your placement. Open the introduction and answer it.",
        "{n} jobseekers have been put forward for your placements. Open the introductions and answer them.",
    ),
    K.INTRODUCTION_UNANSWERED: (
        "An introduction is waiting for your answer. Open it and answer.",
        "{n} introductions are waiting for your answer. Open them and answer.",
    ),
    K.INTRODUCTION_ESCALATED: (
        "A social enterprise has not answered an introduction in time. Contact it, or withdraw the introduction.",
        "Social enterprises have not answered {n} introductions in time. Contact them, or withdraw these.",
    ),
    K.INTRODUCTION_EXPIRED: (
        "An introduction expired without an answer. Open it to see what is possible now.",
        "{n} introductions expired without an answer. Open them to see what is possible now.",
    ),
    K.INTRODUCTION_TO_AGREE: (
        "The jobseeker has not yet agreed to a proposed introduction. Ask the jobseeker.",
        "{n} proposed introductions are still waiting for the jobseeker to agree. Ask the jobseekers.",
    ),
    K.INTRODUCTION_INVITED: (
        "A social enterprise would like to meet a jobseeker. Arrange the meeting.",
        "Social enterprises would like to meet {n} jobseekers. Arrange the meetings.",
    ),
    K.INTRODUCTION_WAITS: (
        "A social enterprise put a jobseeker on the waiting list for a place. Tell the jobseeker.",
        "Social enterprises put {n} jobseekers on waiting lists for a place. Tell the jobseekers.",
    ),
    K.INTRODUCTION_DECLINED: (
        (
            "A social enterprise does not want to go ahead with an introduction. Read why, tell the jobseeker,"
            " and look at the next placements."
        ),
        (
            "Social enterprises do not want to go ahead with {n} introductions. Read why, tell the jobseekers,"
            " and look at the next placements."
        ),
    ),
    K.INTRODUCTION_CLOSED: (
        "An introduction to your placement has ended. There is nothing to do.",
        "{n} introductions to your placements have ended. There is nothing to do.",
    ),
    K.INTRODUCTION_REOPENED: (
        "A social enterprise reopened an introduction that it had declined. Ask the jobseeker whether to go on.",
        "Social enterprises reopened {n} introductions that they had declined. Ask the jobseekers whether to go on.",
    ),
    K.STEP_RECORDED: (
        "The partner recorded your offer, first day or other step. Open the introduction, and say if it is wrong.",
        "The partner recorded your steps of {n} introductions. Open them, and say if a step is wrong.",
    ),
    K.OFFER_ACCEPTED: (
        "A jobseeker accepted the place you offered. Agree the first day with the partner.",
        "{n} jobseekers accepted the places you offered. Agree the first days with the partners.",
    ),
    K.WORK_STARTED: (
        "A social enterprise recorded a jobseeker's first day. Check that the date is right.",
        "Social enterprises recorded the first days of {n} jobseekers. Check that the dates are right.",
    ),
    K.WORK_ENDED: (
        "A social enterprise recorded that a jobseeker's work is over. Contact the jobseeker.",
        "Social enterprises recorded that the work of {n} jobseekers is over. Contact the jobseekers.",
    ),
    K.OFFER_MADE: (
        "A social enterprise has offered a place to a jobseeker. Ask the jobseeker whether they accept it.",
        "Social enterprises have offered places to {n} jobseekers. Ask the jobseekers whether they accept.",
    ),
    K.OFFER_RUNS_OUT: (
        "An offer of a place expires soon. Ask the jobseeker whether they accept it.",
        "{n} offers of a place expire soon. Ask the jobseekers whether they accept.",
    ),
    K.START_TO_RECORD: (
        "A place was accepted, but no start is recorded. Record the first day, or say why there was none.",
        "{n} places were accepted, but no start is recorded. Record the first days, or say why there were none.",
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
        "A placement was closed on its closing date. There is nothing to do.",
        "{n} placements were closed on their closing dates. There is nothing to do.",
    ),
    K.CHECK_IN_DUE: (
        "A check-in is due. Ask the jobseeker whether they are still in work.",
        "{n} check-ins are due. Ask the jobseekers whether they are in work.",
    ),
    K.CHECK_IN_OVERDUE: (
        "A check-in is overdue. Ask the jobseeker whether they are in work.",
        "{n} check-ins are overdue. Ask the jobseekers whether they are in work.",
    ),
    K.PLACEMENT_CLOSED: (
        "A placement with an open introduction was closed. Ask the social enterprise whether an offer still counts.",
        "Placements with {n} open introductions were closed. Ask the social enterprises whether offers still count.",
    ),
    K.PLACEMENT_CHANGED: (
        "The pay, hours, dates or location of a placement with an open introduction changed. Tell the jobseeker.",
        "The terms of placements with {n} open introductions changed. Tell the jobseekers.",
    ),
    K.AT_RISK: (
        "A jobseeker's work is at risk or has ended. Contact the jobseeker.",
        "The work of {n} jobseekers is at risk or has ended. Contact them.",
    ),
    K.PLAN_TO_MAKE: (
        "An action plan has not been made yet. Make it with the jobseeker.",
        "{n} action plans have not been made yet. Make them with the jobseekers.",
    ),
    K.PLAN_TO_REVIEW: (
        "An action plan is due for review. Review it with the jobseeker.",
        "{n} action plans are due for review. Review them with the jobseekers.",
    ),
    K.OUTCOME_CAN_BE_RECORDED: (
        "An outcome has been met but is not recorded. Record it.",
        "{n} outcomes have been met but are not recorded. Record them.",
    ),
    K.CLAIM_QUERIED: (
        "A funder has a query about a claim. Read it and answer.",
        "Funders have queries about {n} claims. Read and answer them.",
    ),
    K.CLAIM_TWICE: (
        "Two records of a jobseeker were merged, and two claims are now the same. Withdraw one, or reverse it if paid.",
        "Records were merged, and {n} claims are now the same as others. Withdraw one of each, or reverse it if paid.",
    ),
    K.SAFETY_TO_DECIDE: (
        "A safety exclusion applies, or may apply, where a jobseeker works or is put forward. Open it and act today.",
        (
            "Safety exclusions apply, or may apply, in {n} places where jobseekers work or are put forward. Open"
            " each and act today."
        ),
    ),
    K.SAFETY_WITHDREW: (
        (
            "An introduction was withdrawn, because a safety exclusion covers it. Read what the social enterprise"
            " had already read, and tell the jobseeker."
        ),
        (
            "{n} introductions were withdrawn, because safety exclusions cover them. Read what the social enterprises"
            " had already read, and tell the jobseekers."
        ),
    ),
    K.RESTRICTED_ON_SUSPICION: (
        "A record was restricted, because it may belong to a person with a restricted record. Compare the two records.",
        "{n} records were restricted, because they may belong to people with restricted records. Compare the records.",
    ),
    K.CASE_REASSIGNED: (
        "A case of yours now has another caseworker, who was notified. You need do nothing more on it.",
        "{n} cases of yours now have other caseworkers, who were notified. You need do nothing more on them.",
    ),
    K.CASE_ASSIGNED: (
        "A case was assigned to you. Open it, and read in your worklist what waits: an offer may run out.",
        "{n} cases were assigned to you. Open them, and read in your worklist what waits: an offer may run out.",
    ),
    K.CASE_MERGED: (
        "Another record was merged into a case of yours. Open the case and read what the other record adds.",
        "Other records were merged into {n} cases of yours. Open the cases and read what the other records add.",
    ),
    K.CLAIM_OWED_BACK: (
        "The outcome of a paid claim no longer counts, so the partner must repay the funder.",
        "The outcomes of {n} paid claims no longer count, so the partner must repay the funder.",
    ),
    K.CLAIM_TO_DECIDE: (
        "A claim is waiting for your decision. Open it and decide.",
        "{n} claims are waiting for your decision. Open them and decide.",
    ),
    K.CLAIM_DECIDED: (
        "A claim was accepted, or its payment was recorded. There is nothing to do.",
        "{n} claims were accepted, or their payment was recorded. There is nothing to do.",
    ),
    K.CLAIM_TURNED_DOWN: (
        "A claim was turned down, or its payment was reversed. Read the reason, and decide whether to claim again.",
        "{n} claims were turned down or reversed. Read the reasons, and decide whether to claim again.",
    ),
    K.CLAIM_TO_CONFIRM: (
        "A partner recorded a decision on a claim in your name. Confirm or contest it.",
        "Partners recorded {n} decisions on claims in your name. Confirm or contest them.",
    ),
    K.CLAIM_CONTESTED: (
        "A funder says that a decision recorded in its name is wrong. Contact the funder: only it can act now.",
        "Funders say that {n} decisions recorded in their names are wrong. Contact them: only they can act now.",
    ),
    K.KEY_TO_CLAIM: (
        "An API key was made for you. Open the link to read it: it is shown once.",
        "{n} API keys were made for you. Open each link to read its key: it is shown once.",
    ),
    K.KEY_IN_USE: (
        (
            "Somebody can now use Pathways as you with an API key that was made for you. If you did not ask for"
            " it, tell your administrator now."
        ),
        (
            "Somebody can now use Pathways as you with {n} API keys that were made for you. If you did not ask"
            " for them, tell your administrator now."
        ),
    ),
    K.KEY_EXPIRES: (
        "An API key that was made for you expires soon. If you still use it, ask your administrator for a new one.",
        "{n} API keys that were made for you expire soon. If you still use them, ask your administrator for new ones.",
    ),
    K.REFERRAL_ACCEPTED: (
        "The partner accepted a referral. There is nothing to do.",
        "The partner accepted {n} referrals. There is nothing to do.",
    ),
    K.REFERRAL_DECLINED: (
        "The partner declined a referral. Open it to read the reason.",
        "The partner declined {n} referrals. Open each to read the reason.",
    ),
    K.FEEDBACK_GIVEN: (
        "A social enterprise said how the work of a jobseeker goes. Read it, and get in touch if they ask for it.",
        "Social enterprises said how the work of {n} jobseekers goes. Read it, and get in touch if they ask for it.",
    ),
    K.INVITED: (
        "You are invited to sign in to Pathways. Open the link to begin.",
        "You are invited {n} times to sign in to Pathways. Open the last link to begin.",
    ),
    K.SIGN_IN_LINK: (
        "Open this link to sign in to Pathways. If you did not ask for it, do nothing.",
        "Open the last link to sign in to Pathways. If you did not ask for it, do nothing.",
    ),
    K.SIGN_IN_CHANGED: (
        (
            "A way to sign in to your account was added, removed or used up. If that was not you, tell your"
            " administrator now."
        ),
        (
            "Ways to sign in to your account were added, removed or used up {n} times. If that was not you, tell your"
            " administrator now."
        ),
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
