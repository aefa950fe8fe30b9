"""How a network's files are found and fetched: one declaration, which the ingest runner follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

# In `Folder.path` of files that are named by their years.
YEAR: Final = "{year}"


class Listing(StrEnum):
    """What says which files there are."""

    DIRECTORY = "directory"  # a page of links, with the time and the size of each file, as web servers make them
    CATALOGUE = "catalogue"  # a data set of data.gouv.fr, whose resources are files anywhere
    YEARS = "years"  # nothing: there is one a year


@dataclass(frozen=True, slots=True)
class Folder:
    """Files of one kind. `name` is that of their folder in the raw zone, `path` follows the address.

    `pattern` finds the names of files. Its groups are `station`, the network's own id of the only station in a file, or
    `group`, what `FileFetch.group_of` gives of those in it; and `first` and `last`, the days or the years that a file
    begins and ends with. With `before_days` the folder holds nothing newer, and is looked at where the history that is
    wanted goes back further.
    """

    name: str
    path: str
    listing: Listing
    pattern: str = ""
    before_days: int | None = None


@dataclass(frozen=True, slots=True)
class FileFetch:
    """A network that serves whole files, which become objects of the raw zone as they are.

    A file is fetched where its network has stations in the registry that may be in it, and only where it has changed.
    Files that end before the history that is wanted are left out. No key is asked for.
    """

    source: str  # the name in options, reports and the raw zone
    network: str  # as the registry names it
    url_setting: str
    folders: tuple[Folder, ...]
    per_minute: int
    per_day: int
    group_of: Callable[[str], str] | None = None
    lookback_days: int = 2
    quota: str = ""  # by default its own
    ipv4_only: bool = False
    key_setting: None = None
    no_manifest: str = "the source serves whole files, which go into the raw zone as they are"
