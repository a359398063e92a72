"""The pages about claims: claim a recorded outcome, read a claim, and take its next step."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.claims import actions, queries
from pathways.claims.models import FUNDERS_WORD, Claim, ClaimEvent, ClaimState, FundersAnswer
from pathways.claims.schemas import Because, ClaimOut, Declaration, NewClaim, Payment
from pathways.database import Database, Session, WriteSession
from pathways.errors import DomainError, NotFound
from pathways.jobseekers.models import Jobseeker
from pathways.pages.forms import Faults, FormQuestion, Option, body_of, faults_of, first
from pathways.pages.person import PersonForm, find, head, person_form, person_page
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, typed_before
from pathways.progression import queries as progression_queries
from pathways.reference import outcome_rules

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/people")
Reader = Annotated[Visitor, allowed(Permission.CLAIM_READ)]
Maker = Annotated[Visitor, allowed(Permission.CLAIM_MAKE)]
Mover = Annotated[Visitor, allowed(Permission.CLAIM_MOVE)]
STATES = {
    ClaimState.DRAFT: "Draft",
    ClaimState.SUBMITTED: "With the funder",
    ClaimState.QUERIED: "The funder has a question",
    ClaimState.ACCEPTED: "Accepted, to be paid",
    ClaimState.PAID: "Paid",
    ClaimState.FAILED: "Not paid",
    ClaimState.REVERSED: "Paid back",
}
COLOURS = {
    ClaimState.QUERIED: "yellow",
    ClaimState.ACCEPTED: "turquoise",
    ClaimState.PAID: "green",
    ClaimState.FAILED: "red",
    ClaimState.REVERSED: "red",
}
EVENTS = {
    ClaimEvent.SUBMIT: "Send it to the funder",
    ClaimEvent.ANSWER: "Answer the funder's question",
    ClaimEvent.WITHDRAW: "Withdraw the claim",
    ClaimEvent.QUERY: "The funder has a question",
    ClaimEvent.ACCEPT: "The funder accepts it",
    ClaimEvent.FAIL: "The funder refuses it",
    ClaimEvent.PAY: "The funder has paid it",
    ClaimEvent.REVERSE: "The payment goes back to the funder",
}
HAPPENED = {
    "draft": "Drafted",
    ClaimEvent.SUBMIT: "Sent to the funder",
    ClaimEvent.ANSWER: "Question answered",
    ClaimEvent.WITHDRAW: "Withdrawn",
    ClaimEvent.QUERY: "The funder asked",
    ClaimEvent.ACCEPT: "Accepted by the funder",
    ClaimEvent.FAIL: "Refused by the funder",
    ClaimEvent.PAY: "Paid by the funder",
    ClaimEvent.REVERSE: "Payment returned",
    ClaimEvent.CONFIRM: "The funder confirmed this",
    ClaimEvent.CONTEST: "The funder contests this",
}
ANSWERS = {
    FundersAnswer.WAITING: "The funder has not confirmed what was recorded in its name.",
    FundersAnswer.CONFIRMED: "The funder has confirmed what was recorded in its name.",
    FundersAnswer.CONTESTED: "The funder contests what was recorded in its name. Talk to the funder.",
}
IN_ITS_NAME = "Recorded in the funder's name. The funder is asked to confirm it."
DECLARATION = (
    FormQuestion(
        "has_other_funding",
        "yes_no",
        "Does another funder also pay for this outcome?",
        missing="Say whether another funder also pays",
    ),
    FormQuestion(
        "other_funding", "text", "If yes: which funder, and for what?", "Such as: the council, for a job coach."
    ),
)
REASON = FormQuestion("reason", "long", "Reason or answer", "The partner and the funder can read it.", rows=3)
AMOUNT = FormQuestion("pounds", "pounds", "Amount paid", "Only if it is less than the amount claimed.", width="5")
WITH_REASON = {ClaimEvent.ANSWER, ClaimEvent.WITHDRAW, ClaimEvent.QUERY, ClaimEvent.FAIL, ClaimEvent.REVERSE}


@dataclass(frozen=True, slots=True)
class ClaimOfPerson:
    """A claim on the page about a person's work: its state in words, the outcome's rule and the amount."""

    shown: ClaimOut
    rule_text: str

    @property
    def state(self) -> str:
        return STATES[self.shown.state]

    @property
    def colour(self) -> str:
        return COLOURS.get(self.shown.state, "grey")


def lines(session: Session, actor: Actor, person: Jobseeker) -> list[ClaimOfPerson]:
    """Return the claims for a person that the actor may see, the newest first."""
    rows = queries.visible_to(actor).where(Claim.jobseeker_id == person.id).order_by(Claim.id.desc())
    shown = actions.replies(session, actor, session.scalars(rows).all())
    return [_line(session, one) for one in shown]


def _line(session: Session, shown: ClaimOut) -> ClaimOfPerson:
    return ClaimOfPerson(shown, rule_words(session, shown.rule, shown.rule_version))


def rule_words(session: Session, rule: str, version: str) -> str:
    """Return what a version of an outcome rule asks, in words; its name if the version is not loaded any more."""
    found = outcome_rules.all_versions(session).get(f"{rule}@{version}")
    return found.definition if found is not None else rule


def _outcome_form(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    outcome_id: UUID,
    typed: Mapping[str, Any],
    faults: Faults | None = None,
) -> Response:
    with database.reading(visitor.actor) as session:
        outcome = progression_queries.outcome(session, visitor.actor, outcome_id)
        about = rule_words(session, outcome.rule, outcome.rule_version)
    form = PersonForm("Claim this outcome", DECLARATION, typed, faults, about, "Send the claim to the funder")
    return person_form(request, visitor, database, reference, form)


@router.get("/{reference}/outcomes/{outcome_id:uuid}/claim")
def ask_claim(reference: str, outcome_id: UUID, request: Request, visitor: Maker, database: DatabaseDep) -> Response:
    """Ask for the declaration about other funding, which goes to the funder with the claim."""
    kept = typed_before(database, visitor, request.url.path) or {}
    return _outcome_form(request, visitor, database, reference, outcome_id, kept)


@router.post("/{reference}/outcomes/{outcome_id:uuid}/claim")
def claim_outcome(
    reference: str, outcome_id: UUID, request: Request, visitor: Maker, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Draft the claim and send it to the funder, in one step."""
    actor = visitor.actor
    try:
        declared = body_of(Declaration, DECLARATION, typed)

        def act(session: WriteSession) -> Claim:
            claim = actions.draft(session, actor, NewClaim(outcome_id=outcome_id, declaration=declared))
            return actions.submit(session, actor, claim, declared)

        with database.writing(actor) as session:
            once_of(request, typed)(
                session, actor, lambda: act(session), lambda made: queries.claim(session, actor, made)
            )
    except Faults as faults:
        return _outcome_form(request, visitor, database, reference, outcome_id, typed, faults)
    except DomainError as refused:
        wrong = faults_of(refused, DECLARATION)
        return _outcome_form(request, visitor, database, reference, outcome_id, typed, wrong)
    return go(f"/people/{reference}/work", "claimed")


