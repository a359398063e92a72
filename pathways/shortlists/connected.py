"""Where the people named in safety exclusions are known to work: as members or as contacts of placements.

Names are compared as the search for duplicate records compares them, because a frightened person does not spell.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID

from sqlalchemy import event, select

from matching.people import names
from matching.people.heard import heard
from pathways.access.models import User
from pathways.database import Session
from pathways.jobseekers.models import ExclusionKind, SafetyExclusion
from pathways.organisations.models import Membership, Organisation, OrganisationKind
from pathways.placements.models import Placement, PlacementState

FOUND = "workplaces"  # key of the session's cache: the workplaces of excluded people, by exclusion
ADDRESS = re.compile(r"[^\s@<>(),;]+@[^\s@<>(),;]+\.[^\s@<>(),;]+")
SHORTEST = 3  # letters of a part of a name that is compared by its beginning or its short forms
FEWEST_SOUNDS = 5  # two names that only sound alike are one person's if together they have so many sounds
# A family name in two words, and words after which a text has another name of the same person.
PREFIX = re.compile(r"\b(mc|mac|o|fitz)[ '\u2019](?=[a-z]{2})", re.IGNORECASE)
OTHER_NAME = re.compile(
    r"\b(?:n[\u00e9e]e|born|formerly|previously|maiden(?: name)?|married(?: name)?|aka|a\.k\.a|alias|known as"
    r"|goes by)\b"
    r"|\((?:was|or|now)\b",
    re.IGNORECASE,
)
WORDS_OF_A_NAME = 3
NO_LETTERS = re.compile(r"[^a-z]+")


@dataclass(frozen=True, slots=True)
class Connection:
    """A person connected with a social enterprise: a name (blank if only an address is known) and an e-mail address."""

    organisation_id: UUID
    name: str
    email: str


def connections(session: Session) -> set[Connection]:
    """Return who is known at social enterprises: members, contacts of placements not closed, public addresses."""
    members = (
        select(Membership.organisation_id, User.name, User.email)
        .join(User, User.id == Membership.user_id)
        .join(Organisation, Organisation.id == Membership.organisation_id)
        .where(
            Organisation.kind == OrganisationKind.SOCIAL_ENTERPRISE,
            Membership.ended_at.is_(None),
            User.is_machine.is_(False),
        )
    )
    contacts = (
        select(Placement.social_enterprise_id, Placement.contact_email)
        .where(Placement.contact_email.is_not(None), Placement.state != PlacementState.CLOSED)
        .distinct()
    )
    published = select(Organisation.id, Organisation.public_email).where(
        Organisation.kind == OrganisationKind.SOCIAL_ENTERPRISE, Organisation.public_email.is_not(None)
    )
    found = {Connection(row.organisation_id, row.name, row.email.casefold()) for row in session.execute(members)}
    for organisation_id, email in (*session.execute(contacts), *session.execute(published)):
        found.add(Connection(organisation_id, "", (email or "").casefold()))
    return found


def excluded_name(session: Session, exclusion: SafetyExclusion) -> str:
    """Return the text that names the person of an exclusion."""
    if exclusion.who_sealed is None:
        return ""
    return session.vault.open(exclusion.who_sealed, place=f"safety_exclusions:who:{exclusion.id}")


def workplaces(session: Session, exclusions: Iterable[SafetyExclusion]) -> dict[UUID, frozenset[UUID]]:
    """Return by exclusion of a person the ids of the social enterprises where that person is known to work."""
    people = [row for row in exclusions if row.kind is ExclusionKind.PERSON]
    if not people:
        return {}
    found: dict[UUID, frozenset[UUID]] = session.info.setdefault(FOUND, {})
    unknown = [row for row in people if row.id not in found]
    if unknown:
        known = connections(session)
        found |= {row.id: _workplaces_of(excluded_name(session, row), known) for row in unknown}
    return {row.id: found[row.id] for row in people}


def _forget(session: Session, *_: object) -> None:
    """Forget what was found in this session when it writes something that may connect a person with a workplace."""
    if any(isinstance(row, (Membership, User, Placement, Organisation)) for row in (*session.new, *session.dirty)):
        session.info.pop(FOUND, None)


event.listen(Session, "before_flush", _forget)


def _workplaces_of(who: str, known: set[Connection]) -> frozenset[UUID]:
    addresses = {_mailbox(address) for address in ADDRESS.findall(who.replace("mailto:", " "))}
    name = PREFIX.sub(r"\1", ADDRESS.sub(" ", who))
    return frozenset(one.organisation_id for one in known if _mailbox(one.email) in addresses or _is_named(name, one))


def _mailbox(address: str) -> str:
    """Return an e-mail address without a tag such as "+work", which leads to the same mailbox."""
    local, _, domain = address.casefold().strip(".").partition("@")
    return f"{local.partition('+')[0]}@{domain}"


def _is_named(name: str, one: Connection) -> bool:
    own = PREFIX.sub(r"\1", one.name)
    if own and (names.may_be_named(name, own) or names.may_be_written(own, name) or _is_called(name, own)):
        return True
    local = one.email.partition("@")[0]
    words = [word for word in NO_LETTERS.split(local) if word]
    if len(words) > 1:
        return names.may_be_named(name, " ".join(words)) or _is_called(name, " ".join(words))
    return bool(words) and (names.may_be_written(name, words[0]) or _is_called_in_one_word(name, words[0]))


def _is_called(text: str, name: str) -> bool:
    """Return whether words of a text are a family name in ``name`` and a given name in it, in another form or as heard.

    The words must be neighbours, unless the text says that the person has another name.
    """
    words = names.plain(name).split()
    return any(
        (names.alike(family, other_family) >= names.Alike.VARIANT and _may_be_short_for(given, other))
        or _sound_alike((given, other), (family, other_family))
        for pair in _pairs(text)
        for given, family in (pair, pair[::-1])
        for other_family in words
        for other in words
        if other is not other_family
    )


@lru_cache(maxsize=64)
def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the pairs of words that may be a person's given and family name, also across "formerly" and the like."""
    pairs = names.pairs_of_words(text)
    before, *after = OTHER_NAME.split(text)
    given = names.plain(before).split()[-WORDS_OF_A_NAME:]
    return pairs + [
        (one, other) for part in after for one in given for other in names.plain(part).split()[:WORDS_OF_A_NAME]
    ]


def _sound_alike(*pairs: tuple[str, str]) -> bool:
    """Return whether the names of each pair sound the same, and are long enough together to say whose they are."""
    sounds = [{heard(name) for name in pair} for pair in pairs]
    return all(len(both) == 1 for both in sounds) and sum(len(*both) for both in sounds) >= FEWEST_SOUNDS


def _is_called_in_one_word(text: str, run_together: str) -> bool:
    return any(
        (run_together.endswith(family) and _may_be_short_for(given, run_together.removesuffix(family)))
        or (run_together.startswith(family) and _may_be_short_for(given, run_together.removeprefix(family)))
        for pair in names.pairs_of_words(text)
        for given, family in (pair, pair[::-1])
        if len(family) >= SHORTEST
    )


def _may_be_short_for(first: str, second: str) -> bool:
    """Return whether two given names may be one person's: one begins the other, or their short forms sound alike."""
    if min(len(first), len(second)) < SHORTEST:
        return False
    if first.startswith(second) or second.startswith(first):
        return True
    forms = [{names.sound(form) for form in {name, *names.called(name)}} for name in (first, second)]
    return bool(forms[0] & forms[1])
