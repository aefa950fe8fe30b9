"""Objects of the raw zone, as Airbyte's S3 destination (1.0 and later, JSONL, gzip, no flattening) writes them.

Default pattern of the key: <namespace>/<stream>/<year>_<month>_<day>_<epoch ms>_<part>.jsonl.gz, with the start of the
sync in UTC. The namespace is the source. On S3, the object's metadata gives the generation.
https://docs.airbyte.com/integrations/destinations/s3
"""

from __future__ import annotations

import gzip
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from forecast.storage import Store

# Airbyte begins a new part at about 200 MB.
MAX_PART_BYTES: Final = 200 << 20
_EXTENSION: Final = "jsonl.gz"
_GENERATION_METADATA: Final = "ab-generation-id"


class Part:
    """An object that is being written to a local file; it only appears in the raw zone with `publish`."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"part.{_EXTENSION}"
        self._raw = self._path.open("wb")
        self._file = gzip.GzipFile("", "wb", 6, self._raw)
        self.records = 0
        self.size = 0

    def add(self, data: str, extracted_ms: int, sync: Sync) -> None:
        """Add a record, which is JSON text on one line."""
        line = (
            f'{{"_airbyte_raw_id":"{uuid7(extracted_ms)}","_airbyte_extracted_at":{extracted_ms},'
            f'"_airbyte_meta":{{"sync_id":{sync.sync_id},"changes":[]}},"_airbyte_generation_id":{sync.generation},'
            f'"_airbyte_data":{data}}}\n'
        ).encode()
        self._file.write(line)
        self.records += 1
        self.size += len(line)

    def publish(self, store: Store, key: str, sync: Sync) -> None:
        """Publish it to the raw zone, completely or not at all."""
        self._close()
        store.publish(self._path, key, {_GENERATION_METADATA: str(sync.generation)})
        self._path.unlink()

    def discard(self) -> None:
        """Discard the file."""
        self._close()
        self._path.unlink(missing_ok=True)

    def _close(self) -> None:
        self._file.close()
        self._raw.close()


class Sync:
    """One sync of one stream: its number, which is the time of its start, and the keys of its objects."""

    def __init__(self, source: str, stream: str, started_ms: int, generation: int) -> None:
        self.sync_id = started_ms
        self.generation = generation
        self._prefix = f"{source}/{stream}"
        self._parts = 0

    def next_key(self) -> str:
        """The key of the next object."""
        started = datetime.fromtimestamp(self.sync_id / 1000, UTC)
        key = f"{self._prefix}/{started:%Y_%m_%d}_{self.sync_id}_{self._parts}.{_EXTENSION}"
        self._parts += 1
        return key


def uuid7(milliseconds: int) -> str:
    """A UUID of version 7 (RFC 9562): 48 bits of time, then random bits."""
    chance = int.from_bytes(os.urandom(10), "big")
    high = 0x7000 | (chance >> 68) & 0x0FFF
    low = 0x8000 | (chance >> 48) & 0x3FFF
    time_digits = f"{milliseconds:012x}"
    return f"{time_digits[:8]}-{time_digits[8:]}-{high:04x}-{low:04x}-{chance & 0xFFFFFFFFFFFF:012x}"
