"""What a network answers instead of data, for as long as a test or a demonstration wants it to."""

from __future__ import annotations

import json
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


def wrong_address() -> Fault:
    """InfoClimat to a call from another IPv4 address than the token's: text, with status 200."""
    return Fault(200, b"Wrong ip address", where="/opendata/")


def ok_without_hourly() -> Fault:
    """InfoClimat to a window that is not whole days: OK, no error, and no "hourly"."""
    body = {"status": "OK", "errors": [], "data": []}
    return Fault(200, json.dumps(body).encode(), where="/opendata/")


def bad_token() -> Fault:
    """InfoClimat to a token that it does not know."""
    body = {"status": "NOK", "errors": ["Invalid token"], "data": []}
    return Fault(200, json.dumps(body).encode(), where="/opendata/")


def bad_key() -> Fault:
    """Weather Underground to a key that is not good for a product."""
    body = {
        "metadata": {"transaction_id": "1"},
        "success": False,
        "errors": [{"error": {"code": "CDN-0001", "message": "Invalid apiKey."}}],
    }
    return Fault(401, json.dumps(body).encode(), where="/v2/pws/")
