"""The pages on which a spreadsheet is uploaded: one page a state, and rows put right where they are wrong."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import select

from pathways import audit
from pathways.access.guards import DatabaseDep, SettingsDep, must_be_permitted
from pathways.access.permissions import Permission
from pathways.base import Actor, Role
from pathways.database import Database, Session
from pathways.errors import DomainError, NotFound
from pathways.imports import actions, files, queries, reports, template
from pathways.imports.actions import Wish
from pathways.imports.intake import ImportKind
from pathways.imports.models import ImportRow, ImportRun, ImportState, RowState
from pathways.imports.schemas import ApplyImport, RowChange
from pathways.imports.staging import Worker
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.pages.forms import Faults, FormQuestion, Option, faults_of, first
from pathways.pages.listing_questions import KINDS as PLACEMENT_KINDS
from pathways.pages.visitors import AnyVisitor, FileDep, PageRoute, TypedDep, Visitor, go, once_of, show
from pathways.pages.words import plain
from pathways.pagination import PageRequest
from pathways.placements import files as placement_files
from pathways.referrals import files as referral_files

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/imports/{kind}")
WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
KINDS: Mapping[str, tuple[ImportKind, Permission]] = {
    "referrals": (referral_files.KIND, Permission.REFERRAL_IMPORT),
    "placements": (placement_files.KIND, Permission.PLACEMENT_IMPORT),
}
NOUNS = {"referrals": ("person", "people"), "placements": ("placement", "placements")}
LATEST, ROWS = 10, 50
NEED_SOMEBODY = (RowState.WITH_ERRORS, RowState.POSSIBLE_DUPLICATE)
TO_SAVE = (RowState.TO_CREATE, RowState.TO_UPDATE)
LABELS = {"nino": "NI number", "nhs_number": "NHS number", "dbs_level": "DBS check", "email": "E-mail"}
OF_PROGRAMS = re.compile(r"[^.]*(?:GET|POST) /[^ ]*[^.]*\.")  # a sentence for those who write programs
COLUMN = re.compile(r"\b[a-z]+(?:_[a-z]+)+\b")
CODES = {kind.value: text for kind, text in PLACEMENT_KINDS.items()}
CODE = re.compile("|".join(map(re.escape, sorted(CODES, key=len, reverse=True))))


def readable(text: str) -> str:
    """Return a message about a file in the words of the page: without codes, and without what only programs do."""
    text = COLUMN.sub(lambda name: f"“{column_label(name[0])}”", plain(OF_PROGRAMS.sub("", text)))
    text = text.replace("confirm this once, or rename", "rename")  # a name is confirmed over the API alone
    return CODE.sub(lambda code: CODES[code[0]], text).strip()


def column_label(name: str) -> str:
    """Return the name of a column as the page calls it, such as "Date of birth"."""
    return LABELS.get(name) or name.replace("_", " ").capitalize()


NO_FILE = "Choose a file: a workbook (.xlsx) or a CSV file"


def _kind(kind: str, actor: Actor) -> ImportKind:
    """Return what kind of file is meant. Refused unless the actor's role may import it."""
    if kind not in KINDS:
        raise NotFound("There is no such file to import. Go to the first page and choose what to upload.")
    found, permission = KINDS[kind]
    must_be_permitted(actor, permission)
    return found


def _partners(database: Database, actor: Actor) -> tuple[FormQuestion, ...]:
    """Return the question to which partner a referrer refers. Nobody else is asked."""
    if actor.role is not Role.REFERRER:
        return ()
    with database.reading(actor) as session:
        rows = session.execute(
            select(Organisation.id, Organisation.name)
            .where(Organisation.kind == OrganisationKind.VOLUNTARY_SECTOR_PARTNER)
            .order_by(Organisation.name)
        ).all()
    named = tuple(Option(str(row.id), row.name) for row in rows)
    return (
        FormQuestion("partner_id", "one", "Who is to support these people?", options=named, missing="Choose a partner"),
    )


def _upload_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    kind: str,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    actor = visitor.actor
    found = _kind(kind, actor)
    questions = _partners(database, actor)
    with database.reading(actor) as session:
        rows = queries.runs(actor, found.name).order_by(ImportRun.id.desc()).limit(LATEST)
        latest = list(session.scalars(rows))
    if questions and len(questions[0].options) == 1:
        typed = {"partner_id": [questions[0].options[0].value], **(typed or {})}
    return show(
        request,
        visitor,
        "uploads/upload",
        f"Upload a list of {NOUNS[kind][1]}",
        422 if faults else 200,
        kind=kind,
        latest=latest,
        questions=questions,
        typed=typed or {},
        faults=faults.by_field if faults else {},
        errors=faults.summary(questions) if faults else (),
    )


