"""Tables of placements and places."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from pathways.base import LINE, SHORT, Base, Numbered, PrimaryKey, Versioned, one_of, words
from pathways.facts import Fact, StateLog


class PlacementKind(StrEnum):
    """The kinds of placement, from paid jobs to unpaid experience and self-employment."""

    JOB_OPEN = "JOB_OPEN"
    JOB_ILM = "JOB_ILM"
    JOB_GUARANTEE = "JOB_GUARANTEE"
    APPRENTICESHIP = "APPRENTICESHIP"
    SUPPORTED_INTERNSHIP = "SUPPORTED_INTERNSHIP"
    WORK_TRIAL_JCP = "WORK_TRIAL_JCP"
    SWAP = "SWAP"
    WORK_EXPERIENCE = "WORK_EXPERIENCE"
    TASTER = "TASTER"
    SHADOWING = "SHADOWING"
    VOLUNTEERING = "VOLUNTEERING"
    SELF_EMPLOYMENT = "SELF_EMPLOYMENT"


# In these kinds the jobseeker is legally a worker, so the minimum wage is due (National Minimum Wage Act 1998, s. 1).
MUST_PAY = frozenset(
    {PlacementKind.JOB_OPEN, PlacementKind.JOB_ILM, PlacementKind.JOB_GUARANTEE, PlacementKind.APPRENTICESHIP}
)


# In these kinds nobody is paid, unless the listing names a pay. What the self-employed earn is unknown.
UNPAID = frozenset(PlacementKind) - MUST_PAY - {PlacementKind.SELF_EMPLOYMENT}


def known_pay(kind: PlacementKind, pence_an_hour: int | None) -> int | None:
    """Return the pay of work in pence an hour: 0 if it is known to be unpaid, None if it is not known."""
    return 0 if kind in UNPAID and pence_an_hour is None else pence_an_hour


class Remote(StrEnum):
    """Whether the work is done at home: not at all, partly or entirely."""

    NO = "no"
    HYBRID = "hybrid"
    YES = "yes"


class DbsLevel(StrEnum):
    """The level of DBS check (Disclosure and Barring Service) that the work requires."""

    NONE = "NONE"
    BASIC = "BASIC"
    STANDARD = "STANDARD"
    ENHANCED = "ENHANCED"
    ENHANCED_BL_CHILD = "ENHANCED_BL_CHILD"
    ENHANCED_BL_ADULT = "ENHANCED_BL_ADULT"
    ENHANCED_BL_BOTH = "ENHANCED_BL_BOTH"


class PlacementState(StrEnum):
    """Whether a placement is a draft, published, paused or closed."""

    DRAFT = "draft"
    PUBLISHED = "published"
    PAUSED = "paused"
    CLOSED = "closed"


class PlacementEvent(StrEnum):
    PUBLISH = "publish"
    PAUSE = "pause"
    CLOSE = "close"


class WordingBasis(StrEnum):
    """Why a person keeps wording that limits, or seems to limit, who may apply."""

    MEANS_SOMETHING_ELSE = "means_something_else"
    OCCUPATIONAL_REQUIREMENT = "occupational_requirement"  # Equality Act 2010, schedule 9
    POSITIVE_ACTION = "positive_action"  # Equality Act 2010, sections 158 and 159
    REQUIRED_BY_LAW = "required_by_law"


S, E = PlacementState, PlacementEvent
PLACEMENT_MOVES: dict[tuple[PlacementState, PlacementEvent], PlacementState] = {
    (S.DRAFT, E.PUBLISH): S.PUBLISHED,
    (S.PAUSED, E.PUBLISH): S.PUBLISHED,
    (S.PUBLISHED, E.PAUSE): S.PAUSED,
    (S.DRAFT, E.CLOSE): S.CLOSED,
    (S.PUBLISHED, E.CLOSE): S.CLOSED,
    (S.PAUSED, E.CLOSE): S.CLOSED,
}


class Placement(Versioned, Base):
    """A placement listed by a social enterprise, with one or more places."""

    __tablename__ = "placements"
    __table_args__ = (
        UniqueConstraint("social_enterprise_id", "ref"),
        UniqueConstraint("social_enterprise_id", "id"),
        CheckConstraint(one_of("state", PlacementState), name="state_is_known"),
        CheckConstraint(one_of("kind", PlacementKind), name="kind_is_known"),
        CheckConstraint("ends_on IS NULL OR starts_on IS NULL OR ends_on >= starts_on", name="ends_after_start"),
        Index("ix_placements_state", "state", "id"),
    )

    id: Mapped[PrimaryKey]
    social_enterprise_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    ref: Mapped[str] = mapped_column(LINE)
    state: Mapped[PlacementState] = mapped_column(words(PlacementState), default=PlacementState.DRAFT)
    title: Mapped[str] = mapped_column(LINE)
    occupation: Mapped[str | None] = mapped_column(LINE)
    kind: Mapped[PlacementKind] = mapped_column(words(PlacementKind))
    description: Mapped[str | None] = mapped_column(Text)
    essential_skills: Mapped[list[str] | None] = mapped_column(JSON)
    desirable_skills: Mapped[list[str] | None] = mapped_column(JSON)
    qualifications_needed: Mapped[str | None] = mapped_column(SHORT)
    licences_needed: Mapped[list[str] | None] = mapped_column(JSON)
    training_given: Mapped[list[str] | None] = mapped_column(JSON)
    postcode: Mapped[str | None] = mapped_column(SHORT)
    easting: Mapped[int | None]
    northing: Mapped[int | None]
    place_basis: Mapped[str | None] = mapped_column(SHORT)
    remote: Mapped[Remote | None] = mapped_column(words(Remote))
    half_days: Mapped[int | None]
    hours_per_week: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    hours_flexible: Mapped[bool | None]
    starts_on: Mapped[date | None]
    ends_on: Mapped[date | None]
    closes_on: Mapped[date | None]
    pay_per_hour_pence: Mapped[int | None]
    minimum_age: Mapped[int | None]
    maximum_age: Mapped[int | None]
    ring_fenced_for: Mapped[str | None] = mapped_column(LINE)
    legal_basis: Mapped[str | None] = mapped_column(LINE)
    dbs_level: Mapped[DbsLevel | None] = mapped_column(words(DbsLevel))
    right_to_work_needed: Mapped[bool | None]
    adjustments_offered: Mapped[list[str] | None] = mapped_column(JSON)
    environment: Mapped[list[str] | None] = mapped_column(JSON)
    support_offered: Mapped[list[str] | None] = mapped_column(JSON)
    contact_email: Mapped[str | None] = mapped_column(LINE)
    # By field name: the words as a file gave them, where the field cannot hold them.
    as_written: Mapped[dict[str, str] | None] = mapped_column(JSON)
    # The median number of days the social enterprise takes to answer, in whole days. None until there are enough
    # answers; until then the score uses the neutral middle value.
    days_to_answer: Mapped[int | None]
    confirmed_on: Mapped[date]
    reconfirm_by: Mapped[date]
    made_at: Mapped[datetime]
    # When the placement was first published and when it was closed. The public feed has this order, so that no page
    # loses or repeats a placement because others are published or closed meanwhile.
    listed_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]


class AnswerTime(Base):
    """A social enterprise's median number of days to answer in the last year, calculated again each day."""

    __tablename__ = "answer_times"
    __unaudited__ = True

    social_enterprise_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"), primary_key=True)
    median_days: Mapped[Decimal] = mapped_column(Numeric(5, 1))
    answers: Mapped[int]
    counted_on: Mapped[date]


