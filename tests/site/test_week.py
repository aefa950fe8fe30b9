"""A station's page and the script with its week."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import pytest

from forecast.core.clock import MINUTE_MS
from forecast.qc.flags import FAIL
from forecast.report.headline import Assessment
from forecast.run.dashboard import place_of
from forecast.site.charts.rose import wind_rose
from forecast.site.model import Day, ParameterDay, Site, StationView, Week
from forecast.site.week import gaps, week_script
from tests.site.built import built
from tests.site.nights import STATIONS
from tests.site.test_overview import text
from tests.site.weeks import with_week

END: Final = datetime(2026, 11, 29, 3, 0, tzinfo=UTC)
WEEK: Final = Week(
    np.array([0, 5, 10, 40, 45]) * MINUTE_MS,
    {"wind_speed": np.array([0.1, 4.0, 4.0, 9.0, 7.25]), "wind_from_direction": np.array([350, 360, 10, 90, np.nan])},
    {"wind_speed": np.zeros(5, np.int8), "wind_from_direction": np.array([0, 0, 0, FAIL, 0], np.int8)},
    {"wind_from_direction": ("direction_at_calm",)},
)


def view() -> StationView:
    station = STATIONS.get("ITESTB25")
    assert station is not None
    return with_week(StationView(place_of(station), "fresh"), END)


def page(station: StationView) -> str:
    site = Site(END, "2.0.0", Assessment("", (), ()), stations=(station,))
    return built(site)["station/ITESTB25.html"].decode()


def test_the_script_has_every_value_and_only_the_flags_that_there_are() -> None:
    script = week_script(WEEK, 5).decode()
    data: dict[str, Any] = json.loads(script.removeprefix("var forecastWeek=").rstrip(";\n"))
    assert data == {
        "times": [0, 300, 300, 1800, 300],
        "values": {"wind_speed": [0.1, 4, 4, 9, 7.25], "wind_from_direction": [350, 360, 10, 90, None]},
        "flags": {"wind_from_direction": [[3, 4]]},
        "gaps": [[600, 2400]],
    }


def test_a_single_late_value_is_not_a_gap() -> None:
    assert list(gaps(replace(WEEK, times=np.array([0, 5, 15, 20, 25]) * MINUTE_MS), 5)) == []


def test_the_rose_knows_north_from_both_sides_calm_and_leaves_flagged_directions_out() -> None:
    rose = wind_rose(WEEK)
    assert rose is not None
    assert rose.values == 3
    assert rose.calm == pytest.approx(1 / 3)
    # 360 and 10 degrees, 4 m/s: the second class, north.
    assert rose.shares[1, 0] == pytest.approx(2 / 3)
    assert rose.shares.sum() == pytest.approx(2 / 3)


def test_the_page_has_a_chart_for_every_parameter_and_names_the_checks() -> None:
    html = page(view())
    assert re.findall(r'data-parameter="(\w+)"', html) == [*view().place.parameters]
    assert "Air temperature (°C) 338 flagged: bias, spike" in text(html)
    assert '<script src="../data/ITESTB25.js" defer>' in html


def test_completeness_is_reported_by_day_and_parameter() -> None:
    html = page(view())
    cells = re.findall(r'<td class="([^"]*)" title="([^"]*)"', html)
    assert len(cells) == 42 * len(view().place.parameters)
    assert [kind for kind, _ in cells[:42]].count("c1") == 38
    assert [kind for kind, _ in cells[:42]].count("c4") == 1
    assert ("c1 ring", "28 Nov: 288 / 288, 144 flagged") in [(kind, text(words)) for kind, words in cells]


def test_a_parameter_that_comes_less_often_is_held_to_its_own_best_day() -> None:
    rain = {"precipitation_amount_1h": ParameterDay(24)}
    days = (Day(END.date(), 144, 144, rain),)
    cells = re.findall(r'<td class="([^"]*)" title="([^"]*)"', page(replace(view(), days=days)))
    assert [(kind, text(words)) for kind, words in cells][-1] == ("c1", "29 Nov: 24 / 24")


def test_a_station_with_many_flagged_values_is_suspect() -> None:
    assert view().shown_state == "suspect"
    few = Day(END.date(), 288, 288, {"air_temperature": ParameterDay(288, 14)})
    assert replace(view(), days=(few,)).shown_state == "fresh"
    assert replace(view(), state="silent").shown_state == "silent"


def test_a_station_with_its_week_and_script_is_small() -> None:
    files = built(Site(END, "2.0.0", Assessment("", (), ()), stations=(view(),)))
    station = ("station/ITESTB25.html", "data/ITESTB25.js", *(f"static/{name}" for name in SCRIPTS))
    assert sum(len(gzip.compress(files[name])) for name in station) < 100_000


SCRIPTS: Final = ("uPlot.iife.min.js", "uPlot.min.css", "station.js", "site.js", "style.css")
