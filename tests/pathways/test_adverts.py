"""Wording of adverts: whole words, named in the reply; a person confirms; a reserved placement is a question."""

import itertools
from datetime import date

import pytest
from sqlalchemy import update

from pathways.access.models import User
from pathways.reference import tables, wording
from tests.pathways.test_files import send
from tests.pathways.test_possible import change, draft, listed, publish
from tests.world import World

pytestmark = pytest.mark.any_database

TODAY = date.today()
ROWS = tables.rows("advert_words")
FORBIDDEN = [
    ("sex", "Waitress"),
    ("sex", "female cleaner"),
    ("sex", "He must be strong"),
    ("age", "a young and energetic team"),
    ("age", "recent graduates"),
    ("age", "aged 18 to 25"),
    ("age", "under 30s"),
    ("race", "native English speaker"),
    ("race", "British nationals only"),
    ("race", "British only"),
    ("race", "Indian applicants"),
    ("religion or belief", "no head coverings"),
    ("religion or belief", "born-again Christians"),
    ("disability", "able-bodied"),
    ("disability", "Physically fit"),
    ("religion or belief", "practising Christian"),
    ("pregnancy, marriage or family", "no family commitments"),
    ("unpaid work", "you work without pay"),
    ("unpaid work", "Expenses only"),
    ("convictions", "no criminal record"),
    ("costs for the worker", "deposit required"),
]
ALLOWED = [
    "Caretaker (offices)",
    "a careful person with a career plan",
    "Theatre Usher",
    "Office Manager, manual and human resources work",
    "Kitchen porter at the woman's refuge",
    "Cook at the Women\u2019s Centre",
    "men and women are welcome; he or she works alone",
    "Working with young people and young carers",
    "must be aged 18 or over to sell alcohol",
    "Polish speaker welcome",
    "white goods and black bags",
    "a paid trial shift",
    "a 30 minute unpaid break",
    "a good health and safety record",
    "Plant nursery gardener",
    "customer care assistant",
    "Mature trees are our trade",
    "the national minimum wage is not for UK national rail",
    "Sheffield shed, Guy's Hospital, Newcastle",
]


GROUPS = {
    "nation": "romanian",
    "people": "romanians",
    "country": "romania",
    "religion": "hindu",
    "condition": "epilepsy",
}


def found(text: str, *, is_paid: bool = True) -> list[tuple[str, str]]:
    return [(one.kind, one.words) for one in wording.in_advert([text], TODAY, is_paid=is_paid)]


@pytest.mark.parametrize(("kind", "text"), FORBIDDEN)
def test_forbidden_wording_is_found(kind, text):
    assert kind in [kind for kind, _ in found(text)]


@pytest.mark.parametrize("text", ALLOWED)
def test_a_word_is_a_word_and_its_sense_counts(text):
    assert found(text) == []


def _said(part: str) -> str:
    """Return a part of a phrase as somebody would write it, with an example for each class of words."""
    for name, example in (("#age", "25"), ("#year", "1995"), ("#s", "25s"), ("#", "25"), ("*", "cleaner")):
        part = part.replace(name, example)
    for kind, example in GROUPS.items():
        part = part.replace(f"@{kind}", example)
    return part


def _phrases() -> list[tuple[str, str, bool]]:
    """Every phrase of the table with every choice of its alternatives, as somebody would write it."""
    said = []
    for row in ROWS:
        for phrase in row["phrases"].split(";"):
            parts = [_said(part).split("|") for part in phrase.split()]
            said += [(row["kind"], " ".join(words), row["only_paid"] == "yes") for words in itertools.product(*parts)]
    return said


def test_every_phrase_is_found_in_capitals_with_punctuation_and_never_within_longer_words():
    phrases = _phrases()
    assert len(phrases) > 700
    for kind, said, only_paid in phrases:
        for text in (said, f"We want: {said.upper()}!", f"({said.title()})"):
            assert kind in [k for k, _ in found(text)], text
        glued = " ".join(f"xq{word}qx" for word in said.split())
        assert found(glued) == [], glued
        if only_paid:
            assert kind not in [k for k, _ in found(said, is_paid=False)]


