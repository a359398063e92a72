"""Tables about jobseekers. The referral snapshots use the same column mixins."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    false,
)
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from pathways.base import LINE, SHORT, Base, Numbered, PrimaryKey, Versioned, one_of, words
from pathways.facts import Fact, StateLog

MOST_JOINED = 1000  # the most characters of a protective text that was joined from several sources
JOINED = String(MOST_JOINED)


class JobseekerState(StrEnum):
    """The state of a case. A record is voided if it was made by mistake or was merged into another record."""

    REFERRED = "referred"
    OPEN = "open"
    CLOSED = "closed"
    VOIDED = "voided"


class JobseekerEvent(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    REOPEN = "reopen"
    VOID = "void"


S, E = JobseekerState, JobseekerEvent
JOBSEEKER_MOVES: dict[tuple[JobseekerState, JobseekerEvent], JobseekerState] = {
    (S.REFERRED, E.OPEN): S.OPEN,
    (S.REFERRED, E.CLOSE): S.CLOSED,
    (S.OPEN, E.CLOSE): S.CLOSED,
    (S.CLOSED, E.REOPEN): S.OPEN,
    (S.REFERRED, E.VOID): S.VOIDED,
    (S.OPEN, E.VOID): S.VOIDED,
    (S.CLOSED, E.VOID): S.VOIDED,
}


class RightToWork(StrEnum):
    """What is known about the jobseeker's right to work in the UK."""

    UNRESTRICTED = "unrestricted"
    TIME_LIMITED = "time_limited"
    NOT_EVIDENCED = "not_evidenced"
    NO = "no"
    UNKNOWN = "unknown"


class EverPaidWork(StrEnum):
    """Whether the jobseeker has ever had paid work."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class DetailsColumns:
    """Columns of identity and contact details, as one source gave them. Blank means unknown, never "no"."""

    given_name: Mapped[str | None] = mapped_column(LINE)
    family_name: Mapped[str | None] = mapped_column(LINE)
    known_as: Mapped[str | None] = mapped_column(LINE)
    date_of_birth: Mapped[date | None]
    birth_year: Mapped[int | None]  # only if the date of birth is not known
    nino_sealed: Mapped[str | None] = mapped_column(LINE)
    nhs_number_sealed: Mapped[str | None] = mapped_column(LINE)
    council_person_id: Mapped[str | None] = mapped_column(LINE)
    email: Mapped[str | None] = mapped_column(LINE)
    phone: Mapped[str | None] = mapped_column(LINE)
    postcode: Mapped[str | None] = mapped_column(SHORT)
    # Longer than what one source may write in a field, because texts are joined.
    contact_withheld_reason: Mapped[str | None] = mapped_column(JOINED)
    safe_contact: Mapped[str | None] = mapped_column(JOINED)
    language: Mapped[str | None] = mapped_column(LINE)
    interpreter_needed: Mapped[bool | None]
    # By field name: the words as the source wrote them, where a field cannot hold all of them.
    as_written: Mapped[dict[str, str] | None] = mapped_column(JSON)


class ProfileColumns:
    """Columns of the vocational profile. Blank means unknown, never "no"."""

    ever_paid_work: Mapped[EverPaidWork | None] = mapped_column(words(EverPaidWork))
    right_to_work: Mapped[RightToWork | None] = mapped_column(words(RightToWork))
    aspirations: Mapped[list[str] | None] = mapped_column(JSON)
    avoid: Mapped[list[str] | None] = mapped_column(JSON)
    interests: Mapped[list[str] | None] = mapped_column(JSON)
    strengths: Mapped[list[str] | None] = mapped_column(JSON)
    skills: Mapped[list[str] | None] = mapped_column(JSON)
    qualification_level: Mapped[str | None] = mapped_column(SHORT)
    licences: Mapped[list[str] | None] = mapped_column(JSON)
    hours_min: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    hours_max: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    half_days: Mapped[int | None]
    earliest_start_on: Mapped[date | None]
    travel_modes: Mapped[list[str] | None] = mapped_column(JSON)
    max_travel_minutes: Mapped[int | None]
    can_travel_alone: Mapped[bool | None]
    adjustments: Mapped[list[str] | None] = mapped_column(JSON)
    environment: Mapped[list[str] | None] = mapped_column(JSON)
    benefits: Mapped[list[str] | None] = mapped_column(JSON)


PROFILE_NAMES = tuple(ProfileColumns.__annotations__)
DETAIL_NAMES = tuple(name.removesuffix("_sealed") for name in DetailsColumns.__annotations__)


# The form in which the keyed hashes of people are made. Rows of an earlier form are made again by ``key_filling``.
# Numbers have had their present form since ``NUMBERS_FORM``; form 3 has the wider keys of names, dates and places.
HASH_FORM, NUMBERS_FORM = 3, 2


class Jobseeker(Versioned, Base):
    """The record of one person at one partner. The row has current values and is updated when a fact changes them."""

    __tablename__ = "jobseekers"
    __table_args__ = (
        UniqueConstraint("partner_id", "id"),
        UniqueConstraint("partner_id", "reference"),
        CheckConstraint(one_of("state", JobseekerState), name="state_is_known"),
        Index("ix_jobseekers_partner_id_nino_hash", "partner_id", "nino_hash"),
        Index("ix_jobseekers_partner_id_nhs_number_hash", "partner_id", "nhs_number_hash"),
        Index("ix_jobseekers_partner_id_date_of_birth", "partner_id", "date_of_birth"),
        Index("ix_jobseekers_partner_id_family_key", "partner_id", "family_key"),
        Index("ix_jobseekers_partner_id_postcode_key", "partner_id", "postcode_key"),
        Index("ix_jobseekers_partner_id_state", "partner_id", "state", "id"),
        Index("ix_jobseekers_partner_id_caseworker_id", "partner_id", "caseworker_id", "id"),
    )

    id: Mapped[PrimaryKey]
    partner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    reference: Mapped[str] = mapped_column(SHORT, unique=True)
    state: Mapped[JobseekerState] = mapped_column(words(JobseekerState), default=JobseekerState.REFERRED)
    is_restricted: Mapped[bool] = mapped_column(default=False)
    caseworker_id: Mapped[UUID | None] = mapped_column(ForeignKey("memberships.id"))
    programme_id: Mapped[UUID | None] = mapped_column(ForeignKey("programmes.id"))
    made_at: Mapped[datetime]
    given_key: Mapped[str] = mapped_column(LINE, default="")
    family_key: Mapped[str] = mapped_column(LINE, default="")
    date_of_birth: Mapped[date | None]
    postcode_key: Mapped[str | None] = mapped_column(SHORT)
    nino_hash: Mapped[str | None] = mapped_column(SHORT)
    nhs_number_hash: Mapped[str | None] = mapped_column(SHORT)
    hash_form: Mapped[int] = mapped_column(default=HASH_FORM, server_default="1")
    easting: Mapped[int | None]
    northing: Mapped[int | None]
    place_basis: Mapped[str | None] = mapped_column(SHORT)
    # The surviving record, if this record was a duplicate and was merged. A merged record is void.
    merged_into_id: Mapped[UUID | None]


class AboutPerson:
    """A row about a person. The foreign key includes the partner, so a row cannot name another partner's jobseeker."""

    partner_id: Mapped[UUID]
    jobseeker_id: Mapped[UUID]

    @declared_attr.directive
    def __table_args__(cls) -> tuple[Any, ...]:  # noqa: N805 - a class method by its decorator
        return about_person(cls.__tablename__)  # type: ignore[attr-defined]


