"""The service level objectives (SLOs), from `config/slo.toml` or the file that SLO_URI names."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from forecast.core.errors import SettingError
from forecast.core.registry import CONFIG_FOLDER
from forecast.core.text import escaped

SLO_FILE: Final = CONFIG_FOLDER / "slo.toml"
Share = Annotated[float, Meta(gt=0, lt=1)]
Positive = Annotated[float, Meta(gt=0)]


class QuerySlo(Struct, frozen=True, forbid_unknown_fields=True):
    """The objective of one query: limits of its 95th and 99th percentile (ms), and the share that must be answered."""

    p95_ms: Positive
    p99_ms: Positive
    availability: Share

    def __post_init__(self) -> None:
        """See Struct."""
        if self.p99_ms < self.p95_ms:
            raise ValueError(f"p99_ms ({self.p99_ms:g}) is below p95_ms ({self.p95_ms:g})")


class QuerySlos(Struct, frozen=True, forbid_unknown_fields=True):
    """The queries of `forecast.mongo.probes.queries`, by name."""

    station_day: QuerySlo
    station_week: QuerySlo
    latest: QuerySlo
    last_hour: QuerySlo
    flagged_week: QuerySlo


class RunsSlo(Struct, frozen=True, forbid_unknown_fields=True):
    """The share of runs that finish."""

    share: Share


class FreshnessSlo(Struct, frozen=True, forbid_unknown_fields=True):
    """How old the newest of all observations may be, and the share of runs that must find it no older."""

    max_age_hours: Positive
    share: Share


class Slos(Struct, frozen=True, forbid_unknown_fields=True):
    """All objectives. Those of queries apply to up to `clients` at once; error budgets cover `window_days`."""

    window_days: Annotated[int, Meta(ge=1, le=366)]
    clients: Annotated[int, Meta(ge=1)]
    runs: RunsSlo
    freshness: FreshnessSlo
    queries: QuerySlos


def read_slos(content: bytes, place: str) -> Slos:
    """The objectives in a file, which `place` names. Raises SettingError if it does not have this form."""
    try:
        return msgspec.toml.decode(content, type=Slos)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SettingError(
            f"{escaped(place)}: {escaped(str(error))}. SLO_URI takes a TOML file of the form of src/config/slo.toml"
        ) from error


def default_slos() -> Slos:
    """The objectives that come with the program."""
    return read_slos(SLO_FILE.read_bytes(), str(SLO_FILE))
