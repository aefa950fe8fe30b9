"""How much closer a station has to be to its neighbours if many of them are within a few kilometres."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.qc.flags import Floats
from forecast.qc.neighbours import MAX_NEIGHBOURS

# The limit of spreads that the factor refers to, as titanlib's and MetObs's for few neighbours far away.
_SPARSE_Z: Final = 3.0
# Student's t, 95th percentile (two-sided 90 %), for 1 to 29 degrees of freedom.
# fmt: off
_STUDENT_T: Final = (
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812,
    1.796, 1.782, 1.771, 1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725,
    1.721, 1.717, 1.714, 1.711, 1.708, 1.706, 1.703, 1.701, 1.699,
)
# fmt: on


def _factors() -> Floats:
    """The factor for 0, 1 ... MAX_NEIGHBOURS near neighbours."""
    factors = np.ones(MAX_NEIGHBOURS + 1)
    number = np.arange(2, MAX_NEIGHBOURS + 1)
    factors[2:] = np.minimum(1.0, np.array(_STUDENT_T) * np.sqrt(1 + 1 / number) / _SPARSE_Z)
    return factors


_FACTORS: Final = _factors()


def crowd_factor(near: npt.NDArray[np.intp]) -> Floats:
    """By what the limit for a distance from the neighbours is multiplied, from the number of near ones (0 to 30).

    t * sqrt(1 + 1/n) / 3, at most 1: the half-width of the 90 % prediction interval of one more value, given n values
    of standard deviation 1 (Student's t, n - 1 degrees of freedom), as a share of the 3 for few neighbours far away. 1
    for up to three, 0.88 for four, 0.64 for ten, 0.58 for thirty.
    """
    factors: Floats = _FACTORS[near]
    return factors
