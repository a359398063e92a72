"""Imports as rows: looked at, put right, skipped, applied in part or whole, carried on by another, forgotten."""

import csv
import io
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select

from pathways.app import FILE_KINDS, HOLDINGS
from pathways.audit import AuditRow
from pathways.base import utc_now
from pathways.database import Database
from pathways.duplicates.models import DuplicatePair
from pathways.imports import actions, files, staging
from pathways.imports.models import ImportRow, ImportRun, ImportState, RowState
from pathways.imports.staging import Worker
from pathways.jobseekers.models import Jobseeker
from pathways.organisations.models import Membership, Organisation
from pathways.organisations.queries import is_still_member
from pathways.referrals.files import KIND
from pathways.referrals.models import Referral
from pathways.sheets.spreadsheets import read_table
from tests.pathways.test_plans import listening
from tests.world import World

HEAD = "referral_ref,source_type,referring_organisation,referred_on,given_name,family_name,date_of_birth,nino,postcode"
AMINA = "R1,JCP,Hendon Jobcentre,2026-09-01,Amina,Begum,2002-05-26,QQ224466C,NW9 5QN"
WEI = "R2,JCP,Hendon Jobcentre,2026-09-02,Wei,Zhang,1999-03-04,,N1 1AA"
WRONG = "R3,JCP,Hendon Jobcentre,31/02/2026,Ola,Ade,2001-02-01,,N1 1AB"
PATH = "/api/v1/referrals/imports"


def text(*lines: str, head: str = HEAD) -> bytes:
    return "\n".join([head, *lines]).encode()


def send(client, world: World, content: bytes, query: str = "?dry_run=true", who: str = "caseworker") -> Any:
    answer = client.post(f"{PATH}{query}", headers=world.key(who), files={"file": ("file.csv", content, "text/csv")})
    assert answer.status_code in {201, 202}, answer.text
    return answer.json()


def rows(client, world: World, run: Any, query: str = "", who: str = "caseworker") -> list[Any]:
    answer = client.get(f"{PATH}/{run['id']}/rows{query}", headers=world.key(who))
    assert answer.status_code == 200, answer.text
    found: list[Any] = answer.json()["items"]
    return found


def put(client, world: World, run: Any, row: Any, expect: int = 200, who: str = "caseworker", **change: Any) -> Any:
    headers = {**world.key(who), "If-Match": f'"{row["version"]}"'}
    answer = client.patch(f"{PATH}/{run['id']}/rows/{row['id']}", headers=headers, json=change)
    assert answer.status_code == expect, answer.text
    return answer.json()


def act(client, world: World, run: Any, what: str, expect: int = 200, who: str = "caseworker", **body: Any) -> Any:
    answer = client.post(f"{PATH}/{run['id']}/{what}", headers=world.key(who), json=body)
    assert answer.status_code == expect, answer.text
    return answer.json()


def count(database: Database, model: Any) -> int:
    with database.reading(newest=True) as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_file_becomes_rows_to_look_at_put_right_and_apply(client, world: World, database):
    run = send(client, world, text(AMINA, WEI, WRONG, WEI))
    assert (run["state"], run["rows_read"], run["rows_checked"]) == ("checked", 4, 4)
    assert [row["state"] for row in rows(client, world, run)] == ["to_create", "to_create", "with_errors", "repeated"]
    assert count(database, Referral) == 0
    (bad,) = rows(client, world, run, "?state=with_errors")
    assert [(e["field"], bad["row"]) for e in bad["errors"]] == [("referred_on", 4)]
    assert bad["cells"]["given_name"] == "Ola"
    act(client, world, run, "apply", expect=409, all_or_nothing=True)
    good = put(client, world, run, bad, cells={"referred_on": "1 Feb 2026"})
    assert (good["state"], good["errors"]) == ("to_create", [])
    put(client, world, run, bad, expect=412, cells={"referred_on": "2 Feb 2026"})
    skipped = put(client, world, run, rows(client, world, run)[0], is_skipped=True)
    assert skipped["state"] == "skipped"
    done = act(client, world, run, "apply", all_or_nothing=True)
    assert done["state"] == "applied"
    report = done["report"]
    assert (report["created"], report["skipped"], report["repeated"], report["in_error"]) == (2, 1, 1, 0)
    assert (report["was_applied"], len(report["made"])) == (True, 2)
    taken = put(client, world, run, rows(client, world, run)[0], is_skipped=False)
    assert taken["state"] == "to_create"
    assert act(client, world, run, "apply")["report"]["created"] == 3
    assert count(database, Referral) == 3
    done_row = rows(client, world, run, "?state=created")[0]
    put(client, world, run, done_row, expect=409, is_skipped=True)


