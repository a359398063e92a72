"""The pages on which two records of one person are merged and separated again."""

import re

import pytest
from sqlalchemy import select

from pathways.duplicates.models import DuplicatePair
from pathways.jobseekers.models import Jobseeker, JobseekerState
from tests.browsing import text_of
from tests.pathways.test_enterprise_pages import once_in

WHY = "They showed one passport"


@pytest.fixture
def pair(world):
    """Two records of Amina: the second has another telephone and a way of safe contact."""
    first, _ = world.supported()
    second = world.refer(ref="again", by="other_referrer", phone="07700 900456", safe_contact="text only")
    world.accept(second)
    with world.database.reading() as session:
        found = session.scalars(select(DuplicatePair)).one()
        references = {key: session.get_one(Jobseeker, key).reference for key in (found.jobseeker_id, found.other_id)}
    kept = references[first]
    (other,) = set(references.values()) - {kept}
    return found.id, kept, other


def test_a_manager_sees_every_difference_and_merges(browse, world, pair):
    pair_id, kept, other = pair
    browser = browse("manager")
    page = browser.post(f"/duplicates/{pair_id}", {"event": "same", "reason": WHY})
    told = text_of(page)
    assert f"{kept} stays" in told
    row = re.search(r"Telephone <strong[^>]*>differs</strong></th>(.*?)</tr>", page.text, re.DOTALL)[1]
    assert "07700 900123" in row
    assert "07700 900456" in row
    assert f"What {other} says stays in its history" in text_of(page)
    assert "1 referral" in told
    page = browser.post(f"/duplicates/{pair_id}/merge", {"keep": kept, "reason": WHY, "once": once_in(page)})
    assert "The two records are one now" in text_of(page)
    assert "text only" in text_of(browser.get(f"/people/{kept}/handover")) or "text only" in text_of(page)
    with world.database.reading() as session:
        states = {row.reference: row.state for row in session.scalars(select(Jobseeker))}
    assert states[other] is JobseekerState.VOIDED
    history = browser.get(f"/people/{kept}/history")
    path = re.search(rf'href="(/people/{kept}/merges/[^"]+)"', history.text)[1]
    assert other in text_of(browser.get(path))
    assert browser.post(path, {"reason": ""}).status_code == 422
    page = browser.post(path, {"reason": "They are two sisters"})
    assert "The records are separate again" in text_of(page)
    assert browser.get(f"/people/{other}").status_code == 200


def test_the_other_record_can_be_kept_instead(browse, pair):
    pair_id, kept, other = pair
    browser = browse("manager")
    page = browser.get(f"/duplicates/{pair_id}/merge?keep={other}")
    assert f"{other} stays" in text_of(page)
    browser.post(f"/duplicates/{pair_id}/merge", {"keep": other, "reason": WHY})
    assert "Voided" in text_of(browser.get(f"/people/{kept}"))


def test_a_merge_without_a_reason_changes_nothing(browse, world, pair):
    pair_id, kept, _ = pair
    page = browse("manager").post(f"/duplicates/{pair_id}/merge", {"keep": kept, "reason": ""})
    assert page.status_code == 422
    with world.database.reading() as session:
        assert JobseekerState.VOIDED not in {row.state for row in session.scalars(select(Jobseeker))}


def test_two_people_are_not_merged(browse, pair):
    pair_id, kept, _ = pair
    browser = browse("manager")
    browser.post(f"/duplicates/{pair_id}", {"event": "different", "reason": "They are two sisters"})
    assert browser.get(f"/duplicates/{pair_id}/merge").status_code == 409
    page = browser.post(f"/duplicates/{pair_id}/merge", {"keep": kept, "reason": WHY})
    assert "two different people" in text_of(page) or page.status_code == 409


@pytest.mark.parametrize("member", ["caseworker", "other_manager", "referrer", "lister", "administrator"])
def test_only_a_manager_of_the_partner_merges(browse, pair, member):
    pair_id, kept, _ = pair
    browser = browse(member)
    assert browser.get(f"/duplicates/{pair_id}/merge").status_code in {403, 404}
    assert browser.post(f"/duplicates/{pair_id}/merge", {"keep": kept, "reason": WHY}).status_code in {403, 404}
