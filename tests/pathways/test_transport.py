"""A GTFS file is read whole or refused whole, and shortlists are by the timetable that is loaded."""

import zipfile
from datetime import date, timedelta

import numpy as np
import pytest
from sqlalchemy import func, select

from pathways.base import local_day, utc_now
from pathways.errors import NotFound
from pathways.reference import gtfs, tables, timetables
from pathways.reference.gtfs_files import TimetableRefused
from pathways.reference.national_grid import to_grid
from pathways.reference.timetables import LoadedTimetable
from pathways.shortlists.models import Shortlist
from tests.gtfs import BACK, feed, zipped
from tests.pathways.test_backup import pathways
from tests.pathways.test_matching import get, post, write_profile
from tests.world import World

MOST = 1_000_000
ONLY_BUS = {"travel_modes": ["bus"], "max_travel_minutes": 60, "half_days": "mon all day; tue all day"}


def today() -> date:
    return local_day(utc_now())


def read(tmp_path, files, most=MOST):
    return gtfs.read(zipped(tmp_path / "feed.zip", files), most, today())


def load(database, tmp_path, files=None, on=None) -> bool:
    found = read(tmp_path, files or feed(today()))
    with database.writing(None) as session:
        return timetables.store(session, "feed.zip", found, on or today(), Shortlist.uses_timetable())


def take_away(database) -> None:
    with database.writing(None) as session:
        timetables.remove(session, Shortlist.uses_timetable(), today())


def count(database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(LoadedTimetable))


def travel_of(made) -> str:
    pairs = made["matches"] or made["nearest_refusals"]
    return next(check["text"] for check in pairs[0]["checks"] if check["rule"] == "travel")


def test_the_grid_is_that_of_the_ordnance_survey():
    """The water tower at Caister (the worked example) and a known postcode."""
    east, north = to_grid(np.array([52.657977, 51.501009]), np.array([1.716038, -0.141588]))
    assert np.allclose(east, [651409, 529090], atol=5)
    assert np.allclose(north, [313177, 179645], atol=5)


def test_a_feed_is_read_with_its_days_and_exceptions(tmp_path):
    files = feed(date(2026, 11, 30), date(2026, 12, 31))
    files["calendar_dates.txt"] = ["service_id,date,exception_type", "s1,20261225,2", "s2,20270101,1"]
    files["trips.txt"][3] = "r1,s2,t3"
    found = gtfs.read(zipped(tmp_path / "feed.zip", files), MOST, date(2026, 12, 1)).timetable
    assert (date.fromordinal(found.first_on), date.fromordinal(found.last_on)) == (date(2026, 11, 30), date(2027, 1, 1))
    christmas, new_year = date(2026, 12, 25).toordinal() - found.first_on, found.runs.shape[1] - 1
    assert found.runs[:, christmas].tolist() == [False, False]
    assert found.runs[:, new_year].tolist() == [False, True]
    assert found.runs[0].sum() == 31
    assert found.arrives.tolist() == [500, 520, 790, 810, 1030, 1050]
    assert found.kind.tolist() == [1, 1, 1]


def test_times_between_time_points_are_filled_in(tmp_path):
    files = feed(today())
    files["stops.txt"].append("C,x,51.59,-0.24")
    files["stop_times.txt"][1:3] = ["t1,08:20:00,,A,10", "t1,,,C,20", "t1,,08:40:00,B,30"]
    found = read(tmp_path, files).timetable
    assert 510 in found.arrives


def test_ferries_and_stops_abroad_are_left_out_and_counted(tmp_path):
    files = feed(today())
    files["routes.txt"].append("r2,f,4")
    files["trips.txt"].append("r2,s1,t9")
    files["stops.txt"].append("Z,Calais,50.95,30.0")
    files["stop_times.txt"] += ["t9,09:00:00,09:00:00,A,1", "t1,09:30:00,09:30:00,Z,9"]
    found = read(tmp_path, files)
    assert len(found.timetable.kind) == 3
    assert len(found.timetable.east) == 2
    assert [note.split(" ")[2:4] for note in found.notes] == [["1", "stops"], ["1", "trips"]]


