"""Each fault, put into forty nights, is named on the overview in words, in its first lines, and nothing else."""

from __future__ import annotations

import gzip
import re
from pathlib import Path
from typing import Final

import pytest

from forecast.report.headline import Schedule
from forecast.run.dashboard import make_site
from forecast.site.build import site_files
from forecast.site.logs import read_logs
from forecast.site.model import Quarantine, Site
from tests.site.nights import LAST, MAX_AGE_HOURS, NIGHTS, STATIONS, Faults, Flagged, night, write_nights
from tests.site.test_overview import page, text

SCHEDULE: Final = Schedule(tuple(night(number) for number in range(NIGHTS)), night(NIGHTS))
PRESSURE, AIR = "air_pressure_at_mean_sea_level", "air_temperature"
FAULTS: Final = {
    "silent": (
        Faults(ages={"IICHTE19": 196.2}),
        "WeerstationBS is silent: its newest observation is from 2026-11-20 22:58 UTC, 196 hours ago",
    ),
    "late": (
        Faults(ages={"STATIC0010": 7.3}),
        "Hazebrouck is late: its newest observation is from 2026-11-28 19:52 UTC",
    ),
    "stuck": (
        Faults(flagged=(Flagged("000R5", AIR, "persistence", 144, failed=True), Flagged("000R5", AIR, "flag_rate", 9))),
        "Bergues, Air temperature: ",
    ),
    "biased": (
        Faults(flagged=(Flagged("ILAMAD25", PRESSURE, "bias", 288, off=6.8),)),
        "La Madeleine, Pressure (sea level): 6.8 hPa above its neighbours",
    ),
    "clock an hour off": (
        Faults(flagged=tuple(Flagged("ILAMAD25", name, "clock_offset", 288) for name in (AIR, "relative_humidity"))),
        "La Madeleine, ",
    ),
    "missed night": (
        Faults(missed=frozenset({NIGHTS - 2})),
        "The run due at 2026-11-28 03:10 UTC did not start; a later one caught up. Look at the scheduler",
    ),
    "failed run": (
        Faults(failed={NIGHTS - 1: "no primary of rs0 was found"}),
        "The last run (2026-11-29 03:10 UTC) failed: no primary of rs0 was found",
    ),
    "objective missed": (
        Faults(p95_ms=331.0),
        "The latency objective was missed: p95 331.0 ms, at most 250 ms were promised",
    ),
}


def site_of(folder: Path, faults: Faults) -> Site:
    write_nights(folder, faults)
    return make_site(read_logs(folder), STATIONS, MAX_AGE_HOURS, Quarantine(), SCHEDULE)


def entries(html: str) -> list[str]:
    """What needs attention, without its severity."""
    (block,) = re.findall(r'<h2 id="attention">.*?</section>', html, flags=re.DOTALL)
    return [
        text(re.sub("</?a[^>]*>", "", entry))
        for entry in re.findall(r"<li><div>.*?</div>\s*<p>(.*?)</p></li>", block, flags=re.DOTALL)
    ]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named_first_and_alone(fault: str, tmp_path: Path) -> None:
    faults, words = FAULTS[fault]
    html = page(site_of(tmp_path, faults))
    (entry,) = entries(html)
    assert entry.startswith(words)
    headline = text(re.findall(r"<h1>(.*?)</h1>", html)[0])
    # A station that is only late is a remark; it is the first of them.
    assert headline.startswith("All is well" if fault == "late" else words)


def test_the_advice_says_what_a_stuck_sensor_is_and_not_what_follows_from_it(tmp_path: Path) -> None:
    (entry,) = entries(page(site_of(tmp_path, FAULTS["stuck"][0])))
    assert "stuck" in entry
    assert "so many values" not in entry


def test_a_clock_that_is_off_is_told_as_such(tmp_path: Path) -> None:
    (entry,) = entries(page(site_of(tmp_path, FAULTS["clock an hour off"][0])))
    assert "clock" in entry


def test_without_a_fault_nothing_is_named(tmp_path: Path) -> None:
    assert entries(page(site_of(tmp_path, Faults()))) == []


def test_of_all_faults_at_once_the_most_severe_is_the_headline(tmp_path: Path) -> None:
    faults = Faults(
        ages={"IICHTE19": 196.2, "STATIC0010": 7.3},
        flagged=(Flagged("ILAMAD25", PRESSURE, "bias", 288, off=6.8),),
        missed=frozenset({NIGHTS - 2}),
        p95_ms=331.0,
    )
    found = entries(page(site_of(tmp_path, faults)))
    assert [entry.split(":")[0].split(",")[0] for entry in found] == [
        "The run due at 2026-11-28 03",
        "WeerstationBS is silent",
        "The latency objective was missed",
        "La Madeleine",
        "Hazebrouck is late",
    ]


def test_a_missed_night_is_hatched_in_the_strip(tmp_path: Path) -> None:
    html = page(site_of(tmp_path, FAULTS["missed night"][0]))
    nights = re.findall(r'<span class="night (\w+)" title="([^"]+)"', html)
    assert [text(title) for kind, title in nights if kind == "missed"] == ["Sat 28 Nov 2026 03:10 UTC: no run"]
    assert len(nights) == NIGHTS


def test_the_page_knows_when_the_next_run_is_due(tmp_path: Path) -> None:
    html = page(site_of(tmp_path, Faults()))
    assert f'data-due="{night(NIGHTS).isoformat()}" data-grace="3600"' in html
    assert "Next run due 30 Nov 03:10" in text(html)
    assert night(NIGHTS) > LAST


def test_the_overview_of_forty_nights_with_faults_is_small(tmp_path: Path) -> None:
    faults = Faults(
        ages={"IICHTE19": 196.2, "STATIC0010": 7.3},
        flagged=tuple(Flagged(station.id, PRESSURE, "bias", 24, off=6.8) for station in STATIONS),
        missed=frozenset({5, 12, NIGHTS - 2}),
        failed={20: "no primary of the replica set was found within 20 s"},
        rejected=dict.fromkeys(range(25, 35), 90),
        p95_ms=131.0,
    )
    files = dict(site_files(site_of(tmp_path, faults)))
    for name in ("index.html", "index.fr.html"):
        shown = files[name]
        assert len(re.findall(rb'<span class="night ', shown)) == NIGHTS
        assert len(gzip.compress(shown)) <= 30_000
        linked = {f"static/{one.decode()}" for one in re.findall(rb'(?:src|href)="static/([^"?]+)', shown)}
        assert linked
        assert sum(len(gzip.compress(files[one])) for one in {name, *linked}) <= 30_000
