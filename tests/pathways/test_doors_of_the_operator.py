"""Keys that end, roles that the operator cannot reach, one service a database, and settings that are named."""

import os
import re
import shutil
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pathways.access.models import User
from pathways.access.permissions import ROLES_THAT_SEE_PEOPLE
from pathways.app import LABELS, LINKS
from pathways.backups import unpack, write
from pathways.backups.sentences import BackupRefused
from pathways.base import Role, Source
from pathways.commands.acting import PlainError, read_settings
from pathways.in_use import DatabaseInUse, serving, using
from pathways.messages.sending import Sender
from pathways.organisations import actions as organisation_actions
from pathways.organisations.models import ROLES_IN, Membership, OrganisationKind
from pathways.organisations.schemas import NewKey, NewMember, NewUser
from tests.conftest import settings_for
from tests.pathways.test_backup import pathways
from tests.pathways.test_four_eyes import join
from tests.world import World

TODAY = date.today()


@pytest.mark.parametrize(("days", "status"), [(0, 201), (89, 201), (90, 201), (91, 409), (365, 409), (9999, 409)])
def test_a_key_ends_within_ninety_days(client, world: World, days, status):
    body = {
        "membership_id": str(world.actors["caseworker"].membership_id),
        "expires_on": (TODAY + timedelta(days=days)).isoformat(),
    }
    answer = client.post("/api/v1/keys", headers=world.key("administrator"), json=body)
    assert answer.status_code == status, answer.text
    if status == 409:
        assert (TODAY + timedelta(days=90)).isoformat() in answer.text


@pytest.mark.parametrize("role", sorted(ROLES_IN[OrganisationKind.VOLUNTARY_SECTOR_PARTNER] & ROLES_THAT_SEE_PEOPLE))
@pytest.mark.parametrize("by", ["operator", "administrator", "second"])
def test_an_account_of_the_operator_is_given_no_role_that_sees_people_by_anybody(client, world: World, role, by):
    join(world, "second", "partner", Role.ADMINISTRATOR)
    operator = client.get("/api/v1/organisations", headers=world.key("operator")).json()["items"]
    own = next(one["id"] for one in operator if one["kind"] == "operator")
    made = client.post(
        "/api/v1/users", headers=world.key("operator"), json={"name": "Twin", "email": "twin@example.org"}
    ).json()
    body = {"user_id": made["id"], "organisation_id": own, "role": "operator"}
    assert client.post("/api/v1/members", headers=world.key("operator"), json=body).status_code == 201
    wanted = {"user_id": made["id"], "organisation_id": str(world.organisations["partner"]), "role": role}
    assert client.post("/api/v1/members", headers=world.key(by), json=wanted).status_code in {403, 409}
    tagged = client.post(
        "/api/v1/users", headers=world.key("operator"), json={"name": "Twin", "email": "twin+work@example.org"}
    ).json()
    answer = client.post("/api/v1/members", headers=world.key("operator"), json=wanted | {"user_id": tagged["id"]})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/own-role")


def test_who_sees_people_does_not_become_the_operator(client, world: World):
    organisations = client.get("/api/v1/organisations", headers=world.key("operator")).json()["items"]
    own = next(one["id"] for one in organisations if one["kind"] == "operator")
    body = {"user_id": str(world.actors["caseworker"].user_id), "organisation_id": own, "role": "operator"}
    answer = client.post("/api/v1/members", headers=world.key("operator"), json=body)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/own-role")


def test_only_one_service_runs_on_an_sqlite_database_and_commands_still_do(database):
    with using(database), serving(database):
        if database.is_sqlite:
            with pytest.raises(DatabaseInUse) as refused, serving(database):
                raise AssertionError
            assert "PostgreSQL" in refused.value.detail
        else:
            with serving(database):
                pass
        with using(database):
            pass
    with serving(database):
        pass


