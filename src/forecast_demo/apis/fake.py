"""The simulated API of one network: its responses or files, and its objects of the demonstration week."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING

from forecast_demo import networks
from forecast_demo.apis.answer import Answer
from forecast_demo.week import Week

if TYPE_CHECKING:
    from forecast_demo.apis.answers import FakeApis
    from forecast_demo.apis.world import World


@dataclass(frozen=True, slots=True)
class Call:
    """A GET: its path, its query without the key, the key, and when it was made (epoch s)."""

    path: str
    query: Mapping[str, list[str]]
    key: str
    now: float
    apis: FakeApis

    @property
    def world(self) -> World:
        """The stations and their weather."""
        return self.apis.world

    @property
    def has_good_key(self) -> bool:
        """Whether the API knows the key."""
        return self.key in self.apis.keys

    def is_over_quota(self, path: str, per_minute: int, per_day: int | None = None) -> bool:
        """Whether calls with this key to addresses that contain `path` exceed a quota."""
        return self.apis.is_over_quota(self, path, per_minute, per_day)


@dataclass(frozen=True, slots=True)
class Served:
    """A file as it is now: when it was modified (epoch s), and its content, which is the same for equal versions."""

    modified: int
    version: tuple[object, ...]
    content: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class FakeNetwork:
    """The simulated API of the network that the registry calls `network`.

    `answers` has a function for each beginning of a path, which returns the response to a call. Files are below
    `folder`: `tree` yields the path of each and the file as it is at a time (epoch s); `catalogue` is the path of a
    data set of data.gouv.fr that lists them. `week` returns the objects of the demonstration week by their keys in the
    raw zone.
    """

    network: str
    answers: Mapping[str, Callable[[Call], Answer]] = field(default_factory=dict)
    folder: str = ""
    tree: Callable[[World, float], Iterator[tuple[str, Served]]] | None = None
    catalogue: str = ""
    week: Callable[[Week], dict[str, bytes]] | None = None


@cache
def fake_networks() -> tuple[FakeNetwork, ...]:
    """The simulated networks in forecast_demo/networks, in the order of their packages' names."""
    found = sorted(module.name for module in pkgutil.iter_modules(networks.__path__) if module.ispkg)
    return tuple(import_module(f"{networks.__name__}.{name}").FAKE for name in found)
