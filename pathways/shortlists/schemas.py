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


class MatchOut(Schema):
    rank: Annotated[int, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    jobseeker_reference: Annotated[str, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    score: Annotated[float, Group.RECORD] = Field(ge=0, le=1)
    confidence: Annotated[str, Group.RECORD] = Field(description="low, medium or high")
    reasons: Annotated[list[ReasonOut], Group.RECORD]
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


class ShortlistOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID | None, Group.RECORD]
    placement_id: Annotated[UUID | None, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
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
