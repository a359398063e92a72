"""Small GTFS zips for tests: two stops of the small world, a bus there and a bus back, on each day for eight weeks."""

import zipfile
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from pathways.reference.national_grid import to_grid

HOME, WORK = (521805.0, 190674.0), (522782.0, 189374.0)  # NW9 5QN and NW4 4BT
THERE, BACK = ("08:20:00", "08:40:00"), ("17:10:00", "17:30:00")
Rows = list[str]


def degrees(east: float, north: float) -> tuple[float, float]:
    """The latitude and longitude of a place on the grid, by Newton's method."""
    place = np.array([53.0, -2.0])
    for _ in range(8):
        around = place + np.array([[0, 0], [1e-4, 0], [0, 1e-4]])
        found = np.column_stack(to_grid(around[:, 0], around[:, 1]))
        slopes = (found[1:] - found[0]).T / 1e-4
        place = place + np.linalg.solve(slopes, np.array([east, north]) - found[0])
    return float(place[0]), float(place[1])


def feed(begins: date, ends: date | None = None) -> dict[str, Rows]:
    """The files of a feed, as lines."""
    ends = ends or begins + timedelta(days=56)
    places = [degrees(*HOME), degrees(*WORK)]
    calls = [
        f"{trip},{time},{time},{stop},{sequence}"
        for trip, stops, times in (("t1", "AB", THERE), ("t2", "BA", BACK), ("t3", "BA", ("13:10:00", "13:30:00")))
        for sequence, (stop, time) in enumerate(zip(stops, times, strict=True), 1)
    ]
    return {
        "stops.txt": [
            "stop_id,stop_name,stop_lat,stop_lon",
            *(f"{name},x,{lat:.6f},{lon:.6f}" for name, (lat, lon) in zip("AB", places, strict=True)),
        ],
        "routes.txt": ["route_id,route_short_name,route_type", "r1,7,3"],
        "trips.txt": ["route_id,service_id,trip_id", "r1,s1,t1", "r1,s1,t2", "r1,s1,t3"],
        "calendar.txt": [
            "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date",
            f"s1,1,1,1,1,1,1,1,{begins:%Y%m%d},{ends:%Y%m%d}",
        ],
        "stop_times.txt": ["trip_id,arrival_time,departure_time,stop_id,stop_sequence", *calls],
    }


def zipped(path: Path, files: Mapping[str, Rows]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, lines in files.items():
            archive.writestr(name, "\n".join(lines) + "\n")
    return path
