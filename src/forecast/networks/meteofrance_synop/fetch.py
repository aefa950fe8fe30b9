"""The yearly files of Météo-France's SYNOP observations, each with all stations; no key.

The file of the current year is rewritten every morning, up to the previous evening. The bucket also has the same names
below `data/synchro_ftp/OBS/`: those have not been updated since 9 September 2026, but are still served. The monthly
files of the former site are read if they are put into the raw zone by hand.
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
