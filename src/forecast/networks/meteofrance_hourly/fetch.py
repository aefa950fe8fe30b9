"""The files of Météo-France's hourly base data, one per department and period; no key.

They are listed as a data set on data.gouv.fr. The names of the newest period change every January
(`H_59_latest-2025-2026.csv.gz`), and its file is rewritten every morning. The departments are numbered as in the ids of
the stations: 20 for Corsica, three digits overseas.
https://www.data.gouv.fr/datasets/donnees-climatologiques-de-base-horaires
"""

from __future__ import annotations

from typing import Final

from forecast.networks.file_fetch import FileFetch, Folder, Listing
from forecast.networks.french_overseas import department_of

FILES: Final = (
    FileFetch(
        source="meteofrance_hourly",
        network="Météo-France hourly data",
        url_setting="MF_HOURLY_API_URL",
        folders=(
            Folder(
                "departments",
                "/api/1/datasets/6569b4473bedf2e7abad3b72/",
                Listing.CATALOGUE,
                r"H_(?P<group>\d{2,3})_(?:latest-|previous-)?(?P<first>\d{4})-(?P<last>\d{4})\.csv\.gz",
            ),
        ),
        group_of=department_of,
        only_named=True,
        per_minute=20,
        per_day=2_000,
    ),
)
