"""Feedback of a social enterprise after a start: how the work goes, and whether the partner should call."""

from collections.abc import Sequence

from sqlalchemy import Select, select

from pathways.base import Actor, Role
from pathways.database import Session, WriteSession
from pathways.errors import Conflict, NotPermitted
from pathways.facts import NotYourMove
from pathways.fields import ONLY_RECORD
from pathways.introductions import notifying, stops
from pathways.introductions.models import Introduction, IntroductionState, StartFeedback
from pathways.introductions.schemas import FeedbackOut, NewFeedback
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.messages.models import NoticeKind

AFTER_A_START = frozenset({IntroductionState.STARTED, IntroductionState.ENDED})


class NoStartYet(Conflict):
    title = "The jobseeker has not started yet"


class OnlyTheSocialEnterprise(NotPermitted):
    title = "Only the social enterprise gives this feedback"


def give(session: WriteSession, actor: Actor, introduction: Introduction, new: NewFeedback) -> StartFeedback:
    """Record feedback about a jobseeker who has started, and notify the caseworker.

    Refused for everybody but the social enterprise, before a start, and if the introduction is stopped.
    """
    if actor.role is not Role.PLACEMENT_LISTER:
        raise OnlyTheSocialEnterprise("Record what the employer said as a check-in, with the employer as the source.")
    if introduction.state not in AFTER_A_START:
        raise NoStartYet("Record the first day of work first, then say how it goes.")
    if stops.is_barred(session, introduction):
        raise NotYourMove("This introduction is not open to you now. Contact the partner.")
    given = StartFeedback.recorded(
        actor,
        partner_id=introduction.partner_id,
        jobseeker_id=introduction.jobseeker_id,
        introduction_id=introduction.id,
        **new.model_dump(),
    )
    session.add(given)
    session.flush()
    notifying.notify_caseworker(session, actor, introduction, NoticeKind.FEEDBACK_GIVEN)
    return given


def of_introduction(introduction: Introduction) -> Select[StartFeedback]:
    """Select the feedback about an introduction."""
    return select(StartFeedback).where(
        StartFeedback.partner_id == introduction.partner_id, StartFeedback.introduction_id == introduction.id
    )


def replies(
    session: Session, actor: Actor, introduction: Introduction, rows: Sequence[StartFeedback]
) -> list[FeedbackOut]:
    """Return feedback with the fields that the actor's side may see. The social enterprise reads no note again."""
    groups = ONLY_RECORD
    if actor.role is not Role.PLACEMENT_LISTER:
        groups = jobseeker_queries.visible_groups(actor, session.get_one(Jobseeker, introduction.jobseeker_id))
    return [FeedbackOut.model_validate(row).limited_to(groups) for row in rows]
