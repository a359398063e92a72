"""What goes over the wire about shortlists."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, Group, Schema


class NewShortlist(Body):
    on: Day | None = Field(default=None, description="The day it is for; today when left out.")
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class ReasonOut(Schema):
    feature: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    effect: Annotated[str, Group.RECORD] = Field(description="for, against or unknown")


class CheckOut(Schema):
    rule: Annotated[str, Group.RECORD]
    result: Annotated[str, Group.RECORD] = Field(description="pass, fail or unknown")
    text: Annotated[str, Group.RECORD]


class TravelOut(Schema):
    km: Annotated[float, Group.RECORD]
    minutes_low: Annotated[int, Group.RECORD]
    minutes_high: Annotated[int, Group.RECORD]
    mode: Annotated[str, Group.RECORD]
    basis: Annotated[str, Group.RECORD] = Field(description="postcode, or outcode where only that is known")


class ChangeOut(Schema):
    about: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    score: Annotated[float | None, Group.RECORD] = Field(description="The score the pair would have then.")


class FlagOut(Schema):
    """Something for a benefits adviser; no placement is hidden for it."""

    benefit: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]


class MatchOut(Schema):
    rank: Annotated[int, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    jobseeker_reference: Annotated[str, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    score: Annotated[float, Group.RECORD] = Field(ge=0, le=1)
    score_low: Annotated[float | None, Group.RECORD] = Field(description="The score may well lie from here …")
    score_high: Annotated[float | None, Group.RECORD] = Field(description="… to here: four times in five.")
    jobseeker_side: Annotated[float | None, Group.RECORD] = Field(description="That the jobseeker wants it and starts.")
    placement_side: Annotated[float | None, Group.RECORD] = Field(description="That they are taken and it lasts.")
    propensity: Annotated[float | None, Group.RECORD] = Field(
        description="How likely the pair was to stand at this rank that day: under 1 where ties were drawn by lot."
    )
    confidence: Annotated[str, Group.RECORD] = Field(description="low, medium or high")
    reasons: Annotated[list[ReasonOut], Group.RECORD]
    what_would_lift_it: Annotated[list[ChangeOut], Group.RECORD]
    benefit_flags: Annotated[list[FlagOut], Group.RECORD]
    checks: Annotated[list[CheckOut], Group.RECORD]
    travel: Annotated[TravelOut | None, Group.RECORD]
    places_left: Annotated[int, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]


class RefusalOut(Schema):
    placement_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    checks: Annotated[list[CheckOut], Group.RECORD]
    what_would_change_it: Annotated[list[str], Group.RECORD]


class RefusedPage(Schema):
    items: Annotated[list[RefusalOut], Group.RECORD]
    next: Annotated[str | None, Group.RECORD]


class BelowOut(Schema):
    rank: Annotated[int, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    jobseeker_reference: Annotated[str, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    score: Annotated[float, Group.RECORD]
    confidence: Annotated[str, Group.RECORD]


class BelowPage(Schema):
    items: Annotated[list[BelowOut], Group.RECORD]
    next: Annotated[str | None, Group.RECORD]


class ProfileUsed(Schema):
    """Which version of the profile was read."""

    number: Annotated[int, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]


class ShortlistOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID | None, Group.RECORD]
    placement_id: Annotated[UUID | None, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
    profile: Annotated[ProfileUsed | None, Group.RECORD]
    seed: Annotated[str | None, Group.RECORD] = Field(description="Of the lots that ordered ties.")
    looked_at: Annotated[int, Group.RECORD]
    eligible: Annotated[int, Group.RECORD]
    matches: Annotated[list[MatchOut], Group.RECORD]
    refused: Annotated[int, Group.RECORD]
    refused_by_rule: Annotated[dict[str, int], Group.RECORD]
    nearest_refusals: Annotated[list[RefusalOut], Group.RECORD]
    withheld: Annotated[int, Group.RECORD] = Field(
        description="Reasons and checks that today's policy does not show you."
    )
    note: Annotated[str, Group.RECORD] = (
        "A shortlist advises; a caseworker and the jobseeker decide. Nobody is excluded by a rank."
    )


class ShortlistLine(Schema):
    id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    eligible: Annotated[int, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]


class ShortlistRecord(Schema):
    """The ranking, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    shown_on: Annotated[date, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
    looked_at: Annotated[int, Group.RECORD]
    eligible: Annotated[int, Group.RECORD]
    refused_by_rule: Annotated[dict[str, int], Group.RECORD]


class MatchRecord(Schema):
    """One shown pair, for the extract."""

    id: Annotated[UUID, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    rank: Annotated[int, Group.RECORD]
    score: Annotated[float, Group.RECORD]
    confidence: Annotated[str, Group.RECORD]
    checks: Annotated[list[list[str]] | None, Group.WORK]


class OpenedOut(Schema):
    placement_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]


class JobseekerUnlockLine(Schema):
    kind: Annotated[str, Group.RECORD]
    what: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    opens: Annotated[int, Group.RECORD] = Field(description="Placements that are not a good match now and would be.")
    settles: Annotated[int, Group.RECORD] = Field(description="Placements with one open question less.")
    placements: Annotated[list[OpenedOut], Group.RECORD] = Field(description="The first twenty that would open.")


class JobseekerUnlockOut(Schema):
    jobseeker_id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
    good_score: Annotated[float, Group.RECORD] = Field(description="From which a match is called good (dated table).")
    withheld: Annotated[int, Group.RECORD]
    items: Annotated[list[JobseekerUnlockLine], Group.RECORD]


class PlacementUnlockLine(Schema):
    rule: Annotated[str, Group.RECORD]
    people: Annotated[int, Group.RECORD]
    suitable: Annotated[int, Group.RECORD]
    text: Annotated[str, Group.RECORD]


class PlacementUnlockOut(Schema):
    placement_id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    looked_at: Annotated[int, Group.RECORD]
    good_score: Annotated[float, Group.RECORD]
    items: Annotated[list[PlacementUnlockLine], Group.RECORD]


class CaseloadUnlockLine(Schema):
    kind: Annotated[str, Group.RECORD]
    what: Annotated[str, Group.RECORD]
    people: Annotated[int, Group.RECORD]
    matches: Annotated[int, Group.RECORD]
    text: Annotated[str, Group.RECORD]


class CaseloadUnlockOut(Schema):
    on: Annotated[date, Group.RECORD]
    looked_at: Annotated[int, Group.RECORD]
    good_score: Annotated[float, Group.RECORD]
    items: Annotated[list[CaseloadUnlockLine], Group.RECORD]
