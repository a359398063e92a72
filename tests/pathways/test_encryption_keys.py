"""A wrong or missing key is refused by every command, loop and request, and changes nothing."""

import os
import sys
import threading
from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text
from typer.main import get_command

from pathways import cli, key_proof, migrate
from pathways.all_models import METADATA
from pathways.app import create_app
from pathways.base import utc_now
from pathways.commands.acting import read_settings
from pathways.database import Database
from pathways.drafts import actions as drafts
from pathways.jobseekers.models import PersonKey
from pathways.key_checks import SETTINGS, CheckValues, KeyCheck, KeyState, WrongKey
from pathways.settings import Settings
from pathways.shortlists import index
from pathways.sign_in import codes, providers
from pathways.sign_in.schemas import NewProvider
from pathways.vault import Vault
from tests.conftest import Stage
from tests.intake import referral_file
from tests.pathways.test_backup import pathways
from tests.work import working
from tests.world import World

pytestmark = pytest.mark.any_database

OTHER = {name: f"another-{name.replace('_', '-')}-of-43-characters-000000"[:43] for name in SETTINGS}
KINDS = [*SETTINGS, "both"]


def changed(settings: Settings, kind: str) -> Settings:
    """The settings with one wrong key, or two."""
    names = list(SETTINGS) if kind == "both" else [kind]
    keys = {name: getattr(settings, name).get_secret_value() for name in SETTINGS} | {n: OTHER[n] for n in names}
    others = settings.model_dump(exclude=set(SETTINGS))
    return Settings(_env_file=None, **others, **keys)


def contents(database: Database) -> dict[str, list[str]]:
    """Every row of every table, read past the sessions."""
    with database.engine.connect() as connection:
        return {t.name: sorted(map(repr, connection.execute(select(t)).all())) for t in METADATA.sorted_tables}


def filled(client, world: World) -> None:
    """Something encrypted in every column that can be."""
    working(client, world, weeks=1, nino="QQ224466C", nhs_number="9991234500")
    person, _ = world.supported(nino="QQ123457C", nhs_number="9991234519")
    exclusion = {"kind": "person", "who": "rex@example.org", "reason": "violence"}
    said = client.post(
        f"/api/v1/jobseekers/{person}/safety-exclusions", headers=world.key("caseworker"), json=exclusion
    )
    assert said.status_code in {200, 201}, said.text
    made = client.post("/api/v1/webhooks", headers=world.key("administrator"), json={"url": "https://example.org/in"})
    assert made.status_code == 201, made.text
    file = {"file": ("r.csv", referral_file(2), "text/csv")}
    sent = client.post("/api/v1/referrals/imports?dry_run=true", headers=world.key("manager"), files=file)
    assert sent.status_code in {200, 201, 202}, sent.text
    member = world.actors["caseworker"]
    with world.database.writing(None) as session:
        codes.begin(session, member.user_id, utc_now())
        new = NewProvider(issuer="http://127.0.0.1:1", client_id="a", client_secret="b", email_domain="example.org")
        made = providers.add(session, new, member.organisation_id, utc_now())
        session.flush()
        providers.begin(session, providers.known(session, made.id), "/", utc_now())
        drafts.save(session, member.membership_id, "/refer", {"given_name": ["Amina"]}, utc_now())


def forgotten(database: Database) -> None:
    """Make the database one of the time before check values."""
    with database.engine.begin() as connection:
        connection.execute(delete(KeyCheck))


# Commands.


