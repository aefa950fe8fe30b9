"""A file is locked by one open file at a time, until that is closed."""

from __future__ import annotations

from pathlib import Path

from forecast.core.file_lock import lock, try_lock


def test_a_locked_file_cannot_be_locked_again_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with path.open("w") as first, path.open("w") as second:
        lock(first)
        assert not try_lock(second)
        first.close()
        assert try_lock(second)
