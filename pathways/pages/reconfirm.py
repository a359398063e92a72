"""The page behind the link of a letter, on which a placement is confirmed. GET shows the question, POST confirms."""

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from pathways.access.guards import DatabaseDep, address_of
from pathways.base import utc_now
from pathways.database import repeated
from pathways.errors import DomainError
from pathways.pages.shell import is_from_elsewhere, message, page
from pathways.placements import links

router = APIRouter(include_in_schema=False)


@router.get("/reconfirm/{token}")
def ask(token: str, database: DatabaseDep) -> HTMLResponse:
    """Show which placement is to be confirmed. Opening the page confirms nothing."""
    try:
        with database.reading(newest=True) as session:
            question = links.question_of(session, token, utc_now())
    except DomainError as error:
        return message(error.title, error.detail, 410, link="/placements", link_text="Sign in")
    return page("reconfirm", "Is this placement still available?", question=question)


@router.post("/reconfirm/{token}")
def confirm(token: str, request: Request, database: DatabaseDep) -> HTMLResponse:
    """Confirm the placement, and mark the link as used. Refuses a form that was sent from another website."""
    if is_from_elsewhere(request):
        return message("This form came from another website", "Open the link in the e-mail and use that page.", 403)
    request_id = getattr(request.state, "request_id", "")

    def act() -> None:
        with database.writing(None) as session:
            links.confirm(session, token, utc_now(), request_id, address_of(request))

    try:
        repeated(act)
    except DomainError as error:
        return message(error.title, error.detail, 410, link="/placements", link_text="Sign in")
    return message("Thank you", "The placement stays published. You can close this page.")
