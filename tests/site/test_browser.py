"""The site in a real browser, from a folder: on a desktop and on a phone, light and dark, and used."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from forecast.run.dashboard import make_site
from forecast.site.build import site_files
from forecast.site.logs import read_logs
from forecast.site.model import Quarantine, RejectedRows
from forecast.site.publish import publish_site
from forecast.storage import LocalStore
from tests.site.nights import LAST, MAX_AGE_HOURS, STATIONS, Faults, Flagged, write_nights
from tests.site.test_pages import HOSTILE
from tests.site.weeks import with_week

pytestmark = [pytest.mark.whole, pytest.mark.filterwarnings("ignore::ResourceWarning")]
AXE: Final = Path(__file__).parent / "vendor" / "axe.min.js"
PAGES: Final = ("index", "stations", "station/ITESTB25", "quality", "latency", "quarantine", "ingestion")
SERIOUS: Final = {"serious", "critical"}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """Give the Chromium of this machine."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("no Chromium is installed here (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=found, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a site of forty nights, with faults, hostile text and a week of every station."""
    folder = tmp_path_factory.mktemp("site")
    faults = Faults(
        ages={"ITESTA19": 196, "STATIC0090": 7.3},
        flagged=(Flagged("ITESTB25", "air_pressure_at_mean_sea_level", "bias", 288, off=6.8),),
        failed={20: HOSTILE},
        rejected={28: 90},
    )
    write_nights(folder / "logs", faults)
    rows = (RejectedRows(HOSTILE, "unknown_station", "id", HOSTILE, HOSTILE, 7, "line 3", HOSTILE),)
    site = make_site(read_logs(folder / "logs"), STATIONS, MAX_AGE_HOURS, Quarantine(rows, 7))
    views = [with_week(view, LAST) for view in site.stations]
    publish_site(site_files(replace(site, stations=tuple(views))), LocalStore(folder / "pages", "SITE_URI"))
    return folder / "pages"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_page_is_accessible_fits_the_screen_and_makes_no_external_request(
    chromium: Any, folder: Path, width: int, theme: str
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 900}, color_scheme=theme, bypass_csp=False, locale="en-GB", offline=True
    )
    for name in PAGES:
        page = context.new_page()
        said: list[str] = []
        asked: list[str] = []
        page.on("console", lambda message, said=said: said.append(message.text))
        page.on("pageerror", lambda error, said=said: said.append(str(error)))
        page.on("request", lambda request, asked=asked: asked.append(request.url))
        page.goto((folder / f"{name}.html").as_uri())
        assert said == [], name
        assert [url for url in asked if not url.startswith(folder.as_uri())] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{name} is wider than the screen"
        # The page's own policy lets no script in; the debugger's world is not bound by it.
        page.evaluate(AXE.read_text("utf-8"))
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        serious = [
            (one["id"], one["nodes"][0]["html"][:200]) for one in found["violations"] if one["impact"] in SERIOUS
        ]
        assert serious == [], name
        page.close()
    context.close()


def test_the_charts_are_drawn_and_flagged_values_can_be_left_out(chromium: Any, folder: Path) -> None:
    page = chromium.new_page(locale="en-GB")
    page.goto((folder / "station/ITESTB25.html").as_uri())
    assert page.locator("canvas").count() == page.locator("[data-parameter]").count() > 5
    before = page.evaluate("document.querySelector('canvas').toDataURL()")
    page.get_by_role("button", name="left out").click()
    assert page.get_by_role("button", name="left out").get_attribute("aria-pressed") == "true"
    assert page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))") is not None
    assert page.evaluate("document.querySelector('canvas').toDataURL()") != before
    page.close()


def test_the_language_is_the_browsers_or_the_requested_one(chromium: Any, folder: Path) -> None:
    context = chromium.new_context(locale="fr-FR")
    page = context.new_page()
    page.goto((folder / "index.html").as_uri())
    page.wait_for_url("**/index.fr.html")
    assert page.locator("html").get_attribute("lang") == "fr"
    page.goto((folder / "stations.fr.html").as_uri() + "?lang=en")
    page.wait_for_url("**/stations.html")
    context.close()


def test_the_page_says_how_old_it_is(chromium: Any, folder: Path) -> None:
    page = chromium.new_page(locale="en-GB")
    page.clock.install(time=LAST.replace(hour=8))
    for name in ("index", "station/ITESTB25"):
        page.goto((folder / f"{name}.html").as_uri())
        assert page.locator("[data-made]").inner_text() == "(5 hours ago)", name
    page.close()


def test_quarantined_rows_are_found_by_what_is_typed_and_shown_as_text(chromium: Any, folder: Path) -> None:
    page = chromium.new_page(locale="en-GB")
    page.goto((folder / "quarantine.html").as_uri())
    assert page.locator("tr.found").count() == 1
    assert "<script>alert(1)</script>" in page.locator("tr.found").inner_text()
    page.get_by_role("searchbox").fill("no such thing")
    assert (page.locator("tr.found").is_visible(), page.locator("#nothing").is_visible()) == (False, True)
    page.get_by_role("searchbox").fill("UNKNOWN_station")
    assert page.locator("tr.found").is_visible()
    page.close()
