"""Who looks at a page: the cookie of the session, the role, and the route class of every page behind the sign-in."""

import hashlib
import inspect
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import wraps
from typing import Annotated, Any
from urllib.parse import quote, urlsplit
from uuid import UUID, uuid4

import brotli
from fastapi import APIRouter, Depends, File, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from fastapi.routing import APIRoute
from sqlalchemy import select

from pathways import audit
from pathways.access.guards import DatabaseDep, address_of, get_database, must_be_permitted
from pathways.access.permissions import PERMISSIONS_OF, Permission
from pathways.base import Actor, Role, Source, local_day, utc_now
from pathways.database import Database, repeated
from pathways.drafts import actions as drafts
from pathways.errors import DomainError, TooLarge
from pathways.idempotency import Once
from pathways.jobseekers.models import Jobseeker
from pathways.pages import faulty
from pathways.pages.done import DONE, NOT_DONE
from pathways.pages.forms import Typed
from pathways.pages.menus import MenuEntry, menu_of
from pathways.pages.problem_pages import of_error
from pathways.pages.shell import HEADERS, is_from_elsewhere, message, page, takes_brotli
from pathways.reference import tables
from pathways.sign_in import actions as sign_in
from pathways.sign_in import queries
from pathways.sign_in.queries import SignedIn

SET_UP, CHOOSE_ROLE = "/account/set-up", "/sign-in/role"
JUST_DONE = "pathways-done"  # the cookie that names what was just done, for the banner of the next page


class SignInNeeded(Exception):
    """The page is for people who have signed in."""

    def __init__(self, *, has_ended: bool) -> None:
        super().__init__()
        self.has_ended = has_ended


class GoTo(Exception):
    """The person must do something else first, at ``path``."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self.path = path


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody who has signed in and chosen a role."""

    signed_in: SignedIn
    actor: Actor
    warned_at: datetime
    idle_ends_at: datetime
    idle_words: str

    @property
    def menu(self) -> tuple[MenuEntry, ...]:
        """Return the entries of the menu."""
        return menu_of(self.actor.role)

    @property
    def membership_id(self) -> Any:
        return self.signed_in.membership_id

    def may(self, permission: str) -> bool:
        """Return whether the role has a permission, given by its value, such as ``introduction:make``."""
        return Permission(permission) in PERMISSIONS_OF[self.actor.role]

    @property
    def is_caseworker(self) -> bool:
        return self.actor.role in {Role.CASEWORKER, Role.TEAM_MANAGER}


def is_safe(settings: Any) -> bool:
    """Return whether people reach the service by HTTPS, so that a cookie can be kept to it."""
    return bool(urlsplit(settings.public_url).scheme == "https")


def cookie_name(settings: Any, name: str) -> str:
    """Return the name of a cookie. Browsers accept ``__Host-`` only by HTTPS and for this host alone."""
    return f"__Host-{name}" if is_safe(settings) else name


def set_cookie(response: Response, settings: Any, name: str, value: str, *, lasts: timedelta | None = None) -> None:
    response.set_cookie(
        cookie_name(settings, name),
        value,
        max_age=int(lasts.total_seconds()) if lasts else None,
        path="/",
        secure=is_safe(settings),
        httponly=True,
        samesite="lax",
    )


def remove_cookie(response: Response, settings: Any, name: str) -> None:
    response.delete_cookie(
        cookie_name(settings, name), path="/", secure=is_safe(settings), httponly=True, samesite="lax"
    )


SESSION, BROWSER = "pathways-session", "pathways-browser"


def session_token(request: Request) -> str:
    return request.cookies.get(cookie_name(request.app.state.settings, SESSION), "")


def person(request: Request, database: DatabaseDep) -> SignedIn:
    """Return who has signed in, whatever they still have to choose or set up."""
    token, at = session_token(request), utc_now()
    if not token:
        raise SignInNeeded(has_ended=False)
    # Not from a replica, where a session that has just ended may still work.
    with database.reading(newest=True) as session:
        found = queries.signed_in(session, token, at)
    if found is None:
        raise SignInNeeded(has_ended=True)
    if (at - found.used_at).total_seconds() > sign_in.SECONDS_BETWEEN_TOUCHES:
        with database.writing(None) as session:
            sign_in.touch(session, found.session_id, at)
    return found


