"""Monitoring answers: recorded one by one, read as counts only."""

from pathways.base import Actor
from pathways.database import Session, WriteSession
from pathways.jobseekers import queries
from pathways.jobseekers.models import (
    Jobseeker,
    MonitoringAnswers,
)
from pathways.jobseekers.schemas import (
    MonitoringCount,
    NewMonitoring,
)
from pathways.reference import tables


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
    session.flush()  # two writers that supersede the same answers meet here
    return answers


def monitoring_summary(session: Session, actor: Actor) -> list[MonitoringCount]:
    """Return the counts, hiding small ones and the next smallest where a single hidden one could be worked out."""
    smallest = int(tables.limit("disclosure_smallest_count", actor.today))
    items = []
    for question, counts in queries.monitoring_counts(session, actor).items():
        hidden = {answer for answer, count in counts.items() if 0 < count < smallest}
        if len(hidden) == 1 and len(counts) > 1:
            hidden.add(min((a for a in counts if a not in hidden), key=lambda a: (counts[a], a)))
        items += [
            MonitoringCount(
                question=question,
                answer=answer,
                value=None if answer in hidden else count,
                value_status="[c]" if answer in hidden else "",
            )
            for answer, count in sorted(counts.items())
        ]
    return items
