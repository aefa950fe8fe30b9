"""When runs are due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.schedule import checked_expression, due_between, next_due

START = datetime(2026, 11, 20, 3, 10, tzinfo=UTC)


def test_the_moments_between_two_are_given_oldest_first_with_the_last_and_without_the_first() -> None:
    found = due_between("10 3 * * *", START, START + timedelta(days=3))
    assert found == tuple(START + timedelta(days=day) for day in (1, 2, 3))
    assert due_between("10 3 * * *", START, START + timedelta(hours=23)) == ()


def test_the_next_moment_comes_after_now() -> None:
    assert next_due("10 3 * * *", START) == START + timedelta(days=1)
    assert next_due("10 3 * * *", START - timedelta(seconds=1)) == START
    assert next_due("15 5 * * MON", START) == datetime(2026, 11, 23, 5, 15, tzinfo=UTC)


def test_of_very_many_moments_the_last_thousand_are_given() -> None:
    found = due_between("* * * * *", START - timedelta(days=300), START)
    assert (len(found), found[-1], found[0]) == (1000, START, START - timedelta(minutes=999))


@pytest.mark.parametrize("text", ["", "daily", "@daily", "1 2 3 4", "0 1 2 3 4 5", "60 3 * * *", "cron(15 5 * * ? *)"])
def test_an_expression_without_five_fields_is_rejected(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the setting says what it takes
        checked_expression(text)


def test_an_expression_is_kept_with_single_blanks() -> None:
    assert checked_expression("10  3 * *\t*") == "10 3 * * *"


@given(st.integers(0, 59), st.integers(0, 23), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_a_daily_moment_comes_once_a_day_in_every_time_of_the_year(minute: int, hour: int, first: datetime) -> None:
    after = first.replace(tzinfo=UTC)
    found = due_between(f"{minute} {hour} * * *", after, after + timedelta(days=30))
    assert len(found) == 30
    assert {(moment.hour, moment.minute) for moment in found} == {(hour, minute)}
    assert after < found[0] <= after + timedelta(days=1)
    assert next_due(f"{minute} {hour} * * *", after) == found[0]
