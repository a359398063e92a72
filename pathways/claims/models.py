"""Tables of claims: the claim, its changes of state with amounts, and the days, evidence and documents it uses."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from pathways.base import LINE, SHORT, Base, PrimaryKey, Role, Versioned, one_of, words
from pathways.facts import StateLog, moves_in_sql
from pathways.jobseekers.models import AboutPerson, about_person


class ClaimState(StrEnum):
    """The states of a claim."""

    DRAFT = "draft"
    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    QUERIED = "queried"
    FAILED = "failed"
    PAID = "paid"
    REVERSED = "reversed"


class ClaimEvent(StrEnum):
    """The events that change a claim's state."""

    SUBMIT = "submit"
    QUERY = "query"
    ANSWER = "answer"
    ACCEPT = "accept"
    FAIL = "fail"
    WITHDRAW = "withdraw"
    PAY = "pay"
    REVERSE = "reverse"
    CONFIRM = "confirm"
    CONTEST = "contest"


class FundersAnswer(StrEnum):
    """What the funder says about a decision that the partner recorded in the funder's name."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    CONTESTED = "contested"


S, E = ClaimState, ClaimEvent
OVER = (S.FAILED, S.REVERSED)
CLAIM_MOVES: dict[tuple[ClaimState, ClaimEvent], ClaimState] = {
    (S.DRAFT, E.SUBMIT): S.SUBMITTED,
    (S.SUBMITTED, E.QUERY): S.QUERIED,
    (S.QUERIED, E.ANSWER): S.SUBMITTED,
    (S.SUBMITTED, E.ACCEPT): S.ACCEPTED,
    (S.SUBMITTED, E.FAIL): S.FAILED,
    (S.QUERIED, E.FAIL): S.FAILED,
    (S.ACCEPTED, E.FAIL): S.FAILED,
    (S.ACCEPTED, E.PAY): S.PAID,
    (S.PAID, E.REVERSE): S.REVERSED,
    **{(state, E.WITHDRAW): S.FAILED for state in (S.DRAFT, S.SUBMITTED, S.QUERIED)},
    # The funder's answer to a decision that the partner recorded in its name. It changes no state and moves no money.
    **{(state, event): state for state in S if state is not S.DRAFT for event in (E.CONFIRM, E.CONTEST)},
}
_PARTNER = frozenset({Role.CASEWORKER, Role.TEAM_MANAGER})
# The funder's decisions: made by the commissioner, or recorded in the commissioner's name by a team manager of the
# partner. In both cases by a member who recorded and checked nothing that the claim rests on.
_FUNDER = frozenset({Role.COMMISSIONER, Role.TEAM_MANAGER})
WHO_MAY: dict[ClaimEvent, frozenset[Role]] = {
    E.SUBMIT: _PARTNER,
    E.ANSWER: _PARTNER,
    E.WITHDRAW: _PARTNER,
    E.QUERY: _FUNDER,
    E.ACCEPT: _FUNDER,
    E.FAIL: _FUNDER,
    E.PAY: _FUNDER,
    E.REVERSE: _FUNDER,
    E.CONFIRM: frozenset({Role.COMMISSIONER}),
    E.CONTEST: frozenset({Role.COMMISSIONER}),
}
FUNDERS_WORD = frozenset({E.QUERY, E.ACCEPT, E.FAIL, E.PAY, E.REVERSE})
ANSWERS = {E.CONFIRM: FundersAnswer.CONFIRMED, E.CONTEST: FundersAnswer.CONTESTED}
# These events are refused if the outcome has been withdrawn since the claim was made.
ON_AN_OUTCOME = frozenset({E.SUBMIT, E.ANSWER, E.ACCEPT, E.PAY})
NEEDS_A_REASON = frozenset({E.QUERY, E.ANSWER, E.FAIL, E.WITHDRAW, E.REVERSE, E.CONTEST})

_is_current = text("state NOT IN ('failed', 'reversed')")


def _to_claim() -> ForeignKeyConstraint:
    return ForeignKeyConstraint(["partner_id", "claim_id"], ["claims.partner_id", "claims.id"])


class Claim(AboutPerson, Versioned, Base):
    """A claim for one outcome of one enrolment. No claim is made for a spell of work.

    ``participant_ref`` is the jobseeker's pseudonym for the funder and reveals nothing else. A failed or reversed claim
    may be made again: ``attempt`` counts the attempts and ``earlier_id`` refers to the previous attempt.
    """

    __tablename__ = "claims"
    __table_args__ = about_person(
        "claims",
        UniqueConstraint("partner_id", "id"),
        ForeignKeyConstraint(["partner_id", "enrolment_id"], ["enrolments.partner_id", "enrolments.id"]),
        ForeignKeyConstraint(["partner_id", "programme_id"], ["programmes.partner_id", "programmes.id"]),
        ForeignKeyConstraint(["partner_id", "outcome_id"], ["outcomes.partner_id", "outcomes.id"]),
        ForeignKeyConstraint(["partner_id", "earlier_id"], ["claims.partner_id", "claims.id"]),
        CheckConstraint(one_of("state", ClaimState), name="state_is_known"),
        CheckConstraint("pence > 0", name="something_is_asked"),
        CheckConstraint("(paid_pence IS NOT NULL) = (state IN ('paid', 'reversed'))", name="paid_pence_matches_state"),
        CheckConstraint("paid_pence IS NULL OR (paid_pence > 0 AND paid_pence <= pence)", name="paid_at_most_asked"),
        CheckConstraint("state IN ('draft', 'failed') OR submitted_by IS NOT NULL", name="submitted_by_somebody"),
        Index(
            "uq_claims_one_standing",
            "partner_id",
            "enrolment_id",
            "rule",
            unique=True,
            sqlite_where=_is_current,
            postgresql_where=_is_current,
        ),
        Index("ix_claims_commissioner_id", "commissioner_id", "id"),
        Index("ix_claims_partner_id_state", "partner_id", "state", "id"),
        Index("ix_claims_outcome_id", "partner_id", "outcome_id"),
    )

    id: Mapped[PrimaryKey]
    enrolment_id: Mapped[UUID]
    programme_id: Mapped[UUID]
    commissioner_id: Mapped[UUID] = mapped_column(ForeignKey("organisations.id"))
    outcome_id: Mapped[UUID]
    rule: Mapped[str] = mapped_column(SHORT)
    rule_version: Mapped[str] = mapped_column(SHORT)
    state: Mapped[ClaimState] = mapped_column(words(ClaimState), default=ClaimState.DRAFT)
    participant_ref: Mapped[str] = mapped_column(SHORT)
    achieved_on: Mapped[date]
    pence: Mapped[int]
    paid_pence: Mapped[int | None]
    is_subsidised: Mapped[bool]
    is_own_supply_chain: Mapped[bool]
    # Whether another funder pays for the same purpose, as declared on submission; None until then.
    has_other_funding: Mapped[bool | None]
    other_funding: Mapped[str | None] = mapped_column(LINE)
    attempt: Mapped[int]
    earlier_id: Mapped[UUID | None]
    submitted_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id"))
    made_at: Mapped[datetime]


class ClaimMove(AboutPerson, StateLog, Base):
    """A change of a claim's state, with an amount in pence: positive if paid, negative if reversed, otherwise 0.

    ``told_by_partner`` marks a decision of the funder that the partner recorded in the funder's name. The funder
    confirms or contests it by a later move, of which ``answers_id`` is the id of that decision.
    """

    __tablename__ = "claim_moves"
    __table_args__ = about_person(
        "claim_moves",
        UniqueConstraint("partner_id", "id"),
        _to_claim(),
        ForeignKeyConstraint(["partner_id", "answers_id"], ["claim_moves.partner_id", "claim_moves.id"]),
        CheckConstraint("(answers_id IS NOT NULL) = (event IN ('confirm', 'contest'))", name="answers_a_decision"),
        CheckConstraint(moves_in_sql(CLAIM_MOVES, "draft", ClaimState.DRAFT), name="move_is_in_the_table"),
        CheckConstraint("(pence > 0) = (event = 'pay') AND (pence < 0) = (event = 'reverse')", name="money_moves"),
        Index("ix_claim_moves_claim", "partner_id", "claim_id"),
    )

    claim_id: Mapped[UUID]
    made_by_role: Mapped[str] = mapped_column(SHORT)
    pence: Mapped[int] = mapped_column(default=0)
    told_by_partner: Mapped[bool] = mapped_column(default=False, server_default=false())
    answers_id: Mapped[UUID | None]

    def other_parties(self, session: Session) -> list[UUID]:
        """Return the commissioner, once the claim was submitted. It never learns of a draft that was withdrawn."""
        is_private = self.from_state in {None, ClaimState.DRAFT.value} and self.event != ClaimEvent.SUBMIT.value
        claim = session.get(Claim, self.claim_id)
        return [] if claim is None or is_private else [claim.commissioner_id]


class ClaimDay(AboutPerson, Base):
    """A day of work used by a claim that has not failed or been reversed.

    Under one rule, each day of a jobseeker can be used by one claim only.
    """

    __tablename__ = "claim_days"
    __unaudited__ = True
    __table_args__ = about_person(
        "claim_days",
        _to_claim(),
        UniqueConstraint("partner_id", "jobseeker_id", "rule", "day"),
        Index("ix_claim_days_claim", "partner_id", "claim_id"),
    )

    id: Mapped[PrimaryKey]
    claim_id: Mapped[UUID]
    rule: Mapped[str] = mapped_column(SHORT)
    day: Mapped[date]


class ClaimEvidence(AboutPerson, Base):
    """An evidence item used by a claim that has not failed or been reversed; only one claim under a rule can use it."""

    __tablename__ = "claim_evidence"
    __unaudited__ = True
    __table_args__ = about_person(
        "claim_evidence",
        _to_claim(),
        ForeignKeyConstraint(["partner_id", "evidence_id"], ["evidence.partner_id", "evidence.id"]),
        UniqueConstraint("partner_id", "rule", "evidence_id"),
        Index("ix_claim_evidence_claim", "partner_id", "claim_id"),
    )

    id: Mapped[PrimaryKey]
    claim_id: Mapped[UUID]
    rule: Mapped[str] = mapped_column(SHORT)
    evidence_id: Mapped[UUID]


class ClaimDocument(AboutPerson, Base):
    """The hash of a document used by a claim that has not failed or been reversed.

    Under one rule, each document can be used by one claim only, and only for one jobseeker.
    """

    __tablename__ = "claim_documents"
    __unaudited__ = True
    __table_args__ = about_person(
        "claim_documents",
        _to_claim(),
        UniqueConstraint("partner_id", "document_hash", "rule"),
        Index("ix_claim_documents_claim", "partner_id", "claim_id"),
    )

    id: Mapped[PrimaryKey]
    claim_id: Mapped[UUID]
    rule: Mapped[str] = mapped_column(SHORT)
    document_hash: Mapped[str] = mapped_column(SHORT)
