"""What one piece of work contributes to its run: counts that are sent between processes and added up in order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Self

import pandas as pd

from forecast.core.counts import ObjectCounts, QualityTally
from forecast.core.removals import Removed
from forecast.mongo.conflicts import Conflict
from forecast.run.loading import add_samples
from forecast.run.run import Run


@dataclass(frozen=True, slots=True)
class Share:
    """The counts of a `Run` that did one piece of work, and the sample of records to read back at the end."""

    objects: list[ObjectCounts]
    tally: QualityTally = field(default_factory=QualityTally)
    losers: Counter[str] = field(default_factory=Counter)
    examples: list[Conflict] = field(default_factory=list)
    removed: Counter[Removed] = field(default_factory=Counter)
    station_days: set[tuple[str, int]] = field(default_factory=set)
    samples: list[pd.DataFrame] = field(default_factory=list)
    times: dict[str, float] = field(default_factory=dict)
    records_published: int = 0

    @classmethod
    def of(cls, run: Run) -> Self:
        """The counts of this run."""
        found, progress = run.conflicts, run.progress
        return cls(
            run.objects,
            run.tally,
            found.by_station,
            found.examples,
            found.removed,
            run.loaded_station_days,
            run.samples,
            progress.times,
            progress.records_published,
        )

    def add_to(self, run: Run) -> None:
        """Add it to the run that it is part of."""
        run.objects += self.objects
        run.tally.merge(self.tally)
        run.conflicts.merge(self.losers, self.examples, self.removed)
        run.loaded_station_days |= self.station_days
        add_samples(run, self.samples)
        for stage, seconds in self.times.items():
            run.progress.times[stage] += seconds
        run.progress.records_published += self.records_published
