"""The small map of a shortlist: positions, rings, labels that do not cover each other, and who may not see it."""

import re
from math import hypot, isclose

import pytest

from pathways.jobseekers.models import Jobseeker
from pathways.pages.maps import HEIGHT, NEAR, WIDTH, drawn
from pathways.reference.postcodes import GridPoint
from tests.pathways.test_enterprise_pages import once_in

HOME = GridPoint(520_000, 190_000, "postcode")


def at(east_km, north_km):
    return GridPoint(HOME.easting + int(east_km * 1000), HOME.northing + int(north_km * 1000), "postcode")


def test_north_is_up_and_distances_keep_their_proportion():
    shown = drawn(HOME, {1: at(0, 4), 2: at(2, 0), 3: at(-1, -1)})
    spots = {label.numbers[0]: (label.x - WIDTH / 2, HEIGHT / 2 - label.y) for label in shown.labels}
    assert isclose(spots[1][0], 0, abs_tol=0.1)
    assert spots[1][1] > 0
    assert spots[2][0] > 0
    assert isclose(hypot(*spots[1]) / hypot(*spots[2]), 2, rel_tol=0.01)
    assert [ring.text for ring in shown.rings] == ["1 km", "2 km", "3 km", "4 km"]
    assert isclose(shown.rings[3].radius, hypot(*spots[1]), rel_tol=0.01)


def test_places_at_one_spot_share_a_label():
    shown = drawn(HOME, {number: at(3, 3 + number / 1000) for number in range(1, 6)} | {9: at(-3, 0)})
    assert [label.text for label in shown.labels] == ["1, 2, 3, 4, 5", "9"]
    spots = [(label.x, label.y) for label in shown.labels]
    assert all(hypot(a[0] - b[0], a[1] - b[1]) >= NEAR for a in spots for b in spots if a != b)


@pytest.mark.parametrize("places", [{1: HOME}, {1: at(0.01, 0)}, {1: at(600, 900), 2: at(0, 0)}])
def test_the_picture_holds_everything_however_near_or_far(places):
    shown = drawn(HOME, places)
    assert all(0 <= label.x <= WIDTH and 0 <= label.y <= HEIGHT for label in shown.labels)
    assert 1 <= len(shown.rings) <= 5


def test_without_a_known_home_there_is_no_map():
    assert drawn(None, {1: HOME}) is None
    assert drawn(HOME, {}) is None


def test_the_places_page_has_the_map_and_no_map_where_the_home_is_withheld(browse, world):
    person, _ = world.supported()
    world.list_placement()
    with world.database.reading() as session:
        reference = session.get_one(Jobseeker, person).reference
    browser = browse("caseworker")
    page = browser.get(f"/people/{reference}")
    page = browser.post(f"/people/{reference}/places", {"once": once_in(page)})
    assert page.text.count("pathways-map__place") == 1
    assert re.search(r'class="pathways-map__number"[^>]*>1</text>', page.text)
    assert "NW9 5QN" not in page.text  # the picture tells where, the page does not repeat the address
