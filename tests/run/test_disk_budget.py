"""What is on the disk at once stays within its bound: who wants more waits, and does not wait forever."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from forecast.core.errors import InterruptedRunError, ObjectRejectedError
from forecast.run.disk_budget import DiskBudget
from tests.waiting import WAIT_SECONDS

A, B, C = Path("a"), Path("b"), Path("c")
MB = 1 << 20
Hold = Callable[[DiskBudget, Path, int], Future[None]]


class Watched(threading.Condition):
    """Tells when somebody begins to wait, and wakes nobody but by what happens."""

    def __init__(self) -> None:
        super().__init__()
        self.waits = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waits.set()
        return super().wait(2 * WAIT_SECONDS)


def watched(most: int) -> tuple[DiskBudget, Watched]:
    space, condition = DiskBudget(most, lambda: None), Watched()
    space._changed = condition
    return space, condition


@pytest.fixture
def aside() -> Iterator[Hold]:
    """Asks for room in another thread."""
    with ThreadPoolExecutor() as threads:
        yield lambda space, folder, size: threads.submit(space.reserve, folder, size)


def test_a_folder_grows_and_shrinks_within_the_bound(aside: Hold) -> None:
    space, condition = watched(10)
    for size in (4, 10, 1, 9):
        space.reserve(A, size)
    space.reserve(B, 1)
    waiting = aside(space, C, 1)
    assert condition.waits.wait(WAIT_SECONDS)
    assert not waiting.done()
    space.reserve(A, 8)
    waiting.result(timeout=WAIT_SECONDS)


def test_a_writer_that_needs_more_space_waits_until_another_folder_is_removed(aside: Hold) -> None:
    space, condition = watched(10)
    space.reserve(A, 6)
    space.reserve(B, 4)
    waiting = aside(space, B, 10)
    assert condition.waits.wait(WAIT_SECONDS)
    assert not waiting.done()
    space.release(A)
    waiting.result(timeout=WAIT_SECONDS)


def test_an_object_that_can_never_fit_is_rejected_at_once() -> None:
    space = DiskBudget(3 * MB, lambda: None)
    space.reserve(A, 3 * MB)
    with pytest.raises(ObjectRejectedError) as caught:
        space.reserve(B, 3 * MB + 1)
    assert caught.value.code == "too_large"
    assert caught.value.message == "the object needs more than 3 MB of temporary files (MAX_TEMPORARY_MB)"
    space.reserve(A, 0)
    space.reserve(B, 3 * MB)


def test_a_run_that_is_told_to_stop_does_not_wait() -> None:
    calls: list[None] = []

    def check_stop() -> None:
        calls.append(None)
        if len(calls) == 2:
            raise InterruptedRunError("interrupted")

    space = DiskBudget(10, check_stop)
    space.reserve(A, 10)
    with pytest.raises(InterruptedRunError, match=r"^interrupted$"):
        space.reserve(B, 1)


def test_no_writer_waits_for_a_run_that_has_ended(aside: Hold) -> None:
    space, condition = watched(10)
    space.reserve(A, 10)
    waiting = aside(space, B, 1)
    assert condition.waits.wait(WAIT_SECONDS)
    space.close()
    with pytest.raises(InterruptedRunError):
        waiting.result(timeout=WAIT_SECONDS)
