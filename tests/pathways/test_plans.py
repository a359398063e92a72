"""Hot queries read by an index on both databases, and no list asks more often as it grows."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, event, func, select, text
from uuid_utils.compat import uuid7

from pathways import app as pathways_app
from pathways.base import Base
from pathways.claims.models import Claim, ClaimMove, ClaimState
from pathways.database import Database
from pathways.enrolments.models import Enrolment
from pathways.exports.models import Export, ExportFile
from pathways.introductions.models import FeedbackHow, StartFeedback
from pathways.jobseekers.models import Jobseeker, Merge
from pathways.messages.models import Email, Notice, NoticeKind, WebhookDelivery, WebhookEndpoint
from pathways.partner_enquiries.models import ContactRequest, ElsewhereAsk, RequestState, SharingAgreement
from pathways.placements import queries as placement_queries
from pathways.programmes.models import ProgrammePrice
from pathways.progression import queries as progression_queries
from pathways.progression.models import Outcome
from pathways.shortlists import index
from pathways.shortlists import queries as shortlist_queries
from pathways.shortlists.models import ModelState, RankingModel
from pathways.support.models import BarrierKind
from tests import postgres
from tests.conftest import BACKENDS, settings_for
from tests.stock import DAY, Stock, fill
from tests.work import hours_so_far
from tests.world import World

PEOPLE, PLACEMENTS = 3_000, 2_000
BIG = 500
# What a page of ten may read of big tables: on PostgreSQL rows, on SQLite steps of its machine. The widest takes 215
# rows and 1,600 steps, the keys of six hundred members 11,000; a whole table is 3,000 rows and 15,000 steps or more.
MOST_ROWS, MOST_STEPS = 500, 13_000
Told = list[tuple[str, Any]]


@contextmanager
def listening(database: Database) -> Iterator[Told]:
    """Keep every statement that is sent, with its parameters; of many sets of them the first."""
    told: Told = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        told.append((statement, parameters[0] if isinstance(parameters, list) else parameters))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield told
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


# What a statement reads.


def faults_of(connection: Connection, told: Told, big: set[str], *, may_read_much: bool = False) -> list[str]:
    """Return what is wrong with the plans of some statements: a big table scanned whole, or too much of one read."""
    look = _sqlite_reading if connection.dialect.name == "sqlite" else _postgresql_reading
    faults: list[str] = []
    for statement, parameters in told:
        if not re.match(r"(SELECT|INSERT|UPDATE|DELETE|WITH)\b", statement):
            continue
        scanned, read, most = look(connection, statement, parameters, big)
        connection.rollback()
        what = f"in {' '.join(statement.split())[:300]}"
        faults += [f"{table} is scanned whole {what}" for table in sorted(scanned & big)]
        if read > most and not may_read_much:
            faults.append(f"{read} is read, over {most}, {what}")
    return faults


def _sqlite_reading(connection: Connection, statement: str, parameters: Any, _: set[str]) -> tuple[set[str], int, int]:
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    names = _names(statement)
    scanned = {
        names.get(found[1], found[1]) for row in plan if (found := re.match(r"SCAN (\w+)(?!.*\bUSING\b)", row[3]))
    }
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 100
        return 0

    if statement.startswith("SELECT"):
        raw: Any = connection.connection.driver_connection
        raw.set_progress_handler(count, 100)
        connection.exec_driver_sql(statement, parameters).all()
        raw.set_progress_handler(None, 0)
    return scanned, steps, MOST_STEPS


def _names(statement: str) -> dict[str, str]:
    """Return which table each alias stands for."""
    return {alias: table for table, alias in re.findall(r"(?:FROM|JOIN|,)\s+(\w+) AS (\w+)", statement)}


def _postgresql_reading(
    connection: Connection, statement: str, parameters: Any, big: set[str]
) -> tuple[set[str], int, int]:
    how = "ANALYZE, FORMAT JSON" if statement.startswith("SELECT") else "FORMAT JSON"
    found = connection.exec_driver_sql(f"EXPLAIN ({how}) {statement}", parameters).scalar_one()
    plan = json.loads(found) if isinstance(found, str) else found
    nodes = [node for node in _nodes(plan[0]["Plan"]) if node.get("Relation Name") in big]
    scanned = {node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"}
    read = sum(
        (node.get("Actual Rows", 0) + node.get("Rows Removed by Filter", 0)) * node.get("Actual Loops", 0)
        for node in nodes
    )
    return scanned, int(read), MOST_ROWS


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


# What is asked.

PERSON = "/jobseekers/{jobseeker_id}"
# By partner or by when it was recorded, as the database judges: of two partners SQLite cannot tell which is small.
MONTH = "the month of a small partner"
# Who asks for what; every page is of ten.
GETS = {
    "a caseload": ("manager", "/jobseekers?limit=10"),
    "a caseload, as a caseworker sees it": ("caseworker", "/jobseekers?limit=10"),
    "open cases": ("manager", "/jobseekers?limit=10&state=open"),
    "closed cases, of which there are few": ("manager", "/jobseekers?limit=10&state=closed"),
    "the caseload of one caseworker": ("manager", "/jobseekers?limit=10&caseworker={caseworker_id}"),
    "the caseload of one with few": ("manager", "/jobseekers?limit=10&caseworker={colleague_id}"),
    "what changed since": ("manager", "/jobseekers?limit=10&updated_since=2099-01-01T00:00:00Z"),
    "another partner's caseload": ("other_manager", "/jobseekers?limit=10"),
    "one jobseeker": ("caseworker", PERSON),
    "one profile": ("caseworker", f"{PERSON}/profile"),
    "versions of a profile": ("caseworker", f"{PERSON}/profile/versions?limit=10"),
    "permissions": ("caseworker", f"{PERSON}/permissions?limit=10"),
    "contacts": ("caseworker", f"{PERSON}/contacts?limit=10"),
    "duplicates": ("caseworker", f"{PERSON}/duplicates"),
    "a timeline": ("caseworker", f"{PERSON}/timeline?limit=10"),
    "an extract": ("manager", f"{PERSON}/extract"),
    "an access log": ("manager", f"{PERSON}/access-log?limit=10"),
    "an access log, as an auditor sees it": ("auditor", f"{PERSON}/access-log?limit=10"),
    "rules of an enrolment, explained": ("caseworker", f"{PERSON}/outcomes"),
    "shortlists of a person": ("caseworker", f"{PERSON}/shortlists?limit=10"),
    "one shortlist": ("caseworker", "/shortlists/{shortlist_id}"),
    "referrals": ("manager", "/referrals?limit=10"),
    "the workload of days without any": ("manager", "/referrals/workload?first_day=2020-01-01&last_day=2020-01-31"),
    "referrals that wait, of which there are few": ("manager", "/referrals?limit=10&state=submitted"),
    "referrals, as the referrer sees them": ("referrer", "/referrals?limit=10"),
    "referrals of another partner": ("other_manager", "/referrals?limit=10"),
    "one referral": ("caseworker", "/referrals/{referral_id}"),
    "enrolments": ("manager", "/enrolments?limit=10"),
    "enrolments of a person": ("manager", "/enrolments?limit=10&jobseeker={jobseeker_id}"),
    "enrolments of a programme": ("manager", "/enrolments?limit=10&programme={programme_id}"),
    "introductions": ("manager", "/introductions?limit=10"),
    "introductions, as a social enterprise sees them": ("lister", "/introductions?limit=10"),
    "introductions of another partner": ("other_manager", "/introductions?limit=10"),
    "introductions that wait for an answer": ("caseworker", "/introductions?limit=10&state=offered"),
    "introductions of a person": ("caseworker", "/introductions?limit=10&jobseeker={jobseeker_id}"),
    "introductions of a placement": ("caseworker", "/introductions?limit=10&placement={placement_id}"),
    "one introduction": ("lister", "/introductions/{introduction_id}"),
    "placements": ("caseworker", "/placements?limit=10"),
    "placements, as a social enterprise sees them": ("lister", "/placements?limit=10"),
    "published placements": ("caseworker", "/placements?limit=10&state=published"),
    "one placement": ("lister", "/placements/{placement_id}"),
    "places of a placement": ("lister", "/placements/{placement_id}/places"),
    "spells": ("manager", "/spells?limit=10"),
    "spells of a person": ("manager", "/spells?limit=10&jobseeker={jobseeker_id}"),
    "evidence": ("manager", "/evidence?limit=10"),
    "evidence of a person": ("manager", "/evidence?limit=10&jobseeker={jobseeker_id}"),
    "outcomes": ("manager", "/outcomes?limit=10"),
    "outcomes of a person": ("manager", "/outcomes?limit=10&jobseeker={jobseeker_id}"),
    "claims": ("manager", "/claims?limit=10"),
    "claims that were submitted": ("commissioner", "/claims?limit=10"),
    "claims of a person": ("manager", "/claims?limit=10&jobseeker={jobseeker_id}"),
    "lines of a proposal": ("manager", "/allocations/{allocation_id}/lines?limit=10"),
    "prices of a programme": ("manager", "/programmes/{programme_id}/prices?limit=10"),
    "members": ("administrator", "/members?limit=10"),
    "keys": ("administrator", "/keys?limit=10"),
}


def ask_routes(stock: Stock, client: TestClient) -> Iterator[tuple[str, Callable[[], Any]]]:
    world = stock.world
    ids = {name: str(value) for name, value in stock.ids.items()} | {
        "caseworker_id": str(world.actors["caseworker"].membership_id),
        "colleague_id": str(world.actors["colleague"].membership_id),
        "programme_id": str(world.programme_id),
    }

    def get(who: str, path: str) -> None:
        answer = client.get(f"/api/v1{path.format(**ids)}", headers=world.key(who))
        assert answer.status_code == 200, answer.text

    def post(who: str, path: str, **body: Any) -> None:
        headers = world.key(who) | {"Idempotency-Key": str(uuid7())}
        answer = client.post(f"/api/v1{path.format(**ids)}", headers=headers, json=body)
        assert answer.status_code in {200, 201}, answer.text

    for name, (who, path) in GETS.items():
        yield name, lambda who=who, path=path: get(who, path)
    contact = {"on": DAY.isoformat(), "with_whom": "employer", "how": "phone", "outcome": "spoke"}
    yield "an Idempotency-Key", lambda: post("caseworker", f"{PERSON}/contacts", **contact)
    yield "a place held", lambda: post("lister", "/introductions/{introduction_id}/offer")
    yield MONTH, lambda: post("other_commissioner", "/exports", month="2026-05")


def ask_queries(stock: Stock) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What rankings and claims read, asked as they ask it."""
    actor = stock.world.actors["caseworker"]

    def reading(query: Callable[[Any], Any]) -> Callable[[], Any]:
        def ask() -> Any:
            with stock.database.reading(actor) as session:
                found = query(session)
                assert found
                return found

        return ask

    def of_person(session: Any) -> Any:
        return shortlist_queries.profiled(session, [session.get_one(Jobseeker, stock.ids["jobseeker_id"])], DAY)

    def accepted(session: Any) -> Any:
        enrolment = session.get_one(Enrolment, stock.ids["enrolment_id"])
        mine = (str(stock.ids["spell_id"]),)
        users = [actor.user_id]
        return progression_queries.accepted_evidence(session, enrolment.partner_id, mine, not_checked_by=users)

    def notes() -> None:
        assert index.of(stock.database).current(stock.database)

    index.of(stock.database).current(stock.database)
    placement_id = stock.world.list_placement(ref=str(uuid7()))
    yield "notes of changes, and the listing that changed", notes
    yield "a profile and the facts beside it", reading(of_person)
    yield "matches", reading(lambda s: shortlist_queries.matches(s, actor, stock.ids["shortlist_id"]))
    yield "listings that changed", reading(lambda s: s.execute(placement_queries.published([placement_id])).all())
    yield "listings still open", reading(lambda s: placement_queries.still_open(s, [placement_id], DAY))
    yield "free places", reading(lambda s: placement_queries.places_left(s, placement_id))
    yield "accepted evidence", reading(accepted)


