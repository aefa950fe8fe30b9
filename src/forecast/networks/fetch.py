"""The declaration of a network's API, for the ingest runner and the generated Airbyte manifests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

# Placeholders in the values of `Fetch.params`. A parameter with STATION is repeated for each station of a call; one
# with STATIONS has all of them, separated by commas.
STATION: Final = "{station}"
STATIONS: Final = "{stations}"
FIRST_DAY: Final = "{first}"
LAST_DAY: Final = "{last}"
HOURS: Final = "{hours}"  # the number of hours in the days of a call
KEY: Final = "{key}"
GROUP: Final = "{group}"  # the group of the stations of a call
PAGE_START: Final = "{start}"  # the number of records before those of the page
PAGE_SIZE: Final = "{count}"
# In `Fetch.time_format`.
EPOCH_SECONDS: Final = "%s"
# In `Fetch.records`: every member of an object, or every entry of a list.
EACH: Final = "*"


class Meaning(StrEnum):
    """The meaning of a response without records."""

    EMPTY = "empty"  # nothing was measured: the window counts as read
    DENIED = "denied"  # no call will succeed until someone changes something: the source ends
    QUOTA = "quota"  # too many calls: wait, then retry
    REFUSED = "refused"  # these stations and days are refused: they are missing, the others continue


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response without records, recognised by everything given here together."""

    meaning: Meaning
    says: str  # for people: the response, and what to do if that is known
    statuses: tuple[int, ...] = (200,)
    contains: str = ""  # a text in the body, ignoring case
    has: str = ""  # a field of the document that exists and is not empty
    lacks: str = ""  # a field that the document does not have
    differs: tuple[str, str] | None = None  # a field of the document, and the value that it does not have


@dataclass(frozen=True, slots=True)
class Pages:
    """An API that returns at most `size` records per response, and their total number in the member `matched`.

    The order of the records must be the same in all responses.
    """

    size: int
    matched: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """One stream of a network's API.

    `path` and `params` are appended to the address in the setting `url_setting`. A call is for at most `batch` stations
    and at most `station_days` station-days, as whole days in UTC or in the station's own time zone. The `lookback_days`
    before the newest day are read again each time, the `deep_lookback_days` once in `deep_every_days`. A response with
    `most_records` may have been truncated by the API, and is not used. Without a `key_setting`, the API needs no key.
    The key is a parameter, or the header `key_header`. An Airbyte connector is generated from the stream, unless
    `no_manifest` says why it cannot be. Stations share a call only if `group_of` returns the same for all of their own
    ids. An API that `keeps_hours` can only be asked for those. If a response may have `more_than_asked`, records of
    other stations and days are ignored; otherwise they are an error. Sources with the same `quota` share a count.
    """

    source: str  # the name in options, reports and the raw zone
    network: str  # as the registry names it
    stream: str
    path: str
    params: tuple[tuple[str, str], ...]
    key_setting: str | None
    url_setting: str
    day_format: str
    records: tuple[str, ...]  # the path from the top of the document to the records
    station_field: str
    time_field: str  # with the station, what identifies a record
    time_format: str  # a strptime format; %s is seconds since 1970
    batch: int
    station_days: int
    per_minute: int
    per_day: int
    refusals: tuple[Refusal, ...]
    local_days: bool = False
    ipv4_only: bool = False
    units: tuple[tuple[str, str], ...] = field(
        default=()
    )  # the units that the document's `metadata` must give for its fields
    lookback_days: int = 2
    deep_lookback_days: int = 14
    deep_every_days: int = 7
    most_records: int | None = None
    key_header: str | None = None
    pages: Pages | None = None
    group_of: Callable[[str], str] | None = None
    keeps_hours: int | None = None
    more_than_asked: bool = False
    quota: str = ""  # by default its own
    no_manifest: str = ""
