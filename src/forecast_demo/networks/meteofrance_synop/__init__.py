"""Météo-France's SYNOP observations: one file per year."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from forecast_demo.apis.fake import FakeNetwork, Served
from forecast_demo.apis.world import World
from forecast_demo.clock import DAY_SECONDS
from forecast_demo.networks.meteofrance_synop.file import STEP, file

NETWORK: Final = "Météo-France SYNOP"
FOLDER: Final = "/data/OBS/SYNOP/"


def _tree(world: World, now: float) -> Iterator[tuple[str, Served]]:
    """One file per year, with its last two days; this year's is written every morning, up to midnight."""
    this_year = datetime.fromtimestamp(now, UTC).year
    for year in (this_year - 1, this_year):
        begin, over = (int(datetime(one, 1, 1, tzinfo=UTC).timestamp()) for one in (year, year + 1))
        end = min(over, int(now // DAY_SECONDS) * DAY_SECONDS)
        parts = list(world.parts(NETWORK, max(begin, end - 2 * DAY_SECONDS), end, STEP, now))
        yield f"{FOLDER}synop_{year}.csv.gz", Served(end, (end,), partial(file, parts, world.seed))


FAKE: Final = FakeNetwork(NETWORK, folder=FOLDER, tree=_tree)
