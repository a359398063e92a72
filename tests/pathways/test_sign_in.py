"""Signing in: one-time links, codes, sessions, and what nobody can do with them."""

from datetime import timedelta

import pyotp
import pytest
import time_machine
from sqlalchemy import select, update

from pathways.access.models import User
from pathways.base import Source, utc_now
from pathways.messages.models import Notice, NoticeKind
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import Membership
from pathways.organisations.schemas import NewMember
from pathways.sign_in.models import AuthenticatorApp, RecoveryCode, SignInLinkKind, SignInSession
from tests.browsing import OWN, text_of

LATER = timedelta(minutes=1)
EMAIL = "wanda@example.org"


def email_of(world, member):
    with world.database.reading() as session:
        return session.get_one(User, world.actors[member].user_id).email


def with_app(browser, world, member):
    """Set up an authenticator app in a browser that is signed in, and return its secret."""
    page = browser.post("/account/authenticator")
    secret = page.text.split("<code>")[1].split("</code>")[0].replace(" ", "")
    page = browser.post("/account/authenticator/confirm", {"code": pyotp.TOTP(secret).now()})
    assert page.status_code == 200, text_of(page)
    return secret


def test_a_link_signs_in_once(browse, world):
    browser = browse()
    link = browser.link_of("caseworker")
    assert browser.get(link).status_code == 200  # opening it, as a mail scanner does, does not use it up
    first = browser.post(link)
    assert "Sign out" in text_of(first)
    again = browse().post(link)
    assert again.status_code == 404
    assert "This link no longer works" in text_of(again)


def test_a_page_sends_a_stranger_to_sign_in_and_back(browse):
    browser = browse()
    page = browser.get("/account")
    assert "Sign in" in text_of(page)
    assert "next=/account" in page.text
    assert browser.get("/sign-in?next=//evil.example.org").text.count("evil") == 0


def test_who_was_invited_must_set_up_a_way_to_sign_in_first(browse, world):
    browser = browse()
    page = browser.post(browser.link_of("caseworker", source=Source.API))
    assert "Choose how you sign in" in text_of(page)
    assert "Choose how you sign in" in text_of(browser.get("/"))
    with_app(browser, world, "caseworker")
    assert "Choose how you sign in" not in text_of(browser.get("/"))


def test_a_known_browser_needs_only_the_code_and_another_needs_the_link_too(browse, world):
    browser = browse("caseworker")
    secret, email = with_app(browser, world, "caseworker"), email_of(world, "caseworker")
    browser.post("/sign-out")
    assert "Enter the code" in text_of(browser.post("/sign-in", {"email": email.upper()}))
    with time_machine.travel(utc_now() + LATER):
        code = pyotp.TOTP(secret).now()
        assert "Sign out" in text_of(browser.post("/sign-in/code", {"email": email, "code": code}))
        other = browse()
        assert "Check your e-mail" in text_of(other.post("/sign-in", {"email": email}))
        assert other.post("/sign-in/code", {"email": email, "code": code}).status_code == 422
        link = other.link_of("caseworker", SignInLinkKind.NEW_BROWSER)
        assert "Six-digit code" in text_of(other.get(link))
        assert other.post(link, {"code": code}).status_code == 422  # a code works once
    with time_machine.travel(utc_now() + 2 * LATER):
        assert "Sign out" in text_of(other.post(link, {"code": pyotp.TOTP(secret).now()}))


def test_the_reply_does_not_tell_who_has_an_account(browse, world):
    known = browse().post("/sign-in", {"email": email_of(world, "caseworker")})
    unknown = browse().post("/sign-in", {"email": "nobody@example.org"})
    assert known.status_code == unknown.status_code == 200
    assert text_of(known).replace(email_of(world, "caseworker"), "X") == text_of(unknown).replace(
        "nobody@example.org", "X"
    )


