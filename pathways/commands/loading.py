"""Commands that load reference files and import spreadsheets."""

import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
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
    from pathways.database import Database
    from pathways.imports.actions import Wish
    from pathways.imports.intake import ImportKind
    from pathways.imports.models import ImportRun
    from pathways.imports.schemas import ImportOut, ImportReport
    from pathways.imports.staging import Progress
    from pathways.reference.esco import ConceptKind
    from pathways.sheets.cells import CellError

reference = typer.Typer(no_args_is_help=True, help="Load postcodes, outcome rules, skills and occupations.")
imports = typer.Typer(no_args_is_help=True, help="Import referrals and placements from CSV or XLSX files.")


@reference.command("load-postcodes")
def reference_load_postcodes(file: Path, acting_as: ActAs = None) -> None:
    """Load positions of postcodes or outcodes from a CSV file. Example: pathways reference load-postcodes bt.csv."""
    from pathways.reference import postcodes

    content = bytes_of(file)
    with opened() as database:
        actor = operator(database, "reference load-postcodes", acting_as)
        with database.writing(actor) as session:
            print(f"{postcodes.load_csv(session, content)} postcodes or outcodes loaded.")


@reference.command("load-rules")
def reference_load_rules(file: Path, acting_as: ActAs = None) -> None:
    """Load versions of outcome rules from a JSON file. Example: pathways reference load-rules funder.json."""
    from pathways.reference import outcome_rules

    content = bytes_of(file)
    with opened() as database:
        actor = operator(database, "reference load-rules", acting_as)
        with database.writing(actor) as session:
            new, known = outcome_rules.load(session, actor, content)
    print(f"{new} versions of rules loaded; {known} were already loaded.")


DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Check the file and report what would happen. Change no records.")
]
CreateOrganisations = Annotated[
    bool, typer.Option("--create-organisations", help="Create organisations that do not exist yet.")
]
AllOrNothing = Annotated[bool, typer.Option("--all-or-nothing", help="Save nothing if any row has an error.")]
HoldDuplicates = Annotated[
    bool,
    typer.Option(
        "--hold-possible-duplicates",
        help="Save no row that may be about a jobseeker who is already supported; these rows wait for a decision.",
    ),
]
ResultFile = Annotated[
    Path | None, typer.Option("--result", help="Write all rows with their results to this .csv or .xlsx file.")
]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write the whole report to this file, as JSON.")]


Named = Annotated[
    str | None,
    typer.Option(
        "--named",
        help="The name of a classification other than ESCO, such as 'SOC 2020'. Its file is a plain CSV with the "
        "columns code and title and, if there are any, other_titles (separated by |) and description.",
    ),
]


def _load_list(files: list[Path], kind: str, name: str, acting_as: str | None) -> None:
    from matching.pairs.text import normalise
    from pathways.reference import taxonomy
    from pathways.reference.esco import ConceptKind

    if len(files) != 1:
        raise PlainError("Give one file with --named.")
    with opened() as database:
        actor = operator(database, f"reference load-{kind}s", acting_as)
        with database.writing(actor) as session:
            loaded = taxonomy.load_list(session, files[0], ConceptKind(kind), name, normalise)
    print(f"{loaded.concepts} {kind}s with {loaded.labels} labels, as {name.strip()}.")
    _remind_of_vectors(ConceptKind(kind))


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
        print(f"{loaded.unknown} relations name entries that are not loaded. Load these entries, then the relations.")
    print("This service uses the ESCO classification of the European Commission.")
    _remind_of_vectors(ConceptKind(kind))


def _remind_of_vectors(kind: "ConceptKind") -> None:
    from pathways.reference import sentence_vectors

    if sentence_vectors.stamp(kind):
        print(
            "Searches work, but do not use the sentence model for the new labels yet. Next: pathways reference "
            "make-vectors (about half an hour with all of ESCO)."
        )


@reference.command("make-vectors")
def reference_make_vectors() -> None:
    """Prepare the optional sentence model for all skills and occupations. Example: pathways reference make-vectors."""
    from matching.words.sentence import ModelMissing
    from pathways.reference import vocabulary
    from pathways.reference.esco import ConceptKind

    with opened() as database, _bar() as progress:
        for kind in (ConceptKind.SKILL, ConceptKind.OCCUPATION):
            try:
                number = vocabulary.make_vectors(database, kind, partial(_step, progress, f"{kind}s"))
            except ModelMissing as missing:
                raise PlainError(str(missing)) from missing
            except OSError as failed:
                message = f"The vectors cannot be written ({failed.strerror}). Set PATHWAYS_VECTORS to another folder."
                raise PlainError(message) from failed
            print(f"{number} labels of {kind}s are ready. Searches use them now.")


