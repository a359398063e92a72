"""Identification: find the records that may be the same person.

Candidates are found by keyed hashes of names, dates of birth, addresses and numbers. A model (``matching/people``) then
compares each candidate field by field. The hashes use the service's own secret, so the table alone reveals nothing.
Records are never merged automatically.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import product
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from rapidfuzz.distance import DamerauLevenshtein
from sqlalchemy import (
    Engine,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
)

from matching.people.candidates import key_weight
from matching.people.compare import Field
from matching.people.identity import Identity, keys_of
from matching.people.linkage import Linkage, LinkageVerdict
from pathways import audit
from pathways.access.models import User
from pathways.base import local_day, utc_now
from pathways.database import Session, WriteSession, insert_if_absent
from pathways.facts import as_known
from pathways.jobseekers import formats
from pathways.jobseekers.details import IDENTIFIERS, Details
from pathways.jobseekers.different_people import different_people
from pathways.jobseekers.former_names import with_former_names
from pathways.jobseekers.models import NUMBERS_FORM, Jobseeker, JobseekerDetails, JobseekerState, PersonKey
from pathways.jobseekers.person_keys import PARTNER, hashed, sharing

# The lowest probabilities: at which a pair is listed for review, and at which it is proposed as one person.
MAY_BE, SURELY = 0.5, 0.99
# At most this many records are compared for one key. A key that more records share says little about the person.
MOST_OF_A_KEY = 60
MOST_OF_BATCH = 5  # for a key that more people of one batch share, more records are read
MOST_COMPARED = 30  # of the records that share keys with a person, those that share the most are compared
MOST_COUNTED = 1_000  # the count of people with one name or postcode stops at this number
AT_ONCE = 500  # rows in a batch
# If a partner has at least LARGE people, their number is cached for CACHE_SECONDS. The number affects only the
# prior odds, where a difference of one in a thousand does not matter.
LARGE, CACHE_SECONDS = 10_000, 600.0
NINO_WITHOUT_LETTER = 8
# The details that are compared as they are written; NI and NHS numbers are compared by their hashes.
# The words beside a telephone number may say that it is an office's.
COMPARED = ("given_name", "family_name", "known_as", "date_of_birth", "birth_year", "postcode", "phone", "email")
COMPARED_WITH_WORDS = (*COMPARED, "as_written")


@dataclass(frozen=True)
class Candidate:
    """A record that may be the person searched for: its row of ``CANDIDATES`` and the model's verdict."""

    row: Any
    verdict: LinkageVerdict

    @property
    def jobseeker_id(self) -> UUID:
        jobseeker_id: UUID = self.row.id
        return jobseeker_id

    @property
    def agrees_on(self) -> list[str]:
        return [comparison.field for comparison in self.verdict.told if comparison.bits > 0]

    @property
    def reasons(self) -> list[str]:
        """One sentence for each field that agrees. No sentence contains a value."""
        agreeing = [comparison for comparison in self.verdict.told if comparison.bits > 0]
        return [f"{line.field.replace('_', ' ').capitalize()}: {line.text}" for line in agreeing]


@lru_cache(maxsize=1)
def model() -> Linkage:
    return Linkage.shipped()


def identity(session: Session, key: str, details: Details) -> Identity:
    """Return the details in the form that the model compares, without placeholders, which identify nobody.

    NI and NHS numbers become their stored hashes.
    """
    details = details.identifying(session.actor.today if session.actor else local_day(utc_now()))
    return identity_from(key, details, hashes_of_numbers(session, details))


def identity_from(key: str, details: Details, hashes: Mapping[str, str]) -> Identity:
    return Identity(
        key,
        details.given_name or "",
        details.family_name or "",
        details.known_as or "",
        _born(details.date_of_birth, details.birth_year),
        details.postcode_key or "",
        details.phone or "",
        email_of(details),
        identifiers=hashes,
        others=tuple(details.other_contacts),
    )


def hashes_of_numbers(session: Session, details: Details) -> dict[str, str]:
    """Return the keyed hashes of the NI and the NHS number, by name, as far as they are known."""
    numbers = {name: getattr(details, name) for name in IDENTIFIERS}
    return {name: hash_of_number(session, name, number) for name, number in numbers.items() if number}


def hash_of_number(session: Session, name: str, number: str) -> str:
    """Return the keyed hash of an NI or NHS number.

    The last letter of an NI number is left out: it distinguishes nobody, and many people do not know it.
    """
    return session.vault.fingerprint(name, number[:NINO_WITHOUT_LETTER] if name == "nino" else number)