PersonDep = Annotated[SignedIn, Depends(person)]


class PageGuard:
    """The dependency of a page that requires one permission, or only a role."""

    def __init__(self, permission: Permission | None) -> None:
        self.permission = permission

    def __call__(self, request: Request, signed_in: PersonDep) -> Visitor:
        visitor = visitor_of(request, signed_in, self.permission)
        request.state.actor, request.state.visitor = visitor.actor, visitor
        if self.permission is not None:
            must_be_permitted(visitor.actor, self.permission)
        return visitor


def visitor_of(request: Request, signed_in: SignedIn, permission: Permission | None) -> Visitor:
    """Return the visitor. A person who must set up a way to sign in, or choose a role, is sent there first."""
    if signed_in.must_set_up:
        raise GoTo(SET_UP)
    if signed_in.membership_id is None:
        raise GoTo(f"{CHOOSE_ROLE}?next={quote(_address(request))}")
    assert signed_in.role is not None
    assert signed_in.organisation_id is not None
    at = utc_now()
    actor = Actor(
        signed_in.user_id,
        signed_in.organisation_id,
        signed_in.role,
        signed_in.membership_id,
        source=Source.PAGE,
        doing=permission.value if permission else "page",
        request_id=getattr(request.state, "request_id", ""),
        address=address_of(request),
        at=at,
    )
    idle = queries.idle_minutes(at)
    idle_ends_at = min(at + timedelta(minutes=idle), signed_in.ends_at)
    warning = timedelta(minutes=int(tables.limit("session_warning_minutes", local_day(at))))
    return Visitor(signed_in, actor, idle_ends_at - warning, idle_ends_at, f"{idle} minutes")


def current_visitor(request: Request) -> Visitor | None:
    """Return who has signed in and chosen a role; None for anybody else."""
    if not session_token(request):
        return None
    try:
        return visitor_of(request, person(request, get_database(request)), None)
    except (SignInNeeded, GoTo):
        return None


def allowed(permission: Permission | None = None) -> Any:
    """Return the dependency of a page: anybody who has signed in, with the permission if one is named."""
    return Depends(PageGuard(permission))


AnyVisitor = Annotated[Visitor, allowed()]