def test_plurals_and_possessives_are_found_and_beginnings_are_not():
    nouns = [word for row in ROWS for phrase in row["phrases"].split(";") for word in [phrase] if word.isalpha()]
    assert len(nouns) > 60
    for noun in nouns:
        if noun.endswith(("s", "y")) or len(noun) < 4:
            continue
        ending = "es" if noun.endswith(("ss", "sh", "ch", "x")) else "s"
        assert found(f"{noun}{ending}"), noun
        assert found(f"the {noun}'s"), noun
        assert found(f"{noun}qx") == [], noun


def test_every_row_has_law_reason_and_remedy():
    for row in ROWS:
        assert all(row[name] for name in ("law", "reason", "remedy", "source", "from")), row["kind"]
        assert wording.WordingNeed(row["needs"])


@pytest.mark.parametrize(("kind", "text"), FORBIDDEN)
def test_an_advert_with_forbidden_wording_is_named_and_waits_for_a_person(client, world: World, kind, text):
    made = draft(client, world, description=f"Nice place. {text}.")
    finding = next(one for one in made["wording"] if one["kind"] == kind)
    assert all(finding[name] for name in ("words", "law", "reason", "remedy"))
    answer = publish(client, world, made)
    assert answer.status_code == 409
    assert finding["words"] in answer.json()["detail"]
    because = "It stands for the name of our house."
    kept = [{"words": w["words"], "basis": "means_something_else", "reason": because} for w in made["wording"]]
    answer = publish(client, world, made, confirm_wording=kept)
    assert (answer.status_code, answer.json()["state"]) == (200, "published")
    confirmed = next(one for one in answer.json()["wording"] if one["kind"] == kind)
    assert (confirmed["basis"], confirmed["confirmed_because"]) == ("means_something_else", because)
    seen = client.get(f"/api/v1/placements/{made['id']}", headers=world.key("caseworker")).json()["wording"]
    assert kind in [one["kind"] for one in seen]


@pytest.mark.parametrize("field", ["title", "occupation", "description", "essential_skills", "environment"])
def test_every_field_of_the_advert_is_read(client, world: World, field):
    value = ["Waitress"] if field in {"essential_skills", "environment"} else "Waitress"
    assert [w["words"] for w in draft(client, world, **{field: value})["wording"]] == ["Waitress"]


@pytest.mark.parametrize("basis", ["occupational_requirement", "positive_action", "required_by_law"])
def test_an_exception_needs_its_reason(client, world: World, basis):
    made = draft(client, world, title="Female support officer")
    kept = {"words": "Female", "basis": basis}
    assert publish(client, world, made, confirm_wording=[kept]).status_code == 409
    kept["reason"] = "Schedule 9, paragraph 1: the work is in a refuge for women."
    assert publish(client, world, made, confirm_wording=[kept]).status_code == 200


def test_unpaid_work_in_a_paid_job_has_no_exception(client, world: World):
    because = "The law requires it here."
    for text, basis in (
        ("You work without pay.", "required_by_law"),
        ("First an unpaid trial shift.", "required_by_law"),
        ("First an unpaid trial shift.", "means_something_else"),
        ("The first day is free.", "means_something_else"),
    ):
        made = draft(client, world, description=text)
        kept = [{"words": w["words"], "basis": basis, "reason": because} for w in made["wording"]]
        answer = publish(client, world, made, confirm_wording=kept)
        assert answer.status_code == 409
        assert "no exception" in answer.text
    volunteering = draft(client, world, kind="VOLUNTEERING", pay_per_hour_pounds=None, description="Unpaid.")
    assert (volunteering["wording"], publish(client, world, volunteering).status_code) == ([], 200)


def test_words_that_are_not_there_cannot_be_confirmed_and_a_program_confirms_nothing(client, world: World, database):
    made = draft(client, world, title="Barmaid")
    kept = {"words": "Barman", "basis": "means_something_else"}
    assert publish(client, world, made, confirm_wording=[kept]).status_code == 409
    kept["words"] = "barmaid"
    with database.writing(world.on("operator")) as session:
        session.execute(update(User).where(User.id == world.actors["lister"].user_id).values(is_machine=True))
    answer = publish(client, world, made, confirm_wording=[kept])
    assert answer.status_code == 403
    assert listed(client, world)[made["ref"]]["state"] == "draft"