def _step(progress: "Progress | None", step: str, done: int, of: int) -> None:
    if progress is not None:
        progress(step, done, of)


@reference.command("load-skills")
def reference_load_skills(files: list[Path], named: Named = None, acting_as: ActAs = None) -> None:
    """Load ESCO skills and their relations. Example: reference load-skills skills_en.csv skillSkillRelations.csv."""
    if named is not None:
        _load_list(files, "skill", named, acting_as)
        return
    _load_taxonomy(files, "skill", acting_as)


@reference.command("load-occupations")
def reference_load_occupations(files: list[Path], named: Named = None, acting_as: ActAs = None) -> None:
    """Load occupations: of ESCO with their skills, or another list. Example: load-occupations soc.csv --named SOC."""
    if named is not None:
        _load_list(files, "occupation", named, acting_as)
        return
    _load_taxonomy(files, "occupation", acting_as)


@imports.command("referrals")
def import_referrals(
    file: Path,
    to: Annotated[str, typer.Option("--to", help="The reference of the partner that receives the referrals.")],
    on: On = None,
    dry_run: DryRun = False,
    create_organisations: CreateOrganisations = False,
    all_or_nothing: AllOrNothing = False,
    hold_possible_duplicates: HoldDuplicates = False,
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
        made_at = actor.at if on else None
        wish = Wish(partner_id, not dry_run, all_or_nothing, hold_possible_duplicates, create_organisations, made_at)
        _print_report(_imported(database, actor, files.KIND, content, wish, result), report)


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
        made_at = actor.at if on else None
        wish = Wish(None, not dry_run, all_or_nothing, creates_organisations=create_organisations, acts_at=made_at)
        _print_report(_imported(database, actor, files.KIND, content, wish, result), report)


@imports.command("template")
def import_template(
    kind: Annotated[str, typer.Argument(help="What the file is to contain: referrals or placements.")],
    file: Annotated[Path, typer.Argument(help="The .xlsx file to write.")],
) -> None:
    """Write a workbook to fill in, with lists to choose from. Example: pathways import template referrals new.xlsx."""
    from pathways.imports import template

    content = template.workbook(_kind_of(kind))
    try:
        with file.open("xb") as out:
            out.write(content)
    except FileExistsError as taken:
        message = f"{file} exists already. Choose another name."
        raise PlainError(message) from taken
    except OSError as failed:
        message = f"{file} cannot be written ({failed.strerror}). Choose another folder."
        raise PlainError(message) from failed
    print(f"Written to {file}. Fill it in, then send it: pathways import {kind} {file}")


def _kind_of(name: str) -> "ImportKind":
    from pathways.placements import files as placements
    from pathways.referrals import files as referrals

    kinds = {known.name: known for known in (referrals.KIND, placements.KIND)}
    if name not in kinds:
        message = f"There are no imports of {name}. Use {' or '.join(sorted(kinds))}."
        raise PlainError(message)
    return kinds[name]


@imports.command("apply")
def apply_import(
    kind: Annotated[str, typer.Argument(help="What the file contains: referrals or placements.")],
    import_id: Annotated[UUID, typer.Argument(help="The id that --dry-run printed.")],
    all_or_nothing: AllOrNothing = False,
    report: ReportFile = None,
    result: ResultFile = None,
    acting_as: ActAs = None,
) -> None:
    """Apply a checked import. Example: pathways import apply referrals 0199c5a1-8c3e-7b6e-a1f0-2f4c5d6e7f80."""
    from sqlalchemy import select

    from pathways.imports import actions
    from pathways.imports.models import ImportRun
    from pathways.imports.schemas import ApplyImport
    from pathways.imports.staging import Worker

    imported = _kind_of(kind)
    with opened() as database:
        actor = operator(database, f"{kind.removesuffix('s')}:import", acting_as)
        with database.writing(None) as session:
            rows = select(ImportRun).where(ImportRun.id == import_id, ImportRun.kind == kind).with_for_update()
            run = session.scalars(rows).one_or_none()
            if run is None:
                message = f"There is no import of {kind} with the id {import_id}. Use the id that --dry-run printed."
                raise PlainError(message)
            actor = for_partner(actor, run.partner_id) if run.partner_id else actor
            if run.organisation_id != actor.organisation_id:
                message = "Another organisation sent this file. Use --as to act as one of its members."
                raise PlainError(message)
            actions.apply(session, actor, run, ApplyImport(all_or_nothing=all_or_nothing))
        with _bar() as progress:
            Worker(database, imported, actor, run.id, progress).go_on()
        _print_report(_report_of(database, actor, imported, run, result), report)


def _imported(
    database: "Database", actor: "Actor", kind: "ImportKind", content: bytes, wish: "Wish", result: Path | None
) -> "ImportOut":
    """Import a file, or continue an interrupted import of the same file."""
    from pathways.imports import actions
    from pathways.imports.staging import Worker

    with database.reading(actor) as session:
        table = actions.read_file(session, actor, kind, content, read_settings().max_unpacked_bytes)
    with database.writing(actor) as session:
        run = actions.begin(session, actor, kind, content, table, wish)
    with _bar() as progress:
        worker = Worker(database, kind, actor, run.id, progress)
        worker.read(table)
        worker.go_on()
    return _report_of(database, actor, kind, run, result)


def _report_of(
    database: "Database", actor: "Actor", kind: "ImportKind", run: "ImportRun", result: Path | None
) -> "ImportOut":
    from pathways import audit
    from pathways.imports import files, reports
    from pathways.imports.models import ImportRun

    content = None
    with database.reading(newest=True) as session:
        run = session.get_one(ImportRun, run.id)
        if result is not None:
            write = files.as_workbook if result.suffix.lower() == ".xlsx" else files.as_csv
            content = write(session, actor, kind, run)
        answer = reports.reply(session, actor, kind, run)
        run_id = run.id
    if actor.reading.unaudited or content is not None:  # before anything is printed or written
        audit.opened_with_people(database, actor, "imports", run_id)
    if result is not None and content is not None:
        result.touch(mode=0o600)
        result.write_bytes(content)
    return answer


@contextmanager
def _bar() -> "Iterator[Progress | None]":
    """Yield a function (step, done, total) that draws a progress bar; None if standard error is not a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    with ExitStack() as stack:
        bars: dict[str, Any] = {}

        def progress(step: str, done: int, total: int) -> None:
            if step not in bars:
                stack.close()
                bars[step] = stack.enter_context(typer.progressbar(length=total, label=step, file=sys.stderr))
            bars[step].update(done - bars[step].pos)

        yield progress


MOST_LINES = 40


def _print_report(made: "ImportOut", report_file: Path | None) -> None:
    report = made.report
    lines = as_sentences(report)
    for line in lines[:MOST_LINES]:
        print(line)
    if len(lines) > MOST_LINES:
        print(f"and {len(lines) - MOST_LINES} more lines. To write all of them to a file, use --report or --result.")
    if report.made:
        names = " ".join(report.made[:10])
        print(f"Created: {names}{' …' if len(report.made) > 10 else ''}")  # noqa: PLR2004 - as many as fit a line
    if not report.was_applied:
        print(f"To apply it: pathways import apply {made.kind} {made.id}")
    print(f"Template with all columns: pathways import template {made.kind} {made.kind}.xlsx")
    if report_file is not None:
        report_file.write_text(report.model_dump_json(indent=2), encoding="utf-8")
    if report.errors and not report.was_applied and not report.is_dry_run:
        message = "Nothing was saved, because some rows have errors and --all-or-nothing was given. Correct these rows."
        raise PlainError(message)


def as_sentences(report: "ImportReport") -> list[str]:
    """Return the report as lines of text for a terminal."""
    verb = "would be " if report.is_dry_run else ""
    created, updated = (report.to_create, report.to_update) if report.is_dry_run else (report.created, report.updated)
    lines = [
        (
            f"{report.rows} rows: {created} {verb}created, {updated} {verb}updated, "
            f"{report.unchanged} unchanged, {report.repeated} repeated, {report.in_error} with errors."
        )
    ]
    if report.possible_duplicates and report.was_applied:
        lines.append(f"{report.possible_duplicates} rows were not saved: each may be about a jobseeker you support.")
    elif report.possible_duplicates:
        lines.append(f"{report.possible_duplicates} of the new records may be about a jobseeker you already support.")
    if not report.was_applied and not report.is_dry_run:
        lines.append("Nothing was saved.")
    for column in report.unknown_columns:
        hint = " The template lists all columns."
        lines.append(report.unread_columns.get(column, f"Column {column} is unknown and was not read.{hint}"))
    lines += [f"Left out: {what}." for what in report.passed_over]
    lines += [note for note in report.notes if note not in report.unread_columns.values()]
    lines += [f"Error, {_where(e)}, {e.field}: {e.rule} {e.remedy}" for e in report.errors]
    lines += [f"Warning, {_where(w)}, {w.field}: {w.rule} {w.remedy}" for w in report.warnings]
    return lines


def _where(error: "CellError") -> str:
    return f"sheet {error.sheet}, row {error.row}" if error.sheet else f"row {error.row}"
