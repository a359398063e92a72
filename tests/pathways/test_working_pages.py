"""What a tired caseworker and their manager do on the pages: turn down, take back, hand over, open again."""

import re
from datetime import timedelta

from sqlalchemy import select

from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker, JobseekerState, ProfileVersion
from pathways.progression.models import EvidenceCheck, SpellHours
from tests.browsing import text_of
from tests.pathways.test_caseworker_pages import day_fields, person, person_of, today, working  # noqa: F401 - a fixture
from tests.pathways.test_enterprise_pages import introduced, move
from tests.work import evidence


def version_in(page):
    return re.search(r'name="version" value="(\d+)"', page.text)[1]


def test_a_page_of_an_error_has_the_menu_of_whoever_signed_in(browse):
    browser = browse("caseworker")
    for path in ("/nothing-here", "/people/J-ZZZZZZ", "/people?page=none"):
        page = browser.get(path)
        assert page.status_code in {404, 422}, path
        assert 'href="/referrals"' in page.text, path
    assert 'href="/referrals"' not in browse(None).get("/nothing-here").text


def test_a_section_saved_unchanged_keeps_the_version_and_the_agreement(browse, world, person):  # noqa: F811
    browser = browse("caseworker")
    form = f"/people/{person.reference}/profile/wishes"
    said = {"aspirations": "baking\ncafe", "told_by": "supporter"}
    browser.post(form, said | {"version": version_in(browser.get(form)), "agreed": "yes"})
    page = browser.post(form, said | {"version": version_in(browser.get(form))})
    assert "Nothing was changed" in text_of(page)
    with world.database.reading() as session:
        latest = jobseeker_queries.profile(session, session.get_one(Jobseeker, person.id))
    assert latest.agreed_on == today()
    assert latest.said_by["aspirations"] == "supporter"
    more = {"aspirations": "baking\ncafe", "avoid": "nights", "told_by": "jobseeker"}
    browser.post(form, more | {"version": version_in(browser.get(form))})
    with world.database.reading() as session:
        newest = jobseeker_queries.profile(session, session.get_one(Jobseeker, person.id))
        versions = session.scalars(select(ProfileVersion.number).where(ProfileVersion.jobseeker_id == person.id)).all()
    assert newest.number == max(versions) == latest.number + 1
    assert newest.agreed_on is None
    assert newest.said_by["aspirations"] == "supporter"  # it stays, so who said it stays
    assert newest.said_by["avoid"] == "jobseeker"


def test_a_wrong_day_in_a_plan_loses_nothing_and_names_its_step(browse, person):  # noqa: F811
    browser = browse("caseworker")
    plan = f"/people/{person.reference}/plan"
    steps = {"what-0": "Get a bank account", "by-0": "caseworker", **day_fields("due_on-0", today())}
    steps |= {"what-1": "Write a CV", "due_on-1-day": "32", "due_on-1-month": "1", "due_on-1-year": "2027"}
    steps |= {"due_on-2-day": "4"}
    page = browser.post(plan, steps)
    assert page.status_code == 422
    said = text_of(page)
    assert "Step 2: Enter a real date" in said
    assert "Step 3: Write what is to be done" in said
    for name, value in (("what-0", "Get a bank account"), ("due_on-0-day", str(today().day)), ("due_on-1-day", "32")):
        assert re.search(f'name="{name}"[^>]* value="{value}"', page.text), name
    assert re.search(r'id="by-0".*?<option value="caseworker" selected', page.text, re.DOTALL)
    assert '<details class="govuk-details" open' not in page.text  # the form about a barrier stays closed


def test_a_done_step_of_a_plan_can_be_opened_again(browse, person):  # noqa: F811
    browser = browse("caseworker")
    plan = f"/people/{person.reference}/plan"
    browser.post(plan, {"what-0": "Get a bank account"})
    page = browser.get(f"/people/{person.reference}/support")
    number = re.search(r'name="number" value="(\d+)"', page.text)[1]
    page = browser.post(plan, {"what-0": "Get a bank account", "done-0": today().isoformat(), "number": number})
    assert "Done on" in text_of(page)
    number = re.search(r'name="number" value="(\d+)"', page.text)[1]
    assert "Done on" not in text_of(browser.post(plan, {"what-0": "Get a bank account", "number": number}))


def test_the_pay_of_a_week_is_recorded_with_its_hours(browse, world):
    person = working(world, browse)  # noqa: F811
    browser = browse("caseworker")
    form = re.search(r'href="(/people/[^"]+/hours)"', browser.get(f"/people/{person.reference}/work").text)[1]
    day = re.findall(r'name="hours-([^"]+)"', browser.get(form).text)[-1]
    assert "Enter the gross pay" in text_of(browser.post(form, {f"hours-{day}": "16", f"pay-{day}": "lots"}))
    assert "Enter the hours" in text_of(browser.post(form, {f"pay-{day}": "210"}))
    assert "recorded" in text_of(browser.post(form, {f"hours-{day}": "16", f"pay-{day}": "£210.40"}))
    assert 'value="210.40"' in browser.get(form).text
    browser.post(form, {f"hours-{day}": "17", f"pay-{day}": ""})  # a blank leaves the pay
    with world.database.reading() as session:
        rows = session.scalars(select(SpellHours).order_by(SpellHours.id.desc())).all()
    assert (rows[0].hours, rows[0].pay_pence) == (17, 21040)


