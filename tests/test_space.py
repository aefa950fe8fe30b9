"""What is on the disk at once stays within its bound: who wants more waits, and does not wait for ever."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from forecast.errors import InterruptedRunError, ObjectRejectedError
from forecast.space import TemporarySpace

A, B, C = Path("a"), Path("b"), Path("c")
MB = 1 << 20
Hold = Callable[[TemporarySpace, Path, int], Future[None]]


@pytest.fixture
def aside() -> Iterator[Hold]:
    """Asks for room in another thread."""
    with ThreadPoolExecutor() as threads:
        yield lambda space, folder, size: threads.submit(space.hold, folder, size)


def never() -> None:
    """Nobody asks the run to stop."""


def assert_waits(asked: Future[None]) -> None:
    with pytest.raises(TimeoutError):
        asked.result(timeout=0.2)


def test_a_folder_grows_and_shrinks_within_the_bound(aside: Hold) -> None:
    space = TemporarySpace(10, never)
    for size in (4, 10, 1, 9):
        space.hold(A, size)
    space.hold(B, 1)
    waiting = aside(space, C, 1)
    assert_waits(waiting)
    space.hold(A, 8)
    waiting.result(timeout=10)


def test_who_wants_more_waits_until_another_folder_is_gone(aside: Hold) -> None:
    space = TemporarySpace(10, never)
    space.hold(A, 6)
    space.hold(B, 4)
    waiting = aside(space, B, 10)
    assert_waits(waiting)
    space.give_back(A)
    waiting.result(timeout=10)


def test_what_would_never_fit_is_refused_at_once() -> None:
    space = TemporarySpace(3 * MB, never)
    space.hold(A, 3 * MB)
    with pytest.raises(ObjectRejectedError) as caught:
        space.hold(B, 3 * MB + 1)
    assert caught.value.code == "too_large"
    assert caught.value.message == "the object takes more than 3 MB of temporary files (MAX_TEMPORARY_MB)"
    space.hold(A, 0)
    space.hold(B, 3 * MB)


def test_a_run_that_is_told_to_stop_does_not_wait(aside: Hold) -> None:
    told = False

    def check_stop() -> None:
        if told:
            raise InterruptedRunError("interrupted")

    space = TemporarySpace(10, check_stop)
    space.hold(A, 10)
    waiting = aside(space, B, 1)
    assert_waits(waiting)
    told = True
    with pytest.raises(InterruptedRunError, match=r"^interrupted$"):
        waiting.result(timeout=10)


def test_nobody_waits_for_a_run_that_has_ended(aside: Hold) -> None:
    space = TemporarySpace(10, never)
    space.hold(A, 10)
    waiting = aside(space, B, 1)
    assert_waits(waiting)
    space.close()
    start = time.monotonic()
    with pytest.raises(InterruptedRunError):
        waiting.result(timeout=10)
    assert time.monotonic() - start < 0.4
