"""METAR and SPECI, the reports of aerodromes, from aviationweather.gov or as text.

The pressure in a report is the QNH, to which an aircraft's altimeter is set: reduced to sea level with the standard
atmosphere, and in most countries rounded down to whole hectopascals. It is not the pressure at mean sea level, which is
`SLP` in the remarks of US reports. Cloud amounts are ranges (SCT is 3 or 4 eighths) and the weather has no number:
neither is stored.
"""

from __future__ import annotations

from typing import Final

from forecast.networks.metar.bulletins import BULLETINS
from forecast.networks.metar.cache import CACHE
from forecast.networks.metar.fetch import FETCH
from forecast.networks.metar.report import CORRECTION, STATED
from forecast.networks.model import (
    Correction,
    Field,
    Layout,
    Licence,
    Network,
    Recognise,
    Stated,
    TextCode,
    UtcTime,
)
from forecast.networks.station_source import StationSource
from forecast.qc.thresholds import HADISD, PROJECT, limits

_QNH: Final = "air_pressure_at_mean_sea_level_qnh"
_SEA_LEVEL: Final = "air_pressure_at_mean_sea_level"
_MILE: Final = 1609.344
_MAX_MILES: Final = (
    TextCode(("6+", "6.0+"), 10_000.0, "9999 or CAVOK of the report, 10 km or more"),
    TextCode(("10+", "10.0+"), 10 * _MILE, "10SM of the report, 10 miles or more"),
)

JSON: Final = Layout(
    name="aviationweather's METAR as JSON",
    recognise=Recognise(columns=("icaoId", "obsTime")),
    station="icaoId",
    # Not `reportTime`, which is the full hour of the report.
    time=UtcTime("obsTime"),
    fields={
        "temp": Field("air_temperature", "degC"),
        "dewp": Field("dew_point_temperature", "degC"),
        "wdir": Field("wind_from_direction", "deg"),
        "wspd": Field("wind_speed", "kt"),
        "wgst": Field("wind_speed_of_gust", "kt"),
        "visib": Field("visibility_in_air", "mi", text_codes=_MAX_MILES),
        "altim": Field(_QNH, "hPa"),
        "slp": Field(_SEA_LEVEL, "hPa"),
    },
    cell='a number with a decimal point, such as "7.2"',
    beside=(
        *("metar_id", "receiptTime", "reportTime", "metarType", "mostRecent", "prior", "qcField", "fltCat", "rawTaf"),
        *("lat", "lon", "elev", "name"),
    ),
    # Ranges of cloud cover, weather in words; extremes of 6 and 24 hours; rain of 3 to 24 hours; and `precip` since the
    # last full hour, whose period therefore varies.
    not_stored=(
        *("cover", "clouds", "wxString", "vertVis", "presTend", "snow"),
        *("maxT", "minT", "maxT24", "minT24", "precip", "pcp3hr", "pcp6hr", "pcp24hr"),
    ),
    correction=Correction("rawOb", CORRECTION),
    stated=Stated("rawOb", STATED),
)
# As the readers of text produce them: each cell with its unit.
_OF_TEXT: Final = {
    "temperature": Field("air_temperature", "degC"),
    "dew_point": Field("dew_point_temperature", "degC"),
    "wind_direction": Field("wind_from_direction", "deg"),
    "wind_speed": Field("wind_speed"),
    "wind_gust": Field("wind_speed_of_gust"),
    "visibility": Field("visibility_in_air"),
    "qnh": Field(_QNH),
    "sea_level_pressure": Field(_SEA_LEVEL),
}
_CELL: Final = 'a number with its unit in the cell, such as "12 kt"'

TEXT: Final = Layout(
    name="METAR as text",
    recognise=Recognise(columns=("day_time", "report", "visibility", "qnh")),
    station="station",
    time=UtcTime("day_time", within_days=15),
    fields=_OF_TEXT,
    cell=_CELL,
    correction=Correction("report", CORRECTION),
)
DATED: Final = Layout(
    name="METAR as text with its date",
    recognise=Recognise(columns=("observation_time", "report", "visibility", "qnh")),
    station="station",
    time=UtcTime("observation_time"),
    fields=_OF_TEXT,
    cell=_CELL,
    correction=Correction("report", CORRECTION),
)

NETWORK: Final = Network(
    name=FETCH.network,
    id_prefix="metar-",
    licence=Licence("public domain", "https://www.weather.gov/disclaimer", "NOAA Aviation Weather Center"),
    layouts=(JSON, TEXT, DATED),
    formats=(BULLETINS, CACHE),
    fetch=(FETCH,),
    stations=StationSource(
        form="json",
        id=("icaoId",),
        name=("site", "name"),
        latitude=("lat",),
        longitude=("lon",),
        elevation=("elev",),
        url="https://aviationweather.gov/data/cache/stations.cache.json.gz",
        described="aviationweather's stationinfo as JSON, or its METARs: icaoId, site or name, lat, lon, elev",
    ),
    first_year=1968,
    thresholds={
        **dict.fromkeys(
            ("air_temperature", "dew_point_temperature"),
            limits(
                f"{HADISD}: whole degrees may stand still for 14 days; the check stuck, with neighbours, remains",
                persistence_tolerance=-1,
            ),
        ),
        "wind_from_direction": limits(f"{PROJECT}: directions are in tens of degrees", persistence_suspect_hours=12),
    },
    access="the API of https://aviationweather.gov, without a key; it goes back 15 days.",
    traps=(
        "The altimeter setting is QNH, rounded down to whole hectopascals, and never the pressure at mean sea level.",
        "Temperatures are in whole degrees, so they repeat for hours.",
        "A text report only states the day of the month. The time of extraction gives the month.",
    ),
)
