"""A restore validates a copy, refuses while anything runs, keeps what was there, and swaps at the end or not at all."""

import hashlib
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from shutil import which
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat
from sqlalchemy import func, select, text

from pathways import consistency, in_use, migrate
from pathways.backups import sealed
from pathways.backups.manifest import BackupManifest, KeysNeeded, ManifestEntry
from pathways.backups.restore import RestoreJob, restore
from pathways.backups.unpack import unpack
from pathways.backups.write import write
from pathways.base import utc_now
from pathways.database import Database
from pathways.errors import DomainError
from pathways.jobseekers.models import Jobseeker
from pathways.key_checks import CheckValues
from pathways.vault import Vault
from tests import launched
from tests.conftest import Stage
from tests.pathways import test_documents
from tests.pathways.test_backup import pathways, small_disk
from tests.pathways.test_documents import PDF, folder_of, upload
from tests.pathways.test_encryption_keys import changed
from tests.served import environment_of, served
from tests.world import World

item = test_documents.item  # the fixture


def people(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Jobseeker)).one()


def database_file(stage: Stage) -> Path:
    return Path(stage.database.engine.url.database)


@pytest.fixture
def cleared(stage: Stage) -> Iterator[None]:
    """Remove the databases that a test's restores kept."""
    yield
    stage.database.close()
    if stage.backend == "sqlite":
        for path in database_file(stage).parent.glob("*.before-*"):
            path.unlink()


@pytest.fixture
def backup(stage: Stage, world: World, tmp_path, cleared) -> Path:
    """A backup of a database with one person; then a second person comes."""
    world.supported(ref="A")
    file = tmp_path / "a.backup"
    write(stage.database, file)
    world.supported(ref="B")
    return file


def refused(job: RestoreJob, match: str = ".") -> str:
    """Assert that a restore is refused in a sentence and that both people are there afterwards, and nothing else."""
    is_sqlite = job.database.is_sqlite
    folder = Path(job.database.engine.url.database).parent if is_sqlite else None
    before = sorted(path.name for path in folder.iterdir()) if folder else databases(job.database)
    with pytest.raises(DomainError, match=match) as wrong:
        restore(job)
    assert people(job.database) == 2
    job.database.close()
    after = sorted(path.name for path in folder.iterdir()) if folder else databases(job.database)
    assert {name for name in after if not name.endswith((".lock", "-wal", "-shm"))} <= set(before)
    assert wrong.value.detail.count("\n") == 0
    return wrong.value.detail


def databases(database: Database) -> list[str]:
    with database.engine.connect() as connection:
        return list(connection.execute(text("SELECT datname FROM pg_database ORDER BY 1")).scalars())


# What comes back.


def test_what_was_there_comes_back_and_what_was_replaced_is_kept(stage: Stage, backup: Path):
    done = restore(RestoreJob(stage.database, backup))
    assert people(stage.database) == 1
    with stage.database.reading() as session:
        assert consistency.faults(session) == []
    url = stage.database.engine.url
    kept = url.set(database=done.kept)
    old = Database(kept.render_as_string(hide_password=False), stage.database.vault)
    assert people(old) == 2
    old.close()
    if stage.backend == "sqlite":
        assert (database_file(stage).stat().st_mode & 0o777) == (Path(done.kept).stat().st_mode & 0o777)


def test_documents_come_back_and_those_that_are_there_stay(
    client, stage: Stage, world: World, item: str, tmp_path, cleared
):
    before = set(folder_of(stage))
    upload(client, world, item, PDF)
    (stored,) = set(folder_of(stage)) - before
    write(stage.database, tmp_path / "x")
    for spoil in (stored.unlink, lambda: stored.write_bytes(b"spoilt"), lambda: None):
        spoil()
        done = restore(RestoreJob(stage.database, tmp_path / "x"))
        assert client.get(f"/api/v1/evidence/{item}/document", headers=world.key("manager")).content == PDF
    assert done.documents_added == 0


def test_a_backup_is_restored_where_nothing_was(stage: Stage, backup: Path, tmp_path):
    if stage.backend == "postgresql":
        pytest.skip("A PostgreSQL database must exist before the service can name it.")
    fresh = Database(f"sqlite:///{tmp_path}/fresh/new.db", stage.database.vault, documents=stage.database.documents)
    done = restore(RestoreJob(fresh, backup))
    assert (done.kept, people(fresh)) == (None, 1)
    assert oct((tmp_path / "fresh" / "new.db").stat().st_mode)[-3:] == "600"
    fresh.close()


