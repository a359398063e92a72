"""The pages of a social enterprise: list a placement, answer about a person, record the first day and the last."""

import re

import pytest
from sqlalchemy import func, select

from pathways.base import utc_now
from pathways.introductions import actions as introduction_actions
from pathways.introductions import queries as introduction_queries
from pathways.introductions.models import Introduction, IntroductionEvent, StartFeedback
from pathways.introductions.schemas import NewIntroduction
from pathways.jobseekers import restrictions
from pathways.jobseekers.models import Jobseeker
from pathways.placements.models import Placement, PlacementState
from tests.browsing import text_of

STEPS = {
    "kind": {"title": "Kitchen assistant", "kind": "JOB_OPEN", "places": "2"},
    "work": {"occupation": "kitchen assistant", "description": "Wash up and peel vegetables."},
    "skills": {"essential_skills": "washing up\nteam work"},
    "place": {"postcode": "NW9 5QN", "remote": "no"},
    "time": {
        "half_days": ["mon am", "tue am"],
        "hours_per_week": "16",
        "hours_flexible": "yes",
        "starts_on-day": "4",
        "starts_on-month": "January",
        "starts_on-year": "2027",
    },
    "pay": {"pay_per_hour_pounds": "£13.50"},
    "checks": {"dbs_level": "NONE", "right_to_work_needed": "yes"},
    "support": {"environment": "busy\nhot", "support_offered": "a buddy"},
}


def once_in(page):
    return re.search(r'name="once" value="(\w+)"', page.text)[1]


def introduced(world, placement_id, *groups, person=None):
    """Send an introduction for a placement and return its id."""
    person = person or world.supported()[0]
    world.permit(person, *groups)
    actor = world.on("caseworker")
    with world.database.writing(actor) as session:
        new = NewIntroduction(jobseeker_id=person, placement_id=placement_id, send=True)
        return introduction_actions.propose(session, actor, new).id


def move(world, introduction_id, event, by="caseworker"):
    actor = world.on(by)
    with world.database.writing(actor) as session:
        row = introduction_queries.introduction(session, actor, introduction_id, for_update=True)
        introduction_actions.move(session, actor, row, IntroductionEvent(event))


def list_one(browser):
    for step, answers in STEPS.items():
        page = browser.post(f"/placements/new/{step}", answers)
        assert page.status_code == 200, text_of(page)
    return page


def test_a_placement_is_listed_in_eight_steps_and_published(browse, world):
    browser = browse("lister")
    page = list_one(browser)
    text = text_of(page)
    for answer in ("Kitchen assistant", "Paid job", "Mon and Tue morning", "4 January 2027", "£13.50 an hour"):
        assert answer in text
    page = browser.post("/placements/new/check", {"do": "send", "once": once_in(page)})
    assert "The placement is published" in text_of(page)
    with world.database.reading() as session:
        placement = session.scalars(select(Placement)).one()
    assert placement.state is PlacementState.PUBLISHED
    assert placement.essential_skills == ["washing up", "team work"]


def test_a_form_that_is_sent_twice_lists_one_placement(browse, world):
    browser = browse("lister")
    once = once_in(list_one(browser))
    list_one(browser)
    for _ in range(2):
        browser.post("/placements/new/check", {"do": "save", "once": once})
        list_one(browser)
    with world.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Placement)) == 1


def test_what_the_law_refuses_stays_in_draft_and_says_why(browse):
    browser = browse("lister")
    page = list_one(browser)
    browser.post("/placements/new/pay?from=check", {"pay_per_hour_pounds": "5"})
    page = browser.post("/placements/new/check", {"do": "send", "once": once_in(page)})
    assert "Why it stays in draft" in text_of(page)
    assert "minimum wage" in text_of(page)
    assert "pay_per_hour" not in text_of(page)


@pytest.mark.parametrize(
    ("step", "typed", "fault"),
    [
        ("kind", {"title": ""}, "Enter a title"),
        ("time", {"starts_on-day": "31", "starts_on-month": "2", "starts_on-year": "2027"}, "Enter a real date"),
        ("time", {"hours_per_week": "many"}, "Enter a number"),
        ("pay", {"pay_per_hour_pounds": "20000"}, "looks like"),
    ],
)
def test_a_wrong_answer_is_asked_again_with_what_was_typed(browse, step, typed, fault):
    page = browse("lister").post(f"/placements/new/{step}", typed)
    assert page.status_code == 422
    assert fault in text_of(page)
    assert "Error: " in page.text
    for value in filter(None, typed.values()):
        assert f'value="{value}"' in page.text