def email_of(details: Details) -> str:
    return (details.email or "").strip().lower()


def _born(day: date | None, year: int | None) -> str:
    """Return a date of birth as the model compares it: eight digits, or the four of a year, or nothing."""
    return f"{day:%Y%m%d}" if day else str(year or "")


def note(session: WriteSession, partner_id: UUID, jobseeker_ids: Iterable[UUID]) -> None:
    """Note people who must be identified before this transaction commits; ``duplicates/actions.py`` does it.

    ``index`` notes everyone whose identity it stores, so that no way of recording a person can leave it out.
    """
    session.info.setdefault("to_identify", {}).setdefault(partner_id, set()).update(jobseeker_ids)


def index(session: WriteSession, partner_id: UUID, people: Mapping[UUID, Identity]) -> None:
    """Store the keys made from the people's current details, and delete the keys made from earlier details.

    The people are noted by ``note``. Those who lost a key are also noted as changed, because a pair of records that
    was found by this key may no longer be similar.
    """
    note(session, partner_id, people)
    is_of_people = (PersonKey.partner_id == partner_id, PersonKey.jobseeker_id.in_(people))
    stored: dict[UUID, set[int]] = {jobseeker_id: set() for jobseeker_id in people}
    for jobseeker_id, key in session.execute(select(PersonKey.jobseeker_id, PersonKey.key).where(*is_of_people)):
        stored[jobseeker_id].add(key)
    new: list[dict[str, Any]] = []
    for jobseeker_id, identity in people.items():
        wanted = {hashed(session, key) for key in keys_of(identity)}
        outdated = stored[jobseeker_id] - wanted
        if outdated:
            session.info.setdefault("lost_keys", set()).add(jobseeker_id)
            is_of_person = (PersonKey.partner_id == partner_id, PersonKey.jobseeker_id == jobseeker_id)
            session.execute(delete(PersonKey).where(*is_of_person, PersonKey.key.in_(outdated)))
        owner = {"partner_id": partner_id, "jobseeker_id": jobseeker_id}
        new += [{**owner, "key": key} for key in sorted(wanted - stored[jobseeker_id])]
    insert_if_absent(session, PersonKey, new)


CANDIDATES = (
    select(
        Jobseeker.id,
        Jobseeker.partner_id,
        Jobseeker.reference,
        Jobseeker.merged_into_id,
        Jobseeker.nino_hash,
        Jobseeker.nhs_number_hash,
        Jobseeker.hash_form,
        JobseekerDetails.id.label("details_id"),
        JobseekerDetails.given_name,
        JobseekerDetails.family_name,
        JobseekerDetails.known_as,
        JobseekerDetails.date_of_birth,
        JobseekerDetails.birth_year,
        JobseekerDetails.recorded_at,
        JobseekerDetails.postcode,
        JobseekerDetails.phone,
        JobseekerDetails.email,
        JobseekerDetails.as_written,
        JobseekerDetails.nino_sealed,
        JobseekerDetails.nhs_number_sealed,
    )
    .join(
        JobseekerDetails,
        (JobseekerDetails.partner_id == Jobseeker.partner_id) & (JobseekerDetails.jobseeker_id == Jobseeker.id),
    )
    .where(
        Jobseeker.partner_id == PARTNER,
        Jobseeker.id.in_(bindparam("ids", expanding=True)),
        # A merged record is void, but its details still lead to the record into which it was merged.
        or_(Jobseeker.state != JobseekerState.VOIDED, Jobseeker.merged_into_id.is_not(None)),
        as_known(JobseekerDetails),
    )
)


def how_many(
    session: Session, partner_id: UUID, column: Any, values: Collection[str], before: UUID | None = None
) -> dict[str, int]:
    """Return how many of a partner's people have each of ``values``, counting no further than ``MOST_COUNTED``.

    If ``before``, the id of a record, is given, count only the people whose records were made earlier.
    """
    wanted = sorted(filter(None, values))
    conditions = [Jobseeker.partner_id == partner_id, *([Jobseeker.id < before] if before is not None else [])]
    if len(wanted) == 1:
        rows_found = select(literal(1)).where(*conditions, column == wanted[0]).limit(MOST_COUNTED)
        return {wanted[0]: session.scalar(select(func.count()).select_from(rows_found.subquery())) or 0}
    counts: dict[str, int] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = select(column, func.count()).where(*conditions, column.in_(wanted[start : start + AT_ONCE]))
        counts |= {row[0]: min(row[1], MOST_COUNTED) for row in session.execute(rows.group_by(column))}
    return counts