def about_person(table: str, *more: Any) -> tuple[Any, ...]:
    """Return the table arguments that every table about a person needs, followed by ``more``."""
    return (
        ForeignKeyConstraint(["partner_id", "jobseeker_id"], ["jobseekers.partner_id", "jobseekers.id"]),
        Index(f"ix_{table}_person", "partner_id", "jobseeker_id"),
        *more,
    )


class JobseekerMove(AboutPerson, StateLog, Base):
    """The log of a case's changes of state."""

    __tablename__ = "jobseeker_moves"

    # Why no spell of work is recorded although the case was closed as in work.
    without_spell_because: Mapped[str | None] = mapped_column(LINE)


class PersonKey(AboutPerson, Base):
    """A keyed hash of details, such as name and date of birth, used to find other records of the same person."""

    __tablename__ = "person_keys"
    __unaudited__ = True  # derived from the details, whose changes are audited
    __table_args__ = (
        ForeignKeyConstraint(["partner_id", "jobseeker_id"], ["jobseekers.partner_id", "jobseekers.id"]),
        Index("uq_person_keys_person", "partner_id", "jobseeker_id", "key", unique=True),
        Index("ix_person_keys_key", "key", "partner_id", "jobseeker_id"),
    )

    id: Mapped[int] = mapped_column(Numbered, primary_key=True, autoincrement=True)
    key: Mapped[int] = mapped_column(BigInteger)


class NameKind(StrEnum):
    """Which of a person's names a word belongs to."""

    GIVEN = "given"
    FAMILY = "family"
    KNOWN_AS = "known_as"
    EARLIER = "earlier"  # a word of an earlier version of the details that is in no present name


