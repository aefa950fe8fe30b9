"""The temporary folder of a process. Each process removes what killed processes left behind."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from forecast.core.file_lock import lock, try_lock

_WORK_PREFIX = "forecast-run-"
_LOCK = ".lock"


@contextmanager
def work_folder() -> Iterator[Path]:
    """A folder for this run's copies and staged files. It is removed at the end, and so are those of killed runs."""
    place = Path(tempfile.gettempdir())
    for other in place.glob(f"{_WORK_PREFIX}*"):
        _remove_if_left(other)
    with tempfile.TemporaryDirectory(prefix=_WORK_PREFIX) as name, _locked(Path(name) / _LOCK):
        yield Path(name)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that the kernel releases when the process ends; the file only gets its name once it is locked."""
    made = path.with_suffix(".new")
    with made.open("w") as file:
        lock(file)
        made.rename(path)
        yield


def _remove_if_left(folder: Path) -> None:
    """Remove the work folder of a run that has ended, but not another user's, nor one that is just being created."""
    try:
        with (folder / _LOCK).open("r+") as file:
            if try_lock(file):
                shutil.rmtree(folder, ignore_errors=True)
    except OSError:
        return