@dataclass(frozen=True, slots=True)
class IdentityQuery:
    """A person for whom candidates are searched.

    ``but`` is the person's own record, which is never a candidate. If ``details`` is given, a candidate's NI or NHS
    number that differs may be decrypted, to recognise a typing error of one character. Each decryption is recorded in
    the audit log.
    """

    who: Identity
    but: UUID | None = None
    details: Details | None = None


class BatchComparison(StrEnum):
    """Which records each person of a batch is compared with, in addition to those recorded before the batch."""

    ANY = "any"  # compare with every other record
    CAME = "came"  # compare with earlier records only, as if the people had arrived one by one
    AGAIN = "again"  # compare with earlier records, and with later ones that another request recorded


def find(
    session: Session, partner_id: UUID, queries: Sequence[IdentityQuery], order: BatchComparison = BatchComparison.ANY
) -> list[list[Candidate]]:
    """Return the candidates of each query among the partner's people, most probable first.

    Void records are not candidates. Candidates that the actor may not see are included, so the caller must leave them
    out. If ``order`` is not ``ANY``, each query must have ``but`` and the queries must be sorted by it, oldest first.
    """
    keys = [_keys_of(session, query.who) for query in queries]
    found_by_key = _sharing(session, partner_id, keys)
    batch_ids = {query.but for query in queries}
    sharers = [
        _sharers(found_by_key, own_keys, query, order, batch_ids) for query, own_keys in zip(queries, keys, strict=True)
    ]
    ids = [_candidates(shared_by, query.but) for query, shared_by in zip(queries, sharers, strict=True)]
    rows = rows_of(session, partner_id, sorted({other for candidate_ids in ids for other in candidate_ids}))
    if not rows:
        return [[] for _ in queries]
    staff = _of_staff(session, [query.who.email for query in queries] + [other.email for _, other in rows.values()])
    if staff:
        queries = [replace(query, who=_without_email_of(query.who, staff)) for query in queries]
        rows = {other: (row, _without_email_of(who, staff)) for other, (row, who) in rows.items()}
    counts = _counts(session, partner_id, queries, order)
    answers = []
    for query, own_keys, shared_by, candidate_ids, (among, families, homes) in zip(
        queries, keys, sharers, ids, counts, strict=True
    ):
        shared = {name.split(":")[0]: len(shared_by[key]) for key, name in own_keys.items()}
        shared_counts: dict[str, int] = {
            Field.PHONE: shared.get("phone", 0),
            Field.EMAIL: shared.get("email", 0),
            Field.POSTCODE: homes,
        } | {name: shared.get(name, 0) for name in IDENTIFIERS}
        known = [rows[other][1] for other in candidate_ids if other in rows]
        shared_counts |= different_people(model(), query.who, known, shared_counts)
        common = (None, families / among if families and query.who.family else None)
        records = [rows[other] for other in candidate_ids if other in rows]
        candidates = _likely_candidates(session, query, records, shared_counts, common, among)
        answers.append(_surviving_records(session, partner_id, candidates, query.but))
    return answers


def _keys_of(session: Session, who: Identity) -> dict[int, str]:
    """Return the keys by which a person is looked up, by their hashes."""
    # People with another extension of one number are found by the search only.
    return {hashed(session, key): key for key in keys_of(who) if not key.startswith("switchboard:")}


def _sharing(session: Session, partner_id: UUID, keys: Sequence[Collection[int]]) -> dict[int, list[UUID]]:
    """Return the people with each key, so many of them that those of a batch do not displace others."""
    counts = Counter(key for own_keys in keys for key in own_keys)
    rare = sorted(key for key, count in counts.items() if count <= MOST_OF_BATCH)
    common = sorted(key for key, count in counts.items() if count > MOST_OF_BATCH)
    found = sharing(session, partner_id, rare, MOST_OF_A_KEY + MOST_OF_BATCH)
    return found | sharing(session, partner_id, common, MOST_OF_A_KEY + len(keys))


def _of_staff(session: Session, emails: Iterable[str]) -> set[str]:
    """Return those e-mail addresses that belong to a user of this service: they are an office's, not a jobseeker's."""
    wanted = sorted({email for email in emails if email})
    staff: set[str] = set()
    for start in range(0, len(wanted), AT_ONCE):
        staff |= set(session.scalars(select(User.email).where(User.email.in_(wanted[start : start + AT_ONCE]))))
    return staff


def _without_email_of(who: Identity, staff: Collection[str]) -> Identity:
    return replace(who, email="") if who.email in staff else who


