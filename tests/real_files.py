"""Real files of the networks: third-party data next to the checkout, if they are available."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data" / "networks"


def real_files(pattern: str) -> list[Any]:
    """Parameters of a test: the real files of this pattern, or one that is skipped and says which are absent."""
    missing = pytest.mark.skip(reason=f"{_FOLDER / pattern}: no such real file is here")
    files = [pytest.param(path, id=path.stem) for path in sorted(_FOLDER.glob(pattern))]
    return files or [pytest.param(None, id="absent", marks=missing)]
