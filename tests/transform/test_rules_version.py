"""What a fixed object of each layout becomes is bound to RULES_VERSION."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pyarrow as pa

from forecast.core.digests import HASH_LENGTH
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.registry import load_stations
from forecast.core.schemas import OBSERVATION_SCHEMA
from forecast.transform import RULES_VERSION
from forecast.validate import validate
from tests.stations import entry, registry_file
from tests.transform.samples import NOW, batch_of, transform

RULES_GOLDEN = (15, "1f08e4557ebf695b")
# Not of the second half of the digest, in which is qc_version: tests/qc/test_version.py has that.
CHECKS_GOLDEN = "13191091525e7a50"
OF_RULES = ["_id", *MEASURED_NAMES, "parse_issues", "source_flags", "completeness_score"]
OF_CHECKS = ["_id", "precipitation_amount", "flag", "flags", "anomalies_detected"]
STATIONS = load_stations(
    [
        registry_file("InfoClimat", entry("S1"), place="a.json"),
        registry_file("Weather Underground", entry("P1", timezone="Europe/Paris"), place="b.json"),
    ]
)
INFOCLIMAT: list[dict[str, Any]] = [
    {
        "id_station": "S1", "dh_utc": "2024-10-01 00:00:00", "temperature": "13.8", "pression": "1015.3",
        "humidite": "87", "point_de_rosee": "11.7", "vent_moyen": "18", "vent_rafales": "36.4", "vent_direction": "350",
        "pluie_1h": "-0.1", "pluie_3h": "1,2", "visibilite": "20000", "nebulosite": "9", "neige_au_sol": "0",
        "temps_omm": "61",
    },
    {"id_station": "S1", "dh_utc": "2024-10-01 00:10:00", "temperature": "warm", "humidite": "", "pression": None},
    {"id_station": "S1", "dh_utc": "2024-10-01 00:20:00", "temperature": None},
    {"id_station": "S1", "dh_utc": "yesterday", "temperature": "13.1"},
    {"id_station": "nobody", "dh_utc": "2024-10-01 00:00:00", "temperature": "13.1"},
]  # fmt: skip
TABLE: list[dict[str, Any]] = [
    {
        "Date": "2024-10-01", "Time": time, "Temperature": "57.2 °F", "Dew Point": "53.9 °F", "Humidity": "88 %",
        "Wind": "WNW", "Speed": "4.5 mph", "Gust": "7 mph", "Pressure": "29.94 in", "Precip. Rate.": "0.00 in",
        "Precip. Accum.": accumulated, "UV": "0", "Solar": "12.5 w/m²",
    }
    for time, accumulated in (
        ("12:04 AM", "0.00 in"), ("12:09 AM", "0.01 in"), ("12:14 AM", "--"), ("25:00 AM", "0.02 in")
    )
]  # fmt: skip
API: list[dict[str, Any]] = [
    {
        "stationID": "P1", "obsTimeUtc": f"2024-10-01T00:{minute:02}:00Z", "epoch": 1727740800 + 60 * minute,
        "humidityAvg": 88, "winddirAvg": 291, "uvHigh": 0.0, "solarRadiationHigh": 12.5,
        "metric": {
            "tempAvg": 14.0, "dewptAvg": 12.1, "windspeedAvg": 7.2, "windgustHigh": 11.3, "pressureMax": 1013.9,
            "pressureMin": 1013.7, "precipRate": 0.0, "precipTotal": total,
        },
    }
    for minute, total in ((4, 0.0), (9, 0.25), (14, None))
]  # fmt: skip


def made() -> tuple[dict[str, Any], dict[str, Any]]:
    """What becomes of the rows by the rules, and what the checks say of it; by object."""
    objects = {"infoclimat/a.jsonl": INFOCLIMAT, "wunderground/P1/table.csv": TABLE, "wunderground/api.jsonl": API}
    by_rules, by_checks = {}, {}
    for key, rows in objects.items():
        result = transform(batch_of(rows), key=key, stations=STATIONS)
        observations = pa.Table.from_pylist(result.observations, schema=OBSERVATION_SCHEMA)
        records = validate(observations, STATIONS, NOW).observations.to_pylist()
        rejected = sorted([row[name] for name in ("code", "field", "value")] for row in result.rejected)
        of_rules = [
            {name: row[name] for name in OF_RULES if row[name] is not None} | {"digest": row["digest"][:HASH_LENGTH]}
            for row in records
        ]
        by_rules[key] = [result.rows_read, result.rows_empty, of_rules, rejected]
        by_checks[key] = [{name: row[name] for name in OF_CHECKS} for row in records]
    return by_rules, by_checks


def compared(made: dict[str, Any]) -> tuple[str, str]:
    """The whole as text, and its digest."""
    text = json.dumps(made, indent=1, ensure_ascii=False, sort_keys=True)
    return text, hashlib.sha256(text.encode()).hexdigest()[:16]


def test_what_raw_rows_become_changes_with_the_version_of_the_rules_alone() -> None:
    text, digest = compared(made()[0])
    assert (RULES_VERSION, digest) == RULES_GOLDEN, (
        "raw rows become something else than before, or RULES_VERSION was raised. Where they are to: raise it in "
        "src/forecast/transform/__init__.py, so that objects are processed again; say it in CHANGELOG.md; and write "
        f"({RULES_VERSION}, {digest!r}) here. What they became:\n{text}"
    )


def test_flags_change_with_the_version_of_the_checks_alone() -> None:
    text, digest = compared(made()[1])
    assert digest == CHECKS_GOLDEN, (
        "the checks say something else than before. Where tests/qc/test_version.py does not fail as well, what changed "
        f"the flags lies outside forecast.qc and belongs into it. Then write {digest!r} here. What they say:\n{text}"
    )
