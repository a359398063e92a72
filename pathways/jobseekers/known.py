"""Is this person known already? Keyed hashes of name, birthday, address and numbers find who it may be; a model weighs.

What is looked up by is a hash under the service's own key, so the table tells nothing to whoever reads it alone. A
record found by any key is compared field by field (``matching/people``); nothing is ever merged by a number.
"""

import time
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from threading import Event
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from rapidfuzz.distance import DamerauLevenshtein
from sqlalchemy import (
    ColumnElement,
    Engine,
    Select,
    Uuid,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    union_all,
)

from matching.people.compare import Field
from matching.people.identity import Identity, keys_of
from matching.people.linkage import Linkage, Verdict
from pathways import audit
from pathways.database import Database, Session, WriteSession, insert_unless_there
from pathways.facts import as_known
from pathways.jobseekers import formats
from pathways.jobseekers.models import Jobseeker, JobseekerDetails, JobseekerState, PersonKey

# From here on two records go to a person to look at; from here on they are put forward as one.
MAY_BE, SURELY = 0.5, 0.99
# So many records under one key are looked at; a key that more share tells next to nothing.
MOST_OF_A_KEY = 60
MOST_COUNTED = 1_000  # of people of one name
AT_ONCE, PAUSE_SECONDS = 500, 0.05
# A count of very many people is kept for a while: it sets odds, and a thousandth more or less changes none.
LARGE, KEPT_SECONDS = 10_000, 600.0
SIGNED = 2**63
IDENTIFIERS = ("nino", "nhs_number")
PARTNER: Any = bindparam("partner", type_=Uuid())


@dataclass(frozen=True)
class Hit:
    """Somebody it may be: the columns of the record that are shown, and how probable it is."""

    row: Any
    verdict: Verdict

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


def identity(session: Session, key: str, values: Mapping[str, Any]) -> Identity:
    """Return plain details as they are compared; identifiers as the hashes that are kept."""
    hashes = {}
    for name in IDENTIFIERS:
        text = formats.compact(values.get(name))
        if text:
            hashes[name] = session.vault.fingerprint(name, text)
    born = values.get("date_of_birth")
    return Identity(
        key,
        values.get("given_name") or "",
        values.get("family_name") or "",
        values.get("known_as") or "",
        f"{born:%Y%m%d}" if born else "",
        formats.compact(values.get("postcode")) or "",
        formats.tidy_phone(values.get("phone")) or "",
        (values.get("email") or "").strip().lower(),
        identifiers=hashes,
    )


def hashed(session: Session, key: str) -> int:
    """Return a key as it is kept: a keyed hash, of 64 bits."""
    return int(session.vault.fingerprint("person", key)[:16], 16) - SIGNED


def index(session: WriteSession, partner_id: UUID, jobseeker_id: UUID, who: Identity) -> None:
    """Keep the keys of a person's details, and none of what they were before."""
    wanted = {hashed(session, key) for key in keys_of(who)}
    mine = (PersonKey.partner_id == partner_id, PersonKey.jobseeker_id == jobseeker_id)
    there = set(session.scalars(select(PersonKey.key).where(*mine)))
    if there - wanted:
        session.execute(delete(PersonKey).where(*mine, PersonKey.key.in_(there - wanted)))
    whose = {"partner_id": partner_id, "jobseeker_id": jobseeker_id}
    insert_unless_there(session, PersonKey, [{**whose, "key": key} for key in sorted(wanted - there)])


@lru_cache(maxsize=64)
def whoever_shares(count: int) -> Select[Any]:
    """Return the query of who shares any of so many keys, some of each. Made once: it is long."""
    parts = [
        select(literal(n).label("n"), PersonKey.jobseeker_id)
        .where(PersonKey.key == bindparam(f"key_{n}"), PersonKey.partner_id == PARTNER)
        .order_by(PersonKey.jobseeker_id.desc())
        .limit(MOST_OF_A_KEY + 1)
        .subquery()
        for n in range(count)
    ]
    return select(union_all(*(select(part) for part in parts)).subquery())


