"""Keys that end, roles that the operator cannot reach, one service a database, and settings that are named."""

import os
import shutil
import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from pathways.access.permissions import ROLES_THAT_SEE_PEOPLE
from pathways.backups import unpack, write
from pathways.backups.sentences import BackupRefused
from pathways.base import Role
from pathways.commands.acting import PlainError, read_settings
from pathways.in_use import DatabaseInUse, serving, using
from pathways.organisations.models import ROLES_IN, OrganisationKind
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
