"""What holds for every page."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from forecast.report.headline import Assessment
from forecast.report.models.status import Attention
from forecast.site.build import changed_files
from forecast.site.model import Finding, Place, Site, StationView
from forecast.site.publish import publish_site
from forecast.site.words import LANGUAGES
from forecast.storage import LocalStore
from tests.site.built import built
from tests.site.nights import STATIONS, Faults, Flagged
from tests.site.test_overview import site_of, text

HOSTILE = "<script>alert(1)</script>\"'&\u202e\x1b[31m" + "x" * 10_000


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    faults = Faults(
        ages={"ITESTA19": 200, "STATIC0090": 7},
        flagged=(Flagged("ITESTB25", "air_pressure_at_mean_sea_level", "bias", 288, off=6.8),),
    )
    return site_of(tmp_path_factory.mktemp("nights"), faults)


def links_of(name: str, html: str) -> set[str]:
    """The files that a page links to."""
    folder = name.rpartition("/")[0]
    targets = re.findall(r'(?:href|src)="([^"#?]+)', html)
    return {f"{folder}/{one}" if folder and not one.startswith("../") else one.removeprefix("../") for one in targets}


@pytest.fixture(scope="module")
def pages(site: Site) -> dict[str, str]:
    return {name: content.decode() for name, content in built(site).items() if name.endswith(".html")}


def test_every_page_is_there_in_both_languages_and_names_the_other(pages: dict[str, str]) -> None:
    english = {name for name in pages if not name.endswith(".fr.html")}
    assert english >= {"index.html", "stations.html", *(f"station/{station.id}.html" for station in STATIONS)}
    for name in english:
        other = name.replace(".html", ".fr.html")
        assert f'href="{other.rpartition("/")[2]}" hreflang="fr"' in pages[name]
        assert f'href="{name.rpartition("/")[2]}" hreflang="en"' in pages[other]
        assert pages[other].startswith('<!doctype html>\n<html lang="fr">')


def test_every_link_leads_to_a_file_of_the_site(site: Site, pages: dict[str, str]) -> None:
    files = built(site).keys()
    for name, html in pages.items():
        assert links_of(name, html) <= files, name


def test_while_pages_of_stations_are_to_come_no_link_leads_to_them(site: Site, tmp_path: Path) -> None:
    files = changed_files(site, "program", iter)
    publish_site(files, LocalStore(tmp_path, "SITE_URI"), most_groups=2)
    written = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*")}
    assert len([name for name in written if name.startswith("station/")]) == 2 * len(LANGUAGES)
    for name in written:
        if name.endswith(".html"):
            assert links_of(name, (tmp_path / name).read_text("utf-8")) <= written, name
    shown = text((tmp_path / "stations.html").read_text("utf-8"))
    assert f"their pages are written in turn. Still to come: {len(site.stations) - 2}." in shown
    assert all(view.place.name in shown for view in site.stations)


def test_nothing_is_asked_of_another_place_and_nothing_is_inline(pages: dict[str, str]) -> None:
    for html in pages.values():
        assert "default-src 'none'; script-src 'self'; style-src 'self'" in html
        assert not re.search(r'(?:src|href)="(?:https?:)?//', html)
        assert not re.search(r"<style|\sstyle=|\son\w+=", html)
        assert not re.search(r"<script(?![^>]*\ssrc=)", html)


def test_the_same_state_gives_the_same_bytes(site: Site) -> None:
    assert built(site) == built(replace(site))


def test_text_in_the_data_is_escaped(site: Site) -> None:
    message = Attention("error", "run_error", HOSTILE, station=HOSTILE, object=HOSTILE)
    view = StationView(
        Place(HOSTILE, HOSTILE, HOSTILE, 50.0, 3.0, licence=HOSTILE),
        "fresh",
        findings=(Finding("air_temperature", "spike", HOSTILE, 3, None),),
    )
    hostile = replace(
        site,
        version=HOSTILE,
        assessment=Assessment(HOSTILE, (message,), ()),
        stations=(view,),
        nights=(replace(site.nights[-1], run_id=HOSTILE, error=HOSTILE),),
        database_fault=HOSTILE,
    )
    for name, content in built(hostile).items():
        if name.endswith(".html"):
            html = content.decode()
            assert "<script>alert" not in html, name
            assert not re.search("[\u202e\x1b]", html), name
            assert "&lt;script&gt;alert(1)" in html, name
            assert "/" not in name.removeprefix("station/"), name
