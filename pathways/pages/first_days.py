"""The pages on which the first day of work, how it goes and its end are recorded."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.responses import Response

from pathways.access.guards import DatabaseDep
from pathways.access.permissions import Permission
from pathways.database import Database
from pathways.errors import DomainError
from pathways.introductions import feedback, queries
from pathways.introductions.models import FeedbackHow, StartFeedback
from pathways.introductions.schemas import NewFeedback, StartedOn
from pathways.pages.enterprise import IntroductionLine, lines
from pathways.pages.forms import Faults, FormQuestion, Option, body_of, faults_of, options, values_of
from pathways.pages.listing_questions import DBS
from pathways.pages.person import today_in
from pathways.pages.visitors import PageRoute, TypedDep, Visitor, allowed, go, once_of, show, typed_before
from pathways.pages.words import plain
from pathways.placements.models import DbsLevel, Placement
from pathways.progression import starting
from pathways.progression.models import SpellEnd
from pathways.progression.schemas import WorkEnding

router = APIRouter(include_in_schema=False, route_class=PageRoute, prefix="/introductions")
Mover = Annotated[Visitor, allowed(Permission.INTRODUCTION_MOVE)]
ENDS = {
    SpellEnd.COMPLETED: "The work was for a limited time, and is done",
    SpellEnd.RESIGNED: "They decided to leave",
    SpellEnd.DISMISSED: "We ended it",
    SpellEnd.REDUNDANT: "The post was cut",
    SpellEnd.HEALTH: "Their health",
    SpellEnd.CARING: "They care for somebody",
    SpellEnd.ANOTHER_JOB: "They have another job",
    SpellEnd.EDUCATION: "They went into education",
    SpellEnd.MOVED_AWAY: "They moved away",
    SpellEnd.OTHER: "Another reason",
    SpellEnd.UNKNOWN: "We do not know",
}
FEEDBACK_HOW = {
    FeedbackHow.WELL: "It goes well",
    FeedbackHow.WITH_DIFFICULTY: "It goes, with some difficulty",
    FeedbackHow.AT_RISK: "The job is at risk",
}
FEEDBACK = (
    FormQuestion("how", "one", "How is the work going?", options=options(FEEDBACK_HOW), missing="Choose how it goes"),
    FormQuestion("wants_call", "yes_no", "Would you like the partner to call you?"),
    FormQuestion(
        "note",
        "long",
        "What goes well, and what would help?",
        "The caseworker reads it. Write nothing about health or convictions.",
    ),
)
ENDING = (
    FormQuestion("ended_on", "day", "What was the last day of work?", missing="Enter the last day of work"),
    FormQuestion("end_reason", "one", "Why did it end?", options=options(ENDS), missing="Choose why it ended"),
)


def _start_questions(placement: Placement, faults: Mapping[str, str]) -> tuple[FormQuestion, ...]:
    """Return what is asked about a first day: the day, the DBS check if the work needs one, and what was refused."""
    needed = placement.dbs_level not in {None, DbsLevel.NONE}
    questions = [FormQuestion("started_on", "day", "What was the first day of work?", missing="Enter the first day")]
    if needed:
        levels = options({level: text for level, text in DBS.items() if level is not DbsLevel.NONE})
        questions += [
            FormQuestion(
                "dbs_level",
                "one",
                "Which DBS certificate was seen?",
                "Never write down what it says.",
                options=levels,
                missing="Choose the certificate that was seen",
            ),
            FormQuestion("dbs_seen_on", "day", "When was it seen?", missing="Enter the day on which it was seen"),
            FormQuestion("dbs_seen_by", "text", "Who saw it?", "A name or a post.", missing="Enter who saw it"),
        ]
    if "pay_per_hour_pounds" in faults:
        questions.append(
            FormQuestion(
                "pay_per_hour_pounds", "pounds", "What are they paid for one hour?", width="5", suffix="an hour"
            )
        )
    for name, text in (
        ("earlier_start_agreed", "The jobseeker agreed to begin on this day"),
        ("day_is_right", "The day on which the certificate was seen is right"),
    ):
        if name in faults:
            questions.append(FormQuestion(name, "several", "", options=(Option("yes", text),)))
    return tuple(questions)


def _start_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    introduction_id: UUID,
    typed: Mapping[str, Any] | None = None,
    faults: Faults | None = None,
) -> Response:
    with database.reading(visitor.actor, newest=True) as session:
        row = queries.introduction(session, visitor.actor, introduction_id)
        placement = session.get_one(Placement, row.placement_id)
        line = lines(session, visitor.actor, [row])[0]
    by_field = faults.by_field if faults else {}
    asked = {*by_field, *(typed or {})}
    questions = _start_questions(placement, dict.fromkeys(asked, ""))
    return _form(
        request,
        visitor,
        line,
        questions,
        "Record the first day",
        action=f"/introductions/{introduction_id}/start",
        typed=typed,
        faults=faults,
    )


def _form(
    request: Request,
    visitor: Visitor,
    line: IntroductionLine,
    questions: tuple[FormQuestion, ...],
    title: str,
    *,
    action: str,
    typed: Mapping[str, Any] | None,
    faults: Faults | None,
) -> Response:
    return show(
        request,
        visitor,
        "introductions/form",
        title,
        422 if faults else 200,
        line=line,
        questions=questions,
        action=action,
        typed=typed or {},
        faults=faults.by_field if faults else {},
        errors=faults.summary(questions) if faults else (),
    )


@router.get("/{introduction_id:uuid}/start")
def ask_start(introduction_id: UUID, request: Request, visitor: Mover, database: DatabaseDep) -> Response:
    """Ask for the first day of work. If it is recorded already, show the introduction."""
    with database.reading(visitor.actor, newest=True) as session:
        is_started = queries.introduction(session, visitor.actor, introduction_id).started_on is not None
    if is_started:
        return go(f"/introductions/{introduction_id}", "started_already")
    typed = typed_before(database, visitor, request.url.path) or today_in(visitor, "started_on")
    return _start_page(request, visitor, database, introduction_id, typed)


@router.post("/{introduction_id:uuid}/start")
def record_start(
    introduction_id: UUID, request: Request, visitor: Mover, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record the first day of work. What a start asks first is asked on the same page."""
    actor = visitor.actor
    with database.reading(actor, newest=True) as session:
        row = queries.introduction(session, actor, introduction_id)
        placement = session.get_one(Placement, row.placement_id)
    questions = _start_questions(placement, dict.fromkeys(typed, ""))
    try:
        body = _started(questions, typed)
        with database.writing(actor) as session:
            once_of(request, typed)(
                session,
                actor,
                lambda: starting.start_introduction(
                    session, actor, queries.introduction(session, actor, introduction_id), body
                ),
                lambda made: queries.introduction(session, actor, made),
            )
    except Faults as faults:
        return _start_page(request, visitor, database, introduction_id, typed, faults)
    except DomainError as refused:
        return _start_page(request, visitor, database, introduction_id, typed, _start_faults(refused))
    return go(f"/introductions/{introduction_id}", "introduction_start")


