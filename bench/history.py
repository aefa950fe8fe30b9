"""Measures a night's run beside more and more history: documents, checkpoints, old objects of the raw zone, runs."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

from pymongo import MongoClient

from bench.growth import is_straight
from bench.past import fill_checkpoints, fill_days, fill_runs
from bench.raw_zone import URI, OldKeys, RawZone, old_keys, served
from bench.run import drop, line, peak_mb, settings, stations
from forecast.run.run import RunOptions
from forecast_demo import write_history_jsonl
from main import run_pipeline

DATABASE: Final = "bench_history"
ROWS_A_DAY: Final = 288
# Deliveries of an hour or two.
DOCUMENTS_AN_OBJECT: Final = 50
LEAST_DOCUMENTS: Final = 20_000
LEAST_OBJECTS: Final = 1_000
NIGHTS: Final = 3
# What a night may cost of what it costs with the shortest history.
DEAREST: Final = 1.2
# The day that history ends with is so many days ago: its object was delivered three days later, within the last week.
_FIRST_NIGHT: Final = 9


class Night(NamedTuple):
    """What a run took: CPU seconds of its process and of the server, memory, pages of the list, objects listed."""

    cpu: float
    server: float
    peak_mb: float
    pages: int
    rows: int


@dataclass(frozen=True)
class World:
    """A database and a raw zone with history, and a place for more nights."""

    uri: str
    folder: Path
    zone: RawZone
    environment: Mapping[str, str]

    def night(self, number: int) -> Night:
        """The run of a night that brings a day of every station."""
        raw = self.folder / "raw"
        names = [station.id for station in stations()]
        day = datetime.now(UTC).date() - timedelta(days=_FIRST_NIGHT - number)
        write_history_jsonl(raw, rows=ROWS_A_DAY * len(names), rows_per_object=ROWS_A_DAY, station_ids=names, start=day)
        with MongoClient[dict[str, Any]](self.uri) as client:
            # What was written before is none of the run's.
            client.admin.command("fsync")
            before = server_cpu(client)
            asked = len(self.zone.requests)
            command = [sys.executable, "-m", "bench.history", self.uri, str(self.folder)]
            environment = {**self.environment, "PYTHONPATH": os.pathsep.join(sys.path)}
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
            server = server_cpu(client) - before
        figures = json.loads(done.stdout)
        pages = sum("list-type" in path for path in self.zone.requests[asked:])
        return Night(figures["cpu"], server, figures["peak_mb"], pages, figures["rows"])


def server_cpu(client: MongoClient[dict[str, Any]]) -> float:
    """CPU seconds of the server since its start."""
    used = client.admin.command("serverStatus")["extra_info"]
    return float(used["user_time_us"] + used["system_time_us"]) / 1e6


def child(uri: str, folder: Path) -> dict[str, Any]:
    """A run over all that is new, on one core."""
    os.sched_setaffinity(0, {0})
    configured = replace(settings(uri, folder, DATABASE), raw_uri=URI)
    run, _ = run_pipeline(configured, RunOptions(), stations())
    assert run.exit_code == 0, run.errors
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {"rows": run.counts.records_validated, "cpu": used.ru_utime + used.ru_stime, "peak_mb": peak_mb()}


@contextmanager
def world(uri: str, folder: Path, documents: int, objects: int) -> Iterator[World]:
    """A world in which so many documents and objects are history."""
    names = [station.id for station in stations()]
    days = max(1, documents // (ROWS_A_DAY * len(names)))
    end = datetime.now(UTC) - timedelta(days=_FIRST_NIGHT + 1)
    zone = RawZone(OldKeys(names, 0, end, end), folder / "raw")
    with served(zone) as environment:
        made = World(uri, folder, zone, environment)
        made.night(0)
        zone.old = old_keys(names, objects, days, end)
        with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
            collection = client[DATABASE]["weather_measurements"]
            beside = {name: client[DATABASE][f"weather_measurements_{name}"] for name in ("objects", "days", "runs")}
            earlier = range(1, days)
            fill_days(collection, "timestamp", earlier)
            # What was made of a day is of two UTC days, and of the first there is not much.
            fill_days(beside["days"], "day", range(2, days), {"received": {"$gt": ROWS_A_DAY // 2}})
            fill_checkpoints(beside["objects"], zone.old)
            fill_runs(beside["runs"], folder / "logs", earlier)
            # They are counted anew from the days.
            client[DATABASE]["weather_measurements_stations"].update_many({}, {"$unset": {"months": "", "count": ""}})
        try:
            yield made
        finally:
            drop(uri, DATABASE)
            shutil.rmtree(folder)


def documents(uri: str, folder: Path, most: int) -> bool:
    """The same night beside more and more documents with their objects; whether it stays as cheap as with the least."""
    sizes = grown(LEAST_DOCUMENTS, most)
    print(f"a day of {len(stations())} stations beside more and more documents; an object for {DOCUMENTS_AN_OBJECT}")
    nights, _ = curve(uri, folder, {size: Past(size, size // DOCUMENTS_AN_OBJECT) for size in sizes}, "documents")
    return stays(nights)


def objects(uri: str, folder: Path, most: int) -> bool:
    """The same night beside more and more old objects; whether it stays as cheap, and a list of all takes its time."""
    sizes = grown(LEAST_OBJECTS, most)
    print(f"a day of {len(stations())} stations beside more and more objects of the raw zone")
    nights, every = curve(uri, folder, {size: Past(LEAST_DOCUMENTS, size) for size in sizes}, "objects")
    straight = is_straight({size: one.cpu + one.server for size, one in every.items()}, "object")
    flat = max(one.peak_mb for one in every.values()) <= DEAREST * min(one.peak_mb for one in every.values())
    line("memory", "flat" if flat else "grows", f"where every key is listed: at most {DEAREST:g} times the least")
    return stays(nights) and straight and flat


def grown(least: int, most: int) -> list[int]:
    """Sizes from the least to the most, each ten times the one before, but for the last."""
    return [*(size for size in (least * 10**power for power in range(9)) if size < most), most]


class Past(NamedTuple):
    """So many documents and old objects."""

    documents: int
    objects: int


def curve(uri: str, folder: Path, pasts: Mapping[int, Past], kind: str) -> tuple[dict[int, Night], dict[int, Night]]:
    """The median night beside each past, and the one before, in which every key is listed."""
    nights, every = {}, {}
    for size, past in pasts.items():
        with world(uri, folder / f"history-{size}", *past) as made:
            every[size] = made.night(1)
            some = sorted((made.night(2 + number) for number in range(NIGHTS)), key=lambda one: one.cpu + one.server)
        nights[size] = some[len(some) // 2]
        told(f"{size:,} {kind}", nights[size])
        told("where every key is listed", every[size])
    return nights, every


def stays(nights: Mapping[int, Night]) -> bool:
    """Whether the dearest night costs little more than the first."""
    costs = [one.cpu + one.server for one in nights.values()]
    line("the dearest night", f"{max(costs) / costs[0]:.2f}", f"of the first, at most {DEAREST:g}")
    return max(costs) <= DEAREST * costs[0]


def told(words: str, night: Night) -> None:
    """Print what a night took."""
    others = f"{night.server:.2f} s of the server, {night.peak_mb:.0f} MB, {night.pages} pages of the list"
    line(words, f"{night.cpu:.2f} s", f"CPU, {others}")


if __name__ == "__main__":
    print(json.dumps(child(sys.argv[1], Path(sys.argv[2]))))
