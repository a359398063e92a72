"""Sign-in by an organisation's own provider (OpenID Connect): the way there and back, and every way to cheat."""

import subprocess
import sys
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, update

from pathways.base import Role, utc_now
from pathways.sign_in import providers
from pathways.sign_in.models import IdentityProvider, ProviderIdentity, ProviderSignIn, SignInSession, SignInWay
from pathways.sign_in.schemas import NewProvider
from tests.browsing import text_of
from tests.conftest import settings_for
from tests.pathways.test_four_eyes import join
from tests.provider import CLIENT_ID, SECRET, open_provider
from tests.served import environment_of

WORKER = {"sub": "entra-1", "email": "caseworker@example.org", "email_verified": True}


@pytest.fixture
def provider():
    with open_provider() as running:
        yield running


@pytest.fixture
def row_id(world, provider):
    """The provider of the partner, for addresses at example.org."""
    new = NewProvider(issuer=provider.address, client_id=CLIENT_ID, client_secret=SECRET, email_domain="example.org")
    with world.database.writing(world.actors["operator"]) as session:
        return providers.add(session, new, world.organisations["partner"], utc_now()).id


@pytest.fixture
def browser(browse, row_id):
    """A browser in which nobody has signed in."""
    fresh = browse("caseworker")
    fresh.cookies.clear()
    return fresh


def leave(browser, row_id, path="/"):
    """Go to the provider, and return the address of its page."""
    reply = browser._send("GET", f"/sign-in/provider/{row_id}?next={path}")  # noqa: SLF001 - not followed elsewhere
    assert reply.status_code == 303, reply.text
    return reply.headers["location"]


def come_back(browser, provider, row_id, path="/", **who):
    there = provider.sign_in(leave(browser, row_id, path), **{**WORKER, **who})
    parts = urlsplit(there)
    return browser.get(f"{parts.path}?{parts.query}")


def is_signed_in(browser):
    return "Sign out" in browser.get("/").text


def test_an_address_of_the_domain_goes_to_the_organisations_own_page(browser, row_id):
    page = browser.post("/sign-in", {"email": "nobody-at-all@example.org"})
    assert "Stepping Stones" in text_of(page)
    assert f"/sign-in/provider/{row_id}" in page.text
    elsewhere = browser.post("/sign-in", {"email": "somebody@else.example"})
    assert "Check your e-mail" in text_of(elsewhere)
    assert "Check your e-mail" in text_of(browser.post("/sign-in", {"email": "caseworker@example.org", "by": "link"}))


def test_a_member_signs_in_and_comes_back_to_the_same_page(browser, provider, row_id, world):
    page = come_back(browser, provider, row_id, "/people")
    assert "People" in text_of(page)
    assert is_signed_in(browser)
    asked = provider.asked
    assert (asked["code_challenge_method"], asked["response_type"], asked["scope"]) == (
        "S256", "code", "openid email profile",
    )  # fmt: skip
    with world.database.reading() as session:
        rows = session.scalars(select(SignInSession).where(SignInSession.way == SignInWay.PROVIDER)).all()
        assert [row.user_id for row in rows] == [world.actors["caseworker"].user_id]
        assert session.scalars(select(ProviderSignIn)).all() == []
        secret = session.scalars(select(IdentityProvider.sealed_secret)).one()
    assert SECRET not in secret


def test_later_the_subject_counts_and_no_longer_the_address(browser, provider, row_id, world):
    come_back(browser, provider, row_id)
    browser.cookies.clear()
    come_back(browser, provider, row_id, email="married-name@example.org")
    assert is_signed_in(browser)
    browser.cookies.clear()
    other = come_back(browser, provider, row_id, sub="entra-2", email="colleague@example.org")
    assert other.status_code == 200
    with world.database.reading() as session:
        linked = {row.subject: row.user_id for row in session.scalars(select(ProviderIdentity))}
    assert linked == {
        "entra-1": world.actors["caseworker"].user_id,
        "entra-2": world.actors["colleague"].user_id,
    }


@pytest.mark.parametrize(
    "who",
    [
        {"email": "lister@example.org"},  # a member of another organisation
        {"email": "nobody@example.org"},
        {"email": "caseworker@else.example"},
        {"email_verified": False},
        {"email": ""},
    ],
    ids=["member elsewhere", "nobody", "another domain", "unverified", "no address"],
)
def test_a_provider_vouches_only_for_its_own_members(browser, provider, row_id, who):
    page = come_back(browser, provider, row_id, **who)
    assert page.status_code == 401
    assert "no member with this account" in text_of(page)
    assert not is_signed_in(browser)


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "another-client"},
        {"iss": "http://127.0.0.1:1"},
        {"nonce": "another nonce"},
        {"exp": 1_700_000_000},
        {"sub": None},
    ],
    ids=["audience", "issuer", "nonce", "over", "no subject"],
)
def test_a_token_with_a_wrong_claim_signs_nobody_in(browser, provider, row_id, changes):
    provider.changes = changes
    page = come_back(browser, provider, row_id)
    assert page.status_code == 401
    assert "did not confirm who you are" in text_of(page)
    assert not is_signed_in(browser)


