"""Is this person known already? Keyed hashes of name, birthday, address and numbers find who it may be; a model weighs.

What is looked up by is a hash under the service's own key, so the table tells nothing to whoever reads it alone. A
record found by any key is compared field by field (``matching/people``); nothing is ever merged by a number.
"""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from threading import Event
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from rapidfuzz.distance import DamerauLevenshtein
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Engine,
    Integer,
    Select,
    Uuid,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    true,
    union_all,
)

from matching.people.compare import Field
from matching.people.identity import Identity, keys_of
from matching.people.linkage import Linkage, LinkageVerdict
from pathways import audit
from pathways.database import Database, Session, WriteSession, insert_if_absent
from pathways.facts import as_known
from pathways.jobseekers import formats
from pathways.jobseekers.details import IDENTIFIERS, Details
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState, PersonKey

# From here on two records go to a person to look at; from here on they are put forward as one.
MAY_BE, SURELY = 0.5, 0.99
# So many records under one key are looked at; a key that more share tells next to nothing.
MOST_OF_A_KEY = 60
MOST_WITHIN = 20  # rows of one file under one key
MOST_COUNTED = 1_000  # of people of one name
# In one statement of SQLite: as many as one person has, else always so many, for each number is a statement to prepare.
KEYS_OF_ONE, KEYS_AT_ONCE, NO_KEY = 20, 96, 0
AT_ONCE, PAUSE_SECONDS = 500, 0.05
# A count of very many people is kept for a while: it sets odds, and a thousandth more or less changes none.
LARGE, KEPT_SECONDS = 10_000, 600.0
SIGNED = 2**63
PARTNER: Any = bindparam("partner", type_=Uuid())
MOST: Any = bindparam("most", type_=Integer())


@dataclass(frozen=True)
class Candidate:
    """Somebody it may be: the columns of the record that are shown, and how probable it is."""

    row: Any
    verdict: LinkageVerdict

    @property
    def jobseeker_id(self) -> UUID:
        found: UUID = self.row.id
        return found

    @property
    def agrees_on(self) -> list[str]:
        return [told.field for told in self.verdict.told if told.bits > 0]


@lru_cache(maxsize=1)
def model() -> Linkage:
    return Linkage.shipped()


def identity(session: Session, key: str, details: Details) -> Identity:
    """Return plain details as they are compared; identifiers as the hashes that are kept."""
    hashes = {}
    for name in IDENTIFIERS:
        text = getattr(details, name)
        if text:
            hashes[name] = session.vault.fingerprint(name, text)
    born = details.date_of_birth
    return Identity(
        key,
        details.given_name or "",
        details.family_name or "",
        details.known_as or "",
        f"{born:%Y%m%d}" if born else "",
        details.postcode_key or "",
        details.phone or "",
        (details.email or "").strip().lower(),
        identifiers=hashes,
    )


def hashed(session: Session, key: str) -> int:
    """Return a key as it is kept: a keyed hash, of 64 bits."""
    return int(session.vault.fingerprint("person", key)[:16], 16) - SIGNED


def index(session: WriteSession, partner_id: UUID, people: Mapping[UUID, Identity]) -> None:
    """Keep the keys of some people's details, and none of what they were before."""
    mine = (PersonKey.partner_id == partner_id, PersonKey.jobseeker_id.in_(people))
    there: dict[UUID, set[int]] = {jobseeker_id: set() for jobseeker_id in people}
    for jobseeker_id, key in session.execute(select(PersonKey.jobseeker_id, PersonKey.key).where(*mine)):
        there[jobseeker_id].add(key)
    new: list[dict[str, Any]] = []
    for jobseeker_id, who in people.items():
        wanted = {hashed(session, key) for key in keys_of(who)}
        gone = there[jobseeker_id] - wanted
        if gone:
            theirs = (PersonKey.partner_id == partner_id, PersonKey.jobseeker_id == jobseeker_id)
            session.execute(delete(PersonKey).where(*theirs, PersonKey.key.in_(gone)))
        whose = {"partner_id": partner_id, "jobseeker_id": jobseeker_id}
        new += [{**whose, "key": key} for key in sorted(wanted - there[jobseeker_id])]
    insert_if_absent(session, PersonKey, new)


