"""The page on which the owner of a new key claims it. GET shows what the key is for, POST shows the key once."""

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from pathways.access.guards import DatabaseDep, address_of
from pathways.base import utc_now
from pathways.errors import DomainError
from pathways.organisations import links
from pathways.pages.shell import HEADERS, is_from_elsewhere, message, page

router = APIRouter(include_in_schema=False)


def _answer(request: Request, title: str, detail: str, status: int) -> Response:
    if _wants_json(request):
        body = {"title": title, "status": status, "detail": detail}
        return JSONResponse(body, status, HEADERS, media_type="application/problem+json")
    return message(title, detail, status)


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
    return page("claim_key", "Claim your key", offer=offer)


@router.post("/claim-key/{token}")
def claim_key(token: str, request: Request, database: DatabaseDep) -> Response:
    """Claim a key and show it once. With ``Accept: application/json`` the reply is JSON with the field ``key``.

    Refuses a form that was sent from another website.
    """
    if is_from_elsewhere(request):
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
    return page("key", "Your key", secret=secret)