@router.get("")
def upload_form(kind: str, request: Request, visitor: AnyVisitor, database: DatabaseDep) -> Response:
    """Offer the template, ask for the file, and list the latest uploads."""
    return _upload_page(request, visitor, database, kind)


@router.get("/template")
def get_template(kind: str, visitor: AnyVisitor) -> Response:
    """Download the workbook to fill in."""
    found = _kind(kind, visitor.actor)
    name = f'attachment; filename="{found.name}-template.xlsx"'
    return Response(template.workbook(found), media_type=WORKBOOK, headers={"Content-Disposition": name})


# The address ends as those of the API do, so that the limit for uploads applies.
@router.post("/imports")
def upload(
    kind: str,
    request: Request,
    visitor: AnyVisitor,
    database: DatabaseDep,
    settings: SettingsDep,
    typed: TypedDep,
    file: FileDep,
) -> Response:
    """Read a file and check its rows. Nothing is saved before somebody applies it."""
    actor, content = visitor.actor, file
    found = _kind(kind, actor)
    try:
        partner = _partner(database, actor, typed)
        _must_be_a_file(content)
        with database.reading(actor) as session:
            table = actions.read_file(session, actor, found, content, settings.max_unpacked_bytes)
        wish = Wish(partner, applies=False, all_or_nothing=False, holds_duplicates=visitor.is_caseworker)
        with database.writing(actor) as session:
            run = once_of(request, typed).with_file(content)(
                session,
                actor,
                lambda: actions.begin(session, actor, found, content, table, wish),
                lambda made: queries.run(session, actor, found.name, made),
            )
            run_id: UUID = run.id
    except Faults as faults:
        return _upload_page(request, visitor, database, kind, typed, faults)
    except DomainError as refused:
        wrong = faults_of(refused, ())
        return _upload_page(
            request, visitor, database, kind, typed, Faults({"file": readable("; ".join(wrong.by_field.values()))})
        )
    Worker(database, found, actor, run_id).read(table)
    _go_on(database, found, actor, run_id)
    return go(f"/imports/{kind}/{run_id}")


def _must_be_a_file(content: bytes) -> None:
    if not content:
        raise Faults({"file": NO_FILE})


def _partner(database: Database, actor: Actor, typed: Mapping[str, list[str]]) -> UUID | None:
    """Return the partner that a file of referrals is for. Raises ``Faults`` if a referrer chose none."""
    questions = _partners(database, actor)
    if not questions:
        return actor.organisation_id if actor.role is not Role.PLACEMENT_LISTER else None
    chosen = first(typed, "partner_id")
    if chosen not in {one.value for one in questions[0].options}:
        raise Faults({"partner_id": questions[0].missing})
    return UUID(chosen)


def _go_on(database: Database, kind: ImportKind, actor: Actor, run_id: UUID) -> None:
    """Finish a small import now. A large one goes on in the background."""
    with database.writing(actor) as session:
        is_left = actions.leave_if_large(session, run_id)
    if not is_left:
        Worker(database, kind, actor, run_id).go_on()


def _may_read_rows(session: Session, actor: Actor, kind: ImportKind, run_id: UUID) -> bool:
    """Return whether the actor may read the rows: a row may be about a person whom other members must not see."""
    try:
        queries.with_rows(session, actor, kind.name, run_id)
    except NotFound:
        return False
    return True


def _run_page(
    request: Request, visitor: Visitor, database: Database, kind: str, run_id: UUID, fault: str = ""
) -> Response:
    actor = visitor.actor
    found = _kind(kind, actor)
    with database.reading(actor, newest=True) as session:
        run = queries.run(session, actor, found.name, run_id)
        shown = reports.reply(session, actor, found, run)
        needy: list[Any] = []
        unread: list[Any] = []
        if run.state in {ImportState.CHECKED, ImportState.APPLIED} and _may_read_rows(session, actor, found, run_id):
            rows = queries.page_of_rows(session, queries.rows_of(run, NEED_SOMEBODY), PageRequest(limit=ROWS))
            needy = reports.row_replies(session, actor, found, run, rows[:ROWS])
            warned = queries.rows_of(run, TO_SAVE).where(ImportRow.warnings.is_not(None))
            rows = queries.page_of_rows(session, warned, PageRequest(limit=ROWS))
            unread = [one for one in reports.row_replies(session, actor, found, run, rows[:ROWS]) if one.warnings]
    if needy or unread:
        audit.opened_with_people(database, actor, "imports", run_id)
    report = shown.report
    one, many = NOUNS[kind]
    count = report.rows - report.skipped - report.repeated
    in_need = report.in_error + report.possible_duplicates
    heading = f"Your file has {count} {one if count == 1 else many}"
    if in_need:
        heading += f"; {in_need} {'row needs' if in_need == 1 else 'rows need'} you"
    elif unread:
        heading += f"; look at {len(unread)} of them"
    return show(
        request,
        visitor,
        "uploads/run",
        heading if shown.state is not ImportState.DISCARDED else "This upload was discarded",
        422 if fault else 200,
        kind=kind,
        run=shown,
        report=report,
        rows=needy,
        unread=unread,
        readable=readable,
        column_label=column_label,
        in_need=in_need,
        errors=[{"text": fault, "href": "#main-content"}] if fault else (),
    )


