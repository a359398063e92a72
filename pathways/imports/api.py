"""API routes of imports: the same routes for each kind of file."""

from collections.abc import Callable
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Body, Depends, File, Query, Response, UploadFile

from pathways import audit
from pathways.access.guards import (
    DatabaseDep,
    IfMatch,
    OnceDep,
    PageDep,
    PathwaysRoute,
    SettingsDep,
    etag,
    expect_version,
    must_hold_too,
    permitted,
)
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import Database
from pathways.errors import Conflict, NotFound
from pathways.imports import actions, files, queries, reports, template
from pathways.imports.actions import Wish
from pathways.imports.intake import ImportKind
from pathways.imports.models import ImportRun, RowState
from pathways.imports.schemas import (
    ApplyImport,
    ColumnNames,
    ColumnNamesOut,
    ImportLine,
    ImportOut,
    ImportRowOut,
    RowChange,
)
from pathways.imports.staging import Worker
from pathways.pagination import Page, cursor, page_of
from pathways.problems import documented

CSV, WORKBOOK = "text/csv; charset=utf-8", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

HOLD = (
    "True saves no row that may be about a jobseeker you already support, or about the person of an earlier row. These"
    " rows wait as ``possible_duplicate``: name the jobseeker (``same_as``) or skip each row, then apply the import."
)


def routes(
    kind: ImportKind, permission: Permission, partner: Callable[..., UUID | None], steps: tuple[Permission, ...]
) -> APIRouter:
    """Return the routes for imports of one kind: send, read, correct, apply, fetch the result.

    ``partner`` is the dependency that returns the partner that the file is for. ``steps`` are the permissions of what a
    row does to a record: a limited key needs them to apply a file.
    """
    router = APIRouter(route_class=PathwaysRoute)
    importer = permitted(permission)
    _add_template(router, kind, importer)  # before the routes of one import, whose id could be "template"
    _add_files(router, kind, importer, partner, steps)
    _add_runs(router, kind, importer)
    _add_steps(router, kind, importer, steps)
    _add_result(router, kind, importer)
    _add_rows(router, kind, importer)
    _add_columns(router, kind, importer)
    return router


def _carried_on(database: Database, kind: ImportKind, actor: Actor, run_id: UUID, response: Response) -> ImportOut:
    """Finish a small import now; a large import continues after the reply."""
    with database.writing(actor) as session:
        is_left = actions.leave_if_large(session, run_id)
    if is_left:
        response.status_code = 202
    else:
        Worker(database, kind, actor, run_id).go_on()
    with database.reading(actor, newest=True) as session:
        return reports.reply(session, actor, kind, queries.run(session, actor, kind.name, run_id))


def _single_value(kind: ImportKind) -> str:
    return kind.name.removesuffix("s")


def _add_template(router: APIRouter, kind: ImportKind, importer: Any) -> None:
    @router.get(
        "/imports/template",
        responses={200: {"content": {WORKBOOK: {}}}},
        response_class=Response,
        dependencies=[importer],
        name=f"get_{_single_value(kind)}_template",
    )
    def get_template() -> Response:
        """Download a workbook to fill in: all columns with help, lists to choose from, and an example row.

        The example row and the sheet with help are not imported.
        """
        return Response(
            template.workbook(kind),
            media_type=WORKBOOK,
            headers={"Content-Disposition": f'attachment; filename="{kind.name}-template.xlsx"'},
        )


