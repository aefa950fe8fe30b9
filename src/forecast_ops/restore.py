"""Restores a dump: checks it against its manifest, then streams it from the bucket to mongorestore."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import IO

from pymongo import ReadPreference

from forecast.core.errors import RetryableError, SettingError
from forecast_ops.archives import Archives
from forecast_ops.dump import Client, count
from forecast_ops.tools import config_file, find_tool, log_tail


def restore(client: Client, ca_file: Path, archives: Archives, name: str, *, replace: bool) -> dict[str, int]:
    """Restore a dump to the database that it was taken from. Returns the number of documents by collection.

    With `replace`, the collections of the dump replace the existing ones; without it, an existing document is a
    SettingError. Also raises SettingError if the archive differs from its manifest, and RetryableError if mongorestore
    fails or restores fewer documents than there were when the dump began.
    """
    program = find_tool("mongorestore")
    manifest = archives.manifest(name)
    if not replace and any(count(client, manifest.database, ReadPreference.PRIMARY).values()):
        raise SettingError(
            f"the database {manifest.database} is not empty; --replace replaces its contents with the dump"
        )
    if archives.digest(name) != manifest.sha256:
        raise SettingError(
            f"{archives.uri(name)} is damaged: its SHA-256 differs from that in its manifest; nothing was restored"
        )
    options = ["--archive", "--gzip", "--stopOnError", f"--nsInclude={manifest.database}.*"]
    with config_file(ca_file, w="majority") as config, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        command = [program, f"--config={config}", *options, *(["--drop"] if replace else [])]
        with log.open("wb") as errors, subprocess.Popen(command, stdin=subprocess.PIPE, stderr=errors) as process:
            _feed(archives, name, process.stdin)  # type: ignore[arg-type]
            code = process.wait()
        if code != 0:
            raise RetryableError(f"mongorestore ended with exit code {code}: {log_tail(log)}")
    restored = count(client, manifest.database, ReadPreference.PRIMARY)
    fewer = [collection for collection, before in manifest.documents.items() if restored.get(collection, 0) < before]
    if fewer:
        raise RetryableError(
            f"{', '.join(fewer)}: fewer documents than when the dump began. If the pipeline deleted none meanwhile, "
            "restore another dump, or fill the database from the processed zone with forecast migrate"
        )
    return restored


def _feed(archives: Archives, name: str, target: IO[bytes]) -> None:
    try:
        archives.download(name, target)
        target.close()
    except BrokenPipeError:
        # mongorestore has ended early; its exit code says why.
        return
