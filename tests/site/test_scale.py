"""The numbers on an axis."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.site.charts.scale import digits_of, extent, ticks

NUMBERS = st.floats(-1e9, 1e9, allow_subnormal=False).map(lambda value: round(value, 6))


@given(NUMBERS, NUMBERS)
def test_an_axis_takes_in_what_is_drawn_with_at_most_five_marks_at_equal_steps(one: float, other: float) -> None:
    low, high = sorted((one, other))
    marks = ticks(low, high)
    assert 2 <= len(marks) <= 5
    slack = 1e-9 * max(abs(low), abs(high), 1)
    assert marks[0] <= low + slack
    assert marks[-1] >= high - slack
    steps = [after - before for before, after in pairwise(marks)]
    assert steps == pytest.approx([steps[0]] * len(steps))


@pytest.mark.parametrize(
    ("low", "high", "marks", "digits"),
    [
        (0, 8.46, [0, 2.5, 5, 7.5, 10], 1),
        (0, 1067, [0, 500, 1000, 1500], 0),
        (89.6, 90.4, [89.6, 89.8, 90.0, 90.2, 90.4], 1),
        (3, 3, [3, 4, 5, 6], 0),
        (0, 0, [0, 0.25, 0.5, 0.75, 1.0], 2),
    ],
)
def test_the_marks_are_round_numbers(low: float, high: float, marks: list[float], digits: int) -> None:
    found = ticks(low, high)
    assert found == pytest.approx(marks)
    assert digits_of(found) == digits


def test_an_axis_from_high_to_low_is_an_internal_error() -> None:
    with pytest.raises(ValueError, match="2 is above 1"):
        ticks(2, 1)


def test_nights_without_a_number_do_not_affect_the_axis() -> None:
    assert extent([None, 3.0, 5.0], zero=False) == (3.0, 5.0)
    assert extent([None, 3.0, 5.0], zero=True) == (0.0, 5.0)
    assert extent([None], zero=False) == (0.0, 1.0)
