"""What a review of the first whole journey found wrong, each as the sentence that is true now."""

import io
from datetime import timedelta
from decimal import Decimal

import openpyxl
import pytest

from pathways import consistency
from pathways.app import FILE_KINDS
from pathways.base import day_in_words
from pathways.imports.actions import go_on_with_what_was_left
from pathways.introductions.models import IntroductionEvent as E
from pathways.organisations.queries import is_still_member
from pathways.progression.rules import Finding, OutcomeRule, judge
from tests.pathways.test_files import GOOD, HEADER, counted, send, text, workbook
from tests.pathways.test_places import introduced, left_of, move
from tests.pathways.test_rules import RULE, START, spell
from tests.work import TODAY, evidence, working
from tests.world import World


def test_a_referrers_file_cannot_touch_a_self_referral(client, world: World):
    who = {
        "source_type": "SELF",
        "referred_on": "2026-09-01",
        "given_name": "Amina",
        "ref": "S-1",
        "phone": "07700 900123",
    }
    made = client.post("/api/v1/referrals", headers=world.key("manager"), json=who).json()
    body = b"referral_ref,source_type,referred_on,given_name,phone\nS-1,SELF,2026-09-01,Amina,07700 900999\n"
    report = send(client, world, body, f"?partner_id={world.organisations['partner']}", who="referrer").json()["report"]
    assert (report["updated"], report["unchanged"]) == (0, 0)
    seen = client.get(f"/api/v1/referrals/{made['id']}", headers=world.key("manager")).json()
    assert seen["phone"] == "+447700900123"


def test_a_caseworkers_file_neither_names_nor_changes_a_restricted_person(client, world: World):
    person, _ = world.supported(is_restricted=True, ref="A1", family_name="Test", given_name="Amina", nhs_number=None)
    reference = client.get(f"/api/v1/jobseekers/{person}", headers=world.key("manager")).json()["reference"]
    body = (HEADER + ",nino,phone\nA9,JCP,Hendon Jobcentre,2026-09-01,Amina,Test,26/05/2002,,QQ224466C,\n").encode()
    assert reference not in send(client, world, body, who="colleague").text
    body = (HEADER + ",phone\nA1,JCP,Hendon Jobcentre,2026-09-01,Amina,Test,,,07700 900999\n").encode()
    report = send(client, world, body, who="colleague").json()["report"]
    assert (report["updated"], report["in_error"]) == (0, 1)
    seen = client.get(f"/api/v1/jobseekers/{person}", headers=world.key("manager")).json()
    assert seen["phone"] == "+447700900123"


def test_closing_a_case_stops_its_introductions_and_what_the_social_enterprise_reads(client, world: World, database):
    placement = world.list_placement(places=1)
    introduction = introduced(world, 1, placement)
    move(world, "lister", introduction, E.OFFER)
    path = f"/api/v1/introductions/{introduction}"
    read = client.get(path, headers=world.key("manager")).json()
    assert client.get(path, headers=world.key("lister")).json()["given_name"] == "Person 1"
    closing = {"closed_on": TODAY.isoformat(), "end_reason": "withdrew", "reason": "Moved to another area."}
    closed = client.post(f"/api/v1/jobseekers/{read['jobseeker_id']}/close", headers=world.key("manager"), json=closing)
    assert closed.json()["state"] == "closed"
    after = client.get(path, headers=world.key("lister")).json()
    assert (after["state"], after["given_name"], left_of(client, world, placement)) == ("withdrawn", None, 1)
    with database.reading() as session:
        assert consistency.faults(session) == []


def test_voiding_a_record_also_undoes_what_had_started(client, world: World, database):
    placement = world.list_placement(places=1)
    introduction = introduced(world, 1, placement)
    for who, event in (("lister", E.OFFER), ("manager", E.ACCEPT), ("manager", E.START)):
        move(world, who, introduction, event)
    path = f"/api/v1/introductions/{introduction}"
    person = client.get(path, headers=world.key("manager")).json()["jobseeker_id"]
    client.post(f"/api/v1/jobseekers/{person}/void", headers=world.key("manager"), json={"reason": "A mistake."})
    assert client.get(path, headers=world.key("lister")).json()["given_name"] is None
    assert left_of(client, world, placement) == 1
    with database.reading() as session:
        assert consistency.faults(session) == []


