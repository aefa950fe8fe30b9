"""How a network's API is asked: one declaration, of which the ingest runner and the Airbyte manifests are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

# What is in the values of `Fetch.params`, alone or in a longer text. A parameter with a station is repeated for
# each station of a call; one with the stations has them all, parted by commas.
STATION: Final = "{station}"
STATIONS: Final = "{stations}"
FIRST_DAY: Final = "{first}"
LAST_DAY: Final = "{last}"
HOURS: Final = "{hours}"  # how many the days of a call have
KEY: Final = "{key}"
GROUP: Final = "{group}"  # that of the stations of a call
PAGE_START: Final = "{start}"  # how many records are before those of a page
PAGE_SIZE: Final = "{count}"
# In `Fetch.time_format`.
EPOCH_SECONDS: Final = "%s"
# In `Fetch.records`: every member of an object, or every entry of a list.
EACH: Final = "*"


class Meaning(StrEnum):
    """What an answer that holds no records means."""

    EMPTY = "empty"  # nothing was measured: the window is read
    DENIED = "denied"  # nothing will be answered until someone changes something: the source ends
    QUOTA = "quota"  # asked too often: wait, then again
    REFUSED = "refused"  # these stations and days are not answered: they are missing, the others go on


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response without records, recognised by everything given here together."""

    meaning: Meaning
    says: str  # for people: what was answered, and what to do where that is known
    statuses: tuple[int, ...] = (200,)
    contains: str = ""  # a text in the body, whatever its case
    has: str = ""  # a field of the document that is there and holds something
    lacks: str = ""  # a field of the document that is not there
    differs: tuple[str, str] | None = None  # a field of the document, and the value that it does not have


@dataclass(frozen=True, slots=True)
class Pages:
    """An API that gives `size` records at most in an answer, and says in the member `matched` how many there are.

    Its records must come in an order that is the same in every answer.
    """

    size: int
    matched: str


@dataclass(frozen=True, slots=True)
class Fetch:
    """One stream of a network's API.

    `path` and `params` follow the address, which is the setting `url_setting`. A call is for `batch` stations at
    most, and for `station_days` station-days at most, whole days in UTC or in the station's own zone. `lookback_days`
    before the newest day are read again each time, `deep_lookback_days` once in `deep_every_days`. An answer of
    `most_records` may have been cut off by the API, and counts as none. Without a `key_setting` the API asks for no
    key. A connector for Airbyte is made of the stream unless `no_manifest` says why it cannot be. The key is a
    parameter, or the header `key_header`. Stations are in one call only where `group_of` gives the same for the
    network's own ids of all. An API that `keeps_hours` can be asked for those alone. Where an answer may hold
    `more_than_asked`, records of other stations and days are passed over; elsewhere they are a fault. Sources of the
    same `quota` count their calls together.
    """

    source: str  # the name in options, reports and the raw zone
    network: str  # as the registry names it
    stream: str
    path: str
    params: tuple[tuple[str, str], ...]
    key_setting: str | None
    url_setting: str
    day_format: str
    records: tuple[str, ...]  # the way to the records from the top of the document
    station_field: str
    time_field: str  # with the station, what identifies a record
    time_format: str  # as strptime has it; %s are seconds since 1970
    batch: int
    station_days: int
    per_minute: int
    per_day: int
    refusals: tuple[Refusal, ...]
    local_days: bool = False
    ipv4_only: bool = False
    units: tuple[tuple[str, str], ...] = field(default=())  # what the document's `metadata` has to say of its fields
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
