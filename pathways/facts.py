"""Facts are never updated, only superseded: the mixin of every append-only row, and how to read them as known.

A fact says when it was true (``valid_on``), when we learnt it (``recorded_at``), who said so (``by``), which way it
came in (``source``) and which older fact it replaces (``supersedes``). A fact that only takes an older one back,
because that was a mistake, is ``is_withdrawal``. Two facts cannot supersede the same one, so no update is lost.
"""

from collections.abc import Mapping
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
    """The columns of every append-only row."""

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
        """Return a new fact as this actor tells it now; without ``valid_on`` it is true from today."""
        columns.setdefault("id", uuid7())
        made: Any = cls  # the mapped class takes its columns by name
        fact: Self = made(
            valid_on=valid_on or actor.today,
            recorded_at=actor.at,
            by=actor.user_id,
            source=actor.source,
            **columns,
        )
        return fact

    @classmethod
    def row(cls, actor: Actor, valid_on: date | None = None, **columns: Any) -> dict[str, Any]:
        """Return a new fact as a row for an INSERT of many, which a session would look through one by one."""
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
        """Return the fact that takes this one back; it keeps the same columns, so that it names the same things."""
        keep = {
            column.key: getattr(self, column.key)
            for column in self.__mapper__.column_attrs  # type: ignore[attr-defined]
            if column.key not in FACT_COLUMNS
        }
        return type(self).recorded(actor, self.valid_on, supersedes=self.id, is_withdrawal=True, reason=reason, **keep)


FACT_COLUMNS = frozenset({"id", "valid_on", "recorded_at", "by", "source", "supersedes", "is_withdrawal", "reason"})


class StateLog(Fact):
    """A fact that is a move from one state to another."""

    event: Mapped[str] = mapped_column(LINE)
    from_state: Mapped[str | None] = mapped_column(LINE)
    to_state: Mapped[str] = mapped_column(LINE)


AnyFact = TypeVar("AnyFact", bound=Fact)


def as_known(fact: type[AnyFact], at: datetime | None = None) -> ColumnElement[bool]:
    """Return the condition that a fact stood at an instant: recorded by then, not superseded by then, not a withdrawal.

    Without ``at``: as known now.
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
    """Return the condition that a fact stands now. Made once a table: an alias costs more to make than to ask."""
    later = aliased(fact)
    return and_(not_(fact.is_withdrawal), not_(exists().where(later.supersedes == fact.id)))


class NotYourMove(NotPermitted):
    title = "This move is the other side's"


class MoveRefused(Conflict):
    """A move that the table of moves does not list."""

    title = "It cannot make that move now"


State = TypeVar("State", bound=StrEnum)
Event = TypeVar("Event", bound=StrEnum)


def possible_events(moves: Mapping[tuple[State, Event], State], state: State) -> list[Event]:
    return sorted({event for (origin, event) in moves if origin is state}, key=str)


def destination(
    moves: Mapping[tuple[State, Event], State],
    state: State,
    event: Event,
    refusal: type[MoveRefused] = MoveRefused,
) -> State:
    """Return where a move leads, or refuse it, naming the moves there are."""
    if (state, event) not in moves:
        possible = possible_events(moves, state)
        ways = ", ".join(possible) if possible else "none"
        raise refusal(f"From {state} there is no {event}. Possible now: {ways}.", possible=possible)
    return moves[state, event]


def moves_in_sql(moves: Mapping[tuple[State, Event], State], first_event: str, first_state: State) -> str:
    """Return the SQL that lets a log hold only the moves of the table, and the one that begins."""
    known = [f" {first_event} {first_state}", *(f"{start} {event} {end}" for (start, event), end in moves.items())]
    told = ", ".join(f"'{move}'" for move in known)
    return f"coalesce(from_state, '') || ' ' || event || ' ' || to_state IN ({told})"


class FactChanged(RuntimeError):
    """Code tried to change or delete a fact: a fault of ours, never of a caller."""


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
    """Every append-only table, for the checks of ``db check`` and the tests."""
    return [m.class_ for m in Base.registry.mappers if issubclass(m.class_, Fact)]
