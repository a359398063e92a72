"""Pure functions for line charts as SVG.

Each line has a label at its end, and the colours are safe for colour-blind readers.
Each chart has a description in words for readers who cannot see it. The numbers are in the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from pathways.exports.rendering import rendered

# The categorical palette of the Government Analysis Function, in its order, so that neighbours differ in lightness.
COLOURS = ("#12436D", "#28A197", "#801650", "#F46A25", "#3D3D3D", "#A285D1")
DASHES = ("", "7 3", "2 3", "10 3 2 3", "4 4", "1 4")
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 800, 440, 64, 150, 24, 60
LABEL_ROOM = 15  # smallest vertical distance between two labels on the right, in pixels
MOST_TICKS = 6
MOST_LETTERS = 60  # most characters of all labels along the axis together; if there are more, some labels are left out


@dataclass(frozen=True, slots=True)
class ChartLine:
    """One line: its name, and a value for each point along the axis; None where there is no value to publish."""

    name: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart: its texts, the labels along the axis and its lines.

    Parameters
    ----------
    name : str
        The file name without ``chart-`` and ``.svg``.
    title, about, along, up : str
        The title, the description in words, and the labels of the horizontal and vertical axis.
    places : sequence of str
        The labels of the points along the horizontal axis.
    lines : sequence of ChartLine
        Six at most, because readers cannot distinguish more.
    is_share : bool
        Whether values are shares from 0 to 1, written as percentages.
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
    """A line ready for the template: its pieces between gaps, its points, and the height of its label."""

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
    >>> chart = Chart("x", "T", "It rises.", "month", "people", ["Jan", "Feb"], [ChartLine("all", [5, 10])])
    >>> b"<title" in svg(chart) and b"It rises." in svg(chart)
    True
    """
    values = [value for line in chart.lines for value in line.values if value is not None]
    top = _top(max(values, default=0.0), is_share=chart.is_share)
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
    """Move the labels of the lines apart, so that no label covers another label."""
    placed: list[_Drawn] = []
    lowest = float(TOP)
    for line in sorted((line for line in lines if line.dots), key=lambda line: line.label_y):
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
    ticks, value = [], 0.0
    while value <= top + 1e-9:
        ticks.append(round(value, 4))
        value += step
    return ticks


def _label(value: float, *, is_share: bool) -> str:
    return f"{round(value * 100)}%" if is_share else f"{round(value):,}"
