"""The made-up raw data: the same again from the same seed, readable by each format's own library, and plausible."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import fastavro
import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine

from forecast.core.registry import load_stations
from forecast_demo import bench_registry, write_demo, write_history_jsonl
from forecast_demo.airbyte import avro_name, raw_ids
from forecast_demo.clock import epoch_of
from forecast_demo.networks.infoclimat.documents import observations
from forecast_demo.networks.wunderground.rows import TABLE_COLUMNS
from forecast_demo.weather import STEP_SECONDS, Site, rain_of_last_hours, rain_since_midnight, simulate
from forecast_demo.workbook import write_workbook

NBSP = "\u00a0"
DOCUMENT = "infoclimat/Data_Source1_011024-031024.json"
API = "infoclimat/api/2024_10_06_1728183600000_0.jsonl"
ONE_BY_ONE = "infoclimat/observations/2024_10_08_1728356400000_0.jsonl.gz"
MARKER = "infoclimat/observations/_SUCCESS"
WORKBOOK = "wunderground/ITESTA19/Weather+Underground+-+Ichtegem,+BE.xlsx"
CSV = "wunderground/ITESTA19/2024_10_07_1728270000000_0.csv"
PWS = "wunderground/ITESTA19/2024_10_08_1728356400000_0.jsonl"
JSONL = "wunderground/ITESTB25/2024_10_05_1728097200000_0.jsonl"
PARQUET = "wunderground/ITESTB25/2024_10_06_1728183600000_0.parquet"
AVRO = "wunderground/ITESTB25/2024_10_08_1728356400000_0.avro"

ROWS = {
    DOCUMENT: 1368,
    API: 900,
    ONE_BY_ONE: 933,
    WORKBOOK: 1150,
    CSV: 578,
    PWS: 300,
    JSONL: 1156,
    PARQUET: 302,
    AVRO: 578,
}
EMPTY_ROWS = {WORKBOOK: 4, CSV: 2, JSONL: 4, PARQUET: 2, AVRO: 2}
OBSERVATIONS = {"00092": 1008, "000T5": 1008, "07915": 168, "STATIC0090": 996, "ITESTA19": 2010, "ITESTB25": 2016}

Row = dict[str, Any]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("raw")
    write_demo(folder)
    return folder


def _lines(content: bytes) -> list[Row]:
    return [json.loads(line) for line in content.decode().splitlines()]


def _hourly(document: Row) -> list[Row]:
    return [row for station, rows in document["hourly"].items() if station != "_params" for row in rows]


def _csv_rows(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return [json.loads(row["_airbyte_data"]) for row in csv.DictReader(file)]


def _sheet_rows(path: Path) -> Iterator[Row]:
    for sheet in openpyxl.load_workbook(path):
        rows = sheet.iter_rows(values_only=True)
        header = next(rows)
        for cells in rows:
            yield {"sheet": sheet.title, **dict(zip(header, cells, strict=True))}


def _avro_rows(path: Path) -> list[Row]:
    with path.open("rb") as file:
        return [dict(row) for row in fastavro.reader(file) if isinstance(row, dict)]


def _payloads(folder: Path) -> dict[str, list[Row]]:
    """The rows of each object as found, read with nothing of ours."""
    return {
        DOCUMENT: _hourly(json.loads((folder / DOCUMENT).read_text(encoding="utf-8"))),
        API: _hourly(_lines((folder / API).read_bytes())[0]["_airbyte_data"]),
        ONE_BY_ONE: [line["_airbyte_data"] for line in _lines(gzip.decompress((folder / ONE_BY_ONE).read_bytes()))],
        WORKBOOK: list(_sheet_rows(folder / WORKBOOK)),
        CSV: _csv_rows(folder / CSV),
        PWS: _lines((folder / PWS).read_bytes()),
        JSONL: [line["_airbyte_data"] for line in _lines((folder / JSONL).read_bytes())],
        PARQUET: pq.read_table(folder / PARQUET).to_pylist(),
        AVRO: _avro_rows(folder / AVRO),
    }


def _is_empty(row: Row) -> bool:
    """Without any measured value, in whatever it names its day."""
    names = [name for name in row if not name.startswith("_airbyte") and name not in {"Date", "sheet"}]
    return all(row[name] in {None, ""} for name in names)


def _local_utc(local: datetime, zone: str) -> datetime:
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def _instant(name: str, row: Row) -> tuple[str, str]:
    """Station and UTC time of a row."""
    if name.startswith("infoclimat"):
        return row["id_station"], row["dh_utc"].replace(" ", "T") + "Z"
    if name == PWS:
        return row["stationID"], row["obsTimeUtc"]
    station = Path(name).parent.name
    if name == WORKBOOK:
        local = datetime.combine(datetime.strptime(row["sheet"], "%d%m%y").date(), row["Time"])
    else:
        local = datetime.fromisoformat(row.get("DateTime") or row.get("Timestamp") or f"{row['Date']}T{row['Time']}")
    zone = {"ITESTA19": "Europe/Brussels", "ITESTB25": "Europe/Paris"}[station]
    return station, f"{_local_utc(local, zone):%Y-%m-%dT%H:%M:%SZ}"


def _number(cell: str) -> float:
    return float(cell.split(NBSP, 1)[0])


def test_demo_objects_are_the_ones_returned(tmp_path: Path) -> None:
    written = write_demo(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in written] == sorted([*ROWS, MARKER])
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == written
    assert (tmp_path / MARKER).stat().st_size == 0


def test_demo_same_seed_same_bytes_other_seed_others(tmp_path: Path, demo: Path) -> None:
    again = {path.relative_to(tmp_path / "again"): path.read_bytes() for path in write_demo(tmp_path / "again")}
    other = {path.relative_to(tmp_path / "other"): path.read_bytes() for path in write_demo(tmp_path / "other", seed=7)}
    assert again.keys() == other.keys()
    for name, content in again.items():
        assert hashlib.sha256(content).hexdigest() == hashlib.sha256((demo / name).read_bytes()).hexdigest(), name
    assert [name.name for name, content in other.items() if content == again[name]] == ["_SUCCESS"]


def test_demo_archives_do_not_contain_the_time_of_their_creation(demo: Path) -> None:
    """Two runs within one second would agree even if they did."""
    assert (demo / ONE_BY_ONE).read_bytes()[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"
    with zipfile.ZipFile(demo / WORKBOOK) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_demo_rows_and_empty_rows_of_each_object(demo: Path) -> None:
    payloads = _payloads(demo)
    assert {name: len(rows) for name, rows in payloads.items()} == ROWS
    empty = {name: sum(map(_is_empty, rows)) for name, rows in payloads.items()}
    assert {name: count for name, count in empty.items() if count} == EMPTY_ROWS
    assert sum(empty.values()) == 14
    assert sum(ROWS.values()) == 7265


def test_demo_distinct_observations_of_each_station(demo: Path) -> None:
    """All rows, less 14 empty ones, 2 of a stranger and 43 that come twice."""
    rows = [_instant(name, row) for name, rows in _payloads(demo).items() for row in rows if not _is_empty(row)]
    distinct = Counter(station for station, _ in set(rows))
    assert distinct.pop("STATIC0099") == 2
    assert distinct == OBSERVATIONS
    assert (len(rows), sum(distinct.values())) == (7251, 7206)
    assert Counter(Counter(rows).values()) == {1: 7208 - 43, 2: 43}


def test_demo_is_of_the_week(demo: Path) -> None:
    """Local days 1 to 7 October of the tables, UTC days of InfoClimat."""
    spans: dict[str, list[str]] = {}
    for name, rows in _payloads(demo).items():
        for row in rows:
            if not _is_empty(row):
                station, moment = _instant(name, row)
                spans.setdefault(station, []).append(moment)
    ends = {station: (min(moments), max(moments)) for station, moments in spans.items()}
    assert ends["ITESTA19"] == ends["ITESTB25"] == ("2024-09-30T22:04:00Z", "2024-10-07T21:59:00Z")
    assert ends["00092"] == ("2024-10-01T00:00:00Z", "2024-10-07T23:50:00Z")
    assert ends["07915"] == ("2024-10-01T00:00:00Z", "2024-10-07T23:00:00Z")


def test_demo_airbyte_envelopes_are_those_of_the_two_generations(demo: Path) -> None:
    new = ["_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id"]
    (api,) = _lines((demo / API).read_bytes())
    assert list(api) == [*new, "_airbyte_data"]
    assert api["_airbyte_meta"] == {"sync_id": 3, "changes": []}
    old = _lines(gzip.decompress((demo / ONE_BY_ONE).read_bytes()))
    assert {tuple(line) for line in old} == {("_airbyte_ab_id", "_airbyte_emitted_at", "_airbyte_data")}
    pws = _lines((demo / PWS).read_bytes())
    assert {tuple(line)[:5] for line in pws} == {(*new, "stationID")}
    header = (demo / CSV).read_text(encoding="utf-8").splitlines()
    assert (
        header[0]
        == '"_airbyte_raw_id","_airbyte_extracted_at","_airbyte_meta","_airbyte_generation_id","_airbyte_data"'
    )
    assert ',1728270000000,"{""sync_id"":7,""changes"":[]}",1,"{""Date"":""2024-10-05""}"' in header[1]
    schema = pq.read_schema(demo / PARQUET)
    assert schema.names[:4] == new
    assert schema.field("_airbyte_extracted_at").type == pa.timestamp("ms", tz="UTC")
    assert pa.types.is_struct(schema.field("_airbyte_meta").type)
    cleaned = [avro_name(name) for name in TABLE_COLUMNS]
    assert cleaned[8:10] == ["Precip__Rate_", "Precip__Accum_"]
    assert schema.names[4:] == [*cleaned, "DateTime"]
    first = _avro_rows(demo / AVRO)[0]
    assert list(first) == [*new, *cleaned, "Timestamp"]
    assert first["_airbyte_extracted_at"].isoformat() == "2024-10-08T03:00:00+00:00"


def test_demo_record_ids_are_unique_in_the_whole_zone(demo: Path) -> None:
    """Two syncs begin at the same instant, and yet no record may pass for another."""
    with (demo / CSV).open(encoding="utf-8", newline="") as file:
        ids = [row["_airbyte_raw_id"] for row in csv.DictReader(file)]
    ids += [line["_airbyte_ab_id"] for line in _lines(gzip.decompress((demo / ONE_BY_ONE).read_bytes()))]
    ids += [line["_airbyte_raw_id"] for name in (API, PWS, JSONL) for line in _lines((demo / name).read_bytes())]
    ids += [row["_airbyte_raw_id"] for row in [*pq.read_table(demo / PARQUET).to_pylist(), *_avro_rows(demo / AVRO)]]
    assert len(ids) == 578 + 933 + 1 + 300 + 1156 + 302 + 578
    assert len(set(ids)) == len(ids)


def test_demo_workbook_is_read_alike_by_calamine_and_openpyxl(demo: Path) -> None:
    book = python_calamine.load_workbook(str(demo / WORKBOOK))
    assert book.sheet_names == ["011024", "021024", "031024", "041024"]
    rows = book.get_sheet_by_name("021024").to_python()
    assert rows[0] == list(TABLE_COLUMNS)
    assert rows[1] == [""] * 12
    assert len(rows) == 2 + 288 - 6
    assert [row[0] for row in rows[2:4]] == [time(0, 4), time(0, 9)]
    assert all(isinstance(row[0], time) and row[0].second == 0 for row in rows[2:])
    assert all(str(row[1]).endswith(f"{NBSP}°F") and str(row[11]).endswith(f"{NBSP}w/m²") for row in rows[2:])
    sheet = openpyxl.load_workbook(demo / WORKBOOK)["021024"]
    expected = [tuple(None if cell == "" else cell for cell in row) for row in rows]
    assert list(sheet.iter_rows(values_only=True)) == expected
    assert sheet["A3"].number_format == "h:mm:ss"


def test_demo_cells_have_a_no_break_space(demo: Path) -> None:
    payloads = _payloads(demo)
    for name in (WORKBOOK, CSV, JSONL, PARQUET, AVRO):
        cells = [row["Temperature"] for row in payloads[name] if not _is_empty(row)]
        assert all(cell.count(NBSP) == 1 and " " not in cell for cell in cells), name


def test_demo_imperfections(demo: Path) -> None:
    payloads = _payloads(demo)
    texts = [(name, row) for name, rows in payloads.items() for row in rows if "5x.2" in str(list(row.values()))]
    assert [(name, row["Temperature"], row["DateTime"]) for name, row in texts] == [
        (JSONL, "5x.2\u00a0°F", "2024-10-02T12:04:00")
    ]
    assert sum("Solar" not in row for row in payloads[CSV] if not _is_empty(row)) == 3
    assert sorted(str(row["Humidity"]) for row in payloads[JSONL] if not row["Humidity"] and row["Time"]) == [
        "",
        "None",
        "None",
    ]
    assert [row["dh_utc"] for row in payloads[DOCUMENT] if "humidite" not in row] == ["2024-10-01 16:40:00"]
    assert sum(row["temperature"] == "" for row in payloads[DOCUMENT]) == 1
    assert sum("point_de_rosee" not in row for row in payloads[ONE_BY_ONE]) == 1
    assert sum(row["pression"] == "" for row in payloads[ONE_BY_ONE]) == 1
    assert any(row.get("nebulosite") == "" for row in payloads[DOCUMENT])


def test_demo_later_sync_brings_a_correction(demo: Path) -> None:
    payloads = _payloads(demo)
    early = {row["DateTime"]: row for row in payloads[JSONL]}
    both = [row for row in payloads[PARQUET] if row["DateTime"] in early and row["DateTime"]]
    assert [row["DateTime"] for row in both] == [f"2024-10-04T23:{minute:02d}:00" for minute in range(4, 60, 5)]
    for row in both:
        before = early[row["DateTime"]]
        assert _number(row["Temperature"]) == pytest.approx(_number(before["Temperature"]) + 0.2)
        assert (row["Dew_Point"], row["Pressure"]) == (before["Dew Point"], before["Pressure"])


def test_demo_document_is_printed_as_php_does(demo: Path) -> None:
    text = (demo / DOCUMENT).read_text(encoding="ascii")
    assert text.startswith('{\n    "status": "OK",\n    "errors": [],')
    assert '"name": "Armenti\\u00e8res"' in text
    assert '"url": "https:\\/\\/creativecommons.org\\/licenses\\/by\\/2.0\\/fr\\/"' in text
    document = json.loads(text)
    assert list(document) == ["status", "errors", "data", "stations", "metadata", "hourly"]
    assert list(document["hourly"]) == ["00092", "000T5", "07915", "STATIC0090", "_params"]
    values = [value for row in _hourly(document) for value in row.values()]
    assert {type(value) for value in values} == {str, type(None)}


@pytest.mark.parametrize("seed", [1, 2024, 99])
def test_weather_makes_sense_in_every_season(seed: int) -> None:
    epochs = epoch_of(date(2024, 1, 1)) + np.arange(0, 366 * 86_400, STEP_SECONDS, dtype=np.int64)
    weather = simulate(epochs, Site(1, 50.6, 3.0), seed)
    assert (weather.air_temperature - weather.dew_point).min() > 0.3
    assert (weather.gust >= weather.speed).all()
    assert weather.speed.min() == 0.0
    assert 0 < weather.direction.min() <= weather.direction.max() <= 360
    assert 20 < weather.humidity.min() <= weather.humidity.max() < 100
    midnight = epochs % 86_400 == 0
    assert weather.solar[midnight].max() == 0.0
    assert weather.uv[midnight].max() == 0.0
    assert 700 < weather.solar.max() < 1098
    assert -15 < weather.air_temperature.min() < 5
    assert 20 < weather.air_temperature.max() < 40
    assert 970 < weather.pressure.min() < weather.pressure.max() < 1055


def test_weather_does_not_depend_on_the_part_that_is_made() -> None:
    epochs = epoch_of(date(2024, 10, 1)) + np.arange(0, 86_400, STEP_SECONDS, dtype=np.int64)
    whole, part = (simulate(moments, Site(3, 50.6, 3.0), 5) for moments in (epochs, epochs[100:110]))
    assert (whole.air_temperature[100:110] == part.air_temperature).all()
    assert (whole.gust[100:110] == part.gust).all()


def test_rain_counter_starts_again_at_local_midnight() -> None:
    epochs = epoch_of(date(2024, 10, 1)) + np.arange(0, 7 * 86_400, STEP_SECONDS, dtype=np.int64)
    rain = rain_since_midnight(epochs, "Europe/Paris", Site(1, 50.6, 3.0), 2024)
    falls = epochs[1:][np.diff(rain) < 0]
    assert len(falls) > 0
    assert set((falls + 7200) % 86_400) == {0}
    assert rain.max() > 1
    part = rain_since_midnight(epochs[1000:1010], "Europe/Paris", Site(1, 50.6, 3.0), 2024)
    assert part == pytest.approx(rain[1000:1010])


def test_rain_of_three_hours_is_that_of_its_hours() -> None:
    site = Site(1, 50.6, 3.0)
    epochs = epoch_of(date(2024, 10, 1)) + np.arange(0, 7 * 86_400, 3600, dtype=np.int64)
    one, three = rain_of_last_hours(epochs, site, 2024, 1), rain_of_last_hours(epochs, site, 2024, 3)
    assert three[2:] == pytest.approx(one[2:] + one[1:-1] + one[:-2])
    assert three.max() > 1


def test_static_station_reports_rain_on_the_hour() -> None:
    station = load_stations().get("00092")
    assert station is not None
    epochs = epoch_of(date(2024, 10, 1)) + np.arange(0, 86_400, 600, dtype=np.int64)
    rows = observations(station, epochs, Site(1, 50.7, 2.9), 2024)
    assert sum(row["pluie_1h"] is not None for row in rows) == 24
    assert sum(row["pluie_3h"] is not None for row in rows) == 8
    assert {row["vent_rafales"] for row in rows} == {None}
    assert not any((row["temperature"] or "").endswith(".0") for row in rows)


def test_workbook_times_come_back_to_the_second() -> None:
    """All 1440 minutes, and one second: 1/86400 has no finite binary fraction."""
    times = [(datetime(2024, 1, 1) + timedelta(minutes=minute)).time() for minute in range(1440)]
    times.append(time(23, 59, 59))
    content = write_workbook({"a & <b>": [[moment, "x < y & z", 3, None] for moment in times]})
    rows = python_calamine.load_workbook(io.BytesIO(content)).get_sheet_by_name("a & <b>").to_python()
    assert [row[0] for row in rows] == times
    assert rows[0][1:3] == ["x < y & z", 3.0]
    sheet = openpyxl.load_workbook(io.BytesIO(content))["a & <b>"]
    assert [row[0] for row in sheet.iter_rows(values_only=True)] == times


def test_raw_ids_are_uuids_of_version_7() -> None:
    (first, second) = raw_ids(1761343020000, 2, np.random.default_rng(1))
    assert first[:15] == second[:15] == "019a1839-9be0-7"
    assert (len(first), first[19] in "89ab", first != second) == (36, True, True)


def _history(folder: Path, station_id: str) -> list[Row]:
    paths = sorted((folder / "wunderground" / station_id).iterdir(), key=lambda path: int(path.stem.rsplit("_", 1)[1]))
    return [line for path in paths for line in _lines(path.read_bytes())]


def test_history_lines_are_those_of_airbyte(tmp_path: Path) -> None:
    write_history_jsonl(
        tmp_path, rows=5, rows_per_object=2, station_ids=["IBENCH001", "IBENCH002"], start=date(2024, 1, 1)
    )
    files = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.jsonl"))
    sync = "2024_01_03_1704250800000"
    assert files == [
        f"wunderground/IBENCH001/{sync}_0.jsonl",
        f"wunderground/IBENCH001/{sync}_1.jsonl",
        f"wunderground/IBENCH002/{sync}_0.jsonl",
    ]
    assert [len(_lines((tmp_path / name).read_bytes())) for name in files] == [2, 1, 2]
    text = (tmp_path / files[0]).read_text(encoding="utf-8").splitlines()[0]
    line = json.loads(text)
    assert json.dumps(line, ensure_ascii=False, separators=(",", ":")) == text
    keys = ["_airbyte_raw_id", "_airbyte_extracted_at", "_airbyte_meta", "_airbyte_generation_id", "_airbyte_data"]
    assert list(line) == keys
    assert (line["_airbyte_extracted_at"], line["_airbyte_meta"]) == (1704250800000, {"sync_id": 1, "changes": []})
    row = line["_airbyte_data"]
    assert (row["Date"], row["DateTime"], row["Time"]) == ("2024-01-01", "2024-01-01T00:04:00", "00:04:00")
    assert row["Temperature"].endswith(f"{NBSP}°F")
    assert type(row["UV"]) is int


@pytest.mark.whole
def test_history_records_of_an_object_are_extracted_a_thousand_a_second(tmp_path: Path) -> None:
    write_history_jsonl(
        tmp_path, rows=42_000, rows_per_object=21_500, station_ids=["IBENCH001"], start=date(2024, 1, 1)
    )
    lines = _history(tmp_path, "IBENCH001")
    started = lines[0]["_airbyte_extracted_at"]
    seconds = [(line["_airbyte_extracted_at"] - started) / 1000 for line in lines]
    assert seconds[:21_500] == [row // 1000 for row in range(21_500)]
    assert seconds[21_500:] == [row // 1000 for row in range(20_500)]
    assert len({line["_airbyte_raw_id"] for line in lines}) == 42_000


@pytest.mark.whole
def test_history_clock_changes(tmp_path: Path) -> None:
    """The hour that is repeated comes twice, in order, and the one that is skipped never."""
    write_history_jsonl(
        tmp_path, rows=105_408, rows_per_object=60_000, station_ids=["IBENCH001"], start=date(2024, 1, 1)
    )
    rows = [line["_airbyte_data"] for line in _history(tmp_path, "IBENCH001")]
    assert len(rows) == 105_408
    days = Counter(row["Date"] for row in rows)
    assert len(days) == 366
    assert {day: count for day, count in days.items() if count != 288} == {"2024-03-31": 276, "2024-10-27": 300}
    assert not [row for row in rows if row["DateTime"].startswith("2024-03-31T02")]
    repeated = [row["Time"] for row in rows if row["DateTime"].startswith("2024-10-27T02")]
    assert repeated == [f"02:{minute:02d}:00" for minute in range(4, 60, 5)] * 2
    assert (rows[0]["DateTime"], rows[-1]["DateTime"]) == ("2024-01-01T00:04:00", "2024-12-31T23:59:00")
    counters = [_number(row["Precip. Accum."]) for row in rows]
    falls = [
        row["Time"] for before, row, counter in zip(counters, rows[1:], counters[1:], strict=False) if counter < before
    ]
    assert len(falls) > 50
    assert set(falls) == {"00:04:00"}


@pytest.mark.whole
def test_history_has_realistic_numbers_of_distinct_values(tmp_path: Path) -> None:
    write_history_jsonl(tmp_path, rows=2016, rows_per_object=9999, station_ids=["IBENCH001"], start=date(2024, 10, 1))
    rows = [line["_airbyte_data"] for line in _history(tmp_path, "IBENCH001")]
    distinct = {name: len({row[name] for row in rows}) for name in rows[0]}
    # The real week of Ichtegem: 271 temperatures, 117 speeds, 797 of sun, 73 pressures, 45 humidities, 17 winds.
    assert 150 < distinct["Temperature"] < 400
    assert 80 < distinct["Speed"] < 300
    assert 400 < distinct["Solar"] < 1200
    assert 40 < distinct["Pressure"] < 150
    assert 25 < distinct["Humidity"] < 70
    assert 5 <= distinct["Wind"] <= 17
    for row in rows:
        assert _number(row["Dew Point"]) < _number(row["Temperature"])
        assert _number(row["Gust"]) >= _number(row["Speed"])
        assert (row["Wind"] is None) == (row["Speed"] == f"0.0{NBSP}mph")


@pytest.mark.whole
def test_history_is_the_same_in_objects_of_any_size(tmp_path: Path) -> None:
    for size in (7, 288, 25_000):
        ids = ["IBENCH001", "IBENCH002"]
        write_history_jsonl(
            tmp_path / str(size), rows=1000, rows_per_object=size, station_ids=ids, start=date(2024, 10, 1)
        )
    small, middle, large = (
        [line["_airbyte_data"] for line in _history(tmp_path / size, "IBENCH002")] for size in ("7", "288", "25000")
    )
    assert len(small) == 500
    assert small == middle == large


def test_history_without_rows_or_stations_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no history of 5 rows in objects of 0 for 1 stations"):
        write_history_jsonl(tmp_path, rows=5, rows_per_object=0, station_ids=["IBENCH001"], start=date(2024, 1, 1))
    with pytest.raises(ValueError, match="for 0 stations"):
        write_history_jsonl(tmp_path, rows=5, rows_per_object=1, station_ids=[], start=date(2024, 1, 1))


def test_the_registry_of_the_benchmark_is_one_that_may_be_added() -> None:
    stations = load_stations([bench_registry(1000)])
    bench = [station for station in stations if station.id.startswith("IBENCH")]
    assert (len(stations), bench[0].id, bench[999].id) == (1006, "IBENCH001", "IBENCH1000")
    assert bench[0].raw_prefixes == ("wunderground/IBENCH001/",)
    assert len({(station.latitude, station.longitude) for station in bench}) == 1000


def test_registry_parameters_are_those_that_the_demo_reports(demo: Path) -> None:
    stations = {station.id: station for station in load_stations()}
    fields = {
        "visibilite": "visibility_in_air",
        "nebulosite": "cloud_area_fraction",
        "temps_omm": "present_weather",
        "vent_rafales": "wind_speed_of_gust",
        "neige_au_sol": "surface_snow_thickness",
        "pluie_1h": "precipitation_amount_1h",
        "pluie_3h": "precipitation_amount_3h",
    }
    rows = _payloads(demo)[DOCUMENT]
    for station_id in ("00092", "000T5", "07915", "STATIC0090"):
        own = [row for row in rows if row["id_station"] == station_id]
        seen = {name for field, name in fields.items() if any(row.get(field) for row in own)}
        assert seen == set(stations[station_id].parameters) & set(fields.values()), station_id