def test_the_good_rows_are_applied_and_the_others_later_once_they_are_right(client, world: World, database):
    run = send(client, world, text(AMINA, WRONG), query="")
    assert (run["state"], run["report"]["created"], run["report"]["in_error"]) == ("applied", 1, 1)
    (bad,) = rows(client, world, run, "?state=with_errors")
    put(
        client, world, run, bad, cells={"referred_on": "2026-02-01", "date_of_birth": None, "phone": "07700 900123"}
    )  # a column the file has not
    assert act(client, world, run, "apply")["report"]["created"] == 2
    with database.reading() as session:
        people = session.scalars(select(Jobseeker).order_by(Jobseeker.id)).all()
    assert [person.date_of_birth is None for person in people] == [False, True]
    line = client.get(f"{PATH}/{run['id']}/result", headers=world.key("caseworker")).text.splitlines()[0]
    assert line.endswith("postcode,phone,import result,import problems")


def test_an_update_is_shown_field_by_field_before_it_is_made(client, world: World):
    send(client, world, text(AMINA), query="")
    changed = AMINA.replace("NW9 5QN", "NW9 5QP").replace("QQ224466C", "QQ224466D").replace("2026-09-01", "2026-08-31")
    run = send(client, world, text(changed, WEI))
    assert (run["report"]["to_update"], run["report"]["to_create"]) == (1, 1)
    (row,) = rows(client, world, run, "?state=to_update")
    assert {c["field"]: (c["was"], c["becomes"]) for c in row["changes"]} == {
        "nino": ("******66C", "******66D"),
        "postcode": ("NW9 5QN", "NW9 5QP"),
        "referred_on": ("2026-09-01", "2026-08-31"),
    }
    act(client, world, run, "apply")
    assert send(client, world, text(changed))["report"]["unchanged"] == 1


def test_rows_that_say_two_things_are_compared_anew_when_one_is_put_right(client, world: World):
    run = send(client, world, text(AMINA, AMINA.replace("Amina", "Ameena"), WEI))
    assert [row["state"] for row in rows(client, world, run)] == ["with_errors", "with_errors", "to_create"]
    first, second, _ = rows(client, world, run)
    assert "Row 3 has the same reference" in first["errors"][0]["rule"]
    put(client, world, run, second, cells={"referral_ref": "R9"})
    states = [row["state"] for row in rows(client, world, run)]
    assert states[0] == "to_create"
    back = put(client, world, run, rows(client, world, run)[1], cells={"referral_ref": "R1"})
    assert back["state"] == "with_errors"
    put(client, world, run, back, cells={"given_name": "Amina"})
    assert [row["state"] for row in rows(client, world, run)] == ["to_create", "repeated", "to_create"]


def test_who_may_be_known_is_shown_in_the_preview_and_may_be_said_to_be_the_same(client, world: World, database):
    first = world.refer(ref="OLD", given_name="Amina", family_name="Begum").jobseeker_id
    run = send(client, world, text(AMINA, WEI))
    row, _ = rows(client, world, run)
    assert row["state"] == "possible_duplicate"
    assert "same person as J-" in row["warnings"][0]["rule"]
    assert run["report"]["possible_duplicates"] == 1
    left = act(client, world, run, "apply", with_possible_duplicates=False)
    assert (left["report"]["created"], left["report"]["possible_duplicates"]) == (1, 1)
    told = put(client, world, run, row, same_as=str(first))
    assert (told["state"], told["same_as"]) == ("to_create", str(first))
    act(client, world, run, "apply")
    with database.reading() as session:
        theirs = session.scalars(select(Referral).where(Referral.jobseeker_id == first).order_by(Referral.id)).all()
    assert [referral.ref for referral in theirs] == ["OLD", "R1"]
    assert count(database, Jobseeker) == 2
    assert count(database, DuplicatePair) == 0


def test_of_somebody_another_partner_supports_nobody_says_a_row_is_about_them(client, world: World):
    other = world.refer(to="other_partner", ref="X").jobseeker_id
    run = send(client, world, text(AMINA))
    put(client, world, run, rows(client, world, run)[0], expect=404, same_as=str(other))
    put(client, world, run, rows(client, world, run)[0], expect=409, cells={"no_such_column": "x"})


