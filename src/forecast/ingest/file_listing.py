"""Lists the files of a network."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

import msgspec

from forecast.core.text import escaped
from forecast.ingest.answers import BrokenAnswerError
from forecast.ingest.faults import UnusableAnswerError
from forecast.ingest.transport import Response
from forecast.networks.file_fetch import YEAR, Folder, Listing

# A link, and after it the time of the last change and the size: "28-Nov-2026 09:12:33   12345".
_LINK: Final = re.compile(r'<a\s+href="([^"?]+)"[^>]*>[^<]*</a>([^<]*)', re.IGNORECASE)
_YEAR_DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the server. `listed` is what its listing says about its content, and changes with it; "" if nothing.

    `first` and `last` are its first and last day, if its name states them.
    """

    name: str
    folder: str
    url: str
    listed: str = ""
    station: str | None = None
    group: str | None = None
    first: date | None = None
    last: date | None = None


def files_of_years(folder: Folder, url: str, since: date, until: date) -> list[RemoteFile]:
    """One file per year."""
    return [
        RemoteFile(
            path.rpartition("/")[2], folder.name, f"{url}{path}", first=date(year, 1, 1), last=date(year, 12, 31)
        )
        for year in range(since.year, until.year + 1)
        for path in (folder.path.replace(YEAR, str(year)),)
    ]


def listed_files(folder: Folder, url: str, response: Response) -> list[RemoteFile]:
    """The files of a listing, by the pattern of their names.

    Raises UnusableAnswerError if none matches, because the names or the form of the listing have changed.
    """
    entries = _catalogued(response) if folder.listing is Listing.CATALOGUE else _linked(url, response)
    pattern = re.compile(folder.pattern)
    found = [
        _file(folder, match, address, listed)
        for name, address, listed in entries
        if (match := pattern.fullmatch(name)) is not None and _is_allowed(url, address)
    ]
    if not found:
        raise UnusableAnswerError("no_files", f"{folder.name}: the list has no file of the form {folder.pattern}")
    return found


def _linked(url: str, response: Response) -> Iterator[tuple[str, str, str]]:
    for link, about in _LINK.findall(response.body.decode(errors="replace")):
        name = html.unescape(link)
        if "/" not in name:
            yield name, urljoin(url, quote(name)), " ".join(about.split())


def _catalogued(response: Response) -> Iterator[tuple[str, str, str]]:
    """The resources of a data set, by file name."""
    try:
        document: dict[str, Any] = msgspec.json.decode(response.body, type=dict[str, Any])
        for resource in document["resources"]:
            address = resource["url"]
            # Its times for files on other servers are not the times of the files.
            yield urlsplit(address).path.rpartition("/")[2], address, ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BrokenAnswerError("the response is not a data set with resources") from error


def _is_allowed(url: str, address: str) -> bool:
    """Whether a file is on the same server as its list, or is fetched over TLS."""
    return urlsplit(address).scheme == "https" or urlsplit(address).netloc == urlsplit(url).netloc


def _file(folder: Folder, match: re.Match[str], url: str, listed: str) -> RemoteFile:
    groups = match.groupdict()
    return RemoteFile(
        match.group(),
        folder.name,
        url,
        listed,
        groups.get("station"),
        groups.get("group"),
        _day(groups.get("first"), match, (1, 1)),
        _day(groups.get("last"), match, (12, 31)),
    )


def _day(text: str | None, match: re.Match[str], of_year: tuple[int, int]) -> date | None:
    """A day, or the first or last day of a year."""
    if text is None:
        return None
    try:
        return date(int(text), *of_year) if len(text) == _YEAR_DIGITS else date.fromisoformat(text)
    except ValueError as error:
        raise UnusableAnswerError("no_files", f"{escaped(match.group())[:80]} contains no day") from error
