"""Each fault, put into forty nights, is named on the overview in words, in its first five lines, and nothing else.

`forecast status` says the same of the same reports, and what a run itself found is what its summary says.
"""

from __future__ import annotations

import functools
import gzip
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import msgspec
import pytest

from forecast.core.reading import UnreadParameter
from forecast.core.settings import Settings
from forecast.report.headline import Assessment, Schedule, assess
from forecast.report.models.quality import QualityReport
from forecast.report.models.status import Attention, PipelineStatus
from forecast.report.situation_text import render_situation
from forecast.report.status import REPORT_NAME
from forecast.report.summary import render_summary
from forecast.run.dashboard import make_site
from forecast.run.situation import situation_of
from forecast.site.logs import read_logs
from forecast.site.model import Quarantine, Site
from tests.examples import for_every_change
from tests.report.test_load_test import text_of_any
from tests.site.built import built
from tests.site.nights import LAST, MAX_AGE_HOURS, NIGHTS, STATIONS, Faults, Flagged, night, write_nights
from tests.site.test_overview import page, text

SCHEDULE: Final = Schedule(tuple(night(number) for number in range(NIGHTS)), night(NIGHTS))
PRESSURE, AIR = "air_pressure_at_mean_sea_level", "air_temperature"
FAULTS: Final = {
    "silent": (
        Faults(ages={"ITESTA19": 196.2}),
        "WeerstationBS is silent: its newest observation is from 2026-11-20 22:58 UTC, 196 hours ago",
    ),
    "late": (
        Faults(ages={"STATIC0090": 7.3}),
        "Hazebrouck is late: its newest observation is from 2026-11-28 19:52 UTC",
    ),
    "stuck": (
        Faults(flagged=(Flagged("000T5", AIR, "persistence", 144, failed=True), Flagged("000T5", AIR, "flag_rate", 9))),
        "Bergues, Air temperature: values do not change: the sensor is stuck, frozen or disconnected (144 values",
    ),
    "biased": (
        Faults(flagged=(Flagged("ITESTB25", PRESSURE, "bias", 288, off=6.8),)),
        "La Madeleine, Pressure (sea level): 6.8 hPa above its neighbours; consistently differs",
    ),
    "clock an hour off": (
        Faults(flagged=tuple(Flagged("ITESTB25", name, "clock_offset", 288) for name in (AIR, "relative_humidity"))),
        "La Madeleine, Air temperature, Relative humidity: the daily curve matches the neighbours' when shifted",
    ),
    "missed night": (
        Faults(missed=frozenset({NIGHTS - 2})),
        "The run due at 2026-11-28 03:10 UTC did not start; a later one caught up. Check the scheduler",
    ),
    "failed run": (
        Faults(failed={NIGHTS - 1: "no primary of rs0 was found"}),
        "The last run (2026-11-29 03:10 UTC) failed: no primary of rs0 was found",
    ),
    "objective missed": (
        Faults(p95_ms=331.0),
        "The latency objective was missed: p95 331.0 ms, the limit is 250 ms",
    ),
    "unread parameter": (
        Faults(unread=(UnreadParameter("relative_humidity", "hum", 288, "n/a", "line 1", "not a number"),)),
        "infoclimat/api/2026_39_0.jsonl: none of 288 cells of 'hum' (relative_humidity) could be read, such as 'n/a'",
    ),
    "too many rows rejected": (
        Faults(rejected={NIGHTS - 1: 90}),
        "90 of 1,067 rows (8.43%) were quarantined",
    ),
}


# What the run itself finds, whatever came before it.
OF_THE_RUN: Final = frozenset({"stuck", "biased", "clock an hour off", "unread parameter", "too many rows rejected"})


Nights = Callable[[str], tuple[Path, Site]]


def site_of(folder: Path, faults: Faults) -> Site:
    write_nights(folder, faults)
    return make_site(read_logs(folder), STATIONS, MAX_AGE_HOURS, Quarantine(), SCHEDULE)


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """The reports of the nights with a fault, and the site of them: made once for all that say the same of it."""

    @functools.cache
    def made(fault: str) -> tuple[Path, Site]:
        folder = tmp_path_factory.mktemp("nights")
        return folder, site_of(folder, FAULTS[fault][0])

    return made


def last_run(folder: Path) -> tuple[PipelineStatus, QualityReport]:
    """The last run's reports."""
    newest = max(folder.glob("quality_report_*.json"))
    status = msgspec.json.decode((folder / REPORT_NAME).read_bytes(), type=PipelineStatus)
    return status, msgspec.json.decode(newest.read_bytes(), type=QualityReport)


def first_lines(html: str) -> list[str]:
    """What is read first on a page, line by line; what only a screen reader says is left out."""
    (main,) = re.findall(r"<main.*?</main>", html, flags=re.DOTALL)
    shown = re.sub(r'<h2[^>]*class="unseen"[^>]*>.*?</h2>', "", main)
    lines = re.split(r"</(?:h1|h2|p|li)>", shown)
    return [line for line in map(text, lines) if line]