def _counts(
    session: Session, partner_id: UUID, queries: Sequence[IdentityQuery], order: BatchComparison
) -> list[tuple[int, int, int]]:
    """Return three counts for each query: all people, people with the query's family name, people with its postcode.

    If ``order`` is not ``ANY``, people recorded after the query's person are not counted, so batch sizes do not matter.
    """
    families = [formats.name_key(query.who.family) for query in queries]
    postcodes = [query.who.postcode for query in queries]
    if order is BatchComparison.ANY:
        people = count_people(session, partner_id)
        same_family = how_many(session, partner_id, Jobseeker.family_key, set(families))
        same_postcode = how_many(session, partner_id, Jobseeker.postcode_key, set(postcodes))
        return [
            (people, same_family.get(f, 0), same_postcode.get(h, 0)) for f, h in zip(families, postcodes, strict=True)
        ]
    first = queries[0].but
    # For a single query the cached count is good enough, because it affects only the prior odds.
    before = count_people(session, partner_id, first) if len(queries) > 1 else count_people(session, partner_id) - 1
    same_family = Counter(how_many(session, partner_id, Jobseeker.family_key, set(families), first))
    same_postcode = Counter(how_many(session, partner_id, Jobseeker.postcode_key, set(postcodes), first))
    counts = []
    for n, (family, postcode) in enumerate(zip(families, postcodes, strict=True), start=1):
        same_family[family] += 1
        same_postcode[postcode] += 1
        counts.append((before + n, min(same_family[family], MOST_COUNTED), min(same_postcode[postcode], MOST_COUNTED)))
    return counts


def _sharers(
    found_by_key: Mapping[int, list[UUID]],
    keys: Collection[int],
    query: IdentityQuery,
    order: BatchComparison,
    batch_ids: Collection[UUID | None],
) -> dict[int, list[UUID]]:
    """Return for each key the people with this key who are to be compared: at most ``MOST_OF_A_KEY`` + 1 people."""

    def is_compared(other: UUID) -> bool:
        if order is BatchComparison.ANY or query.but is None or other <= query.but:
            return True
        return order is BatchComparison.AGAIN and other not in batch_ids

    return {
        key: [other for other in found_by_key.get(key, ()) if is_compared(other)][: MOST_OF_A_KEY + 1] for key in keys
    }


def _candidates(shared_by: Mapping[int, list[UUID]], own_id: UUID | None) -> list[UUID]:
    """Return the ids of the records to compare: the ``MOST_COMPARED`` that share the most and the rarest keys.

    A key of more than ``MOST_OF_A_KEY`` people is used only if no other key finds a record. Then the newest people with
    that key are compared.
    """
    weights: dict[UUID, float] = {}
    for sharers in shared_by.values():
        if len(sharers) <= MOST_OF_A_KEY:
            weight = key_weight(len(sharers), MOST_OF_A_KEY)
            for other in sharers:
                weights[other] = weights.get(other, 0.0) + weight
    others = weights.keys() - {own_id}
    if not others:
        return sorted({other for sharers in shared_by.values() for other in sharers} - {own_id})
    return sorted(sorted(others, key=lambda other: (-weights[other], other))[:MOST_COMPARED])


def rows_of(session: Session, partner_id: UUID, ids: Sequence[UUID]) -> dict[UUID, tuple[Any, Identity]]:
    """Return, by id, each person's row of ``CANDIDATES`` and the identity made from the row."""
    rows = {}
    for start in range(0, len(ids), AT_ONCE):
        parameters = {"partner": partner_id, "ids": ids[start : start + AT_ONCE]}
        for row in session.connection().execute(CANDIDATES, parameters):
            rows[row.id] = (row, identity_of(row))
    named = with_former_names(session, partner_id, [(found, identity) for found, (_, identity) in rows.items()])
    return {found: (row, identity) for (found, (row, _)), identity in zip(rows.items(), named, strict=True)}


def _likely_candidates(
    session: Session,
    query: IdentityQuery,
    records: Sequence[tuple[Any, Identity]],
    counts: Mapping[str, int],
    common: tuple[float | None, float | None],
    among: int,
) -> list[Candidate]:
    """Return the records that are the person of the query with a probability of at least ``MAY_BE``."""
    linkage = model()
    candidates = []
    for row, record in records:
        likely = []
        # Somebody who changed their name may be recorded again under the one that they had before.
        for identity, other in product(query.who.as_named, record.as_named):
            slips: Collection[str] = ()
            if not linkage.may_be(identity, other, among, common, IDENTIFIERS if query.details else ()):
                continue
            if query.details and _differing(identity, other):
                # Decrypt identifiers only if a one-character difference in them would make the pair probable enough.
                if linkage.verdict(identity, other, among, counts, common, IDENTIFIERS).probability < MAY_BE:
                    continue
                slips = _slips(session, row, identity, query.details)
            likely.append(linkage.verdict(identity, other, among, counts, common, slips))
        best = max(likely, key=lambda verdict: verdict.probability, default=None)
        if best is not None and best.probability >= MAY_BE:
            candidates.append(Candidate(row, best))
    return candidates