@lru_cache(maxsize=128)
def _sharing_query(count: int) -> Select[Any]:
    """Return the query of who shares any of so many keys, some of each. Made once: it is long."""
    parts = [
        select(bindparam(f"key_{n}", type_=BigInteger()).label("key"), PersonKey.jobseeker_id)
        .where(PersonKey.key == bindparam(f"key_{n}", type_=BigInteger()), PersonKey.partner_id == PARTNER)
        .order_by(PersonKey.jobseeker_id.desc())
        .limit(MOST)
        .subquery()
        for n in range(count)
    ]
    return select(union_all(*(select(part) for part in parts)).subquery())


@lru_cache(maxsize=1)
def _sharing_query_any() -> Select[Any]:
    """Return the same query for any number of keys, which PostgreSQL plans once."""
    keys = func.unnest(bindparam("keys", type_=ARRAY(BigInteger))).table_valued("key").render_derived()
    some = (
        select(PersonKey.jobseeker_id)
        .where(PersonKey.key == keys.c.key, PersonKey.partner_id == PARTNER)
        .order_by(PersonKey.jobseeker_id.desc())
        .limit(MOST)
        .lateral()
    )
    return select(keys.c.key, some.c.jobseeker_id).select_from(keys).join(some, true())


def sharing(session: Session, partner_id: UUID, keys: Sequence[int], most: int) -> dict[int, list[UUID]]:
    """Return who shares each of some keys, newest first and at most so many."""
    found: dict[int, list[UUID]] = {}
    if not keys:
        return found
    told = {"partner": partner_id, "most": most}
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_sharing_query_any(), {**told, "keys": list(keys)}).all()
    else:
        rows = []
        size = len(keys) if len(keys) <= KEYS_OF_ONE else KEYS_AT_ONCE
        for start in range(0, len(keys), size):
            some = [*keys[start : start + size], *[NO_KEY] * (start + size - len(keys))]
            asked = {f"key_{n}": key for n, key in enumerate(some)}
            rows += connection.execute(_sharing_query(size), {**told, **asked}).all()
    for key, jobseeker_id in rows:
        found.setdefault(key, []).append(jobseeker_id)
    return found


CANDIDATES = (
    select(
        Jobseeker.id,
        Jobseeker.partner_id,
        Jobseeker.reference,
        Jobseeker.merged_into_id,
        Jobseeker.nino_hash,
        Jobseeker.nhs_number_hash,
        JobseekerDetails.id.label("details_id"),
        JobseekerDetails.given_name,
        JobseekerDetails.family_name,
        JobseekerDetails.known_as,
        JobseekerDetails.date_of_birth,
        JobseekerDetails.postcode,
        JobseekerDetails.phone,
        JobseekerDetails.email,
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
        # A record that was merged is void; its details still find the one it was merged into.
        or_(Jobseeker.state != JobseekerState.VOIDED, Jobseeker.merged_into_id.is_not(None)),
        as_known(JobseekerDetails),
    )
)


def _how_many(
    session: Session, partner_id: UUID, column: Any, values: Collection[str], before: UUID | None = None
) -> dict[str, int]:
    """Return how many of a partner's people share each of some values; beyond a thousand it does not matter.

    With ``before``, of those only whose records were made before that one.
    """
    wanted = sorted(filter(None, values))
    theirs = [Jobseeker.partner_id == partner_id, *([Jobseeker.id < before] if before is not None else [])]
    if len(wanted) == 1:
        some = select(literal(1)).where(*theirs, column == wanted[0]).limit(MOST_COUNTED)
        return {wanted[0]: session.scalar(select(func.count()).select_from(some.subquery())) or 0}
    found: dict[str, int] = {}
    for start in range(0, len(wanted), AT_ONCE):
        rows = select(column, func.count()).where(*theirs, column.in_(wanted[start : start + AT_ONCE]))
        found |= {row[0]: min(row[1], MOST_COUNTED) for row in session.execute(rows.group_by(column))}
    return found


@dataclass(frozen=True, slots=True)
class IdentityQuery:
    """Somebody of whom it is asked who they may be.

    ``but`` is their own record, which is nobody else. With ``identifiers`` in plain, those of a record found by another
    key are opened where they differ, and that is noted as a read: a slip of one character is not another person's
    number.
    """

    who: Identity
    but: UUID | None = None
    details: Details | None = None


