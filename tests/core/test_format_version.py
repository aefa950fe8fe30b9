"""What readers rely on stays as long as the format version does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from forecast.core.format_version import FORMAT_VERSION
from forecast.core.registry import CONFIG_FOLDER
from forecast.core.schemas import RECORD_SCHEMA
from forecast.report.models.every import REPORTS
from forecast.report.models.schema import documented_fields

KNOWN = Path(__file__).with_name(f"format_{FORMAT_VERSION}.txt")


def fields_of(schema: dict[str, Any], path: str) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from fields_of(part, f"{path}.{name}")


def shapes() -> set[str]:
    """The fields of documents, Parquet columns and reports, each with its place."""
    server = json.loads((CONFIG_FOLDER / "mongodb_schema.json").read_text("utf-8"))["$jsonSchema"]
    return {
        *fields_of(server, "document"),
        *(f"observations.{column.name}" for column in RECORD_SCHEMA),
        *(f"{report.kind}.{path}" for report in REPORTS for path, _ in documented_fields(report)),
    }


def test_no_field_is_removed_or_renamed_within_a_format_version() -> None:
    """New ones may come. Those that a release has are added to the file."""
    known = set(KNOWN.read_text("utf-8").splitlines())
    assert sorted(known - shapes()) == [], "raise FORMAT_VERSION, and say in docs/versioning.md and the changelog why"
    assert {"document.metadata.format_version", "observations.qc_version", "quality_report.format_version"} <= known
