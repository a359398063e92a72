"""Request bodies and replies of the programmes API."""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints, WithJsonSchema

from pathways.fields import PENNIES, Body, Day, Group, Penny, Schema
from pathways.organisations.schemas import Name, Ref

RuleVersion = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{2,60}@[0-9]{1,4}$")]


class NewProgramme(Body):
    """The request body for creating a programme."""

    commissioner_id: UUID
    partner_id: UUID
    name: Name
    ref: Ref | None = None
    starts_on: Day
    ends_on: Day | None = None
    rule_versions: Annotated[list[RuleVersion], Field(max_length=20)] = ["LOCAL_13_IN_16@1", "LOCAL_26_IN_30@1"]


class ProgrammeChange(Body):
    """The request body for changing a programme; fields that are left out stay as they are."""

    name: Name | None = None
    ends_on: Day | None = None
    rule_versions: Annotated[list[RuleVersion], Field(max_length=20)] | None = None


class ProgrammeOut(Schema):
    """A programme as the API returns it."""

    id: Annotated[UUID, Group.RECORD]
    ref: Annotated[str, Group.RECORD]
    commissioner_id: Annotated[UUID, Group.RECORD]
    partner_id: Annotated[UUID, Group.RECORD]
    name: Annotated[str, Group.RECORD]
    starts_on: Annotated[date, Group.RECORD]
    ends_on: Annotated[date | None, Group.RECORD]
    rule_versions: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]


Price = Annotated[
    Decimal,
    Penny,
    Field(gt=0, le=1_000_000, max_digits=9, decimal_places=2),
    WithJsonSchema(PENNIES | {"exclusiveMinimum": 0, "maximum": 1_000_000}),
]


class NewPrice(Body):
    """The request body for setting the price of an outcome from a given day on."""

    rule: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9_]{2,60}$")]
    pounds: Price
    from_on: Day


class PriceOut(Schema):
    """The price of an outcome under a rule, from a given day on."""

    id: Annotated[UUID, Group.RECORD]
    rule: Annotated[str, Group.RECORD]
    pounds: Annotated[float, Group.RECORD]
    from_on: Annotated[date, Group.RECORD]
