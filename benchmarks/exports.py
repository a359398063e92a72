"""Compare two ways to read an export month: counting it with server-side cursors, and loading its rows as ORM objects.

``python -m benchmarks.exports [--people N] [--database sqlite|postgresql]``. About ten events for each person are bulk
inserted. The count and the ORM run in separate processes, so that the memory of each can be measured. The ORM reads at
most two million rows of the same tables, as known on the same day, and does nothing with them.
"""

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import select

from benchmarks.http import database_url
from benchmarks.results import record
from benchmarks.served_stage import peak_gigabytes
from benchmarks.stocked import settings_for
from pathways import migrate
from pathways.base import Actor, Role, Source
from pathways.database import Database
from pathways.enrolments.models import EnrolmentMove
from pathways.exports import actions
from pathways.exports.schemas import NewExport
from pathways.facts import as_known
from pathways.introductions.models import IntroductionMove
from pathways.jobseekers.models import Contact, JobseekerDetails, JobseekerMove, MonitoringAnswers, ProfileVersion
from pathways.progression.models import Outcome, SpellHours, SpellVersion
from pathways.referrals.models import ReferralMove
from tests.world import build_world

MONTH, AS_OF = "2026-09", date(2026, 10, 31)
FIRST, DAYS = date(2025, 1, 1), 600
AT_ONCE = 20_000  # people
NO = False
MOST_BY_ORM = 2_000_000  # rows
TABLES: dict[str, tuple[str, ...]] = {
    "referrals": (
        "ref",
        "source_key",
        "source_type",
        "referring_organisation_id",
        "referred_on",
        "state",
        "made_at",
        "version",
    ),
    "referral_moves": ("event", "to_state", "referral_id", "reason_is_for_referrer"),
    "jobseeker_moves": ("event", "to_state"),
    "jobseeker_details": ("date_of_birth", "postcode"),
    "monitoring_answers": (
        *("sex", "ethnic_group", "long_term_condition", "condition_reduces_activity", "gender_identity"),
        *("sexual_orientation", "religion"),
    ),
    "enrolment_moves": ("event", "to_state", "enrolment_id", "programme_id", "referral_id"),
    "profile_versions": ("number", "said_by", "agreed_on"),
    "contacts": ("with_whom", "how", "outcome"),
    "introduction_moves": ("event", "from_state", "to_state", "introduction_id", "made_by_role"),
    "spell_versions": ("spell_id", "enrolment_id", "kind", "title", "started_on", "is_own_supply_chain"),
    "spell_hours": ("spell_id", "hours"),
    "outcomes": (
        *("enrolment_id", "rule", "rule_version", "weeks_counted", "spell_ids", "evidence_ids", "figures"),
        "rests_on",
    ),
}
FACT = ("partner_id", "jobseeker_id", "id", "valid_on", "recorded_at", "source", "is_withdrawal", "reason", "by")
READ = (
    ReferralMove,
    EnrolmentMove,
    JobseekerMove,
    IntroductionMove,
    ProfileVersion,
    Contact,
    SpellVersion,
    SpellHours,
    Outcome,
    MonitoringAnswers,
    JobseekerDetails,
)
Row = tuple[Any, ...]


def life(drawn: random.Random, n: int, partner: str, office: str, programme: str, by: str) -> Iterator[tuple[str, Row]]:
    """Yield about ten database rows for the made-up person with number ``n``, each with the name of its table."""
    person, day = f"{n + 1:032x}", FIRST + timedelta(days=drawn.randrange(DAYS))
    count = 0

    def fact(table: str, on: date, *more: Any) -> tuple[str, Row]:
        nonlocal count
        count += 1
        key = f"{n + 1:026x}{count:06x}"
        at = f"{on.isoformat()} 12:00:00.000000"
        return table, (partner, person, key, on.isoformat(), at, "api", NO, "", by, *more)

    referral, enrolment, spell = (f"{kind}{n + 1:031x}" for kind in "abc")
    at = f"{day.isoformat()} 12:00:00.000000"
    source = drawn.choice(("JCP", "ASC", "SELF"))
    columns = (f"R{n}", f"{n}", source, None if source == "SELF" else office, day.isoformat(), "submitted", at, 1)
    yield "referrals", (partner, person, referral, *columns)
    yield fact("referral_moves", day, "submit", "submitted", referral, 0)
    yield fact("jobseeker_moves", day, "open", "open")
    born = date(1970 + drawn.randrange(38), 1 + drawn.randrange(12), 2)
    yield fact("jobseeker_details", day, born.isoformat(), drawn.choice(("NW4 4BT", "N2 8AA", "HA8 0AA")))
    answers = (drawn.choice(("female", "male")), drawn.choice("abcde"), drawn.choice(("yes", "no")))
    yield fact("monitoring_answers", day, *answers, "no", "x", "x", "x")
    day += timedelta(days=drawn.randrange(1, 20))
    yield fact("enrolment_moves", day, "start", "active", enrolment, programme, referral)
    day += timedelta(days=drawn.randrange(1, 15))
    yield fact("profile_versions", day, 1, "{}", day.isoformat())
    yield fact("contacts", day, "employer", "phone", "spoke")
    for event, before, after in (("send", "agreed", "sent"), ("offer", "sent", "offered")):
        if drawn.random() < 0.8:
            yield fact("introduction_moves", day, event, before, after, f"d{n + 1:031x}", "caseworker")
    if drawn.random() < 0.6:
        day += timedelta(days=drawn.randrange(1, 40))
        yield fact("spell_versions", day, spell, enrolment, "JOB_OPEN", "Cafe", day.isoformat(), NO)
        for week in range(3):
            yield fact("spell_hours", day + timedelta(weeks=week), spell, 16)
        if drawn.random() < 0.4:
            day += timedelta(weeks=13)
            yield fact("outcomes", day, enrolment, "LOCAL_13_IN_16", "1", 13, "[]", "[]", "{}", "[]")


