"""Refusals of Weather Underground's API."""

from __future__ import annotations

import json

from forecast_demo.apis.faults import Fault


def bad_key() -> Fault:
    """The response to a key that is not valid for a product."""
    body = {
        "metadata": {"transaction_id": "1"},
        "success": False,
        "errors": [{"error": {"code": "CDN-0001", "message": "Invalid apiKey."}}],
    }
    return Fault(401, json.dumps(body).encode(), where="/v2/pws/")
