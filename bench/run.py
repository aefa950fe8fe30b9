"""Measures the pipeline against bare `insert_many`, side by side on the same server and data.

Every figure comes from a process of its own, and a whole run is timed from the start of its process to its end. Ratios
are taken within a round, pipeline and bare one after the other, and the median of the rounds is printed: the speed of a
shared machine drifts.
"""

from __future__ import annotations

import json
import os
import platform
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import bson
import numpy as np
import pyarrow as pa
import pyarrow.json as pa_json
import pyarrow.parquet as pq
from bson.raw_bson import RawBSONDocument
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from forecast.core.memory import configure_allocators, prepare_process
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.core.stations import Stations
from forecast.mongo.bson_encoder import document_of
from forecast.mongo.client import ObservationCollection, connect
from forecast.mongo.embedded import find_mongod
from forecast.mongo.loader import prepare_collection
from forecast.mongo.state import Checkpoints
from forecast.mongo.versions import BATCH_ROWS
from forecast.qc.flags import NOT_EVALUATED
from forecast.qc.results import Quality
from forecast.run.disk_budget import DiskBudget
from forecast.run.pipeline import Pipeline
from forecast.run.run import Run, RunOptions
from forecast.run.staging import Stager
from forecast.storage import open_store
from forecast.transform import RULES_VERSION
from forecast_demo import bench_registry, write_history_jsonl
from main import list_objects, run_pipeline

ROWS = 200_000
MEMORY_ROWS = 2_000_000
ROWS_PER_OBJECT = 20_000
STATIONS = 10
ROUNDS = 3
# Lines that Arrow read in a second on the machine that the aims on one core are for.
PARSED_WHERE_AIMED = 450_000
# What `insert_many` gets in one call: it cuts that into messages itself.
BARE_BATCH = 10_000
SERVER_WRITERS = 4


def stations() -> Stations:
    return Stations({one.id: one for one in load_stations([bench_registry(STATIONS)]) if one.id.startswith("IBENCH")})


def settings(uri: str, folder: Path, database: str) -> Settings:
    return Settings(
        raw_uri=str(folder / "raw"),
        processed_uri=str(folder / "processed"),
        mongodb_uri=uri,
        mongodb_database=database,
        mongodb_collection="weather_measurements",
        logs_dir=folder / "logs",
        log_level="ERROR",
        log_format="text",
    )


def child_generate(folder: Path, rows: int, series: int) -> dict[str, float]:
    """Raw objects of so many stations."""
    ids = [station.id for station in stations()][:series]
    write_history_jsonl(
        folder / "raw", rows=rows, rows_per_object=ROWS_PER_OBJECT, station_ids=ids, start=date(2024, 1, 1)
    )
    return {}


def child_pipeline(uri: str, folder: Path, database: str, reprocess: bool) -> dict[str, float]:
    """A whole run; `in_database` is when every document was there with its flags."""
    moments = []
    write_dataset = Pipeline.write_dataset

    def written(pipeline: Pipeline) -> None:
        moments.append(time.perf_counter())
        write_dataset(pipeline)

    vars(sys.modules["main"])["Pipeline"].write_dataset = written
    start = time.perf_counter()
    status, _ = run_pipeline(settings(uri, folder, database), RunOptions(reprocess=reprocess), stations())
    seconds = time.perf_counter() - start
    assert status.exit_code == 0, status.errors
    rows = status.counts.records_validated
    return {"rows": rows, "seconds": seconds, "in_database": moments[0] - start, "peak_mb": peak_mb()}


