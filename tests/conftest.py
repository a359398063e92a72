"""Shared fixtures: SQLite and PostgreSQL, a small world of organisations, and an HTTP client with keys."""

import gc
import os
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from zlib import crc32

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi.testclient import TestClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from sqlalchemy import Engine, event, text

from pathways import app as pathways_app
from pathways import migrate
from pathways.base import Base, utc_now
from pathways.cli import OBJECTS_BETWEEN_LOOKS
from pathways.database import Database
from pathways.settings import Settings
from tests import launched, memory, postgres
from tests.browsing import Browser
from tests.world import World, build_world

gc.set_threshold(*OBJECTS_BETWEEN_LOOKS)
os.environ.pop("PATHWAYS_DATABASE_URL", None)
if memory.folder():  # where pytest makes its temporary folders, and so the SQLite files
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", memory.folder())
TESTS = Path(__file__).parent
BACKENDS = ("sqlite", "postgresql")
SLOW_SECONDS = 0.5  # what takes longer to arrange is kept the first time
hypothesis_settings.register_profile(
    "pathways",
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
hypothesis_settings.load_profile("pathways")


# The longest tests run first, so that at the end of a run no worker waits for a long test of another worker.
LONG = (
    "proofs/",
    "contract/",
    "browser/",
    "house/test_benchmarks.py",
    "house/test_readme.py",
    "pathways/test_backup.py",
    "pathways/test_commands.py",
    "pathways/test_restore.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--quick", action="store_true", help="SQLite only, without proofs, fuzzing, browser, commands and benchmarks."
    )


def _is_long(item: pytest.Item) -> bool:
    return item.path.relative_to(TESTS).as_posix().startswith(LONG) if item.path.is_relative_to(TESTS) else False


def _is_for_another_database(item: pytest.Item) -> bool:
    """Return whether a case of an ``any_database`` table runs on the other database in this run.

    Each case runs on one database, and about half of them on each. With ``PATHWAYS_PROVE`` all run on both.
    """
    parameters = getattr(item, "callspec", None)
    if parameters is None or item.get_closest_marker("any_database") is None or os.environ.get("PATHWAYS_PROVE"):
        return False
    backend = parameters.params.get("stage")
    if backend is None or len(parameters.params) == 1:
        return False  # a test without a table of cases runs on both
    case = item.nodeid.replace(backend, "")
    return BACKENDS[crc32(case.encode()) % len(BACKENDS)] != backend


def _is_left_to_prove(item: pytest.Item) -> bool:
    """Return whether this is a ``long_test`` on the database that only ``make prove`` runs it on."""
    marker, parameters = item.get_closest_marker("long_test"), getattr(item, "callspec", None)
    if marker is None or parameters is None or os.environ.get("PATHWAYS_PROVE"):
        return False
    backend = next(
        (parameters.params[name] for name in ("stage", "stock", "backend") if name in parameters.params), None
    )
    return backend is not None and backend != marker.args[0]


def _is_deselected(item: pytest.Item, *, is_quick: bool) -> bool:
    if item.get_closest_marker("full_size") and not os.environ.get("PATHWAYS_PROVE"):
        return True  # full-size proofs run only with `make prove`
    if is_quick:
        return _is_long(item) or "postgresql" in item.name
    return _is_for_another_database(item) or _is_left_to_prove(item)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the tests that this run leaves out, and give each worker its share of the long tests first."""
    out = [item for item in items if _is_deselected(item, is_quick=config.getoption("--quick"))]
    config.hook.pytest_deselected(items=out)
    selected = [item for item in items if item not in set(out)]
    long, short = [item for item in selected if _is_long(item)], [item for item in selected if not _is_long(item)]
    # `--dist worksteal` splits the list into one part for each worker.
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    size = -(-len(short) // workers)
    items[:] = [item for n in range(workers) for item in [*long[n::workers], *short[n * size : (n + 1) * size]]]


def pytest_collection_finish(session: pytest.Session) -> None:
    """Let no look for garbage go through the imported code and the collected tests, which stay to the end."""
    gc.freeze()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Yield the URL of an empty PostgreSQL database for the whole run."""
    with postgres.server() as url:
        yield url


def settings_for(url: str) -> Settings:
    """Return settings for a test database, with a new folder for documents."""
    return Settings(
        _env_file=None,
        database_url=url,
        encryption_key="test-encryption-key-of-43-characters-000000",
        hash_key="test-hash-key-of-at-least-32-characters-000",
        documents=mkdtemp(prefix="pathways-documents-"),
        log_level="error",
    )


class Stage:
    """One database and one application for a whole run, reset to a known state before each test.

    The known state is the migrated empty database or, for a test that uses ``world``, a copy of the small world. The
    world is built once for each database, because building it takes 36 times as long as restoring a copy. So is what
    several tests arrange alike: see ``arranged``.
    """

    def __init__(self, backend: str, url: str, folder: Path | None) -> None:
        self.backend = backend
        self.settings = settings_for(url)
        self.database = Database.of(self.settings)
        self._folder = folder
        self._copies: dict[Hashable, Path | Mapping[str, bytes]] = {}
        self._world: World | None = None
        self._arranged: dict[Hashable, Any] = {}
        self._times_built: Counter[Hashable] = Counter()
        # What was arranged since the reset, if nothing else has been written since.
        self._state: tuple[Hashable, ...] | None = None
        self._launched = 0  # how many processes had been started at the reset: they may write too
        migrate.upgrade(self.database)
        if self._has_people():
            message = f"The {backend} database of the tests has people in it. Something other than a stage wrote there."
            raise RuntimeError(message)
        self._store("empty")  # with the check values of the keys
        event.listen(Engine, "before_cursor_execute", self._note_statement)  # of any engine: some tests open their own
        self.app = pathways_app.create_app(self.settings, self.database)

    def _note_statement(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if self._state is not None and not statement.startswith(("SELECT", "PRAGMA", "SET")):
            self._state = None

    def reset(self, *, with_world: bool = False) -> None:
        """Reset the database: empty, or with the small world only."""
        if with_world and self._world is None:
            self.database.close()  # a connection may be to a database that a restore has put aside
            self.reset()
            self._world = build_world(self.database)
            if self._has_people():  # never keep a world with what another test left
                self._world = None
                message = "Something wrote to the database while the small world was made."
                raise RuntimeError(message)
            self._store("world")
        else:
            self._restore("world" if with_world else "empty")
        self._state = () if with_world else None
        self._launched = launched.count()

    def arranged(self, name: Hashable, build: Callable[[], Any]) -> Any:
        """Return what ``build`` returns, with the database as it leaves it.

        It runs once or, if it is quick, twice for each name and day, and then the rows that it left are restored for
        each test that asks. So equal names must build alike, and the result must be of values that no test can change.
        If anything but what was arranged has been written since the reset of the database, it runs each time.
        """
        if self._state is None or self._launched != launched.count():
            return build()
        key = (*self._state, name, utc_now().date())
        if key in self._arranged:
            self._restore(key)
            found = self._arranged[key]
        else:
            began = time.process_time()
            found = build()
            self._times_built[key] += 1
            is_slow = time.process_time() - began > SLOW_SECONDS
            if not is_slow and self._times_built[key] == 1:  # most of what is arranged once is never arranged again
                self._state = None
                return found
            self._store(key)
            self._arranged[key] = found
        self._state = key
        return found

    @property
    def world(self) -> World:
        """The world that ``reset(with_world=True)`` restored, as a copy that a test may change."""
        world = self._world
        assert world is not None
        now = utc_now()
        actors = {name: actor if name == "operator" else actor.then(at=now) for name, actor in world.actors.items()}
        return replace(
            world,
            organisations={**world.organisations},
            actors=actors,
            secrets={**world.secrets},
            arranged=self.arranged,
        )

    def _has_people(self) -> bool:
        with self.database.engine.connect() as connection:
            return bool(connection.execute(text("SELECT count(*) FROM jobseekers")).scalar_one())

    def _store(self, name: Hashable) -> None:
        if self._folder:
            file = self._folder / f"copy-{len(self._copies)}.db"
            _copy_database(self._database_file(), file)
            self._copies[name] = file
        else:
            self._copies[name] = postgres.copy_out(self.database.engine, Base.metadata)

    def _restore(self, name: Hashable) -> None:
        copy = self._copies[name]
        if isinstance(copy, Path):
            _copy_database(copy, self._database_file())
        else:
            postgres.put_back(self.database.engine, Base.metadata, copy)

    def _database_file(self) -> Path:
        """Close all connections, so that the write-ahead log is merged, and return the file of the SQLite database."""
        self.database.close()
        return Path(self.database.engine.url.database)


def _copy_database(source: Path, target: Path) -> None:
    """Copy an SQLite database over another.

    A write-ahead log that is left says that a connection to the file is still open somewhere in this process. It would
    go on with the log of the file that was there before, and whoever connected next would read that log too: "disk I/O
    error". SQLite itself can copy under open connections, more slowly.
    """
    if any(Path(f"{file}-wal").exists() for file in (source, target)):
        with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(target, timeout=30)) as written:
            read.backup(written)
    else:
        shutil.copy(source, target)


@pytest.fixture(scope="session")
def stages() -> Iterator[dict[str, Stage]]:
    """Yield the stages of the run by backend; they are made when first used."""
    made: dict[str, Stage] = {}
    yield made
    for stage in made.values():
        stage.database.close()


@pytest.fixture(params=BACKENDS)
def stage(request: pytest.FixtureRequest, stages: dict[str, Stage], tmp_path_factory: pytest.TempPathFactory) -> Stage:
    """Return the stage of each backend in turn, reset for this test."""
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
    """Yield one event loop for all requests of a run. Starting a loop takes as long as a small request."""
    with start_blocking_portal() as started:
        yield started


@pytest.fixture
def client(stage: Stage, portal: BlockingPortal) -> TestClient:
    # The client is not used as a context manager: its lifespan would close the database that the next test needs.
    client = TestClient(stage.app, raise_server_exceptions=True)
    client.portal = portal
    return client


@pytest.fixture
def browse(client: TestClient, world: World) -> Callable[..., Browser]:
    """Return a function that opens a browser, in which a member is signed in if one is named."""

    def opened(member: str = "") -> Browser:
        browser = Browser(client, world)
        if member:
            assert browser.sign_in(member).status_code == 200
        return browser

    return opened


@pytest.fixture
def call(client: TestClient, world: World) -> Callable[..., Any]:
    """Return a function that posts as a member and returns the reply.

    It asserts the status ``expect``; without it, 200 or 201.
    """

    def ask(who: str, path: str, expect: int = 200, **body: Any) -> Any:
        answer = client.post(f"/api/v1{path}", headers=world.key(who), json=body)
        assert answer.status_code in {expect, 201 if expect == 200 else expect}, (path, answer.text)
        return answer.json()

    return ask