def entries(html: str) -> list[str]:
    """What needs attention, without its severity."""
    (block,) = re.findall(r'<h2 id="attention">.*?</section>', html, flags=re.DOTALL)
    return [
        text(re.sub("</?a[^>]*>", "", entry))
        for entry in re.findall(r"<li><div>.*?</div>\s*<p>(.*?)</p></li>", block, flags=re.DOTALL)
    ]


@pytest.mark.parametrize("fault", ["silent", *for_every_change(*sorted(FAULTS.keys() - {"silent"}))])
def test_a_fault_is_named_first_and_alone(fault: str, nights: Nights) -> None:
    _, words = FAULTS[fault]
    _, site = nights(fault)
    html = page(site)
    (entry,) = entries(html)
    assert entry.startswith(words)
    assert any(words in line for line in first_lines(html)[:5])
    headline = text(re.findall(r"<h1>(.*?)</h1>", html)[0])
    # A station that is only late is a remark; it is the first of them.
    assert headline.startswith("All is well" if fault == "late" else words)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_terminal_says_what_the_overview_says(fault: str, nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, site = nights(fault)
    # Where the demo has run in a checkout, its embedded MongoDB is there, and would be asked.
    monkeypatch.chdir(folder)
    settings = Settings(logs_dir=folder, max_data_age_hours=MAX_AGE_HOURS, schedule="10 3 * * *")
    assert site.made_at is not None
    situation = situation_of(settings, STATIONS, site.made_at)
    found = assess(situation)
    assert (found.headline, found.attention) == (site.assessment.headline, site.assessment.attention)
    lines = " ".join(" ".join(text_of_any(render_situation(situation, found)).split()).split())
    assert " ".join(found.attention[0].message.split()) in lines


@pytest.mark.parametrize("fault", sorted(OF_THE_RUN))
def test_the_summary_of_the_run_says_what_the_overview_says(fault: str, nights: Nights) -> None:
    folder, site = nights(fault)
    status, quality = last_run(folder)
    assert tuple(status.attention) == site.assessment.attention
    shown = " ".join(text_of_any(render_summary(status, quality)).split())
    assert "Needs attention warning " + " ".join(site.assessment.attention[0].message.split()) in shown


def test_the_advice_says_what_a_stuck_sensor_is_and_not_what_follows_from_it(nights: Nights) -> None:
    (entry,) = entries(page(nights("stuck")[1]))
    assert "stuck" in entry
    assert "so many values" not in entry


def test_a_wrong_clock_is_reported_as_such(nights: Nights) -> None:
    (entry,) = entries(page(nights("clock an hour off")[1]))
    assert "clock" in entry


def test_without_a_fault_nothing_is_named(tmp_path: Path) -> None:
    assert entries(page(site_of(tmp_path, Faults()))) == []


def test_of_many_entries_the_first_are_named_and_the_others_counted(tmp_path: Path) -> None:
    late = [Attention("info", "late_station", f"Station S{at} is late", station=f"S{at}") for at in range(20)]
    html = page(replace(site_of(tmp_path, Faults()), assessment=Assessment("All is well", tuple(late), ())))
    assert entries(html) == [f"S{at} is late" for at in range(12)]
    assert "and 8 more" in text(html)


def test_of_all_faults_at_once_the_most_severe_is_the_headline(tmp_path: Path) -> None:
    faults = Faults(
        ages={"ITESTA19": 196.2, "STATIC0090": 7.3},
        flagged=(Flagged("ITESTB25", PRESSURE, "bias", 288, off=6.8),),
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


def test_a_missed_night_is_hatched_in_the_strip(nights: Nights) -> None:
    html = page(nights("missed night")[1])
    shown = re.findall(r'<span class="night (\w+)" title="([^"]+)"', html)
    assert [text(title) for kind, title in shown if kind == "missed"] == ["Sat 28 Nov 2026 03:10 UTC: no run"]
    assert len(shown) == NIGHTS


def test_the_page_knows_when_the_next_run_is_due(tmp_path: Path) -> None:
    html = page(site_of(tmp_path, Faults()))
    assert f'data-due="{night(NIGHTS).isoformat()}" data-grace="3600"' in html
    assert "Next run due 30 Nov 03:10" in text(html)
    assert night(NIGHTS) > LAST


def test_the_overview_of_forty_nights_with_faults_is_small(tmp_path: Path) -> None:
    faults = Faults(
        ages={"ITESTA19": 196.2, "STATIC0090": 7.3},
        flagged=tuple(Flagged(station.id, PRESSURE, "bias", 24, off=6.8) for station in STATIONS),
        missed=frozenset({5, 12, NIGHTS - 2}),
        failed={20: "no primary of the replica set was found within 20 s"},
        rejected=dict.fromkeys(range(25, 35), 90),
        p95_ms=131.0,
    )
    files = built(site_of(tmp_path, faults))
    for name in ("index.html", "index.fr.html"):
        shown = files[name]
        assert len(re.findall(rb'<span class="night ', shown)) == NIGHTS
        assert len(gzip.compress(shown)) <= 30_000
        linked = {f"static/{one.decode()}" for one in re.findall(rb'(?:src|href)="static/([^"?]+)', shown)}
        assert linked
        assert sum(len(gzip.compress(files[one])) for one in {name, *linked}) <= 30_000
