"""Makes Airbyte's configuration match the declaration: updates what exists by name, and creates what is missing.

Nothing is deleted. Airbyte does not return secrets, so they cannot be compared. They are sent with every other change,
and with `secrets` in any case.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from forecast.core.errors import InterruptedRunError, RetryableError, SettingError
from forecast.ingest.airbyte.client import AirbyteApi, is_secret
from forecast.ingest.airbyte.desired import Json, Setup, SourceSetup
from forecast.ingest.clock import Clock

_POLL_SECONDS: Final = 5.0
_ENDED: Final = frozenset({"succeeded", "failed", "cancelled", "incomplete"})
_MAX_LETTERS: Final = 60
_NOT_YET: Final = "not created yet"


@dataclass(frozen=True, slots=True)
class Change:
    """What is done to one resource, or would be: create, update or nothing. `details`: "field: before -> after"."""

    kind: str
    name: str
    action: str
    details: tuple[str, ...] = ()


@dataclass(slots=True)
class Applier:
    """Compares and, unless `dry_run`, changes."""

    api: AirbyteApi
    workspace_id: str
    dry_run: bool = False
    secrets: bool = False

    def apply(self, setup: Setup) -> Iterator[Change]:
        """Apply a setup, in the order of its dependencies. Yields each change once it has been made."""
        change, destination_id = self._actor("destination", setup.destination_name, setup.destination, None)
        yield change
        for source in setup.sources:
            change, definition_id = self._definition(source)
            yield change
            change, source_id = self._actor("source", source.name, source.configuration, definition_id)
            yield change
            yield self._connection(source, source_id, destination_id)

    def connection_id(self, name: str) -> str:
        """The id of the connection with this name. Raises SettingError if there is none."""
        found = self._named("/connections", name)
        if found is None:
            raise SettingError(f"Airbyte has no connection {name!r} in this workspace; run forecast airbyte apply")
        return str(found["connectionId"])

    def _definition(self, source: SourceSetup) -> tuple[Change, str]:
        path = f"/workspaces/{self.workspace_id}/definitions/declarative_sources"
        found = self._named(path, source.name)
        if found is None:
            made = self._do("POST", path, {"name": source.name, "manifest": source.manifest})
            return Change("definition", source.name, "create"), str(made.get("id", _NOT_YET))
        details = tuple(_differences(found["manifest"], source.manifest))
        if details:
            self._do("PUT", f"{path}/{found['id']}", {"manifest": source.manifest})
        return Change("definition", source.name, "update" if details else "nothing", details), str(found["id"])

    def _actor(self, kind: str, name: str, configuration: Json, definition_id: str | None) -> tuple[Change, str]:
        """A source or a destination."""
        found = self._named(f"/{kind}s", name)
        if found is None:
            body = {"name": name, "workspaceId": self.workspace_id, "configuration": configuration}
            made = self._do("POST", f"/{kind}s", body | ({"definitionId": definition_id} if definition_id else {}))
            return Change(kind, name, "create"), str(made.get(f"{kind}Id", _NOT_YET))
        wanted = {field: value for field, value in configuration.items() if field != f"{kind}Type"}
        details = tuple(_differences(found["configuration"], wanted))
        if self.secrets:
            details += tuple(f"{field}: sent again" for field in wanted if is_secret(field))
        if details:
            self._do("PUT", f"/{kind}s/{found[f'{kind}Id']}", {"name": name, "configuration": configuration})
        return Change(kind, name, "update" if details else "nothing", details), str(found[f"{kind}Id"])

    def _connection(self, source: SourceSetup, source_id: str, destination_id: str) -> Change:
        found = self._named("/connections", source.name)
        ends = {"sourceId": source_id, "destinationId": destination_id}
        if found is None:
            self._do("POST", "/connections", {"name": source.name, **ends, **source.connection})
            return Change("connection", source.name, "create")
        details = tuple(_differences(found, source.connection | ends))
        other = [name for name, end in ends.items() if found.get(name) != end]
        if other:
            raise SettingError(
                f"the connection {source.name!r} has another {' and '.join(other)}, which cannot be changed; delete it "
                "in Airbyte and apply again"
            )
        if details:
            self._do("PATCH", f"/connections/{found['connectionId']}", dict(source.connection))
        return Change("connection", source.name, "update" if details else "nothing", details)

    def _named(self, path: str, name: str) -> Json | None:
        found = [entry for entry in self.api.all(path, self.workspace_id) if entry["name"] == name]
        if len(found) > 1:
            raise SettingError(f"Airbyte has {len(found)} entries named {name!r} in {path}; rename all but one")
        return found[0] if found else None

    def _do(self, method: str, path: str, body: Json) -> Json:
        return {} if self.dry_run else self.api.call(method, path, body)


def run_sync(api: AirbyteApi, connection_id: str, clock: Clock, stop: threading.Event) -> Json:
    """Start a sync and wait for its end. Returns the job as Airbyte reports it.

    Raises RetryableError if it does not succeed, and InterruptedRunError if `stop` is set meanwhile.
    """
    job = api.call("POST", "/jobs", {"connectionId": connection_id, "jobType": "sync"})
    while job["status"] not in _ENDED:
        if stop.is_set():
            raise InterruptedRunError(f"interrupted; Airbyte's job {job['jobId']} continues")
        clock.wait(_POLL_SECONDS)
        job = api.call("GET", f"/jobs/{job['jobId']}")
    if job["status"] != "succeeded":
        raise RetryableError(f"Airbyte's job {job['jobId']} ended as {job['status']}; its log is in Airbyte")
    return job


def _differences(found: Any, wanted: Any, path: str = "") -> Iterator[str]:
    """Where the existing configuration differs from the wanted one; fields that only the former has are ignored."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        for name, value in wanted.items():
            if not is_secret(name):
                yield from _differences(found.get(name), value, f"{path}.{name}" if path else name)
    elif isinstance(wanted, list) and isinstance(found, list) and len(wanted) == len(found):
        for index, (old, new) in enumerate(zip(found, wanted, strict=True)):
            yield from _differences(old, new, f"{path}[{index}]")
    elif found != wanted:
        yield f"{path}: {_short(found)} -> {_short(wanted)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _MAX_LETTERS else f"{text[:_MAX_LETTERS]}…"
