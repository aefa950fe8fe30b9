"""What the stages of the corridor take and give, so that they can be handed to whoever calls them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd

from forecast.conflicts import Conflicts
from forecast.database import Documents
from forecast.foresee import ImaginedVersions
from forecast.observations import RawBatch, RawObject, Transformed, Validated
from forecast.save import ObjectWriter
from forecast.settings import Limits
from forecast.stations import Stations
from forecast.transform import ObjectTransformer
from forecast.unjudged import Unjudged
from forecast.versions import LoadCounts


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of a batch, in their order."""

    extract: Callable[[Path, RawObject, Limits, datetime], Iterator[RawBatch]]
    transform: Callable[[ObjectTransformer, RawBatch], Transformed]
    validate: Callable[[pd.DataFrame, Stations, datetime], Validated]
    save: Callable[[ObjectWriter, Validated], None]
    load: Callable[[pd.DataFrame, Documents, ImaginedVersions | None, Unjudged, Conflicts], LoadCounts]