class BatchComparison(StrEnum):
    """Whom of those who are asked of it is told beside everybody who was there before."""

    ANY = "any"
    CAME = "came"  # of those before, as things stood then: many who come at once are told as one after the other
    AGAIN = "again"  # and of those after who are not asked of: they came at the same moment by another way


def look_up(
    session: Session, partner_id: UUID, asked: Sequence[IdentityQuery], order: BatchComparison = BatchComparison.ANY
) -> list[list[Candidate]]:
    """Return for each one asked of whom of a partner's people it may be, likeliest first.

    A record made by mistake is nobody. This says nothing of who may see whom: the caller shows a hit to whoever may see
    that person. In any order but ``ANY`` those asked of have records, and stand in the order these were made.
    """
    keys = [{hashed(session, key): key for key in keys_of(one.who)} for one in asked]
    most = MOST_OF_A_KEY + len(asked)  # those who come at once crowd nobody out
    found = sharing(session, partner_id, sorted({key for ours in keys for key in ours}), most)
    together = {one.but for one in asked}
    theres = [_others(found, ours, one, order, together) for one, ours in zip(asked, keys, strict=True)]
    ids = [_candidates(there, one.but) for one, there in zip(asked, theres, strict=True)]
    rows = _rows_of(session, partner_id, sorted({other for some in ids for other in some}))
    if not rows:
        return [[] for _ in asked]
    counts = _counts(session, partner_id, asked, order)
    answers = []
    for one, ours, there, some, (among, families, homes) in zip(asked, keys, theres, ids, counts, strict=True):
        shared = {name.split(":")[0]: len(there[key]) for key, name in ours.items()}
        told = {Field.PHONE: shared.get("phone", 0), Field.EMAIL: shared.get("email", 0), Field.POSTCODE: homes}
        common = (None, families / among if families and one.who.family else None)
        theirs = [rows[other] for other in some if other in rows]
        hits = _weighed(session, one, theirs, told, common, among)
        answers.append(_surviving_records(session, partner_id, hits, one.but))
    return answers


def _counts(
    session: Session, partner_id: UUID, asked: Sequence[IdentityQuery], order: BatchComparison
) -> list[tuple[int, int, int]]:
    """Return for each one among how many they are, and how many share their family name and their postcode.

    Of many who came one after the other it is told as it was for each, however many of them are looked at at once.
    """
    families = [formats.name_key(one.who.family) for one in asked]
    homes = [one.who.postcode for one in asked]
    if order is BatchComparison.ANY:
        people = _people(session, partner_id)
        alike = _how_many(session, partner_id, Jobseeker.family_key, set(families))
        at_home = _how_many(session, partner_id, Jobseeker.postcode_key, set(homes))
        return [(people, alike.get(f, 0), at_home.get(h, 0)) for f, h in zip(families, homes, strict=True)]
    first = asked[0].but
    # One who comes alone is told of a count that is kept for a while; it sets odds only.
    before = _people(session, partner_id, first) if len(asked) > 1 else _people(session, partner_id) - 1
    alike = Counter(_how_many(session, partner_id, Jobseeker.family_key, set(families), first))
    at_home = Counter(_how_many(session, partner_id, Jobseeker.postcode_key, set(homes), first))
    told = []
    for n, (family, home) in enumerate(zip(families, homes, strict=True), start=1):
        alike[family] += 1
        at_home[home] += 1
        told.append((before + n, min(alike[family], MOST_COUNTED), min(at_home[home], MOST_COUNTED)))
    return told


def _others(
    found: Mapping[int, list[UUID]],
    keys: Collection[int],
    one: IdentityQuery,
    order: BatchComparison,
    together: Collection[UUID | None],
) -> dict[int, list[UUID]]:
    """Return who shares each key of one person, one more than are looked at."""

    def is_told(other: UUID) -> bool:
        if order is BatchComparison.ANY or one.but is None or other <= one.but:
            return True
        return order is BatchComparison.AGAIN and other not in together

    return {key: [other for other in found.get(key, ()) if is_told(other)][: MOST_OF_A_KEY + 1] for key in keys}


def _candidates(there: Mapping[int, list[UUID]], but: UUID | None) -> list[UUID]:
    """Return who is looked at. A key that very many share names the newest of them only, where no other finds any."""
    few = {other for some in there.values() if len(some) <= MOST_OF_A_KEY for other in some} - {but}
    return sorted(few or {other for some in there.values() for other in some} - {but})


