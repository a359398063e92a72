"""The check values of a database: with them a wrong key is recognised before anything is read or written with it.

The table has one row, so that two services that start at once cannot record a mixture of their keys. A check value is
derived from a key and does not reveal it (``Vault.check_values``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hmac import compare_digest
from os import urandom

from sqlalchemy import CheckConstraint, Connection, inspect, select
from sqlalchemy.orm import Mapped, mapped_column

from pathways.base import SHORT, Base
from pathways.errors import Unavailable
from pathways.vault import Vault, key_id

SALT_BYTES = 16
SETTINGS = {"encryption_key": "PATHWAYS_ENCRYPTION_KEY", "hash_key": "PATHWAYS_HASH_KEY"}


class KeyState(StrEnum):
    """Whether the keys that are set are those of the database."""

    RIGHT = "right"
    WRONG = "wrong"
    NOT_RECORDED = "not recorded"  # the database has no check values yet


class WrongKey(Unavailable):
    title = "The service does not have the keys of its database"


class KeyCheck(Base):
    """The salt and the check values of the two keys. There is one row at most."""

    __tablename__ = "key_checks"
    __unaudited__ = True
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    salt: Mapped[str] = mapped_column(SHORT)
    encryption_key: Mapped[str] = mapped_column(SHORT)
    hash_key: Mapped[str] = mapped_column(SHORT)
    made_at: Mapped[datetime]


@dataclass(frozen=True)
class CheckValues:
    """A salt and, by the name of the setting, the check value of each key. Backups contain them too."""

    salt: bytes
    values: Mapping[str, str]

    @classmethod
    def new(cls, vault: Vault) -> "CheckValues":
        salt = urandom(SALT_BYTES)
        return cls(salt, vault.check_values(salt))

    def wrong(self, vault: Vault) -> list[str]:
        """Return the names of the keys of the vault that are not the keys of these values."""
        own = vault.check_values(self.salt)
        return [name for name, value in self.values.items() if not compare_digest(value, own.get(name, ""))]

    def refuse_wrong(self, vault: Vault, owner: str) -> None:
        """Raise ``WrongKey`` unless the vault has both keys. ``owner`` is what they are the keys of."""
        wrong = self.wrong(vault)
        if wrong:
            own = vault.check_values(self.salt)
            ids = ", ".join(f"{key_id(own[name])} instead of {key_id(self.values[name])}" for name in wrong)
            raise WrongKey(f"{listed(wrong)} {owner} (id {ids}). Set the right key. Nothing was changed.")

    def ids(self) -> dict[str, str]:
        """Return the id of each key, for people."""
        return {name: key_id(value) for name, value in self.values.items()}


def listed(names: Sequence[str]) -> str:
    """Return the beginning of a sentence about the settings of wrong keys."""
    settings = " and ".join(SETTINGS[name] for name in names)
    return f"{settings} {'is not the key' if len(names) == 1 else 'are not the keys'} of"


def recorded(connection: Connection) -> CheckValues | None:
    """Return the check values of a database; None if it has none, or is older than the table."""
    if not inspect(connection).has_table(KeyCheck.__tablename__):
        return None
    row = connection.execute(select(KeyCheck.salt, KeyCheck.encryption_key, KeyCheck.hash_key)).one_or_none()
    if row is None:
        return None
    return CheckValues(bytes.fromhex(row.salt), {"encryption_key": row.encryption_key, "hash_key": row.hash_key})
