"""The pages of docs/ that are made from the code: settings, commands, tables, and the stored OpenAPI document.

``python -m tests.pages`` writes them (`make documents`); tests/house/test_written_documents.py compares them.
"""

import csv
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined
from sqlalchemy import Table
from typer.main import get_command

from pathways.all_models import METADATA
from pathways.app import create_app
from pathways.cli import cli
from pathways.database import Database
from pathways.exports import tables
from pathways.field_docs import FIELD_DOCS
from pathways.placements import files as placement_files
from pathways.referrals import files as referral_files
from pathways.settings import Settings

DOCS = Path(__file__).parents[1] / "docs"
MADE = "<!-- Made from the code by `make documents`. -->\n"


def settings() -> str:
    lines = [
        f"# Settings\n\n{MADE}",
        "Settings are environment variables, read once at the start. A variable `PATHWAYS_…` that is not listed here",
        "is refused. The first run writes both keys to `var/secrets.env`, readable by its owner only.\n",
        "| variable | default | what it is |",
        "|---|---|---|",
    ]
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = "" if default in (None, PydanticUndefined) or isinstance(default, SecretStr) else f"`{default}`"
        lines.append(f"| `PATHWAYS_{name.upper()}` | {shown} | {field.description} |")
    return "\n".join(lines) + "\n"


def _commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    for name, inner in sorted(getattr(command, "commands", {}).items()):
        if inner.hidden:
            continue
        if hasattr(inner, "commands"):
            yield from _commands(inner, f"{path} {name}")
        else:
            yield f"{path} {name}", inner


def commands() -> str:
    lines = [
        f"# Command line\n\n{MADE}",
        "The command is `.venv/bin/pathways`, or `pathways` after `. .venv/bin/activate`. A command about a partner's",
        "people acts as that partner's team manager or the member of `--as`. The audit names the operator or member.\n",
    ]
    for name, command in _commands(get_command(cli), "pathways"):
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option" and p.name != "help"]
        usage = " ".join(
            [
                name,
                *(a.name.upper() if a.required else f"[{a.name.upper()}]" for a in arguments),
                *(["[OPTIONS]"] if options else []),
            ]
        )
        lines += [f"## `{usage}`", " ".join((command.help or "").split())]
        lines += ["" if options else None, *(_option(option) for option in options), ""]
    return "\n".join(line for line in lines if line is not None)


def _option(option: Any) -> str:
    names = ", ".join(f"`{name}`" for name in option.opts)
    default = f" Default: `{option.default}`." if option.default not in (None, False, True, "", ()) else ""
    needed = " Required." if option.required else ""
    return f"- {names}: {option.help or ''}{needed}{default}".rstrip().rstrip(":")


def entities() -> str:
    """Return one diagram of the tables of each feature, with the tables they point to."""
    lines = [f"# Tables\n\n{MADE}", "Keys and columns of every table, by feature. Facts are append-only.\n"]
    features: dict[str, list[Table]] = {}
    for table in METADATA.sorted_tables:
        features.setdefault(_feature(table), []).append(table)
    for feature in sorted(features):
        lines += [f"## {feature}", "```mermaid", "erDiagram"]
        for table in sorted(features[feature], key=lambda table: table.name):
            lines += [f"    {table.name} {{", *(_column(column) for column in table.columns), "    }"]
            targets = {key.column.table.name for key in table.foreign_keys if key.column.table.name != table.name}
            lines += [f"    {target} ||--o{{ {table.name} : has" for target in sorted(targets)]
        lines += ["```", ""]
    return "\n".join(lines)


def _feature(table: Table) -> str:
    from pathways.base import Base

    mapper = next(mapper for mapper in Base.registry.mappers if mapper.local_table is table)
    return mapper.class_.__module__.split(".")[1]


def _column(column: Any) -> str:
    kind = type(column.type).__name__
    marks = [mark for mark, has in (("PK", column.primary_key), ("FK", bool(column.foreign_keys))) if has]
    return f"        {kind} {column.name} {','.join(marks)}".rstrip()


def files() -> str:
    """Return the columns of the files that people send, and of the tables that a month's export holds."""
    referral = {column: field for column, (field, _) in referral_files.COLUMNS.items()}
    placement = {column: "ref" if column == "placement_ref" else column for column in placement_files.READERS}
    lines = [
        f"# Files\n\n{MADE}",
        "Files in: CSV (UTF-8) or XLSX, one row a record. The header row is found under title rows; blank rows and",
        "totals are passed over. Dates are yyyy-mm-dd, dd/mm/yyyy or dd Mon yyyy. `;` separates values in a cell.",
        "A blank cell is unknown and changes nothing. Codes are listed by `GET /api/v1/reference`. Hidden sheets are",
        "not read; hidden rows are read with a warning. `pathways import template` writes a workbook to fill in.\n",
    ]
    for title, columns, aliases in (
        ("Referral file", referral, referral_files.ALIASES),
        ("Placement file", placement, placement_files.ALIASES),
    ):
        lines += [f"## {title}", "| column | what it is | also accepted |", "|---|---|---|"]
        for column, field in columns.items():
            names = (name for name, meant in aliases.items() if meant == column)
            also = sorted(name for name in names if name != column.replace("_", " "))
            lines.append(f"| `{column}` | {FIELD_DOCS[field]} | {', '.join(also)} |")
        lines.append("")
    lines += ["## Month's export", "Every table is under disclosure control.\n"]
    for table in tables.TABLES:
        lines += [f"### {table.name}.csv", f"{table.about}\n", "| column | what it is |", "|---|---|"]
        lines += [f"| `{column.name}` | {column.about} |" for column in table.columns]
        lines.append("")
    return "\n".join(lines)