def _questions(shown: ClaimOut) -> tuple[FormQuestion, ...]:
    """Return what is asked about the next step of a claim: the step, and what the possible steps need."""
    possible = [ClaimEvent(one) for one in shown.possible_events if one in EVENTS]
    if not possible:
        return ()
    steps = tuple(Option(one.value, EVENTS[one], IN_ITS_NAME if one in FUNDERS_WORD else "") for one in possible)
    asked = [FormQuestion("event", "one", "What happens next?", options=steps, missing="Choose what happens next")]
    if ClaimEvent.SUBMIT in possible:
        asked += [replace(question, missing="") for question in DECLARATION]
    if ClaimEvent.PAY in possible:
        asked.append(AMOUNT)
    if WITH_REASON.intersection(possible):
        asked.append(REASON)
    return tuple(asked)


def _claim_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    reference: str,
    claim_id: UUID,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        person = find(session, actor, reference)
        top = head(session, actor, person)
        claim = _of(session, actor, person, claim_id)
        shown = actions.reply(session, actor, claim)
        line = _line(session, shown)
    questions = _questions(shown) if visitor.may(Permission.CLAIM_MOVE.value) else ()
    return person_page(
        request,
        visitor,
        top,
        "claims/claim",
        "Claim",
        line=line,
        happened=HAPPENED,
        funders_answer=ANSWERS.get(shown.funders_answer) if shown.funders_answer else "",
        questions=questions,
        typed=typed or {},
        faults=faults.by_field if faults else {},
        errors=faults.summary(questions) if faults else (),
        status=422 if faults else 200,
    )


def _of(session: Session, actor: Actor, person: Jobseeker, claim_id: UUID, *, for_update: bool = False) -> Claim:
    claim = queries.claim(session, actor, claim_id, for_update=for_update)
    if claim.jobseeker_id != person.id:
        raise NotFound("This person has no such claim. Open their work, and choose the claim there.")
    return claim


@router.get("/{reference}/claims/{claim_id:uuid}")
def get_claim(reference: str, claim_id: UUID, request: Request, visitor: Reader, database: DatabaseDep) -> Response:
    """Show a claim with its history and what can happen next."""
    return _claim_page(request, visitor, database, reference, claim_id)


@router.post("/{reference}/claims/{claim_id:uuid}")
def move_claim(
    reference: str, claim_id: UUID, request: Request, visitor: Mover, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record the next step of a claim."""
    actor = visitor.actor
    said = first(typed, "event")
    if said not in {event.value for event in EVENTS}:
        faults = Faults({"event": "Choose what happens next"})
        return _claim_page(request, visitor, database, reference, claim_id, typed, faults)
    event = ClaimEvent(said)
    asked: Sequence[FormQuestion] = DECLARATION
    try:
        if event is ClaimEvent.SUBMIT:
            declared = body_of(Declaration, DECLARATION, typed)
        elif event is ClaimEvent.PAY:
            asked = (AMOUNT,)
            pounds = body_of(Payment, asked, typed).pounds
        elif event in WITH_REASON:
            asked = (REASON,)
            needed = (replace(REASON, missing="Write the reason or the answer, in at least three words"),)
            reason = body_of(Because, needed, typed).reason

        def act(session: WriteSession) -> Claim:
            claim = _of(session, actor, find(session, actor, reference), claim_id, for_update=True)
            if event is ClaimEvent.SUBMIT:
                return actions.submit(session, actor, claim, declared)
            if event is ClaimEvent.PAY:
                return actions.move(session, actor, claim, event, pounds=pounds)
            return actions.move(session, actor, claim, event, reason=reason if event in WITH_REASON else "")

        with database.writing(actor) as session:
            once_of(request, typed)(
                session, actor, lambda: act(session), lambda made: queries.claim(session, actor, made)
            )
    except Faults as faults:
        return _claim_page(request, visitor, database, reference, claim_id, typed, faults)
    except DomainError as refused:
        return _claim_page(request, visitor, database, reference, claim_id, typed, faults_of(refused, asked))
    return go(f"/people/{reference}/claims/{claim_id}", "claim_moved")
