"""How many examples a property is tried on: HYPOTHESIS_PROFILE says, and a heavy property takes a share of those.

`inner` is for the loop of writing code, `ci` for every change, `nightly` for the night. The first two try the same
examples every time: a change is never held up by an old fault that chance finds now.
"""

from __future__ import annotations

import os
import zlib
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import hypothesis
import pytest

PROFILE: Final = os.environ.get("HYPOTHESIS_PROFILE", "ci")
_EXAMPLES: Final = {"inner": 10, "ci": 100, "nightly": 1000}


def load_profile() -> None:
    """Load the profile that HYPOTHESIS_PROFILE names, `ci` without it."""
    for name, examples in _EXAMPLES.items():
        # A busy machine is no fault of the program: no deadline.
        nightly = name == "nightly"
        hypothesis.settings.register_profile(
            name, max_examples=examples, deadline=None, derandomize=not nightly, print_blob=nightly
        )
    hypothesis.settings.load_profile(PROFILE)


def examples(share: float) -> int:
    """A share of the profile's examples, at least one; more than 1 for what is quick."""
    return max(1, round(hypothesis.settings().max_examples * share))


def on_a_database(share: float) -> hypothesis.settings:
    """Settings of a property whose examples share a collection, which each of them empties first."""
    shared = [hypothesis.HealthCheck.function_scoped_fixture, hypothesis.HealthCheck.too_slow]
    return hypothesis.settings(max_examples=examples(share), suppress_health_check=shared)


def for_every_change(*values: Any) -> list[Any]:
    """Values of a parameter that the inner loop leaves out, where it would try very many combinations of them."""
    return [pytest.param(value, marks=pytest.mark.whole) for value in values]


def for_the_night(*values: Any) -> list[Any]:
    """Values of a parameter, or tuples of several, that another test of every change shows on a lower level."""
    rows = [value if isinstance(value, tuple) else (value,) for value in values]
    return [pytest.param(*row, marks=pytest.mark.slow) for row in rows]


def inputs_in_turn(items: Iterable[pytest.Item]) -> list[list[pytest.Item]]:
    """The inputs of each test, in an order that is as if by chance and always the same.

    At equal distances one value of a parameter could be missed altogether.
    """
    inputs = defaultdict(list)
    for item in items:
        inputs[item.nodeid.partition("[")[0]].append(item)
    return [sorted(of_test, key=lambda item: zlib.crc32(item.nodeid.encode())) for of_test in inputs.values()]
