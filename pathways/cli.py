"""The command line: a command is one action in one transaction, errors are one plain sentence.

Whoever runs these commands holds the database itself, so a command about a partner's people acts as that partner's
team manager would, under the name of the operator or of ``--as``; every act is audited. What a command needs is
imported when it runs, so that ``--help`` and a shortlist start quickly.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar
from uuid import UUID

import typer

if TYPE_CHECKING:
    from pathways.allocations.actions import Gathered, Scored
    from pathways.base import Actor
    from pathways.database import Database, Session
    from pathways.imports import ImportReport
    from pathways.learning.schemas import ModelOut
    from pathways.settings import Settings

cli = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
db = typer.Typer(no_args_is_help=True, help="The database: migrate, check, copy, put back.")
demo = typer.Typer(no_args_is_help=True, help="A made-up borough to try things on.")
organisations = typer.Typer(no_args_is_help=True, help="Partners, referrers, social enterprises, commissioners.")
users = typer.Typer(no_args_is_help=True, help="People and machines.")
members = typer.Typer(no_args_is_help=True, help="Who does what in which organisation.")
programmes = typer.Typer(no_args_is_help=True, help="What a commissioner pays a partner for.")
keys = typer.Typer(no_args_is_help=True, help="API keys of members.")
reference = typer.Typer(no_args_is_help=True, help="Dated tables and postcodes.")
imports = typer.Typer(no_args_is_help=True, help="Referrals and placements from CSV or XLSX files.")
export = typer.Typer(no_args_is_help=True, help="The month's figures.")
models = typer.Typer(no_args_is_help=True, help="Learning: train, assess, and release by a person's act.")
for name, group in (
    ("db", db),
    ("demo", demo),
    ("organisations", organisations),
    ("users", users),
    ("members", members),
    ("programmes", programmes),
    ("keys", keys),
    ("reference", reference),
    ("import", imports),
    ("export", export),
    ("model", models),
):
    cli.add_typer(group, name=name)

ActAs = Annotated[str | None, typer.Option("--as", help="Act as this member: USER@REF:ROLE. Default: the operator.")]
On = Annotated[str | None, typer.Option("--on", help="The day, as yyyy-mm-dd; today when left out.")]
DEMO_KEYS = Path("var/demo-keys.env")


class PlainError(Exception):
    """An error that is told in one sentence."""


def _settings() -> "Settings":
    from pydantic import ValidationError

    from pathways.settings import Settings, write_first_secrets

    needed = {"PATHWAYS_ENCRYPTION_KEY", "PATHWAYS_HASH_KEY"}
    if not needed <= set(os.environ) and os.environ.get("PATHWAYS_ENVIRONMENT") != "production":
        write_first_secrets()
    try:
        return Settings()
    except ValidationError as wrong:
        named = ", ".join(sorted({"PATHWAYS_" + str(e["loc"][0]).upper() for e in wrong.errors() if e["loc"]}))
        message = f"A setting is missing or not right: {named or 'the keys'}. The README lists them."
        raise PlainError(message) from wrong


@contextmanager
def _database(*, migrated: bool = True) -> Iterator["Database"]:
    from pathways import all_models
    from pathways.database import Database
    from pathways.reference import tables

    settings = _settings()
    tables.use_folder(settings.reference_folder)
    assert all_models.METADATA.tables  # every table is known before the first statement
    database = Database.of(settings)
    try:
        if migrated:
            _must_be_migrated(database)
        yield database
    finally:
        database.close()


def _must_be_migrated(database: "Database") -> None:
    from pathways import migrate

    if not migrate.at_head(database):
        message = "The database is not at this version, or does not answer. Run: pathways db upgrade"
        raise PlainError(message)


def _operator(database: "Database", doing: str, acting_as: str | None = None) -> "Actor":
    """Return the operator, made on first use, or the member named by ``--as``."""
    from pathways.base import Actor, Role, Source
    from pathways.organisations.actions import make_operator

    first = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE, doing=doing)
    with database.writing(None) as session:
        operator = make_operator(session, first)
    if acting_as is None:
        return operator
    with database.reading() as session:
        user_id, organisation_id, role, membership_id = _member(session, acting_as)
    return operator.then(user_id=user_id, organisation_id=organisation_id, role=Role(role), membership_id=membership_id)


def _member(session: "Session", named: str) -> tuple[UUID, UUID, str, UUID]:
    """Find USER@REF:ROLE, where USER is an e-mail address."""
    from sqlalchemy import select

    from pathways.access.models import User
    from pathways.organisations.models import Membership, Organisation

    who, _, role = named.rpartition(":")
    mail, _, ref = who.rpartition("@")
    found = session.execute(
        select(Membership.user_id, Membership.organisation_id, Membership.role, Membership.id)
        .join(User, User.id == Membership.user_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(User.email == mail.lower(), Organisation.ref == ref, Membership.role == role)
        .where(Membership.ended_at.is_(None))
    ).one_or_none()
    if found is None:
        message = f"There is no member {named}. Write it as mail@example.org@organisation-ref:role."
        raise PlainError(message)
    return found[0], found[1], found[2].value, found[3]


def _for_partner(actor: "Actor", partner_id: UUID) -> "Actor":
    """Act on a partner's people as its team manager would."""
    from pathways.base import Role

    if actor.role is Role.OPERATOR:
        return actor.then(organisation_id=partner_id, role=Role.TEAM_MANAGER, membership_id=None)
    return actor


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        message = f"{text} is not a day. Write it as yyyy-mm-dd."
        raise PlainError(message) from None


