"""Connects a run to a Dask cluster: processes that it starts, or an existing scheduler."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from distributed import Client, LocalCluster, Security
from distributed.versions import VersionMismatchWarning

from forecast.core.errors import RetryableError, SettingError
from forecast.core.settings import Settings
from forecast.run.cluster.tasks import WORKERS_SECONDS
from forecast.run.run import RunOptions

_CONNECT_SECONDS: Final = 20
# They log lost connections with tracebacks; a run reports these in its own words.
_TALKATIVE: Final = ("distributed", "distributed.client", "tornado", "tornado.application", "asyncio")


@contextmanager
def cluster_client(options: RunOptions, settings: Settings, folder: Path) -> Iterator[Client]:
    """A client of the cluster that the options name; `folder` is for what Dask writes.

    Raises RetryableError if the scheduler cannot be reached or has no worker, or if processes cannot be started;
    SettingError for TLS that is not set up.
    """
    with ExitStack() as ends:
        for name in _TALKATIVE:
            ends.enter_context(_silenced(logging.getLogger(name)))
        if options.scheduler is None:
            cluster = ends.enter_context(_local_cluster(options.workers or 1, folder))
            yield ends.enter_context(Client(cluster, set_as_default=False))
            return
        client = ends.enter_context(_connected(options.scheduler, _security(options.scheduler, settings)))
        try:
            client.wait_for_workers(1, timeout=WORKERS_SECONDS)
        except TimeoutError as error:
            raise RetryableError(f"the Dask scheduler at {options.scheduler} has no worker; start one") from error
        yield client


@contextmanager
def _silenced(logger: logging.Logger) -> Iterator[None]:
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)


def _local_cluster(workers: int, folder: Path) -> LocalCluster:
    """Processes on this machine. Other users cannot connect, because the cluster has a certificate of its own."""
    try:
        return LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            protocol="tls",
            security=Security.temporary(),
            dashboard_address="127.0.0.1:0",
            # The program itself limits the memory that a run takes.
            memory_limit=0,
            local_directory=str(folder / "dask"),
            silence_logs=logging.CRITICAL,
        )
    except (OSError, RuntimeError) as error:
        raise RetryableError(f"the {workers} workers could not be started: {error}") from error


@contextmanager
def _connected(address: str, security: Security | None) -> Iterator[Client]:
    with warnings.catch_warnings():
        # `worker` rejects a worker whose program or libraries would produce different records.
        warnings.simplefilter("ignore", VersionMismatchWarning)
        try:
            client = Client(address, security=security, timeout=_CONNECT_SECONDS, set_as_default=False)
        except OSError as error:
            raise RetryableError(
                f"the Dask scheduler at {address} cannot be reached, or refused the connection; does it run there, "
                "and with TLS signed by the same CA?"
            ) from error
    with client:
        yield client


def _security(address: str, settings: Settings) -> Security | None:
    """The mutual TLS that tls:// requires."""
    if not address.startswith("tls://"):
        return None
    ca, certificate, key = (
        settings.scheduler_tls_ca,
        settings.scheduler_tls_cert,
        settings.scheduler_tls_key,
    )
    if ca is None or certificate is None or key is None:
        raise SettingError(
            "a scheduler at tls:// needs SCHEDULER_TLS_CA, SCHEDULER_TLS_CERT and SCHEDULER_TLS_KEY: the private CA, "
            "and a certificate of it with its key"
        )
    for path in (ca, certificate, key):
        if not path.is_file():
            raise SettingError(f"{path}, which a setting SCHEDULER_TLS_… names, is not a file that can be read")
    return Security(
        require_encryption=True, tls_ca_file=str(ca), tls_client_cert=str(certificate), tls_client_key=str(key)
    )
