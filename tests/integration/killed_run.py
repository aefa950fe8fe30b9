"""Runs the pipeline and kills it at a named place: killed_run.py MODULE ATTRIBUTE before|after NUMBER [SIGNAL].

ATTRIBUTE is a function of the module, or Class.method; the process gets the signal, SIGKILL where none is named, before
or after its NUMBERth call.
"""

from __future__ import annotations

import importlib
import itertools
import os
import signal
import sys
from typing import Any

from tests.stations import use_own_registry


def die_at(module: str, attribute: str, moment: str, number: int, end: signal.Signals) -> None:
    """Put the death in the place of a function."""
    *owners, name = attribute.split(".")
    place: Any = importlib.import_module(module)
    for owner in owners:
        place = getattr(place, owner)
    original = getattr(place, name)
    calls = itertools.count(1)

    def deadly(*arguments: Any, **named: Any) -> Any:
        last = next(calls) == number
        if last and moment == "before":
            os.kill(os.getpid(), end)
        result = original(*arguments, **named)
        if last and moment == "after":
            os.kill(os.getpid(), end)
        return result

    setattr(place, name, deadly)


if __name__ == "__main__":
    use_own_registry()
    name = (*sys.argv[5:], "SIGKILL")[0]
    die_at(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), signal.Signals[name])
    sys.argv[:] = ["pipeline"]
    importlib.import_module("main").cli()
