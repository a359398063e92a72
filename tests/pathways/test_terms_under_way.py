"""What a jobseeker was offered or accepted stays, and no start makes a spell of unlawful pay.

The rule: while a place is held, the kind of a listing cannot change, and its pay cannot be lowered or removed. No
change of a listing that was once published leaves pay or hours that no law allows, whatever its state. A start asks for
pay that is missing or unlawful.
"""

from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from pathways.placements import legality
from pathways.placements.models import MUST_PAY, Placement, PlacementKind, PlacementState
from tests.pathways.test_possible import change, draft, import_rows, listed, publish
from tests.pathways.test_starts import BEGAN, Case
from tests.world import World

pytestmark = pytest.mark.any_database

TODAY = date.today()
WORSE = [
    {"kind": "VOLUNTEERING", "pay_per_hour_pounds": None},
    {"kind": "WORK_EXPERIENCE", "pay_per_hour_pounds": None},
    {"kind": "APPRENTICESHIP"},
    {"pay_per_hour_pounds": None},
    {"pay_per_hour_pounds": 3},
    {"pay_per_hour_pounds": 13.99},
    {"hours_per_week": 168},
    {"pay_per_hour_pounds": 999.99},
]
BETTER = [{"pay_per_hour_pounds": 14.5}, {"title": "Cafe Worker"}, {"hours_per_week": 20}]


@pytest.fixture
def case(client, world: World) -> Case:
    return Case(client, world).accepted()


def patch(case: Case, body: dict):
    return change(case.client, case.world, {"id": str(case.placement)}, **body)


def end_listing(case: Case, event: str) -> None:
    if event != "published":
        case.post("lister", f"/placements/{case.placement}/{event}", reason="Enough people have applied.")


@pytest.mark.parametrize("event", ["published", "pause", "close"])
def test_terms_that_somebody_accepted_are_not_worsened_in_any_state_of_the_listing(case: Case, event: str):
    end_listing(case, event)
    for body in WORSE:
        answer = patch(case, body)
        assert (answer.status_code, answer.json()["type"].rsplit("/", 1)[1]) in {
            (409, "terms-refused"),
            (409, "listing-unlawful"),
        }, (body, answer.text)
    for body in BETTER:
        assert patch(case, body).status_code == 200
    case.start()
    (spell,) = case.spells()
    assert (spell["kind"], spell["pay_per_hour_pounds"]) == ("JOB_OPEN", 14.5)


def test_terms_may_change_lawfully_once_no_place_is_held(case: Case):
    case.post("caseworker", f"{case.path}/withdraw", why="other", reason="Not now.")
    assert patch(case, {"pay_per_hour_pounds": 13.5}).status_code == 200
    assert patch(case, {"kind": "WORK_EXPERIENCE", "pay_per_hour_pounds": None}).status_code == 200


@pytest.mark.parametrize("kind", sorted(MUST_PAY))
@pytest.mark.parametrize("event", ["pause", "close"])
def test_a_listing_that_is_paused_or_closed_takes_no_unlawful_terms(client, world: World, kind: str, event: str):
    made = draft(client, world, kind=kind)
    assert publish(client, world, made).status_code == 200
    why = {"reason": "Enough people have applied."}
    client.post(f"/api/v1/placements/{made['id']}/{event}", headers=world.key("lister"), json=why)
    for body in ({"pay_per_hour_pounds": None}, {"pay_per_hour_pounds": 3}, {"hours_per_week": 168}):
        assert change(client, world, made, **body).json()["type"] == "/problems/terms-refused", body
    assert change(client, world, made, title="Packer at night").status_code == 200


def test_a_paused_listing_whose_pay_became_unlawful_can_be_corrected_in_steps(client, world: World, database):
    made = draft(client, world)
    publish(client, world, made)
    client.post(f"/api/v1/placements/{made['id']}/pause", headers=world.key("lister"), json={"reason": "Pay is old."})
    with database.writing(world.on("lister")) as session:
        session.get_one(Placement, UUID(made["id"])).pay_per_hour_pence = 1000
    assert change(client, world, made, title="Packer at night").status_code == 200
    assert change(client, world, made, pay_per_hour_pounds=11).status_code == 409
    assert change(client, world, made, pay_per_hour_pounds=14).status_code == 200


