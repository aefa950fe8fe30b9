"""Metrics in CloudWatch's embedded metric format: one JSON object per line.

The log driver of a task delivers them, so the task needs no permission for CloudWatch. The format is specified by AWS
("Specification: Embedded metric format", CloudWatch user guide).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

Unit = Literal["Count", "Seconds", "Percent", "None"]
# "Dimension values: 1 to 1024 characters" (CloudWatch API reference, Dimension).
_MAX_DIMENSION: Final = 1024


@dataclass(frozen=True, slots=True)
class Metric:
    """A number and its unit. With None as `value`, nothing is written."""

    value: float | None
    unit: Unit


@dataclass(frozen=True, slots=True)
class MetricLine:
    """Metrics by name, for one thing that `dimension` names, such as ("station", "07015"), or for the whole.

    Metrics of one thing are also recorded without the dimension, so that one alarm can watch the worst of them all.
    """

    metrics: Mapping[str, Metric]
    dimension: tuple[str, str] | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


def embedded(line: MetricLine, namespace: str, now: datetime) -> str | None:
    """The line in CloudWatch's format; None if no metric has a value."""
    known = {name: metric for name, metric in line.metrics.items() if metric.value is not None}
    if not known:
        return None
    of = {} if line.dimension is None else {line.dimension[0]: line.dimension[1][:_MAX_DIMENSION]}
    directive = {
        "Namespace": namespace,
        "Dimensions": [[], [*of]] if of else [[]],
        "Metrics": [{"Name": name, "Unit": metric.unit} for name, metric in known.items()],
    }
    metadata = {"Timestamp": round(now.timestamp() * 1000), "CloudWatchMetrics": [directive]}
    values = {name: metric.value for name, metric in known.items()}
    return json.dumps({"_aws": metadata, **line.facts, **of, **values})