class NameWord(AboutPerson, Base):
    """A word of a person's names, by which the search finds the person: as written, reversed, and as it sounds.

    Neighbouring words are also stored as one word, so that "Smith Jones" and "Smithjones" are found alike.
    """

    __tablename__ = "name_words"
    __unaudited__ = True  # derived from the details, whose changes are audited
    __table_args__ = (
        ForeignKeyConstraint(["partner_id", "jobseeker_id"], ["jobseekers.partner_id", "jobseekers.id"]),
        CheckConstraint(one_of("kind", NameKind), name="kind_is_known"),
        Index("uq_name_words_person", "partner_id", "jobseeker_id", "word", "kind", unique=True),
        Index("ix_name_words_word", "partner_id", "word", "jobseeker_id", "kind"),
        Index("ix_name_words_backwards", "partner_id", "backwards"),
        Index("ix_name_words_sound", "partner_id", "sound", "word"),
    )

    id: Mapped[int] = mapped_column(Numbered, primary_key=True, autoincrement=True)
    word: Mapped[str] = mapped_column(SHORT)
    backwards: Mapped[str] = mapped_column(SHORT)
    sound: Mapped[str] = mapped_column(SHORT)
    kind: Mapped[NameKind] = mapped_column(words(NameKind))


class JobseekerDetails(AboutPerson, DetailsColumns, Fact, Base):
    """One version of a person's identity and contact details, complete in one row."""

    __tablename__ = "jobseeker_details"


class CaseworkerAssignment(AboutPerson, Fact, Base):
    """The person's caseworker from the day ``valid_on``. If ``caseworker_id`` is None, the assignment ends then."""

    __tablename__ = "caseworker_assignments"

    caseworker_id: Mapped[UUID | None] = mapped_column(ForeignKey("memberships.id"))


class ProfileVersion(AboutPerson, ProfileColumns, Fact, Base):
    """One version of the vocational profile, complete in one row: the fields, who gave each value, and who agreed."""

    __tablename__ = "profile_versions"
    number: Mapped[int]
    said_by: Mapped[dict[str, str]] = mapped_column(JSON)
    agreed_on: Mapped[date | None]
    agreed_by: Mapped[str | None] = mapped_column(LINE)
    own_words: Mapped[str | None] = mapped_column(Text)
    note: Mapped[str | None] = mapped_column(Text)
    # Experiences of life, school, caring, volunteering and work, each {"kind": ..., "text": ...}.
    experiences: Mapped[list[dict[str, str]] | None] = mapped_column(JSON)
    # Unsolved barriers to work, as the jobseeker describes them.
    barriers: Mapped[list[str] | None] = mapped_column(JSON)


class Merge(AboutPerson, Fact, Base):
    """The merge of the record ``merged_id`` into the record ``jobseeker_id`` of the same person.

    The withdrawal of this fact undoes the merge. The withdrawal's ``moved`` column lists the rows moved back.
    """

    __tablename__ = "merges"
    __table_args__ = about_person(
        "merges",
        ForeignKeyConstraint(["partner_id", "merged_id"], ["jobseekers.partner_id", "jobseekers.id"]),
        Index("ix_merges_merged", "partner_id", "merged_id"),
    )

    merged_id: Mapped[UUID]
    # The ids of the rows that were moved to the other record, by table.
    moved: Mapped[dict[str, list[str]]] = mapped_column(JSON)
    # The two records' values before and after the merge. Undoing the merge compares with them and restores them.
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    filled: Mapped[list[str]] = mapped_column(JSON)


class Restriction(AboutPerson, Fact, Base):
    """The fact that a case was restricted to its caseworker and the team managers, or that this was lifted.

    ``is_suspected``: nobody asked for it, but the record may be about a restricted person.
    """

    __tablename__ = "restrictions"

    is_restricted: Mapped[bool]
    is_suspected: Mapped[bool] = mapped_column(default=False, server_default=false())


class ExclusionKind(StrEnum):
    """Whether a safety exclusion is about an organisation, a person or an area."""

    ORGANISATION = "organisation"
    PERSON = "person"
    AREA = "area"


class SafetyExclusion(AboutPerson, Fact, Base):
    """An organisation, person or area that the jobseeker must be kept away from.

    Placements covered by exclusions are left out before any scoring. No social enterprise can read exclusions.
    """

    __tablename__ = "safety_exclusions"
    __table_args__ = about_person(
        "safety_exclusions",
        CheckConstraint(one_of("kind", ExclusionKind), name="kind_is_known"),
        CheckConstraint("(kind = 'organisation') = (social_enterprise_id IS NOT NULL)", name="organisation_is_named"),
        CheckConstraint("(kind = 'person') = (who_sealed IS NOT NULL)", name="person_is_named"),
        CheckConstraint("(kind = 'area') = (postcode IS NOT NULL AND radius_km IS NOT NULL)", name="area_is_named"),
    )

    kind: Mapped[ExclusionKind] = mapped_column(words(ExclusionKind))
    social_enterprise_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    who_sealed: Mapped[str | None] = mapped_column(LINE)
    # Neither read nor written since names are compared as people spell them. The next release drops the column.
    who_hash: Mapped[str | None] = mapped_column(SHORT)
    postcode: Mapped[str | None] = mapped_column(SHORT)
    easting: Mapped[int | None]
    northing: Mapped[int | None]
    radius_km: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))


