"""A served world and a real browser, for the tests of the pages."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from fastapi.testclient import TestClient
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, sync_playwright
from sqlalchemy import select

from pathways.app import create_app
from pathways.base import Source, utc_now
from pathways.duplicates.models import DuplicatePair
from pathways.jobseekers.models import Jobseeker
from tests.browsing import Browser as Links
from tests.pathways.test_enterprise_pages import introduced, move
from tests.served import served
from tests.work import TODAY, evidence, working
from tests.world import World

CHROMIUM = Path("/usr/bin/chromium")
LONG_NAME = "Wolfeschlegelsteinhausenbergerdorff-Papadopoulos-Featherstonehaugh"


@dataclass
class Site:
    """A served world, its address by the name that passkeys need, and a browser."""

    address: str
    world: World
    chromium: Chromium
    settings: Any
    ids: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def as_(self, member: str, *, source: Source = Source.DEMONSTRATION, **options: Any) -> Iterator[Page]:
        """Open a browser in which a member has signed in. Whatever the console says fails the test."""
        context = self.chromium.new_context(**options)
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda line: said.append(line.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(self.address + Links(None, self.world).link_of(member, source=source))
        page.get_by_role("button", name="Sign in").click()
        yield page
        context.close()
        # Chromium itself says so of every page with the status of an error, as a form with an error has.
        assert [line for line in said if "responded with a status of 4" not in line] == []

    def open(self, page: Page, path: str) -> None:
        page.goto(self.address + path)


@pytest.fixture
def site(stage, world: World, tmp_path) -> Iterator[Site]:
    with served(stage.settings, tmp_path / "log") as address, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Site(address.replace("127.0.0.1", "localhost"), world, chromium, stage.settings)
        chromium.close()


def full(site: Site) -> None:
    """Fill the world: a person at work, people introduced, names that are long or written from right to left."""
    world = site.world
    placement = world.list_placement(title="Kitchen assistant for very early mornings")
    names: list[dict[str, Any]] = [{}, {"given_name": "نور الهدى", "family_name": "الحداد"}, {"family_name": LONG_NAME}]
    people = [
        world.supported(utc_now().date() - timedelta(days=30), ref=f"r{n}", nino=None, nhs_number=None, **one)
        for n, one in enumerate(names)
    ]
    introductions = [introduced(world, placement, "identity", "contact", "work", person=one[0]) for one in people]
    move(world, introductions[0], "offer")
    move(world, introductions[0], "accept")
    world.refer(ref="new", given_name="Idris", nino=None, nhs_number=None)
    with world.database.reading() as session:
        site.ids["person"] = session.get_one(Jobseeker, people[0][0]).reference
        site.ids["long"] = session.get_one(Jobseeker, people[2][0]).reference
        site.ids["arabic"] = session.get_one(Jobseeker, people[1][0]).reference
    site.ids |= {"placement": str(placement), "introduction": str(introductions[1]), "accepted": str(introductions[0])}


def _call(site: Site, member: str, path: str, **body: Any) -> Any:
    answer = httpx2.post(f"{site.address}/api/v1{path}", headers=site.world.key(member), json=body)
    assert answer.status_code in {200, 201}, (path, answer.text)
    return answer.json()


def fuller(site: Site) -> None:
    """Add what ``full`` lacks: a pair, a merge, work with hours, evidence, an outcome and a claim, feedback, a list."""
    world = site.world
    client = TestClient(create_app(site.settings, world.database))  # not entered: the service is served already
    _, spell = working(client, world, ref="worked", given_name="Bea", nino=None, nhs_number=None, phone=None)
    evidence(client, world, spell, TODAY - timedelta(weeks=16), TODAY)
    site.ids["unchecked"] = evidence(client, world, spell, TODAY - timedelta(days=3), TODAY, is_checked=False)
    rule = "LOCAL_13_IN_16"
    _call(site, "operator", f"/programmes/{world.programme_id}/prices", rule=rule, pounds=900, from_on="2020-01-01")
    enrolment = client.get("/api/v1/spells", headers=world.key("caseworker")).json()["items"][0]["enrolment_id"]
    outcome = _call(site, "caseworker", "/outcomes", enrolment_id=enrolment, rule=rule)
    nothing_else = {"has_other_funding": False}
    claim = _call(site, "caseworker", "/claims", outcome_id=outcome["id"], declaration=nothing_else)
    _call(site, "commissioner", f"/claims/{claim['id']}/query", reason="Which employer was it?")
    with world.database.reading() as session:
        site.ids["worker"] = session.get_one(Jobseeker, UUID(claim["jobseeker_id"])).reference
    site.ids |= {"claim": claim["id"], "outcome": outcome["id"], "spell": spell}
    start = TODAY.isoformat()
    _call(site, "lister", f"/introductions/{site.ids['accepted']}/start", started_on=start)
    said = {"how": "at_risk", "wants_call": True, "note": "Mornings are hard"}
    _call(site, "lister", f"/introductions/{site.ids['accepted']}/feedback", **said)
    for ref, phone in (("twin", "07700 900111"), ("twin again", "07700 900222"), ("twin third", "07700 900333")):
        twin = world.refer(
            ref=ref, given_name="Cleo", family_name="Twin", nino="QQ112233C", nhs_number=None, phone=phone
        )
        world.accept(twin)
    with world.database.reading() as session:
        pairs = session.scalars(select(DuplicatePair).order_by(DuplicatePair.id)).all()
    site.ids["pair"] = str(pairs[0].id)
    kept, other = str(pairs[-1].jobseeker_id), str(pairs[-1].other_id)
    merge = _call(site, "manager", f"/jobseekers/{kept}/merge", other_id=other, reason="They showed one passport.")
    person = site.ids["person"]
    with world.database.reading() as session:
        site.ids["kept"] = session.get_one(Jobseeker, UUID(kept)).reference
        jobseeker = session.scalars(select(Jobseeker).where(Jobseeker.reference == person)).one().id
    site.ids["merge"] = merge["id"]
    site.ids["shortlist"] = _call(site, "caseworker", f"/jobseekers/{jobseeker}/shortlists")["id"]
