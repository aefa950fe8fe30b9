"""Says whether a cost grows in proportion to a size, or faster."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Final

from bench.run import line

# Of a straight line each further one costs what those before it cost; what a run costs without any is in neither.
STEEPEST: Final = 1.5


def is_straight(cpu: Mapping[int, float], kind: str) -> bool:
    """Whether a further one never costs much more than those before it did."""
    each = []
    for few, more in pairwise(cpu):
        each.append((cpu[more] - cpu[few]) / (more - few))
        line(f"from {few:,} to {more:,}", f"{1000 * each[-1]:.2f} ms", f"CPU a further {kind}")
    return each[-1] <= STEEPEST * each[-2]
