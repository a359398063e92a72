"""Bodies and replies about jobseekers. The group of a field decides who may read it. A blank value means unknown."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainSerializer, StringConstraints, WithJsonSchema, model_validator

from pathways.fields import EARLIEST, LATEST, Body, Day, GivenReason, Group, Line, Lines, NeededLine, Paragraph, Schema
from pathways.jobseekers.models import (
    ContactHow,
    ContactOutcome,
    ContactWith,
    EverPaidWork,
    ExclusionKind,
    JobseekerState,
    RightToWork,
    SupporterRole,
    WordKind,
)
from pathways.jobseekers.search_schemas import MAY_BE, MayBe
from pathways.reference import half_days
from pathways.reference.days import EarliestStart, PastDay

HALF_DAY = "(mon|tue|wed|thu|fri|sat|sun) (am|pm|eve|all day)"
HalfDaysText = Annotated[str, StringConstraints(max_length=400, pattern=f"^{HALF_DAY}(; {HALF_DAY})*$")]
Hours = Annotated[
    Decimal,
    Field(ge=0, le=168, max_digits=5, decimal_places=2),
    WithJsonSchema({"type": "number", "minimum": 0, "maximum": 168, "multipleOf": 0.25}),
]
RadiusKm = Annotated[
    Decimal,
    Field(gt=0, le=100, max_digits=5, decimal_places=2),
    WithJsonSchema({"type": "number", "exclusiveMinimum": 0, "maximum": 100, "multipleOf": 0.25}),
]
Identifier = Annotated[str, StringConstraints(max_length=300, pattern=r"^[^*\x00-\x1f\x7f]*$")]
BirthYear = Annotated[int, Field(ge=EARLIEST.year, le=LATEST.year)]
Minutes = Annotated[int, Field(ge=0, le=600)]
Mode = Literal["walk", "bicycle", "bus", "tube", "train", "car"]
QualificationLevel = Literal["E1", "E2", "E3", "1", "2", "3", "4", "5", "6", "7", "8"]
Teller = Literal["jobseeker", "referrer", "caseworker", "supporter"]


def _text_of(value: Any) -> Any:
    return half_days.text_of(value) if isinstance(value, int) else value


HalfDaysOut = Annotated[str | None, BeforeValidator(_text_of)]
HoursOut = Annotated[
    Decimal, PlainSerializer(float, return_type=float), WithJsonSchema({"type": "number"}, mode="serialization")
]


class Warned(Schema):
    """A warning about a value that looks wrong: the field, and a text that says what is wrong."""

    field: Annotated[str, Group.RECORD]
    text: Annotated[str, Group.RECORD]


class DetailsBody(Body):
    """Identity and contact details. A value in an unusual format is saved, and the reply contains a warning."""

    given_name: Line | None = None
    family_name: Line | None = None
    known_as: Line | None = None
    date_of_birth: Day | None = None
    birth_year: BirthYear | None = None
    nino: Identifier | None = Field(
        default=None, description="The whole NI number. A masked number, like those in replies, is refused."
    )
    nhs_number: Identifier | None = None
    council_person_id: Line | None = None
    email: Line | None = None
    phone: Line | None = None
    postcode: Line | None = None
    contact_withheld_reason: Line | None = None
    safe_contact: Line | None = None
    language: Line | None = None
    interpreter_needed: bool | None = None


class NewJobseeker(DetailsBody):
    """The request body for recording a new jobseeker."""

    is_restricted: bool = False


class JobseekerChange(DetailsBody):
    """The request body for changing a jobseeker's details. A field that is left out keeps its value."""

    is_restricted: bool | None = None


class DetailsFields(Schema):
    """Identity and contact details in a reply, with NI and NHS numbers masked."""

    given_name: Annotated[str | None, Group.IDENTITY] = None
    family_name: Annotated[str | None, Group.IDENTITY] = None
    known_as: Annotated[str | None, Group.IDENTITY] = None
    date_of_birth: Annotated[date | None, Group.IDENTITY] = None
    birth_year: Annotated[int | None, Group.IDENTITY] = None
    nino: Annotated[str | None, Group.IDENTITY] = None
    nhs_number: Annotated[str | None, Group.HEALTH] = None
    council_person_id: Annotated[str | None, Group.REFERRAL_SOURCE] = None
    email: Annotated[str | None, Group.CONTACT] = None
    phone: Annotated[str | None, Group.CONTACT] = None
    postcode: Annotated[str | None, Group.CONTACT] = None
    contact_withheld_reason: Annotated[str | None, Group.CONVICTIONS] = None
    safe_contact: Annotated[str | None, Group.CONTACT] = None
    language: Annotated[str | None, Group.CONTACT] = None
    interpreter_needed: Annotated[bool | None, Group.CONTACT] = None
    as_written: Annotated[dict[str, str] | None, Group.RECORD] = None


