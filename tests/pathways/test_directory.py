"""The public feed: what Open Referral UK 3.0 asks for, and nobody in it."""

import json
import re
from datetime import date, timedelta
from uuid import UUID

import pytest

from pathways.directory import queries
from pathways.placements import actions as placement_actions
from pathways.placements.models import Placement, PlacementEvent
from tests.world import World

FEED = "/open-referral-uk"
PAGE = {"total_items", "total_pages", "page_number", "size", "first_page", "last_page", "empty", "contents"}
# Of the profile's objects, what must be there (domain reference 6.1).
NEEDED = {
    "service": {"id", "name", "status"},
    "organization": {"id", "name", "description"},
    "location": {"id", "location_type"},
    "taxonomy_term": {"id", "name", "description"},
}
STATUSES = {"active", "inactive", "defunct", "temporarily closed"}


def move(world: World, placement: UUID, event: PlacementEvent) -> None:
    actor = world.on("lister")
    with world.database.writing(actor) as session:
        placement_actions.move(session, actor, session.get_one(Placement, placement), event, reason="A reason.")


def holds(kind: str, told: dict) -> None:
    assert NEEDED[kind] <= {name for name, value in told.items() if value not in (None, "")}, told
    UUID(told["id"])


def test_services_are_what_the_profile_asks_for(client, world: World):
    first = world.list_placement(
        title="Cafe Assistant",
        description="Serving and clearing.",
        minimum_age=18,
        half_days="mon am; tue am; wed eve",
        starts_on="2027-01-04",
        contact_email="lister@example.org",
    )
    world.list_placement(title="Packing at home", remote="yes", postcode=None)
    answer = client.get(f"{FEED}/services")  # no key
    assert answer.headers["access-control-allow-origin"] == "*"
    page = answer.json()
    assert page.keys() == PAGE
    assert (page["total_items"], page["page_number"], page["first_page"], page["last_page"]) == (2, 1, True, True)
    for service in page["contents"]:
        holds("service", service)
        holds("organization", service["organization"])
        assert service["status"] in STATUSES
        assert date.fromisoformat(service["assured_date"]) <= date.today()
        for schedule in service["schedules"]:
            assert (schedule["freq"], schedule["interval"]) == ("WEEKLY", 1)
            assert set(schedule["byday"].split(",")) <= {"MO", "TU", "WE", "TH", "FR", "SA", "SU"}
        for at in service["service_at_locations"]:
            holds("location", at["location"])
            assert at["service_id"] == service["id"]
        for attribute in service["attributes"]:
            holds("taxonomy_term", attribute["taxonomy_term"])
            assert (attribute["link_id"], attribute["link_entity"]) == (service["id"], "service")
    one = client.get(f"{FEED}/services/{first}").json()
    assert one in page["contents"]
    assert [(s["description"], s["byday"], s["valid_from"]) for s in one["schedules"]] == [
        ("mornings", "MO,TU", "2027-01-04"),
        ("evenings", "WE", "2027-01-04"),
    ]
    assert one["service_at_locations"][0]["location"]["addresses"][0]["postal_code"] == "NW4 4BT"
    home = next(s for s in page["contents"] if s["name"] == "Packing at home")
    assert home["service_at_locations"][0]["location"]["location_type"] == "virtual"


@pytest.mark.parametrize("path", ["taxonomies", "taxonomy_terms", "service_at_locations", "services"])
def test_every_list_has_its_items_one_by_one_and_pages(client, world: World, path: str):
    for number in range(3):
        world.list_placement(title=f"Work {number}")
    whole = client.get(f"{FEED}/{path}").json()
    assert whole["total_items"] == len(whole["contents"]) > 0
    for item in whole["contents"]:
        assert client.get(f"{FEED}/{path}/{item['id']}").json() == item
    assert client.get(f"{FEED}/{path}/{UUID(int=7)}").status_code == 404
    if path != "taxonomies":
        pages = [client.get(f"{FEED}/{path}?per_page=2&page={number}").json() for number in (1, 2)]
        assert (pages[0]["contents"] + pages[1]["contents"]) == whole["contents"][:4]
        beyond = client.get(f"{FEED}/{path}?per_page=2&page=900").json()
        assert (beyond["empty"], beyond["contents"], beyond["last_page"]) == (True, [], True)


def test_drafts_closed_and_past_listings_are_not_in_it_and_paused_ones_say_so(client, world: World):
    kept = world.list_placement(title="Kept")
    paused = world.list_placement(title="Paused")
    closed = world.list_placement(title="Closed")
    past = world.list_placement(title="Past", closes_on=(date.today() + timedelta(days=1)).isoformat())
    move(world, paused, PlacementEvent.PAUSE)
    move(world, closed, PlacementEvent.CLOSE)
    with world.database.writing(world.on("lister")) as session:
        session.get_one(Placement, past).closes_on = date.today() - timedelta(days=1)
    told = {one["name"]: one["status"] for one in client.get(f"{FEED}/services").json()["contents"]}
    assert told == {"Kept": "active", "Paused": "temporarily closed"}
    assert client.get(f"{FEED}/services/{closed}").status_code == 404
    assert client.get(f"{FEED}/services/{kept}").status_code == 200


def test_it_is_kept_until_something_changes(client, world: World):
    world.list_placement(title="First")
    first = client.get(f"{FEED}/services")
    tag = first.headers["etag"]
    assert client.get(f"{FEED}/services", headers={"If-None-Match": tag}).status_code == 304
    world.list_placement(title="Second")
    again = client.get(f"{FEED}/services", headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["total_items"]) == (200, 2)
    assert again.headers["etag"] != tag


def test_who_asks_too_often_is_told_to_wait(client, world: World):
    client.app.state.__dict__.get("_state", {}).pop("directory_answers", None)
    answers = [client.get(f"{FEED}/taxonomies").status_code for _ in range(130)]
    assert answers[:100] == [200] * 100
    assert answers[-1] == 429
    client.app.state.__dict__.get("_state", {}).pop("directory_answers", None)


def test_nobody_is_in_it(client, world: World):
    """Whoever lists, works with or is helped by a listing is found nowhere in all that the feed says."""
    placement = world.list_placement(title="Cafe", contact_email="lister@example.org", description="Serving.")
    world.supported()
    whole = "".join(
        json.dumps(client.get(f"{FEED}/{path}").json()) for path in ("", "services", "service_at_locations")
    )
    whole += client.get(f"{FEED}/services/{placement}").text
    for word in ("Amina", "Bhriain", "QQ224466C", "9990770476", "07700", "@example.org", "NW9 5QN", "J-"):
        assert word not in whole, word
    tables = set(re.findall(r"FROM (\w+)|JOIN (\w+)", str(queries.open_on(date.today()))))
    assert {name for pair in tables for name in pair if name} == {"placements", "organisations", "placement_versions"}


def test_its_connection_can_write_nothing(database, world: World):
    with database.reading_publicly() as session, pytest.raises(Exception, match=r"(?i)read.?only|attempt to write"):
        session.connection().exec_driver_sql("DELETE FROM placements")
