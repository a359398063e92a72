"""Request bodies and replies of the placements API."""

from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from uuid import UUID

from pydantic import AfterValidator, Field, WithJsonSchema

from pathways.fields import PENNIES, Body, Day, Group, Line, Lines, MaybeReason, NeededLine, Paragraph, Penny, Schema
from pathways.jobseekers import placeholders
from pathways.jobseekers.schemas import HalfDaysOut, HalfDaysText, Hours, HoursOut, QualificationLevel
from pathways.placements.models import DbsLevel, PlacementKind, PlacementState, PlaceState, Remote, WordingBasis
from pathways.reference.pay import REMEDY, likely_meaning
from pathways.reference.wording import WordingNeed

MOST_POUNDS = 1000


def _is_pay_for_an_hour(pounds: Decimal) -> Decimal:
    if not 0 <= pounds <= MOST_POUNDS:
        meaning = f" The amount looks like {likely_meaning(pounds)}." if pounds > MOST_POUNDS else ""
        raise ValueError(f"Pay must be from 0 to {MOST_POUNDS:,} pounds an hour.{meaning} {REMEDY}")
    return pounds


Age = Annotated[int, Field(ge=14, le=120)]
Pounds = Annotated[
    Decimal,
    Penny,
    Field(max_digits=9, decimal_places=2),
    AfterValidator(_is_pay_for_an_hour),
    WithJsonSchema(PENNIES | {"minimum": 0, "maximum": MOST_POUNDS}),
]
PlacesNumber = Annotated[int, Field(ge=1, le=500)]


def _without_words_for_none(lines: list[str]) -> list[str]:
    """Return what is needed, without lines such as "none": they would be taken for a skill called "none"."""
    return [line for line in lines if not placeholders.is_no_requirement(line)]


Needed = Annotated[Lines, AfterValidator(_without_words_for_none)]


class PlacementFields(Body):
    """The optional fields of a placement; null means that the social enterprise did not state the field."""

    occupation: Line | None = None
    description: Paragraph | None = None
    essential_skills: Needed | None = None
    desirable_skills: Needed | None = None
    qualifications_needed: QualificationLevel | None = None
    licences_needed: Needed | None = None
    training_given: Needed | None = None
    postcode: Annotated[Line, Field(max_length=20)] | None = None
    remote: Remote | None = None
    half_days: HalfDaysText | None = None
    hours_per_week: Hours | None = None
    hours_flexible: bool | None = None
    starts_on: Day | None = None
    ends_on: Day | None = None
    closes_on: Day | None = None
    pay_per_hour_pounds: Pounds | None = None
    minimum_age: Age | None = None
    maximum_age: Age | None = None
    ring_fenced_for: Line | None = None
    legal_basis: Line | None = None
    dbs_level: DbsLevel | None = None
    right_to_work_needed: bool | None = None
    adjustments_offered: Lines | None = None
    environment: Lines | None = None
    support_offered: Lines | None = None
    contact_email: Line | None = None


class WordingToConfirm(Body):
    """Words of the advert that stay as they are, and why."""

    words: NeededLine = Field(description="The words, as the reply names them in wording.")
    basis: WordingBasis = Field(
        description="means_something_else: the words do not limit who may apply. The others are exceptions that the "
        "law allows. Each needs a reason."
    )
    reason: MaybeReason = Field(
        default="",
        description="Why the exception applies, or what the words mean here, in at least three words. "
        "Without it the confirmation is refused (409).",
    )


ConfirmedWording = Annotated[list[WordingToConfirm], Field(max_length=50)]


class PublishBody(Body):
    """What a person confirms when a placement is published. Leave it out if the advert has no wording to confirm."""

    confirm_wording: ConfirmedWording = Field(
        default=[], description="The words of the advert that a person has checked and keeps."
    )


class NewPlacement(PlacementFields):
    """The request body for creating a placement."""

    title: NeededLine
    kind: PlacementKind
    ref: Line | None = None
    places: PlacesNumber = 1


class PlacementChange(PlacementFields):
    """The request body for changing a placement; fields that are left out stay as they are."""

    title: NeededLine | None = None
    kind: PlacementKind | None = None
    places: PlacesNumber | None = Field(
        default=None, description="The total number of places wanted: free, held and filled places together."
    )
    confirm_wording: ConfirmedWording | None = Field(
        default=None, description="The words of the changed advert that a person has checked and keeps."
    )


