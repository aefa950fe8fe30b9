"""The lease as another run holds it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from forecast.database import Documents, connect
from forecast.lease import LEASE_SECONDS
from tests.integration.worlds import World


@contextmanager
def held_by(world: World, **differing: Any) -> Iterator[Documents]:
    """The lease of a run on another machine; what differs from that is given."""
    now = datetime.now(UTC)
    holder = {
        "_id": "writer",
        "run_id": "20260101T000000Z-aaaaaa",
        "host": "other-machine",
        "pid": 1,
        "place": "another boot",
        "since": datetime(2026, 1, 1, tzinfo=UTC),
        "expires_at": now + timedelta(seconds=LEASE_SECONDS),
        **differing,
    }
    with connect(world.settings()) as collection:
        beside = collection.database[f"{collection.name}_lease"]
        beside.insert_one(holder)
        yield beside