def test_a_bare_copy_of_an_earlier_version_is_upgraded_and_proved(stage: Stage, world: World, tmp_path, cleared):
    """Version 0.3.0 wrote the database alone, without check values."""
    world.supported(ref="A", nino="QQ224466C")
    bare = tmp_path / "old"
    migrate.downgrade(stage.database, "5d0e7c41b9a2")  # the migration before the check values
    if stage.backend == "sqlite":
        with closing(sqlite3.connect(database_file(stage))) as origin, closing(sqlite3.connect(bare)) as copy:
            origin.backup(copy)
    else:
        url = stage.database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        subprocess.run([which("pg_dump"), "--format=custom", f"--file={bare}", f"--dbname={url}"], check=True)
    try:
        wrong = Database.of(changed(stage.settings, "hash_key"))
        stage.database.close()  # a restore refuses while another process has a session
        with pytest.raises(DomainError, match="PATHWAYS_HASH_KEY is not the key"):
            restore(RestoreJob(wrong, bare, accept_unproved=True))
        wrong.close()
        restore(RestoreJob(stage.database, bare, accept_unproved=True))
        assert people(stage.database) == 1
    finally:
        migrate.upgrade(stage.database)  # whatever happened: the next test needs the newest version


@pytest.mark.parametrize("damage", ["text", "pages", "empty", "gone"])
def test_a_damaged_database_is_replaced_and_its_log_is_not_applied_to_the_copy(prepared: Path, tmp_path, damage: str):
    folder = Path(shutil.copytree(prepared, tmp_path / "copy"))
    file = folder / "cli.db"
    with closing(sqlite3.connect(file)) as connection:  # a whole log of the old database, as after a crash
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("UPDATE users SET name = 'Walter'")
        connection.commit()
        log = Path(f"{file}-wal").read_bytes()
    whole = file.read_bytes()
    file.write_bytes(
        {"text": b"not a database", "pages": whole[:8192] + os.urandom(8192), "empty": b""}.get(damage, b"")
    )
    if damage == "gone":
        file.unlink()
    Path(f"{file}-wal").write_bytes(log)
    done = pathways(folder, "db", "restore", "one")
    assert done.returncode == 0, done.stderr
    assert _users(file) == 0
    assert pathways(folder, "db", "check").returncode == 0
    assert ("cli.db.before-" in done.stdout) == (damage != "gone")


# What is refused.


@pytest.mark.parametrize("kind", ["encryption_key", "hash_key", "both"])
def test_a_backup_of_other_keys_is_refused(stage: Stage, backup: Path, kind: str):
    wrong = Database.of(changed(stage.settings, kind))
    with pytest.raises(DomainError, match="this backup"):
        restore(RestoreJob(wrong, backup))
    wrong.close()
    assert people(stage.database) == 2


