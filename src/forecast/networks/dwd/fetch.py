"""The folders of DWD's Climate Data Center; no key.

`now` has the current day and is updated every half hour, `recent` the last 500 days up to yesterday, and `historical`
what is older, after all quality control. A folder lists its files with their times and sizes, so that only changed ones
are requested. No quota is published; the limits here are our own restraint.
https://opendata.dwd.de/climate_environment/CDC/
"""

from __future__ import annotations

from typing import Final

from forecast.networks.file_fetch import FileFetch, Folder, Listing

_ROOT: Final = "/climate_environment/CDC/observations_germany/climate/"
_PERIODS: Final = {"now": "now", "recent": "akt", "historical": r"(?P<first>\d{8})_(?P<last>\d{8})_hist"}
# `recent` has 500 days.
_HISTORY_DAYS: Final = 450
# By folder: the parameter group, as in the names of the files.
_TEN_MINUTES: Final = {
    "air_temperature": "TU",
    "wind": "wind",
    "extreme_wind": "extrema_wind",
    "precipitation": "nieder",
    "solar": "SOLAR",
}
_HOURLY: Final = {
    "air_temperature": "TU",
    "dew_point": "TD",
    "pressure": "P0",
    "wind": "FF",
    "extreme_wind": "FX",
    "precipitation": "RR",
    "cloudiness": "N",
    "visibility": "VV",
    "sun": "SD",
    "soil_temperature": "EB",
}


def _folders(step: str, prefix: str, groups: dict[str, str], periods: tuple[str, ...]) -> tuple[Folder, ...]:
    return tuple(
        Folder(
            f"{group}/{period}",
            f"{_ROOT}{step}/{group}/{period}/",
            Listing.DIRECTORY,
            rf"{prefix}_{tag}_(?P<station>\d{{5}})_{_PERIODS[period]}\.zip",
            before_days=_HISTORY_DAYS if period == "historical" else None,
        )
        for group, tag in groups.items()
        for period in periods
    )


# Everything is in one folder, and every file is rewritten completely.
_SOLAR: Final = Folder(
    "solar", f"{_ROOT}hourly/solar/", Listing.DIRECTORY, r"stundenwerte_ST_(?P<station>\d{5})_row\.zip"
)


def _fetch(source: str, folders: tuple[Folder, ...]) -> FileFetch:
    return FileFetch(
        source=source,
        network="DWD",
        url_setting="DWD_API_URL",
        folders=folders,
        quota="dwd",
        per_minute=60,
        per_day=20_000,
    )


FILES: Final = (
    _fetch("dwd", _folders("10_minutes", "10minutenwerte", _TEN_MINUTES, ("now", "recent", "historical"))),
    _fetch("dwd_hourly", (*_folders("hourly", "stundenwerte", _HOURLY, ("recent", "historical")), _SOLAR)),
)
