"""Case 108: what cannot be shown (stdout or stderr closed, on a full disk, not UTF-8) changes no exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.whole
SOURCES = Path(__file__).resolve().parents[1] / "src"
# A command that did its work, of which the exit code is 3, and whose result does not fit into any one buffer.
COMMAND = """
from forecast.cli.output import print_result, run_command
from rich.text import Text
def work():
    print_result({"words": "é…" * 9000}, Text("finished… " * 9000), as_json=%s)
    return 3
run_command(work)
"""
BODIES = {"text": COMMAND % "False", "json": COMMAND % "True"}


def run(code: str, streams: str = "", **variables: str) -> subprocess.CompletedProcess[bytes]:
    """Run Python code as a shell does, with its streams where `streams` says."""
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCES), "COLUMNS": "200", **variables}
    whole = f"import sys, typer\ntry:\n    exec({code!r})\nexcept typer.Exit as ended:\n    sys.exit(ended.exit_code)\n"
    line = f'"$0" -c "$1" {streams}; exit ${{PIPESTATUS[0]}}'
    command = ["bash", "-c", line, sys.executable, whole]
    return subprocess.run(command, env=environment, capture_output=True, check=False)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_case_108_letters_that_stdout_cannot_encode_are_replaced(body: str, encoding: str) -> None:
    done = run(BODIES[body], PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (3, b"")
    assert (b"finished" if body == "text" else b'"words"') in done.stdout


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(
    ("streams", "said"),
    [
        (">/dev/full", b"No space left on device"),
        (">&-", b""),
        ("2>&-", b""),
        (">/dev/full 2>/dev/full", b""),
        (">&- 2>&-", b""),
        ("| head -c 10", b""),
    ],
)
def test_case_108_a_closed_or_full_stdout_does_not_change_the_exit_code(body: str, streams: str, said: bytes) -> None:
    done = run(BODIES[body], streams)
    assert done.returncode == 3
    assert said in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr
