"""Interprets the networks' own quality codes (`source_flags`)."""

from __future__ import annotations

import json
from collections.abc import Set

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.qc.flags import Mask


def doubted(texts: npt.NDArray[np.object_], failed_codes: Set[int | str]) -> dict[str, Mask]:
    """Where values failed their network's check, by parameter.

    `texts` are the `source_flags` (JSON or None), and `failed_codes` the network's codes for a failed check.
    """
    if not failed_codes:
        return {}
    encoded = pa.array(texts, pa.string()).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    found: dict[str, Mask] = {}
    for number, text in enumerate(encoded.dictionary.to_pylist()):
        failed = [name for name, code in json.loads(text).items() if code in failed_codes]
        for name in failed:
            found[name] = found.get(name, np.zeros(len(texts), dtype=bool)) | (codes == number)
    return found
