"""What goes over the wire about introductions."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, Group, Line, Schema
from pathways.introductions.models import IntroductionState, Side, WhyNot
from pathways.jobseekers.schemas import HalfDaysOut, HoursOut


class NewIntroduction(Body):
    jobseeker_id: UUID
    placement_id: UUID
    shortlist_id: UUID | None = Field(default=None, description="The shortlist it came from.")


class IntroductionRefusal(Body):
    """No, and why. What is written beside the reason stays with the partner."""

    why: WhyNot
    said_by: Side | None = Field(
        default=None,
        description="Whose reason it is; your own when left out: a caseworker's decline is the jobseeker's.",
    )
    reason: Line = ""


class Acceptance(Body):
    """Yes; and whether the jobseeker goes on with others beside, as with two part-time jobs."""

    keeps_others: bool = False


class WordsOf(Schema):
    """How a no is told, to each who asks."""

    jobseeker: Annotated[str, Group.RECORD]
    referrer: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]


class NextOption(Schema):
    """The next best of the shortlist that still has a free place and was not tried."""

    placement_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    rank: Annotated[int, Group.RECORD]
    places_left: Annotated[int, Group.RECORD]


class StartedOn(Body):
    started_on: Day


class IntroductionOut(Schema):
    """A social enterprise sees of the jobseeker only what the jobseeker agreed to, and only while it is open."""

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
    last_reason: Annotated[str | None, Group.NOTES]
    why: Annotated[WhyNot | None, Group.NOTES]
    said_by: Annotated[Side | None, Group.NOTES]
    words: Annotated[WordsOf | None, Group.NOTES]
    why_not: Annotated[str | None, Group.RECORD] = Field(description="Why it came to nothing, as you may read it.")
    waiting_position: Annotated[int | None, Group.RECORD] = Field(
        description="Of those who wait for a place there, by when they were put on the list."
    )
    next_options: Annotated[list[NextOption] | None, Group.NOTES] = Field(
        default=None, description="After a no: what comes next on the shortlist."
    )
    possible_events: Annotated[list[str], Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]


class IntroductionRecord(Schema):
    """The row itself, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    state: Annotated[IntroductionState, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    social_enterprise_id: Annotated[UUID, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    sent_at: Annotated[datetime | None, Group.RECORD]
    started_on: Annotated[date | None, Group.RECORD]


class LinkRecord(Schema):
    id: Annotated[UUID, Group.RECORD]
    introduction_id: Annotated[UUID, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    used_at: Annotated[datetime | None, Group.RECORD]