def rewritten(stage: Stage, backup: Path, to: Path, change: Callable[[dict[str, Any], dict[str, bytes]], None]) -> Path:
    """A backup that somebody who has the keys changed, with a right authentication code."""
    with zipfile.ZipFile(backup) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members.pop("manifest.json"))
    members.pop("manifest.hmac")
    change(manifest, members)
    content = json.dumps(manifest).encode()
    members |= {"manifest.json": content, "manifest.hmac": stage.database.vault.authentication_code(content).encode()}
    with zipfile.ZipFile(to, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return to


def entry(name: str, body: bytes) -> dict[str, Any]:
    return {"name": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}


def _set(name: str, value: object) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    return lambda manifest, _: manifest.__setitem__(name, value)


def _document(name: str) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["documents"] = [entry(name, b"x")]
        members[f"documents/{name}"] = b"x"

    return change


def _database(body: bytes) -> Callable[[dict[str, Any], dict[str, bytes]], None]:
    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        manifest["database"] = entry("database", body)
        members["database"] = body

    return change


CHANGES = {
    "another product": (_set("product", "gangways"), "not a backup of Pathways"),
    "a newer form": (_set("format", 2), "newer version"),
    "no form": (_set("format", "one"), "manifest cannot be read"),
    "no time": (_set("made_at", "yesterday"), "manifest cannot be read"),
    "no database": (lambda _, members: members.pop("database"), "exactly the files"),
    "another file": (lambda _, members: members.__setitem__("more", b"x"), "exactly the files"),
    "a file that leads up": (_document("../../up"), "manifest cannot be read"),
    "a file at the root": (_document("/etc/passwd"), "manifest cannot be read"),
    "a file with a drive": (_document("C:\\up"), "manifest cannot be read"),
    "a file up, unnamed": (lambda _, members: members.__setitem__("../up", b"x"), "exactly the files"),
    "an empty database": (_database(b""), "."),
    "a text": (_database(b"no database at all"), "."),
    "another database": (_database(b"SQLite format 3\x00" + bytes(4096)), "."),
}


@pytest.mark.parametrize("named", CHANGES)
def test_a_backup_that_is_not_what_it_should_be_is_refused(stage: Stage, backup: Path, tmp_path, named: str):
    change, match = CHANGES[named]
    refused(RestoreJob(stage.database, rewritten(stage, backup, tmp_path / "changed", change)), match)
    assert not (tmp_path.parent / "up").exists()


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"PK\x03\x04", b"PGDMP", b"SQLite format 3\x00", sealed.MAGIC, b"%PDF-"]
)
def test_a_file_that_only_begins_like_a_backup_is_refused(stage: Stage, backup: Path, tmp_path, content: bytes):
    file = tmp_path / "begins"
    file.write_bytes(content)
    refused(RestoreJob(stage.database, file, X25519PrivateKey.generate))
    refused(RestoreJob(stage.database, tmp_path / "nowhere"), "There is no file")


def in_the_copy(stage: Stage, backup: Path, to: Path, statements: list[str]) -> Path:
    """A backup whose SQLite database was changed by statements."""

    def change(manifest: dict[str, Any], members: dict[str, bytes]) -> None:
        file = to.with_suffix(".db")
        file.write_bytes(members["database"])
        with closing(sqlite3.connect(file)) as connection:
            for statement in statements:
                connection.execute(statement)
            connection.commit()
        _database(file.read_bytes())(manifest, members)

    return rewritten(stage, backup, to, change)


WRONG_DATABASES = {
    "newer": (["UPDATE alembic_version SET version_num = 'ffffffffffff'"], "newer version"),
    "no version": (["DELETE FROM alembic_version"], "no database of Pathways"),
    "no tables": (["DROP TABLE alembic_version"], "no database of Pathways"),
    "rows that point to nothing": (
        ["PRAGMA foreign_keys = OFF", "UPDATE jobseekers SET partner_id = X'00' WHERE 1"],
        "missing rows",
    ),
    "incoherent": (["UPDATE jobseekers SET state = 'referred'"], "inconsistencies"),
    "other keys": (["UPDATE key_checks SET hash_key = 'ab'"], "PATHWAYS_HASH_KEY is not the key"),
}


@pytest.mark.parametrize("named", WRONG_DATABASES)
def test_a_database_that_must_not_be_used_is_found_on_the_copy(stage: Stage, backup: Path, tmp_path, named: str):
    if stage.backend == "postgresql":
        pytest.skip("The same checks, on a copy that is easily changed.")
    statements, match = WRONG_DATABASES[named]
    file = in_the_copy(stage, backup, tmp_path / "wrong", statements)
    refused(RestoreJob(stage.database, file), match)
    if named == "incoherent":
        assert restore(RestoreJob(stage.database, file, accept_faults=True)).faults > 0
        assert people(stage.database) == 1


def test_an_incoherent_postgresql_backup_is_refused(stage: Stage, world: World, tmp_path):
    world.supported(ref="A")
    world.supported(ref="B")
    with stage.database.engine.begin() as connection:
        connection.execute(text("UPDATE jobseekers SET caseworker_id = NULL"))
    write(stage.database, tmp_path / "x")
    refused(RestoreJob(stage.database, tmp_path / "x"), r"inconsistencies, the first: .*--accept-faults")


def test_a_backup_of_the_other_kind_of_database_is_refused(stage: Stage, backup: Path, tmp_path):
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[stage.backend]
    file = rewritten(stage, backup, tmp_path / "other", _set("backend", other))
    refused(RestoreJob(stage.database, file), "PATHWAYS_DATABASE_URL names")


