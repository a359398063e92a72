"""What an attacker or an unlucky click tried on the pages, each time with what must hold instead."""

import re

import pytest
from sqlalchemy import func, select

from pathways.audit import AuditRow
from pathways.base import Source, utc_now
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Contact, Jobseeker
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import Membership
from pathways.organisations.schemas import NewMember
from pathways.sign_in.models import SignInLink
from pathways.support.models import ActionPlan
from tests.browsing import text_of
from tests.pathways.test_caseworker_pages import day_fields, person_of, today
from tests.pathways.test_enterprise_pages import introduced, once_in
from tests.pathways.test_upload_pages import BAD, GOOD, HEADER, run_of, upload


def test_an_intercepted_invitation_gives_no_recovery_codes_and_ends_with_the_next(browse):
    intruder = browse()
    page = intruder.post(intruder.link_of("caseworker", source=Source.API))
    assert "Choose how you sign in" in text_of(page)
    assert intruder.post("/account/recovery-codes").status_code == 409
    owner = browse()
    owner.post(owner.link_of("caseworker", source=Source.API))
    assert "You were signed out" in text_of(intruder.get("/account"))


def test_an_administrator_invites_nobody_who_has_left(world, call):
    actor, operator = world.actors["colleague"], world.actors["operator"].then(at=utc_now())
    with world.database.writing(operator) as session:
        elsewhere = NewMember(
            user_id=actor.user_id, organisation_id=world.organisations["other_partner"], role=actor.role
        )
        organisation_actions.add_member(session, operator, elsewhere)
        organisation_actions.end_member(session, operator, session.get_one(Membership, actor.membership_id))
    call("administrator", "/invitations", user_id=str(actor.user_id), expect=404)
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(SignInLink)) == 0


def test_asking_again_and_again_for_a_link_ends_no_earlier_link(browse, world):
    browser = browse("caseworker")
    email = re.search(r"[\w.]+@example\.org", browser.get("/account").text)[0]
    attacker = browse()
    pages = [attacker.post("/sign-in", {"email": email}) for _ in range(6)]
    assert {page.status_code for page in pages} == {200}
    with world.database.reading() as session:
        assert (
            session.scalars(select(SignInLink.cancelled_at).where(SignInLink.kind == "new_browser")).all() == [None] * 3
        )


def test_the_rows_of_an_upload_are_read_only_by_who_may_open_it(browse, world):
    page = upload(browse("caseworker"), world, HEADER + GOOD + BAD)
    assert "Yilmaz" in page.text
    assert "Yilmaz" not in browse("colleague").get(run_of(page)).text


def test_a_refused_look_at_a_person_is_in_that_persons_access_log(browse, world):
    person = person_of(world, world.supported(is_restricted=True)[0])
    assert browse("colleague").get(f"/people/{person.reference}").status_code == 404
    with world.database.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.is_refused, AuditRow.jobseeker_id == person.id)).all()
    assert [row.by for row in rows] == [world.actors["colleague"].user_id]


def test_a_plan_is_not_replaced_by_a_page_that_is_out_of_date(browse, world):
    person = person_of(world, world.supported()[0])
    first, second = browse("caseworker"), browse("manager")
    plan = f"/people/{person.reference}/plan"
    page = second.get(f"/people/{person.reference}/support")
    number = re.search(r'name="number" value="(\d*)"', page.text)[1]
    first.post(plan, {"what-0": "Open a bank account", "number": number})
    page = second.post(plan, {"what-0": "Write a CV", "number": number})
    assert "Somebody else has changed the plan" in text_of(page)
    with world.database.reading() as session:
        assert session.scalars(select(ActionPlan)).one().steps[0]["what"] == "Open a bank account"


@pytest.mark.parametrize("step", [{"due_on-0-year": "0026"}, {"what-0": "a\tb"}, {"by-0": "nobody"}, {"done-0": "x"}])
def test_a_plan_that_cannot_be_read_is_asked_again(browse, world, step):
    person = person_of(world, world.supported()[0])
    day = {"due_on-0-day": "1", "due_on-0-month": "1", "due_on-0-year": "2027"}
    page = browse("caseworker").post(f"/people/{person.reference}/plan", {"what-0": "Write a CV", **day, **step})
    assert page.status_code == 422


def test_a_refused_change_does_not_overwrite_when_it_is_sent_again(browse, world):
    person = person_of(world, world.supported()[0])
    browser = browse("caseworker")
    form = f"/people/{person.reference}/profile/wishes"
    version = re.search(r'name="version" value="(\d+)"', browser.get(form).text)[1]
    said = {"told_by": "jobseeker", "version": version}
    browse("manager").post(form, said | {"aspirations": "gardening"})
    for _ in range(2):
        page = browser.post(form, said | {"aspirations": "shop"})
        assert page.status_code == 422
        said["version"] = re.search(r'name="version" value="(\d+)"', page.text)[1]
    with world.database.reading() as session:
        profile = jobseeker_queries.profile(session, session.get_one(Jobseeker, person.id))
    assert profile.aspirations == ["gardening"]


def test_one_form_sent_with_other_words_is_not_taken_for_a_repeat(browse, world):
    person = person_of(world, world.supported()[0])
    browser = browse("caseworker")
    form = f"/people/{person.reference}/contacts/new"
    said = {"with_whom": "jobseeker", "how": "phone", "outcome": "spoke", **day_fields("on", today())}
    once = once_in(browser.get(form))
    assert browser.post(form, said | {"once": once, "note": "first words"}).status_code == 200
    assert browser.post(form, said | {"once": once, "note": "other words"}).status_code == 422
    with world.database.reading() as session:
        assert session.scalars(select(Contact.note)).all() == ["first words"]
    assert "first words" not in browser.get(form).text  # what was sent is no draft


@pytest.mark.parametrize(
    "path",
    [
        "/sign-in?next=//[",
        "/people/%00",
        "/placements?title=%00",
        "/people/J-NOBODY/history?after=abc",
        "/introductions?after=x",
    ],
)
def test_an_address_changed_by_hand_is_answered_by_a_page(browse, path):
    assert browse("caseworker").get(path).status_code in {200, 404, 422}


@pytest.mark.parametrize("fields", [{"version": "x"}, {"version": "9" * 30}, {}])
def test_a_form_changed_by_hand_is_asked_again(browse, world, fields):
    person = person_of(world, world.supported()[0])
    form = f"/people/{person.reference}/profile/wishes"
    page = browse("caseworker").post(form, {"aspirations": "shop", "told_by": "jobseeker", **fields})
    assert page.status_code == 422


def test_a_note_of_an_invitation_is_withheld_like_any_other(browse, world):
    introduction = introduced(world, world.list_placement())
    note = "Bring his conviction disclosure letter from probation"
    browse("lister").post(f"/introductions/{introduction}/answer", {"event": "invite", "times": note})
    assert note in text_of(browse("caseworker").get(f"/introductions/{introduction}"))
    assert note not in text_of(browse("colleague").get(f"/introductions/{introduction}"))
