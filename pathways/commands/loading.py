"""Reference files and spreadsheets, in."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from pathways.commands.acting import (
    ActAs,
    On,
    PlainError,
    acting_on,
    bytes_of,
    for_partner,
    opened,
    operator,
    read_settings,
)

if TYPE_CHECKING:
    from pathways.base import Actor
    from pathways.cells import CellError
    from pathways.database import Database
    from pathways.imports.actions import Wish
    from pathways.imports.intake import ImportKind
    from pathways.imports.models import ImportRun
    from pathways.imports.schemas import ImportOut, ImportReport
    from pathways.imports.staging import Progress

reference = typer.Typer(no_args_is_help=True, help="Dated tables and postcodes.")
imports = typer.Typer(no_args_is_help=True, help="Referrals and placements from CSV or XLSX files.")


@reference.command("load-postcodes")
def reference_load_postcodes(file: Path, acting_as: ActAs = None) -> None:
    """Load places of postcodes or outcodes from a CSV. Example: pathways reference load-postcodes bt.csv."""
    from pathways.reference import postcodes

    content = bytes_of(file)
    with opened() as database:
        actor = operator(database, "reference load-postcodes", acting_as)
        with database.writing(actor) as session:
            print(f"{postcodes.load_csv(session, content)} places loaded.")


@reference.command("load-rules")
def reference_load_rules(file: Path, acting_as: ActAs = None) -> None:
    """Load versions of outcome rules from a JSON file. Example: pathways reference load-rules funder.json."""
    from pathways.reference import outcome_rules

    content = bytes_of(file)
    with opened() as database:
        actor = operator(database, "reference load-rules", acting_as)
        with database.writing(actor) as session:
            new, there = outcome_rules.load(session, actor, content)
    print(f"{new} versions of rules loaded, {there} known already.")


DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; save nothing.")]
CreateOrganisations = Annotated[bool, typer.Option("--create-organisations", help="Make the ones not known yet.")]
AllOrNothing = Annotated[bool, typer.Option("--all-or-nothing", help="Save nothing if any row is wrong.")]
ResultFile = Annotated[
    Path | None, typer.Option("--result", help="Write every row here with what became of it: .csv or .xlsx.")
]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write the whole report here, as JSON.")]


def _load_taxonomy(files: list[Path], kind: str, acting_as: str | None) -> None:
    from matching.pairs.text import normalise
    from pathways.reference import taxonomy
    from pathways.reference.esco import ConceptKind

    with opened() as database:
        actor = operator(database, f"reference load-{kind}s", acting_as)
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
    result: ResultFile = None,
    acting_as: ActAs = None,
) -> None:
    """Import referrals to a partner. Example: pathways import referrals jcp.csv --to stepping-stones --dry-run."""
    from pathways.imports.actions import Wish
    from pathways.organisations import queries
    from pathways.referrals import files

    content = bytes_of(file)
    with opened() as database:
        actor = acting_on(operator(database, "referral:import", acting_as), on)
        with database.reading() as session:
            partner_id = queries.organisation_by_ref(session, to).id
        actor = for_partner(actor, partner_id)
        wish = Wish(partner_id, not dry_run, all_or_nothing, create_organisations, actor.at if on else None)
        _print_progress(_imported(database, actor, files.KIND, content, wish, result), report)


@imports.command("placements")
def import_placements(
    file: Path,
    on: On = None,
    dry_run: DryRun = False,
    create_organisations: CreateOrganisations = False,
    all_or_nothing: AllOrNothing = False,
    report: ReportFile = None,
    result: ResultFile = None,
    acting_as: ActAs = None,
) -> None:
    """Import placements. Example: pathways import placements adverts.csv --create-organisations."""
    from pathways.imports.actions import Wish
    from pathways.placements import files

    content = bytes_of(file)
    with opened() as database:
        actor = acting_on(operator(database, "placement:import", acting_as), on)
        wish = Wish(None, not dry_run, all_or_nothing, create_organisations, actor.at if on else None)
        _print_progress(_imported(database, actor, files.KIND, content, wish, result), report)


@imports.command("apply")
def apply_import(
    kind: Annotated[str, typer.Argument(help="referrals or placements")],
    import_id: Annotated[UUID, typer.Argument(help="As --dry-run printed it.")],
    all_or_nothing: AllOrNothing = False,
    report: ReportFile = None,
    result: ResultFile = None,
    acting_as: ActAs = None,
) -> None:
    """Apply what a dry run checked. Example: pathways import apply referrals 0199c5a1-8c3e-7b6e-a1f0-2f4c5d6e7f80."""
    from sqlalchemy import select

    from pathways.imports import actions
    from pathways.imports.models import ImportRun
    from pathways.imports.schemas import ApplyImport
    from pathways.imports.staging import Worker
    from pathways.placements import files as placements
    from pathways.referrals import files as referrals

    kinds = {one.name: one for one in (referrals.KIND, placements.KIND)}
    if kind not in kinds:
        message = f"There are imports of {' and of '.join(sorted(kinds))}."
        raise PlainError(message)
    with opened() as database:
        actor = operator(database, f"{kind.removesuffix('s')}:import", acting_as)
        with database.writing(None) as session:
            rows = select(ImportRun).where(ImportRun.id == import_id, ImportRun.kind == kind).with_for_update()
            run = session.scalars(rows).one_or_none()
            if run is None:
                message = f"There is no import {import_id} of {kind}."
                raise PlainError(message)
            actor = for_partner(actor, run.partner_id) if run.partner_id else actor
            if run.organisation_id != actor.organisation_id:
                message = "Another organisation sent this file: its own members apply it, or one named by --as."
                raise PlainError(message)
            actions.apply(session, actor, run, ApplyImport(all_or_nothing=all_or_nothing))
        with _bar() as tell:
            Worker(database, kinds[kind], actor, run.id, tell).go_on()
        _print_progress(_report_of(database, actor, kinds[kind], run, result), report)


def _imported(
    database: "Database", actor: "Actor", kind: "ImportKind", content: bytes, wish: "Wish", result: Path | None
) -> "ImportOut":
    """Import a file, or go on with it where an earlier run was stopped."""
    from pathways.imports import actions
    from pathways.imports.staging import Worker

    with database.reading(actor) as session:
        table = actions.read_file(session, actor, kind, content, read_settings().max_unpacked_bytes)
    with database.writing(actor) as session:
        run = actions.begin(session, actor, kind, content, table, wish)
    with _bar() as tell:
        worker = Worker(database, kind, actor, run.id, tell)
        worker.read(table)
        worker.go_on()
    return _report_of(database, actor, kind, run, result)


def _report_of(
    database: "Database", actor: "Actor", kind: "ImportKind", run: "ImportRun", result: Path | None
) -> "ImportOut":
    from pathways.imports import files, reports
    from pathways.imports.models import ImportRun

    with database.reading(newest=True) as session:
        run = session.get_one(ImportRun, run.id)
        if result is not None:
            write = files.as_workbook if result.suffix.lower() == ".xlsx" else files.as_csv
            result.touch(mode=0o600)
            result.write_bytes(write(session, actor, kind, run))
        return reports.reply(session, actor, kind, run)


@contextmanager
def _bar() -> "Iterator[Progress | None]":
    """Return what shows how far an import is, on a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        bars: dict[str, Any] = {}

        def tell(step: str, done: int, total: int) -> None:
            if step not in bars:
                stack.close()
                bars[step] = stack.enter_context(typer.progressbar(length=total, label=step, file=sys.stderr))
            bars[step].update(done - bars[step].pos)

        yield tell