@pytest.mark.parametrize(
    ("file", "line", "text", "where"),
    [
        ("stops.txt", 1, "A,x,north,0", 'stops.txt, row 2, stop_lat: "north" is not a position.'),
        ("stops.txt", 2, "A,x,51,0", 'stops.txt, row 3, stop_id: "A" is there twice.'),
        ("stops.txt", 0, "stop_id,stop_name,stop_lat,lon", "stops.txt, row 1, stop_lon: the column is missing."),
        ("routes.txt", 1, "r1,7,bus", 'routes.txt, row 2, route_type: "bus" is not a whole number.'),
        ("routes.txt", 1, "r1", "routes.txt, row 2, route_short_name: the cell is missing."),
        ("trips.txt", 1, "r9,s1,t1", 'trips.txt, row 2, route_id: "r9" is not in routes.txt.'),
        ("trips.txt", 1, "r1,s9,t1", 'trips.txt, row 2, service_id: "s9" is in no calendar.'),
        ("trips.txt", 2, "r1,s1,t1", 'trips.txt, row 3, trip_id: "t1" is there twice.'),
        (
            "calendar.txt",
            1,
            "s1,2,1,1,1,1,1,1,20261130,20261231",
            'calendar.txt, row 2, monday: "2" is neither 0 nor 1.',
        ),
        ("calendar.txt", 1, "s1,1,1,1,1,1,1,1,30/11/2026,20261231", 'calendar.txt, row 2, start_date: "30/11/2026"'),
        ("calendar.txt", 1, "s1,1,1,1,1,1,1,1,20261231,20261130", "calendar.txt, row 2, end_date: it is before"),
        (
            "stop_times.txt",
            1,
            "t1,25:99:00,08:00:00,A,1",
            'stop_times.txt, row 2, arrival_time: "25:99:00" is not a time.',
        ),
        ("stop_times.txt", 1, "t1,08:00:00,08:00:00,Q,1", 'stop_times.txt, row 2, stop_id: "Q" is not in stops.txt.'),
        ("stop_times.txt", 1, "q,08:00:00,08:00:00,A,1", 'stop_times.txt, row 2, trip_id: "q" is not in trips.txt.'),
        ("stop_times.txt", 1, "t1,,,A,1", "stop_times.txt, row 2, arrival_time: the first and the last call"),
        ("stop_times.txt", 2, "t1,08:00:00,08:00:00,B,2", "stop_times.txt, row 3, arrival_time: it is before"),
        ("stop_times.txt", 2, "t1,08:40:00,08:30:00,B,2", "stop_times.txt, row 3, departure_time: it is before"),
        ("stop_times.txt", 2, "t1,08:40:00,08:40:00,B,1", "stop_times.txt, row 3, stop_sequence: 1 is there twice"),
        ("stop_times.txt", 1, "t1,08:00:00,08:00:00,A,-1", 'stop_times.txt, row 2, stop_sequence: "-1"'),
    ],
)
def test_a_fault_is_refused_with_its_file_row_field_rule_and_remedy(tmp_path, file, line, text, where):
    files = feed(date(2026, 11, 30), date(2026, 12, 31))
    files[file][line] = text
    with pytest.raises(TimetableRefused) as refused:
        read(tmp_path, files)
    assert refused.value.detail.startswith(where)
    assert refused.value.detail.endswith(" Nothing was saved.")


def test_what_is_no_feed_too_large_or_damaged_is_refused(tmp_path):
    (tmp_path / "no.zip").write_bytes(b"not a zip")
    with pytest.raises(TimetableRefused, match="is not a zip file"):
        gtfs.read(tmp_path / "no.zip", MOST, today())
    with pytest.raises(TimetableRefused, match="cannot be opened"):
        gtfs.read(tmp_path / "missing.zip", MOST, today())
    files = feed(today())
    with pytest.raises(TimetableRefused, match=r"has no trips\.txt and no calendar\.txt"):
        read(tmp_path, {name: lines for name, lines in files.items() if name not in {"trips.txt", "calendar.txt"}})
    bomb = files | {"stop_times.txt": [files["stop_times.txt"][0], "0" * 5_000_000]}
    with pytest.raises(TimetableRefused, match="and at most 1,000,000 are read"):
        read(tmp_path, bomb)
    assert (tmp_path / "feed.zip").stat().st_size < 10_000  # it was small while packed
    content = bytearray(zipped(tmp_path / "feed.zip", files).read_bytes())
    with zipfile.ZipFile(tmp_path / "feed.zip") as archive:
        at = archive.getinfo("stop_times.txt").header_offset + 60
    content[at : at + 8] = b"\xff" * 8
    (tmp_path / "feed.zip").write_bytes(bytes(content))
    with pytest.raises(TimetableRefused, match=r"stop_times\.txt"):
        gtfs.read(tmp_path / "feed.zip", MOST, today())


def test_a_shortlist_is_by_the_timetable_as_soon_as_it_is_loaded_and_until_it_is_removed(
    client, world: World, database, tmp_path
):
    person, _ = world.supported(**ONLY_BUS)
    world.list_placement()
    before = post(client, world, f"/jobseekers/{person}/shortlists")
    assert "by bus (estimated from the straight-line distance)" in travel_of(before)
    assert before["matches"][0]["travel"]["timetable_on"] is None
    assert load(database, tmp_path)
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    day = today()
    assert f"40 minutes by bus (by the timetable of {day.day} {day:%B %Y})" in travel_of(made)
    travel = made["matches"][0]["travel"]
    assert (travel["minutes_low"], travel["minutes_high"], travel["mode"]) == (40, 40, "bus")
    assert (travel["timetable_on"], travel["changes"]) == (day.isoformat(), 0)
    take_away(database)
    after = post(client, world, f"/jobseekers/{person}/shortlists")
    assert travel_of(after) == travel_of(before)
    assert get(client, world, f"/shortlists/{made['id']}") == made


