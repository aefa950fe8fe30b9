"""Background runs during a measurement: real runs, with their own raw data and collections."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from forecast.core.errors import ForecastError
from forecast.core.settings import SETTINGS, Settings
from forecast.core.text import without_secrets
from forecast.mongo.client import ObservationCollection
from forecast.mongo.scratch import drop_scratch, number_of, scratch_of
from forecast.report.models.load_test import Background

_RUN: Final = "from forecast.cli.program import pipeline; pipeline()"
_POLL_SECONDS: Final = 0.05


@contextmanager
def background_runs(
    settings: Settings, collection: ObservationCollection, write_raw: Callable[[Path], object]
) -> Iterator[Callable[[], Background]]:
    """Runs one after another on the raw data that `write_raw` writes; yields once the first documents are loaded.

    Each run starts with empty collections next to the real ones, dropped afterwards. The yielded function says
    what became of the runs. The settings must name a running server.
    """
    scratch = scratch_of(collection)
    with TemporaryDirectory(prefix="forecast-load-test-") as name:
        folder = Path(name)
        write_raw(folder / "raw")
        runs = _Runs(settings, scratch, folder)
        try:
            runs.start()
            yield runs.so_far
        finally:
            runs.end()


class _Runs:
    """One run after another, in a thread that waits for each."""

    def __init__(self, settings: Settings, scratch: ObservationCollection, folder: Path) -> None:
        self._settings = settings
        self._scratch = scratch
        self._folder = folder
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="background runs")
        self._process: subprocess.Popen[bytes] | None = None
        self._runs = self._documents = 0
        self._failed: str | None = None

    def start(self) -> None:
        """Start, and return once there are documents, or the first run has failed."""
        self._thread.start()
        while self._thread.is_alive() and not number_of(self._scratch):
            time.sleep(_POLL_SECONDS)

    def end(self) -> None:
        """Stop the current run, and drop what the runs wrote."""
        self._ending.set()
        if (process := self._process) is not None:
            process.terminate()
        if self._thread.ident is not None:
            self._thread.join()
        drop_scratch(self._scratch)

    def so_far(self) -> Background:
        """What became of the runs."""
        return Background(self._runs, self._documents, self._failed)

    def _work(self) -> None:
        try:
            while self._failed is None and not self._ending.is_set():
                drop_scratch(self._scratch)
                self._run()
                self._documents += number_of(self._scratch)
        except ForecastError as error:
            self._failed = error.message

    def _run(self) -> None:
        """One run, in an empty folder."""
        place = self._folder / str(self._runs)
        place.mkdir()
        log = place / "log"
        with log.open("wb") as errors:
            process = subprocess.Popen(
                [sys.executable, "-c", _RUN],
                cwd=place,
                env=self._environment(place),
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
            self._process = process
            if self._ending.is_set():
                process.terminate()
            code = process.wait()
        shutil.rmtree(place / "processed", ignore_errors=True)
        if self._ending.is_set():
            return
        self._runs += 1
        if code:
            last = (log.read_text("utf-8", "replace").splitlines() or ["it printed nothing"])[-1]
            self._failed = f"exit code {code}: {without_secrets(last)}"

    def _environment(self, place: Path) -> dict[str, str]:
        """The environment of a run: the server of this command, and none of its other settings."""
        ours = {setting.name for setting in SETTINGS}
        return {
            **{name: value for name, value in os.environ.items() if name not in ours},
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "RAW_URI": str(self._folder / "raw"),
            "PROCESSED_URI": str(place / "processed"),
            "LOGS_DIR": str(place / "logs"),
            "MONGODB_URI": self._settings.require_mongodb_uri(),
            "MONGODB_DATABASE": self._settings.mongodb_database,
            "MONGODB_COLLECTION": self._scratch.name,
            "LOG_LEVEL": "ERROR",
        }
