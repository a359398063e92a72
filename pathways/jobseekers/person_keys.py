"""The stored keys of people: keyed hashes of their details, by which other records of the same person are found.

The hashes use the service's own secret, so the table alone reveals nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Integer, Select, Uuid, bindparam, func, select, true, union_all

from pathways.database import Session
from pathways.jobseekers.models import PersonKey

# An SQLite statement searches for 32 keys (enough for one person) or for 96. Unused places are filled with NO_KEY. Only
# two numbers are used, because each different number needs a prepared statement of its own.
KEYS_OF_ONE, KEYS_AT_ONCE, NO_KEY = 32, 96, 0
SIGNED = 2**63
PARTNER: Any = bindparam("partner", type_=Uuid())
MOST: Any = bindparam("most", type_=Integer())


def hashed(session: Session, key: str) -> int:
    """Return the form in which a key is stored: a keyed hash of 64 bits."""
    return int(session.vault.fingerprint("person", key)[:16], 16) - SIGNED


@lru_cache(maxsize=128)
def _sharing_query(count: int) -> Select[Any]:
    """Return the query for the people with each of ``count`` keys. It is long, so it is cached for each count."""
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
    """Return the same query as ``_sharing_query``, for any number of keys, so that PostgreSQL plans it only once."""
    keys = func.unnest(bindparam("keys", type_=ARRAY(BigInteger))).table_valued("key").render_derived()
    people = (
        select(PersonKey.jobseeker_id)
        .where(PersonKey.key == keys.c.key, PersonKey.partner_id == PARTNER)
        .order_by(PersonKey.jobseeker_id.desc())
        .limit(MOST)
        .lateral()
    )
    return select(keys.c.key, people.c.jobseeker_id).select_from(keys).join(people, true())


def sharing(session: Session, partner_id: UUID, keys: Sequence[int], most: int) -> dict[int, list[UUID]]:
    """Return for each key the ids of the people who have it: the newest first, limited to ``most`` ids."""
    sharers: dict[int, list[UUID]] = {}
    if not keys:
        return sharers
    parameters = {"partner": partner_id, "most": most}
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        rows = connection.execute(_sharing_query_any(), {**parameters, "keys": list(keys)}).all()
    else:
        rows = []
        size = len(keys) if len(keys) <= KEYS_OF_ONE else KEYS_AT_ONCE
        for start in range(0, len(keys), size):
            batch = [*keys[start : start + size], *[NO_KEY] * (start + size - len(keys))]
            key_parameters = {f"key_{n}": key for n, key in enumerate(batch)}
            rows += connection.execute(_sharing_query(size), {**parameters, **key_parameters}).all()
    for key, jobseeker_id in rows:
        sharers.setdefault(key, []).append(jobseeker_id)
    return sharers