def test_a_referrer_is_not_told_who_is_known(client, world: World):
    world.refer(ref="OLD", given_name="Amina", family_name="Begum")
    partner = world.organisations["partner"]
    run = send(client, world, text(AMINA), query=f"?dry_run=true&partner_id={partner}", who="referrer")
    (row,) = rows(client, world, run, who="referrer")
    assert (row["state"], row["warnings"]) == ("to_create", [])
    put(client, world, run, row, who="referrer", expect=409, same_as=str(world.refer(ref="Z").jobseeker_id))
    done = act(client, world, run, "apply", who="referrer")
    assert (done["report"]["created"], done["report"]["made"]) == (1, [])


def test_rows_are_seen_by_who_sent_them_and_team_managers_and_each_look_is_noted(client, world: World, database):
    run = send(client, world, text(AMINA))
    for who, expect in (("caseworker", 200), ("manager", 200), ("colleague", 404), ("other_manager", 404)):
        for path in ("rows", "result"):
            answer = client.get(f"{PATH}/{run['id']}/{path}", headers=world.key(who))
            assert answer.status_code == expect, (who, path)
    with database.reading() as session:
        looks = session.scalars(
            select(AuditRow).where(AuditRow.subject == "imports", AuditRow.is_change.is_(False))
        ).all()
    assert len(looks) == 4


def test_what_is_kept_of_a_file_is_sealed_and_forgotten_in_time(client, world: World, database):
    run = send(client, world, text(AMINA, WRONG))
    with database.reading() as session:
        kept = session.scalars(select(ImportRow)).all()
    assert all("Amina" not in row.cells_sealed and "QQ224466C" not in row.cells_sealed for row in kept)
    assert actions.forget(database, utc_now() - timedelta(days=30)) == 0
    assert actions.forget(database, utc_now() + timedelta(seconds=1)) == 2
    first = rows(client, world, run)[0]
    assert first["cells"] is None
    put(client, world, run, first, expect=409, cells={"given_name": "A"})
    result = client.get(f"{PATH}/{run['id']}/result", headers=world.key("caseworker"))
    assert "Amina" not in result.text
    assert "referred_on: " in result.text


def test_an_import_is_given_up(client, world: World, database):
    run = send(client, world, text(AMINA))
    assert act(client, world, run, "discard")["state"] == "discarded"
    act(client, world, run, "apply", expect=409)
    with database.reading() as session:
        assert session.scalars(select(ImportRow.cells_sealed)).all() == [None]


def test_an_import_that_was_stopped_is_carried_on_by_the_service_or_by_the_same_file(client, world: World, database):
    content, actor = text(AMINA, WEI), world.on("caseworker").then(doing="referral:import")
    wish = actions.Wish(world.organisations["partner"])
    with database.reading(actor) as session:
        table = actions.read_file(session, actor, KIND, content, 1_000_000)
    with database.writing(actor) as session:
        stopped = actions.begin(session, actor, KIND, content, table, wish)
    assert actions.go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 0  # its rows are not all there
    again = send(client, world, content, query="")
    assert again["id"] == str(stopped.id)
    assert (again["state"], again["report"]["created"]) == ("applied", 2)
    with database.writing(actor) as session:
        second = actions.begin(session, actor, KIND, text(WRONG), table, wish)
    Worker(database, KIND, actor, second.id).read(table)
    with database.writing(actor) as session:
        session.get_one(ImportRun, second.id).touched_at = None
    assert actions.go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 1
    with database.reading() as session:
        assert session.get_one(ImportRun, second.id).state is ImportState.APPLIED


def test_an_import_of_somebody_who_left_is_checked_and_goes_no_further(client, world: World, database):
    run = send(client, world, text(AMINA))
    act_by, manager = world.on("caseworker"), world.on("manager")
    with database.writing(manager) as session:
        kept = session.get_one(ImportRun, session.scalars(select(ImportRun.id)).one())
        actions.apply(session, act_by, kept, actions.ApplyImport())
        kept.touched_at = None
        session.get_one(Membership, act_by.membership_id).ended_at = utc_now()
    assert actions.go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 1
    assert count(database, Referral) == 0
    applied = act(client, world, run, "apply", who="manager")  # a manager takes it over
    assert applied["report"]["created"] == 1


def test_the_same_file_wanted_otherwise_is_another_import(client, world: World, database):
    content, actor = text(AMINA), world.on("caseworker").then(doing="referral:import")
    partner = world.organisations["partner"]
    with database.reading(actor) as session:
        table = actions.read_file(session, actor, KIND, content, 1_000_000)
    with database.writing(actor) as session:
        first = actions.begin(session, actor, KIND, content, table, actions.Wish(partner))
    with database.writing(actor) as session:
        second = actions.begin(session, actor, KIND, content, table, actions.Wish(partner, all_or_nothing=True))
    assert first.id != second.id
    with database.reading() as session:
        assert session.get_one(ImportRun, first.id).state is ImportState.DISCARDED


