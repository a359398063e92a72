"""The public feed is what it says it is: its required members, its order, its identifiers, and what stays coarse."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pathways.directory.api import Answers
from pathways.imports import actions as imports
from pathways.imports import reports
from pathways.imports.models import ImportRun
from pathways.imports.staging import Worker
from pathways.organisations import formats
from pathways.organisations.models import Organisation, PublishedPlace
from pathways.placements import actions, files
from pathways.placements.models import Placement, PlacementEvent
from tests.world import World

pytestmark = pytest.mark.any_database

FEED = "/open-referral-uk"
TODAY = date.today()
# Our own statement of what the UK profile of HSDS 3.0 requires of each object, by the property that holds the object.
REQUIRED = {
    "service": {"id", "name", "status"},
    "organization": {"id", "name", "description"},
    "organization_identifiers": {"id", "identifier_type", "identifier"},
    "schedules": {"id"},
    "service_at_locations": {"id"},
    "location": {"id", "location_type"},
    "addresses": {"id", "address_1", "city", "state_province", "postal_code", "country", "address_type"},
    "attributes": {"id"},
    "taxonomy_term": {"id", "name", "description"},
}
CHOICES = {
    "status": {"active", "inactive", "defunct", "temporarily closed"},
    "location_type": {"physical", "postal", "virtual"},
    "address_type": {"physical", "postal", "virtual"},
    "freq": {"WEEKLY", "MONTHLY"},
}
NUMBERS = {"minimum_age", "maximum_age", "interval", "latitude", "longitude"}


@pytest.fixture(autouse=True)
def requests_from_the_start(request) -> Iterator[None]:
    """Let each test, and the test after it, begin with no request counted and no reply cached."""
    if "client" not in request.fixturenames:
        yield
        return
    state = request.getfixturevalue("client").app.state
    state.directory_answers = Answers()
    yield
    state.directory_answers = Answers()


def assert_valid(kind: str, value: dict[str, Any]) -> None:
    assert REQUIRED[kind] <= value.keys(), (kind, value)
    for name, inner in value.items():
        assert inner is not None, (kind, name)
        if name in CHOICES:
            assert inner in CHOICES[name]
        elif name in NUMBERS:
            assert isinstance(inner, int | float)
        elif isinstance(inner, dict):
            assert_valid(name, inner)
        elif isinstance(inner, list):
            for one in inner:
                assert_valid(name, one)
        else:
            assert isinstance(inner, str), (kind, name)
        if name == "id" or name.endswith("_id"):
            UUID(str(inner))


def everything(client) -> list[dict[str, Any]]:
    found, number = [], 1
    while True:
        page = client.get(f"{FEED}/services?per_page=3&page={number}").json()
        found += page["contents"]
        if page["last_page"]:
            return found
        number += 1


def imported(world: World, content: bytes) -> Any:
    """Import a placement file as the operator, creating the organisations it names, and return the report."""
    actor, wish = world.operator, imports.Wish(creates_organisations=True)
    with world.database.reading(actor) as session:
        table = imports.read_file(session, actor, files.KIND, content, 1_000_000)
    with world.database.writing(actor) as session:
        run = imports.begin(session, actor, files.KIND, content, table, wish)
    worker = Worker(world.database, files.KIND, actor, run.id)
    worker.read(table)
    worker.go_on()
    with world.database.reading() as session:
        return reports.reply(session, actor, files.KIND, session.get_one(ImportRun, run.id)).report


def own(client, world: World, **changes: Any) -> dict[str, Any]:
    path = f"/api/v1/organisations/{world.organisations['enterprise']}"
    key = world.key("operator")
    etag = client.get(path, headers=key).headers["etag"]
    answer = client.patch(path, headers=key | {"If-Match": etag}, json=changes)
    assert answer.status_code == 200, answer.text
    return answer.json()


LISTINGS = [
    {"description": None, "hours_per_week": None, "half_days": None, "postcode": None},
    {"description": "Serving.", "minimum_age": 18, "starts_on": f"{TODAY.year + 1}-01-04"},
    {"remote": "yes", "postcode": None},
    {"remote": "hybrid", "ring_fenced_for": "care leavers", "legal_basis": "Section 158"},
    {"kind": "VOLUNTEERING", "pay_per_hour_pounds": None, "half_days": "sat am"},
    {"closes_on": TODAY.isoformat(), "maximum_age": 24, "legal_basis": "Schedule 9"},
    {"postcode": "NW4"},
]


@pytest.mark.parametrize("place", ["postcode", "district", "nothing"])
def test_every_object_has_what_the_profile_requires_and_no_null(client, world: World, place):
    for listing in LISTINGS:
        world.list_placement(**listing)
    own(client, world, published_place=place, company_number="4567890", public_website="https://acorn.example.org/jobs")
    services = everything(client)
    assert len(services) == len(LISTINGS)
    for service in services:
        assert_valid("service", service)
        assert service["description"]
        one = client.get(f"{FEED}/services/{service['id']}").json()
        assert one == service
    for item in client.get(f"{FEED}/service_at_locations").json()["contents"]:
        assert_valid("service_at_locations", item)
    for path, kind in (("taxonomies", "taxonomy_term"), ("taxonomy_terms", "taxonomy_term")):
        for item in client.get(f"{FEED}/{path}").json()["contents"]:
            assert_valid(kind, item)


def test_every_service_has_a_way_to_get_in_touch(client, world: World):
    world.list_placement(contact_email="lister@example.org")
    operator = f"/api/v1/organisations/{world.organisations['operator']}"
    key = world.key("operator")
    etag = client.get(operator, headers=key).headers["etag"]
    body = {"public_email": "pathways@example.org"}
    assert client.patch(operator, headers=key | {"If-Match": etag}, json=body).status_code == 200
    assert [s["email"] for s in everything(client)] == ["pathways@example.org"]
    answer = own(client, world, public_email="jobs@example.org", public_website="https://acorn.example.org")
    assert not any("public_email" in warning for warning in answer["warnings"])
    service = everything(client)[0]
    assert (service["email"], service["organization"]["email"], service["organization"]["website"]) == (
        "jobs@example.org",
        "jobs@example.org",
        "https://acorn.example.org",
    )
    assert "lister@example.org" not in str(service)


@pytest.mark.parametrize(("place", "shown"), [("postcode", "NW4 4BT"), ("district", "NW4"), ("nothing", None)])
def test_an_organisation_decides_how_exactly_its_place_is_published(client, world: World, place, shown):
    world.list_placement(title="Cook at NW4 4BT", description="Come to NW4 4BT, or nw44bt by bus.")
    client.get(f"{FEED}/services")  # now it is cached with the postcode
    assert own(client, world, published_place=place)["published_place"] == place
    service = everything(client)[0]
    addresses = [
        address["postal_code"] for at in service["service_at_locations"] for address in at["location"]["addresses"]
    ]
    assert addresses == ([shown] if shown else [])
    for path in ("services", f"services/{service['id']}", "service_at_locations"):
        whole = client.get(f"{FEED}/{path}").text
        assert (re.search(r"nw4\s*4bt", whole, re.IGNORECASE) is not None) == (place == "postcode"), path


def test_another_organisation_cannot_change_what_this_one_publishes(client, world: World):
    path = f"/api/v1/organisations/{world.organisations['enterprise']}"
    for who in ("administrator", "other_lister", "lister", "caseworker"):
        answer = client.patch(path, headers=world.key(who) | {"If-Match": '"1"'}, json={"published_place": "nothing"})
        assert answer.status_code in {403, 404, 412}, who


@pytest.mark.parametrize(
    "events", [(4,), (0,), (0, 1, 2, 3, 4), (5, 0, 6), ("new",), ("new", 0, "new", 3), ("paused", 1)]
)
def test_a_walk_through_the_pages_misses_and_repeats_nothing_whatever_changes(client, world: World, events):
    ids = [str(world.list_placement(title=f"Work {n}")) for n in range(8)]
    draft_made_early = None
    with world.database.writing(world.on("lister")) as session:
        new = {"title": "Early draft", "kind": "TASTER"}
        draft_made_early = actions.make(
            session, world.on("lister"), world.organisations["enterprise"], new, places=1
        ).id
    later = [str(world.list_placement(title=f"Later {n}")) for n in range(2)]
    seen, number, gone = [], 1, set()
    while True:
        page = client.get(f"{FEED}/services?per_page=3&page={number}").json()
        seen += [service["id"] for service in page["contents"]]
        if number == 1:
            for event in events:
                actor = world.on("lister")
                with world.database.writing(actor) as session:
                    if event == "new":
                        row = session.get_one(Placement, draft_made_early)
                        if row.state == "draft":
                            actions.move(session, actor, row, PlacementEvent.PUBLISH)
                        continue
                    key = ids[0 if event == "paused" else event]
                    move = PlacementEvent.PAUSE if event == "paused" else PlacementEvent.CLOSE
                    actions.move(session, actor, session.get_one(Placement, UUID(key)), move, reason="A reason.")
                    if move is PlacementEvent.CLOSE:
                        gone.add(key)
        if page["last_page"]:
            break
        number += 1
    assert len(seen) == len(set(seen))
    assert {*ids, *later} - gone <= set(seen)
    total = client.get(f"{FEED}/services").json()["total_items"]
    assert total == len(everything(client)) == 10 - len(gone) + ("new" in events)


def test_placements_that_closed_before_yesterday_take_no_room(client, world: World, database):
    ids = [world.list_placement(title=f"Work {n}") for n in range(4)]
    with database.writing(world.on("lister")) as session:
        for key in ids[:3]:
            row = session.get_one(Placement, key)
            actions.move(session, world.on("lister"), row, PlacementEvent.CLOSE, reason="A reason.")
            row.closed_at = world.on("lister").at - timedelta(days=3)
    page = client.get(f"{FEED}/services?per_page=2").json()
    assert (page["total_pages"], page["total_items"], page["size"]) == (1, 1, 1)


def test_the_last_change_of_a_service_is_that_of_its_listing(client, world: World, database):
    key = world.list_placement(day=TODAY - timedelta(days=5))
    with database.writing(world.on("lister")) as session:
        session.get_one(Placement, key).title = "Another title"
    assert everything(client)[0]["last_modified"][:10] >= (TODAY - timedelta(days=1)).isoformat()


@pytest.mark.parametrize(
    ("company", "charity", "published"),
    [
        ("4567890", None, {("GB-COH", "04567890")}),
        ("00123456", None, {("GB-COH", "00123456")}),
        ("123", None, {("GB-COH", "00000123")}),  # the earliest companies have low numbers
        ("SC12345", None, {("GB-COH", "SC012345")}),
        ("ni 61 2345", None, {("GB-COH", "NI612345")}),
        ("Company no. 09876543", None, {("GB-COH", "09876543")}),
        ("4567890.0", None, {("GB-COH", "04567890")}),
        ("RS007123", None, {("GB-MPR", "RS007123")}),
        ("IP28456R", None, {("GB-MPR", "IP28456R")}),
        (None, "1178956", {("GB-CHC", "1178956")}),
        (None, "Registered charity number 1178956", {("GB-CHC", "1178956")}),
        (None, "SC045678", {("GB-SC", "SC045678")}),
        (None, "SCO45678", {("GB-SC", "SC045678")}),
        (None, "NIC101234", {("GB-NIC", "NIC101234")}),
        ("N/A", "n/a", set()),
        ("none", "not registered", set()),
        ("00000000", "0", set()),
        ("TBC", "-", set()),
        ("12345678", "1234567", set()),
        ("99999999", "unknown", set()),
        ("we have applied", "exempt", set()),
        ("04567890", "1178956", {("GB-COH", "04567890"), ("GB-CHC", "1178956")}),
    ],
)
def test_a_number_is_published_as_its_register_writes_it_or_not_at_all(
    client, world: World, company, charity, published
):
    header = "placement_ref,social_enterprise,company_number,charity_number,title,kind,pay_per_hour_pounds\n"
    row = f"N1,Field CIC,{company or ''},{charity or ''},Packer,JOB_OPEN,14\n"
    report = imported(world, (header + row).encode())
    assert report.created == 1, report
    organisation = everything(client)[0]["organization"]
    found = {(i["identifier_scheme"], i["identifier"]) for i in organisation["organization_identifiers"]}
    assert found == published
    if not published:
        assert {warning.field for warning in report.warnings} == {"company_number", "charity_number"}


def test_a_number_stored_before_is_never_published_if_it_is_none(client, world: World, database):
    world.list_placement()
    with database.writing(world.on("operator")) as session:
        row = session.get_one(Organisation, world.organisations["enterprise"])
        row.company_number, row.charity_number = "N/A", "n/a"
    assert everything(client)[0]["organization"]["organization_identifiers"] == []


@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_is_published_has_the_format_of_its_register(company, charity):
    patterns = {
        "GB-COH": r"(\d{8}|[A-Z][A-Z0-9]\d{6})",
        "GB-MPR": r"(IP|SP|RS)[A-Z0-9]{6}",
        "GB-CHC": r"\d{6,7}(-\d+)?",
        "GB-SC": r"SC\d{6}",
        "GB-NIC": r"NIC\d{6}",
    }
    for scheme, _, number in formats.identifiers(company, charity):
        assert re.fullmatch(patterns[scheme], number), (scheme, number)


def test_a_placeholder_is_refused_where_a_member_types_it(client, world: World):
    path = f"/api/v1/organisations/{world.organisations['enterprise']}"
    key = world.key("operator")
    etag = client.get(path, headers=key).headers["etag"]
    answer = client.patch(path, headers=key | {"If-Match": etag}, json={"company_number": "none"})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (409, "/company_number")
    assert own(client, world, company_number="4567890")["company_number"] == "04567890"


def test_the_order_of_the_feed_is_the_order_of_publishing(client, world: World, database):
    ids = [str(world.list_placement(title=f"Work {n}")) for n in range(3)]
    assert [service["id"] for service in everything(client)] == ids
    with database.reading() as session:
        times = session.scalars(select(Placement.listed_at).order_by(Placement.id)).all()
    assert all(first <= second for first, second in pairwise(times))


@pytest.mark.parametrize(
    "path", ["", "/services", "/service_at_locations", "/taxonomies", "/taxonomy_terms", "/services/{one}"]
)
def test_an_unknown_query_parameter_of_the_feed_is_refused_by_name(client, world: World, path):
    one = str(uuid4())
    answer = client.get(f"/open-referral-uk{path.format(one=one)}?postcode=LS1")
    assert answer.status_code == 422
    assert "query parameters" in answer.json()["detail"]
    assert client.get("/open-referral-uk/services?page=1&per_page=5").status_code == 200


def test_the_host_that_a_request_names_is_in_no_reply(client, world: World):
    world.list_placement()
    hosts = ("pathways.example.org", "attacker.example.org:8443")
    replies = [client.get("/open-referral-uk/services", headers={"host": host}) for host in hosts]
    assert replies[0].json()["contents"]
    assert replies[0].content == replies[1].content
    assert "example.org" not in replies[1].text.replace("lister@example.org", "")


INVALID = {
    "public_website": ["https://a.example/x=<b>", 'https://a.example/"', "https://-a.example", "https://a.example/%zz"],
    "public_email": ['x"><script>@y.z', "a@b", "a b@example.org", "a@example.org>"],
}


@pytest.mark.parametrize(("field", "text"), [(field, text) for field, texts in INVALID.items() for text in texts])
def test_an_address_that_is_none_is_refused_and_never_published(client, world: World, database, field, text):
    world.list_placement()
    path = f"/api/v1/organisations/{world.organisations['enterprise']}"
    headers = world.key("operator")
    headers |= {"If-Match": client.get(path, headers=headers).headers["etag"]}
    assert client.patch(path, headers=headers, json={field: text}).status_code == 422
    with database.writing(world.on("operator")) as session:
        setattr(session.get_one(Organisation, world.organisations["enterprise"]), field, text)
    (service,) = client.get("/open-referral-uk/services").json()["contents"]
    assert text not in str(service)


@pytest.mark.parametrize(
    "text", ["https://a.example", "http://a.example:80/x/y?z=1&w=%20#top", "https://a.example?x=1"]
)
def test_an_address_of_the_web_is_taken(client, world: World, text):
    assert formats.valid(formats.WEBSITE, text) == text


@pytest.mark.parametrize("title", ["Gardener near LS1 4AP", "Gardener near LS1", "Gardener, LS14AP"])
def test_an_organisation_that_publishes_no_place_has_none_in_its_names(client, world: World, database, title):
    world.list_placement(postcode="LS1 4AP", title=title)
    with database.writing(world.on("operator")) as session:
        enterprise = session.get_one(Organisation, world.organisations["enterprise"])
        enterprise.published_place = PublishedPlace.NOTHING
    (service,) = client.get("/open-referral-uk/services").json()["contents"]
    assert "LS1" not in str(service)
    assert service["name"].startswith("Gardener")


def test_a_town_and_a_county_that_a_listing_does_not_state_are_said_to_be_so(client, world: World):
    world.list_placement(postcode="LS1 4AP")
    located = client.get("/open-referral-uk/service_at_locations").json()["contents"]
    addresses = [address for one in located for address in one["location"]["addresses"]]
    assert addresses
    assert {(one["city"], one["state_province"]) for one in addresses} == {("Not stated", "Not stated")}
