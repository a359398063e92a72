"""Bodies and replies about referrals."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator

from pathways.fields import Body, Day, Group, Line, NeededLine, Paragraph, Schema, against_the_rule
from pathways.jobseekers.models import JobseekerState
from pathways.jobseekers.schemas import DetailsBody, DetailsFields, ProfileBody, ProfileFields, Warned
from pathways.jobseekers.search_schemas import MAY_BE, MayBe
from pathways.reference.days import PastDay
from pathways.referrals.models import AGREED_STAGES, ProgressStage, ReferralState, SourceType


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
    permission_recorded_on: PastDay | None = None


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
    referred_on: PastDay
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


AgreedStage = Literal["met", "started_programme", "started_work", "left_work", "left_programme"]


class NewProgressPermission(Body):
    """What the jobseeker agreed that the referrer may read of their progress. It replaces what was agreed before."""

    stages: Annotated[list[AgreedStage], Field(max_length=len(AGREED_STAGES))] = Field(
        description="The stages that the referrer may read. An empty list revokes the permission."
    )
    names_workplace: bool = Field(
        default=False,
        description="Whether the referrer may also read where the jobseeker works. It needs the stage"
        " ``started_work``.",
    )
    how_given: NeededLine
    valid_on: PastDay | None = None

    @model_validator(mode="after")
    def _workplace_needs_its_stage(self) -> Self:
        if self.names_workplace and ProgressStage.STARTED_WORK not in self.stages:
            raise against_the_rule("names_workplace needs the stage started_work. Add the stage or leave it out.")
        return self


class ProgressPermissionOut(Schema):
    """What the jobseeker agreed that the referrer may read of their progress."""

    id: Annotated[UUID, Group.RECORD]
    referral_id: Annotated[UUID, Group.RECORD] = Field(description="The referral whose referrer may read the progress.")
    stages: Annotated[list[str], Group.RECORD] = Field(description="The stages that the referrer may read.")
    names_workplace: Annotated[bool, Group.RECORD] = Field(
        description="Whether the referrer may also read where the jobseeker works."
    )
    how_given: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class ProgressLine(Schema):
    """One thing that became of a referral or its person, as the referrer reads it."""

    stage: Annotated[ProgressStage, Group.RECORD] = Field(description="How far the referral or the person has come.")
    on: Annotated[date, Group.RECORD] = Field(description="The day on which it happened.")
    text: Annotated[str, Group.RECORD] = Field(description="What happened, as a sentence.")


class EarlierReferral(Schema):
    """An earlier referral of the same person."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    referred_on: Annotated[date, Group.RECORD]
    state: Annotated[ReferralState, Group.RECORD]


OF_CONVICTIONS = frozenset({SourceType.PROBATION})


def groups_by_source(group_of: Mapping[str, Group], source_type: SourceType | None) -> Mapping[str, Group]:
    """Return the group of each field: who made a referral by probation belongs to convictions."""
    if source_type not in OF_CONVICTIONS:
        return group_of
    return {name: Group.CONVICTIONS if group is Group.REFERRAL_SOURCE else group for name, group in group_of.items()}


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
    progress: Annotated[list[ProgressLine] | None, Group.WORK] = Field(
        default=None,
        description="What became of the referral and its person, oldest first: exactly what the referrer may read. "
        "Beyond received, accepted, declined and closed, the jobseeker's agreement decides.",
    )
    nobody_notified: Annotated[str | None, Group.NOTES] = Field(
        default=None, description="If no referrer can read that the referral was accepted or declined: what to do."
    )
    declined_because: Annotated[str | None, Group.REFERRAL_SOURCE] = Field(
        default=None, description="Why the partner declined the referral, written for the referrer."
    )
    referrer_may_read: Annotated[list[ProgressStage] | None, Group.NOTES] = Field(
        default=None,
        description="The stages that the jobseeker agreed the referrer may read. Visible to the partner only.",
    )
    warnings: Annotated[list[Warned], Group.RECORD] = []
    may_be: MayBe = MAY_BE
    withheld: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]

    def groups_by_value(self) -> Mapping[str, Group]:
        """Return the group of each field, which the kind of the referring organisation may decide."""
        return groups_by_source(self.group_of, self.source_type)


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
    progress: Annotated[list[ProgressLine] | None, Group.WORK] = Field(
        default=None, description="What became of the referral and its person. Only referrers read it in a list."
    )

    def groups_by_value(self) -> Mapping[str, Group]:
        """Return the group of each field, which the kind of the referring organisation may decide."""
        return groups_by_source(self.group_of, self.source_type)


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
