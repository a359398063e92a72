"""Evidence that replaces the evidence of an outcome, documents of evidence, and decisions told by a later funder."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from pathways import consistency
from pathways.base import Role
from pathways.progression.models import EvidenceCheck, Outcome
from tests.pathways.test_four_eyes import PDF, RULE, START, Journey, join
from tests.work import TODAY
from tests.world import World


@pytest.fixture
def claim(client, world: World, call) -> dict[str, Any]:
    """A submitted claim, its only item of evidence, and members who have recorded nothing yet."""
    for name in ("second", "third", "clean"):
        join(world, name, "partner", Role.TEAM_MANAGER)
    path = Journey(client, world, call).to_submitted()
    with world.database.reading() as session:
        (outcome,) = session.scalars(select(Outcome))
        item, spell, enrolment = outcome.evidence_ids[0], outcome.spell_ids[0], str(outcome.enrolment_id)
    return {"path": path, "item": item, "spell": spell, "enrolment": enrolment}


def replace(call, claim: dict[str, Any], who: str = "second", **changes: Any) -> str:
    new = {"covers_from": START.isoformat(), "covers_to": TODAY.isoformat(), "received_on": TODAY.isoformat()} | changes
    return call(who, "/evidence", spell_id=claim["spell"], kind="payslip", obtained_how="copies", **new)["id"]


def reject(call, claim: dict[str, Any]) -> None:
    call("colleague", f"/evidence/{claim['item']}/check", is_accepted=False, reason="It is forged.")


def test_an_outcome_whose_named_evidence_is_rejected_pays_nothing_until_it_is_recorded_again(
    client, world: World, call, claim
):
    path = claim["path"]
    second = replace(call, claim)
    call("third", f"/evidence/{second}/check", is_accepted=True)
    reject(call, claim)
    seen = client.get(f"/api/v1{path}", headers=world.key("commissioner")).json()
    assert seen["outcome_stands"] is False
    for who in ("second", "clean", "commissioner"):
        assert call(who, f"{path}/accept", expect=(403 if who == "second" else 409))
    call("commissioner", f"{path}/fail", reason="The payslip was forged.")
    outcome = call("caseworker", "/outcomes", enrolment_id=claim["enrolment"], rule=RULE)
    with world.database.reading() as session:
        (current,) = [one for one in session.scalars(select(Outcome)) if str(one.id) == outcome["id"]]
        assert current.evidence_ids == [second]
        assert consistency.faults(session) == []
    again = call("caseworker", "/claims", outcome_id=outcome["id"])
    call("caseworker", f"/claims/{again['id']}/submit", has_other_funding=False)
    call("commissioner", f"/claims/{again['id']}/accept")


@pytest.mark.parametrize("step", ["accept", "pay"])
def test_who_recorded_or_checked_any_item_of_the_days_moves_no_money(client, world: World, call, claim, step):
    second = replace(call, claim)
    call("third", f"/evidence/{second}/check", is_accepted=True)
    if step == "pay":
        call("commissioner", f"{claim['path']}/accept")
    assert call("second", f"{claim['path']}/{step}", expect=403)["facts"] == ["evidence"]
    assert call("third", f"{claim['path']}/{step}", expect=403)["facts"] == ["a check of the evidence"]
    call("clean", f"{claim['path']}/{step}")


def test_an_item_of_days_before_the_rule_bars_nobody(client, world: World, call, claim):
    with world.database.reading() as session:
        first = min(rest[1] for rest in session.scalars(select(Outcome)).one().rests_on)
    assert first == START.isoformat()  # the outcome rests on the first day, so an item of another spell is needed
    other = call(
        "caseworker",
        "/spells",
        enrolment_id=claim["enrolment"],
        kind="JOB_OPEN",
        title="Shop",
        started_on=(TODAY - timedelta(days=3)).isoformat(),
    )["id"]
    replace(call, claim | {"spell": other}, "clean", covers_from=(TODAY - timedelta(days=3)).isoformat())
    call("clean", f"{claim['path']}/accept")


def test_an_outcome_left_on_rejected_evidence_is_named_by_the_check_and_pays_nothing(client, world: World, call, claim):
    """As an earlier version could leave it: the check says rejected, and nothing withdrew the outcome."""
    with world.database.writing(world.on("operator")) as session:
        session.execute(update(EvidenceCheck).values(is_accepted=False))
    with world.database.reading() as session:
        assert any("names rejected evidence" in fault for fault in consistency.faults(session))
    assert "rejected" in call("commissioner", f"{claim['path']}/accept", expect=409)["detail"]


def test_who_uploaded_a_document_of_an_item_does_not_check_it(client, world: World, call, claim):
    item = replace(call, claim, "caseworker")
    for who in ("second", "third"):  # the document of the second member is replaced
        files = {"file": ("p.pdf", PDF + who.encode(), "application/pdf")}
        sent = client.post(f"/api/v1/evidence/{item}/document", headers=world.key(who), files=files)
        assert sent.status_code in {200, 201}, sent.text
    join(world, "again", "partner", Role.TEAM_MANAGER, email="Second+two@example.org")
    for who in ("second", "third", "again"):
        refused = call(who, f"/evidence/{item}/check", is_accepted=True, expect=403)
        assert refused["type"] == "/problems/own-evidence"
    call("clean", f"/evidence/{item}/check", is_accepted=True)


def test_who_told_a_decision_for_the_partner_moves_no_money_as_the_funder(client, world: World, call, claim):
    join(world, "clean_as_funder", "fund", Role.COMMISSIONER, email="clean@example.org")
    join(world, "clean_again", "fund", Role.COMMISSIONER, email="Clean+two@example.org")
    call("clean", f"{claim['path']}/accept")
    for who in ("clean_as_funder", "clean_again"):
        seen = client.get(f"/api/v1{claim['path']}", headers=world.key(who)).json()
        assert seen["possible_events"] == []
        for step, body in (("pay", {}), ("fail", {"reason": "The figure is wrong."})):
            assert call(who, f"{claim['path']}/{step}", expect=403, **body)["type"] == "/problems/own-claim"
    call("commissioner", f"{claim['path']}/pay")
