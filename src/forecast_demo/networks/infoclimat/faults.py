"""What InfoClimat's API answers instead of data."""

from __future__ import annotations

import json

from forecast_demo.apis.faults import Fault


def wrong_address() -> Fault:
    """To a call from another IPv4 address than the token's: text, with status 200."""
    return Fault(200, b"Wrong ip address", where="/opendata/")


def ok_without_hourly() -> Fault:
    """To a window that is not whole days: OK, no error, and no "hourly"."""
    body = {"status": "OK", "errors": [], "data": []}
    return Fault(200, json.dumps(body).encode(), where="/opendata/")


def bad_token() -> Fault:
    """To a token that it does not know."""
    body = {"status": "NOK", "errors": ["Invalid token"], "data": []}
    return Fault(200, json.dumps(body).encode(), where="/opendata/")
