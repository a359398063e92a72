"""What goes over the wire about referrals."""

from datetime import date, datetime
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator

from pathways.fields import Body, Day, Group, Line, NeededLine, Paragraph, Schema, against_the_rule
from pathways.jobseekers.models import JobseekerState
from pathways.jobseekers.schemas import DetailsBody, DetailsFields, ProfileBody, ProfileFields, Warned
from pathways.referrals.models import ReferralState, SourceType


class ReferralBody(DetailsBody, ProfileBody):
    """What a referrer says. What is left out is unknown."""

    referred_because: Paragraph | None = None
    urgency: Line | None = None
    is_restricted: bool = False
    referrer_name: Line | None = None
    referrer_email: Line | None = None
    permission_to_share: bool | None = Field(
        default=None, description="The jobseeker agrees that the referrer tells the partner; it covers nobody else."
    )
    permission_recorded_on: Day | None = None


class NewReferral(ReferralBody):
    partner_id: UUID | None = Field(default=None, description="To whom; a caseworker's own partner when left out.")
    referring_organisation_id: UUID | None = Field(
        default=None, description="For a caseworker who records it for another; a referrer's own when left out."
    )
    source_type: SourceType
    ref: NeededLine | None = Field(default=None, description="The referrer's own reference; made when left out.")
    referred_on: Day
    jobseeker_id: UUID | None = Field(
        default=None, description="The partner's own staff may add a referral to somebody they already support."
    )

    @model_validator(mode="after")
    def _has_a_name(self) -> Self:
        if not (self.given_name or self.family_name):
            raise against_the_rule("A referral needs a name; one of given_name and family_name is enough.")
        return self


class ReferralChange(ReferralBody):
    """What the referrer says now; what is left out stays as it was."""

    is_restricted: bool | None = None  # type: ignore[assignment]  # a change may leave it out


class EarlierReferral(Schema):
    """A referral of the same person that came before."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    referred_on: Annotated[date, Group.RECORD]
    state: Annotated[ReferralState, Group.RECORD]


class ReferralOut(DetailsFields, ProfileFields):
    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    state: Annotated[ReferralState, Group.RECORD]
    partner_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID | None, Group.NOTES] = Field(description="For the partner only.")
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
        description="Fields where the referrer now says something else than the record: a proposal, never written over."
    )
    earlier: Annotated[list[EarlierReferral] | None, Group.NOTES] = Field(
        default=None, description="Where it is a repeat: what came before it for the same person. For the partner only."
    )
    case_was: Annotated[JobseekerState | None, Group.NOTES] = Field(
        default=None, description="Where it is a repeat: the state of the case when it came."
    )
    warnings: Annotated[list[Warned], Group.RECORD] = []
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
        default=None, description="The same person was referred before. For the partner only."
    )


class WorkloadQuery(Body):
    """The days of a workload, both included."""

    first_day: Day
    last_day: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last_day < self.first_day:
            raise against_the_rule("last_day is before first_day.")
        return self


class Workload(Schema):
    """The referrals that came in some days: work to do for each, however many people they are about."""

    referrals: Annotated[int, Group.RECORD]
    people: Annotated[int, Group.RECORD]
    repeats: Annotated[int, Group.RECORD] = Field(description="Of somebody who had been referred before.")
    by_state: Annotated[dict[str, int], Group.RECORD]
    by_source: Annotated[dict[str, int], Group.RECORD]


class SnapshotOut(DetailsFields, ProfileFields):
    """One version of what the referrer said, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    referral_id: Annotated[UUID, Group.RECORD]
    referred_because: Annotated[str | None, Group.REFERRAL_SOURCE]
    urgency: Annotated[str | None, Group.REFERRAL_SOURCE]
    referrer_name: Annotated[str | None, Group.REFERRAL_SOURCE]
    referrer_email: Annotated[str | None, Group.REFERRAL_SOURCE]
    permission_to_share: Annotated[bool | None, Group.REFERRAL_SOURCE]
    permission_recorded_on: Annotated[date | None, Group.REFERRAL_SOURCE]
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class ReferralRecord(Schema):
    """The row itself, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    state: Annotated[ReferralState, Group.RECORD]
    source_type: Annotated[SourceType | None, Group.REFERRAL_SOURCE]
    referring_organisation_id: Annotated[UUID | None, Group.REFERRAL_SOURCE]
    referred_on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
