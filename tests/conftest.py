"""What every test stands on: both databases for real, a small world of organisations, and a client with keys."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import text

from pathways import app as pathways_app
from pathways import migrate
from pathways.base import Base
from pathways.database import Database
from pathways.settings import Settings
from tests import postgres
from tests.world import World, build_world

os.environ.pop("PATHWAYS_DATABASE_URL", None)
BACKENDS = ("sqlite", "postgresql")
hypothesis_settings.register_profile(
    "pathways",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("pathways")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Proofs at full size run only with ``make prove``."""
    if os.environ.get("PATHWAYS_PROVE"):
        return
    full = [item for item in items if item.get_closest_marker("full_size")]
    config.hook.pytest_deselected(items=full)
    items[:] = [item for item in items if item not in full]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres.server() as url:
        yield url


def settings_for(url: str) -> Settings:
    return Settings(
        _env_file=None,
        database_url=url,
        encryption_key="test-encryption-key-of-43-characters-000000",
        hash_key="test-hash-key-of-at-least-32-characters-000",
        documents=mkdtemp(prefix="pathways-documents-"),
        log_level="error",
    )


class Stage:
    """One database and one application for a whole run, emptied before each test."""

    def __init__(self, backend: str, url: str, template: Path | None) -> None:
        self.backend = backend
        self.settings = settings_for(url)
        self.database = Database.of(self.settings)
        self.template = template
        migrate.upgrade(self.database)
        if template is not None:
            self.database.close()
            shutil.copy(self.database.engine.url.database, template)
        self.app = pathways_app.create_app(self.settings, self.database)

    def reset(self) -> None:
        if self.template is not None:
            self.database.close()
            path = Path(self.database.engine.url.database)
            for name in (f"{path}-wal", f"{path}-shm"):
                Path(name).unlink(missing_ok=True)
            shutil.copy(self.template, path)
            return
        names = ", ".join(table.name for table in Base.metadata.sorted_tables)
        with self.database.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {names} CASCADE"))


@pytest.fixture(scope="session")
def stages() -> Iterator[dict[str, Stage]]:
    made: dict[str, Stage] = {}
    yield made
    for stage in made.values():
        stage.database.close()


@pytest.fixture(params=BACKENDS)
def stage(request: pytest.FixtureRequest, stages: dict[str, Stage], tmp_path_factory: pytest.TempPathFactory) -> Stage:
    backend = request.param
    if backend not in stages:
        if backend == "sqlite":
            folder = tmp_path_factory.mktemp("sqlite")
            stages[backend] = Stage(backend, f"sqlite:///{folder}/pathways.db", folder / "template.db")
        else:
            stages[backend] = Stage(backend, request.getfixturevalue("postgres_url"), None)
    stages[backend].reset()
    return stages[backend]


@pytest.fixture
def database(stage: Stage) -> Database:
    return stage.database


@pytest.fixture
def world(database: Database) -> World:
    return build_world(database)


@pytest.fixture
def client(stage: Stage) -> TestClient:
    # Not entered as a context: the lifespan would close the database that the next test uses.
    return TestClient(stage.app, raise_server_exceptions=True)


@pytest.fixture
def call(client: TestClient, world: World) -> Callable[..., Any]:
    """Post as a member, and say what came back; without ``expect`` it is done or made."""

    def ask(who: str, path: str, expect: int = 200, **body: Any) -> Any:
        answer = client.post(f"/api/v1{path}", headers=world.key(who), json=body)
        assert answer.status_code in {expect, 201 if expect == 200 else expect}, (path, answer.text)
        return answer.json()

    return ask
