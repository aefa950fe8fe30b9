"""What is free is given back to the kernel, also between blocks that are not."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest

from forecast.core.memory import trim_heap

# 400 MB in blocks of 100 kB, one of fifty kept.
HOLES = """
import os
import pyarrow as pa
from forecast.core.memory import trim_heap, configure_allocators

def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") >> 20

configure_allocators()
assert pa.default_memory_pool().backend_name == "system"
blocks = [bytes([block % 256]) * 100_000 for block in range(4_000)]
for block in range(len(blocks)):
    if block % 50:
        blocks[block] = None
before = resident_mb()
trim_heap()
print(before - resident_mb())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc is told how to keep memory small")
@pytest.mark.whole
def test_free_memory_between_kept_blocks_is_returned_to_the_system() -> None:
    done = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True, check=True)
    assert int(done.stdout) > 300


# The program's own start, and the heaps that its threads have then (malloc_info(3)).
HEAPS = """
import ctypes
import sys
import threading

from forecast.cli import program

assert "pyarrow" not in sys.modules
program.pipeline_app = lambda: None
program.pipeline()
import pyarrow as pa

threads = [threading.Thread(target=pa.array, args=([1] * 100_000,)) for _ in range(4)]
for one in threads:
    one.start()
for one in threads:
    one.join()
libc = ctypes.CDLL(None)
libc.fdopen.restype = ctypes.c_void_p
out = ctypes.c_void_p(libc.fdopen(1, b"w"))
libc.malloc_info(0, out)
libc.fflush(out)
print(pa.default_memory_pool().backend_name, flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only glibc has several heaps")
@pytest.mark.whole
def test_all_threads_of_the_program_and_arrow_use_one_heap() -> None:
    done = subprocess.run([sys.executable, "-c", HEAPS], capture_output=True, text=True, check=True)
    assert (done.stdout.count("<heap nr="), done.stdout.splitlines()[-1]) == (1, "system")


def test_returning_memory_leaves_no_garbage_behind() -> None:
    trim_heap(above=0)
    gc.collect()
    trim_heap(above=0)
    assert gc.collect() == 0