def test_one_changed_or_missing_byte_anywhere_is_found(stage: Stage, backup: Path, tmp_path):
    whole, dice = backup.read_bytes(), random.Random(17)
    vault, found = stage.database.vault, 0
    for _ in range(120):
        at = dice.randrange(len(whole))
        spoilt = bytearray(whole)
        if dice.random() < 0.3:
            del spoilt[at:]
        else:
            spoilt[at] ^= 1 << dice.randrange(8)
        file, work = tmp_path / "spoilt", tmp_path / "work"
        file.write_bytes(spoilt)
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        try:
            unpacked = unpack(file, work, vault, None)
        except DomainError:
            found += 1
        else:  # a byte that carries nothing: a time stamp or a flag of the archive
            assert hashlib.sha256(unpacked.database.read_bytes()).hexdigest() == unpacked.manifest.database.sha256
    assert found > 100


def test_somebody_without_the_key_cannot_make_a_backup_that_is_accepted(stage: Stage, backup: Path, tmp_path):
    """Not even with a right manifest and right hashes."""
    body = b"SQLite format 3\x00"
    manifest = BackupManifest(
        version="0.3.0",
        made_at=utc_now(),
        backend=stage.backend,
        revision="x",
        keys=KeysNeeded.of(CheckValues.new(stage.database.vault)),
        database=ManifestEntry(**entry("database", body)),
        documents=(),
        missing_documents=(),
    ).as_bytes()
    with zipfile.ZipFile(tmp_path / "made", "w") as archive:
        for name, content in (("database", body), ("manifest.json", manifest), ("manifest.hmac", b"0" * 64)):
            archive.writestr(name, content)
    refused(RestoreJob(stage.database, tmp_path / "made"), "manifest was altered")


def test_a_full_disk_is_found_before_anything_is_changed(stage: Stage, backup: Path, tmp_path):
    if stage.backend == "postgresql":
        pytest.skip("The disk of a PostgreSQL server is not ours to measure.")
    with small_disk(tmp_path / "small", "1m") as folder:
        small = Database(f"sqlite:///{folder}/new.db", stage.database.vault)
        with pytest.raises(DomainError, match=r"are needed in .*, but .* are free"):
            restore(RestoreJob(small, backup))
        small.close()
        assert {path.name for path in folder.iterdir()} <= {"new.db.lock"}


# Sealed backups.


@pytest.fixture
def sealed_backup(stage: Stage, world: World, tmp_path, cleared) -> tuple[Path, X25519PrivateKey]:
    world.supported(ref="A")
    key = X25519PrivateKey.generate()
    write(stage.database, tmp_path / "sealed", key.public_key())
    world.supported(ref="B")
    return tmp_path / "sealed", key


def test_a_sealed_backup_opens_with_the_private_key_and_no_other(stage: Stage, sealed_backup):
    file, key = sealed_backup
    refused(RestoreJob(stage.database, file), "--private-key")
    refused(RestoreJob(stage.database, file, X25519PrivateKey.generate), "sealed to the key")
    restore(RestoreJob(stage.database, file, lambda: key))
    assert people(stage.database) == 1


def test_a_sealed_backup_that_was_altered_or_cut_off_is_refused(stage: Stage, sealed_backup, tmp_path):
    file, key = sealed_backup
    whole, dice = file.read_bytes(), random.Random(17)
    start = len(sealed.MAGIC)
    cuts = [start, start + 5, len(whole) - 1, len(whole) - 16, whole.index(b"\n", start) + 1]
    cuts.append(whole.index(b"\n", start) + 1 + sealed.CHUNK_BYTES + sealed.TAG_BYTES)  # after a whole chunk
    spoilt = [whole[:cut] for cut in cuts if cut < len(whole)] + [whole + b"x"]
    for _ in range(40):
        at = dice.randrange(start, len(whole))
        spoilt.append(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    for content in spoilt:
        with pytest.raises(sealed.SealBroken):
            (tmp_path / "spoilt").write_bytes(content)
            sealed.unseal(tmp_path / "spoilt", key, io.BytesIO())


@pytest.mark.parametrize("passphrase", [None, "six random words"])
def test_the_private_key_is_a_file_with_or_without_a_passphrase(tmp_path, passphrase: str | None):
    key, file = X25519PrivateKey.generate(), tmp_path / "private.pem"
    locked = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    file.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked))
    assert sealed.private_key_of(file, lambda: passphrase or "").private_bytes_raw() == key.private_bytes_raw()
    if passphrase:
        with pytest.raises(DomainError, match="--private-key"):
            sealed.private_key_of(file, lambda: "wrong")


