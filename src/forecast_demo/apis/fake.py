"""What the made-up API of one network is: how it answers, or which files it has, and its part of the demonstration."""

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
        """Whether the key is one that is known."""
        return self.key in self.apis.keys

    def is_over_quota(self, path: str, per_minute: int, per_day: int | None = None) -> bool:
        """Whether the key has been used too often on addresses with this path."""
        return self.apis.is_over_quota(self, path, per_minute, per_day)


@dataclass(frozen=True, slots=True)
class Served:
    """A file as it is now; equal versions are equal files."""

    modified: int
    version: tuple[object, ...]
    content: Callable[[], bytes]


@dataclass(frozen=True, slots=True)
class FakeNetwork:
    """The made-up API of the network that the registry calls `network`.

    `answers` are by what the path of a call begins with. Files are below `folder`: `tree` gives them as they are at a
    time (epoch s), by path; `catalogue` is the path of a data set of data.gouv.fr that lists them. `week` makes the
    objects of the demonstration week, by their keys in the raw zone.
    """

    network: str
    answers: Mapping[str, Callable[[Call], Answer]] = field(default_factory=dict)
    folder: str = ""
    tree: Callable[[World, float], Iterator[tuple[str, Served]]] | None = None
    catalogue: str = ""
    week: Callable[[Week], dict[str, bytes]] | None = None


@cache
def fake_networks() -> tuple[FakeNetwork, ...]:
    """Those of the packages in forecast_demo/networks, by name of the package."""
    found = sorted(module.name for module in pkgutil.iter_modules(networks.__path__) if module.ispkg)
    return tuple(import_module(f"{networks.__name__}.{name}").FAKE for name in found)
