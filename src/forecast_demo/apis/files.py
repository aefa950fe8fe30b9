"""The networks that serve whole files: folders with their lists, conditional answers, files that change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import partial
from typing import Final

import numpy as np

from forecast.core.stations import Station
from forecast_demo import dwd, meteofrance_hourly, synop
from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.world import WARMER, World
from forecast_demo.clock import DAY_SECONDS, HOUR_SECONDS, Epochs
from forecast_demo.weather import Site

DWD: Final = "/climate_environment/CDC/observations_germany/climate/"
SYNOP: Final = "/data/OBS/SYNOP/"
HOURLY: Final = "/data/synchro_ftp/BASE/HOR/"
CATALOGUE: Final = "/api/1/datasets/6569b4473bedf2e7abad3b72/"
_RECENT_DAYS: Final = 3  # DWD has 500
_NOW_SECONDS: Final = 1_800
_HISTORICAL: Final = "20200101_20251231_hist"


@dataclass(frozen=True, slots=True)
class Served:
    """A file as it is now; equal versions are equal files."""

    modified: int
    version: tuple[object, ...]
    content: Callable[[], bytes]


@dataclass(slots=True)
class FakeFiles:
    """The files over one world. `replaced` are served in place of the right ones, under their own paths."""

    world: World
    replaced: dict[str, bytes] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    _made: dict[tuple[str, tuple[object, ...]], bytes] = field(default_factory=dict)

    def answer(self, path: str, headers: Mapping[str, str], now: float, base: str) -> Answer | None:
        """What is answered to a GET; None where this is no path of theirs."""
        if path == CATALOGUE:
            return self._catalogue(now, base)
        if not path.startswith((DWD, SYNOP, HOURLY)):
            return None
        tree = {name: served for name, served in self._tree(now) if name not in self.hidden}
        if path.endswith("/"):
            return self._folder(path, tree)
        if path not in tree:
            return Answer(404, b"not found")
        content, modified = self._content(path, tree[path]), tree[path].modified
        tag = f'"{modified:x}-{len(content):x}"'
        about = {"ETag": tag, "Last-Modified": format_datetime(datetime.fromtimestamp(modified, UTC), usegmt=True)}
        since = headers.get("if-modified-since")
        if headers.get("if-none-match") == tag or (
            "if-none-match" not in headers and since and parsedate_to_datetime(since).timestamp() >= modified
        ):
            return Answer(304, b"", about)
        return Answer(200, content, about)

    def _content(self, path: str, served: Served) -> bytes:
        if path in self.replaced:
            return self.replaced[path]
        made = self._made.get((path, served.version))
        if made is None:
            made = self._made[path, served.version] = served.content()
        return made

    def _folder(self, path: str, tree: Mapping[str, Served]) -> Answer:
        lines = ['<a href="../">../</a>', '<a href="?C=M;O=A">Last modified</a>']
        for name, served in sorted(tree.items()):
            if name.rpartition("/")[0] + "/" != path:
                continue
            own, size = name.rpartition("/")[2], len(self._content(name, served))
            time = datetime.fromtimestamp(served.modified, UTC)
            lines.append(f'<a href="{own}">{own}</a>{time:%d-%b-%Y %H:%M:%S}{size:>20}'.replace("</a>", "</a>   "))
        return Answer(200, f"<html><body><pre>{chr(10).join(lines)}</pre></body></html>".encode())

    def _catalogue(self, now: float, base: str) -> Answer:
        resources: list[dict[str, object]] = [
            {"title": "Descriptif", "url": f"{base}{HOURLY}H_descriptif_champs.csv", "last_modified": "2024-01-01"}
        ]
        for path, served in self._tree(now):
            if path.startswith(HOURLY) and path not in self.hidden:
                time = datetime.fromtimestamp(served.modified, UTC)
                resources.append({"title": path, "url": f"{base}{path}", "last_modified": time.isoformat()})
        return as_json(200, {"id": CATALOGUE.split("/")[-2], "resources": resources})

    def _tree(self, now: float) -> Iterator[tuple[str, Served]]:
        yield from self._of_dwd(now)
        yield from self._of_synop(now)
        yield from self._of_hourly(now)

    def _of_dwd(self, now: float) -> Iterator[tuple[str, Served]]:
        midnight = int(now // DAY_SECONDS) * DAY_SECONDS
        latest = int(now // _NOW_SECONDS) * _NOW_SECONDS
        recent = (midnight - _RECENT_DAYS * DAY_SECONDS, midnight)
        for station in self._stations("DWD"):
            for product in dwd.PRODUCTS:
                stem = f"{DWD}{product.folder}/{{}}/{product.prefix}_{product.tag}_{station.network_id}_{{}}.zip"
                kinds = {"recent": ("akt", *recent, midnight), "historical": (_HISTORICAL, 1735603200, 1735689600, 0)}
                if product.step == dwd.TEN_MINUTES:
                    kinds["now"] = ("now", midnight, latest, latest)
                for period, (tag, first, end, modified) in kinds.items():
                    late = max([one.at for one in self.world.corrections_of(station.id, now, first, end)], default=0)
                    changed = max(modified, int(late))
                    epochs = self.world.instants(station, first, end - 1, product.step, now)
                    make = partial(self._dwd_file, product, station, epochs, WARMER * bool(late))
                    yield stem.format(period, tag), Served(changed, (changed, end), make)

    def _dwd_file(self, product: dwd.Product, station: Station, epochs: Epochs, warmer: float) -> bytes:
        return dwd.archive(product, station, epochs, self.world.site(station), self.world.seed, warmer)

    def _of_synop(self, now: float) -> Iterator[tuple[str, Served]]:
        """A file a year, written every morning up to the evening before; of each the last two days."""
        this_year = datetime.fromtimestamp(now, UTC).year
        for year in (this_year - 1, this_year):
            begin, over = (int(datetime(one, 1, 1, tzinfo=UTC).timestamp()) for one in (year, year + 1))
            end = min(over, int(now // DAY_SECONDS) * DAY_SECONDS)
            parts = list(self._parts("Météo-France SYNOP", max(begin, end - 2 * DAY_SECONDS), end, synop.STEP, now))
            yield f"{SYNOP}synop_{year}.csv.gz", Served(end, (end,), partial(synop.file, parts, self.world.seed))

    def _of_hourly(self, now: float) -> Iterator[tuple[str, Served]]:
        """Of each department the last two days, and one day of years ago."""
        year = datetime.fromtimestamp(now, UTC).year
        end = int(now // DAY_SECONDS) * DAY_SECONDS
        old = int(datetime(2015, 6, 1, tzinfo=UTC).timestamp())
        network = "Météo-France hourly data"
        for department in sorted({station.network_id[:2] for station in self._stations(network)}):
            for period, first, last in (
                (f"latest-{year - 1}-{year}", end - 2 * DAY_SECONDS, end),
                (f"previous-2020-{year - 2}", old, old),
                ("2010-2019", old, old + DAY_SECONDS),
            ):
                late = max(
                    [one.at for one in self.world.corrections if one.first >= first and one.end <= last], default=0
                )
                changed = max(last, int(late) if late <= now else 0)
                parts = [
                    part for part in self._parts(network, first, last, HOUR_SECONDS, now)
                    if part[0].network_id.startswith(department)
                ]  # fmt: skip
                make = partial(meteofrance_hourly.file, parts, self.world.seed, WARMER * (changed > last))
                yield f"{HOURLY}H_{department}_{period}.csv.gz", Served(changed, (changed, last), make)

    def _parts(
        self, network: str, first: int, end: int, step: int, now: float
    ) -> Iterator[tuple[Station, Site, Epochs]]:
        for station in self._stations(network):
            epochs = self.world.instants(station, first, end - 1, step, now)
            yield station, self.world.site(station), np.asarray(epochs)

    def _stations(self, network: str) -> list[Station]:
        return [station for station in self.world.stations if station.network == network]