def _add_files(
    router: APIRouter,
    kind: ImportKind,
    importer: Any,
    partner: Callable[..., UUID | None],
    steps: tuple[Permission, ...],
) -> None:
    @router.post("/imports", status_code=201, responses=documented(Conflict), name=f"import_{kind.name}")
    def send(
        actor: Annotated[Actor, importer],
        database: DatabaseDep,
        settings: SettingsDep,
        once: OnceDep,
        response: Response,
        file: Annotated[UploadFile, File(description=f"CSV UTF-8 or XLSX, one row for each {_single_value(kind)}.")],
        partner_id: Annotated[UUID | None, Depends(partner)],
        dry_run: Annotated[bool, Query()] = False,  # noqa: FBT002 - a query parameter
        all_or_nothing: Annotated[bool, Query()] = False,  # noqa: FBT002
        hold_possible_duplicates: Annotated[bool, Query(description=HOLD)] = False,  # noqa: FBT002
    ) -> ImportOut:
        """Import a CSV or XLSX file. Rows without errors are saved; with ``all_or_nothing``, only if no row has errors.

        With ``dry_run`` the rows are only stored and checked, so that you can correct them and then apply the import.
        For a large file the reply is 202, and the work continues in the background. Read the import for its progress.
        If you send the file again, an interrupted import continues. The report never contains the content of a cell.
        """
        if not dry_run:
            must_hold_too(actor, *steps)
        content = file.file.read()
        wish = Wish(
            partner_id,
            applies=not dry_run,
            all_or_nothing=all_or_nothing,
            holds_duplicates=hold_possible_duplicates,
        )
        with database.reading(actor) as session:
            table = actions.read_file(session, actor, kind, content, settings.max_unpacked_bytes)
        with database.writing(actor) as session:
            run = once.with_file(content)(
                session,
                actor,
                lambda: actions.begin(session, actor, kind, content, table, wish),
                lambda made: queries.run(session, actor, kind.name, made),
            )
        Worker(database, kind, actor, run.id).read(table)
        return _carried_on(database, kind, actor, run.id, response)


def _add_runs(router: APIRouter, kind: ImportKind, importer: Any) -> None:
    @router.get("/imports", name=f"list_{_single_value(kind)}_imports")
    def list_imports(actor: Annotated[Actor, importer], database: DatabaseDep, page: PageDep) -> Page[ImportLine]:
        """List the imports of your organisation, oldest first."""
        with database.reading(actor) as session:
            return page_of(session, queries.runs(actor, kind.name), ImportRun.id, page, ImportLine.model_validate)

    @router.get("/imports/{import_id}", responses=documented(NotFound), name=f"get_{_single_value(kind)}_import")
    def get_import(import_id: UUID, actor: Annotated[Actor, importer], database: DatabaseDep) -> ImportOut:
        """Read an import: its progress, what it did or would do, and the errors found."""
        with database.reading(actor) as session:
            return reports.reply(session, actor, kind, queries.run(session, actor, kind.name, import_id))


def _add_steps(router: APIRouter, kind: ImportKind, importer: Any, steps: tuple[Permission, ...]) -> None:
    @router.post(
        "/imports/{import_id}/apply",
        responses=documented(NotFound, Conflict),
        name=f"apply_{_single_value(kind)}_import",
    )
    def apply_import(
        import_id: UUID,
        actor: Annotated[Actor, importer],
        database: DatabaseDep,
        once: OnceDep,
        response: Response,
        wish: Annotated[ApplyImport | None, Body()] = None,
    ) -> ImportOut:
        """Apply a checked import: all rows, or only those without errors. Refused if it is unchecked or discarded.

        A limited key also needs the permissions to create and change such records.
        """
        must_hold_too(actor, *steps)
        with database.writing(actor) as session:
            run = once(
                session,
                actor,
                lambda: actions.apply(
                    session,
                    actor,
                    queries.with_rows(session, actor, kind.name, import_id, for_update=True),
                    wish or ApplyImport(),
                ),
                lambda made: queries.run(session, actor, kind.name, made),
            )
        return _carried_on(database, kind, actor, run.id, response)

    @router.post(
        "/imports/{import_id}/discard",
        responses=documented(NotFound, Conflict),
        name=f"discard_{_single_value(kind)}_import",
    )
    def discard_import(
        import_id: UUID, actor: Annotated[Actor, importer], database: DatabaseDep, once: OnceDep
    ) -> ImportOut:
        """Discard an import. The stored content of the file is deleted; records that the import made remain.

        Refused while the import is being applied.
        """
        with database.writing(actor) as session:
            run = once(
                session,
                actor,
                lambda: actions.discard(
                    session, actor, queries.with_rows(session, actor, kind.name, import_id, for_update=True)
                ),
                lambda made: queries.run(session, actor, kind.name, made),
            )
            return reports.reply(session, actor, kind, run)


