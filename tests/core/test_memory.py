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


def test_returning_memory_leaves_no_garbage_behind() -> None:
    trim_heap(above=0)
    gc.collect()
    trim_heap(above=0)
    assert gc.collect() == 0
