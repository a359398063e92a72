"""The schedule of check-ins with a jobseeker in work: steps of a dated table, counted from the first day of work.

The functions are pure.
"""

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
    """One step: due ``offset_days`` after the first day of work, and on time until ``window_days`` later."""

    name: str
    offset_days: int
    window_days: int


@dataclass(frozen=True, slots=True)
class ScheduleLine:
    """A step applied to one spell: the day it is due, the last day it is on time, and its state."""

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
    """Return the schedule of a spell with the state of each line on a day.

    ``answered_on`` has, by step, the day of the check-in that answered the step. A step that is due after the end of
    the spell is not needed.
    """
    schedule = []
    for step in sorted(steps, key=lambda step: step.offset_days):
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
        schedule.append(ScheduleLine(step.name, due_on, until, state))
    return schedule


def answers(steps: Iterable[ScheduleStep], started_on: date, day: date, answered: Iterable[str]) -> str | None:
    """Return the step that a check-in on a day answers: the latest due step, or None if that is already answered."""
    done = set(answered)
    due = [step for step in steps if started_on + timedelta(days=step.offset_days) <= day]
    last = max(due, key=lambda step: step.offset_days, default=None)
    return last.name if last is not None and last.name not in done else None