def test_the_command_line_seals_and_restores(tmp_path, monkeypatch):
    key = X25519PrivateKey.generate()
    (tmp_path / "private.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.chdir(tmp_path)
    done = subprocess.run(
        ["openssl", "pkey", "-in", "private.pem", "-pubout", "-out", "recipient.pem"], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("openssl is not installed.")
    assert pathways(tmp_path, "db", "upgrade").returncode == 0
    secrets = tmp_path / "var" / "secrets.env"
    secrets.write_text(secrets.read_text() + "PATHWAYS_BACKUP_RECIPIENT=recipient.pem\n")
    made = pathways(tmp_path, "db", "backup", "x")
    assert made.returncode == 0, made.stderr
    assert "It is not sealed" not in made.stdout
    without = pathways(tmp_path, "db", "restore", "x")
    assert (without.returncode, without.stderr.count("\n"), "--private-key" in without.stderr) == (1, 1, True)
    restored = pathways(tmp_path, "db", "restore", "x", "--private-key", "private.pem")
    assert restored.returncode == 0, restored.stderr
    assert "cli.db.before-" in restored.stdout


# While something runs.


def test_a_restore_is_refused_while_the_service_runs_and_allowed_after_it_was_killed(
    stage: Stage, backup: Path, tmp_path
):
    stage.database.close()
    environment = environment_of(stage.settings)
    with served(stage.settings, tmp_path / "log"):
        refused(RestoreJob(stage.database, backup), "Stop it")
    with running(["worker"], environment, tmp_path) as worker:
        refused(RestoreJob(stage.database, backup), "Stop it")
        worker.send_signal(signal.SIGKILL)
        worker.wait(15)
        _when_free(lambda: restore(RestoreJob(stage.database, backup)))
    assert people(stage.database) == 1


@contextmanager
def running(command: list[str], environment: dict[str, str], folder: Path) -> Iterator[launched.Launched]:
    """Run a command, once it has its lock."""
    process = launched.start(command, environment, folder, folder / "worker.log")
    try:
        until = time.monotonic() + 60
        while time.monotonic() < until and process.poll() is None and not _has_lock(process.pid, environment):
            time.sleep(0.05)
        assert process.poll() is None, (folder / "worker.log").read_text()
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        process.wait(15)


def _has_lock(pid: int, environment: dict[str, str]) -> bool:
    """Without taking a lock, which would turn the process away."""
    url = environment["PATHWAYS_DATABASE_URL"]
    if url.startswith("sqlite"):
        with suppress(OSError):
            return any(str(path.readlink()).endswith(".lock") for path in Path(f"/proc/{pid}/fd").iterdir())
        return False
    with psycopg.connect(url) as connection:
        locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s AND granted"
        return connection.execute(locks, [in_use.ADVISORY_LOCK]).fetchone()[0] > 0


def _when_free(act: Callable[[], object]) -> None:
    """PostgreSQL notices the end of a killed client a moment later."""
    for _ in range(50):
        with suppress(in_use.DatabaseInUse):
            act()
            return
        time.sleep(0.1)
    act()


def test_while_a_restore_runs_no_command_starts(stage: Stage, tmp_path):
    environment = environment_of(stage.settings)
    with in_use.using(stage.database, alone=True):
        done = launched.run(["users", "list"], environment, tmp_path)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
    assert "is being restored" in done.stderr


def test_a_program_without_our_lock_is_noticed_too(stage: Stage, backup: Path):
    """A database browser, or a service of an earlier version."""
    url = stage.database.engine.url
    other = Database(url.render_as_string(hide_password=False), stage.database.vault)
    with other.engine.connect() as connection:
        connection.execute(select(func.count()).select_from(Jobseeker))
        refused(RestoreJob(stage.database, backup), "Stop it")
    other.close()


# Killed at each step.

KILLED = """
import os, sys
events, at = [0], int(sys.argv.pop(1))
WATCHED = {"open", "os.rename", "os.link", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "sqlite3.connect"}
folder = sys.argv.pop(1)

def watch(event, arguments):
    if event in WATCHED and arguments and folder in str(arguments[0]):
        events[0] += 1
        if events[0] == at:
            os.kill(os.getpid(), 9)

sys.addaudithook(watch)
from pathways.cli import main
try:
    main()
finally:
    print("steps", events[0], file=sys.stderr)
"""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("killed")
    for step in (
        ("db", "upgrade"),
        ("db", "backup", "one"),
        ("users", "create", "--name", "Wanda", "--email", "wanda@example.org"),
    ):
        done = pathways(folder, *step)
        assert done.returncode == 0, done.stderr
    return folder


def _some_of(steps: int) -> list[int]:
    """Every step where the proofs run at full size; else some, and the last twelve, where the swap is."""
    every = 1 if os.environ.get("PATHWAYS_PROVE") else max(1, steps // 6)
    return sorted({*range(1, steps + 1, every), *range(max(1, steps - 11), steps + 1)})


def _killed(folder: Path, at: int, *words: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PATHWAYS_")}
    environment["PATHWAYS_DATABASE_URL"] = f"sqlite:///{folder}/cli.db"
    return launched.run([str(at), str(folder), *words], environment, folder, program=KILLED)


def _users(file: Path) -> int:
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return connection.execute("SELECT count(*) FROM users WHERE email = 'wanda@example.org'").fetchone()[0]


def test_a_restore_that_is_killed_at_any_step_leaves_one_whole_database(prepared: Path, tmp_path):
    def fresh(name: str) -> Path:
        return Path(shutil.copytree(prepared, tmp_path / name))

    whole = _killed(fresh("whole"), 0, "db", "restore", "one")
    assert whole.returncode == 0, whole.stderr
    steps = int(whole.stderr.split("steps ")[1])
    assert steps > 10
    assert _users(tmp_path / "whole" / "cli.db") == 0
    states = []
    for at in _some_of(steps):
        folder = fresh(f"at{at}")
        done = _killed(folder, at, "db", "restore", "one")
        assert done.returncode == -signal.SIGKILL
        states.append(_users(folder / "cli.db"))
        for kept in folder.glob("cli.db.before-*"):
            assert _users(kept) == 1
        database = Database(f"sqlite:///{folder}/cli.db", Vault("-" * 32, "-" * 32))
        with closing(database), in_use.using(database, alone=True):  # the lock of the killed process is gone
            pass
        shutil.rmtree(folder)
    assert states == sorted(states, reverse=True)  # the old one until the swap, the restored one after it
    assert set(states) == {0, 1}


def test_a_backup_that_is_killed_leaves_no_file_of_its_name_or_a_whole_one(prepared: Path, tmp_path):
    folder = Path(shutil.copytree(prepared, tmp_path / "copy"))
    steps = int(_killed(folder, 0, "db", "backup", "whole").stderr.split("steps ")[1])
    for at in _some_of(steps):
        done = _killed(folder, at, "db", "backup", "two")
        assert done.returncode == -signal.SIGKILL
        if (folder / "two").exists():
            assert zipfile.ZipFile(folder / "two").testzip() is None
            (folder / "two").unlink()
    for path in folder.glob(".two.*.part"):
        assert oct(path.stat().st_mode)[-3:] == "600"


# Documents of a restore that is refused at the end.


class Interrupting:
    """A document store during whose work somebody does something to the database."""

    def __init__(self, store: Any, act: Callable[[], None]) -> None:
        self.store, self.act = store, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def put(self, key: str, content: bytes) -> None:
        self.store.put(key, content)
        self.act()


def test_a_restore_that_is_refused_at_the_swap_leaves_no_document(
    client, stage: Stage, world: World, item: str, tmp_path, cleared
):
    before = set(folder_of(stage))
    upload(client, world, item, PDF)
    (stored,) = set(folder_of(stage)) - before
    write(stage.database, tmp_path / "x")
    stored.unlink()
    url, own, connections = stage.database.engine.url, stage.database.documents, []

    def come() -> None:
        """On PostgreSQL somebody connects; on SQLite the copy is lost."""
        if stage.backend == "postgresql":
            plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
            connections.append(psycopg.connect(plain))
        else:
            for copy in database_file(stage).parent.glob(".restore-*/**/*"):
                copy.unlink(missing_ok=True) if copy.is_file() else None

    stage.database.documents = Interrupting(own, come)
    try:
        with pytest.raises(DomainError):
            restore(RestoreJob(stage.database, tmp_path / "x"))
    finally:
        stage.database.documents = own
        for connection in connections:
            connection.close()
    assert set(folder_of(stage)) == before
    restore(RestoreJob(stage.database, tmp_path / "x"))
    assert stored.exists()
