"""DWD's Climate Data Center: one zip file per station, parameter group and period."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Final

from forecast.core.stations import Station
from forecast_demo.apis.fake import FakeNetwork, Served
from forecast_demo.apis.world import WARMER, World
from forecast_demo.clock import DAY_SECONDS, Epochs
from forecast_demo.networks.dwd.archive import PRODUCTS, TEN_MINUTES, Product, archive

NETWORK: Final = "DWD"
FOLDER: Final = "/climate_environment/CDC/observations_germany/climate/"
_RECENT_DAYS: Final = 3  # the real ones have 500
_NOW_SECONDS: Final = 1_800
_HISTORICAL: Final = "20200101_20251231_hist"


def _tree(world: World, now: float) -> Iterator[tuple[str, Served]]:
    midnight = int(now // DAY_SECONDS) * DAY_SECONDS
    latest = int(now // _NOW_SECONDS) * _NOW_SECONDS
    recent = (midnight - _RECENT_DAYS * DAY_SECONDS, midnight)
    for station in world.stations_of(NETWORK):
        for product in PRODUCTS:
            stem = f"{FOLDER}{product.folder}/{{}}{product.prefix}_{product.tag}_{station.network_id}_{{}}.zip"
            kinds = {"recent/": ("akt", *recent, midnight), "historical/": (_HISTORICAL, 1735603200, 1735689600, 0)}
            if product.step == TEN_MINUTES:
                kinds["now/"] = ("now", midnight, latest, latest)
            if product.solar_time:
                kinds = {"": ("row", *recent, midnight)}
            for folder, (tag, first, end, modified) in kinds.items():
                late = max([one.at for one in world.corrections_of(station.id, now, first, end)], default=0)
                changed = max(modified, int(late))
                epochs = world.instants(station, first, end - 1, product.step, now)
                make = partial(_file, world, product, station, epochs, WARMER * bool(late))
                yield stem.format(folder, tag), Served(changed, (changed, end), make)


def _file(world: World, product: Product, station: Station, epochs: Epochs, warmer: float) -> bytes:
    return archive(product, station, epochs, world.site(station), world.seed, warmer)


FAKE: Final = FakeNetwork(NETWORK, folder=FOLDER, tree=_tree)
