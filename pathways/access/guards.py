"""The guard of every route: who asks, may this role ever, and the headers that make writing safe."""

import hashlib
import re
from collections.abc import Callable
from typing import Annotated, Any, Protocol

from fastapi import Depends, Header, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from pathways import errors
from pathways.access.permissions import PERMISSIONS_OF, Permission
from pathways.base import Actor
from pathways.database import Database
from pathways.idempotency import Once
from pathways.pagination import PageRequest
from pathways.problems import documented
from pathways.settings import Settings

bearer = HTTPBearer(auto_error=False, description="An API key: `Authorization: Bearer pw_...`")


class Authenticate(Protocol):
    """What organisations/ offers: from a key to the member it belongs to."""

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
    title = "Your role may not do that"


class Guard:
    """One permission, asked at the door of a route."""

    def __init__(self, permission: Permission) -> None:
        self.permission = permission

    def __call__(
        self,
        request: Request,
        database: DatabaseDep,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
    ) -> Actor:
        if credentials is None:
            raise errors.Unauthenticated("Send your key as Authorization: Bearer pw_...")
        authenticate: Authenticate = request.app.state.authenticate
        actor = authenticate(database, credentials.credentials, getattr(request.state, "request_id", ""))
        if self.permission not in PERMISSIONS_OF[actor.role]:
            raise RoleMayNot(f"The role {actor.role} has no permission {self.permission}.")
        return actor.then(doing=self.permission.value)


def permitted(permission: Permission) -> Any:
    """Return the dependency that lets in only the roles with this permission."""
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


def read_if_match(if_match: Annotated[str | None, Header(alias="If-Match", max_length=80)] = None) -> int:
    if if_match is None:
        raise errors.VersionNeeded('Read it first, then send its ETag back: If-Match: "3".')
    numbers = re.fullmatch(r'\s*"?([0-9]{1,9})"?\s*', if_match)
    if numbers is None:
        raise errors.StaleVersion("This If-Match is not an ETag we gave. Read it again, then repeat the change.")
    return int(numbers.group(1))


IfMatch = Annotated[int, Depends(read_if_match)]


def expect_version(row: Any, version: int) -> None:
    if row.version != version:
        raise errors.StaleVersion("It has changed since you read it. Read it again, then repeat the change.")


def etag(response: Response, version: int) -> None:
    response.headers["ETag"] = f'"{version}"'


def _guards(dependant: Dependant) -> list[Any]:
    found = [dependant.call] if dependant.call is not None else []
    for inner in dependant.dependencies:
        found += _guards(inner)
    return found


class PathwaysRoute(APIRoute):
    """A route that names its permission and documents what every route may answer; one without a guard is refused."""

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
        # Only an id matches where an id stands, so that /placements/imports is no placement called imports.
        path = re.sub(r"{(\w+_id)}", r"{\1:uuid}", path)
        super().__init__(path, endpoint, **{**options, "responses": {**common, **(options.get("responses") or {})}})
        calls = _guards(self.dependant)
        guard = next((call for call in calls if isinstance(call, Guard)), None)
        if guard is None:
            message = f"{path} names no permission."
            raise TypeError(message)
        if read_if_match in calls:
            self.responses = {**self.responses, **documented(errors.StaleVersion, errors.VersionNeeded)}
        self.openapi_extra = {**(self.openapi_extra or {}), "x-permission": guard.permission.value}