def test_a_voided_record_takes_nothing_new(client, world: World):
    referral = world.refer()
    person = referral.jobseeker_id
    client.post(f"/api/v1/jobseekers/{person}/void", headers=world.key("manager"), json={"reason": "A mistake."})
    new = {"source_type": "SELF", "referred_on": "2026-09-01", "given_name": "A", "jobseeker_id": str(person)}
    assert client.post("/api/v1/referrals", headers=world.key("manager"), json=new).status_code == 409


def test_a_workbook_whose_far_cell_would_fill_the_memory_is_refused(client, world: World):
    book = openpyxl.Workbook()
    book.active.append(HEADER.split(","))
    book.active["XFD1048576"] = "x"
    out = io.BytesIO()
    book.save(out)
    answer = send(client, world, out.getvalue())
    assert answer.status_code == 409
    assert "has 1048576 rows" in answer.json()["detail"]


def test_a_formula_in_a_needed_cell_is_an_error_of_its_row(client, world: World):
    rows = [HEADER.split(","), GOOD.split(","), GOOD.replace("A1", "A2").split(",")]
    rows[2][HEADER.split(",").index("given_name")] = '=CONCAT("a","b")'
    report = send(client, world, workbook(rows)).json()["report"]
    assert (report["created"], [(e["row"], e["rule"]) for e in report["errors"]]) == (
        1,
        [
            (3, "Formulas are not accepted in the column given_name, because the row needs its value."),
            (3, "Formulas are not accepted."),
        ],
    )


def test_a_quote_that_is_never_closed_swallows_no_row(client, world: World, database):
    body = text(GOOD, 'A2,JCP,Hendon Jobcentre,2026-09-01,"Ben,Test,,', GOOD.replace("A1", "A3"))
    answer = send(client, world, body)
    assert answer.status_code == 409
    assert "quote" in answer.json()["detail"]


def test_more_cells_than_the_header_is_an_error(client, world: World):
    report = send(client, world, text(GOOD + ",garden")).json()["report"]
    assert [e["rule"] for e in report["errors"]] == ["The row has more cells than the header."]


def test_two_organisations_may_use_the_same_reference_in_one_file(client, world: World):
    body = text(GOOD, GOOD.replace("JCP,Hendon Jobcentre", "ASC,Barnet Council").replace("Amina", "Ben"))
    assert counted(send(client, world, body))["created"] == 2


def test_a_corrected_referral_date_is_taken_until_the_referral_is_decided(client, world: World):
    send(client, world, text(GOOD))
    assert counted(send(client, world, text(GOOD.replace("2026-09-01", "2026-08-01"))))["updated"] == 1
    referral = client.get("/api/v1/referrals", headers=world.key("manager")).json()["items"][0]
    assert referral["referred_on"] == "2026-08-01"
    client.post(f"/api/v1/referrals/{referral['id']}/accept", headers=world.key("manager"))
    report = send(client, world, text(GOOD)).json()["report"]
    assert "its date is not changed" in report["warnings"][0]["rule"]


def test_a_longer_file_goes_on_after_the_answer_and_equal_rows_count_once(client, world: World, database):
    answer = send(client, world, text(*[GOOD] * 3000))
    assert (answer.status_code, answer.json()["state"], answer.json()["rows_read"]) == (202, "checking", 3000)
    assert go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 1
    assert go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 0
    told = client.get(f"/api/v1/referrals/imports/{answer.json()['id']}", headers=world.key("caseworker")).json()
    assert (told["state"], told["report"]["created"], told["report"]["repeated"]) == ("applied", 1, 2999)


@pytest.mark.parametrize(
    ("kind", "who", "body"),
    [
        ("referrals", "caseworker", HEADER + ",urgency\n" + GOOD + "," + "u" * 280),
        ("referrals", "caseworker", HEADER + ",postcode\n" + GOOD + "," + "p" * 100),
        ("referrals", "caseworker", HEADER + "\n" + GOOD.replace("Amina", "ß" * 200)),
        ("placements", "lister", "title,kind,postcode\nCafe,TASTER," + "p" * 100),
    ],
)
def test_long_cells_are_saved_or_named_and_never_break(client, world: World, kind: str, who: str, body: str):
    answer = send(client, world, body.encode(), who=who, kind=kind)
    assert answer.status_code == 201
    assert answer.json()["report"]["created"] + answer.json()["report"]["in_error"] == 1


