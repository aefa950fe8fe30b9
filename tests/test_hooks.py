"""The hooks of pre-commit check what `make lint` checks, with the tools of the project."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOOKS = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")


def test_the_hooks_are_the_tools_of_make_lint_in_their_order() -> None:
    lint = re.search(r"^lint:.*?\n\n", (ROOT / "Makefile").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    assert lint
    tools = re.findall(r"^\t@\$\(BIN\)/(ruff \w+|[\w-]+)", lint[0], re.MULTILINE)
    assert tools == ["ruff check", "ruff format", "mypy", "lint-imports"]
    assert re.findall(r"entry: \.venv/bin/(ruff \w+|[\w-]+)", HOOKS) == tools


def test_no_hook_is_downloaded() -> None:
    assert re.findall(r"repo: (\S+)", HOOKS) == ["local"]
    assert set(re.findall(r"language: (\S+)", HOOKS)) == {"system"}