def test_a_recovery_code_works_once_and_its_owner_is_notified(browse, world):
    browser = browse("caseworker")
    with_app(browser, world, "caseworker")
    page = browser.post("/account/recovery-codes")
    codes = [part.split("</li>")[0] for part in page.text.split('<ul class="pathways-code')[1].split("<li>")[1:]]
    assert len(codes) == 10
    email = email_of(world, "caseworker")
    other = browse()
    typed = codes[3].lower().replace("-", " ")
    assert "Your account" in text_of(other.post("/sign-in/recovery", {"email": email, "code": typed}))
    assert browse().post("/sign-in/recovery", {"email": email, "code": codes[3]}).status_code == 422
    assert browse().post("/sign-in/recovery", {"email": "nobody@example.org", "code": codes[4]}).status_code == 422
    with world.database.reading() as session:
        assert session.scalars(select(Notice).where(Notice.kind == NoticeKind.SIGN_IN_CHANGED)).all()
        assert codes[3] not in str(session.scalars(select(RecoveryCode.code_hash)).all())


def test_a_session_ends_when_nobody_uses_it_and_after_a_day_at_work(browse):
    browser = browse("caseworker")
    began = utc_now()
    with time_machine.travel(began + timedelta(minutes=29)):
        assert "Sign out" in text_of(browser.get("/account"))
    with time_machine.travel(began + timedelta(minutes=58)):
        assert "Sign out" in text_of(browser.get("/account"))
    with time_machine.travel(began + timedelta(minutes=89)):
        assert "You were signed out" in text_of(browser.get("/account"))
    browser = browse("caseworker")
    for minutes in range(20, 12 * 60, 20):
        with time_machine.travel(began + timedelta(minutes=minutes)):
            assert "Sign out" in text_of(browser.get("/account"))
    with time_machine.travel(began + timedelta(hours=12, minutes=1)):
        assert "You were signed out" in text_of(browser.get("/account"))


def test_a_session_ends_with_the_membership_and_stays_ended_when_the_member_returns(browse, world):
    browser = browse("caseworker")
    actor, operator = world.actors["caseworker"], world.actors["operator"].then(at=utc_now())
    with world.database.writing(operator) as session:
        organisation_actions.end_member(session, operator, session.get_one(Membership, actor.membership_id))
    assert "You were signed out" in text_of(browser.get("/account"))
    operator = operator.then(at=utc_now())
    with world.database.writing(operator) as session:
        new = NewMember(user_id=actor.user_id, organisation_id=actor.organisation_id, role=actor.role)
        organisation_actions.add_member(session, operator, new)
    assert "You were signed out" in text_of(browser.get("/account"))


def test_the_owner_ends_other_sessions_and_nobody_elses(browse, world):
    here, there, stranger = browse("caseworker"), browse("caseworker"), browse("lister")
    with world.database.reading() as session:
        rows = session.scalars(
            select(SignInSession)
            .where(SignInSession.user_id == world.actors["caseworker"].user_id)
            .order_by(SignInSession.id.desc())
        ).all()
    stranger.post(f"/account/sessions/{rows[0].id}/end")
    assert "Sign out" in text_of(there.get("/account"))
    here.post(f"/account/sessions/{rows[0].id}/end")
    assert "You were signed out" in text_of(there.get("/account"))
    assert "Sign out" in text_of(here.get("/account"))


def test_a_person_with_several_roles_chooses_one(browse, world):
    actor, operator = world.actors["caseworker"], world.actors["operator"].then(at=utc_now())
    enterprise = world.organisations["enterprise"]
    with world.database.writing(operator) as session:
        new = NewMember(user_id=actor.user_id, organisation_id=enterprise, role=world.actors["lister"].role)
        organisation_actions.add_member(session, operator, new)
    browser = browse()
    page = browser.post(browser.link_of("caseworker"))
    assert "Choose your role" in text_of(page)
    assert browser.post("/sign-in/role?next=/account", {}).status_code == 422
    stolen = str(world.actors["manager"].membership_id)
    assert browser.post("/sign-in/role?next=/account", {"membership": stolen}).status_code == 404
    page = browser.post("/sign-in/role?next=/account", {"membership": str(actor.membership_id)})
    assert "Stepping Stones" in text_of(page)
    assert "Change role" in text_of(page)


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": ""}])
def test_a_form_from_another_website_is_refused(browse, headers):
    browser = browse("caseworker")
    if not headers["sec-fetch-site"]:
        reply = browser.client.post(
            "/account/sessions/end-others",
            headers={"cookie": "; ".join(f"{k}={v}" for k, v in browser.cookies.items())},
        )
    else:
        reply = browser.post("/account/sessions/end-others", headers=headers)
    assert reply.status_code == 403
    assert "another website" in reply.text


