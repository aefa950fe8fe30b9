"""What was fetched of each file, kept next to the raw zone.

An object is written before the state records it. If a run is killed in between, the next one downloads the file again
and writes the same object under the same key.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from forecast.core.errors import SettingError
from forecast.ingest.state import in_format
from forecast.storage.documents import Documents

_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class FetchedFile:
    """A file as it was last fetched: what its listing and its server said about it, and a digest."""

    listed: str
    etag: str
    last_modified: str
    digest: str


@dataclass(slots=True)
class FileState:
    """The state of one source of files; only the holder of its lease writes it."""

    documents: Documents
    source: str
    since: date | None = None
    files: dict[str, FetchedFile] = field(default_factory=dict)
    _version: str | None = None

    @property
    def name(self) -> str:
        """The document's name."""
        return f"{self.source}.json"

    def load(self) -> None:
        """Read it. Raises SettingError if this program did not write it."""
        found = self.documents.read(self.name)
        if found is None:
            return
        try:
            kept = in_format(json.loads(found.content), _FORMAT, self.source)
            self.since = date.fromisoformat(kept["since"]) if kept["since"] else None
            self.files = {key: FetchedFile(**entry) for key, entry in kept["files"].items()}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingError(
                f"{self.documents.uri.rstrip('/')}/{self.name} was not written by this program; move it away to fetch "
                "every file again"
            ) from error
        self._version = found.version

    def save(self) -> None:
        """Write it, replacing what was read."""
        content = {
            "format_version": _FORMAT,
            "source": self.source,
            "since": self.since.isoformat() if self.since else None,
            "files": {
                key: {"listed": one.listed, "etag": one.etag, "last_modified": one.last_modified, "digest": one.digest}
                for key, one in sorted(self.files.items())
            },
        }
        self._version = self.documents.write(self.name, json.dumps(content).encode(), self._version)
