"""Publishes the site: writes only what changed, and removes what no longer exists."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from forecast.core.errors import RetryableError
from forecast.core.work_folder import work_folder
from forecast.storage import Store

MANIFEST: Final = "manifest.json"
_FILE: Final = "file"
# A nightly run writes all pages; with hourly runs, a country's pages are written over the course of the day.
_MOST_BEHIND_S: Final = 86_400 - 3_600


@dataclass(frozen=True, slots=True)
class Published:
    """How many files were written, left as they were, and removed."""

    written: int
    unchanged: int
    removed: int


@dataclass(frozen=True, slots=True)
class OnDemand:
    """A file that is only built if its inputs have changed since last time; `make` returns None for no file.

    The files of a `group` are built together. `digest` covers what they must show at once, `values` the values
    that they show, and `newest` is the time of the newest of these (seconds since 1970).
    """

    group: str
    digest: str
    newest: float
    values: str
    make: Callable[[], bytes | None]

    @property
    def entry(self) -> str:
        """Its entry in the manifest."""
        return f"{self.digest} {self.newest:014.3f} {self.values}"


def publish_site(
    files: Iterable[tuple[str, bytes | OnDemand]],
    store: Store,
    kept: Iterable[str] = (),
    most_groups: int | None = None,
) -> Published:
    """Write the files in order, then remove files of the previous build that no longer exist.

    A `kept` file of the previous build stays unchanged, whether or not it is among the files. With `most_groups`, of
    the groups in which only values of less than a day are new, only this many are built, those with the oldest
    values first; the others stay unchanged too.

    `manifest.json` lists what was published, with digests, and is written last: after a fault in between, the
    next build writes the same files again. Raises ForecastError if the place cannot be written to.
    """
    with work_folder() as folder:
        path = folder / _FILE
        before = _manifest(store, path)
        after: dict[str, str] = {name: before[name] for name in kept if name in before}
        written = 0
        left = deque(files)
        if most_groups is not None:
            waiting = _waiting(left, before, most_groups)
            after.update({name: before[name] for name in waiting if name in before})
        # Pages are released once written, because those of all stations together are large.
        while left:
            name, content = left.popleft()
            if name in after:
                continue
            digest = content.entry if isinstance(content, OnDemand) else sha256(content).hexdigest()
            if before.get(name) != digest:
                made = content.make() if isinstance(content, OnDemand) else content
                if made is None:
                    continue
                path.write_bytes(made)
                store.publish(path, name)
                written += 1
            after[name] = digest
        gone = before.keys() - after.keys()
        for name in sorted(gone):
            store.remove(name)
        if after != before:
            path.write_text(json.dumps(dict(sorted(after.items())), indent=0) + "\n", "utf-8")
            store.publish(path, MANIFEST)
        return Published(written, len(after) - written, len(gone))


def _waiting(files: Iterable[tuple[str, bytes | OnDemand]], before: Mapping[str, str], most: int) -> list[str]:
    """The files of the groups that can wait, without the `most` groups with the oldest values."""
    groups: dict[str, list[tuple[str, str]]] = {}
    at_once: set[str] = set()
    for name, content in files:
        if isinstance(content, OnDemand) and (entry := before.get(name, "")) != content.entry:
            digest, _, values = entry.partition(" ")
            newest = values.partition(" ")[0]
            if digest != content.digest or content.newest - float(newest) >= _MOST_BEHIND_S:
                at_once.add(content.group)
            else:
                groups.setdefault(content.group, []).append((newest, name))
    behind = sorted((min(found), group) for group, found in groups.items() if group not in at_once)
    return [name for _, group in behind[most:] for _, name in groups[group]]


def _manifest(store: Store, path: Path) -> dict[str, str]:
    """What was published last time; empty if unknown, so that everything is written again."""
    listed = store.find(MANIFEST)
    if listed is None:
        return {}
    try:
        store.fetch(listed, path)
        found = json.loads(path.read_text("utf-8"))
    except (RetryableError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}
