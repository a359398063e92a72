"""Whether the hours that are recorded for a person's weeks can have been worked at all."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

DAYS_OF_WEEK, HOURS_OF_DAY = 7, 24


def possible_hours(days: int, most_in_a_week: Decimal) -> Decimal:
    """Return the most hours that anybody may work in so many days.

    >>> possible_hours(7, Decimal(78)), possible_hours(8, Decimal(78)), possible_hours(14, Decimal(78))
    (Decimal('78'), Decimal('102'), Decimal('156'))
    """
    weeks, rest = divmod(days, DAYS_OF_WEEK)
    return weeks * most_in_a_week + min(most_in_a_week, Decimal(rest * HOURS_OF_DAY))


def impossible_period(
    weeks: Sequence[tuple[date, Decimal]], of: date, most_in_a_week: Decimal
) -> tuple[date, date, Decimal, Decimal] | None:
    """Return the shortest period with the week from ``of`` that has more hours than can be worked in it, or None.

    ``weeks`` has the first day and the hours of weeks of 7 days, which may overlap: two spells begin on two weekdays.
    It is not known on which day of its week an hour was worked. So the hours of a period are those of the weeks that
    lie in it as a whole. Returns its first day, its last day, these hours and the most hours that are possible.
    """
    found = []
    starts = {start for start, _ in weeks}
    for first in (start for start in starts if start <= of):
        for last_start in (start for start in starts if start >= of):
            last = last_start + timedelta(days=DAYS_OF_WEEK - 1)
            hours = sum((hours for start, hours in weeks if first <= start <= last_start), Decimal(0))
            possible = possible_hours((last - first).days + 1, most_in_a_week)
            if hours > possible:
                found.append((first, last, hours, possible))
    return min(found, key=lambda one: (one[1] - one[0], one[0]), default=None)
