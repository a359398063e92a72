"""Request bodies and replies of shortlists, and records for the copy of their data that a jobseeker receives."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, Group, Schema


class NewShortlist(Body):
    """The request body for making a shortlist."""

    on: Day | None = Field(default=None, description="The day the shortlist is for. If left out: today.")
    limit: Annotated[int, Field(ge=1, le=100)] = 20


class ReasonOut(Schema):
    """One reason for or against a match, or one fact that is not known."""

    feature: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    effect: Annotated[str, Group.RECORD] = Field(description="The effect on the score: for, against or unknown.")


class CheckOut(Schema):
    """The result of one eligibility check of a pair."""

    rule: Annotated[str, Group.RECORD]
    result: Annotated[str, Group.RECORD] = Field(description="The result of the check: pass, fail or unknown.")
    text: Annotated[str, Group.RECORD]


class TravelOut(Schema):
    """The estimated journey from the jobseeker's home to the placement."""

    km: Annotated[float, Group.RECORD]
    minutes_low: Annotated[int, Group.RECORD]
    minutes_high: Annotated[int, Group.RECORD]
    mode: Annotated[str, Group.RECORD]
    basis: Annotated[str, Group.RECORD] = Field(
        description="What the estimate is based on: postcode, or outcode if only the first half of a postcode is known."
    )
    timetable_on: Annotated[date | None, Group.RECORD] = Field(
        default=None,
        description="The day on which the timetable was loaded that the minutes are from. Null: they are estimated "
        "from the straight-line distance.",
    )
    changes: Annotated[int | None, Group.RECORD] = Field(
        default=None, description="How often to change, by the timetable. Null if the minutes are estimated."
    )


class ChangeOut(Schema):
    """A change that would raise the score of a match."""

    about: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    score: Annotated[float | None, Group.RECORD] = Field(description="The score of the pair after the change.")


class FlagOut(Schema):
    """A point to check with a benefits adviser; it never removes a placement from a shortlist."""

    benefit: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    is_over_limit: Annotated[bool | None, Group.RECORD] = Field(
        default=False,
        description="Whether the placement is over a limit of the benefit on hours or pay. Null if its hours or pay "
        "are not known. Work within a limit is flagged too, because it has to be reported.",
    )
    source: Annotated[str, Group.RECORD] = Field(default="", description="Where the text and the limits come from.")
    since: Annotated[date | None, Group.RECORD] = Field(
        default=None, description="The first day on which the text and the limits were in force."
    )


