"""The log as a person and CloudWatch see it: time, run, level and message on one line, and the progress bar."""

from __future__ import annotations

import io
import json
import logging
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.core.logs import log_as, progress_bar, set_up_logging
from forecast.core.settings import load_settings

LOGGER = logging.getLogger("forecast.test")
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(autouse=True)
def _the_log_of_before() -> Iterator[None]:
    logger = logging.getLogger("forecast")
    before = logger.handlers[:], logger.level, logger.propagate
    yield
    logger.handlers[:], logger.level, logger.propagate = before


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def begin(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_format: str, stream: io.StringIO) -> io.StringIO:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stderr", stream)
    set_up_logging(load_settings({"LOG_FORMAT": log_format}))
    return stream


def test_a_line_of_text_has_time_run_level_and_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stderr = begin(monkeypatch, tmp_path, "text", io.StringIO())
    LOGGER.warning("before any run")
    log_as("20261129T000000Z-abcdef")
    LOGGER.info("loaded %s: %d records", "a.jsonl", 3)
    first, second = stderr.getvalue().splitlines()
    assert re.fullmatch(f"{TIME} - WARNING before any run", first)
    assert re.fullmatch(f"{TIME} 20261129T000000Z-abcdef INFO loaded a.jsonl: 3 records", second)


def test_a_line_of_json_has_time_run_level_and_facts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stderr = begin(monkeypatch, tmp_path, "json", io.StringIO())
    log_as("r1")
    LOGGER.error("rejected %s", "a", extra={"facts": {"object": "a", "code": "bad_gzip"}})
    (line,) = stderr.getvalue().splitlines()
    entry = json.loads(line)
    assert re.fullmatch(TIME, entry.pop("time"))
    assert entry == {"level": "ERROR", "run_id": "r1", "message": "rejected a", "object": "a", "code": "bad_gzip"}


def test_case_112_a_name_cannot_forge_a_line_of_the_log(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stderr = begin(monkeypatch, tmp_path, "text", io.StringIO())
    LOGGER.info("loaded %s: %d records", "b\n2026-11-29 ERROR forged \x9b31m\u202e\u2028.jsonl", 1)
    (line,) = stderr.getvalue().splitlines()
    assert line.endswith("INFO loaded b\\n2026-11-29 ERROR forged \\u009b31m\\u202e\\u2028.jsonl: 1 records")


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_the_trace_of_a_fault_belongs_to_its_line_and_holds_no_secret(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, log_format: str
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tr0ub4dor")
    stderr = begin(monkeypatch, tmp_path, log_format, io.StringIO())
    fault = ValueError("tr0ub4dor \x9b31m")
    LOGGER.error("an internal error", exc_info=fault)
    head, *rest = stderr.getvalue().splitlines()
    told = "\n".join(rest) if log_format == "text" else json.loads(head)["trace"]
    assert all(line.startswith("    ") for line in rest)
    assert "ValueError: *** \\u009b31m" in told
    assert "tr0ub4dor" not in stderr.getvalue()


def test_the_progress_bar_and_the_log_never_share_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setenv("TERM", "xterm")
    stderr = begin(monkeypatch, tmp_path, "text", Terminal())
    key = f"infoclimat/{'x' * 80}.jsonl"
    with progress_bar(3) as advance:
        for _ in range(3):
            LOGGER.info("loaded %s: 5 records", key)
            advance()
    shown = stderr.getvalue()
    assert "raw objects" in shown
    # What a terminal still shows of a line: the bar erases itself ("2K") before a line of the log is written.
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", line.rpartition("\x1b[2K")[2]) for line in shown.split("\n")]
    told = [line for line in lines if "loaded" in line]
    assert len(told) == 3
    for line in told:
        assert re.fullmatch(f"{TIME} - INFO loaded {re.escape(key)}: 5 records", line)


def test_without_a_terminal_there_is_no_progress_bar(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    stderr = begin(monkeypatch, tmp_path, "text", io.StringIO())
    with progress_bar(3) as advance:
        advance()
    assert stderr.getvalue() == ""
