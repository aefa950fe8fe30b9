"""What the words in an unknown column's name suggest that it measures. Only used for suggestions, never to read it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from forecast.core.parameters import Parameter, Quantity

_RAIN: Final = frozenset({Quantity.RAIN, Quantity.RAIN_RATE})
# In names without separators ("hourlyrainin"), words have no boundaries. French "temps" is weather, not temperature.
_WORDS: Final[Mapping[re.Pattern[str], frozenset[Quantity]]] = {
    re.compile(pattern): quantities
    for pattern, quantities in (
        ("temp(?!s)|dewp|chill|heatindex", frozenset({Quantity.TEMPERATURE})),
        ("humid", frozenset({Quantity.RATIO})),
        ("baro|press", frozenset({Quantity.PRESSURE})),
        ("speed|spd|gust", frozenset({Quantity.SPEED})),
        ("wind(?!dir|sp|gust|chill)", frozenset({Quantity.SPEED, Quantity.ANGLE})),
        ("winddir|direction", frozenset({Quantity.ANGLE})),
        ("rain|precip|pluie", _RAIN),
        ("snow|neige", frozenset({Quantity.SNOW})),
        ("visib", frozenset({Quantity.DISTANCE})),
    )
}

_INDOORS: Final = re.compile("indoor|inside")
_DEW_POINT: Final = re.compile("dew|rosee|tau|dauw")


def is_another(name: str, parameter: Parameter) -> bool:
    """Whether the words in a name exclude this parameter: another quantity, an indoor value, no dew point."""
    quantities = quantities_named(name)
    if _INDOORS.search(name) or (quantities and parameter.quantity not in quantities):
        return True
    is_dew_point = parameter.name == "dew_point_temperature"
    return is_dew_point and bool(quantities) and not _DEW_POINT.search(name)


def quantities_named(name: str) -> frozenset[Quantity]:
    """The quantities that the words in a name (as `normalise_field` spells it) refer to."""
    return frozenset[Quantity]().union(*(found for pattern, found in _WORDS.items() if pattern.search(name)))
