"""Outcome rules as data: what ships, what is loaded, what a file may not say."""

import json
from datetime import date, timedelta
from typing import Any

import pytest

from pathways.errors import DomainError
from pathways.progression import queries
from pathways.progression.rules import Finding, SpellFacts, judge
from pathways.reference import outcome_rules
from tests.world import World

RULE: dict[str, Any] = {
    "rule": "BOROUGH_8_IN_10",
    "version": "1",
    "effective_from": "2026-01-01",
    "funder": "A borough",
    "definition": "Any paid hours in 8 weeks of 10",
    "basis": "hours_weeks",
    "min_hours": "0.1",
    "weeks_required": 8,
    "window_weeks": 10,
    "spells_combined": True,
    "is_enabled": True,
    "mark": "seen",
    "source": "Its contract",
}


def file(*rules: dict[str, Any]) -> bytes:
    return json.dumps({"format": 1, "rules": rules}).encode()


def load(world: World, content: bytes) -> tuple[int, int]:
    with world.database.writing(world.operator) as session:
        return outcome_rules.load(session, world.operator, content)


def test_what_is_not_verified_ships_switched_off_and_the_rest_can_be_judged():
    shipped = outcome_rules.shipped()
    assert {"IPSPC_13_IN_16@1", "WHP_EARNINGS@1", "IPES_LOWER@1", "ASC_16_HOURS@1"} <= set(shipped)
    assert not [name for name, rule in shipped.items() if rule.mark == "unverified" and rule.is_enabled]
    spell = SpellFacts("s", "JOB_OPEN", date(2026, 1, 5), None, {})
    for rule in shipped.values():
        if rule.is_enabled:
            told = judge([spell], queries.as_rule(rule, date(2026, 5, 1)), date(2026, 5, 1), began_on=date(2026, 1, 5))
            assert told.finding in {Finding.NOT_YET_KNOWN, Finding.MET}, rule.name


def test_the_money_of_a_rule_is_the_sum_of_the_domain_reference():
    told = judge(
        [SpellFacts("s", "JOB_OPEN", date(2026, 4, 6), None, {})],
        queries.as_rule(outcome_rules.shipped()["IPES_LOWER@1"], date(2026, 5, 1)),
        date(2026, 5, 1),
    )
    assert str(told.pounds_needed) == "2643.68"  # 8 x 26 x 12.71


def test_a_version_is_loaded_once_and_never_changes(client, world: World):
    assert load(world, file(RULE)) == (1, 0)
    assert load(world, file(RULE, RULE | {"version": "2", "weeks_required": 9})) == (1, 1)
    for changed in (RULE | {"weeks_required": 7}, RULE | {"rule": "IPSPC_13_IN_16", "version": "1"}):
        with pytest.raises(DomainError, match="cannot change"):
            load(world, file(changed))
    body = {
        "commissioner_id": str(world.organisations["fund"]),
        "partner_id": str(world.organisations["partner"]),
        "name": "By a rule of its own",
        "starts_on": "2026-01-01",
        "rule_versions": ["BOROUGH_8_IN_10@2"],
    }
    made = client.post("/api/v1/programmes", headers=world.key("operator"), json=body)
    assert made.status_code == 201, made.text
    body["rule_versions"] = ["BOROUGH_8_IN_10@3"]
    assert client.post("/api/v1/programmes", headers=world.key("operator"), json=body).status_code == 409


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"rule,version", "must be JSON"),
        (b'{"format": 2, "rules": []}', "must be JSON"),
        (b'{"format": 1, "rules": {}}', "must be JSON"),
        (b"[" * 100_000, "must be JSON"),
        (file(RULE, RULE), "occurs twice in the file"),
        (file(RULE | {"window_weeks": 7}), "window_weeks must be"),
        (file(RULE | {"mark": "unverified"}), "the mark unverified"),
        (file(RULE | {"basis": "cumulative_earnings"}), "needs min_hours"),
        (file(RULE | {"basis": "cumulative_earnings", "pay_rate": "RLW_UK"}), "no hourly rates for it"),
        (file(RULE | {"basis": "duration_self_employed"}), "self_employed_days"),
        (file(RULE | {"min_hours": "0"}), "needs min_hours"),
        (file(RULE | {"tracking_days": 10_000_000}), "tracking_days"),
        (file(RULE | {"weeks": 3}), "weeks: There is no field of this name"),
        (file(RULE | {"min_hours": "NaN"}), "min_hours"),
        (file(RULE | {"effective_to": "2025-12-31"}), "effective_to must not be before"),
        (file({"rule": "X"}), "Rule 1 X"),
        (file(), ""),
    ],
)
def test_a_file_says_which_rule_and_field_is_wrong(world: World, content: bytes, words: str):
    if not words:
        assert load(world, content) == (0, 0)
        return
    with pytest.raises(DomainError, match=words):
        load(world, content)
    assert load(world, file(RULE)) == (1, 0)


