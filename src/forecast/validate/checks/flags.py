"""Moved."""

from forecast.flags import FAIL, GOOD, MISSING, NOT_EVALUATED, SUSPECT, Flags, Floats, Mask, Times, flags_of

__all__ = ["FAIL", "GOOD", "MISSING", "NOT_EVALUATED", "SUSPECT", "Flags", "Floats", "Mask", "Times", "flags_of"]
