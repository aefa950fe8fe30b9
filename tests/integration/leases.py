"""The lease as another run holds it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from forecast.mongo import lock as lease
from forecast.mongo.client import ObservationCollection, connect
from forecast.mongo.lock import LEASE_SECONDS
from tests.integration.worlds import World


@contextmanager
def held_by(world: World, **differing: Any) -> Iterator[ObservationCollection]:
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


@contextmanager
def asked_in_vain(then: Callable[[], object]) -> Iterator[None]:
    """Do something when a run of this process has asked for the lease a second time and has not got it."""
    acquire = lease._acquire
    refused = 0

    def ask(leases: ObservationCollection, run_id: str) -> Any:
        nonlocal refused
        found = acquire(leases, run_id)
        if found.holder is not None:
            refused += 1
            if refused == 2:
                then()
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lease, "_acquire", ask)
        patch.setattr(lease, "_POLL_SECONDS", 0.01)
        yield