def test_an_import_that_breaks_stops_no_other_and_is_tried_again(client, world: World, database, monkeypatch):
    runs = [send(client, world, text(AMINA.replace("R1", ref)), query="?dry_run=true") for ref in ("R1", "R2")]
    actor = world.on("caseworker")
    with database.writing(actor) as session:
        for run in session.scalars(select(ImportRun)).all():
            actions.apply(session, actor, run, actions.ApplyImport())
            run.touched_at = None
    before = break_one(monkeypatch, runs[0])
    assert actions.go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 2
    assert count(database, Referral) == 1
    monkeypatch.setattr(Worker, "go_on", before)
    assert actions.go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 0  # not at once
    monkeypatch.setattr(actions, "LEFT_ALONE", timedelta(seconds=-1))
    assert actions.go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 1
    assert count(database, Referral) == 2


def break_one(monkeypatch, broken: Any) -> Any:
    """Let one import fail as it would where a key of the vault is another one; return what it did before."""
    before = Worker.go_on

    def breaks(worker: Worker) -> None:
        if str(worker.run_id) == broken["id"]:
            raise ValueError("A value does not open with this key.")
        before(worker)

    monkeypatch.setattr(Worker, "go_on", breaks)
    return before


def test_one_row_that_cannot_be_saved_is_left_out_and_the_others_land(client, world: World, database):
    run = send(client, world, text(AMINA, WEI))
    first = rows(client, world, run)[0]
    person = world.refer(ref="LATER", given_name="Zoe", family_name="Quill").jobseeker_id
    put(client, world, run, first, same_as=str(person))
    answer = client.post(
        f"/api/v1/jobseekers/{person}/void", headers=world.key("manager"), json={"reason": "Made by mistake."}
    )
    assert answer.status_code == 200, answer.text
    done = act(client, world, run, "apply")
    assert (done["state"], done["report"]["created"], done["report"]["in_error"]) == ("applied", 1, 1)
    (bad,) = rows(client, world, run, "?state=with_errors")
    assert "This jobseeker does not exist" in bad["errors"][0]["rule"]


def test_the_result_opens_in_the_same_spreadsheet_with_errors_beside_the_cells(client, world: World):
    book = openpyxl.Workbook()
    page = book.active
    page.title = "Hendon"
    for line in (["Referrals of September"], [], HEAD.split(","), AMINA.split(","), WRONG.split(",")):
        page.append(line)
    second = book.create_sheet("Colindale")
    for line in (HEAD.split(","), WEI.split(","), WRONG.replace("R3", "R4").split(",")):
        second.append(line)
    out = io.BytesIO()
    book.save(out)
    run = send(client, world, out.getvalue())
    assert (run["report"]["rows"], run["report"]["in_error"]) == (4, 2)
    result = client.get(f"{PATH}/{run['id']}/result", headers=world.key("caseworker"))
    read = openpyxl.load_workbook(io.BytesIO(result.content))
    assert read.sheetnames == ["Hendon", "Colindale"]
    day = HEAD.split(",").index("referred_on") + 1
    bad = read["Hendon"].cell(5, day)  # row 5 of the file is row 5 here
    assert bad.value == "31/02/2026"
    assert "not a date" in bad.comment.text
    assert bad.fill.fgColor.rgb[2:] == files.WRONG[1:]
    assert read["Hendon"].cell(4, len(HEAD.split(",")) + 1).value == "to_create"
    bad.value = "01/02/2026"
    read["Colindale"].cell(3, day).value = "2026-02-01"
    again = io.BytesIO()
    read.save(again)
    assert send(client, world, again.getvalue(), query="")["report"]["created"] == 4


CELL = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12).map(str.strip)
DANGEROUS = st.sampled_from(["=1+1", "+44 7700 900123", "-5", "@SUM(A1)", "'", 'a"b', "a,b", "'quoted'", "'=x"])


@given(cells=st.lists(st.one_of(CELL, DANGEROUS), min_size=1, max_size=4))
def test_a_result_that_is_read_again_says_the_same_and_holds_no_formula(cells: list[str]):
    aliases = {"source type": "source_type", "referred on": "referred_on", "given name": "given_name"}
    head = ["source_type", "referred_on", "given_name", *(f"other {n}" for n in range(len(cells)))]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([head, ["JCP", "2026-09-01", cells[0] or "A", *cells]])
    once = next(read_table(out.getvalue().encode(), aliases, needed=[], most_unpacked=1_000_000).rows())
    written = [files.inert(cell) for cell in (*once.cells.values(), *once.others.values())]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in written)
    again = io.StringIO(newline="")
    values = [files.inert(once.cells[name]) for name in head[:3]]
    values += [files.inert(once.others.get(str(3 + n), "")) for n in range(len(cells))]
    csv.writer(again).writerows([head, values])
    twice = next(read_table(again.getvalue().encode(), aliases, needed=[], most_unpacked=1_000_000).rows())
    assert twice.cells == once.cells


