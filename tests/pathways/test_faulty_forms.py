"""A form with faults is opened by GET, so that Back comes to it; nobody else sees it, and it ends."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from pathways.base import utc_now
from pathways.drafts import actions as drafts
from pathways.drafts.actions import MOST_DRAFTS
from pathways.drafts.models import Draft
from pathways.jobseekers import restrictions
from pathways.jobseekers.models import Jobseeker
from tests.browsing import text_of
from tests.pathways.test_enterprise_pages import introduced


@pytest.fixture
def faulty(browse, world):
    """The address of a form about a person which a colleague sent with a fault, and their browser."""
    jobseeker, _ = world.supported()
    with world.database.reading() as session:
        reference = session.get_one(Jobseeker, jobseeker).reference
    browser = browse("colleague")
    form = f"/people/{reference}/contacts/new"
    reply = browser.post(form, {"note": "She likes the mornings"}, follow=False)
    assert reply.status_code == 303
    return browser, form, reply.headers["location"]


def test_the_browser_comes_back_to_what_was_typed_and_what_is_wrong(faulty):
    browser, form, address = faulty
    assert address.startswith(f"{form}?faults=")
    for _ in range(2):  # by Back
        page = browser.get(address)
        assert page.status_code == 422
        assert "There is a problem" in text_of(page)
        assert "She likes the mornings" in page.text
    assert browser.get(form).status_code == 200
    assert browser.get(f"{form}?faults=other").status_code == 200


def test_nobody_else_sees_it(faulty, browse):
    _, _, address = faulty
    for member in ("caseworker", "other_caseworker", "lister"):
        assert "She likes the mornings" not in browse(member).get(address).text


def test_it_is_not_shown_once_the_person_is_restricted(faulty, world):
    browser, _, address = faulty
    manager = world.actors["manager"]
    with world.database.writing(manager) as session:
        restrictions.restrict(session, manager, session.scalars(select(Jobseeker)).one(), "A threat was reported.")
    page = browser.get(address)
    assert page.status_code == 404
    assert "Amina" not in page.text


def test_it_ends_and_goes_when_the_form_is_sent(faulty, world):
    browser, form, address = faulty
    today = utc_now().date()
    day = {"on-day": str(today.day), "on-month": str(today.month), "on-year": str(today.year)}
    browser.post(form, {"with_whom": "jobseeker", "how": "phone", "outcome": "spoke", **day})
    assert "She likes the mornings" not in browser.get(address).text
    browser.post(form, {"note": "Once more"})
    with world.database.writing(None) as session:
        kept = session.scalars(select(Draft).where(Draft.form.like("%faults"))).one()
        assert kept.ends_at < utc_now() + timedelta(hours=1)
        assert "Once more" not in kept.typed_sealed
        session.execute(update(Draft).values(ends_at=utc_now() - timedelta(seconds=1)))
    assert "Once more" not in browser.get(form).text


def test_an_address_that_only_takes_forms_can_be_opened(browse, world):
    jobseeker, _ = world.supported()
    with world.database.reading() as session:
        reference = session.get_one(Jobseeker, jobseeker).reference
    page = browse("caseworker").get(f"/people/{reference}/places/propose")
    assert page.status_code == 200
    assert "Today" in text_of(page)


def test_a_page_about_an_introduction_is_never_kept(browse, world):
    introduction = introduced(world, world.list_placement(), "identity", "contact")
    reply = browse("lister").post(f"/introductions/{introduction}/answer", {"event": ""}, follow=False)
    assert reply.status_code == 422
    with world.database.reading() as session:
        assert session.scalars(select(Draft)).all() == []


def test_only_the_newest_drafts_of_a_member_are_kept(world, database):
    member = world.actors["caseworker"].membership_id
    with database.writing(None) as session:
        for number in range(MOST_DRAFTS + 3):
            drafts.save(session, member, f"/form/{number}", {"note": ["x"]}, utc_now() + timedelta(seconds=number))
    with database.reading() as session:
        forms = set(session.scalars(select(Draft.form).where(Draft.membership_id == member)))
    assert len(forms) == MOST_DRAFTS
    assert "/form/2" not in forms
    assert f"/form/{MOST_DRAFTS + 2}" in forms
