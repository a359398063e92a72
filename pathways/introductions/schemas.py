"""Request bodies and replies about introductions."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, GivenReason, Group, MaybeReason, NeededLine, Paragraph, Schema
from pathways.introductions.models import FeedbackHow, IntroductionState, Side, WhyNot
from pathways.jobseekers.schemas import HalfDaysOut, HoursOut, MoveOut
from pathways.placements.models import DbsLevel
from pathways.placements.schemas import Pounds
from pathways.shortlists.schemas import FlagOut


class NewIntroduction(Body):
    """The jobseeker and the placement of a new introduction."""

    jobseeker_id: UUID
    placement_id: UUID
    shortlist_id: UUID | None = Field(default=None, description="The shortlist that the match came from, if any.")
    send: bool = Field(
        default=False,
        description="Whether the jobseeker has agreed to be put forward, so that the introduction is sent at once.",
    )
    safety_check: GivenReason | None = Field(
        default=None,
        description="How you made sure that the placement is safe, if a safety exclusion cannot be checked against it.",
    )


class SafetyConfirmation(Body):
    """How a caseworker made sure that a placement is safe for the jobseeker."""

    reason: GivenReason


class IntroductionRefusal(Body):
    """Why an introduction is declined or withdrawn, or expires. Only the partner may read the text in `reason`."""

    why: WhyNot
    said_by: Side | None = Field(
        default=None,
        description="Who gave the reason. If left out: your organisation, or the jobseeker if a partner declines.",
    )
    reason: MaybeReason = ""


class Acceptance(Body):
    """Whether the jobseeker's other introductions stay open after accepting, for example for two part-time jobs."""

    keeps_others: bool = False
    although_closed: bool = Field(
        default=False,
        description="Whether the social enterprise says that the place is still there, although it closed the placement"
        " after the offer.",
    )


class WordsOf(Schema):
    """The reason an introduction ended, worded for each reader."""

    jobseeker: Annotated[str, Group.RECORD]
    referrer: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]


class NextOption(Schema):
    """A further placement on the shortlist. It has a free place, and the jobseeker was not introduced to it before."""

    placement_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    rank: Annotated[int, Group.RECORD]
    places_left: Annotated[int, Group.RECORD]


class DbsCheckSeen(Body):
    """A DBS certificate that was seen before the work: its level, when and by whom. Never send what it says."""

    level: DbsLevel = Field(description="The level of the certificate.")
    seen_on: Day = Field(description="The day on which the certificate was seen.")
    seen_by: NeededLine = Field(description="Who saw the certificate: a name or a post.")
    day_is_right: bool = Field(
        default=False,
        description="True if the day is right although it is after the first day of work, or long ago. Needed only"
        " then.",
    )


class StartedOn(Body):
    """The first day on the placement, with the answers to what a start asks."""

    started_on: Day
    dbs_check: DbsCheckSeen | None = Field(
        default=None, description="The DBS check that was seen. Needed if the placement needs a DBS check."
    )
    earlier_start_agreed: bool = Field(
        default=False,
        description="True if the jobseeker agreed to start before the earliest day in the profile. Needed only then.",
    )
    pay_per_hour_pounds: Pounds | None = Field(
        default=None,
        description="What the jobseeker is paid for one hour, in pounds. If left out: the pay of the placement. Needed"
        " only if that is missing or unlawful; null from the partner means that the pay is not known yet.",
    )