MOST_LINES = 40


def _print_progress(found: "ImportOut", report: Path | None) -> None:
    told = found.report
    lines = as_sentences(told)
    for line in lines[:MOST_LINES]:
        print(line)
    if len(lines) > MOST_LINES:
        print(f"and {len(lines) - MOST_LINES} more lines; --report FILE writes them, --result FILE all rows.")
    if told.made:
        shown = " ".join(told.made[:10])
        print(f"Made: {shown}{' …' if len(told.made) > 10 else ''}")  # noqa: PLR2004 - as many as fit a line
    if not told.was_applied:
        print(f"To apply it: pathways import apply {found.kind} {found.id}")
    if report is not None:
        report.write_text(told.model_dump_json(indent=2), encoding="utf-8")
    if told.errors and not told.was_applied and not told.is_dry_run:
        message = "Nothing was saved, because rows are wrong and --all-or-nothing was asked for."
        raise PlainError(message)


def as_sentences(report: "ImportReport") -> list[str]:
    """Return the report as lines for a terminal."""
    verb = "would be " if report.is_dry_run else ""
    lines = [
        (
            f"{report.rows} rows: {report.created} {verb}created, {report.updated} {verb}updated, "
            f"{report.unchanged} unchanged, {report.repeated} repeated, {report.in_error} with errors."
        )
    ]
    if report.possible_duplicates:
        lines.append(f"{report.possible_duplicates} of those to create may be of somebody known already.")
    if not report.was_applied and not report.is_dry_run:
        lines.append("Nothing was saved.")
    for column in report.unknown_columns:
        meant = report.suggested_columns.get(column)
        perhaps = f" Does it mean {meant}? Confirm it once, or rename it." if meant else ""
        lines.append(f"Not known, so not read: column {column}.{perhaps}")
    lines += [f"Passed over: {what}." for what in report.passed_over]
    lines += report.notes
    lines += [f"Error, {_where(e)}, {e.field}: {e.rule} {e.remedy}" for e in report.errors]
    lines += [f"Warning, {_where(w)}, {w.field}: {w.rule} {w.remedy}" for w in report.warnings]
    return lines


def _where(found: "CellError") -> str:
    return f"sheet {found.sheet}, row {found.row}" if found.sheet else f"row {found.row}"
