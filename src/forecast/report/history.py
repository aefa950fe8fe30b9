"""The status reports of past runs, as a folder of reports holds them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from forecast.report.status import REPORT_NAME
from forecast.report.write import ReportShapeError, check_shape

SCHEMA: Final = "pipeline_status"
FOLDER: Final = "history"


def past_runs(logs_dir: Path, most: int) -> tuple[list[dict[str, Any]], list[str]]:
    """The status reports of the last runs below a folder, newest first, and the names of files that are none.

    A run's id begins with its time, so the newest files are those with the last names.
    """
    files = sorted((logs_dir / FOLDER).glob("*.json"), reverse=True)[:most]
    found, unreadable = read_reports([*files, logs_dir / REPORT_NAME])
    return newest_first(found)[:most], unreadable


def newest_first(reports: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each run once, as the first of its reports has it, the run that started last first."""
    runs: dict[str, dict[str, Any]] = {}
    for report in reports:
        runs.setdefault(report["run_id"], report)
    return sorted(runs.values(), key=itemgetter("started_at", "run_id"), reverse=True)


def read_reports(files: Iterable[Path]) -> tuple[list[dict[str, Any]], list[str]]:
    """The status reports in these files, and the names of files that hold none of this version."""
    found, unreadable = [], []
    for file in files:
        try:
            report = json.loads(file.read_text("utf-8"))
            check_shape(report, SCHEMA)
        except FileNotFoundError:
            continue
        except (OSError, ValueError, ReportShapeError):
            unreadable.append(file.name)
        else:
            found.append(report)
    return found, unreadable
