"""Small batches for the readers of the networks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

import pyarrow as pa

from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.registry import load_stations
from forecast.core.schemas import ORIGIN_SCHEMA, RawBatch, Transformed, to_frame, to_table
from forecast.core.stations import Stations
from forecast.extract.json.lines import rows_of_records
from forecast.transform import ObjectTransformer

STATIONS = load_stations()
EXTRACTED = datetime(2024, 10, 9, tzinfo=UTC)
NOW = datetime(2024, 11, 9, tzinfo=UTC)
TABLE_KEY = "wunderground/ITESTB25/2024_10_05_1728097200000_0.jsonl"


@dataclass
class Result:
    """What became of an object's rows."""

    observations: list[dict[str, Any]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)
    rows_read: int = 0
    rows_empty: int = 0

    @classmethod
    def of(cls, transformer: ObjectTransformer, batches: Iterable[RawBatch]) -> Self:
        """What a transformer makes of all batches of an object."""
        result = cls()
        for batch in batches:
            result.add(transformer.transform(batch))
        for part in transformer.finish():
            result.add(part)
        return result

    def add(self, part: Transformed) -> None:
        assert part.rows_read == part.rows_empty + len(part.observations) + len(part.rejected)
        self.observations += part.observations.to_pylist()
        self.rejected += to_table(part.rejected).to_pylist()
        self.rows_read += part.rows_read
        self.rows_empty += part.rows_empty

    @property
    def stamps(self) -> list[str]:
        return [row["timestamp"].strftime("%Y-%m-%dT%H:%M:%SZ") for row in self.observations]

    @property
    def codes(self) -> list[str]:
        return [row["code"] for row in self.rejected]

    def values(self, row: int = 0) -> dict[str, float]:
        found = self.observations[row]
        return {name: found[name] for name in PARAMETER_NAMES if found[name] is not None}

    def issues(self, row: int = 0) -> list[tuple[str, str, str]]:
        entries = json.loads(self.observations[row]["parse_issues"] or "[]")
        return [(entry["parameter"], entry["raw"], entry["reason"]) for entry in entries]


def batch_of(
    rows: Sequence[Mapping[str, Any]],
    sheet: str | None = None,
    groups: Sequence[str] | None = None,
    changes: Sequence[Any] | None = None,
    first: int = 1,
) -> RawBatch:
    """Rows as the extractor would give them."""
    origins = [
        {
            "position": f"line {first + index}",
            "extracted_at": EXTRACTED,
            "generation_id": 1,
            "sync_id": 2,
            "changes": json.dumps(changes[index]) if changes and changes[index] else None,
        }
        for index in range(len(rows))
    ]
    return RawBatch(
        to_frame(rows_of_records([dict(row) for row in rows])),
        to_frame(pa.Table.from_pylist(origins, schema=ORIGIN_SCHEMA)),
        sheet,
        None if groups is None else pa.array(groups),
    )


def transform(*batches: RawBatch, key: str = TABLE_KEY, stations: Stations = STATIONS) -> Result:
    """All batches of one object."""
    return Result.of(ObjectTransformer(key, stations, NOW), batches)
