"""What became of the records of a batch, counted by the raw object that each came from."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.precedence import Mask
from forecast.core.removals import Removed
from forecast.mongo.versions import LoadCounts, Plan


@dataclass(frozen=True, slots=True)
class CountsByObject:
    """Counts by `source_uri`."""

    counts: defaultdict[str, LoadCounts] = field(default_factory=lambda: defaultdict(LoadCounts))

    def add(self, name: str, records: pa.Table, mask: Mask | None = None) -> None:
        """Count records, or those of a mask, under a name of LoadCounts."""
        uris = records["source_uri"].combine_chunks()
        for entry in pc.value_counts(uris if mask is None else uris.filter(pa.array(mask))).to_pylist():
            self._add(entry["values"], LoadCounts(**{name: entry["counts"]}))

    def add_removed(self, removed: Iterable[Removed]) -> None:
        """Count values that replaced documents had and their replacements lack."""
        for one in removed:
            self._add(one.source_uri, LoadCounts(values_removed=1))

    def merge(self, others: CountsByObject) -> None:
        """Add the counts of another batch."""
        for uri, counts in others.counts.items():
            self._add(uri, counts)

    def _add(self, uri: str, counts: LoadCounts) -> None:
        self.counts[uri] += counts


def outcomes(table: pa.Table, plan: Plan, several: Plan, overtaken_before: Collection[str]) -> dict[str, Mask]:
    """The outcome of each row of a batch: a mask for each name of LoadCounts; each row is in exactly one.

    `several` is the part of the plan for documents that hold parts of other groups: a new part updates its document.
    `overtaken_before` are ids whose write was not confirmed in an earlier round.
    """
    masks = {name: np.zeros(table.num_rows, dtype=bool) for name in ("inserted", "updated", "superseded")}
    masks["inserted"][plan.new] = True
    masks["inserted"][several.new] = False
    masks["updated"][[*several.new, *plan.to_replace]] = True
    masks["superseded"][plan.superseded] = True
    if ours := set(plan.unchanged).intersection(overtaken_before):
        # A row that was unconfirmed in an earlier round, and is now stored as it is here, was written by this run.
        masks["updated"] |= np.asarray(pc.is_in(table["_id"], value_set=pa.array(sorted(ours), pa.string())))
    masks["unchanged"] = ~(masks["inserted"] | masks["updated"] | masks["superseded"])
    return masks
