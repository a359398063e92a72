"""Commands that export a month's figures."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from pathways.commands.acting import ActAs, PlainError, body_of, day_of, opened, operator

export = typer.Typer(no_args_is_help=True, help="Export a month's figures.")


def _show_progress(people: int) -> None:
    """Print on a terminal how many people have been counted."""
    if people and sys.stderr.isatty():
        print(f"\r{people:,} people counted ", end="", file=sys.stderr)


@export.command("month")
def export_month(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM")],
    out: Annotated[str, typer.Option("--out", help="A folder, or s3://bucket/prefix.")],
    programme: Annotated[
        str | None, typer.Option("--programme", help="Only the programme with this reference.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Use only what was recorded by the end of this day.")
    ] = None,
    acting_as: ActAs = None,
) -> None:
    """Write a month's figures for each commissioner. Example: pathways export month 2026-10 --out var/exports."""
    from sqlalchemy import select

    from pathways.exports import actions, queries
    from pathways.exports.schemas import NewExport
    from pathways.programmes.models import Programme

    with opened() as database:
        actor = operator(database, "export:make", acting_as)
        with database.reading() as session:
            programme_id = None
            commissioners = queries.commissioners(session)
            if programme is not None:
                row = session.scalars(select(Programme).where(Programme.ref == programme)).one_or_none()
                if row is None:
                    message = f"There is no programme {programme}. To list them, run: pathways programmes list"
                    raise PlainError(message)
                programme_id, commissioners = row.id, [row.commissioner_id]
        if not commissioners:
            message = "There is no programme yet, so there is nothing to export. Create one: pathways programmes create"
            raise PlainError(message)
        for commissioner_id in commissioners:
            new = body_of(
                NewExport, month=month, commissioner_id=commissioner_id, programme_id=programme_id, as_of=day_of(as_of)
            )
            made = actions.make(database, actor, new, progress=_show_progress)
            with database.reading(actor, newest=True) as session:
                print(actions.deliver(session, actor, made, out))


@export.command("verify")
def export_verify(folder: Annotated[Path, typer.Argument(metavar="DIR")]) -> None:
    """Check that an exported folder has not changed. Example: pathways export verify var/outcomes_x_2026-10_v1."""
    from pathways.exports import actions

    faults = actions.verify_folder(folder)
    for fault in faults:
        print(fault)
    if faults:
        message = f"{folder} has changed since it was exported. Export the month again."
        raise PlainError(message)
    print(f"{folder} has not changed since it was exported.")


@export.command("claims")
def export_claims(
    month: Annotated[str, typer.Argument(metavar="YYYY-MM")],
    out: Annotated[str, typer.Option("--out", help="A folder, or s3://bucket/prefix.")],
    acting_as: ActAs = None,
) -> None:
    """Write the file of a month's claims for a commissioner. Example: pathways export claims 2026-10 --out var."""
    from pathways import audit
    from pathways.exports import actions, queries
    from pathways.exports.schemas import NewClaimsFile
    from pathways.settings import Settings

    with opened() as database:
        actor = operator(database, "export:claims", acting_as)
        new = body_of(NewClaimsFile, month=month)
        with database.reading() as session:
            folder = Settings().recipient_certificates
            certificate = queries.certificate(session, actor.organisation_id, folder)
        with database.writing(actor) as session:
            made = actions.make_claims(session, actor, new, certificate)
        with database.reading(actor, newest=True) as session:
            actor.reading.people |= queries.people_of_claims_file(session, made)
        audit.opened_with_people(database, actor, "exports", made.id)
        with database.reading(actor, newest=True) as session:
            print(actions.deliver(session, actor, made, out))
