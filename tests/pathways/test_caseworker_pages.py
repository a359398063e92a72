"""The pages of a caseworker: today, people, one person, places, work, support, sharing."""

import re
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from pathways import messages
from pathways.base import utc_now
from pathways.enrolments.models import Enrolment
from pathways.fields import POLICY, Group, Purpose, Relation
from pathways.introductions.models import Introduction
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Contact, Jobseeker, JobseekerDetails, SharingPermission
from pathways.placements.models import Placement
from pathways.progression.models import Spell, SpellHours
from pathways.referrals.models import Referral
from pathways.support.models import ActionPlan, CheckIn
from tests.browsing import text_of
from tests.pathways.test_enterprise_pages import introduced, move, once_in

TABS = ("", "/profile", "/places", "/work", "/support", "/sharing", "/history", "/handover")
FORMS = ("/contacts/new", "/profile/wishes", "/profile/time", "/details/name", "/details/contact", "/details/numbers")


def day_fields(name, day):
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}


def today():
    return utc_now().date()


def person_of(world, jobseeker_id):
    with world.database.reading() as session:
        return session.get_one(Jobseeker, jobseeker_id)


@pytest.fixture
def person(world):
    return person_of(world, world.supported()[0])


def test_a_referral_is_accepted_and_enrolled_in_one_step(browse, world):
    referral = world.refer()
    browser = browse("caseworker")
    assert "A new referral has arrived" in text_of(browser.get("/"))
    page = browser.get(f"/referrals/{referral.id}")
    programme = re.search(r'name="programme_id" type="radio" value="([^"]+)"', page.text)[1]
    fields = {"programme_id": programme, **day_fields("started_on", today()), "once": once_in(page)}
    page = browser.post(f"/referrals/{referral.id}/enrol", fields)
    assert "The person is enrolled" in text_of(page)
    assert "Amina" in text_of(page)
    assert browser.post(f"/referrals/{referral.id}/enrol", fields).status_code == 200  # sent twice, it enrols once


def test_a_declined_referral_needs_a_reason_that_the_referrer_reads(browse, world):
    referral = world.refer()
    browser = browse("caseworker")
    assert browser.post(f"/referrals/{referral.id}/decline", {"reason": ""}).status_code == 422
    reason = "We have no place before the summer"
    assert "is declined" in text_of(browser.post(f"/referrals/{referral.id}/decline", {"reason": reason}))
    assert reason in text_of(browse("referrer").get(f"/referrals/{referral.id}"))


def test_every_page_about_a_person_names_them_and_is_in_the_access_log(browse, world, person, call, client):
    browser = browse("caseworker")
    for tab in (*TABS, *FORMS):
        page = browser.get(f"/people/{person.reference}{tab}")
        assert page.status_code == 200, tab
        assert "Amina" in text_of(page)
        assert "Amina" not in page.text.split("</title>")[0]
    log = client.get(f"/api/v1/jobseekers/{person.id}/access-log", headers=world.key("manager")).json()["items"]
    caseworker = str(world.actors["caseworker"].user_id)
    assert sum(line["user_id"] == caseworker and not line["is_change"] for line in log) >= len(TABS) + len(FORMS)


@pytest.mark.parametrize("stranger", ["other_caseworker", "referrer", "lister", "administrator", "commissioner"])
def test_no_page_about_a_person_opens_for_a_stranger(browse, person, stranger):
    browser = browse(stranger)
    for tab in (*TABS, *FORMS):
        page = browser.get(f"/people/{person.reference}{tab}")
        assert page.status_code in {403, 404}, tab
        assert "Amina" not in page.text


def test_a_restricted_record_is_shown_to_its_caseworker_and_the_managers_only(browse, world):
    person = person_of(world, world.supported(is_restricted=True)[0])
    seen = {name: browse(name).get(f"/people/{person.reference}").status_code for name in ("caseworker", "manager")}
    assert seen == {"caseworker": 200, "manager": 200}
    colleague = browse("colleague")
    assert colleague.get(f"/people/{person.reference}").status_code == 404
    colleague.post("/people/search", {"text": "Amina"})
    assert "Amina" not in text_of(colleague.get("/people/found")).replace('value="Amina"', "").split("Nobody")[-1]


def test_a_name_that_is_searched_for_stands_in_no_address(browse, person):
    browser = browse("caseworker")
    reply = browser.post("/people/search", {"text": "amena ni brien"}, follow=False)
    assert reply.headers["location"] == "/people/found"
    assert person.reference in text_of(browser.get("/people/found"))
    browser.post("/people/search", {"text": "zzzz"})
    assert "Nobody is found" in text_of(browser.get("/people/found"))


