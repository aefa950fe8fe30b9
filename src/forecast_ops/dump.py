"""The nightly dump: mongodump reads from a secondary, and its output is streamed to the backup bucket.

Nothing is kept on disk, and a failed dump leaves no object. One database is dumped, without its users: `forecast mongo
init` creates those from their secrets.
"""

from __future__ import annotations

import hashlib
import subprocess
import tempfile
import time
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from pymongo import MongoClient, ReadPreference
from pymongo.read_preferences import _ServerMode

from forecast.core.errors import RetryableError
from forecast_ops.archives import Archives, Manifest, name_of
from forecast_ops.tools import config_file, find_tool, log_tail

Client = MongoClient[dict[str, Any]]


def dump(client: Client, database: str, ca_file: Path, archives: Archives, now: datetime) -> tuple[str, Manifest]:
    """Dump a database. Returns the dump's name in the bucket and its manifest.

    Raises SettingError if mongodump is not installed, and RetryableError if mongodump or S3 fails.
    """
    program = find_tool("mongodump")
    name = name_of(now)
    begin = time.monotonic()
    documents = count(client, database, ReadPreference.SECONDARY_PREFERRED)
    with config_file(ca_file, readPreference="secondary") as config, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [program, f"--config={config}", f"--db={database}", "--archive", "--gzip"]
        with log.open("wb") as errors, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process:
            try:
                stream = _Dumped(process, log)
                archives.upload(name, stream)
            finally:
                process.kill()
    manifest = Manifest(
        database=database,
        time=name,
        bytes=stream.bytes,
        sha256=stream.digest.hexdigest(),
        documents=documents,
        seconds=round(time.monotonic() - begin, 3),
    )
    archives.finish(name, manifest)
    return name, manifest


def count(client: Client, database: str, read_preference: _ServerMode) -> dict[str, int]:
    """Documents by collection."""
    there = client.get_database(database, read_preference=read_preference)
    return {name: there[name].count_documents({}) for name in sorted(there.list_collection_names())}


class _Dumped:
    """mongodump's output. Reading its end raises an error if mongodump failed, so that S3 keeps nothing."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log
        self._output: IO[bytes] = process.stdout  # type: ignore[assignment]
        self.bytes = 0
        self.digest = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        """At most `size` bytes; fewer only at the end."""
        block = self._output.read(size)
        self.bytes += len(block)
        self.digest.update(block)
        # The uploader takes a short read for the end and does not ask again.
        if len(block) < size or size < 0:
            self._check_end()
        return block

    def _check_end(self) -> None:
        code = self._process.wait()
        if code != 0 or self.bytes == 0:
            raise RetryableError(f"mongodump ended with exit code {code}: {log_tail(self._log)}")