def test_evidence_is_turned_down_with_a_reason(browse, world, client):
    person = working(world, browse)  # noqa: F811
    page = browse("caseworker").get(f"/people/{person.reference}/work")
    spell = re.search(r"/work/([0-9a-f-]{36})/hours", page.text)[1]
    item = evidence(client, world, spell, today(), today(), is_checked=False)
    browser = browse("manager")
    form = f"/people/{person.reference}/work/evidence/{item}/check"
    assert f'href="{form}"' in browser.get(f"/people/{person.reference}/work").text
    assert browser.get(form).status_code == 200
    refused = browser.post(form, {"verdict": "reject"})
    assert refused.status_code == 422
    page = browser.post(form, {"verdict": "reject", "reason": "The name is another one"})
    assert "Turned down" in text_of(page)
    assert "The name is another one" in text_of(page)
    with world.database.reading() as session:
        assert session.scalars(select(EvidenceCheck.is_accepted)).one() is False


def test_a_permission_is_withdrawn_only_after_a_question(browse, world, person):  # noqa: F811
    introduction = introduced(world, world.list_placement(), "identity", "work", person=person.id)
    browser = browse("caseworker")
    page = browser.get(f"/people/{person.reference}/sharing")
    form = re.search(r'href="(/people/[^"]+/sharing/[^"]+/withdraw)"', page.text)[1]
    assert "It works at once" in text_of(browser.get(form))
    assert browser.post(form).status_code == 422
    assert "Amina" in text_of(browse("lister").get(f"/introductions/{introduction}"))
    assert "withdrawn" in text_of(browser.post(form, {"how": "by telephone"}))
    assert "Amina" not in browse("lister").get(f"/introductions/{introduction}").text


def test_a_closed_case_is_opened_again(browse, world, person):  # noqa: F811
    browser = browse("caseworker")
    closing = {"end_reason": "withdrew", "reason": "Moved to another town", **day_fields("closed_on", today())}
    browser.post(f"/people/{person.reference}/close", closing)
    browser = browse("manager")
    page = browser.get(f"/people/{person.reference}")
    assert "The case is closed" in text_of(page)
    assert "To do" not in text_of(page).partition("The case is closed")[2]
    form = f"/people/{person.reference}/reopen"
    refused = browser.post(form, {"reason": "They came back to us"})
    assert "Say whether the programme continues" in text_of(refused)
    page = browser.post(form, {"reason": "They came back to us", "resume_enrolment": "yes"})
    assert "The case is open again" in text_of(page)
    with world.database.reading() as session:
        assert session.get_one(Jobseeker, person.id).state is JobseekerState.OPEN


def test_a_manager_sees_the_whole_team_and_changes_a_caseworker(browse, world, person):  # noqa: F811
    old = today() - timedelta(days=60)
    late = person_of(world, world.supported(old, ref="late", given_name="Bea")[0])
    browser = browse("manager")
    assert "Bea" in text_of(browser.get("/"))
    assert "Bea" in text_of(browser.get("/people"))
    assert "Bea" not in text_of(browser.get("/?whose=mine"))
    assert "Bea" not in text_of(browser.get("/people?whose=mine"))
    form = f"/people/{late.reference}/caseworker"
    page = browser.get(form)
    colleague = re.search(r'<option value="([^"]+)"[^>]*>Colleague', page.text)
    assert colleague, text_of(page)
    changed = browser.post(form, {"caseworker_id": colleague[1], **day_fields("valid_on", today())})
    assert "The caseworker is changed" in text_of(changed)
    assert "Bea" in text_of(browser.get(f"/?whose={colleague[1]}"))
    assert "Bea" in text_of(browser.get(f"/people?whose={colleague[1]}"))
    assert "Bea" in text_of(browse("colleague").get("/"))
    assert "Bea" not in text_of(browse("caseworker").get("/?whose=all"))


def test_a_member_who_signed_in_is_asked_before_an_invitation_replaces_it(browse, world):
    browse("caseworker")
    browser = browse("administrator")
    assert browser.get("/members").status_code == 200
    page = browser.get("/")
    form = re.search(r'href="(/members/[^"]+/invite)"', page.text)[1]
    asked = browser.get(form)
    assert "no longer work" in text_of(asked)
    assert "Invite again" in text_of(asked)


def test_a_meeting_wanted_no_longer_waits_for_an_answer(browse, world, person):  # noqa: F811
    introduction = introduced(world, world.list_placement(), "identity", person=person.id)
    move(world, introduction, "invite")
    said = text_of(browse("lister").get("/"))
    assert "Nobody waits for your answer" in said
    assert "People whom you would like to meet" in said


def test_the_sheet_for_a_handover_has_plan_barriers_and_who_is_kept_away(browse, world, person):  # noqa: F811
    browser = browse("caseworker")
    browser.post(f"/people/{person.reference}/plan", {"what-0": "Get a bank account"})
    barrier = {"kind": "debt", "note": "Rent arrears", **day_fields("opened_on", today())}
    assert browser.post(f"/people/{person.reference}/barriers", barrier).status_code == 200
    kept_away = str(world.organisations["other_enterprise"])
    excluded = {"kind": "organisation", "social_enterprise_id": kept_away, "reason": "A threat was made there"}
    browser.post(f"/people/{person.reference}/exclusions", excluded)
    said = text_of(browser.get(f"/people/{person.reference}/handover"))
    for text in ("Get a bank account", "Rent arrears", "A threat was made there"):
        assert text in said


def test_a_step_of_a_listing_names_what_is_no_postcode_or_address(browse):
    browser = browse("lister")
    assert "Enter a full UK postcode" in text_of(browser.post("/placements/new/place", {"postcode": "XX"}))
    assert "Enter an e-mail address" in text_of(browser.post("/placements/new/support", {"contact_email": "nobody"}))
    assert (
        browser.post("/placements/new/place", {"postcode": "nw95qn"}, follow=False)
        .headers["location"]
        .endswith("/time")
    )
