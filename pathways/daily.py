"""Everything that time alone makes due for a day: reminds, escalates, expires, releases; safe to run twice or late."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

import structlog
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from pathways.base import Actor, Role, local_day
from pathways.claims import scheduled as claims
from pathways.database import Database
from pathways.errors import DomainError
from pathways.exports import scheduled as exports
from pathways.introductions import scheduled as introductions
from pathways.messages import actions as message_actions
from pathways.organisations.models import Organisation, OrganisationKind
from pathways.placements import scheduled as placements
from pathways.progression import scheduled as progression
from pathways.referrals import scheduled as referrals
from pathways.scheduled import Duty
from pathways.support import scheduled as support

LOG = structlog.get_logger()
DUTIES: Mapping[OrganisationKind, tuple[Role, Sequence[Duty]]] = {
    OrganisationKind.SOCIAL_ENTERPRISE: (
        Role.PLACEMENT_LISTER,
        (*placements.OF_SOCIAL_ENTERPRISES, *introductions.OF_SOCIAL_ENTERPRISES),
    ),
    OrganisationKind.VOLUNTARY_SECTOR_PARTNER: (
        Role.TEAM_MANAGER,
        (
            *referrals.OF_PARTNERS,
            *introductions.OF_PARTNERS,
            *progression.OF_PARTNERS,
            *support.OF_PARTNERS,
            *claims.OF_PARTNERS,
        ),
    ),
    OrganisationKind.COMMISSIONER: (Role.COMMISSIONER, exports.OF_COMMISSIONERS),
    OrganisationKind.LOCAL_AUTHORITY: (Role.COMMISSIONER, exports.OF_COMMISSIONERS),
}


def run(
    database: Database, operator: Actor, at: datetime, *, progress: Callable[[str], None] = lambda _: None
) -> Counter[str]:
    """Do what is due by now, in each organisation's name under the operator's; return how much of what.

    Each thing is a transaction of its own, so that one that cannot be done stops no other. What is told is put into
    one e-mail for each person at the end.
    """
    on = local_day(at)
    done: Counter[str] = Counter()
    with database.reading(newest=True) as session:
        rows = session.execute(
            select(Organisation.id, Organisation.kind)
            .where(Organisation.kind.in_(list(DUTIES)))
            .order_by(Organisation.kind, Organisation.id)
        ).all()
    for organisation_id, kind in rows:
        role, duties = DUTIES[kind]
        actor = operator.then(organisation_id=organisation_id, role=role, membership_id=None, at=at, doing="daily")
        for duty in duties:
            done[duty.name] += _do(database, actor, duty, on)
        progress(str(organisation_id))
    done["provisional months"] = exports.make_provisional(database, operator.then(at=at, doing="daily"))
    with database.writing(operator.then(at=at, doing="daily")) as session:
        done["e-mails"] += message_actions.make_emails(session, at, urgent=False)
    return done


def _do(database: Database, actor: Actor, duty: Duty, on: date) -> int:
    with database.reading(newest=True) as session:
        due = list(duty.due(session, actor.organisation_id, on))
    count = 0
    for one in due:
        try:
            with database.writing(actor) as session:
                count += duty.act(session, actor, one)
        except (DomainError, SQLAlchemyError) as wrong:
            LOG.warning("not done today", duty=duty.name, row_id=str(one), error=type(wrong).__name__)
    return count
