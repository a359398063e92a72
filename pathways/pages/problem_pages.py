"""Errors as pages: what is wrong and what to do next, in words. The API answers the same errors with JSON."""

from collections.abc import Callable
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, Response

from pathways.errors import DomainError, NotFound
from pathways.pages.shell import message
from pathways.pages.words import plain
from pathways.problems import status_of

NO_PAGE = "There is no such page"
CHECK = (
    "Check the address, or go to the first page. If you followed a link in an e-mail, what it was about may be over."
)
SERVICE_FAULT = 500
WORDS = {
    400: ("This cannot be read", "Go back, reload the page, and try again."),
    409: (
        "Somebody changed the same thing at the same moment",
        "Nothing of yours was saved. Go back, reload the page, and do it again if it is still right.",
    ),
    403: ("You may not see this page", "Your role does not have this page. Go to the first page."),
    404: (NO_PAGE, CHECK),
    405: (NO_PAGE, CHECK),
    413: ("This is too large", "Choose a smaller file, or split it into several."),
    422: (NO_PAGE, CHECK),
    500: (
        "Something went wrong",
        "Nothing was changed. Go back and try again. If it happens again, tell the operator of your Pathways service.",
    ),
    503: ("Pathways cannot answer at the moment", "Nothing was changed. Try again in a minute."),
}


def of_error(error: DomainError, visitor: Any = None) -> HTMLResponse:
    """Return the page of a refusal."""
    if type(error) is NotFound:
        return message("There is nothing here that you may see", plain(error.detail), 404, visitor=visitor)
    return message(error.title, plain(error.detail), status_of(type(error)), visitor=visitor)


def wants_page(request: Request) -> bool:
    """Return whether a browser asked for a page, and not a program for JSON."""
    is_api = request.url.path.startswith(("/api/", "/feeds/", "/health/"))
    return not is_api and "text/html" in request.headers.get("accept", "")


def install(app: FastAPI, visitor_of: Callable[[Request], Any]) -> None:
    """Let the handlers of errors answer a browser with a page.

    ``visitor_of`` returns who has signed in, for the menu of the page; None for anybody else.
    """
    for kind, before in list(app.exception_handlers.items()):
        app.add_exception_handler(kind, _or_page(before, visitor_of))


def _or_page(before: Any, visitor_of: Callable[[Request], Any]) -> Any:
    def handle(request: Request, error: Exception) -> Response:
        answer: Response = before(request, error)
        if not wants_page(request):
            return answer
        title, text = WORDS.get(answer.status_code, WORDS[500])
        visitor = visitor_of(request) if answer.status_code < SERVICE_FAULT else None  # a fault may be the database's
        page = message(title, text, answer.status_code, visitor=visitor)
        if "retry-after" in answer.headers:
            page.headers["retry-after"] = answer.headers["retry-after"]
        return page

    return handle