def test_a_block_is_made_smaller_where_it_takes_long(client, world: World, database, monkeypatch):
    lines = [AMINA.replace("R1", f"R{n}").replace("Amina", f"Amina{n}") for n in range(120)]
    monkeypatch.setattr(staging, "SECONDS_A_BLOCK", 1e-4)
    monkeypatch.setattr(staging, "PAUSE_SECONDS", 0.0)
    taken: list[int] = []
    before = staging.Worker.next_rows

    def noted(worker: Worker, *rest: Any) -> Any:
        taken.append(worker.size)
        return before(worker, *rest)

    monkeypatch.setattr(staging.Worker, "next_rows", noted)
    run = send(client, world, text(*lines), query="")
    assert run["report"]["created"] == 120
    assert min(taken) < staging.FIRST_BLOCK / 4


def test_rows_are_paged_in_the_order_of_the_file(client, world: World):
    lines = [AMINA.replace("R1", f"R{n}").replace("Amina", f"Amina{n}") for n in range(7)]
    run = send(client, world, text(*lines, WRONG))
    seen: list[int] = []
    after = ""
    while True:
        answer = client.get(f"{PATH}/{run['id']}/rows?limit=3{after}", headers=world.key("caseworker")).json()
        seen += [row["row"] for row in answer["items"]]
        if answer["next"] is None:
            break
        after = f"&after={answer['next']}"
    assert seen == list(range(2, 10))
    assert [row["row"] for row in rows(client, world, run, "?state=with_errors&limit=1")] == [9]


def test_the_same_key_sends_a_file_once(client, world: World, database):
    headers = {**world.key("caseworker"), "Idempotency-Key": "once"}
    ids = {
        client.post(PATH, headers=headers, files={"file": ("f.csv", text(AMINA), "text/csv")}).json()["id"]
        for _ in range(2)
    }
    assert len(ids) == 1
    assert count(database, ImportRun) == 1


@pytest.mark.parametrize("state", [RowState.CREATED, RowState.UPDATED])
def test_the_same_file_twice_beside_each_other_lands_once(client, world: World, database, state):
    content, actor = text(AMINA, WEI), world.on("caseworker").then(doing="referral:import")
    if state is RowState.UPDATED:
        send(client, world, text(AMINA.replace("Begum", "Begam"), WEI.replace("Zhang", "Chang")), query="")
    with database.reading(actor) as session:
        table = actions.read_file(session, actor, KIND, content, 1_000_000)
    with database.writing(actor) as session:
        run = actions.begin(session, actor, KIND, content, table, actions.Wish(world.organisations["partner"]))
    one, other = (Worker(database, KIND, actor, run.id) for _ in range(2))
    one.read(table)
    other.read(table)
    assert one.check_block()
    assert other.check_block()
    other.go_on()
    one.go_on()
    assert (count(database, ImportRow) - 2 * (state is RowState.UPDATED), count(database, Referral)) == (2, 2)
    with database.reading() as session:
        assert session.scalars(select(ImportRow.state).where(ImportRow.import_id == run.id)).all() == [state, state]


# What a hostile review found, each as it was seen.


def test_one_reference_of_two_rows_is_one_however_the_organisation_is_written(client, world: World):
    blank = AMINA.replace("Hendon Jobcentre", "")
    partner = world.organisations["partner"]
    query = f"?dry_run=true&partner_id={partner}"
    run = send(client, world, text(blank, AMINA.replace("Amina", "Wei")), query=query, who="referrer")
    assert [row["state"] for row in rows(client, world, run, who="referrer")] == ["with_errors", "with_errors"]
    long = ["r" * 299 + end for end in "ab"]
    lines = [AMINA.replace("R1", long[0]), WEI.replace("R2", long[1])]
    assert send(client, world, text(*lines), query="")["report"]["created"] == 2


