"""Makes the pictures of the dashboard in docs/images: `python docs/pictures.py`.

The weather is that of the demonstration; the forty nights, and what is wrong in them, are made up. It needs the
Chromium of the system (Debian: `apt-get install chromium`).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from playwright.sync_api import sync_playwright  # noqa: E402

from forecast.report.headline import Schedule  # noqa: E402
from forecast.run.dashboard import make_site  # noqa: E402
from forecast.site.build import site_files  # noqa: E402
from forecast.site.logs import read_logs  # noqa: E402
from forecast.site.model import Day, Quarantine, StationView, Week  # noqa: E402
from forecast.site.publish import publish_site  # noqa: E402
from forecast.storage import LocalStore  # noqa: E402
from forecast_demo.weather import Site, rain_since_midnight, simulate  # noqa: E402
from tests.site.nights import (  # noqa: E402
    LAST,
    MAX_AGE_HOURS,
    NIGHTS,
    STATIONS,
    Faults,
    Flagged,
    night,
    write_nights,
)
from tests.site.weeks import with_week  # noqa: E402

IMAGES = ROOT / "docs" / "images"
# Page, and how much of it is shown.
PICTURES = {"index": 1180, "stations": 900, "station/ILAMAD25": 1000}
FAULTS = Faults(
    ages={"IICHTE19": 196.2, "STATIC0010": 7.3},
    flagged=(Flagged("ILAMAD25", "air_pressure_at_mean_sea_level", "bias", 288, off=6.8),),
    missed=frozenset({NIGHTS - 2}),
    failed={8: "no primary of the replica set was found within 20 s"},
    rejected={16: 12, 28: 90},
)


def with_weather(view: StationView, key: int) -> StationView:
    """The station with a week and six weeks of days, in which what the checks found in the last nights is flagged."""
    end = view.last or LAST
    made = with_week(view, end, flagged=False)
    assert made.week is not None
    assert view.place.latitude is not None
    assert view.place.longitude is not None
    times = made.week.times
    site = Site(key, view.place.latitude, view.place.longitude)
    weather = simulate(times // 1000, site, 2024)
    values = {
        "air_temperature": weather.air_temperature,
        "dew_point_temperature": weather.dew_point,
        "relative_humidity": weather.humidity,
        "air_pressure_at_mean_sea_level": weather.pressure,
        "wind_speed": weather.speed,
        "wind_speed_of_gust": weather.gust,
        "wind_from_direction": np.round(weather.direction / 22.5) * 22.5,
        "rainfall_rate": weather.rain_rate,
        "precipitation_counter": rain_since_midnight(times // 1000, "Europe/Paris", site, 2024),
        "surface_downwelling_shortwave_flux_in_air": weather.solar,
        "ultraviolet_index": np.round(weather.uv),
    }
    shown = {name: np.round(values.get(name, column), 1) for name, column in made.week.values.items()}
    flags = {name: np.zeros(len(times), np.int8) for name in shown}
    days = list(made.days)
    since = times >= (end - timedelta(days=2)).timestamp() * 1000
    for finding in view.findings:
        shown[finding.parameter][since] += 6.8
        flags[finding.parameter][since] = 3
        days[-2:] = [suspect(day, finding.parameter) for day in days[-2:]]
    checks = {finding.parameter: (finding.check,) for finding in view.findings}
    return replace(made, days=tuple(days), week=Week(times, shown, flags, checks))


def suspect(day: Day, parameter: str) -> Day:
    """The day with all values of a parameter flagged 3."""
    found = replace(day.parameters[parameter], suspect=day.parameters[parameter].received)
    return replace(day, parameters={**day.parameters, parameter: found})


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_nights(folder / "logs", FAULTS)
        schedule = Schedule(tuple(night(number) for number in range(NIGHTS)), night(NIGHTS))
        site = make_site(read_logs(folder / "logs"), STATIONS, MAX_AGE_HOURS, Quarantine(), schedule)
        views = tuple(with_weather(view, key) for key, view in enumerate(site.stations, 1))
        publish_site(site_files(replace(site, stations=views)), LocalStore(folder / "site", "SITE_URI"))
        with sync_playwright() as playwright:
            flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
            browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=flags)
            page = browser.new_page(viewport={"width": 1240, "height": 900}, locale="en-GB")
            page.clock.install(time=LAST.replace(hour=8))
            for shown, height in PICTURES.items():
                page.goto((folder / "site" / f"{shown}.html").as_uri())
                clip = {"x": 0, "y": 0, "width": 1240, "height": height}
                target = IMAGES / f"dashboard-{shown.rpartition('/')[2].lower().replace('ilamad25', 'station')}.png"
                page.screenshot(path=str(target), clip=clip, full_page=True)
                print(target.relative_to(ROOT), target.stat().st_size)
            browser.close()


if __name__ == "__main__":
    main()
