"""The pages on which people sign in and out, and choose their role."""

import re
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Body, Query, Request
from fastapi.responses import JSONResponse, RedirectResponse, Response

from pathways.access.guards import DatabaseDep, SettingsDep, address_of
from pathways.base import utc_now
from pathways.database import Database, WriteSession
from pathways.errors import DomainError
from pathways.pages.shell import HEADERS, errors_at
from pathways.pages.visitors import (
    BROWSER,
    SESSION,
    PageRoute,
    PersonDep,
    TypedDep,
    cookie_name,
    go,
    own_path,
    remove_cookie,
    session_token,
    set_cookie,
    show,
)
from pathways.sign_in import actions, one_time_links, passkeys, providers, queries, slowing
from pathways.sign_in.actions import NewSession
from pathways.sign_in.models import SignInLinkKind
from pathways.sign_in.passkeys import Site
from pathways.sign_in.queries import SignedIn
from pathways.sign_in.schemas import Caller
from pathways.sign_in.slowing import TryKey

router = APIRouter(include_in_schema=False, route_class=PageRoute)
BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS", "Mac"),
    ("Linux", "Linux"),
)
EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LEAVING = "pathways-leaving"  # the cookie that marks the browser which went to a provider
ENTER_EMAIL = "Enter your e-mail address, such as name@example.org"
Next = Annotated[str, Query(alias="next", max_length=500)]


def caller(request: Request) -> Caller:
    """Return the browser of a request. Its name is only for its owner to recognise it."""
    agent = request.headers.get("user-agent", "")
    browser = next((name for mark, name in BROWSERS if mark in agent), "Browser")
    system = next((name for mark, name in SYSTEMS if mark in agent), "unknown device")
    return Caller(
        browser=f"{browser} on {system}",
        address=address_of(request),
        request_id=getattr(request.state, "request_id", ""),
        known_browser=request.cookies.get(cookie_name(request.app.state.settings, BROWSER), ""),
    )


def site_of(settings: Any) -> Site:
    return Site.of(settings.public_url)


def _counted(database: Database, request: Request, *more: TryKey) -> None:
    """Count a try in a transaction of its own, so that it stays counted when the try fails."""
    with database.writing(None) as session:
        for counted in (TryKey("address", address_of(request)), *more):
            slowing.count(session, utc_now(), counted)


def _signed_in(request: Request, started: NewSession, path: str, *, as_json: bool = False) -> Response:
    """Return the reply that gives the browser its session, and sends it on."""
    response: Response = JSONResponse({"next": path}, headers=HEADERS) if as_json else go(path)
    settings = request.app.state.settings
    set_cookie(response, settings, SESSION, started.token)
    if started.known_browser:
        set_cookie(response, settings, BROWSER, started.known_browser, lasts=actions.browser_lasts(utc_now()))
    return response


def _page(request: Request, path: str, fault: str = "", *, has_ended: bool = False, email: str = "") -> Response:
    return show(
        request,
        None,
        "sign_in/start",
        "Sign in",
        422 if fault else 200,
        next=path,
        has_ended=has_ended,
        email=email,
        fault=fault,
        errors=errors_at({"email": fault}) if fault else (),
    )


@router.get("/sign-in")
def start(request: Request, path: Next = "/", ended: Annotated[bool, Query()] = False) -> Response:  # noqa: FBT002 - a parameter of the address
    """Show the ways to sign in: a passkey, or the e-mail address first."""
    return _page(request, own_path(path), has_ended=ended)


@router.post("/sign-in")
def with_email(request: Request, database: DatabaseDep, typed: TypedDep, path: Next = "/") -> Response:
    """Go on with an e-mail address: the code of the app in a known browser, else a link by e-mail.

    The page after an address that nobody has is the same, so that nobody learns who has an account.
    """
    email, path = _first(typed, "email").strip().lower(), own_path(path)
    by_link = _first(typed, "by") == "link"
    if not EMAIL.fullmatch(email) or len(email) > 300:  # noqa: PLR2004 - as long as the column
        return _page(request, path, ENTER_EMAIL, email=email)
    who = caller(request)
    with database.reading(newest=True) as session:
        provider = providers.for_address(session, email)
        user = queries.user_by_email(session, email)
        is_known = (
            user is not None
            and queries.known_browser(session, user.id, who.known_browser, utc_now())
            and queries.authenticator(session, user.id) is not None
        )
    if provider is not None and not by_link:
        return show(
            request,
            None,
            "sign_in/provider",
            "Sign in with your organisation",
            email=email,
            next=path,
            provider=provider,
        )
    if is_known and not by_link:
        return _code_page(request, email, path)
    try:
        _counted(database, request, TryKey("mail", email))
        with database.writing(None) as session:
            actions.send_link(session, email, utc_now())
    except slowing.TooManyTries:
        pass  # the same page: the links sent before still work, and nobody learns more
    return show(request, None, "sign_in/sent", "Check your e-mail", email=email, next=path)


