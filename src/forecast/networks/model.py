"""The declaration of a network: its layouts, fields, units and codes.

The readers in `extract` and `transform` follow these declarations, and docs/networks.md is generated from them.
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
# One code for a whole row, or one per value, as the network writes it.
QualityCode = int | str


@dataclass(frozen=True, slots=True)
class Code:
    """Numbers in this unit that are codes for a value in the parameter's canonical unit; and what they mean."""

    numbers: tuple[float, ...]
    unit: str
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class TextCode:
    """Texts that are codes for a value in the parameter's canonical unit (ignoring case and blanks); what they mean."""

    texts: tuple[str, ...]
    value: float
    reason: str


@dataclass(frozen=True, slots=True)
class Field:
    """What a field measures.

    `unit` is the unit of numbers that have none in their cell; if it is None, every number needs its unit in the cell.
    `quality` is the field with the network's own quality code for this value. `missing` are numbers that mean "no
    value" in this field, but may be real elsewhere. Values from `text_codes` cause no parse issue, because they are
    what the network reports, such as "10+" for the highest value that it reports.
    """

    parameter: str
    unit: str | None = None
    quality: str | None = None
    codes: tuple[Code, ...] = ()
    missing: tuple[float, ...] = ()
    text_codes: tuple[TextCode, ...] = ()

    def __post_init__(self) -> None:
        """Raises ValueError if there is no such parameter."""
        if self.parameter not in MEASURED_NAMES:
            raise ValueError(f"{self.parameter!r} is not a measured parameter of forecast.core.parameters")


@dataclass(frozen=True, slots=True)
class UnitsInNames:
    """Columns whose names end in the unit of their numbers, such as "Temp_F".

    `names` maps the part before the unit to the parameters that it may mean. In a table with such columns, `bare` are
    columns without a unit, and `beside` are known columns without a parameter.
    """

    names: Mapping[str, tuple[str, ...]]
    bare: Mapping[str, Field] = field(default_factory=dict)
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitBlocks:
    """Objects, or column prefixes, named after a system of units. They contain the fields without a unit.

    `units` gives the unit of each quantity, by the name of the object; `beside` are known members that are not read.
    """

    units: Mapping[str, Mapping[Quantity, str]]
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class MeanOf:
    """A parameter of which rows only have the highest and the lowest value; its value is their mean."""

    parameter: str
    highest: str
    lowest: str


@dataclass(frozen=True, slots=True)
class Extremes:
    """The fields with the highest and the lowest value of a parameter in a row."""

    parameter: str
    highest: str
    lowest: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Aggregates:
    """Hourly and daily values under the names of observations: `extremes` reveal them, `advice` says what to sync."""

    extremes: tuple[Extremes, ...]
    advice: str


@dataclass(frozen=True, slots=True)
class Container:
    """The key of a JSON document under which the rows are: in one list, or in a list per station.

    `beside` are members of it that are not stations. `units` is the key of the document that gives the units of its
    fields ({"vent_moyen": "mean wind speed,km/h"}). `rejected` says why its rows are not read. `row` is the member of
    an entry that contains the row, such as the properties of a GeoJSON feature. `counts` are keys of the document that
    give the number of its rows, or of all rows of which it is a page.
    """

    name: str
    row: str | None = None
    counts: tuple[str, ...] = ()
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
    """An earlier time zone of a network: times before `until`, as written, are `hours` ahead of UTC."""

    until: datetime
    hours: int


