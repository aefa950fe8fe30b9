"""The overview, from the reports of forty made-up nights."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest

from forecast.run.dashboard import make_site
from forecast.site.logs import read_logs
from forecast.site.model import Quarantine, Site
from tests.site.built import built
from tests.site.nights import LAST, MAX_AGE_HOURS, NIGHTS, STATIONS, Faults, write_nights


def site_of(folder: Path, faults: Faults = Faults()) -> Site:  # noqa: B008  frozen
    write_nights(folder, faults)
    return make_site(read_logs(folder), STATIONS, MAX_AGE_HOURS, Quarantine())


def page(site: Site, name: str = "index.html") -> str:
    return built(site)[name].decode()


def text(html: str) -> str:
    """What a person reads, with plain blanks."""
    return " ".join(unescape(re.sub(r"<(style|script).*?</\1>|<[^>]+>", " ", html, flags=re.DOTALL)).split())


def tiles(html: str) -> list[str]:
    return [text(tile) for tile in re.findall(r'<li class="tile">(.*?)<div class="spark">', html)]


def test_six_numbers_of_the_last_run_have_what_they_are_out_of_and_what_is_usual(tmp_path: Path) -> None:
    assert tiles(page(site_of(tmp_path))) == [
        "Records extracted 1,067 objects: 1 usually 1,065",
        "Records validated 1,067 of 1,067 extracted usually 1,065",
        "Records rejected 0 of 1,067 extracted usually 0",
        "Rejection rate 0.00% of 1,067 records usually 0.00%",
        "Completeness score 89.8% over 1,067 records usually 90.0%",
        "Anomalies detected 0 10,080 values checked usually 0",
    ]


def test_of_two_reports_of_one_second_the_second_is_the_newest(tmp_path: Path) -> None:
    site_of(tmp_path)
    newest = max(tmp_path.glob("quality_report_*.json"))
    report = {**json.loads(newest.read_text("utf-8")), "anomalies_detected": 7}
    newest.with_name(f"{newest.stem}-2.json").write_text(json.dumps(report), "utf-8")
    quality = read_logs(tmp_path).quality
    assert quality is not None
    assert quality.anomalies_detected == 7


def test_a_run_without_values_to_check_leaves_what_the_one_before_it_found(tmp_path: Path) -> None:
    site_of(tmp_path)
    newest = max(tmp_path.glob("quality_report_*.json"))
    report = json.loads(newest.read_text("utf-8"))
    nothing = {"anomalies_detected": 7, "values_judged": 0, "station_days_checked": 0}
    newest.with_name(f"{newest.stem}-2.json").write_text(json.dumps({**report, **nothing}), "utf-8")
    quality = read_logs(tmp_path).quality
    assert quality is not None
    assert (quality.anomalies_detected, quality.values_judged, quality.is_newest) == (0, 10_080, False)
    site = make_site(read_logs(tmp_path), STATIONS, MAX_AGE_HOURS, Quarantine())
    assert "Later runs had no new values to check." in text(page(site, "quality.html"))


def test_the_newest_quality_report_that_can_be_read_whole_is_shown_and_of_the_others_the_figures(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    site_of(tmp_path)
    *_, oldest, before, newest = sorted(tmp_path.glob("quality_report_*.json"))
    reports = {path: json.loads(path.read_text("utf-8")) for path in (oldest, before, newest)}
    for path in (oldest, newest):
        path.write_text(json.dumps({**reports[path], "by_check": "none"}), "utf-8")
    site = make_site(read_logs(tmp_path), STATIONS, MAX_AGE_HOURS, Quarantine())
    assert site.quality is not None
    assert f"{site.quality.generated_at:%Y-%m-%dT%H:%M:%SZ}" == reports[before]["generated_at"]
    judged = [night.values_judged for night in site.nights[-3:]]
    assert judged == [reports[oldest]["values_judged"], reports[before]["values_judged"], None]
    assert [record.getMessage() for record in caplog.records] == [
        f"the dashboard cannot read {newest.name} (ValidationError) and leaves it out",
    ]


def test_every_night_has_its_place_in_the_strip(tmp_path: Path) -> None:
    faults = Faults(failed={20: "no primary"}, rejected={28: 90})
    html = page(site_of(tmp_path, faults))
    nights = re.findall(r'<span class="night (\w+)" title="([^"]+)"', html)
    assert [kind for kind, _ in nights].count("good") == NIGHTS - 2
    assert [(kind, text(title)) for kind, title in nights if kind != "good"] == [
        ("bad", "Tue 10 Nov 2026 03:10 UTC: failed"),
        ("warn", "Wed 18 Nov 2026 03:10 UTC: partial"),
    ]


def test_if_all_is_well_the_headline_says_so(tmp_path: Path) -> None:
    html = page(site_of(tmp_path))
    assert "<h1>All is well: the last run ended at 2026-11-29 03:10 UTC with success</h1>" in html
    assert "Needs attention Nothing." in text(html)
    assert "Latency objective: ✓ met (p95 31.2 ms, at most 250 ms)" in text(html)


def test_the_page_shows_the_time_of_its_run_and_not_of_the_build(tmp_path: Path) -> None:
    html = page(site_of(tmp_path))
    assert f'data-made="{LAST.replace(second=5).isoformat()}"' in html
    assert "As of Sun 29 Nov 2026 03:10 UTC" in text(html)


def test_before_the_first_run_there_is_a_page_too(tmp_path: Path) -> None:
    site = make_site(read_logs(tmp_path), STATIONS, None, Quarantine())
    html = text(page(site))
    assert "No runs were found. Are these the settings of the pipeline?" in html
    assert "There is no report yet" in html
    assert "There are no runs yet." in html


def test_a_report_that_cannot_be_read_is_left_out_and_named_in_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_nights(tmp_path)
    (tmp_path / "quality_report_20270101T000000Z.json").write_text("{}")
    (tmp_path / "query_latency_report_20270101T000000Z.json").write_text("[")
    site = make_site(read_logs(tmp_path), STATIONS, None, Quarantine())
    assert len(site.nights) == NIGHTS
    assert site.latency[-1].p95 == 31.2
    assert [record.getMessage() for record in caplog.records] == [
        "the dashboard cannot read quality_report_20270101T000000Z.json (ValidationError) and leaves it out",
        "the dashboard cannot read query_latency_report_20270101T000000Z.json (ValidationError) and leaves it out",
    ]
