"""One journey a role from the first page to done: by mouse and by keyboard alone, with scripts and without."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select

from pathways.base import utc_now
from pathways.duplicates.models import DuplicatePair
from pathways.jobseekers.models import Jobseeker, JobseekerState
from tests.browser.browsed_site import CHROMIUM, Site, full, site
from tests.browser.hands import HANDS, Keyboard, Mouse

__all__ = ["site"]
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: apt-get install chromium"),
    pytest.mark.parametrize("stage", ["sqlite"], indirect=True),  # the pages are the same on either database
]
Hand = Mouse | Keyboard
IN_EVERY_RUN = ("mouse without scripts", "keyboard and scripts")
with_each_hand = pytest.mark.parametrize(
    "how", [name if name in IN_EVERY_RUN else pytest.param(name, marks=pytest.mark.full_size) for name in HANDS]
)


def on_page(hand: Hand, text: str) -> None:
    assert text in hand.page.inner_text("main"), hand.page.inner_text("main")[:400]


def fill_day(hand: Hand, day, *, at: int = 0) -> None:
    for label, value in (("Day", day.day), ("Month", day.month), ("Year", day.year)):
        hand.fill(label, str(value), at=at)


def journey(site: Site, member: str, how: str, act: Callable[[Hand], None], most_clicks: int | None = None) -> None:
    """Let a member act from the first page. The clicks of a mouse are counted."""
    make, scripts = HANDS[how]
    with site.as_(member, java_script_enabled=scripts) as page:
        hand = make(page)
        act(hand)
        assert most_clicks is None or hand.clicks <= most_clicks


@with_each_hand
def test_a_social_enterprise_answers_in_three_clicks(site: Site, how):
    full(site)

    def act(hand: Hand) -> None:
        hand.link(re.compile("^Answer"))
        hand.choose("We would like to meet")
        hand.button("Send this answer")
        on_page(hand, "The partner knows")

    journey(site, "lister", how, act, 3)


@with_each_hand
def test_a_social_enterprise_lists_a_placement_like_the_last_in_four_clicks(site: Site, how):
    full(site)

    def act(hand: Hand) -> None:
        hand.button(re.compile("List one like this"))
        hand.button("Publish")
        on_page(hand, "The placement is published")

    journey(site, "lister", how, act, 4)


@with_each_hand
def test_a_caseworker_finds_and_proposes_a_place_in_four_clicks_and_its_answer_in_two(site: Site, how):
    site.world.list_placement()
    jobseeker = site.world.supported(utc_now().date() - timedelta(days=60))[0]
    site.world.permit(jobseeker)

    def act(hand: Hand) -> None:
        hand.link(re.compile("Make the plan|Record a contact|Open the person|See the places|Amina"))
        if not re.search(r"/people/J-[A-Z0-9]+$", hand.page.url):
            hand.link("Overview")
        hand.button("Find places")
        hand.button(re.compile("^Propose"))
        assert hand.clicks <= 4
        before = hand.clicks
        hand.choose("The jobseeker agrees to be put forward")
        hand.button("Record it")
        on_page(hand, "agreement is recorded")
        assert hand.clicks - before <= 2

    journey(site, "caseworker", how, act)


@with_each_hand
def test_a_caseworker_records_a_first_day_and_then_a_check_in_in_five_clicks(site: Site, how):
    full(site)

    def act(hand: Hand) -> None:
        site.open(hand.page, f"/introductions/{site.ids['accepted']}/start")
        fill_day(hand, utc_now().date() - timedelta(days=9))
        hand.button("Record it")
        site.open(hand.page, "/")
        before = hand.clicks
        hand.link(re.compile("Record the check-in"))
        hand.choose("Yes, in work")
        hand.choose("The jobseeker")
        hand.button("Record it")
        on_page(hand, "The check-in is recorded")
        assert hand.clicks - before <= 5

    journey(site, "caseworker", how, act)


@with_each_hand
def test_a_referrer_refers_somebody(site: Site, how):
    def act(hand: Hand) -> None:
        hand.link("Refer someone")
        hand.choose("Stepping Stones")
        hand.button("Continue")
        for label, text in (
            ("First names", "Amina"),
            ("Telephone", "07700 900123"),
            ("National Insurance number", "QQ224466C"),
            ("What work would they like?", "kitchen work"),
            ("What can they do?", "cooking"),
        ):
            hand.fill(label, text)
            hand.button("Continue")
        hand.button("Continue")
        hand.choose("Yes")
        hand.button("Continue")
        on_page(hand, "Check the referral")
        hand.button("Send the referral")
        on_page(hand, "The referral is on its way")

    journey(site, "referrer", how, act)


@with_each_hand
def test_an_administrator_invites_a_member(site: Site, how):
    def act(hand: Hand) -> None:
        hand.button(re.compile("^Invite Colleague"))
        on_page(hand, "The invitation is on its way by e-mail")
        hand.button(re.compile("^Cancel the invitation of Colleague"))
        on_page(hand, "The invitation is cancelled")

    journey(site, "administrator", how, act)


@with_each_hand
def test_a_manager_merges_two_records(site: Site, how):
    site.world.supported()
    again = site.world.refer(ref="again", by="other_referrer", phone="07700 900456")
    site.world.accept(again)

    def act(hand: Hand) -> None:
        hand.link("Compare them")
        hand.link(re.compile("^Compare"))
        hand.choose("The same person")
        hand.fill("Why?", "They showed one passport")
        hand.button("Record it")
        hand.fill("How do you know that it is one person?", "They showed one passport")
        hand.button("Merge the records")
        on_page(hand, "The two records are one now")

    journey(site, "manager", how, act)
    with site.world.database.reading() as session:
        assert session.scalars(select(DuplicatePair)).one().state.value == "merged"
        states = [person.state for person in session.scalars(select(Jobseeker))]
    assert states.count(JobseekerState.VOIDED) == 1
