"""Claims: what is asked of a funder, once; who may say what; what comes back."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from pathways import consistency
from pathways.claims.models import ClaimDay, ClaimMove
from tests.work import TODAY, evidence, working
from tests.world import World

RULE = "LOCAL_13_IN_16"


@pytest.fixture
def outcome(client, world: World, call) -> dict[str, Any]:
    """An outcome that stands, of a programme whose commissioner pays 1,200 pounds for it."""
    call("operator", f"/programmes/{world.programme_id}/prices", rule=RULE, pounds=1000, from_on="2020-01-01")
    call("operator", f"/programmes/{world.programme_id}/prices", rule=RULE, pounds=1200, from_on="2026-01-01")
    return recorded(client, world, call)


def recorded(client, world: World, call) -> dict[str, Any]:
    enrolment, spell_id = working(client, world)
    evidence(client, world, spell_id, TODAY - timedelta(weeks=16), TODAY)
    return call("caseworker", "/outcomes", enrolment_id=enrolment, rule=RULE)


NONE = {"has_other_funding": False}


def test_a_claim_from_draft_to_paid_and_back(client, world: World, call, outcome, database):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    assert (claim["state"], claim["pounds"], claim["days"], claim["evidence_tier"]) == ("draft", 1200.0, 91, "B")
    path = f"/claims/{claim['id']}"
    headers = world.key("commissioner")
    assert client.get("/api/v1/claims", headers=headers).json()["items"] == []  # a draft is the partner's own
    call("manager", f"{path}/submit", expect=403, **NONE)  # the manager checked its evidence
    call("caseworker", f"{path}/submit", **NONE)
    (seen,) = client.get("/api/v1/claims?state=submitted", headers=headers).json()["items"]
    assert (seen["jobseeker_id"], seen["outcome_id"], seen["claimed_elsewhere"]) == (None, None, None)
    assert seen["participant_ref"].startswith("C-")
    assert client.get("/api/v1/claims", headers=world.key("other_commissioner")).json()["items"] == []
    call("commissioner", f"{path}/query", reason="Which employer?")
    call("caseworker", f"{path}/answer", reason="A social enterprise.")
    call("caseworker", f"{path}/accept", expect=403)  # the funder's word, by whoever submitted it
    call("commissioner", f"{path}/accept")
    too_much = call("commissioner", f"{path}/pay", expect=409, pounds=1300)
    assert too_much["errors"][0]["pointer"] == "/pounds"
    paid = call("commissioner", f"{path}/pay")
    assert (paid["state"], paid["paid_pounds"], paid["possible_events"]) == ("paid", 1200.0, ["reverse"])
    call("commissioner", f"{path}/pay", expect=409)
    call("caseworker", "/claims", expect=409, outcome_id=outcome["id"])
    call("commissioner", f"{path}/reverse", reason="The payslips were another person's.")
    with database.reading() as session:
        assert sum(session.scalars(select(ClaimMove.pence))) == 0
        assert session.scalars(select(ClaimDay)).all() == []
        assert consistency.faults(session) == []
    again = call("caseworker", "/claims", outcome_id=outcome["id"])
    assert (again["attempt"], again["earlier_id"]) == (2, claim["id"])


def test_an_outcome_taken_back_stops_its_claim_and_shows_what_is_owed(client, world: World, call, outcome):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    path = f"/claims/{claim['id']}"
    call("caseworker", f"{path}/submit", **NONE)
    call("commissioner", f"{path}/accept")
    item = client.get("/api/v1/evidence", headers=world.key("manager")).json()["items"][0]["id"]
    call("manager", f"/evidence/{item}/check", is_accepted=False, reason="Forged.")
    gone = call("commissioner", f"{path}/pay", expect=409)
    assert gone["type"] == "/problems/outcome-gone"
    told = client.get(f"/api/v1{path}", headers=world.key("commissioner")).json()
    assert told["outcome_stands"] is False
    call("commissioner", f"{path}/fail", reason="The evidence failed.")


def test_the_same_work_is_not_claimed_again_under_a_second_enrolment(client, world: World, call, outcome, database):
    call("caseworker", "/claims", outcome_id=outcome["id"])
    with database.engine.begin() as connection:
        # As if the same days of the same person were recorded for another enrolment, past every check of ours.
        mine = connection.execute(text("SELECT * FROM claim_days LIMIT 1")).mappings().one()
        columns = ", ".join(mine)
        with pytest.raises(IntegrityError):
            connection.execute(
                text(f"INSERT INTO claim_days ({columns}) VALUES ({', '.join(':' + name for name in mine)})"),
                {**mine, "id": UUID(int=7).hex if database.is_sqlite else UUID(int=7)},
            )


def test_a_claim_needs_a_price_and_an_outcome_that_stands(client, world: World, call):
    made = recorded(client, world, call)
    assert "No price" in call("caseworker", "/claims", expect=409, outcome_id=made["id"])["detail"]
    call("operator", f"/programmes/{world.programme_id}/prices", rule=RULE, pounds=1000, from_on="2020-01-01")
    call("caseworker", f"/outcomes/{made['id']}/withdraw", reason="Too soon.")
    call("caseworker", "/claims", expect=404, outcome_id=made["id"])
    wrong = call(
        "operator",
        f"/programmes/{world.programme_id}/prices",
        expect=409,
        rule="NO_SUCH",
        pounds=1,
        from_on="2026-01-01",
    )
    assert wrong["errors"][0]["pointer"] == "/rule"


def test_other_funding_is_declared_or_it_is_not_submitted(world: World, call, outcome):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    refused = call("caseworker", f"/claims/{claim['id']}/submit", expect=409, has_other_funding=True)
    assert refused["errors"][0]["pointer"] == "/other_funding"
    sent = call("caseworker", f"/claims/{claim['id']}/submit", has_other_funding=True, other_funding="A travel grant.")
    assert sent["other_funding"] == "A travel grant."


def test_a_document_is_claimed_with_for_one_person(client, world: World, call):
    call("operator", f"/programmes/{world.programme_id}/prices", rule=RULE, pounds=1000, from_on="2020-01-01")
    other = {"given_name": "Zofia", "family_name": "Wojcik", "nino": None, "nhs_number": None}
    for person, hashed, expect in (({}, "a", 200), (other, "a", 409), (other, "b", 200)):
        enrolment, spell_id = working(client, world, **person, ref=f"{hashed}{expect}")
        evidence(client, world, spell_id, TODAY - timedelta(weeks=16), TODAY, document_hash=hashed * 64)
        made = call("caseworker", "/outcomes", enrolment_id=enrolment, rule=RULE)
        answer = call("caseworker", "/claims", expect=expect, outcome_id=made["id"])
        assert "another jobseeker" in answer.get("detail", "another jobseeker")


def test_the_database_holds_no_move_that_is_not_in_the_table(world: World, call, outcome, database):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    with database.engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text("UPDATE claim_moves SET event = 'pay', to_state = 'paid'"))
    with database.engine.begin() as connection, pytest.raises(IntegrityError):
        connection.execute(text("UPDATE claims SET state = 'paid'"))
    assert claim["achieved_on"] == (TODAY - timedelta(weeks=15) + timedelta(weeks=13, days=-1)).isoformat()


def test_an_early_end_and_what_came_after_are_told_then_or_later(client, world: World, call):
    _, spell = working(client, world, weeks=2)
    path = f"/api/v1/spells/{spell}"

    def change(expect: int = 200, **body: Any) -> Any:
        tag = client.get(path, headers=world.key("caseworker")).headers["ETag"]
        answer = client.patch(path, headers=world.key("caseworker") | {"If-Match": tag}, json=body)
        assert answer.status_code == expect, answer.text
        return answer.json()

    assert change(409, came_after="education")["errors"][0]["pointer"] == "/came_after"
    assert change(409, planned_end_on="2020-01-01")["errors"][0]["pointer"] == "/planned_end_on"
    assert change(planned_end_on=(TODAY + timedelta(days=60)).isoformat())["ended_early"] is None
    ended = call("caseworker", f"/spells/{spell}/end", ended_on=TODAY.isoformat(), end_reason="health")
    assert (ended["ended_early"], ended["came_after"]) == (True, None)
    assert change(came_after="education")["came_after"] == "education"


# What a hostile reader found.


def test_a_record_that_is_void_is_not_claimed_for_and_nobody_outside_reads_why(
    client, world: World, call, outcome, database
):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    call("caseworker", f"/claims/{claim['id']}/submit", **NONE)
    person = outcome["jobseeker_id"]
    call("manager", f"/jobseekers/{person}/void", reason="She asked; her abuser found out.")
    seen = client.get(f"/api/v1/claims/{claim['id']}", headers=world.key("commissioner")).json()
    assert (seen["state"], seen["outcome_stands"], "abuser" in str(seen)) == ("failed", False, False)
    assert call("manager", "/claims", expect=404, outcome_id=outcome["id"])
    spells = client.get("/api/v1/spells", headers=world.key("manager")).json()["items"]
    assert {spell["state"] for spell in spells} == {"voided"}
    with database.reading() as session:
        assert consistency.faults(session) == []


def test_an_accepted_claim_of_a_record_that_is_void_is_not_paid(world: World, call, outcome):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    call("caseworker", f"/claims/{claim['id']}/submit", **NONE)
    call("commissioner", f"/claims/{claim['id']}/accept")
    call("manager", f"/jobseekers/{outcome['jobseeker_id']}/void", reason="Two records of one person.")
    assert call("commissioner", f"/claims/{claim['id']}/pay", expect=409)["type"] == "/problems/outcome-gone"


def test_two_records_that_were_both_claimed_for_are_not_made_one_and_the_manager_is_told(
    client, world: World, call, outcome
):
    """On the same days the merge is refused; on others it is told that one person stands claimed for twice."""
    first = call("caseworker", "/claims", outcome_id=outcome["id"])
    other = {"given_name": "Aminah", "nino": None, "nhs_number": None, "ref": "two"}
    enrolment, spell = working(client, world, **other)
    evidence(client, world, spell, TODAY - timedelta(weeks=16), TODAY)
    second = call("caseworker", "/outcomes", enrolment_id=enrolment, rule=RULE)
    claim = call("caseworker", "/claims", outcome_id=second["id"])
    ended = {"ended_on": TODAY.isoformat(), "end_reason": "completed"}
    call("manager", f"/enrolments/{enrolment}/end", **ended)
    kept, taken = outcome["jobseeker_id"], second["jobseeker_id"]
    refused = call("manager", f"/jobseekers/{kept}/merge", expect=409, other_id=taken, reason="One person.")
    assert "pay twice" in refused["detail"]
    call("caseworker", f"/claims/{claim['id']}/withdraw", reason="Looked at again.")
    call("manager", f"/jobseekers/{kept}/merge", other_id=taken, reason="One person.")
    again = client.post("/api/v1/claims", headers=world.key("caseworker"), json={"outcome_id": second["id"]})
    assert again.json()["type"] == "/problems/claimed-already"  # the same days of one person
    assert first["state"] == "draft"


def test_a_funders_question_reaches_who_is_there_when_the_submitter_has_left(client, world: World, call, outcome):
    claim = call("caseworker", "/claims", outcome_id=outcome["id"])
    call("caseworker", f"/claims/{claim['id']}/submit", **NONE)
    client.post(f"/api/v1/members/{world.actors['caseworker'].membership_id}/end", headers=world.key("operator"))
    call("commissioner", f"/claims/{claim['id']}/query", reason="Which employer?")
    told = client.get("/api/v1/notices", headers=world.key("manager")).json()["items"]
    assert "claim_queried" in {notice["kind"] for notice in told}
