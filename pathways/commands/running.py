"""Serving, the database, and the demonstration."""

import threading
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pathways.commands.acting import On, PlainError, day_of, must_be_migrated, opened, operator, read_settings

if TYPE_CHECKING:
    from pathways.database import Database

alone = typer.Typer()
db = typer.Typer(no_args_is_help=True, help="The database: migrate, check, copy, put back.")
demo = typer.Typer(no_args_is_help=True, help="A made-up borough to try things on.")
SECONDS_BETWEEN_LOOKS = 5.0
DEMO_KEYS = Path("var/demo-keys.env")


@alone.command()
def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
) -> None:
    """Serve the API and its pages. Example: pathways serve --port 8000."""
    import uvicorn

    with opened() as database:
        if database.is_sqlite and workers > 1:
            message = "SQLite is for one process. Use PostgreSQL for more workers."
            raise PlainError(message)
    uvicorn.run(
        "pathways.commands.running:make_app",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        # uvicorn would print a traceback with what a message holds; our own log says where and what kind.
        log_level="critical",
        server_header=False,
        timeout_graceful_shutdown=10,
    )


def make_app() -> object:
    """Return the application, for uvicorn."""
    from pathways import app
    from pathways.database import Database
    from pathways.reference import tables

    settings = read_settings()
    tables.use_folder(settings.reference_folder)
    database = Database.of(settings)
    threading.Thread(target=_learn_words, args=(database,), daemon=True).start()
    return app.create_app(settings, database)


def _learn_words(database: "Database") -> None:
    """Learn a loaded taxonomy at the start, so that the first caseworker who looks up a word need not wait for it."""
    from sqlalchemy.exc import SQLAlchemyError

    from pathways.reference import taxonomy, vocabulary
    from pathways.reference.esco import ConceptKind

    try:
        with database.reading() as session:
            for kind in (ConceptKind.SKILL, ConceptKind.OCCUPATION):
                if taxonomy.is_loaded(session, kind):
                    vocabulary.finder(session, kind)
    except SQLAlchemyError:
        return  # the first look-up tries again and says what is wrong


@alone.command()
def worker(once: Annotated[bool, typer.Option(help="Send what is due now, and stop.")] = False) -> None:
    """Send queued e-mails and webhooks; any number of them may run on PostgreSQL. Example: pathways worker."""
    import time
    from contextlib import suppress

    from sqlalchemy.exc import SQLAlchemyError

    from pathways.app import LINKS
    from pathways.messages.sending import Sender, mailer

    settings = read_settings()
    with opened() as database:
        sender = Sender(database, settings, mailer(settings), links=LINKS)
        while True:
            tried = 0
            with suppress(SQLAlchemyError):  # the database is away for a moment
                tried = sender.send_due()
            if once:
                print(f"{tried} tried.")
                return
            time.sleep(0 if tried else SECONDS_BETWEEN_LOOKS)


@alone.command()
def daily(on: On = None) -> None:
    """Do everything that time alone makes due; safe to run twice or late. Example: pathways daily."""
    from pathways import daily as duties
    from pathways.base import local_day, utc_now

    at = utc_now()
    day, today = day_of(on) or local_day(at), local_day(at)
    if day > today:
        message = f"{day} has not come. Nothing is done ahead of its time."
        raise PlainError(message)
    if day < today:
        print(f"{day} was missed: what was due then is done now, as of {today}.")
    with opened() as database:
        done = duties.run(database, operator(database, "daily"), at)
    print(f"{today}: " + ", ".join(f"{count} {name}" for name, count in done.items()) + ".")


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version. Example: pathways db upgrade."""
    from pathways import migrate
    from pathways.jobseekers import identify

    with opened(migrated=False) as database:
        migrate.upgrade(database)
        identify.fill(database)
        operator(database, "db upgrade")
    print("The database is at this version.")


@db.command("check")
def db_check() -> None:
    """Ask whether the database is at this version and its facts are coherent. Example: pathways db check."""
    from pathways import consistency

    with opened() as database, database.reading() as session:
        found = consistency.faults(session)
        if database.replica_may_lag():
            found.append(
                "PATHWAYS_READER_URL: the primary does not wait for this replica, so somebody just restricted could"
                " still be read. Name it in the primary's synchronous_standby_names."
            )
    for fault in found:
        print(fault)
    if found:
        message = f"{len(found)} things do not fit."
        raise PlainError(message)
    print("The database is at this version and coherent.")


@db.command("backup")
def db_backup(file: Path) -> None:
    """Write a consistent copy while the service runs. Example: pathways db backup var/monday.db."""
    from pathways import backup

    with opened() as database:
        backup.backup(database, file)
    print(f"Copied to {file}.")


@db.command("restore")
def db_restore(file: Path) -> None:
    """Put a copy back; stop the service first. Example: pathways db restore var/monday.db."""
    from pathways import backup

    with opened(migrated=False) as database:
        backup.restore(database, file)
        must_be_migrated(database)
    print(f"Put back from {file}.")


@demo.command("load")
def demo_load(
    jobseekers: int = 160,
    placements: int = 48,
    months: int = 12,
    seed: int = 1,
    until: Annotated[str | None, typer.Option(help="The last day; yesterday when left out.")] = None,
) -> None:
    """Load a made-up borough with a history. Example: pathways demo load --jobseekers 160 --months 12."""
    from datetime import timedelta

    from pathways.demo import borough
    from pathways.exports.months import Month

    end = day_of(until) or date.today() - timedelta(days=1)  # noqa: DTZ011 - the machine's day will do for made-up people
    start = Month.of(end).plus(-months).first_day if months else end
    with opened() as database, typer.progressbar(length=(end - start).days + 1, label="A year of days") as bar:
        borough.load(
            database,
            start=start,
            end=end,
            jobseekers=jobseekers,
            placements=placements,
            seed=seed,
            progress=lambda _: bar.update(1),
        )
    print(f"A borough of {jobseekers} made-up jobseekers, {start} to {end}.")


@demo.command("load-if-empty", hidden=True)
def demo_load_if_empty() -> None:
    """Load the demonstration where there is nobody yet: what ``make run`` does on its default file."""
    from sqlalchemy import select

    from pathways.jobseekers.models import Jobseeker

    with opened() as database, database.reading() as session:
        is_empty = session.scalars(select(Jobseeker.id).limit(1)).first() is None
    if is_empty:
        demo_load()


@demo.command("keys")
def demo_keys() -> None:
    """Issue fresh keys of the demonstration's members into var/demo-keys.env. Example: pathways demo keys."""
    from pathways.demo import cast

    with opened() as database:
        actor = operator(database, "demo keys")
        with database.writing(actor) as session:
            issued = cast.issue_keys(session, actor)
    if len(issued) < len(cast.DEMO_ROLES):
        message = "The demonstration is not loaded here. Run: pathways demo load"
        raise PlainError(message)
    DEMO_KEYS.parent.mkdir(exist_ok=True)
    DEMO_KEYS.touch(mode=0o600)
    lines = ["export PATHWAYS=http://127.0.0.1:8000/api/v1"]
    lines += [f"export {role}={secret}" for role, secret in issued.items()]
    DEMO_KEYS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"Serving at http://127.0.0.1:8000 (pages of the API at /docs). Keys, valid 30 days, are in {DEMO_KEYS}:")
    for role, secret in issued.items():
        print(f"  {role:17} {secret}")
