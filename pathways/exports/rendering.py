"""What is written by template: the summary page and the charts. Everything put into one is escaped."""

from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("pathways.exports", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def rendered(template: str, **told: Any) -> bytes:
    """Return a template filled in, as UTF-8 with plain line ends."""
    return (_environment().get_template(template).render(**told).strip() + "\n").encode()
