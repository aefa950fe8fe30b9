"""What a network is, as data: its layouts, fields, units and codes.

The readers in `extract` and `transform` do what is declared here; docs/networks.md is made of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Final, Literal

from forecast.core.clock import EARLIEST_YEAR
from forecast.core.parameters import MEASURED_NAMES, Quantity
from forecast.core.settings import SETTINGS
from forecast.networks.fetch import Fetch
from forecast.networks.file_fetch import FileFetch
from forecast.networks.source import Source
from forecast.networks.station_source import StationSource
from forecast.qc.thresholds import Thresholds

_SETTING_NAMES: Final = frozenset(setting.name for setting in SETTINGS)
# One code for a whole row, or one a value: as the network writes it.
QualityCode = int | str


@dataclass(frozen=True, slots=True)
class Code:
    """Numbers, as they are in cells of this unit, that stand for a value in the parameter's own unit; and why."""

    numbers: tuple[float, ...]
    unit: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class TextCode:
    """Texts of cells, compared without case and blanks, that stand for a value in the parameter's own unit; and why."""

    texts: tuple[str, ...]
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class Field:
    """What a field measures.

    `unit` is that of numbers without a unit of their own; where it is None, a number needs its unit in the cell.
    `quality` names the field with the network's own quality code of this value. `missing` are numbers that stand for
    "no value" here and are possible elsewhere. A value of one of the `text_codes` is not noted: it is what the network
    reports, such as "10+" for the highest value that it reports.
    """

    parameter: str
    unit: str | None = None
    quality: str | None = None
    codes: tuple[Code, ...] = ()
    missing: tuple[float, ...] = ()
    text_codes: tuple[TextCode, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where there is no such parameter."""
        if self.parameter not in MEASURED_NAMES:
            raise ValueError(f"{self.parameter!r} is not a measured parameter of forecast.core.parameters")


@dataclass(frozen=True, slots=True)
class UnitsInNames:
    """Columns whose names end in the unit of their numbers, such as "Temp_F".

    `names` are what is before the unit, with the parameters that may be meant. Where a table has such columns,
    `bare` are those without a unit, and `beside` are known and hold no parameter.
    """

    names: Mapping[str, tuple[str, ...]]
    bare: Mapping[str, Field] = field(default_factory=dict)
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitBlocks:
    """Objects, or prefixes of columns, that are named after a system of units and hold the fields without a unit.

    `units` gives the unit of each quantity by name of the object; `beside` are members that are known and not read.
    """

    units: Mapping[str, Mapping[Quantity, str]]
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeanOf:
    """A parameter of which a row has only the highest and the lowest value: their mean is taken."""

    parameter: str
    highest: str
    lowest: str


@dataclass(frozen=True, slots=True)
class Extremes:
    """The fields with the highest and the lowest value of a row, and the parameter that they are of."""

    parameter: str
    highest: str
    lowest: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Hourly and daily values have the same names: `extremes` distinguish them, `advice` says what to sync."""

    extremes: tuple[Extremes, ...]
    advice: str


@dataclass(frozen=True, slots=True)
class Container:
    """The key of a JSON document that holds the rows: in a list, or in one list a station.

    `beside` are members of it that are no stations. `units` is the key of the document under which it names the units
    of its fields ({"vent_moyen": "mean wind speed,km/h"}). `rejected` says why its rows are not read. `row` is the
    member of an entry that holds the row, such as the properties of a feature of GeoJSON.
    """

    name: str
    row: str | None = None
    beside: tuple[str, ...] = ()
    units: str | None = None
    rejected: str | None = None


@dataclass(frozen=True, slots=True)
class Validated:
    """A column with an object that states for each field whether it was validated: {"validated": {"PRESSURE": true}}.

    `member` is that of the object.
    """

    column: str
    member: str


@dataclass(frozen=True, slots=True)
class FormerOffset:
    """A network that once wrote another zone: times before `until`, as written, are so many hours ahead of UTC."""

    until: datetime
    hours: int


@dataclass(frozen=True, slots=True)
class UtcTime:
    """A column with the time of a row in UTC.

    `beside` are columns that repeat it, and `local` one with the station's local time: both are compared
    with it. `format` is that of strptime, where the time is not in ISO 8601 ("%Y%m%d%H"). With `within_days` the column
    has the day of the month, the hour and the minute alone ("170551"): the last such time before the object's
    extraction, where that is so many days before it at most. `former` is the zone of times before a day. Stations whose
    own ids begin with one of `local_stations` give it in their own time instead. With `step_minutes` a row at any other
    minute of a day is rejected: it is of another period than those of this layout.
    """

    column: str
    beside: tuple[str, ...] = ()
    local: str | None = None
    format: str | None = None
    within_days: int | None = None
    former: FormerOffset | None = None
    local_stations: tuple[str, ...] = ()
    step_minutes: int | None = None

    @property
    def own(self) -> tuple[str, ...]:
        """The columns any of which has the time of a row of this layout."""
        return (self.column,)


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Times local to the station: whole ones, or a day (a column, or the name of a sheet) and a time of day.

    Columns in `utc` count first, because none of them is ambiguous. Of `own`, any has the time of a row: that tells
    rows of several layouts apart. Those of `scrape` may have the time at which a page was read instead.
    """

    utc: tuple[str, ...]
    whole: tuple[str, ...]
    day: str
    clock: str
    own: tuple[str, ...]
    scrape: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Recognise:
    """How rows of a layout are recognised.

    That is all of `columns`, one of `any_of`, a field that names the station, and so many of the fields with values;
    and not `unless`.
    """

    columns: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    station: bool = False
    values: int = 0
    unless: Recognise | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """How a report says that it corrects another one of its station and time.

    `pattern` (RE2) finds it in `column`, and its group "correction" which one it is: of several the last in the order
    of these texts counts. The others in the same batch are quarantined.
    """

    column: str
    pattern: str


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One form in which a network's rows come. Names are compared without case, blanks and punctuation.

    Of several fields of one parameter the first that has a value in a row is taken. `cell` says what a cell with a
    value looks like, for people. `beside` are columns that are known and hold no measurement; `not_stored` hold one for
    which there is no parameter, and their cells are counted. Any other column is named in the reports. `station_of_key`
    takes the station of a row that names none from the object's key. A station's id that is a number has
    `station_digits` digits in the registry: what tools take for a number loses its leading zeros.
    With `decimal` "," a comma in a number is that of a decimal; else "1,013" is rejected, for it may part thousands.
    `row_quality` is a field with one quality code for all values of a row, `validated` one with an object of them.
    `idle` are parameters that a station without sensors reports as 0: a row with nothing else is empty. `group`
    names the parameters that its rows hold, where those of another layout hold others of the same observation: rows
    of one station and time are merged then.
    """

    name: str
    recognise: Recognise
    station: str
    time: UtcTime | LocalTime
    fields: Mapping[str, Field]
    cell: str
    containers: tuple[Container, ...] = ()
    beside: tuple[str, ...] = ()
    not_stored: tuple[str, ...] = ()
    station_of_key: bool = False
    station_digits: int = 0
    language: Literal["en", "fr"] = "en"
    decimal: Literal[".", ","] = "."
    units_in_names: UnitsInNames | None = None
    blocks: UnitBlocks | None = None
    mean: MeanOf | None = None
    aggregates: Aggregates | None = None
    row_quality: str | None = None
    validated: Validated | None = None
    idle: tuple[str, ...] = ()
    correction: Correction | None = None
    group: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError where the group's name is none."""
        if self.group and not re.fullmatch(r"[a-z0-9_]{1,40}", self.group):
            raise ValueError(f"{self.name}: a group is named with letters, digits and _, not {self.group!r}")


@dataclass(frozen=True, slots=True)
class Record:
    """A row that a network's own reader found, and where ("line 7").

    If it could not read the row, `fault` says why, and `fields` has what was there. `table` distinguishes the rows of
    several tables in one file, each of which may have a different layout.
    """

    position: str
    fields: Mapping[str, object]
    fault: str = ""
    table: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Format:
    """Files that none of the common readers knows, such as a bulletin or columns of fixed width.

    `sniff` is asked first, with the first bytes of a file (unpacked, where it is a gzip); `records` reads the rows of a
    whole one. It raises ObjectRejectedError for a file that is none. The rows then are of one of the network's layouts.
    """

    name: str
    sniff: Callable[[bytes], bool]
    records: Callable[[IO[bytes]], Iterator[Record]]


@dataclass(frozen=True, slots=True)
class Licence:
    """Under which terms a network's observations may be used."""

    name: str
    url: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """Everything that one network is.

    Ids of its stations are `id_prefix` and the network's own id. Rows before `first_year` have a wrong clock.
    `formats` are files that only this network has; `fetch` are the streams of its API that `forecast ingest` reads,
    `files` what it serves as whole files, `stations` its own list of stations. `thresholds` differ from those of the
    checks at all its stations; values with one of `failed_codes` failed the network's own check. `access`
    says how its data are had, with the key where one is needed, and `traps` what surprises who works with them: whole
    sentences, for its page.
    """

    name: str
    id_prefix: str
    licence: Licence
    layouts: tuple[Layout, ...]
    formats: tuple[Format, ...] = ()
    fetch: tuple[Fetch, ...] = ()
    files: tuple[FileFetch, ...] = ()
    first_year: int = EARLIEST_YEAR
    stations: StationSource | None = None
    thresholds: Mapping[str, Thresholds] = field(default_factory=dict)
    failed_codes: Set[QualityCode] = frozenset()
    access: str = ""
    traps: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError where a stream is one of another network, or needs a setting that there is not."""
        for stream in self.sources:
            if stream.network != self.name:
                raise ValueError(f"the source {stream.source!r} of {self.name} says that it is one of {stream.network}")
            needed = {name for name in (stream.key_setting, stream.url_setting) if name is not None}
            if missing := needed - _SETTING_NAMES:
                raise ValueError(f"the source {stream.source!r} needs a setting that there is not: {min(missing)}")

    @property
    def sources(self) -> tuple[Source, ...]:
        """All that `forecast ingest` can read of it."""
        return (*self.fetch, *self.files)
