"""The pages about claims: claim an outcome, answer the funder, and record what the funder decided."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from pathways.base import Role
from pathways.claims.models import Claim, ClaimState
from pathways.jobseekers.models import Jobseeker
from tests.browsing import text_of
from tests.pathways.test_enterprise_pages import once_in
from tests.pathways.test_four_eyes import join
from tests.work import TODAY, evidence, working

RULE = "LOCAL_13_IN_16"


@pytest.fixture
def person(client, world, call):
    """A person whose thirteen weeks of work are recorded, evidenced and met."""
    call("operator", f"/programmes/{world.programme_id}/prices", rule=RULE, pounds=1000, from_on="2020-01-01")
    _, spell_id = working(client, world)
    evidence(client, world, spell_id, TODAY - timedelta(weeks=16), TODAY)
    with world.database.reading() as session:
        return session.scalars(select(Jobseeker)).one().reference


def claim_of(world):
    with world.database.reading() as session:
        return session.scalars(select(Claim).order_by(Claim.id.desc())).first()


def claimed(browse, person, **declared):
    """Record the outcome and claim it as the caseworker; return the browser and the last page."""
    browser = browse("caseworker")
    page = browser.post(f"/people/{person}/work/outcomes", {"rule": RULE})
    assert "You can claim it" in text_of(page)
    path = re.search(rf'href="(/people/{person}/outcomes/[^"]+/claim)"', page.text)[1]
    form = browser.get(path)
    return browser, path, browser.post(path, {"once": once_in(form), "has_other_funding": "no", **declared})


def test_an_outcome_is_claimed_queried_answered_and_paid(browse, world, call, person):
    browser, _, page = claimed(browse, person)
    assert "The claim is with the funder" in text_of(page)
    assert "With the funder" in text_of(page)
    assert "recorded and claimed" in text_of(page)
    claim = claim_of(world)
    call("commissioner", f"/claims/{claim.id}/query", reason="Which employer was it?")
    today = browser.get("/")
    address = f"/people/{person}/claims/{claim.id}"
    assert f'href="{address}"' in today.text
    page = browser.get(address)
    assert "Which employer was it?" in text_of(page)
    page = browser.post(address, {"event": "answer", "once": once_in(page)})
    assert page.status_code == 422
    assert "in at least three words" in text_of(page)
    page = browser.post(address, {"event": "answer", "reason": "The cafe on Mill Road", "once": once_in(page)})
    assert "Question answered" in text_of(page)
    call("commissioner", f"/claims/{claim.id}/accept")
    call("commissioner", f"/claims/{claim.id}/pay")
    assert "Amount paid £1,000" in text_of(browser.get(address))
    assert claim_of(world).state is ClaimState.PAID


def test_a_claim_asks_about_other_funding_first(browse, world, person):
    browser, path, page = claimed(browse, person, has_other_funding="")
    assert page.status_code == 422
    assert "Say whether another funder also pays" in text_of(page)
    assert claim_of(world) is None
    page = browser.post(path, {"has_other_funding": "yes"})
    assert "Name the other funding" in text_of(page)
    assert claim_of(world) is None  # nothing half done: no draft is left behind


def test_a_form_that_is_sent_twice_claims_once(browse, world, person):
    browser, path, _ = claimed(browse, person)
    once = "0" * 32
    address = f"/people/{person}/claims/{claim_of(world).id}"
    withdrawn = {"event": "withdraw", "reason": "The hours were wrong", "once": once}
    assert "Withdrawn" in text_of(browser.post(address, withdrawn))
    assert "Withdrawn" in text_of(browser.post(address, withdrawn))
    assert claim_of(world).state is ClaimState.FAILED
    page = browser.get(f"/people/{person}/work")
    assert path in page.text  # it can be claimed again


def test_a_manager_records_the_funders_word_and_no_caseworker_does(browse, client, world, call):
    call("operator", f"/programmes/{world.programme_id}/prices", rule=RULE, pounds=1000, from_on="2020-01-01")
    _, spell_id = working(client, world)
    item = evidence(client, world, spell_id, TODAY - timedelta(weeks=16), TODAY, is_checked=False)
    call("colleague", f"/evidence/{item}/check", is_accepted=True)
    with world.database.reading() as session:
        person = session.scalars(select(Jobseeker)).one().reference
    browser, _, _ = claimed(browse, person)
    address = f"/people/{person}/claims/{claim_of(world).id}"
    assert "The funder accepts it" not in text_of(browser.get(address))
    assert browser.post(address, {"event": "accept"}).status_code == 403
    assert "The funder accepts it" not in text_of(browse("manager").get(address))  # who enrolled the person
    join(world, "clean", "partner", Role.TEAM_MANAGER)
    manager = browse("clean")
    assert "The funder accepts it" in text_of(manager.get(address))
    manager.post(address, {"event": "accept"})
    page = manager.post(address, {"event": "pay", "pounds": "1,500"})
    assert "cannot be more than the amount claimed" in text_of(page)
    page = manager.post(address, {"event": "pay", "pounds": "950"})
    assert "Amount paid £950" in text_of(page)
    assert "The funder has not confirmed" in text_of(page)


@pytest.mark.parametrize("stranger", ["other_caseworker", "referrer", "lister", "administrator", "commissioner"])
def test_no_stranger_opens_a_claim(browse, world, person, stranger):
    claimed(browse, person)
    address = f"/people/{person}/claims/{claim_of(world).id}"
    assert browse(stranger).get(address).status_code in {403, 404}
    assert browse(stranger).post(address, {"event": "withdraw", "reason": "None of yours"}).status_code in {403, 404}


def test_a_claim_opens_only_at_its_own_person(browse, world, person):
    browser, _, _ = claimed(browse, person)
    other, _ = world.supported(ref="other", given_name="Idris", nino=None, nhs_number=None)
    with world.database.reading() as session:
        reference = session.get_one(Jobseeker, other).reference
    assert browser.get(f"/people/{reference}/claims/{claim_of(world).id}").status_code == 404
