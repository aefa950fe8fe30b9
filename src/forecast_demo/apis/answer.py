"""An HTTP response."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, body and headers. If `breaks_off`, the connection closes after half of the body."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_off: bool = False


def as_json(status: int, document: Any) -> Answer:
    """A response with a JSON document."""
    return Answer(status, json.dumps(document).encode(), {"Content-Type": "application/json"})
