"""Elements, curves and the map."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from forecast.core.registry import load_stations
from forecast.site.charts.curves import Trend, sparkline, trend
from forecast.site.charts.map import NARROW, WIDE, Mark, station_maps
from forecast.site.outlines import Box, outlines_in
from forecast.site.svg import path, tag
from forecast.site.words import ENGLISH_LANGUAGE
from tests.examples import examples

FRANCE_NORTH = Box(1.8, 50.2, 3.2, 51.15)


def test_what_is_put_into_an_element_is_escaped() -> None:
    made = tag("text", '<script>"', Markup("<b>ours</b>"), class_='a"b', x=1.04, text_anchor=None)
    assert made == '<text class="a&#34;b" x="1">&lt;script&gt;&#34;<b>ours</b></text>'


def test_a_path_is_written_in_short_steps() -> None:
    assert path([(0, 0.04), (1.06, 2), (1.06, 2)], closed=True) == "M0 0l1.1 2l0 0z"
    assert path([]) == ""


def drawn(*values: float | None, **more: Any) -> str:
    labels = [f"{place} Nov" for place in range(len(values))]
    return str(trend(Trend("Rejected", labels, [("", list(values))], ENGLISH_LANGUAGE.number, "%", **more)))


def test_a_night_without_a_number_is_a_gap_in_the_curve() -> None:
    whole, broken = drawn(1, 2, 3, 4, 5), drawn(1, 2, None, 4, 5)
    assert (whole.count('class="curve"'), broken.count('class="curve"')) == (1, 2)
    assert broken.count('class="dot"') == 4
    assert "<title>3 Nov: 4%</title>" in broken


def test_a_limit_is_within_the_chart_and_is_shown() -> None:
    chart = drawn(0.1, 0.2, limit=(5.0, "limit 5%"))
    assert ">limit 5%<" in chart
    line = re.search(r'class="limit" x1="[0-9.]+" x2="[0-9.]+" y1="([0-9.]+)"', chart)
    assert line is not None
    assert 0 < float(line.group(1)) < 148


def test_a_chart_without_values_is_drawn_without_a_curve() -> None:
    assert 'class="curve"' not in drawn(None, None)
    assert 'class="curve"' not in str(sparkline([None, None], "nothing"))


def test_the_newest_value_of_a_small_curve_is_its_dot() -> None:
    assert str(sparkline([1, 3, None], "x")).count("<circle") == 1


def test_the_outlines_are_those_of_the_countries_there_cut_at_the_edges() -> None:
    found = list(outlines_in(FRANCE_NORTH))
    assert {outline.country for outline in found} == {"France", "Belgium"}
    for outline in found:
        for longitude, latitude in outline.ring:
            assert FRANCE_NORTH.west <= longitude <= FRANCE_NORTH.east
            assert FRANCE_NORTH.south <= latitude <= FRANCE_NORTH.north


def test_the_coast_is_in_the_right_place() -> None:
    """Dunkirk's harbour lies on it (51.05 N 2.37 E), within the kilometre or two that the outlines are good to."""
    france = [outline.ring for outline in outlines_in(FRANCE_NORTH) if outline.country == "France"]
    at_dunkirk = [latitude for ring in france for longitude, latitude in ring if 2.3 < longitude < 2.45]
    assert max(at_dunkirk) == pytest.approx(51.05, abs=0.03)


def test_in_the_middle_of_an_ocean_there_is_no_land() -> None:
    assert list(outlines_in(Box(-40, 30, -39, 31))) == []


def marks() -> list[Mark]:
    return [
        Mark(one.name, f"{one.name}: fresh", f"station/{one.id}.html", one.latitude, one.longitude, "good", "●")
        for one in load_stations()
    ]


def map_of(some: list[Mark], size: tuple[float, float] = WIDE) -> str:
    return str(station_maps(some, "Map", {"size": size})["size"])


@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_every_station_is_on_the_map_with_its_name(size: tuple[float, float]) -> None:
    drawing = map_of(marks(), size)
    assert drawing.count('class="place good"') == len(marks())
    for mark in marks():
        assert f'aria-label="{mark.title}"' in drawing
        assert f">{mark.name}</text>" in drawing


@settings(max_examples=examples(0.1))
@given(st.lists(st.tuples(st.floats(-60, 75), st.floats(-179, 179)), min_size=1, max_size=5))
def test_wherever_stations_are_their_marks_are_within_the_map(places: list[tuple[float, float]]) -> None:
    made = [Mark("X", "X", "x.html", latitude, longitude, "bad", "✕") for latitude, longitude in places]
    circles = re.findall(r'<circle cx="([-0-9.]+)" cy="([-0-9.]+)"', map_of(made))
    assert len(circles) == len(places)
    for x, y in circles:
        assert 0 <= float(x) <= WIDE[0]
        assert 0 <= float(y) <= WIDE[1]


def test_the_name_of_a_country_lies_on_no_station() -> None:
    many = [
        Mark(f"S{n}", f"S{n}: fresh", f"{n}.html", 43.5 + n // 40 / 20, n % 40 / 6, "good", "●") for n in range(2_400)
    ]
    drawing = map_of(many)
    ((x, y),) = re.findall(r'<text class="country" x="([-0-9.]+)" y="([-0-9.]+)" text-anchor="middle">FRANCE<', drawing)
    left, right = float(x) - 30, float(x) + 30
    for at_x, at_y in re.findall(r'<circle cx="([-0-9.]+)" cy="([-0-9.]+)" r="5"', drawing):
        assert not (left < float(at_x) + 5 and float(at_x) - 5 < right and abs(float(at_y) - float(y) + 4) < 13)


def test_hundreds_of_stations_are_dots_without_names() -> None:
    many = [Mark(f"S{n}", f"S{n}: fresh", f"{n}.html", 45 + n / 200, 1 + n % 20 / 10, "good", "●") for n in range(200)]
    drawing = map_of(many)
    assert drawing.count("<circle") == 200
    assert 'class="name"' not in drawing
