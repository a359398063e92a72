"""The OpenAPI document: adds descriptions and examples, which are written once, to every place where they belong.

FastAPI builds the document from the routes. This module adds what is missing: descriptions of fields from
``field_docs.py``, descriptions of parameters from the table below, and examples from ``examples.json``. The command
``make examples`` records the examples from the fictional demonstration borough, so no real person is in them.
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
    "Idempotency-Key": "A text of your choice, of up to 80 characters. If you repeat the request with the same key, it "
    "is carried out only once. Keys are stored for 24 hours.",
    "If-Match": 'The ETag of the version that you read, for instance "3". If the record has changed, the reply is 412.',
    "after": "The value of the field next in the reply with the previous page.",
    "all_or_nothing": "If true, no row is applied unless all rows can be applied.",
    "commissioner_id": "The commissioner. If left out: your own organisation.",
    "dry_run": "If true, the rows are only checked. You can apply them later.",
    "first_day": "The first day of the period.",
    "jobseeker": "Return only rows about the jobseeker with this id.",
    "kind": "Return only items of this kind.",
    "last_day": "The last day of the period.",
    "limit": "The highest number of rows in one page.",
    "month": "The month, as yyyy-mm.",
    "name": "The name of the file.",
    "on": "The day to calculate for. If left out: today.",
    "placement": "Return only rows about the placement with this id.",
    "programme": "Return only rows of the programme with this id.",
    "programme_id": "The programme. If left out: all programmes of the commissioner.",
    "row_id": "The id of the row.",
    "check_in_id": "The id of the check-in.",
    "delivery_id": "The id of the webhook delivery.",
    "email_id": "The id of the e-mail.",
    "endpoint_id": "The id of the webhook endpoint.",
    "exclusion_id": "The id of the safety exclusion.",
    "line_id": "The id of the line of the allocation.",
    "pair_id": "The id of the pair of records.",
    "request_id": "The id of the contact request.",
    "since": "The first day of the period.",
    "state": "Return only rows in this state.",
    "table": "The name of the table.",
    "title": "Return only placements with these words in the title.",
    "unread": "If true, return only notices that you have not read.",
    "until": "The last day of the period.",
    "vocabulary": "The name of the vocabulary, for instance adjustments.",
    "updated_since": "Return only jobseekers whose record changed at or after this time (UTC).",
}
# For each field with codes: the vocabulary that lists the codes.
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
    """Make ``app.openapi`` return the completed document, which is built on the first call."""
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
            if PROBLEM in content and JSON in content:  # FastAPI also adds application/json to each error
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
        schema.setdefault("description", "One page of rows, with the cursor of the next page.")
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
