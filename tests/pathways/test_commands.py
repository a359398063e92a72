"""The commands of matching, in a process of their own, on a small made-up borough."""

import re
import socket
import sqlite3

import openpyxl
import pytest

from pathways.base import Nation, Role
from pathways.commands import organising
from pathways.organisations.models import OrganisationKind
from tests.intake import referral_file
from tests.pathways.test_backup import pathways


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("borough")
    for step in (
        ("db", "upgrade"),
        ("demo", "load", "--jobseekers", "24", "--placements", "12", "--months", "4", "--until", "2026-10-31"),
    ):
        done = pathways(made, *step)
        assert done.returncode == 0, done.stderr
    return made


def test_rematch_proposes_for_every_partner_and_says_who_has_nothing_and_why(folder):
    alone = pathways(folder, "rematch", "--on", "2026-11-01")
    assert alone.returncode == 0, alone.stderr
    assert len(re.findall(r"jobseekers would be offered one of", alone.stdout)) == 2
    assert "are reserved" in alone.stdout
    assert "caseworkers accept, change or reject each line" in alone.stdout
    shared = pathways(folder, "rematch", "--on", "2026-11-01", "--jobs", "2", "--partner", "stepping-stones")
    assert shared.returncode == 0, shared.stderr
    offered = [
        re.search(r"Stepping Stones: (\d+ of \d+) jobseekers", out).group(1) for out in (alone.stdout, shared.stdout)
    ]
    assert offered[0] == offered[1]  # one process or two propose the same


def test_a_model_is_trained_assessed_and_not_released_while_a_gate_is_closed(folder):
    trained = pathways(folder, "model", "train", "--until", "2026-10-31")
    assert trained.returncode == 0, trained.stderr
    name = trained.stdout.split(":")[0]
    assessed = pathways(folder, "model", "assess", name)
    assert assessed.returncode == 0, assessed.stderr
    assert "FAILED ranking" in assessed.stdout
    refused = pathways(folder, "model", "release", name, "--reason", "In a hurry")
    assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)
    listed = pathways(folder, "model", "list")
    assert "No model is released." in listed.stdout
    assert "assessed" in listed.stdout


def test_unlock_reads_like_a_caseworker_speaks(folder):
    with sqlite3.connect(folder / "cli.db") as database:
        rows = database.execute(
            "SELECT reference FROM jobseekers WHERE state = 'open' ORDER BY reference LIMIT 3"
        ).fetchall()
    assert rows
    for (reference,) in rows:
        told = pathways(folder, "unlock", reference, "--on", "2026-11-01")
        assert told.returncode == 0, told.stderr
        assert re.search(r"\(placements opened: \d+\)|\(open questions answered: \d+\)|No single change", told.stdout)


def test_a_command_that_reads_a_person_or_is_refused_leaves_the_row_that_the_api_leaves(folder):
    with sqlite3.connect(folder / "cli.db") as database:
        own, other = (
            row[0] for row in database.execute("SELECT min(reference) FROM jobseekers GROUP BY partner_id LIMIT 2")
        )
        members = database.execute(
            "SELECT u.email || '@' || o.ref || ':' || m.role, j.reference FROM memberships m"
            " JOIN users u ON u.id = m.user_id JOIN organisations o ON o.id = m.organisation_id"
            " JOIN jobseekers j ON j.reference IN (?, ?) AND j.partner_id != o.id WHERE m.role = 'team_manager'",
            (own, other),
        ).fetchall()

    def rows() -> list[tuple]:
        with sqlite3.connect(folder / "cli.db") as database:
            asked = "SELECT a.doing, a.is_refused, j.reference FROM audit a JOIN jobseekers j ON j.id = a.jobseeker_id"
            return database.execute(f"{asked} WHERE a.is_change = 0 ORDER BY a.id").fetchall()

    before = len(rows())
    assert pathways(folder, "unlock", own, "--on", "2026-11-01").returncode == 0
    assert rows()[before:] == [("unlock:read", 0, own)]
    foreign, theirs = members[0]
    for command, doing in (("shortlist", "shortlist:make"), ("unlock", "unlock:read")):
        before = len(rows())
        assert pathways(folder, command, theirs, "--on", "2026-11-01", "--as", foreign).returncode == 1
        assert rows()[before:] == [(doing, 1, theirs)]


