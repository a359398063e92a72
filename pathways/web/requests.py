"""The middleware of every request: its id, its log line, its size limit, and headers that keep replies private."""

import json
import re
import time
from uuid import uuid4

import structlog
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()
REQUEST_ID = re.compile(rb"^[A-Za-z0-9-]{8,64}$")
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
)
CSP = (
    b"default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    b"connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


TOO_LARGE = 413
TOO_LARGE_PROBLEM = json.dumps(
    {
        "type": "/problems/too-large",
        "title": "The request is too large",
        "status": TOO_LARGE,
        "detail": "Split a file into smaller files, or send a list in several requests.",
    }
).encode()


PROBLEM_HEADERS = [
    (b"content-type", b"application/problem+json"),
    (b"content-length", str(len(TOO_LARGE_PROBLEM)).encode()),
]


class BodyLimits:
    """Refuse a body over the size limit before it is read. Uploads have a larger limit than other requests."""

    def __init__(self, app: ASGIApp, most_bytes: int, most_upload_bytes: int) -> None:
        self.plain = RequestBodyLimitMiddleware(app, most_bytes)
        self.upload = RequestBodyLimitMiddleware(app, most_upload_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_upload = scope["type"] == "http" and scope["path"].endswith(("/imports", "/document"))
        await (self.upload if is_upload else self.plain)(scope, receive, send)


class RequestLog:
    """Give each request an id and a log line. The log names the route template, never the URL or the query."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = given.decode() if REQUEST_ID.match(given) else uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500
        is_plain_refusal = False
        began = time.perf_counter()

        async def send_marked(message: Message) -> None:
            nonlocal status, is_plain_refusal
            if message["type"] == "http.response.start":
                status = message["status"]
                is_plain_refusal = (
                    status == TOO_LARGE and (b"content-type", b"application/problem+json") not in (message["headers"])
                )
                if is_plain_refusal:
                    # RequestBodyLimitMiddleware replies in plain text; replace its reply by a problem document.
                    message = {**message, "headers": PROBLEM_HEADERS}
                present = {name for name, _ in message["headers"]}
                extra = [(name, value) for name, value in HEADERS if name not in present]
                extra.append((b"x-request-id", request_id.encode()))
                if b"content-security-policy" not in present:  # a page has its own, and two would both hold
                    extra.append((b"content-security-policy", CSP))
                message = {**message, "headers": [*message["headers"], *extra]}
            elif is_plain_refusal and message["type"] == "http.response.body":
                message = {**message, "body": TOO_LARGE_PROBLEM}
            await send(message)

        try:
            await self.app(scope, receive, send_marked)
        finally:
            route = scope.get("route")
            log.info(
                "request",
                request_id=request_id,
                method=scope["method"],
                route=getattr(route, "path_format", None) or "none",
                status=status,
                milliseconds=round((time.perf_counter() - began) * 1000, 1),
            )
