"""Make a month's export: count the facts known on a day, decide what to suppress, write the files, store a version.

Counting and suppression take long, so they run outside of any write transaction. The short transaction that stores the
result first checks whether other figures were released in the meantime. If so, suppression is decided again, because
released figures affect which other figures can be published safely.
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
from pathways.disclosure import suppression
from pathways.disclosure.suppression import Suppression
from pathways.documents import store_at
from pathways.errors import Conflict, NotPermitted, RuleBroken
from pathways.exports import adjustments, claim_lines, files, folder, queries, releases
from pathways.exports.adjustments import Closed, Person
from pathways.exports.cohort import EVERYBODY, Head, Tally, together
from pathways.exports.journeys import journeys_of
from pathways.exports.models import Export, ExportFile, ExportKind, ExportState, Release
from pathways.exports.months import Month
from pathways.exports.schemas import ExportOut, FiguresOut, NewClaimsFile, NewExport
from pathways.exports.tables import TABLES
from pathways.organisations.models import Organisation
from pathways.programmes.models import Programme
from pathways.reference import outcome_rules, tables
from pathways.reference.disclosure_rules import rules_on

REFERENCE_TABLES = ("job_kinds", "limits", "minimum_wage")
MOST_TRIES = 5


class MonthFrozen(Conflict):
    """The month has been closed with figures as known on another day."""

    title = "This month is closed"


class NotFrozenYet(Conflict):
    """The export cannot be closed."""

    title = "This month cannot be closed now"


class FileExpired(Conflict):
    """A claims file was requested after its expiry day."""

    title = "This file has expired"


class ReleasedMeanwhile(Conflict):
    """Other figures of the commissioner were released while this export was being made."""

    title = "Other figures of the commissioner were released while this export was being made"


@dataclass(frozen=True)
class Counted:
    """The counts of a month before suppression, with the earlier closed months and why their figures changed."""

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
        """The counts for the requested scope: one programme, or all programmes."""
        return self.tallies[self.scope]

    @property
    def facts_hash(self) -> str:
        """The hash of the counts, reference tables, reasons and ``as_of`` day; equal inputs give an equal hash."""
        contents = {"counts": dict(self.tally.figures().counts), "references": self.references, "why": self.why}
        return files.sha256(files.json_bytes({**contents, "as_of": self.as_of.isoformat()}))


def count(session: Session, actor: Actor, new: NewExport, progress: Callable[[int], None] = lambda _: None) -> Counted:
    """Count a month using the facts as known at the end of a day, one jobseeker at a time.

    Refuses another organisation's figures, a month or day in the future, and a programme of another commissioner.
    """
    commissioner_id = new.commissioner_id or actor.organisation_id
    if actor.role is not Role.OPERATOR and commissioner_id != actor.organisation_id:
        raise NotPermitted(
            "You can export figures of your own organisation only. Leave the commissioner out (commissioner_id)."
        )
    month = Month.parse(new.month)
    as_of = new.as_of or actor.today
    if month.first_day > actor.today or as_of > actor.today:
        raise RuleBroken(
            "The month, or the day on which it is looked at (as_of), is in the future. Choose an earlier month or day.",
            pointer="/month",
        )
    at = end_of_local_day(as_of)
    commissioner = session.get(Organisation, commissioner_id)
    every = queries.programmes_of(session, commissioner_id, at)
    programmes = [programme for programme in every if new.programme_id in {None, programme.id}]
    if commissioner is None or not programmes:
        raise RuleBroken(
            "This commissioner pays for no such programme. Check both ids (commissioner_id, programme_id).",
            pointer="/programme_id",
        )
    scope = programmes[0].ref if new.programme_id is not None else EVERYBODY
    # Readers can subtract a programme's figures from the figures of all programmes, so every programme is counted.
    is_apart = len(every) > 1
    tallies = {programme.ref: Tally(month, programme.ref) for programme in every} if is_apart else {}
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
    """Return the version of each dated reference table that the figures depend on."""
    rule_versions = [version for programme in programmes for version in programme.rule_versions]
    return {name: tables.version_of(name) for name in REFERENCE_TABLES} | {
        "outcome_rules": outcome_rules.version_of(outcome_rules.all_versions(session), rule_versions)
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
    """Return the reasons why figures of closed months have changed, by the key of the count.

    Changes since the last month was closed are explained again. Earlier reasons come from that month's stored release.
    """
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
    all_reasons = adjustments.all_reasons(changed, then, last, references)
    before = dict(last.kept.reasons)
    return before | {key: adjustments.published_reasons(why, smallest) for key, why in all_reasons.items() if why}


def decide(counted: Counted, past: Sequence[suppression.EarlierRelease]) -> Suppression:
    """Decide which counts to suppress, given all earlier releases."""
    return suppression.protect(together(counted.tallies, counted.scope), rules_on(counted.tally.month.last_day), past)


def contents(counted: Counted, decision: Suppression, version: int) -> folder.FolderContents:
    """Return everything that the files of a version are made from."""
    head = Head(counted.tally.month, counted.as_of, version)
    return folder.FolderContents(
        counted.commissioner.ref,
        counted.commissioner.name,
        head,
        counted.tally,
        decision,
        list(adjustments.adjustment_rows(counted.closed, decision, head, counted.why)),
        [{"ref": programme.ref, "rule_versions": programme.rule_versions} for programme in counted.programmes],
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
    """Make a new version of a month, or return the latest version if nothing has changed since.

    ``keep`` calls the storing function it gets, unless the request is a repeat. ``progress`` gets a journey's number.
    """
    with database.reading(actor, newest=True) as session:
        if frozen := _frozen(session, actor, new):
            return frozen
        counted = count(session, actor, new, progress)
        latest = queries.latest(session, counted.commissioner.id, new.programme_id, new.month)
        is_new = latest is None or latest.facts_hash != counted.facts_hash
    for _ in range(MOST_TRIES):
        with database.reading(actor, newest=True) as session:
            past = queries.released(session, counted.commissioner.id) if is_new else []
        decision = decide(counted, [stored.released for _, stored in past]) if is_new else None
        with database.writing(actor) as session:
            queries.lock(session, counted.commissioner.id)
            if is_new and [export_id for export_id, _ in past] != queries.released_ids(
                session, counted.commissioner.id
            ):
                continue
            if keep is None:
                return _store(session, actor, new, counted, decision)
            return keep(session, lambda: _store(session, actor, new, counted, decision))  # noqa: B023 - called at once
    raise ReleasedMeanwhile("Wait a moment, then make the export again.")


def _frozen(session: Session, actor: Actor, new: NewExport) -> Export | None:
    """Return the closed version of the requested month, if any; refuse a request for another ``as_of`` day."""
    latest = queries.latest(session, new.commissioner_id or actor.organisation_id, new.programme_id, new.month)
    if latest is None or latest.state is not ExportState.FROZEN:
        return None
    if new.as_of not in {None, latest.as_of}:
        raise MonthFrozen(
            f"The month was closed with the facts known on {latest.as_of}, so as_of cannot be another day. Leave"
            " as_of out to get the closed figures. Later months show later changes under adjustments."
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
    if decision is None:  # unchanged when it was counted, but another version was made since
        raise ReleasedMeanwhile("Wait a moment, then make the export again.")
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
    session.flush()  # the files refer to the export
    session.add_all(ExportFile(export_id=export.id, name=name, content=body) for name, body in content.items())
    packed = releases.packed(decision, counted.why, counted.references)
    session.add(Release(export_id=export.id, commissioner_id=commissioner_id, content=packed))
    session.flush()  # the reply lists the files
    return export


def make_claims(session: WriteSession, actor: Actor, new: NewClaimsFile, certificate: bytes | None) -> Export:
    """Make a month's claims file. Only the actor can read it; it is stored encrypted and expires after a few days."""
    month = Month.parse(new.month)
    if month.first_day > actor.today:
        raise RuleBroken("The month cannot be in the future. Choose a month that has begun.", pointer="/month")
    programmes = queries.programmes_of(session, actor.organisation_id, actor.at)
    if not [programme for programme in programmes if new.programme_id in {None, programme.id}]:
        raise RuleBroken(
            "Your organisation does not pay for this programme. Choose a programme that it pays for.",
            pointer="/programme_id",
        )
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
    session.flush()  # the files refer to the export
    for name, body in content.items():
        sealed = session.vault.seal_bytes(body, place=f"export_files:{export.id}:{name}")
        session.add(ExportFile(export_id=export.id, name=name, content=sealed))
    session.flush()  # the reply lists the files
    return export


