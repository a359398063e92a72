"""The page behind a decision link. GET shows the question, POST records the answer. It shows no personal data."""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from pathways.access.guards import DatabaseDep, address_of
from pathways.base import utc_now
from pathways.database import Database, repeated
from pathways.errors import DomainError
from pathways.introductions import links
from pathways.introductions.models import IntroductionEvent, WhyNot

router = APIRouter(include_in_schema=False)
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
}
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


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    text = f"""<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)} - Pathways</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/pages.css"></head>
<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"""
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def _choices(question: links.LinkQuestion) -> str:
    answers = "".join(
        f'<p><label><input type="radio" name="event" value="{event.value}" required> {WORDS[event]}</label></p>'
        for event in question.events
    )
    reasons = "".join(f'<option value="{why.value}">{WHY[why]}</option>' for why in question.reasons if why in WHY)
    return f"""<p>{escape(question.partner)} put a jobseeker forward for <strong>{escape(question.title)}</strong> on
{escape(question.sent_on)}. This page does not name the jobseeker.
Sign in to see what the jobseeker agreed to share.</p>
{f"<p>{escape(question.so_far)}</p>" if question.so_far else ""}
<form method="post"><fieldset><legend>Your answer</legend>{answers}
<p><label for="why">If you do not want to go ahead, choose the reason</label> <select id="why" name="why">
<option value="other">Another reason</option>{reasons}</select></p></fieldset>
<p><button type="submit">Send this answer</button></p></form>
<p>Nothing is decided until you send your answer.</p>"""


def _refused(error: DomainError, request: Request, database: Database, token: str) -> HTMLResponse:
    """Return the page of a refusal. The audit records it if the link named a jobseeker and no longer works."""
    if error.is_audited:
        links.refused(database, token, utc_now(), getattr(request.state, "request_id", ""), address_of(request))
    status = 410 if isinstance(error, links.LinkGone) else 409
    return _page(error.title, f"<p>{escape(error.detail)}</p>", status)


def _answer(
    database: Database, token: str, event: IntroductionEvent, why: WhyNot | None, request_id: str, address: str
) -> None:
    with database.writing(None) as session:
        links.decide(session, token, utc_now(), event, why, request_id, address)


@router.get("/decide/{token}")
def show(token: str, request: Request, database: DatabaseDep) -> HTMLResponse:
    """Show the question behind a decision link. Opening the page does not record an answer."""
    try:
        with database.reading() as session:
            question = links.question_of(session, token, utc_now())
    except DomainError as error:
        return _refused(error, request, database, token)
    if not question.events:
        return _page("No answer is needed", "<p>There is nothing to decide about this introduction now.</p>")
    return _page("An introduction is waiting for your answer", _choices(question))


@router.post("/decide/{token}")
def decide(
    token: str,
    request: Request,
    database: DatabaseDep,
    event: Annotated[IntroductionEvent | None, Form()] = None,
    why: Annotated[WhyNot | None, Form()] = None,
) -> HTMLResponse:
    """Record the answer to an introduction and mark the link as used. Refuses an answer sent from another website."""
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return _page(
            "This answer came from another website",
            "<p>Open the link in the e-mail, then answer on that page.</p>",
            403,
        )
    if event not in WORDS:
        return _page("Choose an answer", "<p>Go back and choose one of the answers.</p>", 422)
    try:
        if event is IntroductionEvent.OFFER:
            links.offer_to_waiting_list(database, token, utc_now(), address_of(request))
        request_id = getattr(request.state, "request_id", "")
        repeated(lambda: _answer(database, token, event, why, request_id, address_of(request)))
        with database.reading(newest=True) as session:
            partner = links.partner_of(session, token)
    except DomainError as error:
        return _refused(error, request, database, token)
    return _page("Thank you", f"<p>{escape(partner)} has your answer. {NEXT[event]}</p>")
