"""Small objects are transformed together, except for those in which a row depends on the others, or is not plain."""

from __future__ import annotations

from typing import Any

import pytest

from forecast.core.reading import ParameterReading
from forecast.transform import ObjectTransformer, transform_each
from tests.transform.samples import NOW, STATIONS, TABLE_KEY, batch_of

TABLE = {
    "Date": "2024-10-05",
    "Time": "02:04:00",
    "Temperature": "56.8 °F",
    "Humidity": "86 %",
    "Speed": "4.3 mph",
    "Wind": "West",
}
ROW = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": "12.5"}
Rows = list[dict[str, Any]]


def transformers(*of_objects: Rows, key: str = TABLE_KEY) -> list[tuple[ObjectTransformer, bool]]:
    """A transformer for each object, and whether it was transformed with the others."""
    objects = [(ObjectTransformer(key, STATIONS, NOW), batch_of(rows)) for rows in of_objects]
    together = transform_each(objects)
    return [(transformer, one is not None) for (transformer, _), one in zip(objects, together, strict=True)]


def together(*of_objects: Rows, key: str = TABLE_KEY) -> list[bool]:
    return [is_together for _, is_together in transformers(*of_objects, key=key)]


def table(*times: str, **more: Any) -> Rows:
    return [{**TABLE, "Time": time, **more} for time in times]


def test_plain_objects_are_transformed_together() -> None:
    assert together(table("02:04:00", "02:09:00"), table("03:04:00"), table("--", Temperature="--")) == [
        True,
        True,
        False,
    ]
    assert together([ROW], [ROW | {"temperature": ""}], key="infoclimat/a.jsonl") == [True, True]


def test_an_object_alone_or_with_other_columns_is_not() -> None:
    assert together(table("02:04:00")) == [False]
    assert together(table("02:04:00"), table("02:04:00", UV="1")) == [False, False]


@pytest.mark.parametrize(
    "odd",
    [
        table("02:04:00", Temperature="warm"),
        table("25:00:00"),
        table("02:04:00", "02:09:00", Date="2024-10-27"),
        table("02:04:00", Date="2024-03-31"),
        table("02:04:00", Date="2026-03-31"),
        table("02:04:00", Temperature="1,013 °F"),
    ],
    ids=["unreadable", "no time", "an hour that occurs twice", "a skipped hour", "future", "ambiguous number"],
)
def test_an_object_with_anything_but_observations_is_transformed_by_itself(odd: Rows) -> None:
    assert together(table("02:04:00"), odd, table("02:09:00")) == [True, False, True]


def test_an_object_whose_column_may_have_the_time_of_a_scrape_is_transformed_by_itself() -> None:
    scraped = table("02:04:00", "02:09:00", Timestamp="2024-10-06T04:00:00")
    observed = [
        {**row, "Timestamp": f"2024-10-05T{row['Time']}"} for row in table("02:04:00", "02:09:00", Timestamp="")
    ]
    assert together(observed, scraped, observed) == [True, False, True]


def test_what_is_known_of_an_object_is_of_its_own_rows() -> None:
    objects = table("02:04:00", UVI=1), table("02:04:00", "02:09:00", UVI=2)
    (first, _), (second, _) = transformers(*objects)
    assert first.reading.parameters["air_temperature"] == ParameterReading({"Temperature": None}, 1, 1)
    assert second.reading.parameters["air_temperature"] == ParameterReading({"Temperature": None}, 2, 2)
    assert (first.reading.unknown, second.reading.unknown) == ({"UVI": ["1"]}, {"UVI": ["2"]})


def test_a_calm_of_one_object_is_no_column_of_another() -> None:
    calm, windy = ([{name: cell for name, cell in row.items() if name != "Speed"}] for row in table("1:04", "1:09"))
    calm[0]["Wind"] = "calm"
    (first, _), (second, _) = transformers(calm, windy)
    assert "wind_speed" in first.reading.parameters
    assert "wind_speed" not in second.reading.parameters
