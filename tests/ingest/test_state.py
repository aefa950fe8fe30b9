"""What is kept of a station: enough for every later run, and no more however long its history is."""

from __future__ import annotations

import random
from collections.abc import Container
from dataclasses import replace
from datetime import date, timedelta

import hypothesis
import hypothesis.strategies as st
import pytest

from forecast.ingest.fingerprints import packed
from forecast.ingest.plan import station_plan
from forecast.ingest.state import StationState
from forecast.networks.wunderground.fetch import FETCH

START = date(2026, 1, 1)
LOOKBACK = FETCH.deep_lookback_days


def day_of(number: int) -> date:
    return START + timedelta(days=number)


class Remembering(StationState):
    """The same, but nothing is ever forgotten."""

    def forget(self, lookback_days: int, keep: Container[date] = ()) -> None:
        """Nothing."""


class Life:
    """A station, the network and the runs over it, by chance: outages, late uploads, days that are not answered."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.today = self.chance.randint(0, 30)
        self.there: set[int] = set()
        self.late: set[int] = set()
        self.version = 0

    def pass_time(self) -> None:
        """Days go by, on some of which the station is offline; what it has kept may arrive."""
        for _ in range(self.chance.choice((0, 1, 1, 1, 1, 2, 40))):
            self.today += 1
            offline = self.chance.random() < 0.1 or (self.today - 1 in self.late and self.chance.random() < 0.95)
            (self.late if offline else self.there).add(self.today)
        if self.chance.random() < 0.05:
            self.there |= self.late
            self.late.clear()

    def answer(self, day: date) -> str | None:
        """The fingerprints of a day, "" where it has no records, None where it is not answered."""
        if self.chance.random() < 0.05:
            return None
        number = (day - START).days
        self.version += 1
        # Packed fingerprints are never compared here: each reading gives others.
        return f"{number}, {self.version}" if number in self.there else ""


def run_over(states: tuple[StationState, ...], life: Life) -> None:
    """A run that may end early; both states get the same calls."""
    plan = station_plan(FETCH, states[0], day_of(life.today), None, None)
    asked = [*plan.recent, *plan.missing, *plan.history]
    came_back = False
    for day in asked[: life.chance.choice((len(asked), len(asked) // 2))]:
        found = life.answer(day)
        back = bool(found) and day in plan.empty and not came_back
        came_back |= back
        for state in states:
            if found is None:
                state.note_missing([day])
                continue
            if back:
                state.note_missing(plan.silent)
            state.note_read(day, found, LOOKBACK, plan.silent)
    for state in states:
        state.since = state.since or plan.recent[0]
        state.deep_read = day_of(life.today) if plan.deep else state.deep_read


@hypothesis.given(st.integers(0, 10**9))
def test_fingerprints_that_are_forgotten_are_never_needed(seed: int) -> None:
    life = Life(seed)
    state, remembering = StationState(), Remembering()
    for _ in range(60):
        life.pass_time()
        plan = station_plan(FETCH, state, day_of(life.today), None, None)
        assert plan == station_plan(FETCH, remembering, day_of(life.today), None, None)
        for day in (*plan.recent, *plan.missing, *plan.silent):
            assert state.days.get(day, "") == remembering.days.get(day, "")
        run_over((state, remembering), life)
        state.forget(LOOKBACK)  # as the next run does first
        assert len(state.days) <= LOOKBACK + 2 + len(state.missing)
        assert state.through == remembering.through


def test_after_ten_years_of_days_with_records_those_of_sixteen_days_are_kept() -> None:
    state = StationState()
    for number in range(3_650):
        state.note_read(day_of(number), packed({bytes(4): bytes(8)}), LOOKBACK)
    assert sorted(state.days) == [day_of(number) for number in range(3_634, 3_650)]
    assert StationState.from_json(state.as_json()) == state


def test_of_a_silent_station_the_last_day_with_records_is_kept_however_long_ago_it_was() -> None:
    state = StationState()
    for number in range(400):
        state.note_read(day_of(number), "some" if number < 100 else "", LOOKBACK)
    assert [day for day, fingerprints in state.days.items() if fingerprints] == [day_of(99)]
    assert len(state.days) == LOOKBACK + 2
    assert state.silent_before(day_of(398)) == [day_of(number) for number in range(99, 398)]


def test_a_station_that_never_sent_anything_is_read_from_its_first_day_when_it_does() -> None:
    state = StationState()
    for number in range(40):
        state.note_read(day_of(number), "", LOOKBACK)
    assert state.silent_before(day_of(39)) == [day_of(number) for number in range(39)]
    assert StationState().silent_before(day_of(39)) == []


@pytest.mark.parametrize("first", [3, 17])
def test_days_between_two_that_were_read_are_missing(first: int) -> None:
    state = StationState()
    state.note_read(day_of(10), "", LOOKBACK)
    state.note_read(day_of(first), "", LOOKBACK)
    low, high = sorted((first, 10))
    assert state.missing == {day_of(number) for number in range(low + 1, high)}
    assert (state.read_from, state.read_to) == (day_of(low), day_of(high))


def test_a_day_that_is_missing_keeps_its_fingerprints_until_it_is_read() -> None:
    state = StationState()
    state.note_read(day_of(0), "some", LOOKBACK)
    state.note_missing([day_of(0)])
    for number in range(1, 50):
        state.note_read(day_of(number), "other", LOOKBACK)
    assert state.days[day_of(0)] == "some"
    state.note_read(day_of(0), "more", LOOKBACK)
    assert day_of(0) not in state.days


def test_only_the_last_days_of_a_plan_are_read_again_more_of_them_once_a_week() -> None:
    state = StationState(since=day_of(0), deep_read=day_of(39))
    for number in range(41):
        state.note_read(day_of(number), "some", LOOKBACK)
    assert station_plan(FETCH, state, day_of(41), None, None).recent == tuple(map(day_of, range(38, 42)))
    due = replace(state, deep_read=day_of(34))
    assert station_plan(FETCH, due, day_of(41), None, None).recent == tuple(map(day_of, range(26, 42)))
