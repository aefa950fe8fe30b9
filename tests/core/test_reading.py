"""What became of the cells of an object: counted by parameter, in whatever batches its rows come."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.core.errors import ObjectRejectedError
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.reading import UnreadParameter
from forecast.transform import ObjectTransformer
from tests.transform.networks.test_networks import CLIMATE, TABLE
from tests.transform.samples import NOW, STATIONS, TABLE_KEY, batch_of

GOOD = ["56.8 °F", "13.8 °C", "0 °C"]
NOTHING = ["", "--", None, "-999", "NaN"]
BAD = ["56.8", "lots", "5 furlongs", "1,013 °C"]


def read(*rows: dict[str, Any], size: int = 0, key: str = TABLE_KEY) -> ObjectTransformer:
    """Rows of one object, `size` a batch."""
    transformer = ObjectTransformer(key, STATIONS, NOW)
    size = size or len(rows)
    for first in range(0, len(rows), size):
        transformer.transform(batch_of(rows[first : first + size], first=first + 1))
    transformer.finish()
    return transformer


def rows_with(cells: list[Any], name: str = "Temperature") -> list[dict[str, Any]]:
    return [{**TABLE, "Time": f"00:{minute:02}:00", name: cell} for minute, cell in enumerate(cells)]


def test_cells_are_counted_by_what_became_of_them() -> None:
    cells = ["56.8 °F", "", "lots", "13.8 °C", None, "much", "5 furlongs", "-999 °C"]
    reading = read(*rows_with(cells)).reading.parameters["air_temperature"]
    assert (list(reading.columns), reading.cells, reading.values) == (["Temperature"], 5, 2)
    found = {reason: (entry.count, entry.raw, entry.position) for reason, entry in reading.reasons.items()}
    assert found == {
        "not a number": (2, "lots", "line 3"),
        "unknown unit 'furlongs'": (1, "5 furlongs", "line 7"),
    }


@given(st.lists(st.sampled_from([*GOOD, *NOTHING, *BAD]), min_size=1, max_size=12), st.integers(1, 12))
@settings(deadline=None)
def test_every_cell_that_has_something_is_a_value_or_has_a_reason(cells: list[Any], size: int) -> None:
    reading = read(*rows_with(cells), size=size).reading.parameters["air_temperature"]
    assert reading.values == sum(cell in GOOD for cell in cells)
    assert reading.cells == sum(cell in GOOD or cell in BAD for cell in cells)
    assert sum(entry.count for entry in reading.reasons.values()) == reading.cells - reading.values
    assert reading == read(*rows_with(cells)).reading.parameters["air_temperature"]


def test_a_parameter_with_cells_and_no_value_is_unread() -> None:
    transformer = read(*rows_with(["56.8", "lots", "57.1"]))
    assert transformer.reading.unread() == [
        UnreadParameter("air_temperature", "Temperature", 3, "56.8", "line 1", "a number without a unit")
    ]


@pytest.mark.parametrize("cells", [["56.8", "56.9 °F"], NOTHING], ids=["one value", "no cells"])
def test_a_parameter_with_a_value_or_without_cells_is_not_unread(cells: list[Any]) -> None:
    assert read(*rows_with(cells)).reading.unread() == []


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"t": "7.6", "u": "89"}, "'t', 'u'"),
        ({"measures": {"temperature": "7.6"}}, "'measures.temperature'"),
    ],
    ids=["other names", "in an object"],
)
def test_rows_with_cells_and_no_known_column_of_values_reject_the_object(more: dict[str, Any], named: str) -> None:
    rows = [{"id_station": "07915", "dh_utc": f"2024-10-05 0{hour}:00:00", **more} for hour in range(2)]
    with pytest.raises(ObjectRejectedError) as caught:
        read(*rows, key="infoclimat/a.jsonl")
    assert caught.value.code == "unreadable_values"
    assert caught.value.message == (
        "it has no known column of measured values, which would contain a number with a decimal point, "
        f'such as "7.6"; its columns are {named}'
    )


@pytest.mark.parametrize("more", [{}, {"t": None, "u": ""}, {"temperature": None, "t": "7.6"}], ids=str)
def test_rows_without_cells_or_with_a_known_column_are_empty(more: dict[str, Any]) -> None:
    row = {"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", **more}
    assert read(row, key="infoclimat/a.jsonl").reading.unread() == []


def test_a_wind_that_is_calm_all_day_is_read() -> None:
    assert read(*rows_with(["Calm", "Calm"], "Wind")).reading.unread() == []


def test_a_variable_wind_was_read_although_it_has_no_direction() -> None:
    assert read(*rows_with(["Variable", "VRB"], "Wind")).reading.unread() == []
    (entry,) = read(*rows_with(["Variable", "round"], "Wind")).reading.unread()
    assert (entry.cells, entry.example) == (1, "round")


def test_reasons_are_bounded_and_none_is_lost() -> None:
    reading = read(*rows_with([f"5 furlongs{number}" for number in range(30)])).reading.parameters["air_temperature"]
    assert len(reading.reasons) == 9
    assert reading.reasons["other reasons"].count == 22
    assert sum(entry.count for entry in reading.reasons.values()) == reading.cells == 30


def test_an_object_of_which_no_cell_can_be_read_is_rejected() -> None:
    row = {"Date": "2024-10-01", "Time": "00:04:00", "Temperature": "56.8", "Humidity": "89", "Pressure": "29.48"}
    with pytest.raises(ObjectRejectedError) as caught:
        read(row, {**row, "Time": "00:09:00"})
    assert caught.value.code == "unreadable_values"
    assert caught.value.message == (
        "none of its measured cells (6) could be read; expected a number with its unit in the cell, such as "
        '"56.8 °F" or "29.48 in", or in the name of the column, such as "Temperature (°F)": '
        "'Temperature' such as '56.8' (line 1): a number without a unit; "
        "'Humidity' such as '89' (line 1): a number without a unit; "
        "'Pressure' such as '29.48' (line 1): a number without a unit"
    )


def test_a_row_that_can_be_read_in_a_later_batch_saves_the_object() -> None:
    bad = {"Date": "2024-10-01", "Time": "00:04:00", "Temperature": "56.8", "Humidity": "89", "Pressure": "29.48"}
    transformer = read(bad, {**bad, "Time": "00:09:00", "Humidity": "89 %"}, size=1)
    assert [entry.parameter for entry in transformer.reading.unread()] == [
        "air_temperature",
        "air_pressure_at_mean_sea_level",
    ]


CELLS = st.sampled_from(
    ["56.8 °F", "56.8", "much", "", None, "--", "-999", "5 furlongs", "29.5 in", "87 %", "W", "Calm"]
)
NAMES = [name for name in TABLE if name not in ("Date", "Time")]
SOMETHING = {"56.8 °F", "56.8", "much", "5 furlongs", "29.5 in", "87 %", "W", "Calm"}
CELLS = st.sampled_from([*sorted(SOMETHING), "", None, "--", "-999"])


@given(
    st.lists(st.sampled_from([*NAMES, "pm25", "Temp", "Rain"]), min_size=4, unique=True),
    st.lists(st.lists(CELLS, min_size=14, max_size=14), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_of_any_columns_each_with_cells_is_read_or_named(names: list[str], cells: list[list[Any]]) -> None:
    """A parameter that is not unread has a value; an object without any is rejected with every column's name."""
    rows = [
        {"Date": "2024-10-01", "Time": f"00:{minute:02}", **dict(zip(names, found, strict=False))}
        for minute, found in enumerate(cells)
    ]
    with_cells = {name for name in names if any(row[name] in SOMETHING for row in rows)}
    transformer = ObjectTransformer(TABLE_KEY, STATIONS, NOW)
    try:
        parts = [transformer.transform(batch_of(rows)), *transformer.finish()]
    except ObjectRejectedError as error:
        assert error.code == "unreadable_values" or sum(name in NAMES for name in names) < 3
        return
    tables = [part.observations for part in parts]
    values = {name for table in tables for name in PARAMETER_NAMES if table[name].null_count < len(table)}
    found = {name: reading for name, reading in transformer.reading.parameters.items() if reading.values}
    assert any(len(part.rejected) for part in parts) or found.keys() <= values
    read_columns = {column for reading in found.values() for column in reading.columns}
    told = {entry.column for entry in transformer.reading.unread()}
    calm = {"Wind"} if all(row.get("Wind") not in SOMETHING - {"Calm"} for row in rows) else set()
    assert with_cells <= read_columns | told | set(transformer.reading.unknown) | calm
    assert not told & read_columns


def test_an_object_without_any_cell_is_not_rejected() -> None:
    assert read({"id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "temperature": ""}).reading.unread() == []


def test_infoclimats_numbers_are_expected_without_a_unit() -> None:
    row = {**dict.fromkeys(CLIMATE), "id_station": "07915", "dh_utc": "2024-10-05 00:00:00", "temperature": "warm"}
    with pytest.raises(ObjectRejectedError) as caught:
        read(row)
    assert caught.value.message == (
        "none of its measured cells (1) could be read; expected a number with a decimal point, such as "
        "\"7.6\": 'temperature' such as 'warm' (line 1): not a number"
    )