def _first(typed: dict[str, list[str]], name: str) -> str:
    return (typed.get(name) or [""])[0]


def _code_page(request: Request, email: str, path: str, fault: str = "", *, recovery: bool = False) -> Response:
    title = "Enter a recovery code" if recovery else "Enter the code from your authenticator app"
    return show(
        request,
        None,
        "sign_in/code",
        title,
        422 if fault else 200,
        email=email,
        next=path,
        recovery=recovery,
        fault=fault,
        errors=errors_at({"code": fault}) if fault else (),
    )


@router.post("/sign-in/code")
def with_code(request: Request, database: DatabaseDep, typed: TypedDep, path: Next = "/") -> Response:
    """Sign in with the code of the authenticator app, in a browser that is known."""
    email, path, who = _first(typed, "email"), own_path(path), caller(request)
    counted = TryKey("browser", who.known_browser)
    try:
        _counted(database, request, counted)
        started = _in(database, lambda s: actions.use_code(s, who, email, _first(typed, "code"), utc_now()))
    except DomainError as refused:
        return _code_page(request, email, path, refused.detail)
    _forgiven(database, request, counted)
    return _signed_in(request, started, path)


def _in(database: Database, act: Callable[[WriteSession], NewSession]) -> NewSession:
    with database.writing(None) as session:
        return act(session)


def _forgiven(database: Database, request: Request, *more: TryKey) -> None:
    with database.writing(None) as session:
        for counted in (TryKey("address", address_of(request)), *more):
            slowing.forgive(session, counted)


@router.get("/sign-in/recovery")
def ask_recovery_code(request: Request, path: Next = "/") -> Response:
    """Ask for the e-mail address and a recovery code."""
    return _code_page(request, "", own_path(path), recovery=True)


@router.post("/sign-in/recovery")
def with_recovery_code(request: Request, database: DatabaseDep, typed: TypedDep, path: Next = "/") -> Response:
    """Sign in with a recovery code, and go to the account, where a new way to sign in is added."""
    email, who = _first(typed, "email"), caller(request)
    try:
        _counted(database, request)
        started = _in(database, lambda s: actions.use_recovery_code(s, who, email, _first(typed, "code"), utc_now()))
    except DomainError as refused:
        return _code_page(request, email, own_path(path), refused.detail, recovery=True)
    _forgiven(database, request)
    return _signed_in(request, started, "/account")


def _link_page(request: Request, database: Database, token: str, fault: str = "") -> Response:
    with database.reading(newest=True) as session:
        offer = one_time_links.offer_of(session, token, utc_now())
    title = "Welcome to Pathways" if offer.kind is SignInLinkKind.INVITATION else "Sign in"
    errors = errors_at({"code": fault}) if fault else ()
    return show(request, None, "sign_in/link", title, 422 if fault else 200, offer=offer, fault=fault, errors=errors)


@router.get("/sign-in/link/{token}")
def open_link(token: str, request: Request, database: DatabaseDep) -> Response:
    """Show what a one-time link is for. Opening it signs nobody in, so that a mail scanner cannot use it up."""
    return _link_page(request, database, token)


@router.post("/sign-in/link/{token}")
def with_link(token: str, request: Request, database: DatabaseDep, typed: TypedDep) -> Response:
    """Sign in with a one-time link and, where there is an authenticator app, its code."""
    who, counted = caller(request), TryKey("link", token)
    try:
        _counted(database, request, counted)
        started = _in(database, lambda s: actions.use_link(s, who, token, _first(typed, "code"), utc_now()))
    except one_time_links.SignInLinkGone:
        raise
    except DomainError as refused:
        return _link_page(request, database, token, refused.detail)
    _forgiven(database, request, counted)
    return _signed_in(request, started, "/")


@router.post("/sign-in/passkey/options")
def passkey_options(database: DatabaseDep, settings: SettingsDep) -> Response:
    """Return what the browser needs to find a passkey. It is not counted: a passkey cannot be guessed."""
    with database.writing(None) as session:
        passkeys.forget(session, utc_now())
        return JSONResponse(passkeys.signing_in(session, site_of(settings), utc_now()), headers=HEADERS)