def columns_of(table: str) -> tuple[str, ...]:
    """Return the columns that are filled in a table, in the order of ``life``'s rows."""
    head = ("partner_id", "jobseeker_id", "id") if table == "referrals" else FACT
    return (*head, *TABLES[table])


def fill(url: str, people: int) -> int:
    """Bulk insert made-up people, and return the number of rows from which an export month is counted."""
    database = Database.of(settings_for(url))
    migrate.upgrade(database)
    world = build_world(database)
    partner, office = world.organisations["partner"].hex, world.organisations["job_centre"].hex
    by = world.operator.user_id.hex
    programme = world.programme_id.hex
    drawn, count = random.Random(7), 0
    rows_of: dict[str, list[Row]] = {table: [] for table in TABLES}
    database.close()
    with closing(_writer(url)) as writer:
        for start in range(0, people, AT_ONCE):
            for n in range(start, min(people, start + AT_ONCE)):
                for table, row in life(drawn, n, partner, office, programme, by):
                    rows_of[table].append(row)
            for table, rows in rows_of.items():
                count += 0 if table == "referrals" else len(rows)
                writer.put(table, rows)
                rows.clear()
    database = Database.of(settings_for(url))
    database.count_rows()
    database.close()
    return count


class _Sqlite:
    def __init__(self, path: str) -> None:
        import sqlite3  # noqa: PLC0415 - needed for SQLite only

        self.connection = sqlite3.connect(path)
        self.connection.execute("PRAGMA synchronous = OFF")

    def put(self, table: str, rows: list[Row]) -> None:
        columns = columns_of(table)
        names = ", ".join(f'"{name}"' for name in columns)
        marks = ", ".join("?" * len(columns))
        self.connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 - our names

    def close(self) -> None:
        self.connection.commit()
        self.connection.close()


class _Postgres:
    def __init__(self, url: str) -> None:
        self.connection = psycopg.connect(url.replace("+psycopg", ""))
        self.connection.execute("SET session_replication_role = replica")

    def put(self, table: str, rows: list[Row]) -> None:
        names = ", ".join(f'"{name}"' for name in columns_of(table))
        with self.connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)

    def close(self) -> None:
        self.connection.commit()
        self.connection.autocommit = True
        self.connection.execute("ANALYZE")
        self.connection.close()


def _writer(url: str) -> _Sqlite | _Postgres:
    return _Sqlite(url.removeprefix("sqlite:///")) if url.startswith("sqlite") else _Postgres(url)


def count_month(url: str) -> None:
    """Count the month as `pathways export month` does before suppression."""
    database = Database.of(settings_for(url))
    operator = Actor(UUID(int=0), UUID(int=0), Role.OPERATOR, source=Source.COMMAND_LINE)
    began = time.perf_counter()
    with database.reading() as session:
        from pathways.organisations.models import Organisation  # noqa: PLC0415 - only this process

        fund = session.scalars(select(Organisation.id).where(Organisation.ref == "skills-fund")).one()
        counted = actions.count(session, operator, NewExport(month=MONTH, commissioner_id=fund, as_of=AS_OF))
    print(counted.tally.people, time.perf_counter() - began, peak_gigabytes())


def read_by_orm(url: str) -> None:
    """Read the tables of ``count_month`` as ORM objects, as known on the same day and in the same order."""
    database = Database.of(settings_for(url))
    began, rows = time.perf_counter(), 0
    from pathways.base import end_of_local_day  # noqa: PLC0415 - only this process

    with database.reading() as session:
        for model in READ:
            query = select(model).where(as_known(model, end_of_local_day(AS_OF)))
            query = query.order_by(model.partner_id, model.jobseeker_id, model.valid_on, model.recorded_at, model.id)
            objects = session.scalars(query.execution_options(yield_per=2_000))
            rows += sum(1 for _ in islice(objects, MOST_BY_ORM // len(READ)))
    print(rows, time.perf_counter() - began, peak_gigabytes())


def report(kind: str, people: int) -> None:
    """Fill a database, time both ways to read it, and print and record the figures."""
    with tempfile.TemporaryDirectory() as folder, database_url(kind, Path(folder)) as url:
        began = time.perf_counter()
        rows = fill(url, people)
        print(
            f"{kind}: {people:,} people, {rows:,} events, inserted in {time.perf_counter() - began:.0f} s", flush=True
        )
        counted, seconds, peak = _in_own_process("count", url)
        print(f"counted {counted:,.0f} people in {seconds:.1f} s: {rows / seconds:,.0f} rows a second, {peak:.2f} GB")
        read, orm_seconds, orm_peak = _in_own_process("orm", url)
        print(f"{read:,.0f} ORM objects: {read / orm_seconds:,.0f} rows a second, {orm_peak:.2f} GB")
        ratio = (rows / seconds) / (read / orm_seconds)
        print(f"the count reads {ratio:.1f} times as many rows a second as the ORM")
        what = f"a month of {people} people, rows a second, {kind}"
        record(what, rows / seconds, "ORM iteration", read / orm_seconds, ratio)


def _in_own_process(what: str, url: str) -> tuple[float, float, float]:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.exports", "--only", what, "--url", url]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    first, second, third = map(float, done.stdout.split()[-3:])
    return first, second, third


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"))
    parser.add_argument("--only", choices=("count", "orm"), help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.only:
        (count_month if options.only == "count" else read_by_orm)(options.url)
        return
    for kind in [options.database] if options.database else ["sqlite", "postgresql"]:
        report(kind, options.people)


if __name__ == "__main__":
    main()