class MatchOut(Schema):
    """One ranked pair of a jobseeker and a placement, with its score and reasons."""

    rank: Annotated[int, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    jobseeker_reference: Annotated[str, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    score: Annotated[float, Group.RECORD] = Field(ge=0, le=1)
    score_low: Annotated[float | None, Group.RECORD] = Field(
        description="The lower end of the 80 % range: in four cases out of five, the true score is in the range."
    )
    score_high: Annotated[float | None, Group.RECORD] = Field(
        description="The upper end of the 80 % range: in four cases out of five, the true score is in the range."
    )
    jobseeker_side: Annotated[float | None, Group.RECORD] = Field(
        description="The estimated probability that the jobseeker wants the placement and starts it."
    )
    placement_side: Annotated[float | None, Group.RECORD] = Field(
        description="The estimated probability that the jobseeker is taken on and the placement lasts."
    )
    propensity: Annotated[float | None, Group.RECORD] = Field(
        description="The probability that this match got its rank; below 1 if near-equal scores are ordered at random."
    )
    confidence: Annotated[str, Group.RECORD] = Field(
        description="How sure it is that this place and others of the list stand in the right order: low, medium or "
        "high. It falls with each fact that is not known."
    )
    reasons: Annotated[list[ReasonOut], Group.RECORD]
    what_would_lift_it: Annotated[list[ChangeOut], Group.RECORD]
    benefit_flags: Annotated[list[FlagOut], Group.RECORD]
    checks: Annotated[list[CheckOut], Group.RECORD]
    travel: Annotated[TravelOut | None, Group.RECORD]
    places_left: Annotated[int, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]


class RefusalOut(Schema):
    """A pair that at least one check refused, with the changes that would make it eligible."""

    placement_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    checks: Annotated[list[CheckOut], Group.RECORD]
    what_would_change_it: Annotated[list[str], Group.RECORD]


class WorthAskingOut(RefusalOut):
    """A refused pair that would be among the first five, if what one check refused could be agreed."""

    question: Annotated[str, Group.RECORD] = Field(description="What to ask, and whom.")
    would_rank: Annotated[int, Group.RECORD] = Field(description="The rank that the placement would have.")


class RefusedPage(Schema):
    """One page of refused pairs."""

    items: Annotated[list[RefusalOut], Group.RECORD]
    next: Annotated[str | None, Group.RECORD]


class BelowOut(Schema):
    """An eligible pair that was ranked below the limit of the shortlist."""

    rank: Annotated[int, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID, Group.RECORD]
    jobseeker_reference: Annotated[str, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    score: Annotated[float, Group.RECORD]
    confidence: Annotated[str, Group.RECORD]


class BelowPage(Schema):
    """One page of pairs ranked below the limit."""

    items: Annotated[list[BelowOut], Group.RECORD]
    next: Annotated[str | None, Group.RECORD]


class ProfileUsed(Schema):
    """The version of the jobseeker's profile that the ranking used."""

    number: Annotated[int, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]


class ShortlistOut(Schema):
    """A shortlist with its matches, its counts and the refused pairs that are nearest to being eligible."""

    id: Annotated[UUID, Group.RECORD]
    jobseeker_id: Annotated[UUID | None, Group.RECORD]
    placement_id: Annotated[UUID | None, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
    profile: Annotated[ProfileUsed | None, Group.RECORD]
    seed: Annotated[str | None, Group.RECORD] = Field(
        description="The seed of the random tie-break that ordered equal and nearly equal scores."
    )
    looked_at: Annotated[int, Group.RECORD]
    eligible: Annotated[int, Group.RECORD]
    matches: Annotated[list[MatchOut], Group.RECORD]
    refused: Annotated[int, Group.RECORD]
    refused_by_rule: Annotated[dict[str, int], Group.RECORD]
    nearest_refusals: Annotated[list[RefusalOut], Group.RECORD]
    worth_asking: Annotated[list[WorthAskingOut], Group.RECORD] = Field(
        default=[],
        description="Up to three refused placements that would be among the first five, if hours, half-days, the "
        "journey or the start could be agreed. Empty on a placement's shortlist, and on one made before this was kept.",
    )
    withheld: Annotated[int, Group.RECORD] = Field(
        description="The number of reasons and checks left out, because you are not permitted to read them today."
    )
    note: Annotated[str, Group.RECORD] = (
        "A shortlist is advice. The caseworker and the jobseeker decide. A low rank rules no placement out."
    )


class ShortlistLine(Schema):
    """The summary of one shortlist in a list of shortlists, without its matches."""

    id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    eligible: Annotated[int, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]


class ShortlistRecord(Schema):
    """A shortlist in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    shown_on: Annotated[date, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
    looked_at: Annotated[int, Group.RECORD]
    eligible: Annotated[int, Group.RECORD]
    refused_by_rule: Annotated[dict[str, int], Group.RECORD]


class SafetyReviewRecord(Schema):
    """A caseworker's finding that a placement is safe, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    reason: Annotated[str | None, Group.SAFETY]
    recorded_at: Annotated[datetime, Group.RECORD]


class MatchRecord(Schema):
    """A match in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    placement_id: Annotated[UUID, Group.RECORD]
    rank: Annotated[int, Group.RECORD]
    score: Annotated[float, Group.RECORD]
    confidence: Annotated[str, Group.RECORD]
    checks: Annotated[list[list[str]] | None, Group.WORK]


class OpenedOut(Schema):
    """A placement that would become a good match after a change."""

    placement_id: Annotated[UUID, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]


class JobseekerUnlockLine(Schema):
    """One possible change for a jobseeker, with the placements that would become good matches."""

    kind: Annotated[str, Group.RECORD]
    what: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]
    opens: Annotated[int, Group.RECORD] = Field(
        description="The number of placements that are not good matches now but would be after the change."
    )
    settles: Annotated[int, Group.RECORD] = Field(
        description="The number of eligible placements for which the jobseeker's answer supplies missing information."
    )
    placements: Annotated[list[OpenedOut], Group.RECORD] = Field(
        description="The first 20 placements that would become good matches."
    )


class JobseekerUnlockOut(Schema):
    """Changes that, each made alone, would turn the most placements into good matches for a jobseeker."""

    jobseeker_id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    model_version: Annotated[str, Group.RECORD]
    good_score: Annotated[float, Group.RECORD] = Field(description="The lowest score that counts as a good match.")
    withheld: Annotated[int, Group.RECORD]
    items: Annotated[list[JobseekerUnlockLine], Group.RECORD]


class PlacementUnlockLine(Schema):
    """One requirement of a placement, with the number of jobseekers who fail only the check of this requirement."""

    rule: Annotated[str, Group.RECORD]
    people: Annotated[int, Group.RECORD]
    suitable: Annotated[int, Group.RECORD]
    text: Annotated[str, Group.RECORD]


class PlacementUnlockOut(Schema):
    """The requirements of a placement, by the number of suitable jobseekers who fail only that requirement."""

    placement_id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD]
    looked_at: Annotated[int, Group.RECORD]
    good_score: Annotated[float, Group.RECORD]
    items: Annotated[list[PlacementUnlockLine], Group.RECORD]


class CaseloadUnlockLine(Schema):
    """One kind of training or support, with the number of good matches it would add."""

    kind: Annotated[str, Group.RECORD]
    what: Annotated[str, Group.RECORD]
    people: Annotated[int, Group.RECORD]
    matches: Annotated[int, Group.RECORD]
    text: Annotated[str, Group.RECORD]


class CaseloadUnlockOut(Schema):
    """The kinds of training or support that would add the most good matches across a caseload."""

    on: Annotated[date, Group.RECORD]
    looked_at: Annotated[int, Group.RECORD]
    good_score: Annotated[float, Group.RECORD]
    items: Annotated[list[CaseloadUnlockLine], Group.RECORD]
