"""Finds the neighbours that stations are compared with, with one spatial index per registry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.core.stations import Station, Stations

# The project's first stations are 9 to 63 km apart; within 10 km each has at most one neighbour.
RADIUS_KM: Final = 75
# GHCNh: neighbours differ by at most 200 m in altitude.
MAX_HEIGHT_M: Final = 200
# GHCNh takes 10. In a city of 624 stations, medians of 30 found more, with fewer false alarms (docs/benchmark.md).
MAX_NEIGHBOURS: Final = 30
EARTH_KM: Final = 6371
# All neighbours of 10 000 stations took 0.19 s on a grid over France and 0.26 s in one city; with leaves of 16 or 64,
# 0.18 to 0.36 s.
_LEAF: Final = 32
# How many leaves are searched first.
_FIRST_LEAVES: Final = 16
# RADIUS_KM as a chord of the unit sphere.
_FARTHEST: Final = 2 * np.sin(RADIUS_KM / EARTH_KM / 2)
Points = npt.NDArray[np.float64]
Rows = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class _Leaf:
    """Stations near each other, by row, and a ball that encloses them."""

    rows: Rows
    centre: Points
    radius: float


class Neighbours:
    """The neighbours of each station, nearest first.

    A station's neighbours are the MAX_NEIGHBOURS nearest within RADIUS_KM (great circle) and MAX_HEIGHT_M of altitude.
    Of two at the same distance, the one whose id sorts first is nearer. Stations of the same site share its faults, so
    they are not neighbours. In a dense area, A can be a neighbour of B without B being one of A.

    They are searched for on demand, for all stations of a leaf at once: for one station in a registry of 10 000, that
    takes a twentieth of the time. Not thread-safe.
    """

    def __init__(self, stations: Iterable[Station]) -> None:
        ordered = sorted(stations, key=lambda station: station.id)
        self._ids: Final = [station.id for station in ordered]
        self._rows: Final = {name: row for row, name in enumerate(self._ids)}
        self._index: Final = _Index.of(ordered)
        self._near: Final[dict[int, list[int]]] = {}
        self._compared_with: Final[defaultdict[int, list[int]]] = defaultdict(list)
        self._searched: Final[set[int]] = set()
        self._searched_around: Final[set[int]] = set()

    def of(self, station_id: str) -> tuple[str, ...]:
        """The ids of a station's neighbours; none for a station that is not in the registry."""
        row = self._rows.get(station_id)
        if row is None:
            return ()
        self._search(int(self._index.leaf_of[row]))
        return tuple(self._ids[other] for other in self._near[row])

    def compared_with(self, station_id: str) -> tuple[str, ...]:
        """The ids of the stations that have this station as a neighbour, so that their flags depend on its values."""
        row = self._rows.get(station_id)
        if row is None:
            return ()
        if (leaf := int(self._index.leaf_of[row])) not in self._searched_around:
            for other in self._index.leaves_around(leaf):
                self._search(other)
            self._searched_around.add(leaf)
        return tuple(self._ids[other] for other in sorted(self._compared_with[row]))

    def _search(self, leaf: int) -> None:
        if leaf in self._searched:
            return
        for row, near in self._index.nearest(leaf):
            self._near[row] = near
            for other in near:
                self._compared_with[other].append(row)
        self._searched.add(leaf)


@lru_cache(maxsize=1)
def neighbours_of(stations: Stations) -> Neighbours:
    """The neighbours within a registry, found once."""
    return Neighbours(stations)


def on_the_sphere(stations: Iterable[Station]) -> Points:
    """Unit vectors of the stations' positions, one per row."""
    north, east = np.radians([(one.latitude, one.longitude) for one in stations]).reshape(-1, 2).T
    return np.stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)], axis=1)


def halves(points: Points, rows: Rows) -> tuple[Rows, Rows]:
    """Two halves of points (the first may have one more), split across the axis of their largest extent."""
    own = points[rows]
    axis = int(np.argmax(np.ptp(own, axis=0)))
    ordered = rows[np.argsort(own[:, axis], kind="stable")]
    middle = (len(ordered) + 1) // 2
    return ordered[:middle], ordered[middle:]


