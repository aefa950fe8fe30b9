"""Observations as an xarray dataset that follows the CF conventions: time series at stations (CF 1.11, chapter 9)."""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

try:
    import xarray as xr
except ImportError:
    raise ImportError("to_xarray needs xarray: install forecast[xarray]") from None

import forecast
from forecast.core.dataset import FLAG, FLAG_MEANINGS, KEYS, flag_column

_CONVENTIONS: Final = "CF-1.11"
_DIMENSIONS: Final = ("station", "time")
_NO_FLAG: Final = 9
_TIME: Final = {"units": "milliseconds since 1970-01-01 00:00:00", "calendar": "standard", "dtype": "int64"}
_TIME_ATTRIBUTES: Final = {
    "standard_name": "time",
    "long_name": "time of the observation",
    "units_metadata": "leap_seconds: utc",
}
_PLACES: Final = {
    "latitude": {"standard_name": "latitude", "long_name": "latitude of the station", "units": "degrees_north"},
    "longitude": {"standard_name": "longitude", "long_name": "longitude of the station", "units": "degrees_east"},
    "elevation": {
        "standard_name": "surface_altitude",
        "long_name": "height of the station above mean sea level",
        "units": "m",
    },
}
# The parts of a column's metadata that are CF attributes.
_ATTRIBUTES: Final = ("standard_name", "units", "units_metadata", "cell_methods")


def to_dataset(table: pa.Table, stations: pa.Table, step: int | None) -> xr.Dataset:
    """The table of `to_arrow` as a dataset with dimensions station and time; `step` is the length of an interval in ms.

    `stations` (STATIONS_SCHEMA) has the stations' positions; a station that it lacks has none.
    """
    encoded = table["station_id"].cast(pa.string()).combine_chunks().dictionary_encode()
    times, columns = np.unique(table["timestamp"].to_numpy().astype("datetime64[ms]"), return_inverse=True)
    names = encoded.dictionary.to_pylist()
    cells = _Cells(encoded.indices.to_numpy(), columns, (len(names), len(times)))
    registry = {one["station_id"]: one for one in stations.to_pylist()}
    known = [registry.get(name, {}) for name in names]
    coordinates = _coordinates(names, known)
    coordinates["time"] = xr.Variable("time", times, dict(_TIME_ATTRIBUTES))
    measured = [name for name in table.column_names if name not in KEYS]
    variables = {name: cells.variable(table, name) for name in measured}
    if step is not None:
        coordinates["time"].attrs |= {"long_name": "end of the interval", "bounds": "time_bounds"}
        bounds = np.stack([times - np.timedelta64(step, "ms"), times], axis=1)
        variables["time_bounds"] = xr.Variable(("time", "bounds"), bounds, encoding=dict(_TIME))
    coordinates["time"].encoding = dict(_TIME)
    return xr.Dataset(variables, coordinates, _attributes(known))


class _Cells:
    """Where the rows of a table are in a block of stations and times."""

    def __init__(self, rows: npt.NDArray[Any], columns: npt.NDArray[Any], shape: tuple[int, int]) -> None:
        self._places = (rows, columns)
        self._shape = shape

    def variable(self, table: pa.Table, name: str) -> xr.Variable:
        """A column as a variable: NaN, or flag 9, where there is no row."""
        described = {key.decode(): text.decode() for key, text in (table.schema.field(name).metadata or {}).items()}
        attributes: dict[str, Any] = {"long_name": described["description"]}
        attributes |= {key: described[key] for key in _ATTRIBUTES if key in described}
        if name.endswith(FLAG):
            block: npt.NDArray[Any] = np.full(self._shape, _NO_FLAG, np.int8)
            attributes["flag_values"] = np.array(list(FLAG_MEANINGS), np.int8)
            attributes["flag_meanings"] = " ".join(FLAG_MEANINGS.values())
        else:
            block = np.full(self._shape, np.nan)
            if flag_column(name) in table.column_names:
                attributes["ancillary_variables"] = flag_column(name)
        block[self._places] = table[name].to_numpy()
        return xr.Variable(_DIMENSIONS, block, attributes)


def _coordinates(names: list[str], known: list[dict[str, Any]]) -> dict[str, xr.Variable]:
    identity = {"cf_role": "timeseries_id", "long_name": "station id"}
    titles = np.array([one.get("name", "") for one in known], str)
    made = {
        "station_id": xr.Variable("station", np.array(names, str), identity),
        "station_name": xr.Variable("station", titles, {"long_name": "station name"}),
    }
    for name, attributes in _PLACES.items():
        made[name] = xr.Variable("station", np.array([one.get(name, np.nan) for one in known], float), attributes)
    return made


def _attributes(known: list[dict[str, Any]]) -> dict[str, str]:
    """What CF and ACDD ask for of the whole."""
    licences = {one["licence"]: json.loads(one["licence"]) for one in known if one}
    return {
        "Conventions": _CONVENTIONS,
        "featureType": "timeSeries",
        "title": "Observations of weather stations",
        "source": "surface observation",
        "institution": "; ".join(sorted({one["network"] for one in known if one})) or "unknown",
        "history": f"read by forecast {forecast.__version__}",
        "references": "QARTOD flags: IOC Manuals and Guides 54, volume 3",
        "license": "; ".join(f"{one['name']} ({one['url']}): {one['source']}" for one in licences.values()),
    }
