"""One jobseeker through the API, from referral to the month's export."""

import csv
import io
from datetime import date, timedelta

from fastapi.testclient import TestClient

from tests.world import World

TODAY = date.today()


def test_a_jobseeker_goes_from_referral_to_the_months_export(client: TestClient, world: World):
    call = Caller(client, world)
    start = TODAY - timedelta(weeks=15)
    referral = call.post(
        "referrer",
        "/referrals",
        partner_id=str(world.organisations["partner"]),
        source_type="JCP",
        ref="JCP-1",
        referred_on=(start - timedelta(days=20)).isoformat(),
        given_name="Amina",
        family_name="Test",
        postcode="NW9 5QN",
        aspirations=["cafe"],
        hours_max=20,
        right_to_work="unrestricted",
    )
    assert referral["jobseeker_id"] is None  # the referrer is not told which record it became
    seen = call.get("caseworker", f"/referrals/{referral['id']}")
    person = seen["jobseeker_id"]
    assert call.post("caseworker", f"/referrals/{referral['id']}/accept")["state"] == "accepted"
    enrolment = call.post(
        "caseworker",
        "/enrolments",
        referral_id=referral["id"],
        programme_id=str(world.programme_id),
        started_on=(start - timedelta(days=10)).isoformat(),
    )
    placement = call.post(
        "lister",
        "/placements",
        title="Cafe Assistant",
        kind="JOB_OPEN",
        pay_per_hour_pounds=14,
        hours_per_week=16,
        hours_flexible=True,
        postcode="NW4 4BT",
        places=1,
    )
    call.post("lister", f"/placements/{placement['id']}/publish")
    shortlist = call.post("caseworker", f"/jobseekers/{person}/shortlists")
    match = shortlist["matches"][0]
    assert (match["placement_id"], match["rank"]) == (placement["id"], 1)
    assert "This is the kind of work or place that the jobseeker asked for: cafe." in [
        reason["text"] for reason in match["reasons"]
    ]
    assert call.get("caseworker", f"/shortlists/{shortlist['id']}")["matches"] == shortlist["matches"]

    introduction = call.post("caseworker", "/introductions", jobseeker_id=person, placement_id=placement["id"])
    path = f"/introductions/{introduction['id']}"
    call.post("caseworker", f"{path}/agree")
    refused = call.post("caseworker", f"{path}/send", expect=409)
    assert refused["type"] == "/problems/permission-needed"
    call.post(
        "caseworker",
        f"/jobseekers/{person}/permissions",
        social_enterprise_id=str(world.organisations["enterprise"]),
        groups=["identity", "work"],
        how_given="in person",
    )
    call.post("caseworker", f"{path}/send")
    told = call.get("lister", path)
    assert (told["given_name"], told["phone"], told["jobseeker_reference"]) == ("Amina", None, None)
    call.post("lister", f"{path}/offer")
    assert call.get("lister", f"/placements/{placement['id']}")["places_left"] == 0
    call.post("caseworker", f"{path}/accept")
    started = call.post("caseworker", f"{path}/start", started_on=start.isoformat())
    assert started["state"] == "started"

    spell = call.post(
        "caseworker",
        "/spells",
        enrolment_id=enrolment["id"],
        introduction_id=introduction["id"],
        kind="JOB_OPEN",
        title="Cafe Assistant",
        started_on=start.isoformat(),
    )
    for week in range(14):
        first = start + timedelta(weeks=week)
        call.post("caseworker", f"/spells/{spell['id']}/hours", week_from=first.isoformat(), hours=12)
    told = call.get("caseworker", f"/jobseekers/{person}/outcomes")
    assert (told["job_started_on"], told["rules"][0]["finding"]) == (start.isoformat(), "met")
    claim = {"enrolment_id": enrolment["id"], "rule": "LOCAL_13_IN_16"}
    assert call.post("caseworker", "/outcomes", expect=409, **claim)["type"] == "/problems/rule-not-met"
    item = call.post(
        "caseworker",
        "/evidence",
        spell_id=spell["id"],
        kind="payslip",
        covers_from=start.isoformat(),
        covers_to=TODAY.isoformat(),
        received_on=TODAY.isoformat(),
        obtained_how="copies",
    )
    own = call.post("caseworker", f"/evidence/{item['id']}/check", expect=403, is_accepted=True)
    assert own["type"] == "/problems/own-evidence"
    call.post("manager", f"/evidence/{item['id']}/check", is_accepted=True)
    assert call.post("caseworker", "/outcomes", **claim)["weeks_counted"] == 13

    timeline = call.get("caseworker", f"/jobseekers/{person}/timeline?limit=100")["items"]
    assert {"referral", "enrolment", "shortlist", "introduction", "hours", "outcome"} <= {e["what"] for e in timeline}
    month = (start + timedelta(weeks=13)).strftime("%Y-%m")
    export = call.post("commissioner", "/exports", month=month)
    body = client.get(
        f"/api/v1/exports/{export['id']}/files/cohort.csv", headers=world.key("commissioner")
    ).content.decode()
    rows = list(csv.DictReader(io.StringIO(body)))
    mine = [r for r in rows if r["measure"] == "sustained_13" and r["cohort_basis"] == "referral"]
    assert mine
    assert "[c]" in {r["value_status"] for r in mine}  # one person is a small number, so it is hidden


class Caller:
    """Calls the API as a member and says what came back."""

    def __init__(self, client: TestClient, world: World) -> None:
        self.client = client
        self.world = world

    def post(self, who: str, path: str, expect: int | None = None, **body):
        answer = self.client.post(f"/api/v1{path}", headers=self.world.key(who), json=body)
        wanted = {expect} if expect else {200, 201}
        assert answer.status_code in wanted, (path, answer.status_code, answer.text)
        return answer.json()

    def get(self, who: str, path: str):
        answer = self.client.get(f"/api/v1{path}", headers=self.world.key(who))
        assert answer.status_code == 200, (path, answer.status_code, answer.text)
        return answer.json()