def test_places_are_found_proposed_and_the_answer_recorded(browse, world, person):
    world.list_placement()
    world.permit(person.id)
    browser = browse("caseworker")
    page = browser.get(f"/people/{person.reference}")
    page = browser.post(f"/people/{person.reference}/places", {"once": once_in(page)})
    assert "Propose" in text_of(page)
    form = page.text[page.text.index("/places/propose") :]
    fields = dict(re.findall(r'name="(once|placement|shortlist)" value="([^"]+)"', form)[:3])
    page = browser.post(f"/people/{person.reference}/places/propose", fields)
    assert "The introduction is proposed" in text_of(page)
    with world.database.reading() as session:
        introduction = session.scalars(select(Introduction)).one()
    again = browser.post(f"/people/{person.reference}/places/propose", fields)
    assert again.status_code == 200
    for event in ("agree", "send"):
        page = browser.post(f"/introductions/{introduction.id}/answer", {"event": event})
        assert page.status_code == 200, text_of(page)
    with world.database.reading() as session:
        assert session.scalars(select(Introduction.state)).one() == "sent"
    compared = browser.get(
        f"/people/{person.reference}/places/compare?shortlist={fields['shortlist']}&placement={fields['placement']}"
    )
    assert compared.status_code == 200
    assert "Introduced already" in text_of(compared)


def working(world, browse):
    """Start a person at work and return the person and the introduction."""
    jobseeker = world.supported(today() - timedelta(days=30))[0]
    introduction = introduced(world, world.list_placement(), person=jobseeker)
    move(world, introduction, "offer")
    move(world, introduction, "accept")
    began = day_fields("started_on", today() - timedelta(days=8))
    assert browse("caseworker").post(f"/introductions/{introduction}/start", began).status_code == 200
    return person_of(world, jobseeker)


def test_a_check_in_is_recorded_and_what_is_missing_is_asked(browse, world):
    person = working(world, browse)
    browser = browse("caseworker")
    page = browser.get(f"/people/{person.reference}/check-ins/new")
    spell = re.search(r'name="spell" value="([^"]+)"', page.text)[1]
    form = f"/people/{person.reference}/check-ins/new"
    page = browser.post(form, {"spell": spell, **day_fields("on", today()), "note": "She likes it"})
    assert page.status_code == 422
    assert "Choose one of the answers" in text_of(page)
    assert "She likes it" in page.text
    answers = {"spell": spell, **day_fields("on", today()), "result": "in_work", "told_by": "jobseeker"}
    assert "The check-in is recorded" in text_of(browser.post(form, answers | {"once": once_in(page)}))
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(CheckIn)) == 1


def test_hours_of_many_weeks_are_recorded_together_or_not_at_all(browse, world):
    person = working(world, browse)
    browser = browse("caseworker")
    page = browser.get(f"/people/{person.reference}/work")
    form = re.search(r'href="(/people/[^"]+/hours)"', page.text)[1]
    field = re.findall(r'name="(hours-[^"]+)"', browser.get(form).text)[-1]
    page = browser.post(form, {field: "lots"})
    assert page.status_code == 422
    assert 'value="lots"' in page.text
    assert "The hours are recorded" in text_of(browser.post(form, {field: "16"}))
    with world.database.reading() as session:
        assert session.scalars(select(SpellHours.hours)).one() == 16
    refused = browser.post(form, {field: "20", "hours-2020-01-01": "8"})
    assert refused.status_code == 422
    with world.database.reading() as session:
        assert session.scalars(select(SpellHours.hours)).one() == 16


def test_a_contact_and_a_plan_are_recorded(browse, world, person):
    browser = browse("caseworker")
    form = f"/people/{person.reference}/contacts/new"
    said = {"with_whom": "jobseeker", "how": "phone", "outcome": "spoke", **day_fields("on", today())}
    assert "The contact is recorded" in text_of(browser.post(form, said | {"note": "Likes the kitchen"}))
    plan = f"/people/{person.reference}/plan"
    assert "Write at least one step" in text_of(browser.post(plan))
    steps = {"what-0": "Get a bank account", "by-0": "jobseeker", **day_fields("due_on-0", today() + timedelta(days=9))}
    page = browser.post(plan, steps)
    assert "The action plan is recorded" in text_of(page)
    assert "Get a bank account" in page.text
    with world.database.reading() as session:
        assert session.scalars(select(Contact.note)).one() == "Likes the kitchen"
        assert session.scalars(select(ActionPlan)).one().steps[0]["what"] == "Get a bank account"


