"""The wind rose: the frequency of wind directions and speeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from markupsafe import Markup

from forecast.site.model import Floats, Week
from forecast.site.svg import number, tag

SECTORS: Final = 16
# Lower bounds of the classes in m/s: Beaufort 1 to 2, 3, 4, and 5 and more.
SPEEDS: Final = (0.3, 3.4, 5.5, 8.0)
_SIZE: Final = 340.0
_RADIUS: Final = 132.0
_GOOD: Final = 0


class Rose(NamedTuple):
    """`shares` by class of speed and sector, of all good values; `calm` the share below the first class."""

    shares: Floats
    calm: float
    values: int


def wind_rose(week: Week) -> Rose | None:
    """The rose of a week's good pairs of speed and direction; None if there are none.

    Calm is less than 0.3 m/s (WMO-No. 8, Beaufort 0), whatever the direction says.
    """
    if not {"wind_speed", "wind_from_direction"} <= week.values.keys():
        return None
    speed, direction = (_good(week, name) for name in ("wind_speed", "wind_from_direction"))
    calm = speed < SPEEDS[0]
    known = ~np.isnan(speed) & (calm | ~np.isnan(direction))
    total = int(known.sum())
    if not total:
        return None
    blowing = known & ~calm
    sector = np.round(direction[blowing] / (360 / SECTORS)).astype(int) % SECTORS
    kind = np.searchsorted(SPEEDS, speed[blowing], side="right") - 1
    counts = np.zeros((len(SPEEDS), SECTORS))
    np.add.at(counts, (kind, sector), 1)
    return Rose(counts / total, float((known & calm).sum()) / total, total)


def draw_rose(rose: Rose, compass: Sequence[str], label: str, percent: str) -> Markup:
    """The rose; `compass` are the letters of north, east, south and west, `percent` how a share is written."""
    middle, largest = _SIZE / 2, max(float(rose.shares.sum(axis=0).max()), 0.01)
    rings = [share for share in (0.05, 0.1, 0.2, 0.3, 0.4, 0.6, 0.8) if share <= largest * 1.001][-3:]
    parts = [
        tag("circle", class_="circle", cx=middle, cy=middle, r=_RADIUS * ring / largest) for ring in (*rings, largest)
    ]
    for sector in range(SECTORS):
        inner = 0.0
        for kind, share in enumerate(rose.shares[:, sector].tolist()):
            if share:
                outer = inner + share / largest * _RADIUS
                parts.append(tag("path", class_=f"w{kind + 1}", d=_wedge(sector, inner, outer)))
                inner = outer
    parts += [
        tag("text", percent.format(f"{ring * 100:g}"), x=middle + 4, y=middle - _RADIUS * ring / largest - 3)
        for ring in rings
    ]
    for quarter, letter in enumerate(compass):
        angle = math.radians(90 * quarter)
        x, y = middle + (_RADIUS + 15) * math.sin(angle), middle - (_RADIUS + 15) * math.cos(angle)
        parts.append(tag("text", letter, class_="compass", x=x, y=y + 4, text_anchor="middle"))
    return tag("svg", *parts, view_box=f"0 0 {_SIZE:g} {_SIZE:g}", role="img", aria_label=label)


def _good(week: Week, name: str) -> Floats:
    return np.where(week.flags[name] == _GOOD, week.values[name], np.nan)


# The same in every language.
@lru_cache(maxsize=SECTORS * len(SPEEDS))
def _wedge(sector: int, inner: float, outer: float) -> str:
    half = math.radians(360 / SECTORS / 2 * 0.86)
    angle, middle = math.radians(360 / SECTORS * sector), _SIZE / 2

    def at(radius: float, turn: float) -> str:
        return f"{number(middle + radius * math.sin(turn))} {number(middle - radius * math.cos(turn))}"

    one, other = angle - half, angle + half
    out, back = number(outer), number(inner)
    return (
        f"M{at(inner, one)}L{at(outer, one)}A{out} {out} 0 0 1 {at(outer, other)}"
        f"L{at(inner, other)}A{back} {back} 0 0 0 {at(inner, one)}z"
    )
