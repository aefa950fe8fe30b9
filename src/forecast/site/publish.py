"""Publishes the site: writes only what changed, and removes what no longer exists."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from forecast.core.errors import RetryableError
from forecast.core.work_folder import work_folder
from forecast.storage import Store

MANIFEST: Final = "manifest.json"
# In the place of the digest, for a file that was never written.
_UNWRITTEN: Final = "unwritten"
# A nightly run writes all pages; with hourly runs, a country's pages are written over the course of the day.
_MOST_BEHIND_S: Final = 86_400 - 3_600


@dataclass(frozen=True, slots=True)
class Published:
    """How many files were written, left as they were, removed, and left for later."""

    written: int
    unchanged: int
    removed: int
    later: int = 0


@dataclass(frozen=True, slots=True)
class OnDemand:
    """A file that is only built if its inputs have changed since last time; `make` returns None for no file.

    The files of a `group` are built together; before the first file of all is, `expect` is called for each that will
    be, in order. `digest` covers what they must show at once, `values` the values
    that they show, and `newest` is the time of the newest of these (seconds since 1970).
    """

    group: str
    digest: str
    newest: float
    values: str
    make: Callable[[], bytes | None]
    expect: Callable[[], None] = lambda: None

    @property
    def entry(self) -> str:
        """Its entry in the manifest."""
        return _entry(self.digest, self.newest, self.values)


@dataclass(frozen=True, slots=True)
class Linking:
    """A file with links to others; `make` gets the names of those that are still to be written."""

    make: Callable[[Set[str]], bytes]


def publish_site(
    files: Iterable[tuple[str, bytes | OnDemand | Linking]],
    store: Store,
    kept: Iterable[str] = (),
    most_groups: int | None = None,
    at: float = 0.0,
) -> Published:
    """Write the files in order, then remove files of the previous build that no longer exist.

    A `kept` file of the previous build stays unchanged, whether or not it is among the files. With `most_groups`, of
    the groups in which only values of less than a day are new, only this many are built: first those that never were,
    as they come, then those with the oldest values. The others stay unchanged, or are left for later, but not for a
    day; `at` is the time of this build (seconds since 1970).

    `manifest.json` lists what was published, with digests, and is written last: after a fault in between, the
    next build writes the same files again. Raises ForecastError if the place cannot be written to.
    """
    before = _manifest(store)
    after: dict[str, str] = {name: before[name] for name in kept if name in before}
    written = 0
    left = deque(files)
    if most_groups is not None:
        after.update(_waiting(left, before, most_groups, at))
    missing = frozenset(name for name, entry in after.items() if entry.startswith(_UNWRITTEN))
    _expect(left, before, after)
    # Pages are released once written, because those of all stations together are large.
    while left:
        name, content = left.popleft()
        if name in after:
            continue
        if isinstance(content, Linking):
            content = content.make(missing)
        digest = content.entry if isinstance(content, OnDemand) else sha256(content).hexdigest()
        if before.get(name) != digest:
            made = content.make() if isinstance(content, OnDemand) else content
            if made is None:
                continue
            store.publish(memoryview(made), name)
            written += 1
        after[name] = digest
    gone = {name for name, entry in before.items() if name not in after and not entry.startswith(_UNWRITTEN)}
    for name in sorted(gone):
        store.remove(name)
    if after != before:
        listed = json.dumps(dict(sorted(after.items())), indent=0) + "\n"
        store.publish(memoryview(listed.encode()), MANIFEST)
    return Published(written, len(after) - written - len(missing), len(gone), len(missing))


def _entry(digest: str, newest: float, values: str) -> str:
    return f"{digest} {newest:014.3f} {values}"


def _waiting(files: Iterable[tuple[str, object]], before: Mapping[str, str], most: int, at: float) -> dict[str, str]:
    """The entries of the files of the groups that can wait, without the `most` groups that come first."""
    groups: dict[str, dict[str, str]] = {}
    first: dict[str, tuple[bool, str]] = {}
    at_once: set[str] = set()
    for name, content in files:
        if not isinstance(content, OnDemand):
            continue
        entry = before.get(name) or _entry(_UNWRITTEN, at, "")
        if entry == content.entry:
            continue
        digest, _, values = entry.partition(" ")
        newest = values.partition(" ")[0]
        is_written = digest != _UNWRITTEN
        now = content.newest if is_written else at
        if (is_written and digest != content.digest) or now - float(newest) >= _MOST_BEHIND_S:
            at_once.add(content.group)
        groups.setdefault(content.group, {})[name] = entry
        order = is_written, newest if is_written else ""
        first[content.group] = min(order, first.get(content.group, order))
    behind = sorted((group for group in groups if group not in at_once), key=first.__getitem__)
    return {name: entry for group in behind[most:] for name, entry in groups[group].items()}


def _expect(files: Iterable[tuple[str, object]], before: Mapping[str, str], kept: Mapping[str, str]) -> None:
    """Announce the files that will be built."""
    for name, content in files:
        if isinstance(content, OnDemand) and name not in kept and before.get(name) != content.entry:
            content.expect()


def _manifest(store: Store) -> dict[str, str]:
    """What was published last time; empty if unknown, so that everything is written again."""
    listed = store.find(MANIFEST)
    if listed is None:
        return {}
    try:
        with work_folder() as folder:
            copy = folder / MANIFEST
            store.fetch(listed, copy)
            found = json.loads(copy.read_text("utf-8"))
    except (RetryableError, ValueError):
        return {}
    return {str(name): str(digest) for name, digest in found.items()} if isinstance(found, dict) else {}
