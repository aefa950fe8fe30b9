"""The real week, read and evaluated once for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quality.experiments import Clean, clean_week


@pytest.fixture(scope="session")
def clean(shared_data: Path) -> Clean:
    return clean_week()