@pytest.mark.parametrize("row", ["PL,Packer,WORK_EXPERIENCE,14,,,,", "PL,Packer,JOB_OPEN,13.50,,,,"])
@pytest.mark.parametrize("is_paused", [False, True])
def test_a_resent_row_does_not_worsen_what_is_held(client, world: World, database, row: str, is_paused: bool):
    import_rows(client, world, "PL,Packer,JOB_OPEN,14,,,,3")
    made = listed(client, world)["PL"]
    from pathways.placements import actions

    with database.writing(world.on("lister")) as session:
        actions.hold_place(session, world.on("lister"), UUID(made["id"]), UUID(int=1))
        if is_paused:
            session.get_one(Placement, UUID(made["id"])).state = PlacementState.PAUSED
    report = import_rows(client, world, row)
    assert ["A place is held" in error["rule"] for error in report["errors"]] == [True]
    kept = listed(client, world)["PL"]
    assert (kept["kind"], kept["pay_per_hour_pounds"]) == ("JOB_OPEN", 14)
    assert import_rows(client, world, "PL,Packer,JOB_OPEN,15,,,,")["errors"] == []


def listing(kind: PlacementKind, pence: int | None) -> Placement:
    return Placement(kind=kind, pay_per_hour_pence=pence, state=PlacementState.PUBLISHED)


@pytest.mark.parametrize("after", sorted(PlacementKind))
@pytest.mark.parametrize("before", sorted(PlacementKind))
def test_while_a_place_is_held_no_kind_becomes_another(before: PlacementKind, after: PlacementKind):
    pays = [1400 if kind in MUST_PAY else None for kind in (before, after)]
    terms = listing(before, pays[0]), listing(after, pays[1])
    is_refused = bool(legality.reasons_against_terms(*terms, TODAY, is_held=True))
    assert is_refused is (before is not after)
    assert legality.reasons_against_terms(*terms, TODAY, is_held=False) == []


def spoil(case: Case, pence: int | None, kind: str = "JOB_OPEN") -> None:
    """Give the listing pay that an earlier version of Pathways, or an earlier minimum wage, allowed."""
    with case.world.database.writing(case.world.on("lister")) as session:
        row = session.scalars(select(Placement).where(Placement.id == case.placement)).one()
        row.pay_per_hour_pence, row.kind = pence, PlacementKind(kind)


def asked(case: Case, who: str, **more: object) -> str:
    body = case.post(who, f"{case.path}/start", 409, started_on=TODAY.isoformat(), **more)
    assert body["type"] == "/problems/start-needs-answers", body
    assert [error["pointer"] for error in body["errors"]] == ["/pay_per_hour_pounds"]
    assert case.spells() == []
    return str(body["errors"][0]["detail"])


@pytest.mark.parametrize("pence", [None, 0, 300, 1200, 20_000])
@pytest.mark.parametrize("who", ["caseworker", "lister"])
def test_a_start_asks_for_pay_that_is_missing_or_unlawful(case: Case, who: str, pence: int | None):
    spoil(case, pence)
    assert "pay_per_hour_pounds" in asked(case, who)
    assert asked(case, who, pay_per_hour_pounds=3)
    case.start(who, pay_per_hour_pounds=13.2)
    (spell,) = case.spells()
    assert spell["pay_per_hour_pounds"] == 13.2


def test_only_the_partner_may_say_that_nobody_knows_the_pay_yet(case: Case):
    spoil(case, None)
    asked(case, "lister", pay_per_hour_pounds=None)
    case.start("caseworker", pay_per_hour_pounds=None)
    (spell,) = case.spells()
    assert spell["pay_per_hour_pounds"] is None
    assert any("pay for one hour is not recorded" in note for note in spell["notes"])


def test_a_volunteer_starts_without_pay(case: Case):
    spoil(case, 1400, "VOLUNTEERING")
    asked(case, "caseworker")
    case.start("caseworker", pay_per_hour_pounds=None)
    (spell,) = case.spells()
    assert (spell["kind"], spell["pay_per_hour_pounds"]) == ("VOLUNTEERING", None)


@pytest.mark.parametrize("who", ["caseworker", "lister"])
def test_a_child_starts_nowhere_and_the_social_enterprise_does_not_read_why(client, world: World, who: str):
    case = Case(client, world).accepted()
    from pathways.jobseekers.models import Jobseeker

    with world.database.writing(world.on("caseworker")) as session:
        session.get_one(Jobseeker, case.jobseeker).date_of_birth = BEGAN - timedelta(days=365 * 10)
    answer = client.post(f"/api/v1{case.path}/start", headers=world.key(who), json={"started_on": TODAY.isoformat()})
    assert answer.status_code == (409 if who == "caseworker" else 403), answer.text
    assert ("under 13" in answer.text) is (who == "caseworker")
    assert case.spells() == []