CANDIDATES = (
    select(
        Jobseeker.id,
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


def _how_many(condition: ColumnElement[bool]) -> Any:
    """Return the query of how many people a condition holds for; beyond a thousand it does not matter."""
    some = select(literal(1)).select_from(Jobseeker).where(Jobseeker.partner_id == PARTNER, condition)
    return select(func.count()).select_from(some.limit(MOST_COUNTED).subquery()).scalar_subquery()


# How many share a family name, and a postcode: a hostel's tells little.
SHARED = select(
    _how_many(Jobseeker.family_key == bindparam("family")), _how_many(Jobseeker.postcode_key == bindparam("postcode"))
)


def look_up(
    session: Session,
    partner_id: UUID,
    who: Identity,
    *,
    but: UUID | None = None,
    identifiers: Mapping[str, Any] | None = None,
) -> list[Hit]:
    """Return whom of a partner's people it may be, likeliest first; a record made by mistake is nobody.

    This says nothing of who may see whom: the caller shows a hit to whoever may see that person. With ``identifiers``
    in plain, those of a record found by another key are opened where they differ, and that is noted as a read: a slip
    of one character is not another person's number.
    """
    keys = keys_of(who)
    if not keys:
        return []
    asked = {f"key_{n}": hashed(session, key) for n, key in enumerate(keys)}
    found = session.connection().execute(whoever_shares(len(keys)), {"partner": partner_id, **asked}).all()
    found_by = Counter(n for n, _ in found)
    # A key that very many share names the newest of them only: it counts where no other key finds anybody.
    few = {jobseeker_id for n, jobseeker_id in found if found_by[n] <= MOST_OF_A_KEY and jobseeker_id != but}
    ids = few or {jobseeker_id for _, jobseeker_id in found if jobseeker_id != but}
    if not ids:
        return []
    among = _people(session, partner_id)
    shared = {keys[n].split(":")[0]: count for n, count in found_by.items()}
    asked_of = {"partner": partner_id, "family": formats.name_key(who.family), "postcode": who.postcode}
    alike, at_home = session.connection().execute(SHARED, asked_of).one()
    counts = {Field.PHONE: shared.get("phone", 0), Field.EMAIL: shared.get("email", 0), Field.POSTCODE: at_home}
    common = (None, alike / among if alike and who.family else None)
    hits = []
    for row in session.connection().execute(CANDIDATES, {"partner": partner_id, "ids": list(ids)}):
        them = _identity_of(row)
        slips: Collection[str] = ()
        if identifiers and _differing(who, them):
            # Nobody's number is opened where a slip in it would not matter.
            if model().verdict(who, them, among, counts, common, IDENTIFIERS).probability < MAY_BE:
                continue
            slips = _slips(session, row, who, identifiers)
        verdict = model().verdict(who, them, among, counts, common, slips)
        if verdict.probability >= MAY_BE:
            hits.append(Hit(row, verdict))
    return _of_those_kept(session, partner_id, hits, but)


def _of_those_kept(session: Session, partner_id: UUID, hits: list[Hit], but: UUID | None) -> list[Hit]:
    """Return hits by the records that are kept: one that was merged stands for the one it was merged into."""
    best: dict[UUID, Hit] = {}
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
            best[row.id] = Hit(row, hit.verdict)
    return sorted(best.values(), key=lambda hit: (-hit.verdict.probability, hit.row.reference))


def _differing(one: Identity, other: Identity) -> bool:
    theirs = other.identifiers
    return any(theirs.get(kind, value) != value for kind, value in one.identifiers.items())


def _slips(session: Session, row: Any, who: Identity, identifiers: Mapping[str, Any]) -> list[str]:
    """Return which identifiers differ by one character; opening somebody's number is noted."""
    found = []
    for name in IDENTIFIERS:
        ours, theirs = formats.compact(identifiers.get(name)), getattr(row, f"{name}_hash")
        sealed = getattr(row, f"{name}_sealed")
        if not ours or not theirs or sealed is None or theirs == who.identifiers.get(name):
            continue
        if session.actor is not None:
            session.add(audit.row(session.actor, "jobseekers", row.id, row.id, is_change=False))
        plain = session.vault.open(sealed, place=f"jobseeker_details:{name}:{row.details_id}")
        if DamerauLevenshtein.distance(ours, plain, score_cutoff=1) <= 1:
            found.append(name)
    return found


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


_counted: WeakKeyDictionary[Engine, dict[UUID, tuple[float, int]]] = WeakKeyDictionary()


def _people(session: Session, partner_id: UUID) -> int:
    """Return how many people a partner knows, at least one."""
    engine = session.get_bind()
    counts = _counted.setdefault(engine.engine, {})
    at, count = counts.get(partner_id, (0.0, 0))
    if count < LARGE or time.monotonic() - at > KEPT_SECONDS:
        count = session.scalars(select(func.count()).where(Jobseeker.partner_id == partner_id)).one()
        counts[partner_id] = (time.monotonic(), count)
    return max(count, 1)


def fill(database: Database, stop: Event | None = None) -> int:
    """Make the keys of everybody who has none, as after an upgrade or a load by bulk; return of how many.

    In small pieces, made with nothing open and kept in transactions of their own. In a service, which gives ``stop``,
    a moment is left between them, so that whoever writes beside it never waits for more than one.
    """
    done, last = 0, UUID(int=0)
    without = ~select(PersonKey.id).where(*_theirs()).exists()
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
            insert_unless_there(session, PersonKey, told)
        last, done = people[-1].id, done + len(people)
        if stop is not None and stop.wait(PAUSE_SECONDS):
            return done


def _theirs() -> tuple[Any, Any]:
    return PersonKey.partner_id == Jobseeker.partner_id, PersonKey.jobseeker_id == Jobseeker.id
