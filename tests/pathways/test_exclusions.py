"""No part of a safety exclusion is silently dropped, and people are recognised by every form of their name."""

from itertools import product
from typing import Any

import pytest

from pathways.access.models import User
from pathways.jobseekers.exclusions import USED
from pathways.organisations.models import Organisation
from pathways.web import openapi
from tests.world import World

API = "/api/v1"
VALUES: dict[str, Any] = {"who": "Lee", "postcode": "NW9 5QN", "radius_km": 2}


def exclude(client: Any, world: World, person: Any, **body: Any) -> Any:
    path = f"{API}/jobseekers/{person}/safety-exclusions"
    return client.post(path, headers=world.key("caseworker"), json=body | {"reason": "She asked us."})


@pytest.mark.parametrize(("kind", "extra"), list(product(USED, (*VALUES, "social_enterprise_id"))))
def test_a_field_that_the_kind_does_not_use_is_refused(client, world: World, kind: Any, extra: str):
    person, _ = world.supported()
    values = VALUES | {"social_enterprise_id": str(world.organisations["enterprise"])}
    body = {"kind": kind.value} | {name: values[name] for name in {*USED[kind], extra}}
    answer = exclude(client, world, person, **body)
    listed = client.get(f"{API}/jobseekers/{person}/safety-exclusions", headers=world.key("caseworker")).json()
    if extra in USED[kind]:
        assert (answer.status_code, len(listed["items"])) == (201, 1)
        return
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/rule-broken")
    [error] = answer.json()["errors"]
    assert (error["pointer"], f"does not use {extra}" in error["detail"]) == (f"/{extra}", True)
    assert listed["items"] == []


def test_the_example_of_a_body_is_taken(client, world: World):
    person, _ = world.supported()
    example = dict(openapi.recorded_examples()["NewSafetyExclusion"])
    example["social_enterprise_id"] = str(world.organisations["enterprise"])
    assert exclude(client, world, person, **example).status_code == 201


@pytest.mark.parametrize("postcode", ["NW9", "nw9", "SW1A"])
def test_the_first_part_of_a_postcode_is_refused_with_what_to_give(client, world: World, postcode: str):
    person, _ = world.supported()
    answer = exclude(client, world, person, kind="area", postcode=postcode, radius_km=2)
    assert (answer.status_code, "full postcode" in answer.text, "radius" in answer.text) == (409, True, True)


@pytest.mark.parametrize(
    ("who", "mail", "bars"),
    [
        ("Cath Brownlow", "catherine.brownlow@example.org", True),
        ("Kate Brownlow", "catherine.brownlow@example.org", True),
        ("Brownlow, Kathy", "catherine_brownlow@example.org", True),
        ("Kate Brownlow", "catherinebrownlow@example.org", True),
        ("Bill Stone", "stonewilliam@example.org", True),
        ("Lizzie Hart", "e.hart@example.org", False),
        ("Liz Hart", "elizabeth-hart@example.org", True),
        ("Tom Brownlow", "catherine.brownlow@example.org", False),
        ("Kate Brown", "catherine.brownlow@example.org", False),
        ("Kate", "catherine.brownlow@example.org", False),
    ],
)
@pytest.mark.parametrize("known", ["contact", "public address"])
def test_a_person_is_found_by_a_short_form_and_at_a_public_address(
    client, world: World, who: str, mail: str, bars: bool, known: str
):
    person, _ = world.supported()
    placement = world.list_placement(contact_email=mail if known == "contact" else None)
    if known == "public address":
        with world.database.writing(world.operator) as session:
            session.get_one(Organisation, world.organisations["enterprise"]).public_email = mail
    answer = exclude(client, world, person, kind="person", who=who)
    assert [one["placement_id"] for one in answer.json()["bars"]] == ([str(placement)] if bars else [])


@pytest.mark.parametrize(
    ("member", "who", "bars"),
    [
        ("Sean MacGregor", "Shaun McGregor", True),
        ("Sean MacGregor", "Shawn Mc Gregor", True),
        ("Sean MacGregor", "mc gregor, sean (her uncle)", True),
        ("Katherine Pemberton-Holloway", "Katherine Smith n\u00e9e Pemberton", True),
        ("Katherine Pemberton-Holloway", "Kate Smith, formerly Holloway", True),
        ("Fiona O'Neill", "Fiona O Neil", True),
        ("Mohammed Hussain", "Muhamad Hussein", True),
        ("Ian Hall", "Iain Hill", False),
        ("Sean MacGregor", "Shaun MacDonald", False),
        ("Sean MacGregor", "his brother Sean, and Ann McGregor's daughter", False),
        ("Katherine Pemberton-Holloway", "Katherine Smith", False),
        ("Katherine Pemberton-Holloway", "Tom Smith, formerly Jones", False),
        ("John Hill", "Peter Hill, now in Leeds with John Ward", False),
    ],
)
def test_a_member_is_found_by_a_name_as_it_is_heard_and_by_an_earlier_one(client, world, member, who, bars):
    person, _ = world.supported()
    placement = world.list_placement()
    with world.database.writing(world.operator) as session:
        session.get_one(User, world.actors["lister"].user_id).name = member
    answer = exclude(client, world, person, kind="person", who=who)
    assert [one["placement_id"] for one in answer.json()["bars"]] == ([str(placement)] if bars else [])
