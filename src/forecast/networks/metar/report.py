"""Splits the text of one METAR or SPECI into cells: ICAO Annex 3, WMO-No. 306 (FM 15, FM 16), FMH-1 of the USA.

It reads the groups of wind, visibility, temperature and pressure and, from the remarks, the temperature to a tenth and
the pressure at sea level. A group that cannot be read is returned as it is, so that it is counted.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import lru_cache
from typing import Final

# The beginning of a report. ICAO's location indicators are letters; those of small US airfields also have digits.
_BEGIN: Final = (
    r"(?:(?P<kind>METAR|SPECI|TAF(?: AMD| COR)?) )?(?:COR )?"
    r"(?P<station>[A-Z][A-Z0-9]{3}) (?:COR )?(?P<time>[0-9]{6})Z"
)
START: Final = rf"{_BEGIN}(?= |$)"
# The same for RE2, which cannot look ahead.
STATED: Final = rf"^{_BEGIN}(?: |$)"
# Before or after the station, or after the time: "COR", in Canada "CCA", then "CCB".
CORRECTION: Final = (
    r"^(?:(?:METAR|SPECI) )?(?:[A-Z][A-Z0-9]{3} )?(?:[0-9]{6}Z )?(?:AUTO )?(?P<correction>COR|CC[A-Z])(?: |$)"
)
_BEGINNING: Final = re.compile(START)
# These are followed by forecasts, whose groups have the same form.
_TREND: Final = re.compile(r" (?:NOSIG|BECMG|TEMPO|INTER)(?= |$)")
_WIND: Final = r"([0-9]{3}|VRB|///)(P?[0-9]{2,3}|//)(?:G(P?[0-9]{2,3}|//))?(KT|MPS|KMH)"
_METRES: Final = r"[MP]?([0-9]{4})(?:NDV)?"
_MILES: Final = r"[MP]?([0-9]{1,2}(?: [0-9]/[1-9][0-9]?)?|[0-9]{1,2}/[1-9][0-9]?)SM"
_VISIBILITY: Final = rf"(?:(CAVOK)|{_METRES}|{_MILES}|(////(?:SM)?))"
_TEMPERATURES: Final = r"(M?[0-9]{2}|XX)/(?:(M?[0-9]{2})|//|XX)?"
_PRESSURE: Final = r"(?:Q([0-9]{4}(?:\.[0-9])?)|A([0-9]{4}))"
_GROUPS: Final = (_WIND, _VISIBILITY, _TEMPERATURES, _PRESSURE)
# Each group by itself, and how many parts it has.
_EACH: Final = tuple((re.compile(f" {group}(?= |$)"), re.compile(group).groups) for group in _GROUPS)
# All groups in the usual order, none of which can occur earlier: one search finds most reports.
_USUAL: Final = re.compile(
    rf"(?: AUTO)? {_WIND}(?: [0-9]{{3}}V[0-9]{{3}})? {_VISIBILITY}"
    rf"(?: (?![QA][0-9])[^ /]+)*? {_TEMPERATURES} {_PRESSURE}(?= |$)"
)
_LOOSE_WIND: Final = re.compile(r"^(?: AUTO| COR| CC[A-Z])* ([0-9]{5}\S*)(?= |$)| (\S+(?:KTS?|MPS|KMH))(?= |$)")
_LOOSE_VISIBILITY: Final = re.compile(
    r" (\S*[0-9]\S*SM|[0-9]{1,2}KM|[0-9]{4}(?!KT)[A-Z]{1,2})(?= |$)"
    r"| \S+(?:KT|MPS|KMH)(?: \S+V\S+)? ([0-9]{1,3}|[0-9]{1,2}S)$"
)
_LOOSE_PRESSURE: Final = re.compile(r" ([QA][0-9O/]{2,5})(?= |$)| ([QA][0-9]?)$")
_LOOSE_TEMPERATURES: Final = re.compile(
    r" ([M+-]?[0-9]{1,2}(?:\.[0-9])?/[M+-]?[0-9.X/]{0,4})(?= |$)"
    r"| (?:[0-9]{4}|CAVOK|\S*SM|[A-Z]{3}[0-9]{3}\S*) (M|M?[0-9]{1,2})$"
)
# What is left of "24007KT" reads like a visibility of 2400 m.
_CUT_WIND: Final = re.compile(r"(?: AUTO| COR| CC[A-Z])* [0-9]{4}")
# Groups without a value that is stored: of a missing report, clouds and weather, and what has slashes (states of the
# runway and of the sea, and whatever is unknown).
_WITHOUT_VALUES: Final = re.compile(
    r"(?: (?:AUTO|NIL|COR|CC[A-Z]|NSW|\$|\S*/\S*|(?:FEW|SCT|BKN|OVC|VV|SKC|CLR|NSC|NCD)\S*|(?:[-+]|VC|RE)?"
    r"(?:MI|BC|PR|DR|BL|SH|TS|FZ|DZ|RA|SN|SG|IC|PL|GR|GS|UP|BR|FG|FU|VA|DU|SA|HZ|PO|SQ|FC|SS|DS)+))* ?"
)
# "2107KT" is a group that lacks a digit, and would be read as a speed; "24007KPH" as one of 24 007 km/h.
_A_SPEED: Final = re.compile(r"[0-9]+[A-Z]+")
# In remarks, T02170078 is 21.7 °C and 7.8 °C, with 1 instead of 0 for a minus; SLP086 is 1008.6 hPa.
_TENTHS: Final = re.compile(r" T([01])([0-9]{3})(?:([01])([0-9]{3})|////)?(?= |$)")
_SEA_LEVEL: Final = re.compile(r" SLP ?([0-9]{3})(?= |$)")
_UNITS: Final = {"KT": "kt", "MPS": "m/s", "KMH": "km/h"}
_UNKNOWN, _UNKNOWN_DIRECTION = "//", "///"
# 9999 and CAVOK: 10 km or more.
_FAR: Final = "9999"
_UNLIMITED: Final = "10000 m"
# Whole degrees are rounded, or truncated at some stations: from this difference on, they and the tenths are different
# temperatures.
_OTHER_DEGREES: Final = 1.0
# If a report has no QNH, or an impossible one, its pressure at sea level is 950 to 1049.9 hPa.
_STANDARD_HPA: Final = 1000.0
_LOWEST_HPA, _HIGHEST_HPA = 870.0, 1085.0
_NOT_MEASURED: Final = frozenset({"station", "day_time", "report"})
_SHOWN: Final = 40
_INCH_OF_MERCURY_HPA: Final = 33.86388640341


# The parts of a group; None for those that are left out.
_Parts = tuple[str | None, ...]


class NoReportError(ValueError):
    """A text that is not a report of an observation; the message says why."""


def cells_of(text: str) -> dict[str, str | None]:
    """The cells of a report, each with its unit if it has one.

    `day_time` is the day of the month, hour and minute (UTC). `text` has single blanks and no "=" at its end. Raises
    NoReportError.
    """
    if "\0" in text:
        raise NoReportError("a NUL character in the report")
    begin = _BEGINNING.match(text)
    if begin is None:
        raise NoReportError("not a METAR or SPECI: station and time (DDHHMMZ) are not at its beginning")
    if (begin["kind"] or "").startswith("TAF"):
        raise NoReportError("a TAF, which is a forecast and not an observation")
    body, _, remarks = text[begin.end() :].partition(" RMK")
    trend = _TREND.search(body)
    if trend is not None:
        body = body[: trend.start()]
    cells: dict[str, str | None] = {"station": begin["station"], "day_time": begin["time"], "report": text}
    wind, visibility, temperatures, pressures = _groups(body)
    cells.update(_wind(wind, body))
    cells["visibility"] = _visibility(visibility, body)
    cells.update(_temperatures(temperatures, body, remarks))
    cells.update(_pressures(pressures, body, remarks))
    has_values = any(cells[name] for name in cells.keys() - _NOT_MEASURED)
    if (_CUT_WIND.fullmatch(body) and not remarks) or (not has_values and not _WITHOUT_VALUES.fullmatch(body)):
        raise NoReportError(f"none of its groups can be read: {body.strip()[:_SHOWN]!r}")
    return cells


def _groups(body: str) -> tuple[_Parts, _Parts, _Parts, _Parts]:
    """The parts of the groups of wind, visibility, temperature and pressure; empty for a group that does not exist."""
    usual = _USUAL.match(body)
    if usual is not None:
        parts = usual.groups()
        return parts[:4], parts[4:8], parts[8:10], parts[10:]
    wind, visibility, temperatures, pressures = (
        (None,) * size if (found := pattern.search(body)) is None else found.groups() for pattern, size in _EACH
    )
    return wind, visibility, temperatures, pressures


def _wind(parts: _Parts, body: str) -> dict[str, str | None]:
    direction, speed, gust, unit = parts
    if direction is None or unit is None:
        text = _loose(_LOOSE_WIND, body)
        return {"wind_speed": f"{text} without a direction" if text and _A_SPEED.fullmatch(text) else text}
    return {
        "wind_direction": None if direction == _UNKNOWN_DIRECTION else direction,
        "wind_speed": None if speed == _UNKNOWN else f"{speed} {_UNITS[unit]}",
        "wind_gust": None if gust is None or gust == _UNKNOWN else f"{gust} {_UNITS[unit]}",
    }


def _visibility(parts: _Parts, body: str) -> str | None:
    cavok, metres, miles, nothing = parts
    if metres is not None and metres != _FAR:
        return f"{metres} m"
    if cavok is not None or metres is not None:
        return _UNLIMITED
    if miles is not None:
        return _miles(miles)
    return _loose(_LOOSE_VISIBILITY, body) if nothing is None else None


@lru_cache(maxsize=1024)
def _miles(text: str) -> str:
    return f"{float(sum(map(Fraction, text.split()))):g} mi"


def _temperatures(parts: _Parts, body: str, remarks: str) -> dict[str, str | None]:
    air, dew = map(_signed, parts)
    tenths = _TENTHS.search(remarks) if remarks else None
    if tenths is None and air is None and (loose := _loose(_LOOSE_TEMPERATURES, body)) is not None:
        air = loose if "/" in loose else f"{loose} cut off"
    if tenths is None:
        return {"temperature": air, "dew_point": dew}
    return {"temperature": _exact(air, tenths[1], tenths[2]), "dew_point": _exact(dew, tenths[3], tenths[4])}


def _pressures(parts: _Parts, body: str, remarks: str) -> dict[str, str | None]:
    hpa, inches = parts
    qnh = _STANDARD_HPA
    if hpa is not None:
        qnh = float(hpa)
        cells: dict[str, str | None] = {"qnh": f"{hpa} hPa"}
    elif inches is None:
        cells = {"qnh": _loose(_LOOSE_PRESSURE, body)}
    else:
        inches = f"{inches[:2]}.{inches[2:]}"
        qnh = float(inches) * _INCH_OF_MERCURY_HPA
        cells = {"qnh": f"{inches} inHg"}
    sea_level = _SEA_LEVEL.search(remarks) if remarks else None
    if sea_level is not None:
        # The hundreds are omitted: they are those that bring it closest to the QNH.
        tens = int(sea_level[1]) / 10
        near = qnh if _LOWEST_HPA < qnh < _HIGHEST_HPA else _STANDARD_HPA
        nearest = min((900 + tens, 1000 + tens), key=lambda hpa: abs(hpa - near))
        cells["sea_level_pressure"] = f"{nearest:.1f} hPa"
    return cells


def _signed(digits: str | None) -> str | None:
    return None if digits in {None, "XX"} else digits.replace("M", "-")


def _exact(whole: str | None, sign: str | None, digits: str | None) -> str | None:
    """A temperature to a tenth; both together, which is not a number, if the whole degrees are another temperature."""
    if sign is None or digits is None:
        return whole
    tenths = f"{'-' if sign == '1' else ''}{digits[:2]}.{digits[2]}"
    if whole is not None and abs(float(whole) - float(tenths)) >= _OTHER_DEGREES:
        return f"{whole} and {tenths}"
    return tenths


def _loose(pattern: re.Pattern[str], body: str) -> str | None:
    """A group that was probably meant, as it is, if it contains anything but slashes."""
    found = pattern.search(body)
    text = None if found is None else next(filter(None, found.groups()))
    return None if text is None or not text.strip("/KTMPSHQA") else text
