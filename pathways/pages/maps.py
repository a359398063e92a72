"""A small map of the places of a shortlist, drawn by us: distance and direction from home, without tiles of others."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import hypot

from pathways.reference.postcodes import GridPoint

WIDTH, HEIGHT = 320, 320
MARGIN = 24
RINGS_KM = (0.25, 0.5, 1, 2, 5, 10, 20, 50, 100, 200)
MOST_RINGS = 4
NEAR = 22  # places nearer to each other than this share one label


@dataclass(frozen=True, slots=True)
class MapRing:
    """A circle around home: its radius in the picture, and the distance."""

    radius: float
    text: str


@dataclass(frozen=True, slots=True)
class MapLabel:
    """One or more places at one spot of the picture, by their numbers in the list."""

    x: float
    y: float
    numbers: tuple[int, ...]

    @property
    def text(self) -> str:
        return ", ".join(map(str, self.numbers))


@dataclass(frozen=True, slots=True)
class PlacesMap:
    """The picture: home in the middle, north at the top."""

    rings: tuple[MapRing, ...]
    labels: tuple[MapLabel, ...]
    width: int = WIDTH
    height: int = HEIGHT


def drawn(home: GridPoint | None, places: Mapping[int, GridPoint]) -> PlacesMap | None:
    """Return the map of places by their number in the list; None if home or all places have no known position."""
    if home is None or not places:
        return None
    metres = {number: (at.easting - home.easting, at.northing - home.northing) for number, at in places.items()}
    furthest = max(*(hypot(*one) for one in metres.values()), RINGS_KM[0] * 1000)
    scale = (WIDTH / 2 - MARGIN) / furthest
    step = next((km for km in RINGS_KM if furthest / 1000 / km <= MOST_RINGS), RINGS_KM[-1])
    count = max(1, int(furthest / 1000 / step))
    rings = tuple(MapRing(round(n * step * 1000 * scale, 1), f"{n * step:g} km") for n in range(1, count + 1))
    groups: list[tuple[float, float, list[int]]] = []
    for number, (east, north) in sorted(metres.items()):
        x, y = WIDTH / 2 + east * scale, HEIGHT / 2 - north * scale
        near = next((one for one in groups if hypot(one[0] - x, one[1] - y) < NEAR), None)
        if near is None:
            groups.append((x, y, [number]))
        else:
            near[2].append(number)
    return PlacesMap(rings, tuple(MapLabel(round(x, 1), round(y, 1), tuple(numbers)) for x, y, numbers in groups))