def child_prepare(uri: str, folder: Path, checks: bool) -> dict[str, float]:
    """Extract to Parquet alone, on one core, with the quality checks or without."""
    os.sched_setaffinity(0, {0})
    pa.set_cpu_count(1)
    configure_allocators()
    if not checks:
        vars(sys.modules["forecast.validate.enrich"])["flag_batch"] = not_evaluated
    with connect(settings(uri, folder, "bench_prepare")) as collection, tempfile.TemporaryDirectory() as work:
        run = Run.begin(settings(uri, folder, "bench_prepare"), RunOptions())
        raw_zone, processed_zone = open_store(str(folder / "raw")), open_store(str(folder / "processed"))
        checkpoints = Checkpoints.for_collection(collection, RULES_VERSION, program="bench", zone=processed_zone.place)
        space = DiskBudget(run.settings.limits.temporary_bytes, run.check_stop)
        stager = Stager(run, stations(), raw_zone, processed_zone, checkpoints, space)
        start = time.perf_counter()
        rows = 0
        for number, raw in enumerate(list_objects(run, raw_zone)):
            staged = stager.stage(raw, Path(work) / str(number))
            assert staged is not None
            rows += staged.counts.records_validated
            stager.remove(staged.folder)
        return {"rows": rows, "seconds": time.perf_counter() - start}


def not_evaluated(table: pa.Table, _known: object, _codes: object, _first: object) -> Quality:
    """In the place of the quality checks: nothing is evaluated."""
    size = table.num_rows
    nothing = np.zeros(size, np.int32)
    return Quality(nothing + NOT_EVALUATED, pa.nulls(size, pa.string()), nothing, np.full(size, np.nan))


def child_parse(folder: Path) -> dict[str, float]:
    """Arrow's own reading of the same lines, on one core: how fast this machine is."""
    os.sched_setaffinity(0, {0})
    blocks = [path.read_bytes() for path in sorted((folder / "raw").rglob("*.jsonl"))]
    start = time.perf_counter()
    rows = 0
    for block in blocks:
        options = pa_json.ReadOptions(use_threads=False, block_size=len(block) + 1)
        rows += pa_json.read_json(pa.BufferReader(block), read_options=options).num_rows
    return {"rows": rows, "seconds": time.perf_counter() - start}


def child_bare(uri: str, folder: Path) -> dict[str, float]:
    """`insert_many` of the same documents, ready-made, into a collection with the same validator and indexes."""
    documents = ready_made(folder)
    with empty_collection(uri, folder) as collection:
        start = time.perf_counter()
        for at in range(0, len(documents), BARE_BATCH):
            collection.insert_many(documents[at : at + BARE_BATCH], ordered=False)
        return {"rows": len(documents), "seconds": time.perf_counter() - start}


def child_encoded(uri: str, folder: Path) -> dict[str, float]:
    """The same documents as ready-made BSON, by four writers at once: what the server takes."""
    documents = [RawBSONDocument(bson.encode(document)) for document in ready_made(folder)]
    batches = [documents[at : at + BATCH_ROWS] for at in range(0, len(documents), BATCH_ROWS)]
    with empty_collection(uri, folder) as collection, ThreadPoolExecutor(SERVER_WRITERS) as writers:

        def insert(batch: list[Any]) -> None:
            collection.insert_many(batch, ordered=False)

        start = time.perf_counter()
        list(writers.map(insert, batches))
        return {"rows": len(documents), "seconds": time.perf_counter() - start}


def ready_made(folder: Path) -> list[dict[str, Any]]:
    """The documents that the pipeline made, from the processed zone."""
    files = sorted((folder / "processed" / "observations").rglob("*.parquet"))
    return [document_of(record) for file in files for record in pq.read_table(file).to_pylist()]


@contextmanager
def empty_collection(uri: str, folder: Path) -> Iterator[ObservationCollection]:
    """A collection as the pipeline makes it, without documents."""
    with connect(settings(uri, folder, "bench_bare")) as collection:
        collection.database.client.drop_database("bench_bare")
        prepare_collection(collection)
        yield collection
        collection.database.client.drop_database("bench_bare")


def peak_mb() -> float:
    """The most memory that this process has had; the system's own figure begins with that of who started it."""
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text("ascii"))
    return int(peak) / 1024


def run_on_one_core(configured: Settings, registry: Stations) -> dict[str, Any]:
    """A run over all that is new, on one core."""
    os.sched_setaffinity(0, {0})
    run, report = run_pipeline(configured, RunOptions(), registry)
    assert run.exit_code == 0, run.errors
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "rows": run.counts.records_validated,
        "cpu": used.ru_utime + used.ru_stime,
        "peak_mb": peak_mb(),
        "anomalies": report.anomalies_detected,
    }