def leaves(command: Any, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        return [(path, command)]
    return [leaf for name, child in inner.items() for leaf in leaves(child, (*path, name))]


COMMANDS = leaves(get_command(cli.cli))
VALUES = {
    "month": "2026-10",
    "import_id": "0199c5a1-8c3e-7b6e-a1f0-2f4c5d6e7f80",
    "kind": "referrals",
    "reason": "The figures were wrong.",
}
# Compares files with their manifest; writes a template from the columns that the program reads.
NO_DATABASE = {("export", "verify"), ("import", "template")}


def arguments(command: Any, folder: Path, path: tuple[str, ...]) -> list[str]:
    """Return a value for everything the command needs."""
    words: list[str] = []
    for parameter in command.params:
        if not parameter.required:
            continue
        kind = parameter.type_descriptor.annotation
        if kind is Path:
            value = str(folder / ("new.backup" if path == ("db", "backup") else "file.backup"))
        else:
            value = "1" if kind in {int, float} else VALUES.get(parameter.name, "x")
        words += [value] if parameter.param_type_name == "argument" else [parameter.opts[0], value]
    return words


@pytest.fixture(scope="module")
def served_folder(tmp_path_factory):
    """A folder with a database, its backup and a little in it."""
    folder = tmp_path_factory.mktemp("served")
    for step in (
        ("db", "upgrade"),
        ("demo", "load", "--jobseekers", "3", "--placements", "2", "--months", "1"),
        ("db", "backup", "file.backup"),
    ):
        done = pathways(folder, *step)
        assert done.returncode == 0, done.stderr
    return folder


def run(monkeypatch, capsys, folder: Path, words: list[str], **environment: str) -> tuple[int, str]:
    """Run a command in this process and return its exit code and what it said."""
    for name in list(os.environ):
        if name.startswith("PATHWAYS_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PATHWAYS_DATABASE_URL", f"sqlite:///{folder}/cli.db")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "argv", ["pathways", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize("path", [path for path, _ in COMMANDS], ids=" ".join)
@pytest.mark.parametrize("kind", [*KINDS, "missing"])
def test_every_command_refuses_a_wrong_or_missing_key(served_folder, monkeypatch, capsys, tmp_path, path, kind):
    words = [*path, *arguments(dict(COMMANDS)[path], served_folder, path)]
    before = (served_folder / "cli.db").read_bytes()
    monkeypatch.chdir(tmp_path if kind == "missing" else served_folder)
    names = SETTINGS if kind in {"both", "missing"} else {kind: SETTINGS[kind]}
    environment = {} if kind == "missing" else {SETTINGS[name]: OTHER[name] for name in names}
    code, said = run(monkeypatch, capsys, served_folder, words, **environment)
    if path in NO_DATABASE:  # it goes on as far as its own work, and touches neither the database nor the keys
        assert "key" not in said.lower(), said
        assert (served_folder / "cli.db").read_bytes() == before
        assert not (tmp_path / "var").exists()
        return
    assert (code, said.count("\n"), said[:7]) == (1, 1, "Error: "), said
    assert all(setting in said for setting in names.values()), said
    assert "Nothing was changed." in said
    assert (served_folder / "cli.db").read_bytes() == before
    assert not (served_folder / "new.backup").exists()
    assert not (tmp_path / "var" / "secrets.env").exists()  # keys that were made for nothing would mislead


def test_the_walk_meets_the_whole_command_table():
    assert len(COMMANDS) > 40
    assert {path for path, _ in COMMANDS} >= {("serve",), ("worker",), ("daily",), ("db", "restore"), *NO_DATABASE}


@pytest.mark.parametrize("key", ["!" * 40, "a" * 33, "ü" * 40, "short"])
def test_an_encryption_key_that_is_none_is_refused_in_a_sentence(tmp_path, monkeypatch, capsys, key):
    monkeypatch.chdir(tmp_path)
    code, said = run(monkeypatch, capsys, tmp_path, ["users", "list"], PATHWAYS_ENCRYPTION_KEY=key)
    assert (code, said.count("\n"), "PATHWAYS_ENCRYPTION_KEY must" in said) == (1, 1, True), said


def test_a_key_that_is_missing_in_production_is_refused_and_none_is_made(served_folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, said = run(monkeypatch, capsys, served_folder, ["users", "list"], PATHWAYS_ENVIRONMENT="production")
    assert (code, "PATHWAYS_HASH_KEY" in said) == (1, True)
    assert not (tmp_path / "var").exists()


def test_a_fresh_folder_gets_keys_and_says_that_they_could_not_be_proved(tmp_path):
    first = pathways(tmp_path, "db", "upgrade")
    assert "PATHWAYS_ENCRYPTION_KEY and PATHWAYS_HASH_KEY could not be proved" in first.stdout
    assert pathways(tmp_path, "db", "upgrade").stdout == "The database is up to date.\n"
    checked = pathways(tmp_path, "db", "check").stdout
    assert "The hash key has the id " in checked
    secret = read_settings_of(tmp_path)
    assert secret.hash_key.get_secret_value() not in checked


def read_settings_of(folder: Path) -> Settings:
    return Settings(_env_file=folder / "var" / "secrets.env")


# The running service.


@pytest.fixture(params=KINDS)
def misled(request, stage: Stage, world: World):
    """The database, opened with a wrong key."""
    settings = changed(stage.settings, request.param)
    database = Database.of(settings)
    yield settings, database
    database.close()


def test_no_session_opens_with_a_wrong_key(misled, world: World):
    _, database = misled
    doors = (
        database.reading,
        lambda: database.reading(newest=True),
        database.reading_publicly,
        lambda: database.writing(world.operator),
        lambda: database.rehearsing(world.operator),
    )
    for door in doors:
        with pytest.raises(WrongKey), door():
            pytest.fail("A session was opened.")


def test_every_background_loop_refuses_a_wrong_key(misled, stage: Stage):
    settings, database = misled
    before = contents(stage.database)
    loops = create_app(settings, database).state.loops
    assert len(loops) > 6
    for loop in loops:
        with pytest.raises(WrongKey):
            loop.run(threading.Event())
    assert contents(stage.database) == before


def test_readiness_is_false_and_requests_are_refused(misled, stage: Stage, world: World):
    settings, database = misled
    before = contents(stage.database)
    client = TestClient(create_app(settings, database))
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json()["status"], ready.json()["keys"]) == (503, "not ready", "wrong")
    for method, path in (
        ("GET", "/api/v1/jobseekers"),
        ("POST", "/api/v1/referrals"),
        ("GET", "/open-referral/services"),
    ):
        answer = client.request(method, path, headers=world.key("manager"), json={} if method == "POST" else None)
        if answer.status_code != 404:
            assert (answer.status_code, answer.json()["type"]) == (503, "/problems/wrong-key"), (path, answer.text)
    assert contents(stage.database) == before


def test_a_service_notices_that_the_database_became_another_ones(client, stage: Stage, world: World):
    database = Database.of(stage.settings)
    app = create_app(stage.settings, database)
    index.warm(database)
    assert TestClient(app).get("/health/ready").status_code == 200
    other = CheckValues.new(Database.of(changed(stage.settings, "hash_key")).vault)
    forgotten(database)
    database.record_keys(other, utc_now())
    keys = next(loop for loop in app.state.loops if loop.name == "keys")
    with pytest.raises(WrongKey):
        keys.run(threading.Event())
    assert TestClient(app).get("/health/ready").json()["keys"] == "wrong"
    with pytest.raises(WrongKey), database.writing(world.operator):
        pytest.fail("A session was opened.")
    database.close()


def test_a_database_without_check_values_is_not_ready(stage: Stage):
    forgotten(stage.database)
    database = Database.of(stage.settings)
    assert database.key_state() is KeyState.NOT_RECORDED
    with pytest.raises(WrongKey, match="db upgrade"), database.reading():
        pytest.fail("A session was opened.")
    database.close()


# Recording the check values.


def test_the_key_of_an_older_database_is_proved_on_what_is_in_it(client, stage: Stage, world: World):
    filled(client, world)
    forgotten(stage.database)
    for kind in KINDS:
        database = Database.of(changed(stage.settings, kind))
        with pytest.raises(WrongKey, match="stored values"):
            migrate.upgrade(database)
        assert database.key_state() is KeyState.NOT_RECORDED
        database.close()
    assert migrate.upgrade(stage.database) == ""
    assert stage.database.key_state() is KeyState.RIGHT


def test_each_encrypted_column_alone_proves_the_key(client, stage: Stage, world: World):
    filled(client, world)
    columns = list(key_proof.sealed_columns())
    assert len(columns) >= 6
    with stage.database.reading() as session:
        for column in columns:
            rows = session.execute(select(column.table.c.id, column).where(column.is_not(None))).all()
            assert rows, f"{column} is encrypted and was not tried: fill it here, and name its place in key_proof.py"
            for row_id, sealed in rows:
                session.vault.open(sealed, place=key_proof.place_of(column, row_id))


@pytest.mark.parametrize("left", ["person_keys", "identifiers"])
def test_either_kind_of_hash_alone_proves_the_hash_key(client, stage: Stage, world: World, left: str):
    world.supported(nino="QQ224466C" if left == "identifiers" else None)
    if left == "identifiers":
        with stage.database.engine.begin() as connection:
            connection.execute(delete(PersonKey))
    forgotten(stage.database)
    wrong = Database.of(changed(stage.settings, "hash_key"))
    with pytest.raises(WrongKey, match="PATHWAYS_HASH_KEY"):
        key_proof.settle(wrong)
    wrong.close()
    assert "HASH" not in key_proof.settle(stage.database)


def test_with_nothing_to_prove_it_says_so(stage: Stage):
    forgotten(stage.database)
    said = key_proof.settle(stage.database)
    assert said.startswith("PATHWAYS_ENCRYPTION_KEY and PATHWAYS_HASH_KEY could not be proved")
    assert key_proof.settle(stage.database) == ""


def test_a_few_damaged_values_do_not_lock_the_owner_out(client, stage: Stage, world: World):
    for number in range(4):
        world.supported(ref=f"R{number}", nino=f"QQ12345{number}C")
    forgotten(stage.database)
    table = METADATA.tables["referral_snapshots"]
    with stage.database.engine.begin() as connection:
        first = connection.execute(select(table.c.id).order_by(table.c.id).limit(1)).scalar_one()
        broken = table.update().where(table.c.id == first).values(nino_sealed="v1:k1:AAAA")
        _past_triggers(connection, broken)
    assert "1 of the stored values" in key_proof.settle(stage.database)


def _past_triggers(connection: Any, statement: Any) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL session_replication_role = replica"))
    connection.execute(statement)


@pytest.mark.parametrize(
    "kinds", [("right", "right"), ("right", "both"), ("both", "both"), ("hash_key", "encryption_key")]
)
def test_of_two_services_that_start_at_once_one_pair_of_keys_remains(stage: Stage, kinds):
    forgotten(stage.database)
    databases = [Database.of(stage.settings if k == "right" else changed(stage.settings, k)) for k in kinds]
    together = threading.Barrier(2)

    def start(database: Database) -> bool:
        together.wait()
        try:
            key_proof.settle(database)
        except WrongKey:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        started = list(pool.map(start, databases))
    states = [database.key_state() is KeyState.RIGHT for database in databases]
    assert started == states
    assert states.count(True) == (2 if kinds[0] == kinds[1] else 1)
    for database in databases:
        database.close()


def test_a_check_value_says_nothing_about_the_key_nor_links_two_databases():
    key = urlsafe_b64encode(bytes(range(32))).decode()
    vault = Vault(key, key)
    values, again = CheckValues.new(vault), CheckValues.new(vault)
    found = [*values.values.values(), *again.values.values()]
    assert len(set(found)) == 4  # the same key, other salts and other uses
    assert values.wrong(vault) == []
    assert vault.fingerprint("check", values.salt.hex())[:32] not in found


def test_settings_are_read_from_the_folder_of_the_database(served_folder, monkeypatch):
    monkeypatch.chdir(served_folder)
    monkeypatch.setenv("PATHWAYS_DATABASE_URL", f"sqlite:///{served_folder}/cli.db")
    database = Database.of(read_settings())
    assert database.key_state() is KeyState.RIGHT
    database.close()
