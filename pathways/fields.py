"""The group of each field, and the one policy that decides which groups an actor sees.

Every field of every reply is tagged with its group. ``visible_fields`` alone decides which groups an actor sees of a
person; the API, files, timeline and the copy of a jobseeker's data all call it.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum, StrEnum
from types import NoneType
from typing import Annotated, Any, ClassVar, Self, get_args

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)
from pydantic_core import PydanticCustomError

from pathways.base import Actor, Role
from pathways.given_reasons import why_no_reason


class Group(StrEnum):
    """The kind of information a field holds about a person."""

    RECORD = "record"  # references, dates and states, which say nothing about the person
    IDENTITY = "identity"
    CONTACT = "contact"
    HEALTH = "health_and_adjustments"
    CONVICTIONS = "convictions"
    RIGHT_TO_WORK = "right_to_work"
    BENEFITS = "benefits"
    MONITORING = "monitoring"
    NOTES = "notes"
    SAFETY = "safety"
    WORK = "work"
    REFERRAL_SOURCE = "referral_source"  # a referral by probation or a clinic is itself sensitive


class Purpose(StrEnum):
    """What a reply is for."""

    SUPPORT = "support"
    INTRODUCTION = "introduction"
    REFERRAL = "referral"
    EXTRACT = "extract"


class Relation(StrEnum):
    """The relation of the actor to the person the record is about."""

    OWN_CASEWORKER = "own_caseworker"
    MANAGER = "manager"
    COLLEAGUE = "colleague"
    REFERRER = "referrer"
    SOCIAL_ENTERPRISE = "social_enterprise"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Relationship:
    """A relation, and the groups of fields the jobseeker agreed to share with this social enterprise."""

    relation: Relation
    granted: frozenset[Group] = field(default_factory=frozenset)


ALL = frozenset(Group)
ONLY_RECORD = frozenset({Group.RECORD})
SUPPORTER = ALL - {Group.MONITORING}
# The only groups a social enterprise may ever read, and only with the jobseeker's permission.
SHAREABLE = frozenset({Group.IDENTITY, Group.CONTACT, Group.WORK, Group.HEALTH, Group.RIGHT_TO_WORK})
SHAREABLE_IN_WORDS = {
    Group.IDENTITY: "Name",
    Group.CONTACT: "Telephone, e-mail and how it is safe to get in touch",
    Group.WORK: "Skills, hours and travel",
    Group.HEALTH: "Adjustments",
    Group.RIGHT_TO_WORK: "Right to work",
}

POLICY: dict[tuple[Relation, Purpose], frozenset[Group]] = {
    (Relation.OWN_CASEWORKER, Purpose.SUPPORT): SUPPORTER,
    (Relation.OWN_CASEWORKER, Purpose.INTRODUCTION): SUPPORTER,
    (Relation.OWN_CASEWORKER, Purpose.REFERRAL): SUPPORTER,
    (Relation.OWN_CASEWORKER, Purpose.EXTRACT): ALL,
    (Relation.MANAGER, Purpose.SUPPORT): SUPPORTER,
    (Relation.MANAGER, Purpose.INTRODUCTION): SUPPORTER,
    (Relation.MANAGER, Purpose.REFERRAL): SUPPORTER,
    (Relation.MANAGER, Purpose.EXTRACT): ALL,
    (Relation.COLLEAGUE, Purpose.SUPPORT): SUPPORTER - {Group.CONVICTIONS},
    (Relation.COLLEAGUE, Purpose.INTRODUCTION): SUPPORTER - {Group.CONVICTIONS},
    (Relation.COLLEAGUE, Purpose.REFERRAL): SUPPORTER - {Group.CONVICTIONS},
    (Relation.REFERRER, Purpose.REFERRAL): ALL - {Group.MONITORING, Group.NOTES, Group.SAFETY},
}


def visible_fields(actor: Actor, relationship: Relationship, purpose: Purpose) -> frozenset[Group]:
    """Return the groups of fields this actor may see of a person, for this purpose.

    A social enterprise sees the groups the jobseeker granted it and nothing else. For a relation and purpose that the
    policy does not list, only references, dates and states are visible.
    """
    if relationship.relation is Relation.SOCIAL_ENTERPRISE:
        if actor.role is not Role.PLACEMENT_LISTER or purpose is not Purpose.INTRODUCTION:
            return ONLY_RECORD
        return ONLY_RECORD | (relationship.granted & SHAREABLE)
    return POLICY.get((relationship.relation, purpose), ONLY_RECORD)


# By group, whether a text speaks of what belongs to that group. A room above registers each (``decide_by_words``).
_SPEAKS_OF: dict[Group, Callable[[str], bool]] = {}
BY_WORDS = (Group.CONVICTIONS,)
# Groups whose values are no free text about the person, and names that are addresses.
NO_TEXT_GROUPS, NO_TEXT = frozenset({Group.RECORD, Group.IDENTITY}), frozenset({"phone", "email", "postcode"})


def decide_by_words(group: Group, speaks: Callable[[str], bool]) -> None:
    """Register the function that says whether a text belongs to a group by its words, whatever field it is in."""
    _SPEAKS_OF[group] = speaks


def reads_any_words(visible: Collection[Group]) -> bool:
    """Return whether no text is withheld for what it speaks of."""
    return all(group in visible for group in BY_WORDS)


def is_withheld_by_words(text: str, visible: Collection[Group]) -> bool:
    """Return whether a text speaks of what belongs to a group that is not among the visible ones."""
    return any(group not in visible and group in _SPEAKS_OF and _SPEAKS_OF[group](text) for group in BY_WORDS)


def _readable(value: Any, speaks: Callable[[str], bool]) -> Any:
    """Return a value without the texts of which ``speaks`` is true: lines of a list are left out, a text is None."""
    if isinstance(value, Enum):
        return value
    if isinstance(value, str):
        return None if speaks(value) else value
    if isinstance(value, list):
        kept = [line for line in value if not _speaks_anywhere(line, speaks)]
        return value if len(kept) == len(value) else kept or None
    if isinstance(value, dict):
        words = {key: inner for key, inner in value.items() if not _speaks_anywhere(inner, speaks)}
        return value if len(words) == len(value) else words or None
    return value


def _speaks_anywhere(value: Any, speaks: Callable[[str], bool]) -> bool:
    if isinstance(value, dict):
        return any(_speaks_anywhere(inner, speaks) for inner in value.values())
    if isinstance(value, list):
        return any(_speaks_anywhere(inner, speaks) for inner in value)
    return isinstance(value, str) and not isinstance(value, Enum) and speaks(value)


class UntaggedField(TypeError):
    """A field of a reply has no group, so the policy cannot decide who may see it."""


class Schema(BaseModel):
    """A reply. Each field is ``Annotated`` with its Group; a field that may be withheld must allow ``None``."""

    model_config = ConfigDict(from_attributes=True, extra="forbid")
    group_of: ClassVar[dict[str, Group]] = {}

    @classmethod
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        super().__pydantic_init_subclass__(**kwargs)
        groups: dict[str, Group] = {}
        for name, about in cls.model_fields.items():
            group = next((mark for mark in about.metadata if isinstance(mark, Group)), None)
            if group is None:
                raise UntaggedField(f"{cls.__name__}.{name} has no group.")
            if group is not Group.RECORD and NoneType not in get_args(about.annotation):
                raise UntaggedField(f"{cls.__name__}.{name} may be withheld, so it must allow None.")
            groups[name] = group
        cls.group_of = groups

    def groups_by_value(self) -> Mapping[str, Group]:
        """Return the group of each field; a reply in which a value decides a group overrides this."""
        return self.group_of

    def limited_to(self, visible: frozenset[Group]) -> Self:
        """Return the reply with every field outside the visible groups left empty and named in ``withheld``.

        Of ``as_written``, the words of a field are visible where the field is. A text whose words belong to a group
        that is not visible is withheld, and so is a line of a list, whatever field they are in. Where the text about
        safe contact is withheld, so are the ways to contact the person.
        """
        hidden = {name for name, group in self.groups_by_value().items() if group not in visible}
        changes: dict[str, Any] = dict.fromkeys(hidden)
        if hidden and "as_written" in self.group_of:
            words: dict[str, str] = getattr(self, "as_written", None) or {}
            changes["as_written"] = {n: said for n, said in words.items() if self.group_of.get(n) in visible} or None
        for group in BY_WORDS:
            if group not in visible:
                changes |= self._without_words_of(group, changes)
        if not changes:
            return self
        if "withheld" in self.group_of:
            earlier: list[str] = getattr(self, "withheld", None) or []
            changes["withheld"] = sorted({*changes, *earlier} - {"as_written"})
        return self.model_copy(update=changes)

    def _without_words_of(self, group: Group, changed: Mapping[str, Any]) -> dict[str, Any]:
        """Return the fields whose texts belong to a group by their words, with what remains of them."""
        less: dict[str, Any] = {}
        for name, its_group in self.group_of.items():
            if name != "as_written" and (its_group in NO_TEXT_GROUPS or name in NO_TEXT):
                continue
            value = changed.get(name, getattr(self, name))
            kept = _readable(value, _SPEAKS_OF[group])
            if kept is not value:
                less[name] = kept
        if less.get("safe_contact", ...) is None:
            less |= {name: None for name, its_group in self.group_of.items() if its_group is Group.CONTACT}
        return less


class Body(BaseModel):
    """The body of a request: unknown fields are refused.

    Leading and trailing spaces are removed after the length was checked, so that the service accepts exactly the
    lengths that its schema states.
    """

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="after")
    @classmethod
    def _without_spaces_around(cls, value: Any) -> Any:
        if type(value) is str:
            return value.strip()
        if type(value) is list:
            return [one.strip() if type(one) is str else one for one in value]
        return value


# The error type of a well-formed value that breaks a rule: answered with 409, while a wrong shape is 422.
RULE_BROKEN = "rule_broken"
EARLIEST, LATEST = date(1900, 1, 1), date(2100, 12, 31)


def against_the_rule(text: str) -> PydanticCustomError:
    return PydanticCustomError(RULE_BROKEN, "{text}", {"text": text})


def _is_written_as_a_day(value: Any) -> Any:
    if isinstance(value, date) or (isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value)):
        return value
    raise ValueError("Write a date as yyyy-mm-dd.")


def _is_written_as_an_instant(value: Any) -> Any:
    if isinstance(value, str) and re.match(r"\d{4}-\d{2}-\d{2}[Tt]", value):
        return value
    raise ValueError("Write a date and time as yyyy-mm-ddThh:mm:ssZ.")


def _is_plausible(day: date) -> date:
    if not EARLIEST <= day <= LATEST:
        raise against_the_rule(f"The date must be between {EARLIEST} and {LATEST}.")
    return day


def _is_a_plausible_instant(at: datetime) -> datetime:
    if not EARLIEST.year <= at.year <= LATEST.year:
        raise against_the_rule(f"The date and time must be between {EARLIEST.year} and {LATEST.year}.")
    return at


FLOAT_NOISE = 1e-9


def _without_float_noise(value: Any) -> Any:
    """Return the decimal that a JSON number means: 0.35 for 0.35000000000000003, because no float is exactly 0.35.

    A number further than ``FLOAT_NOISE`` from a multiple of 0.01 is returned unchanged. The schema refuses it.
    """
    if isinstance(value, float) and abs(value - round(value, 2)) < FLOAT_NOISE:
        return Decimal(str(round(value, 2) or 0.0))  # never -0.0
    return value


# Amounts in pounds are multiples of a penny. JSON has floats only, and 35 * 0.01 is not 0.35 there.
Penny = BeforeValidator(_without_float_noise)
PENNIES = {"type": "number", "multipleOf": 0.01}


Day = Annotated[date, BeforeValidator(_is_written_as_a_day), AfterValidator(_is_plausible)]
Instant = Annotated[AwareDatetime, BeforeValidator(_is_written_as_an_instant), AfterValidator(_is_a_plausible_instant)]
NO_CONTROLS = r"^[^\x00-\x1f\x7f]*$"
Line = Annotated[str, StringConstraints(max_length=300, pattern=NO_CONTROLS)]
NeededLine = Annotated[
    str,
    StringConstraints(min_length=1, max_length=300, pattern=r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"),
]


def _is_words(text: str) -> str:
    wrong = why_no_reason(text)
    if wrong is not None:
        raise against_the_rule(wrong)
    return text


# The one type of a reason that a person is asked for. A reason that may be left out has the second type.
GivenReason = Annotated[NeededLine, AfterValidator(_is_words)]
MaybeReason = Annotated[Line, AfterValidator(lambda text: _is_words(text) if text.strip() else "")]
Paragraph = Annotated[str, StringConstraints(max_length=4000, pattern=r"^[^\x00]*$")]
Lines = Annotated[list[Line], Field(max_length=50)]
