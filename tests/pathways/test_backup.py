"""A backup of a database in use is whole, private and says which keys it needs; and the command line's first steps."""

import json
import os
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pathways import document_faults
from pathways.backups.sealed import is_sealed, recipient_of
from pathways.backups.write import write
from pathways.errors import DomainError
from pathways.key_checks import SETTINGS
from tests import launched
from tests.conftest import Stage
from tests.pathways import test_documents
from tests.pathways.test_documents import PDF, folder_of, upload
from tests.world import World

item = test_documents.item  # the fixture


def test_a_backup_holds_the_documents_and_names_the_keys_but_not_the_keys(
    client,
    stage: Stage,
    world: World,
    item: str,
    tmp_path,
):
    before = set(folder_of(stage))
    upload(client, world, item, PDF)
    (stored,) = set(folder_of(stage)) - before
    file = tmp_path / "monday.backup"
    with stage.database.writing(world.on("manager")):  # a writer is at work meanwhile
        done = write(stage.database, file)
    assert oct(file.stat().st_mode)[-3:] == "600"
    assert [path.name for path in tmp_path.iterdir()] == [file.name]  # nothing temporary is left
    with zipfile.ZipFile(file) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        (entry,) = manifest["documents"]
        assert archive.read(f"documents/{entry['name']}") == stored.read_bytes()
        everything = b"".join(archive.read(name) for name in archive.namelist())
    assert (manifest["product"], manifest["version"], done.documents, done.missing) == ("pathways", "0.3.0", 1, 0)
    for name in SETTINGS:
        assert manifest["keys"][name].startswith(done.keys[name])
        assert getattr(stage.settings, name).get_secret_value().encode() not in everything
    assert b"Amina" not in archive_documents(file)


def archive_documents(file: Path) -> bytes:
    with zipfile.ZipFile(file) as archive:
        return b"".join(archive.read(name) for name in archive.namelist() if name.startswith("documents/"))


def test_a_document_that_is_lost_does_not_keep_the_rest_from_being_saved(
    client,
    stage: Stage,
    world: World,
    item: str,
    tmp_path,
):
    before = set(folder_of(stage))
    upload(client, world, item, PDF)
    for path in set(folder_of(stage)) - before:
        path.unlink()
    assert write(stage.database, tmp_path / "x").missing == 1
    assert [fault.split(": ")[1] for fault in document_faults.faults(stage.database)] == [
        "its document is not in the document store. Restore it from a backup, or ask for it again."
    ]


@pytest.mark.parametrize("how", ["shortened", "another"])
def test_a_document_that_cannot_be_read_is_named_and_kept_as_it_is(client, stage: Stage, world, item, tmp_path, how):
    before = set(folder_of(stage))
    upload(client, world, item, PDF)
    assert list(document_faults.faults(stage.database)) == []
    (path,) = set(folder_of(stage)) - before
    garbled = path.read_bytes()[:-5] if how == "shortened" else os.urandom(200)
    path.write_bytes(garbled)
    (fault,) = document_faults.faults(stage.database)
    assert "is damaged" in fault
    done = write(stage.database, tmp_path / "x")
    assert (done.documents, done.missing, done.damaged) == (1, 0, 1)
    assert archive_documents(tmp_path / "x") == garbled


