"""Compares what the checks of a single station found with the part of stored flags that these checks gave."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from forecast.qc.flags import FAIL, SUSPECT, Floats, is_flagged
from forecast.qc.results import QcResults
from forecast.qc.runner import ALONE
from forecast.qc.series import Rows

# By parameter: the checks that flagged the value, in their order, and the worst flag that they gave.
_Own = Mapping[str, tuple[tuple[str, ...], int]]
_CHECKS: Final = frozenset(check.id for check in ALONE)
_NOTHING: Final[_Own] = {}


def differing_own_flags(
    results: QcResults, rows: Rows, stored: npt.NDArray[np.object_], amounts: Floats | None
) -> Rows:
    """Those of the rows for which the checks of a single station found something else than is stored.

    `stored` are the rows' flags 3 and 4 by all checks, as JSON or null. `amounts` are their stored
    precipitation_amounts, None if none of them has one. Checks that run after the comparison with neighbours do not
    count, because no other flag depends on them.
    """
    before = np.full(len(rows), np.nan) if amounts is None else amounts
    amount = results.amount[rows]
    differs = (amount != before) & ~(np.isnan(amount) & np.isnan(before))
    found = _found(results, rows)
    flagged = np.flatnonzero([text is not None for text in stored])
    for place in found.keys() | set(flagged.tolist()):
        differs[place] |= found.get(place, _NOTHING) != _own_part(stored[place])
    differing: Rows = rows[differs]
    return differing


def _found(results: QcResults, rows: Rows) -> dict[int, _Own]:
    """What these checks found, by index into the rows, where they flagged anything."""
    found: defaultdict[int, dict[str, tuple[tuple[str, ...], int]]] = defaultdict(dict)
    for check in ALONE:
        for parameter in check.parameters:
            given = results.by_check.get((check.id, parameter))
            if given is None:
                continue
            flags = given[rows]
            for place in np.flatnonzero(is_flagged(flags)).tolist():
                checks, worst = found[place].get(parameter, ((), SUSPECT))
                found[place][parameter] = ((*checks, check.id), max(worst, int(flags[place])))
    return dict(found)


@lru_cache(maxsize=4096)
def _own_part(text: str | None) -> _Own:
    """The same of stored flags. What has failed is not checked any further, so the last check gave a flag 4."""
    own = {}
    for parameter, given in json.loads(text or "{}").items():
        if checks := tuple(check for check in given["checks"] if check in _CHECKS):
            own[parameter] = (checks, FAIL if given["flag"] == FAIL and given["checks"][-1] in _CHECKS else SUSPECT)
    return own
