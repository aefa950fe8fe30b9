"""The benchmark of growth runs, prints its figures, and tells a slope that is too steep."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from bench import bad_rows, country, scale
from bench.growth import is_straight

FIGURES = """\
growth with the stations of one city, 2 hours each
  2 stations # s CPU, 4 rows, # MB
  4 stations # s CPU, 8 rows, # MB
  6 stations # s CPU, 12 rows, # MB
  from 2 to 4 # ms CPU a further station
  from 4 to 6 # ms CPU a further station
"""


# Nothing but the benchmark itself depends on it.
@pytest.mark.slow
def test_the_benchmark_prints_the_growth_with_the_stations(
    replica_set: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(scale, "CURVE", (2, 4, 6))
    monkeypatch.setattr(scale, "CURVE_HOURS", 2)
    scale.curve(replica_set, tmp_path)
    printed = re.sub(r" +", " ", capsys.readouterr().out)
    expected = re.escape(re.sub(r" +", " ", FIGURES)).replace(r"\#", "-?[0-9,.]+")
    assert re.fullmatch(expected, re.sub(r" +\n", "\n", printed)), printed


def test_the_benchmark_compares_the_same_rows_in_few_objects_and_in_many(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {10: 12.0, 100: 13.0, 1_000: 20.0}

    def measured(_uri: str, _folder: Path, shape: str, number: int, _hours: int, rows: int) -> dict[str, float]:
        assert (shape, rows) == ("series", 288_000)
        return {"cpu": figures[number], "rows": rows, "peak_mb": 300}

    monkeypatch.setattr(scale, "measured", measured)
    assert scale.objects("mongodb://nowhere", tmp_path)
    assert "speed in the smallest objects" in (printed := capsys.readouterr().out)
    assert re.search(r" 0\.60 +of that in the largest, at least 0\.6\n", printed)
    figures[1_000] = 20.1
    assert not scale.objects("mongodb://nowhere", tmp_path)


def test_the_benchmark_compares_bad_rows_with_sound_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figures = {"sound": 4.0, "bad": 10.0}

    def measured(_uri: str, _folder: Path, shape: str, _stations: int, _hours: int) -> dict[str, float]:
        return {"cpu": figures[shape], "rows": 60_000, "peak_mb": 300, "anomalies": 1_234}

    monkeypatch.setattr(scale, "measured", measured)
    assert scale.bad("mongodb://nowhere", tmp_path)
    assert "the same with 1,234 values flagged" in (printed := capsys.readouterr().out)
    assert re.search(r"speed with bad values +0\.40 +of that of sound ones, at least 0\.4\n", printed)
    figures["bad"] = 10.1
    assert not scale.bad("mongodb://nowhere", tmp_path)


def test_bad_rows_are_the_sound_ones_with_three_of_four_values_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(bad_rows, "ROWS", 400)
    for is_bad in (False, True):
        bad_rows.write_rows(tmp_path / str(is_bad), is_bad=is_bad)
    sound, bad = (
        [
            json.loads(text)["_airbyte_data"]
            for path in sorted(place.rglob("*.jsonl"))
            for text in path.read_text("utf-8").splitlines()
        ]
        for place in (tmp_path / "False", tmp_path / "True")
    )
    assert [row["DateTime"] for row in bad] == [row["DateTime"] for row in sound]
    changed = [one[field] != other[field] for one, other in zip(sound, bad, strict=True) for field in bad_rows.FIELDS]
    assert len(sound) == 400
    assert (sum(changed), len(changed)) == (2_125, 2_800)


@pytest.mark.parametrize(("last", "held"), [(5.0, True), (5.1, False)])
def test_the_hour_of_a_country_comes_to_the_hours_before_it(
    last: float, held: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(country, "STATIONS", 5)
    monkeypatch.setattr(country, "HOURS_BEFORE", 3)
    monkeypatch.setattr(scale, "drop", lambda _uri, _database: None)
    read: list[list[str]] = []

    def of_process(_uri: str, place: Path, shape: str, *_: int) -> dict[str, float]:
        assert shape == "hours"
        read.append(sorted(path.stem for path in (place / "raw").iterdir()))
        return {"cpu": 25.0 if len(read) < 3 else last, "rows": 5, "peak_mb": 300}

    monkeypatch.setattr(scale, "of_process", of_process)
    assert scale.hours("mongodb://nowhere", tmp_path) is held
    names = [f"2024_10_14_0{hour}" for hour in range(4)]
    assert read == [names[:1], names[:3], names]


def test_two_of_five_stations_of_a_country_measure_more_than_temperature_and_rain(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(country, "STATIONS", 5)
    (hour,) = country.write_hours(tmp_path / "raw", 1)
    rows = json.loads(hour.read_text("utf-8"))
    assert [row["validity_time"] for row in rows] == ["2024-10-14T00:00:00Z"] * 5
    assert [row["geo_id_insee"] for row in rows] == [station.network_id for station in country.stations()]
    assert [row["ff"] is not None for row in rows] == [True, True, False, False, False]
    assert [len(station.parameters) for station in country.stations()] == [11, 11, 4, 4, 4]


@pytest.mark.parametrize(
    ("seconds", "held"),
    [((1.0, 1.5, 6.5), True), ((1.0, 1.5, 8.5), True), ((1.0, 1.5, 9.5), False)],
    ids=["a straight line", "within the tolerance", "steeper"],
)
def test_a_slope_that_gets_steeper_fails(seconds: tuple[float, ...], held: bool) -> None:
    """From 6 to 60 stations 9.3 ms a station, then 9.3, 13.0 and 14.8 ms."""
    assert is_straight(dict(zip((6, 60, 600), seconds, strict=True)), "station") is held


@pytest.mark.parametrize(
    ("cpu", "megabytes", "held"),
    [(5.0, 500, True), (5.1, 500, False), (5.0, 501, False)],
    ids=["held", "slow", "large"],
)
def test_a_figure_beyond_its_aim_fails(cpu: float, megabytes: float, held: bool) -> None:
    assert scale.told("a country", {"cpu": cpu, "rows": 1, "peak_mb": megabytes}, scale.COUNTRY) is held


@pytest.mark.parametrize("arguments", [("--documents", "20000"), ("--objects", "10000")])
def test_sizes_that_give_no_curve_are_an_error(arguments: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        scale.main(list(arguments))
    assert "a curve needs more than 20000 documents and 10000 objects" in capsys.readouterr().err
