"""Small raw objects of a few sources, with what is found in real ones: each is drawn with its own oddities."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

Row = dict[str, Any]
# Cells by their field: what most rows have, and what a few have instead.
TABLE: dict[str, list[Any]] = {
    "Date": ["2024-09-05", "2024-09-06", "2023-10-29", "2024-03-31", None],
    "DateTime": ["2024-09-05T02:04:00", "2024-09-06T02:09:00", "2024-09-05T00:04:00Z", "2025-01-01T00:00:00", None],
    "Time": ["02:04:00", "02:09:00", "2:34 AM", "25:00", 0.25, None],
    "Temperature": ["56.8 °F", "13.5 °C", "--", "56.8", "warm", "212 °F", None],
    "Pressure": ["29.62 in", "29.7 in", "1013 hPa", "1,013 hPa", None],
    "Humidity": ["86 %", "7 %", 7, None],
    "Wind": ["West", "West", "calm", "VAR", "Nowhere", None],
    "Speed": ["4.3 mph", "0 mph", None],
    "UV": [0, 1, 2.0, 2.5, "3", None],
    "DateUTC": ["2024-09-05T00:04:00Z", "2024-09-06 00:09:00", "2019-09-06 00:09:00", None],
    "Precip. Rate.": ["0.00 in", "0.01 in", None],
    "Battery": [12.1, 12.0, "ok", None],
    "station": ["ITESTB25", "ITESTB25", "ITESTA19", "XX", None],
}
OBSERVATIONS: dict[str, list[Any]] = {
    "id_station": ["07915", "07915", "000T5", "99999", 7915, " 07915", None],
    "dh_utc": ["2024-10-01 00:00:00", "2024-10-01 00:05:00", "2024-10-02 12:20:00", "nie", None],
    "temperature": ["12.5", "13", 12.5, "99", "warm", "", None],
    "pression": ["1013.2", "1012", "29.92", None],
    "humidite": [50, 51, 50.5, 50.0, "50", None],
    "vent_moyen": ["7.2", "", "1,2", None],
    "vent_direction": ["180", "90", 360.0, None],
    "temperature_sol": [4.0, 5.0, 4.5, 4, None],
    "qualite": ["ok", "ok", "error", None],
    "_fivetran_deleted": [False, False, True, None],
}
STAMP = 1_727_740_800_000
ENVELOPES: list[Row | None] = [
    None,
    {"_airbyte_extracted_at": STAMP, "_airbyte_meta": {"sync_id": 1, "changes": []}, "_airbyte_generation_id": 1},
    {"_airbyte_extracted_at": STAMP + 60_000, "_airbyte_meta": {"sync_id": 2, "changes": []}},
    {"_airbyte_extracted_at": "2024-10-01T00:00:00Z"},
    {"_airbyte_extracted_at": None},
    {"_airbyte_extracted_at": STAMP * 2},
    {"_airbyte_emitted_at": STAMP, "_airbyte_ab_id": "x"},
    {"_airbyte_meta": {"changes": [{"field": "temperature", "change": "NULLED", "reason": "SOURCE"}]}},
]
# Fields that make rows too unusual to be read together where they are.
RARE = ("_fivetran_deleted", "station")
ENDS = ["\n", "\n", "\n", "", "\n\n", "\r\n"]
FOLDERS = [*["wunderground/ITESTB25"] * 8, "infoclimat", "other"]


def usual(fields: dict[str, list[Any]], names: list[str], number: int) -> Row:
    """A row without any oddity: the first or the second cell of each field."""
    return {name: fields[name][number % 2] for name in names}


@st.composite
def small_objects(draw: st.DrawFn) -> dict[str, bytes]:
    """The content of a few objects by key, most of them alike."""
    fields = draw(st.sampled_from([TABLE, OBSERVATIONS]))
    envelope = draw(st.sampled_from(ENVELOPES[:3]))
    folder = draw(st.sampled_from(FOLDERS))
    names = draw(_names(fields))
    objects = {}
    for number in range(draw(st.integers(2, 5))):
        own = names if draw(_rarely()) is False else draw(_names(fields))
        rows = [usual(fields, own, number + row) for row in range(draw(st.integers(1, 4)))]
        if draw(_rarely(3)):
            rows = [draw(_odd(row, fields)) for row in rows]
        if draw(_rarely()):
            lacking = draw(st.sampled_from(own))
            rows = [{**row, lacking: None} for row in rows]
        around = draw(st.sampled_from(ENVELOPES)) if draw(_rarely()) else envelope
        in_payload = around is not None and not draw(_rarely())
        text = "\n".join(json.dumps(_record(row, around, in_payload=in_payload), ensure_ascii=False) for row in rows)
        content = (text + (draw(st.sampled_from(ENDS)) if draw(_rarely()) else "\n")).encode()
        if draw(_rarely()):
            content = content.replace(b"0", draw(st.sampled_from([b"\xe9", b"\0", b"\\u0031", b"{", b"null"])), 1)
        objects[f"{folder}/{number}.jsonl"] = content
    return objects


def _rarely(of: int = 6) -> st.SearchStrategy[bool]:
    return st.integers(0, of).map(lambda drawn: drawn == of)


def _names(fields: dict[str, list[Any]]) -> st.SearchStrategy[list[str]]:
    all_names = list(fields)
    return st.lists(st.sampled_from(all_names), unique=True, max_size=3).map(
        lambda chosen: [name for name in all_names if (name in chosen) == (name in RARE)]
    )


@st.composite
def _odd(draw: st.DrawFn, row: Row, fields: dict[str, list[Any]]) -> Row:
    """The row with a few other cells, without a cell, or in another order."""
    for name in draw(st.lists(st.sampled_from(list(row)), max_size=2)):
        row = {**row, name: draw(st.sampled_from(fields[name]))}
    if draw(_rarely()):
        del row[draw(st.sampled_from(list(row)))]
    return dict(reversed(row.items())) if draw(_rarely()) else row


def _record(row: Row, envelope: Row | None, *, in_payload: bool) -> Row:
    if envelope is None:
        return row
    return {**envelope, "_airbyte_data": row} if in_payload else {**envelope, **row}
