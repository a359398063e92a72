"""Scheduled jobs: work that becomes due because a day has come. Each feature defines its own; ``daily`` runs them.

A job finds the rows that are due, then handles each in a transaction of its own. There it checks again whether the row
is due, so that a job is safe to run twice or late.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pathways.base import Actor
from pathways.database import Session, WriteSession


@dataclass(frozen=True, slots=True)
class ScheduledJob:
    """One job: ``due`` returns the ids of an organisation's due rows; ``act`` handles one row, if it is still due."""

    name: str
    due: Callable[[Session, UUID, date], Iterable[UUID]]
    act: Callable[[WriteSession, Actor, UUID], bool]
