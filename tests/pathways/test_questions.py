"""What a listing leaves open, and what it says outside the fields made for it."""

import pytest

from pathways.placements import questions
from pathways.placements.actions import ListingUnlawful
from pathways.placements.models import DbsLevel, Placement
from tests.world import World

API = "/api/v1"
FULL = {
    "title": "Kitchen Helper",
    "description": "Wash pots, peel vegetables and serve lunch to about forty guests with a cook beside you.",
    "hours_per_week": 12,
    "half_days": 3,
    "postcode": "NW4 4BT",
    "essential_skills": ["washing up"],
    "environment": ["busy"],
    "adjustments_offered": ["later start"],
    "dbs_level": DbsLevel.NONE,
}


def of(**changes):
    return questions.questions(Placement(**(FULL | changes)))


def test_a_listing_that_says_all_leaves_no_question():
    assert of() == []


@pytest.mark.parametrize("field", ["hours_per_week", "half_days", "essential_skills", "environment", "dbs_level"])
def test_each_thing_that_is_not_said_is_one_question(field):
    (asked,) = of(**{field: None})
    assert "?" in asked


def test_a_description_of_a_few_words_is_asked_about():
    assert of(description="Pots.") == [
        "What does somebody do on an ordinary day? Describe it in two or three sentences."
    ]


@pytest.mark.parametrize(
    ("words", "quote"),
    [
        ("You need a clean driving licence for the van.", "clean driving licence"),
        ("Must have a CSCS card.", "CSCS"),
        ("Level 2 Food Hygiene is essential.", "Level 2 Food Hygiene"),
        ("We look for somebody with a good standard of English.", "good standard of English"),
    ],
)
def test_what_the_description_asks_for_is_quoted(words, quote):
    (asked,) = of(description=f"{FULL['description']} {words}")
    assert f"“{quote}”" in asked or quote.split()[-1] in asked


@pytest.mark.parametrize("words", ["No driving licence needed.", "You do not need fluent English.", "No CSCS card."])
def test_what_the_advert_says_is_not_needed_is_not_asked(words):
    assert of(description=f"{FULL['description']} {words}") == []


def test_a_licence_that_is_entered_is_not_asked_about():
    words = f"{FULL['description']} A full driving licence is needed."
    assert of(description=words, licences_needed=["driving licence"]) == []


@pytest.mark.parametrize("words", ["Internal applicants only.", "External candidates will not be considered."])
def test_work_that_nobody_from_outside_can_get_stays_in_draft(world: World, words):
    with pytest.raises(ListingUnlawful, match="If only your own people may apply, do not list it here"):
        world.list_placement(title="Kitchen Helper", description=words)


@pytest.mark.parametrize(
    "words",
    ["The staff discount is for current employees only.", "Parking: current staff only.", "Windows: internal only."],
)
def test_words_that_may_mean_something_else_are_asked_and_block_nothing(words):
    listing = Placement(**(FULL | {"description": f"{FULL['description']} {words}"}))
    assert questions.internal_only(listing) is None
    assert any("May people from outside apply?" in asked for asked in questions.questions(listing))


def test_the_lister_is_asked_and_nobody_else(client, world: World):
    placement = world.list_placement(environment=None)
    answers = {
        who: client.get(f"{API}/placements/{placement}", headers=world.key(who)) for who in ("lister", "caseworker")
    }
    assert any(asked.startswith("What is it like there") for asked in answers["lister"].json()["questions"])
    assert answers["caseworker"].json()["questions"] == []
