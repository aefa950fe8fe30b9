"""Objectives for tests: such as every machine meets, and such as none does."""

import re
from pathlib import Path
from typing import Final

from forecast.core.slo import SLO_FILE, QuerySlo

GENEROUS_MS: Final = 60_000.0
NO_MACHINE_MS: Final = 0.000_001


def query_slo(limit_ms: float) -> QuerySlo:
    """The objective of a query with one limit for both percentiles."""
    return QuerySlo(limit_ms, limit_ms, 0.999)


def slo_file(folder: Path, limit_ms: float, **others: str) -> str:
    """A file of objectives in which every query has this limit; `others` replace the values of keys."""
    values = {"p95_ms": f"{limit_ms:.9f}", "p99_ms": f"{limit_ms:.9f}", **others}
    text = SLO_FILE.read_text("utf-8")
    for name, value in values.items():
        text = re.sub(rf"^{name} = .*$", f"{name} = {value}", text, flags=re.MULTILINE)
    path = folder / f"slo-{limit_ms:g}.toml"
    path.write_text(text, "utf-8")
    return str(path)
