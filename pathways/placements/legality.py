"""The rules a placement must meet to be published: age limits, reserved places, pay, hours, DBS level and wording."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from pathways.placements import questions
from pathways.placements.models import MUST_PAY, DbsLevel, Placement, PlacementKind, Remote
from pathways.reference import days, legal_bases, pay, personal_text, tables, wording
from pathways.reference.legal_bases import LimitKind
from pathways.reference.tables import WageRate
from pathways.reference.wording import AdvertWords, WordingNeed

ADULT = 21  # from this age the highest rate of the minimum wage is due (since 1 April 2024)
SCHOOL_LEAVING = 16
LONGEST_REASON = 240  # of a move, so that a sentence can follow
HIGHER_LEVELS = frozenset(DbsLevel) - {DbsLevel.NONE, DbsLevel.BASIC}
# The fields whose wording is checked: all that a reader of the advert sees.
ADVERT = (
    *("title", "occupation", "description", "essential_skills", "desirable_skills", "licences_needed"),
    *("training_given", "environment", "support_offered", "adjustments_offered", "ring_fenced_for"),
)
# The fields in which somebody may write freely about people. The public feed has some of them.
PUBLIC_TEXT = (*ADVERT, "legal_basis")
CONTACT = "an address of the organisation belongs in contact_email, or in the public_email of the organisation."
DAYS = {"starts_on": "start date", "ends_on": "end date", "closes_on": "closing date"}
# What a jobseeker agrees to when accepting an offer.
TERMS = ("kind", "pay_per_hour_pence", "hours_per_week")
HELD = (
    "A place is held: a jobseeker was offered this kind of work and this pay, or has accepted them. So the kind cannot"
    " change, and the pay cannot be lowered or removed. Speak to the jobseeker's caseworker: once the introduction is"
    " declined or withdrawn, change the placement and offer the place again. Or list the other work as a new placement."
)
# The kind, the words in lower case and the hash of the checked text, of each confirmed wording.
Confirmed = Collection[tuple[str, str, str]]
NOTHING: Confirmed = frozenset()


def reasons_to_stay_in_draft(placement: Placement, today: date, confirmed: Confirmed = NOTHING) -> list[str]:
    """Return one sentence for each rule that the placement breaks; an empty list means it may be published.

    ``confirmed`` holds the wording that a person has confirmed.
    """
    checks = (
        *(_unread(placement), questions.internal_only(placement)),
        *(_age(placement, today), _ring_fence(placement, today), reason_of_pay(placement, today)),
        *(_hours(placement, today), _dbs(placement, today), _past(placement, today)),
    )
    reasons = [reason for reason in (*checks, *_personal_data(placement)) if reason is not None]
    return reasons + [_reason_of(found) for found in unconfirmed(placement, today, confirmed)]


# A listing is not published while one of these was written but could not be read: each limits whom the law allows.
MUST_BE_READ = {name: name for name in ("dbs_level", "minimum_age", "maximum_age")} | {
    "pay_per_hour_pounds": "pay_per_hour_pence"
}


def _unread(placement: Placement) -> str | None:
    """Return a sentence if a cell that limits whom the law allows was written, but could not be read."""
    words = placement.as_written or {}
    unread = [name for name, column in MUST_BE_READ.items() if name in words and getattr(placement, column) is None]
    if not unread:
        return None
    written = "; ".join(f"{name}: “{words[name]}”" for name in unread)
    return f"Something that limits whom the law allows could not be read ({written}). Enter it, then publish."


def notes(placement: Placement, today: date) -> list[str]:
    """Return what a caseworker should know about a placement, although it may be published."""
    found = (
        *(_uncertain_rate(placement, today), _long_week(placement, today), _long_started(placement, today)),
        *(_pay_of_unpaid_kind(placement, today), _street(placement), place_unknown(placement)),
        *(days.too_many_hours(placement.hours_per_week, placement.half_days, today), _closes_late(placement)),
        _long_trial(placement, today),
    )
    return [note for note in found if note is not None]


def place_unknown(placement: Placement) -> str | None:
    """Return a sentence if the place of a listing cannot be found by the text in its postcode."""
    if not placement.postcode or placement.easting is not None or placement.remote is Remote.YES:
        return None
    return (
        "The place of this listing is not known by its postcode, so travel is not worked out and nobody is kept away by"
        " area. Enter the full postcode of the place of work."
    )


def impossible_days(values: Mapping[str, Any], today: date) -> Iterator[tuple[str, str]]:
    """Yield the field and a sentence for each day of a listing that is too long ago or too far ahead to be meant."""
    back, ahead = (int(tables.limit(name, today)) for name in ("listing_years_back", "listing_years_ahead"))
    for field, name in DAYS.items():
        day = values.get(field)
        if day is not None and not today.year - back <= day.year <= today.year + ahead:
            yield (
                field,
                f"The {name} must be in the years {today.year - back} to {today.year + ahead}. Correct the year.",
            )


def _age(placement: Placement, today: date) -> str | None:
    """Return a reason if a maximum age, or a minimum age over 21, has no legal basis (Equality Act 2010), else None.

    A minimum age of 21 or less needs no stated basis, because the law itself sets such an age for many trades.
    """
    if legal_bases.covers(placement.legal_basis, LimitKind.AGE, today, placement.kind):
        return None
    if placement.maximum_age is not None:
        wrong = "A maximum age needs a legal basis"
    elif (placement.minimum_age or 0) > ADULT:
        wrong = f"A minimum age over {ADULT} needs a legal basis"
    else:
        return None
    remedy = legal_bases.remedy(LimitKind.AGE, today, placement.kind)
    return f"{_basis(placement, wrong)} {remedy} Or remove the limit of age."


def _basis(placement: Placement, wrong: str) -> str:
    """Return what is wrong with a legal basis: it is missing, or it names no exception that the law has."""
    return (
        f"{wrong}, and the legal basis (legal_basis) names none that may justify it."
        if placement.legal_basis
        else f"{wrong}."
    )


def _ring_fence(placement: Placement, today: date) -> str | None:
    """Return a reason if a placement is reserved for a group that the named legal basis may not justify, else None.

    Care leavers and others whom the Equality Act 2010 does not protect need no basis. Positive action reserves no job.
    """
    if not placement.ring_fenced_for:
        return None
    groups, others = legal_bases.groups_of(placement.ring_fenced_for, today)
    if others or not groups:
        return (
            "Whether a placement may be reserved for the group in ring_fenced_for is not known. Write the group and"
            " nothing else in ring_fenced_for, such as disabled people, care leavers or ex-offenders. Or leave it blank"
            " and welcome the group in the description."
        )
    for group in sorted(groups - {legal_bases.NO_BASIS_NEEDED}):
        limit = LimitKind(group)
        if not legal_bases.covers(placement.legal_basis, limit, today, placement.kind):
            wrong = _basis(placement, f"A placement reserved for one group ({group}) needs a legal basis")
            remedy = legal_bases.remedy(limit, today, placement.kind)
            return f"{wrong} {remedy} Or leave the group blank (ring_fenced_for)."
    return None


def reason_to_pause(placement: Placement, today: date) -> str | None:
    """Return a limit that a published placement may not have any more, or None.

    The minimum wage rises, and an earlier version of Pathways may have taken any text as a legal basis.
    """
    checks = (reason_of_pay, _age, _ring_fence, _dbs)
    found = next((reason for check in checks if (reason := check(placement, today)) is not None), None)
    if found is None or len(found) <= LONGEST_REASON:
        return found
    # Without the list of legal bases; publishing again shows it.
    return f"{found[:LONGEST_REASON].rpartition('. ')[0]}. Publish the placement again to read what to do."


def reason_of_pay(placement: Placement, today: date) -> str | None:
    """Return why the pay of a placement is not lawful or not possible, or None."""
    pence = placement.pay_per_hour_pence
    too_high = pay.too_high_for_an_hour(None if pence is None else Decimal(pence) / 100, today)
    if too_high is not None:
        return too_high
    if placement.kind is PlacementKind.VOLUNTEERING and pence:
        return (
            "A volunteer has no pay for an hour: who is paid is a worker, to whom the minimum wage is due (National "
            "Minimum Wage Act 1998, sections 44 and 54). Remove the pay, or choose a kind of placement that is paid."
        )
    if placement.kind not in MUST_PAY:
        return None
    if pence is None:
        return (
            f"A placement of the kind {placement.kind} is paid, so its pay must be stated. Write the pay for"
            " one hour (pay_per_hour_pounds)."
        )
    first_day = _first_day(placement, today)
    lowest = lowest_lawful_pay(placement, first_day)
    if pence >= lowest.pence:
        return None
    return (
        f"The pay is below the minimum wage, which is {lowest.pence / 100:.2f} pounds an hour for this kind of "
        f"placement {_as_of(lowest, first_day)}. Raise the pay."
    )


def reasons_against_terms(before: Placement, after: Placement, today: date, *, is_held: bool) -> list[str]:
    """Return why the kind, pay or hours of a placement that was once published cannot become those of ``after``.

    People have been introduced to it, whether or not it is published now. So no change may leave pay or hours that no
    law allows. While a place is held (``is_held``), somebody has been offered the terms or has accepted them: the kind
    stays, and the pay is neither lowered nor removed.
    """
    checks = (reason_of_pay, _hours)
    earlier, reasons = ([reason for check in checks if (reason := check(one, today))] for one in (before, after))
    if all(getattr(before, name) == getattr(after, name) for name in TERMS):
        return [reason for reason in reasons if reason not in earlier]
    is_mended = reason_of_pay(before, today) is not None
    if is_held and (after.kind is not before.kind or (_is_less_pay(before, after) and not is_mended)):
        reasons.append(HELD)
    return reasons


def _is_less_pay(before: Placement, after: Placement) -> bool:
    return (after.pay_per_hour_pence or 0) < (before.pay_per_hour_pence or 0)


def _first_day(placement: Placement, today: date) -> date:
    return max(placement.starts_on or today, today)


def _as_of(rate: WageRate, day: date) -> str:
    return f"on {day.isoformat()}" if rate.is_certain else f"since {rate.since.isoformat()}, the last verified rate"


def lowest_lawful_pay(placement: Placement, on: date) -> WageRate:
    """Return the last verified minimum wage for the oldest person who may take the placement.

    Pay is listed before a jobseeker is chosen, so the rate must be lawful at every age the placement allows.
    An apprenticeship has one rate for all ages.
    """
    if placement.kind is PlacementKind.APPRENTICESHIP:
        band = tables.APPRENTICE
    else:
        is_limited = legal_bases.covers(placement.legal_basis, LimitKind.AGE, on, placement.kind)
        oldest = placement.maximum_age if placement.maximum_age is not None and is_limited else ADULT
        band = tables.wage_band(max(oldest, SCHOOL_LEAVING), on)
    return tables.minimum_wage(band, on)


def _uncertain_rate(placement: Placement, today: date) -> str | None:
    """Return a note if the placement starts after the rates change, and the new rate is not verified yet."""
    if placement.kind not in MUST_PAY or placement.pay_per_hour_pence is None:
        return None
    first_day = _first_day(placement, today)
    rate = lowest_lawful_pay(placement, first_day)
    if rate.is_certain:
        return None
    return (
        f"The pay was compared with {rate.pence / 100:.2f} pounds an hour, the last verified minimum wage (since "
        f"{rate.since.isoformat()}). The rates change each April: check the pay again before {first_day.isoformat()}."
    )


def _hours(placement: Placement, today: date) -> str | None:
    most = tables.limit("highest_hours_per_week", today)
    if placement.hours_per_week == 0:
        return "A week of 0 hours is no work. Write the hours of one week, or leave it blank if they are not known."
    if placement.hours_per_week is None or placement.hours_per_week <= most:
        return None
    return (
        f"More than {most:g} hours a week leave no daily and weekly rest (Working Time Regulations 1998). The number "
        "looks like hours for a month. Write the hours of one week."
    )


def _pay_of_unpaid_kind(placement: Placement, today: date) -> str | None:
    """Return a note if a kind that need not be paid has pay, which may not be meant or may make the person a worker."""
    pence = placement.pay_per_hour_pence
    if placement.kind in MUST_PAY or placement.kind is PlacementKind.VOLUNTEERING or not pence:
        return None
    lowest = lowest_lawful_pay(placement, _first_day(placement, today))
    text = f"The placement is of the kind {placement.kind}, which need not be paid, and states {pence / 100:.2f} pounds"
    if placement.kind is PlacementKind.SELF_EMPLOYMENT or pence >= lowest.pence:
        return f"{text} an hour. If that is left from another kind, remove it."
    return (
        f"{text} an hour, which is below the minimum wage of {lowest.pence / 100:.2f} pounds. If it is pay for "
        "work, the minimum wage is due. If only expenses are paid, remove the pay and write so under the support"
        " offered (support_offered)."
    )


def _past(placement: Placement, today: date) -> str | None:
    if placement.ends_on is None or placement.ends_on >= today:
        return None
    return (
        f"The work ended on {placement.ends_on.isoformat()}. Correct the last day (ends_on), or leave it blank"
        " if the work goes on."
    )


def _long_started(placement: Placement, today: date) -> str | None:
    days = int(tables.limit("listing_start_past_days", today))
    if placement.starts_on is None or (today - placement.starts_on).days <= days:
        return None
    return (
        f"The start date {placement.starts_on.isoformat()} is more than {days} days ago. Correct the year if it is a "
        "slip, or leave the date blank if people can still start."
    )


def _closes_late(placement: Placement) -> str | None:
    if placement.closes_on is None or placement.ends_on is None or placement.closes_on <= placement.ends_on:
        return None
    return (
        f"People can apply until {placement.closes_on.isoformat()}, but the work ends on"
        f" {placement.ends_on.isoformat()}. Correct the closing date (closes_on) or the last day (ends_on)."
    )


def _long_trial(placement: Placement, today: date) -> str | None:
    """Return a note if a work trial with the job centre is longer than such a trial may be, or has no end, else None.

    It is a note and no refusal, because the figure in ``limits.csv`` is not read from the job centre's own rules.
    """
    if placement.kind is not PlacementKind.WORK_TRIAL_JCP:
        return None
    most = int(tables.limit("work_trial_days", today))
    advice = (
        f"A work trial through a job centre lasts at most {most} days, and at most"
        f" {int(tables.limit('short_work_trial_days', today))} if the job that follows is for less than 6 months."
    )
    if placement.ends_on is None:
        return f"{advice} This one has no last day. Agree it with the job centre and write it in ends_on."
    days = (placement.ends_on - (placement.starts_on or today)).days + 1
    if days <= most:
        return None
    return (
        f"{advice} This one lasts {days}. Work beyond the trial is a job, for which the minimum wage is due. Correct"
        " the last day (ends_on), or list the work as a paid job."
    )


def _personal_data(placement: Placement) -> Iterator[str]:
    """Yield a sentence for each field with personal data, without the data itself."""
    for field in PUBLIC_TEXT:
        text = _text_of(placement, field)
        for kind in personal_text.kinds(text):
            yield (
                f"The field {field} has {kind.value}, and everybody can read a published placement (UK GDPR, article "
                f"5(1)(c)). Take it out. People are introduced by their caseworker, and {CONTACT}"
            )


def _street(placement: Placement) -> str | None:
    fields = [field for field in PUBLIC_TEXT if personal_text.ADDRESS.search(_text_of(placement, field))]
    if not fields:
        return None
    return (
        f"A street address is written in {', '.join(fields)}. Everybody can read it: check that it is a place of work "
        "and not somebody's home."
    )


def _text_of(placement: Placement, field: str) -> str:
    value = getattr(placement, field)
    return value if isinstance(value, str) else "\n".join(value or ())


def _long_week(placement: Placement, today: date) -> str | None:
    most = tables.limit("hours_per_week_to_agree", today)
    if placement.hours_per_week is None or placement.hours_per_week <= most:
        return None
    return (
        f"The work is more than {most:g} hours a week. Nobody has to agree to that: it needs the worker's written "
        "agreement (Working Time Regulations 1998, regulation 4)."
    )


def _dbs(placement: Placement, today: date) -> str | None:
    """Return a reason if a DBS check above BASIC has neither a legal basis nor a role that allows it, else None.

    Asking for a higher check than the role allows is an offence. The reference table ``dbs_roles`` lists the words
    that name roles in a title or occupation, with the level of check that each role allows. An advert that is asked
    for a level because it speaks of personal care may answer with each level.
    """
    level = placement.dbs_level
    if level not in HIGHER_LEVELS or legal_bases.covers(placement.legal_basis, LimitKind.DBS, today):
        return None
    enough = ("STANDARD", "ENHANCED") if level is DbsLevel.STANDARD else ("ENHANCED",)
    if any(wording.names_a_role(text, enough, today) for text in (placement.title, placement.occupation) if text):
        return None
    if any(found.needs is WordingNeed.DBS_LEVEL for found in _all_wording(placement, today)):
        return None
    return (
        f"A DBS check of the level {level} is lawful only for some roles, and the title and occupation name none of "
        f"them. {legal_bases.remedy(LimitKind.DBS, today)} Or ask for a BASIC check."
    )


def wording_of(placement: Placement, today: date) -> tuple[AdvertWords, ...]:
    """Return the wording of a placement that the law forbids or that a caseworker must see.

    Title and description are also read as one text. Personal care is not reported once a level of DBS check above
    BASIC is stated.
    """
    return tuple(
        found
        for found in _all_wording(placement, today)
        if found.needs is not WordingNeed.DBS_LEVEL or placement.dbs_level not in HIGHER_LEVELS
    )


def _all_wording(placement: Placement, today: date) -> tuple[AdvertWords, ...]:
    texts = [text for texts in _checked(placement) for text in texts]
    if placement.description:
        texts.append(f"{placement.title} {placement.description}")
    if placement.ring_fenced_for:
        texts.append(f"Reserved for {placement.ring_fenced_for}")  # as the public feed says it
    return wording.in_advert(texts, today, is_paid=placement.kind in MUST_PAY)


def _checked(placement: Placement) -> list[list[str]]:
    values = (getattr(placement, name) for name in ADVERT)
    return [[value] if isinstance(value, str) else list(value or ()) for value in values]


def checked_hash(placement: Placement) -> str:
    """Return the hash of all that is checked: a confirmation of words ends when any of it changes."""
    checked = json.dumps([PlacementKind(placement.kind).value, _checked(placement)])
    return hashlib.sha256(checked.encode()).hexdigest()


def unconfirmed(placement: Placement, today: date, confirmed: Confirmed = NOTHING) -> list[AdvertWords]:
    """Return the wording that keeps a placement in draft: it is not a mere note, and nobody has confirmed it.

    Personal care keeps it in draft until the level of DBS check is stated, be it NONE. No confirmation replaces that.
    """
    return [found for found in wording_of(placement, today) if _is_open(found, placement, confirmed)]


def _is_open(found: AdvertWords, placement: Placement, confirmed: Confirmed) -> bool:
    if found.needs is WordingNeed.NOTE:
        return False
    if found.needs is WordingNeed.DBS_LEVEL:
        return placement.dbs_level is None
    return (found.kind, found.words.lower(), checked_hash(placement)) not in confirmed


def _reason_of(found: AdvertWords) -> str:
    text = f'The advert says "{found.words}" ({found.kind}). {found.reason} {found.remedy}'
    if found.needs in {WordingNeed.DBS_LEVEL, WordingNeed.REMOVAL}:
        return text
    if found.needs is WordingNeed.CHANGE:
        return f"{text} If the words mean something else, confirm them with the reason (confirm_wording)."
    return f"{text} To keep the words, a person must confirm them and give the reason (confirm_wording)."
