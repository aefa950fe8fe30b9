"""Returns free memory to the system, so that a run's memory does not grow with the data it has read."""

from __future__ import annotations

import ctypes
import gc
import mmap
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

# glibc's mallopt. By default every thread keeps a heap of its own (M_ARENA_MAX), and what is a large block, to be given
# back to the kernel at once, grows with the blocks that were freed (M_MMAP_THRESHOLD): both fill with holes. Smaller
# blocks are kept (M_TRIM_THRESHOLD), for they are wanted again at once, and every page that comes anew from the kernel
# is cleared first: where blocks of 256 kB were given back, that took 3.4 s of 15 s of CPU for 200 000 rows, now 1.6 s.
_M_ARENA_MAX, _ARENAS = -8, 1
_M_MMAP_THRESHOLD, _MAPPED_BYTES = -3, 16 << 20
_M_TRIM_THRESHOLD, _KEPT_BYTES = -1, 32 << 20
_ANSWER_BYTES = 1 << 20

# Below this nothing is given back: at every pause it was, and 560 000 pages came anew from the kernel where 195 000 do
# now (200 000 rows).
_MUCH_BYTES: Final = 260 << 20

# Python looks for reference cycles among the youngest objects every 700 allocations, now and then among all, modules
# too. A batch is thousands of small objects without one cycle: 0.4 s of 6.9 s of CPU for 200 000 rows.
_YOUNG_OBJECTS = 50_000


def configure_allocators() -> None:
    """Let Arrow use the system's allocator, and that one heap; let the search for reference cycles cost little."""
    import pyarrow as pa  # noqa: PLC0415  a run of ingest has no table, and none of its 50 MB

    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])
    pa.set_memory_pool(pa.system_memory_pool())
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, _ARENAS)
        mallopt(_M_MMAP_THRESHOLD, _MAPPED_BYTES)
        mallopt(_M_TRIM_THRESHOLD, _KEPT_BYTES)


def map_answers() -> None:
    """Let what is as large as a network's answer go back to the kernel when it is freed, also the second time."""
    mallopt = _of_libc("mallopt")
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _ANSWER_BYTES)


def trim_heap(above: int = _MUCH_BYTES) -> None:
    """Return free memory to the system. Call it between two pieces of work, because it slows other threads down.

    Only where more than so many bytes are held: what is given back is mostly wanted again at once.
    """
    malloc_trim = _of_libc("malloc_trim")
    if malloc_trim is not None and _resident_bytes() > above:
        malloc_trim(0)


def _resident_bytes() -> int:
    """What this process holds (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_bytes().split()[1]) * mmap.PAGESIZE


def _of_libc(name: str) -> Callable[..., int] | None:
    """A function of glibc; musl has neither, and other systems manage memory in another way."""
    return getattr(ctypes.CDLL(None), name, None) if sys.platform == "linux" else None
