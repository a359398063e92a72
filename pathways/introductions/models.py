"""Tables of introductions, the moves between their states, and which roles may make each move."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Role, Versioned, one_of, words
from pathways.facts import Fact, StateLog, moves_in_sql
from pathways.jobseekers.models import AboutPerson, about_person
from pathways.placements.models import DbsLevel


class IntroductionState(StrEnum):
    """The state of an introduction: how far it has come from proposed to started, or how it ended."""

    PROPOSED = "proposed"
    AGREED = "agreed"
    SENT = "sent"
    INVITED = "invited"
    WAITING = "waiting"
    OFFERED = "offered"
    ACCEPTED = "accepted"
    STARTED = "started"
    ENDED = "ended"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


# For each state in which an introduction waits for a step by one side: the row of the dated table ``clocks`` with the
# time limit. After the limit, the scheduled jobs send reminders and the worklist lists the introduction.
CLOCK_OF = {
    IntroductionState.PROPOSED: "jobseeker_word",
    IntroductionState.AGREED: "jobseeker_word",
    IntroductionState.SENT: "introduction_answer",
    IntroductionState.INVITED: "introduction_answer",
    IntroductionState.ACCEPTED: "start_after_acceptance",
}


class IntroductionEvent(StrEnum):
    AGREE = "agree"
    SEND = "send"
    INVITE = "invite"
    WAIT = "wait"
    OFFER = "offer"
    ACCEPT = "accept"
    START = "start"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    EXPIRE = "expire"
    RECONSIDER = "reconsider"
    END = "end"


S, E = IntroductionState, IntroductionEvent
OPEN = (S.PROPOSED, S.AGREED, S.SENT, S.INVITED, S.WAITING, S.OFFERED, S.ACCEPTED)
HOLDS_A_PLACE = (S.OFFERED, S.ACCEPTED)
REFUSED = (S.DECLINED, S.WITHDRAWN, S.EXPIRED)

# (state, event) -> next state. A place is held from the offer until the start, filled at the start, and freed by any
# move that ends the introduction.
INTRODUCTION_MOVES: dict[tuple[IntroductionState, IntroductionEvent], IntroductionState] = {
    (S.PROPOSED, E.AGREE): S.AGREED,
    (S.AGREED, E.SEND): S.SENT,
    (S.SENT, E.INVITE): S.INVITED,
    (S.SENT, E.WAIT): S.WAITING,  # the social enterprise wants the jobseeker but no place is free
    (S.INVITED, E.WAIT): S.WAITING,
    (S.SENT, E.OFFER): S.OFFERED,
    (S.INVITED, E.OFFER): S.OFFERED,
    (S.WAITING, E.OFFER): S.OFFERED,
    (S.OFFERED, E.ACCEPT): S.ACCEPTED,
    (S.ACCEPTED, E.START): S.STARTED,
    (S.STARTED, E.END): S.ENDED,  # the work is over; the place becomes free
    (S.STARTED, E.WITHDRAW): S.WITHDRAWN,  # a start that was recorded by mistake
    **{(state, E.DECLINE): S.DECLINED for state in OPEN},
    **{(state, E.WITHDRAW): S.WITHDRAWN for state in OPEN},
    **{(state, E.EXPIRE): S.EXPIRED for state in OPEN},
    **{(state, E.RECONSIDER): S.SENT for state in REFUSED},  # only if the introduction was sent before
}

_PARTNER = frozenset({Role.CASEWORKER, Role.TEAM_MANAGER})
_BOTH = _PARTNER | {Role.PLACEMENT_LISTER}
# Which roles may make each move. A caseworker may record what a social enterprise said by telephone; the move log
# records the caseworker's role.
WHO_MAY: dict[IntroductionEvent, frozenset[Role]] = {
    E.AGREE: _PARTNER,
    E.SEND: _PARTNER,
    E.INVITE: _BOTH,
    E.OFFER: _BOTH,
    E.ACCEPT: _PARTNER,
    E.START: _BOTH,
    E.DECLINE: _BOTH,
    E.WITHDRAW: _PARTNER,
    E.EXPIRE: _PARTNER,
    E.WAIT: _BOTH,
    E.RECONSIDER: _BOTH,
    E.END: _BOTH,
}


def steps_of(role: Role) -> frozenset[IntroductionEvent]:
    """Return the moves that a role may make."""
    return frozenset(event for event, roles in WHO_MAY.items() if role in roles)


class Side(StrEnum):
    """The side that ended the introduction."""

    JOBSEEKER = "jobseeker"
    SOCIAL_ENTERPRISE = "social_enterprise"
    PARTNER = "partner"


class WhyNot(StrEnum):
    """The reason why an introduction ended without a start. The wording that each side reads is in reasons.py."""

    WORK_NOT_WANTED = "work_not_wanted"
    HOURS = "hours"
    TRAVEL = "travel"
    PAY = "pay"
    SKILLS = "skills"
    CHECKS = "checks"
    ADJUSTMENT = "adjustment"
    SUPPORT = "support"
    BENEFITS = "benefits"
    HEALTH = "health"
    CARING = "caring"
    ANOTHER_PLACE = "another_place"
    CHANGED_MIND = "changed_mind"
    DID_NOT_COME = "did_not_come"
    PLACE_FILLED = "place_filled"
    LISTING_CLOSED = "listing_closed"
    NO_ANSWER = "no_answer"
    CASE_CLOSED = "case_closed"
    MISTAKE = "mistake"
    OTHER = "other"


# Events that end an introduction without a start. Each needs a reason.
SAYS_NO = frozenset({E.DECLINE, E.WITHDRAW, E.EXPIRE})

_open_in_sql = "state IN (" + ", ".join(f"'{state.value}'" for state in OPEN) + ")"


class Introduction(AboutPerson, Versioned, Base):
    """One jobseeker put forward for one placement.

    ``sent_at`` is set when the introduction is sent. Before that the social enterprise cannot see it.
    """

    __tablename__ = "introductions"
    __table_args__ = about_person(
        "introductions",
        UniqueConstraint("partner_id", "id"),
        ForeignKeyConstraint(["partner_id", "shortlist_id"], ["shortlists.partner_id", "shortlists.id"]),
        ForeignKeyConstraint(
            ["social_enterprise_id", "placement_id"], ["placements.social_enterprise_id", "placements.id"]
        ),
        CheckConstraint(one_of("state", IntroductionState), name="state_is_known"),
        CheckConstraint(
            "state IN ('proposed', 'agreed', 'declined', 'withdrawn', 'expired') OR sent_at IS NOT NULL",
            name="sent_at_matches_state",
        ),
        CheckConstraint("(state IN ('started', 'ended')) = (started_on IS NOT NULL)", name="started_on_matches_state"),
        CheckConstraint("(state = 'waiting') = (waiting_since IS NOT NULL)", name="waiting_since_matches_state"),
        Index(
            "uq_introductions_one_open",
            "partner_id",
            "jobseeker_id",
            "placement_id",
            unique=True,
            sqlite_where=text(_open_in_sql),
            postgresql_where=text(_open_in_sql),
        ),
        Index("ix_introductions_social_enterprise_id", "social_enterprise_id", "id"),
        Index("ix_introductions_placement_id", "placement_id", "state"),
        Index("ix_introductions_partner_id_state", "partner_id", "state", "id"),
    )

    id: Mapped[PrimaryKey]
    placement_id: Mapped[UUID]
    social_enterprise_id: Mapped[UUID]
    shortlist_id: Mapped[UUID | None]
    state: Mapped[IntroductionState] = mapped_column(words(IntroductionState), default=IntroductionState.PROPOSED)
    made_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    waiting_since: Mapped[datetime | None]
    started_on: Mapped[date | None]


class IntroductionMove(AboutPerson, StateLog, Base):
    """One move of an introduction, and the role that made it. Moves in ``SAYS_NO`` also have a reason and a side.

    A start also has what was asked before it: the DBS certificate that was seen, and whether the jobseeker agreed to
    begin before the profile's earliest start.
    """

    __tablename__ = "introduction_moves"
    __table_args__ = about_person(
        "introduction_moves",
        ForeignKeyConstraint(["partner_id", "introduction_id"], ["introductions.partner_id", "introductions.id"]),
        CheckConstraint(
            moves_in_sql(INTRODUCTION_MOVES, "propose", IntroductionState.PROPOSED), name="move_is_in_the_table"
        ),
        CheckConstraint("(why IS NULL) = (said_by IS NULL)", name="why_has_a_side"),
        Index("ix_introduction_moves_introduction", "partner_id", "introduction_id"),
    )

    introduction_id: Mapped[UUID]
    made_by_role: Mapped[str] = mapped_column(SHORT)
    why: Mapped[WhyNot | None] = mapped_column(words(WhyNot))
    said_by: Mapped[Side | None] = mapped_column(words(Side))
    dbs_level: Mapped[DbsLevel | None] = mapped_column(words(DbsLevel))
    dbs_seen_on: Mapped[date | None]
    dbs_seen_by: Mapped[str | None] = mapped_column(LINE)
    earlier_start_agreed: Mapped[bool | None]

    def other_parties(self, session: Session) -> list[UUID]:
        """Return the social enterprise, once the introduction was sent to it."""
        introduction = session.get(Introduction, self.introduction_id)
        is_sent = introduction is not None and introduction.sent_at is not None
        return [introduction.social_enterprise_id] if introduction is not None and is_sent else []


class DecisionLink(AboutPerson, Base):
    """A link in an e-mail, with which one placement lister may answer once. Only the hash of its token is stored."""

    __tablename__ = "decision_links"
    __unaudited__ = True
    __table_args__ = about_person(
        "decision_links",
        ForeignKeyConstraint(["partner_id", "introduction_id"], ["introductions.partner_id", "introductions.id"]),
    )

    id: Mapped[PrimaryKey]
    introduction_id: Mapped[UUID]
    user_id: Mapped[UUID] = mapped_column(ForeignKey("users.id"))
    token_hash: Mapped[str] = mapped_column(SHORT, unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class FeedbackHow(StrEnum):
    """How a social enterprise finds that the work goes."""

    WELL = "well"
    WITH_DIFFICULTY = "with_difficulty"
    AT_RISK = "at_risk"


class StartFeedback(AboutPerson, Fact, Base):
    """What a social enterprise says about the work of a jobseeker who has started with it."""

    __tablename__ = "start_feedback"
    __table_args__ = about_person(
        "start_feedback",
        ForeignKeyConstraint(["partner_id", "introduction_id"], ["introductions.partner_id", "introductions.id"]),
        CheckConstraint(one_of("how", FeedbackHow), name="how_is_known"),
        Index("ix_start_feedback_introduction", "partner_id", "introduction_id"),
    )

    introduction_id: Mapped[UUID]
    how: Mapped[FeedbackHow] = mapped_column(words(FeedbackHow))
    wants_call: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str | None] = mapped_column(Text)

    def other_parties(self, session: Session) -> list[UUID]:
        """Return the social enterprise that gave the feedback."""
        introduction = session.get(Introduction, self.introduction_id)
        return [introduction.social_enterprise_id] if introduction is not None else []
