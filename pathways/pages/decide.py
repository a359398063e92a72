"""The page behind a decision link. GET shows the question, POST records the answer. It shows no personal data."""

from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from pathways.access.guards import DatabaseDep, address_of
from pathways.base import utc_now
from pathways.database import Database, repeated
from pathways.errors import DomainError
from pathways.introductions import links
from pathways.introductions.models import IntroductionEvent, WhyNot
from pathways.pages.shell import errors_at, is_from_elsewhere, message, page

router = APIRouter(include_in_schema=False)
QUESTION = "An introduction is waiting for your answer"
CHOOSE = "Choose one of the answers"
WORDS = {
    IntroductionEvent.INVITE: "We would like to meet the jobseeker",
    IntroductionEvent.OFFER: "We offer the jobseeker a place",
    IntroductionEvent.WAIT: "We would like to offer the jobseeker a place when a place becomes free",
    IntroductionEvent.DECLINE: "We do not want to go ahead",
}
# What happens after each answer. The partner's name stands before it.
NEXT = {
    IntroductionEvent.INVITE: "They will contact you to arrange a meeting.",
    IntroductionEvent.OFFER: "They will ask the jobseeker, and let you know.",
    IntroductionEvent.WAIT: "When a place becomes free, it is offered to the jobseeker who has waited longest.",
    IntroductionEvent.DECLINE: "There is nothing more to do.",
}
WHY = {
    WhyNot.HOURS: "The hours do not fit",
    WhyNot.TRAVEL: "It is too far to travel",
    WhyNot.SKILLS: "Skills that we need are missing",
    WhyNot.CHECKS: "A check that the work requires is missing",
    WhyNot.ADJUSTMENT: "We cannot arrange the adjustments that the jobseeker needs",
    WhyNot.SUPPORT: "We cannot give the support that the jobseeker needs",
    WhyNot.DID_NOT_COME: "The jobseeker did not attend",
    WhyNot.PLACE_FILLED: "The place is filled",
    WhyNot.LISTING_CLOSED: "We no longer offer this placement",
}


def _answers(question: links.LinkQuestion) -> Callable[[str], list[dict[str, Any]]]:
    """Return what makes the radio buttons. The reason is asked below the answer that it belongs to."""

    def answers(reason: str) -> list[dict[str, Any]]:
        below = {IntroductionEvent.DECLINE: {"conditional": {"html": reason}}}
        return [{"value": event.value, "text": WORDS[event], **below.get(event, {})} for event in question.events]

    return answers


def _question(question: links.LinkQuestion, *, is_answered: bool = True) -> HTMLResponse:
    """Return the page of the question; with ``is_answered`` false, it says that no answer was chosen."""
    reasons = [
        {"value": WhyNot.OTHER.value, "text": "Another reason"},
        *({"value": why.value, "text": WHY[why]} for why in question.reasons if why in WHY),
    ]
    return page(
        "decide",
        QUESTION,
        200 if is_answered else 422,
        question=question,
        answers=_answers(question),
        reasons=reasons,
        error=None if is_answered else {"text": CHOOSE},
        errors=() if is_answered else errors_at({"event": CHOOSE}),
    )


def _refused(error: DomainError, request: Request, database: Database, token: str) -> HTMLResponse:
    """Return the page of a refusal. The audit records it if the link named a jobseeker and no longer works."""
    if error.is_audited:
        links.refused(database, token, utc_now(), getattr(request.state, "request_id", ""), address_of(request))
    return message(error.title, error.detail, 410 if isinstance(error, links.LinkGone) else 409)


def _record(
    database: Database, token: str, event: IntroductionEvent, why: WhyNot | None, request_id: str, address: str
) -> None:
    with database.writing(None) as session:
        links.decide(session, token, utc_now(), event, why, request_id, address)


def _current_question(request: Request, database: Database, token: str, *, is_answered: bool = True) -> HTMLResponse:
    try:
        with database.reading() as session:
            question = links.question_of(session, token, utc_now())
    except DomainError as error:
        return _refused(error, request, database, token)
    if not question.events:
        return message("No answer is needed", "There is nothing to decide about this introduction now.")
    return _question(question, is_answered=is_answered)


@router.get("/decide/{token}")
def show(token: str, request: Request, database: DatabaseDep) -> HTMLResponse:
    """Show the question behind a decision link. Opening the page does not record an answer."""
    return _current_question(request, database, token)


@router.post("/decide/{token}")
def decide(
    token: str,
    request: Request,
    database: DatabaseDep,
    event: Annotated[IntroductionEvent | None, Form()] = None,
    why: Annotated[WhyNot | None, Form()] = None,
) -> HTMLResponse:
    """Record the answer to an introduction and mark the link as used. Refuses an answer sent from another website."""
    if is_from_elsewhere(request):
        text = "Open the link in the e-mail, then answer on that page."
        return message("This answer came from another website", text, 403)
    if event not in WORDS:
        return _current_question(request, database, token, is_answered=False)
    try:
        if event is IntroductionEvent.OFFER:
            links.offer_to_waiting_list(database, token, utc_now(), address_of(request))
        request_id = getattr(request.state, "request_id", "")
        repeated(lambda: _record(database, token, event, why, request_id, address_of(request)))
        with database.reading(newest=True) as session:
            partner = links.partner_of(session, token)
    except DomainError as error:
        return _refused(error, request, database, token)
    return message("Thank you", f"{partner} has your answer. {NEXT[event]}")
