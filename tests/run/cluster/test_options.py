"""What a run says before it begins, where its workers cannot be had as they were asked for."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from forecast.core.errors import RetryableError, SettingError
from forecast.core.settings import Settings
from forecast.run.cluster import check_cluster
from forecast.run.cluster.connection import cluster_client
from forecast.run.run import RunOptions

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"workers": 2, "scheduler": "tcp://host:8786"}, "--workers and --scheduler exclude each other"),
        ({"workers": 0}, "--workers is 0; expected a number from 1"),
        ({"scheduler": "host:8786"}, "--scheduler is not the address of a Dask scheduler"),
        ({"scheduler": "tcp://user:word@host:8786"}, "expected tcp://HOST:PORT or tls://HOST:PORT"),
        ({"workers": 2, "dry_run": True}, "--dry-run goes without workers"),
    ],
)
def test_contradictory_options_are_an_error(options: dict[str, object], words: str) -> None:
    with pytest.raises(SettingError) as caught:
        RunOptions(**options)  # type: ignore[arg-type]
    assert words in caught.value.message
    assert "word@" not in caught.value.message


def test_without_the_extra_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SettingError) as caught:
        check_cluster(RunOptions(workers=2), Settings())
    assert caught.value.message == (
        "--workers and --scheduler need Dask, which is not installed: install the extra dask "
        "(poetry install --extras dask)"
    )
    check_cluster(RunOptions(), Settings())


def test_the_embedded_database_is_not_for_workers_of_other_machines() -> None:
    with pytest.raises(SettingError, match="MONGODB_URI is not set"):
        check_cluster(RunOptions(scheduler="tcp://host:8786"), Settings())


def test_a_scheduler_at_tls_needs_certificates(tmp_path: Path) -> None:
    options = RunOptions(scheduler="tls://127.0.0.1:8786")
    with pytest.raises(SettingError, match="SCHEDULER_TLS_CA, SCHEDULER_TLS_CERT and SCHEDULER_TLS_KEY"):
        cluster_client(options, Settings(), tmp_path).__enter__()
    absent = tmp_path / "ca.pem"
    settings = Settings(scheduler_tls_ca=absent, scheduler_tls_cert=absent, scheduler_tls_key=absent)
    with pytest.raises(SettingError, match=r"ca\.pem, which a setting SCHEDULER_TLS_… names, is not a file"):
        cluster_client(options, settings, tmp_path).__enter__()


def test_an_unreachable_scheduler_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("forecast.run.cluster.connection._CONNECT_SECONDS", 0.2)
    with pytest.raises(RetryableError, match=r"the Dask scheduler at tcp://127\.0\.0\.1:9 cannot be reached"):
        cluster_client(RunOptions(scheduler="tcp://127.0.0.1:9"), Settings(), tmp_path).__enter__()


@pytest.mark.whole
def test_a_run_without_workers_imports_nothing_of_dask() -> None:
    code = "import main, sys; sys.exit(any(name in sys.modules for name in ('dask', 'distributed', 'tornado')))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
