"""What stopped people who tried the pages for the first time: each is asked here as they met it."""

import re

import pytest
from sqlalchemy import select

from pathways.introductions.models import Introduction
from pathways.jobseekers.models import Jobseeker
from pathways.pages.forms import day_of
from pathways.placements.models import Placement
from tests.browsing import text_of
from tests.pathways.test_enterprise_pages import begin, introduced, move, once_in
from tests.work import TODAY


def reference_of(world, jobseeker):
    with world.database.reading() as session:
        return session.get_one(Jobseeker, jobseeker).reference


def test_sending_without_a_permission_leads_to_the_form_and_back(browse, world, call):
    person, _ = world.supported()
    placement = world.list_placement()
    made = call("caseworker", "/introductions", jobseeker_id=str(person), placement_id=str(placement))
    browser = browse("caseworker")
    address = f"/introductions/{made['id']}"
    page = browser.post(f"{address}/answer", {"event": "agree"})
    assert "It is not sent yet: send it below" in text_of(page)
    assert re.search(r'value="send"[^>]* checked', page.text)
    overview = browser.get(f"/people/{reference_of(world, person)}")
    assert "An introduction is not sent yet" in text_of(overview)
    assert "Nothing waits" not in text_of(overview)
    page = browser.post(f"{address}/answer", {"event": "send"})
    assert "Before the introduction is sent" in text_of(page)
    enterprise = str(world.organisations["enterprise"])
    assert re.search(rf'<option value="{enterprise}" selected', page.text)
    fields = {
        "introduction": made["id"], "social_enterprise_id": enterprise, "groups": ["identity"],
        "how_given": "in person", "once": once_in(page),
    }  # fmt: skip
    page = browser.post(f"/people/{reference_of(world, person)}/sharing", fields)
    assert "Now send the introduction below" in text_of(page)
    browser.post(f"{address}/answer", {"event": "send"})
    with world.database.reading() as session:
        assert session.scalars(select(Introduction)).one().state.value == "sent"


@pytest.mark.parametrize(
    ("typed", "year"), [("95", 1995), ("26", 2026), ("36", 2036), ("37", 1937), ("1995", 1995), ("00", 2000)]
)
def test_two_digits_of_a_year_mean_the_nearest_that_is_likely(typed, year):
    assert day_of("14", "5", typed) == f"{year}-05-14"


def test_what_looks_wrong_is_asked_at_its_step_and_kept_if_it_is_right(browse):
    browser = browse("referrer")
    page = browser.post("/refer/numbers", {"nhs_number": "999 123 4567"})
    assert page.status_code == 422
    assert "Check it" in text_of(page) or "Leave it blank" in text_of(page)
    assert "as_written" not in text_of(page)
    assert "It is right as it is" in text_of(page)
    assert browser.post("/refer/numbers", {"nhs_number": "999 123 4567", "as_it_is": "yes"}).status_code == 200
    born = {"given_name": "Marlon", "date_of_birth-day": "1", "date_of_birth-month": "1"}
    page = browser.post("/refer/name", {**born, "date_of_birth-year": str(TODAY.year + 1)})
    assert "in the future" in text_of(page)
    missing = browser.post("/refer/name", {"given_name": ""})
    assert "It is right as it is" not in text_of(missing)


def test_a_referrer_corrects_a_referral_until_it_is_accepted(browse, world, call):
    referral = world.refer(phone="12")
    browser = browse("referrer")
    page = browser.get(f"/referrals/{referral.id}")
    assert "You can correct what you said" in text_of(page)
    form = f"/referrals/{referral.id}/change/contact"
    page = browser.get(form)
    version = re.search(r'name="version" value="(\d+)"', page.text)[1]
    fields = {"version": version, "phone": "07700 900987", "postcode": "NW9 5QN", "email": ""}
    assert "The referral is corrected" in text_of(browser.post(form, fields))
    assert "07700 900987" in text_of(browse("caseworker").get(f"/referrals/{referral.id}"))
    stale = browser.post(form, {**fields, "phone": "07700 900111"})
    assert stale.status_code in {412, 422}
    numbers = f"/referrals/{referral.id}/change/numbers"
    version = re.search(r'name="version" value="(\d+)"', browser.get(numbers).text)[1]
    browser.post(numbers, {"version": version, "nino": "", "nhs_number": "", "council_person_id": "77"})
    told = text_of(browse("caseworker").get(f"/referrals/{referral.id}"))
    assert "66C" in told  # a number that is left blank is kept
    world.accept(referral)
    assert "You can correct" not in text_of(browser.get(f"/referrals/{referral.id}"))
    late = browser.post(form, {**fields, "version": "9"})
    assert late.status_code in {409, 412, 422}
    assert browse("lister").get(form).status_code == 403
    assert browse("other_referrer").get(form).status_code == 404