def test_the_same_file_is_loaded_once_and_a_timetable_that_no_list_used_is_deleted(database, world, tmp_path):
    assert load(database, tmp_path)
    assert not load(database, tmp_path)
    for weeks in (9, 10, 11):
        assert load(database, tmp_path, feed(today(), today() + timedelta(weeks=weeks)))
    assert count(database) == 4  # by those of today, lists may just be made
    assert load(database, tmp_path, feed(today(), today() + timedelta(weeks=12)), on=today() + timedelta(days=2))
    assert count(database) == 2  # the current one, and the one before
    take_away(database)
    with pytest.raises(NotFound, match="pathways transport load"):
        take_away(database)


def test_a_refusal_is_explained_by_the_timetable_that_refused_it(client, world: World, database, tmp_path):
    """No bus is early enough: refused, and read again after another timetable was loaded twice."""
    person, _ = world.supported(**ONLY_BUS)
    placement = world.list_placement()
    late = feed(today())
    late["stop_times.txt"][1:3] = ["t1,09:20:00,09:20:00,A,1", "t1,09:40:00,09:40:00,B,2"]
    load(database, tmp_path, late)
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    assert made["refused_by_rule"] == {"travel": 1}
    text = travel_of(made)
    assert "By bus, nobody can be there by 09:00 on Monday in at most 2 hours" in text
    for weeks in (9, 10):
        load(database, tmp_path, feed(today(), today() + timedelta(weeks=weeks)))
    refused = get(client, world, f"/shortlists/{made['id']}/refused")["items"][0]["checks"]
    assert text in [check["text"] for check in refused]
    told = get(client, world, f"/shortlists/{made['id']}/matches/{placement}")
    assert text in [check["text"] for check in told["checks"]]


def test_a_timetable_out_of_date_is_said_so_and_the_estimate_counts(client, world: World, database, tmp_path):
    person, _ = world.supported(**ONLY_BUS)
    world.list_placement()
    ended = today() - timedelta(days=3)
    load(database, tmp_path, feed(today() - timedelta(days=30), ended))
    text = travel_of(post(client, world, f"/jobseekers/{person}/shortlists"))
    assert f"straight-line distance, because the timetable ended on {ended.day} {ended:%B %Y})" in text


def test_who_goes_along_is_asked_of_those_who_may_read_about_health(client, world: World):
    person, _ = world.supported(can_travel_alone=False)
    world.list_placement()
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    assert "company" in {check["rule"] for check in made["matches"][0]["checks"]}
    asked = [reason["text"] for reason in made["matches"][0]["reasons"] if reason["feature"] == "company"]
    assert asked == [
        "Ask who could go with the jobseeker, there and back, on each day of work. Ask too about travel training."
    ]
    write_profile(client, world, person, can_travel_alone=True)
    made = post(client, world, f"/jobseekers/{person}/shortlists")
    assert "company" not in {check["rule"] for check in made["matches"][0]["checks"]}


def test_a_placements_list_has_the_same_journey(client, world: World, database, tmp_path):
    person, _ = world.supported(**ONLY_BUS)
    placement = world.list_placement()
    load(database, tmp_path)
    own = post(client, world, f"/jobseekers/{person}/shortlists")["matches"][0]
    other = post(client, world, f"/placements/{placement}/shortlists")["matches"][0]
    assert (own["travel"], own["score"]) == (other["travel"], other["score"])


def test_half_days_have_clock_times():
    assert tables.half_day_times(date(2026, 11, 30)) == ((540, 780), (780, 1020), (1020, 1260))
    assert BACK[0] > "17:00:00"


def test_the_commands_load_show_and_remove(tmp_path):
    assert pathways(tmp_path, "db", "upgrade").returncode == 0
    early = pathways(tmp_path, "transport", "show")
    assert (early.returncode, early.stderr.count("\n")) == (1, 1)
    path = zipped(tmp_path / "barnet.zip", feed(today()))
    loaded = pathways(tmp_path, "transport", "load", str(path))
    assert loaded.returncode == 0, loaded.stderr
    assert "It has 2 stops, 3 trips and 6 calls by bus." in loaded.stdout
    assert "loaded already" in pathways(tmp_path, "transport", "load", str(path)).stdout
    assert "barnet.zip, loaded on" in pathways(tmp_path, "transport", "show").stdout
    assert pathways(tmp_path, "transport", "remove").returncode == 0
    assert pathways(tmp_path, "transport", "remove").returncode == 1
    files = feed(today() - timedelta(days=60), today() - timedelta(days=1))
    zipped(tmp_path / "old.zip", files)
    assert "It has ended" in pathways(tmp_path, "transport", "load", str(tmp_path / "old.zip")).stdout
    files["trips.txt"][1] = "r9,s1,t1"
    zipped(tmp_path / "bad.zip", files)
    bad = pathways(tmp_path, "transport", "load", str(tmp_path / "bad.zip"))
    assert (bad.returncode, bad.stderr.count("\n")) == (1, 1)
    assert "trips.txt, row 2, route_id" in bad.stderr
    assert "old.zip" in pathways(tmp_path, "transport", "show").stdout