def content_of(session: Session, actor: Actor, export: Export, name: str) -> bytes:
    """Return the content of one file of an export; refuse a claims file after its expiry day."""
    stored = queries.file(session, export, name)
    if export.kind is not ExportKind.CLAIMS:
        return stored.content
    if export.expires_on is not None and export.expires_on < actor.today:
        raise FileExpired("A claims file can be downloaded for a few days only. Make the file again.")
    if name.startswith(claim_lines.LINES.name):
        actor.reading.people |= queries.people_of_claims_file(session, export)
    return session.vault.open_bytes(stored.content, place=f"export_files:{export.id}:{name}")


def freeze(session: WriteSession, actor: Actor, export: Export) -> Export:
    """Close a month with one version's figures. No further version of the month can be made afterwards.

    Refuses a machine account, a claims file, a version that is not the latest, and a version made before the month was
    over. Closing a closed month again changes nothing.
    """
    if queries.is_machine(session, actor.user_id):
        raise NotPermitted(
            "Only a person can close a month, not a machine account. Ask a person who is responsible for the figures."
        )
    if export.kind is not ExportKind.OUTCOMES:
        raise NotFrozenYet("A claims file cannot be closed. To update the file, make it again.")
    queries.lock(session, export.commissioner_id)
    session.refresh(export)
    if export.state is ExportState.FROZEN:
        return export
    latest = queries.latest(session, export.commissioner_id, export.programme_id, export.month)
    if latest is None or latest.id != export.id:
        raise NotFrozenYet("There is a later version of this month's export. Check that version and close it instead.")
    month = Month.parse(export.month)
    if export.as_of <= month.last_day:
        raise NotFrozenYet(
            "This version was made before the month was over. Export the month again, then close the new version."
        )
    export.state, export.frozen_at, export.frozen_by = ExportState.FROZEN, actor.at, actor.user_id
    session.flush()  # the reply needs the new state
    return export