class JobseekerOut(DetailsFields):
    """A jobseeker's record, with the fields that this actor may read."""

    id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    state: Annotated[JobseekerState, Group.RECORD]
    is_restricted: Annotated[bool, Group.RECORD]
    caseworker_id: Annotated[UUID | None, Group.RECORD]
    programme_id: Annotated[UUID | None, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    has_known_place: Annotated[bool, Group.RECORD]
    is_contact_withheld: Annotated[bool | None, Group.CONTACT] = Field(
        description="Whether address and telephone must not be shared. Before any contact, ask the caseworker why."
    )
    possible_events: Annotated[list[str], Group.RECORD]
    warnings: Annotated[list[Warned], Group.RECORD] = []
    may_be: MayBe = MAY_BE
    withheld: Annotated[list[str], Group.RECORD] = []
    version: Annotated[int, Group.RECORD]


class JobseekerLine(Schema):
    """One line of a list of jobseekers."""

    id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    given_name: Annotated[str | None, Group.IDENTITY]
    family_name: Annotated[str | None, Group.IDENTITY]
    state: Annotated[JobseekerState, Group.RECORD]
    is_restricted: Annotated[bool, Group.RECORD]
    caseworker_id: Annotated[UUID | None, Group.RECORD]
    programme_id: Annotated[UUID | None, Group.RECORD]


class DetailsOut(DetailsFields):
    """One version of identity and contact details, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class JobseekerRecord(Schema):
    """The jobseeker's record itself, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    reference: Annotated[str, Group.RECORD]
    state: Annotated[JobseekerState, Group.RECORD]
    is_restricted: Annotated[bool, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]


class KeyRecord(Schema):
    """A keyed hash that finds other records of a person, in the copy of their data that a jobseeker receives."""

    id: Annotated[int, Group.RECORD]


class RestrictionRecord(Schema):
    """The restriction of a case, or its lifting, in the copy of their data that a jobseeker receives."""

    is_restricted: Annotated[bool, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class MergeRecord(Schema):
    """A merge of two records, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    merged_id: Annotated[UUID, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]
    filled: Annotated[list[str], Group.RECORD]
    is_withdrawal: Annotated[bool, Group.RECORD]


class ProfileBody(Body):
    """A whole vocational profile. A field that is left out is recorded as unknown."""

    ever_paid_work: EverPaidWork | None = None
    right_to_work: RightToWork | None = None
    aspirations: Lines | None = None
    avoid: Lines | None = None
    interests: Lines | None = None
    strengths: Lines | None = None
    skills: Lines | None = None
    qualification_level: QualificationLevel | None = None
    licences: Lines | None = None
    hours_min: Hours | None = None
    hours_max: Hours | None = None
    half_days: HalfDaysText | None = None
    earliest_start_on: EarliestStart | None = None
    travel_modes: Annotated[list[Mode], Field(max_length=6)] | None = None
    max_travel_minutes: Minutes | None = None
    can_travel_alone: bool | None = None
    adjustments: Lines | None = None
    environment: Lines | None = None
    benefits: Lines | None = None


class ExperienceBody(Body):
    """One experience of the jobseeker, in plain words."""

    kind: Literal["life", "school", "caring", "volunteering", "work"]
    text: NeededLine


class NewProfile(ProfileBody):
    """The request body for writing a new version of the vocational profile."""

    said_by: Annotated[dict[str, Teller], Field(max_length=30)] = Field(
        default_factory=dict,
        description="For each field name, who gave the value: jobseeker, referrer, caseworker or supporter.",
    )
    agreed_on: PastDay | None = Field(default=None, description="The day on which the jobseeker agreed to the profile.")
    agreed_by: Line | None = Field(
        default=None, description="Who agreed to the profile. Leave blank if only the jobseeker agreed."
    )
    own_words: Paragraph | None = None
    note: Paragraph | None = None
    experiences: Annotated[list[ExperienceBody], Field(max_length=60)] | None = Field(
        default=None,
        description="Life, school, caring, volunteering and work experience. Shortlists use skills inferred from it.",
    )
    barriers: Lines | None = Field(
        default=None, description="Barriers to work that are not yet solved, in the jobseeker's own words."
    )
    valid_on: PastDay | None = None


class ProfileFields(Schema):
    """The fields of the vocational profile in a reply."""

    ever_paid_work: Annotated[EverPaidWork | None, Group.WORK] = None
    right_to_work: Annotated[RightToWork | None, Group.RIGHT_TO_WORK] = None
    aspirations: Annotated[list[str] | None, Group.WORK] = None
    avoid: Annotated[list[str] | None, Group.WORK] = None
    interests: Annotated[list[str] | None, Group.WORK] = None
    strengths: Annotated[list[str] | None, Group.WORK] = None
    skills: Annotated[list[str] | None, Group.WORK] = None
    qualification_level: Annotated[str | None, Group.WORK] = None
    licences: Annotated[list[str] | None, Group.WORK] = None
    hours_min: Annotated[HoursOut | None, Group.WORK] = None
    hours_max: Annotated[HoursOut | None, Group.WORK] = None
    half_days: Annotated[HalfDaysOut | None, Group.WORK] = None
    earliest_start_on: Annotated[date | None, Group.WORK] = None
    travel_modes: Annotated[list[str] | None, Group.WORK] = None
    max_travel_minutes: Annotated[int | None, Group.WORK] = None
    can_travel_alone: Annotated[bool | None, Group.HEALTH] = None
    adjustments: Annotated[list[str] | None, Group.HEALTH] = None
    environment: Annotated[list[str] | None, Group.WORK] = None
    benefits: Annotated[list[str] | None, Group.BENEFITS] = None


class ProfileOut(ProfileFields):
    """One version of the vocational profile, with the fields that this actor may read."""

    id: Annotated[UUID, Group.RECORD]
    number: Annotated[int, Group.RECORD]
    said_by: Annotated[dict[str, str] | None, Group.WORK]
    agreed_on: Annotated[date | None, Group.RECORD]
    agreed_by: Annotated[str | None, Group.NOTES]
    own_words: Annotated[str | None, Group.NOTES]
    note: Annotated[str | None, Group.NOTES]
    experiences: Annotated[list[dict[str, str]] | None, Group.NOTES]
    barriers: Annotated[list[str] | None, Group.NOTES]
    skills_shown: Annotated[list[dict[str, str]] | None, Group.NOTES] = Field(
        default=None,
        description="Skills inferred from the experiences, each with the words that show it."
        " Shortlists use these skills.",
    )
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]
    source: Annotated[str, Group.RECORD]
    withheld: Annotated[list[str], Group.RECORD] = []


class NewSafetyExclusion(Body):
    """The request body for recording a safety exclusion. A field that the kind does not use is refused."""

    kind: ExclusionKind
    social_enterprise_id: UUID | None = Field(default=None, description="For an organisation: the social enterprise.")
    who: Line | None = Field(default=None, description="For a person: their name, their e-mail address, or both.")
    postcode: Annotated[Line, Field(max_length=20)] | None = Field(
        default=None, description="For an area: the full postcode of its centre. The first part alone is refused."
    )
    radius_km: RadiusKm | None = Field(default=None, description="For an area: the radius around its centre, in km.")
    reason: GivenReason


class SafetyExclusionOut(Schema):
    """A safety exclusion, with the fields that this actor may read."""

    id: Annotated[UUID, Group.RECORD]
    kind: Annotated[ExclusionKind | None, Group.SAFETY]
    social_enterprise_id: Annotated[UUID | None, Group.SAFETY]
    who: Annotated[str | None, Group.SAFETY]
    postcode: Annotated[str | None, Group.SAFETY]
    radius_km: Annotated[float | None, Group.SAFETY]
    reason: Annotated[str | None, Group.SAFETY]
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]


class NewConfirmedWord(Body):
    """The request body for saying what the words mean: an entry (``uri``), no entry, or what they do not mean."""

    kind: WordKind
    text: NeededLine
    uri: Line | None = Field(default=None, description="The taxonomy entry that fits. Leave it out if no entry fits.")
    not_meant: NeededLine | None = Field(
        default=None,
        description="The title of a listing, or a skill that a listing asks for, that the words do not mean. Listings "
        "with this title, with another name of it, or with this skill then get no credit for these words. Give it "
        "without a uri.",
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if self.uri is not None and self.not_meant is not None:
            raise ValueError("Give either uri (what the words mean) or not_meant (what they do not mean), not both.")
        return self


class ConfirmedWordOut(Schema):
    """What a caseworker said that the jobseeker's words mean or do not mean, and the entries that were offered."""

    id: Annotated[UUID, Group.RECORD]
    kind: Annotated[WordKind, Group.RECORD]
    text: Annotated[str | None, Group.WORK]
    uri: Annotated[str | None, Group.WORK]
    label: Annotated[str | None, Group.WORK]
    not_meant: Annotated[str | None, Group.WORK]
    offered: Annotated[list[dict[str, Any]] | None, Group.WORK]
    valid_on: Annotated[date, Group.RECORD]
    by: Annotated[UUID, Group.RECORD]


PREFER_NOT = "prefer_not_to_say"
NOT_ASKED = "not_asked"


class EthnicGroup(StrEnum):
    """Answers to the GSS harmonised question on ethnic group for England and Wales (2021 version)."""

    WHITE_BRITISH = "white_english_welsh_scottish_northern_irish_or_british"
    WHITE_IRISH = "white_irish"
    WHITE_GYPSY_OR_IRISH_TRAVELLER = "white_gypsy_or_irish_traveller"
    WHITE_ROMA = "white_roma"
    WHITE_OTHER = "white_other"
    MIXED_WHITE_AND_BLACK_CARIBBEAN = "mixed_white_and_black_caribbean"
    MIXED_WHITE_AND_BLACK_AFRICAN = "mixed_white_and_black_african"
    MIXED_WHITE_AND_ASIAN = "mixed_white_and_asian"
    MIXED_OTHER = "mixed_other"
    ASIAN_INDIAN = "asian_indian"
    ASIAN_PAKISTANI = "asian_pakistani"
    ASIAN_BANGLADESHI = "asian_bangladeshi"
    ASIAN_CHINESE = "asian_chinese"
    ASIAN_OTHER = "asian_other"
    BLACK_CARIBBEAN = "black_caribbean"
    BLACK_AFRICAN = "black_african"
    BLACK_OTHER = "black_other"
    ARAB = "arab"
    OTHER = "any_other"
    PREFER_NOT_TO_SAY = PREFER_NOT
    NOT_ASKED = NOT_ASKED


class YesNo(StrEnum):
    """An answer to a monitoring question that is answered with yes or no."""

    YES = "yes"
    NO = "no"
    PREFER_NOT_TO_SAY = PREFER_NOT
    NOT_ASKED = NOT_ASKED


class Reduces(StrEnum):
    """Whether a long-term condition reduces the ability to carry out day-to-day activities."""

    A_LOT = "yes_a_lot"
    A_LITTLE = "yes_a_little"
    NOT_AT_ALL = "not_at_all"
    PREFER_NOT_TO_SAY = PREFER_NOT
    NOT_ASKED = NOT_ASKED


class Sex(StrEnum):
    """Sex (GSS harmonised question)."""

    FEMALE = "female"
    MALE = "male"
    PREFER_NOT_TO_SAY = PREFER_NOT
    NOT_ASKED = NOT_ASKED


class GenderIdentity(StrEnum):
    """Whether the person's gender is the same as the sex registered at birth (GSS harmonised question)."""

    SAME_AS_BIRTH = "same_as_registered_at_birth"
    DIFFERENT = "different_from_registered_at_birth"
    PREFER_NOT_TO_SAY = PREFER_NOT
    NOT_ASKED = NOT_ASKED


class SexualOrientation(StrEnum):
    """Sexual orientation (GSS harmonised question)."""

    STRAIGHT = "straight_or_heterosexual"
    GAY_OR_LESBIAN = "gay_or_lesbian"
    BISEXUAL = "bisexual"
    OTHER = "other"
    PREFER_NOT_TO_SAY = PREFER_NOT
    NOT_ASKED = NOT_ASKED


class Religion(StrEnum):
    """Religion (GSS harmonised question)."""

    NONE = "no_religion"
    CHRISTIAN = "christian"
    BUDDHIST = "buddhist"
    HINDU = "hindu"
    JEWISH = "jewish"
    MUSLIM = "muslim"
    SIKH = "sikh"
    OTHER = "other"
    PREFER_NOT_TO_SAY = PREFER_NOT
    NOT_ASKED = NOT_ASKED


class NewMonitoring(Body):
    """The request body for recording answers to the equality monitoring questions."""

    ethnic_group: EthnicGroup = EthnicGroup.NOT_ASKED
    long_term_condition: YesNo = YesNo.NOT_ASKED
    condition_reduces_activity: Reduces = Reduces.NOT_ASKED
    sex: Sex = Sex.NOT_ASKED
    gender_identity: GenderIdentity = GenderIdentity.NOT_ASKED
    sexual_orientation: SexualOrientation = SexualOrientation.NOT_ASKED
    religion: Religion = Religion.NOT_ASKED


QUESTIONS = tuple(NewMonitoring.model_fields)


class MonitoringRecorded(Schema):
    """Confirmation that answers were recorded. The answers can be read only as counts."""

    id: Annotated[UUID, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class MonitoringExtract(MonitoringRecorded):
    """The jobseeker's answers to the monitoring questions, in the copy of their data that a jobseeker receives."""

    ethnic_group: Annotated[str | None, Group.MONITORING]
    long_term_condition: Annotated[str | None, Group.MONITORING]
    condition_reduces_activity: Annotated[str | None, Group.MONITORING]
    sex: Annotated[str | None, Group.MONITORING]
    gender_identity: Annotated[str | None, Group.MONITORING]
    sexual_orientation: Annotated[str | None, Group.MONITORING]
    religion: Annotated[str | None, Group.MONITORING]


class MonitoringCount(Schema):
    """The number of jobseekers who gave one answer to one question."""

    question: Annotated[str, Group.RECORD]
    answer: Annotated[str, Group.RECORD]
    value: Annotated[int | None, Group.RECORD]
    value_status: Annotated[str, Group.RECORD] = Field(
        description="``[c]``: suppressed, to protect this or another small count. ``[low]``: rounded down to 0."
    )


class MonitoringSummary(Schema):
    """The counts of all monitoring answers, with small counts suppressed."""

    items: Annotated[list[MonitoringCount], Group.RECORD]


TellableGroup = Literal["identity", "contact", "work", "health_and_adjustments", "right_to_work"]


class NewPermission(Body):
    """The request body for recording the jobseeker's permission to share details with one social enterprise."""

    social_enterprise_id: UUID
    groups: Annotated[list[TellableGroup], Field(min_length=1, max_length=5)]
    how_given: NeededLine = Field(description="How the jobseeker gave the permission: signed, in person, by phone …")
    valid_on: PastDay | None = None


class PermissionOut(Schema):
    """The jobseeker's permission to share details with one social enterprise, or the revocation of a permission."""

    id: Annotated[UUID, Group.RECORD]
    social_enterprise_id: Annotated[UUID, Group.RECORD]
    groups: Annotated[list[str], Group.RECORD]
    is_granted: Annotated[bool, Group.RECORD]
    how_given: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class ReasonBody(Body):
    """The request body for giving the reason for an action. The reason is stored with the action."""

    reason: GivenReason


class NewContact(Body):
    """The request body for recording a contact about a jobseeker."""

    on: PastDay
    with_whom: ContactWith
    how: ContactHow
    outcome: ContactOutcome
    organisation_id: UUID | None = None
    note: Paragraph | None = None


class ContactOut(Schema):
    """A contact about a jobseeker."""

    id: Annotated[UUID, Group.RECORD]
    on: Annotated[date, Group.RECORD] = Field(validation_alias="valid_on")
    with_whom: Annotated[ContactWith, Group.RECORD]
    how: Annotated[ContactHow, Group.RECORD]
    outcome: Annotated[ContactOutcome, Group.RECORD]
    organisation_id: Annotated[UUID | None, Group.RECORD]
    note: Annotated[str | None, Group.NOTES]
    recorded_at: Annotated[datetime, Group.RECORD]


class NewSupporter(Body):
    """The request body for recording a person who supports the jobseeker."""

    role: SupporterRole
    name: NeededLine
    phone: Annotated[Line, Field(max_length=60)] | None = None
    email: Line | None = None
    note: Paragraph | None = None
    valid_on: PastDay | None = None


class SupporterOut(Schema):
    """A person who supports the jobseeker, with the fields that this actor may read."""

    id: Annotated[UUID, Group.RECORD]
    role: Annotated[SupporterRole | None, Group.CONTACT]
    name: Annotated[str | None, Group.CONTACT]
    phone: Annotated[str | None, Group.CONTACT]
    email: Annotated[str | None, Group.CONTACT]
    note: Annotated[str | None, Group.NOTES]
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class MoveOut(Schema):
    """A change of state, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    event: Annotated[str, Group.RECORD]
    to_state: Annotated[str, Group.RECORD]
    reason: Annotated[str | None, Group.NOTES]
    without_spell_because: Annotated[str | None, Group.NOTES] = Field(
        default=None, description="Why no spell of work is recorded although the case or enrolment ended as in work."
    )
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]


class AssignmentOut(Schema):
    """The start or end of a caseworker's assignment, in the copy of their data that a jobseeker receives."""

    id: Annotated[UUID, Group.RECORD]
    caseworker_id: Annotated[UUID | None, Group.RECORD]
    valid_on: Annotated[date, Group.RECORD]
    recorded_at: Annotated[datetime, Group.RECORD]