ABOUT_TABLES = {
    "advert_groups": "Groups of people, unpaid work and personal care in adverts: their words, the law and the remedy.",
    "advert_sentences": "Forms in which a sentence of an advert shuts out a group or speaks of unpaid work or care.",
    "advert_spellings": "Misspellings and disguises of the words that an advert is checked for.",
    "advert_words": "Wording of an advert that the law forbids or that a caseworker must see, with law and remedy.",
    "allocation_policies": "The policies of an allocation, with evidence: need floor, value of an offer, evenness.",
    "bank_holidays": "Bank holidays that the built-in calendar lacks, or that were moved.",
    "benefits": "Benefits that work may affect, and the sentence for the adviser.",
    "check_ins": "When to check in after the first day of work.",
    "clocks": "Days and working days until something is due: reminders, expiries, holds, plans.",
    "conditions": "Conditions of work that people avoid or need, and how people and adverts name them.",
    "conviction_words": "Words by which a text speaks of convictions, so that fewer people may read it.",
    "dbs_roles": "Words of a job title that suggest a DBS level.",
    "experiences": "Everyday experience, and the skills that it shows.",
    "fidelity": "Bands of the fidelity measures.",
    "group_names": "Names of nations, religions and conditions, and of things and animals, for wording of adverts.",
    "half_day_times": "When the half-days begin and end, for journeys by timetable.",
    "job_kinds": "Which kinds of placement count as a job or are subsidised.",
    "kinds_of_work": "Kinds of work of the starter vocabulary, each with its sector and its usual surroundings.",
    "legal_bases": "Exceptions that the law knows for wording of an advert, and what each may justify.",
    "limits": "Limits and thresholds: disclosure control, hours, matching, worklist, storage.",
    "listing_words": "Words of an advert that ask for a licence or for English, or that keep everybody outside away.",
    "lookalike_letters": "Letters that are drawn like Latin letters, so that an advert cannot hide a word with them.",
    "minimum_wage": "Minimum wage by age band, in pence.",
    "near_work": "Pairs of kinds of work that a person who wants the one may want to be shown, and why.",
    "neutral_words": "Gendered words and names that must not matter when phrases are compared.",
    "occupations": "The starter vocabulary of kinds of work: titles of adverts, and how people say they want the work.",
    "ring_fence_groups": "Groups for whom a placement may be reserved, and which kind of legal basis each needs.",
    "sectors": "Sectors of work, and the broad words by which people name them as a wish.",
    "skill_neighbours": "How far having one skill is worth having another, in tenths.",
    "skills": "The starter vocabulary of skills: how adverts ask for them and how people say that they have them.",
    "travel_modes": "Speed, detour and waiting of each way of travelling.",
    "vocabularies": "Codes and suggestions of fields (GET /api/v1/reference).",
}
SHOWN_WHOLE = ("clocks", "limits", "check_ins", "travel_modes", "half_day_times", "minimum_wage", "job_kinds")


def reference() -> str:
    """Return the dated tables: what each is for and its columns, and the rows of those that people change."""
    lines = [
        f"# Reference data\n\n{MADE}",
        "Numbers that a law, a funder or a partner sets are rows of `pathways/reference/data/`, never code. A row",
        "applies from its `from` day until a later row of the same name. To change a number, add a row; never edit",
        "one, or past figures change. On one server, `PATHWAYS_REFERENCE_FOLDER` replaces whole tables. Outcome rules",
        "are in `pathways/reference/data/outcome_rules.json` or loaded with `pathways reference load-rules`.\n",
        "| table | what it is for | columns |",
        "|---|---|---|",
    ]
    contents = {}
    for path in sorted((DOCS.parent / "pathways" / "reference" / "data").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            contents[path.stem] = list(csv.reader(file))
        header = ", ".join(contents[path.stem][0])
        lines.append(f"| `{path.name}` | {ABOUT_TABLES[path.stem]} | {header} |")
    for name in SHOWN_WHOLE:
        header, *rows = contents[name]
        lines += ["", f"## {name}", f"| {' | '.join(header)} |", f"|{'---|' * len(header)}"]
        lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def openapi() -> str:
    settings = Settings(
        _env_file=None,
        database_url="sqlite:////tmp/none.db",
        encryption_key="-" * 32,
        hash_key="-" * 32,
        log_level="error",
    )
    document = create_app(settings, Database.of(settings)).openapi()
    return json.dumps(document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"


PAGES: dict[str, Callable[[], str]] = {
    "settings.md": settings,
    "commands.md": commands,
    "entities.md": entities,
    "files.md": files,
    "reference.md": reference,
    "openapi.json": openapi,
}


def main() -> None:
    for name, page in PAGES.items():
        (DOCS / name).write_text(page(), encoding="utf-8")
        print(f"docs/{name}")


if __name__ == "__main__":
    main()
