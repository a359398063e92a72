"""The pages on which people manage how they sign in, and where they are signed in."""

from typing import Annotated, Any
from uuid import UUID

import segno
from fastapi import APIRouter, Body, Depends, Request
from fastapi.responses import JSONResponse, Response

from pathways.access.guards import DatabaseDep, SettingsDep
from pathways.access.models import User
from pathways.base import Actor, Source, utc_now
from pathways.database import Database
from pathways.errors import DomainError
from pathways.pages.shell import HEADERS, errors_at
from pathways.pages.sign_in import caller, site_of
from pathways.pages.visitors import PageRoute, PersonDep, TypedDep, Visitor, go, show, visitor_of
from pathways.sign_in import actions, codes, passkeys, queries
from pathways.sign_in.queries import SignedIn

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/account")
RECOVERY = "/account/recovery-codes"


def owner(person: PersonDep, database: DatabaseDep) -> SignedIn:
    """Return the person, unless only their organisation's provider vouches for them in this session."""
    with database.reading(newest=True) as session:
        actions.must_not_be_by_provider(session, person.session_id)
    return person


OwnerDep = Annotated[SignedIn, Depends(owner)]


def _visitor(request: Request, person: SignedIn) -> Visitor | None:
    """Return the visitor, or None while the person has still to choose a role or to set up a way to sign in."""
    if person.must_set_up or person.membership_id is None:
        return None
    return visitor_of(request, person, None)


def _acting(request: Request, person: SignedIn) -> Actor | None:
    """Return the person as an actor, whom the audit names. Before a role is chosen there is none."""
    if person.membership_id is None or person.role is None or person.organisation_id is None:
        return None
    return Actor(
        person.user_id,
        person.organisation_id,
        person.role,
        person.membership_id,
        source=Source.PAGE,
        doing="account",
        request_id=getattr(request.state, "request_id", ""),
        address=caller(request).address,
    )


@router.get("")
def account(request: Request, person: PersonDep, database: DatabaseDep) -> Response:
    """Show how the person signs in, and where they are signed in."""
    at = utc_now()
    with database.reading(newest=True) as session:
        values: dict[str, Any] = {
            "passkeys": session.scalars(queries.passkeys(person.user_id)).all(),
            "app": queries.authenticator(session, person.user_id),
            "codes_left": len(session.scalars(queries.codes_left(person.user_id)).all()),
            "sessions": queries.sessions_of(session, person.user_id, at),
            "email": session.get_one(User, person.user_id).email,
        }
    return show(request, _visitor(request, person), "account/account", "Your account", person=person, **values)


@router.get("/set-up")
def set_up(request: Request, person: OwnerDep) -> Response:
    """Offer the two ways to sign in from now on."""
    title = "Choose how you sign in"
    return show(request, _visitor(request, person), "account/set_up", title)


@router.post("/passkeys/options")
def passkey_options(person: OwnerDep, database: DatabaseDep, settings: SettingsDep) -> Response:
    """Return what the browser needs to make a passkey."""
    with database.writing(None) as session:
        options = passkeys.adding(session, site_of(settings), person.user_id, utc_now())
    return JSONResponse(options, headers=HEADERS)


@router.post("/passkeys")
def add_passkey(
    request: Request,
    person: OwnerDep,
    database: DatabaseDep,
    settings: SettingsDep,
    challenge_id: Annotated[UUID, Body()],
    answer: Annotated[dict[str, Any], Body()],
) -> Response:
    """Add the passkey that the browser made. A refusal comes as JSON with the sentence to show."""
    at, name = utc_now(), caller(request).browser
    try:
        with database.writing(_acting(request, person)) as session:
            site = site_of(settings)
            passkeys.add(session, site, person.user_id, challenge_id, answer=answer, name=name, at=at)
            has_codes = actions.way_was_set_up(session, person.user_id, person.session_id, at)
    except DomainError as refused:
        return JSONResponse({"fault": refused.detail}, 409, HEADERS)
    return JSONResponse({"next": "/account" if has_codes else RECOVERY}, headers=HEADERS)


