"""Commands for the server, the worker, daily work, the database and the demonstration."""

import errno
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pathways.commands.acting import On, PlainError, day_of, opened, operator, read_settings, unlocked

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

    from pathways.in_use import UseLock
    from pathways.messages.sending import Sender

alone = typer.Typer()
db = typer.Typer(no_args_is_help=True, help="Upgrade, check, back up and restore the database.")
demo = typer.Typer(no_args_is_help=True, help="Load a fictional borough for demonstration.")
SECONDS_BETWEEN_LOOKS = 5.0
DEMO_KEYS = Path("var/demo-keys.env")
DEMO_LINE = "export PATHWAYS={}/api/v1"


@alone.command()
def serve(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="The number of processes; more than 1 needs PostgreSQL.")] = 1,
) -> None:
    """Run the API server. Example: pathways serve --port 8000."""
    import uvicorn

    from pathways.in_use import serving

    with opened() as database, serving(database):
        if database.is_sqlite and workers > 1:
            message = "SQLite allows only one worker. Use --workers 1, or use PostgreSQL."
            raise PlainError(message)
        _must_be_free(host, port)
        with suppress(OSError):  # a folder that cannot be written must not keep the server from starting
            _point_demo_keys(host, port)
        address = _address(host, port)
        print(f"Pathways listens on {address} (API documentation at /docs). Press Ctrl+C to stop.", flush=True)
        proxies = read_settings().trusted_proxies.replace(" ", "")
        database.close()  # each worker has its own connections; only the lock stays until the service ends
        uvicorn.run(
            "pathways.commands.running:make_app",
            factory=True,
            host=host,
            port=port,
            workers=workers,
            access_log=False,
            # uvicorn would print tracebacks with personal data; our own log records only the kind of error and where.
            log_level="critical",
            server_header=False,
            # Otherwise the sender of X-Forwarded-For chooses the address in the access log.
            proxy_headers=bool(proxies),
            forwarded_allow_ips=proxies,
            timeout_graceful_shutdown=10,
        )


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _must_be_free(host: str, port: int) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as refused:
            message = f"Port {port} on {host} cannot be used: {refused.strerror}. "
            if refused.errno == errno.EADDRINUSE:
                message += "Stop the other program, or choose another port with --port."
            else:
                message += "Choose another address with --host, or another port with --port."
            raise PlainError(message) from refused


def _point_demo_keys(host: str, port: int) -> None:
    """Write the address of this server into the file of the demonstration's keys.

    The keys are for the default database, so the server of another database leaves the file alone.
    """
    from pathways.settings import DEFAULT_DATABASE_URL

    if read_settings().database_url != DEFAULT_DATABASE_URL or not DEMO_KEYS.exists():
        return
    lines = DEMO_KEYS.read_text(encoding="utf-8").splitlines()
    _write_demo_keys(
        DEMO_LINE.format(_address(host, port)) if line.startswith(DEMO_LINE[:16]) else line for line in lines
    )


def _write_demo_keys(lines: Iterable[str]) -> None:
    """Replace the file at once, so that an interrupted write loses no keys. Only its owner can read it."""
    draft = DEMO_KEYS.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text("\n".join(lines) + "\n", encoding="utf-8")
    draft.replace(DEMO_KEYS)


def make_app() -> object:
    """Return the application, for uvicorn."""
    from pathways import app
    from pathways.background import BackgroundLoop
    from pathways.database import Database
    from pathways.in_use import UseLock
    from pathways.reference import sentence_vectors, tables

    settings = read_settings()
    tables.use_folder(settings.reference_folder)
    sentence_vectors.use_folder(settings.vectors)
    database = Database.of(settings)
    made = app.create_app(settings, database)
    # A worker may outlive the process that started it, so each has a lock of its own.
    lock = UseLock(database)
    lock.acquire()
    made.state.loops.append(BackgroundLoop("use_lock", lambda stop: _renew(lock, stop)))
    return made


def _renew(lock: "UseLock", stop: threading.Event) -> None:
    """Take the lock again if PostgreSQL ended the connection that had it."""
    while not stop.wait(SECONDS_BETWEEN_LOOKS):
        lock.acquire()


def _send_once(sender: "Sender") -> None:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        print(f"Tried to send {sender.send_due()} messages.")
    except SQLAlchemyError as refused:
        message = f"The database failed ({type(refused).__name__}). Messages sent before are recorded. Try again."
        raise PlainError(message) from refused


