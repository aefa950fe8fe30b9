"""The output of models is rejected by name, whatever it looks like."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.extract import extract
from forecast.networks.not_observations import NOT_OBSERVATIONS
from forecast.networks.registry import NETWORKS

NOW = datetime(2026, 1, 1, tzinfo=UTC)
OPEN_METEO: dict[str, Any] = {
    "latitude": 50.64, "longitude": 3.06, "generationtime_ms": 0.07, "utc_offset_seconds": 0, "timezone": "GMT",
    "elevation": 25.0, "hourly_units": {"time": "iso8601", "temperature_2m": "°C"},
    "hourly": {"time": ["2024-10-01T00:00"], "temperature_2m": [11.3]},
}  # fmt: skip
OPEN_METEO_CSV = (
    "latitude,longitude,elevation,utc_offset_seconds,timezone,timezone_abbreviation\n50.64,3.06,25.0,0,GMT,GMT\n\n"
    "time,temperature_2m (°C)\n2024-10-01T00:00,11.3\n"
)
METEOSTAT_ROW = {
    "time": "2024-10-01 00:00:00", "temp": 11.3, "dwpt": 9.1, "rhum": 87, "prcp": 0, "snow": None, "wdir": 240,
    "wspd": 14.8, "wpgt": None, "pres": 1012.1, "tsun": None, "coco": 3,
}  # fmt: skip
METEOSTAT_CSV = (
    "year,month,day,hour,temp,temp_source,dwpt,dwpt_source,rhum,rhum_source,prcp,prcp_source,wdir,wdir_source,wspd,"
    "wspd_source,pres,pres_source\n2024,10,1,0,11.3,dwd_mosmix,9.1,dwd_mosmix,87,,0,,240,,14.8,,1012.1,\n"
)


def in_envelope(payload: object) -> str:
    return json.dumps({"_airbyte_raw_id": "a", "_airbyte_extracted_at": 1767225600000, "_airbyte_data": payload})


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (json.dumps(OPEN_METEO), "Open-Meteo"),
        (json.dumps(OPEN_METEO, indent=2), "Open-Meteo"),
        (in_envelope(OPEN_METEO), "Open-Meteo"),
        (in_envelope(json.dumps(OPEN_METEO)), "Open-Meteo"),
        (OPEN_METEO_CSV, "Open-Meteo"),
        (json.dumps({"meta": {}, "data": [METEOSTAT_ROW]}), "Meteostat"),
        (in_envelope(METEOSTAT_ROW), "Meteostat"),
        (METEOSTAT_CSV, "Meteostat"),
    ],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_the_output_of_models_is_rejected_by_name(tmp_path: Path, text: str, name: str, packed: bool) -> None:
    content = gzip.compress(text.encode()) if packed else text.encode()
    (tmp_path / "object").write_bytes(content)
    raw = RawObject("lake/a.json.gz" if packed else "lake/a.json", "a", len(content), "etag", NOW)
    with pytest.raises(ObjectRejectedError) as caught:
        list(extract(tmp_path / "object", raw, NETWORKS, Limits(), NOW))
    assert caught.value.code == "model_data"
    assert caught.value.message.startswith(f"the object is from {name}")


@pytest.mark.parametrize(
    "text",
    [
        '[{"stationID": "ITESTB25", "temp": 11.3, "pressure": 1012, "windSpeed": 3}]',
        "geo_id_insee;validity_time;t;td;u;dd;ff;pres\n",
        "temp,dwpt,rhum\n1,2,3\n",
    ],
)
def test_rows_of_networks_are_not_mistaken_for_model_output(text: str) -> None:
    assert not any(known.sniff(text.encode()) for known in NOT_OBSERVATIONS)
