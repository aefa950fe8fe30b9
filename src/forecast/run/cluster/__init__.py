"""A run whose objects and QC windows are processed by the workers of a Dask cluster (decision 11 in docs/decisions)."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from forecast.core.errors import SettingError
from forecast.core.settings import Settings
from forecast.core.stations import Stations
from forecast.mongo.client import ObservationCollection
from forecast.run.cache import program_digest
from forecast.run.run import Run, RunOptions
from forecast.storage import Store

if TYPE_CHECKING:
    from forecast.run.cluster.executor import DaskExecutor


def check_cluster(options: RunOptions, settings: Settings) -> None:
    """Raise SettingError if the options ask for a cluster and something is obviously missing."""
    if not options.on_cluster:
        return
    if importlib.util.find_spec("distributed") is None:
        raise SettingError(
            "--workers and --scheduler need Dask, which is not installed: install the extra dask "
            "(poetry install --extras dask)"
        )
    if options.scheduler is not None:
        # The embedded MongoDB only serves processes on this machine.
        settings.require_mongodb_uri()


@contextmanager
def dask_executor(
    run: Run,
    stations: Stations,
    raw: Store,
    processed: Store,
    collection: ObservationCollection,
    mongodb_uri: str,
    folder: Path,
) -> Iterator[DaskExecutor]:
    """The executor that distributes the work of this run to the cluster that its options name.

    Workers on other machines take MONGODB_URI and S3 credentials from their own environment.
    """
    from forecast.run.cluster.connection import cluster_client  # noqa: PLC0415  a run without a cluster imports none
    from forecast.run.cluster.executor import DaskExecutor  # noqa: PLC0415
    from forecast.run.cluster.job import job_of  # noqa: PLC0415

    own_uri = mongodb_uri if run.options.scheduler is None else None
    job = job_of(run, stations, raw.uri, processed.uri, program_digest(stations), own_uri)
    with cluster_client(run.options, run.settings, folder) as client:
        executor = DaskExecutor(run, job, client, collection)
        executor.begin()
        try:
            yield executor
        finally:
            executor.end()