@router.get("/{run_id:uuid}")
def get_run(kind: str, run_id: UUID, request: Request, visitor: AnyVisitor, database: DatabaseDep) -> Response:
    """Show an upload: what it would do or did, and the rows that need somebody."""
    return _run_page(request, visitor, database, kind, run_id)


@router.post("/{run_id:uuid}/rows/{row_id:uuid}")
def change_row(
    kind: str, run_id: UUID, row_id: UUID, request: Request, visitor: AnyVisitor, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Put a row right, skip it, or say that it is about a new person. It is checked again at once."""
    actor = visitor.actor
    found = _kind(kind, actor)
    cells = {name.removeprefix("cell."): first(typed, name) or None for name in typed if name.startswith("cell.")}
    wish = first(typed, "do")
    try:
        same_as = UUID(first(typed, "same_as")) if first(typed, "same_as") else None
        change = RowChange(cells=cells, is_skipped=True if wish == "skip" else None, same_as=same_as)
        with database.writing(actor) as session:
            run = queries.with_rows(session, actor, found.name, run_id, for_update=True)
            actions.change_row(session, actor, found, run, queries.row(session, run, row_id), change)
    except (ValidationError, ValueError):
        return _run_page(request, visitor, database, kind, run_id, "A cell is too long. Shorten it, and save the row.")
    except DomainError as refused:
        fault = "; ".join(faults_of(refused, ()).by_field.values())
        return _run_page(request, visitor, database, kind, run_id, fault)
    return go(f"/imports/{kind}/{run_id}", "row_saved")


@router.post("/{run_id:uuid}/apply")
def apply(
    kind: str, run_id: UUID, request: Request, visitor: AnyVisitor, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Save the rows that are right. Rows that may be somebody who is known are saved only if that was asked."""
    actor = visitor.actor
    found = _kind(kind, actor)
    wish = ApplyImport(with_possible_duplicates=bool(typed.get("with_possible_duplicates")))
    try:
        with database.writing(actor) as session:
            once_of(request, typed)(
                session,
                actor,
                lambda: actions.apply(
                    session, actor, queries.with_rows(session, actor, found.name, run_id, for_update=True), wish
                ),
                lambda made: queries.run(session, actor, found.name, made),
            )
    except DomainError as refused:
        fault = "; ".join(faults_of(refused, ()).by_field.values())
        return _run_page(request, visitor, database, kind, run_id, fault)
    _go_on(database, found, actor, run_id)
    return go(f"/imports/{kind}/{run_id}", "import_applied")


@router.post("/{run_id:uuid}/discard")
def discard(kind: str, run_id: UUID, visitor: AnyVisitor, database: DatabaseDep) -> Response:
    """Discard an upload. Its cells are deleted; what was saved from it stays."""
    actor = visitor.actor
    found = _kind(kind, actor)
    with database.writing(actor) as session:
        actions.discard(session, actor, queries.with_rows(session, actor, found.name, run_id, for_update=True))
    return go(f"/imports/{kind}", "import_discarded")


@router.get("/{run_id:uuid}/result")
def get_result(kind: str, run_id: UUID, visitor: AnyVisitor, database: DatabaseDep) -> Response:
    """Download the file with what became of each row."""
    actor = visitor.actor
    found = _kind(kind, actor)
    with database.reading(actor) as session:
        content = files.as_workbook(session, actor, found, queries.with_rows(session, actor, found.name, run_id))
    audit.opened_with_people(database, actor, "imports", run_id)
    name = f'attachment; filename="{found.name}-{run_id}.xlsx"'
    return Response(content, media_type=WORKBOOK, headers={"Content-Disposition": name, "Cache-Control": "no-store"})