@router.post("/passkeys/{passkey_id:uuid}/remove")
def remove_passkey(passkey_id: UUID, request: Request, person: OwnerDep, database: DatabaseDep) -> Response:
    """Remove a passkey, unless the person could not sign in without it."""
    with database.writing(_acting(request, person)) as session:
        actions.remove_passkey(session, person.user_id, passkey_id, utc_now())
    return go("/account", "way_removed")


def _app_page(request: Request, person: SignedIn, database: Database, fault: str = "") -> Response:
    """Show the secret of the app that is being set up."""
    with database.reading(newest=True) as session:
        app = session.scalars(codes.pending(person.user_id).limit(1)).first()
        if app is None:
            return go("/account/set-up")
        secret = codes.secret_of(session, app)
        email = session.get_one(User, person.user_id).email
    return show(
        request,
        _visitor(request, person),
        "account/authenticator",
        "Set up an authenticator app",
        422 if fault else 200,
        fault=fault,
        errors=errors_at({"code": fault}) if fault else (),
        secret=" ".join(secret[start : start + 4] for start in range(0, len(secret), 4)),
        picture=_picture(codes.address_of(secret, email)),
    )


def _picture(text: str) -> tuple[int, str]:
    """Return the width of a QR code in squares, and its dark squares as the path of an SVG picture."""
    rows = [list(row) for row in segno.make(text, error="m").matrix_iter(border=4)]
    path = "".join(f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark)
    return len(rows), path


@router.post("/authenticator")
def begin_app(request: Request, person: OwnerDep, database: DatabaseDep) -> Response:
    """Show a new secret that an authenticator app reads, and ask for its first code."""
    with database.writing(_acting(request, person)) as session:
        codes.begin(session, person.user_id, utc_now())
    return _app_page(request, person, database)


@router.post("/authenticator/confirm")
def confirm_app(request: Request, person: OwnerDep, database: DatabaseDep, typed: TypedDep) -> Response:
    """Add the authenticator app, once its first code is right."""
    at = utc_now()
    try:
        with database.writing(_acting(request, person)) as session:
            codes.confirm(session, person.user_id, (typed.get("code") or [""])[0], at)
            has_codes = actions.way_was_set_up(session, person.user_id, person.session_id, at)
    except codes.WrongCode as wrong:
        return _app_page(request, person, database, wrong.detail)
    return go("/account" if has_codes else RECOVERY, "app_added")


@router.post("/authenticator/remove")
def remove_app(request: Request, person: OwnerDep, database: DatabaseDep) -> Response:
    """Remove the authenticator app, unless the person could not sign in without it."""
    with database.writing(_acting(request, person)) as session:
        actions.remove_authenticator(session, person.user_id, utc_now())
    return go("/account", "way_removed")


@router.get("/recovery-codes")
def offer_codes(request: Request, person: OwnerDep) -> Response:
    """Offer new recovery codes. They are made when the person asks for them."""
    return show(request, _visitor(request, person), "account/recovery", "Recovery codes", codes=())


@router.post("/recovery-codes")
def make_codes(request: Request, person: OwnerDep, database: DatabaseDep) -> Response:
    """Make new recovery codes and show them once. Earlier codes stop working."""
    at = utc_now()
    with database.writing(_acting(request, person)) as session:
        made = actions.make_recovery_codes(session, person.user_id, at)
    return show(request, _visitor(request, person), "account/recovery", "Recovery codes", codes=made)


@router.post("/sessions/{session_id:uuid}/end")
def end_session(session_id: UUID, person: PersonDep, database: DatabaseDep) -> Response:
    """End one of the person's sessions."""
    with database.writing(None) as session:
        actions.end(session, person.user_id, session_id, utc_now())
    return go("/account", "session_ended")


@router.post("/sessions/end-others")
def end_others(request: Request, person: PersonDep, database: DatabaseDep) -> Response:
    """End every session of the person but this one."""
    with database.writing(None) as session:
        actions.end_others(session, person.user_id, person.session_id, utc_now())
        actions.forget_browsers(session, person.user_id, caller(request).known_browser, utc_now())
    return go("/account", "others_ended")
