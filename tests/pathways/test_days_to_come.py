"""A day that has not come is refused by every door; a partner's file says nothing of another's; files are private."""

import importlib
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated

import pytest
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import inspect

from pathways.database import Database
from pathways.documents import store_at
from pathways.fields import Body
from tests.pathways.test_backup import pathways
from tests.world import World

TOMORROW = (date.today() + timedelta(days=1)).isoformat()
PERSON = {"given_name": "Ola", "family_name": "Ade", "source_type": "JCP", "referred_on": "2026-09-01"}


def test_a_date_of_permission_in_the_future_is_refused_by_each_door(client, world: World):
    key, late = world.key("referrer"), {"permission_recorded_on": TOMORROW}
    body = PERSON | {"partner_id": str(world.organisations["partner"])}
    posted = client.post("/api/v1/referrals", headers=key, json=body | late)
    assert (posted.status_code, posted.json()["errors"][0]["pointer"]) == (409, "/permission_recorded_on")
    made = client.post("/api/v1/referrals", headers=key, json=body)
    path = f"/api/v1/referrals/{made.json()['id']}"
    tag = client.get(path, headers=key).headers["ETag"]
    changed = client.patch(path, headers=key | {"If-Match": tag}, json=late)
    assert (changed.status_code, changed.json()["errors"][0]["pointer"]) == (409, "/permission_recorded_on")
    head = "referral_ref,source_type,referring_organisation,referred_on,given_name,family_name,permission_recorded_on"
    rows = "".join(f"\nR{day},JCP,Hendon Jobcentre,2026-09-01,Ola,Ade,{day}" for day in (TOMORROW, "2026-09-01"))
    file = {"file": ("r.csv", (head + rows).encode(), "text/csv")}
    sent = client.post("/api/v1/referrals/imports?dry_run=true", headers=world.key("caseworker"), files=file).json()
    assert sent["report"]["errors"] == []  # a slip in an optional cell bars no row: the permission counts as none
    assert [warning["field"] for warning in sent["report"]["warnings"]] == ["permission_recorded_on"]


def test_a_command_records_nothing_on_a_day_that_has_not_come(tmp_path):
    assert pathways(tmp_path, "db", "upgrade").returncode == 0
    (tmp_path / "r.csv").write_text("given_name\nOla\n")
    for kind in ("referrals", "placements"):
        more = ("--to", "x") if kind == "referrals" else ()
        refused = pathways(tmp_path, "import", kind, "r.csv", *more, "--on", TOMORROW)
        assert (refused.returncode, "in the future" in refused.stderr) == (1, True), refused.stderr
    assert (tmp_path / "cli.db").stat().st_mode & 0o077 == 0


def test_new_files_can_be_read_by_their_owner_only(stage, tmp_path):
    made = Database(f"sqlite:///{tmp_path}/new.db", stage.database.vault)
    inspect(made.engine).get_table_names()
    made.close()
    store_at(str(tmp_path / "out")).put("claims_x_2026-10_v1/claims.csv", b"x")
    kept = [path for path in Path(tmp_path).rglob("*") if path.name != "lost+found"]
    assert len(kept) == 4
    assert [path for path in kept if path.stat().st_mode & 0o077] == []


@pytest.mark.parametrize(
    ("table", "column"), [("claim_moves", "told_by_partner"), ("referral_moves", "reason_is_for_referrer")]
)
def test_a_process_of_the_release_before_can_still_write_its_moves(database, table: str, column: str):
    (found,) = [one for one in inspect(database.engine).get_columns(table) if one["name"] == column]
    assert found["default"] in {"false", "0"}


# Days of requests that may lie ahead, or long ago: what is planned, a birth, a listing's own days, questions.
NOT_RECORDS = {"planned_end_on", "due_on", "date_of_birth", "first_day", "last_day"}
OF_PEOPLE = ("referrals", "jobseekers", "enrolments", "progression", "support")


def test_every_day_of_a_request_about_a_person_refuses_a_year_that_nobody_means():
    checked = set()
    for room in OF_PEOPLE:
        module = importlib.import_module(f"pathways.{room}.schemas")
        bodies = [one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Body)]
        for body in bodies:
            for name, field in body.model_fields.items():
                if "datetime.date" not in repr(field.annotation) + repr(field.metadata) or name in NOT_RECORDS:
                    continue
                kind = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
                with pytest.raises(ValidationError, match=r"before|must be in the years"):
                    TypeAdapter(kind).validate_python("1900-01-02")
                assert TypeAdapter(kind).validate_python(date.today()) == date.today()
                checked.add((body.__name__, name))
    assert len(checked) > 20