@router.post("/sign-in/passkey")
def with_passkey(
    request: Request,
    database: DatabaseDep,
    settings: SettingsDep,
    challenge_id: Annotated[UUID, Body()],
    answer: Annotated[dict[str, Any], Body()],
    path: Next = "/",
) -> Response:
    """Sign in with a passkey. A refusal comes as JSON with the sentence to show."""
    try:
        with database.writing(None) as session:
            challenge = passkeys.take(session, challenge_id, utc_now())
        with database.writing(None) as session:
            user_id = passkeys.use(session, site_of(settings), challenge, answer, utc_now())
        started = _in(database, lambda s: actions.start_with_passkey(s, caller(request), user_id, utc_now()))
    except DomainError as refused:
        return JSONResponse({"fault": refused.detail}, 409, HEADERS)
    _forgiven(database, request)
    return _signed_in(request, started, own_path(path), as_json=True)


@router.get("/sign-in/provider/{provider_id:uuid}")
def go_to_provider(
    provider_id: UUID, request: Request, database: DatabaseDep, settings: SettingsDep, path: Next = "/"
) -> Response:
    """Go to the organisation's own sign-in page. The browser is marked, so that nobody else can use the way back."""
    _counted(database, request)
    with database.reading(newest=True) as session:
        known = providers.known(session, provider_id)
    with database.writing(None) as session:
        providers.forget(session, utc_now())
        leaving = providers.begin(session, known, own_path(path), utc_now())
    address = providers.address_of(known, leaving, back_to(settings))
    response = RedirectResponse(address, 303, HEADERS)
    set_cookie(response, settings, LEAVING, leaving.state, lasts=providers.LASTS)
    return response


@router.get("/sign-in/provider/back")
def back_from_provider(
    request: Request, database: DatabaseDep, settings: SettingsDep, state: str = "", code: str = ""
) -> Response:
    """Sign in the person for whom the organisation's provider vouches."""
    if not state or state != request.cookies.get(cookie_name(settings, LEAVING), ""):
        raise providers.NotVouchedFor("This sign-in was begun in another browser, or too long ago. Sign in again.")
    _counted(database, request)
    with database.writing(None) as session:
        leaving = providers.take(session, state, utc_now())
    claims = providers.vouched_for(leaving, code, back_to(settings), utc_now())
    with database.writing(None) as session:
        user_id = providers.person_of(session, leaving.provider, claims, utc_now())
        started = actions.start_with_provider(
            session, caller(request), user_id, leaving.provider.organisation_id, utc_now()
        )
    _forgiven(database, request)
    response = _signed_in(request, started, own_path(leaving.next_path))
    remove_cookie(response, settings, LEAVING)
    return response


def back_to(settings: Any) -> str:
    """Return the address to which a provider sends people back."""
    return f"{settings.public_url}/sign-in/provider/back"


@router.get("/sign-in/role")
def ask_role(request: Request, person: PersonDep, database: DatabaseDep, path: Next = "/") -> Response:
    """Ask in which role the person works in this session."""
    return _role_page(request, person, database, own_path(path))


def _role_page(request: Request, person: SignedIn, database: Database, path: str, fault: str = "") -> Response:
    with database.reading(newest=True) as session:
        roles = queries.roles_of(
            session, person.user_id, actions.session_row(session, person.session_id).only_organisation_id
        )
    errors = errors_at({"membership": fault}) if fault else ()
    title = "Choose your role"
    return show(
        request, None, "sign_in/role", title, 422 if fault else 200, roles=roles, next=path, fault=fault, errors=errors
    )


@router.post("/sign-in/role")
def choose_role(
    request: Request, person: PersonDep, database: DatabaseDep, typed: TypedDep, path: Next = "/"
) -> Response:
    """Work in one role in this session."""
    try:
        membership_id = UUID(_first(typed, "membership"))
    except ValueError:
        return _role_page(request, person, database, own_path(path), "Choose one of the roles")
    at = utc_now()
    with database.writing(None) as session:
        row = actions.session_row(session, person.session_id)
        actions.choose_role(session, row, membership_id, caller(request), at)
    return go(own_path(path))


@router.post("/sign-in/stay")
def stay(person: PersonDep) -> Response:
    """Note that somebody is still there, and return in how many seconds the session ends now."""
    at = max(utc_now(), person.used_at)
    return JSONResponse({"seconds": queries.idle_minutes(at) * 60}, headers=HEADERS)


@router.post("/sign-out")
def sign_out(request: Request, database: DatabaseDep, settings: SettingsDep) -> Response:
    """End the session of this browser."""
    with database.reading(newest=True) as session:
        found = queries.signed_in(session, session_token(request), utc_now())
    if found is not None:
        with database.writing(None) as session:
            actions.end(session, found.user_id, found.session_id, utc_now())
    response = go(f"/sign-in?next={quote('/')}", "signed_out")
    remove_cookie(response, settings, SESSION)
    return response