def test_of_two_organisations_of_one_name_the_one_that_refers_so_is_meant(client, world: World, database):
    made: dict[str, Any] = {}
    for kind in ("job_centre", "local_authority", "local_authority"):
        body = {"kind": kind, "name": "Barnet" if kind not in made else "Barnet Homes"}
        answer = client.post("/api/v1/organisations", headers=world.key("operator"), json=body)
        assert answer.status_code == 201, answer.text
        made.setdefault(kind, answer.json()["id"])
    client.post(
        "/api/v1/organisations", headers=world.key("operator"), json={"kind": "local_authority", "name": "Barnet Homes"}
    )
    lines = [AMINA.replace("Hendon Jobcentre", "Barnet"), WEI.replace("Hendon Jobcentre", "Barnet Homes")]
    run = send(client, world, text(*lines), query="")
    assert (run["report"]["created"], run["report"]["errors"][0]["field"]) == (1, "referring_organisation")
    assert "Several" in run["report"]["errors"][0]["rule"]
    with database.reading() as session:
        assert str(session.scalars(select(Referral.referring_organisation_id)).one()) == made["job_centre"]


def test_whoever_reads_is_told_only_of_those_they_may_see(client, world: World):
    hidden = world.refer(ref="OLD", given_name="Amina", family_name="Begum", is_restricted=True).jobseeker_id
    reference = client.get(f"/api/v1/jobseekers/{hidden}", headers=world.key("manager")).json()["reference"]
    line = AMINA.replace("R1", "R7") + ",yes"
    run = send(client, world, text(line, head=HEAD + ",restricted"), query="", who="manager")
    assert reference in str(run["report"]["warnings"])
    (made,) = run["report"]["made"]
    seen = client.get(f"{PATH}/{run['id']}", headers=world.key("caseworker")).json()
    assert seen["report"]["made"] == []
    assert reference not in str(seen)
    mine = send(client, world, text(AMINA))
    row = rows(client, world, mine)[0]
    assert row["state"] == "to_create"
    put(client, world, mine, row, who="manager", cells={"known_as": "Mina"}, same_as=str(hidden))
    told = str(rows(client, world, mine))
    assert reference not in told
    assert str(hidden) not in told
    assert made not in told


def test_what_an_update_shows_stands_in_the_access_log_of_whom_it_is_about(client, world: World):
    send(client, world, text(AMINA), query="", who="manager")
    run = send(client, world, text(AMINA.replace("Begum", "Begam")))
    (row,) = rows(client, world, run)
    person = client.get("/api/v1/jobseekers", headers=world.key("manager")).json()["items"][0]["id"]
    path = f"/api/v1/jobseekers/{person}/access-log"
    before = len(client.get(path, headers=world.key("manager")).json()["items"])
    put(client, world, run, row, cells={"known_as": "Mina"})
    rows(client, world, run)
    assert len(client.get(path, headers=world.key("manager")).json()["items"]) >= before + 2


def test_nothing_that_was_said_of_somebody_erased_stays_in_rows(client, world: World, database):
    run = send(client, world, text(AMINA, WEI, AMINA), query="")
    with database.reading() as session:
        person = session.scalars(select(Referral.jobseeker_id).where(Referral.ref == "R1")).one()
    second = send(client, world, text(WRONG.replace("31/02/2026", "2026-02-01").replace("2001-02-01", "")))
    put(client, world, second, rows(client, world, second)[0], same_as=str(person))
    with database.writing(world.on("manager")) as session:
        for holding in reversed(HOLDINGS):
            holding.erase(session, person)
    result = client.get(f"{PATH}/{run['id']}/result", headers=world.key("caseworker")).text
    assert "Amina" not in result
    assert "Wei" in result
    (left,) = rows(client, world, second)
    assert (left["state"], left["cells"], left["same_as"]) == ("skipped", None, None)
    assert act(client, world, second, "apply")["report"]["created"] == 0


@pytest.mark.parametrize(
    "cell",
    [
        "1 May 2001 12:077009001230770090012307700900123",
        "26 May 2002 10:00 AMINA",
        "1" * 120_000,
        "May " * 20_000 + "2001",
    ],
    ids=["a number in the time", "a name in the time", "digits", "words"],
)
def test_a_date_that_nobody_could_mean_is_one_wrong_cell(client, world: World, cell: str, capfd):
    report = send(client, world, text(AMINA.replace("2002-05-26", cell), WEI), query="")["report"]
    assert report["created"] + report["in_error"] == 2
    assert "AMINA" not in capfd.readouterr().err


