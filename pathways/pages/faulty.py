"""Forms with faults: kept as the page that they are, and opened by GET.

A page that answers a POST is asked for again by the browser's Back, which then warns of sending the form twice. So the
page is kept, sealed, and the browser is sent to it. Only the newest page of a form is kept, for minutes. A page about
an introduction is not kept: what a social enterprise may read there can be withdrawn at any moment.
"""

from datetime import timedelta
from uuid import UUID, uuid4

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from pathways.access.guards import get_database
from pathways.base import Actor
from pathways.database import WriteSession
from pathways.drafts import actions as drafts
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.pages.shell import HEADERS

FAULTS = "faults"
STATUS = 422
MOST_KEPT = 190_000  # characters of a page
LASTS = timedelta(minutes=30)
NOT_KEPT = frozenset({"introduction_id"})


def key(path: str) -> str:
    """Return under which name the page of a form is kept among the drafts."""
    return f"{path}?{FAULTS}"


def has_faults(request: Request, response: Response) -> bool:
    """Return whether a form is shown again with its faults, on a page that can be kept."""
    return (
        request.method == "POST"
        and response.status_code == STATUS
        and isinstance(response, HTMLResponse)
        and len(response.body) < MOST_KEPT
        and NOT_KEPT.isdisjoint(request.path_params)
    )


def sent_to(request: Request, actor: Actor, page: str) -> Response:
    """Keep a page with faults, and send the browser to it."""
    if actor.membership_id is None:
        return HTMLResponse(page, STATUS, HEADERS)
    path, number = request.url.path, uuid4().hex
    with get_database(request).writing(None) as session:
        kept_page = {"number": [number], "page": [page]}
        drafts.save(session, actor.membership_id, key(path), kept_page, actor.at, lasts=LASTS)
    return RedirectResponse(f"{path}?{FAULTS}={number}", 303, HEADERS)


def kept(request: Request, actor: Actor) -> Response | None:
    """Return the page that an address asks for; None if there is none, or the actor may no longer see its person."""
    if actor.membership_id is None:
        return None
    reference = request.path_params.get("reference")
    with get_database(request).reading(actor, newest=True) as session:
        if reference is not None:
            rows = jobseeker_queries.visible_to(actor).where(Jobseeker.reference == reference)
            if session.scalars(rows.with_only_columns(Jobseeker.id)).first() is None:
                return None
        found = drafts.saved(session, actor.membership_id, key(request.url.path), actor.at)
    if found is None or found["number"] != [request.query_params[FAULTS]]:
        return None
    return HTMLResponse(found["page"][0], STATUS, HEADERS)


def forget(session: WriteSession, membership_id: UUID, path: str) -> None:
    """Delete the page of a form that was sent."""
    drafts.forget(session, membership_id, key(path))
