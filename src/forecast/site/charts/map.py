"""The map of the stations: outlines, marks, and names where they fit. It needs no tiles and no requests."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from markupsafe import Markup, escape

from forecast.core.text import escaped
from forecast.site.outlines import Box, Outline, outlines_in
from forecast.site.svg import number, path, tag

# As wide as a page next to its legend, and as a phone; letters have the same size in both.
WIDE: Final = (780.0, 520.0)
NARROW: Final = (362.0, 330.0)
# The margin around the outermost stations, as a share of their extent; and the minimum extent in degrees of latitude.
_MARGIN: Final = 0.16
_LEAST_DEGREES: Final = 0.4
_KM_A_DEGREE: Final = 111.2
_RADIUS: Final = 9.0
_DENSE: Final = 60
_DENSE_RADIUS: Final = 5.0
_LETTER: Final = 7.6
_LINE: Final = 15.0
_COUNTRY_LEAST: Final = 60.0
_EDGE: Final = 8.0
_COUNTRY_LINE: Final = 40.0
# In pixels; smaller details would not be visible.
_FINE: Final = 1.0

Rect = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A station on the map; `kind` is its colour (good, warn, bad, mute), `glyph` says the same without colour.

    `href` is the file of its page; None if it has none.
    """

    name: str
    title: str
    href: str | None
    latitude: float
    longitude: float
    kind: str
    glyph: str


