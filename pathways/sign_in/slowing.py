"""Slows people who try again and again to sign in, without locking anybody out.

What is counted is the network address, and the browser or link with which codes are tried: never an account that
anybody can name. So nobody can keep another person from signing in by failing on purpose.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update

from pathways.base import local_day
from pathways.database import WriteSession, insert_if_absent
from pathways.errors import NotPermitted
from pathways.reference import tables
from pathways.sign_in.models import SignInTries

FORGET = timedelta(days=1)


class TooManyTries(NotPermitted):
    title = "Too many tries to sign in"


@dataclass(frozen=True, slots=True)
class TryKey:
    """What tries are counted by: a kind (``address``, ``browser``, ``link``, ``mail``) and the value of that kind."""

    kind: str
    value: str

    def key(self, session: WriteSession) -> str:
        return session.vault.fingerprint(f"sign_in_{self.kind}", self.value)


def count(session: WriteSession, at: datetime, counted: TryKey) -> None:
    """Count one try before it is known whether it succeeds, so that tries at the same moment count too.

    Raises ``TooManyTries`` while a wait lasts. After the free tries each wait is twice as long as the one before, up
    to the longest wait. Tries are forgotten a day after the last.
    """
    key = counted.key(session)
    insert_if_absent(session, SignInTries, [{"key": key, "tries": 0, "last_at": at}])
    row = session.get_one(SignInTries, key, with_for_update=True, populate_existing=True)
    if at - row.last_at > FORGET:
        row.tries = 0
    free = int(tables.limit(f"sign_in_free_tries_by_{counted.kind}", local_day(at)))
    longest = float(tables.limit("sign_in_longest_wait_seconds", local_day(at)))
    beyond = row.tries - free
    wait = timedelta(seconds=min(longest, 2.0 ** min(beyond, 30))) if beyond >= 0 else timedelta(0)
    left = row.last_at + wait - at
    if left > timedelta(0):
        seconds = int(left.total_seconds()) + 1
        raise TooManyTries(f"Wait {_in_words(seconds)}, then try again. Your account is not locked.")
    row.tries, row.last_at = row.tries + 1, at
    session.flush()


def _in_words(seconds: int) -> str:
    minutes = -(-seconds // 60)
    if seconds <= 90:  # noqa: PLR2004 - up to here, seconds are easier to follow
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    return f"{minutes} minutes"


def forgive(session: WriteSession, counted: TryKey) -> None:
    """Forget the tries, because one succeeded."""
    gone = update(SignInTries).where(SignInTries.key == counted.key(session)).values(tries=0)
    session.execute(gone, execution_options={"synchronize_session": False})


def forget(session: WriteSession, at: datetime) -> None:
    """Delete counts that no longer slow anybody."""
    session.execute(delete(SignInTries).where(SignInTries.last_at < at - FORGET))
