"""`forecast load-test`: one phase after another, while runs load data in the background."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from typing import Final

from forecast.core.errors import SettingError
from forecast.core.logs import progress_bar
from forecast.core.settings import Settings
from forecast.core.slo import Slos
from forecast.mongo.client import ObservationCollection, connect, running_server
from forecast.mongo.loader import check_collection
from forecast.mongo.probes.load import Cache, Clients, Conditions, Loop, Setup, load_clients
from forecast.mongo.probes.queries import (
    QUERIES,
    bytes_read_into_cache,
    newest_observation,
    query_plans,
    station_spans,
)
from forecast.report.load_test import MeasuredLoad, MeasuredPhase, load_test_report
from forecast.report.models.load_test import Background, LoadTestReport

CLIENTS: Final = (1, 8, 32)
# At the rate of the closed loop, the queue of an open loop would keep growing.
_OPEN_SHARE: Final = 0.5
# Queries per second if the closed loop got no answers.
_LEAST_RATE: Final = 1.0
_SEED: Final = 1
_MAX_CLIENTS: Final = 1000
_CACHES: Final[tuple[Cache, ...]] = ("cold", "warm")
# The closed loop comes first, because its rate determines that of the open one.
_LOOPS: Final[tuple[Loop, ...]] = ("closed", "open")


@dataclass(frozen=True, slots=True)
class LoadTestOptions:
    """Numbers of clients, how often each query is sent in a phase, and the end of the queried period (None: no end)."""

    clients: tuple[int, ...] = CLIENTS
    requests: int = 200
    until: datetime | None = None


# A context in which runs happen in the background; it yields a function that says what became of them.
BackgroundLoad = Callable[[Settings, ObservationCollection], AbstractContextManager[Callable[[], Background]]]


def load_test(
    settings: Settings, slos: Slos, options: LoadTestOptions, background: BackgroundLoad, now: datetime
) -> tuple[LoadTestReport, int]:
    """Measure; return the report and the exit code.

    Raises SettingError for wrong options or without locust, RetryableError if the database is unreachable.
    """
    _check_options(options)
    with running_server(settings) as uri:
        settings = replace(settings, mongodb_uri=uri)
        with connect(settings) as collection:
            check_collection(collection)
            load = _measured(settings, collection, options, background)
    cores = os.cpu_count() or 1
    return load_test_report(load, slos, options.requests, cores, now, of_now=options.until is None)


def _measured(
    settings: Settings, collection: ObservationCollection, options: LoadTestOptions, background: BackgroundLoad
) -> MeasuredLoad:
    newest = newest_observation(collection)
    until = newest if options.until is None else newest_observation(collection, options.until)
    spans = [] if until is None else station_spans(collection, options.until, _SEED)
    if until is None or not spans:
        return MeasuredLoad(collection.full_name, newest, None, [], {}, Background(0, 0, None))
    plans = query_plans(collection, spans, until, _SEED)
    setup = Setup(settings.require_mongodb_uri(), settings.mongodb_database, settings.mongodb_collection, spans, until)
    with load_clients(setup) as clients, background(settings, collection) as loaded:
        phases = list(_phases(clients, collection, options))
    return MeasuredLoad(collection.full_name, newest, until, phases, plans, loaded())


def _phases(clients: Clients, collection: ObservationCollection, options: LoadTestOptions) -> Iterator[MeasuredPhase]:
    with progress_bar(len(_LOOPS) * len(_CACHES) * len(options.clients), "phases") as advance:
        seeds = count(_SEED)
        for number in options.clients:
            reached: dict[Cache, float] = {}
            for loop in _LOOPS:
                for cache in _CACHES:
                    rate = None if loop == "closed" else max(_OPEN_SHARE * reached[cache], _LEAST_RATE)
                    conditions = Conditions(number, loop, cache, rate)
                    phase = _phase(clients, collection, options.requests, conditions, next(seeds))
                    reached.setdefault(cache, phase.timed.answered / phase.timed.seconds)
                    advance()
                    yield phase


def _phase(
    clients: Clients, collection: ObservationCollection, requests: int, conditions: Conditions, seed: int
) -> MeasuredPhase:
    """Measure one phase, and what the machine and the server did meanwhile."""
    each = len(QUERIES) * -(-requests // conditions.clients)
    before = bytes_read_into_cache(collection)
    timed = clients.phase(conditions, each, seed)
    after = bytes_read_into_cache(collection)
    read = None if before is None or after is None else after - before
    return MeasuredPhase(conditions, timed, os.getloadavg()[0], read)


def _check_options(options: LoadTestOptions) -> None:
    if wrong := [number for number in options.clients if not 1 <= number <= _MAX_CLIENTS]:
        raise SettingError(f"--clients is {wrong[0]}; expected 1 to {_MAX_CLIENTS}")
    if options.requests < 1:
        raise SettingError(f"--requests is {options.requests}; expected 1 or more")
