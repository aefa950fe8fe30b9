"""Makes the outlines of the dashboard's map, `src/forecast/site/outlines.npz`, of Natural Earth's countries.

    npm pack world-atlas && tar xzf world-atlas-*.tgz && python docs/outlines.py package/countries-10m.json

Natural Earth (1:10 million, public domain) comes as TopoJSON in the npm package world-atlas (ISC). A ring of a country
is a row of whole numbers, degrees times SCALE, so that the map needs no TopoJSON reader and opens only what it shows.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

TARGET = Path(__file__).resolve().parents[1] / "src" / "forecast" / "site" / "outlines.npz"
# About 100 m; the source is good to about a kilometre.
SCALE = 1_000
# In the same unit: points that are closer to the last one are left out.
THINNED = 5


def main(source: Path) -> None:
    topology = json.loads(source.read_text("utf-8"))
    arcs = [_decoded(arc, topology["transform"]) for arc in topology["arcs"]]
    rings, names, owners = [], [], []
    for country in topology["objects"]["countries"]["geometries"]:
        names.append(country["properties"]["name"])
        for ring in _rings(country):
            rings.append(_joined(ring, arcs))
            owners.append(len(names) - 1)
    # A ring's first point, and the steps to the others, which are small and pack well.
    steps = np.concatenate([np.diff(ring, axis=0) for ring in rings])
    np.savez_compressed(
        TARGET,
        first=np.array([ring[0] for ring in rings], np.int32),
        east=steps[:, 0].astype(np.int16),
        north=steps[:, 1].astype(np.int16),
        starts=np.cumsum([0, *(len(ring) - 1 for ring in rings)]).astype(np.int32),
        boxes=np.array([[*ring.min(axis=0), *ring.max(axis=0)] for ring in rings], np.int32),
        owners=np.array(owners, np.int16),
        names=np.array(names),
    )
    print(f"{len(names)} countries, {len(rings)} rings, {len(steps)} points, {TARGET.stat().st_size} bytes")


def _decoded(arc: list[list[int]], transform: dict[str, Any]) -> np.ndarray:
    degrees = np.cumsum(np.array(arc), axis=0) * transform["scale"] + transform["translate"]
    points = np.round(degrees * SCALE).astype(np.int32)
    kept = [0]
    for place, point in enumerate(points):
        if np.abs(point - points[kept[-1]]).max() >= THINNED:
            kept.append(place)
    # Arcs meet at their ends.
    return points[sorted({*kept, len(points) - 1})]


def _rings(country: dict[str, Any]) -> Iterator[list[int]]:
    for polygon in country["arcs"] if country["type"] == "MultiPolygon" else [country["arcs"]]:
        yield from polygon


def _joined(ring: list[int], arcs: list[np.ndarray]) -> np.ndarray:
    """The points of a ring; a number below 0 is an arc from its end to its beginning."""
    parts = [arcs[~number][::-1] if number < 0 else arcs[number] for number in ring]
    return np.concatenate([part if place == 0 else part[1:] for place, part in enumerate(parts)])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
