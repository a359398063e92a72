"""What can go wrong in the domain.

::

    DomainError
    ├── NotFound             there is none, or not for the one who asks
    ├── NotPermitted         this role may not do that
    ├── Conflict             it may not be done now
    │   ├── ChangedMeanwhile     somebody else was first
    │   └── RuleBroken           well formed, but against a rule; names the field
    ├── Invalid              what was sent has not the shape it must have; names the field
    ├── StaleVersion         If-Match names an older version
    ├── VersionNeeded        If-Match is missing
    ├── Unauthenticated      no key, or one that is not valid now
    ├── TooLarge             more bytes than this service takes
    └── Unavailable          the database or another part cannot answer now
"""

import re
from typing import Any


class DomainError(Exception):
    """Named for what happened; ``detail`` says what to do next and holds no personal data."""

    title = "That could not be done"

    def __init__(self, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.more = more

    @classmethod
    def problem_type(cls) -> str:
        """The stable address of this kind of problem, from its class name."""
        return "/problems/" + re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class NotFound(DomainError):
    title = "There is nothing here for you"


class NotPermitted(DomainError):
    title = "Your role may not do that"


class Conflict(DomainError):
    title = "That cannot be done now"


class ChangedMeanwhile(Conflict):
    title = "Somebody else changed this at the same moment"


class RuleBroken(Conflict):
    """Well formed, but against a rule of the field: ``pointer`` is the JSON pointer of what to correct."""

    title = "That is against a rule"

    def __init__(self, detail: str, *, pointer: str = "", **more: Any) -> None:
        super().__init__(detail, errors=[{"pointer": pointer, "detail": detail}], **more)


class Invalid(DomainError):
    """What was sent has not the shape it must have: ``pointer`` is the JSON pointer of the field."""

    title = "Something in the request is not right"

    def __init__(self, detail: str, *, pointer: str = "") -> None:
        super().__init__(detail, errors=[{"pointer": pointer, "detail": detail}])


class StaleVersion(DomainError):
    title = "You are changing an older version"


class VersionNeeded(DomainError):
    title = "Say which version you are changing"


class Unauthenticated(DomainError):
    title = "A valid key is needed"


class TooLarge(DomainError):
    title = "That is more than this service takes"


class Unavailable(DomainError):
    title = "The service cannot answer just now"
