"""The steps for every batch, in order: extract, transform, validate, save, load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa

from forecast import extract, transform
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch, Transformed, Validated
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.extract.json.together import SmallObject
from forecast.mongo.client import ObservationCollection
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.dry_run import DryRunOverlay, plan_load
from forecast.mongo.loader import load_by_object
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.versions import LoadCounts
from forecast.networks.registry import NETWORKS
from forecast.transform import ObjectTransformer
from forecast.validate import validate_each
from forecast.zone.writer import ObjectWriter


def extract_data(path: Path, raw: RawObject, limits: Limits, now: datetime) -> Iterator[RawBatch]:
    """Rows as found, in batches."""
    return extract.extract(path, raw, NETWORKS, limits, now)


def extract_together(objects: Sequence[SmallObject], limits: Limits, now: datetime) -> list[RawBatch | None]:
    """The only batch of each of several small objects; None for those that need `extract_data`."""
    return extract.extract_together(objects, NETWORKS, limits, now)


def transform_data(transformer: ObjectTransformer, batch: RawBatch) -> Transformed:
    """Turn rows as found into observations."""
    return transformer.transform(batch)


def transform_each(objects: Sequence[tuple[ObjectTransformer, RawBatch]]) -> list[Transformed | None]:
    """Do the same for the only batches of several objects; None for those that need `transform_data`."""
    return transform.transform_each(objects)


def validate_data(observations: Sequence[pa.Table], stations: Stations, now: datetime) -> list[Validated]:
    """Turn the observations of each raw object into records that passed validation."""
    return validate_each(observations, stations, now)


def save_validated_to_s3(writer: ObjectWriter, validated: Validated) -> None:
    """Stage records and rejected rows for the processed zone."""
    writer.add(validated.observations)
    writer.add_rejected(validated.rejected)


def load_data(
    records: pd.DataFrame,
    collection: ObservationCollection,
    overlay: DryRunOverlay | None,
    pending_qc: PendingQc,
    conflicts: Conflicts,
) -> dict[str, LoadCounts]:
    """Load records into MongoDB; return what became of them (or would have, in a dry run), by raw object's URI."""
    if overlay is None:
        return load_by_object(records, collection, pending_qc, conflicts)
    of_objects = {uri: records[records["source_uri"] == uri] for uri in records["source_uri"].unique()}
    return {uri: plan_load(own, overlay, conflicts) for uri, own in of_objects.items()}