@dataclass(frozen=True, slots=True)
class UtcTime:
    """A column with the time of a row in UTC.

    `beside` are columns that repeat it, and `local` is a column with the station's local time; both are compared with
    it. `format` is a strptime format, if the time is not in ISO 8601 ("%Y%m%d%H"). With `within_days`, the column only
    has the day of the month, the hour and the minute ("170551"). It then means the last such time before the object was
    extracted, at most that many days earlier. `former` is the time zone before a certain day. Stations whose own ids
    begin with one of `local_stations` use their own time zone instead. With `step_minutes`, rows at other minutes are
    rejected, because they cover a different period.
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
        """The columns that can contain the time of a row in this layout."""
        return (self.column,)


@dataclass(frozen=True, slots=True)
class LocalTime:
    """Times in the station's local time: complete, or as a day (a column, or the name of a sheet) and a time of day.

    Columns in `utc` take precedence, because they are never ambiguous. Any column in `own` has the time of a row, which
    distinguishes the rows of several layouts. Columns in `scrape` may have the time at which a page was read instead.
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

    They have all of `columns`, one of `any_of`, a field that names the station (with `station`), and at least `values`
    of the fields; and they do not match `unless`.
    """

    columns: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    station: bool = False
    values: int = 0
    unless: Recognise | None = None


@dataclass(frozen=True, slots=True)
class Correction:
    """How a report shows that it corrects another report of the same station and time.

    `pattern` (RE2) finds the mark in `column`. Its group "correction" identifies the correction: if there are several,
    the last in alphabetical order counts, and the others in the same batch are quarantined.
    """

    column: str
    pattern: str


@dataclass(frozen=True, slots=True)
class Stated:
    """A column whose text also states the station and the time of a row, as the text of a report does.

    `pattern` (RE2) finds them: its group "station" is the network's own id, "time" is day, hour and minute (DDHHMM,
    UTC).
    """

    column: str
    pattern: str


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """One structure of a network's rows. Names are compared without case, blanks and punctuation.

    If several fields have the same parameter, the first with a value in the row is used. `cell` describes a cell with
    a value, for error messages. `beside` are known columns without a measurement. `not_stored` are columns with
    measurements for which there is no parameter; their cells are counted. Reports list all other columns. With
    `station_of_key`, a row without a station belongs to the station of the object's key. Numeric station ids have
    `station_digits` digits in the registry, because tools that read them as numbers remove leading zeros. With
    `decimal` ",", a comma in a number is a decimal comma; otherwise "1,013" is rejected, because the comma may
    separate thousands. `row_quality` is a field with one quality code for all values of a row, `validated` one with an
    object of codes. `idle` are parameters that a station without sensors reports as 0; a row with nothing else is
    empty. `group` names the parameters of this layout, if other layouts have other parameters of the same
    observations. Rows of the same station and time are then merged.
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
    stated: Stated | None = None
    group: str = ""

    def __post_init__(self) -> None:
        """Raises ValueError if `group` is not a valid name."""
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
    """Files that no common reader can read, such as bulletins or columns of fixed width.

    `sniff` gets the first bytes of a file (unpacked, if it is a gzip file) and recognises it. `records` then reads the
    rows of the whole file, or raises ObjectRejectedError if it is not valid. The rows have one of the network's
    layouts.
    """

    name: str
    sniff: Callable[[bytes], bool]
    records: Callable[[IO[bytes]], Iterator[Record]]


@dataclass(frozen=True, slots=True)
class Licence:
    """The terms of use of a network's observations."""

    name: str
    url: str
    source: str


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """The declaration of a network.

    Its station ids are `id_prefix` followed by the network's own id. Rows before `first_year` have a wrong clock.
    `formats` are file formats that only this network has, `fetch` the streams of its API that `forecast ingest` reads,
    `files` its downloadable files, and `stations` its own list of stations. `thresholds` replace those of the checks at
    all its stations. Values with one of `failed_codes` failed the network's own check. `access` says how to get its
    data, including a key if one is needed, and `traps` warns about pitfalls. Both are sentences for docs/networks.md.
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
        """Raises ValueError if a stream belongs to another network, or needs a setting that does not exist."""
        for stream in self.sources:
            if stream.network != self.name:
                raise ValueError(f"the source {stream.source!r} of {self.name} belongs to {stream.network}")
            needed = {name for name in (stream.key_setting, stream.url_setting) if name is not None}
            if missing := needed - _SETTING_NAMES:
                raise ValueError(f"the source {stream.source!r} needs a setting that does not exist: {min(missing)}")

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources of this network that `forecast ingest` can read."""
        return (*self.fetch, *self.files)
