"""Data that look like observations but are not, recognised by their first bytes and rejected by name.

A forecaster who verifies a model against model output learns nothing. Open-Meteo only has model output. Meteostat mixes
it with observations, and says which is which in another column that is easily lost, or not at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import IO, Final

from forecast.core.errors import ObjectRejectedError
from forecast.networks.model import Format, Record

_OPEN_METEO_MEMBERS: Final = (b'"generationtime_ms"', b'"utc_offset_seconds"')
_OPEN_METEO_HEADER: Final = b"latitude,longitude,elevation,utc_offset_seconds,timezone,"
_METEOSTAT: Final = (b"temp", b"dwpt", b"rhum", b"prcp", b"wdir", b"wspd", b"pres")
_WORD: Final = re.compile(rb"[a-z_]+")
# A row of JSON and a header are shorter than this.
_FIRST_ROW_BYTES: Final = 4 << 10


def _is_open_meteo(start: bytes) -> bool:
    """Its JSON, bare or as JSON text in an envelope, and its CSV export."""
    if start.lstrip().startswith(_OPEN_METEO_HEADER):
        return True
    if not all(name.strip(b'"') in start for name in _OPEN_METEO_MEMBERS):
        return False
    plain = start.replace(b'\\"', b'"')
    return all(name in plain for name in _OPEN_METEO_MEMBERS)


def _is_meteostat(start: bytes) -> bool:
    """Its hourly CSV files and the rows of its JSON API: only they have these names together, in this order."""
    row = start[:_FIRST_ROW_BYTES]
    if not all(word in row for word in _METEOSTAT):
        return False
    words = dict.fromkeys(_WORD.findall(row))
    return tuple(word for word in words if word in _METEOSTAT) == _METEOSTAT


def _rejected(message: str) -> Callable[[IO[bytes]], Iterator[Record]]:
    def records(_file: IO[bytes]) -> Iterator[Record]:
        raise ObjectRejectedError("model_data", message)

    return records


NOT_OBSERVATIONS: Final = (
    Format(
        "Open-Meteo",
        _is_open_meteo,
        _rejected("the object is from Open-Meteo: it contains the output of models and reanalyses, not observations"),
    ),
    Format(
        "Meteostat",
        _is_meteostat,
        _rejected(
            "the object is from Meteostat, which fills gaps in observations with the output of models; load the "
            "network that measured it instead (docs/networks.md)"
        ),
    ),
)
