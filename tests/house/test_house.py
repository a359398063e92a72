"""Rules about the code itself; each test asserts that it looked at something."""

import ast
import tomllib
from pathlib import Path

import pytest
from sqlalchemy import Table

from pathways.all_models import METADATA
from pathways.app import HOLDINGS
from pathways.audit import AuditedPerson, AuditRow
from pathways.base import Base
from pathways.facts import FactChanged, fact_tables
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import DETAIL_NAMES, JobseekerDetails
from tests.world import World

ROOT = Path(__file__).parents[2]


OF_A_LIST = AuditedPerson.__tablename__  # belongs to the trail, which outlives the record


def about_people() -> list[Table]:
    return [table for table in METADATA.tables.values() if "jobseeker_id" in table.c and table.name != OF_A_LIST]


def test_every_table_with_a_jobseeker_key_has_a_holding():
    held = {entry.model.__tablename__ for holding in HOLDINGS for entry in holding.tables}
    tables = {table.name for table in about_people()}
    assert len(tables) > 15
    assert tables - held == set()


def test_no_row_about_a_person_can_point_across_partners():
    looked_at = 0
    for table in about_people():
        if table.name == AuditRow.__tablename__:
            continue  # the trail outlives the record, so it points to nothing
        keys = [tuple(column.name for column in key.columns) for key in table.foreign_key_constraints]
        assert ("partner_id", "jobseeker_id") in keys, table.name
        for key in table.foreign_key_constraints:
            target = key.referred_table
            if "partner_id" in target.c and "jobseeker_id" in target.c and target.name != table.name:
                assert key.column_keys[0] == "partner_id", (table.name, key.column_keys)
        leads = [index.columns.keys()[0] for index in table.indexes if len(index.columns) > 1]
        assert "partner_id" in leads, table.name
        looked_at += 1
    assert looked_at > 15


def test_a_fact_can_be_neither_changed_nor_deleted(database, world: World):
    world.refer()
    with pytest.raises(FactChanged), database.writing(world.on("manager")) as session:
        session.query(JobseekerDetails).first().given_name = "Somebody else"
        session.flush()
    with pytest.raises(FactChanged), database.writing(world.on("manager")) as session:
        session.delete(session.query(JobseekerDetails).first())
        session.flush()


def test_every_fact_says_when_it_was_true_when_known_by_whom_and_from_where():
    tables = fact_tables()
    assert len(tables) > 18
    for fact in tables:
        columns = set(fact.__table__.c.keys())
        assert {"valid_on", "recorded_at", "by", "source", "supersedes"} <= columns, fact.__tablename__


def test_only_database_commits_or_rolls_back():
    looked_at = 0
    for path in (ROOT / "pathways").rglob("*.py"):
        looked_at += 1
        if path.name == "database.py":
            continue
        calls = {
            node.func.attr
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        assert not calls & {"commit", "rollback"}, path
    assert looked_at > 60


def test_the_lock_names_no_registry():
    for name in ("requirements.lock", "requirements-dev.lock"):
        lock = (ROOT / name).read_text()
        assert "--hash=sha256:" in lock
        assert "index-url" not in lock
        assert "://" not in lock


def test_every_constraint_and_index_has_a_name():
    names = [
        constraint.name
        for table in Base.metadata.tables.values()
        for constraint in [*table.constraints, *table.indexes]
    ]
    assert len(names) > 100
    assert None not in names
    assert max(len(str(name)) for name in names) <= 63  # PostgreSQL cuts longer ones


def test_every_table_that_ships_is_in_the_package_that_is_installed():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    for package in ("pathways", "matching"):
        kept = {file for glob in told[package] for file in (ROOT / package).glob(glob)}
        there = {file for kind in ("csv", "json") for file in (ROOT / package).rglob(f"*.{kind}")}
        assert {file for file in there if "static" not in file.parts} - kept == set()


def test_each_public_class_name_stands_once():
    """One name, one thing: whoever searches for a class finds one definition."""
    found: dict[str, list[str]] = {}
    for top in ("pathways", "matching", "benchmarks"):
        for path in sorted((ROOT / top).rglob("*.py")):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(path.relative_to(ROOT).as_posix())
    assert len(found) > 500
    assert {name: paths for name, paths in found.items() if len(paths) > 1} == {}


def test_the_details_that_are_stored_are_those_that_travel():
    assert tuple(Details.__dataclass_fields__) == DETAIL_NAMES


COMPILED = "matching/bulk/compiled_pass.py"  # one long loop on purpose


def test_functions_and_files_stay_short():
    """The median of good code bases is everybody's; what goes wrong is the tail."""
    service: list[int] = []
    for top in ("pathways", "matching"):
        for path in (ROOT / top).rglob("*.py"):
            name, text = path.relative_to(ROOT).as_posix(), path.read_text()
            assert len(text.splitlines()) <= 600, name
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and name != COMPILED:
                    lines = node.end_lineno - node.lineno + 1
                    assert lines <= 77, f"{name}: {node.name}"
                    if top == "pathways":
                        service.append(lines)
    assert len(service) > 1_500
    assert sorted(service)[int(len(service) * 0.9)] <= 23