def test_earnings_are_recorded_by_week_and_explained_to_the_penny(client, world: World):
    """Eight hours of 26 weeks at the National Living Wage, of a job in 2026: 8 x 26 x 12.71 = 2,643.68."""
    began = date(2026, 4, 6)
    body = {
        "commissioner_id": str(world.organisations["fund"]),
        "partner_id": str(world.organisations["partner"]),
        "name": "By earnings",
        "starts_on": "2026-01-01",
        "rule_versions": ["LOWER@1", "HIGHER@1", "CTW_LOWER@1"],
    }
    money = {"basis": "cumulative_earnings", "pay_rate": "NLW", "weeks_required": 26, "window_weeks": 26}
    load(world, file(*(RULE | money | {"rule": r, "min_hours": h} for r, h in (("LOWER", "8"), ("HIGHER", "16")))))
    programme = client.post("/api/v1/programmes", headers=world.key("operator"), json=body).json()
    referral = world.refer(day=began, referred_on=began)
    world.accept(referral, began)
    enrolment = world.enrol(referral, began, programme_id=programme["id"])
    key = world.key("caseworker")
    new = {"enrolment_id": str(enrolment), "kind": "JOB_OPEN", "title": "Kitchen porter", "started_on": str(began)}
    spell = client.post("/api/v1/spells", headers=key, json=new).json()
    for n in range(14):
        week = {"week_from": str(began + timedelta(weeks=n)), "hours": 16, "pay_pounds": 203.5, "leave": None}
        week |= {"leave": "sick"} if n == 3 else {}
        done = client.post(f"/api/v1/spells/{spell['id']}/hours", headers=key, json=week)
        assert done.status_code == 201, done.text
    assert [line["leave"] for line in done.json()["hours"]][2:5] == [None, "sick", None]
    person = referral.jobseeker_id
    lower, higher, off = client.get(f"/api/v1/jobseekers/{person}/outcomes", headers=key).json()["rules"]
    # 12 x 203.50 = 2,442.00 and 13 x 203.50 = 2,645.50: enough with the 13th week, which ends on 5 July.
    assert (lower["finding"], lower["met_on"], lower["pounds_needed"]) == ("met", "2026-07-05", 2643.68)
    assert (higher["finding"], higher["pounds"], higher["rates_used"]) == ("not_yet_known", 2849, [1271])
    assert off["text"].startswith("This rule is switched off")
    again = client.post(f"/api/v1/spells/{spell['id']}/hours", headers=key, json={"week_from": str(began), "hours": 17})
    assert again.json()["hours"][0] == {"week_from": str(began), "hours": 17, "pay_pounds": 203.5, "leave": None}
    change = {"is_own_supply_chain": True}
    etag = client.get(f"/api/v1/spells/{spell['id']}", headers=key).headers["ETag"]
    changed = client.patch(f"/api/v1/spells/{spell['id']}", headers={**key, "If-Match": etag}, json=change)
    assert changed.status_code == 200, changed.text
    lower, *_ = client.get(f"/api/v1/jobseekers/{person}/outcomes", headers=key).json()["rules"]
    assert lower["finding"] == "not_yet_known"
    assert "supply chain" in lower["why_not"][spell["id"]]