class IntroductionOut(Schema):
    """An introduction. A social enterprise sees only what the jobseeker agreed to share.

    It sees this data only while the introduction is open or started.
    """

    id: Annotated[UUID, Group.RECORD]
    state: Annotated[IntroductionState, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise_id: Annotated[UUID, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    partner: Annotated[str, Group.RECORD]
    jobseeker_id: Annotated[UUID | None, Group.NOTES]
    jobseeker_reference: Annotated[str | None, Group.NOTES]
    shortlist_id: Annotated[UUID | None, Group.NOTES]
    given_name: Annotated[str | None, Group.IDENTITY]
    family_name: Annotated[str | None, Group.IDENTITY]
    known_as: Annotated[str | None, Group.IDENTITY]
    email: Annotated[str | None, Group.CONTACT]
    phone: Annotated[str | None, Group.CONTACT]
    safe_contact: Annotated[str | None, Group.CONTACT]
    skills: Annotated[list[str] | None, Group.WORK]
    qualification_level: Annotated[str | None, Group.WORK]
    licences: Annotated[list[str] | None, Group.WORK]
    half_days: Annotated[HalfDaysOut | None, Group.WORK]
    hours_min: Annotated[HoursOut | None, Group.WORK]
    hours_max: Annotated[HoursOut | None, Group.WORK]
    earliest_start_on: Annotated[date | None, Group.WORK]
    adjustments: Annotated[list[str] | None, Group.HEALTH]
    right_to_work: Annotated[str | None, Group.RIGHT_TO_WORK]
    made_at: Annotated[datetime, Group.RECORD]
    sent_at: Annotated[datetime | None, Group.RECORD]
    held_until: Annotated[date | None, Group.RECORD]
    started_on: Annotated[date | None, Group.RECORD]
    benefit_flags: Annotated[list[FlagOut] | None, Group.BENEFITS] = Field(
        default=None,
        description="Benefits that this work may affect, to check with a benefits adviser before it begins. Only the"
        " partner reads them, while the introduction is open or started.",
    )
    stopped: Annotated[str | None, Group.SAFETY] = Field(
        description="If a protective fact stops the introduction: why, and what to do."
    )
    last_reason: Annotated[str | None, Group.NOTES]
    why: Annotated[WhyNot | None, Group.NOTES]
    said_by: Annotated[Side | None, Group.NOTES]
    words: Annotated[WordsOf | None, Group.NOTES]
    why_not: Annotated[str | None, Group.RECORD] = Field(description="Why the introduction ended, as a sentence.")
    nobody_notified: Annotated[str | None, Group.NOTES] = Field(
        default=None, description="If nobody at the social enterprise can read the introduction: what to do."
    )
    earlier_end: Annotated[str | None, Group.NOTES] = Field(
        default=None, description="If the pair was introduced before: when and why that introduction ended."
    )
    waiting_position: Annotated[int | None, Group.RECORD] = Field(
        description="The position on the placement's waiting list. The jobseeker who has waited longest has position 1."
    )
    next_options: Annotated[list[NextOption] | None, Group.NOTES] = Field(
        default=None,
        description="If the introduction ended without a start: the next placements on the shortlist. In lists: null.",
    )
    possible_events: Annotated[list[str], Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]


class IntroductionRecord(Schema):
    """An introduction, as it appears in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    state: Annotated[IntroductionState, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    social_enterprise_id: Annotated[UUID, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    sent_at: Annotated[datetime | None, Group.RECORD]
    started_on: Annotated[date | None, Group.RECORD]


class IntroductionMoveRecord(MoveOut):
    """A move of an introduction, as it appears in the copy of their data that a jobseeker receives."""

    dbs_level: Annotated[DbsLevel | None, Group.NOTES]
    dbs_seen_on: Annotated[date | None, Group.NOTES]
    dbs_seen_by: Annotated[str | None, Group.NOTES]
    earlier_start_agreed: Annotated[bool | None, Group.NOTES]


class LinkRecord(Schema):
    """A decision link, as it appears in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    introduction_id: Annotated[UUID, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    used_at: Annotated[datetime | None, Group.RECORD]


class NewFeedback(Body):
    """What a social enterprise says about the work of a jobseeker who has started with it."""

    how: FeedbackHow
    wants_call: bool = Field(default=False, description="Whether the partner should call.")
    note: Paragraph | None = Field(
        default=None, description="What goes well and what would help. Write nothing about health or convictions."
    )


class FeedbackOut(Schema):
    """Feedback of a social enterprise after a start."""

    id: Annotated[UUID, Group.RECORD]
    introduction_id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    how: Annotated[FeedbackHow, Group.RECORD]
    wants_call: Annotated[bool, Group.RECORD] = Field(description="Whether the social enterprise asks for a call.")
    note: Annotated[str | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]
