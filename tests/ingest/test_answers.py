"""What the bytes of an answer become: records, or a broken answer."""

from __future__ import annotations

import json
from typing import Any

import pytest

from forecast.ingest.answers import BrokenAnswerError, page_of
from forecast.ingest.faults import UnusableAnswerError
from forecast.ingest.secret import Key
from forecast.ingest.transport import Response
from forecast.networks.infoclimat.fetch import FETCH as INFOCLIMAT
from forecast.networks.wunderground.fetch import FETCH as WUNDERGROUND

ROW = {"id_station": "07915", "dh_utc": "2026-11-28 00:00:00", "temperature": "7.6", "nom": "Lesquin é"}


def answered(text: str | bytes, fetch: Any = INFOCLIMAT) -> list[Any]:
    body = text if isinstance(text, bytes) else text.encode()
    return page_of(fetch, Response(200, body), Key("k3y-k3y")).records


def infoclimat(rows: str) -> str:
    metadata = json.dumps({name: f"x,{unit}" for name, unit in INFOCLIMAT.units})
    return f'{{"status": "OK", "metadata": {metadata}, "hourly": {{"_params": [], "07915": [{rows}]}}}}'


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_each_record_is_one_line_whatever_the_white_space_of_the_response(indent: int | None, mark: str) -> None:
    (record,) = answered(mark + infoclimat(json.dumps(ROW, indent=indent)))
    assert (record.station, record.time) == ("07915", "2026-11-28 00:00:00")
    assert record.line == json.dumps(ROW, ensure_ascii=False, separators=(",", ":"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"stationID":"A","epoch":1,"metric":{"tempAvg":13.80,"gust":null}}',) * 2,
        ('{"stationID":"A","epoch":123456789012345678901234567890}',) * 2,
        ('{"stationID":"A","name":"\\u00e9\\u2028"}', '{"stationID":"A","name":"é\u2028"}'),
    ],
)
def test_a_record_is_unchanged_from_the_response(text: str, line: str) -> None:
    (record,) = answered(f'{{"observations": [{text}]}}', WUNDERGROUND)
    assert json.loads(record.line) == json.loads(text)
    assert json.loads(line) == json.loads(text)
    assert "\n" not in record.line


@pytest.mark.parametrize(
    "row",
    [
        '{"id_station": "07915", "temperature": NaN}',
        '{"id_station": "07915", "temperature": 1e400}',
        '{"id_station": "07915", "temperature": "\\ud800"}',
        b'{"id_station": "07915", "temperature": "\xff"}',
        '{"id_station": "07915",}',
        '{"id_station": ' + "[" * 100_000,
    ],
)
def test_a_response_that_is_not_json_to_its_end_is_broken(row: str | bytes) -> None:
    whole = infoclimat("@").encode().replace(b"@", row if isinstance(row, bytes) else row.encode())
    with pytest.raises(BrokenAnswerError, match="the response is not a JSON document: "):
        answered(whole)


@pytest.mark.parametrize("rows", ["1", "null", '"text"', "[[]]"])
def test_something_other_than_a_record_among_records_is_an_error(rows: str) -> None:
    with pytest.raises(UnusableAnswerError, match=r"has no records at hourly\.\*\.\*"):
        answered(infoclimat(rows))
