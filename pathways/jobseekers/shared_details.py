"""Contact details that many of a partner's jobseekers have, so that they are probably nobody's own."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from pathways.base import local_day, utc_now
from pathways.database import Session
from pathways.jobseekers import identify, person_keys
from pathways.jobseekers.details import Details
from pathways.jobseekers.different_people import count_different
from pathways.jobseekers.models import Jobseeker

# The same numbers of records as those from which a detail no longer makes a pair certain (``matching.people``).
MANY = {"phone": 3, "email": 3, "postcode": 10}


def shared_widely(session: Session, partner_id: UUID, people: Sequence[Details]) -> list[list[str]]:
    """Return for each person the contact details that so many of the partner's people have that they are no own ones.

    Such a telephone is an office's or a supporter's, and such a postcode is a hostel's or a job centre's.
    """
    today = session.actor.today if session.actor else local_day(utc_now())
    known = [details.identifying(today) for details in people]
    keys = [
        {
            name: person_keys.hashed(session, f"{name}:{value}")
            for name, value in (("phone", one.phone), ("email", identify.email_of(one)))
            if value
        }
        for one in known
    ]
    found = person_keys.sharing(
        session, partner_id, sorted({key for own in keys for key in own.values()}), identify.MOST_OF_A_KEY
    )
    homes = identify.how_many(session, partner_id, Jobseeker.postcode_key, {one.postcode_key or "" for one in known})
    counts = [
        {name: len(found.get(key, ())) for name, key in own.items()}
        | {"postcode": homes.get(one.postcode_key or "", 0)}
        for one, own in zip(known, keys, strict=True)
    ]
    suspected = [[name for name in own if own[name] >= MANY[name]] for own in counts]
    return _of_different_people(session, partner_id, known, keys, found, suspected)


def _of_different_people(
    session: Session,
    partner_id: UUID,
    people: Sequence[Details],
    keys: Sequence[dict[str, int]],
    found: Mapping[int, Sequence[UUID]],
    suspected: Sequence[list[str]],
) -> list[list[str]]:
    """Return the suspected details without those that only one person's own records have."""
    ids = {
        one
        for own, names in zip(keys, suspected, strict=True)
        for name in names
        if name in own
        for one in found.get(own[name], ())
    }
    records = identify.identities(session, partner_id, sorted(ids))
    counted: dict[int, int] = {}
    kept: list[list[str]] = []
    for _, own, names in zip(people, keys, suspected, strict=True):
        for name in names:
            if name in own and own[name] not in counted:
                sharers = (records[one] for one in found.get(own[name], ()) if one in records)
                counted[own[name]] = count_different(identify.model(), sharers, name)
        kept.append([name for name in names if name not in own or counted[own[name]] >= MANY[name]])
    return kept
