"""The API documents itself: everything is described, every example is valid, names are plain."""

import json
import re

import jsonschema
import pytest

from pathways.web import openapi
from tests import pages


@pytest.fixture(scope="module")
def document() -> dict:
    return json.loads(pages.openapi())


def test_every_operation_parameter_schema_and_field_is_described(document):
    operations = list(openapi.operations(document))
    assert len(operations) > 200
    assert [operation["operationId"] for operation in operations if not operation.get("description")] == []
    parameters = [(o["operationId"], p) for o in operations for p in o.get("parameters", ())]
    assert [(name, p["name"]) for name, p in parameters if not p.get("description")] == []
    schemas = document["components"]["schemas"]
    assert [name for name, schema in schemas.items() if not schema.get("description")] == []
    fields = [
        (name, field)
        for name, schema in schemas.items()
        for field, about in schema.get("properties", {}).items()
        if not about.get("description")
    ]
    assert fields == []
    assert sum(len(schema.get("properties", ())) for schema in schemas.values()) > 1000


def test_no_name_is_made_up_of_modules(document):
    names = [*document["components"]["schemas"], *(o["operationId"] for o in openapi.operations(document))]
    assert [name for name in names if "__" in name] == []


def test_every_example_is_valid_against_its_own_schema(document):
    looked_at = 0
    for schema in document["components"]["schemas"].values():
        for example in schema.get("examples", ()):
            whole = {**schema, "components": document["components"]}
            jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).validate(example)
            looked_at += 1
    assert looked_at > 200


def test_every_body_and_every_main_reply_has_an_example(document):
    schemas = document["components"]["schemas"]
    wanted = set()
    for operation in openapi.operations(document):
        replies = [reply for status, reply in operation["responses"].items() if status.startswith("2")]
        for part in (operation.get("requestBody", {}), *replies):
            reference = part.get("content", {}).get("application/json", {}).get("schema", {}).get("$ref")
            if reference:
                wanted.add(reference.rsplit("/", 1)[1])
    assert len(wanted) > 100
    assert sorted(name for name in wanted if not schemas[name].get("examples")) == []


def test_nobody_in_the_examples_exists():
    text = openapi.EXAMPLES.read_text(encoding="utf-8")
    assert set(re.findall(r"[\w.+-]+@([\w-]+\.[\w.-]+)", text)) <= {"example.org"}
    assert all(number.startswith("QQ") for number in re.findall(r"\b[A-Z]{2}\d{6}[A-D]\b", text))


def test_money_is_a_multiple_of_a_penny(document):
    bodies = [
        (name, field, about)
        for name, schema in document["components"]["schemas"].items()
        for field, about in schema.get("properties", {}).items()
        if "pounds" in field and (name.startswith(("New", "Payment")) or name.endswith("Change"))
    ]
    assert len(bodies) > 5
    for name, field, about in bodies:
        numbers = [option for option in [about, *about.get("anyOf", ())] if option.get("type") == "number"]
        assert numbers, (name, field)
        assert all(option.get("multipleOf") == 0.01 for option in numbers), (name, field)
