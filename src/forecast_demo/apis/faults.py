"""What a network answers instead of data, for as long as a test or a demonstration wants it to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

FOREVER: Final = -1


@dataclass(slots=True)
class Fault:
    """An answer that is given in place of the right one to calls whose address holds `where`, `times` times."""

    status: int
    body: bytes = b""
    where: str = ""
    times: int = FOREVER
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_off: bool = False  # half of the body, then the connection ends

    def strikes(self, address: str) -> bool:
        """Whether it is this call's turn; it is counted."""
        if self.times == 0 or self.where not in address:
            return False
        self.times -= self.times > 0
        return True