def test_a_section_of_the_profile_keeps_every_other_answer(browse, world, person):
    browser = browse("caseworker")
    page = browser.get(f"/people/{person.reference}/profile/wishes")
    version = re.search(r'name="version" value="(\d+)"', page.text)[1]
    wishes = {"aspirations": "a café by the sea\nbaking", "told_by": "jobseeker", "agreed": "yes", "version": version}
    assert "saved as a new version" in text_of(browser.post(f"/people/{person.reference}/profile/wishes", wishes))
    with world.database.reading() as session:
        profile = jobseeker_queries.profile(session, session.get_one(Jobseeker, person.id))
    assert profile.aspirations == ["a café by the sea", "baking"]
    assert profile.skills == ["cooking", "team work"]
    assert profile.half_days is not None
    assert profile.agreed_on == today()
    stale = browser.post(f"/people/{person.reference}/profile/wishes", wishes | {"aspirations": "shop"})
    assert stale.status_code == 422
    assert "shop" in stale.text


def test_blank_numbers_stay_as_they_are_and_other_details_change(browse, world, person):
    browser = browse("caseworker")
    for section, fields in (("numbers", {}), ("contact", {"phone": "07700 900456", "safe_contact": "text only"})):
        page = browser.get(f"/people/{person.reference}/details/{section}")
        version = re.search(r'name="version" value="(\d+)"', page.text)[1]
        page = browser.post(f"/people/{person.reference}/details/{section}", fields | {"version": version})
        assert "The details are saved" in text_of(page)
    with world.database.reading() as session:
        rows = session.scalars(select(JobseekerDetails).order_by(JobseekerDetails.id.desc())).all()
    assert rows[0].nino_sealed is not None
    assert rows[0].safe_contact == "text only"


def test_a_permission_and_an_exclusion_work_at_once(browse, world, person):
    placement = world.list_placement()
    browser = browse("caseworker")
    enterprise = str(world.organisations["enterprise"])
    form = f"/people/{person.reference}/sharing"
    assert "Choose what it may read" in text_of(browser.post(form, {"social_enterprise_id": enterprise}))
    given = {"social_enterprise_id": enterprise, "groups": ["identity", "work"], "how_given": "in person"}
    assert "It works at once" in text_of(browser.post(form, given))
    introduction = introduced(world, placement, "identity", "work", person=person.id)
    assert "Amina" in text_of(browse("lister").get(f"/introductions/{introduction}"))
    excluded = {"kind": "organisation", "social_enterprise_id": enterprise, "reason": "Her former partner works there"}
    page = browser.post(f"/people/{person.reference}/exclusions", excluded)
    assert "It works at once on everything under way" in text_of(page)
    assert "Amina" not in browse("lister").get(f"/introductions/{introduction}").text
    with world.database.reading() as session:
        assert session.scalars(select(Introduction.state)).one() == "withdrawn"
        assert (
            session.scalars(select(SharingPermission.is_granted).order_by(SharingPermission.id.desc())).first() is False
        )


SECRETS = {
    Group.IDENTITY: ("Amina", "Bhriain"),
    Group.CONTACT: ("900123", "amina@example.org"),
    Group.HEALTH: ("quiet space",),
    Group.WORK: ("team work",),
}


@pytest.mark.parametrize("name", ["caseworker", "colleague", "manager"])
def test_no_page_about_a_person_shows_what_the_policy_withholds(browse, world, name):
    relation = {"caseworker": Relation.OWN_CASEWORKER, "colleague": Relation.COLLEAGUE, "manager": Relation.MANAGER}
    reason = "MAPPA level two"
    person = person_of(world, world.supported(contact_withheld_reason=reason)[0])
    visible = POLICY[relation[name], Purpose.SUPPORT]
    browser = browse(name)
    for tab in TABS:
        text = browser.get(f"/people/{person.reference}{tab}").text
        assert Group.CONVICTIONS in visible or reason not in text, tab
        assert "QQ224466C" not in text
        assert "9990770476" not in text


@pytest.mark.parametrize("groups", [(), ("identity",), ("contact",), ("work",), ("health_and_adjustments",)])
def test_the_page_of_an_introduction_shows_exactly_the_groups_that_were_agreed(browse, world, groups):
    introduction = introduced(world, world.list_placement(), *(groups or ("right_to_work",)))
    page = browse("lister").get(f"/introductions/{introduction}").text
    for group, words in SECRETS.items():
        for word in words:
            assert (word in page) == (group.value in groups), (group, word)


def test_people_are_listed_with_what_is_next(browse, world, person):
    page = browse("caseworker").get("/people")
    assert person.reference in page.text
    assert person.reference not in browse("colleague").get("/people").text
    assert person.reference in browse("colleague").get("/people?whose=all").text
    assert "Nobody fits these filters" in text_of(browse("caseworker").get("/people?state=closed"))