class WordKind(StrEnum):
    """Whether words are about a skill or an occupation."""

    SKILL = "skill"
    OCCUPATION = "occupation"


class ConfirmedWord(AboutPerson, Fact, Base):
    """What a caseworker said that words mean: a taxonomy entry, no entry (no ``uri``), or what they do not mean.

    With ``not_meant``, the row says only that the words do not mean this title or skill of a listing.
    """

    __tablename__ = "confirmed_words"
    __table_args__ = about_person("confirmed_words", CheckConstraint(one_of("kind", WordKind), name="kind_is_known"))

    kind: Mapped[WordKind] = mapped_column(words(WordKind))
    text: Mapped[str] = mapped_column(LINE)
    uri: Mapped[str | None] = mapped_column(LINE)
    label: Mapped[str | None] = mapped_column(LINE)
    not_meant: Mapped[str | None] = mapped_column(LINE)
    offered: Mapped[list[dict[str, Any]]] = mapped_column(JSON)


class MonitoringAnswers(AboutPerson, Fact, Base):
    """One person's answers to the equality monitoring questions. They can be read only as counts."""

    __tablename__ = "monitoring_answers"

    ethnic_group: Mapped[str] = mapped_column(SHORT)
    long_term_condition: Mapped[str] = mapped_column(SHORT)
    condition_reduces_activity: Mapped[str] = mapped_column(SHORT)
    sex: Mapped[str] = mapped_column(SHORT)
    gender_identity: Mapped[str] = mapped_column(SHORT)
    sexual_orientation: Mapped[str] = mapped_column(SHORT)
    religion: Mapped[str] = mapped_column(SHORT)


class SharingPermission(AboutPerson, Fact, Base):
    """A permission to share groups of fields with one social enterprise. A revocation is a row that supersedes it."""

    __tablename__ = "sharing_permissions"

    social_enterprise_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    groups: Mapped[list[str]] = mapped_column(JSON)
    is_granted: Mapped[bool]
    how_given: Mapped[str] = mapped_column(LINE)


class ContactWith(StrEnum):
    """The kind of person with whom staff had contact."""

    JOBSEEKER = "jobseeker"
    REFERRER = "referrer"
    EMPLOYER = "employer"
    SUPPORTER = "supporter"
    OTHER = "other"


class ContactHow(StrEnum):
    """How a contact was made."""

    FACE_TO_FACE = "face_to_face"
    VIDEO = "video"
    PHONE = "phone"
    TEXT = "text"
    EMAIL = "email"
    LETTER = "letter"


class ContactOutcome(StrEnum):
    """The outcome of a contact."""

    SPOKE = "spoke"
    LEFT_MESSAGE = "left_message"
    NO_ANSWER = "no_answer"
    DID_NOT_ATTEND = "did_not_attend"
    CANCELLED = "cancelled"


class Contact(AboutPerson, Fact, Base):
    """A contact about a person. The wait for the first employer contact ends when an employer is spoken to."""

    __tablename__ = "contacts"
    __table_args__ = about_person(
        "contacts",
        CheckConstraint(one_of("with_whom", ContactWith), name="with_whom_is_known"),
        CheckConstraint(one_of("how", ContactHow), name="how_is_known"),
        CheckConstraint(one_of("outcome", ContactOutcome), name="outcome_is_known"),
    )

    with_whom: Mapped[ContactWith] = mapped_column(words(ContactWith))
    how: Mapped[ContactHow] = mapped_column(words(ContactHow))
    outcome: Mapped[ContactOutcome] = mapped_column(words(ContactOutcome))
    organisation_id: Mapped[UUID | None] = mapped_column(ForeignKey("organisations.id"))
    note: Mapped[str | None] = mapped_column(Text)


class SupporterRole(StrEnum):
    """The role of a person who supports the jobseeker."""

    ADVOCATE = "advocate"
    ATTORNEY = "attorney"
    DEPUTY = "deputy"
    FAMILY = "family"
    PROFESSIONAL = "professional"


class Supporter(AboutPerson, Fact, Base):
    """A person who speaks for or supports the jobseeker."""

    __tablename__ = "supporters"
    __table_args__ = about_person("supporters", CheckConstraint(one_of("role", SupporterRole), name="role_is_known"))

    role: Mapped[SupporterRole] = mapped_column(words(SupporterRole))
    name: Mapped[str] = mapped_column(LINE)
    phone: Mapped[str | None] = mapped_column(LINE)
    email: Mapped[str | None] = mapped_column(LINE)
    note: Mapped[str | None] = mapped_column(Text)
