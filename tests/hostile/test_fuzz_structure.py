"""Made-up objects of every format with their structure and types tampered with, through all layers.

Whatever comes, the program foresees it, its counts add up, and no value is accepted that an independent reading of the
same row does not have. What was not spoilt is read to the last cell.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import main
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.registry import load_stations
from forecast.core.schemas import to_table
from forecast.report.write import as_data
from forecast.run import steps
from forecast.run.run import RunOptions
from tests.examples import PROFILE, examples, for_every_change
from tests.hostile.independent import Reading
from tests.hostile.layers import on_nothing
from tests.hostile.mutations import MadeUp, as_delivered, made_up
from tests.integration.worlds import FolderZone, Row, World

PARTS, INNER_PARTS = 10, 5
# `make check` tries 10 objects, `make test` 250, the night 5 000.
OBJECTS_A_PART = examples(5 if PROFILE == "nightly" else 2.5) // PARTS

Records = dict[str, list[Row]]


def run(world: World) -> tuple[dict[str, Row], Records, Records]:
    """A dry run: counts and errors by key, and the records by URI."""
    records: Records = defaultdict(list)
    load = steps.load_data

    def seen(frame: pd.DataFrame, *others: Any) -> Any:
        for record in to_table(frame).to_pylist():
            records[record["source_uri"]].append(record)
        return load(frame, *others)

    with on_nothing(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(steps, "load_data", seen)
        status, quality = main.run_pipeline(
            world.settings(), RunOptions(dry_run=True, max_rejection_rate=1), load_stations()
        )
    counts = {entry.key: as_data(entry) for entry in quality.by_object}
    errors: dict[str, list[Row]] = defaultdict(list)
    for error in status.errors:
        errors[error.object or ""].append(as_data(error))
    return counts, errors, records


def faults(made: MadeUp, counts: Row | None, errors: Sequence[Row], records: Sequence[Row]) -> Iterator[str]:
    """What is wrong with what became of an object."""
    if counts is None:
        yield "the report does not know it"
        return
    for error in errors:
        if error["code"] == "internal_error" or len(error["message"]) > 1000:
            yield f"{error['code']}: {error['message'][:300]}"
    yield from _miscounted(counts, len(records))
    readings = made.readings()
    if readings is None:
        return
    for record in records:
        yield from _wrong(record, readings)
    if made.harmless:
        good = sum(reading.has_values and not reading.rejected for reading in readings)
        if (counts["outcome"], counts["records_validated"]) != ("loaded", good):
            yield f"{good} good rows, but {counts['outcome']}, {counts['records_validated']} validated: {errors}"


def _miscounted(counts: Row, records: int) -> Iterator[str]:
    extracted = counts["records_extracted"]
    if counts["rows_read"] != counts["rows_empty"] + extracted:
        yield f"rows do not add up: {counts}"
    if extracted != counts["records_validated"] + counts["records_rejected"]:
        yield f"records do not add up: {counts}"
    if counts["outcome"] == "loaded" and counts["records_validated"] != records:
        yield f"{records} records came, {counts['records_validated']} are counted"


def _wrong(record: Row, readings: Sequence[Reading]) -> Iterator[str]:
    """What a record says that no reading of its row does, or fails to say."""
    place = f"{record['_id']} ({record['source_row']})"
    of_it = [reading for reading in readings if (reading.station, reading.moment) == _identity(record)]
    if not of_it:
        yield f"{place}: no row reads so"
        return
    if all(reading.rejected for reading in of_it):
        yield f"{place}: its row contradicts itself and is accepted"
    values = {name: record[name] for name in MEASURED_NAMES if record[name] is not None}
    if not any(_fits(values, reading) for reading in of_it):
        yield f"{place}: {values} is none of {of_it}"


def _identity(record: Row) -> tuple[str, Any]:
    return record["station_id"], record["timestamp"]


def _fits(values: dict[str, float], reading: Reading) -> bool:
    read = all(
        any(math.isclose(value, other, rel_tol=1e-6, abs_tol=1e-9) for other in reading.values.get(name, ()))
        for name, value in values.items()
    )
    return read and reading.plain <= values.keys()


@pytest.mark.parametrize("part", [*range(INNER_PARTS), *for_every_change(*range(INNER_PARTS, PARTS))])
def test_whatever_structure_and_types_an_object_has_it_is_read_right_or_rejected(part: int, tmp_path: Path) -> None:
    objects = [made_up(part * OBJECTS_A_PART + number) for number in range(OBJECTS_A_PART)]
    raw = FolderZone(tmp_path / "raw")
    for made in objects:
        raw.put(made.key, as_delivered(made))
    counts, errors, records = run(
        World(raw, FolderZone(tmp_path / "processed"), "mongodb://nobody.invalid", "d", tmp_path)
    )
    wrong = [
        f"{made.told()}\n    {fault}"
        for made in objects
        for fault in faults(made, counts.get(made.key), errors[made.key], records[f"{raw.uri}/{made.key}"])
    ]
    assert not wrong, "\n".join(wrong)
