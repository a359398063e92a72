"""The whole journey, from a row of a sheet to a paid claim, in at most sixteen kinds of call."""

import re
from datetime import date, timedelta
from typing import Any

from tests.world import World

TODAY = date.today()
MOST_KINDS = 16
RULE = "LOCAL_13_IN_16"
ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")


def test_from_a_sheet_to_a_paid_claim(client, world: World, call):
    kinds: dict[str, int] = {}

    def ask(who: str, method: str, path: str, files: Any = None, **body: Any) -> Any:
        kind = f"{method} {ID.sub('…', path)}"
        kinds[kind] = kinds.get(kind, 0) + 1
        answer = client.request(
            method,
            f"/api/v1{path}",
            headers=world.key(who),
            files=files,
            json=None if files or method == "GET" else body,
        )
        assert answer.status_code in {200, 201}, (kind, answer.text)
        return answer.json()

    start = TODAY - timedelta(weeks=15)
    placement = str(world.list_placement(title="Cafe Assistant", ref="CAFE"))
    call("operator", f"/programmes/{world.programme_id}/prices", rule=RULE, pounds=1000, from_on="2020-01-01")

    sheet = (
        "referral_ref,source_type,referring_organisation,referred_on,given_name,family_name,postcode,aspirations\n"
        f"JCP-1,JCP,Hendon Jobcentre,{start - timedelta(days=20)},Amina,Begum,NW9 5QN,cafe\n"
    ).encode()
    report = ask("caseworker", "POST", "/referrals/imports", files={"file": ("sheet.csv", sheet)})["report"]
    assert report["created"] == 1, report
    (referral,) = ask("caseworker", "GET", "/referrals")["items"]
    enrolment = ask(
        "caseworker",
        "POST",
        "/enrolments",
        referral_id=referral["id"],
        programme_id=str(world.programme_id),
        started_on=str(start - timedelta(days=10)),
        accept=True,
    )
    person = enrolment["jobseeker_id"]
    shortlist = ask("caseworker", "POST", f"/jobseekers/{person}/shortlists")
    assert shortlist["matches"][0]["placement_id"] == placement
    ask(
        "caseworker",
        "POST",
        f"/jobseekers/{person}/permissions",
        social_enterprise_id=str(world.organisations["enterprise"]),
        groups=["identity", "work"],
        how_given="in person",
    )
    one = ask(
        "caseworker",
        "POST",
        "/introductions",
        jobseeker_id=person,
        placement_id=placement,
        shortlist_id=shortlist["id"],
        send=True,
    )["id"]
    assert ask("lister", "POST", f"/introductions/{one}/offer")["given_name"] == "Amina"
    ask("caseworker", "POST", f"/introductions/{one}/accept")
    spell = ask("caseworker", "POST", f"/introductions/{one}/start", started_on=str(start))["spell_id"]
    for week in range(14):
        ask("caseworker", "POST", f"/spells/{spell}/hours", week_from=str(start + timedelta(weeks=week)), hours=12)
    item = ask(
        "caseworker",
        "POST",
        "/evidence",
        spell_id=spell,
        kind="payslip",
        covers_from=str(start),
        covers_to=str(TODAY),
        received_on=str(TODAY),
        obtained_how="copies",
    )
    ask("manager", "POST", f"/evidence/{item['id']}/check", is_accepted=True)
    outcome = ask("caseworker", "POST", "/outcomes", enrolment_id=enrolment["id"], rule=RULE)
    claim = ask("caseworker", "POST", "/claims", outcome_id=outcome["id"], declaration={"has_other_funding": False})
    assert claim["state"] == "submitted"
    ask("commissioner", "POST", f"/claims/{claim['id']}/accept")
    paid = ask("commissioner", "POST", f"/claims/{claim['id']}/pay")
    assert (paid["state"], paid["paid_pounds"]) == ("paid", 1000.0)
    assert len(kinds) <= MOST_KINDS, kinds
    # What a notice asks for is done, so it is read; what tells of something waits to be read.
    asking = {"offer_made", "introduction_sent", "claim_to_decide"}
    for who in ("caseworker", "lister", "commissioner"):
        notices = client.get("/api/v1/notices", headers=world.key(who)).json()["items"]
        assert notices, who
        assert not [one for one in notices if one["kind"] in asking and one["read_at"] is None], who