def test_a_re_import_cannot_make_a_published_listing_unlawful(client, world: World):
    head = "placement_ref,title,kind,pay_per_hour_pounds,places\n"
    send(client, world, (head + "P1,Cafe Assistant,JOB_OPEN,14.00,1").encode(), who="lister", kind="placements")
    again = send(client, world, (head + "P1,Cafe Assistant,JOB_OPEN,2.00,1").encode(), who="lister", kind="placements")
    assert again.json()["report"]["in_error"] == 1
    more = send(client, world, (head + "P1,Cafe Assistant,JOB_OPEN,15.00,4").encode(), who="lister", kind="placements")
    assert more.json()["report"]["updated"] == 1
    listed = client.get("/api/v1/placements", headers=world.key("lister")).json()["items"][0]
    assert (listed["pay_per_hour_pounds"], listed["places"], listed["state"]) == (15.0, 4, "published")


def test_an_etag_changes_with_every_change(client, world: World):
    placement = world.list_placement(places=2)
    path = f"/api/v1/placements/{placement}"
    tag = client.get(path, headers=world.key("lister")).headers["ETag"]
    first = client.patch(path, headers=world.key("lister") | {"If-Match": tag}, json={"places": 5})
    second = client.patch(path, headers=world.key("lister") | {"If-Match": tag}, json={"places": 1})
    assert (first.status_code, second.status_code) == (200, 412)


def test_a_referrer_can_take_back_a_wrong_number_and_a_masked_one_is_refused(client, world: World):
    referral = world.refer()
    path = f"/api/v1/referrals/{referral.id}"
    tag = client.get(path, headers=world.key("referrer")).headers["ETag"]
    cleared = client.patch(path, headers=world.key("referrer") | {"If-Match": tag}, json={"phone": None})
    assert (cleared.status_code, cleared.json()["phone"]) == (200, None)
    person = f"/api/v1/jobseekers/{referral.jobseeker_id}"
    seen = client.get(person, headers=world.key("manager"))
    masked = {"nino": seen.json()["nino"]}
    answer = client.patch(person, headers=world.key("manager") | {"If-Match": seen.headers["ETag"]}, json=masked)
    assert answer.status_code == 422


def test_the_caseworker_of_a_restricted_person_stays_when_the_enrolment_ends(client, world: World):
    person, enrolment = world.supported(is_restricted=True)
    ending = {"ended_on": TODAY.isoformat(), "end_reason": "in_work"}
    client.post(f"/api/v1/enrolments/{enrolment}/end", headers=world.key("caseworker"), json=ending)
    assert client.get(f"/api/v1/jobseekers/{person}", headers=world.key("caseworker")).status_code == 200


def test_an_instant_at_the_end_of_time_is_a_plain_refusal(client, world: World):
    for at in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"):
        answer = client.get(f"/api/v1/jobseekers?updated_since={at}", headers=world.key("manager"))
        assert answer.status_code in {409, 422}


def test_an_administrator_cannot_read_another_organisations_user_by_adding_them(client, world: World):
    new = {
        "user_id": str(world.actors["referrer"].user_id),
        "organisation_id": str(world.organisations["partner"]),
        "role": "caseworker",
    }
    assert client.post("/api/v1/members", headers=world.key("administrator"), json=new).status_code == 409


def test_an_earlier_short_job_does_not_unmeet_a_good_stretch():
    good = spell([16] * 13, START + timedelta(weeks=30, days=2), ended=True)
    short = spell([8], START, ended=True)
    on = START + timedelta(weeks=60)
    rule = OutcomeRule("FSS_SHORT_13", "1", Decimal(16), 13, 13, True, RULE.kinds_that_count)
    # Counted from the short job's weekday, the first and last weeks would hold 5 and 2 of 7 days: under 16 hours.
    assert judge([good], rule, on).met_on == judge([short, good], rule, on).met_on
    assert judge([short, good], rule, on).finding is Finding.MET


