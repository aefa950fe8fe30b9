"""What each API answers to a call, from its address alone."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from forecast_demo import infoclimat
from forecast_demo.apis.faults import Fault
from forecast_demo.apis.world import World

_MINUTE: Final = 60
_DAY: Final = 86_400
_MAX_INFOCLIMAT_STATIONS: Final = 100
GOOD_KEY: Final = "a-good-key"
PWS_PATH: Final = "/v2/pws/history/all"
INFOCLIMAT_PATH: Final = "/opendata/"
METAR_PATH: Final = "/api/data/metar"
_MAX_METARS: Final = 400


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    breaks_off: bool = False


@dataclass(slots=True)
class FakeApis:
    """Both networks' APIs over one world, at the time that `now` tells.

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

    def answer(self, address: str) -> Answer:
        """What is answered to a GET of this path and query."""
        url = urlsplit(address)
        query = parse_qs(url.query, keep_blank_values=True)
        key = query.pop("apiKey", query.pop("token", [""]))[0]
        now = self.now()
        self.calls.append((now, key, address.replace(key, "***") if key else address))
        for fault in self.faults:
            if fault.strikes(address):
                return Answer(fault.status, fault.body, fault.headers, fault.breaks_off)
        if url.path == PWS_PATH:
            return self._pws(query, key, now)
        if url.path == INFOCLIMAT_PATH:
            return self._infoclimat(query, key, now)
        if url.path == METAR_PATH:
            return self._metar(query, now)
        return Answer(404, b"not found")

    def _pws(self, query: dict[str, list[str]], key: str, now: float) -> Answer:
        if key not in self.keys:
            return _json(401, {"success": False, "errors": [{"error": {"message": "Invalid apiKey."}}]})
        if self._is_over_quota(key, now):
            return Answer(429, b"Too many requests", {"Retry-After": "60"})
        allowed = {"stationId", "format", "units", "numericPrecision", "date"}
        if set(query) != allowed or query["numericPrecision"] != ["decimal"] or query["units"] != ["m"]:
            return _json(400, {"success": False, "errors": [{"error": {"message": "Invalid parameter."}}]})
        station = self.world.stations.get(query["stationId"][0])
        day = datetime.strptime(query["date"][0], "%Y%m%d").date()  # noqa: DTZ007  a day has no zone
        rows = self.world.pws_day(station, day, now) if station and station.network == "Weather Underground" else []
        if not rows and day.day % 2:
            return Answer(204)  # a day without rows is told in two ways
        return _json(200, {"observations": rows})

    def _infoclimat(self, query: dict[str, list[str]], key: str, now: float) -> Answer:
        if key not in self.keys:
            return _json(200, {"status": "NOK", "errors": ["Invalid token"], "data": []})
        try:
            first, last = (date.fromisoformat(query[name][0]) for name in ("start", "end"))
        except ValueError:
            return _json(200, {"status": "OK", "errors": [], "data": []})
        known = [self.world.stations.get(name) for name in query["stations[]"]]
        stations = [station for station in known if station is not None and station.network == "InfoClimat"]
        if len(known) > _MAX_INFOCLIMAT_STATIONS:
            return _json(200, {"status": "NOK", "errors": ["Too many stations"], "data": []})
        rows = {station.id: self.world.infoclimat_days(station, first, last, now) for station in stations}
        there: dict[str, Any] = {name: of_station for name, of_station in rows.items() if of_station}
        return Answer(200, infoclimat.document_text(infoclimat.document(stations, there)).encode())

    def _metar(self, query: dict[str, list[str]], now: float) -> Answer:
        if query.get("format") != ["json"]:
            return Answer(200, b"METAR LFQQ 170600Z 24007KT CAVOK 11/09 Q1013")
        last = datetime.fromisoformat(query["date"][0]).timestamp()
        first = last - 3600 * float(query["hours"][0])
        own = {station.network_id: station for station in self.world.stations if station.network == "METAR"}
        known = [own[name] for name in query["ids"][0].split(",") if name in own]
        rows = [row for station in known for row in self.world.metar_reports(station, first, last, now)]
        return _json(200, rows[:_MAX_METARS]) if rows else Answer(204)

    def _is_over_quota(self, key: str, now: float) -> bool:
        times = [at for at, of_key, address in self.calls if of_key == key and PWS_PATH in address]
        minute, day = (sum(at > now - seconds for at in times) for seconds in (_MINUTE, _DAY))
        over = minute > self.per_minute or day > self.per_day
        self.over_quota += over
        return over


def _json(status: int, document: Any) -> Answer:
    return Answer(status, json.dumps(document).encode(), {"Content-Type": "application/json"})


def packed(answer: Answer) -> Answer:
    """The same answer, gzipped."""
    headers = {**answer.headers, "Content-Encoding": "gzip"}
    return Answer(answer.status, gzip.compress(answer.body, 6, mtime=0), headers, answer.breaks_off)