def _address(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def own_path(text: str) -> str:
    """Return a path of this service to go to after signing in; the first page for anything else."""
    try:
        parts = urlsplit(text)
    except ValueError:  # such as a bracket that is not closed
        return "/"
    is_own = text.startswith("/") and not text.startswith(("//", "/\\")) and not parts.netloc and not parts.scheme
    return text if is_own and "\\" not in text and text.isprintable() else "/"


async def read_typed(request: Request) -> dict[str, list[str]]:
    """Return the values of a form by field, without its files."""
    if request.method == "GET":
        return {}
    form = await request.form(max_fields=5000)
    typed: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            # PostgreSQL stores no NUL, and nobody types one.
            typed.setdefault(name.replace("\x00", ""), []).append(value.replace("\r\n", "\n").replace("\x00", ""))
    return typed


TypedDep = Annotated[dict[str, list[str]], Depends(read_typed)]


def read_file(file: Annotated[UploadFile | None, File()] = None) -> bytes:
    """Return the content of the file of a form; empty if none was chosen."""
    return file.file.read() if file is not None and file.filename else b""


FileDep = Annotated[bytes, Depends(read_file)]


ONCE = "once"


def once_of(request: Request, typed: Typed) -> Once:
    """Return what lets a form that is sent twice do one thing: the number that was made with the form."""
    number = (typed.get(ONCE) or [""])[0]
    if not re.fullmatch(r"[0-9a-f]{32}", number):
        return Once()
    said = sorted((name, values) for name, values in typed.items() if name != ONCE)
    return Once(f"form-{number}", hashlib.sha256(f"{request.method} {request.url.path} {said}".encode()).hexdigest())


def go(path: str, done: str = "") -> Response:
    """Send the browser on after a form (303). ``done`` names what was done, for the banner of the next page."""
    response = RedirectResponse(path, 303, HEADERS)
    if done:
        response.set_cookie(JUST_DONE, done, max_age=60, path="/", httponly=True, samesite="lax")
    return response


def show(
    request: Request, visitor: Visitor | None, template: str, title: str, status: int = 200, **values: Any
) -> HTMLResponse:
    """Return a page with the navigation, and with the banner of what was just done."""
    just_done = request.cookies.get(JUST_DONE, "")
    once = uuid4().hex

    def once_for(number: object) -> str:
        """Return the number of one of several forms of a page, each of which does one thing."""
        return hashlib.sha256(f"{once}:{number}".encode()).hexdigest()[: len(once)]

    own = {
        "done": DONE.get(just_done, ""),
        "is_done": just_done not in NOT_DONE,
        "here": _here(request, visitor),
        "once": once,
        "once_for": once_for,
    }
    values = own | values
    response = page(template, title, status, visitor=visitor, **values)
    if just_done:
        response.delete_cookie(JUST_DONE, path="/", httponly=True, samesite="lax")
    return response


def _here(request: Request, visitor: Visitor | None) -> str:
    """Return the address of the place in the navigation that a page belongs to; an empty text if there is none."""
    path = request.url.path
    hrefs = [entry.href for entry in visitor.menu] if visitor else []
    inside = [href for href in hrefs if path == href or (href != "/" and path.startswith(f"{href}/"))]
    return max(inside, key=len, default="")


def _repeating(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(endpoint)
    def handle(**arguments: Any) -> Any:
        return repeated(lambda: endpoint(**arguments))

    return handle


class PageRoute(APIRoute):
    """A route of a page behind the sign-in.

    A form is handled again if the database undid it to end a deadlock.

    It refuses forms from other websites, keeps what was typed when a session is over, shows errors as pages, and
    records in the audit whom a page is about.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if options.get("methods") == ["POST"] and "file" not in inspect.signature(endpoint).parameters:
            endpoint = _repeating(endpoint)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handled(request: Request) -> Response:
            response = await _before(request)
            if response is not None:
                return _compressed(request, response)
            try:
                response = await handle(request)
            except SignInNeeded as needed:
                return await _to_sign_in(request, needed)
            except GoTo as elsewhere:
                return RedirectResponse(elsewhere.path, 303, HEADERS)
            except DomainError as refused:
                actor = getattr(request.state, "actor", None)
                if actor is not None and refused.is_audited:
                    await run_in_threadpool(note_refusal, request, actor)
                return of_error(refused, getattr(request.state, "visitor", None))
            return _compressed(request, await run_in_threadpool(_after, request, response))

        return handled


async def _before(request: Request) -> Response | None:
    """Return what answers a request before its page is made: a refusal, or a form with faults that is kept."""
    if "\x00" in request.url.path or "%00" in request.url.query:  # PostgreSQL reads no NUL
        return message("There is no such page", "Check the address, or go to the first page.", 404)
    if request.method == "POST" and is_from_elsewhere(request, reads_cookies=True):
        return message("This form came from another website", "Open the page in Pathways and fill it in there.", 403)
    if request.method == "GET" and faulty.FAULTS in request.query_params:
        return await run_in_threadpool(_page_with_faults, request)
    return None


def _after(request: Request, response: Response) -> Response:
    """Record whom the page shows, and forget or keep what was typed into its form."""
    actor = getattr(request.state, "actor", None)
    if actor is None:
        return response
    if actor.reading.unaudited:
        audit.read(get_database(request), actor)
    if request.method == "POST" and response.status_code == SENT:
        _forget(get_database(request), actor, request.url.path)
    if faulty.has_faults(request, response):
        return faulty.sent_to(request, actor, bytes(response.body).decode())
    return response


def _page_with_faults(request: Request) -> Response | None:
    """Return the page with faults that an address asks for, if this visitor has it and may still see whom it is about.

    Without a sign-in there is none: the page itself then asks for it.
    """
    visitor = current_visitor(request)
    if visitor is None:
        return None
    request.state.actor = visitor.actor
    return faulty.kept(request, visitor.actor)


def with_ways_back(routers: Sequence[APIRouter]) -> None:
    """Let every address that takes a form be opened too: a form with faults is shown there."""
    opened = {route.path for router in routers for route in _pages(router) if "GET" in route.methods}
    for router in routers:
        for route in _pages(router):
            if "POST" in route.methods and route.path not in opened:
                path = route.path.removeprefix(router.prefix)
                router.add_api_route(path, back_to_the_first_page, methods=["GET"], include_in_schema=False)
                opened.add(route.path)


def _pages(router: APIRouter) -> list[Any]:
    return [route for route in router.routes if isinstance(route, PageRoute)]


def back_to_the_first_page(visitor: AnyVisitor) -> Response:  # noqa: ARG001 - guards the page
    """Go to the first page: the form that was sent to this address is not kept any more."""
    return go("/")


# Addresses under which what was said is looked up again after it was sent.
KEPT_AFTER_SENDING = frozenset({"/people/found"})
QUALITY = 4  # the highest takes some 250 times as long and saves a tenth more


def _compressed(request: Request, response: Response) -> Response:
    """Return a page compressed, where the browser takes that. No page has a secret that its size could tell."""
    is_page = isinstance(response, HTMLResponse) and "content-encoding" not in response.headers
    if is_page and takes_brotli(request.headers.get("accept-encoding", "")):
        response.body = brotli.compress(bytes(response.body), quality=QUALITY)
        response.headers["content-encoding"] = "br"
        response.headers["content-length"] = str(len(response.body))
        response.headers["vary"] = "accept-encoding"
    return response


def note_refusal(request: Request, actor: Actor) -> None:
    """Record a refused attempt in the audit, with the ids in the address and the person whose reference stands there.

    The person is looked up whether or not the actor may see them: the attempt belongs into their access log.
    """
    database = get_database(request)
    ids = [(name, value) for name, value in request.path_params.items() if isinstance(value, UUID)]
    reference = request.path_params.get("reference")
    if reference:
        with database.reading() as session:
            found = session.scalars(select(Jobseeker.id).where(Jobseeker.reference == reference)).one_or_none()
        ids += [("jobseeker_id", found)] if found is not None else []
    audit.refused(database, actor, ids)


async def _to_sign_in(request: Request, needed: SignInNeeded) -> Response:
    """Send the browser to the sign-in page and back to the same page afterwards, with what was typed."""
    if request.method == "POST":
        typed = await read_typed(request)
        await run_in_threadpool(_keep, get_database(request), session_token(request), request.url.path, typed)
    ended = "&ended=1" if needed.has_ended else ""
    # A form may be sent to another address than that of its page. The browser says from which page it came.
    came_from = own_path(urlsplit_path(request.headers.get("referer", "")))
    back = _address(request) if request.method == "GET" or came_from == "/" else came_from
    return RedirectResponse(f"/sign-in?next={quote(back)}{ended}", 303, HEADERS)


def urlsplit_path(address: str) -> str:
    """Return the path of an address; an empty text if it cannot be read."""
    try:
        return urlsplit(address).path
    except ValueError:
        return ""


SENT = 303  # a form that did what it asks for


def _forget(database: Database, actor: Actor, form: str) -> None:
    """Forget what was typed into a form, because it was sent."""
    if actor.membership_id is None:
        return
    with database.reading(newest=True) as session:
        is_kept = any(drafts.saved(session, actor.membership_id, one, actor.at) for one in (form, faulty.key(form)))
    if is_kept and form not in KEPT_AFTER_SENDING:
        with database.writing(None) as session:
            drafts.forget(session, actor.membership_id, form)
            faulty.forget(session, actor.membership_id, form)


def _keep(database: Database, token: str, form: str, typed: Typed) -> None:
    with database.writing(None) as session:
        owner = queries.membership_of_token(session, token) if token else None
        if owner is not None and typed:
            try:
                drafts.save(session, owner, form, typed, utc_now())
            except TooLarge:
                return


def typed_before(database: Database, visitor: Visitor, form: str) -> dict[str, list[str]] | None:
    """Return what the visitor typed into a form and did not send."""
    with database.reading(newest=True) as session:
        return drafts.saved(session, visitor.membership_id, form, visitor.actor.at)
