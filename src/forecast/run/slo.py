"""The service level objectives that a command works with: those of the program, or those of SLO_URI."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from forecast.core.settings import Settings
from forecast.core.slo import Slos, default_slos, read_slos
from forecast.run.stations import content_of, find_file


def configured_slos(settings: Settings) -> Slos:
    """The objectives as the settings have them.

    Raises SettingError where the file is missing or wrong, RetryableError where S3 is unreachable.
    """
    if settings.slo_uri is None:
        return default_slos()
    store, listed = find_file(settings.slo_uri, "SLO_URI")
    with TemporaryDirectory(prefix="forecast-slo-") as folder:
        return read_slos(content_of(store, listed, Path(folder) / "file"), listed.uri)
