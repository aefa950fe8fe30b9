"""What the words in the name of a foreign column say that it measures: for suggestions alone, nothing is read by it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from forecast.core.parameters import Parameter, Quantity

_RAIN: Final = frozenset({Quantity.RAIN, Quantity.RAIN_RATE})
# Where names are glued ("hourlyrainin"), a word has no beginning. French "temps" is the weather, not the temperature.
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
    """Whether the words in a name say that it is not this parameter: another quantity, a room, no dew point."""
    quantities = quantities_named(name)
    if _INDOORS.search(name) or (quantities and parameter.quantity not in quantities):
        return True
    is_dew_point = parameter.name == "dew_point_temperature"
    return is_dew_point and bool(quantities) and not _DEW_POINT.search(name)


def quantities_named(name: str) -> frozenset[Quantity]:
    """The quantities that words in a name speak of, empty where none does; in the spelling of `normalise_field`."""
    return frozenset[Quantity]().union(*(found for pattern, found in _WORDS.items() if pattern.search(name)))