def test_a_ranking_says_that_the_profile_changed_and_what_all_places_ask(browse, world):
    person, _ = world.supported(skills=[], half_days=None, hours_min=None, hours_max=None)
    for n in range(3):
        world.list_placement(title=f"Cook {n}", ref=f"c{n}")
    reference = reference_of(world, person)
    browser = browse("caseworker")
    page = browser.post(f"/people/{reference}/places", {})
    told = text_of(page)
    assert "True of all of them" in told
    common = re.search(r"True of all of them</h2>(.*?)<p class=\"govuk-body\"><a", page.text, re.DOTALL)[1]
    for sentence in re.findall(r"pathways-ask\">([^<]+)<", common):
        assert page.text.count(sentence) == 1
    assert "Paid job" in told
    assert "£14 an hour" in told
    assert "has changed since then" not in told
    version = re.search(r'name="version" value="(\d+)"', browser.get(f"/people/{reference}/profile/skills").text)[1]
    browser.post(
        f"/people/{reference}/profile/skills", {"version": version, "skills": "cooking", "told_by": "jobseeker"}
    )
    assert "has changed since then" in text_of(browser.get(f"/people/{reference}/places"))


def test_a_first_day_recorded_by_the_other_side_is_shown_and_no_error(browse, world):
    introduction = introduced(world, world.list_placement(), "identity")
    move(world, introduction, "offer")
    move(world, introduction, "accept")
    begin(browse("lister"), introduction)
    page = browse("caseworker").get(f"/introductions/{introduction}/start")
    assert page.status_code == 200
    assert "Important" in text_of(page)
    assert "already recorded" in text_of(page)


def test_no_check_in_waits_for_a_day_before_the_work(browse, world):
    introduction = introduced(world, world.list_placement(), "identity")
    move(world, introduction, "offer")
    move(world, introduction, "accept")
    begin(browse("lister"), introduction)
    with world.database.reading() as session:
        reference = session.scalars(select(Jobseeker)).one().reference
    told = text_of(browse("caseworker").get(f"/people/{reference}"))
    assert "check-in is overdue" not in told
    assert "check-in is due" not in told


def test_a_listing_that_was_begun_is_gone_on_with_from_the_first_page(browse, world):
    browser = browse("lister")
    browser.post("/placements/new/kind", {"kind": "JOB_OPEN", "title": "Baker"})
    assert "Go on with the placement that you began" in text_of(browser.get("/"))


def test_the_newest_placement_is_on_the_first_page(browse, world):
    for n in range(7):
        world.list_placement(title=f"Cook {n}", ref=f"c{n}")
    assert "Cook 6" in text_of(browse("lister").get("/"))


def test_a_placement_that_could_not_be_published_is_not_said_to_be_done(browse, world):
    browser = browse("lister")
    for step, fields in {"kind": {"kind": "JOB_OPEN", "title": "Baker"}, "pay": {"pay_per_hour_pounds": "3"}}.items():
        browser.post(f"/placements/new/{step}", fields)
    page = browser.post("/placements/new/check", {"do": "send"})
    told = text_of(page)
    assert "Important" in told
    assert "not published yet" in told
    with world.database.reading() as session:
        assert session.scalars(select(Placement)).one().state.value == "draft"


def test_a_bakery_in_the_mornings_is_not_refused_for_its_nights(world, client):
    person, _ = world.supported(avoid=["nights"])
    world.list_placement(title="Kitchen and bakery assistant", half_days="mon am; tue am")
    made = client.post(f"/api/v1/jobseekers/{person}/shortlists", headers=world.key("caseworker"), json={}).json()
    reasons = [reason["text"] for reason in made["matches"][0]["reasons"]]
    assert not any("wants to avoid: nights" in text and "includes" in text for text in reasons), reasons
