"""Measures how cost grows with stations, objects and history: CPU seconds and memory of the pipeline's process.

Every figure comes from a process of its own, on one core, beside a mongod on the other. CPU seconds depend far less on
what else the machine does than the time on the clock.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bench import bad_rows, country, history
from bench.growth import is_straight
from bench.run import drop, line, replica_set, run_on_one_core, settings
from bench.run import stations as series
from forecast.core.memory import prepare_process
from forecast.core.registry import load_stations
from forecast.core.stations import Stations
from forecast.run.run import RunOptions
from forecast_demo import write_history_jsonl
from forecast_demo.crowd import CITY_HOURS, CITY_ROWS, CITY_STATIONS, Crowd, write_days
from main import run_pipeline

REGISTRY_STATIONS = 10_000
CURVE = (6, 60, 600, 6_000)
CURVE_HOURS = 12
# The same rows in as many objects: of a station's hundred days, of ten days and of a day.
OBJECTS = (10, 100, 1_000)
OBJECT_ROWS = 288_000
SMALL_OBJECTS = 0.6
BAD_ROWS = 0.4
# The program prepares its process before it imports NumPy and Arrow.
_AS_THE_PROGRAM = """
import runpy
from forecast.core.memory import prepare_process
prepare_process()
runpy.run_module("bench.scale", run_name="__main__", alter_sys=True)
"""
# What history grows to where nothing is asked for: minutes, where 5 million documents take ten.
DOCUMENTS, OLD_OBJECTS = 1_000_000, 100_000


@dataclass(frozen=True)
class Aim:
    """What a figure may be at most."""

    cpu: float
    megabytes: float


CITY, COUNTRY, REGISTRY = Aim(90, 500), Aim(5, 500), Aim(3, 500)


def child(uri: str, folder: Path, shape: str, stations: int, hours: int, rows: int, chosen: int) -> dict[str, Any]:
    """A whole run; CPU of all that it does.

    Over the first `chosen` of so many stations, of those the newest day; over `rows` in so many objects ("series");
    over the hours of a country that are there ("hours"); or over rows that are all "sound" or "bad".
    """
    if shape in ("series", "sound", "bad"):
        return child_of_series(uri, folder, shape, stations, rows)
    if shape == "hours":
        return run_on_one_core(settings(uri, folder, "bench_scale"), country.stations())
    crowd = Crowd.city(stations) if shape == "city" else Crowd.country(stations)
    if not (folder / "raw").exists():
        write_days(folder / "raw", crowd, hours=hours, rows=rows or None, stations=chosen or stations)
        if chosen:
            # The newest day comes to a database and a dashboard that are there.
            newest = max((folder / "raw").rglob("*.jsonl"))
            aside = newest.rename(folder / newest.name)
            run_pipeline(settings(uri, folder, "bench_scale"), RunOptions(), registry(crowd))
            aside.rename(newest)
        return {}
    return run_on_one_core(settings(uri, folder, "bench_scale"), registry(crowd))


def child_of_series(uri: str, folder: Path, shape: str, objects: int, rows: int) -> dict[str, Any]:
    """A whole run over ten series of 5 minutes: `rows` in so many objects of one station each, or `bad_rows`' own."""
    if (folder / "raw").exists():
        return run_on_one_core(settings(uri, folder, "bench_scale"), series())
    if shape == "series":
        names = [station.id for station in series()]
        of_object = rows // objects
        write_history_jsonl(
            folder / "raw", rows=rows, rows_per_object=of_object, station_ids=names, start=date(2024, 1, 1)
        )
    else:
        bad_rows.write_rows(folder / "raw", is_bad=shape == "bad")
    return {}


def registry(crowd: Crowd) -> Stations:
    """The stations of a crowd alone."""
    names = set(crowd.ids)
    return Stations({one.id: one for one in load_stations([crowd.registry()]) if one.id in names})


def measured(
    uri: str, folder: Path, shape: str, stations: int, hours: int, rows: int = 0, chosen: int = 0
) -> dict[str, Any]:
    """One run from a process of its own; on an empty database, where all stations are chosen."""
    place = folder / f"{shape}-{stations}-{hours}"
    figures: dict[str, Any] = {}
    for _ in ("write", "run"):
        figures = of_process(uri, place, shape, stations, hours, rows, chosen)
    drop(uri, "bench_scale")
    shutil.rmtree(place)
    return figures


