"""Words for wind directions: the points of the compass, calm, and variable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

VARIABLE: Final = "a variable wind has no direction"


@dataclass(frozen=True, slots=True)
class WindWords:
    """A language's words for the points of the compass (degrees), no wind, and variable wind."""

    points: Mapping[str, float]
    calm: str
    variable: frozenset[str]


def _wind_words(points: str, names: str, calm: str) -> WindWords:
    # North is 360, not 0: 0 means calm in WMO practice.
    degrees = {point: index * 22.5 or 360.0 for index, point in enumerate(points.split())}
    degrees |= {name: index * 90.0 or 360.0 for index, name in enumerate(names.split())}
    return WindWords(degrees, calm, frozenset({"variable", "var", "vrb"}))


ENGLISH = _wind_words("n nne ne ene e ese se sse s ssw sw wsw w wnw nw nnw", "north east south west", "calm")
FRENCH = _wind_words("n nne ne ene e ese se sse s sso so oso o ono no nno", "nord est sud ouest", "calme")


def read_wind(word: str, words: WindWords) -> tuple[float, str | None]:
    """The degrees of a lower-case word, or NaN and the reason; for calm, NaN without a reason."""
    if word == words.calm:
        return np.nan, None
    if word in words.variable:
        return np.nan, VARIABLE
    if word in words.points:
        return words.points[word], None
    return np.nan, "neither a number nor a point of the compass"
