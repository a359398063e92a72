"""Making a month: rows from facts as known, bytes from rows, a version for what is new."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from sqlalchemy import select
from uuid_utils.compat import uuid7

from pathways.base import Actor, Role, end_of_local_day
from pathways.database import Session, WriteSession
from pathways.errors import NotPermitted, RuleBroken
from pathways.exports import cohort, files, queries
from pathways.exports.cohort import Month
from pathways.exports.models import Export, ExportFile
from pathways.exports.schemas import ExportOut, NewExport
from pathways.organisations.models import Organisation
from pathways.programmes.models import Programme
from pathways.reference import outcome_rules, tables

SCHEMA_VERSION = "1"
REFERENCE_TABLES = ("job_kinds", "limits", "minimum_wage")
NOTE = (
    "Counts of people. [c]: hidden because it is small. [x]: the months have not passed yet. "
    "Until the whole of disclosure control exists, this folder is not for publication."
)


@dataclass(frozen=True, slots=True)
class Build:
    """The files of one month, and the hash of what they say whatever their version number is."""

    folder: str
    content: Mapping[str, bytes]


def build(
    session: Session,
    commissioner: Organisation,
    programmes: list[Programme],
    month: Month,
    *,
    as_of: date,
    version: int,
) -> Build:
    """Return the files of a month as it was known at the end of a day; the same facts give the same bytes."""
    smallest = int(tables.limit("disclosure_smallest_count", month.last_day))
    journeys = queries.journeys(session, programmes, end_of_local_day(as_of), month.last_day)
    content = {
        "cohort.csv": files.csv_bytes(
            cohort.COHORT_COLUMNS,
            cohort.cohort_rows(journeys, month, as_of=as_of, version=version, smallest=smallest),
        ),
        "progression.csv": files.csv_bytes(
            cohort.PROGRESSION_COLUMNS,
            cohort.progression_rows(journeys, month, as_of=as_of, version=version, smallest=smallest),
        ),
    }
    paid_by = [named for programme in programmes for named in programme.rule_versions]
    manifest = {
        "as_of": as_of.isoformat(),
        "commissioner": commissioner.ref,
        "files": {name: files.sha256(body) for name, body in content.items()},
        "month": str(month),
        "note": NOTE,
        "programmes": [{"ref": programme.ref, "rule_versions": programme.rule_versions} for programme in programmes],
        "publishable": False,
        "reference_versions": {name: tables.version_of(name) for name in REFERENCE_TABLES}
        | {"outcome_rules": outcome_rules.version_of(outcome_rules.known(session), paid_by)},
        "schema_version": SCHEMA_VERSION,
        "version": version,
    }
    return Build(
        folder=f"outcomes_{commissioner.ref}_{month}_v{version}",
        content=content | {"manifest.json": files.json_bytes(manifest)},
    )


def make(session: WriteSession, actor: Actor, new: NewExport) -> Export:
    """Make a month, or return the latest version where it says just the same."""
    commissioner_id = new.commissioner_id or actor.organisation_id
    if actor.role is not Role.OPERATOR and commissioner_id != actor.organisation_id:
        raise NotPermitted("You may export your own programmes only.")
    month = Month.parse(new.month)
    as_of = new.as_of or actor.today
    if month.first_day > actor.today or as_of > actor.today:
        raise RuleBroken("This month or day has not come.", pointer="/month")
    commissioner = session.get(Organisation, commissioner_id)
    programmes = queries.programmes_of(session, commissioner_id, new.programme_id, end_of_local_day(as_of))
    if commissioner is None or not programmes:
        raise RuleBroken("This commissioner pays for no such programme.", pointer="/programme_id")
    latest = _latest(session, commissioner_id, new.programme_id, month)
    number = latest.number if latest else 1
    built = build(session, commissioner, programmes, month, as_of=as_of, version=number)
    if latest is not None:
        if files.sha256(built.content["manifest.json"]) == latest.content_hash:
            return latest
        number += 1
        built = build(session, commissioner, programmes, month, as_of=as_of, version=number)
    export = Export(
        id=uuid7(),
        commissioner_id=commissioner_id,
        programme_id=new.programme_id,
        programme_key=str(new.programme_id or "all"),
        month=str(month),
        number=number,
        as_of=as_of,
        content_hash=files.sha256(built.content["manifest.json"]),
        folder=built.folder,
        made_at=actor.at,
        by=actor.user_id,
    )
    session.add(export)
    session.flush()  # its files point to it
    session.add_all(ExportFile(export_id=export.id, name=name, content=body) for name, body in built.content.items())
    session.flush()  # the reply names them
    return export


def _latest(session: Session, commissioner_id: UUID, programme_id: UUID | None, month: Month) -> Export | None:
    return session.scalars(
        select(Export)
        .where(
            Export.commissioner_id == commissioner_id,
            Export.programme_key == str(programme_id or "all"),
            Export.month == str(month),
        )
        .order_by(Export.number.desc())
        .limit(1)
    ).first()


def shown(session: Session, export: Export) -> ExportOut:
    return shown_all(session, [export])[0]


def shown_all(session: Session, exports: Sequence[Export]) -> list[ExportOut]:
    names = queries.file_names(session, (export.id for export in exports))
    return [ExportOut.model_validate(one).model_copy(update={"files": names[one.id]}) for one in exports]


def write_folder(session: Session, export: Export, out: Path) -> Path:
    """Write an export's files to a folder of its name; what stands there already is replaced by the same bytes."""
    folder = out / export.folder
    folder.mkdir(parents=True, exist_ok=True)
    for name in queries.file_names(session, [export.id])[export.id]:
        (folder / name).write_bytes(queries.file(session, export, name).content)
    return folder


def verify_folder(folder: Path) -> list[str]:
    """Return what is wrong with a delivered folder; empty means every file is as it was made."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        named: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"{folder}: there is no manifest.json that can be read."]
    faults = []
    for name, expected in sorted(named.items()):
        path = folder / Path(name).name
        if not path.is_file():
            faults.append(f"{name} is missing.")
        elif files.sha256(path.read_bytes()) != expected:
            faults.append(f"{name} is not as it was made.")
    present = {path.name for path in folder.iterdir()} - {"manifest.json"}
    faults += [f"{name} is not in the manifest." for name in sorted(present - set(named))]
    return faults
