"""What the network itself says of its values."""

from __future__ import annotations

from forecast.qc.flags import Flags, Floats, Mask, flags_of


def source_flag(values: Floats, doubted: Mask) -> Flags:
    """Values that failed the network's own check are suspect; of the others it says nothing.

    Reaches: the row itself. Source: the network's code, kept in `source_flags`.
    """
    return flags_of(values, suspect=doubted, evaluated=doubted)
