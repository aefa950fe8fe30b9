"""The sources that can be read, by name."""

from __future__ import annotations

from typing import Final

from forecast.networks.fetch import Fetch
from forecast.networks.file_fetch import FileFetch
from forecast.networks.registry import NETWORKS

FETCHES: Final[dict[str, Fetch]] = NETWORKS.fetches
# The sources that serve whole files.
FILE_FETCHES: Final[dict[str, FileFetch]] = NETWORKS.file_fetches
# The sources that Airbyte can read too.
MANIFESTED: Final[dict[str, Fetch]] = {name: fetch for name, fetch in FETCHES.items() if not fetch.no_manifest}