@pytest.mark.parametrize("place", ["there", "nowhere/x"])
def test_no_file_is_replaced_and_no_folder_invented(stage: Stage, tmp_path, place: str):
    (tmp_path / "there").write_text("a letter")
    with pytest.raises(DomainError, match=r"already exists|There is no folder"):
        write(stage.database, tmp_path / place)
    assert (tmp_path / "there").read_text() == "a letter"


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of its own, which only root can have."""
    if os.geteuid() != 0:
        pytest.skip("Only root can mount a small disk to fill.")
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=False)
    if done.returncode:
        pytest.skip("This machine does not let root mount a small disk.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_free_space_is_checked_before_anything_is_written(stage: Stage, tmp_path):
    with small_disk(tmp_path / "small", "1m") as folder:
        with pytest.raises(DomainError, match=r"are needed in .*, but .* are free"):
            write(stage.database, folder / "x")
        assert list(folder.iterdir()) == []


def test_a_disk_that_fills_meanwhile_leaves_nothing_and_says_so(
    client,
    stage: Stage,
    world: World,
    item: str,
    tmp_path,
):
    before = set(folder_of(stage))
    upload(client, world, item, PDF)
    for path in set(folder_of(stage)) - before:
        path.write_bytes(os.urandom(120_000_000))  # far larger than its row says
    with small_disk(tmp_path / "small", "100m") as folder:
        with pytest.raises(DomainError, match=r"disk became full.*The backup was not written"):
            write(stage.database, folder / "x")
        assert list(folder.iterdir()) == []


# Sealing.


def pem(key, folder: Path) -> Path:
    file = folder / "recipient.pem"
    file.write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return file


def test_a_sealed_backup_shows_only_which_keys_it_needs(stage: Stage, world: World, tmp_path):
    world.supported(ref="A")
    recipient = recipient_of(pem(X25519PrivateKey.generate().public_key(), tmp_path))
    file = tmp_path / "sealed"
    done = write(stage.database, file, recipient)
    content = file.read_bytes()
    assert done.is_sealed
    assert is_sealed(file)
    assert oct(file.stat().st_mode)[-3:] == "600"
    assert not zipfile.is_zipfile(file)
    assert all(key_id.encode() in content for key_id in done.keys.values())
    assert b"manifest.json" not in content
    assert b"SQLite" not in content


@pytest.mark.parametrize("kind", ["missing", "text", "another", "private"])
def test_a_recipient_that_is_none_is_refused_before_anything_is_written(tmp_path, kind):
    file = tmp_path / "recipient.pem"
    if kind == "text":
        file.write_text("wanda@example.org")
    elif kind == "another":
        pem(Ed25519PrivateKey.generate().public_key(), tmp_path)
    elif kind == "private":
        file.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(DomainError, match=r"PATHWAYS_BACKUP_RECIPIENT.*openssl"):
        recipient_of(file)


# The command line.


def pathways(folder: Path, *arguments: str, by: Any = launched.run) -> subprocess.CompletedProcess[str]:
    """Run a command in a process of its own on a database in a folder."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PATHWAYS_")}
    environment["PATHWAYS_DATABASE_URL"] = f"sqlite:///{folder}/cli.db"
    return by(list(arguments), environment, folder)


def test_the_command_line_goes_the_first_steps_and_says_in_one_sentence_what_is_wrong(tmp_path):
    early = pathways(tmp_path, "organisations", "list")
    assert (early.returncode, early.stderr.count("\n")) == (1, 1)
    assert "pathways db upgrade" in early.stderr
    steps = (
        ("db", "upgrade"),
        ("organisations", "create", "--kind", "voluntary_sector_partner", "--name", "Stepping Stones"),
        ("users", "create", "--name", "Wanda", "--email", "wanda@example.org"),
        ("members", "add", "wanda@example.org", "--organisation", "stepping-stones", "--role", "caseworker"),
        ("keys", "create", "--member", "wanda@example.org@stepping-stones:caseworker"),
        ("db", "check"),
    )
    for step in steps:
        by = launched.anew if step[:2] in {("db", "upgrade"), ("keys", "create")} else launched.run
        done = pathways(tmp_path, *step, by=by)
        assert done.returncode == 0, (step, done.stderr)
    secrets = tmp_path / "var" / "secrets.env"
    assert oct(secrets.stat().st_mode)[-3:] == "600"
    for wrong in (
        ("organisations", "create", "--kind", "circus", "--name", "X"),
        ("shortlist", "J-000000"),
        ("import", "referrals", "nowhere.csv", "--to", "stepping-stones"),
        ("export", "month", "2026-13", "--out", "x"),
        ("export", "verify", "nowhere"),
        ("keys", "create", "--member", "nobody"),
    ):
        done = pathways(tmp_path, *wrong)
        assert done.returncode == 1, wrong
        assert "Traceback" not in done.stderr + done.stdout
        assert done.stderr.startswith("Error: ")
