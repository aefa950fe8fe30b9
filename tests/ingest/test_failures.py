"""When a station is left and when a source ends because nothing is answered."""

from __future__ import annotations

import pytest

from forecast.ingest.failures import MAX_FAILURES, MAX_FAILURES_OF_STATION, Failures
from forecast.ingest.faults import SilentError


def test_a_station_is_skipped_after_three_failures_in_a_row_and_a_source_ends_after_five() -> None:
    failures = Failures("A network")
    for _ in range(MAX_FAILURES_OF_STATION):
        assert not failures.is_left("a")
        failures.note_failure(["a"])
    assert (failures.is_left("a"), failures.is_left("b"), failures.has_failed("b")) == (True, False, False)
    failures.note_failure(["b"])
    with pytest.raises(SilentError, match="A network did not answer 5 times in a row"):
        failures.note_failure(["b"])


def test_a_response_resets_the_count_of_its_stations_and_of_the_source() -> None:
    failures = Failures("A network")
    for _ in range(MAX_FAILURES):
        failures.note_failure(["a", "b"])
        failures.note_answer(["b"])
    assert (failures.is_left("a"), failures.has_failed("b")) == (True, False)


def test_failures_that_are_counted_separately_are_forgotten_afterwards() -> None:
    failures = Failures("A network")
    failures.note_failure(["a"])
    failures.note_answer(["b"])
    with failures.counted_apart():
        for _ in range(MAX_FAILURES):
            failures.note_failure(["b"])
    assert (failures.has_failed("a"), failures.has_failed("b"), failures.is_left("b")) == (True, False, False)
    for _ in range(MAX_FAILURES - 1):
        failures.note_failure(["b"])


@pytest.mark.parametrize("answered", [False, True])
def test_a_source_that_did_not_answer_before_the_block_ends_in_it_too(answered: bool) -> None:
    failures = Failures("A network")
    if answered:
        failures.note_answer(["a"])
        failures.note_failure(["a"])
    with pytest.raises(SilentError), failures.counted_apart():
        _fail(failures)


def _fail(failures: Failures) -> None:
    for _ in range(MAX_FAILURES):
        failures.note_failure(["b"])