def test_an_unsigned_token_and_one_signed_by_another_key_sign_nobody_in(browser, provider, row_id):
    provider.unsigned = True
    assert come_back(browser, provider, row_id).status_code == 401
    provider.unsigned = False
    with open_provider() as stranger:
        provider.signs_with = stranger.key  # the published keys stay its own
    assert come_back(browser, provider, row_id).status_code == 401
    assert not is_signed_in(browser)


def test_new_keys_of_a_provider_are_fetched(browser, provider, row_id):
    come_back(browser, provider, row_id)
    browser.cookies.clear()
    with open_provider() as stranger:
        provider.key = stranger.key  # it signs with a new key, which it publishes
    come_back(browser, provider, row_id)
    assert is_signed_in(browser)


def test_the_way_back_belongs_to_one_browser_and_works_once(browser, provider, row_id, browse):
    there = urlsplit(provider.sign_in(leave(browser, row_id), **WORKER))
    stranger = browse("lister")
    stranger.cookies.clear()
    refused = stranger.get(f"{there.path}?{there.query}")
    assert refused.status_code == 401
    assert "begun in another browser" in text_of(refused)
    cookies = dict(browser.cookies)
    assert browser.get(f"{there.path}?{there.query}").status_code == 200
    browser.cookies = cookies
    assert browser.get(f"{there.path}?{there.query}").status_code == 401


def test_a_sign_in_that_took_too_long_is_refused(browser, provider, row_id, world):
    there = urlsplit(provider.sign_in(leave(browser, row_id), **WORKER))
    with world.database.writing(None) as session:
        session.execute(update(ProviderSignIn).values(works_until=utc_now() - timedelta(seconds=1)))
    assert browser.get(f"{there.path}?{there.query}").status_code == 401


def test_a_provider_that_does_not_answer_is_said_so(browser, provider, row_id):
    provider.is_down = True
    page = browser.get(f"/sign-in/provider/{row_id}")
    assert page.status_code == 503
    assert "does not answer" in text_of(page)


def test_only_roles_of_the_organisation_can_be_chosen(browser, provider, row_id, world):
    join(world, "second_role", "other_partner", Role.TEAM_MANAGER, email="second@example.org")
    both = world.actors["caseworker"].user_id
    other = world.actors["second_role"].membership_id
    with world.database.writing(None) as session:
        from pathways.organisations.models import Membership

        session.get_one(Membership, other).user_id = both
    page = come_back(browser, provider, row_id)
    assert "Today" in text_of(page)  # one role is left, so that none is asked for
    refused = browser.post("/sign-in/role", {"membership": str(other)})
    assert refused.status_code == 404
    assert "Open Door" not in text_of(browser.get("/sign-in/role"))


def test_a_session_by_a_provider_adds_no_way_to_sign_in(browser, provider, row_id):
    come_back(browser, provider, row_id)
    assert "nothing to set up here" in text_of(browser.get("/account"))
    for path in ("/account/passkeys/options", "/account/authenticator", "/account/recovery-codes"):
        assert browser.post(path).status_code == 403, path


def test_an_ended_provider_ends_its_sessions(browser, provider, row_id, world):
    come_back(browser, provider, row_id)
    with world.database.writing(world.actors["operator"]) as session:
        providers.end(session, "example.org", utc_now())
    assert not is_signed_in(browser)
    assert browser.get(f"/sign-in/provider/{row_id}").status_code == 404
    with world.database.writing(world.actors["operator"]) as session, pytest.raises(providers.NotFound):
        providers.end(session, "example.org", utc_now())


def test_a_domain_has_one_provider(world, row_id, provider):
    new = NewProvider(issuer=provider.address, client_id="b", client_secret=SECRET, email_domain="@Example.org")
    with world.database.writing(world.actors["operator"]) as session, pytest.raises(providers.DomainTaken):
        providers.add(session, new, world.organisations["council"], utc_now())


def test_the_operator_sets_a_provider_up_by_commands(tmp_path, provider):
    settings = settings_for(f"sqlite:///{tmp_path}/cli.db")

    def pathways(*words, typed=""):
        command = [sys.executable, "-m", "pathways.cli", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, env=environment_of(settings), input=typed, check=False
        )
        assert "Traceback" not in done.stderr
        return done

    pathways("db", "upgrade")
    pathways("organisations", "create", "--kind", "local_authority", "--name", "Barnet", "--ref", "barnet")
    words = ["--issuer", provider.address, "--client-id", CLIENT_ID, "--email-domain", "example.org"]
    made = pathways("sign-in", "add", "--organisation", "barnet", *words, typed=f"{SECRET}\n")
    assert made.returncode == 0, made.stderr
    assert "/sign-in/provider/back" in made.stdout
    assert SECRET not in made.stdout + made.stderr
    assert "example.org" in pathways("sign-in", "list").stdout
    again = pathways("sign-in", "add", "--organisation", "barnet", *words, typed=f"{SECRET}\n")
    assert "have a provider" in again.stderr
    assert pathways("sign-in", "end", "example.org").returncode == 0
    assert pathways("sign-in", "list").stdout == ""
