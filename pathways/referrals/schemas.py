"""Bodies and replies about referrals."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from pathways.fields import Body, Day, Group, Line, NeededLine, Paragraph, Schema, against_the_rule
from pathways.jobseekers.models import JobseekerState
from pathways.jobseekers.schemas import DetailsBody, DetailsFields, ProfileBody, ProfileFields, Warned
from pathways.jobseekers.search_schemas import MAY_BE, MayBe
from pathways.referrals.models import ReferralState, SourceType


class ReferralBody(DetailsBody, ProfileBody):
    """What the referrer says about the jobseeker and the request. A field that is left out is unknown."""

    referred_because: Paragraph | None = None
    urgency: Line | None = None
    is_restricted: bool = False
    referrer_name: Line | None = None
    referrer_email: Line | None = None
    permission_to_share: bool | None = Field(
        default=None,
        description="Whether the jobseeker agrees that the referrer shares these details with the partner. "
        "The permission covers no other organisation.",
    )
    permission_recorded_on: Day | None = None


class NewReferral(ReferralBody):
    """The request body for submitting a referral."""

    partner_id: UUID | None = Field(
        default=None, description="The partner to refer to. Leave it out if you work for the partner."
    )
    referring_organisation_id: UUID | None = Field(
        default=None,
        description="The organisation that made the referral. A caseworker must give it, except for a self-referral. "
        "A referrer leaves it out, because a referrer refers for its own organisation.",
    )
    source_type: SourceType | None = Field(
        default=None, description="The kind of organisation that refers. If left out: it follows from the organisation."
    )
    ref: NeededLine | None = Field(
        default=None, description="The referrer's own reference. If left out: a reference is generated."
    )
    referred_on: Day
    jobseeker_id: UUID | None = Field(
        default=None, description="The person's existing record, if there is one. Only the partner's staff may give it."
    )

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not (self.given_name or self.family_name):
            raise against_the_rule("A referral needs a name. Enter a given name, a family name or both.")
        return self


class ReferralChange(ReferralBody):
    """The request body for changing a referral. A field that is left out keeps its value."""

    is_restricted: bool | None = None  # type: ignore[assignment]  # a change may leave it out


class EarlierReferral(Schema):
    """An earlier referral of the same person."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    referred_on: Annotated[date, Group.RECORD]
    state: Annotated[ReferralState, Group.RECORD]


class ReferralOut(DetailsFields, ProfileFields):
    """A referral, with the fields that this actor may read."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    state: Annotated[ReferralState, Group.RECORD]
    partner_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID | None, Group.NOTES] = Field(description="The jobseeker. Visible to the partner only.")
    source_type: Annotated[SourceType | None, Group.REFERRAL_SOURCE]
    referring_organisation_id: Annotated[UUID | None, Group.REFERRAL_SOURCE]
    referrer_name: Annotated[str | None, Group.REFERRAL_SOURCE]
    referrer_email: Annotated[str | None, Group.REFERRAL_SOURCE]
    referred_because: Annotated[str | None, Group.REFERRAL_SOURCE]
    urgency: Annotated[str | None, Group.REFERRAL_SOURCE]
    is_restricted: Annotated[bool, Group.RECORD]
    permission_to_share: Annotated[bool | None, Group.REFERRAL_SOURCE]
    permission_recorded_on: Annotated[date | None, Group.REFERRAL_SOURCE]
    referred_on: Annotated[date, Group.RECORD]
    acknowledge_by: Annotated[date, Group.RECORD]
    initial_meeting_by: Annotated[date, Group.RECORD]
    acknowledged_at: Annotated[datetime | None, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    possible_events: Annotated[list[str], Group.RECORD]
    differs_from_record: Annotated[list[str] | None, Group.NOTES] = Field(
        description="The fields in which the referral differs from the jobseeker's record. The record stays unchanged. "
        "The partner decides whether to change it.",
    )
    earlier: Annotated[list[EarlierReferral] | None, Group.NOTES] = Field(
        default=None,
        description="For a repeat referral: the earlier referrals of the same person. Visible to the partner only.",
    )
    case_was: Annotated[JobseekerState | None, Group.NOTES] = Field(
        default=None, description="For a repeat referral: the state of the case when the referral arrived."
    )
    warnings: Annotated[list[Warned], Group.RECORD] = []
    may_be: MayBe = MAY_BE
    withheld: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]


class ReferralLine(Schema):
    """One line of a list of referrals."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    state: Annotated[ReferralState, Group.RECORD]
    given_name: Annotated[str | None, Group.IDENTITY]
    family_name: Annotated[str | None, Group.IDENTITY]
    referred_on: Annotated[date, Group.RECORD]
    source_type: Annotated[SourceType | None, Group.REFERRAL_SOURCE]
    acknowledge_by: Annotated[date, Group.RECORD]
    is_repeat: Annotated[bool | None, Group.NOTES] = Field(
        default=None, description="Whether the same person had been referred before. Visible to the partner only."
    )


class WorkloadQuery(Body):
    """The period in which referrals are counted; both days are included."""

    first_day: Day
    last_day: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise against_the_rule("last_day is before first_day. Correct one of them.")
        return self


class Workload(Schema):
    """How many referrals (repeats included) were received in a period, and how many different people were referred."""

    referrals: Annotated[int, Group.RECORD]
    people: Annotated[int, Group.RECORD]
    repeats: Annotated[int, Group.RECORD] = Field(description="The number of referrals of people referred before.")
    by_state: Annotated[dict[str, int], Group.RECORD]
    by_source: Annotated[dict[str, int], Group.RECORD]


class SnapshotOut(DetailsFields, ProfileFields):
    """One version of the details that the referrer gave, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    referral_id: Annotated[UUID, Group.RECORD] = Field(description="The referral that these details belong to.")
    referred_because: Annotated[str | None, Group.REFERRAL_SOURCE]
    urgency: Annotated[str | None, Group.REFERRAL_SOURCE]
    referrer_name: Annotated[str | None, Group.REFERRAL_SOURCE]
    referrer_email: Annotated[str | None, Group.REFERRAL_SOURCE]
    permission_to_share: Annotated[bool | None, Group.REFERRAL_SOURCE]
    permission_recorded_on: Annotated[date | None, Group.REFERRAL_SOURCE]
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class ReferralRecord(Schema):
    """The referral itself, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    state: Annotated[ReferralState, Group.RECORD]
    source_type: Annotated[SourceType | None, Group.REFERRAL_SOURCE]
    referring_organisation_id: Annotated[UUID | None, Group.REFERRAL_SOURCE]
    referred_on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
