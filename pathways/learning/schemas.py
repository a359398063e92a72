"""What goes over the wire about models: no person, only counts, figures and gates."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, Group, NeededLine, Schema
from pathways.shortlists.models import ModelState


class NewModel(Body):
    until: Day | None = Field(
        default=None, description="Learn from what was decided up to this day; today when left out."
    )


class ModelDecision(Body):
    reason: NeededLine


class GateOut(Schema):
    gate: Annotated[str, Group.RECORD]
    passed: Annotated[bool, Group.RECORD]
    text: Annotated[str, Group.RECORD]


class ModelOut(Schema):
    id: Annotated[UUID, Group.RECORD]
    name: Annotated[str, Group.RECORD]
    state: Annotated[ModelState, Group.RECORD]
    made_at: Annotated[datetime, Group.RECORD]
    cases: Annotated[int, Group.RECORD]
    first_day: Annotated[date | None, Group.RECORD]
    last_day: Annotated[date | None, Group.RECORD]
    manifest: Annotated[dict[str, Any], Group.RECORD]
    gates: Annotated[list[GateOut], Group.RECORD]
    assessment: Annotated[dict[str, Any] | None, Group.RECORD] = Field(
        description="Held-out figures, whole and by group; a group of few is not shown."
    )
    possible_events: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]