@dataclass(frozen=True, slots=True)
class _View:
    """What is shown: its size, the west edge, Mercator's y of the north edge, and pixels a radian."""

    width: float
    height: float
    west: float
    top: float
    scale: float

    def at(self, points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
        """Where points (longitude and latitude) are; with thousands of stations, one by one took 50 ms of CPU."""
        east, north = np.array(points).T
        xs, ys = (np.radians(east) - self.west) * self.scale, (self.top - _mercator(north)) * self.scale
        return list(zip(xs.tolist(), ys.tolist(), strict=True))


def station_maps(marks: Sequence[Mark], label: str, sizes: Mapping[str, tuple[float, float]]) -> dict[str, Markup]:
    """The map of these stations (at least one) in several sizes; later ones are drawn on top of earlier ones.

    So the worst should come last.
    """
    frames = list(map(_frame, marks)) if len(marks) > _DENSE else None
    return {name: _station_map(marks, frames, label, size) for name, size in sizes.items()}


def _station_map(
    marks: Sequence[Mark], frames: Sequence[tuple[str, str]] | None, label: str, size: tuple[float, float]
) -> Markup:
    """One of them; with `frames`, the marks are dots."""
    view, box = _view(marks, size)
    spots = list(zip(marks, view.at([(mark.longitude, mark.latitude) for mark in marks]), strict=True))
    radius = _RADIUS if frames is None else _DENSE_RADIUS
    taken: list[Rect] = [(x - radius, y - radius, x + radius, y + radius) for _, (x, y) in spots]
    if frames is None:
        names = [_label(mark.name, spot, _RADIUS, taken, view) for mark, spot in spots]
        shown = Markup("").join(_mark(mark, spot, name) for (mark, spot), name in zip(spots, names, strict=True))
    else:
        shown = _dots(frames, tuple(spot for _, spot in spots))
    parts = [
        tag("rect", class_="sea", width=view.width, height=view.height),
        _land(view, box),
        _countries(view, box, tuple(taken)),
        shown,
        *_scale_bar(view, marks),
    ]
    return tag("svg", *parts, view_box=f"0 0 {view.width:g} {view.height:g}", role="group", aria_label=label)


@lru_cache(maxsize=2)
def _land(view: _View, box: Box) -> Markup:
    """The outlines there, which are the same in every language."""
    return Markup("").join(tag("path", class_="land", d=_thinned(outline, view)) for outline in _outlines(view, box))


@lru_cache(maxsize=2)
def _outlines(view: _View, box: Box) -> tuple[Outline, ...]:
    return tuple(outlines_in(box, math.degrees(_FINE / view.scale)))


def _mercator(latitudes: npt.ArrayLike) -> npt.NDArray[np.float64]:
    heights: npt.NDArray[np.float64] = np.log(np.tan(np.pi / 4 + np.radians(np.clip(latitudes, -85.0, 85.0)) / 2))
    return heights


def _latitude(y: float) -> float:
    return math.degrees(2 * math.atan(math.exp(y)) - math.pi / 2)


def _view(marks: Sequence[Mark], size: tuple[float, float]) -> tuple[_View, Box]:
    width, height = size
    longitudes, latitudes = [mark.longitude for mark in marks], [mark.latitude for mark in marks]
    first, last = math.radians(min(longitudes)), math.radians(max(longitudes))
    lowest, highest = _mercator([min(latitudes), max(latitudes)]).tolist()
    middle = (first + last) / 2, (lowest + highest) / 2
    # Mercator stretches both directions alike, by 1 / cos(latitude).
    least = math.radians(_LEAST_DEGREES) / math.cos(math.radians(_latitude(middle[1])))
    wide = max(last - first, least) * (1 + 2 * _MARGIN)
    high = max(highest - lowest, least) * (1 + 2 * _MARGIN)
    scale = min(width / wide, height / high)
    west, top = middle[0] - width / scale / 2, middle[1] + height / scale / 2
    edge = 4 / scale  # so that the line along a cut lies outside
    box = Box(
        math.degrees(west - edge),
        _latitude(top - height / scale - edge),
        math.degrees(west + width / scale + edge),
        _latitude(top + edge),
    )
    return _View(width, height, west, top, scale), box


def _thinned(outline: Outline, view: _View) -> str:
    first, *others = view.at(outline.ring)
    points = [first]
    for x, y in others:
        if abs(x - points[-1][0]) + abs(y - points[-1][1]) >= _FINE:
            points.append((x, y))
    return path(points, closed=True)


def _frame(mark: Mark) -> tuple[str, str]:
    """What stands before and after the circle of a mark among thousands, where every element counts."""
    title = escape(escaped(mark.title))
    before, after = f'<g class="place {mark.kind} dense">', "</g>"
    if mark.href is not None:
        before, after = f'{before}<a href="{escape(escaped(mark.href))}" aria-label="{title}">', f"</a>{after}"
    return f"{before}<title>{title}</title>", after


def _dots(frames: Sequence[tuple[str, str]], spots: tuple[tuple[float, float], ...]) -> Markup:
    parts = [f"{before}{circle}{after}" for (before, after), circle in zip(frames, _circles(spots), strict=True)]
    return Markup("".join(parts))  # noqa: S704  _frame escapes


@lru_cache(maxsize=2)
def _circles(spots: tuple[tuple[float, float], ...]) -> list[str]:
    """The circles there, which are the same in every language."""
    return [f'<circle cx="{number(x)}" cy="{number(y)}" r="{_DENSE_RADIUS:g}"></circle>' for x, y in spots]


def _mark(mark: Mark, spot: tuple[float, float], name: Markup | None) -> Markup:
    x, y = spot
    circle = tag("circle", cx=x, cy=y, r=_RADIUS)
    glyph = tag("text", mark.glyph, class_="glyph", x=x, y=y + 4)
    shown = (tag("title", mark.title), circle, glyph, name or "")
    linked = shown if mark.href is None else (tag("a", *shown, href=mark.href, aria_label=mark.title),)
    return tag("g", *linked, class_=f"place {mark.kind}")


def _label(name: str, spot: tuple[float, float], radius: float, taken: list[Rect], view: _View) -> Markup | None:
    """The name next to its mark, where there is space; None if there is none."""
    x, y = spot
    width = len(name) * _LETTER
    places: tuple[tuple[str, float, float, Callable[[float, float], Rect]], ...] = (
        ("start", x + radius + 5, y + 4, lambda a, b: (a, b - 12, a + width, b + 3)),
        ("end", x - radius - 5, y + 4, lambda a, b: (a - width, b - 12, a, b + 3)),
        ("middle", x, y + radius + _LINE, lambda a, b: (a - width / 2, b - 12, a + width / 2, b + 3)),
        ("middle", x, y - radius - 5, lambda a, b: (a - width / 2, b - 12, a + width / 2, b + 3)),
    )
    for anchor, at_x, at_y, covers in places:
        rect = covers(at_x, at_y)
        inside = rect[0] >= 0 and rect[2] <= view.width and rect[1] >= 0 and rect[3] <= view.height
        if inside and not any(_overlap(rect, other) for other in taken):
            taken.append(rect)
            return tag("text", name, class_="name", x=at_x, y=at_y, text_anchor=anchor)
    return None


def _overlap(one: Rect, other: Rect) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


@lru_cache(maxsize=2)
def _countries(view: _View, box: Box, taken: tuple[Rect, ...]) -> Markup:
    """The name of each country that has room for it, which is the same in every language."""
    return Markup("").join(_country_names(_outlines(view, box), view, np.array(taken)))


def _country_names(outlines: Sequence[Outline], view: _View, taken: npt.NDArray[np.float64]) -> Iterator[Markup]:
    """The names, each in the largest of the country's parts, near that part's middle."""
    largest: dict[str, tuple[float, list[tuple[float, float]]]] = {}
    for outline in outlines:
        points = view.at(outline.ring)
        size = abs(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True))) / 2
        if size > largest.get(outline.country, (0.0, []))[0]:
            largest[outline.country] = size, points
    for country, (area, points) in sorted(largest.items()):
        name = country.upper()
        width = len(name) * (_LETTER + 2.5)
        if area < width * _COUNTRY_LINE:
            continue
        if width <= _COUNTRY_LEAST:
            continue
        ring = np.array(points)
        for x, y in _candidates(points, view):
            rect = x - width / 2, y - 12, x + width / 2, y + 4
            corners = [(rect[0], y), (rect[2], y), (x, y)]
            # What costs the least comes first: there may be thousands of stations.
            if (
                all(_EDGE <= a <= view.width - _EDGE for a, _ in corners)
                and not _is_taken(rect, taken)
                and all(_within(ring, a, b) for a, b in corners)
            ):
                taken = np.append(taken, [rect], axis=0)
                yield tag("text", name, class_="country", x=x, y=y, text_anchor="middle")
                break


