"""Turns every error into a problem document (RFC 9457): the table of statuses, and the exception handlers."""

import re
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm.exc import StaleDataError
from starlette.exceptions import HTTPException as StarletteHTTPException

from pathways import errors, fields
from pathways.field_faults import sentence_of

PROBLEM = "application/problem+json"
RULE_BROKEN = fields.RULE_BROKEN
UUID_TEXT = re.compile(r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$", re.IGNORECASE)
log = structlog.get_logger()

STATUS_OF: dict[type[errors.DomainError], int] = {
    errors.NotFound: 404,
    errors.NotPermitted: 403,
    errors.Conflict: 409,
    errors.Invalid: 422,
    errors.StaleVersion: 412,
    errors.VersionNeeded: 428,
    errors.Unauthenticated: 401,
    errors.TooLarge: 413,
    errors.Unavailable: 503,
}


class FieldError(BaseModel):
    """One value that is wrong: where it is, and what to do about it."""

    pointer: str = Field(description="JSON pointer of the field, from the top of the request.")
    detail: str


class Problem(BaseModel):
    """Problem details (RFC 9457). A problem may have more members."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldError] = Field(default_factory=list)


def status_of(kind: type[errors.DomainError]) -> int:
    return next(STATUS_OF[base] for base in kind.__mro__ if base in STATUS_OF)


def documented(*kinds: type[errors.DomainError]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of the errors a route may answer with."""
    answers: dict[int | str, dict[str, Any]] = {}
    for kind in kinds:
        answers.setdefault(
            status_of(kind),
            {"model": Problem, "description": kind.title, "content": {PROBLEM: {}}},
        )
    return answers


def answer(problem: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(dict(problem), status_code=problem["status"], headers=dict(headers or {}), media_type=PROBLEM)


def of_domain_error(error: errors.DomainError) -> JSONResponse:
    status = status_of(type(error))
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}  # noqa: PLR2004 - RFC 9110, 401
    body = {"type": error.problem_type(), "title": error.title, "status": status, "detail": error.detail}
    return answer({**body, **error.more}, headers)


def _pointer(location: tuple[int | str, ...]) -> str:
    parts = [str(part) for part in location if part != "body"] or [""]
    return "/" + "/".join(part.replace("~", "~0").replace("/", "~1") for part in parts) if parts != [""] else ""


def _invalid(_: Request, error: Exception) -> JSONResponse:
    """Return the reply to an invalid request: the wrong fields, never their values, which may be an NI number."""
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    faults = [{"pointer": _pointer(tuple(e["loc"])), "detail": sentence_of(e)} for e in found]
    if all(e["type"] == RULE_BROKEN for e in found):
        kind = errors.RuleBroken
        detail = "Correct the values listed in errors and send the request again."
        body = {"type": kind.problem_type(), "title": kind.title, "status": 409, "detail": detail, "errors": faults}
        return answer(body)
    body = {
        "type": "/problems/invalid",
        "title": errors.Invalid.title,
        "status": 422,
        "detail": "Correct the fields listed in errors and send the request again.",
        "errors": faults,
    }
    return answer(body)


TITLES = {
    400: "The request cannot be read",
    404: "There is no such address",
    405: "This address does not support that method",
}


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, StarletteHTTPException)
    headers = dict(error.headers or {})
    status = error.status_code
    if status == 405:  # noqa: PLR2004 - RFC 9110: Allow names every method of the address, not of the first route
        allowed = {
            method.upper()
            for path, methods in request.app.openapi()["paths"].items()
            if _matches(path, request.url.path)
            for method in methods
        }
        headers = {"Allow": ", ".join(sorted(allowed))} if allowed else headers  # the document has no web pages
    kind = {413: errors.TooLarge}.get(status)
    words = TITLES.get(status)
    if status == 404 and _is_of_a_record(request):  # noqa: PLR2004
        words = NO_RECORD
    body = {
        "type": kind.problem_type() if kind else "about:blank",
        "title": kind.title if kind else words or "The request was refused",
        "status": status,
        "detail": str(error.detail) if status in {400, 413, 415} else words or "The request was refused.",
    }
    return answer(body, headers)


NO_RECORD = "No record has this id. Check it."


def _is_of_a_record(request: Request) -> bool:
    """Return whether the address is one that the service has, but for an id that is none."""
    given = request.url.path.split("/")
    for template in request.app.openapi()["paths"]:
        wanted = template.split("/")
        is_long_enough = "_id}" in template and len(wanted) == len(given)
        if is_long_enough and all(w.startswith("{") or w == g for w, g in zip(wanted, given, strict=True)):
            return True
    return False


def _matches(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        UUID_TEXT.match(g) is not None if w.endswith("_id}") else w.startswith("{") or w == g
        for w, g in zip(wanted, given, strict=True)
    )


def _domain(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.DomainError)
    return of_domain_error(error)


def _database(_: Request, error: Exception) -> JSONResponse:
    if isinstance(error, (IntegrityError, StaleDataError)):
        log.warning("write_lost_a_race", error=type(error).__name__)
        return of_domain_error(
            errors.ChangedMeanwhile("Read the record again, then repeat the change if it still applies.")
        )
    if isinstance(error, (OperationalError, PoolTimeout)) or getattr(error, "connection_invalidated", False):
        log.error("database_unavailable", error=type(error).__name__)
        response = of_domain_error(errors.Unavailable("Nothing was changed. Try again in a few seconds."))
        response.headers["Retry-After"] = "5"
        return response
    return _unexpected(_, error)


def _unexpected(_: Request, error: Exception) -> JSONResponse:
    log.error("unexpected", error=type(error).__name__, where=raised_at(error))
    body = {
        "type": "/problems/unexpected",
        "title": "An unexpected error occurred",
        "status": 500,
        "detail": "Nothing was changed. Report it to your Pathways operator with the X-Request-ID of this reply.",
    }
    return answer(body)


def raised_at(error: Exception) -> list[str]:
    """Return the last six files and lines of an error's traceback, without its message: it may hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{Path(frame.filename).name}:{frame.lineno}" for frame in frames[-6:]]


def install(app: FastAPI) -> None:
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(StarletteHTTPException, _http)
    app.add_exception_handler(errors.DomainError, _domain)
    for kind in (DBAPIError, StaleDataError, PoolTimeout):
        app.add_exception_handler(kind, _database)
    app.add_exception_handler(Exception, _unexpected)


__all__ = ["Problem", "documented", "install", "of_domain_error", "raised_at", "status_of"]
