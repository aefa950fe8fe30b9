"""A raw object that was read to its end, with its counts and its files for the processed zone."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pandas as pd

from forecast.core.admission import FUTURE, FUTURE_TOLERANCE
from forecast.core.counts import ObjectCounts, QualityTally
from forecast.core.raw_objects import RawObject
from forecast.extract.json.answers import NOT_DELIVERED
from forecast.zone.writer import ZoneFile

LOGGER = logging.getLogger("forecast.run.staged")


@dataclass(slots=True)
class StagedObject:
    """A raw object that was read to its end, as files for the processed zone.

    `published` has the digests, by key, of files that the zone already has. `again_at` (UTC) is when the first row
    that was rejected for being in the future may pass.
    """

    raw: RawObject
    folder: Path
    counts: ObjectCounts
    tally: QualityTally
    files: list[ZoneFile] = field(default_factory=list)
    published: Mapping[str, str] = field(default_factory=dict)
    again_at: datetime | None = None

    def see_rejected(self, rejected: pd.DataFrame, now: datetime) -> None:
        """Count rejected rows (REJECTED_SCHEMA), and remember when they may pass."""
        if not len(rejected):
            return
        self.counts.records_rejected += len(rejected)
        self.tally.add_rejected(rejected)
        _count_not_delivered(self, rejected[rejected["code"].isin(NOT_DELIVERED)])
        for code, instant in zip(rejected["code"], rejected["instant"], strict=True):
            if code == FUTURE:
                # If the time is unknown, the next run processes the object.
                at = now if pd.isna(instant) else datetime.fromisoformat(instant) - FUTURE_TOLERANCE
                self.again_at = at if self.again_at is None else min(self.again_at, at)


def _count_not_delivered(staged: StagedObject, rejected: pd.DataFrame) -> None:
    """Count the records that the source or Airbyte did not deliver; the first of each object is logged at once."""
    if len(rejected) and not staged.counts.records_not_delivered:
        key, place, reason = staged.raw.key, rejected["position"].iloc[0], rejected["reason"].iloc[0]
        LOGGER.warning("%s, %s: %s", key, place, reason, extra={"facts": {"object": key}})
    staged.counts.records_not_delivered += len(rejected)
