"""Rows of any stations in any order are evaluated as the series that they are."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from forecast.core.digests import content_hashes
from forecast.core.schemas import OBSERVATION_SCHEMA
from forecast.qc.results import Quality
from forecast.qc.runner import run_station_checks
from forecast.validate.initial_qc import flag_batch
from tests.examples import examples
from tests.networks import START, five, hours, observation, series

STATIONS = list(five(interval_minutes=5))


def evaluate(rows: list[dict[str, Any]]) -> Quality:
    table = pa.Table.from_pylist(rows, schema=OBSERVATION_SCHEMA)
    codes = np.array(["ABCDE".index(row["station_id"]) for row in rows], dtype=np.int64)
    filled = table.append_column("completeness_score", pa.repeat(0.5, table.num_rows))
    return flag_batch(table, STATIONS, codes, content_hashes(filled, STATIONS, codes))


def row(name: str, minute: int, **more: Any) -> dict[str, Any]:
    return observation(name, START + timedelta(minutes=minute), **more)


def said(quality: Quality) -> list[tuple[int, str | None, int, str]]:
    columns = (quality.flag.tolist(), quality.flags.to_pylist(), quality.anomalies.tolist(), quality.amount.tolist())
    return [(flag, text, number, str(amount)) for flag, text, number, amount in zip(*columns, strict=True)]


VALUES = st.none() | st.sampled_from([0.0, 0.2, 5.0, 12.0, 20.0, 99.0])


@settings(max_examples=examples(0.6))
@given(st.lists(st.tuples(VALUES, VALUES), min_size=1, max_size=15), st.lists(VALUES, max_size=15), st.randoms())
def test_each_station_is_evaluated_by_itself_whatever_the_order_of_rows(
    first: list[tuple[float | None, float | None]], second: list[float | None], chance: Any
) -> None:
    rows = [
        *(row("B", 5 * n, air_temperature=air, precipitation_counter=rain) for n, (air, rain) in enumerate(first)),
        *(row("D", 5 * n, air_temperature=air) for n, air in enumerate(second)),
    ]
    of_b = series(
        STATIONS[1],
        hours(len(first), step_minutes=5),
        air_temperature=[air for air, _ in first],
        precipitation_counter=[rain for _, rain in first],
    )
    of_d = series(STATIONS[3], hours(len(second), step_minutes=5), air_temperature=second)
    expected = [*said(run_station_checks(of_b).quality()), *said(run_station_checks(of_d).quality())]
    order = list(range(len(rows)))
    chance.shuffle(order)
    assert said(evaluate([rows[place] for place in order])) == [expected[place] for place in order]


def test_of_one_observation_twice_the_one_that_wins_is_evaluated() -> None:
    """99 °C lost against 12.1 °C, so there is no step after it; a loser is not evaluated, and gives no rain."""
    rows = [
        row("A", 0, air_temperature=12.0, precipitation_counter=1.0),
        row("A", 5, air_temperature=99.0, precipitation_counter=50.0, generation_id=1, sync_id=9),
        row("A", 5, air_temperature=12.1, precipitation_counter=1.2, generation_id=2),
        row("A", 10, air_temperature=12.2, precipitation_counter=1.2),
    ]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]):
        quality = evaluate([rows[place] for place in order])
        found = dict(zip(order, said(quality), strict=True))
        assert [found[place][:3] for place in range(4)] == [(1, None, 0), (2, None, 0), (1, None, 0), (1, None, 0)]
        np.testing.assert_allclose(quality.amount[[order.index(place) for place in range(4)]], [np.nan, np.nan, 0.2, 0])


def test_the_row_that_the_database_keeps_is_evaluated() -> None:
    """A later extraction before higher counters, and the digest where all is level."""
    later = {"extracted_at": START + timedelta(hours=1)}
    for lower, higher in (
        ({"sync_id": 1}, {"sync_id": 2}),
        ({"generation_id": 1, "sync_id": 9}, {"generation_id": 2}),
        ({"extracted_at": START, "generation_id": 9, "sync_id": 9}, later),
    ):
        rows = [row("A", 0, air_temperature=99.0, **lower), row("A", 0, air_temperature=12.0, **higher)]
        assert [flag for flag, *_ in said(evaluate(rows))] == [2, 1]
        assert [flag for flag, *_ in said(evaluate(rows[::-1]))] == [1, 2]
    level = [row("A", 0, air_temperature=value) for value in (11.0, 12.0, 13.0)]
    order = [level, level[::-1]]
    evaluated_values = [
        [one["air_temperature"] for one, (flag, *_) in zip(rows, said(evaluate(rows)), strict=True) if flag == 1]
        for rows in order
    ]
    assert evaluated_values[0] == evaluated_values[1]
    assert len(evaluated_values[0]) == 1


def test_a_row_without_values_loses_against_one_with_some_and_has_the_flag_of_missing_values() -> None:
    rows = [row("A", 0, extracted_at=START + timedelta(hours=1)), row("A", 0, air_temperature=12.0)]
    for order in ([0, 1], [1, 0]):
        flags = [flag for flag, *_ in said(evaluate([rows[place] for place in order]))]
        assert flags == [[9, 1][place] for place in order]


def test_a_row_without_a_value_is_missing_and_an_empty_batch_stays_empty() -> None:
    assert said(evaluate([row("A", 0)])) == [(9, None, 0, "nan")]
    assert said(evaluate([])) == []
