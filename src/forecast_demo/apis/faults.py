"""Faults that tests inject: responses of a network that it gives in place of data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

FOREVER: Final = -1


@dataclass(slots=True)
class Fault:
    """A response in place of the right one to the next `times` calls whose address contains `where`."""

    status: int
    body: bytes = b""
    where: str = ""
    times: int = FOREVER
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_off: bool = False  # the connection closes after half of the body

    def applies_to(self, address: str) -> bool:
        """Whether this call gets the fault, which then has one time less."""
        if self.times == 0 or self.where not in address:
            return False
        self.times -= self.times > 0
        return True
