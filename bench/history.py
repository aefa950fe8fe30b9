"""Measures a night's run beside more and more history: documents, checkpoints, old objects of the raw zone, runs."""

from __future__ import annotations

import json
import os
import shutil
import statistics
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
from bench.run import drop, line, median_of, run_on_one_core, settings, stations
from forecast_demo import write_history_jsonl

COLLECTION: Final = "weather_measurements"
ROWS_A_DAY: Final = 288
# Deliveries of an hour or two.
DOCUMENTS_AN_OBJECT: Final = 50
LEAST_DOCUMENTS: Final = 20_000
LEAST_OBJECTS: Final = 1_000
NIGHTS: Final = 3
# What a night may cost of what it costs with the shortest history, just before.
DEAREST: Final = 1.2
# The day that history ends with is so many days ago: there is room for so many nights.
_FIRST_NIGHT: Final = 40


class Night(NamedTuple):
    """What a run took: CPU seconds of its process and of the server, memory, pages of the list, objects listed."""

    cpu: float
    server: float
    peak_mb: float
    pages: int
    rows: int

    @property
    def cost(self) -> float:
        """CPU seconds of both."""
        return self.cpu + self.server


@dataclass
class World:
    """A database and a raw zone with history, and a place for more nights; the folder's name is the database's."""

    uri: str
    folder: Path
    zone: RawZone
    environment: Mapping[str, str]
    nights: int = 0

    def night(self) -> Night:
        """The run of a night that brings a day of every station."""
        raw = self.folder / "raw"
        names = [station.id for station in stations()]
        day = datetime.now(UTC).date() - timedelta(days=_FIRST_NIGHT - self.nights)
        self.nights += 1
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


@contextmanager
def world(uri: str, folder: Path, documents: int, objects: int) -> Iterator[World]:
    """A world in which so many documents and objects are history."""
    names = [station.id for station in stations()]
    days = max(1, documents // (ROWS_A_DAY * len(names)))
    end = datetime.now(UTC) - timedelta(days=_FIRST_NIGHT + 1)
    zone = RawZone(OldKeys(names, 0, end, end), folder / "raw")
    with served(zone) as environment:
        made = World(uri, folder, zone, environment)
        made.night()
        zone.old = old_keys(names, objects, days, end)
        with MongoClient[dict[str, Any]](uri, tz_aware=True) as client:
            database, earlier = client[folder.name], range(1, days)
            fill_days(database[COLLECTION], "timestamp", earlier)
            # What was made of a day is of two UTC days, and of the first there is not much.
            most_of_a_day = {"received": {"$gt": ROWS_A_DAY // 2}}
            fill_days(database[f"{COLLECTION}_days"], "day", range(2, days), most_of_a_day)
            fill_checkpoints(database[f"{COLLECTION}_objects"], zone.old)
            fill_runs(database[f"{COLLECTION}_runs"], folder / "logs", earlier)
            # They are counted anew from the days.
            database[f"{COLLECTION}_stations"].update_many({}, {"$unset": {"months": "", "count": ""}})
        try:
            yield made
        finally:
            drop(uri, folder.name)
            shutil.rmtree(folder)


def documents(uri: str, folder: Path, most: int) -> bool:
    """The same night beside more and more documents with their objects; whether it stays as cheap as with the least."""
    sizes = grown(LEAST_DOCUMENTS, most)
    print(f"a day of {len(stations())} stations beside more and more documents; an object for {DOCUMENTS_AN_OBJECT}")
    ratios, _ = curve(uri, folder, {size: Past(size, size // DOCUMENTS_AN_OBJECT) for size in sizes}, "documents")
    return max(ratios) <= DEAREST


def objects(uri: str, folder: Path, most: int) -> bool:
    """The same night beside more and more old objects; whether it stays as cheap, and a list of all takes its time."""
    sizes = grown(LEAST_OBJECTS, most)
    print(f"a day of {len(stations())} stations beside more and more objects of the raw zone")
    ratios, every = curve(uri, folder, {size: Past(LEAST_DOCUMENTS, size) for size in sizes}, "objects")
    straight = is_straight({size: one.cost for size, one in every.items()}, "object")
    flat = max(one.peak_mb for one in every.values()) <= DEAREST * min(one.peak_mb for one in every.values())
    line("memory", "flat" if flat else "grows", f"where every key is listed: at most {DEAREST:g} times the least")
    return max(ratios) <= DEAREST and straight and flat


def grown(least: int, most: int) -> list[int]:
    """Sizes from the least to the most, each ten times the one before, but for the last."""
    return [*(size for size in (least * 10**power for power in range(9)) if size < most), most]


class Past(NamedTuple):
    """So many documents and old objects."""

    documents: int
    objects: int


def curve(uri: str, folder: Path, pasts: Mapping[int, Past], kind: str) -> tuple[list[float], dict[int, Night]]:
    """What nights cost beside each past, divided by one beside the least; and the nights in which every key is listed.

    The two of a ratio come one after the other: on a shared machine the same work costs more at one time than another.
    """
    (least, first), *others = pasts.items()
    ratios, every = [], {}
    with world(uri, folder / f"history-{least}", *first) as short:
        every[least] = short.night()
        told("every key of the least", every[least])
        for size, past in others:
            with world(uri, folder / f"history-{size}", *past) as long:
                every[size] = long.night()
                nights = [(short.night(), long.night()) for _ in range(NIGHTS)]
            for words, some in zip((f"{least:,} {kind}", f"{size:,} {kind}"), zip(*nights, strict=True), strict=True):
                told(words, sorted(some, key=lambda one: one.cost)[NIGHTS // 2])
            told("where every key is listed", every[size])
            each = [after.cost / before.cost for before, after in nights]
            ratios.append(statistics.median(each))
            line("ratio", *median_of(each, f"at most {DEAREST:g}"))
    return ratios, every


def told(words: str, night: Night) -> None:
    """Print what a night took."""
    others = f"{night.server:.2f} s of the server, {night.peak_mb:.0f} MB, {night.pages} pages of the list"
    line(words, f"{night.cpu:.2f} s", f"CPU, {others}")


if __name__ == "__main__":
    folder = Path(sys.argv[2])
    configured = replace(settings(sys.argv[1], folder, folder.name), raw_uri=URI)
    print(json.dumps(run_on_one_core(configured, stations())))