def _rows_of(session: Session, partner_id: UUID, ids: Sequence[UUID]) -> dict[UUID, tuple[Any, Identity]]:
    """Return the rows of some people as they are compared."""
    found = {}
    for start in range(0, len(ids), AT_ONCE):
        asked = {"partner": partner_id, "ids": ids[start : start + AT_ONCE]}
        for row in session.connection().execute(CANDIDATES, asked):
            found[row.id] = (row, _identity_of(row))
    return found


def _weighed(
    session: Session,
    one: IdentityQuery,
    theirs: Sequence[tuple[Any, Identity]],
    counts: Mapping[Field, int],
    common: tuple[float | None, float | None],
    among: int,
) -> list[Candidate]:
    """Return which of some records may be of the one asked of."""
    who, linkage = one.who, model()
    hits = []
    for row, them in theirs:
        slips: Collection[str] = ()
        if not linkage.may_be(who, them, among, common, IDENTIFIERS if one.details else ()):
            continue
        if one.details and _differing(who, them):
            # Nobody's number is opened where a slip in it would not matter.
            if linkage.verdict(who, them, among, counts, common, IDENTIFIERS).probability < MAY_BE:
                continue
            slips = _slips(session, row, who, one.details)
        verdict = linkage.verdict(who, them, among, counts, common, slips)
        if verdict.probability >= MAY_BE:
            hits.append(Candidate(row, verdict))
    return hits


def _surviving_records(session: Session, partner_id: UUID, hits: list[Candidate], but: UUID | None) -> list[Candidate]:
    """Return hits by the records that are kept: one that was merged stands for the one it was merged into."""
    best: dict[UUID, Candidate] = {}
    there = {hit.jobseeker_id: hit.row for hit in hits}
    for hit in hits:
        row = hit.row
        while row is not None and row.merged_into_id is not None:
            if row.merged_into_id not in there:
                asked = {"partner": partner_id, "ids": [row.merged_into_id]}
                there |= {found.id: found for found in session.connection().execute(CANDIDATES, asked)}
            row = there.get(row.merged_into_id)  # the record that was kept may be void by now: then it is nobody
        if (
            row is not None
            and row.id != but
            and (row.id not in best or best[row.id].verdict.probability < hit.verdict.probability)
        ):
            best[row.id] = Candidate(row, hit.verdict)
    return sorted(best.values(), key=lambda hit: (-hit.verdict.probability, hit.row.reference))


def _differing(one: Identity, other: Identity) -> bool:
    theirs = other.identifiers
    return any(theirs.get(kind, value) != value for kind, value in one.identifiers.items())


def _slips(session: Session, row: Any, who: Identity, details: Details) -> list[str]:
    """Return which identifiers differ by one character; opening somebody's number is noted."""
    found = []
    for name in IDENTIFIERS:
        ours, theirs = getattr(details, name), getattr(row, f"{name}_hash")
        sealed = getattr(row, f"{name}_sealed")
        if not ours or not theirs or sealed is None or theirs == who.identifiers.get(name):
            continue
        if session.actor is not None:
            session.add(audit.row(session.actor, "jobseekers", row.id, row.id, is_change=False))
        plain = session.vault.open(sealed, place=f"jobseeker_details:{name}:{row.details_id}")
        if DamerauLevenshtein.distance(ours, plain, score_cutoff=1) <= 1:
            found.append(name)
    return found


def identities(session: Session, partner_id: UUID, ids: Sequence[UUID]) -> dict[UUID, Identity]:
    """Return who some people are as their records stand, in the order these were made."""
    return {row.id: who for _, (row, who) in sorted(_rows_of(session, partner_id, ids).items())}


def _identity_of(row: Any) -> Identity:
    """Return a row of ``CANDIDATES`` as it is compared."""
    hashes = {name: getattr(row, f"{name}_hash") for name in IDENTIFIERS if getattr(row, f"{name}_hash")}
    return Identity(
        str(row.id),
        row.given_name or "",
        row.family_name or "",
        row.known_as or "",
        f"{row.date_of_birth:%Y%m%d}" if row.date_of_birth else "",
        formats.compact(row.postcode) or "",
        row.phone or "",
        (row.email or "").strip().lower(),
        identifiers=hashes,
    )


