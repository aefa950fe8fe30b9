"""Curves over nights: a trend with axes, and a small one without axes for a tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup

from forecast.site.charts.scale import digits_of, extent, ticks
from forecast.site.svg import path, tag

_WIDTH: Final = 344.0
_HEIGHT: Final = 148.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 10.0, 12.0, 22.0
_CLASSES: Final = ("", " second", " third")
_MAX_DATES: Final = 4
_SPARK: Final = (140.0, 26.0)
_SPARK_EDGE: Final = 3.0
Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Trend:
    """A chart over nights: one of `labels` per night, `curves` by name, None for a night without a number.

    `number` formats a number with a number of digits, followed by `unit`; `limit` is a line that should not be crossed,
    with its label.
    """

    title: str
    labels: Sequence[str]
    curves: Sequence[tuple[str, Values]]
    number: Callable[[float, int], str]
    unit: str = ""
    limit: tuple[float, str] | None = None
    zero: bool = True

    def show(self, value: float, digits: int) -> str:
        """A number of the chart, with its unit."""
        return f"{self.number(value, digits)}{self.unit}"


def trend(chart: Trend) -> Markup:
    """The chart, as wide as a phone is; the numbers are in its points' titles."""
    every = [value for _, curve in chart.curves for value in curve]
    if chart.limit is not None:
        every.append(chart.limit[0])
    marks = ticks(*extent(every, zero=chart.zero))
    count = max(len(chart.labels), 1)
    step = (_WIDTH - _LEFT - _RIGHT) / max(count - 1, 1)

    def x(place: int) -> float:
        return _LEFT + (place * step if count > 1 else (_WIDTH - _LEFT - _RIGHT) / 2)

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - marks[0]) / (marks[-1] - marks[0]))

    parts: list[Markup] = [*_value_axis(marks, y, chart), *_date_axis(chart.labels, x)]
    for curve, kind in zip(chart.curves, _CLASSES, strict=False):
        parts += _curve(curve, kind, x, y, chart)
    if chart.limit is not None:
        at, words = y(chart.limit[0]), chart.limit[1]
        parts.append(tag("line", class_="limit", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=at, y2=at))
        below = at < _TOP + 12
        label = tag("text", words, class_="limit-label", x=_LEFT + 4, y=at + 12 if below else at - 4)
        parts.append(label)
    return tag("svg", *parts, view_box=f"0 0 {_WIDTH:g} {_HEIGHT:g}", role="img", aria_label=chart.title)


def sparkline(values: Values, label: str) -> Markup:
    """The curve of a number, with its newest value as a dot; a night without a number is a gap."""
    low, high = extent(values, zero=False)
    width, height = _SPARK
    step = (width - 2 * _SPARK_EDGE) / max(len(values) - 1, 1)

    def at(place: int, value: float) -> tuple[float, float]:
        share = (value - low) / (high - low) if high > low else 0.0
        return _SPARK_EDGE + place * step, height - _SPARK_EDGE - share * (height - 2 * _SPARK_EDGE)

    lines = [tag("path", class_="curve", d=path([at(*point) for point in run])) for run in _runs(values)]
    newest = [(place, value) for place, value in enumerate(values) if value is not None][-1:]
    dots = [tag("circle", class_="dot", cx=x, cy=y, r=2.4) for x, y in (at(*point) for point in newest)]
    return tag("svg", *lines, *dots, view_box=f"0 0 {width:g} {height:g}", role="img", aria_label=label)


def _value_axis(marks: Sequence[float], y: Callable[[float], float], chart: Trend) -> Iterator[Markup]:
    digits = digits_of(marks)
    for place, mark in enumerate(marks):
        kind = "axis" if place == 0 else "gridline"
        yield tag("line", class_=kind, x1=_LEFT, x2=_WIDTH - _RIGHT, y1=y(mark), y2=y(mark))
        yield tag("text", chart.show(mark, digits), x=_LEFT - 6, y=y(mark) + 4, text_anchor="end")


def _date_axis(labels: Sequence[str], x: Callable[[int], float]) -> Iterator[Markup]:
    every = max(1, -(-len(labels) // _MAX_DATES))
    for place in range(len(labels) - 1, -1, -every):
        anchor = "end" if place == len(labels) - 1 and len(labels) > 1 else "middle"
        if x(place) < _LEFT + 8:
            anchor = "start"
        yield tag("text", labels[place], x=x(place), y=_HEIGHT - 5, text_anchor=anchor)


def _curve(
    curve: tuple[str, Values], kind: str, x: Callable[[int], float], y: Callable[[float], float], chart: Trend
) -> Iterator[Markup]:
    name, values = curve
    for run in _runs(values):
        yield tag("path", class_=f"curve{kind}", d=path([(x(place), y(value)) for place, value in run]))
    for place, value in enumerate(values):
        if value is not None:
            number = chart.show(value, 0 if float(value).is_integer() else 2)
            title = tag("title", f"{chart.labels[place]}: {name}{number}")
            yield tag("circle", title, class_=f"dot{kind}", cx=x(place), cy=y(value), r=1.9)


def _runs(values: Values) -> Iterator[list[tuple[int, float]]]:
    """The values without gaps between them, with their places."""
    run: list[tuple[int, float]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run
