"""The responses of the simulated APIs, independent of HTTP."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qs, urlsplit

from forecast.networks import fetch
from forecast.networks.registry import NETWORKS
from forecast_demo.apis.answer import Answer
from forecast_demo.apis.fake import Call, fake_networks
from forecast_demo.apis.faults import Fault
from forecast_demo.apis.files import FakeFiles
from forecast_demo.apis.world import World

_MINUTE: Final = 60
_DAY: Final = 86_400
GOOD_KEY: Final = "a-good-key"
NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})
# The headers and the query parameters in which the networks expect their keys.
_KEY_HEADERS: Final = frozenset(one.key_header for one in NETWORKS.fetches.values() if one.key_header)
_KEY_PARAMETERS: Final = frozenset(
    name for one in NETWORKS.fetches.values() for name, value in one.params if value == fetch.KEY
)


@dataclass(slots=True)
class FakeApis:
    """The networks' APIs over one simulated world, at the time that `now` returns (epoch s).

    `calls` has the time, the key and the address without the key of every call; `over_quota` is the number of calls
    beyond a quota.
    """

    world: World
    now: Callable[[], float]
    keys: frozenset[str] = frozenset({GOOD_KEY})
    per_minute: int = 30
    per_day: int = 1_500
    faults: list[Fault] = field(default_factory=list)
    calls: list[tuple[float, str, str]] = field(default_factory=list)
    over_quota: int = 0
    max_page: int = 10_000  # records in a page of a paged response
    base: str = "https://www.data.gouv.fr"  # what the addresses of files in a catalogue begin with
    files: FakeFiles = field(init=False)

    def __post_init__(self) -> None:
        self.files = FakeFiles(self.world, fake_networks())

    def answer(self, address: str, headers: Mapping[str, str] = NO_HEADERS) -> Answer:
        """The response to a GET of this path and query; the names of `headers` are in lower case."""
        url = urlsplit(address)
        query = parse_qs(url.query, keep_blank_values=True)
        in_query = [key for name in _KEY_PARAMETERS for key in query.pop(name, [])]
        in_headers = [headers[name] for name in _KEY_HEADERS if name in headers]
        key = next(iter([*in_headers, *in_query]), "")
        now = self.now()
        self.calls.append((now, key, address.replace(key, "***") if key else address))
        for fault in self.faults:
            if fault.applies_to(address):
                return Answer(fault.status, fault.body, fault.headers, fault.breaks_off)
        for network in fake_networks():
            for path, answered in network.answers.items():
                if url.path.startswith(path):
                    return answered(Call(url.path, query, key, now, self))
        return self.files.answer(url.path, headers, now, self.base) or Answer(404, b"not found")

    def is_over_quota(self, call: Call, path: str, per_minute: int, per_day: int | None = None) -> bool:
        """Whether calls with this key to addresses that contain `path` exceed a quota. If so, the call is counted."""
        times = [at for at, of_key, address in self.calls if of_key == call.key and path in address]
        minute, day = (sum(at > call.now - seconds for at in times) for seconds in (_MINUTE, _DAY))
        over = minute > per_minute or (per_day is not None and day > per_day)
        self.over_quota += over
        return over


def gzipped(answer: Answer) -> Answer:
    """The same response, gzipped."""
    headers = {**answer.headers, "Content-Encoding": "gzip"}
    return Answer(answer.status, gzip.compress(answer.body, 6, mtime=0), headers, answer.breaks_off)
