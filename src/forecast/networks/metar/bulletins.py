"""METAR as text: the API's `format=raw`, WMO bulletins with a heading, and NOAA's cycle files with dates.

A report may span several lines. It ends at "=", at an empty line, or where the next one begins.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice, pairwise
from typing import IO, Final

from forecast.networks.metar.report import START, NoReportError, cells_of
from forecast.networks.model import Format, Record

_START: Final = re.compile(rf"(?:^|(?<= )){START}")
# The lines above reports: WMO's heading and bulletin number, the type of the reports, and NOAA's date.
_HEADING: Final = re.compile(r"[A-Z]{4}[0-9]{2} [A-Z]{4} [0-9]{6}(?: [A-Z]{3})?")
_ABOVE: Final = re.compile(rf"[0-9]{{3,5}}|METAR|SPECI|(?:METAR |SPECI )?COR|{_HEADING.pattern}")
_DATE: Final = re.compile(r"([0-9]{4})/([0-9]{2})/([0-9]{2}) ([0-9]{2}:[0-9]{2})")
_CONTROLS: Final = re.compile(r"[\x01-\x20]+")
_LINES_LOOKED_AT: Final = 20
# The longest of 9 247 real reports of a day has 322 characters.
_LONGEST_REPORT: Final = 2_000
_LONGEST_LINE: Final = 64 << 10


def dated(cells: dict[str, str | None], instant: str) -> dict[str, str | None]:
    """The cells of a report with a known date, `instant` in ISO 8601.

    Raises NoReportError if the report itself states another day of the month, hour or minute.
    """
    day_time = cells.pop("day_time")
    if day_time != f"{instant[8:10]}{instant[11:13]}{instant[14:16]}":
        raise NoReportError(f"the report states day and time {day_time}, but next to it is {instant}")
    return {"observation_time": instant, **cells}


def _is_bulletin(start: bytes) -> bool:
    """Whether these are the first bytes of such a file."""
    if start.startswith((b"{", b"[")):  # JSON, of which small objects come by the thousand
        return False
    lines = filter(None, map(_plain, start.decode("latin-1").splitlines()))
    for line in islice(lines, _LINES_LOOKED_AT):
        if (found := _START.match(line)) is not None:
            return not (found["kind"] or "").startswith("TAF")
        if not _ABOVE.fullmatch(line) and not _DATE.fullmatch(line):
            return False
    return False


class _Reports:
    """Joins the lines of a file into reports."""

    def __init__(self) -> None:
        self._text = ""
        self._line = 0
        self._date = ""

    def take(self, number: int, line: str) -> Iterator[Record]:
        """The reports that end with this line, or before it."""
        if not line:
            yield from self.finish()
            self._date = ""
        elif (date := _DATE.fullmatch(line)) is not None:
            yield from self.finish()
            self._date = "{}-{}-{}T{}:00Z".format(*date.groups())
        elif _ABOVE.fullmatch(line):
            yield from self.finish()
            self._date = ""
        else:
            for part, ends in _parts(line):
                if self._text and _START.match(part):
                    yield from self.finish()
                if not self._text:
                    self._line = number
                self._text = f"{self._text} {part}".strip()
                if ends or len(self._text) > _LONGEST_REPORT:
                    yield from self.finish()

    def finish(self) -> Iterator[Record]:
        """The last report, which nothing follows."""
        text, self._text = self._text, ""
        if not text:
            return
        try:
            cells = cells_of(text)
            yield Record(f"line {self._line}", dated(cells, self._date) if self._date else cells)
        except NoReportError as error:
            yield Record(f"line {self._line}", {"report": text}, str(error))


def _parts(line: str) -> Iterator[tuple[str, bool]]:
    """The line, split where reports begin and end; and whether one ends there."""
    if "=" not in line and line.count("Z") == 1 and _START.match(line):  # exactly one report
        yield line, False
        return
    *ended, rest = line.split("=")
    for part, ends in [*((part, True) for part in ended), (rest, False)]:
        text = part.strip()
        begins = [match.start() for match in _START.finditer(text)]
        cuts = [*dict.fromkeys([0, *begins]), len(text)]
        for first, last in pairwise(cuts):
            if text[first:last].strip():
                yield text[first:last].strip(), ends and last == len(text)


def _plain(line: str) -> str:
    text = line.strip()
    # Nearly every line is plain already, and checking that takes a tenth of the time of the conversion.
    if text.isascii() and text.isprintable() and "  " not in text:
        return text
    return _CONTROLS.sub(" ", line).strip()


def _records(file: IO[bytes]) -> Iterator[Record]:
    reports = _Reports()
    for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), b""), 1):
        yield from reports.take(number, _plain(line.decode("latin-1")))
    yield from reports.finish()


BULLETINS: Final = Format("METAR reports as text", _is_bulletin, _records)
