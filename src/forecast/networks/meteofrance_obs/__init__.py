"""Météo-France's near-real-time observations: DPPaquetObs and DPObs, hourly and six-minute, JSON and CSV.

The gust and its direction have other names in version 2 of the API (`raf`, `ddraf`) than in version 1 (`fxi`, `dxi`):
all are known. `validity_time` is the end of the period for sums, extremes and radiation. At a full hour, a station has
an hourly row and a six-minute one: they are parts of one observation.
"""

from __future__ import annotations

from typing import Final

from forecast.networks.french_overseas import ZONES
from forecast.networks.meteofrance_limits import HOURLY_LIMITS
from forecast.networks.meteofrance_obs.fetch import FETCH
from forecast.networks.model import Code, Field, Layout, Licence, Network, Recognise, UtcTime
from forecast.networks.station_source import StationSource

# As in published SYNOP reports: -0.1 mm is a trace.
_TRACE: Final = (Code((-0.1,), "mm", 0.0, "a trace: too little to be measured"),)
_COLUMNS: Final = ("geo_id_insee", "validity_time")
_COMMON: Final = {
    "t": Field("air_temperature", "K"),
    "td": Field("dew_point_temperature", "K"),
    "u": Field("relative_humidity", "%"),
    "pmer": Field("air_pressure_at_mean_sea_level", "Pa"),
    "pres": Field("surface_air_pressure", "Pa"),
    "dd": Field("wind_from_direction", "°"),
    "ff": Field("wind_speed", "m/s"),
    "vv": Field("visibility_in_air", "m"),
    "sss": Field("surface_snow_thickness", "m"),
    **{f"t_{depth}": Field(f"soil_temperature_{depth}cm", "K") for depth in (10, 20, 50, 100)},
}
# The times at which a row was written and returned, and the position.
_BESIDE: Final = ("reference_time", "insert_time", "lat", "lon")
_CELL: Final = 'a number with a decimal point, such as "289.25"'

HOURLY: Final = Layout(
    name="Météo-France's hourly observations",
    recognise=Recognise(columns=_COLUMNS, any_of=("rr1", "tn", "tx", "un", "ux", "fxy", "dxy")),
    station="geo_id_insee",
    station_digits=8,
    time=UtcTime("validity_time", step_minutes=60),
    fields={
        **_COMMON,
        "tn": Field("air_temperature_min_1h", "K"),
        "tx": Field("air_temperature_max_1h", "K"),
        "fxi": Field("wind_speed_of_gust_1h", "m/s"),
        "raf": Field("wind_speed_of_gust_1h", "m/s"),
        "insolh": Field("duration_of_sunshine_1h", "min"),
        "rr1": Field("precipitation_amount_1h", "mm", codes=_TRACE),
        # In eighths, though Météo-France's list of fields says %: the real values are 2 to 8.
        "n": Field("cloud_area_fraction", "okta"),
        "ray_glo01": Field("surface_downwelling_shortwave_flux_in_air_1h", "J/m²/h"),
    },
    cell=_CELL,
    beside=_BESIDE,
    # The state of the ground; for the hour: the extremes of humidity, the strongest mean wind, and their directions.
    not_stored=("etat_sol", "un", "ux", "dxy", "fxy", "dxi", "ddraf"),
    group="1h",
)

SIX_MINUTES: Final = Layout(
    name="Météo-France's observations every 6 minutes",
    recognise=Recognise(columns=(*_COLUMNS, "rr_per")),
    station="geo_id_insee",
    station_digits=8,
    time=UtcTime("validity_time"),
    fields={
        **_COMMON,
        "fxi10": Field("wind_speed_of_gust_10min", "m/s"),
        "raf10": Field("wind_speed_of_gust_10min", "m/s"),
        # For six minutes, in spite of its name: ten of them add up to the hourly row's value.
        "insolh": Field("duration_of_sunshine_6min", "min"),
        "rr_per": Field("precipitation_amount_6min", "mm", codes=_TRACE),
        "ray_glo01": Field("surface_downwelling_shortwave_flux_in_air_6min", "J/m²/6min"),
    },
    cell=_CELL,
    beside=_BESIDE,
    not_stored=("etat_sol", "dxi10", "ddraf10"),
    group="6min",
)

NETWORK: Final = Network(
    name="Météo-France observations",
    id_prefix="mf-",
    licence=Licence("Licence Ouverte 2.0", "https://www.etalab.gouv.fr/licence-ouverte-open-licence", "Météo-France"),
    layouts=(HOURLY, SIX_MINUTES),
    fetch=FETCH,
    stations=StationSource(
        form="csv",
        id=("Id_station",),
        name=("Nom_usuel",),
        latitude=("Latitude",),
        longitude=("Longitude",),
        elevation=("Altitude",),
        wmo="Id_omm",
        zones=ZONES,
        described="the CSV of DPObs/v2/liste-stations: Id_station;Id_omm;Nom_usuel;Latitude;Longitude;Altitude;…",
    ),
    thresholds=HOURLY_LIMITS,
    access="your own API key from https://portail-api.meteofrance.fr; subscribe to the packages of observations.",
    traps=(
        "The API keeps 24 hours: a longer pause between two runs leaves a gap.",
        "A key only works for the APIs that its account has subscribed to, and it expires.",
        "`pres` is the pressure at the station's height; only some stations have `pmer`.",
        "Units are kelvin, pascal, and joule per square metre over the hour or the six minutes.",
        "Gusts are called `fxi` in version 1 and `raf` in version 2.",
        "Corsica is department 20.",
    ),
)
