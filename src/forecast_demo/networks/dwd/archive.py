"""Zip files of DWD's Climate Data Center, each with one table of one station and parameter group."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from forecast.core.stations import Station
from forecast_demo.clock import HOUR_SECONDS, Epochs, utc_text
from forecast_demo.weather import Site, Weather, simulate

TEN_MINUTES: Final = 600
_MISSING: Final = "-999"
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)  # the time of a zip's members, so that equal tables give equal zips


@dataclass(frozen=True, slots=True)
class Product:
    """One parameter group: its folder, the tag in its file names, the name of its quality column, and its columns.

    A column is an attribute of the weather times a factor, or None if it is missing in every row. `step` is in s.
    """

    folder: str
    tag: str
    quality: str
    columns: Mapping[str, tuple[str, float] | None]
    step: int
    pattern: str = "%Y%m%d%H"
    solar_time: bool = False  # rows are at full hours of true solar time, which has a column of its own

    @property
    def prefix(self) -> str:
        """The beginning of its file names."""
        return "10minutenwerte" if self.step == TEN_MINUTES else "stundenwerte"


def _ten(folder: str, tag: str, **columns: tuple[str, float] | None) -> Product:
    return Product(f"10_minutes/{folder}", tag, "QN", columns, TEN_MINUTES, "%Y%m%d%H%M")


def _hour(folder: str, tag: str, quality: str, **columns: tuple[str, float] | None) -> Product:
    return Product(f"hourly/{folder}", tag, quality, columns, HOUR_SECONDS)


PRODUCTS: Final = (
    _ten("air_temperature", "TU", PP_10=("pressure", 1), TT_10=("air_temperature", 1), TM5_10=None,
         RF_10=("humidity", 1), TD_10=("dew_point", 1)),
    _ten("wind", "wind", FF_10=("speed", 1), DD_10=("direction", 1)),
    _ten("extreme_wind", "extrema_wind", FX_10=("gust", 1), FNX_10=None, FMX_10=None, DX_10=None),
    _ten("precipitation", "nieder", RWS_DAU_10=None, RWS_10=("rain_rate", 1 / 6), RWS_IND_10=None),
    _ten("solar", "SOLAR", DS_10=None, GS_10=("solar", 0.06), SD_10=None, LS_10=None),
    _hour("air_temperature", "TU", "QN_9", TT_TU=("air_temperature", 1), RF_TU=("humidity", 1)),
    _hour("dew_point", "TD", "QN_8", TT=("air_temperature", 1), TD=("dew_point", 1)),
    _hour("pressure", "P0", "QN_8", P=("pressure", 1), P0=None),
    _hour("wind", "FF", "QN_3", F=("speed", 1), D=("direction", 1)),
    _hour("extreme_wind", "FX", "QN_8", FX_911=("gust", 1)),
    _hour("precipitation", "RR", "QN_8", R1=("rain_rate", 1), RS_IND=None, WRTR=None),
    _hour("cloudiness", "N", "QN_8", V_N_I=None, V_N=("cloud", 8)),
    _hour("visibility", "VV", "QN_8", V_VV_I=None, V_VV=None),
    _hour("sun", "SD", "QN_7", SD_SO=None),
    _hour("soil_temperature", "EB", "QN_2", V_TE005=("air_temperature", 0.9)),
    Product("hourly/solar", "ST", "QN_592", {"ATMO_LBERG": None, "FD_LBERG": None, "FG_LBERG": ("solar", 0.36),
            "SD_LBERG": None, "ZENIT": None}, HOUR_SECONDS, "%Y%m%d%H:%M", solar_time=True),
)  # fmt: skip


def archive(product: Product, station: Station, epochs: Epochs, site: Site, seed: int, warmer: float = 0.0) -> bytes:
    """Make the zip file of one table; temperatures are higher by `warmer` (°C)."""
    # Solar time is ahead of UTC by four minutes per degree of longitude east.
    ahead = 60 * round(4 * site.longitude) if product.solar_time else 0
    epochs = epochs - ahead
    weather = simulate(epochs, site, seed)
    name = f"produkt_{product.tag.lower()}_{station.network_id}.txt"
    solar_time = ["MESS_DATUM_WOZ"] if product.solar_time else []
    lines = [";".join(["STATIONS_ID", "MESS_DATUM", product.quality, *product.columns, *solar_time, "eor"])]
    for row, epoch in enumerate(epochs.tolist()):
        cells = [f"{int(station.network_id):>11}", utc_text(epoch, product.pattern), "    3"]
        cells += [_cell(weather, row, of, warmer) for of in product.columns.values()]
        cells += [utc_text(epoch + ahead, product.pattern) for _ in solar_time]
        lines.append(";".join([*cells, "eor"]))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr(zipfile.ZipInfo(name, _EPOCH), "\r\n".join([*lines, ""]))
    return packed.getvalue()


def _cell(weather: Weather, row: int, of: tuple[str, float] | None, warmer: float) -> str:
    if of is None:
        return f"{_MISSING:>8}"
    attribute, factor = of
    value = float(getattr(weather, attribute)[row]) * factor
    return f"{value + warmer * (attribute == 'air_temperature'):8.1f}"
