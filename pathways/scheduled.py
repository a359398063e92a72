"""What time alone makes due, as each feature offers it; ``daily`` does them all, safe to run twice or late.

A duty looks what is due, then acts on each thing in a transaction of its own, in which it looks again.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pathways.base import Actor
from pathways.database import Session, WriteSession


@dataclass(frozen=True, slots=True)
class Duty:
    """``due`` returns ids of one organisation; ``act`` does what is due of one, or nothing if it is no longer."""

    name: str
    due: Callable[[Session, UUID, date], Iterable[UUID]]
    act: Callable[[WriteSession, Actor, UUID], bool]
