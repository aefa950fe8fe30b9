"""The automatic stations of Belgium's Royal Meteorological Institute (RMI, KMI): WFS responses as GeoJSON or CSV.

`timestamp` is the end of the ten minutes or the hour, in UTC. `pressure` is the pressure at the station's height.
Hourly rows contain means of the hour, which are not observations of a moment: only their sums, gust and radiation are
stored, merged with the ten-minute row at the full hour. The layouts were built from the public schema
(https://opendata.meteo.be/) and single rows; no complete file was available.
"""

from __future__ import annotations

from typing import Final

from forecast.networks.model import Container, Field, Layout, Licence, Network, Recognise, UtcTime, Validated
from forecast.networks.rmi_aws.fetch import FETCH
from forecast.networks.station_source import StationSource

_FEATURES: Final = (
    Container("features", row="properties", counts=("numberMatched", "totalFeatures", "numberReturned")),
)
_FLAGS: Final = Validated("qc_flags", "validated")
_BESIDE: Final = ("FID", "the_geom")
# Above grass and at the surface of the soil; at the top of the mast; of the sun only.
_NOT_STORED: Final = ("temp_grass_pt100_avg", "temp_soil_avg", "wind_speed_avg_30m", "sun_int_avg")
_CELL: Final = 'a number with a decimal point, such as "14.2"'
_COLUMNS: Final = ("code", "timestamp", "temp_dry_shelter_avg", "precip_quantity")
# Only ten-minute rows have the wind direction.
_DIRECTION: Final = "wind_direction"


def _of_period(period: str) -> dict[str, Field]:
    """The values of a period: sums, the strongest gust, and radiation."""
    return {
        "precip_quantity": Field(f"precipitation_amount_{period}", "mm"),
        "wind_gusts_speed": Field(f"wind_speed_of_gust_{period}", "m/s"),
        "sun_duration": Field(f"duration_of_sunshine_{period}", "min"),
        "short_wave_from_sky_avg": Field(f"surface_downwelling_shortwave_flux_in_air_{period}", "W/m²"),
    }


_OF_TEN_MINUTES: Final = {
    "temp_dry_shelter_avg": Field("air_temperature", "degC"),
    "humidity_rel_shelter_avg": Field("relative_humidity", "%"),
    "pressure": Field("surface_air_pressure", "hPa"),
    "wind_speed_10m": Field("wind_speed", "m/s"),
    _DIRECTION: Field("wind_from_direction", "deg"),
    **{f"temp_soil_avg_{depth}cm": Field(f"soil_temperature_{depth}cm", "degC") for depth in (5, 10, 20, 50)},
}

TEN_MINUTES: Final = Layout(
    name="RMI's 10-minute observations",
    recognise=Recognise(columns=(*_COLUMNS, _DIRECTION)),
    station="code",
    station_digits=4,
    time=UtcTime("timestamp"),
    fields={**_OF_TEN_MINUTES, **_of_period("10min")},
    cell=_CELL,
    containers=_FEATURES,
    beside=_BESIDE,
    not_stored=_NOT_STORED,
    validated=_FLAGS,
    group="10min",
)
HOURLY: Final = Layout(
    name="RMI's hourly observations",
    recognise=Recognise(columns=_COLUMNS, unless=Recognise(columns=(_DIRECTION,))),
    station="code",
    station_digits=4,
    time=UtcTime("timestamp", step_minutes=60),
    fields=_of_period("1h"),
    cell=_CELL,
    containers=_FEATURES,
    beside=_BESIDE,
    not_stored=(*_NOT_STORED, *(name for name in _OF_TEN_MINUTES if name != _DIRECTION)),
    validated=_FLAGS,
    group="1h",
)

NETWORK: Final = Network(
    name="RMI automatic stations",
    id_prefix="rmi-",
    licence=Licence(
        "CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/", "RMI (Royal Meteorological Institute)"
    ),
    layouts=(TEN_MINUTES, HOURLY),
    fetch=FETCH,
    first_year=2003,
    stations=StationSource(
        form="geojson",
        id=("code",),
        name=("name",),
        elevation=("altitude",),
        latitudes=(49.0, 52.0),
        wigos="wigos_id",
        end="date_end",
        described="the features of aws:aws_station (code, name, altitude, date_end, wigos_id) with their positions",
        url="https://opendata.meteo.be/service/aws/wfs?service=WFS&version=2.0.0&request=GetFeature"
        "&typeNames=aws:aws_station&outputFormat=application/json",
    ),
    access="the WFS of https://opendata.meteo.be, without a key.",
    traps=(
        "`pressure` is the pressure at the station's height.",
        "The layers have no primary key: without an explicit order, pages repeat some rows and omit others.",
        "An exception report comes with status 200.",
        "Hourly rows contain hourly means: only their sums, gusts and radiation are stored.",
        "Hourly rows lack the wind direction. One next to 10-minute rows that have it is quarantined.",
        "So are rows of full hours with an empty column of it, unless the station has rows at other times.",
    ),
)