@pytest.fixture(scope="module")
def stocks() -> Iterator[dict[str, Stock]]:
    made: dict[str, Stock] = {}
    yield made
    for stock in made.values():
        stock.database.close()


@pytest.fixture(params=BACKENDS)
def stock(request: pytest.FixtureRequest, stocks: dict[str, Stock], tmp_path_factory: pytest.TempPathFactory) -> Stock:
    if request.param not in stocks:
        if request.param == "sqlite":
            url = f"sqlite:///{tmp_path_factory.mktemp('stock')}/pathways.db"
        else:
            url = postgres.database_beside(request.getfixturevalue("postgres_url"), "pathways_stock")
        stocks[request.param] = fill(url, people=PEOPLE, placements=PLACEMENTS)
    return stocks[request.param]


def test_no_hot_query_scans_a_big_table_or_reads_much_of_one_for_a_few_rows(stock: Stock):
    client = TestClient(pathways_app.create_app(settings_for(str(stock.database.engine.url)), stock.database))
    with stock.database.engine.connect() as connection:
        sizes = {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in Base.metadata.tables.items()
        }
    big = {name for name, rows in sizes.items() if rows > BIG}
    assert len(big) > 30
    faults: dict[str, list[str]] = {}
    for name, ask in [*ask_routes(stock, client), *ask_queries(stock)]:
        with listening(stock.database) as told:
            ask()
        assert told, name
        with stock.database.engine.connect() as connection:
            found = faults_of(connection, told, big, may_read_much=name == MONTH)
        if found:
            faults[name] = found
    assert faults == {}


