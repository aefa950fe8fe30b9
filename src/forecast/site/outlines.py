"""The outlines of countries around some places: Natural Earth 1:10 million, which is in the public domain.

`outlines.npz` is made by docs/outlines.py: rings of whole numbers, degrees times 1 000, good to about a kilometre.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

_FILE: Final = Path(__file__).parent / "outlines.npz"
_SCALE: Final = 1_000

Point = tuple[float, float]
# Longitudes and latitudes in degrees: a row a point.
Points = npt.NDArray[np.float64]


class Box(NamedTuple):
    """A part of the earth in degrees."""

    west: float
    south: float
    east: float
    north: float


class Outline(NamedTuple):
    """A part of a country that lies in a box: its ring, longitude and latitude in degrees."""

    country: str
    ring: list[Point]


def outlines_in(box: Box, fine: float = 0.0) -> Iterator[Outline]:
    """The outlines of all countries in a box, cut at its edges; without details smaller than this many degrees."""
    data = _load()
    west, south, east, north = (round(degrees * _SCALE) for degrees in box)
    boxes = data["boxes"]
    near = (boxes[:, 0] < east) & (boxes[:, 2] > west) & (boxes[:, 1] < north) & (boxes[:, 3] > south)
    near &= (boxes[:, 2:] - boxes[:, :2]).max(axis=1) >= fine * _SCALE
    for place in np.flatnonzero(near).tolist():
        ring = _cut(_coarse(_ring(data, place) / _SCALE, fine), box)
        if len(ring):
            points = list(zip(*ring.T.tolist(), strict=True))
            yield Outline(str(data["names"][data["owners"][place]]), points)


@cache
def _load() -> dict[str, Any]:
    with np.load(_FILE) as archive:
        return dict(archive)


def _ring(data: dict[str, Any], place: int) -> npt.NDArray[np.int64]:
    first, last = data["starts"][place : place + 2].tolist()
    steps = np.stack([data["east"][first:last], data["north"][first:last]], axis=1).astype(np.int64)
    return np.cumsum(np.concatenate([data["first"][place][None], steps]), axis=0)


def _coarse(points: Points, fine: float) -> Points:
    """One point of those that follow each other in a cell of this size."""
    if not fine:
        return points
    cells = np.floor(points / fine)
    coarse: Points = points[np.append(True, (np.diff(cells, axis=0) != 0).any(axis=1))]
    return coarse


def _cut(ring: Points, box: Box) -> Points:
    """The part of a polygon in a box, by Sutherland and Hodgman (1974): edge after edge of the box."""
    for axis, bound, above in ((0, box.west, True), (0, box.east, False), (1, box.south, True), (1, box.north, False)):
        inside = ring[:, axis] >= bound if above else ring[:, axis] <= bound
        if not inside.all():
            ring = _cut_at(ring, inside, axis, bound)
    return ring


def _cut_at(ring: Points, inside: npt.NDArray[np.bool_], axis: int, bound: float) -> Points:
    """The points inside one edge of the box, and where the polygon crosses it, each before the point that follows."""
    before = np.roll(ring, 1, axis=0)
    crosses = inside != np.roll(inside, 1)
    one, other = before[crosses], ring[crosses]
    share = (bound - one[:, axis]) / (other[:, axis] - one[:, axis])
    crossed = one + share[:, None] * (other - one)
    crossed[:, axis] = bound
    number = crosses.astype(np.intp) + inside
    first = np.cumsum(number) - number
    kept = np.empty((int(number.sum()), 2))
    kept[first[crosses]] = crossed
    kept[(first + crosses)[inside]] = ring[inside]
    return kept
