"""Shared fixtures: both databases for real, a small world of organisations, and a client with keys."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from pathways import app as pathways_app
from pathways import migrate
from pathways.base import Base, utc_now
from pathways.database import Database
from pathways.settings import Settings
from tests import postgres
from tests.world import World, build_world

os.environ.pop("PATHWAYS_DATABASE_URL", None)
TESTS = Path(__file__).parent
BACKENDS = ("sqlite", "postgresql")
hypothesis_settings.register_profile(
    "pathways",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("pathways")


# What takes longest goes first, so that at the end of a run no worker waits for another's last long test.
LONG = (
    "proofs/",
    "contract/",
    "browser/",
    "house/test_benchmarks.py",
    "house/test_readme.py",
    "pathways/test_backup.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="SQLite only, without proofs, fuzzing, browser and benchmarks."
    )


def _is_long(item: pytest.Item) -> bool:
    return item.path.relative_to(TESTS).as_posix().startswith(LONG) if item.path.is_relative_to(TESTS) else False


def _is_left_out(item: pytest.Item, *, is_quick: bool) -> bool:
    if item.get_closest_marker("full_size") and not os.environ.get("PATHWAYS_PROVE"):
        return True  # a proof at full size runs only with `make prove`
    return is_quick and (_is_long(item) or "postgresql" in item.name)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this run is not for, and hand each worker its share of the long tests first."""
    out = [item for item in items if _is_left_out(item, is_quick=config.getoption("--quick"))]
    config.hook.pytest_deselected(items=out)
    stays = [item for item in items if item not in set(out)]
    long, short = [item for item in stays if _is_long(item)], [item for item in stays if not _is_long(item)]
    # `--dist worksteal` cuts the list into one piece for each worker.
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    size = -(-len(short) // workers)
    items[:] = [item for n in range(workers) for item in [*long[n::workers], *short[n * size : (n + 1) * size]]]


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
    """One database and one application for a whole run, put back to a known state before each test.

    The known state is the migrated empty database or, for a test that uses ``world``, a copy of the small world. The
    world is built once for each database: building it takes 36 times as long as putting a copy back.
    """

    def __init__(self, backend: str, url: str, folder: Path | None) -> None:
        self.backend = backend
        self.settings = settings_for(url)
        self.database = Database.of(self.settings)
        self._files: dict[bool, Path] = {}
        self._rows: Mapping[str, bytes] = {}
        self._world: World | None = None
        migrate.upgrade(self.database)
        if folder is not None:
            self._files = {with_world: folder / f"template-{with_world}.db" for with_world in (False, True)}
            self._keep_file(with_world=False)
        self.app = pathways_app.create_app(self.settings, self.database)

    def reset(self, *, with_world: bool = False) -> None:
        """Put the database back: empty, or holding the small world and nothing else."""
        if with_world and self._world is None:
            self.reset()
            self._world = build_world(self.database)
            if self._files:
                self._keep_file(with_world=True)
            else:
                self._rows = postgres.copy_out(self.database.engine, Base.metadata)
        elif self._files:
            self._put_back_file(with_world=with_world)
        else:
            postgres.put_back(self.database.engine, Base.metadata, self._rows if with_world else {})

    @property
    def world(self) -> World:
        """The world that ``reset(with_world=True)`` put back, as a copy that a test may change."""
        kept = self._world
        assert kept is not None
        now = utc_now()
        actors = {name: actor if name == "operator" else actor.then(at=now) for name, actor in kept.actors.items()}
        return replace(kept, organisations={**kept.organisations}, actors=actors, secrets={**kept.secrets})

    def _database_file(self) -> Path:
        """Return SQLite's file once no connection holds it and its log is in it."""
        self.database.close()
        return Path(self.database.engine.url.database)

    def _keep_file(self, *, with_world: bool) -> None:
        shutil.copy(self._database_file(), self._files[with_world])

    def _put_back_file(self, *, with_world: bool) -> None:
        file = self._database_file()
        for name in (f"{file}-wal", f"{file}-shm"):
            Path(name).unlink(missing_ok=True)
        shutil.copy(self._files[with_world], file)


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
            stages[backend] = Stage(backend, f"sqlite:///{folder}/pathways.db", folder)
        else:
            stages[backend] = Stage(backend, request.getfixturevalue("postgres_url"), None)
    stages[backend].reset(with_world="world" in request.fixturenames)
    return stages[backend]


@pytest.fixture
def database(stage: Stage) -> Database:
    return stage.database


@pytest.fixture
def world(stage: Stage) -> World:
    return stage.world


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    """One event loop for every request of a run: starting one for each request costs as much as a small request."""
    with start_blocking_portal() as started:
        yield started


@pytest.fixture
def client(stage: Stage, portal: BlockingPortal) -> TestClient:
    # Not entered as a context: the lifespan would close the database that the next test uses.
    client = TestClient(stage.app, raise_server_exceptions=True)
    client.portal = portal
    return client


@pytest.fixture
def call(client: TestClient, world: World) -> Callable[..., Any]:
    """Post as a member, and say what came back; without ``expect`` it is done or made."""

    def ask(who: str, path: str, expect: int = 200, **body: Any) -> Any:
        answer = client.post(f"/api/v1{path}", headers=world.key(who), json=body)
        assert answer.status_code in {expect, 201 if expect == 200 else expect}, (path, answer.text)
        return answer.json()

    return ask
