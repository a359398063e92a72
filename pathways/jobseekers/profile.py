"""The functions that change a vocational profile or the confirmed meanings of the jobseeker's own words."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from pathways.base import Actor
from pathways.database import WriteSession
from pathways.errors import RuleBroken, StaleVersion
from pathways.jobseekers import formats, joining, queries
from pathways.jobseekers.actions import must_not_be_void, withdraw_fact
from pathways.jobseekers.models import (
    PROFILE_NAMES,
    ConfirmedWord,
    Jobseeker,
    ProfileVersion,
)
from pathways.jobseekers.schemas import (
    ConfirmedWordOut,
    NewConfirmedWord,
    NewProfile,
    ProfileOut,
)
from pathways.reference import half_days, tables, vocabulary
from pathways.reference.esco import ConceptKind


def write_profile(
    session: WriteSession, actor: Actor, person: Jobseeker, new: NewProfile, *, on_number: int
) -> ProfileVersion:
    """Record a new version of the whole profile. ``on_number`` is the version that the caller read (0 for none).

    Refuse if a newer version exists, if the minimum hours exceed the maximum, or if the day of agreement is in the
    future.
    """
    current = queries.profile(session, person)
    number = current.number if current else 0
    if number != on_number:
        raise StaleVersion("The profile has changed since you read it. Read it again, then repeat the change.")
    if new.hours_min is not None and new.hours_max is not None and new.hours_min > new.hours_max:
        raise RuleBroken(
            "The fewest hours (hours_min) are more than the most hours (hours_max). Correct one of them.",
            pointer="/hours_min",
        )
    if new.agreed_on is not None and new.agreed_on > actor.today:
        raise RuleBroken("The jobseeker cannot have agreed in the future. Correct the date.", pointer="/agreed_on")
    _must_be_possible(actor, new)
    unknown = sorted(set(new.said_by) - set(PROFILE_NAMES))
    if unknown:
        raise RuleBroken(
            f"said_by contains {unknown[0][:60]}, which is not a profile field. Correct or remove it.",
            pointer="/said_by",
        )
    columns = new.model_dump(include=set(PROFILE_NAMES), exclude={"half_days"})
    return add_profile(
        session,
        actor,
        person,
        columns | {"half_days": half_days.parse(new.half_days)},
        said_by=dict(new.said_by),
        valid_on=new.valid_on,
        agreed_on=new.agreed_on,
        agreed_by=new.agreed_by,
        own_words=new.own_words,
        note=new.note,
        experiences=[experience.model_dump() for experience in new.experiences] if new.experiences else None,
        barriers=new.barriers or None,
    )


def _must_be_possible(actor: Actor, new: NewProfile) -> None:
    """Refuse more hours than anybody may work, and a profile of a day to come."""
    most = tables.limit("highest_hours_per_week", actor.today)
    for name in ("hours_min", "hours_max"):
        if (getattr(new, name) or 0) > most:
            raise RuleBroken(f"Nobody may work more than {most:g} hours a week. Correct the hours.", pointer=f"/{name}")
    if new.valid_on is not None and new.valid_on > actor.today:
        raise RuleBroken("A profile cannot be valid from a future day. Correct the date.", pointer="/valid_on")


def add_profile(
    session: WriteSession,
    actor: Actor,
    person: Jobseeker,
    columns: Mapping[str, Any],
    *,
    said_by: Mapping[str, str],
    valid_on: Any = None,
    **about: Any,
) -> ProfileVersion:
    """Record a profile version that supersedes the current one. ``said_by`` has, by field, who gave the value."""
    current = queries.profile(session, person)
    version = ProfileVersion.recorded(
        actor,
        valid_on,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=current.id if current else None,
        number=current.number + 1 if current else 1,
        said_by=dict(said_by),
        **columns,
        **about,
    )
    session.add(version)
    session.flush()  # refuses the second of two writers of the same version number
    return version


def add_of_referrer(session: WriteSession, actor: Actor, person: Jobseeker, new: Mapping[str, Any]) -> ProfileVersion:
    """Record a profile version with the fields that a referrer gives; everything else stays as it was."""
    current = queries.profile(session, person)
    columns = {name: getattr(current, name, None) for name in PROFILE_NAMES}
    about = {name: getattr(current, name, None) for name in joining.ACCOMPANYING}
    said_by = (dict(current.said_by) if current else {}) | dict.fromkeys(new, "referrer")
    columns = formats.without_crossed_hours(columns | dict(new))
    return add_profile(session, actor, person, columns, said_by=said_by, **about)


def profile_reply(actor: Actor, person: Jobseeker, version: ProfileVersion) -> ProfileOut:
    reply = ProfileOut.model_validate(version)
    reply.skills_shown = [
        {"skill": skill.skill, "kind": skill.kind.value, "text": skill.source}
        for skill in vocabulary.drawn(version.experiences)
    ]
    return reply.limited_to(queries.visible_groups(actor, person))


def confirm_word(session: WriteSession, actor: Actor, person: Jobseeker, new: NewConfirmedWord) -> ConfirmedWord:
    """Record which taxonomy entry the jobseeker's words mean and which were offered, or what the words do not mean.

    Confirming the same words again supersedes the earlier confirmation. What they do not mean stays until withdrawn.
    """
    must_not_be_void(person)
    kind = ConceptKind(new.kind.value)
    offers = () if new.not_meant else vocabulary.finder(session, kind).find(new.text).offers
    offered = [{"uri": offer.uri, "label": offer.preferred, "score": round(offer.score, 4)} for offer in offers]
    label = None
    if new.uri is not None:
        label = {offer.uri: offer.preferred for offer in offers}.get(new.uri) or vocabulary.label_of(
            session, kind, new.uri
        )
        if label is None:
            raise RuleBroken("No skill or occupation has this uri. Choose another, or leave uri out.", pointer="/uri")
    current = session.scalars(queries.facts_about(ConfirmedWord, person).where(ConfirmedWord.kind == new.kind))
    said_before = [word for word in current if _says_of(word) == _says_of(new)]
    previous = said_before[0] if said_before else None
    for other in said_before[1:]:  # two records that were merged may both have said it
        session.add(other.withdrawn(actor, "Said again."))
    confirmed = ConfirmedWord.recorded(
        actor,
        partner_id=person.partner_id,
        jobseeker_id=person.id,
        supersedes=previous.id if previous else None,
        kind=new.kind,
        text=new.text,
        uri=new.uri,
        label=label[:300] if label else None,
        not_meant=new.not_meant,
        offered=offered,
    )
    session.add(confirmed)
    session.flush()  # refuses the second of two writers that confirm the same words
    return confirmed


def withdraw_word(session: WriteSession, actor: Actor, person: Jobseeker, word_id: UUID, reason: str) -> ConfirmedWord:
    """Withdraw what was said about words, and the same said elsewhere before two records were merged."""
    word = queries.fact(session, ConfirmedWord, person, word_id)
    current = session.scalars(queries.facts_about(ConfirmedWord, person).where(ConfirmedWord.kind == word.kind))
    for other in [other for other in current if other.id != word.id and _says_of(other) == _says_of(word)]:
        withdraw_fact(session, actor, other, reason)
    withdrawal: ConfirmedWord = withdraw_fact(session, actor, word, reason)
    return withdrawal


def _says_of(word: ConfirmedWord | NewConfirmedWord) -> tuple[str, str]:
    """Return what a row speaks of: words have one meaning, and any number of things that they do not mean."""
    return word.text.casefold(), (word.not_meant or "").casefold()


def word_reply(actor: Actor, person: Jobseeker, row: ConfirmedWord) -> ConfirmedWordOut:
    return ConfirmedWordOut.model_validate(row).limited_to(queries.visible_groups(actor, person))
