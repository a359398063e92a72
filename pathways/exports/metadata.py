"""Pure functions for Frictionless and CSVW metadata, made from the same column definitions as the rows."""

from collections.abc import Mapping, Sequence
from typing import Any

from pathways.exports.tables import Column, ExportTable

LICENCE = {
    "name": "OGL-UK-3.0",
    "path": "https://www.nationalarchives.gov.uk/doc/open-government-licence/version/3/",
    "title": "Open Government Licence v3.0",
}
SCHEMA = "https://datapackage.org/profiles/2.0/datapackage.json"
# XML Schema names, used by CSVW, for the types of Table Schema.
XSD = {"string": "string", "integer": "integer", "number": "decimal", "date": "date", "yearmonth": "gYearMonth"}


def datapackage(
    name: str, title: str, about: str, tables: Sequence[ExportTable], files: Mapping[str, tuple[int, str]]
) -> dict[str, Any]:
    """Return the Data Package (v2) of a folder.

    Parameters
    ----------
    name, title, about : str
    tables : sequence of ExportTable
    files : mapping of str to (int, str)
        The size in bytes and the SHA-256 of each file.
    """
    return {
        "$schema": SCHEMA,
        "name": name.lower().replace("_", "-"),
        "title": title,
        "description": about,
        "licenses": [LICENCE],
        "resources": [_resource(table, *files[f"{table.name}.csv"]) for table in tables],
    }


def _resource(table: ExportTable, size: int, digest: str) -> dict[str, Any]:
    return {
        "name": table.name,
        "title": table.title,
        "description": table.about,
        "type": "table",
        "path": f"{table.name}.csv",
        "scheme": "file",
        "format": "csv",
        "mediatype": "text/csv",
        "encoding": "utf-8",
        "bytes": size,
        "hash": f"sha256:{digest}",
        "dialect": {"lineTerminator": "\r\n", "quoteChar": '"', "doubleQuote": True, "header": True},
        "schema": {
            "fields": [_field(column) for column in table.columns],
            "missingValues": [""],
            "primaryKey": list(table.key) if all(_named(table, key).is_required for key in table.key) else [],
        },
    }


def _named(table: ExportTable, name: str) -> Column:
    return next(column for column in table.columns if column.name == name)


def _field(column: Column) -> dict[str, Any]:
    constraints: dict[str, Any] = {"required": True} if column.is_required else {}
    if column.words:
        constraints["enum"] = list(column.words)
    if column.kind in {"integer", "number"} and column.name != "difference":
        constraints["minimum"] = 0
    field: dict[str, Any] = {"name": column.name, "type": column.kind, "description": column.about}
    return field | ({"constraints": constraints} if constraints else {})


def csvw(title: str, tables: Sequence[ExportTable]) -> dict[str, Any]:
    """Return the CSV on the Web metadata of a folder (W3C, Metadata Vocabulary for Tabular Data).

    Parameters
    ----------
    title : str
    tables : sequence of ExportTable

    Returns
    -------
    dict
    """
    return {
        "@context": ["http://www.w3.org/ns/csvw", {"@language": "en"}],
        "dc:title": title,
        "dc:license": {"@id": LICENCE["path"]},
        "dialect": {"header": True, "encoding": "utf-8", "lineTerminators": ["\r\n"]},
        "tables": [
            {
                "url": f"{table.name}.csv",
                "dc:title": table.title,
                "dc:description": table.about,
                "tableSchema": {
                    "columns": [
                        {
                            "name": column.name,
                            "titles": column.name,
                            "dc:description": column.about,
                            "datatype": _datatype(column),
                            "required": column.is_required,
                            "null": "",
                        }
                        for column in table.columns
                    ],
                }
                | ({"primaryKey": list(table.key)} if all(_named(table, key).is_required for key in table.key) else {}),
            }
            for table in tables
        ],
    }


def _datatype(column: Column) -> Any:
    if column.kind in {"integer", "number"} and column.name != "difference":
        return {"base": XSD[column.kind], "minimum": 0}
    return XSD[column.kind]
