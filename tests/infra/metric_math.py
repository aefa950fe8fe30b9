"""The expressions of terraform/modules/observability/members.tf, worked out as CloudWatch would.

It knows IF, FILL with a number, +, > and numbers. Where a metric has no datum, FILL gives its number; that CloudWatch
does so for a metric that has had none for long is for AWS to prove (docs/aws-unproven.md).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_MEMBERS = Path(__file__).resolve().parents[2] / "terraform" / "modules" / "observability" / "members.tf"
_KNOWN = re.compile(r"IF|FILL|[a-z]+[0-9]?|[0-9]+|[(),+> ]")


def expression(name: str) -> str:
    """An expression as the configuration has it."""
    found = re.search(rf'^  {name}\s+= "(.*)"$', _MEMBERS.read_text("utf-8"), re.MULTILINE)
    assert found, f"members.tf has no {name}"
    return found[1]


def value(text: str, metrics: Mapping[str, float | None]) -> float:
    """The value of an expression; None is a metric without a datum."""
    assert re.sub(_KNOWN, "", text) == "", f"{text!r} has what is not known here"
    known: dict[str, Any] = {"IF": lambda condition, yes, no: yes if condition else no}
    known["FILL"] = lambda metric, number: number if metric is None else metric
    return float(eval(text, {"__builtins__": {}}, {**known, **metrics}))