@dataclass(frozen=True)
class _Index:
    """Stations by row, in the order of their ids, and the leaves that contain them."""

    points: Points
    heights: Points
    sites: Rows
    leaves: Sequence[_Leaf]
    leaf_of: Rows
    centres: Points
    radii: Points

    @classmethod
    def of(cls, stations: Sequence[Station]) -> _Index:
        points = on_the_sphere(stations)
        numbers: dict[str, int] = {}
        sites = [numbers.setdefault(station.site, len(numbers)) for station in stations]
        leaves = list(_leaves(points, np.arange(len(stations)))) if stations else []
        leaf_of = np.zeros(len(stations), np.intp)
        for number, leaf in enumerate(leaves):
            leaf_of[leaf.rows] = number
        return cls(
            points,
            np.array([station.elevation for station in stations]),
            np.array(sites),
            leaves,
            leaf_of,
            np.array([leaf.centre for leaf in leaves]),
            np.array([leaf.radius for leaf in leaves]),
        )

    def leaves_around(self, leaf: int) -> list[int]:
        """The leaves that may contain a station within RADIUS_KM of one of this leaf's."""
        leaves: list[int] = self._in_order(leaf)[1].tolist()
        return leaves

    def nearest(self, leaf: int) -> Iterator[tuple[int, list[int]]]:
        """The rows of the neighbours of each station of a leaf, nearest first."""
        rows = self.leaves[leaf].rows
        gaps, order = self._in_order(leaf)
        count = _FIRST_LEAVES
        while True:
            others = np.sort(np.concatenate([self.leaves[at].rows for at in order[:count].tolist()]))
            distances = _distances(self.points, rows, others)
            distances[
                (distances > _FARTHEST)
                | (np.abs(self.heights[rows, None] - self.heights[others]) > MAX_HEIGHT_M)
                | (self.sites[rows, None] == self.sites[others])
            ] = np.inf
            last = _distance_of_the_last(distances)
            if count >= len(order) or (last < gaps[order[count]]).all():
                break
            count *= 2
        yield from _in_order(rows, others, distances, last)

    def _in_order(self, leaf: int) -> tuple[Points, Rows]:
        """The minimum distances of the leaves within reach, and the leaves, nearest first."""
        centre, radius = self.leaves[leaf].centre, self.leaves[leaf].radius
        gaps: Points = np.linalg.norm(self.centres - centre, axis=1) - self.radii - radius
        order = np.argsort(gaps, kind="stable")
        return gaps, order[: np.searchsorted(gaps[order], _FARTHEST, side="right")]


def _leaves(points: Points, rows: Rows) -> Iterator[_Leaf]:
    """The leaves of a k-d tree; each has the stations of one region."""
    if len(rows) > _LEAF:
        for half in halves(points, rows):
            yield from _leaves(points, half)
        return
    centre = points[rows].mean(axis=0)
    yield _Leaf(rows, centre, float(np.linalg.norm(points[rows] - centre, axis=1).max()))


def _distances(points: Points, rows: Rows, others: Rows) -> Points:
    """Chords between two sets of points; exactly the same in both directions."""
    squares = np.zeros((len(rows), len(others)))
    for axis in range(points.shape[1]):
        squares += (points[rows, axis, None] - points[others, axis]) ** 2
    found: Points = np.sqrt(squares)
    return found


def _distance_of_the_last(distances: Points) -> Points:
    """The distance of each station's last neighbour that counts; infinite if there are fewer."""
    if distances.shape[1] < MAX_NEIGHBOURS:
        return np.full(len(distances), np.inf)
    last: Points = np.partition(distances, MAX_NEIGHBOURS - 1, axis=1)[:, MAX_NEIGHBOURS - 1]
    return last


def _in_order(rows: Rows, others: Rows, distances: Points, last: Points) -> Iterator[tuple[int, list[int]]]:
    """For each row, the others up to its last neighbour, nearest first; at equal distance, by id."""
    row, column = np.nonzero((distances <= last[:, None]) & np.isfinite(distances))
    # The columns are already in the order of ids, and a stable sort keeps it.
    order = np.lexsort((distances[row, column], row))
    starts = np.searchsorted(row, np.arange(len(rows) + 1)).tolist()
    nearest = others[column[order]].tolist()
    for number, station in enumerate(rows.tolist()):
        yield station, nearest[starts[number] : starts[number + 1]][:MAX_NEIGHBOURS]
