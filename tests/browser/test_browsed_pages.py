"""The pages in a real browser: journeys of each role, by keyboard, without JavaScript, and what axe finds."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright

from pathways.base import Source, utc_now
from pathways.jobseekers.models import Jobseeker
from tests.browsing import Browser as Links
from tests.pathways.test_caseworker_pages import day_fields
from tests.pathways.test_enterprise_pages import introduced, move
from tests.pathways.test_upload_pages import BAD, GOOD, HEADER
from tests.served import served
from tests.world import World

CHROMIUM = Path("/usr/bin/chromium")
AXE = (Path(__file__).parent / "axe" / "axe-4.14.1.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-Papadopoulos-Featherstonehaugh"
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: apt-get install chromium"),
    pytest.mark.parametrize("stage", ["sqlite"], indirect=True),  # the pages are the same on either database
]


@dataclass
class Site:
    """A served world, its address by the name that passkeys need, and a browser."""

    address: str
    world: World
    chromium: Chromium
    ids: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def as_(self, member: str, *, source: Source = Source.DEMONSTRATION, **options: Any) -> Iterator[Page]:
        """Open a browser in which a member has signed in. Whatever the console says fails the test."""
        context = self.chromium.new_context(**options)
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda line: said.append(line.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(self.address + Links(None, self.world).link_of(member, source=source))
        page.get_by_role("button", name="Sign in").click()
        yield page
        context.close()
        # Chromium itself says so of every page with the status of an error, as a form with an error has.
        assert [line for line in said if "responded with a status of 4" not in line] == []

    def open(self, page: Page, path: str) -> None:
        page.goto(self.address + path)


@pytest.fixture
def site(stage, world: World, tmp_path) -> Iterator[Site]:
    with served(stage.settings, tmp_path / "log") as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Site(address.replace("127.0.0.1", "localhost"), world, chromium)
        chromium.close()


def full(site: Site) -> None:
    """Fill the world: a person at work, people introduced, names that are long or written from right to left."""
    world = site.world
    placement = world.list_placement(title="Kitchen assistant for very early mornings")
    names: list[dict[str, Any]] = [{}, {"given_name": "نور الهدى", "family_name": "الحداد"}, {"family_name": LONG_NAME}]
    people = [
        world.supported(utc_now().date() - timedelta(days=30), ref=f"r{n}", nino=None, nhs_number=None, **one)
        for n, one in enumerate(names)
    ]
    introductions = [introduced(world, placement, "identity", "contact", "work", person=one[0]) for one in people]
    move(world, introductions[0], "offer")
    move(world, introductions[0], "accept")
    world.refer(ref="new", given_name="Idris", nino=None, nhs_number=None)
    with world.database.reading() as session:
        site.ids["person"] = session.get_one(Jobseeker, people[0][0]).reference
        site.ids["long"] = session.get_one(Jobseeker, people[2][0]).reference
        site.ids["arabic"] = session.get_one(Jobseeker, people[1][0]).reference
    site.ids |= {"placement": str(placement), "introduction": str(introductions[1]), "accepted": str(introductions[0])}


PAGES = {
    "lister": (
        "/", "/introductions", "/introductions/{introduction}", "/introductions/{accepted}/start", "/placements",
        "/placements/{placement}", "/placements/{placement}/time", "/placements/new/kind", "/placements/new/time",
        "/placements/new/checks", "/placements/new/check", "/account", "/account/set-up", "/account/recovery-codes",
        "/imports/placements",
    ),
    "referrer": (
        "/", "/?state=declined", "/refer/partner", "/refer/name", "/refer/time", "/refer/needs", "/refer/check",
        "/imports/referrals",
    ),
    "caseworker": (
        "/", "/today/referrals", "/people", "/people?state=closed", "/people/found", "/referrals", "/refer/partner",
        "/introductions", "/introductions/{introduction}", "/placements", "/placements/{placement}",
        "/people/{person}", "/people/{long}", "/people/{arabic}", "/people/{person}/profile", "/people/{person}/places",
        "/people/{person}/places/unlock", "/people/{person}/work", "/people/{person}/support",
        "/people/{person}/sharing", "/people/{person}/history", "/people/{person}/handover",
        "/people/{person}/contacts/new", "/people/{person}/profile/time", "/people/{person}/profile/needs",
        "/people/{person}/details/numbers", "/people/{person}/close", "/people/{person}/check-ins/new",
        "/duplicates", "/evidence", "/imports/referrals", "/no-such-page",
    ),
    "administrator": ("/",),
    "commissioner": ("/",),
}  # fmt: skip


def faults_of(page: Page) -> list[str]:
    """Return what is wrong with a page: what axe finds, text that runs out of it, and tags that are shown."""
    found = page.evaluate(f"axe.run({{runOnly: {RULES}}})")["violations"]
    faults = [f"{one['id']}: {one['nodes'][0]['html'][:150]}" for one in found]
    if re.search(r"</?[a-z]+[ >]", page.inner_text("body")):
        faults.append("a tag is shown as text")
    return faults


def widths(page: Page) -> list[str]:
    faults = []
    for width in (320, 375, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        wide = page.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            faults.append(f"{wide} px wide on {width} px")
    return faults


@pytest.mark.parametrize("is_full", [False, True], ids=["empty", "full"])
def test_every_page_can_be_used_by_everybody(site: Site, is_full):
    if is_full:
        full(site)
    faults = []
    looked_at = 0
    for member, paths in PAGES.items():
        with site.as_(member, bypass_csp=True) as page:
            page.context.add_init_script(AXE)
            for path in paths:
                if "{" in path and not is_full:
                    continue
                page.set_viewport_size({"width": 1280, "height": 800})
                page.goto(site.address + path.format(**site.ids))
                faults += [f"{member} {path}: {one}" for one in (*faults_of(page), *widths(page))]
                looked_at += 1
    assert faults == []
    assert looked_at > 20


def test_the_pages_before_signing_in_can_be_used_by_everybody(site: Site):
    context = site.chromium.new_context(bypass_csp=True)
    context.add_init_script(AXE)
    page = context.new_page()
    faults = []
    unknown = ("/sign-in/link/nobody", "/decide/nobody", "/claim-key/nobody")
    for path in ("/sign-in", "/sign-in?ended=1", "/sign-in/recovery", *unknown):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto(site.address + path)
        faults += [f"{path}: {one}" for one in (*faults_of(page), *widths(page))]
    page.goto(f"{site.address}/sign-in")
    page.fill("#email", "nobody@example.org")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Check your e-mail").wait_for()
    faults += [f"sent: {one}" for one in (*faults_of(page), *widths(page))]
    context.close()
    assert faults == []


def test_the_page_of_an_upload_with_a_row_to_put_right_can_be_used_by_everybody(site: Site, tmp_path):
    sheet = tmp_path / "list.csv"
    sheet.write_text(HEADER + GOOD + BAD, encoding="utf-8")
    with site.as_("referrer", bypass_csp=True) as page:
        page.context.add_init_script(AXE)
        site.open(page, "/imports/referrals")
        page.get_by_label("Stepping Stones").check()
        page.set_input_files("#file", sheet)
        page.get_by_role("button", name="Upload and check").click()
        page.get_by_role("heading", name="Your file has 3 people; 1 row needs you").wait_for()
        assert [*faults_of(page), *widths(page)] == []


def test_every_form_with_an_error_can_be_used_by_everybody(site: Site):
    full(site)
    faults = []
    for member, paths in (
        ("lister", ("/placements/new/kind", "/introductions/{introduction}", "/introductions/{accepted}/start")),
        ("referrer", ("/refer/partner", "/refer/name", "/refer/needs")),
        ("caseworker", ("/people/{person}/contacts/new", "/people/{person}/profile/time")),
    ):
        with site.as_(member, bypass_csp=True) as page:
            page.context.add_init_script(AXE)
            for path in paths:
                page.goto(site.address + path.format(**site.ids))
                with page.expect_navigation():
                    page.locator("main form button.govuk-button").first.click()
                title = page.title()
                if "/profile/" not in path:
                    assert title.startswith("Error: "), path
                faults += [f"{member} {path}: {one}" for one in (*faults_of(page), *widths(page))]
    assert faults == []


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_social_enterprise_answers_in_three_clicks(site: Site, scripts):
    full(site)
    with site.as_("lister", java_script_enabled=scripts) as page:
        page.get_by_role("link", name=re.compile("Answer")).first.click()
        page.get_by_text("We would like to meet", exact=True).click()
        page.get_by_role("button", name="Send this answer").click()
        assert "The partner knows" in page.inner_text("main")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_social_enterprise_lists_a_placement_like_the_last_in_four_clicks(site: Site, scripts):
    full(site)
    with site.as_("lister", java_script_enabled=scripts) as page:
        page.get_by_role("button", name=re.compile("List one like this")).first.click()
        page.get_by_role("button", name="Publish").click()
        assert "The placement is published" in page.inner_text("main")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_caseworker_finds_and_proposes_a_place_in_four_clicks_and_its_answer_in_two(site: Site, scripts):
    site.world.list_placement()
    jobseeker = site.world.supported(utc_now().date() - timedelta(days=60))[0]
    site.world.permit(jobseeker)
    with site.as_("caseworker", java_script_enabled=scripts) as page:
        page.locator("main a[href^='/people/J-']").first.click()
        page.get_by_role("button", name="Find places").click()
        page.get_by_role("button", name=re.compile("Propose")).first.click()
        page.get_by_text("The jobseeker agrees to be put forward").click()
        page.get_by_role("button", name="Record it").click()
        assert "agreement is recorded" in page.inner_text("main")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_caseworker_records_a_first_day_and_then_a_check_in_in_four_clicks(site: Site, scripts):
    full(site)
    with site.as_("caseworker", java_script_enabled=scripts) as page:
        site.open(page, f"/introductions/{site.ids['accepted']}/start")
        for name, value in day_fields("started_on", utc_now().date() - timedelta(days=9)).items():
            page.fill(f"[name={name}]", value)
        page.get_by_role("button", name="Record it").click()
        site.open(page, "/")
        page.get_by_role("link", name=re.compile("Record the check-in")).first.click()
        page.get_by_text("Yes, in work").click()
        page.get_by_text("The jobseeker", exact=True).click()
        page.get_by_role("button", name="Record it").click()
        assert "The check-in is recorded" in page.inner_text("main")


def test_a_referrer_refers_somebody_by_keyboard_alone(site: Site):
    with site.as_("referrer") as page:
        keys = page.keyboard
        site.open(page, "/refer/partner")
        page.locator("#partner_id").focus()
        keys.press("Space")
        _press_until(page, "Continue")
        for first in ("Amina", "07700 900123", "QQ123456C", "kitchen work", "cooking"):
            keys.press("Tab")
            _to_first_field(page)
            keys.type(first)
            _press_until(page, "Continue")
        _press_until(page, "Continue")
        page.locator("#permission_to_share").focus()
        keys.press("Space")
        _press_until(page, "Continue")
        assert "Check the referral" in page.inner_text("main")
        _press_until(page, "Send the referral")
        assert "The referral is on its way" in page.inner_text("main")


def _to_first_field(page: Page) -> None:
    page.evaluate("document.querySelector('main form input:not([type=hidden]), main form textarea').focus()")


def _press_until(page: Page, name: str) -> None:
    """Go on with the Tab key until a button has the focus, and press it."""
    for _ in range(80):
        if page.evaluate("document.activeElement.innerText") == name:
            with page.expect_navigation():
                page.keyboard.press("Enter")
            return
        page.keyboard.press("Tab")
    pytest.fail(f"The Tab key never came to the button {name}.")


def test_a_passkey_is_set_up_and_signs_in(site: Site):
    with site.as_("caseworker", source=Source.API) as page:
        tools = page.context.new_cdp_session(page)
        tools.send("WebAuthn.enable")
        tools.send(
            "WebAuthn.addVirtualAuthenticator",
            {
                "options": {
                    "protocol": "ctap2",
                    "transport": "internal",
                    "hasResidentKey": True,
                    "hasUserVerification": True,
                    "isUserVerified": True,
                }
            },
        )
        assert "Choose how you sign in" in page.inner_text("main")
        page.get_by_role("button", name="Add a passkey").click()
        page.get_by_role("button", name="Show new recovery codes").click()
        assert page.locator("main li").count() == 10
        page.get_by_role("button", name="Sign out").click()
        page.get_by_role("button", name="Sign in with a passkey").click()
        page.get_by_role("heading", name="Today").wait_for()


def test_what_is_typed_is_kept_and_comes_back(site: Site):
    full(site)
    with site.as_("caseworker") as page:
        form = f"/people/{site.ids['person']}/contacts/new"
        site.open(page, form)
        with page.expect_response(lambda reply: reply.url.endswith("/drafts")):
            page.fill("[name=note]", "She likes the mornings")
        site.open(page, form)
        assert page.input_value("[name=note]") == "She likes the mornings"
