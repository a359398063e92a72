"""Making a month: counts from facts as known, a decision of what may be told, files, and a version for what is new.

A month is counted and decided outside of any writing: both take long. The short write that keeps it looks whether
anything was released meanwhile, and if so it is decided again, for what is out may hide or show what is to come.
"""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from pathways.base import Actor, Role, end_of_local_day
from pathways.database import Database, Session, WriteSession
from pathways.documents import store_at
from pathways.errors import Conflict, NotPermitted, RuleBroken
from pathways.exports import adjustments, claim_lines, disclosure, files, folder, queries, releases
from pathways.exports.adjustments import Closed, Person
from pathways.exports.cohort import EVERYBODY, Head, Tally, together
from pathways.exports.disclosure import DisclosureRules, Suppression
from pathways.exports.journeys import journeys_of
from pathways.exports.models import Export, ExportFile, ExportKind, ExportState, Release
from pathways.exports.months import Month
from pathways.exports.schemas import ExportOut, FiguresOut, NewClaimsFile, NewExport
from pathways.exports.tables import TABLES
from pathways.organisations.models import Organisation
from pathways.programmes.models import Programme
from pathways.reference import outcome_rules, tables

REFERENCE_TABLES = ("job_kinds", "limits", "minimum_wage")
MOST_TRIES = 5


class MonthFrozen(Conflict):
    title = "This month is closed"


class NotFrozenYet(Conflict):
    title = "This month cannot be closed now"


class FileExpired(Conflict):
    title = "This file is kept no longer"


class ReleasedMeanwhile(Conflict):
    title = "Other figures were released at the same moment"


@dataclass(frozen=True)
class Counted:
    """A month's counts, before anything is hidden, and what earlier closed months told."""

    commissioner: Organisation
    programmes: list[Programme]
    tallies: dict[str, Tally]
    scope: str
    as_of: date
    references: dict[str, str]
    closed: list[Closed]
    why: dict[str, list[str]]

    @property
    def tally(self) -> Tally:
        """The counts of the programmes that are asked for."""
        return self.tallies[self.scope]

    @property
    def facts_hash(self) -> str:
        """The same for the same counts and tables, as known on the same day."""
        contents = {"counts": dict(self.tally.figures().counts), "references": self.references, "why": self.why}
        return files.sha256(files.json_bytes({**contents, "as_of": self.as_of.isoformat()}))


def count(session: Session, actor: Actor, new: NewExport, progress: Callable[[int], None] = lambda _: None) -> Counted:
    """Count a month as it was known at the end of a day, reading person by person."""
    commissioner_id = new.commissioner_id or actor.organisation_id
    if actor.role is not Role.OPERATOR and commissioner_id != actor.organisation_id:
        raise NotPermitted("You may export your own programmes only.")
    month = Month.parse(new.month)
    as_of = new.as_of or actor.today
    if month.first_day > actor.today or as_of > actor.today:
        raise RuleBroken("This month or day has not come.", pointer="/month")
    at = end_of_local_day(as_of)
    commissioner = session.get(Organisation, commissioner_id)
    every = queries.programmes_of(session, commissioner_id, at)
    programmes = [one for one in every if new.programme_id in {None, one.id}]
    if commissioner is None or not programmes:
        raise RuleBroken("This commissioner pays for no such programme.", pointer="/programme_id")
    scope = programmes[0].ref if new.programme_id is not None else EVERYBODY
    # The figures of one programme and those of all of them are the two ends of a difference, whichever comes first.
    is_apart = len(every) > 1
    tallies = {one.ref: Tally(month, one.ref) for one in every} if is_apart else {}
    tallies |= {EVERYBODY: Tally(month)} if is_apart or scope == EVERYBODY else {scope: Tally(month, scope)}
    for number, journey in enumerate(queries.journeys(session, every if is_apart else programmes, at, month.last_day)):
        for name in {EVERYBODY, journey.groups["programme"]} & tallies.keys():
            tallies[name].add(journey)
        if number % 1_000 == 0:
            progress(number)
    references = references_of(session, programmes)
    closed = queries.closed_months(session, commissioner_id, new.programme_id, month)
    smallest = rules_on(month.last_day).smallest
    why = reasons_since(session, programmes, scope, closed, as_of, references, smallest) if closed else {}
    return Counted(commissioner, programmes, tallies, scope, as_of, references, closed, why)