def test_rows_that_are_not_kept_any_more_are_named_and_an_import_that_runs_is_not_forgotten(
    client, world: World, database
):
    run = send(client, world, text(AMINA, WEI))
    assert actions.forget(database, utc_now() + timedelta(seconds=1)) == 2
    done = act(client, world, run, "apply")
    assert (done["state"], done["report"]["created"], done["report"]["in_error"]) == ("applied", 0, 2)
    assert "has been deleted" in done["report"]["errors"][0]["rule"]
    actor = world.on("caseworker", date(2026, 9, 20)).then(doing="referral:import")
    with database.reading(actor) as session:
        table = actions.read_file(session, actor, KIND, text(AMINA), 1_000_000)
    wish = actions.Wish(world.organisations["partner"], acts_at=actor.at)
    with database.writing(actor) as session:
        late = actions.begin(session, actor, KIND, text(AMINA), table, wish)
    Worker(database, KIND, actor, late.id).read(table)
    assert actions.forget(database, utc_now() + timedelta(seconds=1)) == 0
    Worker(database, KIND, actor, late.id).go_on()
    assert actions.forget(database, utc_now() - timedelta(days=30)) == 0
    assert count(database, Referral) == 1


def test_of_somebody_who_left_what_is_read_is_checked_and_a_manager_applies_it(client, world: World, database):
    content, actor = text(AMINA, WEI), world.on("caseworker").then(doing="referral:import")
    with database.reading(actor) as session:
        table = actions.read_file(session, actor, KIND, content, 1_000_000)
    with database.writing(actor) as session:
        run = actions.begin(session, actor, KIND, content, table, actions.Wish(world.organisations["partner"]))
    Worker(database, KIND, actor, run.id).read(table)
    with database.writing(actor) as session:
        session.get_one(ImportRun, run.id).touched_at = None
        session.get_one(Membership, actor.membership_id).ended_at = utc_now()
    assert actions.go_on_with_what_was_left(database, FILE_KINDS, is_still_member) == 1
    told = client.get(f"{PATH}/{run.id}", headers=world.key("manager")).json()
    assert (told["state"], told["rows_checked"], told["report"]["to_create"]) == ("checked", 2, 2)
    assert act(client, world, {"id": run.id}, "apply", who="manager")["report"]["created"] == 2


def test_the_row_that_is_refused_is_the_one_that_is_named(client, world: World, database):
    world.refer(ref="OLD", given_name="Amina", family_name="Begum")
    gone = world.refer(ref="GONE", given_name="Zoe", family_name="Quill").jobseeker_id
    run = send(client, world, text(AMINA, WEI))
    put(client, world, run, rows(client, world, run)[1], same_as=str(gone))
    voided = client.post(f"/api/v1/jobseekers/{gone}/void", headers=world.key("manager"), json={"reason": "Mistake."})
    assert voided.status_code == 200
    act(client, world, run, "apply", with_possible_duplicates=False)
    assert [row["state"] for row in rows(client, world, run)] == ["possible_duplicate", "with_errors"]


def test_all_or_nothing_is_nothing_where_a_row_is_refused_at_the_last(client, world: World, database):
    gone = world.refer(ref="GONE", given_name="Zoe", family_name="Quill").jobseeker_id
    run = send(client, world, text(AMINA, WEI))
    put(client, world, run, rows(client, world, run)[1], same_as=str(gone))
    voided = client.post(f"/api/v1/jobseekers/{gone}/void", headers=world.key("manager"), json={"reason": "Mistake."})
    assert voided.status_code == 200
    done = act(client, world, run, "apply", all_or_nothing=True)
    assert (done["state"], done["report"]["created"], done["report"]["in_error"]) == ("checked", 0, 1)
    assert [row["state"] for row in rows(client, world, run)] == ["possible_duplicate", "with_errors"]
    assert count(database, Referral) == 1


def test_an_organisation_that_has_another_name_by_now_is_not_made_again(client, world: World, database):
    run = send(client, world, text(AMINA))
    with database.writing(world.operator) as session:
        session.get_one(Organisation, world.organisations["job_centre"]).name = "Barnet Employment Office"
    before = count(database, Organisation)
    done = act(client, world, run, "apply", all_or_nothing=True)
    assert (done["report"]["created"], done["report"]["in_error"]) == (0, 1)
    assert count(database, Organisation) == before


def test_a_row_left_out_stays_out_and_one_like_another_stays_marked_when_it_is_edited(client, world: World):
    alike = AMINA.replace("R1", "R8").replace("Amina", "Ameena")
    run = send(client, world, text(AMINA, alike, WEI))
    first, second, third = rows(client, world, run)
    assert [row["state"] for row in (first, second)] == ["to_create", "possible_duplicate"]
    again = put(client, world, run, second, cells={"known_as": "Mina"})
    assert (again["state"], "row 2" in again["warnings"][0]["rule"]) == ("possible_duplicate", True)
    out = put(client, world, run, third, is_skipped=True)
    assert put(client, world, run, out, cells={"known_as": "W"})["state"] == "skipped"
    assert put(client, world, run, rows(client, world, run)[2], is_skipped=False)["state"] == "to_create"


