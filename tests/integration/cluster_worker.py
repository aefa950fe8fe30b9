"""Runs a worker of Dask that is killed at a named place, if one is given: cluster_worker.py ADDRESS FOLDER [PLACE].

PLACE is as in `killed_run`: MODULE ATTRIBUTE before|after NUMBER [SIGNAL].
"""

from __future__ import annotations

import signal
import sys

from distributed.cli.dask_worker import main

from tests.integration.killed_run import die_at

if __name__ == "__main__":
    address, folder, *place = sys.argv[1:]
    if place:
        name = (*place[4:], "SIGKILL")[0]
        die_at(place[0], place[1], place[2], int(place[3]), signal.Signals[name])
    main([address, "--nthreads=1", "--no-nanny", "--no-dashboard", "--host=127.0.0.1", f"--local-directory={folder}"])
