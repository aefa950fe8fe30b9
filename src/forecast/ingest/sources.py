"""The streams that can be read, by the name of their source."""

from __future__ import annotations

from typing import Final

from forecast.networks.fetch import Fetch
from forecast.networks.infoclimat.fetch import FETCH as INFOCLIMAT
from forecast.networks.wunderground.fetch import FETCH as WUNDERGROUND

FETCHES: Final[dict[str, Fetch]] = {fetch.source: fetch for fetch in (INFOCLIMAT, WUNDERGROUND)}
