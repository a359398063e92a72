"""For whom a placement may be reserved; forbidden wording in each field; when a confirmation ends."""

from datetime import date

import pytest

from pathways.placements.models import PlacementKind
from pathways.reference import legal_bases, tables, wording
from pathways.reference.legal_bases import LimitKind
from tests.pathways.test_files import send
from tests.pathways.test_possible import change, draft, listed, publish
from tests.world import World

pytestmark = pytest.mark.any_database

TODAY = date.today()
BARMAN = [{"words": "Barman", "basis": "means_something_else", "reason": "The Barman is the name of the house."}]
FORBIDDEN = {
    "age": "Must be under 30|someone under thirty|no one above 45|nobody over 50|born after 1995|50+ only"
    "|you should be below 40|applicants under 25|20-30 only|no older than 35",
    "race": "no Romanians|no Poles|born in this country|Commonwealth citizens|must have indefinite leave"
    "|Chinese cook wanted|English speakers only|Nigerian nurse preferred|Poles only|reserved for Indians"
    "|French nationals|white people only|no travellers|ILR needed",
    "religion or belief": "Reserved for Christians|no Muslims|Sikhs only|must be Catholic|Hindu cook wanted",
    "disability": "not suitable for people with mental health problems|non-disabled|no autistic people"
    "|must not have depression|must be healthy|no wheelchair users|no epileptics|never had cancer"
    "|anyone with epilepsy need not apply",
    "unpaid work": "we don't pay for the trial|we don\u2019t pay for the trial|trial (\u00a30)|trial (no wages)"
    "|voluntary first week|free first day|zero pay|work for nothing for the first day|unpaid trial shift"
    "|first week is unpaid|not paid for your trial",
    "sex": "\u2640 only|\u2642 preferred|wom&#101;n|&#119;om&#x65;n|wo&shy;men",
    "personal care": "help residents eat and drink|and go to the loo|HCA|careworker|caring assistant"
    "|assist with continence|feeding patients|helping people to eat|support with personal hygiene",
}
SAID = [(kind, text) for kind, texts in FORBIDDEN.items() for text in texts.split("|")]


@pytest.mark.parametrize(("kind", "text"), SAID)
def test_what_limits_who_applies_is_named(kind, text):
    assert kind in [one.kind for one in wording.in_advert([f"Nice place. {text}."], TODAY, is_paid=True)]


@pytest.mark.parametrize("kind", ["nation", "people", "religion", "condition"])
def test_each_name_of_a_group_is_found_however_it_is_written(kind):
    column = "people" if kind == "people" else "name"
    names = [row[column] for row in tables.rows("group_names") if row[column] and row["kind"] == kind]
    assert len(names) > 4
    for name in names:
        for text in (f"no {name}", f"No {name.upper()}!", f"no {name[0]}\u200b{name[1:]}"):
            assert wording.in_advert([text], TODAY, is_paid=True), text


@pytest.mark.parametrize("field", ["adjustments_offered", "support_offered", "training_given", "ring_fenced_for"])
def test_each_free_field_is_read(client, world: World, field):
    value = "no wheelchair users"
    made = draft(client, world, **{field: value if field == "ring_fenced_for" else [value]})
    assert "disability" in [one["kind"] for one in made["wording"]]


def test_a_phrase_that_begins_in_the_title_is_read_on_in_the_description(client, world: World):
    made = draft(client, world, title="Cook, no", description="Romanians.")
    assert [one["words"] for one in made["wording"]] == ["no Romanians"]


RESERVED = [
    ("care leavers", None, "JOB_OPEN", "published"),
    ("ex-offenders", None, "JOB_OPEN", "published"),
    ("people leaving prison", "positive_action", "JOB_OPEN", "published"),
    ("disabled people", None, "JOB_OPEN", "draft"),
    ("disabled people", "Equality Act 2010, section 13(3)", "JOB_OPEN", "published"),
    ("autistic people", "supported_employment", "JOB_OPEN", "published"),
    ("disabled people", "we ignore section 13(3)", "JOB_OPEN", "draft"),
    ("disabled people", "positive_action", "JOB_OPEN", "draft"),
    ("disabled people", "charity", "JOB_OPEN", "draft"),
    ("disabled people", "charity", "WORK_EXPERIENCE", "draft"),  # it is vocational training
    ("disabled people", "charity", "VOLUNTEERING", "published"),
    ("white care leavers", "more_favourable_disabled", "JOB_OPEN", "draft"),
    ("left-handed people", "occupational_requirement", "JOB_OPEN", "draft"),
    *(
        (group, basis, "JOB_OPEN", "draft")
        for group in (
            *("white people only", "men", "British citizens", "Muslims", "no travellers", "under 30s"),
            "English speakers",
        )
        for basis in ("positive action section 158", "section 13(3)", "Schedule 9", None)
    ),
]


