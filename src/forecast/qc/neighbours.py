"""Which stations are compared with each other: one spatial index for a registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.stations import Station, Stations

# Our own stations are 9 to 63 km apart; within 10 km there is one neighbour at most.
RADIUS_KM: Final = 75
# GHCNh: neighbours differ by 200 m in height at most.
MAX_HEIGHT_M: Final = 200
# GHCNh takes 10; in a city of 624 stations the medians of 30 found more at fewer false alarms (docs/benchmark.md).
MAX_NEIGHBOURS: Final = 30
EARTH_KM: Final = 6371
# 10 000 stations took 0.19 s on a grid over France and 0.26 s in one city; with leaves of 16 or 64, 0.18 to 0.36 s.
_LEAF: Final = 32
# How many leaves are looked at first.
_FIRST_LEAVES: Final = 16
Points = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """Stations near each other, by row, and a ball around them."""

    rows: Rows
    centre: Points
    radius: float


@dataclass(frozen=True)
class Neighbours:
    """The neighbours of each station, nearest first.

    They are the MAX_NEIGHBOURS nearest within RADIUS_KM (great circle) and MAX_HEIGHT_M of height; of stations as
    near the one whose id comes first. Stations of the same site share its faults, and are no neighbours of each other.
    In a crowd a station can be a neighbour of another that is none of its own.
    """

    by_station: Mapping[str, tuple[str, ...]]

    @classmethod
    def among(cls, stations: Iterable[Station]) -> Neighbours:
        """Those of these stations. Time grows with their number, and what is in memory beside the result does not."""
        ordered = sorted(stations, key=lambda station: station.id)
        if not ordered:
            return cls({})
        ids = [station.id for station in ordered]
        return cls({ids[row]: tuple(ids[near] for near in found) for row, found in _nearest(ordered)})

    def of(self, station_id: str) -> tuple[str, ...]:
        """What a station is compared with; nothing for one that is not in the registry."""
        return self.by_station.get(station_id, ())

    def compared_with(self, station_id: str) -> tuple[str, ...]:
        """The stations of which it is a neighbour: its values are part of their flags."""
        return self._compared_with.get(station_id, ())

    @cached_property
    def _compared_with(self) -> Mapping[str, tuple[str, ...]]:
        found: defaultdict[str, list[str]] = defaultdict(list)
        for station_id, near in self.by_station.items():
            for other in near:
                found[other].append(station_id)
        return {station_id: tuple(others) for station_id, others in found.items()}


@lru_cache(maxsize=1)
def neighbours_of(stations: Stations) -> Neighbours:
    """Those of a registry, found once."""
    return Neighbours.among(stations)


def on_the_sphere(stations: Iterable[Station]) -> Points:
    """Unit vectors of the stations' positions, one a row."""
    north, east = np.radians([(one.latitude, one.longitude) for one in stations]).reshape(-1, 2).T
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)


def halves(points: Points, rows: Rows) -> tuple[Rows, Rows]:
    """Rows of points cut in two of the same number (the first may have one more), across where they lie widest."""
    own = points[rows]
    axis = int(np.argmax(np.ptp(own, axis=0)))
    ordered = rows[np.argsort(own[:, axis], kind="stable")]
    middle = (len(ordered) + 1) // 2
    return ordered[:middle], ordered[middle:]


def _nearest(stations: list[Station]) -> Iterator[tuple[int, list[int]]]:
    """The rows of the neighbours of each station, nearest first."""
    points = on_the_sphere(stations)
    heights = np.array([station.elevation for station in stations])
    numbers: dict[str, int] = {}
    sites = np.array([numbers.setdefault(station.site, len(numbers)) for station in stations])
    leaves = list(_leaves(points, np.arange(len(stations))))
    centres, radii = np.stack([leaf.centre for leaf in leaves]), np.array([leaf.radius for leaf in leaves])
    farthest = 2 * np.sin(RADIUS_KM / EARTH_KM / 2)  # as a chord of the unit sphere
    for leaf in leaves:
        # No station of another leaf is nearer to one of this than so far.
        gaps = np.linalg.norm(centres - leaf.centre, axis=1) - radii - leaf.radius
        order = np.argsort(gaps, kind="stable")
        order = order[: np.searchsorted(gaps[order], farthest, side="right")]
        count = _FIRST_LEAVES
        while True:
            others = np.sort(np.concatenate([leaves[at].rows for at in order[:count].tolist()]))
            distances = _distances(points, leaf.rows, others)
            distances[
                (distances > farthest)
                | (np.abs(heights[leaf.rows, None] - heights[others]) > MAX_HEIGHT_M)
                | (sites[leaf.rows, None] == sites[others])
            ] = np.inf
            last = _distance_of_the_last(distances)
            if count >= len(order) or (last < gaps[order[count]]).all():
                break
            count *= 2
        yield from _in_order(leaf.rows, others, distances, last)


def _leaves(points: Points, rows: Rows) -> Iterator[_Leaf]:
    """The leaves of a k-d tree: each has the stations of one part of the space."""
    if len(rows) > _LEAF:
        for half in halves(points, rows):
            yield from _leaves(points, half)
        return
    centre = points[rows].mean(axis=0)
    yield _Leaf(rows, centre, float(np.linalg.norm(points[rows] - centre, axis=1).max()))


def _distances(points: Points, rows: Rows, others: Rows) -> Points:
    """Chords from each of some points to each of others; the same both ways, to the last bit."""
    squares = np.zeros((len(rows), len(others)))
    for axis in range(points.shape[1]):
        squares += (points[rows, axis, None] - points[others, axis]) ** 2
    found: Points = np.sqrt(squares)
    return found


def _distance_of_the_last(distances: Points) -> Points:
    """How far the last neighbour of each is that counts; infinite where there are not as many."""
    if distances.shape[1] < MAX_NEIGHBOURS:
        return np.full(len(distances), np.inf)
    last: Points = np.partition(distances, MAX_NEIGHBOURS - 1, axis=1)[:, MAX_NEIGHBOURS - 1]
    return last


def _in_order(rows: Rows, others: Rows, distances: Points, last: Points) -> Iterator[tuple[int, list[int]]]:
    """Of each row the others up to its last neighbour, nearest first, and of some as near the first by id."""
    row, column = np.nonzero((distances <= last[:, None]) & np.isfinite(distances))
    # The columns are in the order of ids already, and this sort keeps it.
    order = np.lexsort((distances[row, column], row))
    starts = np.searchsorted(row, np.arange(len(rows) + 1)).tolist()
    nearest = others[column[order]].tolist()
    for number, station in enumerate(rows.tolist()):
        yield station, nearest[starts[number] : starts[number + 1]][:MAX_NEIGHBOURS]