def test_a_scan_is_noticed_and_an_index_is_not(database: Database):
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000) SELECT i, i FROM n"
    found = {}
    with database.engine.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE heaps (plain INTEGER, keyed INTEGER)"))
        connection.execute(text(f"INSERT INTO heaps {numbers}"))
        connection.execute(text("CREATE INDEX ix_heaps_keyed ON heaps (keyed)"))
        connection.execute(text("ANALYZE heaps"))
        connection.commit()
        asked = {
            "by an index": "SELECT * FROM heaps WHERE keyed = 7",
            "without one": "SELECT * FROM heaps WHERE plain = 7",
            "under another name": "SELECT other.plain FROM heaps AS other WHERE other.plain = 7",
            "too much by an index": "SELECT count(*) FROM heaps WHERE keyed > 7 AND keyed + plain > 0",
        }
        for name, statement in asked.items():
            told = faults_of(connection, [(statement, {} if not database.is_sqlite else ())], {"heaps"})
            found[name] = bool(told)
        connection.execute(text("DROP TABLE heaps"))
        connection.commit()
    assert list(found.values()) == [False, True, True, True]


# Lists that grow.

# Who reads a list, where it is not the partner's manager alone.
READERS = {
    "/emails": ("administrator",),
    "/webhooks": ("administrator",),
    "/webhooks/{endpoint_id}/deliveries": ("administrator",),
    "/claims": ("manager", "commissioner"),
    "/exports": ("commissioner",),
    "/figures": ("commissioner",),
    "/introductions": ("manager", "caseworker", "lister"),
    "/introductions/{introduction_id}/feedback": ("manager", "lister"),
    "/jobseekers": ("manager", "caseworker"),
    "/jobseekers/{jobseeker_id}/access-log": ("manager", "auditor"),
    "/keys": ("operator", "administrator"),
    "/members": ("operator", "administrator"),
    "/models": ("operator",),
    "/organisations": ("operator", "manager"),
    "/placements": ("manager", "lister"),
    "/placements/imports": ("lister",),
    "/placements/imports/{import_id}/rows": ("lister",),
    "/programmes": ("operator",),
    "/referrals": ("manager", "referrer"),
    "/users": ("operator", "administrator"),
}
# What a list cannot be read without.
ASKED = {"/figures": {"month": "2026-09", "table": "cohort"}}
# Their lines are not rows of a table: what they are counted over grows all the same.
COUNTED = {
    "/figures",
    "/jobseekers/{jobseeker_id}/plans",
    "/jobseekers/{jobseeker_id}/unlock",
    "/monitoring-summary",
    "/placements/{placement_id}/unlock",
    "/unlock",
}
REFERRALS_HEAD = "referral_ref,source_type,referring_organisation,referred_on,given_name,known_as"
# Lists under another name than ``items``.
BESIDE = ("/jobseekers/{jobseeker_id}/extract", "/shortlists/{shortlist_id}", "/shortlists/{placement_shortlist_id}")


