"""InfoClimat's open data: one observation a row, `dh_utc` in UTC, numbers as text, units documented by the API."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import numpy as np
import pyarrow.compute as pc

from forecast.core.admission import other_networks, unknown_stations, wrong_times
from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETERS, Quantity
from forecast.core.schemas import RawBatch, Transformed
from forecast.core.stations import Stations
from forecast.extract.fields import STATION_FIELDS
from forecast.transform.assemble import Draft, assemble, entry_refusals, lost_on_the_way
from forecast.transform.headings import Heading, read_heading
from forecast.transform.nearest import Near
from forecast.transform.quarantine import Refusal
from forecast.transform.raw_columns import Columns, check_types, contradicting_stations, named_stations, normalise_field
from forecast.transform.twins import contradictions
from forecast.transform.values.codes import read_codes
from forecast.transform.values.numbers import RawColumn, convert_batch, shorten
from forecast.transform.values.timestamps import leap_notes, read_moments
from forecast.transform.values.units import find_unit
from forecast.transform.values.wind_words import FRENCH

NAME = "InfoClimat"

# The container of the API's document that holds the rows, one list a station; "_params" beside the stations is a
# list of field names and no station.
RECORD_CONTAINERS = ("hourly",)

# By layout, the columns of which one at least has the time of a row.
TIME_FIELDS = (frozenset({"dhutc"}),)

# All other columns are passed over with a note.
_FIELDS = {normalise_field(p.infoclimat): p for p in PARAMETERS if p.infoclimat is not None}
_BASES = {field: (parameter,) for field, parameter in _FIELDS.items()}
_KNOWN_FIELDS = frozenset({"dhutc", *STATION_FIELDS, *_FIELDS})


def known_fields(columns: Columns) -> frozenset[str]:
    """The normalised names of the columns that rows of this layout may have."""
    return _KNOWN_FIELDS | _headings(columns).keys()


def layouts(columns: Columns) -> list[Near]:
    """The layouts of this network, and what these columns lack of each."""
    lack = [name for field, name in (("idstation", "id_station"), ("dhutc", "dh_utc")) if field not in columns]
    return [Near(NAME, NAME, _KNOWN_FIELDS, f"there is no column {' and no column '.join(lack)}")]


def needs_unit(_columns: Columns) -> bool:
    """Whether the cells of this layout carry their units."""
    return False


def expected_cells(_columns: Columns) -> str:
    """What a cell of a measured value looks like, for people."""
    return 'a number with a decimal point, such as "7.6"'


def recognises(columns: Columns, _batch: RawBatch) -> bool:
    """Whether the rows are this network's."""
    return "dhutc" in columns and any(field in columns for field in STATION_FIELDS)


def check_units(metadata: object) -> None:
    """Compare the units that a document names ({"vent_moyen": "mean wind speed,km/h"}) with those it is read in.

    Raises ObjectRejectedError naming each that differs. A field that is not known, or has no unit, is left alone.
    """
    changed = []
    for name, text in metadata.items() if isinstance(metadata, dict) else ():
        parameter = _FIELDS.get(normalise_field(name))
        if parameter is None or parameter.quantity is Quantity.CODE or not isinstance(text, str) or "," not in text:
            continue  # present weather has the address of its table of codes where others have a unit
        named, expected = text.rpartition(",")[2].strip(), str(parameter.infoclimat_unit)
        if find_unit(parameter.quantity, named) != find_unit(parameter.quantity, expected):
            changed.append(f"{name} in '{shorten(named)}' instead of {expected!r}")
    if changed:
        raise ObjectRejectedError(
            "changed_unit",
            f"the document's metadata names other units than InfoClimat's numbers are read in: {', '.join(changed)}",
        )


class Reader:
    """Turns the batches of one object into observations."""

    unused_columns: Sequence[str] = ()  # each row tells its time once

    def __init__(self, key: str, stations: Stations, now: datetime) -> None:
        del key  # the rows name their stations
        self._stations = stations
        self._now = now

    def read(self, batch: RawBatch, columns: Columns) -> Transformed:
        """One batch as observations.

        Raises ObjectRejectedError where its document names other units than it is read in.
        """
        check_units(batch.metadata)
        headings = _headings(columns)
        check_types(columns, batch.metadata, headings)
        stations = named_stations(columns, len(batch.rows))
        times = columns.required("dhutc")
        readings = read_moments(times)
        refusals = [
            Refusal(np.asarray(stations.is_null()), "no_station", "id_station", "the row does not name its station"),
            Refusal(
                readings.unreadable, "bad_timestamp", "dh_utc", "not a date and time (YYYY-MM-DD HH:MM:SS, UTC)", times
            ),
            *entry_refusals(wrong_times(readings.moments, self._now), "dh_utc", times),
            *entry_refusals(
                [
                    contradicting_stations(columns, self._stations, len(stations)),
                    unknown_stations(stations, self._stations),
                    other_networks(stations, self._stations, NAME),
                ],
                "id_station",
                stations,
            ),
        ]
        if batch.groups is not None:
            other = np.asarray(pc.fill_null(pc.not_equal(stations, batch.groups), fill_value=False))
            reason = "the row names another station than the one it stands under"
            refusals.append(Refusal(other, "station_mismatch", "id_station", reason, stations))
        raw = [
            RawColumn(columns.required(field), heading.parameter, heading.unit, columns.name_of(field))
            for field, heading in headings.items()
        ]
        refusals += contradictions(raw)
        lost = lost_on_the_way(batch.origin["changes"], _parameters_of)
        values = convert_batch(raw, FRENCH)
        read_codes(raw, values)
        draft = Draft(stations, readings.moments, values, refusals, lost, leap_notes(readings, times))
        return assemble(batch, draft)[0]

    def finish(self) -> list[Transformed]:
        """Nothing has to wait for the end of the object."""
        return []


def _headings(columns: Columns) -> dict[str, Heading]:
    """What the columns hold, by field: in the unit that the API documents, or in the one that ends their name."""
    documented = {
        field: Heading(parameter, parameter.infoclimat_unit) for field, parameter in _FIELDS.items() if field in columns
    }
    others = {field: _heading(columns.name_of(field)) for field in columns if field not in _KNOWN_FIELDS}
    return documented | {field: heading for field, heading in others.items() if heading is not None}


@lru_cache(maxsize=1024)
def _heading(name: str) -> Heading | None:
    return read_heading(name, _BASES)


def _parameters_of(field: str) -> Sequence[str]:
    heading = _heading(field)
    parameter = _FIELDS.get(normalise_field(field)) or (None if heading is None else heading.parameter)
    return () if parameter is None else (parameter.name,)
