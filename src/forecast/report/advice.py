"""What to do about what the checks found, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from forecast.core.parameters import PARAMETERS
from forecast.report.findings import Findings
from forecast.report.write import DIGITS

_MOST_ADVICE: Final = 20
_UNITS: Final = {parameter.name: parameter.unit for parameter in PARAMETERS}

ADVICE: Final[Mapping[str, str]] = {
    "gross_range": "beyond what instrument or weather can do: look at the sensor, and at the unit of the source",
    "seasonal_range": "beyond what the season brings there: look at the sensor",
    "dew_point_above_temperature": "the dew point is above the temperature: one of the two sensors is wrong",
    "dew_point_from_humidity": "dew point and humidity do not go together: look at the hygrometer and its software",
    "gust_below_mean": "the gust is below the mean wind: look at the averaging of the station's software",
    "gust_above_mean": "the gust is far above the mean wind: look at the anemometer",
    "direction_at_calm": "the code of calm (0) is no direction of a wind: look at the software, north is 360",
    "nested_accumulation": "more rain in one hour than in the three hours around it: the longer sum is not reliable",
    "rain_in_dry_air": "rain in dry air: look at the rain gauge (sprinkler, vibration) and at the hygrometer",
    "rain_without_cloud": "rain from a clear sky: look at the rain gauge, and at who reports the clouds",
    "solar_range": "more sun than there can be: look at the sensor's place, its unit and the station's clock",
    "snow_with_warmth": "snow grows in the warmth: look at the snow sensor (grass, an animal)",
    "snowfall_with_warmth": "snowfall is reported in the warmth: look at the present weather sensor",
    "spike": "values jump out and back: look at cables, radio and power",
    "step": "values jump: look for a change of the sensor, its place or its calibration",
    "persistence": "values stand still: the sensor is stuck, frozen or has lost its connection",
    "counter": "the rain counter jumps, or falls without starting again: use no sum over these hours",
    "false_zero": "a zero between synoptic hours means not measured: use the sums at 00, 03, 06 … UTC only",
    "spatial": "far from what the stations around measure: look at the sensor and its place",
    "bias": "always off its neighbours: correct it at the source (altitude, calibration); leave it out till then",
    "stuck": "stands still on a day that changes elsewhere: the sensor is stuck, or stands in the lee",
    "clock": "the day's curve fits the neighbours' when moved by hours: set the clock or the zone of the station",
    "flag_rate": "so many values of the day are flagged that the others are not to be trusted either",
    "source_flag": "the network's own check doubts them: look at what it says of the station",
}
# Of the station as a whole, which may be none but a file in the wrong folder; the clock is one for all parameters.
_WARNINGS: Final[Mapping[str, str]] = {
    "bias": (
        "{station} {parameter} is {off} its neighbours: is its calibration or its altitude wrong, or is a file of "
        "another station in its folder?"
    ),
    "stuck": "{station} {parameter} stands still on a day that changes elsewhere: is the sensor stuck, or in the lee?",
    "clock": (
        "{station} fits its neighbours when moved by hours: is its clock or its time zone wrong, or is a file of "
        "another station in its folder?"
    ),
}


def advice(findings: Findings) -> list[dict[str, Any]]:
    """What to do, station by station, causes before what follows from them, the severe before the frequent.

    The stations are in the order of what is worst at each, and only the worst of all are told. There is no share of the
    values where some were not judged now.
    """
    numbers = findings.suspect + findings.failed + findings.stored_by_check
    worst = sorted(numbers, key=lambda key: (_severity(findings, key), -numbers[key], key))[:_MOST_ADVICE]
    stations = list(dict.fromkeys(station for station, _, _ in worst))
    return [
        {
            "station": station,
            "parameter": name,
            "check": check,
            "number": number,
            "share": None
            if findings.stored_by_check[station, name, check]
            else round(number / findings.values[station, name], DIGITS),
            "words": _words(findings, station, name, check),
        }
        for station, name, check in sorted(worst, key=lambda key: stations.index(key[0]))
        for number in [numbers[station, name, check]]
    ]


def _severity(findings: Findings, key: tuple[str, str, str]) -> int:
    """What is wrong with the station, what failed, what is suspect, and last what follows from those."""
    *_, check = key
    if check in _WARNINGS:
        return 0
    if check == "flag_rate":
        return 3
    return 1 if findings.failed[key] or key in findings.stored_failed else 2


def warnings(findings: Findings) -> Iterator[tuple[str, dict[str, str]]]:
    """What is wrong with a station as a whole, in words and as facts: one a station and parameter."""
    found = {
        (station, "" if check == "clock" else name, check)
        for (station, name, check), number in findings.suspect.items()
        if number and check in _WARNINGS
    }
    for station, name, check in sorted(found):
        words = _WARNINGS[check].format(station=station, parameter=name, off=_off(findings, station, name))
        yield words, {"station": station, "check": check} | ({"parameter": name} if name else {})


def _words(findings: Findings, station: str, name: str, check: str) -> str:
    known = check == "bias" and (station, name) in findings.biases
    return f"{_off(findings, station, name)} its neighbours; {ADVICE[check]}" if known else ADVICE[check]


def _off(findings: Findings, station: str, name: str) -> str:
    """How far a station is off its neighbours; without a number where none is known."""
    off = findings.biases.get((station, name))
    if off is None:
        return "always off"
    return f"{abs(off):.1f} {_UNITS[name]} {'above' if off > 0 else 'below'}"
