"""The languages of the site: its sentences, and how each writes numbers, dates and names of parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any, Final

from forecast.core.parameters import PARAMETERS
from forecast.qc.registry import CHECKS
from forecast.site.french import FRENCH
from forecast.site.french_messages import FRENCH_MESSAGES

_UNITS: Final = {parameter.name: parameter.unit for parameter in PARAMETERS}
_NAMES: Final = re.compile(rf"\b(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})\b")
# Shorter than the CF standard names, for people.
_LABELS: Final = {
    "air_temperature": "Air temperature",
    "air_temperature_min_1h": "Air temperature, lowest of 1 h",
    "air_temperature_max_1h": "Air temperature, highest of 1 h",
    "dew_point_temperature": "Dew point",
    "relative_humidity": "Relative humidity",
    "air_pressure_at_mean_sea_level": "Pressure (sea level)",
    "surface_air_pressure": "Pressure (station)",
    "air_pressure_at_mean_sea_level_qnh": "QNH",
    "wind_speed": "Wind speed",
    "wind_speed_of_gust": "Gust",
    "wind_speed_of_gust_10min": "Gust, 10 min",
    "wind_speed_of_gust_1h": "Gust, 1 h",
    "wind_from_direction": "Wind direction",
    "rainfall_rate": "Rain rate",
    "precipitation_amount_6min": "Rain, 6 min",
    "precipitation_amount_10min": "Rain, 10 min",
    "precipitation_amount_1h": "Rain, 1 h",
    "precipitation_amount_3h": "Rain, 3 h",
    "precipitation_amount_6h": "Rain, 6 h",
    "precipitation_amount_12h": "Rain, 12 h",
    "precipitation_amount_24h": "Rain, 24 h",
    "precipitation_counter": "Rain counter",
    "precipitation_amount": "Rain",
    "visibility_in_air": "Visibility",
    "cloud_area_fraction": "Cloud cover",
    "surface_snow_thickness": "Snow depth",
    "present_weather": "Present weather",
    "ultraviolet_index": "UV index",
    "duration_of_sunshine_6min": "Sunshine, 6 min",
    "duration_of_sunshine_10min": "Sunshine, 10 min",
    "duration_of_sunshine_1h": "Sunshine, 1 h",
    "soil_temperature_5cm": "Soil temperature, 5 cm",
    "soil_temperature_10cm": "Soil temperature, 10 cm",
    "soil_temperature_20cm": "Soil temperature, 20 cm",
    "soil_temperature_50cm": "Soil temperature, 50 cm",
    "soil_temperature_100cm": "Soil temperature, 100 cm",
    "surface_downwelling_shortwave_flux_in_air": "Solar irradiance",
    "surface_downwelling_shortwave_flux_in_air_6min": "Solar irradiance, 6 min",
    "surface_downwelling_shortwave_flux_in_air_10min": "Solar irradiance, 10 min",
    "surface_downwelling_shortwave_flux_in_air_1h": "Solar irradiance, 1 h",
}
_MONTHS: Final = {
    "en": ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
    "fr": ["janv.", "févr.", "mars", "avr.", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "déc."],
}
_DAYS: Final = {
    "en": ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"],
    "fr": ["lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim."],
}
UNSPLIT: Final = "\N{NO-BREAK SPACE}"
_NARROW: Final = "\N{NARROW NO-BREAK SPACE}"
_LONG: Final = timedelta(days=300)
_FEW_SECONDS: Final = 10
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


@dataclass(frozen=True, eq=False)
class Language:
    """English or French. Texts that the catalogue lacks stay English.

    There is one of each, which is compared and hashed as such, so that results can be cached by it.
    """

    code: str
    own_name: str
    catalogue: Mapping[str, str]
    messages: Mapping[str, str]
    thousands: str
    point: str
    percent_sign: str

    def t(self, text: str, **values: Any) -> str:
        """A sentence of the site with values in it."""
        found = self.catalogue.get(text, text)
        return found.format_map(values) if values else found

    def message(self, text: str) -> str:
        """Translate a message of a report, which is composed in English."""
        if (whole := self.messages.get(text)) is not None:
            return whole
        for pattern, template in self._patterns:
            if (found := pattern.fullmatch(text)) is not None:
                return template.format_map({name: self.message(value) for name, value in found.groupdict().items()})
        return text

    def number(self, value: float | None, digits: int = 0) -> str:
        """A number with the language's separators; a dash if it is None."""
        if value is None:
            return "–"
        rounded = f"{value:,.{digits}f}"
        if float(rounded.replace(",", "")) == 0:
            rounded = rounded.removeprefix("-")
        return rounded.replace(",", "\0").replace(".", self.point).replace("\0", self.thousands).replace("-", "−")

    def percent(self, share: float | None, digits: int = 1) -> str:
        """A share from 0 to 1 as a percentage; only 0 is shown as 0, and only 1 as 100."""
        if share is None:
            return "–"
        if 0 < share < 0.5 * 10 ** -(digits + 2):
            return f"<{UNSPLIT}{self.number(10.0**-digits, digits)}{self.percent_sign}"
        text = self.number(share * 100, digits)
        if share < 1 and text == self.number(100, digits):
            text = self.number(100 - 10.0**-digits, digits)
        return f"{text}{self.percent_sign}"

    def day(self, day: date) -> str:
        """A day: 27 Nov."""
        return f"{day.day}{UNSPLIT}{_MONTHS[self.code][day.month - 1]}"

    def long_day(self, day: date) -> str:
        """A day with weekday and year: Fri 27 Nov 2026."""
        return f"{_DAYS[self.code][day.weekday()]}{UNSPLIT}{self.day(day)}{UNSPLIT}{day.year}"

    def moment(self, moment: datetime, now: datetime | None = None) -> str:
        """A time: 27 Nov 03:10; with its year if that is long before `now`."""
        utc = moment.astimezone(UTC)
        year = f"{UNSPLIT}{utc.year}" if now is not None and now - moment > _LONG else ""
        return f"{self.day(utc)}{year}{UNSPLIT}{utc:%H:%M}"

    def long_moment(self, moment: datetime) -> str:
        """A moment with weekday and year: Fri 27 Nov 2026 03:10 UTC."""
        utc = moment.astimezone(UTC)
        return f"{self.long_day(utc)} {utc:%H:%M}{UNSPLIT}UTC"

    def span(self, seconds: float) -> str:
        """A length of time in its largest unit: 12 s, 5 min, 7 h, 8 days."""
        if seconds < 2 * _MINUTE:
            digits = 1 if seconds < _FEW_SECONDS else 0
            return f"{self.number(seconds, digits)}{UNSPLIT}s"
        if seconds < 2 * _HOUR:
            return f"{seconds / _MINUTE:.0f}{UNSPLIT}min"
        if seconds < 2 * _DAY:
            return f"{seconds / _HOUR:.0f}{UNSPLIT}h"
        return f"{self.number(seconds // _DAY)}{UNSPLIT}{self.t('days')}"

    def parameter(self, name: str) -> str:
        """A parameter's label."""
        return self.t(_LABELS.get(name) or name.replace("_", " ").capitalize())

    def labelled(self, text: str) -> str:
        """A text with the labels of parameters in place of their names."""
        return _NAMES.sub(lambda found: self.parameter(found[0]), text)

    def unit(self, name: str) -> str:
        """A parameter's unit; empty for a plain number."""
        unit = _UNITS.get(name, "")
        return "" if unit == "1" else unit

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str]]:
        return [(_pattern(english), own) for english, own in self.messages.items() if "{" in english]


def _pattern(template: str) -> re.Pattern[str]:
    """What finds the values of a template in a message that was made of it; a `count` is of digits and commas."""
    parts = re.split(r"\{(\w+)\}", template)
    names = parts[1::2]
    found = [re.escape(parts[0])]
    for name, following in zip(names, parts[2::2], strict=True):
        value = r"[\d,]+" if name == "count" else ".+?"
        found.append(f"(?P<{name}>{value})" + re.escape(following))
    return re.compile("".join(found), re.DOTALL)


_FRENCH_ADVICE: Final = {check.advice: check.french_advice for check in CHECKS.values()}
ENGLISH_LANGUAGE: Final = Language("en", "English", {}, {}, ",", ".", "%")
FRENCH_LANGUAGE: Final = Language(
    "fr", "Français", FRENCH, FRENCH_MESSAGES | _FRENCH_ADVICE, _NARROW, ",", f"{_NARROW}%"
)
LANGUAGES: Final = (ENGLISH_LANGUAGE, FRENCH_LANGUAGE)
