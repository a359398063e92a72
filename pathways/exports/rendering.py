"""Templates of the summary page and the charts. Every value put into a template is escaped."""

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


def rendered(template: str, **values: Any) -> bytes:
    """Return a template filled with values, as UTF-8 with LF line ends."""
    return (_environment().get_template(template).render(**values).strip() + "\n").encode()