def measured(*arguments: object) -> dict[str, Any]:
    """One figure, from a process of its own; `process_seconds` is how long that took."""
    command = [sys.executable, __file__, "child", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    start = time.perf_counter()
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return {**json.loads(done.stdout), "process_seconds": time.perf_counter() - start}


@contextmanager
def replica_set(members: int, folder: Path) -> Iterator[str]:
    """A replica set on loopback, with 1 GB of cache a member."""
    mongod = find_mongod()
    if mongod is None:
        sys.exit("no mongod is installed here: the benchmark needs the bundled one or one on PATH")
    ports = [free_port() for _ in range(members)]
    processes = []
    for port in ports:
        data = folder / f"mongod-{port}"
        data.mkdir(parents=True)
        options = ["--replSet", "bench", "--bind_ip", "127.0.0.1", "--wiredTigerCacheSizeGB", "1", "--nounixsocket"]
        quiet = ["--logpath", str(data / "log"), "--setParameter", "diagnosticDataCollectionEnabled=false"]
        processes.append(
            subprocess.Popen(
                [str(mongod), "--dbpath", str(data), "--port", str(port), *options, *quiet], stdout=subprocess.DEVNULL
            )
        )
    try:
        initiate(ports)
        yield "mongodb://" + ",".join(f"127.0.0.1:{port}" for port in ports) + "/?replicaSet=bench"
    finally:
        for process in processes:
            process.kill()
            process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def initiate(ports: list[int]) -> None:
    with MongoClient[dict[str, Any]](f"mongodb://127.0.0.1:{ports[0]}/?directConnection=true") as client:
        hosts = [{"_id": number, "host": f"127.0.0.1:{port}"} for number, port in enumerate(ports)]
        for _ in range(120):
            try:
                if client.admin.command("hello")["isWritablePrimary"]:
                    return
                client.admin.command("replSetInitiate", {"_id": "bench", "members": hosts})
            except PyMongoError:
                pass
            time.sleep(0.5)
    sys.exit("the replica set did not get a primary within a minute")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def drop(uri: str, database: str) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        client.drop_database(database)


def per_second(figure: dict[str, Any], until: str = "seconds") -> float:
    return float(figure["rows"]) / float(figure[until])


def line(words: str, figure: str, remark: str = "") -> None:
    print(f"  {words:<40}{figure:>10}  {remark}", flush=True)


def alone_on_one_core(uri: str, folder: Path) -> None:
    """Beside the reading of the same lines by Arrow."""
    rounds = [
        (
            per_second(measured("prepare", uri, folder, "")),
            per_second(measured("prepare", uri, folder, "checks")),
            per_second(measured("parse", folder)),
        )
        for _ in range(ROUNDS)
    ]
    bare, ours, theirs = (statistics.median(column) for column in zip(*rounds, strict=True))
    print("on one core, raw JSONL to Parquet")
    for words, figure, aim, rates in (
        ("without the quality checks", bare, 100_000, [one / parsed for one, _, parsed in rounds]),
        ("with the quality checks", ours, 60_000, [one / parsed for _, one, parsed in rounds]),
    ):
        line(words, f"{figure:,.0f}", f"rows/s, aim {aim:,}")
        ratio = f"{statistics.median(rates):.2f}"
        line("ratio to pyarrow.json", ratio, f"aim {aim / PARSED_WHERE_AIMED:.2f}  {ratios_text(rates)}")
    line("pyarrow.json alone, the same objects", f"{theirs:,.0f}", "rows/s")


def against_bare(uri: str, folder: Path, name: str) -> None:
    """Whole runs beside what others do with the same documents on the same server."""
    rounds = []
    for _ in range(ROUNDS):
        drop(uri, "bench_pipeline")
        shutil.rmtree(folder / "processed", ignore_errors=True)
        first = measured("pipeline", uri, folder, "bench_pipeline", "")
        again = measured("pipeline", uri, folder, "bench_pipeline", "reprocess")
        drop(uri, "bench_pipeline")
        bare, encoded = (per_second(measured(child, uri, folder)) for child in ("bare", "encoded"))
        loaded, whole = per_second(first, "in_database"), per_second(first, "process_seconds")
        rounds.append((whole, loaded, bare, encoded, per_second(again), per_second(first)))
    whole, loaded, bare, encoded, again, _ = (statistics.median(column) for column in zip(*rounds, strict=True))
    print(name)
    line("bare insert_many, ready-made documents", f"{bare:,.0f}", "rows/s")
    line(f"ready-made BSON by {SERVER_WRITERS} writers", f"{encoded:,.0f}", "rows/s")
    line("the whole process, start to end", f"{whole:,.0f}", "rows/s")
    line("ratio to insert_many", *median_of([one[0] / one[2] for one in rounds], "aim 0.8, limit 0.6"))
    line("ratio to ready-made BSON", *median_of([one[0] / one[3] for one in rounds], "aim 0.7, limit 0.5"))
    line("raw JSONL to documents with their flags", f"{loaded:,.0f}", "rows/s")
    line("ratio to insert_many", *median_of([one[1] / one[2] for one in rounds], "aim 0.8"))
    line("second run (--reprocess)", f"{again:,.0f}", "rows/s")
    line("ratio to the first run", *median_of([one[4] / one[5] for one in rounds], "aim 5"))


def median_of(ratios: list[float], aim: str) -> tuple[str, str]:
    """The median, and all of them."""
    return f"{statistics.median(ratios):.2f}", f"{aim}  {ratios_text(ratios)}".strip()


def ratios_text(ratios: list[float]) -> str:
    return "(" + " ".join(f"{ratio:.2f}" for ratio in sorted(ratios)) + ")"


def memory(uri: str, folder: Path) -> None:
    peaks = {}
    for rows in (ROWS, MEMORY_ROWS):
        place = folder / f"memory-{rows}"
        measured("generate", place, rows, STATIONS)
        drop(uri, "bench_memory")
        peaks[rows] = measured("pipeline", uri, place, "bench_memory", "")["peak_mb"]
        drop(uri, "bench_memory")
        shutil.rmtree(place)
    print("peak memory of the pipeline's process")
    for rows, peak in peaks.items():
        line(f"{rows:,} rows", f"{peak:,.0f}", "MB, limit 400")


def main() -> None:
    # As the program does when it starts.
    prepare_process()
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{ROWS:,} rows in objects of {ROWS_PER_OBJECT:,}; medians of {ROUNDS} rounds")
    with tempfile.TemporaryDirectory(prefix="forecast-bench-") as name:
        folder = Path(name)
        measured("generate", folder, ROWS, STATIONS)
        with replica_set(1, folder / "one") as uri:
            alone_on_one_core(uri, folder)
            against_bare(uri, folder, "one mongod (a replica set of one)")
            measured("generate", folder / "two", ROWS, 2)
            against_bare(uri, folder / "two", "the same, two long series")
            memory(uri, folder)
        with replica_set(3, folder / "three") as uri:
            against_bare(uri, folder, "three mongods on this machine")


def child(name: str, arguments: list[str]) -> None:
    if name == "generate":
        figure = child_generate(Path(arguments[0]), int(arguments[1]), int(arguments[2]))
    elif name == "pipeline":
        figure = child_pipeline(arguments[0], Path(arguments[1]), arguments[2], bool(arguments[3]))
    elif name == "prepare":
        figure = child_prepare(arguments[0], Path(arguments[1]), bool(arguments[2]))
    elif name == "parse":
        figure = child_parse(Path(arguments[0]))
    elif name == "encoded":
        figure = child_encoded(arguments[0], Path(arguments[1]))
    else:
        figure = child_bare(arguments[0], Path(arguments[1]))
    print(json.dumps(figure))


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], sys.argv[3:])
    else:
        main()
