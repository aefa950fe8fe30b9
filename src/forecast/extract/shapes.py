"""What the extractor needs to know about networks: where their documents have rows, and which fields are objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from forecast.extract.fields import spelled
from forecast.networks.model import Container, Format, Layout
from forecast.networks.not_observations import NOT_OBSERVATIONS
from forecast.networks.registry import Networks


@dataclass(frozen=True, slots=True)
class Shapes:
    """`containers` are the keys under which documents have their rows; `beside` members of them that are no rows.

    `row_members` are the members of the entries of a container that hold the rows, by its key. `units` are the keys
    under which documents name the units of their fields. `objects` are the fields, as `spelled`, that hold an object:
    in every other field a text is a text, also "{". `formats` are files of one network only, or of data
    that is no observation.
    """

    containers: tuple[str, ...]
    row_members: Mapping[str, str]
    beside: frozenset[str]
    units: tuple[str, ...]
    objects: frozenset[str]
    formats: tuple[Format, ...]


@lru_cache(maxsize=8)
def shapes_of(networks: Networks) -> Shapes:
    """Those of all these networks together."""
    layouts = [layout for network in networks for layout in network.layouts]
    containers = list(_containers(layouts))
    return Shapes(
        containers=tuple(dict.fromkeys(container.name for container in containers)),
        row_members={container.name: container.row for container in containers if container.row is not None},
        beside=frozenset(name for container in containers for name in container.beside),
        units=tuple(dict.fromkeys(container.units for container in containers if container.units is not None)),
        objects=frozenset(spelled(name) for layout in layouts if layout.blocks for name in layout.blocks.units),
        formats=(*NOT_OBSERVATIONS, *(own for network in networks for own in network.formats)),
    )


def _containers(layouts: list[Layout]) -> Iterator[Container]:
    for layout in layouts:
        yield from layout.containers
