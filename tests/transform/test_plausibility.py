"""Pressures in another unit than their source says stop the object; anything else passes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.errors import ObjectRejectedError
from forecast.parameters import Quantity
from forecast.transform.plausibility import PressureGate
from forecast.transform.units import UNITS

NAMES = ("hPa", "inHg", "kPa", "Pa")


def in_hpa(values: list[float], unit: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return UNITS[Quantity.PRESSURE][unit.casefold()].to_canonical(np.array(values))


@pytest.mark.parametrize("said", NAMES)
@pytest.mark.parametrize("meant", NAMES)
def test_every_exchange_of_two_units_is_found_and_named(said: str, meant: str) -> None:
    factor = in_hpa([1.0], meant)[0]
    gate = PressureGate()
    gate.see(in_hpa([value / factor for value in (990.0, 1020.0)], said))
    if said == meant:
        gate.check()
        return
    with pytest.raises(ObjectRejectedError) as caught:
        gate.check()
    assert caught.value.code == "wrong_unit"
    assert caught.value.message == (
        f"2 of 2 pressures, such as {990 / factor:g} {said}, are none on Earth, but would be in {meant}: "
        "the source names the wrong unit"
    )


def test_the_whole_object_counts_and_not_a_batch() -> None:
    gate = PressureGate()
    gate.see(np.array([29.75, np.nan]))
    gate.see(np.array([1013.0]))
    gate.check()
    gate.see(np.array([29.75]))
    with pytest.raises(ObjectRejectedError, match=r"^2 of 3 pressures"):
        gate.check()


def test_no_pressure_at_all_passes() -> None:
    gate = PressureGate()
    gate.see(np.array([np.nan]))
    gate.check()


@settings(deadline=None)
@given(st.lists(st.floats(850, 1090), min_size=1, max_size=50))
def test_pressures_on_earth_pass(values: list[float]) -> None:
    gate = PressureGate()
    gate.see(np.array(values))
    gate.check()
