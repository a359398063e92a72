"""The words of names, by which the search finds people. They are stored with every change of the details."""

from collections.abc import Mapping, Sequence
from threading import Event
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, tuple_

from matching.people.heard import heard, search_words
from pathways.database import Database, Session, WriteSession, insert_if_absent
from pathways.jobseekers.details import Details
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, NameKind, NameWord

KIND_OF = {"given_name": NameKind.GIVEN, "family_name": NameKind.FAMILY, "known_as": NameKind.KNOWN_AS}
AT_ONCE, PAUSE_SECONDS = 500, 0.05  # people in a batch; pause between two batches
Words = set[tuple[str, NameKind]]


def _words_of(names: Details | Any) -> Words:
    """Return the words of the names of one version of the details, each with the kind of name."""
    return {(word, kind) for field, kind in KIND_OF.items() for word in search_words(getattr(names, field) or "")}


def _rows(partner_id: UUID, jobseeker_id: UUID, words: Words) -> list[dict[str, Any]]:
    return [
        {
            "partner_id": partner_id,
            "jobseeker_id": jobseeker_id,
            "word": word,
            "backwards": word[::-1],
            "sound": heard(word)[:80],
            "kind": kind,
        }
        for word, kind in sorted(words)
    ]


def add_new(session: WriteSession, partner_id: UUID, people: Mapping[UUID, Details]) -> None:
    """Store the words of people who are recorded for the first time."""
    rows = [row for person, details in people.items() for row in _rows(partner_id, person, _words_of(details))]
    insert_if_absent(session, NameWord, rows)


def index(session: WriteSession, partner_id: UUID, jobseeker_id: UUID) -> None:
    """Store the words of a person's present and earlier names, and delete words that belong to no version."""
    is_person = NameWord.partner_id == partner_id, NameWord.jobseeker_id == jobseeker_id
    rows = session.execute(select(NameWord.word, NameWord.kind).where(*is_person))
    stored: Words = {(word, kind) for word, kind in rows}
    wanted = _words_of_people(session, partner_id, [jobseeker_id])[jobseeker_id]
    outdated = stored - wanted
    if outdated:
        pairs = tuple_(NameWord.word, NameWord.kind)
        session.execute(delete(NameWord).where(*is_person, pairs.in_(sorted(outdated))))
    insert_if_absent(session, NameWord, _rows(partner_id, jobseeker_id, wanted - stored))


def _words_of_people(session: Session, partner_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Words]:
    """Return the words of each person: of the latest version of the details, then of the earlier versions."""
    columns = [JobseekerDetails.jobseeker_id, *(getattr(JobseekerDetails, field) for field in KIND_OF)]
    versions = session.execute(
        select(*columns)
        .where(JobseekerDetails.partner_id == partner_id, JobseekerDetails.jobseeker_id.in_(ids))
        .order_by(JobseekerDetails.recorded_at.desc(), JobseekerDetails.id.desc())
    )
    words: dict[UUID, Words] = {}
    for version in versions:
        if version.jobseeker_id not in words:
            words[version.jobseeker_id] = _words_of(version)
            continue
        known = {word for word, _ in words[version.jobseeker_id]}
        words[version.jobseeker_id] |= {(word, NameKind.EARLIER) for word, _ in _words_of(version) if word not in known}
    return words


def fill(database: Database, stop: Event | None = None) -> int:
    """Store the words of everyone who has none, for instance after an upgrade. Return the number of these people.

    Works like ``key_filling.fill``: in small batches, each in a transaction of its own, until ``stop`` is set.
    """
    filled, last = 0, UUID(int=0)
    has_words = select(NameWord.id).where(
        NameWord.partner_id == Jobseeker.partner_id, NameWord.jobseeker_id == Jobseeker.id
    )
    without = select(Jobseeker.partner_id, Jobseeker.id).where(~has_words.exists()).order_by(Jobseeker.id)
    while True:
        rows: list[dict[str, Any]] = []
        with database.reading(newest=True) as session:
            people = session.execute(without.where(Jobseeker.id > last).limit(AT_ONCE)).all()
            for partner_id in {row.partner_id for row in people}:
                ids = [row.id for row in people if row.partner_id == partner_id]
                for jobseeker_id, words in _words_of_people(session, partner_id, ids).items():
                    rows += _rows(partner_id, jobseeker_id, words)
        if not people:
            return filled
        with database.writing(None) as session:
            insert_if_absent(session, NameWord, rows)  # another process may be storing the same words
        last, filled = people[-1].id, filled + len(people)
        if stop is not None and stop.wait(PAUSE_SECONDS):
            return filled
