"""What names and cells of others look like on a terminal, in a line of the log, and in a report."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.counts import ObjectCounts
from forecast.core.text import escaped, escaped_lines
from forecast.report.status import RunInfo, RunProgress, status_report
from forecast.report.write import write_report

# Every kind of letter that moves a cursor, breaks a line, turns the writing round, or is none.
NOT_TO_BE_SEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ichtegem, 12.5 °C", "Ichtegem, 12.5 °C"),
        ("12\u00a0°C, 12\u202f°C", "12\u00a0°C, 12\u202f°C"),
        ("a\nERROR forged", "a\\nERROR forged"),
        ("a\r\tb", "a\\r\\tb"),
        ("\x1b[31mred\x07", "\\u001b[31mred\\u0007"),
        ("\x7f", "\\u007f"),
        ("\x9b31m", "\\u009b31m"),
        ("a\u202eb\u2066c", "a\\u202eb\\u2066c"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("\ud800", "\\ud800"),
        ("\U000e0001", "\\udb40\\udc01"),
    ],
)
def test_case_112_characters_that_a_terminal_interprets_are_shown_as_escapes(text: str, shown: str) -> None:
    assert escaped(text) == shown


@given(st.text())
def test_escaped_text_is_one_line_of_letters_and_says_all_that_was_there(text: str) -> None:
    shown = escaped(text)
    assert {unicodedata.category(letter) for letter in shown}.isdisjoint(NOT_TO_BE_SEEN)
    assert len(shown.splitlines()) <= 1
    if '"' not in text and "\\" not in text:
        assert json.loads(f'"{shown}"') == text


def test_line_breaks_of_our_own_stay() -> None:
    assert escaped_lines("first\x9b\nsecond") == "first\\u009b\nsecond"


def test_case_112_reports_hold_escapes_and_the_same_names(tmp_path: Path) -> None:
    key = "b\n\x9b31m\u202e\u2028\udce9é.csv"
    begun = datetime(2026, 11, 29, tzinfo=UTC)
    objects = [ObjectCounts(key, f"s3://b/{key}", "rejected", error_code="no_day", error="The day is lost.")]
    report = status_report(RunInfo("r1", begun, "2.0.0", {}), RunProgress(), objects, status="running")
    path = write_report("status.json", report, logs_dir=tmp_path)
    text = path.read_text("utf-8")
    assert '"b\\n\\u009b31m\\u202e\\u2028\\udce9é.csv"' in text
    assert json.loads(text)["errors"][0]["object"] == key
