"""The declaration of a setting: name, type and documentation."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from forecast.core.schedule import checked_expression

_MEGABYTE = 1 << 20
_MAX_MEGABYTES = 1 << 20
_SHOWN_LETTERS = 80


class Group(StrEnum):
    """Settings that belong together, in help and documentation."""

    ZONES = "zones"
    INGEST = "ingestion from the networks' APIs"
    AIRBYTE = "Airbyte server"
    DATABASE = "database"
    REPORTS = "reports and log"
    LIMITS = "limits of raw objects"
    CLUSTER = "TLS to a Dask scheduler"
    AWS = "AWS, as boto3 reads it"


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of setting. `parse` raises ValueError, with the reason if quoting the value is not enough."""

    takes: str
    metavar: str
    parse: Callable[[str], Any]
    text: Callable[[Any], str] = str  # a value as it is written


@dataclass(frozen=True, slots=True)
class Setting:
    """A setting's declaration. `details` are for the documentation and would be too long for a help text."""

    name: str
    group: Group
    kind: Kind
    help: str
    details: str = ""
    default: str | None = None
    without: str = ""  # what happens if there is no default and nothing is set
    example: str = ""
    secret: bool = False

    @property
    def option(self) -> str:
        """Return its name as an option of a command."""
        return f"--{self.name.lower().replace('_', '-')}"

    @property
    def unset(self) -> str:
        """Return what applies if nothing is set."""
        return self.default or self.without or "none"

    @property
    def written(self) -> str:
        """Return an example value."""
        return self.default or self.example


def _location(text: str) -> str:
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]+)://", text)
    if scheme and scheme.group(1) != "s3":
        raise ValueError(f"begins with {scheme.group(0)!r}")
    if scheme and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/.*)?", text):
        raise ValueError("does not name an S3 bucket")
    return text


def _locations(text: str) -> tuple[str, ...]:
    return tuple(_location(one) for one in re.split(r"[,\s]+", text) if one)


def _connection_string(text: str) -> str:
    if not text.startswith(("mongodb://", "mongodb+srv://")):
        raise ValueError("is not a connection string")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,60}", text):
        raise ValueError
    return text


def _folder(text: str) -> Path:
    if "://" in text:
        raise ValueError
    return Path(text)


def _megabytes(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,7}", text) or not 1 <= int(text) <= _MAX_MEGABYTES:
        raise ValueError
    return int(text) * _MEGABYTE


def _hours(text: str) -> float:
    if not re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", text) or not float(text):
        raise ValueError
    return float(text)


def _days(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or not int(text):
        raise ValueError
    return int(text)


def _choice(*choices: str, metavar: str) -> Kind:
    as_listed = {choice.casefold(): choice for choice in choices}

    def parse(text: str) -> str:
        if text.casefold() not in as_listed:
            raise ValueError
        return as_listed[text.casefold()]

    return Kind(f"one of {', '.join(choices)}", metavar, parse)


def _api_address(text: str) -> str:
    # The value is not shown: it may be a key that was given to the wrong variable.
    if not re.fullmatch(r"https?://[\w.-]+(:\d+)?/?", text):
        raise ValueError("is not the address of an API")
    return text


def _api_base(text: str) -> str:
    if not re.fullmatch(r"https?://[\w.-]+(:\d+)?(/[\w./-]*)?", text):
        raise ValueError("is not the address of an API")
    return text


def _key(text: str) -> str:
    # Some are tokens of more than 1 000 letters.
    if not re.fullmatch(r"[!-~]{4,4000}", text):
        raise ValueError("is not a key")
    return text


def _yes_or_no(text: str) -> bool:
    if text.casefold() not in _YES | _NO:
        raise ValueError
    return text.casefold() in _YES


_YES, _NO = frozenset({"yes", "true", "1"}), frozenset({"no", "false", "0"})
LOCATION = Kind("s3://bucket/prefix/ or a local folder", "URI", _location)
LOCATIONS = Kind(
    "files or folders, local or s3://bucket/prefix/, separated by commas or spaces", "URI", _locations, " ".join
)
CONNECTION_STRING = Kind("a string that begins with mongodb:// or mongodb+srv://", "URI", _connection_string)
NAME = Kind("1 to 60 letters, digits, _ and -", "NAME", _name)
FILE = Kind("a local file", "FILE", _folder)
FOLDER = Kind("a local folder", "FOLDER", _folder)
SIZE = Kind(
    f"a whole number of megabytes from 1 to {_MAX_MEGABYTES}", "MB", _megabytes, lambda size: str(size // _MEGABYTE)
)
HOURS = Kind("a number of hours above 0, such as 36", "HOURS", _hours, lambda hours: f"{hours:g}")
DAYS = Kind("a whole number of days from 1 to 99999", "DAYS", _days)
CRON = Kind("a cron expression of five fields, such as 10 3 * * *", "CRON", checked_expression)
LEVEL = _choice("DEBUG", "INFO", "WARNING", "ERROR", metavar="LEVEL")
FORMAT = _choice("text", "json", metavar="FORMAT")
# Old Windows programs write it; UTF-16 is known by its byte order mark and needs no setting.
ENCODING = _choice("cp1252", metavar="ENCODING")
# A password that is where a port belongs is not shown.
ENDPOINT = Kind(
    "http://host:port", "URL", str, lambda url: url if re.fullmatch(r"https?://[\w.-]+(:\d+)?/?", url) else "***"
)
API_ADDRESS = Kind("http://host:port or https://host", "URL", _api_address)
API_BASE = Kind("http(s)://host:port/path", "URL", _api_base)
KEY = Kind("4 to 4000 printable ASCII characters without spaces", "KEY", _key)
YES_OR_NO = Kind("yes or no", "BOOL", _yes_or_no, lambda wanted: "yes" if wanted else "no")
ANY = Kind("any text", "TEXT", str)


def setting_field(name: str, group: Group, kind: Kind, summary: str, **more: Any) -> Any:
    """Return a field of a class of settings. Its default is parsed like any other value."""
    setting = Setting(name, group, kind, summary, **more)
    default = None if setting.default is None else kind.parse(setting.default)
    return field(default=default, metadata={"setting": setting})


def shown(text: str) -> str:
    """Quote what was found, unless it may be a connection string that was given to the wrong variable."""
    if "@" in text or "://" in text:
        return "something that looks like a connection string"
    return repr(text[:_SHOWN_LETTERS])
