"""The pipeline up to the door of its database: everything is read, evaluated and decided, and nothing is written.

It is the command's own dry run, on a database that holds nothing and is no server.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import bson
import pyarrow as pa
import pytest
from bson.codec_options import CodecOptions

import main
from forecast.core.registry import load_stations
from forecast.mongo.bson_encoder import document_of
from forecast.mongo.dry_run import DryRunOverlay
from forecast.mongo.state import Begun
from forecast.mongo.versions import Plan
from forecast.run import pipeline, selection, staging, stations
from forecast.run.loading import Loader
from forecast.run.staged import StagedObject
from forecast.zone.writer import OBSERVATIONS
from tests.hostile.endings import Ending, deliver_neighbour, ending_of
from tests.integration.worlds import Row, World

# What is the same in every run, and took a quarter of one, is made once.
_STATIONS = functools.cache(load_stations)
_TOLD: CodecOptions[dict[str, Any]] = CodecOptions(tz_aware=True)


class Nothing:
    """Stands for a collection, and for the database around it, that hold nothing."""

    name = "nothing"
    write_concern = None
    read_concern = None

    def __getitem__(self, _name: str) -> Nothing:
        return self

    @property
    def database(self) -> Nothing:
        return self

    def with_options(self, **_options: Any) -> Nothing:
        return self

    def get_collection(self, _name: str, **_options: Any) -> Nothing:
        return self

    def find(self, *_query: Any, **_options: Any) -> Iterator[Row]:
        return iter(())

    def find_one(self, *_query: Any, **_options: Any) -> None:
        return None

    def aggregate(self, *_stages: Any, **_options: Any) -> Iterator[Row]:
        return iter(())

    def estimated_document_count(self) -> int:
        return 0


@contextmanager
def on_nothing() -> Iterator[None]:
    """Runs find a database that holds nothing."""

    @contextmanager
    def connected(_settings: Any) -> Iterator[Any]:
        yield Nothing()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(main, "connect", connected)
        # They tell whether a checkpoint is of this program and of these settings, and take longer than a small object.
        patch.setattr(pipeline, "program_digest", lambda _stations: "program")
        for module in (selection, staging):
            patch.setattr(module, "circumstances_digest", lambda _stations, _limits: "circumstances")
        patch.setattr(stations, "configured_stations", lambda _settings: _STATIONS())
        for module in (pipeline, staging):
            patch.setattr(module, "trim_heap", lambda: None)
        yield


@dataclass
class Witness:
    """Sees what a dry run would have written: documents by id, files of rejected rows by key, and which files hold
    records of which object."""

    documents: dict[str, Row] = field(default_factory=dict)
    rejected: dict[str, bytes] = field(default_factory=dict)
    records: dict[str, list[str]] = field(default_factory=dict)

    def see(self, table: pa.Table, plan: Plan) -> None:
        """Take what a plan would write as documents."""
        written = pa.array([*plan.new, *plan.to_replace, *plan.touch_lineage], pa.int64())
        for record in table.take(written).to_pylist():
            document = bson.decode(bson.encode(document_of(record)), codec_options=_TOLD)
            self.documents[document["_id"]] = document

    def see_files(self, staged: StagedObject) -> None:
        """Take the files of an object that was read to its end."""
        for file in staged.files:
            if file.key.startswith(OBSERVATIONS):
                self.records.setdefault(staged.raw.key, []).append(file.key)
            else:
                self.rejected[file.key] = file.path.read_bytes()


@contextmanager
def _witnessed() -> Iterator[Witness]:
    witness = Witness()
    imagine, publish = DryRunOverlay.apply, Loader.publish

    def overlay(versions: DryRunOverlay, table: pa.Table, plan: Plan) -> None:
        witness.see(table, plan)
        imagine(versions, table, plan)

    def published(loader: Loader, bundle: Sequence[StagedObject]) -> dict[str, Begun]:
        for staged in bundle:
            witness.see_files(staged)
        return publish(loader, bundle)

    with pytest.MonkeyPatch.context() as patch, on_nothing():
        patch.setattr(DryRunOverlay, "apply", overlay)
        patch.setattr(Loader, "publish", published)
        yield witness


def through_the_layers(
    world: World, content: bytes, key: str, variables: Mapping[str, str] | None, *, neighbour: bool
) -> Ending:
    """Extract, transform and validate these bytes as one object of a raw zone, with the neighbour or alone."""
    world.raw.put(key, content)
    if neighbour:
        deliver_neighbour(world)
    given = ("--json", "--dry-run", "--max-rejection-rate", "1")
    with _witnessed() as witness:
        outcome = world.typed("pipeline", *given, variables=world.variables(**(variables or {})))
    return ending_of(world, outcome, key, witness.documents, witness.rejected, witness.records.get(key, []))