class PlacementMove(StateLog, Base):
    """A change of a placement's state."""

    __tablename__ = "placement_moves"

    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"), index=True)

    def other_parties(self, session: Session) -> list[UUID]:
        """Return the social enterprise that offers the placement."""
        placement = session.get(Placement, self.placement_id)
        return [placement.social_enterprise_id] if placement is not None else []


class PlacementConfirmation(Fact, Base):
    """A confirmation by the social enterprise that the placement is still correct."""

    __tablename__ = "placement_confirmations"

    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"), index=True)


class ReconfirmLink(Base):
    """A link in an e-mail, by which one placement lister confirms a placement once. Only its token's hash is stored."""

    __tablename__ = "reconfirm_links"
    __unaudited__ = True

    id: Mapped[PrimaryKey]
    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"), index=True)
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[str] = mapped_column(SHORT, unique=True)
    reconfirm_by: Mapped[date]
    made_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class WordingConfirmation(Fact, Base):
    """A person's confirmation that the advert keeps certain words, with the basis and, in ``reason``, the reason."""

    __tablename__ = "placement_wording_confirmations"

    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"), index=True)
    kind: Mapped[str] = mapped_column(SHORT)
    wording: Mapped[str] = mapped_column(LINE)
    # The hash of the advert in which a person read the words. The confirmation ends when the advert changes.
    of_text: Mapped[str | None] = mapped_column(String(64))
    basis: Mapped[WordingBasis] = mapped_column(words(WordingBasis))


