"""Returns free memory to the system, so that a run's memory does not grow with the data it has read."""

from __future__ import annotations

import ctypes
import gc
import mmap
import os
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

# What glibc reads when a process starts, and Arrow when it is imported. Otherwise, Arrow has an allocator of its own
# besides glibc's, and its first thread begins a second heap, which all others then share: with both, 800 000 rows took
# 374 MB instead of 320.
_ONE_HEAP: Final = {"ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "1"}
# NumPy's linear algebra, which the program does not use, otherwise starts a thread for every further core, and each
# waits for work in a loop first: 60 to 80 ms of CPU on two cores.
_NO_THREADS: Final = {"OPENBLAS_NUM_THREADS": "1"}

# Parameters of glibc's mallopt. By default, every thread has a heap of its own (M_ARENA_MAX), and the size from which a
# block is returned to the kernel when freed grows with the blocks that were freed (M_MMAP_THRESHOLD); both cause
# fragmentation. Smaller blocks are kept (M_TRIM_THRESHOLD), because they are needed again at once and the kernel clears
# every page that it hands out: returning blocks of 256 kB took 3.4 s of 15 s of CPU for 200 000 rows, now it is 1.6 s.
_M_ARENA_MAX, _ARENAS = -8, 1
_M_MMAP_THRESHOLD, _MAPPED_BYTES = -3, 16 << 20
_M_TRIM_THRESHOLD, _KEPT_BYTES = -1, 32 << 20
_ANSWER_BYTES = 1 << 20

# Below this, nothing is returned. Returning memory at every pause made the kernel hand out 560 000 pages instead of
# 195 000 (200 000 rows).
_MUCH_BYTES: Final = 260 << 20

# By default, Python searches new objects for reference cycles every 700 allocations, and sometimes all objects,
# including modules. A batch is thousands of small objects without cycles: that took 0.4 s of 6.9 s for 200 000 rows.
_YOUNG_OBJECTS = 50_000


def prepare_process() -> None:
    """Collect reference cycles less often; use one heap in all threads and Arrow, also of processes started later.

    Call it before NumPy and Arrow are imported. Importing the program with it takes 0.76 s of CPU instead of 0.81.
    """
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    for name, value in (_ONE_HEAP | _NO_THREADS).items():
        os.environ.setdefault(name, value)
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)


def configure_allocators() -> None:
    """Prepare the process, keep what it has imported out of collections, and return large blocks."""
    prepare_process()
    import pyarrow as pa  # noqa: PLC0415  an ingest run has no tables, and saves its 50 MB

    gc.freeze()
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def map_answers() -> None:
    """Return blocks as large as a network's answer to the kernel whenever they are freed, not only the first time."""
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _ANSWER_BYTES)


def trim_heap(above: int = _MUCH_BYTES) -> None:
    """Return free memory to the system. Call it between two pieces of work, because it slows down other threads.

    Nothing is returned unless the process holds more than `above` bytes, because most of it is soon needed again.
    """
    malloc_trim = _of_libc("malloc_trim")
    if malloc_trim is not None and _resident_bytes() > above:
        malloc_trim(0)


def _resident_bytes() -> int:
    """The resident memory of this process (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * mmap.PAGESIZE


@cache
def _of_libc(name: str) -> Callable[..., int] | None:
    """A function of glibc, or None; musl has neither of them, and other systems manage memory differently."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
