"""Which of two records is kept: the one statement of the order, against the order as people would write it down."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.parameters import MEASURED_NAMES
from forecast.core.precedence import RANK, REASONS, compared, has_values, kept_of_each, order_of, reasons
from forecast.core.schemas import UTC_TIME

NOON = datetime(2024, 10, 5, 12, tzinfo=UTC)
SCHEMA = pa.schema(
    [
        *((name, pa.float64()) for name in MEASURED_NAMES),
        *((name, UTC_TIME if name.endswith("_at") else pa.int64()) for name in RANK),
    ]
)
# Has values, seconds, generation, sync, seconds, half of a digest: the order of the contract.
KEYS = st.tuples(st.booleans(), *[st.integers(0, 1)] * 4, st.sampled_from(["0" * 16, "f" * 16]))
Key = tuple[bool, int, int, int, int, str]


def table(keys: list[Key]) -> pa.Table:
    rows = [
        {
            **dict.fromkeys(MEASURED_NAMES),
            MEASURED_NAMES[number % len(MEASURED_NAMES)]: 1.0 if valued else None,
            "extracted_at": NOON + timedelta(seconds=extracted),
            "generation_id": generation,
            "sync_id": sync,
            "source_modified_at": NOON + timedelta(seconds=modified),
        }
        for number, (valued, extracted, generation, sync, modified, _) in enumerate(keys)
    ]
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def order(keys: list[Key], kind: Any = object) -> list[Any]:
    return order_of(table(keys), np.array([key[-1] for key in keys], dtype=kind))


@given(st.lists(st.tuples(st.integers(0, 3), KEYS), min_size=1, max_size=12), st.sampled_from([object, "S16"]))
def test_of_each_observation_the_last_in_the_order_is_kept(rows: list[tuple[int, Key]], kind: Any) -> None:
    observations = np.array([number for number, _ in rows])
    kept = kept_of_each(observations, order([key for _, key in rows], kind))
    assert [rows[row] for row in kept.tolist()] == [
        (number, max(key for other, key in rows if other == number)) for number in sorted(set(observations.tolist()))
    ]


@given(st.lists(st.tuples(KEYS, KEYS), min_size=1, max_size=12))
def test_two_records_are_compared_as_their_keys_are(pairs: list[tuple[Key, Key]]) -> None:
    ours, theirs = ([pair[side] for pair in pairs] for side in (0, 1))
    higher, level = compared(order(ours), order(theirs))
    assert higher.tolist() == [our > their for our, their in pairs]
    assert level.tolist() == [our == their for our, their in pairs]


@pytest.mark.parametrize("number", range(len(REASONS)))
def test_the_first_that_differs_is_the_reason(number: int) -> None:
    low: list[Any] = [True, 0, 0, 0, 0, "0" * 16]
    high = list(low)
    low[number:] = [False, 9, 9, 9, 9, "9" * 16][number:]
    high[number], low[number] = ((True, False), *[(1, 0)] * 4, ("f" * 16, "0" * 16))[number]
    assert reasons(order([tuple(high)]), order([tuple(low)])) == [REASONS[number]]
    assert compared(order([tuple(high)]), order([tuple(low)]))[0].tolist() == [True]


def test_a_measured_value_counts_as_a_value_and_a_derived_one_does_not() -> None:
    rows = [dict.fromkeys(SCHEMA.names) for _ in range(3)]
    rows[1][MEASURED_NAMES[-1]] = 0.0
    found = pa.Table.from_pylist(rows, schema=SCHEMA).append_column("precipitation_amount", pa.array([1.0, 1.0, 1.0]))
    assert has_values(found).tolist() == [False, True, False]
    assert has_values(found.slice(0, 0)).tolist() == []


def test_rows_of_one_object_need_no_time_of_their_object() -> None:
    rows = table([(True, 0, 0, 0, 1, "a"), (True, 1, 0, 0, 0, "a")]).drop_columns(["source_modified_at"])
    assert kept_of_each(np.zeros(2, dtype=np.int64), order_of(rows, np.array(["a", "a"], dtype=object))).tolist() == [1]
