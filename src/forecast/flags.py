"""The flags of QARTOD (IOC Manuals and Guides 54, volume 3), primary level."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Times = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

GOOD: Final = 1
NOT_EVALUATED: Final = 2
SUSPECT: Final = 3
FAIL: Final = 4
MISSING: Final = 9


def flags_of(
    values: Floats, *, suspect: Mask | None = None, fail: Mask | None = None, evaluated: Mask | None = None
) -> Flags:
    """One flag a value: MISSING where it is NaN, NOT_EVALUATED where it was not judged, else FAIL, SUSPECT, GOOD."""
    flags = np.full(values.shape, GOOD, dtype=np.uint8)
    if suspect is not None:
        flags[suspect] = SUSPECT
    if fail is not None:
        flags[fail] = FAIL
    if evaluated is not None:
        flags[~evaluated] = NOT_EVALUATED
    flags[np.isnan(values)] = MISSING
    return flags