@pytest.fixture
def backup(world: World, tmp_path: Path) -> Path:
    file = tmp_path / "whole.backup"
    write.write(world.database, file)
    return file


def _appended(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b"x")


def _lengthened(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(os.urandom(70_000))


def _prefixed(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:4] + b"junk" + file.read_bytes())


def _commented(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b"added"


def _extended(file: Path) -> None:
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("more", b"more")


def _twice(file: Path) -> None:
    file.write_bytes(file.read_bytes() * 2)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1])


CHANGES = [_appended, _lengthened, _prefixed, _commented, _extended, _twice, _cut]


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_a_backup_with_bytes_added_or_taken_is_refused(world: World, backup: Path, tmp_path: Path, change):
    work = tmp_path / "work"
    work.mkdir()
    unpack.unpack(backup, work, world.database.vault, None)
    shutil.rmtree(work)
    work.mkdir()
    change(backup)
    with pytest.raises(BackupRefused):
        unpack.unpack(backup, work, world.database.vault, None)


@pytest.mark.parametrize("beginning", [unpack.SQLITE_BEGINS, unpack.POSTGRESQL_BEGINS])
def test_a_bare_database_is_restored_only_if_the_operator_says_so(world: World, tmp_path: Path, beginning):
    file = tmp_path / "bare.db"
    file.write_bytes(beginning + bytes(100))
    with pytest.raises(BackupRefused) as refused:
        unpack.unpack(file, tmp_path, world.database.vault, None)
    assert "--accept-unproved" in refused.value.detail
    assert unpack.unpack(file, tmp_path, world.database.vault, None, accept_unproved=True).manifest is None


KEY = "a" * 43


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"PATHWAYS_HASH_KEY": KEY}, "PATHWAYS_ENCRYPTION_KEY is missing"),
        ({"PATHWAYS_ENCRYPTION_KEY": KEY}, "PATHWAYS_HASH_KEY is missing"),
        ({"PATHWAYS_ENCRYPTION_KEY": "short", "PATHWAYS_HASH_KEY": KEY}, "PATHWAYS_ENCRYPTION_KEY must"),
        ({"PATHWAYS_ENCRYPTION_KEY": KEY, "PATHWAYS_HASH_KEY": "short"}, "PATHWAYS_HASH_KEY must"),
        ({"PATHWAYS_ENCRYPTION_KEY": "!" * 40, "PATHWAYS_HASH_KEY": KEY}, "PATHWAYS_ENCRYPTION_KEY must"),
        (
            {"PATHWAYS_ENCRYPTION_KEY": KEY, "PATHWAYS_HASH_KEY": KEY, "PATHWAYS_WORKER_THREADS": "many"},
            "PATHWAYS_WORKER_THREADS is invalid",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_its_place_and_the_command_that_makes_a_key(
    monkeypatch, tmp_path, environment, said
):
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("PATHWAYS_")]:
        monkeypatch.delenv(name)
    for name, value in (environment | {"PATHWAYS_ENVIRONMENT": "production"}).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(PlainError) as refused:
        read_settings()
    text = str(refused.value)
    assert said in text
    assert "var/secrets.env" in text
    assert ("openssl rand" in text) is ("KEY" in said)
    assert not any(value in text for value in environment.values() if value != "many")


# The same rule on the command line, where a role is given and a key is made.


def _member(world: World, name: str, organisation: str, role: Role, actor: Any = None) -> Any:
    actor = actor or world.operator.then(at=datetime.now(UTC))
    with world.database.writing(actor) as session:
        email = f"{name}@example.org"
        user_id = session.scalars(select(User.id).where(User.email == email)).one_or_none()
        if user_id is None:
            user_id = organisation_actions.make_user(session, actor, NewUser(name=name, email=email)).id
        own = actor.organisation_id if organisation == "operator" else world.organisations[organisation]
        new = NewMember(user_id=user_id, organisation_id=own, role=role)
        return organisation_actions.add_member(session, actor, new).id