def _add_result(router: APIRouter, kind: ImportKind, importer: Any) -> None:
    @router.get(
        "/imports/{import_id}/result",
        responses={**documented(NotFound), 200: {"content": {CSV: {}, WORKBOOK: {}}}},
        response_class=Response,
        name=f"get_{_single_value(kind)}_import_result",
    )
    def get_result(
        import_id: UUID,
        actor: Annotated[Actor, importer],
        database: DatabaseDep,
        form: Annotated[
            Literal["csv", "xlsx"] | None,
            Query(alias="format", description="If left out: the format of the file that was sent."),
        ] = None,
    ) -> Response:
        """Download your file with the result and the errors added to each row. Correct it and send it again."""
        with database.reading(actor) as session:
            run = queries.with_rows(session, actor, kind.name, import_id)
            is_workbook = form == "xlsx" or (form is None and run.found.get("is_workbook", False))
            content = (files.as_workbook if is_workbook else files.as_csv)(session, actor, kind, run)
        audit.opened_with_people(database, actor, "imports", import_id)
        name = f"{kind.name}-{import_id}.{'xlsx' if is_workbook else 'csv'}"
        return Response(
            content,
            media_type=WORKBOOK if is_workbook else CSV,
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _add_rows(router: APIRouter, kind: ImportKind, importer: Any) -> None:
    @router.get(
        "/imports/{import_id}/rows", responses=documented(NotFound), name=f"list_{_single_value(kind)}_import_rows"
    )
    def list_rows(
        import_id: UUID,
        actor: Annotated[Actor, importer],
        database: DatabaseDep,
        page: PageDep,
        state: Annotated[list[RowState] | None, Query(max_length=11)] = None,
    ) -> Page[ImportRowOut]:
        """List the rows of an import as written, with their errors and the changes that an update would make."""
        with database.reading(actor) as session:
            run = queries.with_rows(session, actor, kind.name, import_id)
            page_rows = queries.page_of_rows(session, queries.rows_of(run, state or ()), page)
            items = reports.row_replies(session, actor, kind, run, page_rows[: page.limit])
        audit.opened_with_people(database, actor, "imports", import_id)
        return Page(items=items, next=cursor(items[-1].id) if len(page_rows) > page.limit else None)

    @router.patch(
        "/imports/{import_id}/rows/{row_id}",
        responses=documented(NotFound),
        name=f"change_{_single_value(kind)}_import_row",
    )
    def change_row(
        import_id: UUID,
        row_id: UUID,
        change: RowChange,
        actor: Annotated[Actor, importer],
        database: DatabaseDep,
        version: IfMatch,
        response: Response,
    ) -> ImportRowOut:
        """Correct a row, skip it, or name the jobseeker that the row is about. The row is checked again at once.

        Refused while the import is being read, checked or applied, and once the row has been applied.
        """
        with database.writing(actor) as session:
            run = queries.with_rows(session, actor, kind.name, import_id, for_update=True)
            row = queries.row(session, run, row_id)
            expect_version(row, version)
            actions.change_row(session, actor, kind, run, row, change)
            etag(response, row.version)
            return reports.row_replies(session, actor, kind, run, [row])[0]


def _add_columns(router: APIRouter, kind: ImportKind, importer: Any) -> None:
    @router.get("/columns", name=f"get_{_single_value(kind)}_columns")
    def get_columns(actor: Annotated[Actor, importer], database: DatabaseDep) -> ColumnNamesOut:
        """List the column headers that your organisation has confirmed, each with the Pathways column it means."""
        with database.reading(actor) as session:
            return ColumnNamesOut(columns=queries.own_columns(session, actor, kind.name))

    @router.put("/columns", responses=documented(Conflict), name=f"confirm_{_single_value(kind)}_columns")
    def confirm_columns(names: ColumnNames, actor: Annotated[Actor, importer], database: DatabaseDep) -> ColumnNamesOut:
        """Confirm which Pathways column a header in your files means, or remove a confirmation.

        The report of an import suggests a column for each unknown header that is spelt like a Pathways column.
        """
        with database.writing(actor) as session:
            return ColumnNamesOut(
                columns=actions.confirm_columns(session, actor, kind.name, names.columns, kind.readers)
            )