def test_a_cookie_holds_nothing_but_a_random_token_that_no_script_reads(browse, world):
    browser = browse()
    reply = browser.post(browser.link_of("caseworker"), follow=False)
    cookies = reply.headers.get_list("set-cookie")
    assert len(cookies) == 2
    for cookie in cookies:
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert len(cookie.split("=")[1].split(";")[0]) == 43
    with world.database.reading() as session:
        hashes = session.scalars(select(SignInSession.token_hash)).all()
    assert browser.cookies["pathways-session"] not in hashes


def test_codes_are_tried_slowly_but_nobody_is_locked_out(browse, world):
    browser = browse("caseworker")
    secret, email = with_app(browser, world, "caseworker"), email_of(world, "caseworker")
    attacker = browse()
    attacker.cookies["pathways-browser"] = "a" * 43
    refusals = [attacker.post("/sign-in/code", {"email": email, "code": f"{n:06}"}) for n in range(9)]
    assert "Too many" in text_of(refusals[-1]) or "Wait" in text_of(refusals[-1])
    with time_machine.travel(utc_now() + LATER):
        browser.post("/sign-out")
        code = pyotp.TOTP(secret).now()
        assert "Sign out" in text_of(browser.post("/sign-in/code", {"email": email, "code": code}))


def test_an_invitation_is_sent_to_its_owner_alone(browse, call, world, client):
    administrator = world.actors["administrator"]
    user_id = str(world.actors["caseworker"].user_id)
    made = call("administrator", "/invitations", user_id=user_id)
    assert "link" not in str(made)
    refused = call("administrator", "/invitations", user_id=str(administrator.user_id), expect=403)
    assert refused["title"] == "You cannot invite yourself"
    call("administrator", "/invitations", user_id=str(world.actors["lister"].user_id), expect=404)
    call("caseworker", "/invitations", user_id=user_id, expect=403)
    with world.database.reading() as session:
        notice = session.scalars(select(Notice).where(Notice.kind == NoticeKind.INVITED)).one()
    assert notice.user_id == world.actors["caseworker"].user_id
    call("administrator", f"/invitations/{made['id']}/cancel")
    call("administrator", f"/invitations/{made['id']}/cancel", expect=409)


def test_an_invitation_replaces_what_was_set_up_before(browse, world):
    first = browse("caseworker")
    secret, email = with_app(first, world, "caseworker"), email_of(world, "caseworker")
    second = browse()
    second.post(second.link_of("caseworker"))
    assert "You were signed out" in text_of(first.get("/account"))
    with time_machine.travel(utc_now() + LATER):
        refused = first.post("/sign-in/code", {"email": email, "code": pyotp.TOTP(secret).now()})
    assert refused.status_code == 422


def test_the_only_way_to_sign_in_cannot_be_removed(browse, world):
    browser = browse("caseworker")
    with_app(browser, world, "caseworker")
    page = browser.post("/account/authenticator/remove")
    assert page.status_code == 409
    assert "only way to sign in" in text_of(page)


def test_the_secret_of_an_app_is_sealed(browse, world):
    browser = browse("caseworker")
    secret = with_app(browser, world, "caseworker")
    with world.database.reading() as session:
        assert secret not in session.scalars(select(AuthenticatorApp.sealed_secret)).one()


def test_what_was_typed_when_the_session_ended_is_kept_for_its_owner(browse, world):
    browser = browse("administrator")
    with world.database.writing(None) as session:
        session.execute(update(SignInSession).values(ends_at=utc_now()))
    reply = browser.post("/drafts/forget", {"form": "/"}, follow=False)
    assert reply.status_code == 303
    assert reply.headers["location"].startswith("/sign-in?next=/drafts/forget&ended=1")


def test_an_error_is_a_page_for_a_browser_and_json_for_a_program(client):
    page = client.get("/no-such-page", headers=OWN)
    assert page.status_code == 404
    assert "There is no such page" in text_of(page)
    assert client.get("/no-such-page").json()["status"] == 404
    assert client.get("/api/v1/nothing", headers=OWN).json()["status"] == 404
