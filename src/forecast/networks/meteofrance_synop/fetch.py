"""The yearly files of Météo-France's SYNOP observations, all stations in each; no key.

The file of the year is written again every morning, up to the evening before. The bucket has the same names below
`data/synchro_ftp/OBS/` too: those have not been written since 9 September 2026, and go on being served. The monthly
files of the former site are read where they are put into the raw zone by hand.
https://www.data.gouv.fr/datasets/archive-synop-omm
"""

from __future__ import annotations

from typing import Final

from forecast.networks.file_fetch import YEAR, FileFetch, Folder, Listing

FILES: Final = (
    FileFetch(
        source="meteofrance_synop",
        network="Météo-France SYNOP",
        url_setting="MF_SYNOP_API_URL",
        folders=(Folder("yearly", f"/data/OBS/SYNOP/synop_{YEAR}.csv.gz", Listing.YEARS),),
        only_named=True,
        per_minute=10,
        per_day=500,
    ),
)