@alone.command()
def worker(once: Annotated[bool, typer.Option(help="Send the messages that are due now, then stop.")] = False) -> None:
    """Send queued e-mails and webhooks. With PostgreSQL, several workers can run. Example: pathways worker."""
    from pathways.app import sender_of
    from pathways.background import BackgroundLoop
    from pathways.in_use import UseLock

    with opened() as database:
        settings = read_settings()
        sender = sender_of(settings, database)
        if once:
            _send_once(sender)
            return

        lock = UseLock(database)

        def send_all(stop: threading.Event) -> None:
            while not stop.is_set():
                lock.acquire()
                database.key_state()  # notice a database with other keys: then every session is refused
                if not sender.send_due():
                    stop.wait(SECONDS_BETWEEN_LOOKS)

        BackgroundLoop("messages", send_all).supervise(threading.Event())


@alone.command()
def daily(on: On = None) -> None:
    """Run the scheduled jobs of the day. Running them twice or late is safe. Example: pathways daily."""
    from pathways import daily as scheduled_jobs
    from pathways.base import local_day, utc_now

    at = utc_now()
    day, today = day_of(on) or local_day(at), local_day(at)
    if day > today:
        message = f"{day} is in the future. Scheduled jobs cannot run early; leave out --on."
        raise PlainError(message)
    if day < today:
        print(f"The jobs of {day} run now and are recorded under {today}.")
    with opened() as database:
        done = scheduled_jobs.run(database, operator(database, "daily"), at)
    print(f"{today}: " + (", ".join(f"{count} {name}" for name, count in done.items()) or "nothing was due") + ".")


@db.command("upgrade")
def db_upgrade() -> None:
    """Upgrade the database to the version of this program. Example: pathways db upgrade."""
    from pathways import migrate
    from pathways.jobseekers import key_filling, name_index

    with opened(migrated=False) as database:
        note = migrate.upgrade(database)
        key_filling.fill(database)
        name_index.fill(database)
        operator(database, "db upgrade")
    print("The database is up to date.")
    if note:
        print(note)


@db.command("check")
def db_check() -> None:
    """Check that the database is up to date and consistent, and its documents readable. Example: pathways db check."""
    from pathways import consistency, document_faults

    with opened() as database, database.reading() as session:
        faults = [*consistency.faults(session), *document_faults.faults(database)]
        if database.replica_may_lag():
            faults.append(
                "PATHWAYS_READER_URL: the primary does not wait for this replica, so a record could still be read just"
                " after access to it was restricted. Add the replica to synchronous_standby_names of the primary."
            )
        for name, key_id in database.key_ids().items():
            print(f"The {name.replace('_', ' ')} has the id {key_id}.")
    for fault in faults:
        print(fault)
    if faults:
        message = f"The database has {len(faults)} inconsistencies. Each is described above."
        raise PlainError(message)
    print("The database is up to date and consistent.")


@db.command("backup")
def db_backup(file: Path) -> None:
    """Back up the database and its documents while the service runs. Example: pathways db backup var/monday.backup."""
    from pathways.backups import sealed, write

    with opened() as database:
        recipient = read_settings().backup_recipient
        done = write.write(database, file, sealed.recipient_of(recipient) if recipient else None)
    print(f"The backup was written to {file}, with {done.documents} documents.")
    keys = ", ".join(f"{name.replace('_', ' ')} {key_id}" for name, key_id in done.keys.items())
    print(f"To be restored it needs the keys with these ids: {keys}. The keys are not in it: store them elsewhere.")
    if not done.is_sealed:
        print("It is not sealed: who has the file can read names. PATHWAYS_BACKUP_RECIPIENT seals backups.")
    if done.damaged:
        print(f"{done.damaged} documents cannot be read. They are in the backup as they are: see pathways db check.")
    if done.missing:
        print(f"{done.missing} documents that the database names are not in the document store, nor in the backup.")