def references_of(session: Session, programmes: Sequence[Programme]) -> dict[str, str]:
    paid_by = [named for programme in programmes for named in programme.rule_versions]
    return {name: tables.version_of(name) for name in REFERENCE_TABLES} | {
        "outcome_rules": outcome_rules.version_of(outcome_rules.all_versions(session), paid_by)
    }


def reasons_since(
    session: Session,
    programmes: Sequence[Programme],
    scope: str,
    closed: Sequence[Closed],
    as_of: date,
    references: Mapping[str, str],
    smallest: int,
) -> dict[str, list[str]]:
    """Return why figures of closed months are others now: what changed since the last was closed, and what before."""
    last = closed[-1]
    at, now = end_of_local_day(last.as_of), end_of_local_day(as_of)
    partners = sorted({programme.partner_id for programme in programmes}, key=str)

    def people(instant: datetime) -> Iterator[Person]:
        frame = queries.frame(session, programmes, partners, instant, last.month.last_day)
        for partner, person, life in queries.lives(session, partners, instant):
            yield partner, person, life, journeys_of(life, partner, person, frame)

    merged = queries.merged_between(session, partners, at, now)
    changed, then = adjustments.reasons(
        last.month, scope, adjustments.in_step(people(at), people(now)), merged.__contains__
    )
    found = adjustments.all_reasons(changed, then, last, references)
    before = dict(last.kept.reasons)
    return before | {key: adjustments.published_reasons(why, smallest) for key, why in found.items() if why}


def rules_on(day: date) -> DisclosureRules:
    """Return the rules of disclosure control in force on a day."""
    return DisclosureRules(
        smallest=int(tables.limit("disclosure_smallest_count", day)),
        base=int(tables.limit("disclosure_rounded_to", day)),
        smallest_whole=int(tables.limit("disclosure_smallest_whole", day)),
    )


def decide(counted: Counted, past: Sequence[disclosure.EarlierRelease]) -> Suppression:
    return disclosure.protect(together(counted.tallies, counted.scope), rules_on(counted.tally.month.last_day), past)


def contents(counted: Counted, decision: Suppression, version: int) -> folder.FolderContents:
    head = Head(counted.tally.month, counted.as_of, version)
    return folder.FolderContents(
        counted.commissioner.ref,
        counted.commissioner.name,
        head,
        counted.tally,
        decision,
        list(adjustments.adjustment_rows(counted.closed, decision, head, counted.why)),
        [{"ref": one.ref, "rule_versions": one.rule_versions} for one in counted.programmes],
        counted.references,
        int(tables.limit("median_smallest", counted.tally.month.last_day)),
    )