class PlaceState(StrEnum):
    """Whether a place is free, held, filled or withdrawn."""

    FREE = "free"
    HELD = "held"
    FILLED = "filled"
    WITHDRAWN = "withdrawn"


class Place(Base):
    """One place of a placement. It is held when it is offered and filled when the jobseeker starts.

    ``introduction_id`` has no foreign key, because the ``placements`` package may not depend on ``introductions``.
    Instead, the introduction has a foreign key to the placement.
    """

    __tablename__ = "places"
    __table_args__ = (
        CheckConstraint(one_of("state", PlaceState), name="state_is_known"),
        CheckConstraint("(introduction_id IS NOT NULL) = (state IN ('held', 'filled'))", name="taken_by_one"),
        UniqueConstraint("placement_id", "number"),
        Index("ix_places_placement_id_state", "placement_id", "state"),
    )

    id: Mapped[PrimaryKey]
    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"))
    number: Mapped[int]
    state: Mapped[PlaceState] = mapped_column(words(PlaceState), default=PlaceState.FREE)
    introduction_id: Mapped[UUID | None] = mapped_column(unique=True)
    held_until: Mapped[date | None]


class PlaceMove(StateLog, Base):
    """A change of a place's state."""

    __tablename__ = "place_moves"

    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"), index=True)
    place_id: Mapped[UUID] = mapped_column(ForeignKey("places.id"), index=True)
    introduction_id: Mapped[UUID | None]


class PlacementVersion(Base):
    """A stored version of a placement, written at each change, so that an old shortlist can be explained.

    ``inputs`` holds the values of ``VERSION_COLUMNS``. ``number`` is a short id, because one shortlist lists thousands
    of versions.
    """

    __tablename__ = "placement_versions"
    __unaudited__ = True
    __table_args__ = (UniqueConstraint("placement_id", "version"),)

    number: Mapped[int] = mapped_column(Numbered, primary_key=True, autoincrement=True)
    placement_id: Mapped[UUID] = mapped_column(ForeignKey("placements.id"))
    version: Mapped[int]
    made_at: Mapped[datetime]
    easting: Mapped[int | None]
    northing: Mapped[int | None]
    inputs: Mapped[dict[str, Any]] = mapped_column(JSON)


class PlacementChangeMark(Base):
    """A record that a placement or one of its places changed, written by a database trigger at every change.

    ``mark`` is the id of the PostgreSQL transaction that made the change. It is needed because change marks are not
    always committed in the order of ``number``. ``token`` is a random number. A reader remembers the token of its last
    mark. If the mark has another token at the next reading, the database was replaced.
    """

    __tablename__ = "placement_changes"
    __unaudited__ = True

    number: Mapped[int] = mapped_column(Numbered, primary_key=True, autoincrement=True)
    placement_id: Mapped[UUID]
    token: Mapped[int] = mapped_column(BigInteger)
    mark: Mapped[int | None] = mapped_column(BigInteger, index=True)
