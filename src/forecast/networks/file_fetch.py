"""The declaration of a network's files, which the ingest runner follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# In `Folder.path`, for files that are named after their year.
YEAR: Final = "{year}"


class Listing(StrEnum):
    """How the files are listed."""

    DIRECTORY = "directory"  # a page of links with the time and size of each file, as web servers generate them
    CATALOGUE = "catalogue"  # a data set on data.gouv.fr, whose resources are files at any address
    YEARS = "years"  # not listed: there is one per year


@dataclass(frozen=True, slots=True)
class Folder:
    """Files of one kind. `name` is their folder in the raw zone, and `path` is appended to the address.

    `pattern` matches the names of files. Its groups are `station`, the network's own id of the only station in a file,
    or `group`, the result of `FileFetch.group_of` for its stations; and `first` and `last`, the first and last day or
    year of a file. With `before_days`, the folder only has data older than that many days, and is only read if older
    data are wanted.
    """

    name: str
    path: str
    listing: Listing
    pattern: str = ""
    before_days: int | None = None


@dataclass(frozen=True, slots=True)
class FileFetch:
    """A network that serves whole files, which become objects of the raw zone unchanged.

    A file is fetched if it may contain stations in the registry, and only if it has changed. Files that end before the
    period wanted are skipped. No key is needed. With `only_named`, it is read only if it is asked for by name: its
    files have all stations of a country or a department, and rows of those that the registry lacks are quarantined.
    """

    source: str  # the name in options, reports and the raw zone
    network: str  # as the registry names it
    url_setting: str
    folders: tuple[Folder, ...]
    per_minute: int
    per_day: int
    group_of: Callable[[str], str] | None = None
    lookback_days: int = 2
    only_named: bool = False
    quota: str = ""  # by default its own
    ipv4_only: bool = False
    key_setting: None = None
    no_manifest: str = "the source serves whole files, which go into the raw zone as they are"
