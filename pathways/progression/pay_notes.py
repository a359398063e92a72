"""What the law and a claim say about the pay of a spell: what is refused, what a person confirms, what is named."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from pathways.errors import RuleBroken
from pathways.jobseekers.formats import age_on
from pathways.placements.models import MUST_PAY, PlacementKind
from pathways.placements.schemas import pence, pounds
from pathways.progression.models import SpellHours
from pathways.reference.pay import (
    REMEDY,
    LowestPay,
    below_the_minimum,
    doubt_about_week,
    lowest_pay,
    too_high_for_an_hour,
)
from pathways.reference.working_age import of_school_age, too_young

NO_PAY = (
    "The pay for one hour is not recorded. A claim may need it: ask for a payslip or the contract, and record it"
    " (pay_per_hour_pounds)."
)
NO_BIRTH = "Record the date of birth. Without it, any pay you enter is compared with the lowest minimum wage only."
VOLUNTEER = (
    "A volunteer has no pay for an hour: who is paid is a worker. Leave the pay for an hour blank"
    " (pay_per_hour_pounds), or choose a kind of"
    " work that is paid."
)
VOLUNTEER_WEEK = (
    "A volunteer has no pay: who is paid is a worker. Leave out the pay of the week (pay_pounds); expenses paid back"
    " are no pay. If the work is paid, correct its kind first."
)
CONFIRM = (
    " Correct the pay or the hours. Holiday hours are paid hours, and leave has a field of its own. If the amount is"
    " right, for instance because it is back pay, say why in unusual_pay_because."
)


def due(kind: PlacementKind, birth: date | None, on: date) -> LowestPay | None:
    """Return the minimum wage that is due to a person on a day, or None if work of the kind need not be paid."""
    if kind not in MUST_PAY:
        return None
    return lowest_pay(_age(birth, on), on, is_apprenticeship=kind is PlacementKind.APPRENTICESHIP)


def _age(birth: date | None, on: date) -> int | None:
    return age_on(birth, on) if birth is not None else None


def check_age(birth: date | None, started_on: date) -> None:
    """Refuse work that begins at an age at which nobody may work."""
    if (wrong := too_young(_age(birth, started_on), started_on)) is not None:
        raise RuleBroken(wrong, pointer="/started_on")


def check_pay(columns: Mapping[str, Any], birth: date | None, today: date) -> None:
    """Refuse pay for one hour that is too high, below a verified minimum wage, or for a volunteer."""
    in_pounds = pounds(columns["pay_per_hour_pence"])
    wrong = too_high_for_an_hour(in_pounds, today)
    if wrong is None and columns["kind"] is PlacementKind.VOLUNTEERING and in_pounds:
        wrong = VOLUNTEER
    if wrong is None:
        below = below_the_minimum(in_pounds, due(columns["kind"], birth, columns["started_on"]))
        wrong = below and f"{below} {REMEDY} If the pay is not known, leave it out."
    if wrong is not None:
        raise RuleBroken(wrong, pointer="/pay_per_hour_pounds")


def question_of_start(kind: PlacementKind, in_pounds: Decimal | None, birth: date | None, on: date) -> str | None:
    """Return why the pay of a placement cannot become the pay of a spell that starts on a day, else None."""
    if in_pounds is None and kind in MUST_PAY:
        return "The placement does not state the pay for an hour, and work of this kind is paid."
    try:
        check_pay({"pay_per_hour_pence": pence(in_pounds), "kind": kind, "started_on": on}, birth, on)
    except RuleBroken as wrong:
        return wrong.detail
    return None


def check_unpaid(weeks: Sequence[SpellHours]) -> None:
    """Refuse to make volunteering of a spell that has weeks with pay."""
    paid = [week.valid_on.isoformat() for week in weeks if week.pay_pence]
    if paid:
        raise RuleBroken(
            f"A volunteer has no pay. Weeks of this spell with pay: {len(paid)}, the first from {paid[0]}. If the paid"
            " work became volunteering, end this spell and record a new one. If the pay is a mistake, record these"
            " weeks again without it (pay_pounds: null), then change the kind.",
            pointer="/kind",
        )


def week_in_doubt(
    kind: PlacementKind, birth: date | None, on: date, hours: Decimal, pay_pence: int | None, *, is_leave: bool
) -> str | None:
    """Return why the pay of a week does not fit its hours. Pay of leave is another amount, so it is not compared."""
    if is_leave:
        return None
    return doubt_about_week(pounds(pay_pence), hours, due(kind, birth, on), on)


def check_week(doubt: str | None, *, is_confirmed: bool) -> None:
    if doubt is not None and not is_confirmed:
        raise RuleBroken(doubt + CONFIRM, pointer="/pay_pounds")


def notes(version: Any, weeks: Sequence[SpellHours], birth: date | None) -> Iterator[str]:
    """Yield what a caseworker should know about the pay of a spell before a claim is based on it."""
    kind, in_pounds = version.kind, pounds(version.pay_per_hour_pence)
    lowest = due(kind, birth, version.started_on)
    if (young := of_school_age(_age(birth, version.started_on), version.started_on)) is not None:
        yield young
    if kind in MUST_PAY and in_pounds is None:
        yield NO_PAY
    below = below_the_minimum(in_pounds, lowest)
    if below is not None:
        yield f"{below} Ask the social enterprise, and correct the pay."
    elif in_pounds is not None and lowest is not None and not lowest.is_age_known:
        yield NO_BIRTH
    if kind is PlacementKind.VOLUNTEERING and in_pounds:
        yield VOLUNTEER
    if kind is PlacementKind.VOLUNTEERING and any(week.pay_pence for week in weeks):
        yield VOLUNTEER_WEEK
    if kind in MUST_PAY and (unpaid := [week for week in weeks if week.hours and week.pay_pence is None]):
        yield (
            f"Weeks worked with no pay entered: {len(unpaid)}. Enter the pay if the outcome rule that you will claim"
            " under counts earnings."
        )
    for week in weeks:
        doubt = week_in_doubt(kind, birth, week.valid_on, week.hours, week.pay_pence, is_leave=week.leave is not None)
        if doubt is not None:
            said = f" Reason given: {week.reason}" if week.reason else " Check it."
            yield f"Week from {week.valid_on.isoformat()}: {doubt}{said}"


def kept_of_week(previous: SpellHours | None, said: frozenset[str]) -> Iterator[str]:
    """Yield what stays from the earlier record of a week, because the new record does not say it."""
    if previous is None:
        return
    if "pay_pounds" not in said and previous.pay_pence is not None:
        yield (
            f"The pay of {pounds(previous.pay_pence):.2f} pounds, recorded earlier for the week from"
            f" {previous.valid_on.isoformat()}, stays. To remove it, record the week again without pay"
            " (pay_pounds: null)."
        )
    if "leave" not in said and previous.leave is not None:
        yield (
            f"The {previous.leave} leave, recorded earlier for the week from {previous.valid_on.isoformat()}, stays. To"
            " remove it, record the week again with leave as null."
        )
