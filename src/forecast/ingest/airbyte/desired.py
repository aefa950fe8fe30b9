"""The desired configuration of Airbyte: a definition, a source and a connection per network, and one S3 destination."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

from forecast.core.errors import SettingError
from forecast.core.settings import Settings
from forecast.ingest.airbyte.manifest import manifest
from forecast.networks.fetch import Fetch

_PREFIX: Final = "forecast"
# Airbyte's default, written out, because the pipeline reads the day of a sync from it.
_PATH_FORMAT: Final = "${NAMESPACE}/${STREAM_NAME}/${YEAR}_${MONTH}_${DAY}_${EPOCH}_"
# Quartz's cron, in UTC: ten minutes past every hour.
DEFAULT_CRON: Final = "0 10 * * * ? UTC"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SourceSetup:
    """The desired setup of one source. Its definition, source and connection share one name."""

    name: str
    manifest: Json
    configuration: Json = field(repr=False)
    connection: Json


@dataclass(frozen=True, slots=True)
class Setup:
    """The desired setup of a workspace."""

    destination_name: str
    destination: Json = field(repr=False)
    sources: tuple[SourceSetup, ...]


def name_of(fetch: Fetch) -> str:
    """The name of a source, its definition and its connection in Airbyte."""
    return f"{_PREFIX} {fetch.source}"


def desired_setup(
    settings: Settings, fetches: Sequence[Fetch], stations: dict[str, list[str]], since: date, cron: str
) -> Setup:
    """The desired setup for these sources; `stations` has their stations' own ids by source.

    Raises SettingError if the raw zone is not on S3, or if a key is missing.
    """
    raw = settings.require_raw_uri()
    if not raw.startswith("s3://"):
        raise SettingError(f"RAW_URI is {raw}; Airbyte's destination needs s3://bucket/prefix/")
    missing = [name for fetch in fetches if (name := fetch.key_setting) and not settings.of_networks.get(name)]
    if missing:
        raise SettingError(*(f"{name} is not set; Airbyte's source needs it" for name in missing))
    return Setup(
        f"{_PREFIX} raw zone",
        _destination(settings, raw),
        tuple(_source(settings, fetch, stations[fetch.source], since, cron) for fetch in fetches),
    )


def _source(settings: Settings, fetch: Fetch, stations: list[str], since: date, cron: str) -> SourceSetup:
    return SourceSetup(
        name=name_of(fetch),
        manifest=manifest(fetch),
        configuration={
            **({"api_key": settings.of_networks.get(fetch.key_setting)} if fetch.key_setting else {}),
            "stations": stations,
            "start_date": since.isoformat(),
        },
        connection={
            "configurations": {
                "streams": [{"name": fetch.stream, "syncMode": "incremental_append", "cursorField": [fetch.time_field]}]
            },
            "schedule": {"scheduleType": "cron", "cronExpression": cron},
            "namespaceDefinition": "custom_format",
            "namespaceFormat": fetch.source,
            # The payload goes to the raw zone unchanged, so a new field makes no difference.
            "nonBreakingSchemaUpdatesBehavior": "ignore",
            "status": "active",
        },
    )


def _destination(settings: Settings, raw: str) -> Json:
    place = urlsplit(raw)
    configuration: Json = {
        "destinationType": "s3",
        "s3_bucket_name": place.netloc,
        "s3_bucket_path": place.path.strip("/"),
        "s3_bucket_region": settings.airbyte_bucket_region or "",
        "s3_path_format": _PATH_FORMAT,
        "format": {
            "format_type": "JSONL",
            "flattening": "No flattening",
            "compression": {"compression_type": "GZIP"},
        },
    }
    if settings.airbyte_aws_key_id and settings.airbyte_aws_secret:
        configuration["access_key_id"] = settings.airbyte_aws_key_id
        configuration["secret_access_key"] = settings.airbyte_aws_secret
    return configuration
