"""What every table and every request stands on: columns, clocks, roles, and the one who asks."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, DateTime, Dialect, Enum, Integer, MetaData, String, TypeDecorator, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column
from uuid_utils.compat import uuid7

LONDON = ZoneInfo("Europe/London")


def utc_now() -> datetime:
    return datetime.now(UTC)


def local_day(at: datetime) -> date:
    """The Europe/London day of an instant; every month boundary is one of these."""
    return at.astimezone(LONDON).date()


def end_of_local_day(day: date) -> datetime:
    """The last instant of a Europe/London day, in UTC."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999999, tzinfo=LONDON).astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware instant, kept in UTC on both databases; a naive one is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant needs its time zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), UUID: Uuid()}  # noqa: RUF012 - SQLAlchemy reads it as it stands


PrimaryKey = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]


def words(enumeration: type[StrEnum]) -> Enum:
    """Return the column type of an enumeration: its values as text, checked in Python and not by a named CHECK."""
    longest = max(len(member.value) for member in enumeration)
    return Enum(
        enumeration,
        native_enum=False,
        create_constraint=False,
        length=max(40, longest),
        values_callable=lambda members: [member.value for member in members],
    )


def one_of(column: str, values: type[StrEnum]) -> str:
    """Return the SQL that lets a column hold only the words of an enumeration."""
    allowed = ", ".join(f"'{member.value}'" for member in values)
    return f"{column} IN ({allowed})"


class Versioned:
    """A row that people edit: its version is its ETag, and a write against an older one is refused."""

    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class method by its decorator
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]  # a mixin of tables


class Role(StrEnum):
    """What a member does in an organisation."""

    REFERRER = "referrer"
    CASEWORKER = "caseworker"
    TEAM_MANAGER = "team_manager"
    PLACEMENT_LISTER = "placement_lister"
    COMMISSIONER = "commissioner"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Nation(StrEnum):
    """Decides an organisation's bank holidays."""

    ENGLAND = "england"
    WALES = "wales"
    SCOTLAND = "scotland"
    NORTHERN_IRELAND = "northern_ireland"


class Source(StrEnum):
    """The way a fact came in."""

    API = "api"
    PAGE = "page"
    COMMAND_LINE = "command_line"
    IMPORT = "import"
    DEMONSTRATION = "demonstration"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, for which organisation, in what role, by which way, and when.

    ``at`` is the one instant of the whole act: every fact it records carries it.
    """

    user_id: UUID
    organisation_id: UUID
    role: Role
    membership_id: UUID | None = None
    source: Source = Source.API
    doing: str = ""
    request_id: str = ""
    at: datetime = field(default_factory=utc_now)

    @property
    def today(self) -> date:
        return local_day(self.at)

    def then(self, **changes: Any) -> "Actor":
        """Return the same one, at another time or doing something else."""
        return replace(self, **changes)


# Ids of rows that are many and that nobody names: SQLite counts only an INTEGER by itself.
Numbered = BigInteger().with_variant(Integer, "sqlite")
SHORT = String(80)
LINE = String(300)
