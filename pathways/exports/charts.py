"""Charts as SVG, pure: lines with a label at each end, colours that hold for the colour-blind, and words for all of it.

A picture's description says what the picture shows, so that nobody needs to see it; the numbers are in the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pathways.exports.rendering import rendered

# The Analysis Function's categorical palette, in its order, which keeps neighbours apart in lightness too.
COLOURS = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1")
DASHES = ("", "7 3", "2 3", "10 3 2 3", "4 4", "1 4")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 440, 64, 150, 24, 60
LABEL_ROOM = 15  # points between two labels at the right
MOST_TICKS = 6
MOST_LETTERS = 60  # along the chart, before every other place goes without its name


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One line: what it is called, and a value for each place along the chart; None where there is none to show."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its words, what stands under each place along it, and its lines.

    Parameters
    ----------
    name : str
        Of the file, without ``chart-`` and ``.svg``.
    title, about, along, up : str
        The title, the alternative in words, and what each axis is.
    places : sequence of str
    lines : sequence of ChartLine
        Six at most: more cannot be told apart.
    is_share : bool
        Whether values are shares of one, told in per cent.
    """

    name: str
    title: str
    about: str
    along: str
    up: str
    places: Sequence[str]
    lines: Sequence[ChartLine]
    is_share: bool = False


class _Drawn(NamedTuple):
    name: str
    colour: str
    dash: str
    pieces: list[str]
    dots: list[tuple[float, float]]
    label_y: float


def svg(chart: Chart) -> bytes:
    """Return a chart as SVG; the same chart gives the same bytes.

    Parameters
    ----------
    chart : Chart

    Returns
    -------
    bytes

    Examples
    --------
    >>> one = Chart("x", "T", "It rises.", "month", "people", ["Jan", "Feb"], [ChartLine("all", [5, 10])])
    >>> b"<title" in svg(one) and b"It rises." in svg(one)
    True
    """
    known = [value for line in chart.lines for value in line.values if value is not None]
    top = _top(max(known, default=0.0), is_share=chart.is_share)
    step = (WIDTH - LEFT - RIGHT) / max(1, len(chart.places) - 1)

    def at(place: int, value: float) -> tuple[float, float]:
        return round(LEFT + step * place, 1), round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)

    lines = [_drawn(number, line, at) for number, line in enumerate(chart.lines)]
    every = max(1, -(-sum(map(len, chart.places)) // MOST_LETTERS))
    return rendered(
        "chart.svg",
        chart=chart,
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=WIDTH - RIGHT,
        bottom=HEIGHT - BOTTOM,
        ticks=[
            (at(0, value)[1], _label(value, is_share=chart.is_share)) for value in _ticks(top, is_share=chart.is_share)
        ],
        places=[(at(number, 0)[0], name) for number, name in enumerate(chart.places) if number % every == 0],
        lines=_apart(lines),
        middle=(LEFT + WIDTH - RIGHT) / 2,
    )


def _drawn(number: int, line: ChartLine, at: object) -> _Drawn:
    assert callable(at)
    pieces: list[list[tuple[float, float]]] = [[]]
    for place, value in enumerate(line.values):
        if value is None:
            pieces.append([])
        else:
            pieces[-1].append(at(place, value))
    dots = [dot for piece in pieces for dot in piece]
    return _Drawn(
        line.name,
        COLOURS[number % len(COLOURS)],
        DASHES[number % len(DASHES)],
        [" ".join(f"{x},{y}" for x, y in piece) for piece in pieces if len(piece) > 1],
        dots,
        dots[-1][1] if dots else -1.0,
    )


def _apart(lines: Sequence[_Drawn]) -> list[_Drawn]:
    """Move labels so that none covers another."""
    placed: list[_Drawn] = []
    lowest = float(TOP)
    for line in sorted((one for one in lines if one.dots), key=lambda one: one.label_y):
        y = max(line.label_y, lowest)
        placed.append(line._replace(label_y=round(y, 1)))
        lowest = y + LABEL_ROOM
    return placed


def _top(most: float, *, is_share: bool) -> float:
    if is_share:
        return max(0.1, -(-round(most * 100) // 10) / 10)
    step = 5.0
    while most > step * MOST_TICKS:
        step *= 2
    return max(step, -(-most // step) * step)


def _ticks(top: float, *, is_share: bool) -> list[float]:
    if is_share:
        step = 0.1 if top <= MOST_TICKS / 10 else 0.2
    else:
        step = 5.0
        while top > step * MOST_TICKS:
            step *= 2
    found, value = [], 0.0
    while value <= top + 1e-9:
        found.append(round(value, 4))
        value += step
    return found


def _label(value: float, *, is_share: bool) -> str:
    return f"{round(value * 100)}%" if is_share else f"{round(value):,}"
