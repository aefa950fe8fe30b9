"""One run over one source of files: lists them, fetches those that changed, and writes them to the raw zone."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Final

from forecast.core.errors import ForecastError
from forecast.core.stations import Station
from forecast.core.text import escaped
from forecast.ingest.answers import TooManyCallsError, check_status
from forecast.ingest.caller import Caller
from forecast.ingest.ending import note_calls, note_ending, note_partial
from forecast.ingest.failures import Failures
from forecast.ingest.faults import WindowError
from forecast.ingest.file_listing import RemoteFile, files_of_years, listed_files
from forecast.ingest.file_state import FetchedFile, FileState
from forecast.ingest.result import FileCounts, SourceResult, WindowFault
from forecast.ingest.source import Progress, Wanted
from forecast.ingest.transport import Response
from forecast.ingest.whole_file import check_whole
from forecast.networks.file_fetch import FileFetch, Folder, Listing
from forecast.storage import Store

LOGGER = logging.getLogger("forecast.ingest")
_NOT_MODIFIED, _TOO_MANY = 304, 429
# A run that is killed does not lose more files than this.
_FILES_PER_SAVE: Final = 50


@dataclass(slots=True)
class FileRun:
    """Reads one source. `folder` is for files being fetched; `check_lease` raises if the lease is lost."""

    fetch: FileFetch
    caller: Caller
    url: str
    state: FileState
    store: Store
    stations: Mapping[str, Station]
    wanted: Wanted
    result: SourceResult
    folder: Path
    progress: Progress
    check_lease: Callable[[], None] = lambda: None
    counts: FileCounts = field(default_factory=FileCounts)
    _failures: Failures = field(init=False)
    _unsaved: int = 0

    def __post_init__(self) -> None:
        self._failures = Failures(self.fetch.network, "fetched")

    def execute(self) -> None:
        """Fetch what is new. What was fetched before a fault is kept; the fault goes into the result."""
        self.result.files = self.counts
        try:
            self.prepare()
            self._fetch_all(self._find_all())
            self._save()
        except ForecastError as error:
            note_ending(self.result, error, self._save)
        finally:
            self._sum_up()

    def prepare(self) -> None:
        """Read the state; determine how far back to read, and how many lists to request."""
        self.state.load()
        if self.wanted.full_refresh:
            self.state.files.clear()
        self.state.since = min(filter(None, (self.state.since, self.wanted.since)), default=None)
        self.result.calls_planned = len(self._folders())

    def check(self) -> None:
        """Request the first list, or check whether this year's file exists. Raises the same errors as a call."""
        folder, today = self.fetch.folders[0], self._today
        if folder.listing is not Listing.YEARS:
            self._listed(folder)
            return
        (file,) = files_of_years(folder, self.url, today, today)
        now = format_datetime(datetime.fromtimestamp(self.caller.clock.now(), UTC), usegmt=True)
        headers = {"If-Modified-Since": now}
        self.caller.call(file.name, lambda: self.caller.transport.get(file.url, headers), _is_there)

    @property
    def _today(self) -> date:
        return datetime.fromtimestamp(self.caller.clock.now(), UTC).date()

    @property
    def _since(self) -> date:
        return self.state.since or self._today - timedelta(days=self.fetch.lookback_days)

    @property
    def _until(self) -> date:
        return min(self.wanted.until or self._today, self._today)

    def _folders(self) -> list[Folder]:
        if not self.stations:
            return []
        age = (self._today - self._since).days
        return [folder for folder in self.fetch.folders if folder.before_days is None or age > folder.before_days]

    def _find_all(self) -> list[RemoteFile]:
        """The wanted files in all folders that could be listed."""
        found: list[RemoteFile] = []
        for folder in self._folders():
            if folder.listing is Listing.YEARS:
                files = files_of_years(folder, self.url, self._since, self._until)
            else:
                try:
                    files = self._listed(folder)
                    self._failures.note_answer(())
                except WindowError as error:
                    self._miss(tuple(self.stations), self._since, self._until, error, folder.name)
                    continue
            found += [file for file in files if self._is_wanted(file)]
        self.counts.listed = len(found)
        return found

    def _listed(self, folder: Folder) -> list[RemoteFile]:
        url = f"{self.url}{folder.path}"
        return self.caller.call(
            folder.name,
            lambda: self.caller.transport.get(url),
            lambda response: listed_files(folder, url, _answered(response)),
        )

    def _is_wanted(self, file: RemoteFile) -> bool:
        if file.last is not None and file.last < self._since:
            return False
        if file.first is not None and file.first > self._until:
            return False
        return next(self._stations_in(file), None) is not None

    def _stations_in(self, file: RemoteFile) -> Iterator[str]:
        """The stations of the registry that may be in a file."""
        group_of = self.fetch.group_of
        for name, station in self.stations.items():
            if file.station is not None:
                is_in = station.network_id == file.station
            else:
                is_in = file.group is None or (group_of is not None and group_of(station.network_id) == file.group)
            if is_in:
                yield name

    def _fetch_all(self, files: list[RemoteFile]) -> None:
        self._say_which_have_none(files)
        with self.progress(len(files), self.fetch.source) as advance:
            for file in files:
                try:
                    self._fetch_one(file)
                    self._failures.note_answer(())
                except WindowError as error:
                    self.counts.missing += 1
                    first, last = file.first or self._since, file.last or self._until
                    self._miss(tuple(self._stations_in(file)), first, last, error, file.name)
                advance()

    def _say_which_have_none(self, files: list[RemoteFile]) -> None:
        having = {name for file in files for name in self._stations_in(file)}
        if not self.result.window_faults:
            self.result.left_out |= {
                name: "the source lists no file of this station" for name in self.stations if name not in having
            }

    def _fetch_one(self, file: RemoteFile) -> None:
        """Fetch a file if it has changed, and make it an object."""
        key = f"{self.fetch.source}/{file.folder}/{file.name}"
        known = self.state.files.get(key)
        if known is not None and file.listed and known.listed == file.listed:
            self.counts.unchanged += 1
            return
        path = self.folder / "fetched"
        try:
            fetched = self.caller.call(
                file.name,
                lambda: self.caller.transport.download(file.url, path, _conditions(known)),
                lambda response: _received(file, response, path, known),
            )
            if known is not None and fetched.digest == known.digest:
                self.counts.unchanged += 1
            else:
                self._publish(path, key)
        finally:
            path.unlink(missing_ok=True)
        self.state.files[key] = fetched
        self._unsaved += 1
        if self._unsaved >= _FILES_PER_SAVE:
            self._save()

    def _publish(self, path: Path, key: str) -> None:
        self.check_lease()
        self.store.publish(path, key)
        self.counts.written += 1
        self.result.objects.append(f"{self.store.uri.rstrip('/')}/{key}")
        LOGGER.info("%s: written", escaped(key))

    def _miss(self, stations: tuple[str, ...], first: date, last: date, error: WindowError, name: str) -> None:
        """Record what was not fetched. Raises SilentError if nothing is answered any more."""
        message = f"{escaped(name)}: {error.message}"
        LOGGER.warning("%s: not fetched: %s", self.fetch.source, message)
        fault = WindowFault(stations, min(first, last), last, error.code, message, error.exit_code)
        self.result.window_faults.append(fault)
        self._failures.note_failure(())

    def _save(self) -> None:
        self._unsaved = 0
        self.check_lease()
        self.state.save()

    def _sum_up(self) -> None:
        note_calls(self.result, self.caller)
        note_partial(self.result)


def _answered(response: Response) -> Response:
    """The answer, if it is usable. Raises the errors that `Caller.call` expects."""
    if response.status == _TOO_MANY:
        raise TooManyCallsError(f"it answered {response.status}")
    check_status(response)
    return response


def _is_there(response: Response) -> None:
    if response.status != _NOT_MODIFIED:
        _answered(response)


def _conditions(known: FetchedFile | None) -> dict[str, str]:
    """The headers that request a file only if it has changed."""
    if known is None:
        return {}
    named = {"If-None-Match": known.etag, "If-Modified-Since": known.last_modified}
    return {name: value for name, value in named.items() if value}


def _received(file: RemoteFile, response: Response, path: Path, known: FetchedFile | None) -> FetchedFile:
    """What is now known about a file. Raises BrokenAnswerError if it is incomplete."""
    if response.status == _NOT_MODIFIED and known is not None:
        return FetchedFile(file.listed, known.etag, known.last_modified, known.digest)
    _answered(response)
    check_whole(path, file.name)
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").hexdigest()
    headers = response.headers
    return FetchedFile(file.listed, headers.get("etag", ""), headers.get("last-modified", ""), digest)
