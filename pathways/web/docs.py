"""The API documentation page, which needs no key and loads only local assets."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

STATIC = Path(__file__).parent / "static"
router = APIRouter(include_in_schema=False)

DOCS = """<!doctype html>
<html lang="en-GB">
<head><meta charset="utf-8"><title>Pathways API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/static/swagger-ui/swagger-ui.css"></head>
<body><div id="api"></div>
<script src="/static/swagger-ui/swagger-ui-bundle.js"></script>
<script src="/static/docs.js"></script></body></html>
"""


@router.get("/docs")
def docs() -> HTMLResponse:
    """Return the API documentation page."""
    return HTMLResponse(DOCS)


def static_files() -> StaticFiles:
    return StaticFiles(directory=STATIC)
