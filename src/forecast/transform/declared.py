"""A network's layout, prepared for lookups: names as `normalise_field` spells them, and parameters resolved."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache
from itertools import chain
from typing import Final, NamedTuple, TypeVar

from forecast.core.parameters import PARAMETERS, Parameter, Quantity
from forecast.extract.fields import STATION_FIELDS, WIGOS_FIELDS
from forecast.networks.model import Code, Field, Layout, LocalTime, Network, Recognise, UnitBlocks, UtcTime
from forecast.networks.registry import Networks
from forecast.transform.headings import Heading, read_heading
from forecast.transform.mean_of import PairedMean
from forecast.transform.nearest import Near
from forecast.transform.raw_columns import Columns, normalise_field
from forecast.transform.values.columns import RawColumn
from forecast.transform.values.units import find_unit
from forecast.transform.values.wind_words import ENGLISH, FRENCH, WindWords

BY_NAME: Final[Mapping[str, Parameter]] = {parameter.name: parameter for parameter in PARAMETERS}
T = TypeVar("T")
_WORDS: Final[Mapping[str, WindWords]] = {"en": ENGLISH, "fr": FRENCH}


class LongerPeriod(NamedTuple):
    """A layout that lacks one column of another and has rows at every full `step_minutes`."""

    column: str
    step_minutes: int
    layout: str


class DeclaredLayout:
    """One layout of one network.

    Raises ValueError if it declares a unit that its parameter does not have.
    """

    def __init__(self, network: Network, layout: Layout) -> None:
        self.network = network
        self.layout = layout
        self.words = _WORDS[layout.language]
        self.fields = _normalised(layout.fields)
        own = normalise_field(layout.station)
        self.station_fields = STATION_FIELDS if own in STATION_FIELDS else (own, *STATION_FIELDS)
        self.own_times = frozenset(map(normalise_field, layout.time.own))
        self._check_units()

    @cached_property
    def beside(self) -> frozenset[str]:
        """The known columns that hold no parameter: times, stations, quality codes."""
        layout, time = self.layout, self.layout.time
        if isinstance(time, LocalTime):
            times: Sequence[str | None] = (*time.utc, *time.whole, time.day, time.clock)
        else:
            times = (time.column, *time.beside, time.local)
        qualities = (layout.row_quality, *(field.quality for field in layout.fields.values()))
        validated = None if layout.validated is None else layout.validated.column
        correction = None if layout.correction is None else layout.correction.column
        names = (*times, *qualities, validated, correction, *layout.beside, *layout.not_stored)
        return frozenset(
            {*(normalise_field(name) for name in names if name is not None), *self.station_fields, *WIGOS_FIELDS}
        )

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The parameters that columns of this layout can hold."""
        names = self.layout.units_in_names
        headings = () if names is None else chain.from_iterable(names.names.values())
        return frozenset({*(field.parameter for field in self.all_fields.values()), *headings})

    @cached_property
    def longer(self) -> LongerPeriod | None:
        """The layout of the same network and times that is only recognised by a column that it lacks."""
        for other in self.network.layouts:
            unless, time = other.recognise.unless, other.time
            if unless is None or not set(unless.columns) <= set(self.layout.recognise.columns):
                continue
            if isinstance(time, UtcTime) and time.step_minutes is not None:
                return LongerPeriod(normalise_field(unless.columns[0]), time.step_minutes, other.name)
        return None

    @cached_property
    def kelvins(self) -> frozenset[str]:
        """The parameters whose bare numbers are in kelvins."""
        return frozenset(field.parameter for field in self.layout.fields.values() if field.unit == "K")

    @cached_property
    def members(self) -> Mapping[str, Field]:
        """The fields inside unit blocks: those without a unit of their own."""
        if self.layout.blocks is None:
            return {}
        return {name: field for name, field in self.all_fields.items() if field.unit is None}

    @cached_property
    def member_parameters(self) -> Mapping[str, Parameter]:
        """The parameters of the members, including the two fields of a mean until it is computed."""
        pair = () if self.mean is None else self.mean.spelled
        return {
            name: replace(BY_NAME[field.parameter], name=name) if name in pair else BY_NAME[field.parameter]
            for name, field in self.members.items()
        }

    @cached_property
    def mean(self) -> PairedMean | None:
        """The parameter that is the mean of two fields."""
        mean = self.layout.mean
        return None if mean is None else PairedMean(BY_NAME[mean.parameter], mean)

    @cached_property
    def block_fields(self) -> tuple[str, ...]:
        """The normalised names of all fields that a block may have."""
        blocks = self.layout.blocks
        return () if blocks is None else (*self.members, *map(normalise_field, blocks.beside))

    @cached_property
    def common(self) -> Mapping[str, Field]:
        """The fields outside the blocks."""
        return {name: field for name, field in self.fields.items() if name not in self.members}

    @cached_property
    def systems(self) -> Mapping[str, Mapping[Quantity, str]]:
        """The units of each block by its normalised name."""
        return {} if self.layout.blocks is None else _normalised(self.layout.blocks.units)

    def headings(self, columns: Columns) -> dict[str, Heading]:
        """What the columns hold, by field: those whose names end in a unit, and those without a unit next to them."""
        names = self.layout.units_in_names
        if names is None:
            return {}
        # A known field can be among them: "Humidity (%)" normalises to "humidity".
        others = (name for name in columns if name not in self.beside and self._may_carry_unit(name))
        found = {name: heading for name in others if (heading := self._heading(columns.name_of(name))) is not None}
        if any(heading.parameter.quantity is not Quantity.INDEX for heading in found.values()):
            bare = _normalised(names.bare)
            found |= {name: _as_heading(field) for name, field in bare.items() if name in columns}
        return found

    def _may_carry_unit(self, name: str) -> bool:
        field = self.fields.get(name)
        return field is None or field.unit is None

    def known(self, columns: Columns) -> frozenset[str]:
        """The normalised names of the columns that rows of this layout may have."""
        found, names = self.headings(columns), self.layout.units_in_names
        beside = map(normalise_field, names.beside) if found and names is not None else ()
        return frozenset({*self.fields, *self.beside, *self._of_blocks, *found, *beside})

    def read_fields(self, columns: Columns) -> frozenset[str]:
        """The normalised names of the columns that values are read from."""
        prefixed = (f"{system}{name}" for system in self.systems for name in self.members)
        return frozenset({*self.common, *self.members, *prefixed, *self.headings(columns)})

    def raw_columns(self, columns: Columns) -> list[RawColumn]:
        """The columns of values, each with its parameter and the unit of bare numbers."""
        plain = {name: _as_heading(field) for name, field in self.fields.items() if name in columns}
        return [self._raw(columns, name, heading) for name, heading in (plain | self.headings(columns)).items()]

    def common_columns(self, columns: Columns) -> list[RawColumn]:
        """The columns outside the blocks."""
        return [self._raw(columns, name, _as_heading(field)) for name, field in self.common.items() if name in columns]

    def parameters_of(self, name: str) -> Sequence[str]:
        """The parameters of a field, given by the source's name; for a block, those of all its members."""
        field = normalise_field(name)
        if field in self.systems:
            inside = {member.parameter for member in self.members.values()}
            return [parameter.name for parameter in PARAMETERS if parameter.name in inside]
        for system in ("", *self.systems):
            member = field.removeprefix(system)
            found = self.all_fields.get(member) if field.startswith(system) else None
            if found is not None and (not system or member in self.members):
                return (found.parameter,)
        heading = self._heading(name)
        return () if heading is None else (heading.parameter.name,)

    def needs_unit(self, columns: Columns) -> bool:
        """Whether the cells of these columns must have their own units."""
        if self.layout.blocks is not None or self.headings(columns):
            return False
        return any(field.unit is None for field in self.fields.values())

    def may_recognise(self, names: Container[str]) -> bool:
        """Whether these names include the columns that identify this layout, even among those of others."""
        return self._fits(self.layout.recognise, names)

    def recognises(self, columns: Columns) -> bool:
        """Whether rows with these columns have this layout."""
        recognise = self.layout.recognise
        unless = recognise.unless is not None and self._fits(recognise.unless, set(columns))
        return not unless and self._fits(recognise, set(columns)) and self._has_values(columns)

    @cached_property
    def recognised_by(self) -> frozenset[str]:
        """The normalised names of the columns that identify this layout."""
        recognise = self.layout.recognise
        return frozenset(map(normalise_field, (*recognise.columns, *recognise.any_of)))

    def near(self, columns: Columns) -> Near:
        """This layout for an error message, with what the columns lack."""
        return Near(self.network.name, self.layout.name, self.known(columns), self._lack(columns))

    def _fits(self, recognise: Recognise, names: Container[str]) -> bool:
        if not all(normalise_field(name) in names for name in recognise.columns):
            return False
        if recognise.any_of and not any(normalise_field(name) in names for name in recognise.any_of):
            return False
        return not recognise.station or any(name in names for name in self.station_fields)

    def _has_values(self, columns: Columns) -> bool:
        least = self.layout.recognise.values
        plain = [field.parameter for name, field in self.fields.items() if name in columns]
        if len(plain) >= least:
            return True
        # Other programs' tables have units in their headers too, so most of the columns must be known.
        parameters = {*plain, *(heading.parameter.name for heading in self.headings(columns).values())}
        unknown = sum(1 for _ in columns.beside(self.known(columns)))
        return len(parameters) >= least and 2 * unknown < len(columns)

    def _lack(self, columns: Columns) -> str:
        layout = self.layout
        wanted = (*((layout.station,) if layout.recognise.station else ()), *layout.recognise.columns)
        lacking = [name for name in wanted if normalise_field(name) not in columns]
        if lacking:
            return f"there is no column {' and no column '.join(lacking)}"
        any_of = layout.recognise.any_of
        if any_of and not any(normalise_field(name) in columns for name in any_of):
            return f"there is no column with the time ({', '.join(any_of)})"
        return f"it needs {layout.recognise.values} of the columns {', '.join(layout.fields)}"

    @cached_property
    def all_fields(self) -> Mapping[str, Field]:
        """The fields, including the two of a mean."""
        mean = self.layout.mean
        if mean is None:
            return self.fields
        pair = dict.fromkeys(map(normalise_field, (mean.highest, mean.lowest)), Field(mean.parameter))
        return {**pair, **self.fields}

    @cached_property
    def _of_blocks(self) -> frozenset[str]:
        if self.layout.blocks is None:
            return frozenset()
        prefixed = (f"{system}{name}" for system in self.systems for name in self.block_fields)
        return frozenset({*self.members, *self.systems, *prefixed})

    @cached_property
    def _codes(self) -> Mapping[str, tuple[Code, ...]]:
        return {field.parameter: field.codes for field in self.fields.values() if field.codes}

    @cached_property
    def bases(self) -> Mapping[str, Sequence[Parameter]]:
        """The parameters that a column name can mean, by the part of the name before the unit."""
        names = self.layout.units_in_names
        found = {} if names is None else _normalised(names.names)
        return {base: [BY_NAME[name] for name in parameters] for base, parameters in found.items()}

    def _heading(self, name: str) -> Heading | None:
        return _heading_of(self, name)

    def _raw(self, columns: Columns, field: str, heading: Heading) -> RawColumn:
        parameter, declared = heading.parameter, self.fields.get(field)
        return RawColumn(
            columns.required(field),
            parameter,
            heading.unit,
            columns.name_of(field),
            self._codes.get(parameter.name, ()),
            () if declared is None else declared.missing,
            decimal_comma=self.layout.decimal == ",",
            text_codes=() if declared is None else declared.text_codes,
        )

    def _check_units(self) -> None:
        blocks: UnitBlocks | None = self.layout.blocks
        named = [(name, field.parameter, field.unit) for name, field in self.layout.fields.items() if field.unit]
        for name, parameter, unit in named:
            if find_unit(BY_NAME[parameter].quantity, unit) is None:
                place = f"{self.network.name}, layout {self.layout.name!r}, field {name!r}"
                raise ValueError(f"{place}: {unit!r} is not a known unit of {parameter}")
        for system, units in ({} if blocks is None else blocks.units).items():
            for quantity, unit in units.items():
                if find_unit(quantity, unit) is None:
                    raise ValueError(
                        f"{self.network.name}, block {system!r}: {unit!r} is not a known unit of {quantity}"
                    )


def declared_layouts(networks: Networks) -> tuple[DeclaredLayout, ...]:
    """All layouts of all networks, in their order."""
    return _declared(networks)


def names_of(layouts: Sequence[DeclaredLayout]) -> Mapping[str, Sequence[str]]:
    """The layouts' names of each parameter, as `normalise_field` spells them."""
    names: dict[str, list[str]] = {}
    for layout in layouts:
        for name, field in layout.all_fields.items():
            names.setdefault(field.parameter, []).append(name)
    return names


@lru_cache(maxsize=8)
def _declared(networks: Networks) -> tuple[DeclaredLayout, ...]:
    return tuple(DeclaredLayout(network, layout) for network in networks for layout in network.layouts)


@lru_cache(maxsize=4096)
def _heading_of(layout: DeclaredLayout, name: str) -> Heading | None:
    return read_heading(name, layout.bases)


def _as_heading(field: Field) -> Heading:
    return Heading(BY_NAME[field.parameter], field.unit)


def _normalised(names: Mapping[str, T]) -> dict[str, T]:
    return {normalise_field(name): value for name, value in names.items()}
