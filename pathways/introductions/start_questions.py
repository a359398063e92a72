"""What a start asks first: a DBS check that the placement needs, and a first day before the profile's earliest start.

Both are asked in one refusal, after every other reason to refuse. The refusal has no data about the jobseeker, and a
social enterprise reads other words than the partner, because it may not know what the profile says.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pathways.base import Actor, Role, day_in_words, local_day
from pathways.database import Session
from pathways.enrolments import queries as enrolment_queries
from pathways.errors import Conflict, RuleBroken
from pathways.introductions.models import Introduction
from pathways.introductions.schemas import StartedOn
from pathways.jobseekers import queries as jobseeker_queries
from pathways.jobseekers.models import Jobseeker
from pathways.placements.models import DbsLevel, Placement
from pathways.reference import tables
from pathways.reference.vocabularies import labels_of

_D = DbsLevel
# For each level: the levels that a check of this level includes.
INCLUDED: dict[DbsLevel, frozenset[DbsLevel]] = {
    _D.NONE: frozenset({_D.NONE}),
    _D.BASIC: frozenset({_D.NONE, _D.BASIC}),
    _D.STANDARD: frozenset({_D.NONE, _D.BASIC, _D.STANDARD}),
    _D.ENHANCED: frozenset({_D.NONE, _D.BASIC, _D.STANDARD, _D.ENHANCED}),
    _D.ENHANCED_BL_CHILD: frozenset({_D.NONE, _D.BASIC, _D.STANDARD, _D.ENHANCED, _D.ENHANCED_BL_CHILD}),
    _D.ENHANCED_BL_ADULT: frozenset({_D.NONE, _D.BASIC, _D.STANDARD, _D.ENHANCED, _D.ENHANCED_BL_ADULT}),
    _D.ENHANCED_BL_BOTH: frozenset(DbsLevel),
}
EARLIER_FOR_PARTNER = (
    "The profile says that the jobseeker can start only later. If the jobseeker agreed to this first day, say"
    " so (earlier_start_agreed: true). Otherwise correct the first day (started_on)."
)
EARLIER_FOR_ENTERPRISE = (
    "Ask the partner whether the jobseeker agreed to this first day. If so, say so (earlier_start_agreed:"
    " true). Otherwise correct the first day (started_on)."
)


class StartNeedsAnswers(Conflict):
    title = "The start needs an answer first"


@dataclass(frozen=True, slots=True)
class StartAnswers:
    """The first day of a start, and the answers to record with it. Each is None if it was neither needed nor given."""

    started_on: date
    dbs_level: DbsLevel | None = None
    dbs_seen_on: date | None = None
    dbs_seen_by: str | None = None
    earlier_start_agreed: bool | None = None


def answers(session: Session, actor: Actor, introduction: Introduction, start: StartedOn) -> StartAnswers:
    """Return the answers to record with a start. Raise ``StartNeedsAnswers`` with each question that has no answer.

    Refuses a first day in the future or before the introduction was made (see ``_must_be_possible``), and a
    certificate that was seen after today or is of too low a level.
    """
    if start.started_on > actor.today:
        raise RuleBroken(
            "The start date cannot be in the future. Record the start once it has happened.", pointer="/started_on"
        )
    placement = session.get_one(Placement, introduction.placement_id)
    person = session.get_one(Jobseeker, introduction.jobseeker_id)
    _must_be_possible(session, actor, introduction, person, start.started_on)
    profile = jobseeker_queries.profile(session, person)
    earliest = profile.earliest_start_on if profile is not None else None
    is_earlier = earliest is not None and earliest > start.started_on
    asked: list[dict[str, Any]] = []
    needed = placement.dbs_level or DbsLevel.NONE
    if start.dbs_check is None and needed is not DbsLevel.NONE:
        asked.append({"pointer": "/dbs_check", "detail": _dbs_question(needed)})
    if is_earlier and not start.earlier_start_agreed:
        outside = actor.role is Role.PLACEMENT_LISTER
        question = EARLIER_FOR_ENTERPRISE if outside else EARLIER_FOR_PARTNER
        asked.append({"pointer": "/earlier_start_agreed", "detail": question})
    if start.dbs_check is not None and not start.dbs_check.day_is_right:
        asked += _unlikely_day(start.dbs_check.seen_on, start.started_on, actor.today)
    if asked:
        raise StartNeedsAnswers(" ".join(question["detail"] for question in asked), errors=asked)
    agreed = True if is_earlier else None
    if start.dbs_check is None:
        return StartAnswers(start.started_on, earlier_start_agreed=agreed)
    check = start.dbs_check
    if needed not in INCLUDED[check.level]:
        raise RuleBroken(
            f"This work needs {_in_words(needed, 'DBS check')}. {_seen(check.level)} is not enough. Do not let the"
            " jobseeker start until the right certificate has been seen. If you chose the wrong level by mistake,"
            " correct it.",
            pointer="/dbs_check/level",
        )
    if check.seen_on > actor.today:
        raise RuleBroken(
            "The day on which the certificate was seen cannot be in the future.", pointer="/dbs_check/seen_on"
        )
    return StartAnswers(start.started_on, check.level, check.seen_on, check.seen_by, agreed)


def _must_be_possible(
    session: Session, actor: Actor, introduction: Introduction, person: Jobseeker, started_on: date
) -> None:
    """Refuse a first day before the introduction was made.

    The partner may record an introduction late, so there the work may begin earlier, but not before the enrolment.
    """
    made_on, is_outside = local_day(introduction.made_at), actor.role is Role.PLACEMENT_LISTER
    enrolment = None if is_outside else enrolment_queries.open_enrolment(session, person)
    if started_on >= made_on or (enrolment is not None and enrolment.started_on <= started_on):
        return
    if is_outside:
        what = "If the work began earlier, contact the partner."
    elif enrolment is None:
        what = "If the work began earlier, enrol the jobseeker from that day first."
    else:
        what = "If the work began earlier, correct the first day of the enrolment first."
    raise RuleBroken(
        f"The introduction was made on {day_in_words(made_on)}, so the first day cannot be before that. Correct the"
        f" first day. {what}",
        pointer="/started_on",
    )


def _unlikely_day(seen_on: date, started_on: date, today: date) -> list[dict[str, Any]]:
    """Return the question about a day on which a certificate was seen, if that day is likely a slip."""
    most = int(tables.limit("dbs_seen_days", today))
    if started_on < seen_on <= today:
        why = "The certificate was seen only after the first day of work."
    elif seen_on < started_on - timedelta(days=most):
        why = f"The certificate was seen on {day_in_words(seen_on)}, long before the first day of work."
    else:
        return []
    return [
        {
            "pointer": "/dbs_check/day_is_right",
            "detail": f"{why} Correct the day (seen_on) or see the certificate again. If the day is right, say so"
            " (day_is_right: true).",
        }
    ]


def _dbs_question(needed: DbsLevel) -> str:
    return (
        f"This work needs {_in_words(needed, 'DBS check')}. Say which certificate was seen, on which day and who saw it"
        " (dbs_check). If none has been seen, do not let the jobseeker start."
    )


def _in_words(level: DbsLevel, noun: str) -> str:
    """Return a level as people say it, such as "an Enhanced DBS check with the adults' barred list"."""
    name, joint, lists = labels_of("dbs-levels")[level].partition(" with ")
    return f"{'an' if name[0] in 'AEIOU' else 'a'} {name} {noun}{joint}{lists}"


def _seen(level: DbsLevel) -> str:
    text = "no certificate" if level is DbsLevel.NONE else _in_words(level, "certificate")
    return text[0].upper() + text[1:]
