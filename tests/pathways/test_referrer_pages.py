"""The pages of a referrer: refer somebody in eight steps, and read what became of them."""

import pytest
from sqlalchemy import func, select

from pathways.base import utc_now
from pathways.referrals.models import Referral
from tests.browsing import text_of
from tests.pathways.test_caseworker_pages import day_fields
from tests.pathways.test_enterprise_pages import once_in


def steps(world):
    return {
        "partner": {
            "partner_id": str(world.organisations["partner"]),
            **day_fields("referred_on", utc_now().date()),
            "referred_because": "She asked for help to find a first job.",
        },
        "name": {
            "given_name": "نور",
            "family_name": "Al-Haddad",
            **day_fields("date_of_birth", utc_now().date().replace(year=2001)),
        },
        "contact": {"phone": "07700 900777", "email": "noor@example.org", "postcode": "NW9 5QN"},
        "numbers": {"nino": "QQ224466C"},
        "wishes": {"aspirations": "kitchen work\nbaking"},
        "skills": {"skills": "cooking"},
        "time": {
            "half_days": ["mon am", "tue am"],
            "hours_min": "8",
            "hours_max": "16",
            "travel_modes": ["bus", "walk"],
        },
        "needs": {"adjustments": "written instructions", "permission_to_share": "yes"},
    }


def refer(browser, world):
    for step, answers in steps(world).items():
        page = browser.post(f"/refer/{step}", answers)
        assert page.status_code == 200, (step, text_of(page))
    return page


def test_somebody_is_referred_in_eight_steps(browse, world):
    browser = browse("referrer")
    page = refer(browser, world)
    assert "Al-Haddad" in text_of(page)
    page = browser.post("/refer/check", {"once": once_in(page)})
    assert "The referral is on its way" in text_of(page)
    assert "<bdi>نور Al-Haddad</bdi>" in page.text
    assert "Al-Haddad" in text_of(browser.get("/"))
    assert "Al-Haddad" in text_of(browse("caseworker").get("/referrals"))
    assert browser.get("/refer").text.count("Not answered") == 0  # begun afresh


def test_a_referral_that_is_sent_twice_is_one(browse, world):
    browser = browse("referrer")
    once = once_in(refer(browser, world))
    for _ in range(2):
        browser.post("/refer/check", {"once": once})
        refer(browser, world)
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Referral)) == 1


@pytest.mark.parametrize(
    ("step", "fault"),
    [("partner", "Choose a partner"), ("name", "Enter a first name"), ("needs", "Say whether the person agreed")],
)
def test_a_missing_answer_is_asked_again(browse, step, fault):
    page = browse("referrer").post(f"/refer/{step}", {})
    assert page.status_code == 422
    assert fault in text_of(page)


def test_what_is_missing_at_the_end_leads_to_its_step(browse):
    browser = browse("referrer")
    browser.post("/refer/wishes", {"aspirations": "shop"})
    page = browser.post("/refer/check", {})
    assert page.status_code == 422
    assert 'href="/refer/name?from=check"' in page.text


def test_a_referrer_reads_only_the_people_of_their_organisation(browse, world):
    referral = world.refer()
    assert browse("other_referrer").get(f"/referrals/{referral.id}").status_code == 404
    assert "Amina" not in browse("other_referrer").get("/").text
    assert "Amina" in browse("referrer").get("/").text


def test_a_referral_is_withdrawn_with_a_reason(browse, world):
    referral = world.refer()
    page = browse("referrer").post(f"/referrals/{referral.id}/withdraw", {"reason": "She has found work herself"})
    assert "The referral is withdrawn" in text_of(page)


def test_a_caseworker_records_a_referral_of_somebody_who_came_themselves(browse, world):
    browser = browse("caseworker")
    answers = steps(world)
    answers["partner"] = {"source_type": "SELF", **day_fields("referred_on", utc_now().date())}
    for step, given in answers.items():
        assert browser.post(f"/refer/{step}", given).status_code == 200, step
    page = browser.post("/refer/check", {"once": once_in(browser.get("/refer/check"))})
    assert "The referral is on its way" in text_of(page)
    assert "Accept and enrol" in text_of(page)
