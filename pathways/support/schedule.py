"""When somebody who works is to be checked in with: lines of a dated table, from the actual first day; pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class ScheduleState(StrEnum):
    TO_COME = "to_come"
    DUE = "due"
    OVERDUE = "overdue"
    MET = "met"
    LATE = "late"
    NOT_NEEDED = "not_needed"


@dataclass(frozen=True, slots=True)
class ScheduleStep:
    """One line of the table: how many days from the start, and for how many days it is in time."""

    name: str
    offset_days: int
    window_days: int


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """A step of one spell: the days it is due from and in time until, and how it stands."""

    step: str
    due_on: date
    in_time_until: date
    state: ScheduleState


def lines(
    steps: Iterable[ScheduleStep],
    started_on: date,
    ended_on: date | None,
    answered_on: Mapping[str, date],
    on: date,
) -> Sequence[ScheduleLine]:
    """Return the schedule of a spell as it stands on a day.

    ``answered_on`` has the day of the check-in that answered a step. What would fall after the end is not needed.
    """
    found = []
    for step in sorted(steps, key=lambda one: one.offset_days):
        due_on = started_on + timedelta(days=step.offset_days)
        until = due_on + timedelta(days=step.window_days)
        answered = answered_on.get(step.name)
        if answered is not None:
            state = ScheduleState.MET if answered <= until else ScheduleState.LATE
        elif ended_on is not None and due_on > ended_on:
            state = ScheduleState.NOT_NEEDED
        elif on < due_on:
            state = ScheduleState.TO_COME
        else:
            state = ScheduleState.DUE if on <= until else ScheduleState.OVERDUE
        found.append(ScheduleLine(step.name, due_on, until, state))
    return found


def answers(steps: Iterable[ScheduleStep], started_on: date, day: date, answered: Iterable[str]) -> str | None:
    """Return which step a check-in of a day answers: the last one that had come, if it is open."""
    done = set(answered)
    come = [step for step in steps if started_on + timedelta(days=step.offset_days) <= day]
    last = max(come, key=lambda step: step.offset_days, default=None)
    return last.name if last is not None and last.name not in done else None
