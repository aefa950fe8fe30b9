"""What each API answers to a call, from its address alone."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from forecast_demo import infoclimat
from forecast_demo.apis import paquet, wfs
from forecast_demo.apis.answer import Answer, as_json
from forecast_demo.apis.faults import Fault
from forecast_demo.apis.files import FakeFiles
from forecast_demo.apis.world import World

_MINUTE: Final = 60
_DAY: Final = 86_400
_MAX_INFOCLIMAT_STATIONS: Final = 100
GOOD_KEY: Final = "a-good-key"
PWS_PATH: Final = "/v2/pws/history/all"
INFOCLIMAT_PATH: Final = "/opendata/"
METAR_PATH: Final = "/api/data/metar"
_MAX_METARS: Final = 400
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(slots=True)
class FakeApis:
    """The networks' APIs over one world, at the time that `now` tells.

    `calls` has the time, the key and the address without it of every call; `over_quota` how many came above the quota.
    """

    world: World
    now: Callable[[], float]
    keys: frozenset[str] = frozenset({GOOD_KEY})
    per_minute: int = 30
    per_day: int = 1_500
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    over_quota: int = 0
    most_features: int = 10_000  # in a page of RMI's
    base: str = "https://www.data.gouv.fr"  # of the addresses of files in a catalogue
    files: FakeFiles = field(init=False)

    def __post_init__(self) -> None:
        self.files = FakeFiles(self.world)

    def answer(self, address: str, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        """What is answered to a GET of this path and query; names of headers are in lower case."""
        url = urlsplit(address)
        query = parse_qs(url.query, keep_blank_values=True)
        key = headers.get("apikey") or query.pop("apiKey", query.pop("token", [""]))[0]
        now = self.now()
        self.calls.append((now, key, address.replace(key, "***") if key else address))
        for fault in self.faults:
            if fault.strikes(address):
                return Answer(fault.status, fault.body, fault.headers, fault.breaks_off)
        exact = {
            PWS_PATH: self._pws,
            INFOCLIMAT_PATH: self._infoclimat,
            METAR_PATH: self._metar,
            wfs.PATH: self._wfs,
        }
        if url.path in exact:
            return exact[url.path](query, key, now)
        if url.path.startswith(paquet.PATH):
            return self._paquet(url.path, query, key, now)
        return self.files.answer(url.path, headers, now, self.base) or Answer(404, b"not found")

    def _pws(self, query: dict[str, list[str]], key: str, now: float) -> Answer:
        if key not in self.keys:
            return as_json(401, {"success": False, "errors": [{"error": {"message": "Invalid apiKey."}}]})
        if self._is_over_quota(key, now, PWS_PATH, self.per_minute, self.per_day):
            return Answer(429, b"Too many requests", {"Retry-After": "60"})
        allowed = {"stationId", "format", "units", "numericPrecision", "date"}
        if set(query) != allowed or query["numericPrecision"] != ["decimal"] or query["units"] != ["m"]:
            return as_json(400, {"success": False, "errors": [{"error": {"message": "Invalid parameter."}}]})
        station = self.world.stations.get(query["stationId"][0])
        day = datetime.strptime(query["date"][0], "%Y%m%d").date()  # noqa: DTZ007  a day has no zone
        rows = self.world.pws_day(station, day, now) if station and station.network == "Weather Underground" else []
        if not rows and day.day % 2:
            return Answer(204)  # a day without rows is told in two ways
        return as_json(200, {"observations": rows})

    def _infoclimat(self, query: dict[str, list[str]], key: str, now: float) -> Answer:
        if key not in self.keys:
            return as_json(200, {"status": "NOK", "errors": ["Invalid token"], "data": []})
        try:
            first, last = (date.fromisoformat(query[name][0]) for name in ("start", "end"))
        except ValueError:
            return as_json(200, {"status": "OK", "errors": [], "data": []})
        known = [self.world.stations.get(name) for name in query["stations[]"]]
        stations = [station for station in known if station is not None and station.network == "InfoClimat"]
        if len(known) > _MAX_INFOCLIMAT_STATIONS:
            return as_json(200, {"status": "NOK", "errors": ["Too many stations"], "data": []})
        rows = {station.id: self.world.infoclimat_days(station, first, last, now) for station in stations}
        there: dict[str, Any] = {name: of_station for name, of_station in rows.items() if of_station}
        return Answer(200, infoclimat.document_text(infoclimat.document(stations, there)).encode())

    def _paquet(self, path: str, query: dict[str, list[str]], key: str, now: float) -> Answer:
        if key not in self.keys:
            return as_json(401, paquet.INVALID)
        if self._is_over_quota(key, now, paquet.PATH, paquet.PER_MINUTE):
            return as_json(429, paquet.THROTTLED)
        return paquet.answer(self.world, path, query, now)

    def _wfs(self, query: dict[str, list[str]], _key: str, now: float) -> Answer:
        return wfs.answer(self.world, query, now, self.most_features)

    def _metar(self, query: dict[str, list[str]], _key: str, now: float) -> Answer:
        if query.get("format") != ["json"]:
            return Answer(200, b"METAR LFQQ 170600Z 24007KT CAVOK 11/09 Q1013")
        last = datetime.fromisoformat(query["date"][0]).timestamp()
        first = last - 3600 * float(query["hours"][0])
        own = {station.network_id: station for station in self.world.stations if station.network == "METAR"}
        known = [own[name] for name in query["ids"][0].split(",") if name in own]
        rows = [row for station in known for row in self.world.metar_reports(station, first, last, now)]
        return as_json(200, rows[:_MAX_METARS]) if rows else Answer(204)

    def _is_over_quota(self, key: str, now: float, path: str, per_minute: int, per_day: int | None = None) -> bool:
        times = [at for at, of_key, address in self.calls if of_key == key and path in address]
        minute, day = (sum(at > now - seconds for at in times) for seconds in (_MINUTE, _DAY))
        over = minute > per_minute or (per_day is not None and day > per_day)
        self.over_quota += over
        return over


def packed(answer: Answer) -> Answer:
    """The same answer, gzipped."""
    headers = {**answer.headers, "Content-Encoding": "gzip"}
    return Answer(answer.status, gzip.compress(answer.body, 6, mtime=0), headers, answer.breaks_off)
