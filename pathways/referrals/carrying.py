"""What a referral adds to the record of a known person, and what a changed referral changes in it."""

from collections.abc import Mapping
from typing import Any

from pathways.base import Actor
from pathways.database import WriteSession
from pathways.jobseekers import actions as jobseeker_actions
from pathways.jobseekers import identifiers, joining, profile, restrictions
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import DETAIL_NAMES, MOST_JOINED, PROFILE_NAMES, Jobseeker
from pathways.referrals.content import ReferralContent


def protect_known(session: WriteSession, actor: Actor, person: Jobseeker, content: ReferralContent) -> None:
    """Apply at once what protects a known person in a referral, so that it is not left in the referral only.

    It is added to what the record says. A text that would become too long stays as it was; the reply then names it in
    ``differs_from_record``.
    """
    if content.about["is_restricted"]:
        restrictions.restrict(session, actor, person, "The referrer asked for it.")
    current = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    new = {
        name: value
        for name, value in joining.protective_details(current, content.details).items()
        if not isinstance(value, str) or len(value) <= MOST_JOINED
    }
    if new:
        jobseeker_actions.record_details(session, actor, person, current.changed(new))
    version = jobseeker_queries.profile(session, person)
    columns = {name: getattr(version, name, None) for name in PROFILE_NAMES}
    if lists := joining.protective_columns(columns, content.profile):
        profile.add_of_referrer(session, actor, person, lists)


def carry_details(
    session: WriteSession, actor: Actor, person: Jobseeker, before: Details, new: Mapping[str, Any]
) -> None:
    current = identifiers.unsealed(session, jobseeker_queries.details(session, person))
    unedited = {
        name: value
        for name, value in new.items()
        if name != "as_written"
        and getattr(current, name) == getattr(before, name)
        and not (name in joining.WITHHELD and value in joining.BLANK)
    }
    words = {
        name: said
        for name, said in (new.get("as_written") or {}).items()
        if name in DETAIL_NAMES and getattr(current, name) == getattr(before, name)
    }
    if words and words.items() - (current.as_written or {}).items():
        unedited["as_written"] = words
    if unedited:
        jobseeker_actions.record_details(session, actor, person, current.changed(unedited))


def carry_profile(
    session: WriteSession, actor: Actor, person: Jobseeker, before: Mapping[str, Any], new: Mapping[str, Any]
) -> None:
    current = jobseeker_queries.profile(session, person)
    unedited = {name: value for name, value in new.items() if getattr(current, name, None) == before[name]}
    if unedited:
        profile.add_of_referrer(session, actor, person, unedited)
