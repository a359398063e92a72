"""Documents of evidence: what is taken, where it is kept, who opens it, what becomes of it."""

import hashlib
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from pathways.app import HOLDINGS
from pathways.audit import AuditRow
from pathways.documents import store_at, type_of
from pathways.settings import Settings
from tests.conftest import Stage
from tests.work import TODAY, evidence, working
from tests.world import World

PDF = b"%PDF-1.7\n" + b"Pay of Amina N\xc3\xad Bhriain, QQ224466C\n" * 20
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)


@pytest.fixture
def item(client, world: World) -> str:
    _, spell = working(client, world, weeks=1)
    return client.post(
        "/api/v1/evidence",
        headers=world.key("caseworker"),
        json={
            "spell_id": spell,
            "kind": "payslip",
            "covers_from": TODAY.isoformat(),
            "covers_to": TODAY.isoformat(),
            "received_on": TODAY.isoformat(),
            "obtained_how": "copies",
        },
    ).json()["id"]


def upload(client, world: World, item: str, content: bytes, who: str = "caseworker", expect: int = 201) -> Any:
    answer = client.post(
        f"/api/v1/evidence/{item}/document", headers=world.key(who), files={"file": ("p.pdf", content, "text/html")}
    )
    assert answer.status_code == expect, answer.text
    return answer.json()


def folder_of(stage: Stage) -> list[Path]:
    return [path for path in Path(stage.settings.documents).rglob("*") if path.is_file()]


def test_a_document_is_kept_sealed_and_read_back_by_who_may(client, world: World, item: str, stage: Stage):
    before = set(folder_of(stage))
    assert upload(client, world, item, PDF)["has_document"] is True
    (path,) = set(folder_of(stage)) - before
    assert b"Amina" not in path.read_bytes()
    answer = client.get(f"/api/v1/evidence/{item}/document", headers=world.key("manager"))
    assert (answer.content, answer.headers["content-type"]) == (PDF, "application/pdf")
    assert answer.headers["content-disposition"].startswith("attachment;")
    with stage.database.reading() as session:
        opened = session.scalars(select(AuditRow).where(AuditRow.subject == "evidence_documents")).all()
    assert [(row.by, row.is_change) for row in opened] == [(world.actors["manager"].user_id, False)]
    for stranger in ("other_manager", "other_caseworker"):
        assert client.get(f"/api/v1/evidence/{item}/document", headers=world.key(stranger)).status_code == 404


def test_what_is_too_large_or_of_another_kind_or_not_the_one_recorded_is_refused(client, world: World, item: str):
    for content, rule in (
        (b"<html><script>alert(1)</script>", "PDF, PNG or JPEG"),
        (PDF + bytes(10_000_001), "larger than"),
        (b"", "PDF, PNG or JPEG"),
    ):
        refused = upload(client, world, item, content, expect=409)
        assert (refused["errors"][0]["pointer"], rule in refused["detail"]) == ("/file", True)
    _, spell = working(client, world, ref="two", given_name="Wei", weeks=1)
    named = evidence(
        client, world, spell, TODAY, TODAY, is_checked=False, document_hash=hashlib.sha256(PNG).hexdigest()
    )
    assert "does not match the hash" in upload(client, world, named, PDF, expect=409)["detail"]
    upload(client, world, named, PNG)
    assert [type_of(one) for one in (PDF, PNG, b"\xff\xd8\xff\xe0", b"GIF89a")] == [
        "application/pdf",
        "image/png",
        "image/jpeg",
        None,
    ]


def test_a_document_that_was_checked_is_not_exchanged(client, world: World, item: str):
    upload(client, world, item, PDF)
    upload(client, world, item, PDF + b"2")  # nobody has looked yet
    client.post(f"/api/v1/evidence/{item}/check", headers=world.key("manager"), json={"is_accepted": True})
    assert "already checked" in upload(client, world, item, PDF, expect=409)["detail"]
    bare = evidence(client, world, working(client, world, ref="b", given_name="Wei", weeks=1)[1], TODAY, TODAY)
    assert "already checked" in upload(client, world, bare, PDF, expect=409)["detail"]  # nor added once it was
    answer = client.get(f"/api/v1/evidence/{item}/document", headers=world.key("manager"))
    assert answer.content == PDF + b"2"


SCANNER = "import sys; d = sys.stdin.buffer.read(); sys.exit(1 if b'EICAR' in d else 2 if b'odd' in d else 0)"


def test_a_scanner_is_asked_before_anything_is_kept(client, world: World, item: str, stage: Stage):
    settings: Settings = stage.settings.model_copy(update={"scan_command": f'{sys.executable} -c "{SCANNER}"'})
    stage.app.state.settings = settings
    try:
        before = set(folder_of(stage))
        assert "harmful" in upload(client, world, item, PDF + b"EICAR", expect=409)["detail"]
        upload(client, world, item, PDF + b"odd", expect=503)
        assert set(folder_of(stage)) == before
        upload(client, world, item, PDF)
    finally:
        stage.app.state.settings = stage.settings


LOOKS = """
import sqlite3, sys
url = sys.argv[1]
if url.startswith("sqlite"):
    other = sqlite3.connect(url.partition("///")[2], timeout=0, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("ROLLBACK")
else:
    import psycopg
    held = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in trans%'"
    with psycopg.connect(url) as other:
        sys.exit(2 if other.execute(held).fetchone()[0] else 0)
"""


