"""Measures how fast each network's rows are read: extract, transform and validate on one core, in CPU seconds.

The rows are made up, in the exact form of the network, ROWS or a little more of each. Beside them Arrow reads rows of
JSON by itself, which tells how fast the machine was.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json

from bench.run import line, stations
from forecast.core.memory import configure_allocators
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.core.stations import Station, Stations
from forecast.extract import extract
from forecast.networks.meteofrance_hourly.columns import FILE_COLUMNS, quality_of
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from forecast.validate import validate
from forecast_demo.clock import Epochs
from forecast_demo.networks.dwd.archive import PRODUCTS, archive
from forecast_demo.networks.metar.reports import reports
from forecast_demo.networks.meteofrance_hourly.file import file as hourly_file
from forecast_demo.networks.meteofrance_obs.rows import rows as rows_of
from forecast_demo.networks.meteofrance_synop.file import STEP
from forecast_demo.networks.meteofrance_synop.file import file as synop_file
from forecast_demo.networks.rmi_aws.features import features
from forecast_demo.weather import Site

ROWS: Final = 50_000
AIM: Final = 50_000
START: Final = 1_728_000_000  # 4 October 2024, 00:00 UTC
HOUR: Final = 3_600


@dataclass(frozen=True)
class Shape:
    """What is read: its network, how many stations it is of, and how it is made of them."""

    network: str
    stations: int
    step: int
    write: Callable[[list[tuple[Station, Site, Epochs]]], bytes]
    name: str = "object"
    digits: int = 5


def _json(made: Callable[[Station, Epochs, Site], list[Any]], container: str = "") -> Any:
    def write(places: list[tuple[Station, Site, Epochs]]) -> bytes:
        rows = [row for station, site, epochs in places for row in made(station, epochs, site)]
        return json.dumps({container: rows} if container else rows, separators=(",", ":")).encode()

    return write


def _reports(places: list[tuple[Station, Site, Epochs]]) -> Iterator[dict[str, Any]]:
    for station, site, epochs in places:
        yield from reports(station, epochs, site, 1)


def _bulletins(places: list[tuple[Station, Site, Epochs]]) -> bytes:
    return "".join(
        f"{datetime.fromtimestamp(report['obsTime'], UTC):%Y/%m/%d %H:%M}\n{report['rawOb']}\n\n"
        for report in _reports(places)
    ).encode()


def _cache(places: list[tuple[Station, Site, Epochs]]) -> bytes:
    lines = (
        f"{report['rawOb']},{report['icaoId']},{datetime.fromtimestamp(report['obsTime'], UTC):%Y-%m-%dT%H:%M:%SZ}\n"
        for report in _reports(places)
    )
    return ("raw_text,station_id,observation_time\n" + "".join(lines)).encode()


def _whole_width(places: list[tuple[Station, Site, Epochs]]) -> bytes:
    """The hourly file with the 196 columns of values and codes that real ones have."""
    rows = csv.DictReader(io.StringIO(gzip.decompress(hourly_file(places, 1)).decode()), delimiter=";")
    beside = ("NUM_POSTE", "NOM_USUEL", "LAT", "LON", "ALTI", "AAAAMMJJHH")
    names = [*beside, *(column for name in FILE_COLUMNS for column in (name, quality_of(name)))]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, delimiter=";", restval="")
    writer.writeheader()
    writer.writerows(rows)
    return gzip.compress(text.getvalue().encode(), 1)


SHAPES: Final = {
    "Météo-France observations, JSON": Shape(
        "Météo-France observations", 500, HOUR, _json(lambda s, e, p: rows_of(s, e, p, 1, HOUR)), digits=8
    ),
    "RMI, GeoJSON": Shape(
        "RMI automatic stations", 14, 600, _json(lambda s, e, p: features(s, e, p, 1, 600), "features"), digits=4
    ),
    "Météo-France hourly data": Shape("Météo-France hourly data", 60, HOUR, _whole_width, "H.csv.gz", 8),
    "Météo-France SYNOP": Shape("Météo-France SYNOP", 60, STEP, lambda places: synop_file(places, 1), "synop.csv.gz"),
    "DWD, zip of temperatures": Shape(
        "DWD", 1, 600, lambda places: archive(PRODUCTS[0], places[0][0], places[0][2], places[0][1], 1)
    ),
    "METAR, JSON": Shape("METAR", 100, 1_800, _json(lambda s, e, p: reports(s, e, p, 1)), digits=0),
    "METAR, text": Shape("METAR", 100, 1_800, _bulletins, digits=0),
    "METAR, cache": Shape("METAR", 100, 1_800, _cache, digits=0),
}


def registry(shape: Shape) -> Stations:
    """So many stations of the network."""
    (prefix,) = (known.id_prefix for known in NETWORKS if known.name == shape.network)
    plain = next(iter(stations()))
    found = {}
    for number in range(shape.stations):
        letters = f"L{chr(65 + number // 26)}{chr(65 + number % 26)}X"
        own = f"{number + 1001:0{shape.digits}}" if shape.digits else letters
        found[prefix + own] = replace(
            plain,
            id=prefix + own,
            network=shape.network,
            network_id=own,
            latitude=44 + number % 7,
            longitude=number % 9,
            interval_minutes=shape.step / 60,
            raw_prefixes=(),
            same_site_as=(),
            timezone="Europe/Paris",
        )
    return Stations(found)


def read(shape: Shape, rows: int) -> tuple[int, float]:
    """How many records came of so many rows, and the CPU seconds."""
    known = registry(shape)
    epochs = np.arange(-(-rows // shape.stations), dtype=np.int64) * shape.step + START
    places = [
        (one, Site(number, float(one.latitude), float(one.longitude)), epochs) for number, one in enumerate(known)
    ]
    now = datetime.fromtimestamp(int(epochs[-1]), UTC) + timedelta(days=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / shape.name
        path.write_bytes(shape.write(places))
        raw = RawObject(shape.name, str(path), path.stat().st_size, "etag", now)
        begin = time.process_time()
        transformer = ObjectTransformer(raw.key, known, now)
        records = 0
        for batch in extract(path, raw, NETWORKS, Limits(), now):
            records += len(validate(transformer.transform(batch).observations, known, now).observations)
        for part in transformer.finish():
            records += len(validate(part.observations, known, now).observations)
        return records, time.process_time() - begin


def arrow() -> float:
    """Rows of JSON that Arrow reads in a CPU second."""
    text = b'{"id_station":"00052","dh_utc":"2024-10-05 00:10:00","temperature":"9.2","pression":"1018.3"}\n' * ROWS
    options = pa_json.ReadOptions(use_threads=False, block_size=len(text) + 1)
    begin = time.process_time()
    pa_json.read_json(pa.BufferReader(text), read_options=options)
    return ROWS / (time.process_time() - begin)


def main(names: list[str]) -> int:
    """Print each rate; 1 where one is below the aim."""
    os.sched_setaffinity(0, {0})
    pa.set_cpu_count(1)
    configure_allocators()
    line("pyarrow.json alone", f"{arrow():,.0f}", "rows/s")
    held = True
    for name in names or list(SHAPES):
        shape = SHAPES[name]
        read(shape, shape.stations)
        records, seconds = read(shape, ROWS)
        assert records >= ROWS, (name, records)
        line(name, f"{records / seconds:,.0f}", f"rows/s, aim {AIM:,}")
        held = held and records / seconds >= AIM
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