@db.command("restore")
def db_restore(
    file: Path,
    private_key: Annotated[
        Path | None, typer.Option(help="The file of the private key (PEM) that opens a sealed backup.")
    ] = None,
    accept_faults: Annotated[bool, typer.Option(help="Restore even if db check finds faults in the backup.")] = False,
    accept_unproved: Annotated[
        bool, typer.Option(help="Restore a bare database, as version 0.3.0 and earlier wrote it.")
    ] = False,
) -> None:
    """Restore the database and its documents. Stop the service first. Example: pathways db restore var/monday.backup.

    The backup is validated on a copy. What was there is kept under a dated name.
    """
    from pathways.backups import restore

    key = (lambda: _private_key(private_key)) if private_key else None
    with unlocked() as database:
        done = restore.restore(restore.RestoreJob(database, file, key, accept_faults, accept_unproved))
    print(f"The database was restored from {file}" + (f", as it was on {done.made_at}." if done.made_at else "."))
    print(f"{done.documents_added} documents were put back into the document store.")
    if done.documents_missing:
        print(f"{done.documents_missing} documents were missing already when the backup was made.")
    if done.faults:
        print(f"The backup has {done.faults} inconsistencies. Run: pathways db check")
    if done.kept:
        print(f"What was there before is in {done.kept}. Delete it when you are sure that you do not need it.")
        print("Records that were erased since the backup are in the database again: erase them again.")
    if done.note:
        print(done.note)


def _private_key(file: Path) -> "X25519PrivateKey":
    from pathways.backups import sealed

    return sealed.private_key_of(file, lambda: str(typer.prompt("Passphrase of the private key", hide_input=True)))


@demo.command("load")
def demo_load(
    jobseekers: Annotated[int, typer.Option(help="The number of fictional jobseekers to create.")] = 160,
    placements: Annotated[int, typer.Option(help="The number of fictional placements to create.")] = 48,
    months: Annotated[int, typer.Option(help="The number of months of history.")] = 12,
    seed: Annotated[int, typer.Option(help="The random seed: the same number gives the same borough.")] = 1,
    until: Annotated[str | None, typer.Option(help="The last day, as yyyy-mm-dd. Default: yesterday.")] = None,
) -> None:
    """Load a fictional borough with a history. Example: pathways demo load --jobseekers 160 --months 12."""
    from datetime import timedelta

    from pathways.demo import borough
    from pathways.exports.months import Month

    end = day_of(until) or date.today() - timedelta(days=1)  # noqa: DTZ011 - the machine's day is good enough for fictional people
    start = Month.of(end).plus(-months).first_day if months else end
    with opened() as database, typer.progressbar(length=(end - start).days + 1, label="Days loaded") as bar:
        borough.load(
            database,
            start=start,
            end=end,
            jobseekers=jobseekers,
            placements=placements,
            seed=seed,
            progress=lambda _: bar.update(1),
        )
    print(f"A borough of {jobseekers} fictional jobseekers was loaded, from {start} to {end}.")


@demo.command("load-if-empty", hidden=True)
def demo_load_if_empty() -> None:
    """Load the demonstration if there is no jobseeker yet; ``make run`` calls this for its default database."""
    from sqlalchemy import select

    from pathways.jobseekers.models import Jobseeker

    with opened() as database, database.reading() as session:
        is_empty = session.scalars(select(Jobseeker.id).limit(1)).first() is None
    if is_empty:
        demo_load()


@demo.command("keys")
def demo_keys(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the service that the keys are for.")] = 8000,
) -> None:
    """Write new keys of the demonstration members to var/demo-keys.env. Example: pathways demo keys."""
    from pathways.demo import cast

    with opened() as database:
        actor = operator(database, "demo keys")
        with database.writing(actor) as session:
            issued = cast.issue_keys(session, actor)
    if len(issued) < len(cast.DEMO_ROLES):
        message = "The demonstration is not loaded in this database. Run: pathways demo load"
        raise PlainError(message)
    DEMO_KEYS.parent.mkdir(exist_ok=True)
    address = _address("127.0.0.1", port)
    lines = [DEMO_LINE.format(address)]
    lines += [f"export {role}={secret}" for role, secret in issued.items()]
    _write_demo_keys(lines)
    print(f"The API will be at {address}, its documentation at /docs. Its keys (valid 30 days) are in {DEMO_KEYS}:")
    for role, secret in issued.items():
        print(f"  {role:17} {secret}")


@demo.command("links")
def demo_links(
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port of the service that the links are for.")] = 8000,
) -> None:
    """Print a link to sign in as each demonstration role. Each works once. Example: pathways demo links."""
    from pathways.demo import cast

    with opened() as database:
        actor = operator(database, "demo links")
        with database.writing(actor) as session:
            paths = cast.sign_in_links(session, actor)
    if not paths:
        message = "The demonstration is not loaded in this database. Run: pathways demo load"
        raise PlainError(message)
    # A passkey belongs to a name, so the links say localhost and not 127.0.0.1.
    print("Open one of these links in a browser to sign in. Each works once; for new ones run: pathways demo links")
    for role, path in paths.items():
        print(f"  {role.lower().replace('_', ' '):14} http://localhost:{port}/{path}")