def _surviving_records(
    session: Session, partner_id: UUID, candidates: list[Candidate], own_id: UUID | None
) -> list[Candidate]:
    """Replace each merged candidate by the record into which it was merged. Sort by probability, highest first."""
    best: dict[UUID, Candidate] = {}
    rows = {candidate.jobseeker_id: candidate.row for candidate in candidates}
    for candidate in candidates:
        row = candidate.row
        while row is not None and row.merged_into_id is not None:
            if row.merged_into_id not in rows:
                parameters = {"partner": partner_id, "ids": [row.merged_into_id]}
                rows |= {row_found.id: row_found for row_found in session.connection().execute(CANDIDATES, parameters)}
            row = rows.get(row.merged_into_id)  # None if that record is void: then it is no candidate
        if (
            row is not None
            and row.id != own_id
            and (row.id not in best or best[row.id].verdict.probability < candidate.verdict.probability)
        ):
            best[row.id] = Candidate(row, candidate.verdict)
    return sorted(best.values(), key=lambda candidate: (-candidate.verdict.probability, candidate.row.reference))


def _differing(first: Identity, second: Identity) -> bool:
    second_identifiers = second.identifiers
    return any(second_identifiers.get(kind, value) != value for kind, value in first.identifiers.items())


def _slips(session: Session, row: Any, identity: Identity, details: Details) -> list[str]:
    """Return which of ``IDENTIFIERS`` differ by only one character. Each decryption is recorded in the audit log."""
    slips = []
    for name in IDENTIFIERS:
        own, other_hash = getattr(details, name), getattr(row, f"{name}_hash")
        sealed = getattr(row, f"{name}_sealed")
        if not own or not other_hash or sealed is None or other_hash == identity.identifiers.get(name):
            continue
        if session.actor is not None:
            session.add(audit.row(session.actor, "jobseekers", row.id, row.id, is_change=False))
        other = session.vault.open(sealed, place=f"jobseeker_details:{name}:{row.details_id}")
        if DamerauLevenshtein.distance(own, other, score_cutoff=1) <= 1:
            slips.append(name)
    return slips


def identities(session: Session, partner_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Identity]:
    """Return, by id, each person's identity from the current details. The oldest record comes first."""
    return {row.id: identity for _, (row, identity) in sorted(rows_of(session, partner_id, ids).items())}


def identity_of(row: Any) -> Identity:
    """Return a row of ``CANDIDATES`` as an identity for the comparison."""
    # A hash of an earlier form is unknown until ``key_filling`` has made it again.
    known = IDENTIFIERS if row.hash_form >= NUMBERS_FORM else ()
    hashes = {name: getattr(row, f"{name}_hash") for name in known if getattr(row, f"{name}_hash")}
    details = Details(**{name: getattr(row, name) for name in COMPARED_WITH_WORDS}).identifying(
        local_day(row.recorded_at)
    )
    return identity_from(str(row.id), details, hashes)


_counted: WeakKeyDictionary[Engine, dict[UUID, tuple[float, int]]] = WeakKeyDictionary()


def count_people(session: Session, partner_id: UUID, before: UUID | None = None) -> int:
    """Return how many people a partner has (at least 1), or how many were recorded before the record ``before``."""
    count_all = select(func.count()).where(Jobseeker.partner_id == partner_id)
    if before is not None:
        return session.scalars(count_all.where(Jobseeker.id < before)).one()
    engine = session.get_bind()
    counts = _counted.setdefault(engine.engine, {})
    counted_at, count = counts.get(partner_id, (0.0, 0))
    if count < LARGE or time.monotonic() - counted_at > CACHE_SECONDS:
        count = session.scalars(count_all).one()
        counts[partner_id] = (time.monotonic(), count)
    return max(count, 1)


def stored_keys(session: Session, partner_id: UUID, jobseeker_id: UUID) -> set[int]:
    """Return the keys of one person as they would be stored now; an empty set for a void record."""
    people = identities(session, partner_id, [jobseeker_id])
    return {hashed(session, key) for identity in people.values() for key in keys_of(identity)}