def test_a_placement_is_listed_like_the_last_one(browse, world):
    placement = world.list_placement()
    browser = browse("lister")
    page = browser.post(f"/placements/{placement}/copy")
    page = browser.post("/placements/new/check", {"do": "send", "once": once_in(page)})
    assert "The placement is published" in text_of(page)
    with world.database.reading() as session:
        rows = session.scalars(select(Placement)).all()
    assert len(rows) == 2
    assert rows[0].title == rows[1].title
    assert rows[0].half_days == rows[1].half_days


def test_a_change_of_a_page_that_is_out_of_date_is_refused(browse, world):
    placement = world.list_placement()
    browser = browse("lister")
    version = re.search(r'name="version" value="(\d+)"', browser.get(f"/placements/{placement}/work").text)[1]
    first = {"occupation": "cook", "description": "Cook.", "version": version}
    assert "Saved" in text_of(browser.post(f"/placements/{placement}/work", first))
    page = browser.post(f"/placements/{placement}/work", first | {"description": "Bake."})
    assert "Somebody else has changed this placement" in text_of(page)


def test_a_placement_is_paused_published_again_and_closed(browse, world):
    placement = world.list_placement()
    browser = browse("lister")
    assert browser.post(f"/placements/{placement}/pause", {"reason": ""}).status_code == 422
    reason = {"reason": "The kitchen is being rebuilt"}
    assert "The placement is paused" in text_of(browser.post(f"/placements/{placement}/pause", reason))
    assert "The placement is published" in text_of(browser.post(f"/placements/{placement}/publish"))
    assert "is confirmed" in text_of(browser.post(f"/placements/{placement}/reconfirm"))
    assert "The placement is closed" in text_of(browser.post(f"/placements/{placement}/close", reason))


def test_nobody_changes_the_placement_of_another_organisation(browse, world):
    placement = world.list_placement()
    for stranger in ("other_lister", "caseworker"):
        browser = browse(stranger)
        reply = browser.post(f"/placements/{placement}/close", {"reason": "It is not mine"})
        assert reply.status_code in {403, 404}
    with world.database.reading() as session:
        assert session.get_one(Placement, placement).state is PlacementState.PUBLISHED


def test_a_social_enterprise_reads_only_what_was_agreed_and_answers(browse, world):
    placement = world.list_placement()
    introduction = introduced(world, placement, "identity", "work")
    browser = browse("lister")
    assert "Amina" in text_of(browser.get("/"))
    page = browser.get(f"/introductions/{introduction}")
    assert "Not shared with you: telephone and e-mail" in text_of(page)
    for secret in ("07700", "amina@example.org", "quiet space", "Amina@"):
        assert secret not in page.text
    page = browser.post(
        f"/introductions/{introduction}/answer",
        {"event": "invite", "times": "Tuesday after 10am", "once": once_in(page)},
    )
    assert "would like to meet" in text_of(page)
    assert "Tuesday after 10am" in text_of(browse("caseworker").get(f"/introductions/{introduction}"))


def test_an_answer_needs_a_choice_and_a_refusal_a_reason(browse, world):
    introduction = introduced(world, world.list_placement())
    browser = browse("lister")
    assert "Choose one of the answers" in text_of(browser.post(f"/introductions/{introduction}/answer"))
    page = browser.post(f"/introductions/{introduction}/answer", {"event": "decline"})
    assert "Choose why it does not go ahead" in text_of(page)
    page = browser.post(f"/introductions/{introduction}/answer", {"event": "decline", "why": "hours"})
    assert "does not go ahead" in text_of(page)
    page = browser.post(f"/introductions/{introduction}/answer", {"event": "accept"})
    assert "Choose one of the answers" in text_of(page)


def test_the_first_day_and_the_last_are_recorded(browse, world):
    introduction = introduced(world, world.list_placement())
    browser = browse("lister")
    browser.post(f"/introductions/{introduction}/answer", {"event": "offer"})
    move(world, introduction, "accept")
    assert "First days to record" in text_of(browser.get("/"))
    today = utc_now().date()
    day = {"started_on-day": str(today.day), "started_on-month": str(today.month), "started_on-year": str(today.year)}
    assert browser.post(f"/introductions/{introduction}/start").status_code == 422
    page = browser.post(f"/introductions/{introduction}/start", day)
    assert "The first day is recorded" in text_of(page)
    ended = {name.replace("started", "ended"): value for name, value in day.items()}
    assert browser.post(f"/introductions/{introduction}/end", ended).status_code == 422
    page = browser.post(f"/introductions/{introduction}/end", ended | {"end_reason": "resigned"})
    assert "The end of the work is recorded" in text_of(page)


