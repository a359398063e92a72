"""Facts: append-only rows that are never updated, only superseded, and how to read them as known on a day.

A fact has the day since when it is true (``valid_on``), the time at which we learnt it (``recorded_at``), the user who
recorded it (``by``), the way in which it was recorded (``source``) and the older fact it replaces (``supersedes``). A
fact with ``is_withdrawal`` records that the older fact was a mistake. Two facts cannot supersede the same fact, so no
update is lost.
"""

from collections.abc import Container, Iterable, Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, Self, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, ForeignKey, and_, event, exists, not_
from sqlalchemy.orm import Mapped, aliased, declared_attr, mapped_column
from sqlalchemy.orm import Session as OrmSession
from sqlalchemy.orm.attributes import get_history
from uuid_utils.compat import uuid7

from pathways.base import LINE, Actor, Base, PrimaryKey, Source, words
from pathways.errors import Conflict, NotPermitted


class Fact:
    """Mixin with the columns of every append-only row."""

    id: Mapped[PrimaryKey]
    valid_on: Mapped[date]
    recorded_at: Mapped[datetime] = mapped_column(index=True)
    source: Mapped[Source] = mapped_column(words(Source))
    is_withdrawal: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str] = mapped_column(LINE, default="")

    @declared_attr
    def by(cls) -> Mapped[UUID]:  # noqa: N805 - a class method by its decorator
        return mapped_column(ForeignKey("users.id"))

    @declared_attr
    def supersedes(cls) -> Mapped[UUID | None]:  # noqa: N805
        return mapped_column(ForeignKey(f"{cls.__tablename__}.id"), unique=True)  # type: ignore[attr-defined]

    @classmethod
    def recorded(cls, actor: Actor, valid_on: date | None = None, **columns: Any) -> Self:
        """Return a new fact recorded by this actor. Without ``valid_on`` it is true from today."""
        columns.setdefault("id", uuid7())
        mapped: Any = cls  # the mapped class takes its columns by name
        fact: Self = mapped(
            valid_on=valid_on or actor.today,
            recorded_at=actor.at,
            by=actor.user_id,
            source=actor.source,
            **columns,
        )
        return fact

    @classmethod
    def row(cls, actor: Actor, valid_on: date | None = None, **columns: Any) -> dict[str, Any]:
        """Return a new fact as a dictionary, for inserting many rows in one statement."""
        return {
            "id": uuid7(),
            "valid_on": valid_on or actor.today,
            "recorded_at": actor.at,
            "by": actor.user_id,
            "source": actor.source,
            "is_withdrawal": False,
            "reason": "",
            "supersedes": None,
            **columns,
        }

    def withdrawn(self, actor: Actor, reason: str) -> Self:
        """Return the fact that withdraws this one. It has the same columns, so that it refers to the same records."""
        columns = {
            column.key: getattr(self, column.key)
            for column in self.__mapper__.column_attrs  # type: ignore[attr-defined]
            if column.key not in FACT_COLUMNS
        }
        return type(self).recorded(
            actor, self.valid_on, supersedes=self.id, is_withdrawal=True, reason=reason, **columns
        )


FACT_COLUMNS = frozenset({"id", "valid_on", "recorded_at", "by", "source", "supersedes", "is_withdrawal", "reason"})


class StateLog(Fact):
    """Mixin of a fact that records a move from one state to another."""

    event: Mapped[str] = mapped_column(LINE)
    from_state: Mapped[str | None] = mapped_column(LINE)
    to_state: Mapped[str] = mapped_column(LINE)

    def other_parties(self, session: OrmSession) -> Iterable[UUID]:
        """Return the organisations, besides the partner, whose own systems may learn of this move by a webhook."""
        return ()


AnyFact = TypeVar("AnyFact", bound=Fact)


