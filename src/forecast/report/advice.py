"""Recommendations for what the checks found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from forecast.core.parameters import PARAMETERS
from forecast.qc.registry import CHECKS
from forecast.report.findings import BIAS, Findings
from forecast.report.models.quality import Advice
from forecast.report.write import DIGITS

_MAX_ADVICE: Final = 20
# The order of findings: faults of the station, failed values, suspect values, and what follows from these.
STATION, FAILED, SUSPECTED, CONSEQUENCE = range(4)
_UNITS: Final = {parameter.name: parameter.unit for parameter in PARAMETERS}


class StationFinding(NamedTuple):
    """What one check found at a station: the parameters (most flagged values first), and what to do about it.

    `share` is the largest share of a parameter's values that this run evaluated.
    """

    station: str
    check: str
    rank: int
    parameters: tuple[str, ...]
    values: int
    share: float
    message: str


def advice(findings: Findings) -> list[Advice]:
    """What to do, station by station: causes before their consequences, severe findings before frequent ones.

    Stations are in the order of their worst finding, and only the worst findings are reported. The share of values is
    missing if some values were not evaluated now.
    """
    numbers = _numbers(findings)
    worst = sorted(numbers, key=lambda key: (_severity(findings, key), -numbers[key], key))[:_MAX_ADVICE]
    stations = list(dict.fromkeys(station for station, _, _ in worst))
    return [
        Advice(
            station=station,
            parameter=name,
            check=check,
            count=number,
            share=None
            if findings.stored_by_check[station, name, check]
            else round(number / findings.values[station, name], DIGITS),
            message=_message(findings, station, name, check),
        )
        for station, name, check in sorted(worst, key=lambda key: stations.index(key[0]))
        for number in [numbers[station, name, check]]
    ]


def station_findings(findings: Findings) -> list[StationFinding]:
    """What the checks found, one entry per station and check, without consequences of other findings there."""
    numbers = _numbers(findings)
    alike: defaultdict[tuple[str, str], list[tuple[str, str, str]]] = defaultdict(list)
    for key in sorted(numbers, key=lambda key: (-numbers[key], key)):
        alike[key[0], key[2]].append(key)
    found = [
        StationFinding(
            station,
            check,
            min(_severity(findings, key) for key in keys),
            tuple(name for _, name, _ in keys),
            sum(numbers[key] for key in keys),
            max(_share(findings, *key) for key in keys),
            _message(findings, *keys[0]),
        )
        for (station, check), keys in alike.items()
    ]
    causes = {one.station for one in found if one.rank != CONSEQUENCE}
    return [one for one in found if one.rank != CONSEQUENCE or one.station not in causes]


def _numbers(findings: Findings) -> dict[tuple[str, str, str], int]:
    """Flagged values by station, parameter and check."""
    found = findings.suspect + findings.failed + findings.stored_by_check
    # Documents that an earlier version flagged may name checks that no longer exist.
    return {key: number for key, number in found.items() if key[2] in CHECKS}


def _share(findings: Findings, station: str, name: str, check: str) -> float:
    """The share of a parameter's values that a check flagged, of those that were evaluated now."""
    key, values = (station, name, check), findings.values[station, name]
    return (findings.suspect[key] + findings.failed[key]) / values if values else 0.0


def _severity(findings: Findings, key: tuple[str, str, str]) -> int:
    """The rank of a finding: faults of the station, failed values, suspect values, and what follows from these."""
    check = CHECKS[key[2]]
    if check.warning is not None:
        return STATION
    if check.is_consequence:
        return CONSEQUENCE
    return FAILED if findings.failed[key] or key in findings.stored_failed else SUSPECTED


def warnings(findings: Findings) -> Iterator[tuple[str, dict[str, str]]]:
    """Faults of a whole station, as messages and facts: one per station and parameter.

    The cause may just be a file in the wrong folder. If a check's message names no parameter, there is one for all.
    """
    found = {
        (station, name if "{parameter}" in words else "", check, words)
        for (station, name, check), number in findings.suspect.items()
        if number and (words := CHECKS[check].warning) is not None
    }
    for station, name, check, words in sorted(found):
        text = words.format(station=station, parameter=name, off=_off(findings, station, name))
        yield text, {"station": station, "check": check} | ({"parameter": name} if name else {})


def _message(findings: Findings, station: str, name: str, check: str) -> str:
    words = CHECKS[check].advice
    known = check == BIAS and (station, name) in findings.biases
    return f"{_off(findings, station, name)} its neighbours; {words}" if known else words


def _off(findings: Findings, station: str, name: str) -> str:
    """How far a station differs from its neighbours, without a number if that is unknown."""
    off = findings.biases.get((station, name))
    if off is None:
        return "always off"
    return f"{abs(off):.1f} {_UNITS[name]} {'above' if off > 0 else 'below'}"
