"""Quarantined rows, put together by object and reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

from forecast.site.quarantine import MAX_GROUPS, read_quarantine
from forecast.storage import LocalStore


def write(folder: Path, name: str, *lines: dict[str, Any]) -> None:
    path = folder / "rejected" / "year=2026" / "month=11" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(json.dumps(line) + "\n" for line in lines).encode()))


def line(position: str, **more: Any) -> dict[str, Any]:
    told = {"key": "a.jsonl", "code": "bad_time", "field": "dh_utc", "value": "x", "reason": "no time", "row": "{}"}
    return {**told, "position": position, **more}


def test_rows_of_one_object_and_reason_are_one_group_and_replayed_ones_are_left_out(tmp_path: Path) -> None:
    write(tmp_path, "1.jsonl.gz", line("line 3"), line("line 9", value="y"), line("line 11", replayed="r2"))
    write(tmp_path, "2.jsonl.gz", line("line 1", key="b.csv", code="unknown_station"))
    found = read_quarantine(LocalStore(tmp_path), ())
    assert found.total == 3
    groups = {(one.source, one.code): (one.rows, one.first_position, one.value) for one in found.rows}
    assert groups == {("a.jsonl", "bad_time"): (2, "line 3", "x"), ("b.csv", "unknown_station"): (1, "line 1", "x")}


def test_a_damaged_file_is_named_and_only_its_own_rows_are_missing(tmp_path: Path) -> None:
    write(tmp_path, "1.jsonl.gz", line("line 3"))
    (tmp_path / "rejected/year=2026/month=11/2.jsonl.gz").write_bytes(b"\x1f\x8bno gzip")
    found = read_quarantine(LocalStore(tmp_path), ())
    assert found.total == 1
    assert found.fault is not None
    assert "2.jsonl.gz cannot be read" in found.fault


def test_rows_beyond_the_limit_are_counted(tmp_path: Path) -> None:
    write(tmp_path, "1.jsonl.gz", *(line("line 1", key=f"{number}.csv") for number in range(MAX_GROUPS + 5)))
    found = read_quarantine(LocalStore(tmp_path), ())
    assert (len(found.rows), found.total) == (MAX_GROUPS, MAX_GROUPS + 5)


def test_a_missing_zone_is_reported(tmp_path: Path) -> None:
    assert read_quarantine(LocalStore(tmp_path / "none"), ()).fault is not None
