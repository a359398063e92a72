"""What all pages share: templates, the headers of a page, and the check that a form came from our own page."""

from collections.abc import Mapping
from mimetypes import guess_type
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.datastructures import Headers
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pathways.pages import words
from pathways.pages.forms import DAYS, PARTS, FormQuestion, Option, Typed

STATIC = Path(__file__).parent / "static"
AT = "/assets"
HEADERS = {
    "cache-control": "no-store",
    # Not `no-referrer`: Chromium would then send `Origin: null` with our own forms.
    "referrer-policy": "same-origin",
    "x-robots-tag": "noindex",
    "x-content-type-options": "nosniff",
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
}
OWN = frozenset({"same-origin", "none"})
# The macros of GOV.UK Frontend that our templates use, by the folder of the component.
MACROS = {
    "button": "govukButton",
    "checkboxes": "govukCheckboxes",
    "date-input": "govukDateInput",
    "details": "govukDetails",
    "error-message": "govukErrorMessage",
    "error-summary": "govukErrorSummary",
    "file-upload": "govukFileUpload",
    "input": "govukInput",
    "inset-text": "govukInsetText",
    "radios": "govukRadios",
    "select": "govukSelect",
    "skip-link": "govukSkipLink",
    "textarea": "govukTextarea",
    "warning-text": "govukWarningText",
}


def _components() -> dict[str, Any]:
    """Return the macros of GOV.UK Frontend by name.

    They have an environment of their own, because they read names that may be undefined. In our templates such a name
    is an error.
    """
    loader = PrefixLoader({"govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja")})
    theirs = Environment(loader=loader, autoescape=True)
    return {
        name: getattr(theirs.get_template(f"govuk_frontend_jinja/components/{folder}/macro.html").module, name)
        for folder, name in MACROS.items()
    }


def choices(question: FormQuestion, typed: Typed) -> list[dict[str, Any]]:
    """Return the items of radio buttons, checkboxes or a list, with what was chosen."""
    chosen = set(typed.get(question.name) or ())
    if question.kind == "yes_no":
        return [{"value": v, "text": text, "checked": v in chosen} for v, text in (("yes", "Yes"), ("no", "No"))]
    items = [
        {
            "value": one.value,
            "text": one.text,
            "hint": {"text": one.hint} if one.hint else None,
            "checked": one.value in chosen,
            "selected": one.value in chosen,
        }
        for one in question.options
    ]
    return [{"value": "", "text": ""}, *items] if question.kind == "select" else items


def reason_items(given: tuple[Option, ...]) -> list[dict[str, str]]:
    """Return the items of a list from which one answer is chosen."""
    return [{"value": one.value, "text": one.text} for one in given]


def asset(name: str) -> str:
    """Return the address of a static file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    """
    if not (STATIC / name).is_file():
        raise FileNotFoundError(name)
    return f"{AT}/{name}"


def _environment() -> Environment:
    own = Environment(
        loader=PackageLoader("pathways.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    own.install_null_translations(newstyle=True)  # type: ignore[attr-defined] # added by the extension
    own.globals.update(
        _components(), asset=asset, errors=(), visitor=None, done="", is_done=True, kept="", here="", link=""
    )
    own.globals.update(choices=choices, reason_items=reason_items, days=DAYS, parts=PARTS)
    own.filters.update(
        day=words.day, moment=words.moment, clock=words.clock, pounds=words.pounds, role=words.role, phone=words.phone
    )
    own.filters.update(state=words.placement_state, half_days=words.half_days, hours=words.hours, plain=words.plain)
    return own


ENVIRONMENT = _environment()


def page(template: str, title: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    template : str
        The name of the template, without its ending.
    title : str
        The heading and the title of the window. It never holds a name or another detail of a person.
    status : int
    **values
        What the template reads. ``errors`` are the lines of the error summary: see ``errors_at``.
    """
    text = ENVIRONMENT.get_template(f"{template}.html").render(title=title, **values)
    return HTMLResponse(text, status, HEADERS)


def message(
    title: str, text: str, status: int = 200, *, link: str = "", link_text: str = "", visitor: Any = None
) -> HTMLResponse:
    """Return a page with one paragraph and, if given, a link. Somebody who has signed in has the menu too."""
    return page("message", title, status, text=text, link=link, link_text=link_text, visitor=visitor)


def errors_at(faults: Mapping[str, str]) -> list[dict[str, str]]:
    """Return the lines of an error summary: each sentence leads to its field.

    Parameters
    ----------
    faults : mapping of str to str
        The id of a field, and what is wrong there and what to do.
    """
    return [{"text": sentence, "href": f"#{field}"} for field, sentence in faults.items()]


def is_from_elsewhere(request: Request, *, reads_cookies: bool = False) -> bool:
    """Return whether a form was sent from another website.

    Browsers say where a form comes from in ``Sec-Fetch-Site``, or at least in ``Origin``. A program that says neither
    is let through where the secret is in the page's address, and not where a cookie is read.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        return site not in OWN
    # A proxy may pass on another host than the one in the address that people open.
    hosts = {request.url.netloc, urlsplit(request.app.state.settings.public_url).netloc}
    return reads_cookies if origin is None else urlsplit(origin).netloc not in hosts


class CompressedFiles(StaticFiles):
    """Static files, each sent as it was compressed by ``make styles`` where the browser takes that."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        takes = Headers(scope=scope).get("accept-encoding", "")
        is_compressed = takes_brotli(takes) and (STATIC / f"{path}.br").is_file()
        response = await super().get_response(f"{path}.br" if is_compressed else path, scope)
        if is_compressed:
            response.headers["content-encoding"] = "br"
            response.headers["content-type"] = guess_type(path)[0] or "application/octet-stream"
        response.headers["vary"] = "accept-encoding"
        response.headers["cache-control"] = "no-cache"  # asked about each time, and sent only when it has changed
        return response


def takes_brotli(accept_encoding: str) -> bool:
    """Return whether a browser takes what is compressed by Brotli."""
    given = [one.strip().partition(";") for one in accept_encoding.split(",")]
    return any(name == "br" and "q=0" not in weight.replace("q=0.", "") for name, _, weight in given)


def static_files() -> StaticFiles:
    return CompressedFiles(directory=STATIC)
