"""Reference files and spreadsheets, in."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

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
    from pathways.imports import ImportReport

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


DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen; save nothing.")]
CreateOrganisations = Annotated[bool, typer.Option("--create-organisations", help="Make the ones not known yet.")]
AllOrNothing = Annotated[bool, typer.Option("--all-or-nothing", help="Save nothing if any row is wrong.")]
ReportFile = Annotated[Path | None, typer.Option("--report", help="Write the whole report here, as JSON.")]


def _load_taxonomy(files: list[Path], kind: str, acting_as: str | None) -> None:
    from matching.text import normalise
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
    acting_as: ActAs = None,
) -> None:
    """Import referrals to a partner. Example: pathways import referrals jcp.csv --to stepping-stones --dry-run."""
    from pathways.organisations import queries
    from pathways.referrals import files

    content = bytes_of(file)
    with opened() as database:
        most_unpacked = read_settings().max_unpacked_bytes
        actor = acting_on(operator(database, "referral:import", acting_as), on)
        with database.reading() as session:
            partner_id = queries.organisation_by_ref(session, to).id
        actor = for_partner(actor, partner_id)
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

    content = bytes_of(file)
    with opened() as database:
        most_unpacked = read_settings().max_unpacked_bytes
        actor = acting_on(operator(database, "placement:import", acting_as), on)
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