def _at(actor: "Actor", on: str | None) -> "Actor":
    """Set the clock of an act to a day, for files that are imported late."""
    day = _day(on)
    if day is None:
        return actor
    from pathways.base import LONDON

    return actor.then(at=datetime(day.year, day.month, day.day, 12, tzinfo=LONDON))


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as wrong:
        message = f"{file} cannot be read: {wrong.strerror}."
        raise PlainError(message) from wrong


@cli.command()
def serve(
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
) -> None:
    """Serve the API and its pages. Example: pathways serve --port 8000."""
    import uvicorn

    with _database() as database:
        if database.is_sqlite and workers > 1:
            message = "SQLite is for one process. Use PostgreSQL for more workers."
            raise PlainError(message)
    uvicorn.run(
        "pathways.cli:make_app",
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

    settings = _settings()
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


@db.command("upgrade")
def db_upgrade() -> None:
    """Bring the database to this version. Example: pathways db upgrade."""
    from pathways import migrate

    with _database(migrated=False) as database:
        migrate.upgrade(database)
        _operator(database, "db upgrade")
    print("The database is at this version.")


@db.command("check")
def db_check() -> None:
    """Ask whether the database is at this version and its facts are coherent. Example: pathways db check."""
    from pathways import coherence

    with _database() as database, database.reading() as session:
        found = coherence.faults(session)
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

    with _database() as database:
        backup.backup(database, file)
    print(f"Copied to {file}.")


@db.command("restore")
def db_restore(file: Path) -> None:
    """Put a copy back; stop the service first. Example: pathways db restore var/monday.db."""
    from pathways import backup

    with _database(migrated=False) as database:
        backup.restore(database, file)
        _must_be_migrated(database)
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

    from pathways import demonstration
    from pathways.exports.cohort import Month

    end = _day(until) or date.today() - timedelta(days=1)  # noqa: DTZ011 - the machine's day will do for made-up people
    start = Month.of(end).plus(-months).first_day if months else end
    with _database() as database, typer.progressbar(length=(end - start).days + 1, label="A year of days") as bar:
        demonstration.load(
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

    with _database() as database, database.reading() as session:
        is_empty = session.scalars(select(Jobseeker.id).limit(1)).first() is None
    if is_empty:
        demo_load()


@demo.command("keys")
def demo_keys() -> None:
    """Issue fresh keys of the demonstration's members into var/demo-keys.env. Example: pathways demo keys."""
    from pathways import demonstration

    with _database() as database:
        operator = _operator(database, "demo keys")
        with database.writing(operator) as session:
            issued = demonstration.issue_keys(session, operator)
    if len(issued) < len(demonstration.DEMO_ROLES):
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


@organisations.command("create")
def organisations_create(
    kind: Annotated[str, typer.Option()],
    name: Annotated[str, typer.Option()],
    ref: Annotated[str | None, typer.Option()] = None,
    nation: Annotated[str, typer.Option()] = "england",
    acting_as: ActAs = None,
) -> None:
    """Create one. Example: pathways organisations create --kind social_enterprise --name "Acorn Kitchen CIC"."""
    from pathways.organisations import actions
    from pathways.organisations.schemas import NewOrganisation

    with _database() as database:
        actor = _operator(database, "organisation:make", acting_as)
        new = _body(NewOrganisation, kind=kind, name=name, ref=ref, nation=nation)
        with database.writing(actor) as session:
            made = actions.make_organisation(session, actor, new)
            print(made.ref)


@organisations.command("list")
def organisations_list() -> None:
    """List them with their references. Example: pathways organisations list."""
    from sqlalchemy import select

    from pathways.organisations.models import Organisation

    with _database() as database, database.reading() as session:
        for row in session.scalars(select(Organisation).order_by(Organisation.kind, Organisation.ref)):
            print(f"{row.kind.value:25} {row.ref:40} {row.name}")


@users.command("create")
def users_create(
    name: Annotated[str, typer.Option()],
    email: Annotated[str, typer.Option()],
    machine: Annotated[bool, typer.Option(help="A machine, not a person.")] = False,
    acting_as: ActAs = None,
) -> None:
    """Create a user. Example: pathways users create --name "Wanda Worker" --email wanda@example.org."""
    from pathways.organisations import actions
    from pathways.organisations.schemas import NewUser

    with _database() as database:
        actor = _operator(database, "user:make", acting_as)
        new = _body(NewUser, name=name, email=email, is_machine=machine)
        with database.writing(actor) as session:
            print(actions.make_user(session, actor, new).email)


@members.command("add")
def members_add(
    user: str,
    organisation: Annotated[str, typer.Option()],
    role: Annotated[str, typer.Option()],
    acting_as: ActAs = None,
) -> None:
    """Add a member. Example: pathways members add wanda@example.org --organisation partner --role caseworker."""
    from pathways.organisations import actions, queries
    from pathways.organisations.schemas import NewMember

    with _database() as database:
        actor = _operator(database, "member:make", acting_as)
        with database.writing(actor) as session:
            organisation_id = queries.organisation_by_ref(session, organisation).id
            new = _body(NewMember, user_id=_user_id(session, user), organisation_id=organisation_id, role=role)
            actions.add_member(session, actor, new)
    print(f"{user}@{organisation}:{role}")


def _user_id(session: "Session", mail: str) -> UUID:
    from sqlalchemy import select

    from pathways.access.models import User

    found = session.scalars(select(User.id).where(User.email == mail.lower())).one_or_none()
    if found is None:
        message = "There is no user with this address. Create one: pathways users create"
        raise PlainError(message)
    return found


@programmes.command("create")
def programmes_create(
    commissioner: Annotated[str, typer.Option()],
    partner: Annotated[str, typer.Option()],
    name: Annotated[str, typer.Option()],
    starts: Annotated[str, typer.Option("--from")],
    ends: Annotated[str | None, typer.Option("--to")] = None,
    acting_as: ActAs = None,
) -> None:
    """Create one. Example: pathways programmes create --commissioner fund --partner p --name Work --from 2026-04-01."""
    from pathways.organisations import queries
    from pathways.programmes import actions
    from pathways.programmes.schemas import NewProgramme

    with _database() as database:
        actor = _operator(database, "programme:make", acting_as)
        with database.writing(actor) as session:
            new = _body(
                NewProgramme,
                commissioner_id=queries.organisation_by_ref(session, commissioner).id,
                partner_id=queries.organisation_by_ref(session, partner).id,
                name=name,
                starts_on=_day(starts),
                ends_on=_day(ends),
            )
            print(actions.make(session, actor, new).ref)


@programmes.command("list")
def programmes_list() -> None:
    """List programmes. Example: pathways programmes list."""
    from sqlalchemy import select

    from pathways.programmes.models import Programme

    with _database() as database, database.reading() as session:
        for row in session.scalars(select(Programme).order_by(Programme.ref)):
            print(f"{row.ref:40} {row.starts_on} to {row.ends_on or 'open':10} {', '.join(row.rule_versions)}")


@keys.command("create")
def keys_create(
    member: Annotated[str, typer.Option(help="USER@REF:ROLE")],
    expires: Annotated[str | None, typer.Option()] = None,
    acting_as: ActAs = None,
) -> None:
    """Create a key, shown once. Example: pathways keys create --member wanda@example.org@partner:caseworker."""
    from pathways.organisations import actions
    from pathways.organisations.schemas import NewKey

    with _database() as database:
        actor = _operator(database, "key:make", acting_as)
        with database.writing(actor) as session:
            new = _body(NewKey, membership_id=_member(session, member)[3], expires_on=_day(expires))
            key, secret = actions.make_key(session, actor, new)
            print(secret)
            print(f"Key {key.public_id} for {member}. The secret is not shown again.", file=sys.stderr)


@keys.command("list")
def keys_list() -> None:
    """List keys without their secrets. Example: pathways keys list."""
    from sqlalchemy import select

    from pathways.access.models import User
    from pathways.organisations.models import ApiKey, Membership, Organisation

    with _database() as database, database.reading() as session:
        rows = session.execute(
            select(ApiKey, Membership.role, Organisation.ref, User.email)
            .join(Membership, Membership.id == ApiKey.membership_id)
            .join(Organisation, Organisation.id == Membership.organisation_id)
            .join(User, User.id == Membership.user_id)
            .order_by(ApiKey.id)
        )
        for key, role, ref, mail in rows:
            state = "revoked" if key.revoked_at else f"expires {key.expires_on}" if key.expires_on else "no expiry"
            print(f"{key.public_id}  {mail}@{ref}:{role.value}  {state}")


@keys.command("revoke")
def keys_revoke(public_id: str, acting_as: ActAs = None) -> None:
    """Revoke a key at once. Example: pathways keys revoke AbCd1234."""
    from sqlalchemy import select

    from pathways.organisations import actions
    from pathways.organisations.models import ApiKey

    with _database() as database:
        actor = _operator(database, "key:revoke", acting_as)
        with database.writing(actor) as session:
            key = session.scalars(select(ApiKey).where(ApiKey.public_id == public_id)).one_or_none()
            if key is None:
                message = "There is no such key. `pathways keys list` shows them."
                raise PlainError(message)
            actions.revoke_key(session, actor, key)
    print(f"{public_id} is revoked.")


@reference.command("load-postcodes")
def reference_load_postcodes(file: Path, acting_as: ActAs = None) -> None:
    """Load places of postcodes or outcodes from a CSV. Example: pathways reference load-postcodes bt.csv."""
    from pathways.reference import postcodes

    content = _read(file)
    with _database() as database:
        actor = _operator(database, "reference load-postcodes", acting_as)
        with database.writing(actor) as session:
            print(f"{postcodes.load_csv(session, content)} places loaded.")


DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; save nothing.")]
CreateOrganisations = Annotated[bool, typer.Option("--create-organisations", help="Make the ones not known yet.")]
AllOrNothing = Annotated[bool, typer.Option("--all-or-nothing", help="Save nothing if any row is wrong.")]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write the whole report here, as JSON.")]


def _load_taxonomy(files: list[Path], kind: str, acting_as: str | None) -> None:
    from matching.text import normalise
    from pathways.reference import taxonomy
    from pathways.reference.esco import ConceptKind

    with _database() as database:
        actor = _operator(database, f"reference load-{kind}s", acting_as)
        with database.writing(actor) as session:
            loaded = taxonomy.load(session, files, ConceptKind(kind), normalise)
    print(f"{loaded.concepts} {kind}s with {loaded.labels} labels, {loaded.relations} new relations.")
    if loaded.unknown:
        print(f"{loaded.unknown} relations name an entry that is not loaded; load its file, then these again.")
    print("This service uses the ESCO classification of the European Commission.")


@reference.command("load-skills")
def reference_load_skills(files: list[Path], acting_as: ActAs = None) -> None:
    """Load ESCO's skills and their relations. Example: reference load-skills skills_en.csv skillSkillRelations.csv."""
    _load_taxonomy(files, "skill", acting_as)


@reference.command("load-occupations")
def reference_load_occupations(files: list[Path], acting_as: ActAs = None) -> None:
    """Load ESCO's occupations and what they need. Example: reference load-occupations occupations_en.csv."""
    _load_taxonomy(files, "occupation", acting_as)


@imports.command("referrals")
def import_referrals(
    file: Path,
    to: Annotated[str, typer.Option("--to", help="The partner's reference.")],
    on: On = None,
    dry_run: DryRun = False,
    create_organisations: CreateOrganisations = False,
    all_or_nothing: AllOrNothing = False,
    report: ReportFile = None,
    acting_as: ActAs = None,
) -> None:
    """Import referrals to a partner. Example: pathways import referrals jcp.csv --to stepping-stones --dry-run."""
    from pathways.organisations import queries
    from pathways.referrals import files

    content = _read(file)
    with _database() as database:
        most_unpacked = _settings().max_unpacked_bytes
        actor = _at(_operator(database, "referral:import", acting_as), on)
        with database.reading() as session:
            partner_id = queries.organisation_by_ref(session, to).id
        actor = _for_partner(actor, partner_id)
        with (database.rehearsing if dry_run else database.writing)(actor) as session:
            importer = files.ReferralImport(session, actor, partner_id, create_organisations=create_organisations)
            found = importer.run(content, dry_run=dry_run, all_or_nothing=all_or_nothing, most_unpacked=most_unpacked)
            files.record(session, actor, partner_id, content, found)
    _tell(found, report)


@imports.command("placements")
def import_placements(
    file: Path,
    on: On = None,
    dry_run: DryRun = False,
    create_organisations: CreateOrganisations = False,
    all_or_nothing: AllOrNothing = False,
    report: ReportFile = None,
    acting_as: ActAs = None,
) -> None:
    """Import placements. Example: pathways import placements adverts.csv --create-organisations."""
    from pathways.placements import files

    content = _read(file)
    with _database() as database:
        most_unpacked = _settings().max_unpacked_bytes
        actor = _at(_operator(database, "placement:import", acting_as), on)
        with (database.rehearsing if dry_run else database.writing)(actor) as session:
            importer = files.PlacementImport(session, actor, create_organisations=create_organisations)
            found = importer.run(content, dry_run=dry_run, all_or_nothing=all_or_nothing, most_unpacked=most_unpacked)
            files.record(session, actor, content, found)
    _tell(found, report)


MOST_LINES = 40


def _tell(found: "ImportReport", report: Path | None) -> None:
    from pathways.imports import as_sentences

    lines = as_sentences(found)
    for line in lines[:MOST_LINES]:
        print(line)
    if len(lines) > MOST_LINES:
        print(f"and {len(lines) - MOST_LINES} more lines; --report FILE writes all of them.")
    if found.made:
        shown = " ".join(found.made[:10])
        print(f"Made: {shown}{' …' if len(found.made) > 10 else ''}")  # noqa: PLR2004 - as many as fit a line
    if report is not None:
        report.write_text(found.model_dump_json(indent=2), encoding="utf-8")
    if found.errors and not found.was_applied and not found.is_dry_run:
        message = "Nothing was saved, because rows are wrong and --all-or-nothing was asked for."
        raise PlainError(message)


@cli.command()
def shortlist(
    jobseeker: Annotated[str, typer.Argument(metavar="JOBSEEKER_REF")],
    on: On = None,
    limit: int = 10,
    as_json: Annotated[bool, typer.Option("--json")] = False,
    acting_as: ActAs = None,
) -> None:
    """Rank the open placements for a jobseeker, with reasons. Example: pathways shortlist J-7K2M9Q --limit 5."""
    from pathways.jobseekers import queries
    from pathways.shortlists import actions, replay

    with _database() as database:
        actor = _operator(database, "shortlist:make", acting_as)
        with database.reading() as session:
            person = queries.by_reference(session, jobseeker)
            jobseeker_id = person.id
            actor = _for_partner(actor, person.partner_id)
        ranked = actions.rank_placements(database, actor, jobseeker_id, _day(on) or actor.today)
        with database.writing(actor) as session:
            made = actions.record(session, actor, ranked, limit=limit, jobseeker_id=jobseeker_id)
            answer = replay.shown(session, actor, made)
    if as_json:
        print(answer.model_dump_json(indent=2))
        return
    print(f"{jobseeker}: {answer.eligible} of {answer.looked_at} placements fit; model {answer.model_version}.")
    for match in answer.matches:
        print(
            f"\n{match.rank}. {match.title}, {match.social_enterprise}: "
            f"{match.score:.2f}, {match.confidence} confidence"
            + (", its place among near-equal ones drawn by lot" if (match.propensity or 1.0) < 1.0 else "")
        )
        signs = {"for": "+", "against": "-", "unknown": "?"}
        for reason in match.reasons:
            print(f"   {signs[reason.effect]} {reason.text}")
        for check in match.checks:
            if check.result == "unknown" or check.rule in {"travel", "dbs"}:
                print(f"   {check.rule}: {check.text}")
    if answer.refused:
        rules = ", ".join(f"{count} by {rule}" for rule, count in answer.refused_by_rule.items())
        print(f"\n{answer.refused} do not fit: {rules}. The nearest:")
        for refusal in answer.nearest_refusals[:3]:
            print(f"   {refusal.title}, {refusal.social_enterprise}: {' '.join(refusal.what_would_change_it)}")


@cli.command()
def unlock(
    jobseeker: Annotated[str, typer.Argument(metavar="JOBSEEKER_REF")],
    on: On = None,
    limit: int = 10,
    acting_as: ActAs = None,
) -> None:
    """Say which single changes would open most good placements. Example: pathways unlock J-7K2M9Q."""
    from pathways.jobseekers import queries
    from pathways.shortlists import unlock as unlocking

    with _database() as database:
        actor = _operator(database, "unlock:read", acting_as)
        with database.reading() as session:
            person = queries.by_reference(session, jobseeker)
            jobseeker_id = person.id
            actor = _for_partner(actor, person.partner_id)
        answer = unlocking.for_jobseeker(database, actor, jobseeker_id, _day(on) or actor.today)
    if not answer.items:
        print("No single change would open a good placement that is not open now.")
    for line in answer.items[:limit]:
        gain = f"opens {line.opens}" if line.opens else f"settles {line.settles} open questions"
        print(f"{line.text} ({gain})")
        for opened in line.placements[:3]:
            print(f"   {opened.title}, {opened.social_enterprise}")


@cli.command()
def rematch(
    partner: Annotated[str | None, typer.Option(metavar="REF", help="Only this partner; else each in turn.")] = None,
    jobs: Annotated[int, typer.Option(min=1, max=256, help="Processes that score.")] = 1,
    backend: Annotated[str, typer.Option(help="loky: on this machine; dask: on a cluster.")] = "loky",
    scheduler: Annotated[str | None, typer.Option(help="Address of a dask scheduler.")] = None,
    on: On = None,
    limit: Annotated[int, typer.Option(help="How many people without an offer to name.")] = 20,
    acting_as: ActAs = None,
) -> None:
    """Propose an allocation for a whole caseload. Example: pathways rematch --partner stepping-stones --jobs 2."""
    from pathways.allocations import actions, queries
    from pathways.allocations.models import AllocationLine, LineState

    if backend not in {"loky", "dask"}:
        message = f"There is no backend {backend}. Use loky or dask."
        raise PlainError(message)
    with _database() as database:
        first = _operator(database, "allocation:make", acting_as)
        for name, actor in _partners_to_rematch(database, first, partner):
            day = _day(on) or actor.today
            with _scoring(jobs, backend, scheduler, name) as run:
                gathered, proposal = actions.propose(database, actor, day, run=run)
            if not gathered.people:
                print(f"{name}: no open cases.")
                continue
            with database.writing(actor) as session:
                made = actions.record(session, actor, gathered, proposal)
                answer = actions.shown(session, made)
                rows = session.scalars(
                    queries.lines(actor, made.id).where(AllocationLine.state == LineState.WITHOUT).limit(limit)
                )
                without = actions.shown_lines(session, actor, rows.all())
            told = answer.figures
            print(
                f"{name}: {told.offers} of {answer.looked_at} people would be offered one of {answer.placements} "
                f"placements, {told.first_choices} of them their first choice; {told.kept} as before."
            )
            print(
                f"   In the need band: {told.need_people} people, {told.need_offers} offers "
                f"(at least {told.need_floor} are reserved); {told.need_share_of_caseload:.0%} of the caseload, "
                f"{told.need_share_of_top:.0%} of the top 30 % by score."
            )
            print(f"   {told.without} would have nothing." + (" The first:" if told.without else ""))
            for line in without:
                print(f"   {line.jobseeker_reference}: {line.why}")
            print(f"   A proposal, {made.id}: caseworkers accept, change or reject each line.")


def _partners_to_rematch(database: "Database", actor: "Actor", ref: str | None) -> list[tuple[str, "Actor"]]:
    from sqlalchemy import select

    from pathways.base import Role
    from pathways.organisations.models import Organisation, OrganisationKind

    rows = select(Organisation.id, Organisation.name).where(
        Organisation.kind == OrganisationKind.VOLUNTARY_SECTOR_PARTNER
    )
    if ref is not None:
        rows = rows.where(Organisation.ref == ref)
    if actor.role is not Role.OPERATOR:
        rows = rows.where(Organisation.id == actor.organisation_id)
    with database.reading() as session:
        found = [(row.name, _for_partner(actor, row.id)) for row in session.execute(rows.order_by(Organisation.name))]
    if not found:
        message = f"There is no voluntary-sector partner {ref or 'yet'}."
        raise PlainError(message)
    return found


PEOPLE_AT_ONCE = 10


@contextmanager
def _scoring(jobs: int, backend: str, scheduler: str | None, name: str) -> Iterator["Callable[[Gathered], Scored]"]:
    """Return what scores a caseload piece by piece under a progress bar, in this process or in several."""
    from joblib import Parallel, delayed, parallel_config

    from pathways.allocations import actions

    def run(gathered: "Gathered") -> "Scored":
        count = len(gathered.people)
        pieces = [(n, min(n + PEOPLE_AT_ONCE, count)) for n in range(0, count, PEOPLE_AT_ONCE)]
        found: list[tuple[int, list[int], list[float]]] = []
        with typer.progressbar(length=count, label=f"{name}: scoring") as bar:
            if jobs == 1 and backend == "loky":
                answers = (actions.score(gathered, *piece) for piece in pieces)
            else:
                parallel = Parallel(n_jobs=jobs, return_as="generator")
                answers = parallel(delayed(actions.score)(gathered, *piece) for piece in pieces)
            for piece, answer in zip(pieces, answers, strict=True):
                found += answer
                bar.update(piece[1] - piece[0])
        return found

    if backend == "loky":
        with parallel_config(backend="loky"):
            yield run
        return
    try:
        from distributed import Client  # type: ignore[import-not-found]  # optional: only with --backend dask
    except ImportError as wrong:
        message = "dask is not installed here. Install distributed, or use --backend loky."
        raise PlainError(message) from wrong
    with Client(scheduler, n_workers=None if scheduler else jobs), parallel_config(backend="dask"):
        yield run


@models.command("train")
def model_train(
    until: Annotated[str | None, typer.Option(help="Learn from what was decided up to this day.")] = None,
    acting_as: ActAs = None,
) -> None:
    """Train on decided introductions; it ranks nothing yet. Example: pathways model train --until 2026-10-31."""
    from pathways.learning import actions

    with _database() as database:
        actor = _operator(database, "model:train", acting_as)
        with database.writing(actor) as session:
            model = actions.shown(actions.train_model(session, actor, _day(until) or actor.today))
    print(f"{model.name}: learnt from {model.cases} cases, {model.first_day} to {model.last_day}.")
    for side, gate in model.manifest["metrics"]["boosting"].items():
        print(f"   {side}: {gate['cases']} answers. {gate['why']}")
    print(f"It ranks nothing yet. Next: pathways model assess {model.name}")


@models.command("list")
def model_list() -> None:
    """List models, the released one marked. Example: pathways model list."""
    from sqlalchemy import select

    from pathways.shortlists.models import ModelState, RankingModel

    with _database() as database, database.reading() as session:
        rows = list(session.scalars(select(RankingModel).order_by(RankingModel.made_at)))
        for row in rows:
            print(f"{row.name:24} {row.state.value:10} {row.manifest['cases']} cases")
        if not any(row.state is ModelState.RELEASED for row in rows):
            print("The experts' own weights rank: no model is released.")


def _model_act(name: str, act: "Callable[[Any, Any, Any], Any]", doing: str, acting_as: str | None) -> "ModelOut":
    from pathways.learning import actions, queries

    with _database() as database:
        actor = _operator(database, doing, acting_as)
        with database.writing(actor) as session:
            return actions.shown(act(session, actor, queries.model(session, name)))


@models.command("assess")
def model_assess(version: str, acting_as: ActAs = None) -> None:
    """Measure a model on days held out, and judge its gates. Example: pathways model assess 2026-10-31-1."""
    from pathways.learning import actions

    model = _model_act(version, actions.assess, "model:train", acting_as)
    told = model.assessment or {}
    print(f"{model.name}: {told['cases_learnt_from']} cases learnt from, {told['cases_held_out']} held out.")
    for name in ("ndcg_at_10", "ndcg_at_10_of_the_model_in_use", "difference"):
        print(f"   {name.replace('_', ' ')}: {told[name]['mean']} {told[name]['interval'] or ''}")
    for gate in model.gates:
        print(f"   {'open  ' if gate.passed else 'CLOSED'} {gate.gate}: {gate.text}")


Why = Annotated[str, typer.Option("--reason", prompt="Why", help="One sentence, kept on record.")]


@models.command("release")
def model_release(version: str, reason: Why, acting_as: ActAs = None) -> None:
    """Let a model rank from now on. Example: pathways model release 2026-10-31-1 --reason "Better held out"."""
    from pathways.learning import actions

    model = _model_act(version, lambda s, a, m: actions.release(s, a, m, reason), "model:release", acting_as)
    print(f"{model.name} ranks from now on.")


@models.command("retire")
def model_retire(version: str, reason: Why, acting_as: ActAs = None) -> None:
    """Take a model out of use. Example: pathways model retire 2026-10-31-1 --reason "Drifted"."""
    from pathways.learning import actions

    model = _model_act(version, lambda s, a, m: actions.retire(s, a, m, reason), "model:release", acting_as)
    print(f"{model.name} is retired.")


@export.command("month")
def export_month(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM")],
    out: Annotated[Path, typer.Option("--out")],
    programme: Annotated[str | None, typer.Option("--programme", help="One programme's reference.")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", help="As known at the end of this day.")] = None,
    acting_as: ActAs = None,
) -> None:
    """Write a month's folder for each commissioner. Example: pathways export month 2026-10 --out var/exports."""
    from sqlalchemy import select

    from pathways.exports import actions, queries
    from pathways.exports.schemas import NewExport
    from pathways.programmes.models import Programme

    with _database() as database:
        actor = _operator(database, "export:make", acting_as)
        with database.reading() as session:
            programme_id = None
            commissioners = queries.commissioners(session)
            if programme is not None:
                row = session.scalars(select(Programme).where(Programme.ref == programme)).one_or_none()
                if row is None:
                    message = f"There is no programme {programme}. `pathways programmes list` shows them."
                    raise PlainError(message)
                programme_id, commissioners = row.id, [row.commissioner_id]
        if not commissioners:
            message = "There is no programme yet, so there is nothing to export."
            raise PlainError(message)
        for commissioner_id in commissioners:
            new = _body(
                NewExport, month=month, commissioner_id=commissioner_id, programme_id=programme_id, as_of=_day(as_of)
            )
            with database.writing(actor) as session:
                print(actions.write_folder(session, actions.make(session, actor, new), out))


@export.command("verify")
def export_verify(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Prove that a delivered folder is as it was made. Example: pathways export verify var/outcomes_x_2026-10_v1."""
    from pathways.exports import actions

    found = actions.verify_folder(folder)
    for fault in found:
        print(fault)
    if found:
        message = f"{folder} is not as it was made."
        raise PlainError(message)
    print(f"{folder} is as it was made.")


Model = TypeVar("Model")


def _body(model: type[Model], **values: object) -> Model:
    """Return what the API would take, or say in one sentence which option is not right."""
    from pydantic import ValidationError

    try:
        return model(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as wrong:
        first = wrong.errors()[0]
        message = f"{'.'.join(map(str, first['loc'])) or 'The command'}: {first['msg']}."
        raise PlainError(message) from wrong


def main() -> None:
    """Run a command; an error is one plain sentence and a true exit code."""
    from sqlalchemy.exc import SQLAlchemyError

    from pathways.errors import DomainError

    try:
        cli()
    except PlainError as wrong:
        print(f"Error: {wrong}", file=sys.stderr)
        sys.exit(1)
    except DomainError as wrong:
        print(f"Error: {wrong.detail}", file=sys.stderr)
        sys.exit(1)
    except SQLAlchemyError as wrong:
        print(f"Error: the database did not do that ({type(wrong).__name__}). Nothing was changed.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