@pytest.mark.parametrize(
    "wrong",
    [
        ("rematch", "--backend", "abacus"),
        ("rematch", "--partner", "nobody"),
        ("model", "assess", "no-such-model"),
        ("unlock", "J-000000"),
        ("reference", "load-skills", "nowhere.csv"),
        ("reference", "make-vectors"),  # the sentence model is not installed
    ],
)
def test_a_wrong_word_is_one_plain_sentence(folder, wrong):
    done = pathways(folder, *wrong)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: ")
    assert "Traceback" not in done.stderr + done.stdout


def test_an_import_is_looked_at_first_then_applied_and_its_result_written(folder):
    file, result = folder / "intake.csv", folder / "result.xlsx"
    file.write_bytes(referral_file(40, organisation="Hendon Office"))
    told = ("import", "referrals", str(file), "--to", "stepping-stones")
    unknown = pathways(folder, *told, "--dry-run")
    assert "40 rows: 0 would be created" in unknown.stdout
    assert "No referring organisation has this name." in unknown.stdout
    looked = pathways(folder, *told, "--dry-run", "--create-organisations")
    (run,) = re.findall(r"pathways import apply referrals (\S+)", looked.stdout)
    applied = pathways(folder, "import", "apply", "referrals", run, "--result", str(result))
    assert applied.returncode == 0, applied.stderr
    assert re.search(r"40 rows: \d+ created, 0 updated", applied.stdout)
    assert oct(result.stat().st_mode)[-3:] == "600"  # it holds people
    with sqlite3.connect(folder / "cli.db") as database:
        made = database.execute("SELECT count(*) FROM referrals WHERE ref LIKE 'R0000%'").fetchone()
    states = [cell.value for cell in openpyxl.load_workbook(result).active["S"]]
    assert (states[0], states.count("created")) == ("import result", made[0])
    again = pathways(folder, *told)
    assert "40 rows: 0 created, 0 updated, 40 unchanged" in again.stdout
    for wrong in (("people", run), ("referrals", "0199c5a1-8c3e-7b6e-a1f0-2f4c5d6e7f80")):
        refused = pathways(folder, "import", "apply", *wrong)
        assert (refused.returncode, refused.stderr.count("\n")) == (1, 1)


def test_help_names_every_kind_role_and_nation():
    kinds = {kind.value for kind in OrganisationKind} - {"operator"}
    assert set(organising.KINDS.split(", ")) == kinds
    assert set(organising.ROLES.split(";")[0].split(", ")) == {role.value for role in Role} - {"operator"}
    assert set(organising.NATIONS.split(", ")) == {nation.value for nation in Nation}


def test_members_are_listed_and_ended_and_their_keys_end_with_them(folder):
    assert "wanda.worker@example.org" in pathways(folder, "users", "list").stdout
    listed = pathways(folder, "members", "list", "--organisation", "stepping-stones").stdout.splitlines()
    member = "wilf.worker@example.org@stepping-stones:caseworker"
    assert member in listed
    assert all("@stepping-stones:" in line for line in listed)
    ended = pathways(folder, "members", "end", member)
    assert ended.returncode == 0, ended.stderr
    assert member not in pathways(folder, "members", "list").stdout
    again = pathways(folder, "members", "end", member)
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)