def _is_taken(rect: Rect, taken: npt.NDArray[np.float64]) -> bool:
    """As `_overlap`, of many at once: rows of left, top, right, bottom."""
    left, top, right, bottom = taken.T
    return bool(((rect[0] < right) & (left < rect[2]) & (rect[1] < bottom) & (top < rect[3])).any())


def _candidates(points: Sequence[tuple[float, float]], view: _View) -> Iterator[tuple[float, float]]:
    """Places on a grid over a polygon, those nearest to its middle first."""
    xs, ys = [x for x, _ in points], [y for _, y in points]
    left, right = max(min(xs), 0.0), min(max(xs), view.width)
    top, bottom = max(min(ys), 20.0), min(max(ys), view.height - 12)
    grid = [
        (left + (right - left) * column / 12, top + (bottom - top) * row / 12)
        for column in range(1, 12)
        for row in range(13)
    ]
    middle = (left + right) / 2, (top + bottom) / 2
    yield from sorted(grid, key=lambda spot: abs(spot[0] - middle[0]) + abs(spot[1] - middle[1]))


def _within(ring: npt.NDArray[np.float64], x: float, y: float) -> bool:
    """Whether a point lies in a polygon: a ray from it crosses the ring an odd number of times."""
    xs, ys = ring.T
    next_xs, next_ys = np.roll(xs, -1), np.roll(ys, -1)
    crossed = np.flatnonzero((ys > y) != (next_ys > y))
    x0, y0, x1, y1 = xs[crossed], ys[crossed], next_xs[crossed], next_ys[crossed]
    return bool(np.count_nonzero(x < (x1 - x0) * (y - y0) / (y1 - y0) + x0) % 2)


def _scale_bar(view: _View, marks: Sequence[Mark]) -> Iterator[Markup]:
    """A length in kilometres, at the latitude of the map's middle."""
    middle = sum(mark.latitude for mark in marks) / len(marks)
    pixels_a_km = view.scale * math.radians(1) / _KM_A_DEGREE / math.cos(math.radians(middle))
    longest = view.width / 5 / pixels_a_km
    power = 10.0 ** math.floor(math.log10(longest))
    km = max(step * power for step in (1, 2, 5) if step * power <= longest)
    x, y = 16.0, view.height - 16
    end = number(x + km * pixels_a_km)
    yield tag("path", class_="scale", d=f"M{x:g} {y - 5:g}V{y:g}H{end}V{y - 5:g}")
    yield tag("text", f"{km:g} km", x=x, y=y - 9)
