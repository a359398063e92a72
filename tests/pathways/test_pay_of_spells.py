"""The pay of a spell: what is refused, what a person confirms, what is named. Then the same through the API."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pathways.errors import RuleBroken
from pathways.placements.models import MUST_PAY, PlacementKind
from pathways.progression import pay_notes
from pathways.progression.models import SpellHours
from tests.work import working
from tests.world import World

DAY, TODAY = date(2026, 5, 4), date(2026, 11, 30)
JOB = PlacementKind.JOB_OPEN
ADULT, TWENTY, SEVENTEEN = date(1990, 1, 1), date(2006, 1, 1), date(2009, 1, 1)


def columns(pence: int | None, kind: PlacementKind = JOB, started_on: date = DAY) -> dict[str, object]:
    return {"pay_per_hour_pence": pence, "kind": kind, "started_on": started_on}


@pytest.mark.parametrize(
    ("birth", "kind", "day", "lowest", "band"),
    [
        (ADULT, JOB, DAY, 1271, "21 and over"),
        (TWENTY, JOB, DAY, 1085, "18 to 20"),
        (SEVENTEEN, JOB, DAY, 800, "16 to 17"),
        (ADULT, PlacementKind.APPRENTICESHIP, DAY, 800, "apprentices"),
        (ADULT, JOB, date(2025, 5, 1), 1221, "21 and over"),
        (ADULT, JOB, date(2021, 5, 1), 891, "23 and over"),
        (None, JOB, DAY, 800, "16 to 17"),
        (ADULT, JOB, date(2027, 5, 3), 1271, "the last verified rate"),
    ],
)
def test_pay_below_the_verified_rate_of_the_age_and_day_is_refused_and_the_rate_itself_is_not(
    birth, kind, day, lowest, band
):
    pay_notes.check_pay(columns(lowest, kind, day), birth, TODAY)
    with pytest.raises(RuleBroken) as refused:
        pay_notes.check_pay(columns(lowest - 1, kind, day), birth, TODAY)
    for said in (f"{lowest / 100:.2f} pounds an hour", band, "since 20"):
        assert said in refused.value.detail


@pytest.mark.parametrize("kind", sorted(MUST_PAY))
def test_no_pay_an_hour_at_all_is_refused_and_pay_that_is_not_known_is_not(kind):
    pay_notes.check_pay(columns(None, kind), ADULT, TODAY)
    with pytest.raises(RuleBroken):
        pay_notes.check_pay(columns(0, kind), ADULT, TODAY)


def test_before_the_first_verified_rate_nothing_is_called_unlawful():
    pay_notes.check_pay(columns(500, JOB, date(2017, 5, 1)), ADULT, TODAY)


def test_a_volunteer_has_no_pay_for_an_hour():
    pay_notes.check_pay(columns(None, PlacementKind.VOLUNTEERING), ADULT, TODAY)
    with pytest.raises(RuleBroken):
        pay_notes.check_pay(columns(1400, PlacementKind.VOLUNTEERING), ADULT, TODAY)


def doubt(hours: str, pounds: str | None, kind: PlacementKind = JOB, *, is_leave: bool = False) -> str | None:
    pence = None if pounds is None else int(Decimal(pounds) * 100)
    return pay_notes.week_in_doubt(kind, ADULT, DAY, Decimal(hours), pence, is_leave=is_leave)


@pytest.mark.parametrize(
    ("hours", "pounds", "said"),
    [
        ("20", "1", "below the minimum wage"),
        ("20", "0", "below the minimum wage"),
        ("0", "300", "for 0 hours"),
        ("40", "508.39", "12.71"),
        ("1", "500", "more than 100"),
        ("0.25", "4000", "more than 100"),
    ],
)
def test_pay_of_a_week_that_does_not_fit_its_hours_is_in_doubt(hours, pounds, said):
    assert said in doubt(hours, pounds)


@pytest.mark.parametrize(
    ("hours", "pounds"), [("20", "254.20"), ("20", None), ("0", "0"), ("0", None), ("40", "508.40"), ("37.5", "600")]
)
def test_pay_of_a_week_that_fits_is_not_in_doubt(hours, pounds):
    assert doubt(hours, pounds) is None


def test_pay_of_leave_and_of_unpaid_kinds_is_not_compared():
    assert doubt("0", "116.75", is_leave=True) is None
    assert doubt("20", "10", PlacementKind.TASTER) is None


@given(hours=st.decimals(1, 168, places=2), an_hour=st.decimals("12.71", "100", places=2))
def test_no_lawful_pay_for_an_hour_is_ever_in_doubt(hours, an_hour):
    pence = int((hours * an_hour * 100).to_integral_value("ROUND_CEILING"))
    found = pay_notes.week_in_doubt(JOB, ADULT, DAY, hours, pence, is_leave=False)
    assert found is None or "more than 100" in found


def test_what_a_new_record_does_not_say_is_named_as_kept():
    week = SpellHours(valid_on=DAY, hours=Decimal(20), pay_pence=30_000, leave="sick")
    assert [one.split(",")[0] for one in pay_notes.kept_of_week(week, frozenset({"hours"}))] == [
        "The pay of 300.00 pounds",
        "The sick leave",
    ]
    assert list(pay_notes.kept_of_week(week, frozenset({"hours", "pay_pounds", "leave"}))) == []
    assert list(pay_notes.kept_of_week(None, frozenset({"hours"}))) == []


def started_spell(client, world: World) -> dict:
    spell = working(client, world, 0)[1]
    return client.get(f"/api/v1/spells/{spell}", headers=world.key("caseworker")).json()


def week_of(client, world: World, spell: dict, **fields: object):
    body = {"week_from": spell["started_on"], "hours": 20, **fields}
    return client.post(f"/api/v1/spells/{spell['id']}/hours", headers=world.key("caseworker"), json=body)


def test_pay_in_doubt_is_recorded_only_with_a_reason_and_then_named(client, world: World):
    spell = started_spell(client, world)
    refused = week_of(client, world, spell, pay_pounds=1)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (409, "/pay_pounds")
    assert "unusual_pay_because" in refused.json()["errors"][0]["detail"]
    kept = week_of(client, world, spell, pay_pounds=1, unusual_pay_because="The rest is paid next week.")
    assert kept.status_code == 201
    assert any("Reason given: The rest is paid next week." in note for note in kept.json()["notes"])


def test_hours_recorded_again_say_what_stays(client, world: World):
    spell = started_spell(client, world)
    assert week_of(client, world, spell, pay_pounds=300).status_code == 201
    again = week_of(client, world, spell, hours=21)
    assert again.json()["hours"][0]["pay_pounds"] == 300
    assert any("stays" in note and "300.00" in note for note in again.json()["notes"])
    gone = week_of(client, world, spell, hours=21, pay_pounds=None)
    assert gone.json()["hours"][0]["pay_pounds"] is None
    assert not any("stays" in note for note in gone.json()["notes"])
    assert week_of(client, world, spell, pay_pounds=300).status_code == 201
    assert week_of(client, world, spell, hours=0).status_code == 409


def test_a_spell_without_pay_names_what_is_missing_and_one_below_the_law_is_refused(client, world: World):
    spell = started_spell(client, world)
    assert pay_notes.NO_PAY in spell["notes"]
    address = f"/api/v1/spells/{spell['id']}"
    for change, status in (
        ({"pay_per_hour_pounds": 1}, 409),
        ({"pay_per_hour_pounds": 0}, 409),
        ({"pay_per_hour_pounds": 14}, 200),
        ({"kind": "VOLUNTEERING"}, 409),
        ({"kind": "VOLUNTEERING", "pay_per_hour_pounds": None}, 200),
    ):
        version = client.get(address, headers=world.key("caseworker")).headers["ETag"]
        answer = client.patch(address, headers=world.key("caseworker") | {"If-Match": version}, json=change)
        assert answer.status_code == status, (change, answer.text)
    assert answer.json()["notes"] == []


@pytest.mark.parametrize(("received", "status"), [(-1, 409), (0, 201), (1, 201)])
def test_evidence_cannot_be_received_before_the_days_that_it_covers_have_come(client, world: World, received, status):
    spell = started_spell(client, world)
    first = date.fromisoformat(spell["started_on"])
    last = first + timedelta(days=6)
    body = {
        "spell_id": spell["id"],
        "kind": "payslip",
        "covers_from": first.isoformat(),
        "covers_to": last.isoformat(),
        "received_on": (last + timedelta(days=received)).isoformat(),
        "obtained_how": "From the social enterprise",
    }
    answer = client.post("/api/v1/evidence", headers=world.key("caseworker"), json=body)
    assert answer.status_code == status, answer.text