def test_a_port_that_is_taken_is_named_with_what_to_do(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = pathways(folder, "serve", "--port", port)
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in done.stderr
    assert "--port" in done.stderr


def test_the_demonstrations_keys_name_the_port(folder):
    assert pathways(folder, "demo", "keys", "--port", "8123").returncode == 0
    assert "export PATHWAYS=http://127.0.0.1:8123/api/v1" in (folder / "var" / "demo-keys.env").read_text()


def test_a_variable_that_is_no_setting_stops_the_command(folder, monkeypatch):
    secrets = folder / "var" / "secrets.env"
    before = secrets.read_text()
    secrets.write_text(before + "PATHWAYS_LOGLEVEL=debug\n")
    done = pathways(folder, "users", "list")
    secrets.write_text(before)
    assert done.returncode == 1
    assert "PATHWAYS_LOGLEVEL is not a setting. Did you mean PATHWAYS_LOG_LEVEL?" in done.stderr


def test_daily_reports_only_what_this_run_did(folder):
    first = pathways(folder, "daily")
    assert first.returncode == 0, first.stderr
    second = pathways(folder, "daily")
    assert second.stdout.strip().endswith("nothing was due.")
    assert " 0 " not in first.stdout + second.stdout


def test_a_template_is_written_once_and_its_example_is_not_imported(folder):
    for kind, more in (("referrals", ("--to", "stepping-stones")), ("placements", ())):
        file = folder / f"{kind}-template.xlsx"
        written = pathways(folder, "import", "template", kind, str(file))
        assert written.returncode == 0, written.stderr
        assert f"pathways import {kind}" in written.stdout
        looked = pathways(folder, "import", kind, str(file), *more, "--dry-run")
        assert looked.returncode == 0, looked.stderr
        assert looked.stdout.startswith("0 rows")
        assert "the example row of the template" in looked.stdout
        assert f"pathways import template {kind}" in looked.stdout
        again = pathways(folder, "import", "template", kind, str(file))
        assert (again.returncode, again.stderr.count("\n")) == (1, 1)
    other = pathways(folder, "import", "template", "people", str(folder / "x.xlsx"))
    assert (other.returncode, "placements or referrals" in other.stderr) == (1, True)


def test_a_command_for_a_member_needs_the_permission_of_its_role_and_names_who_acted(folder):
    members = pathways(folder, "members", "list").stdout.split()
    worker = next(one for one in members if one.endswith(":caseworker"))
    partner = worker.rpartition(":")[0].rpartition("@")[2]
    added = pathways(folder, "users", "create", "--name", "Ada", "--email", "ada@example.org")
    assert added.returncode == 0, added.stderr
    pathways(folder, "members", "add", "ada@example.org", "--organisation", partner, "--role", "administrator")
    administrator = f"ada@example.org@{partner}:administrator"
    for member in (worker, administrator):
        for command in (
            ("organisations", "create", "--kind", "commissioner", "--name", "Fund Two"),
            ("users", "create", "--name", "Eve", "--email", "eve@example.org"),
            ("programmes", "price", "first-work", "IPES_LOWER", "850", "--from", "2026-04-01"),
            ("keys", "create", "--member", member),
            ("reference", "load-rules", "rules.json"),
        ):
            refused = pathways(folder, *command, "--as", member)
            assert (refused.returncode, refused.stdout) == (1, ""), command
            assert refused.stderr.count("\n") == 1
    for command in (("keys", "create", "--member", worker), ("keys", "revoke", "AbCd1234"), ("members", "end", worker)):
        assert "Only an administrator or the operator" in pathways(folder, *command, "--as", worker).stderr
    made = pathways(folder, "keys", "create", "--member", worker, "--as", administrator)
    assert made.returncode == 0, made.stderr
    with sqlite3.connect(folder / "cli.db") as database:
        (issuer,) = database.execute("SELECT issued_by FROM api_keys ORDER BY made_at DESC LIMIT 1").fetchone()
        (ada,) = database.execute("SELECT id FROM users WHERE email = 'ada@example.org'").fetchone()
        acted = database.execute("SELECT issued_by FROM audit WHERE by = ?", (ada,)).fetchall()
    assert issuer != ada
    assert acted
    assert {row[0] for row in acted} == {issuer}
