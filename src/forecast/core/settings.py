"""Settings: the environment, or `.env`; an option of the command wins over both.

Raises SettingError naming the variable, what was found and where it was looked for. No value that can hold a
credential is ever shown.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import overload

from dotenv import dotenv_values, find_dotenv

from forecast.core.errors import SettingError

DEFAULT_DATABASE = "forecast_2_0"
DEFAULT_COLLECTION = "weather_measurements"
DEFAULT_LOGS_DIR = "logs"
EMBEDDED_FOLDER = Path(".local") / "mongodb"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOG_FORMATS = ("text", "json")
# Old Windows programs write it; UTF-16 is known by its byte order mark and needs no setting.
FALLBACK_ENCODINGS = ("cp1252",)
_MEGABYTE = 1 << 20
_MOST_MEGABYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """What raw objects may ask of the machine; beyond it the object, or the row, is refused. Sizes are in bytes.

    Measured with the defaults: no object takes the process above 500 MB of memory (tests/hostile/test_memory.py).
    """

    object_bytes: int = 1024 * _MEGABYTE  # as it is stored; Airbyte begins a new object at about 200 MB
    unpacked_bytes: int = 1024 * _MEGABYTE  # of a gzip, of Parquet's and Avro's blocks
    record_bytes: int = 32 * _MEGABYTE  # a year of one InfoClimat station is about 10 MB of JSON
    workbook_bytes: int = 100 * _MEGABYTE  # all parts, unpacked: a sheet of a day has 60 kB
    temporary_bytes: int = 4096 * _MEGABYTE  # on the disk, of all objects of a run that are there at once
    fallback_encoding: str | None = None  # of text that is not UTF-8; None: its rows are refused


@dataclass(frozen=True, slots=True)
class Settings:
    """What a command needs to know. `mongodb_uri` is None for the embedded MongoDB."""

    raw_uri: str | None
    processed_uri: str | None
    mongodb_uri: str | None
    mongodb_database: str
    mongodb_collection: str
    logs_dir: Path
    log_level: str
    log_format: str
    limits: Limits = Limits()
    max_data_age_hours: float | None = None  # a station whose newest observation is older is silent; None: no warning

    def __repr__(self) -> str:
        return f"Settings(raw_uri={self.raw_uri!r}, processed_uri={self.processed_uri!r}, mongodb_uri=***)"

    def require_raw_uri(self) -> str:
        """RAW_URI, or an error that says how to set it."""
        return _require("RAW_URI", self.raw_uri, "where Airbyte writes: s3://bucket/airbyte-sync/ or a local folder")

    def require_processed_uri(self) -> str:
        """PROCESSED_URI, or an error that says how to set it."""
        return _require(
            "PROCESSED_URI", self.processed_uri, "the processed zone: s3://bucket/prefix/ or a local folder"
        )


def load_settings(options: Mapping[str, str | None] | None = None) -> Settings:
    """Settings from `options` (by variable name), the environment, and `.env` of the current folder, in this order."""
    found: dict[str, str] = {}
    dotenv_path = find_dotenv(usecwd=True)
    if dotenv_path:
        from_file = {name: value for name, value in dotenv_values(dotenv_path).items() if value is not None}
        found.update(from_file)
        # boto3 reads AWS_* from the environment itself; the real environment wins.
        for name, value in from_file.items():
            if name.startswith("AWS_"):
                os.environ.setdefault(name, value)
    found.update(os.environ)
    found.update({name: value for name, value in (options or {}).items() if value is not None})
    return Settings(
        raw_uri=_location("RAW_URI", found),
        processed_uri=_location("PROCESSED_URI", found),
        mongodb_uri=_mongodb_uri(found),
        mongodb_database=_name("MONGODB_DATABASE", found, DEFAULT_DATABASE),
        mongodb_collection=_name("MONGODB_COLLECTION", found, DEFAULT_COLLECTION),
        logs_dir=_folder("LOGS_DIR", found, DEFAULT_LOGS_DIR),
        log_level=_choice("LOG_LEVEL", found, LOG_LEVELS, "INFO", upper=True),
        log_format=_choice("LOG_FORMAT", found, LOG_FORMATS, "text"),
        limits=_limits(found),
        max_data_age_hours=_hours("MAX_DATA_AGE_HOURS", found),
    )


def _require(name: str, value: str | None, meaning: str) -> str:
    if value is None:
        raise SettingError(
            f"{name} is not set ({meaning}). It was looked for as an option (--{name.lower().replace('_', '-')}), in "
            f"the environment and in {_dotenv_words()}. To try the pipeline without any setting: pipeline --demo"
        )
    return value


def _dotenv_words() -> str:
    found = find_dotenv(usecwd=True)
    return found or f".env (there is none in {Path.cwd()} or above it)"


def _location(name: str, found: Mapping[str, str]) -> str | None:
    value = (found.get(name) or "").strip()
    if not value:
        return None
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", value)
    if scheme and scheme.group(1) != "s3":
        raise SettingError(f"{name} begins with {scheme.group(0)!r}; it takes s3://bucket/prefix/ or a local folder")
    if scheme and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", value):
        raise SettingError(f"{name} names no S3 bucket (s3://bucket/prefix/)")
    return value


def _folder(name: str, found: Mapping[str, str], default: str) -> Path:
    value = (found.get(name) or default).strip()
    if "://" in value:
        raise SettingError(f"{name} is {_shown(value)}; it takes a local folder")
    return Path(value)


def _mongodb_uri(found: Mapping[str, str]) -> str | None:
    value = (found.get("MONGODB_URI") or "").strip()
    if value and not value.startswith(("mongodb://", "mongodb+srv://")):
        raise SettingError("MONGODB_URI is no connection string: it must begin with mongodb:// or mongodb+srv://")
    return value or None


def _limits(found: Mapping[str, str]) -> Limits:
    default = Limits()
    object_bytes = _megabytes("MAX_OBJECT_MB", found, default.object_bytes)
    unpacked_bytes = _megabytes("MAX_UNPACKED_MB", found, default.unpacked_bytes)
    # An object is copied, may be unpacked beside its copy, and what is made of it is beside both.
    of_one = object_bytes + unpacked_bytes
    temporary_bytes = _megabytes("MAX_TEMPORARY_MB", found, 2 * of_one)
    if temporary_bytes <= of_one:
        takes = f"more than MAX_OBJECT_MB and MAX_UNPACKED_MB together, {of_one // _MEGABYTE}"
        raise SettingError(f"MAX_TEMPORARY_MB is {temporary_bytes // _MEGABYTE}; it takes {takes}")
    return Limits(
        object_bytes=object_bytes,
        unpacked_bytes=unpacked_bytes,
        temporary_bytes=temporary_bytes,
        record_bytes=_megabytes("MAX_RECORD_MB", found, default.record_bytes),
        workbook_bytes=_megabytes("MAX_WORKBOOK_MB", found, default.workbook_bytes),
        fallback_encoding=_choice("FALLBACK_ENCODING", found, FALLBACK_ENCODINGS, None),
    )


def _hours(name: str, found: Mapping[str, str]) -> float | None:
    value = (found.get(name) or "").strip()
    if not value:
        return None
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value) or not float(value):
        raise SettingError(f"{name} is {_shown(value)}; it takes a number of hours above 0, such as 36")
    return float(value)


def _megabytes(name: str, found: Mapping[str, str], default: int) -> int:
    value = (found.get(name) or "").strip()
    if not value:
        return default
    if not re.fullmatch(r"[0-9]{1,7}", value) or not 1 <= int(value) <= _MOST_MEGABYTES:
        takes = f"a whole number of megabytes from 1 to {_MOST_MEGABYTES}"
        raise SettingError(f"{name} is {_shown(value)}; it takes {takes}")
    return int(value) * _MEGABYTE


def _name(name: str, found: Mapping[str, str], default: str) -> str:
    value = (found.get(name) or default).strip()
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", value):
        raise SettingError(f"{name} is {_shown(value)}; it takes 1 to 60 letters, digits, _ and -")
    return value


@overload
def _choice(
    name: str, found: Mapping[str, str], choices: tuple[str, ...], default: str, *, upper: bool = False
) -> str: ...
@overload
def _choice(name: str, found: Mapping[str, str], choices: tuple[str, ...], default: None) -> str | None: ...
def _choice(
    name: str, found: Mapping[str, str], choices: tuple[str, ...], default: str | None, *, upper: bool = False
) -> str | None:
    value = (found.get(name) or default or "").strip()
    if not value:
        return default
    value = value.upper() if upper else value.lower()
    if value not in choices:
        raise SettingError(f"{name} is {_shown(value)}; it takes one of {', '.join(choices)}")
    return value


def _shown(value: str) -> str:
    """Quote what was found, but not what may be a connection string that was given to the wrong variable."""
    return "something that looks like a connection string" if "@" in value or "://" in value else repr(value[:80])
