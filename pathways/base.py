"""The basis of every table and request: column types, time, roles, and the actor."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
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


def day_in_words(day: date) -> str:
    """Return a day as people write it, such as "31 May 2026"."""
    return f"{day.day} {day:%B %Y}"


def local_day(at: datetime) -> date:
    """Return the Europe/London day of an instant. Months also consist of Europe/London days."""
    return at.astimezone(LONDON).date()


def hours_into_local_day(at: datetime) -> Decimal:
    """Return how many hours of a Europe/London day have passed at an instant: 23 to 25 at its end."""
    day = local_day(at)
    passed = at.astimezone(UTC) - datetime(day.year, day.month, day.day, tzinfo=LONDON).astimezone(UTC)
    return Decimal(passed // timedelta(minutes=1)) / 60


def end_of_local_day(day: date) -> datetime:
    """Return the last instant of a Europe/London day, in UTC."""
    return datetime(day.year, day.month, day.day, 23, 59, 59, 999999, tzinfo=LONDON).astimezone(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """The column type of an instant, stored in UTC. Raises ``ValueError`` for a datetime without a time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A datetime must have a time zone.")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base class of every table, with the names of constraints and the types of columns."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {datetime: UtcDateTime(), UUID: Uuid()}  # noqa: RUF012 - SQLAlchemy requires a plain dict


PrimaryKey = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]


def words(enumeration: type[StrEnum]) -> Enum:
    """Return the column type of an enumeration: its values as text, validated in Python."""
    longest = max(len(member.value) for member in enumeration)
    return Enum(
        enumeration,
        native_enum=False,
        create_constraint=False,
        length=max(40, longest),
        values_callable=lambda members: [member.value for member in members],
    )


def one_of(column: str, values: type[StrEnum]) -> str:
    """Return the SQL of a CHECK constraint that allows only the values of an enumeration."""
    allowed = ", ".join(f"'{member.value}'" for member in values)
    return f"{column} IN ({allowed})"


class Versioned:
    """Mixin of a row that members edit. Its version is its ETag, and a write to an older version is refused."""

    version: Mapped[int] = mapped_column(default=1)

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - a class method by its decorator
        return {"version_id_col": cls.__table__.c.version}  # type: ignore[attr-defined]  # a mixin of tables


class Role(StrEnum):
    """The role of a member in an organisation, which decides what the member may do."""

    REFERRER = "referrer"
    CASEWORKER = "caseworker"
    TEAM_MANAGER = "team_manager"
    PLACEMENT_LISTER = "placement_lister"
    COMMISSIONER = "commissioner"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    OPERATOR = "operator"


class Nation(StrEnum):
    """The nation of an organisation, which decides its bank holidays."""

    ENGLAND = "england"
    WALES = "wales"
    SCOTLAND = "scotland"
    NORTHERN_IRELAND = "northern_ireland"


class Source(StrEnum):
    """The way in which a fact was recorded."""

    API = "api"
    PAGE = "page"
    COMMAND_LINE = "command_line"
    IMPORT = "import"
    DEMONSTRATION = "demonstration"


@dataclass(slots=True)
class ReadPeople:
    """The ids of the jobseekers whose data the replies to one request contain, and of those already in the audit.

    ``outside`` are the jobseekers about whom somebody outside the partner read more than references and states. The
    audit has a row of that reading in addition to the row of a change, so that what was read can be listed later.
    """

    people: set[UUID] = field(default_factory=set)
    audited: set[UUID] = field(default_factory=set)
    outside: set[UUID] = field(default_factory=set)

    @property
    def unaudited(self) -> set[UUID]:
        return (self.people - self.audited) | self.outside


@dataclass(frozen=True, slots=True)
class Actor:
    """The member or operator in whose name something is done: user, organisation, role, source, permission and time.

    ``doing`` is the permission in use. ``at`` is the time of the whole act; every fact that it records has this time.
    ``key_id`` and ``address`` say with which API key and from which network address the request came. ``reading`` is
    filled by whatever shapes a reply about a jobseeker. ``scopes`` are the permissions that the key is limited to
    (None: all of the role's), and ``issued_by`` is the user who issued the key.
    """

    user_id: UUID
    organisation_id: UUID
    role: Role
    membership_id: UUID | None = None
    source: Source = Source.API
    doing: str = ""
    request_id: str = ""
    scopes: frozenset[str] | None = None
    issued_by: UUID | None = None
    at: datetime = field(default_factory=utc_now)
    key_id: UUID | None = None
    address: str = ""
    reading: ReadPeople = field(default_factory=ReadPeople, compare=False, repr=False)

    @property
    def today(self) -> date:
        return local_day(self.at)

    def then(self, **changes: Any) -> "Actor":
        """Return a copy of the actor with some fields changed."""
        return replace(self, **changes)


# Surrogate ids for high-volume tables that are never exposed. SQLite increments only an INTEGER automatically.
Numbered = BigInteger().with_variant(Integer, "sqlite")
SHORT = String(80)
LINE = String(300)
