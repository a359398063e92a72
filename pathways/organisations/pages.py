"""The page on which the owner of a new key claims it. GET shows what the key is for, POST shows the key once."""

from html import escape

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, Response

from pathways.access.guards import DatabaseDep, address_of
from pathways.base import utc_now
from pathways.errors import DomainError
from pathways.organisations import links

router = APIRouter(include_in_schema=False)
HEADERS = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'",
}


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    text = f"""<!doctype html>
<html lang="en-GB"><head><meta charset="utf-8"><title>{escape(title)} - Pathways</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/pages.css"></head>
<body><main><h1>{escape(title)}</h1>{body}</main></body></html>"""
    return HTMLResponse(text, status_code=status, headers=HEADERS)


def _answer(request: Request, title: str, detail: str, status: int) -> Response:
    if _wants_json(request):
        body = {"title": title, "status": status, "detail": detail}
        return JSONResponse(body, status, HEADERS, media_type="application/problem+json")
    return _page(title, f"<p>{escape(detail)}</p>", status)


def _wants_json(request: Request) -> bool:
    return "application/json" in request.headers.get("accept", "")


@router.get("/claim-key/{token}")
def show_offer(token: str, request: Request, database: DatabaseDep) -> Response:
    """Show what a key is for. Opening the page does not claim the key, so a mail scanner cannot use the link up."""
    try:
        with database.reading(newest=True) as session:
            offer = links.offer_of(session, token, utc_now())
    except DomainError as error:
        return _answer(request, error.title, error.detail, 410)
    limited = "<p>It is limited to some of your permissions.</p>" if offer.is_limited else ""
    return _page(
        "Claim your key",
        f"""<p>A key was issued to you for <strong>{escape(offer.organisation)}</strong>, in the role
{escape(offer.role)}. It works until {escape(offer.expires_on)}.</p>{limited}
<p>The key is shown once, on the next page. Have a safe place ready to store it. Nobody else can see it.</p>
<form method="post"><p><button type="submit">Show the key</button></p></form>""",
    )


@router.post("/claim-key/{token}")
def claim_key(token: str, request: Request, database: DatabaseDep) -> Response:
    """Claim a key and show it once. With ``Accept: application/json`` the reply is JSON with the field ``key``.

    Refuses a form that was sent from another website.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        return _answer(
            request, "This form came from another website", "Open the link in the e-mail and use that page.", 403
        )
    try:
        with database.writing(None) as session:
            request_id = getattr(request.state, "request_id", "")
            secret = links.claim(session, token, utc_now(), request_id, address_of(request))
    except DomainError as error:
        return _answer(request, error.title, error.detail, 410)
    if _wants_json(request):
        return JSONResponse({"key": secret}, headers=HEADERS)
    return _page(
        "Your key",
        f"<p><code>{escape(secret)}</code></p><p>Store it now: it cannot be shown again. Send it in the header"
        " <code>Authorization: Bearer</code> of each request. Give it to nobody.</p>",
    )
