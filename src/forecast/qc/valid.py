"""What checks along time share: selecting the valid values of a series, and mapping marks of them back to all."""

from __future__ import annotations

from typing import Final

import numpy as np

from forecast.qc.flags import Floats, Mask

# Differences of decimals are inexact: 20.1 - 15.1 is 5.000000000000002. A double of up to 1e5 (pressure in Pa) is exact
# to 1.5e-11, and no source has more than six decimals: a value that differs from a limit by less than this equals it.
ROUNDING: Final = 1e-9


def valid_values(values: Floats) -> Mask:
    """Where there is a number: NaN is missing, and an infinity is not a measurement."""
    return np.isfinite(values)


def expand_to_all(marks: Mask, valid: Mask) -> Mask:
    """Marks of the valid values only, as marks of all values; False for those that are not valid."""
    everywhere = np.zeros(valid.shape, dtype=np.bool_)
    everywhere[valid] = marks
    return everywhere