def test_a_day_far_away_is_refused_in_words(browse, person):
    form = f"/people/{person.reference}/contacts/new"
    said = {"with_whom": "jobseeker", "how": "phone", "outcome": "spoke", **day_fields("on", date(2199, 1, 1))}
    page = browse("caseworker").post(form, said)
    assert page.status_code == 422
    assert "There is a problem" in text_of(page)


def test_the_address_of_every_record_in_a_letter_leads_to_a_page(browse, world):
    subjects = set()
    for path in (Path(messages.__file__).parents[1]).rglob("*.py"):
        subjects |= set(re.findall(r'about=\("([a-z-]+)"', path.read_text(encoding="utf-8")))
    assert len(subjects) > 8
    person = working(world, browse)
    browser = browse("caseworker")
    with world.database.reading() as session:
        ids = {
            "introductions": session.scalars(select(Introduction.id)).one(),
            "referrals": session.scalars(select(Referral.id)).one(),
            "placements": session.scalars(select(Placement.id)).one(),
            "enrolments": session.scalars(select(Enrolment.id)).one(),
            "spells": session.scalars(select(Spell.id)).one(),
            "jobseekers": person.id,
        }
    for subject in subjects:
        page = browser.get(f"/{subject}/{ids.get(subject, person.id)}")
        assert page.status_code == 200, subject
        assert "Sign out" in text_of(page)
        assert subject not in {"jobseekers", "enrolments", "spells"} or person.reference in page.text
        stranger = browse("other_caseworker").get(f"/{subject}/{ids.get(subject, person.id)}")
        assert "Amina" not in stranger.text
    assert browser.get(f"/nothing/{person.id}").status_code == 404


def test_two_records_are_compared_and_a_verdict_needs_a_reason(browse, world):
    world.supported()
    world.supported(ref="again", nino="QQ224466C", nhs_number=None, email="other@example.org")
    browser = browse("caseworker")
    page = browser.get("/duplicates")
    pair = re.search(r'href="(/duplicates/[^"]+)"', page.text)[1]
    assert browser.post(pair, {"event": "different", "reason": ""}).status_code == 422
    page = browser.post(pair, {"event": "different", "reason": "Born in other countries"})
    assert "The verdict is recorded" in text_of(page)


def test_evidence_is_checked_by_somebody_else(browse, world):
    person = working(world, browse)
    recorder, checker = browse("caseworker"), browse("manager")
    form = re.search(r'href="(/people/[^"]+/evidence)"', recorder.get(f"/people/{person.reference}/work").text)[1]
    days = {
        **day_fields("covers_from", today()),
        **day_fields("covers_to", today()),
        **day_fields("received_on", today()),
    }
    said = {"kind": "payslip", "obtained_how": "seen on her telephone"}
    assert "Somebody else must check it" in text_of(recorder.post(form, said | days))
    assert "No evidence waits" in text_of(recorder.get("/evidence"))
    page = recorder.get(f"/people/{person.reference}/work")
    document = re.search(r'action="(/people/[^"]+/document)"', page.text)[1]
    assert recorder.post(document, {}, files={"file": ("", b"")}).status_code == 409
    assert recorder.post(document, {}, files={"file": ("slip.pdf", b"no picture at all")}).status_code in {409, 422}
    page = recorder.post(document, {}, files={"file": ("slip.pdf", b"%PDF-1.4 a payslip")})
    assert "with its document" in text_of(page)
    page = checker.get(f"/people/{person.reference}/work")
    check = re.search(r'action="(/people/[^"]+/check)"', page.text)[1]
    assert recorder.post(check, {"verdict": "accept"}).status_code in {403, 409}
    assert "The verdict is recorded" in text_of(checker.post(check, {"verdict": "accept"}))


def test_a_case_is_closed_with_a_reason_and_its_introductions_are_withdrawn(browse, world, person):
    introduction = introduced(world, world.list_placement(), person=person.id)
    browser = browse("caseworker")
    form = f"/people/{person.reference}/close"
    said = {"end_reason": "moved_away", **day_fields("closed_on", today())}
    assert "Say in at least three words" in text_of(browser.post(form, said))
    page = browser.post(form, said | {"reason": "She moved to another borough"})
    assert "The case is closed" in text_of(page)
    with world.database.reading() as session:
        assert session.get_one(Introduction, introduction).state == "withdrawn"


def test_an_outcome_is_recorded_only_once_it_is_met(browse, world):
    person = working(world, browse)
    browser = browse("caseworker")
    assert browser.post(f"/people/{person.reference}/work/outcomes", {"rule": "NOTHING"}).status_code == 409
    page = browser.get(f"/people/{person.reference}/work")
    assert "Record this outcome" not in text_of(page)
