"""The benchmark of the networks reads every row that it makes."""

from __future__ import annotations

import pytest

from bench import networks


@pytest.mark.whole
@pytest.mark.parametrize("shape", [pytest.param(shape, id=name) for name, shape in networks.SHAPES.items()])
def test_every_row_that_is_made_becomes_a_record(shape: networks.Shape) -> None:
    records, seconds = networks.read(shape, shape.stations)
    assert (records, seconds > 0) == (shape.stations, True)
