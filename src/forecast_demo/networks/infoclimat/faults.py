"""Refusals of InfoClimat's API."""

from __future__ import annotations

import json

from forecast_demo.apis.faults import Fault


def wrong_address() -> Fault:
    """The response to a call from an IPv4 address other than the token's: text, with status 200."""
    return Fault(200, b"Wrong ip address", where="/opendata/")


def ok_without_hourly() -> Fault:
    """The response to a request for other than whole days: status OK, no error, and no "hourly"."""
    body = {"status": "OK", "errors": [], "data": []}
    return Fault(200, json.dumps(body).encode(), where="/opendata/")


def bad_token() -> Fault:
    """The response to an unknown token."""
    body = {"status": "NOK", "errors": ["Invalid token"], "data": []}
    return Fault(200, json.dumps(body).encode(), where="/opendata/")