def test_wording_is_checked_again_when_a_published_advert_changes(client, world: World):
    made = draft(client, world)
    publish(client, world, made)
    assert change(client, world, made, title="Barman").status_code == 409
    kept = [{"words": "Barman", "basis": "means_something_else", "reason": "The name of the bar."}]
    assert change(client, world, made, title="Barman", confirm_wording=kept).status_code == 200
    assert change(client, world, made, places=2).status_code == 200  # the text is still the one confirmed
    assert change(client, world, made, title="Barman at the bar").status_code == 409


def test_a_file_publishes_no_wording_that_a_person_must_confirm(client, world: World):
    header = "placement_ref,title,kind,pay_per_hour_pounds,description\n"
    rows = "W1,Waitress,JOB_OPEN,14,\nW2,Packer,JOB_OPEN,14,You need your own car\n"
    report = send(client, world, (header + rows).encode(), who="lister", kind="placements").json()["report"]
    states = {ref: item["state"] for ref, item in listed(client, world).items()}
    assert states == {"W1": "draft", "W2": "published"}
    assert '"Waitress" (sex)' in report["warnings"][0]["rule"]
    assert [w["kind"] for w in listed(client, world)["W2"]["wording"]] == ["own car"]
    again = (header + "W2,Barmaid,JOB_OPEN,14,").encode()
    report = send(client, world, again, who="lister", kind="placements").json()["report"]
    assert '"Barmaid" (sex)' in report["errors"][0]["rule"]
    assert listed(client, world)["W2"]["title"] == "Packer"


@pytest.mark.parametrize("title", ["Care Assistant", "Carers", "Nursery Assistant", "Packer (with personal care)"])
def test_personal_care_asks_for_the_dbs_level(client, world: World, title):
    made = draft(client, world, title=title)
    answer = publish(client, world, made)
    assert (answer.status_code, "dbs_level" in answer.json()["detail"]) == (409, True)
    assert change(client, world, made, dbs_level="NONE").status_code == 200
    assert publish(client, world, made).status_code == 200


@pytest.mark.parametrize(
    ("title", "level", "state"),
    [
        ("Caretaker (offices)", "ENHANCED", "draft"),
        ("Theatre Usher", "ENHANCED", "draft"),
        ("Steward", "ENHANCED", "draft"),
        ("Legalese editor", "STANDARD", "draft"),
        ("Customer care adviser", "ENHANCED", "draft"),
        ("Driving school clerk", "ENHANCED", "draft"),
        ("Theatre Nurse", "ENHANCED", "published"),
        ("Carers", "ENHANCED_BL_ADULT", "published"),
        ("School cook", "ENHANCED", "published"),
        ("Security officer", "STANDARD", "published"),
    ],
)
def test_a_dbs_level_above_basic_needs_a_role_by_whole_words(client, world: World, title, level, state):
    made = draft(client, world, title=title, dbs_level=level)
    publish(client, world, made)
    assert listed(client, world)[made["ref"]]["state"] == state


def test_a_reserved_placement_is_a_question_in_matching_and_never_a_filter(client, world: World):
    person, _ = world.supported()
    world.list_placement(title="Open")
    world.list_placement(title="Reserved", ring_fenced_for="care leavers", legal_basis=None)
    path = f"/api/v1/jobseekers/{person}/shortlists"
    shortlist = client.post(path, headers=world.key("caseworker"), json={}).json()
    checks = {match["title"]: {c["rule"]: c for c in match["checks"]} for match in shortlist["matches"]}
    assert set(checks) == {"Open", "Reserved"}
    assert "ring_fence" not in checks["Open"]
    asked = checks["Reserved"]["ring_fence"]
    assert (asked["result"], "care leavers" in asked["text"]) == ("unknown", True)
    reasons = next(match["reasons"] for match in shortlist["matches"] if match["title"] == "Reserved")
    assert any(r["feature"] == "ring_fence" and "belongs to this group" in r["text"] for r in reasons)
