"""The summary: plain text, at most 100 columns, with the numbers of the reports."""

from datetime import UTC, datetime
from typing import Any

from rich.console import Console

from forecast.core.counts import ObjectCounts, QcCounts, QualityTally, StationTally
from forecast.core.presence import Presence
from forecast.core.registry import load_stations
from forecast.mongo.conflicts import Conflicts
from forecast.qc.flags import SUSPECT
from forecast.qc.registry import CHECKS
from forecast.report.attention import RunLimits, attention
from forecast.report.findings import Findings
from forecast.report.plain_table import MAX_WIDTH
from forecast.report.quality import quality_report
from forecast.report.status import RunInfo, RunProgress, status_report
from forecast.report.summary import MAX_STATIONS, render_quality, render_summary
from tests.networks import network, station

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
DAY_MS = 86_400_000
PRESENCE = Presence({}, {"ITESTB25": DAY_MS}, {"ITESTB25": 250}, frozenset({0}))


def summary(
    objects: list[ObjectCounts],
    tally: QualityTally,
    progress: RunProgress,
    findings: Findings | None = None,
    conflicts: Conflicts | None = None,
    **run: Any,
) -> str:
    info = RunInfo("r1", NOW, "2.0.0", {}, **run)
    found = findings or Findings()
    told = attention(progress, objects, tally, found, {}, RunLimits(0.05))
    status = status_report(info, progress, objects, status="success", exit_code=0, finished_at=NOW, attention=told)
    quality = quality_report("r1", tally, objects, load_stations(), NOW, found, conflicts or Conflicts(), PRESENCE)
    console = Console(width=MAX_WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(render_summary(status, quality))
    return captured.get()


def full() -> str:
    tally = QualityTally()
    tally.stations["ITESTB25"] = StationTally(1200, 0, DAY_MS, 600.0)
    tally.reasons.update({"no_time": 1, "unknown_station": 20})
    progress = RunProgress(objects_listed=4, objects_skipped=1)
    progress.evaluated.add(QcCounts(evaluated=12_345, rewritten=20, flags_changed=6_789))
    progress.add_written("observations", "s3://bucket/" + "long/" * 40, 1200)
    objects = [
        ObjectCounts(
            "a", "s3://b/a", "loaded", 1231, 10, 1200, 21, inserted=1000, unchanged=200, written_by_interrupted=150
        ),
        ObjectCounts("[red]\x1b[31mb", "s3://b/b", "rejected", error_code="no_day", error="The day is lost."),
    ]
    findings = Findings()
    findings.values["ITESTB25", "air_temperature"] = 48
    findings.suspect["ITESTB25", "air_temperature", "snowfall_with_warmth"] = 6
    findings.flagged["ITESTB25", "air_temperature", SUSPECT] = 6
    findings.add_stored("ITESTB25", "wind_speed", SUSPECT, 1, {"stuck": 1})
    conflicts = Conflicts()
    conflicts.by_station.update({"ITESTB25": 1000, "07915": 1})
    return summary(objects, tally, progress, findings, conflicts)


def test_the_numbers_are_there() -> None:
    words = " ".join(full().split())
    assert "Run r1: success, exit code 0" in words
    assert "Objects 4 listed, 1 loaded, 1 skipped, 1 rejected" in words
    assert "Rows 1,231 read, 10 of them empty" in words
    assert "Records 1,200 validated, 21 rejected (1.72%)" in words
    assert "Documents 1,000 inserted, 0 updated, 200 unchanged, 0 superseded" in words
    assert "Interrupted 150 of the unchanged documents were written by a run that did not end" in words
    assert "ITESTB25 silent 1970-01-02 00:00 20,779 d 1,200 250 288 50.0% 7" in words
    assert "07915" not in words.partition("\nStations\n")[2]
    assert "4 more stations are of networks of which nothing has been received" in words
    assert "QC 12,345 documents checked, 6,789 flags changed" in words
    assert "Duplicates 1,001 with differing values (see the quality report)" in words
    assert "20 unknown_station 1 no_time" in words


def test_what_needs_attention_stands_below_the_first_line_and_says_what_the_status_report_says() -> None:
    first, second, *lines = [line for line in full().splitlines() if line.strip()]
    assert (first, second) == ("Run r1: success, exit code 0", "Needs attention")
    words = " ".join(" ".join(lines[: lines.index("Counts")]).split())
    assert words == (
        r"warning [red]\u001b[31mb: The day is lost. "
        f"warning Station ITESTB25, wind_speed: {CHECKS['stuck'].advice} (1 value, stuck) "
        f"warning Station ITESTB25, air_temperature: {CHECKS['snowfall_with_warmth'].advice} "
        "(6 values, snowfall_with_warmth) "
        "info 21 of 1,221 rows (1.72%) were quarantined: unknown_station (20), no_time (1)"
    )


def test_no_line_is_too_wide_and_nothing_is_cut_off() -> None:
    text = full()
    assert max(len(line) for line in text.splitlines()) <= 100
    assert text.count("long/") + text.count("lon\n") >= 35
    assert "…" not in text


def test_names_are_shown_unchanged_and_cannot_control_the_terminal() -> None:
    text = full()
    assert "[red]\\u001b[31mb: The day is lost. (no_day)" in text
    assert "\x1b" not in text


def test_an_empty_run_is_short() -> None:
    text = summary([], QualityTally(), RunProgress())
    assert "QC" not in text
    assert "Duplicates" not in text
    assert "Needs attention" not in text
    assert "Errors" not in text
    heard = {station.network for station in load_stations() if station.id in PRESENCE.newest}
    assert len(text.splitlines()) == 13 + sum(station.network in heard for station in load_stations())


def test_a_dry_run_says_so() -> None:
    text = summary([], QualityTally(), RunProgress(), dry_run=True)
    assert "dry run: nothing was written" in text
    assert "would be 0 inserted" in text


def test_many_errors_are_cut_with_a_count() -> None:
    broken = [ObjectCounts(f"k{n}", "u", "rejected", error_code="c", error="Broken.") for n in range(25)]
    text = summary(broken, QualityTally(), RunProgress())
    assert text.count("Broken.") == 11
    assert "and 15 more: see pipeline_status.json" in text


def test_of_too_many_stations_those_with_most_to_say_are_shown_and_the_others_counted() -> None:
    names = [f"S{number:03}" for number in range(MAX_STATIONS + 60)]
    stations = network(*(station(name) for name in names))
    tally = QualityTally()
    findings = Findings()
    findings.values["S080", "air_temperature"] = findings.flagged["S080", "air_temperature", SUSPECT] = 5
    now = int(NOW.timestamp() * 1000)
    last = {name: now for name in names if name != "S070"}
    quality = quality_report("r1", tally, [], stations, NOW, findings, Conflicts(), Presence({}, last, {}, frozenset()))
    console = Console(width=MAX_WIDTH, color_system=None)
    with console.capture() as captured:
        console.print(render_quality(quality))
    lines = [line.split() for line in captured.get().splitlines() if line.strip()]
    shown = [words[0] for words in lines if words[0] in names]
    assert shown == ["S080", "S070", *names[: MAX_STATIONS - 2]]
    assert "and 60 more: see the quality report" in captured.get()


def stations_at(width: int) -> list[str]:
    """The table of stations on a terminal of this width."""
    stations = network(station("mf-synop-00001"))
    last = {"mf-synop-00001": int(NOW.timestamp() * 1000)}
    presence = Presence({}, last, {}, frozenset())
    quality = quality_report("r1", QualityTally(), [], stations, NOW, Findings(), Conflicts(), presence)
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(render_quality(quality))
    return [line.rstrip() for line in captured.get().splitlines() if "station" in line or "mf-" in line]


def test_the_table_of_stations_leaves_out_columns_where_the_terminal_is_narrow_and_folds_none() -> None:
    assert stations_at(100) == [
        "  station         state  last (UTC)          age  records  received  expected  parameters  flagged",
        "  mf-synop-00001  fresh  2026-11-23 10:00  0.0 h        0         0         0           -        0",
    ]
    assert stations_at(80) == [
        "  station         state  last (UTC)          age  received  expected  flagged",
        "  mf-synop-00001  fresh  2026-11-23 10:00  0.0 h         0         0        0",
    ]
    assert stations_at(60) == [
        "  station         state  last (UTC)        received  flagged",
        "  mf-synop-00001  fresh  2026-11-23 10:00         0        0",
    ]
