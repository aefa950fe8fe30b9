"""Météo-France's hourly base data: the files of a department (H_59…csv.gz), and the responses of DPClim.

Each value has a quality code next to it: 0 protected, 1 validated, 9 only passed the first checks, 2 doubtful and under
review. The time is the end of the hour for sums and extremes, in UTC; overseas it is in the station's own time zone.
Radiation and sunshine also come in true solar time (`GLO2`, `INS2`): those are not stored.
"""

from __future__ import annotations

from typing import Final

from forecast.networks.french_overseas import ZONES
from forecast.networks.meteofrance_hourly.columns import DPCLIM_COLUMNS, FILE_COLUMNS, quality_of
from forecast.networks.meteofrance_hourly.fetch import FILES
from forecast.networks.meteofrance_limits import HOURLY_LIMITS
from forecast.networks.model import Field, Layout, Licence, Network, Recognise, UtcTime
from forecast.networks.station_source import StationSource

# By the column of the value: the parameter and the unit, from the description of the fields (H_descriptif_champs).
_VALUES: Final = {
    "T": ("air_temperature", "degC"),
    "TD": ("dew_point_temperature", "degC"),
    "U": ("relative_humidity", "%"),
    "TN": ("air_temperature_min_1h", "degC"),
    "TX": ("air_temperature_max_1h", "degC"),
    "PMER": ("air_pressure_at_mean_sea_level", "hPa"),
    "PSTAT": ("surface_air_pressure", "hPa"),
    "FF": ("wind_speed", "m/s"),
    "DD": ("wind_from_direction", "deg"),
    "FXI": ("wind_speed_of_gust_1h", "m/s"),
    "RR1": ("precipitation_amount_1h", "mm"),
    "VV": ("visibility_in_air", "m"),
    "N": ("cloud_area_fraction", "okta"),
    "NEIGETOT": ("surface_snow_thickness", "cm"),
    "WW": ("present_weather", "code"),
    "UV_INDICE": ("ultraviolet_index", "1"),
    "INS": ("duration_of_sunshine_1h", "min"),
    **{f"T{depth}": (f"soil_temperature_{depth}cm", "degC") for depth in (10, 20, 50, 100)},
    "GLO": ("surface_downwelling_shortwave_flux_in_air_1h", "J/cm²/h"),
}
_FIELDS: Final = {name: Field(parameter, unit, quality=quality_of(name)) for name, (parameter, unit) in _VALUES.items()}
_OTHERS: Final = tuple(name for name in FILE_COLUMNS if name not in _VALUES)
_QUALITY_OF_OTHERS: Final = tuple(map(quality_of, _OTHERS))
_FORMAT: Final = "%Y%m%d%H"

NETWORK: Final = Network(
    name="Météo-France hourly data",
    id_prefix="mf-h-",
    licence=Licence("Licence Ouverte 2.0", "https://www.etalab.gouv.fr/licence-ouverte-open-licence", "Météo-France"),
    layouts=(
        Layout(
            name="Météo-France's hourly file of a department",
            recognise=Recognise(columns=("NUM_POSTE", "AAAAMMJJHH")),
            station="NUM_POSTE",
            station_digits=8,
            time=UtcTime("AAAAMMJJHH", format=_FORMAT, local_stations=tuple(ZONES)),
            fields=_FIELDS,
            cell='a number with a decimal point, such as "7.7"',
            beside=("NOM_USUEL", "LAT", "LON", "ALTI", *_QUALITY_OF_OTHERS),
            not_stored=_OTHERS,
        ),
        Layout(
            name="Météo-France's DPClim, hourly",
            # Its daily answers have other names (RR, TM, FFM).
            recognise=Recognise(columns=("POSTE", "DATE"), any_of=("RR1", "T", "FF", "PSTAT")),
            station="POSTE",
            station_digits=8,
            time=UtcTime("DATE", format=_FORMAT, local_stations=tuple(ZONES)),
            fields=_FIELDS,
            cell='a number with a decimal comma, such as "16,9"',
            decimal=",",
            beside=(*_QUALITY_OF_OTHERS, *map(quality_of, DPCLIM_COLUMNS), "QB2", "QPMERMIN"),
            not_stored=(*_OTHERS, *DPCLIM_COLUMNS),
        ),
    ),
    files=FILES,
    # Each row of a file contains the position of the station.
    stations=StationSource(
        form="csv",
        id=("NUM_POSTE",),
        name=("NOM_USUEL",),
        latitude=("LAT",),
        longitude=("LON",),
        elevation=("ALTI",),
        zones=ZONES,
        described="a file of a department, H_….csv.gz: NUM_POSTE;NOM_USUEL;LAT;LON;ALTI;…",
    ),
    thresholds=HOURLY_LIMITS,
    failed_codes=frozenset({2}),
    access="files of a data set on data.gouv.fr, without a key. "
    "The DPClim API returns the same data, with a key from its portal.",
    traps=(
        "A file has all stations of a department; rows of stations that are not in the registry are quarantined.",
        "Times are in UTC, except overseas, where they are in the station's own time zone.",
        "The newest period gets a new name every January, and its file is rewritten every morning.",
        "Radiation is in J/cm² per hour. `GLO2` and `INS2` use true solar time and are not stored.",
        "DPClim writes decimal commas.",
        "Corsica is department 20.",
    ),
)
