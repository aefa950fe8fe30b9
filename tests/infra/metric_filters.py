"""The metric filters of terraform/modules/observability, tried on a line as CloudWatch would.

It knows the part of CloudWatch's pattern language for JSON that these filters use: = with a text, a number or *,
IS FALSE, && and || with parentheses. That CloudWatch agrees is for AWS to prove (docs/aws-unproven.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

METRICS = Path(__file__).resolve().parents[2] / "terraform" / "modules" / "observability" / "metrics.tf"
_TOKEN = re.compile(r'\s*(\{|\}|\(|\)|&&|\|\||=|IS FALSE|\*|"[^"]*"|-?\d+(?:\.\d+)?|\$(?:\.\w+)+)')


def declared() -> dict[str, str]:
    """The patterns as the configuration has them, by metric."""
    text = METRICS.read_text("utf-8")
    parts = dict(re.findall(r'^  (\w+) += (".*")$', text, re.MULTILINE))
    found = {}
    for name, pattern in re.findall(r'^    (\w+) += \{.* pattern = (".*"|local\.\w+) \}$', text, re.MULTILINE):
        quoted = parts[pattern.removeprefix("local.")] if pattern.startswith("local.") else pattern
        whole = re.sub(r"\$\{local\.(\w+)\}", lambda part: parts[part[1]][1:-1], quoted)
        found[name] = json.loads(whole)
    return found


def counted(lines: Iterable[str], patterns: dict[str, str]) -> dict[str, int]:
    """How many of the lines each filter takes; those that take none are left out."""
    entries = [entry for entry in map(_parsed, lines) if isinstance(entry, dict)]
    sums = {name: sum(matches(pattern, entry) for entry in entries) for name, pattern in patterns.items()}
    return {name: number for name, number in sums.items() if number}


def matches(pattern: str, entry: dict[str, Any]) -> bool:
    """Whether a filter takes a line."""
    tokens = _tokens(pattern)
    assert next(tokens) == "{"
    result, end = _any_of(tokens, entry)
    assert end == "}", end
    return result


def _parsed(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _tokens(pattern: str) -> Iterator[str]:
    position = 0
    while position < len(pattern):
        found = _TOKEN.match(pattern, position)
        assert found, f"{pattern!r} is not understood from {pattern[position:]!r}"
        yield found[1]
        position = found.end()


def _any_of(tokens: Iterator[str], entry: dict[str, Any]) -> tuple[bool, str]:
    """Terms with || between them; also the token that comes after."""
    result, after = _all_of(tokens, entry)
    while after == "||":
        other, after = _all_of(tokens, entry)
        result = result or other
    return result, after


def _all_of(tokens: Iterator[str], entry: dict[str, Any]) -> tuple[bool, str]:
    result, after = _term(tokens, entry)
    while after == "&&":
        other, after = _term(tokens, entry)
        result = result and other
    return result, after


def _term(tokens: Iterator[str], entry: dict[str, Any]) -> tuple[bool, str]:
    first = next(tokens)
    if first == "(":
        result, end = _any_of(tokens, entry)
        assert end == ")", end
        return result, next(tokens)
    value: Any = entry
    for name in first.removeprefix("$.").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    operator = next(tokens)
    if operator == "IS FALSE":
        return value is False, next(tokens)
    assert operator == "=", operator
    return _equals(value, next(tokens)), next(tokens)


def _equals(value: Any, wanted: str) -> bool:
    if value is None or isinstance(value, bool):
        return False
    return wanted == "*" or value == json.loads(wanted)
