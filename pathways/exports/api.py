"""JSON routes for exports and figures, and downloads of their files."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Response

from pathways import audit
from pathways.access.guards import DatabaseDep, OnceDep, PageDep, PathwaysRoute, SettingsDep, permitted
from pathways.access.permissions import Permission
from pathways.base import Actor
from pathways.database import WriteSession
from pathways.errors import Conflict, NotFound
from pathways.exports import actions, queries
from pathways.exports.models import Export
from pathways.exports.schemas import ExportOut, FiguresOut, MonthText, NewClaimsFile, NewExport, TableName
from pathways.pagination import Page, page_of_all
from pathways.problems import documented

router = APIRouter(prefix="/exports", tags=["exports"], route_class=PathwaysRoute)
Reader = Annotated[Actor, permitted(Permission.EXPORT_READ)]
Freezer = Annotated[Actor, permitted(Permission.EXPORT_FREEZE)]
ClaimsReader = Annotated[Actor, permitted(Permission.EXPORT_CLAIMS)]
Maker = Annotated[Actor, permitted(Permission.EXPORT_MAKE)]
FILE_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".p7m": "application/pkcs7-mime",
    ".svg": "image/svg+xml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.get("")
def list_exports(actor: Reader, database: DatabaseDep, page: PageDep) -> Page[ExportOut]:
    """List the exports you may see: your organisation's figures, and the claims files that you made yourself.

    The operator sees the figures of all commissioners and no claims file.
    """
    with database.reading(actor) as session:
        rows = queries.visible_to(actor)
        return page_of_all(session, rows, Export.id, page, lambda exports: actions.replies(session, exports))


@router.post("", status_code=201, responses=documented(Conflict))
def make_export(new: NewExport, actor: Maker, database: DatabaseDep, once: OnceDep) -> ExportOut:
    """Make the figures of a month. If nothing has changed since the latest version, that version is returned.

    A closed month is returned unchanged. The request is refused if the month was closed with another as_of day, or if
    the month or the as_of day is in the future.
    """

    def store(session: WriteSession, make: Callable[[], Export]) -> Export:
        return once(session, actor, make, lambda made: queries.export(session, actor, made))

    made = actions.make(database, actor, new, store)
    with database.reading(actor, newest=True) as session:
        return actions.reply(session, queries.export(session, actor, made.id))


@router.post("/{export_id}/freeze", responses=documented(NotFound, Conflict))
def freeze_export(export_id: UUID, actor: Freezer, database: DatabaseDep) -> ExportOut:
    """Close the month of this export with the export's figures. The closed figures are never made again.

    Only a person may close a month, never a machine account. The request is refused if this export is
    not the latest of its month, or was made before the month was over.
    """
    with database.writing(actor) as session:
        export = actions.freeze(session, actor, queries.export(session, actor, export_id))
        return actions.reply(session, export)


@router.post("/claims", status_code=201, responses=documented(Conflict))
def make_claims_file(
    new: NewClaimsFile, actor: ClaimsReader, database: DatabaseDep, settings: SettingsDep, once: OnceDep
) -> ExportOut:
    """Make the claims file of a month, for the commissioner who pays the claims.

    The file has one row for each claim and is personal data. It is stored encrypted for a few days, only you can read
    it, and it must not be published.
    """
    with database.reading(actor) as session:
        certificate = queries.certificate(session, actor.organisation_id, settings.recipient_certificates)
    with database.writing(actor) as session:
        export = once(
            session,
            actor,
            lambda: actions.make_claims(session, actor, new, certificate),
            lambda made: queries.export(session, actor, made),
        )
        return actions.reply(session, export)


@router.get("/{export_id}", responses=documented(NotFound))
def get_export(export_id: UUID, actor: Reader, database: DatabaseDep) -> ExportOut:
    """Return one export with the names of its files."""
    with database.reading(actor) as session:
        return actions.reply(session, queries.export(session, actor, export_id))


@router.get(
    "/{export_id}/files/{name}",
    responses={
        **documented(NotFound, Conflict),
        200: {"content": {"text/csv": {}, "application/json": {}}, "description": "The content of the file."},
    },
    response_class=Response,
)
def get_file(
    export_id: UUID,
    name: Annotated[str, Path(pattern=r"^[a-z0-9-]{1,60}\.(csv|csv\.p7m|html|json|svg|xlsx)$")],
    actor: Reader,
    database: DatabaseDep,
) -> Response:
    """Download one file of an export. Every download is audited. An expired claims file is refused."""
    with database.reading(actor) as session:
        content = actions.content_of(session, actor, queries.export(session, actor, export_id), name)
    audit.opened_with_people(database, actor, "exports", export_id)
    media_type = FILE_TYPES["." + name.rsplit(".", 1)[1]]
    return Response(content, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


figures = APIRouter(prefix="/figures", tags=["exports"], route_class=PathwaysRoute)


@figures.get("", responses=documented(NotFound))
def get_figures(
    month: MonthText,
    table: TableName,
    actor: Reader,
    database: DatabaseDep,
    commissioner_id: UUID | None = None,
    programme_id: UUID | None = None,
) -> FiguresOut:
    """Return one table of a month's latest figures, suppressed and rounded as in the published file."""
    with database.reading(actor) as session:
        return actions.figures(session, actor, month, table, commissioner_id, programme_id)
