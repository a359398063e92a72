"""Equality monitoring: answers are recorded for each person and read as counts only."""

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.disclosure.inference import Sum
from pathways.disclosure.suppression import FigureTable, protect
from pathways.jobseekers import queries
from pathways.jobseekers.models import (
    Jobseeker,
    MonitoringAnswers,
)
from pathways.jobseekers.schemas import (
    MonitoringCount,
    NewMonitoring,
)
from pathways.reference.disclosure_rules import rules_on


def record_monitoring(session: WriteSession, actor: Actor, person: Jobseeker, new: NewMonitoring) -> MonitoringAnswers:
    previous = session.scalars(queries.facts_about(MonitoringAnswers, person)).one_or_none()
    answers = MonitoringAnswers.recorded(
        actor,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=previous.id if previous else None,
        **{name: answer.value for name, answer in new},
    )
    session.add(answers)
    session.flush()  # refuses the second of two writers that supersede the same answers
    return answers


# Every row answers every question, so the counts of each question add up to the same total, which can be inferred.
EVERYBODY = "everybody"


def monitoring_summary(session: Session, actor: Actor) -> list[MonitoringCount]:
    """Return how many jobseekers gave each answer, suppressed or rounded by the rules of a month's export."""
    counts = queries.monitoring_counts(session, actor)
    keys = {(question, answer): f"{question}:{answer}" for question, answers in counts.items() for answer in answers}
    figures = FigureTable(
        {key: counts[question][answer] for (question, answer), key in keys.items()}
        | {EVERYBODY: max((sum(answers.values()) for answers in counts.values()), default=0)},
        [Sum(EVERYBODY, tuple(keys[question, answer] for answer in answers)) for question, answers in counts.items()],
        unpublished=frozenset({EVERYBODY}),
    )
    suppression = protect(figures, rules_on(actor.today))
    return [
        MonitoringCount(
            question=question,
            answer=answer,
            value=suppression.published(key),
            value_status=suppression.status(key),
        )
        for (question, answer), key in sorted(keys.items())
    ]
