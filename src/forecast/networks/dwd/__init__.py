"""Deutscher Wetterdienst, Climate Data Center: ten-minute and hourly values.

A file has one parameter group of one station; `historical`, `recent` and `now` have the same observations, with
different levels of quality control. A time is the end of its interval. Times before 2000 are in CET, without summer
time, and in UTC since then (DWD's description of the ten-minute data sets); those of hourly radiation are in UTC, at
full hours of true solar time.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from forecast.networks.dwd.archive import ARCHIVE
from forecast.networks.dwd.fetch import FILES
from forecast.networks.model import (
    Code,
    Field,
    FormerOffset,
    Layout,
    Licence,
    Network,
    Recognise,
    UtcTime,
)
from forecast.networks.station_source import StationSource
from forecast.qc.thresholds import PROJECT, limits

_CET: Final = FormerOffset(datetime(2000, 1, 1), 1)  # noqa: DTZ001  as it is written
_TEN_MINUTES: Final = UtcTime("MESS_DATUM", format="%Y%m%d%H%M", former=_CET)
_HOUR: Final = UtcTime("MESS_DATUM", format="%Y%m%d%H", former=_CET)
_OBSCURED: Final = (Code((-1.0,), "okta", 9.0, "the code of a sky obscured, 9 okta"),)
_GLOBAL: Final = "surface_downwelling_shortwave_flux_in_air"


def _product(
    name: str,
    group: str,
    time: UtcTime,
    fields: Mapping[str, Field],
    quality: str = "QN",
    not_stored: tuple[str, ...] = (),
    beside: tuple[str, ...] = (),
) -> Layout:
    """One product, identified by its own columns. Its level of quality control is one code for all values in a row."""
    return Layout(
        name=f"DWD, {name}",
        recognise=Recognise(columns=("STATIONS_ID", "MESS_DATUM", *fields)),
        station="STATIONS_ID",
        station_digits=5,
        time=time,
        fields=fields,
        cell='a number with a decimal point, such as "7.4"',
        beside=("eor", *beside),
        not_stored=not_stored,
        row_quality=quality,
        group=group,
    )


_OF_TEN_MINUTES: Final = (
    _product(
        "10-minute temperature",
        "tu_10min",
        _TEN_MINUTES,
        {
            "PP_10": Field("surface_air_pressure", "hPa"),
            "TT_10": Field("air_temperature", "degC"),
            "RF_10": Field("relative_humidity", "%"),
            "TD_10": Field("dew_point_temperature", "degC"),
        },
        not_stored=("TM5_10",),
    ),
    _product(
        "10-minute wind",
        "ff_10min",
        _TEN_MINUTES,
        {"FF_10": Field("wind_speed", "m/s"), "DD_10": Field("wind_from_direction", "deg")},
        not_stored=("SLA_10", "SLO_10"),
    ),
    _product(
        "10-minute gusts",
        "fx_10min",
        _TEN_MINUTES,
        {"FX_10": Field("wind_speed_of_gust_10min", "m/s")},
        # The lowest and highest mean of the interval, and the direction of the gust.
        not_stored=("FNX_10", "FMX_10", "DX_10"),
    ),
    _product(
        "10-minute rain",
        "rr_10min",
        _TEN_MINUTES,
        {"RWS_10": Field("precipitation_amount_10min", "mm")},
        not_stored=("RWS_DAU_10", "RWS_IND_10"),
    ),
    _product(
        "10-minute radiation",
        "sd_10min",
        _TEN_MINUTES,
        {
            "GS_10": Field(f"{_GLOBAL}_10min", "J/cm²/10min"),
            "SD_10": Field("duration_of_sunshine_10min", "h"),
        },
        not_stored=("DS_10", "LS_10"),
    ),
)
_OF_AN_HOUR: Final = (
    _product(
        "hourly temperature",
        "tu_1h",
        _HOUR,
        {"TT_TU": Field("air_temperature", "degC"), "RF_TU": Field("relative_humidity", "%")},
        "QN_9",
    ),
    _product(
        "hourly dew point",
        "td_1h",
        _HOUR,
        {"TT": Field("air_temperature", "degC"), "TD": Field("dew_point_temperature", "degC")},
        "QN_8",
    ),
    _product(
        "hourly pressure",
        "p0_1h",
        _HOUR,
        {"P": Field("air_pressure_at_mean_sea_level", "hPa"), "P0": Field("surface_air_pressure", "hPa")},
        "QN_8",
    ),
    _product(
        "hourly wind",
        "ff_1h",
        _HOUR,
        {"F": Field("wind_speed", "m/s"), "D": Field("wind_from_direction", "deg")},
        "QN_3",
    ),
    _product("hourly gusts", "fx_1h", _HOUR, {"FX_911": Field("wind_speed_of_gust_1h", "m/s")}, "QN_8"),
    _product(
        "hourly rain",
        "rr_1h",
        _HOUR,
        {"R1": Field("precipitation_amount_1h", "mm")},
        "QN_8",
        # Whether there was precipitation, and of which kind.
        ("RS_IND", "WRTR"),
    ),
    _product(
        "hourly cloud cover",
        "n_1h",
        _HOUR,
        {"V_N": Field("cloud_area_fraction", "okta", codes=_OBSCURED)},
        "QN_8",
        beside=("V_N_I",),
    ),
    _product(
        "hourly visibility", "vv_1h", _HOUR, {"V_VV": Field("visibility_in_air", "m")}, "QN_8", beside=("V_VV_I",)
    ),
    _product("hourly sunshine", "sd_1h", _HOUR, {"SD_SO": Field("duration_of_sunshine_1h", "min")}, "QN_7"),
    _product(
        "hourly soil temperature",
        "eb_1h",
        _HOUR,
        {f"V_TE{depth:03}": Field(f"soil_temperature_{depth}cm", "degC") for depth in (5, 10, 20, 50, 100)},
        "QN_2",
        ("V_TE002",),
    ),
    _product(
        "hourly radiation",
        "st_1h",
        UtcTime("MESS_DATUM", format="%Y%m%d%H:%M"),
        {"FG_LBERG": Field(f"{_GLOBAL}_1h", "J/cm²/h")},
        "QN_592",
        # Long-wave and diffuse radiation, and sunshine; the height of the sun, and true solar time.
        ("ATMO_LBERG", "FD_LBERG", "SD_LBERG"),
        ("ZENIT", "MESS_DATUM_WOZ"),
    ),
)

NETWORK: Final = Network(
    name="DWD",
    id_prefix="dwd-",
    licence=Licence("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0/", "Deutscher Wetterdienst"),
    layouts=(*_OF_TEN_MINUTES, *_OF_AN_HOUR),
    files=FILES,
    formats=(ARCHIVE,),
    stations=StationSource(
        form="text",
        id=("id",),
        name=("name",),
        latitude=("latitude",),
        longitude=("longitude",),
        elevation=("elevation",),
        id_digits=5,
        last_day="last",
        # Columns are as wide as their longest entry; only the name contains blanks, never two in a row.
        line=(
            r"\s*(?P<id>\d+)\s+(?P<first>\d{8})\s+(?P<last>\d{8})\s+(?P<elevation>-?\d+)\s+"
            r"(?P<latitude>-?[\d.]+)\s+(?P<longitude>-?[\d.]+)\s+(?P<name>\S.*?)\s{2,}\S"
        ),
        encoding="latin-1",
        described="…_Beschreibung_Stationen.txt: Stations_id von_datum bis_datum Stationshoehe geoBreite geoLaenge …",
        url="https://opendata.dwd.de/climate_environment/CDC/observations_germany/climate/10_minutes/air_temperature/"
        "recent/zehn_min_tu_Beschreibung_Stationen.txt",
    ),
    thresholds={
        "wind_from_direction": limits(f"{PROJECT}: directions are in tens of degrees", persistence_suspect_hours=12)
    },
    access="files of the Climate Data Center, https://opendata.dwd.de/climate_environment/CDC/, without a key.",
    traps=(
        "A file has one parameter group of one station. Rows of one station and time are merged.",
        "`now`, `recent` and `historical` give the same observations, with more and more quality control.",
        "Times before 2000 are in CET. Those of hourly radiation are full hours of true solar time, converted to UTC.",
        "-999 is a missing value.",
        "There is no folder with hourly values for the current day: the newest are from yesterday.",
    ),
)
