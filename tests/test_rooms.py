"""Where the code lies."""

from __future__ import annotations

from pathlib import Path

import forecast

ROOM_LESS = {"__init__.py", "py.typed"}


def test_the_package_holds_rooms_and_no_loose_module() -> None:
    (folder,) = map(Path, forecast.__path__)
    assert {path.name for path in folder.iterdir() if path.is_file()} == ROOM_LESS
