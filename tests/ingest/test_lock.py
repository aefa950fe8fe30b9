"""One run a source at a time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from forecast.core.errors import RetryableError
from forecast.core.processes import this_place
from forecast.ingest import lock
from forecast.ingest.lock import LEASE_SECONDS, SourceLeasedError, source_lease
from forecast.storage.documents import LocalDocuments
from tests.ingest.apis import Ingest

NAME = "wunderground.lease"


@pytest.fixture
def documents(tmp_path: Path) -> LocalDocuments:
    return LocalDocuments(tmp_path, "INGEST_STATE_URI")


def held_by(documents: LocalDocuments, **holder: Any) -> None:
    documents.write(NAME, json.dumps({"run_id": "other", "host": "elsewhere", **holder}).encode(), None)


def test_a_source_that_is_being_read_is_not_read_by_another_run(documents: LocalDocuments) -> None:
    with source_lease(documents, "wunderground", "one"):
        other = source_lease(documents, "wunderground", "other")
        with pytest.raises(SourceLeasedError, match="another run is reading wunderground: one on "), other:
            pass
        with source_lease(documents, "infoclimat", "other"):
            pass
    with source_lease(documents, "wunderground", "other"):
        pass


def test_the_run_that_is_turned_away_makes_no_call(tmp_path: Path) -> None:
    ingest = Ingest(tmp_path)
    held_by(LocalDocuments(tmp_path / "raw.ingest", ""))
    (source,) = ingest.run("wunderground").sources
    assert (source.exit_code, source.calls, ingest.apis.calls) == (1, 0, [])
    assert source.fault is not None
    assert "another run is reading wunderground: other on elsewhere" in source.fault


def test_a_lease_that_was_not_renewed_is_taken(documents: LocalDocuments, tmp_path: Path) -> None:
    held_by(documents)
    then = (tmp_path / NAME).stat().st_mtime - LEASE_SECONDS
    os.utime(tmp_path / NAME, (then, then))
    with source_lease(documents, "wunderground", "mine") as lease:
        lease.check()


def test_the_lease_of_a_process_that_is_gone_is_taken_at_once(documents: LocalDocuments) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    held_by(documents, pid=gone.pid, place=this_place())
    with source_lease(documents, "wunderground", "mine") as lease:
        lease.check()


@pytest.mark.parametrize("place", [this_place(), "another boot"])
def test_the_lease_of_a_process_that_may_live_is_not(documents: LocalDocuments, place: str | None) -> None:
    held_by(documents, pid=os.getppid(), place=place)
    with pytest.raises(SourceLeasedError), source_lease(documents, "wunderground", "mine"):
        pass


def test_a_run_whose_lease_was_taken_finds_out(documents: LocalDocuments, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lock, "_RENEWAL_SECONDS", 0.01)
    with source_lease(documents, "wunderground", "mine") as lease:
        while True:
            found = documents.read(NAME)
            assert found is not None
            try:
                documents.write(NAME, b'{"run_id": "thief"}', found.version)
            except RetryableError:
                continue  # it was renewed meanwhile
            break
        assert lease.lost.wait(300)
        with pytest.raises(RetryableError, match="its lease expired"):
            lease.check()
    found = documents.read(NAME)
    assert found is not None
    assert found.content == b'{"run_id": "thief"}'
