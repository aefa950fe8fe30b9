"""What the stages of the corridor take and give, so that they can be handed to whoever calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from forecast.core.raw_objects import RawObject
from forecast.core.schemas import RawBatch, Transformed, Validated
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.mongo.conflicts import Conflicts
from forecast.mongo.dry_run import DryRunOverlay
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.versions import LoadCounts
from forecast.transform import ObjectTransformer
from forecast.zone.writer import ObjectWriter


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a batch, in their order."""

    extract: Callable[[Path, RawObject, Limits, datetime], Iterator[RawBatch]]
    transform: Callable[[ObjectTransformer, RawBatch], Transformed]
    validate: Callable[[pd.DataFrame, Stations, datetime], Validated]
    save: Callable[[ObjectWriter, Validated], None]
    load: Callable[[pd.DataFrame, ObservationCollection, DryRunOverlay | None, PendingQc, Conflicts], LoadCounts]