class WordingOut(Schema):
    """Words of an advert that the law forbids or that a caseworker should see, with the law and the remedy."""

    words: Annotated[str, Group.RECORD] = Field(description="The words, as they stand in the advert.")
    kind: Annotated[str, Group.RECORD] = Field(description="What the words may limit, such as sex, age or unpaid work.")
    needs: Annotated[WordingNeed, Group.RECORD] = Field(
        description="What publishing needs: nothing (note), a confirmation, a change of the words, or a dbs level."
    )
    law: Annotated[str, Group.RECORD] = Field(description="The law that the words may break.")
    reason: Annotated[str, Group.RECORD] = Field(description="Why the words matter.")
    remedy: Annotated[str, Group.RECORD] = Field(description="What to write instead.")
    basis: Annotated[WordingBasis | None, Group.RECORD] = Field(
        description="Why a person keeps the words; null if nobody has confirmed them."
    )
    confirmed_because: Annotated[str | None, Group.RECORD] = Field(description="The reason that the person gave.")


class PlacementOut(Schema):
    """A placement as the API returns it."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    social_enterprise_id: Annotated[UUID, Group.RECORD]
    social_enterprise: Annotated[str, Group.RECORD]
    state: Annotated[PlacementState, Group.RECORD]
    title: Annotated[str, Group.RECORD]
    occupation: Annotated[str | None, Group.RECORD]
    kind: Annotated[PlacementKind, Group.RECORD]
    description: Annotated[str | None, Group.RECORD]
    essential_skills: Annotated[list[str] | None, Group.RECORD]
    desirable_skills: Annotated[list[str] | None, Group.RECORD]
    qualifications_needed: Annotated[str | None, Group.RECORD]
    licences_needed: Annotated[list[str] | None, Group.RECORD]
    training_given: Annotated[list[str] | None, Group.RECORD]
    postcode: Annotated[str | None, Group.RECORD]
    remote: Annotated[Remote | None, Group.RECORD]
    half_days: Annotated[HalfDaysOut, Group.RECORD]
    hours_per_week: Annotated[HoursOut | None, Group.RECORD]
    hours_flexible: Annotated[bool | None, Group.RECORD]
    starts_on: Annotated[date | None, Group.RECORD]
    ends_on: Annotated[date | None, Group.RECORD]
    closes_on: Annotated[date | None, Group.RECORD]
    pay_per_hour_pounds: Annotated[HoursOut | None, Group.RECORD]
    minimum_age: Annotated[int | None, Group.RECORD]
    maximum_age: Annotated[int | None, Group.RECORD]
    ring_fenced_for: Annotated[str | None, Group.RECORD]
    legal_basis: Annotated[str | None, Group.RECORD]
    dbs_level: Annotated[DbsLevel | None, Group.RECORD]
    right_to_work_needed: Annotated[bool | None, Group.RECORD]
    adjustments_offered: Annotated[list[str] | None, Group.RECORD]
    environment: Annotated[list[str] | None, Group.RECORD]
    support_offered: Annotated[list[str] | None, Group.RECORD]
    contact_email: Annotated[str | None, Group.RECORD]
    as_written: Annotated[dict[str, str] | None, Group.RECORD] = None
    confirmed_on: Annotated[date, Group.RECORD]
    reconfirm_by: Annotated[date, Group.RECORD]
    places: Annotated[int, Group.RECORD]
    places_left: Annotated[int, Group.RECORD]
    median_days_to_answer: Annotated[float | None, Group.RECORD] = Field(
        default=None,
        description="The median number of days that the social enterprise took to answer an introduction in the last "
        "year. Null if there are too few answers.",
    )
    possible_events: Annotated[list[str], Group.RECORD]
    kept_in_draft_because: Annotated[list[str], Group.RECORD]
    wording: Annotated[list[WordingOut], Group.RECORD] = Field(
        default=[], description="Words of the advert that the law forbids or that a caseworker should see."
    )
    notes: Annotated[list[str], Group.RECORD] = Field(
        default=[],
        description="What to know about the placement although it may be published, such as a rate of pay "
        "that is compared with the last verified minimum wage.",
    )
    questions: Annotated[list[str], Group.RECORD] = Field(
        default=[],
        description="For the social enterprise that listed it: what the listing leaves open. It ranks with less "
        "confidence until this is said.",
    )
    version: Annotated[int, Group.RECORD]


class PlaceOut(Schema):
    """One place of a placement. The jobseeker in the place is not named here, only in the introduction."""

    id: Annotated[UUID, Group.RECORD]
    number: Annotated[int, Group.RECORD]
    state: Annotated[PlaceState, Group.RECORD]
    held_until: Annotated[date | None, Group.RECORD]


class PlacesOut(Schema):
    """The places of one placement."""

    items: Annotated[list[PlaceOut], Group.RECORD]


def pence(pounds: Decimal | None) -> int | None:
    return None if pounds is None else int(pounds * 100)


def pounds(in_pence: int | None) -> Any:
    return None if in_pence is None else Decimal(in_pence) / 100