def _started(questions: tuple[FormQuestion, ...], typed: Mapping[str, list[str]]) -> StartedOn:
    """Return the first day and the answers to what a start asks, as the action takes them."""
    days = [question for question in questions if question.kind == "day"]
    dbs = {}
    if any(question.name == "dbs_level" for question in questions):
        values = values_of(questions, typed)
        dbs = {
            "dbs_check": {
                "level": values["dbs_level"],
                "seen_on": values["dbs_seen_on"],
                "seen_by": values["dbs_seen_by"],
                "day_is_right": bool(typed.get("day_is_right")),
            }
        }
    plain = tuple(question for question in questions if question in days[:1] or question.name == "pay_per_hour_pounds")
    return body_of(StartedOn, plain, typed, earlier_start_agreed=bool(typed.get("earlier_start_agreed")), **dbs)


def _start_faults(refused: DomainError) -> Faults:
    if refused.is_audited:
        raise refused
    names = {
        "/dbs_check": "dbs_level",
        "/dbs_check/level": "dbs_level",
        "/dbs_check/seen_on": "dbs_seen_on",
        "/dbs_check/day_is_right": "day_is_right",
        "/earlier_start_agreed": "earlier_start_agreed",
        "/started_on": "started_on",
        "/pay_per_hour_pounds": "pay_per_hour_pounds",
    }
    by_field = {names.get(one["pointer"], ""): plain(one["detail"]) for one in refused.more.get("errors", ())}
    return Faults(by_field or {"": plain(refused.detail)})


