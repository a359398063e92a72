"""The OpenAPI document: descriptions and examples that are written once and added to every place they belong.

FastAPI makes the document from the routes. What it leaves without words is filled in here: fields from the one table
of ``field_docs.py``, parameters from the tables below, examples from ``examples.json``. The examples were recorded from
the demonstration borough with ``make examples``, so nobody in them exists.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from pathways.field_docs import FIELD_DOCS

EXAMPLES = Path(__file__).with_name("examples.json")
PARAMETER_DOCS = {
    "Idempotency-Key": "Any text of up to 80 characters. A repeated request with the same key and body is carried out "
    "once; keys are kept for 24 hours.",
    "If-Match": 'The ETag of the version you read, for instance "3". An older version is refused with 412.',
    "after": "The cursor of the page before: its next.",
    "all_or_nothing": "Apply no row if one cannot be applied.",
    "commissioner_id": "The commissioner; left out, your own organisation.",
    "dry_run": "Only check the rows; apply them later.",
    "first_day": "The first day counted.",
    "jobseeker": "Only rows about this jobseeker.",
    "kind": "Only items of this kind.",
    "last_day": "The last day counted.",
    "limit": "The most rows in one page.",
    "month": "The month, as yyyy-mm.",
    "name": "The name of the file.",
    "on": "The day for which it is worked out; today if left out.",
    "placement": "Only rows about this placement.",
    "programme": "Only rows of this programme.",
    "programme_id": "Only this programme; left out, all of the commissioner's programmes.",
    "row_id": "The id of the row.",
    "since": "The first day counted.",
    "state": "Only rows in this state.",
    "table": "The name of the table.",
    "title": "Only placements whose title holds these words.",
    "unread": "Only notices that were not read.",
    "until": "The last day counted.",
    "vocabulary": "The name of the vocabulary, for instance adjustments.",
    "updated_since": "Only jobseekers whose record changed at or after this instant (UTC).",
}
# Vocabularies that a field's codes come from, by field: where to list them.
VOCABULARIES = {
    "kind": "kinds",
    "benefits": "benefits",
    "dbs_level": "dbs-levels",
    "environment": "environments",
    "adjustments": "adjustments",
    "adjustments_offered": "adjustments",
    "licences": "licences",
    "licences_needed": "licences",
    "travel_modes": "travel-modes",
    "urgency": "urgency",
    "qualification_level": "qualification-levels",
    "qualifications_needed": "qualification-levels",
}
JSON, PROBLEM = "application/json", "application/problem+json"
METHODS = ("get", "put", "post", "delete", "patch")


@cache
def recorded_examples() -> Mapping[str, Any]:
    """Return the recorded examples by the name of their schema."""
    examples: Mapping[str, Any] = json.loads(EXAMPLES.read_text(encoding="utf-8"))
    return examples


def install(app: FastAPI) -> None:
    """Make ``app.openapi`` return the completed document, made once."""
    made_by_fastapi = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = complete(made_by_fastapi())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way


def complete(document: dict[str, Any]) -> dict[str, Any]:
    """Add descriptions and examples to a document and return it."""
    for name, schema in document["components"]["schemas"].items():
        _describe_fields(name, schema)
        example = recorded_examples().get(name)
        if example is not None:
            schema["examples"] = [example]
    for operation in operations(document):
        for parameter in operation.get("parameters", ()):
            if "description" not in parameter:
                parameter["description"] = _parameter(parameter["name"])
        for reply in operation["responses"].values():
            content = reply.get("content", {})
            if PROBLEM in content and JSON in content:  # FastAPI adds its own media type beside ours
                content[PROBLEM] = content.pop(JSON)
    return document


def operations(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield every operation of a document."""
    for methods in document["paths"].values():
        for method in METHODS:
            if method in methods:
                yield methods[method]


def _describe_fields(name: str, schema: dict[str, Any]) -> None:
    if name.startswith("Page_"):
        schema.setdefault("description", "One page of rows, and the cursor of the next page.")
    if name.startswith("Body_"):  # FastAPI's own name for the parts of an upload
        schema.setdefault("description", "An uploaded file.")
    for field, about in schema.get("properties", {}).items():
        text = FIELD_DOCS.get(f"{name}.{field}", FIELD_DOCS.get(field))
        if "description" not in about and text is not None:
            about["description"] = text
        vocabulary = VOCABULARIES.get(field)
        if vocabulary and (field != "kind" or "PlacementKind" in str(about)):
            about["description"] = f"{about['description']} Codes and suggestions: GET /api/v1/reference/{vocabulary}."


def _parameter(name: str) -> str:
    text = PARAMETER_DOCS.get(name)
    return text if text is not None else f"The id of the {name.removesuffix('_id').replace('_', ' ')}."
