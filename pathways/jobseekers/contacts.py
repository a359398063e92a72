"""Recording contacts about a jobseeker, and the people who support the jobseeker."""

from pathways.base import Actor
from pathways.database import WriteSession
from pathways.errors import RuleBroken
from pathways.jobseekers.models import (
    Contact,
    Jobseeker,
    Supporter,
)
from pathways.jobseekers.schemas import (
    NewContact,
    NewSupporter,
)
from pathways.organisations.models import Organisation


def record_contact(session: WriteSession, actor: Actor, person: Jobseeker, new: NewContact) -> Contact:
    """Record a contact. Refuse a date in the future and an unknown organisation."""
    if new.on > actor.today:
        raise RuleBroken("The date of a contact cannot be in the future. Record it after the contact.", pointer="/on")
    if new.organisation_id is not None and session.get(Organisation, new.organisation_id) is None:
        raise RuleBroken(
            "This organisation does not exist. Choose another organisation or none.", pointer="/organisation_id"
        )
    contact = Contact.recorded(
        actor,
        new.on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        **new.model_dump(exclude={"on"}),
    )
    session.add(contact)
    session.flush()  # the reply includes its id
    return contact


def add_supporter(session: WriteSession, actor: Actor, person: Jobseeker, new: NewSupporter) -> Supporter:
    supporter = Supporter.recorded(
        actor,
        new.valid_on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        **new.model_dump(exclude={"valid_on"}),
    )
    session.add(supporter)
    session.flush()  # the reply includes its id
    return supporter