def within(session: Session, partner_id: UUID, people: Iterable[Identity]) -> list[tuple[int, int]]:
    """Return which of some people, by their places, may be one with an earlier one of them: the likeliest of each."""
    places, keys, kept = [], [], []
    for place, who in enumerate(people):
        kept.append(who)
        ours = [hashed(session, key) for key in keys_of(who)]
        keys += ours
        places += [place] * len(ours)
    found_by = np.array(keys, dtype=np.int64)
    order = np.argsort(found_by, kind="stable")
    sorted_places, sorted_keys = np.array(places, dtype=np.int64)[order], found_by[order]
    _, starts, sizes = np.unique(sorted_keys, return_index=True, return_counts=True)
    pairs = set()
    for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
        if 1 < size <= MOST_WITHIN:
            group = sorted(set(sorted_places[start : start + size].tolist()))
            pairs |= {(later, earlier) for n, later in enumerate(group) for earlier in group[:n]}
    among = _people(session, partner_id) + len(kept)
    shared = {
        name: Counter(value for who in kept if (value := getattr(who, name.value)))
        for name in (Field.PHONE, Field.EMAIL, Field.POSTCODE)
    }
    families = Counter(who.names[1] for who in kept)
    best: dict[int, tuple[float, int]] = {}
    for later, earlier in sorted(pairs):
        one, other = kept[later], kept[earlier]
        counts = {name: there[getattr(one, name.value)] for name, there in shared.items()}
        common = (None, families[one.names[1]] / among if one.family else None)
        if not model().may_be(one, other, among, common):
            continue
        found = model().verdict(one, other, among, counts, common).probability
        if found >= MAY_BE and found > best.get(later, (0.0, 0))[0]:
            best[later] = (found, earlier)
    return sorted((later, earlier) for later, (_, earlier) in best.items())


_counted: WeakKeyDictionary[Engine, dict[UUID, tuple[float, int]]] = WeakKeyDictionary()


def _people(session: Session, partner_id: UUID, before: UUID | None = None) -> int:
    """Return how many people a partner knows, at least one; with ``before`` how many before that one, counted anew."""
    everybody = select(func.count()).where(Jobseeker.partner_id == partner_id)
    if before is not None:
        return session.scalars(everybody.where(Jobseeker.id < before)).one()
    engine = session.get_bind()
    counts = _counted.setdefault(engine.engine, {})
    at, count = counts.get(partner_id, (0.0, 0))
    if count < LARGE or time.monotonic() - at > KEPT_SECONDS:
        count = session.scalars(everybody).one()
        counts[partner_id] = (time.monotonic(), count)
    return max(count, 1)


def fill(database: Database, stop: Event | None = None) -> int:
    """Make the keys of everybody who has none, as after an upgrade or a load by bulk; return of how many.

    In small pieces, made with nothing open and kept in transactions of their own. In a service, which gives ``stop``,
    a moment is left between them, so that whoever writes beside it never waits for more than one.
    """
    done, last = 0, UUID(int=0)
    without = ~select(PersonKey.id).where(*_facts_of()).exists()
    while True:
        told: list[dict[str, Any]] = []
        with database.reading(newest=True) as session:
            people = session.execute(
                select(Jobseeker.partner_id, Jobseeker.id)
                .where(Jobseeker.id > last, without)
                .order_by(Jobseeker.id)
                .limit(AT_ONCE)
            ).all()
            for partner_id in {row.partner_id for row in people}:
                ids = [row.id for row in people if row.partner_id == partner_id]
                found = session.connection().execute(CANDIDATES, {"partner": partner_id, "ids": ids})
                told += [
                    {"partner_id": partner_id, "jobseeker_id": row.id, "key": key}
                    for row in found
                    for key in sorted({hashed(session, key) for key in keys_of(_identity_of(row))})
                ]
        if not people:
            return done
        with database.writing(None) as session:
            # Another process may be making those of an upgrade, too.
            insert_if_absent(session, PersonKey, told)
        last, done = people[-1].id, done + len(people)
        if stop is not None and stop.wait(PAUSE_SECONDS):
            return done


def _facts_of() -> tuple[Any, Any]:
    return PersonKey.partner_id == Jobseeker.partner_id, PersonKey.jobseeker_id == Jobseeker.id
