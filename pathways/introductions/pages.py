"""The page behind a link of an e-mail: a GET shows what is asked, a POST decides; nothing on it is about a person."""

from html import escape
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from pathways.access.guards import DatabaseDep
from pathways.base import utc_now
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
    IntroductionEvent.INVITE: "We would like to meet them",
    IntroductionEvent.OFFER: "We offer them a place",
    IntroductionEvent.WAIT: "We would take them when a place is free",
    IntroductionEvent.DECLINE: "It does not fit",
}
WHY = {
    WhyNot.HOURS: "The hours do not fit",
    WhyNot.TRAVEL: "It is too far",
    WhyNot.SKILLS: "Skills we need are missing",
    WhyNot.CHECKS: "A check the work needs is missing",
    WhyNot.ADJUSTMENT: "What they need cannot be arranged",
    WhyNot.SUPPORT: "We cannot give the support",
    WhyNot.DID_NOT_COME: "They were not there",
    WhyNot.PLACE_FILLED: "The place is filled",
    WhyNot.LISTING_CLOSED: "We do not offer it any more",
}


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    text = f"""<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)} - Pathways</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/pages.css"></head>
<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"""
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def _choices(asked: links.LinkQuestion) -> str:
    answers = "".join(
        f'<p><label><input type="radio" name="event" value="{event.value}" required> {WORDS[event]}</label></p>'
        for event in asked.events
    )
    reasons = "".join(f'<option value="{why.value}">{WHY[why]}</option>' for why in asked.reasons if why in WHY)
    return f"""<p>{escape(asked.partner)} put somebody forward for <strong>{escape(asked.title)}</strong> on
{escape(asked.sent_on)}. Who it is, is not shown here: sign in to see what they agreed you may know.</p>
<form method="post"><fieldset><legend>Your answer</legend>{answers}
<p><label for="why">If it does not fit, why</label> <select id="why" name="why">
<option value="other">Another reason</option>{reasons}</select></p></fieldset>
<p><button type="submit">Send this answer</button></p></form>
<p>Nothing is decided until you send it.</p>"""


def _refused(wrong: DomainError) -> HTMLResponse:
    status = 410 if isinstance(wrong, links.LinkGone) else 409
    return _page(wrong.title, f"<p>{escape(wrong.detail)}</p>", status)


@router.get("/decide/{token}")
def show(token: str, database: DatabaseDep) -> HTMLResponse:
    try:
        with database.reading() as session:
            asked = links.question_of(session, token, utc_now())
    except DomainError as wrong:
        return _refused(wrong)
    if not asked.events:
        return _page("It is answered already", "<p>There is nothing to decide on this introduction now.</p>")
    return _page("An introduction waits for your answer", _choices(asked))


@router.post("/decide/{token}")
def decide(
    token: str,
    request: Request,
    database: DatabaseDep,
    event: Annotated[IntroductionEvent | None, Form()] = None,
    why: Annotated[WhyNot | None, Form()] = None,
) -> HTMLResponse:
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return _page("This answer came from another site", "<p>Open the link of the e-mail, then answer.</p>", 403)
    if event not in WORDS:
        return _page("Choose an answer", "<p>Go back and choose one of the answers.</p>", 422)
    try:
        if event is IntroductionEvent.OFFER:
            with database.writing(None) as session:
                links.offer_to_waiting_list(session, token, utc_now())
        with database.writing(None) as session:
            request_id = getattr(request.state, "request_id", "")
            links.decide(session, token, utc_now(), event, why, request_id)
    except DomainError as wrong:
        return _refused(wrong)
    return _page("Thank you", "<p>Your answer is recorded, and the partner is told.</p>")
