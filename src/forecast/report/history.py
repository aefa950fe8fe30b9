"""The status reports of past runs in a folder of reports."""

from __future__ import annotations

from collections.abc import Iterable
from operator import attrgetter
from pathlib import Path
from typing import Final

import msgspec

from forecast.report.models.status import PipelineStatus
from forecast.report.status import REPORT_NAME

FOLDER: Final = "history"
# The number of past runs: six weeks of nights.
MAX_RUNS: Final = 42


def past_runs(logs_dir: Path, most: int) -> tuple[list[PipelineStatus], list[str]]:
    """The status reports of the last runs below a folder, newest first, and the names of invalid files.

    A run's id begins with its time, so the newest files are those with the last names.
    """
    files = sorted((logs_dir / FOLDER).glob("*.json"), reverse=True)[:most]
    found, unreadable = read_reports([*files, logs_dir / REPORT_NAME])
    return newest_first(found)[:most], unreadable


def newest_first(reports: Iterable[PipelineStatus]) -> list[PipelineStatus]:
    """Each run once, with the first of its reports, newest run first."""
    runs: dict[str, PipelineStatus] = {}
    for report in reports:
        runs.setdefault(report.run_id, report)
    return sorted(runs.values(), key=attrgetter("started_at", "run_id"), reverse=True)


def read_reports(files: Iterable[Path]) -> tuple[list[PipelineStatus], list[str]]:
    """The status reports in these files, and the names of files without one of this version."""
    found, unreadable = [], []
    for file in files:
        try:
            found.append(msgspec.json.decode(file.read_bytes(), type=PipelineStatus))
        except FileNotFoundError:
            continue
        except (OSError, ValueError):
            unreadable.append(file.name)
    return found, unreadable