@pytest.mark.parametrize("role", sorted(ROLES_IN[OrganisationKind.VOLUNTARY_SECTOR_PARTNER] & ROLES_THAT_SEE_PEOPLE))
@pytest.mark.parametrize("twin", ["olga", "olga+work"])
@pytest.mark.parametrize("first", ["operator", "partner"])
def test_no_command_joins_the_operator_and_a_role_that_sees_people_in_one_person(world: World, role, twin, first):
    assert world.operator.source is Source.COMMAND_LINE
    steps = [("olga", "operator", Role.OPERATOR), (twin, "partner", role)]
    one, other = steps if first == "operator" else reversed(steps)
    _member(world, *one)
    with pytest.raises(organisation_actions.OwnRole):
        _member(world, *other)


@pytest.mark.parametrize("make", [organisation_actions.make_key, organisation_actions.issue_key])
def test_no_key_is_made_for_an_operator_who_was_given_such_a_role_before(world: World, make):
    """Earlier versions gave it on the command line."""
    membership_id = _member(world, "olga", "partner", Role.CASEWORKER)
    with world.database.writing(None) as session:
        olga = session.get_one(Membership, membership_id).user_id
        own = world.operator.organisation_id
        both = Membership(organisation_id=own, user_id=olga, role=Role.OPERATOR, made_at=datetime.now(UTC))
        session.add(both)
    with pytest.raises(organisation_actions.OwnRole), world.database.writing(world.operator) as session:
        make(session, world.operator, NewKey(membership_id=membership_id))


def test_a_new_installation_gets_its_first_administrator_and_key_by_command(tmp_path: Path):
    steps = (
        ("db", "upgrade"),
        ("organisations", "create", "--kind", "voluntary_sector_partner", "--name", "Stepping Stones"),
        ("users", "create", "--name", "Ada", "--email", "ada@example.org"),
        ("users", "create", "--name", "Wanda", "--email", "wanda@example.org"),
        ("members", "add", "ada@example.org", "--organisation", "stepping-stones", "--role", "administrator"),
        ("members", "add", "wanda@example.org", "--organisation", "stepping-stones", "--role", "team_manager"),
        ("keys", "create", "--member", "ada@example.org@stepping-stones:administrator"),
    )
    for step in steps:
        done = pathways(tmp_path, *step)
        assert done.returncode == 0, (step, done.stderr)
    assert re.fullmatch(r"pw_\w{8}_\w{43}\n", done.stdout)
    refused = pathways(
        tmp_path,
        "members",
        "add",
        "operator@example.org",
        "--organisation",
        "stepping-stones",
        "--role",
        "team_manager",
    )
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (1, "", 1)
    wanda = "wanda@example.org@stepping-stones:team_manager"
    issued = pathways(
        tmp_path, "keys", "create", "--member", wanda, "--as", "ada@example.org@stepping-stones:administrator"
    )
    assert (issued.returncode, issued.stdout) == (0, "")
    assert "one-time link" in issued.stderr
    assert "pw_" not in issued.stderr
    assert "not claimed yet" in next(
        line for line in pathways(tmp_path, "keys", "list").stdout.split("\n") if wanda in line
    )


def test_the_owner_of_a_key_that_was_printed_is_told_who_has_seen_it(world: World):
    outbox: list[Any] = []
    sender = Sender(world.database, settings_for("sqlite://"), outbox.append, links=LINKS, labels=LABELS)
    operator = world.operator.then(at=datetime.now(UTC))
    new = NewKey(membership_id=world.actors["caseworker"].membership_id)
    for make, is_seen in ((organisation_actions.make_key, True), (organisation_actions.issue_key, False)):
        with world.database.writing(operator) as session:
            make(session, operator, new)
        sender.send_due()
        text = outbox[-1].get_content()
        assert ("has seen it" in text) is is_seen
        assert "\n  :" not in text
