"""A benefit is told about wherever a step to work is taken: to those who may read benefits, never to the enterprise."""

from datetime import date
from typing import Any

import pytest

from pathways.placements.models import MUST_PAY, UNPAID, PlacementKind, known_pay
from pathways.shortlists.profiles import benefit_rules
from tests.pathways.test_matching import post, write_profile
from tests.world import World

pytestmark = pytest.mark.any_database

API = "/api/v1"
TODAY = date.today()
PAID = "any paid work, even one hour, needs the permitted work form (PW1)"
UNPAID_TEXT = "ESA: unpaid work"


def on_benefits(client, world: World, *benefits: str) -> Any:
    person, _ = world.supported()
    world.permit(person)
    write_profile(client, world, person, benefits=list(benefits), half_days="mon all day; tue all day")
    return person


def sent(call, world: World, person: Any, placement: Any) -> str:
    made = call("caseworker", "/introductions", jobseeker_id=str(person), placement_id=str(placement), send=True)
    return str(made["id"])


def get(client, world: World, who: str, path: str) -> Any:
    return client.get(f"{API}{path}", headers=world.key(who)).json()


def texts(answer: Any) -> list[str]:
    return [flag["text"] for flag in answer["benefit_flags"]]


def test_an_introduction_says_what_paid_work_needs_to_the_partner_only(client, world: World, call):
    person = on_benefits(client, world, "ESA")
    made = sent(call, world, person, world.list_placement(hours_per_week=16))
    [text] = texts(get(client, world, "caseworker", f"/introductions/{made}"))
    assert PAID in text
    (listed,) = get(client, world, "manager", "/introductions")["items"]
    assert texts(listed) == [text]
    for step in ("invite", "offer"):
        moved = call("lister", f"/introductions/{made}/{step}")
        assert moved["benefit_flags"] is None
        assert "ESA" not in str(moved)
    assert "PW1" not in str(get(client, world, "lister", "/introductions"))
    call("caseworker", f"/introductions/{made}/withdraw", why="other")
    assert get(client, world, "caseworker", f"/introductions/{made}")["benefit_flags"] is None


@pytest.mark.parametrize("who", ["caseworker", "lister"])
def test_a_start_names_the_form_and_the_first_day_to_the_partner_only(client, world: World, call, who: str):
    person = on_benefits(client, world, "ESA")
    made = sent(call, world, person, world.list_placement(hours_per_week=16))
    for by, step in (("lister", "invite"), ("lister", "offer"), ("caseworker", "accept")):
        call(by, f"/introductions/{made}/{step}")
    started = call(who, f"/introductions/{made}/start", started_on=str(TODAY))
    if who == "lister":
        assert (started["benefit_note"], started["benefit_flags"]) == (None, None)
        assert {"benefit_note", "benefit_flags"} <= set(started["withheld"])
    else:
        assert f"{TODAY.day} {TODAY:%B %Y}" in started["benefit_note"]
        assert PAID in started["benefit_note"]
        assert started["spell_id"]
    assert PAID in texts(get(client, world, "caseworker", f"/introductions/{made}"))[0]


def test_a_start_without_benefits_has_no_note(client, world: World, call):
    made = sent(call, world, on_benefits(client, world), world.list_placement())
    for by, step in (("lister", "invite"), ("lister", "offer"), ("caseworker", "accept")):
        call(by, f"/introductions/{made}/{step}")
    assert call("caseworker", f"/introductions/{made}/start", started_on=str(TODAY))["benefit_note"] is None


def test_a_line_of_an_allocation_says_what_paid_work_needs(client, world: World, call):
    on_benefits(client, world, "ESA")
    world.list_placement(hours_per_week=16)
    made = call("manager", "/allocations", expect=201)
    (line,) = get(client, world, "caseworker", f"/allocations/{made['id']}/lines")["items"]
    assert PAID in texts(line)[0]
    accepted = call("caseworker", f"/allocations/{made['id']}/lines/{line['id']}/accept")
    assert texts(accepted) == texts(line)


@pytest.mark.parametrize("kind", sorted(UNPAID))
def test_unpaid_kinds_have_their_own_sentence_everywhere(client, world: World, call, kind: PlacementKind):
    person = on_benefits(client, world, "ESA", "UC", "CA")
    placement = world.list_placement(kind=kind, hours_per_week=16, pay_per_hour_pounds=None)
    made = sent(call, world, person, placement)
    ranked = post(client, world, f"/jobseekers/{person}/shortlists")["matches"]
    shown = [get(client, world, "caseworker", f"/introductions/{made}"), *ranked]
    for answer in shown:
        assert len(answer["benefit_flags"]) == 3
        assert any(text.startswith(UNPAID_TEXT) for text in texts(answer))
        for flag in answer["benefit_flags"]:
            assert (flag["is_over_limit"], bool(flag["source"]), bool(flag["since"])) == (False, True, True)
            assert not [word for word in ("over the limit", "take-home", "not known") if word in flag["text"]]


def test_pay_is_known_to_be_nothing_only_in_kinds_that_nobody_pays():
    for kind in PlacementKind:
        assert known_pay(kind, 1271) == 1271
        assert known_pay(kind, None) == (0 if kind in UNPAID else None)
    assert MUST_PAY | UNPAID | {PlacementKind.SELF_EMPLOYMENT} == set(PlacementKind)


def test_every_benefit_has_a_sentence_for_unpaid_work_in_every_year():
    for on in (date(2024, 4, 1), date(2025, 4, 1), date(2026, 4, 1), date(2026, 4, 30), TODAY):
        assert all(rule.unpaid_text and rule.unpaid_source for rule in benefit_rules(on)), on
