"""One writer at a time: a lease in the database, which expires if its holder dies.

It prevents two runs from doing the same work. The documents do not depend on it: the loader keeps them correct with any
number of writers.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

import pymongo
from pymongo import ReturnDocument
from pymongo.errors import PyMongoError

from forecast.core.errors import RetryableError
from forecast.core.processes import has_died, this_place
from forecast.mongo.client import ObservationCollection, mongo_errors, sibling_collection

LOGGER = logging.getLogger("forecast.mongo.lock")
SUFFIX = "_lease"
# An election takes about 12 s, so a lease outlives it. After a kill on another machine, the next run waits this long.
LEASE_SECONDS = 60
_RENEWAL_SECONDS = 15
_RELEASE_SECONDS = 5
_POLL_SECONDS = 1.0
_NAME = "writer"


class LeaseHeldError(RetryableError):
    """Another run holds the lease."""


@dataclass(slots=True)
class Lease:
    """The right to write, until `lost` is set."""

    run_id: str
    # The previous holder, if it did not release the lease.
    left_by: dict[str, Any] | None = None
    lost: threading.Event = field(default_factory=threading.Event)

    def check(self) -> None:
        """Raise RetryableError if another run has taken the lease."""
        if self.lost.is_set():
            raise RetryableError(
                "this run was suspended for so long that its lease expired, and another run may be at work; run again"
            )


@dataclass(slots=True)
class WorkerLease(Lease):
    """A run's lease as seen by one of its workers, which does not renew it but checks the database every time."""

    collection: ObservationCollection = field(kw_only=True)

    def check(self) -> None:
        """Raise RetryableError if the run does not hold the lease in this worker's database."""
        held = {"_id": _NAME, "run_id": self.run_id, "$expr": {"$gt": ["$expires_at", "$$NOW"]}}
        with mongo_errors("reading the lease"):
            found = sibling_collection(self.collection, SUFFIX).find_one(held, {"_id": 1})
        if found is None:
            raise RetryableError(
                f"the run {self.run_id} does not hold the lease of {self.collection.full_name} any more, or this "
                "worker's MONGODB_URI leads to another database than the run's; run again"
            )


@contextmanager
def lease(
    collection: ObservationCollection, run_id: str, *, wait: bool, check_stop: Callable[[], None] = lambda: None
) -> Iterator[Lease]:
    """Hold the lease of a main collection; with `wait`, wait for it, and call `check_stop` meanwhile.

    Raises LeaseHeldError if another run holds it.
    """
    leases = sibling_collection(collection, SUFFIX)
    waited = False
    while (holder := (found := _acquire(leases, run_id)).holder) is not None:
        if not wait:
            raise LeaseHeldError(_held(holder))
        if not waited:
            LOGGER.info("waiting: %s", _held(holder), extra={"facts": {"event": "waiting"}})
        waited = True
        check_stop()
        threading.Event().wait(_POLL_SECONDS)
    held = Lease(run_id, found.left_by)
    ended = threading.Event()
    keeper = threading.Thread(target=_keep, args=(leases, held, ended), name="lease", daemon=True)
    keeper.start()
    try:
        yield held
    finally:
        ended.set()
        keeper.join(_RELEASE_SECONDS)
        _release(leases, run_id)


def holder(collection: ObservationCollection) -> str | None:
    """The run that holds the lease of a main collection; None if there is none."""
    held = {"_id": _NAME, "$expr": {"$gt": ["$expires_at", "$$NOW"]}}
    with mongo_errors("reading the lease"):
        found = sibling_collection(collection, SUFFIX).find_one(held)
    return None if found is None or has_died(found.get("place"), found.get("pid")) else str(found["run_id"])


class _Found(NamedTuple):
    """The holder of the lease if it is another run, otherwise the previous holder if it did not release it."""

    holder: dict[str, Any] | None
    left_by: dict[str, Any] | None


def _acquire(leases: ObservationCollection, run_id: str) -> _Found:
    """Take the lease if it is free, by the server's clock."""
    ours = {"_id": _NAME, "run_id": run_id, "pid": os.getpid(), "place": this_place(), "host": socket.gethostname()}
    taken = {"$mergeObjects": [{"$literal": ours}, {"since": "$$NOW", "expires_at": _expiry()}]}
    with mongo_errors("taking the lease"):
        seen = leases.find_one({"_id": _NAME}) or {}
        dead = {"$literal": seen.get("run_id") if has_died(seen.get("place"), seen.get("pid")) else run_id}
        free = {"$or": [{"$lte": ["$expires_at", "$$NOW"]}, {"$eq": ["$run_id", dead]}]}
        holder = leases.find_one_and_update(
            {"_id": _NAME},
            [{"$replaceWith": {"$cond": [free, taken, "$$ROOT"]}}],
            upsert=True,
            return_document=ReturnDocument.AFTER,
        )
    if holder is not None and holder["run_id"] != run_id:
        return _Found(holder, None)
    whole = isinstance(seen.get("since"), datetime) and isinstance(seen.get("run_id"), str)
    return _Found(None, seen if whole and seen["run_id"] != run_id else None)


def _keep(leases: ObservationCollection, held: Lease, ended: threading.Event) -> None:
    """Renew the lease until the end. An unreachable database may come back; others report it if they need it."""
    while not ended.wait(_RENEWAL_SECONDS):
        try:
            with pymongo.timeout(_RENEWAL_SECONDS):
                renewed = leases.update_one(
                    {"_id": _NAME, "run_id": held.run_id}, [{"$set": {"expires_at": _expiry()}}]
                )
        except PyMongoError:
            continue
        if not renewed.matched_count:
            held.lost.set()
            return


def _release(leases: ObservationCollection, run_id: str) -> None:
    """Release the lease; if the database is unreachable, it expires by itself."""
    try:
        with pymongo.timeout(_RELEASE_SECONDS):
            leases.delete_one({"_id": _NAME, "run_id": run_id})
    except PyMongoError:
        LOGGER.warning("the lease could not be released; it expires by itself within %d seconds", LEASE_SECONDS)


def _expiry() -> dict[str, Any]:
    return {"$add": ["$$NOW", LEASE_SECONDS * 1000]}


def _held(holder: dict[str, Any]) -> str:
    return (
        f"another run is writing to this database: {holder['run_id']} on {holder['host']}, "
        f"since {holder['since']:%Y-%m-%d %H:%M:%S} UTC. Run again when it is done, or with --wait; "
        f"if it died, its lease expires within {LEASE_SECONDS} seconds"
    )
