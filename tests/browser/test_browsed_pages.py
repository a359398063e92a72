"""The pages in a real browser: what axe finds, widths, passkeys, and that nothing typed is lost."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from pathways.base import Source, utc_now
from pathways.sign_in import providers
from pathways.sign_in.schemas import NewProvider
from tests.browser.browsed_site import CHROMIUM, Site, full, fuller, site
from tests.pathways.test_upload_pages import BAD, GOOD, HEADER

__all__ = ["site"]
AXE = (Path(__file__).parent / "axe" / "axe-4.14.1.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
pytestmark = [
    pytest.mark.skipif(not CHROMIUM.exists(), reason="Debian's chromium is not installed: apt-get install chromium"),
    pytest.mark.parametrize("stage", ["sqlite"], indirect=True),  # the pages are the same on either database
]


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
    "manager": ("/", "/people?whose=all", "/evidence", "/account"),
    "administrator": ("/",),
    "commissioner": ("/",),
}  # fmt: skip

# What is looked at once more is recorded.
FULLER = {
    "lister": ("/", "/introductions?show=working", "/introductions/{accepted}", "/introductions/{accepted}/feedback",
               "/introductions/{accepted}/end"),
    "caseworker": (
        "/", "/today/risk", "/today/claims", "/introductions/{accepted}", "/people/{worker}/work",
        "/people/{worker}/claims/{claim}", "/people/{worker}/outcomes/{outcome}/claim",
        "/people/{worker}/work/{spell}/hours", "/people/{worker}/work/{spell}/evidence", "/people/{worker}/history",
        "/people/{person}/places", "/people/{person}/profile/words", "/evidence",
        "/people/{person}/places/compare?shortlist={shortlist}&placement={placement}", "/people/{person}/caseworker",
        "/people/{worker}/work/evidence/{unchecked}/check",
    ),
    "manager": (
        "/", "/duplicates", "/duplicates/{pair}", "/duplicates/{pair}/merge", "/people/{kept}/history",
        "/people/{kept}/merges/{merge}", "/evidence",
    ),
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


@pytest.mark.parametrize("how_full", ["empty", "full", "fuller"])
def test_every_page_can_be_used_by_everybody(site: Site, how_full):
    if how_full != "empty":
        full(site)
    if how_full == "fuller":
        fuller(site)
    faults = []
    looked_at = 0
    for member, paths in (FULLER if how_full == "fuller" else PAGES).items():
        with site.as_(member, bypass_csp=True) as page:
            page.context.add_init_script(AXE)
            for path in paths:
                if "{" in path and how_full == "empty":
                    continue
                page.set_viewport_size({"width": 1280, "height": 800})
                reply = page.goto(site.address + path.format(**site.ids))
                if reply is None or reply.status != (404 if "no-such" in path else 200):
                    faults.append(f"{member} {path}: {reply.status if reply else 'nothing'}")
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
    new = NewProvider(
        issuer="https://id.example.org", client_id="x", client_secret="x" * 20, email_domain="id.example.org"
    )
    with site.world.database.writing(site.world.actors["operator"]) as session:
        providers.add(session, new, site.world.organisations["partner"], utc_now())
    page.goto(f"{site.address}/sign-in")
    page.fill("#email", "somebody@id.example.org")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="Go to that sign-in page").wait_for()
    faults += [f"provider: {one}" for one in (*faults_of(page), *widths(page))]
    context.close()
    assert faults == []


# Forms whose blank answer is no fault, or that do what their button says.
NO_FAULT = ("/search", "/forget", "/discard", "/sign-out")


def _blank_forms(page: Page, path: str) -> Iterator[str]:
    """Send each form of a page blank, and yield where the fault is shown."""
    page.goto(path)
    for place in range(page.locator("main form[method=post]").count()):
        form = page.locator("main form[method=post]").nth(place)
        action = form.get_attribute("action") or ""
        asks = form.locator("input:not([type=hidden]), textarea, select").count()
        if not asks or action.endswith(NO_FAULT):
            continue
        for one in page.locator("main details").all():
            one.evaluate("one => one.open = true")
        form.evaluate(
            """form => { for (const one of form.elements) {
                 if (one.matches("input[inputmode=numeric]")) one.value = "99";
                 else if (one.matches("input[type=radio], input[type=checkbox]")) one.checked = false;
                 else if (one.matches("select")) one.selectedIndex = -1;
                 else if (one.matches("input:not([type=hidden]):not([type=file]), textarea")) one.value = "";
               } }"""
        )
        with page.expect_navigation():
            form.locator("button").first.evaluate("one => one.click()")
        if page.title().startswith("Error: "):
            yield action
        page.goto(path)


@pytest.mark.full_size
def test_every_form_that_is_sent_blank_can_be_used_by_everybody(site: Site):
    full(site)
    fuller(site)
    faults, seen = [], set()
    for member in ("lister", "referrer", "caseworker", "manager", "administrator"):
        with site.as_(member, bypass_csp=True) as page:
            page.context.add_init_script(AXE)
            for path in dict.fromkeys((*PAGES.get(member, ()), *FULLER.get(member, ()))):
                if "no-such" in path or path.startswith("/account"):
                    continue
                for action in _blank_forms(page, site.address + path.format(**site.ids)):
                    seen.add(action)
                    faults += [f"{member} {path} {action}: {one}" for one in (*faults_of(page), *widths(page))]
                    page.set_viewport_size({"width": 1280, "height": 800})
    print(f"\n{len(seen)} forms with faults")
    assert faults == []
    assert len(seen) > 15


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
        ("caseworker", ("/people/{person}/contacts/new", "/people/{person}/close", "/people/{person}/profile/time")),
    ):
        with site.as_(member, bypass_csp=True) as page:
            page.context.add_init_script(AXE)
            for path in paths:
                page.goto(site.address + path.format(**site.ids))
                for day in page.locator("main form input[name$='-day']").all():
                    day.fill("99")  # where a day is filled in already, nothing else need be wrong
                with page.expect_navigation():
                    page.locator("main form button.govuk-button").first.click()
                title = page.title()
                if "/profile/" not in path:
                    assert title.startswith("Error: "), path
                faults += [f"{member} {path}: {one}" for one in (*faults_of(page), *widths(page))]
    assert faults == []


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
        page.locator("main li").nth(9).wait_for()
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
