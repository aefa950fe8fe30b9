"""What of an object was not read stands where people look: status, quality report, summary, exit code."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from forecast.core.counts import ObjectCounts, QualityTally
from forecast.core.reading import RenamedParameter, UnknownColumns, UnreadParameter
from forecast.core.registry import load_stations
from forecast.core.settings import load_settings
from forecast.mongo.conflicts import Conflicts
from forecast.report.findings import Findings
from forecast.report.quality import quality_report
from forecast.report.status import RunInfo, RunProgress, status_report
from forecast.report.summary import render_summary
from forecast.report.write import write_report
from forecast.run.run import Run, RunOptions

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
UNREAD = UnreadParameter("relative_humidity", "Humidity", 288, "89", "row 1", "a number without a unit")
RENAMED = RenamedParameter("air_temperature", ("Air Temp", "Heat Index"))
UNREAD_WORDS = (
    "none of 288 cells of 'Humidity' (relative_humidity) could be read, such as '89' (row 1): a number without a unit"
)
RENAMED_WORDS = (
    "it lacks air_temperature, which the station reports, but has unknown columns. "
    "Was it renamed to 'Air Temp', 'Heat Index'?"
)


def objects() -> list[ObjectCounts]:
    names = ["Air Temp", "Heat Index", "evil\x1b[31m\u202e", *(f"x{number}" for number in range(20))]
    return [
        ObjectCounts(
            "a.csv",
            "s3://b/a.csv",
            "loaded",
            1,
            0,
            1,
            0,
            inserted=1,
            unread_parameters=[UNREAD],
            renamed_parameters=[RENAMED],
            unknown_columns=UnknownColumns.of(names),
            cells_not_stored={"dxi": 3, "etat_sol": 1},
        ),
        ObjectCounts("b.csv", "s3://b/b.csv", "loaded", 1, 0, 1, 0, inserted=1, cells_not_stored={"etat_sol": 4}),
    ]


def test_the_status_lists_unread_parameters_among_the_errors(tmp_path: Path) -> None:
    info = RunInfo("r1", NOW, "2.0.0", {})
    ended = status_report(info, RunProgress(), objects(), status="partial", exit_code=3, finished_at=NOW)
    report = json.loads(write_report("s.json", ended, logs_dir=tmp_path).read_text("utf-8"))
    assert report["errors"] == [
        {"object": "a.csv", "code": "unread_parameter", "message": UNREAD_WORDS, "known": False},
        {"object": "a.csv", "code": "renamed_parameter", "message": RENAMED_WORDS, "known": False},
    ]
    counts = report["counts"]
    names = ("unread_parameters", "renamed_parameters", "objects_with_unknown_columns")
    assert [counts[name] for name in names] == [1, 1, 1]


def test_the_quality_report_has_unread_parameters_by_object(tmp_path: Path) -> None:
    quality = quality_report("r1", QualityTally(), objects(), load_stations(), NOW, Findings(), Conflicts())
    report = json.loads(write_report("q.json", quality, logs_dir=tmp_path).read_text("utf-8"))
    assert report["unread_parameters"] == [
        {
            "object": "a.csv",
            "parameter": "relative_humidity",
            "column": "Humidity",
            "cells": 288,
            "example": "89",
            "position": "row 1",
            "reason": "a number without a unit",
        }
    ]
    assert report["renamed_parameters"] == [
        {"object": "a.csv", "parameter": "air_temperature", "candidates": ["Air Temp", "Heat Index"]}
    ]
    (unknown,) = report["unknown_columns"]
    assert (unknown["object"], len(unknown["columns"]), unknown["more"]) == ("a.csv", 12, 11)
    assert report["columns_not_stored"] == [
        {"column": "etat_sol", "cells": 5, "objects": 2},
        {"column": "dxi", "cells": 3, "objects": 1},
    ]


def test_the_summary_shows_unread_parameters_and_cannot_control_the_terminal() -> None:
    info = RunInfo("r1", NOW, "2.0.0", {})
    status = status_report(info, RunProgress(), objects(), status="partial", exit_code=3, finished_at=NOW)
    quality = quality_report("r1", QualityTally(), objects(), load_stations(), NOW, Findings(), Conflicts())
    sink = io.StringIO()
    Console(file=sink, width=100, color_system=None).print(render_summary(status, quality))
    words = " ".join(sink.getvalue().split())
    assert f"a.csv: {UNREAD_WORDS} (unread_parameter)" in words
    assert f"a.csv: {RENAMED_WORDS} (renamed_parameter)" in words
    assert "Unknown columns a.csv: 'Air Temp', 'Heat Index', 'evil\\x1b[31m\\u202e', 'x0'" in words
    assert "and 11 more" in words
    assert "Measurements without a parameter, which are not stored etat_sol (5), dxi (3)" in words
    assert not {"\x1b", "\u202e"} & set(sink.getvalue())


@pytest.mark.parametrize(
    ("change", "final_status"),
    [
        ({}, ("success", 0)),
        ({"unread_parameters": [UNREAD]}, ("partial", 3)),
        ({"renamed_parameters": [RENAMED]}, ("partial", 3)),
        ({"unknown_columns": UnknownColumns(("pm25",), 0)}, ("success", 0)),
    ],
    ids=["all read", "unread", "renamed", "a new variable"],
)
def test_a_run_is_partial_where_a_parameter_was_not_read(
    change: dict[str, object], final_status: tuple[str, int], tmp_path: Path
) -> None:
    run = Run.begin(load_settings({"LOGS_DIR": str(tmp_path)}), RunOptions())
    run.objects.append(ObjectCounts("a.csv", "s3://b/a.csv", "loaded", 1, 0, 1, 0, inserted=1, **change))  # type: ignore[arg-type]
    assert run.final_status(None) == final_status
