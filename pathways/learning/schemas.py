"""Requests and replies about ranking models. They contain counts, figures and release gates, but no personal data."""

from datetime import date, datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import Field

from pathways.fields import Body, Day, GivenReason, Group, Schema
from pathways.shortlists.models import ModelState


class NewModel(Body):
    """The request body for training a ranking model."""

    until: Day | None = Field(
        default=None, description="Learn from introductions decided up to and including this day. If left out: today."
    )


class ModelDecision(Body):
    """The request body for releasing or retiring a model."""

    reason: GivenReason


class GateOut(Schema):
    """One test that a model must pass before it can be released, with its result."""

    gate: Annotated[str, Group.RECORD]
    passed: Annotated[bool, Group.RECORD]
    text: Annotated[str, Group.RECORD]


class ModelOut(Schema):
    """A ranking model: its state, the cases it learnt from, its assessment and its release gates."""

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
        description="The figures on held-out cases, overall and by group. Figures of small groups are withheld. "
        "Null if the model has not been assessed."
    )
    possible_events: Annotated[list[str], Group.RECORD]
    version: Annotated[int, Group.RECORD]
