"""The sources of a network that `forecast ingest` can read."""

from __future__ import annotations

from forecast.networks.fetch import Fetch
from forecast.networks.file_fetch import FileFetch

# A stream of records, or whole files.
Source = Fetch | FileFetch