def make(
    database: Database,
    actor: Actor,
    new: NewExport,
    keep: Callable[[WriteSession, Callable[[], Export]], Export] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Export:
    """Make a month, or return the latest version where nothing is known otherwise since."""
    with database.reading(actor, newest=True) as session:
        if frozen := _frozen(session, actor, new):
            return frozen
        counted = count(session, actor, new, progress)
        latest = queries.latest(session, counted.commissioner.id, new.programme_id, new.month)
        is_new = latest is None or latest.facts_hash != counted.facts_hash
    for _ in range(MOST_TRIES):
        with database.reading(actor, newest=True) as session:
            past = queries.released(session, counted.commissioner.id) if is_new else []
        decision = decide(counted, [kept.released for _, kept in past]) if is_new else None
        with database.writing(actor) as session:
            queries.lock(session, counted.commissioner.id)
            if is_new and [one for one, _ in past] != queries.released_ids(session, counted.commissioner.id):
                continue
            if keep is None:
                return _store(session, actor, new, counted, decision)
            return keep(session, lambda: _store(session, actor, new, counted, decision))  # noqa: B023 - called at once
    raise ReleasedMeanwhile("Try again in a moment.")


def _frozen(session: Session, actor: Actor, new: NewExport) -> Export | None:
    """Return the closed month that is asked for; as known on another day it is refused, for it would be another one."""
    latest = queries.latest(session, new.commissioner_id or actor.organisation_id, new.programme_id, new.month)
    if latest is None or latest.state is not ExportState.FROZEN:
        return None
    if new.as_of not in {None, latest.as_of}:
        raise MonthFrozen(
            f"It was closed as known on {latest.as_of}. What is known otherwise since is in the adjustments of later"
            " months."
        )
    return latest


def _store(
    session: WriteSession, actor: Actor, new: NewExport, counted: Counted, decision: Suppression | None
) -> Export:
    commissioner_id = counted.commissioner.id
    latest = queries.latest(session, commissioner_id, new.programme_id, new.month)
    facts_hash = counted.facts_hash
    if latest is not None and (latest.facts_hash == facts_hash or latest.state is ExportState.FROZEN):
        return latest
    if decision is None:  # it was the latest when it was counted, and another was made since
        raise ReleasedMeanwhile("Try again in a moment.")
    number = latest.number + 1 if latest else 1
    made = contents(counted, decision, number)
    content = folder.files_of(made)
    export = Export(
        id=uuid7(),
        commissioner_id=commissioner_id,
        programme_id=new.programme_id,
        programme_key=str(new.programme_id or EVERYBODY),
        kind=ExportKind.OUTCOMES,
        month=new.month,
        number=number,
        as_of=counted.as_of,
        facts_hash=facts_hash,
        content_hash=files.sha256(content["manifest.json"]),
        folder=made.folder,
        made_at=actor.at,
        by=actor.user_id,
    )
    session.add(export)
    session.flush()  # its files point to it
    session.add_all(ExportFile(export_id=export.id, name=name, content=body) for name, body in content.items())
    kept = releases.packed(decision, counted.why, counted.references)
    session.add(Release(export_id=export.id, commissioner_id=commissioner_id, content=kept))
    session.flush()  # the reply names them
    return export


def make_claims(session: WriteSession, actor: Actor, new: NewClaimsFile, certificate: bytes | None) -> Export:
    """Make the file of a month's claims, for whoever asks and nobody else; it is kept for some days, sealed."""
    month = Month.parse(new.month)
    if month.first_day > actor.today:
        raise RuleBroken("This month has not come.", pointer="/month")
    programmes = queries.programmes_of(session, actor.organisation_id, actor.at)
    if not [one for one in programmes if new.programme_id in {None, one.id}]:
        raise RuleBroken("You pay for no such programme.", pointer="/programme_id")
    queries.lock(session, actor.organisation_id)
    lines = queries.claim_lines(session, actor.organisation_id, new.programme_id, month, actor.at)
    commissioner = session.get_one(Organisation, actor.organisation_id)
    number = queries.next_number(session, actor.organisation_id, new.programme_id, new.month)
    export = Export(
        id=uuid7(),
        commissioner_id=actor.organisation_id,
        programme_id=new.programme_id,
        programme_key=str(new.programme_id or EVERYBODY),
        kind=ExportKind.CLAIMS,
        month=new.month,
        number=number,
        as_of=actor.today,
        folder=f"claims_{commissioner.ref}_{month}_v{number}",
        facts_hash="",
        content_hash="",
        made_at=actor.at,
        by=actor.user_id,
        expires_on=actor.today + timedelta(days=int(tables.limit("claims_file_days", actor.today))),
    )
    rows = claim_lines.rows_of(month, actor.today, lines)
    title = f"{commissioner.name}: claims, {month.in_words}"
    content = claim_lines.files_of(export.folder, title, rows, certificate)
    digests = {name: files.sha256(body) for name, body in content.items()}
    content["manifest.json"] = files.json_bytes(
        {
            "as_of": actor.today.isoformat(),
            "commissioner": commissioner.ref,
            "files": digests,
            "month": str(month),
            "publishable": False,
            "version": number,
        }
    )
    export.content_hash = files.sha256(content["manifest.json"])
    session.add(export)
    session.flush()  # its files point to it
    for name, body in content.items():
        sealed = session.vault.seal_bytes(body, place=f"export_files:{export.id}:{name}")
        session.add(ExportFile(export_id=export.id, name=name, content=sealed))
    session.flush()  # the reply names them
    return export


def content_of(session: Session, actor: Actor, export: Export, name: str) -> bytes:
    """Return one file of an export."""
    found = queries.file(session, export, name)
    if export.kind is not ExportKind.CLAIMS:
        return found.content
    if export.expires_on is not None and export.expires_on < actor.today:
        raise FileExpired("It was kept for some days only. Make it again.")
    return session.vault.open_bytes(found.content, place=f"export_files:{export.id}:{name}")


def freeze(session: WriteSession, actor: Actor, export: Export) -> Export:
    """Close a month as one version of it tells it: a person's act, done once. No other version of it is made then."""
    if queries.is_machine(session, actor.user_id):
        raise NotPermitted("A month is closed by a person. Use the key of somebody who answers for it.")
    if export.kind is not ExportKind.OUTCOMES:
        raise NotFrozenYet("Only figures are closed; a file of claims is made anew.")
    queries.lock(session, export.commissioner_id)
    session.refresh(export)
    if export.state is ExportState.FROZEN:
        return export
    latest = queries.latest(session, export.commissioner_id, export.programme_id, export.month)
    if latest is None or latest.id != export.id:
        raise NotFrozenYet("There is a later version of this month. Look at that one, and close it.")
    month = Month.parse(export.month)
    if export.as_of <= month.last_day:
        raise NotFrozenYet("This version was made before the month was over. Make it again, then close it.")
    export.state, export.frozen_at, export.frozen_by = ExportState.FROZEN, actor.at, actor.user_id
    session.flush()  # the reply carries it
    return export


def reply(session: Session, export: Export) -> ExportOut:
    return replies(session, [export])[0]


def replies(session: Session, exports: Sequence[Export]) -> list[ExportOut]:
    names = queries.file_names(session, (export.id for export in exports))
    return [ExportOut.model_validate(one).model_copy(update={"files": names[one.id]}) for one in exports]


def figures(
    session: Session,
    actor: Actor,
    month: str,
    table: str,
    commissioner_id: UUID | None,
    programme_id: UUID | None,
) -> FiguresOut:
    """Return one table of a month as it was published last."""
    export = queries.published(session, actor, month, commissioner_id, programme_id)
    contents = next(one for one in TABLES if one.name == table)
    numbers = {column.name for column in contents.columns if column.kind in {"integer", "number"}}
    rows = csv.DictReader(io.StringIO(queries.file(session, export, f"{table}.csv").content.decode()))
    return FiguresOut(
        month=export.month,
        version=export.number,
        as_of=export.as_of,
        state=export.state,
        table=table,
        about=contents.about,
        items=[
            {name: _number(cell) if name in numbers else cell or None for name, cell in row.items()} for row in rows
        ],
    )


def _number(cell: str) -> float | None:
    return float(cell) if cell else None


def deliver(session: Session, actor: Actor, export: Export, to: str) -> str:
    """Write an export's files to a folder of its name, in a folder or in a bucket ``s3://bucket/prefix``.

    The manifest comes last: a folder without one is not whole. What stands there already is replaced by the same bytes.
    """
    store = store_at(to)
    names = queries.file_names(session, [export.id])[export.id]
    for name in sorted(names, key=lambda one: one == "manifest.json"):
        store.put(f"{export.folder}/{name}", content_of(session, actor, export, name))
    return f"{to.rstrip('/')}/{export.folder}"


def verify_folder(delivered: Path) -> list[str]:
    """Return what is wrong with a delivered folder; empty means every file is as it was made."""
    try:
        manifest = json.loads((delivered / "manifest.json").read_text(encoding="utf-8"))
        named: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"{delivered}: there is no manifest.json that can be read."]
    faults = []
    for name, expected in sorted(named.items()):
        path = delivered / Path(name).name
        if not path.is_file():
            faults.append(f"{name} is missing.")
        elif files.sha256(path.read_bytes()) != expected:
            faults.append(f"{name} is not as it was made.")
    present = {path.name for path in delivered.iterdir()} - {"manifest.json"}
    faults += [f"{name} is not in the manifest." for name in sorted(present - set(named))]
    return faults