@router.get("/{introduction_id:uuid}/end")
def ask_end(introduction_id: UUID, request: Request, visitor: Mover, database: DatabaseDep) -> Response:
    """Ask for the last day of work, and why it ended."""
    return _end_page(request, visitor, database, introduction_id, None, None)


def _end_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    introduction_id: UUID,
    typed: Mapping[str, Any] | None,
    faults: Faults | None,
) -> Response:
    with database.reading(visitor.actor, newest=True) as session:
        line = lines(session, visitor.actor, [queries.introduction(session, visitor.actor, introduction_id)])[0]
    action = f"/introductions/{introduction_id}/end"
    return _form(
        request, visitor, line, ENDING, "Record that the work is over", action=action, typed=typed, faults=faults
    )


@router.post("/{introduction_id:uuid}/end")
def record_end(
    introduction_id: UUID, request: Request, visitor: Mover, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record that the work is over. The place becomes free."""
    actor = visitor.actor
    try:
        body = body_of(WorkEnding, ENDING, typed)
        with database.writing(actor) as session:
            once_of(request, typed)(
                session,
                actor,
                lambda: starting.end_introduction(
                    session, actor, queries.introduction(session, actor, introduction_id), body
                ),
                lambda made: queries.introduction(session, actor, made),
            )
    except Faults as faults:
        return _end_page(request, visitor, database, introduction_id, typed, faults)
    except DomainError as refused:
        return _end_page(request, visitor, database, introduction_id, typed, faults_of(refused, ENDING))
    return go(f"/introductions/{introduction_id}", "introduction_end")


def _feedback_page(
    request: Request,
    visitor: Visitor,
    database: Database,
    introduction_id: UUID,
    typed: Mapping[str, Any] | None,
    faults: Faults | None,
) -> Response:
    with database.reading(visitor.actor, newest=True) as session:
        line = lines(session, visitor.actor, [queries.introduction(session, visitor.actor, introduction_id)])[0]
    action = f"/introductions/{introduction_id}/feedback"
    return _form(request, visitor, line, FEEDBACK, "How is it going?", action=action, typed=typed, faults=faults)


@router.get("/{introduction_id:uuid}/feedback")
def ask_feedback(introduction_id: UUID, request: Request, visitor: Mover, database: DatabaseDep) -> Response:
    """Ask a social enterprise how the work goes."""
    kept = typed_before(database, visitor, request.url.path)
    return _feedback_page(request, visitor, database, introduction_id, kept, None)


@router.post("/{introduction_id:uuid}/feedback")
def give_feedback(
    introduction_id: UUID, request: Request, visitor: Mover, database: DatabaseDep, typed: TypedDep
) -> Response:
    """Record how the work goes, and notify the caseworker."""
    actor = visitor.actor
    try:
        body = body_of(NewFeedback, FEEDBACK, typed)
        with database.writing(actor) as session:
            introduction = queries.introduction(session, actor, introduction_id, for_update=True)
            once_of(request, typed)(
                session,
                actor,
                lambda: feedback.give(session, actor, introduction, body),
                lambda made: session.get_one(StartFeedback, made),
            )
    except Faults as faults:
        return _feedback_page(request, visitor, database, introduction_id, typed, faults)
    except DomainError as refused:
        return _feedback_page(request, visitor, database, introduction_id, typed, faults_of(refused, FEEDBACK))
    return go(f"/introductions/{introduction_id}", "feedback_given")
