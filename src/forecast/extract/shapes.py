"""What extract needs to know about networks: where their documents have rows, and which fields are objects."""

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
    """`containers` are the keys under which documents have their rows; `beside` are members of them that are not rows.

    `row_members` are, by container, the members of its entries that hold the rows. `counts` are the keys under which
    documents state how many rows there are. `units` are the keys under which documents state the units of their fields.
    `objects` are the fields, as `spelled`, that hold objects: in all others, text is just text, even "{". `formats` are
    the file formats of single networks, or of data that are not observations.
    """

    containers: tuple[str, ...]
    row_members: Mapping[str, str]
    counts: tuple[str, ...]
    beside: frozenset[str]
    units: tuple[str, ...]
    objects: frozenset[str]
    formats: tuple[Format, ...]


@lru_cache(maxsize=8)
def shapes_of(networks: Networks) -> Shapes:
    """The shapes of all these networks."""
    layouts = [layout for network in networks for layout in network.layouts]
    containers = list(_containers(layouts))
    return Shapes(
        containers=tuple(dict.fromkeys(container.name for container in containers)),
        row_members={container.name: container.row for container in containers if container.row is not None},
        counts=tuple(dict.fromkeys(name for container in containers for name in container.counts)),
        beside=frozenset(name for container in containers for name in container.beside),
        units=tuple(dict.fromkeys(container.units for container in containers if container.units is not None)),
        objects=frozenset(spelled(name) for layout in layouts if layout.blocks for name in layout.blocks.units),
        formats=(*NOT_OBSERVATIONS, *(own for network in networks for own in network.formats)),
    )


def _containers(layouts: list[Layout]) -> Iterator[Container]:
    for layout in layouts:
        yield from layout.containers