def lists_of(client: TestClient) -> list[str]:
    """Return the path of every GET that answers with a list, or with a page or other shape that holds ``items``.

    Vocabularies are left out: they are read from a file and not from a table.
    """
    document = client.app.openapi()  # type: ignore[attr-defined]
    found = []
    for path, methods in document["paths"].items():
        content = methods.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        schema = content.get("application/json", {}).get("schema", {})
        name = schema.get("$ref", "").rsplit("/", 1)[-1]
        shape = document["components"]["schemas"].get(name, schema)
        if path.startswith("/api/v1/reference"):
            continue
        if shape.get("type") == "array" or "items" in shape.get("properties", {}):
            found.append(path.removeprefix("/api/v1"))
    return found


class Grower:
    """Makes one more row of everything that is listed, as people do it or else as its table takes it."""

    def __init__(self, client: TestClient, world: World) -> None:
        self.client = client
        self.world = world
        self.count = 0
        self.ids: dict[str, Any] = {}

    def post(self, member: str, path: str, **body: Any) -> Any:
        answer = self.client.post(f"/api/v1{path}", headers=self.world.key(member), json=body)
        assert answer.status_code in {200, 201}, (path, answer.text)
        return answer.json()

    def grow_to(self, count: int) -> None:
        while self.count < count:
            self.count += 1
            self._organise()
            self._support()
        self._import()
        self._list_and_rank()
        self.post("commissioner", "/exports", month=ASKED["/figures"]["month"])

    def _import(self) -> None:
        """Files that would change everything there is, looked at and not applied; one more of each kind a growth."""
        for kind, who, head, line in (
            ("referrals", "manager", REFERRALS_HEAD, "R-{n},JCP,Hendon Jobcentre,2026-09-01,Amina,{count}"),
            ("placements", "lister", "placement_ref,title,kind,postcode", "fits-{n},Cafe {count},JOB_OPEN,N1 1AA"),
        ):
            for size in (*range(1, self.count), self.count)[-10:]:
                lines = [head, *(line.format(n=n + 1, count=self.count) for n in range(size))]
                answer = self.client.post(
                    f"/api/v1/{kind}/imports?dry_run=true",
                    headers=self.world.key(who),
                    files={"file": ("file.csv", "\n".join(lines).encode())},
                )
                report = answer.json()["report"]
                assert (report["to_update"], report["in_error"]) == (size, 0), answer.text
            self.ids[f"{kind}_import_id"] = answer.json()["id"]

    def _organise(self) -> None:
        n, partner = self.count, self.world.organisations["partner"]
        made = self.post("operator", "/organisations", kind="social_enterprise", name=f"Enterprise {n}")
        self.ids["social_enterprise_id"] = made["id"]
        user = self.post("operator", "/users", name=f"User {n}", email=f"user{n}@example.org")
        member = self.post("operator", "/members", user_id=user["id"], organisation_id=str(partner), role="caseworker")
        self.post("operator", "/keys", membership_id=member["id"])
        self.post("administrator", "/invitations", user_id=user["id"])
        self.post(
            "operator",
            "/programmes",
            commissioner_id=str(self.world.organisations["fund"]),
            partner_id=str(partner),
            name=f"Programme {n}",
            starts_on="2026-01-01",
        )
        self.write(
            RankingModel(
                name=f"model-{n}",
                state=ModelState.TRAINED,
                kept=b"",
                manifest={"cases": 0, "first_day": "2026-01-01", "last_day": "2026-01-02"},
                made_at=self.world.operator.at,
            )
        )
        export = Export(
            id=uuid7(),
            commissioner_id=self.world.organisations["fund"],
            programme_key="all",
            month=f"2020-{n:02}",
            number=1,
            as_of=DAY,
            facts_hash="0",
            content_hash="0",
            folder=f"folder-{n}",
            made_at=self.world.operator.at,
            by=self.world.operator.user_id,
        )
        self.write(export, ExportFile(export_id=export.id, name="cohort.csv", content=b""))

    def write(self, *rows: Any) -> None:
        with self.world.database.writing(None) as session:
            for row in rows:
                session.add(row)
                session.flush()  # each may point to the one before

    def _support(self) -> None:
        world, n = self.world, self.count
        person, enrolment = world.supported(ref=f"R-{n}", benefits=["UC"])
        self.ids["programme_id"] = world.programme_id
        first = self.ids.setdefault("jobseeker_id", person)
        world.permit(person)
        fits = world.list_placement(title=f"Cafe Assistant {n}", ref=f"fits-{n}")
        world.list_placement(title=f"Night Porter {n}", ref=f"refused-{n}", hours_per_week=37, hours_flexible=False)
        new = {
            "jobseeker_id": str(person),
            "placement_id": str(fits),
            "safety_check": "I rang and asked who works there.",
        }
        made = self.post("caseworker", "/introductions", **new)
        self.post("caseworker", f"/introductions/{made['id']}/agree")
        self.post("caseworker", f"/introductions/{made['id']}/send")
        self.ids["introduction_id"] = told_of = self.ids.get("introduction_id", made["id"])
        about = {"partner_id": world.organisations["partner"], "jobseeker_id": first}
        lister = world.on("lister")
        self.write(StartFeedback.recorded(lister, **about, introduction_id=UUID(told_of), how=FeedbackHow.WELL))
        self._record_work(person, enrolment)
        self._record_about(first)
        self._ask_and_merge(person, first)
        self._tell()

    def _ask_and_merge(self, person: UUID, first: UUID) -> None:
        """What two partners agree on and ask, and what is merged, as their tables take it."""
        actors, partner = self.world.actors, self.world.organisations["partner"]
        manager, other = self.world.on("manager"), self.world.organisations["other_partner"]
        about = {"partner_id": partner, "jobseeker_id": first}
        asked = ElsewhereAsk.recorded(manager, **about, reason="She said so.")
        leads = {"one_lead_id": manager.membership_id, "other_lead_id": actors["other_manager"].membership_id}
        moved = {"merged_id": person, "moved": {}, "before": {}, "filled": []}
        self.write(
            SharingAgreement.recorded(manager, one_id=partner, other_id=other, document="Signed.", **leads),
            asked,
            ContactRequest(
                id=uuid7(),
                partner_id=partner,
                jobseeker_id=person,
                ask_id=asked.id,
                asking_id=other,
                asked_by=manager.user_id,
                asked_at=manager.at,
                because="She said so.",
                lead_id=manager.membership_id,
                state=RequestState.WAITING,
            ),
        )
        if person != first:
            self.write(Merge.recorded(manager, **about, **moved))

    def _record_work(self, person: UUID, enrolment: UUID) -> None:
        day = date.today().isoformat()
        spell = self.post(
            "caseworker", "/spells", enrolment_id=str(enrolment), kind="JOB_OPEN", title="Cook", started_on=day
        )
        self.post("caseworker", f"/spells/{spell['id']}/hours", week_from=day, hours=hours_so_far(12))
        told = {"spell_id": spell["id"], "on": day, "result": "in_work", "told_by": "employer"}
        self.post("caseworker", "/check-ins", **told, is_at_risk=True, path_back="job_coaching")
        self.post("caseworker", f"/jobseekers/{person}/plans", agreed_on=day, steps=[{"what": "Ring them."}])
        item = self.post(
            "caseworker",
            "/evidence",
            spell_id=spell["id"],
            kind="payslip",
            covers_from=day,
            covers_to=day,
            received_on=day,
            obtained_how="copies",
        )
        self.post("manager", f"/evidence/{item['id']}/check", is_accepted=True)
        about = {"partner_id": self.world.organisations["partner"], "jobseeker_id": person}
        outcome = Outcome.recorded(
            self.world.on("caseworker"),
            **about,
            enrolment_id=enrolment,
            rule="LOCAL_13_IN_16",
            rule_version="1",
            weeks_counted=13,
            spell_ids=[],
            evidence_ids=[],
        )
        claim = Claim(
            id=uuid7(),
            **about,
            enrolment_id=enrolment,
            programme_id=self.world.programme_id,
            commissioner_id=self.world.organisations["fund"],
            outcome_id=outcome.id,
            rule="LOCAL_13_IN_16",
            rule_version="1",
            participant_ref=f"C-{self.count}",
            state=ClaimState.SUBMITTED,
            submitted_by=self.world.on("caseworker").user_id,
            achieved_on=date.today(),
            pence=100,
            is_subsidised=False,
            is_own_supply_chain=False,
            attempt=1,
            made_at=outcome.recorded_at,
        )
        moves = [
            ClaimMove.recorded(
                self.world.on("manager"),
                **about,
                claim_id=claim.id,
                made_by_role="team_manager",
                event=event,
                from_state=begins,
                to_state=ends,
            )
            for event, begins, ends in (("draft", None, "draft"), ("submit", "draft", "submitted"))
        ]
        self.write(
            outcome,
            claim,
            *moves,
            ProgrammePrice.recorded(
                self.world.operator,
                date(2026, 1, 1 + self.count),
                programme_id=self.world.programme_id,
                rule="LOCAL_13_IN_16",
                pence=100,
            ),
        )

    def _tell(self) -> None:
        """A notice, an e-mail and an endpoint, and what was delivered to the first one."""
        world, manager = self.world, self.world.on("manager")
        own = {"organisation_id": world.organisations["partner"], "made_at": manager.at}
        email = Email(id=uuid7(), user_id=manager.user_id, next_try_at=manager.at, **own)
        endpoint = WebhookEndpoint(id=uuid7(), url="https://example.org/hook", sealed_secret="", **own)
        first = self.ids.setdefault("endpoint_id", endpoint.id)
        self.write(
            email,
            Notice(
                id=uuid7(),
                user_id=manager.user_id,
                kind=NoticeKind.CHECK_IN_DUE,
                key=f"{self.count}",
                subject="check-ins",
                subject_id=email.id,
                is_urgent=False,
                email_id=email.id,
                **own,
            ),
            endpoint,
        )
        self.write(
            WebhookDelivery(
                id=uuid7(),
                endpoint_id=first,
                event_id=uuid7(),
                event_type="claim.draft",
                payload={},
                next_try_at=manager.at,
                made_at=manager.at,
            )
        )

    def _record_about(self, person: UUID) -> None:
        n, path = self.count, f"/jobseekers/{person}"
        day = date.today().isoformat()
        self.post("caseworker", f"{path}/contacts", on=day, with_whom="employer", how="phone", outcome="spoke")
        self.post("caseworker", f"{path}/confirmed-words", kind="skill", text=f"word {n}")
        self.post("caseworker", f"{path}/safety-exclusions", kind="person", who=f"Sam {n}", reason="Asked.")
        self.post("caseworker", f"{path}/supporters", role="family", name=f"Sister {n}")
        self.post(
            "caseworker",
            f"{path}/permissions",
            social_enterprise_id=self.ids["social_enterprise_id"],
            groups=["identity"],
            how_given="in person",
        )
        self.post("caseworker", f"{path}/monitoring", sex="female")
        kind = list(BarrierKind)[n]
        self.post("caseworker", f"{path}/barriers", kind=kind, opened_on=day)
        self.post("caseworker", f"{path}/scores", tool="T", edition="1", scale=f"scale {n}", score=n, scored_on=day)
        profile = self.client.get(f"/api/v1{path}/profile", headers=self.world.key("caseworker"))
        answer = self.client.put(
            f"/api/v1{path}/profile",
            headers=self.world.key("caseworker") | {"If-Match": profile.headers["ETag"]},
            json={"skills": [f"skill {n}"], "hours_max": 20, "benefits": ["UC"]},
        )
        assert answer.status_code == 200, answer.text
        self.post("caseworker", f"{path}/shortlists")
        self.ids["allocation_id"] = self.post("manager", "/allocations")["id"]

    def _list_and_rank(self) -> None:
        """What is one row with more in it: a placement with as many places, a shortlist and a proposal over all."""
        self.ids["placement_id"] = self.world.list_placement(ref=f"places-{self.count}", places=self.count)
        path = f"/jobseekers/{self.ids['jobseeker_id']}/shortlists"
        self.ids["shortlist_id"] = self.post("manager", path)["id"]
        self.ids["short_shortlist_id"] = self.post("manager", path, limit=1)["id"]
        path = f"/placements/{self.ids['placement_id']}/shortlists"
        self.ids["placement_shortlist_id"] = self.post("manager", path)["id"]
        self.ids["allocation_id"] = self.post("manager", "/allocations")["id"]

    def _takes_limit(self, path: str) -> bool:
        operation = self.client.app.openapi()["paths"].get(f"/api/v1{path}", {}).get("get", {})
        return any(parameter["name"] == "limit" for parameter in operation.get("parameters", ()))

    def read(self, path: str, who: str) -> tuple[int, int]:
        """Return how many statements a list takes when it is asked again, and how many lines it has."""
        ids = self.ids
        if path.endswith("/below"):
            ids = ids | {"shortlist_id": ids["short_shortlist_id"]}
        if "{import_id}" in path:
            ids = ids | {"import_id": ids[f"{path.split('/')[1]}_import_id"]}
        try:
            filled = path.format(**ids)
        except KeyError as name:
            pytest.fail(f"{path}: make a {name} in Grower, so that this list can be read.")
        for _ in range(2):
            with listening(self.world.database) as told:
                asked = ASKED.get(path, {"limit": "100"} if self._takes_limit(path) else {})
                answer = self.client.get(f"/api/v1{filled}", headers=self.world.key(who), params=asked)
            assert answer.status_code == 200, (path, who, answer.text)
        found = answer.json()
        lines = found if isinstance(found, list) else found.get("items", found.get("matches"))
        if lines is None:
            lines = [row for rows in found["holdings"].values() for row in rows]
        # The audit is left out: a list that shows somebody has a row there in a transaction of its own, one that shows
        # nobody has none, and `test_audit.py` holds that there is one row for a list.
        return sum("INTO audit" not in str(one) and "BEGIN" not in str(one) for one in told), len(lines)


@pytest.mark.long_test("sqlite")
def test_no_list_takes_more_statements_for_six_rows_than_for_two(client: TestClient, world: World):
    paths = [*lists_of(client), *BESIDE]
    assert len(paths) > 30
    grower = Grower(client, world)
    asked = [(path, who) for path in paths for who in READERS.get(path, ("manager",))]
    grower.grow_to(2)
    few = {one: grower.read(*one) for one in asked}
    grower.grow_to(6)
    many = {one: grower.read(*one) for one in asked}
    for one in asked:
        if one[0] not in COUNTED:
            assert many[one][1] >= few[one][1] + 4 or many[one][1] >= 6, f"{one}: make more rows of it in Grower."
    took = {one: (few[one][0], many[one][0]) for one in asked if few[one][0] != many[one][0]}
    assert took == {}
