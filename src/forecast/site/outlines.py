"""The outlines of countries around some places: Natural Earth 1:10 million, which is in the public domain.

`outlines.npz` is made by docs/outlines.py: rings of whole numbers, degrees times 1 000, good to about a kilometre.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

_FILE: Final = Path(__file__).parent / "outlines.npz"
_SCALE: Final = 1_000

Point = tuple[float, float]


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
        points = _coarse(_ring(data, place) / _SCALE, fine)
        ring = _cut([(x, y) for x, y in points.tolist()], box)
        if ring:
            yield Outline(str(data["names"][data["owners"][place]]), ring)


@cache
def _load() -> dict[str, Any]:
    with np.load(_FILE) as archive:
        return dict(archive)


def _ring(data: dict[str, Any], place: int) -> Any:
    first, last = data["starts"][place : place + 2].tolist()
    steps = np.stack([data["east"][first:last], data["north"][first:last]], axis=1).astype(np.int64)
    return np.cumsum(np.concatenate([data["first"][place][None], steps]), axis=0)


def _coarse(points: Any, fine: float) -> Any:
    """One point of those that follow each other in a cell of this size."""
    if not fine:
        return points
    cells = np.floor(points / fine)
    return points[np.append(True, (np.diff(cells, axis=0) != 0).any(axis=1))]


def _cut(ring: list[Point], box: Box) -> list[Point]:
    """The part of a polygon in a box, by Sutherland and Hodgman (1974): edge after edge of the box."""
    for axis, bound, above in ((0, box.west, True), (0, box.east, False), (1, box.south, True), (1, box.north, False)):
        values = [point[axis] for point in ring]
        if not ring or (min(values) >= bound if above else max(values) <= bound):
            continue
        kept: list[Point] = []
        for place, point in enumerate(ring):
            before = ring[place - 1]
            inside, was_inside = (one[axis] >= bound if above else one[axis] <= bound for one in (point, before))
            if inside != was_inside:
                kept.append(_crossing(before, point, axis, bound))
            if inside:
                kept.append(point)
        ring = kept
    return ring


def _crossing(one: Point, other: Point, axis: int, bound: float) -> Point:
    share = (bound - one[axis]) / (other[axis] - one[axis])
    crossed = [one[side] + share * (other[side] - one[side]) for side in (0, 1)]
    crossed[axis] = bound
    return crossed[0], crossed[1]
