"""Météo-France's hourly base data: a catalogue with a file per department and period."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Final

from forecast_demo.apis.fake import FakeNetwork, Served
from forecast_demo.apis.world import WARMER, World
from forecast_demo.clock import DAY_SECONDS, HOUR_SECONDS
from forecast_demo.networks.meteofrance_hourly.file import file

NETWORK: Final = "Météo-France hourly data"
FOLDER: Final = "/data/synchro_ftp/BASE/HOR/"
CATALOGUE: Final = "/api/1/datasets/6569b4473bedf2e7abad3b72/"


def _tree(world: World, now: float) -> Iterator[tuple[str, Served]]:
    """The files of each department: the last two days, an empty one, and one day in 2015."""
    year = datetime.fromtimestamp(now, UTC).year
    end = int(now // DAY_SECONDS) * DAY_SECONDS
    old = int(datetime(2015, 6, 1, tzinfo=UTC).timestamp())
    for department in sorted({station.network_id[:2] for station in world.stations_of(NETWORK)}):
        for period, first, last in (
            (f"latest-{year - 1}-{year}", end - 2 * DAY_SECONDS, end),
            (f"previous-2020-{year - 2}", old, old),
            ("2010-2019", old, old + DAY_SECONDS),
        ):
            late = max([one.at for one in world.corrections if one.first >= first and one.end <= last], default=0)
            changed = max(last, int(late) if late <= now else 0)
            parts = [
                part
                for part in world.parts(NETWORK, first, last, HOUR_SECONDS, now)
                if part[0].network_id.startswith(department)
            ]
            make = partial(file, parts, world.seed, WARMER * (changed > last))
            yield f"{FOLDER}H_{department}_{period}.csv.gz", Served(changed, (changed, last), make)


FAKE: Final = FakeNetwork(NETWORK, folder=FOLDER, tree=_tree, catalogue=CATALOGUE)