def test_the_pages_of_an_introduction_are_only_for_its_two_sides(browse, world):
    introduction = introduced(world, world.list_placement())
    for stranger in ("other_lister", "other_caseworker"):
        assert browse(stranger).get(f"/introductions/{introduction}").status_code == 404
        assert browse(stranger).post(f"/introductions/{introduction}/answer", {"event": "offer"}).status_code == 404
    assert browse("referrer").get(f"/introductions/{introduction}").status_code == 403
    with world.database.reading() as session:
        assert session.get_one(Introduction, introduction).state == "sent"


def test_a_session_that_ends_while_somebody_types_brings_the_answers_back(browse, world):
    browser = browse("lister")
    other = browse("lister")
    other.post("/account/sessions/end-others")
    introduction = introduced(world, world.list_placement())
    form = f"/introductions/{introduction}/answer"
    reply = browser.post(form, {"event": "invite", "times": "Friday at noon"}, follow=False)
    assert reply.headers["location"].startswith("/sign-in?next=")
    browser.sign_in("lister")
    page = browser.get(form)
    assert "Friday at noon" in page.text
    with world.database.reading() as session:
        assert session.get_one(Introduction, introduction).state == "sent"


@pytest.fixture
def started(world):
    """An introduction whose work began today."""
    introduction = introduced(world, world.list_placement(), "identity")
    move(world, introduction, "offer")
    move(world, introduction, "accept")
    return introduction


def begin(browser, introduction):
    browser.post(f"/introductions/{introduction}/start", day_of_today("started_on"))


def day_of_today(name):
    day = utc_now().date()
    return {f"{name}-day": str(day.day), f"{name}-month": str(day.month), f"{name}-year": str(day.year)}


def test_feedback_after_a_start_reaches_the_caseworker(browse, world, started):
    browser = browse("lister")
    early = browser.post(f"/introductions/{started}/feedback", {"how": "well"})
    assert "Record the first day of work first" in text_of(early)
    begin(browser, started)
    assert "Say how it is going" in text_of(browser.get("/"))
    page = browser.get(f"/introductions/{started}/feedback")
    given = {"how": "with_difficulty", "wants_call": "yes", "note": "Mornings are hard", "once": once_in(page)}
    assert browser.post(f"/introductions/{started}/feedback", {"how": ""}).status_code == 422
    for _ in range(2):  # sent twice, it says it once
        assert "The caseworker has your feedback" in text_of(browser.post(f"/introductions/{started}/feedback", given))
    assert "Mornings are hard" not in browser.get(f"/introductions/{started}").text  # a note is for the caseworker
    caseworker = browse("caseworker")
    assert "asks for a call" in text_of(caseworker.get("/"))
    told = text_of(caseworker.get(f"/introductions/{started}"))
    assert told.count("Mornings are hard") == 1
    with world.database.reading() as session:
        person = session.scalars(select(Jobseeker)).one().reference
    contact = {"with_whom": "employer", "how": "phone", "outcome": "spoke", **day_of_today("on")}
    caseworker.post(f"/people/{person}/contacts/new", contact)
    assert "asks for a call" not in text_of(caseworker.get("/"))


@pytest.mark.parametrize(
    ("member", "status"), [("caseworker", 403), ("other_lister", 404), ("referrer", 403), ("other_caseworker", 404)]
)
def test_only_the_social_enterprise_gives_feedback(browse, started, member, status):
    begin(browse("lister"), started)
    reply = browse(member).post(f"/introductions/{started}/feedback", {"how": "well"})
    assert reply.status_code in {403, 404} if status == 404 else reply.status_code == status


def test_a_stopped_start_takes_no_feedback(browse, world, started):
    begin(browse("lister"), started)
    with world.database.reading() as session:
        person = session.scalars(select(Jobseeker)).one()
    with world.database.writing(world.actors["manager"]) as session:
        restrictions.restrict(
            session, world.actors["manager"], session.get_one(Jobseeker, person.id), "A threat was reported."
        )
    reply = browse("lister").post(f"/introductions/{started}/feedback", {"how": "well"})
    assert reply.status_code in {403, 404}
    with world.database.reading() as session:
        assert session.scalars(select(StartFeedback)).all() == []