def test_whoever_checked_the_evidence_may_not_claim_and_it_must_cover_every_day(client, world: World):
    enrolment, spell_id = working(client, world)
    start = TODAY - timedelta(weeks=15)
    met_on = start + timedelta(weeks=13, days=-1)
    claim = {"enrolment_id": enrolment, "rule": "LOCAL_13_IN_16"}

    def refusal(who: str = "caseworker") -> str:
        answer = client.post("/api/v1/outcomes", headers=world.key(who), json=claim)
        assert answer.status_code == 409, answer.text
        return answer.json()["detail"]

    later = met_on + timedelta(days=2)
    evidence(client, world, spell_id, later, later)
    assert f"yet: {day_in_words(start)} to {day_in_words(met_on)}." in refusal()
    evidence(client, world, spell_id, start, start + timedelta(weeks=6))
    evidence(client, world, spell_id, start + timedelta(weeks=7), TODAY)
    # Six weeks and a day are covered to its day 42; the second begins on its day 49.
    gap = f"{start + timedelta(days=43)} to {start + timedelta(days=48)}"
    words = [day_in_words(start + timedelta(days=day)) for day in (43, 48)]
    assert f"yet: {words[0]} to {words[1]}." in refusal()
    told = client.get(f"/api/v1/enrolments/{enrolment}", headers=world.key("caseworker")).json()
    found = client.get(f"/api/v1/jobseekers/{told['jobseeker_id']}/outcomes", headers=world.key("caseworker")).json()
    assert [f"{m['first_on']} to {m['last_on']}" for m in found["rules"][0]["without_evidence"]] == [gap]
    evidence(client, world, spell_id, start + timedelta(days=43), start + timedelta(days=48))
    assert "no colleague has accepted" in refusal("manager")
    made = client.post("/api/v1/outcomes", headers=world.key("caseworker"), json=claim)
    assert made.json()["rests_on"] == [[spell_id, start.isoformat(), met_on.isoformat()]]
    assert len(made.json()["evidence_ids"]) == 3  # not the one of a later day


def test_an_outcome_goes_with_the_evidence_that_it_names(client, world: World, database):
    enrolment, spell_id = working(client, world)
    claim = {"enrolment_id": enrolment, "rule": "LOCAL_13_IN_16"}
    items = [evidence(client, world, spell_id, TODAY - timedelta(weeks=16), TODAY) for _ in range(2)]
    for item in items:
        outcome = client.post("/api/v1/outcomes", headers=world.key("caseworker"), json=claim).json()["id"]
        path, verdict = f"/api/v1/evidence/{item}/check", {"is_accepted": False, "reason": "Another year's."}
        assert client.post(path, headers=world.key("manager"), json=verdict).status_code == 200
        seen = client.get(f"/api/v1/outcomes/{outcome}", headers=world.key("caseworker")).status_code
        assert seen == 404
        with database.reading() as session:
            assert consistency.faults(session) == []
    again = client.post("/api/v1/outcomes", headers=world.key("caseworker"), json=claim)
    assert again.json()["type"] == "/problems/rule-not-met"


def test_what_an_outcome_rests_on_is_not_taken_from_under_it(client, world: World, database):
    enrolment, spell_id = working(client, world)
    evidence(client, world, spell_id, TODAY - timedelta(weeks=16), TODAY)
    claim = {"enrolment_id": enrolment, "rule": "LOCAL_13_IN_16"}
    outcome = client.post("/api/v1/outcomes", headers=world.key("caseworker"), json=claim).json()["id"]
    path, reason = f"/api/v1/spells/{spell_id}/void", {"reason": "Another person's."}
    refused = client.post(path, headers=world.key("caseworker"), json=reason)
    assert refused.json()["type"] == "/problems/outcome-rests-on-it"
    client.post(f"/api/v1/outcomes/{outcome}/withdraw", headers=world.key("caseworker"), json=reason)
    assert client.post(path, headers=world.key("caseworker"), json=reason).status_code == 200
    with database.reading() as session:
        assert consistency.faults(session) == []


def test_work_before_the_enrolment_is_refused(client, world: World):
    _, enrolment = world.supported()
    body = {"enrolment_id": str(enrolment), "kind": "JOB_OPEN", "title": "Cafe", "started_on": "2012-05-01"}
    answer = client.post("/api/v1/spells", headers=world.key("caseworker"), json=body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/started_on")
