"""Which columns belong to which layout of Weather Underground."""

from __future__ import annotations

from typing import Any

import pytest

from tests.transform.samples import TABLE_KEY, batch_of, transform

TABLE: dict[str, Any] = {
    "Date": "2024-10-01",
    "Time": "00:04:00",
    "Temperature": "56.8 °F",
    "Humidity": "87 %",
    "Wind": "WSW",
}
API: dict[str, Any] = {
    "stationID": "ITESTB25",
    "obsTimeUtc": "2024-10-01T00:04:00Z",
    "humidity": 87,
    "qcStatus": 1,
    "metric": {"temp": 13.8},
}


@pytest.mark.parametrize(
    ("row", "passed_over"),
    [
        (TABLE, []),
        (API, []),
        (TABLE | {"temp": "56.8 °F"}, ["temp"]),
        (TABLE | {"humidityAvg": "87 %", "pressureMean": "29.48 in"}, ["humidityAvg", "pressureMean"]),
        (API | {"Dew Point": "53.1 °F"}, ["Dew Point"]),
    ],
    ids=["table", "API", "a name of the API", "more of them", "a name of the table"],
)
def test_a_name_of_one_layout_is_an_unknown_column_in_the_other(
    row: dict[str, Any], passed_over: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    assert len(transform(batch_of([row])).observations) == 1
    names = ", ".join(map(repr, passed_over))
    told = f"{TABLE_KEY} has unknown columns, which are ignored: {names}"
    assert [record.getMessage() for record in caplog.records] == ([told] if passed_over else [])