def as_known(fact: type[AnyFact], at: datetime | None = None) -> ColumnElement[bool]:
    """Return the condition that a fact was current at an instant.

    Such a fact was recorded by then, not superseded by then, and is not a withdrawal. Without ``at``: as known now.
    """
    if at is None:
        return _is_current(cast("Any", fact))
    later = aliased(fact)
    return and_(
        fact.recorded_at <= at,
        not_(fact.is_withdrawal),
        not_(exists().where(later.supersedes == fact.id, later.recorded_at <= at)),
    )


@cache
def _is_current(fact: Any) -> ColumnElement[bool]:
    """Return the condition that a fact is current now. Cached for each table, because aliases are slow to make."""
    later = aliased(fact)
    return and_(not_(fact.is_withdrawal), not_(exists().where(later.supersedes == fact.id)))


class NotYourMove(NotPermitted):
    title = "You may not take this step"


class MoveRefused(Conflict):
    """Raised for a move that the table of moves does not list."""

    title = "This step is not possible in the current state"


State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def possible_events(moves: Mapping[tuple[State, Event], State], state: State) -> list[Event]:
    return sorted({event for (origin, event) in moves if origin is state}, key=str)


def destination(
    moves: Mapping[tuple[State, Event], State],
    state: State,
    event: Event,
    refusal: type[MoveRefused] = MoveRefused,
    *,
    allowed: Container[Event] | None = None,
    afterwards: str = "No further step is possible.",
) -> State:
    """Return the state that a move leads to. Raise ``refusal``, naming the possible moves, if there is no such move.

    Only moves in ``allowed`` are named; None allows all. ``afterwards`` is the sentence if no move can be named.
    """
    if (state, event) not in moves:
        possible = [step for step in possible_events(moves, state) if allowed is None or step in allowed]
        *most, last = [step.replace("_", " ") for step in possible] or [""]
        steps = f"{', '.join(most)} or {last}" if most else last
        advice = f"Next: {steps}." if possible else afterwards
        raise refusal(f"{_why_not(moves, state, event)} {advice}", possible=possible)
    return moves[state, event]


def _why_not(moves: Mapping[tuple[State, Event], State], state: State, event: Event) -> str:
    """Return why a move is not possible: the record is in its state already, or in one that the move cannot leave."""
    leads_here = any(made is event and after is state for (_, made), after in moves.items())
    if leads_here and state.value.startswith(event.value[:3]):  # "accept" leads to "accepted"
        return f"Already {state}.".replace("_", " ")
    return f'In the state "{state}", the step "{event}" is not possible.'.replace("_", " ")


def moves_in_sql(moves: Mapping[tuple[State, Event], State], first_event: str, first_state: State) -> str:
    """Return the SQL of a CHECK constraint that allows only ``moves`` and the first move to ``first_state``."""
    known = [f" {first_event} {first_state}", *(f"{start} {event} {end}" for (start, event), end in moves.items())]
    allowed = ", ".join(f"'{move}'" for move in known)
    return f"coalesce(from_state, '') || ' ' || event || ' ' || to_state IN ({allowed})"


class FactChanged(RuntimeError):
    """Raised if code changes or deletes a fact: a programming error, never an error of a caller."""


def _refuse_changes(session: OrmSession, *_: object) -> None:
    for row in session.deleted:
        if isinstance(row, Fact):
            raise FactChanged(f"{type(row).__name__} is append-only and was deleted.")
    for row in session.dirty:
        if isinstance(row, Fact) and any(
            get_history(row, column.key).has_changes()
            for column in type(row).__mapper__.column_attrs  # type: ignore[attr-defined]
        ):
            raise FactChanged(f"{type(row).__name__} is append-only and was changed.")


event.listen(OrmSession, "before_flush", _refuse_changes)


def fact_tables() -> list[type[Fact]]:
    """Return the class of every append-only table, for ``db check`` and the tests."""
    return [m.class_ for m in Base.registry.mappers if issubclass(m.class_, Fact)]
