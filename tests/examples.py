"""Records examples of the API from the demonstration borough into pathways/web/examples.json (`make examples`).

Replies are real: every GET is called as the demonstration's members, with ids found on the way. A body is made of the
values that the replies hold under the same names. Each example must validate against its own schema.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema
from fastapi.testclient import TestClient

from pathways import migrate
from pathways.app import create_app
from pathways.base import Actor, Role, Source
from pathways.database import Database
from pathways.demo import borough, cast
from pathways.organisations import actions as organisation_actions
from pathways.settings import Settings
from pathways.web import openapi
from tests.world import NOBODY

FROM_THE_TESTS = {
    "nino": "QQ224466C",
    "nhs_number": "9990770476",
    "phone": "07700 900123",
    "email": "amina@example.org",
    "contact_email": "jobs@example.org",
    "referrer_email": "rita.referrer@example.org",
    "url": "https://example.org/pathways-events",
    "move_id": "01a22ba6-e684-74c7-9f2a-b8f6082eb670",
    "scopes": ["jobseeker:read", "spell:read"],
    "secret": "pw_1a2b3c4d_shown-once",
    "company_number": "12345678",
    "charity_number": "1234567",
    "half_days": "mon all day; wed am",
    "postcode": "NW9 5QN",
    "month": "2026-10",
    "document": "Agreement of 1 October 2026, shared drive.",
    "reason": "The jobseeker asked for it.",
    "note": "Meets on Tuesdays.",
    "name": "Stepping Stones",
    "title": "Cafe Assistant",
    "text": "caring for my nan",
    "what": "Visit the cafe with the jobseeker",
    "because": "We were asked to support this person.",
    "week_from": "2026-10-05",
    "answer": "Please ring us.",
    "who": "alex@example.org",
    "own_words": "I would like to work in a cafe.",
    "avoid": ["night shifts"],
    "interests": ["baking"],
    "strengths": ["patient with people"],
    "licences": ["food hygiene level 2"],
    "licences_needed": ["food hygiene level 2"],
    "benefits": ["UC"],
    "known_as": "Kas",
    "council_person_id": "401138",
    "contact_withheld_reason": "domestic abuse",
    "safe_contact": "Text only, weekday mornings.",
    "language": "Polish",
    "referred_because": "Wants a first job after caring for a parent.",
    "referrer_name": "Rita Referrer",
    "urgency": "routine",
    "description": "Serving customers and keeping the counter clean, with a named buddy.",
    "occupation": "catering assistant",
    "ring_fenced_for": "care leavers",
    "legal_basis": "Positive action, Equality Act 2010 section 158",
    "training_given": ["food hygiene level 2"],
    "employer": "Example Stores Ltd",
    "seen_by": "the manager of the cafe",
    "no_spell": "The introduction has no spell of work. Record the spell with this introduction.",
    "tool": "Work Star",
    "edition": "3",
    "scale": "job skills",
    "licence_ref": "L-2026-17",
    "obtained_how": "Copy sent by the jobseeker.",
    "how_given": "in person",
    "agreed_by": "Kasia Nowak",
    "other_funding": "none",
    "rule_versions": ["LOCAL_13_IN_16@1"],
    "rule": "LOCAL_13_IN_16",
    "columns": {"Service user": "given_name"},
}
# Fields of a body that must not be sent together with the others of its example.
LEFT_OUT = {"NewSafetyExclusion": {"who", "postcode", "radius_km"}}
MOST_ITEMS, MOST_TRIES = 2, 12


class Recorder:
    """Calls the service and gathers values by schema and by field."""

    def __init__(self, client: TestClient, keys: dict[str, str]) -> None:
        self.client, self.keys = client, keys
        self.document = client.app.openapi()
        self.schemas = self.document["components"]["schemas"]
        self.examples: dict[str, Any] = {}
        self.values: dict[str, list[Any]] = {name: [value] for name, value in FROM_THE_TESTS.items()}
        self.ids: dict[str, list[str]] = {}

    def record(self) -> dict[str, Any]:
        gets = [path for path, methods in self.document["paths"].items() if "get" in methods]
        for path in sorted(gets, key=lambda path: (path.count("{"), path)):
            self._get(path)
        self._post()
        for name, schema in sorted(self.schemas.items()):
            if name not in self.examples and "properties" in schema:
                made = {
                    field: value for field, value in self._made(schema).items() if field not in LEFT_OUT.get(name, ())
                }
                if self._is_valid(schema, made):
                    self.examples[name] = made
        return {name: self.examples[name] for name in sorted(self.examples)}

    def _get(self, path: str) -> None:
        reply = self.document["paths"][path]["get"]["responses"]["200"].get("content", {}).get("application/json")
        if reply is None:
            return
        for filled in self._filled(path):
            for key in self.keys.values():
                answer = self.client.get(filled, headers={"Authorization": f"Bearer {key}"})
                if answer.status_code != 200 or answer.json() in ({"items": []}, {"items": [], "next": None}):
                    continue
                body = answer.json()
                for item in body.get("items", []) if isinstance(body, dict) else []:
                    if isinstance(item, dict) and "id" in item:
                        self.ids.setdefault(path, []).append(item["id"])
                self._gather(reply["schema"], body)
                return

    def _filled(self, path: str) -> Iterator[str]:
        """Yield the path with ids that its parents' lists named, some of them."""
        if "{" not in path:
            query = (
                "?month=2026-10&table=cohort&first_day=2026-09-01&last_day=2026-10-31&since=2026-01-01&until=2026-10-31"
            )
            names = {parameter["name"] for parameter in self.document["paths"][path]["get"].get("parameters", ())}
            wanted = "&".join(part for part in query[1:].split("&") if part.split("=")[0] in names)
            yield f"{path}?{wanted}"
            return
        before, _, rest = path.partition("{")
        name, _, after = rest.partition("}")
        parent = before.rstrip("/")
        found = self.ids.get(parent, []) or self.ids.get(f"/api/v1/{name.removesuffix('_id').replace('_', '-')}s", [])
        for value in [*found, *self.values.get(name, [])][:MOST_TRIES]:
            for filled in [after] if "{" not in after else self._inner(parent, name, after):
                yield f"{before}{value}{filled}"

    def _inner(self, parent: str, name: str, after: str) -> Iterator[str]:
        head, _, rest = after.partition("{")
        inner, _, tail = rest.partition("}")
        known = self.ids.get(f"{parent}/{{{name}}}{head}".rstrip("/"), []) or self.values.get(inner, [])
        for value in known[:3]:
            yield f"{head}{value}{tail}"

    def _post(self) -> None:
        """Make some replies that only a POST gives; nothing is kept of the database."""
        person = self.ids["/api/v1/jobseekers"][0]
        calls = (
            ("CASEWORKER", "/jobseekers/search", {"name": "Amina"}),
            ("CASEWORKER", f"/jobseekers/{person}/shortlists", {"limit": 3}),
            ("MANAGER", f"/jobseekers/{person}/elsewhere", {"reason": "We were asked to support this person."}),
            ("CASEWORKER", "/words/skills", {"text": "caring for my nan"}),
            ("CASEWORKER", "/words/occupations", {"text": "cafe"}),
        )
        for who, path, body in calls:
            answer = self.client.post(
                f"/api/v1{path}", headers={"Authorization": f"Bearer {self.keys[who]}"}, json=body
            )
            template = next((p for p in self.document["paths"] if _is_of(p, f"/api/v1{path}")), None)
            if template is None or answer.status_code not in {200, 201}:
                continue
            operation = self.document["paths"][template]["post"]
            reply = operation["responses"][str(answer.status_code)]["content"]["application/json"]
            self._gather(reply["schema"], answer.json())

    def _gather(self, schema: dict[str, Any], value: Any) -> None:
        """Take a value, and what is inside it, as the example of each schema it is of."""
        if "$ref" in schema:
            name = schema["$ref"].rsplit("/", 1)[1]
            inner = self.schemas[name]
            self._gather(inner, value)
            short = _shortened(value)
            if "properties" in inner and name not in self.examples and self._is_valid(inner, short):
                self.examples[name] = short
            return
        for option in schema.get("anyOf", ()):
            if value is not None and option.get("type") != "null":
                self._gather(option, value)
        if isinstance(value, list):
            for item in value[:20]:
                self._gather(schema.get("items", {}), item)
        elif isinstance(value, dict):
            for field, about in schema.get("properties", {}).items():
                if value.get(field) not in (None, [], {}, ""):
                    self.values.setdefault(field, []).append(value[field])
                    self._gather(about, value[field])

    def _made(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return a body of values that replies hold under the same names."""
        made = {}
        for field, about in schema["properties"].items():
            wanted = field in schema.get("required", ())
            value = self._value(field, about)
            if value is not None or wanted:
                made[field] = value
        return made

    def _value(self, field: str, about: dict[str, Any]) -> Any:
        for value in self.values.get(field, [])[:50]:
            short = _shortened(value)
            if self._is_valid(about, short):
                return short
        options = [about, *about.get("anyOf", ())]
        for option in options:
            inner = self.schemas[option["$ref"].rsplit("/", 1)[1]] if "$ref" in option else option
            if inner.get("enum"):
                return inner["enum"][0]
            if "properties" in inner:
                return self._made(inner)
            if inner.get("type") == "array":
                item = self._value(field, inner["items"])
                if item is not None:
                    return [item]
            by_format = {"date": "2026-10-05", "date-time": "2026-10-05T09:00:00Z", "uuid": str(NOBODY)}
            for value in (by_format.get(inner.get("format", "")), True, 1, 0.5, "example", {}):
                if value is not None and inner.get("type") and self._is_valid(inner, value):
                    return value
        return about.get("default")

    def _is_valid(self, schema: dict[str, Any], value: Any) -> bool:
        whole = {**schema, "components": self.document["components"]}
        return jsonschema.Draft202012Validator(whole, format_checker=jsonschema.FormatChecker()).is_valid(value)


def _is_of(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path) is not None


def _shortened(value: Any) -> Any:
    if isinstance(value, list):
        return [_shortened(item) for item in value[:MOST_ITEMS]]
    if isinstance(value, dict):
        return {name: _shortened(inner) for name, inner in value.items()}
    return value


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(
            _env_file=None,
            database_url=f"sqlite:///{folder}/examples.db",
            encryption_key="examples-encryption-key-of-43-characters-00",
            hash_key="examples-hash-key-of-at-least-32-characters",
            documents=folder,
            log_level="error",
        )
        database = Database.of(settings)
        migrate.upgrade(database)
        end = date(2026, 10, 31)
        borough.load(database, start=end - timedelta(days=300), end=end, jobseekers=60, placements=24, seed=5)
        first = Actor(NOBODY, NOBODY, Role.OPERATOR, source=Source.COMMAND_LINE)
        with database.writing(None) as session:
            operator = organisation_actions.make_operator(session, first)
        with database.writing(operator) as session:
            keys = cast.issue_keys(session, operator)
        client = TestClient(create_app(settings, database))
        client.post(
            "/api/v1/exports", headers={"Authorization": f"Bearer {keys['COMMISSIONER']}"}, json={"month": "2026-10"}
        )
        openapi.recorded_examples.cache_clear()
        examples = Recorder(client, keys).record()
        database.close()
    Path(openapi.EXAMPLES).write_text(json.dumps(examples, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"{len(examples)} examples")


if __name__ == "__main__":
    main()
