"""The guard of every route: authentication, the permission of the role, and the headers that make writes safe."""

import hashlib
import inspect
import re
from collections.abc import Callable, Coroutine, Iterator
from functools import wraps
from itertools import islice
from typing import Annotated, Any, Protocol
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from pathways import audit, errors
from pathways.access import permission_words
from pathways.access.permissions import PERMISSIONS_OF, Permission
from pathways.base import Actor
from pathways.database import Database, repeated
from pathways.idempotency import Once
from pathways.pagination import PageRequest
from pathways.problems import documented
from pathways.settings import Settings

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer pw_...`")


class Authenticate(Protocol):
    """The function that returns the member a key belongs to; ``organisations/actions.py`` provides it."""

    def __call__(self, database: Database, secret: str, request_id: str) -> Actor: ...


def get_database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def get_settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


DatabaseDep = Annotated[Database, Depends(get_database)]
SettingsDep = Annotated[Settings, Depends(get_settings)]
PageDep = Annotated[PageRequest, Query()]


class RoleMayNot(errors.NotPermitted):
    title = "Your role does not have this permission"


class KeyMayNot(errors.NotPermitted):
    title = "This key is limited and does not have this permission"


def address_of(request: Request) -> str:
    """Return the network address from which a request came, for the audit; an empty text if it is unknown."""
    return request.client.host if request.client else ""


class Guard:
    """The dependency of a route that requires one permission."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(
        self,
        request: Request,
        database: DatabaseDep,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Actor:
        if credentials is None:
            raise errors.Unauthenticated(
                "The request has no API key. Send it in the header Authorization: Bearer pw_..."
            )
        authenticate: Authenticate = request.app.state.authenticate
        request_id = getattr(request.state, "request_id", "")
        try:
            member = authenticate(database, credentials.credentials, request_id)
        except errors.KeyIsOver as over:
            request.state.actor = self._as(over.member, request)  # for the audit of the attempt
            raise
        actor = request.state.actor = self._as(member, request)
        refuse_unknown_query(request)
        must_be_permitted(actor, self.permission)
        return actor

    def _as(self, member: Actor, request: Request) -> Actor:
        """Return the member as the actor of this request. All guards of a route note whom the reply is about."""
        earlier: Actor | None = getattr(request.state, "actor", None)
        reading = member.reading if earlier is None else earlier.reading
        return member.then(doing=self.permission.value, address=address_of(request), reading=reading)


def must_be_permitted(actor: Actor, permission: Permission) -> None:
    """Refuse a role without the permission, and a key that is limited to other permissions."""
    if permission not in PERMISSIONS_OF[actor.role]:
        raise RoleMayNot(permission_words.refusal(permission))
    if actor.scopes is not None and permission.value not in actor.scopes:
        raise KeyMayNot(
            f"Your role may do this ({permission_words.WORDS[permission]}), but this key is limited to other"
            f" permissions. Use another key, or ask your administrator for a key with the permission {permission}."
        )


def must_hold_too(actor: Actor, *further: Permission) -> None:
    """Refuse a limited key for a request that does further steps, unless it has the permission of each step.

    A role without the permission of a step is not refused: for it, the step is part of what its own permission does.
    """
    for permission in further:
        if permission in PERMISSIONS_OF[actor.role]:
            must_be_permitted(actor, permission)


def permitted(permission: Permission) -> Any:
    """Return the dependency that refuses every role without this permission."""
    return Depends(Guard(permission))


async def read_once(
    request: Request,
    key: Annotated[
        str | None,
        Header(alias="Idempotency-Key", min_length=1, max_length=80, pattern=r"^[\x21-\x7e]+$"),
    ] = None,
) -> Once:
    """Return the caller's Idempotency-Key with a hash of method, path and body."""
    if key is None:
        return Once()
    is_form = request.headers.get("content-type", "").startswith("multipart/")
    body = b"" if is_form else await request.body()
    hashed = hashlib.sha256(f"{request.method} {request.url.path}?{request.url.query}\n".encode() + body).hexdigest()
    return Once(key, hashed)


OnceDep = Annotated[Once, Depends(read_once)]


def read_if_match(if_match: Annotated[str | None, Header(alias="If-Match", max_length=80)] = None) -> int | None:
    """Return the version in If-Match. Without the header, return None, which ``expect_version`` then refuses."""
    if if_match is None:
        return None
    numbers = re.fullmatch(r'\s*"?([0-9]{1,9})"?\s*', if_match)
    if numbers is None:
        raise errors.StaleVersion(
            "The If-Match header is not an ETag of this service. Read the record again, then repeat the change."
        )
    return int(numbers.group(1))


IfMatch = Annotated[int | None, Depends(read_if_match)]


def expect_version(row: Any, version: int | None) -> None:
    """Raise ``StaleVersion`` unless the row still has the version that the caller read."""
    expect_number(row.version, version)


def expect_number(current: int, version: int | None) -> None:
    """Raise ``VersionNeeded`` if the client sent no version, ``StaleVersion`` if it sent an old version."""
    if version is None:
        raise errors.VersionNeeded(
            f'Send the header If-Match with the version you read. The current ETag is "{current}". Read the record'
            " again if you have not seen this version."
        )
    if current != version:
        raise errors.StaleVersion("The record has changed since you read it. Read it again, then repeat the change.")


def etag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'


def _guards(dependant: Dependant) -> list[Any]:
    calls = [dependant.call] if dependant.call is not None else []
    for inner in dependant.dependencies:
        calls += _guards(inner)
    return calls


def refuse_unknown_query(request: Request) -> None:
    """Refuse unknown query parameters: if they were ignored, a misspelt filter would return every row."""
    route = request.scope.get("route")
    if not isinstance(route, APIRoute):
        return
    known = route.query_names if isinstance(route, PathwaysRoute) else _query_names(route.dependant)
    if not known.issuperset(request.query_params):
        names = ", ".join(sorted(known))
        raise errors.Invalid(
            f"This address takes only the query parameters {names}. Correct or remove any other parameter."
            if names
            else "This address takes no query parameters. Remove them."
        )


def _query_names(dependant: Dependant) -> set[str]:
    """Return the names of the query parameters. For a parameter that is a model: the names of its fields."""
    names: set[str] = set()
    for parameter in dependant.query_params:
        kind: Any = parameter.field_info.annotation
        is_model = isinstance(kind, type) and issubclass(kind, BaseModel)
        names |= set(kind.model_fields) if is_model else {parameter.alias}
    return names.union(*(_query_names(inner) for inner in dependant.dependencies))


def _repeating(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """Return an endpoint that handles a request again if the database undid it to end a deadlock.

    A request with a file is not handled again, because its file has been read.
    """

    @wraps(endpoint)
    def handle(**arguments: Any) -> Any:
        if any(isinstance(value, UploadFile) for value in arguments.values()):
            return endpoint(**arguments)
        return repeated(lambda: endpoint(**arguments))

    return handle


class PathwaysRoute(APIRoute):
    """A route that documents its permission and the common error replies.

    Raises ``TypeError`` if the route has no guard, so that no route can be added without a permission.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        methods = options.get("methods") or ["GET"]
        kinds: list[type[errors.DomainError]] = [
            errors.Unauthenticated,
            errors.NotPermitted,
            errors.Invalid,
            errors.Unavailable,
        ]
        if "GET" not in methods:
            kinds += [errors.TooLarge, errors.ChangedMeanwhile]
        common = documented(*kinds)
        common[400] = {**documented(errors.Invalid)[422], "description": "The request cannot be read"}
        # An id parameter matches only a UUID, so that /placements/imports is not read as the placement "imports".
        path = re.sub(r"{(\w+_id)}", r"{\1:uuid}", path)
        if "GET" not in methods and not inspect.iscoroutinefunction(endpoint):
            endpoint = _repeating(endpoint)
        super().__init__(path, endpoint, **{**options, "responses": {**common, **(options.get("responses") or {})}})
        self.query_names = _query_names(self.dependant)
        calls = _guards(self.dependant)
        guard = next((call for call in calls if isinstance(call, Guard)), None)
        if guard is None:
            message = f"The route {path} has no permission."
            raise TypeError(message)
        if read_if_match in calls:
            self.responses = {**self.responses, **documented(errors.StaleVersion, errors.VersionNeeded)}
        self.openapi_extra = {**(self.openapi_extra or {}), "x-permission": guard.permission.value}

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler that records in the audit whom a reply is about, before the reply is sent.

        It also records attempts that are refused by the actor's rights or by what protects a person.
        """
        handle = super().get_route_handler()

        async def audited(request: Request) -> Response:
            try:
                response = await handle(request)
            except errors.DomainError as refused:
                actor = getattr(request.state, "actor", None)
                if actor is not None and refused.is_audited:
                    await run_in_threadpool(_audit_refusal, request, actor, await _body_of(request))
                raise
            actor = getattr(request.state, "actor", None)
            if actor is not None and actor.reading.unaudited:
                await run_in_threadpool(audit.read, get_database(request), actor)
            return response

        return audited


MOST_NAMED = 1_000  # ids of one refused request whose jobseekers are looked for


def _audit_refusal(request: Request, actor: Actor, body: Any) -> None:
    """Record a refused attempt with every id in the address, in the query and, at any depth, in the body."""
    in_body = list(islice(_ids_in(body), MOST_NAMED))
    in_query = [(name, found) for name, text in request.query_params.multi_items() for found in _uuids(text)]
    in_path = [(name, value) for name, value in request.path_params.items() if isinstance(value, UUID)]
    audit.refused(get_database(request), actor, [*in_body, *in_query[:MOST_NAMED], *in_path])


def _ids_in(body: Any) -> Iterator[tuple[str, UUID]]:
    """Yield the ids in a JSON value, each with the name of its field."""
    left: list[tuple[str, Any]] = [("", body)]
    while left:
        name, value = left.pop()
        if isinstance(value, dict):
            left += value.items()
        elif isinstance(value, list):
            left += ((name, one) for one in value)
        elif isinstance(value, str):
            yield from ((name, found) for found in _uuids(value))


def _uuids(text: str) -> list[UUID]:
    """Return the id that a text is, or nothing."""
    try:
        return [UUID(text)]
    except ValueError:
        return []


async def _body_of(request: Request) -> Any:
    """Return a JSON body, which may name the record that was refused; None if there is none."""
    if request.method == "GET" or "json" not in request.headers.get("content-type", ""):
        return None
    try:
        return await request.json()
    except ValueError:
        return None