@pytest.mark.parametrize(("group", "basis", "kind", "state"), RESERVED)
def test_a_placement_is_reserved_only_for_whom_the_named_basis_may_justify(
    client, world: World, group, basis, kind, state
):
    pay = {"pay_per_hour_pounds": None} if kind in {"VOLUNTEERING", "WORK_EXPERIENCE"} else {}
    made = draft(client, world, kind=kind, ring_fenced_for=group, legal_basis=basis, **pay)
    answer = publish(client, world, made)
    assert (listed(client, world)[made["ref"]]["state"], answer.status_code == 200) == (state, state == "published")


def test_a_job_for_one_sex_needs_the_basis_and_a_person_who_confirms_it(client, world: World):
    made = draft(client, world, ring_fenced_for="women", legal_basis="Schedule 9, paragraph 1")
    because = "The work is personal support in a refuge for women."
    kept = [{"words": w["words"], "basis": "occupational_requirement", "reason": because} for w in made["wording"]]
    assert kept
    assert publish(client, world, made, confirm_wording=kept).status_code == 200


@pytest.mark.parametrize(
    ("basis", "is_enough"),
    [
        ("objective_justification", True),
        ("Equality Act 2010, s.13(2)", True),
        ("s 13(2) of the Equality Act 2010", True),
        ("Sch 9 para 1", True),
        ("Licensing Act 2003", True),
        ("section 193", False),
        ("section 158", False),
        ("section 13(3)", False),
        ("we ignore section 13(2)", False),
        ("x", False),
    ],
)
def test_a_limit_of_age_needs_a_basis_named_exactly(basis, is_enough):
    assert legal_bases.covers(basis, LimitKind.AGE, TODAY) is is_enough


def test_positive_action_justifies_no_limit():
    for limit in LimitKind:
        for basis in ("positive_action", "section 158", "Equality Act 2010, sections 158 and 159"):
            for kind in PlacementKind:
                assert not legal_bases.covers(basis, limit, TODAY, kind)


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "Barman at the bar"},
        {"description": "Men who drink are served."},
        {"description": "Another job."},
        {"ring_fenced_for": "care leavers"},
        {"kind": "APPRENTICESHIP"},
        {"environment": ["loud"]},
    ],
    ids=str,
)
def test_a_confirmation_ends_when_the_job_changes(client, world: World, changes):
    made = draft(client, world, title="Barman", description="Serve drinks.")
    assert publish(client, world, made, confirm_wording=BARMAN).status_code == 200
    assert change(client, world, made, places=3).status_code == 200
    refused = change(client, world, made, **changes)
    assert (refused.status_code, "Barman" in refused.json()["detail"]) == (409, True)
    if "Men" not in str(changes):
        assert change(client, world, made, **changes, confirm_wording=BARMAN).status_code == 200


def test_a_file_sent_again_keeps_a_confirmation_only_for_the_same_text(client, world: World):
    header = "placement_ref,title,kind,pay_per_hour_pounds,description\n"
    first = (header + "W1,Barman,JOB_OPEN,14,Serve drinks\n").encode()
    send(client, world, first, who="lister", kind="placements")
    assert publish(client, world, listed(client, world)["W1"], confirm_wording=BARMAN).status_code == 200
    report = send(
        client, world, (header + "W1,Barman,JOB_OPEN,15,Serve drinks\n").encode(), who="lister", kind="placements"
    )
    assert report.json()["report"]["errors"] == []
    other = (header + "W1,Barman,JOB_OPEN,15,Guard the door\n").encode()
    report = send(client, world, other, who="lister", kind="placements").json()["report"]
    assert '"Barman" (sex)' in report["errors"][0]["rule"]
    assert listed(client, world)["W1"]["description"] == "Serve drinks"
