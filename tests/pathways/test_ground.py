"""Errors, versions, repeats, sizes, logs and health: what every request stands on."""

import io
import json
import logging
import sys
import threading
from collections import Counter
from datetime import date

import pytest
import structlog
from fastapi.testclient import TestClient
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import func, select, text

from pathways import migrate
from pathways.app import create_app
from pathways.audit import AuditRow
from pathways.database import Database, insert_if_absent
from pathways.idempotency import IdempotencyKey
from pathways.jobseekers import formats, identifiers
from pathways.jobseekers.models import PersonKey
from pathways.organisations.models import Organisation
from pathways.placements.models import DbsLevel, PlacementKind
from pathways.placements.schemas import Pounds
from pathways.reference import tables
from pathways.referrals.models import Referral
from pathways.settings import Settings, unknown_variables
from pathways.shortlists import index
from pathways.web import logs
from tests.world import World

pytestmark = pytest.mark.any_database

SECRET_WORDS = ("QQ224466C", "Xanthippe", "depression")


def test_a_wrong_body_is_named_by_field_and_never_echoed(client, world: World):
    body = {
        "nino": SECRET_WORDS[0],
        "given_name": SECRET_WORDS[1],
        "referred_because": SECRET_WORDS[2],
        "source_type": 7,
    }
    answer = client.post("/api/v1/referrals", headers=world.key("referrer"), json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert {e["pointer"] for e in answer.json()["errors"]} == {"/source_type", "/referred_on"}
    assert not [word for word in SECRET_WORDS if word in answer.text]


def test_an_address_that_is_not_there_and_a_method_it_does_not_take_are_problems(client, world: World):
    for method, path, status in (("GET", "/api/v1/nothing", 404), ("DELETE", "/api/v1/jobseekers", 405)):
        answer = client.request(method, path, headers=world.key("manager"))
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert client.request("DELETE", "/api/v1/jobseekers").headers["allow"] == "GET, POST"


def test_a_body_over_the_limit_is_refused_before_it_is_read(client, world: World, stage):
    big = b'{"name": "' + b"a" * stage.settings.max_body_bytes + b'"}'
    headers = world.key("manager") | {"Content-Type": "application/json"}
    answer = client.post("/api/v1/jobseekers/search", headers=headers, content=big)
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")


def test_an_upload_may_be_larger_than_a_body(client, world: World, stage):
    rows = b"source_type,referred_on,given_name\n" + b"\n" * (stage.settings.max_body_bytes + 10)
    answer = client.post(
        "/api/v1/referrals/imports", headers=world.key("caseworker"), files={"file": ("a.csv", rows, "text/csv")}
    )
    assert answer.status_code == 201


def test_a_change_needs_the_version_it_was_made_on(client, world: World):
    person, _ = world.supported()
    path = f"/api/v1/jobseekers/{person}"
    tag = client.get(path, headers=world.key("manager")).headers["ETag"]
    email = {"email": "new@example.org"}
    assert client.patch(path, headers=world.key("manager"), json=email).status_code == 428
    changed = client.patch(path, headers=world.key("manager") | {"If-Match": tag}, json=email)
    assert (changed.status_code, changed.json()["email"]) == (200, "new@example.org")
    assert changed.headers["ETag"] != tag
    stale = client.patch(path, headers=world.key("manager") | {"If-Match": tag}, json={"email": "x@example.org"})
    assert (stale.status_code, stale.json()["type"]) == (412, "/problems/stale-version")


def test_a_repeat_with_the_same_key_acts_once_and_answers_alike(client, world: World, database):
    body = {"source_type": "JCP", "referred_on": "2026-09-01", "given_name": "Amina"}
    body["partner_id"] = str(world.organisations["partner"])
    headers = world.key("referrer") | {"Idempotency-Key": "one"}
    answers = [client.post("/api/v1/referrals", headers=headers, json=body) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [201, 201, 201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    other = client.post("/api/v1/referrals", headers=headers, json=body | {"given_name": "Ben"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    with database.reading() as session:
        stored = session.scalars(select(IdempotencyKey)).one()
    assert "Amina" not in str(vars(stored))


def test_the_same_key_with_another_file_is_refused(client, world: World):
    headers = world.key("caseworker") | {"Idempotency-Key": "file"}
    head = b"source_type,referred_on,given_name\n"
    statuses = []
    for row in (b"SELF,2026-09-01,Amina\n", b"SELF,2026-09-01,Amina\n", b"SELF,2026-09-01,Ben\n"):
        file = {"file": ("a.csv", head + row, "text/csv")}
        statuses.append(client.post("/api/v1/referrals/imports", headers=headers, files=file).status_code)
    assert statuses == [201, 201, 422]


def test_twenty_equal_requests_at_once_make_one(client, world: World, database):
    body = {"source_type": "JCP", "referred_on": "2026-09-01", "given_name": "Amina"}
    body["partner_id"] = str(world.organisations["partner"])
    statuses: Counter[int] = Counter()
    gate = threading.Barrier(20)

    def send() -> None:
        gate.wait()
        headers = world.key("referrer") | {"Idempotency-Key": "same"}
        statuses[client.post("/api/v1/referrals", headers=headers, json=body).status_code] += 1

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(statuses) <= {201, 409}
    with database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Referral)).one() == 1


def test_opening_a_record_leaves_a_row_that_the_manager_and_the_auditor_can_read(client, world: World):
    person, _ = world.supported()
    client.get(f"/api/v1/jobseekers/{person}", headers=world.key("colleague"))
    for reader in ("manager", "auditor"):
        log = client.get(f"/api/v1/jobseekers/{person}/access-log?limit=100", headers=world.key(reader)).json()["items"]
        reads = [(e["user_id"], e["doing"]) for e in log if not e["is_change"]]
        assert (str(world.actors["colleague"].user_id), "jobseeker:read") in reads
    assert client.get(f"/api/v1/jobseekers/{person}/access-log", headers=world.key("colleague")).status_code == 403


def test_every_change_to_a_person_leaves_an_audit_row(world: World, database):
    person, _ = world.supported()
    with database.reading() as session:
        rows = session.scalars(select(AuditRow).where(AuditRow.jobseeker_id == person, AuditRow.is_change)).all()
    assert len(rows) >= 3  # referred, accepted, enrolled


def test_logs_hold_only_what_the_list_allows(capsys):
    logs.configure("info")
    structlog.get_logger().info("request", route="/x", given_name=SECRET_WORDS[1], body=SECRET_WORDS[0])
    line = json.loads(capsys.readouterr().err)
    logs.configure("error")
    assert set(line) == {"event", "route", "level", "timestamp"}


def test_a_line_is_written_after_the_stream_of_the_start_was_closed(monkeypatch):
    first, second = io.StringIO(), io.StringIO()
    monkeypatch.setattr(sys, "stderr", first)
    logs.configure("error")
    monkeypatch.setattr(sys, "stderr", second)
    first.close()
    structlog.get_logger().error("request")
    assert json.loads(second.getvalue())["event"] == "request"


def test_no_personal_word_reaches_the_logs_or_the_addresses(client, world: World, capsys, caplog):
    logs.configure("info")
    caplog.set_level(logging.DEBUG)
    body = {
        "source_type": "JCP",
        "referred_on": "2026-09-01",
        "given_name": SECRET_WORDS[1],
        "nino": SECRET_WORDS[0],
        "referred_because": SECRET_WORDS[2],
        "partner_id": str(world.organisations["partner"]),
    }
    made = client.post("/api/v1/referrals", headers=world.key("referrer"), json=body)
    assert made.status_code == 201
    client.get("/api/v1/jobseekers", headers=world.key("manager"))
    client.post("/api/v1/jobseekers/search", headers=world.key("manager"), json={"name": SECRET_WORDS[1]})
    logs.configure("error")
    told = capsys.readouterr().err + caplog.text
    assert "/api/v1/jobseekers/search" in told
    assert not [word for word in SECRET_WORDS if word in told]


def test_health_tells_live_and_ready_only_when_what_is_open_has_been_read(stage):
    database = Database.of(stage.settings)
    client = TestClient(create_app(stage.settings, database))
    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").status_code == 503
    index.warm(database)
    assert client.get("/health/ready").json()["status"] == "ready"
    database.close()


def test_a_replica_answers_what_only_reads_and_nothing_else(world: World, stage, tmp_path, database):
    """Two databases that differ stand in for one that lags."""
    behind = f"sqlite:///{tmp_path}/behind.db"
    lagging = Database(behind, database.vault)
    migrate.upgrade(lagging)
    lagging.close()
    split = Database(stage.settings.database_url, database.vault, reader_url=behind)
    count = select(func.count()).select_from(Organisation)
    with split.reading() as session:
        assert session.scalars(count).one() == 0
    with split.reading(newest=True) as session:
        assert session.scalars(count).one() > 0
    with split.writing(world.operator) as session:
        assert session.scalars(count).one() > 0
        if not database.is_sqlite:  # a write waits until the replica shows it, and it is told where none would wait
            assert session.execute(text("SHOW synchronous_commit")).scalar_one() == "remote_apply"
            assert split.replica_may_lag()
            assert not database.replica_may_lag()
    split.close()


def test_a_replica_of_sqlite_is_refused_in_words(monkeypatch):
    monkeypatch.setenv("PATHWAYS_READER_URL", "postgresql://replica/x")
    with pytest.raises(ValueError, match="Remove it, or use PostgreSQL"):
        Settings(_env_file=None, database_url="sqlite:///x.db", encryption_key="k" * 40, hash_key="h" * 40)


def test_a_variable_that_is_no_setting_is_named_with_the_one_that_was_meant():
    found = unknown_variables(
        {"PATHWAYS_SMTPHOST": "x", "PATHWAYS_QUITE_OTHER": "x", "PATHWAYS_LOG_LEVEL": "info", "PATHWAYS_PROVE": "1"}
        | {"pathways_hash_key": "x", "PATHWAYS_PORT_80_TCP_ADDR": "x", "PATHWAYS_SERVICE_PORT_HTTP": "80"}
        | {"PATHWAYS_PORT": "tcp://10.0.0.1:80", "PATHWAYS_SERVICE_HOST": "10.0.0.1"}
    )
    assert found == [
        "PATHWAYS_QUITE_OTHER is not a setting. Remove it.",
        "PATHWAYS_SMTPHOST is not a setting. Did you mean PATHWAYS_SMTP_HOST?",
    ]


def test_every_answer_is_private(client, world: World):
    answer = client.get("/api/v1/jobseekers", headers=world.key("manager"))
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-request-id"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_api_pages_come_from_local_assets(client):
    page = client.get("/docs").text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui/swagger-ui.css", "swagger-ui/swagger-ui-bundle.js", "docs.js"):
        assert f"/static/{asset}" in page
        assert client.get(f"/static/{asset}").status_code == 200


@pytest.mark.parametrize("field", ["nino", "nhs_number", "phone", "email"])
def test_values_reserved_for_tests_are_refused_in_production(world: World, stage, field: str):
    values = {"nino": "QQ224466C", "nhs_number": "9990770476", "phone": "07700 900123", "email": "a@example.org"}
    from pathways.jobseekers import actions
    from pathways.jobseekers.details import Details

    actor = world.on("manager")
    stage.database.is_production = True
    try:
        with stage.database.rehearsing(actor) as session, pytest.raises(identifiers.TestValueRefused):
            details = Details.of({"given_name": "A", field: values[field]})
            actions.make(session, actor, actor.organisation_id, [(details, False)])
    finally:
        stage.database.is_production = False


@pytest.mark.parametrize(
    "path",
    ["/jobseekers", "/referrals", "/introductions", "/placements", "/enrolments", "/spells", "/claims", "/members"],
)
def test_a_list_refuses_a_query_parameter_that_it_does_not_know(client, world: World, path: str):
    who = "administrator" if path == "/members" else "caseworker"
    answer = client.get(f"/api/v1{path}?jobseeker_id=0199c5a1-8c3e-7b6e-a1f0-2f4c5d6e7f80", headers=world.key(who))
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid")
    assert "limit" in answer.json()["detail"]
    assert "0199c5a1" not in answer.text
    assert client.get(f"/api/v1{path}?limit=2", headers=world.key(who)).status_code == 200


def test_head_is_refused_with_the_methods_there_are(client, world: World):
    answer = client.head("/api/v1/jobseekers", headers=world.key("caseworker"))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


def test_a_change_without_if_match_is_told_the_version_of_what_it_changes(client, world: World):
    person, _ = world.supported()
    headers = world.key("caseworker")
    etag = client.get(f"/api/v1/jobseekers/{person}", headers=headers).headers["etag"]
    answer = client.patch(f"/api/v1/jobseekers/{person}", headers=headers, json={"known_as": "Mina"})
    assert (answer.status_code, answer.json()["type"]) == (428, "/problems/version-needed")
    assert f"The current ETag is {etag}" in answer.json()["detail"]
    profile = client.put(f"/api/v1/jobseekers/{person}/profile", headers=headers, json={})
    assert profile.status_code == 428
    assert 'The current ETag is "1"' in profile.json()["detail"]


def test_vocabularies_are_what_the_fields_accept(client, world: World):
    names = client.get("/api/v1/reference", headers=world.key("referrer")).json()["items"]
    lists = {name: client.get(f"/api/v1/reference/{name}", headers=world.key("referrer")).json() for name in names}
    codes = {name: [item["code"] for item in found["items"]] for name, found in lists.items()}
    assert codes["kinds"] == [kind.value for kind in PlacementKind]
    assert codes["dbs-levels"] == [level.value for level in DbsLevel]
    assert codes["qualification-levels"] == list(formats.RQF_LEVELS)
    assert set(codes["travel-modes"]) == set(tables.travel_modes(date(2026, 11, 30)))
    assert all(len(found["items"]) > 2 for found in lists.values())
    assert client.get("/api/v1/reference/colours", headers=world.key("referrer")).status_code == 404


def test_rows_that_exist_are_skipped_and_the_inserted_ones_are_counted(world: World, stage):
    actor = world.on("caseworker")
    person = {"partner_id": actor.organisation_id, "jobseeker_id": world.refer().jobseeker_id}
    rows = [person | {"key": key} for key in range(1, 1201)]
    with stage.database.rehearsing(actor) as session:
        counts = [insert_if_absent(session, PersonKey, some) for some in (rows[:1], rows[:1], rows[:700], rows, rows)]
    assert counts == [1, 0, 699, 500, 0]


@pytest.mark.parametrize(
    ("number", "meant"), [(0.35000000000000003, "0.35"), (-0.0, "0.0"), (12.5, "12.5"), (12, "12"), (11.444, None)]
)
def test_an_amount_in_pounds_is_what_the_json_number_means(number: float, meant: str | None):
    amount = TypeAdapter(Pounds)
    if meant is None:
        with pytest.raises(ValidationError, match="2 decimal places"):
            amount.validate_python(number)
    else:
        assert str(amount.validate_python(number)) == meant


def test_a_replaced_table_without_the_rows_that_this_program_needs_uses_the_shipped_ones(tmp_path):
    header, *entries = (tables.SHIPPED / "limits.csv").read_text(encoding="utf-8").splitlines()
    older = [line for line in entries if "import_cells_days" not in line]
    (tmp_path / "limits.csv").write_text("\n".join([header, *older]) + "\n", encoding="utf-8")
    shipped = tables.limit("import_cells_days", date(2026, 11, 1))
    tables.use_folder(tmp_path)
    try:
        assert tables.limit("import_cells_days", date(2026, 11, 1)) == shipped
        with pytest.raises(tables.NoSuchReference):
            tables.limit("import_cells_days", date(1990, 1, 1))
    finally:
        tables.use_folder(None)
