"""Quarantined rows of the processed zone, grouped by object and reason."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from forecast.core.errors import ForecastError
from forecast.core.work_folder import work_folder
from forecast.site.model import Quarantine, RejectedObject, RejectedRows
from forecast.storage import Store
from forecast.zone.writer import REJECTED

# As much as people can look through; the rest is counted.
MAX_GROUPS: Final = 300
_MAX_FILES: Final = 200
_MAX_LETTERS: Final = 600
# Marks rows that `forecast replay` has loaded.
_REPLAYED: Final = "replayed"


def read_quarantine(store: Store, objects: tuple[RejectedObject, ...]) -> Quarantine:
    """The rows of the newest files of `rejected/`, without those that were replayed.

    A broken file only loses its own rows, and is named in `fault`.
    """
    fault = None
    try:
        newest = sorted(store.list(REJECTED), key=lambda listed: (listed.last_modified, listed.key))[-_MAX_FILES:]
        groups: dict[tuple[str, ...], RejectedRows] = {}
        with work_folder() as folder:
            for listed in reversed(newest):
                path = folder / "rejected.jsonl.gz"
                store.fetch(listed, path)
                try:
                    for line in _lines(path):
                        _add(groups, line)
                except (OSError, EOFError, ValueError, zlib.error) as error:
                    fault = f"{listed.uri} cannot be read ({type(error).__name__})"
    except ForecastError as error:
        return Quarantine(objects=objects, fault=error.message)
    total = sum(group.rows for group in groups.values())
    return Quarantine(tuple(groups.values())[:MAX_GROUPS], total, objects, fault)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        for text in file:
            line = json.loads(text)
            if _REPLAYED not in line:
                yield line


def _add(groups: dict[tuple[str, ...], RejectedRows], line: dict[str, Any]) -> None:
    source, code, field, value, reason, position, row = (
        str(line.get(name) or "") for name in ("key", "code", "field", "value", "reason", "position", "row")
    )
    key = source, code, field, reason
    if key in groups:
        groups[key] = replace(groups[key], rows=groups[key].rows + 1)
    else:
        groups[key] = RejectedRows(source, code, field, _short(value), _short(reason), 1, position, _short(row))


def _short(text: str) -> str:
    return text if len(text) <= _MAX_LETTERS else f"{text[:_MAX_LETTERS]} …"
