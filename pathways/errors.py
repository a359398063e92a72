"""Errors of the domain, by kind.

::

    DomainError
    ├── NotFound             the record does not exist, or this actor may not see it
    ├── NotPermitted         this role may not do this
    ├── Conflict             the request is not possible in the current state
    │   ├── ChangedMeanwhile     another request changed the record first
    │   └── RuleBroken           a well-formed value breaks a rule; names the field
    ├── Invalid              the request does not have the right shape; names the field
    ├── StaleVersion         If-Match names an older version
    ├── VersionNeeded        If-Match is missing
    ├── Unauthenticated      no key, or a key that is not valid
    │   └── KeyIsOver            a right key that no longer works
    ├── TooLarge             the request is larger than the service accepts
    └── Unavailable          the database or another part does not answer
"""

import re
from typing import Any


class DomainError(Exception):
    """An error. Its class says what happened; ``detail`` says what is wrong and what to do, without personal data."""

    title = "The request could not be carried out"
    # Whether the audit records the attempt, because protection of a person or the actor's rights stopped it.
    is_audited = False

    def __init__(self, detail: str, **more: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.more = more

    @classmethod
    def problem_type(cls) -> str:
        """Return the stable address of this kind of problem, made from the class name."""
        return "/problems/" + re.sub(r"(?<!^)(?=[A-Z])", "-", cls.__name__).lower()


class NotFound(DomainError):
    title = "Not found"
    is_audited = True


class NotPermitted(DomainError):
    title = "Your role does not allow this"
    is_audited = True


class Conflict(DomainError):
    title = "This cannot be done now"


class ChangedMeanwhile(Conflict):
    title = "The record was changed by another request at the same moment"


class RuleBroken(Conflict):
    """A well-formed value breaks a rule. ``pointer`` is the JSON pointer of the field to correct."""

    title = "A value breaks a rule"

    def __init__(self, detail: str, *, pointer: str = "", **more: Any) -> None:
        super().__init__(detail, errors=[{"pointer": pointer, "detail": detail}], **more)


class Invalid(DomainError):
    """The request does not have the right shape: ``pointer`` is the JSON pointer of the field."""

    title = "The request is not valid"

    def __init__(self, detail: str, *, pointer: str = "") -> None:
        super().__init__(detail, errors=[{"pointer": pointer, "detail": detail}])


class StaleVersion(DomainError):
    title = "The record has changed since you read it"


class VersionNeeded(DomainError):
    title = "The If-Match header is missing"


class Unauthenticated(DomainError):
    title = "A valid API key is needed"


class KeyIsOver(Unauthenticated):
    """A right key that was revoked or has ended, or whose owner is no longer a member. ``member`` is the owner's actor.

    The reply is the same as to any wrong key. The audit records the attempt, because the key is somebody's.
    """

    is_audited = True

    def __init__(self, detail: str, member: Any) -> None:
        super().__init__(detail)
        self.member = member

    @classmethod
    def problem_type(cls) -> str:
        return Unauthenticated.problem_type()


class TooLarge(DomainError):
    title = "The request is too large"


class Unavailable(DomainError):
    title = "The service cannot answer at the moment"