def test_a_row_put_right_after_the_rest_is_applied_is_looked_for_too(client, world: World):
    world.refer(ref="OLD", given_name="Ola", family_name="Ade", date_of_birth="2001-02-01", nino=None)
    run = send(client, world, text(WRONG.replace("N1 1AB", "NW9 5QN")), query="")
    row = put(client, world, run, rows(client, world, run)[0], cells={"referred_on": "2026-02-01"})
    assert row["state"] == "possible_duplicate"


def test_a_file_all_of_one_reference_is_compared_by_statements_over_all_of_it(client, world: World, database):
    with listening(database) as few:
        send(client, world, text(*[AMINA] * 10))
    with listening(database) as many:
        run = send(client, world, text(*[AMINA] * 400))
    assert run["report"]["repeated"] == 399
    assert len(many) < len(few) + 450  # each row is understood by itself; comparing them takes no statement a row
    changed = send(client, world, text(*[AMINA] * 399, AMINA.replace("Amina", "Wei")))
    assert changed["report"]["in_error"] == 400
    assert "Row 401 has" in changed["report"]["errors"][0]["rule"]


def test_a_header_and_a_tab_are_no_formula_either(client, world: World):
    head = HEAD + ',"=HYPERLINK(""http://example.org"")"'
    result = send(client, world, text(AMINA + ",\t=1+1", head=head))
    out = client.get(f"{PATH}/{result['id']}/result", headers=world.key("caseworker")).text
    cells = [cell for line in csv.reader(io.StringIO(out.lstrip("\ufeff"))) for cell in line]
    assert any("HYPERLINK" in cell for cell in cells)
    assert not [cell for cell in cells if cell.strip().startswith(("=", "+", "-", "@"))]


def test_who_sent_a_file_sees_it_still_when_a_manager_has_applied_it(client, world: World):
    run = send(client, world, text(AMINA))
    act(client, world, run, "apply", who="manager")
    assert [row["state"] for row in rows(client, world, run)] == ["created"]


@pytest.mark.parametrize("was_touched", [True, False])
def test_an_import_whose_reading_stopped_is_discarded_after_a_day_and_its_cells_deleted(
    client, world: World, database, was_touched: bool
):
    content, actor = text(AMINA, WEI), world.on("caseworker").then(doing="referral:import")
    with database.reading(actor) as session:
        table = actions.read_file(session, actor, KIND, content, 1_000_000)
    with database.writing(actor) as session:
        run = actions.begin(session, actor, KIND, content, table, actions.Wish(world.organisations["partner"]))
    Worker(database, KIND, actor, run.id).read(table)

    def left(ago: timedelta) -> None:
        """Make it an import whose process died while it was reading."""
        with database.writing(None) as session:
            dead = session.get_one(ImportRun, run.id)
            dead.state, dead.made_at = ImportState.READING, utc_now() - ago
            dead.touched_at = dead.made_at if was_touched else None

    left(timedelta(hours=23))
    assert actions.forget(database, utc_now() - timedelta(days=30)) == 0
    left(timedelta(hours=25))
    assert actions.forget(database, utc_now() - timedelta(days=30)) == 2
    with database.reading() as session:
        assert session.get_one(ImportRun, run.id).state is ImportState.DISCARDED
        assert session.scalars(select(ImportRow.cells_sealed)).all() == [None, None]
    again = send(client, world, content, query="")
    assert (again["id"] != str(run.id), again["report"]["created"]) == (True, 2)


def test_an_import_that_was_being_read_with_other_options_keeps_no_cells(client, world: World, database):
    content, actor = text(AMINA, WEI), world.on("caseworker").then(doing="referral:import")
    with database.reading(actor) as session:
        table = actions.read_file(session, actor, KIND, content, 1_000_000)
    wish = actions.Wish(world.organisations["partner"])
    with database.writing(actor) as session:
        run = actions.begin(session, actor, KIND, content, table, wish)
    Worker(database, KIND, actor, run.id).read(table)
    with database.writing(None) as session:
        session.get_one(ImportRun, run.id).state = ImportState.READING
    send(client, world, content)
    actions.forget(database, utc_now() - timedelta(days=30))
    with database.reading() as session:
        kept = select(ImportRow.id).where(ImportRow.import_id == run.id, ImportRow.cells_sealed.is_not(None))
        assert session.scalars(kept).all() == []
