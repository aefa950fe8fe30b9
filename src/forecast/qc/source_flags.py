"""What the networks' own quality codes say of values (`source_flags`)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Set
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from forecast.qc.flags import Mask

# The codes of values that failed the network's own check. Weather Underground's qcStatus is one code for a whole row:
# 1 passed, 0 possibly incorrect, -1 not checked.
FAILED: Final[Mapping[str, Set[int | str]]] = {"Weather Underground": {0}}


def doubted(texts: npt.NDArray[np.object_], network: str) -> dict[str, Mask]:
    """Where values failed their network's check, by parameter; `texts` are those of `source_flags` (JSON or None)."""
    encoded = pa.array(texts, pa.string()).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    found: dict[str, Mask] = {}
    for number, text in enumerate(encoded.dictionary.to_pylist()):
        failed = [name for name, code in json.loads(text).items() if code in FAILED.get(network, ())]
        for name in failed:
            found[name] = found.get(name, np.zeros(len(texts), dtype=bool)) | (codes == number)
    return found