def scanned_by(stage: Stage, folder: Path, script: str) -> Settings:
    url = stage.database.engine.url
    plain = url if stage.backend == "sqlite" else url.set(drivername="postgresql")
    (folder / "scan.py").write_text(script)
    command = [sys.executable, str(folder / "scan.py"), plain.render_as_string(hide_password=False)]
    return stage.settings.model_copy(update={"scan_command": shlex.join(command)})


def test_no_transaction_is_open_while_a_document_is_scanned(client, world: World, item: str, stage: Stage, tmp_path):
    stage.app.state.settings = scanned_by(stage, tmp_path, LOOKS)
    try:
        upload(client, world, item, PDF)
    finally:
        stage.app.state.settings = stage.settings


WAITS = """
import pathlib, sys, time
folder = pathlib.Path(sys.argv[0]).parent
(folder / "scanning").touch()
while not (folder / "go on").exists():
    time.sleep(0.02)
"""


def test_a_document_whose_item_is_checked_during_the_scan_leaves_no_file(
    client, world: World, item: str, stage: Stage, tmp_path
):
    stage.app.state.settings = scanned_by(stage, tmp_path, WAITS)
    before = set(folder_of(stage))
    try:
        with ThreadPoolExecutor(1) as other:
            refused = other.submit(upload, client, world, item, PDF, expect=409)
            try:
                while not (tmp_path / "scanning").exists():
                    time.sleep(0.02)
                path = f"/api/v1/evidence/{item}/check"
                assert client.post(path, headers=world.key("manager"), json={"is_accepted": True}).status_code == 200
            finally:
                (tmp_path / "go on").touch()
            assert "already checked" in refused.result()["detail"]
    finally:
        stage.app.state.settings = stage.settings
    assert set(folder_of(stage)) == before


def test_a_repeated_upload_stores_one_file_that_only_its_owner_reads(client, world: World, item: str, stage: Stage):
    before = set(folder_of(stage))
    headers = world.key("caseworker") | {"Idempotency-Key": "once"}
    for _ in range(3):
        path, file = f"/api/v1/evidence/{item}/document", {"file": ("p.pdf", PDF, "application/pdf")}
        assert client.post(path, headers=headers, files=file).status_code == 201
    (path,) = set(folder_of(stage)) - before
    assert path.stat().st_mode & 0o077 == 0


def test_what_was_changed_where_it_is_kept_does_not_open(client, world: World, item: str, stage: Stage):
    before = set(folder_of(stage))
    upload(client, world, item, PDF)
    (path,) = set(folder_of(stage)) - before
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    changed = client.get(f"/api/v1/evidence/{item}/document", headers=world.key("manager"))
    assert (changed.status_code, "altered" in changed.json()["detail"]) == (503, True)
    path.unlink()
    assert client.get(f"/api/v1/evidence/{item}/document", headers=world.key("manager")).status_code == 503


def test_erasing_a_person_erases_their_documents(client, world: World, item: str, stage: Stage, database):
    before = set(folder_of(stage))
    upload(client, world, item, PDF)
    assert set(folder_of(stage)) - before
    person = client.get(f"/api/v1/evidence/{item}", headers=world.key("manager")).json()["jobseeker_id"]
    with database.writing(world.on("manager")) as session:
        for holding in reversed(HOLDINGS):
            holding.erase(session, type(world.programme_id)(person))
    assert set(folder_of(stage)) == before


def test_a_document_that_is_uploaded_is_claimed_with_for_one_person(client, world: World):
    price = {"rule": "LOCAL_13_IN_16", "pounds": 1000, "from_on": "2020-01-01"}
    path = f"/api/v1/programmes/{world.programme_id}/prices"
    client.post(path, headers=world.key("operator"), json=price)
    for name, expect in (("Amina", 201), ("Wei", 409)):
        enrolment, spell = working(client, world, ref=name, given_name=name, nino=None, nhs_number=None)
        one = {"spell_id": spell, "kind": "payslip", "received_on": TODAY.isoformat(), "obtained_how": "copies"}
        days = {"covers_from": (TODAY - timedelta(weeks=16)).isoformat(), "covers_to": TODAY.isoformat()}
        made = client.post("/api/v1/evidence", headers=world.key("caseworker"), json=one | days).json()["id"]
        upload(client, world, made, PDF)
        client.post(f"/api/v1/evidence/{made}/check", headers=world.key("manager"), json={"is_accepted": True})
        outcome = {"enrolment_id": enrolment, "rule": "LOCAL_13_IN_16"}
        recorded = client.post("/api/v1/outcomes", headers=world.key("caseworker"), json=outcome).json()["id"]
        claim = client.post("/api/v1/claims", headers=world.key("caseworker"), json={"outcome_id": recorded})
        assert claim.status_code == expect, claim.text


def test_a_folder_is_made_for_its_owner_only(tmp_path: Path):
    kept = store_at(str(tmp_path / "documents"))
    kept.put("evidence/one", b"content")
    assert kept.get("evidence/one") == b"content"
    kept.forget("evidence/one")
    kept.forget("evidence/one")
    assert (tmp_path / "documents").stat().st_mode & 0o777 == 0o700