def of_process(uri: str, place: Path, shape: str, *numbers: int) -> dict[str, Any]:
    """What `child` returns in a process of its own."""
    command = [sys.executable, "-c", _AS_THE_PROGRAM, "child", uri, str(place), shape, *map(str, numbers)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def told(words: str, figures: dict[str, Any], aim: Aim | None = None) -> bool:
    """Print a figure beside its aim; whether it is held."""
    limit = "" if aim is None else f"  at most {aim.cpu:g} s, {aim.megabytes:g} MB"
    line(words, f"{figures['cpu']:.1f} s", f"CPU, {figures['rows']:,} rows, {figures['peak_mb']:.0f} MB{limit}")
    return aim is None or (figures["cpu"] <= aim.cpu and figures["peak_mb"] <= aim.megabytes)


def hours(uri: str, folder: Path) -> bool:
    """Hours of a country; whether the one that comes to those before it holds its aim."""
    place = folder / "hours"
    raw = place / "raw"
    objects = country.write_hours(place / "later", country.HOURS_BEFORE + 1)
    raw.mkdir()
    figures = {}
    for words, some in (("the first", objects[:1]), ("those", objects[1:-1]), ("the last", objects[-1:])):
        for path in some:
            path.rename(raw / path.name)
        figures[words] = of_process(uri, place, "hours", 0, 0, 0, 0)
    drop(uri, "bench_scale")
    shutil.rmtree(place)
    told(f"the first hour of {country.STATIONS:,} stations", figures["the first"])
    told(f"the {country.HOURS_BEFORE - 1} hours after it in one run", figures["those"])
    return told("a country: the hour after them", figures["the last"], COUNTRY)


def curve(uri: str, folder: Path) -> bool:
    """Growth from a few stations to thousands in one city; whether no part of it is steeper than a straight line."""
    print(f"growth with the stations of one city, {CURVE_HOURS} hours each")
    cpu = {}
    for number in CURVE:
        figures = measured(uri, folder, "city", number, CURVE_HOURS)
        told(f"{number:,} stations", figures)
        cpu[number] = figures["cpu"]
    return is_straight(cpu, "station")


def one_of_many(uri: str, folder: Path) -> bool:
    """A day of one station among many; whether it holds its aim."""
    figures = measured(uri, folder, "country", REGISTRY_STATIONS, 48, chosen=1)
    return told(f"a day of one of {REGISTRY_STATIONS:,} stations", figures, REGISTRY)


def objects(uri: str, folder: Path) -> bool:
    """The same rows in more and more objects; whether the smallest take their time and none grows dearer."""
    print(f"growth with the objects that {OBJECT_ROWS:,} rows are in")
    cpu = {}
    for number in OBJECTS:
        figures = measured(uri, folder, "series", number, 0, OBJECT_ROWS)
        told(f"{number:,} objects", figures)
        cpu[number] = figures["cpu"]
    share = cpu[OBJECTS[0]] / cpu[OBJECTS[-1]]
    line("speed in the smallest objects", f"{share:.2f}", f"of that in the largest, at least {SMALL_OBJECTS:g}")
    return is_straight(cpu, "object") and share >= SMALL_OBJECTS


def bad(uri: str, folder: Path) -> bool:
    """Rows of which nearly every value is flagged beside the same rows as they were; whether they take their time."""
    sound, spoilt = (measured(uri, folder, shape, 0, 0) for shape in ("sound", "bad"))
    told("sound rows", sound)
    told(f"the same with {spoilt['anomalies']:,} values flagged", spoilt)
    share = sound["cpu"] / spoilt["cpu"]
    line("speed with bad values", f"{share:.2f}", f"of that of sound ones, at least {BAD_ROWS:g}")
    return bool(share >= BAD_ROWS)


def main(arguments: list[str]) -> int:
    parser = ArgumentParser(prog="bench.scale", description=__doc__)
    parser.add_argument("--documents", type=int, default=DOCUMENTS, help="history up to so many (default: %(default)s)")
    parser.add_argument("--objects", type=int, default=OLD_OBJECTS, help="old objects up to (default: %(default)s)")
    most = parser.parse_args(arguments)
    documents, old_objects = history.LEAST_DOCUMENTS, 10 * history.LEAST_OBJECTS
    if most.documents <= documents or most.objects <= old_objects:
        parser.error(f"a curve needs more than {documents} documents and {old_objects} objects")
    # As the program does when it starts.
    prepare_process()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}; the pipeline on one core")
    with tempfile.TemporaryDirectory(prefix="forecast-scale-") as name:
        folder = Path(name)
        with replica_set(1, folder / "mongod") as uri:
            city = measured(uri, folder, "city", CITY_STATIONS, CITY_HOURS, CITY_ROWS)
            held = [
                told(f"a city: {CITY_STATIONS} stations, a month of hours", city, CITY),
                hours(uri, folder),
                one_of_many(uri, folder),
                curve(uri, folder),
                objects(uri, folder),
                bad(uri, folder),
                history.documents(uri, folder, most.documents),
                history.objects(uri, folder, most.objects),
            ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        uri, place, shape, *numbers = sys.argv[2:]
        print(json.dumps(child(uri, Path(place), shape, *map(int, numbers))))
    else:
        sys.exit(main(sys.argv[1:]))