def reply(session: Session, export: Export) -> ExportOut:
    return replies(session, [export])[0]


def replies(session: Session, exports: Sequence[Export]) -> list[ExportOut]:
    names = queries.file_names(session, (export.id for export in exports))
    return [ExportOut.model_validate(export).model_copy(update={"files": names[export.id]}) for export in exports]


def figures(
    session: Session,
    actor: Actor,
    month: str,
    table: str,
    commissioner_id: UUID | None,
    programme_id: UUID | None,
) -> FiguresOut:
    """Return one table from the latest published version of a month."""
    export = queries.published(session, actor, month, commissioner_id, programme_id)
    contents = next(known for known in TABLES if known.name == table)
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
    """Write an export's files to a folder with the export's name, under a local path or ``s3://bucket/prefix``.

    The manifest is written last, so a folder without a manifest is incomplete. Existing files are overwritten with the
    same bytes.
    """
    store = store_at(to)
    names = queries.file_names(session, [export.id])[export.id]
    for name in sorted(names, key=lambda file_name: file_name == "manifest.json"):
        store.put(f"{export.folder}/{name}", content_of(session, actor, export, name))
    return f"{to.rstrip('/')}/{export.folder}"


def verify_folder(delivered: Path) -> list[str]:
    """Return the faults of a delivered folder; an empty list means that every file is complete and unchanged."""
    try:
        manifest = json.loads((delivered / "manifest.json").read_text(encoding="utf-8"))
        listed: dict[str, str] = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return [f"{delivered}: manifest.json is missing or cannot be read. Deliver the export again."]
    faults = []
    for name, expected in sorted(listed.items()):
        path = delivered / Path(name).name
        if not path.is_file():
            faults.append(f"{name} is missing. Deliver the export again.")
        elif files.sha256(path.read_bytes()) != expected:
            faults.append(f"{name} has been changed. Deliver the export again.")
    present = {path.name for path in delivered.iterdir()} - {"manifest.json"}
    faults += [
        f"{name} is not listed in manifest.json. Remove it, or deliver the export again."
        for name in sorted(present - set(listed))
    ]
    return faults
