"""Makes the pictures of the dashboard in docs/images, from forty made-up nights: `python docs/pictures.py`.

It needs the Chromium of the system (Debian: `apt-get install chromium`).
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from playwright.sync_api import sync_playwright  # noqa: E402

from forecast.report.headline import Schedule  # noqa: E402
from forecast.run.dashboard import make_site  # noqa: E402
from forecast.site.build import site_files  # noqa: E402
from forecast.site.logs import read_logs  # noqa: E402
from forecast.site.model import Quarantine  # noqa: E402
from forecast.site.publish import publish_site  # noqa: E402
from forecast.storage import LocalStore  # noqa: E402
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
    failed={20: "no primary of the replica set was found within 20 s"},
    rejected={16: 12, 28: 90},
)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_nights(folder / "logs", FAULTS)
        schedule = Schedule(tuple(night(number) for number in range(NIGHTS)), night(NIGHTS))
        site = make_site(read_logs(folder / "logs"), STATIONS, MAX_AGE_HOURS, Quarantine(), schedule)
        views = tuple(with_week(view, view.last or LAST, flagged=bool(view.findings)) for view in site.stations)
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
