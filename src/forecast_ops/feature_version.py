"""The feature compatibility version: the format in which a set writes to its disks.

As long as it is the old one, the set can be downgraded. A person raises it after every member runs the new version
(MongoDB manual, setFeatureCompatibilityVersion).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from pymongo import MongoClient

from forecast.core.errors import SettingError
from forecast_ops.environment import answering, as_system

# From 7.0 on, the command requires a confirmation; earlier versions do not know that field.
_CONFIRMED_SINCE: Final = 7


def check_wanted(wanted: str) -> None:
    """Raise SettingError if `wanted` does not have the form of a feature version, such as 8.0."""
    if not re.fullmatch(r"[0-9]+\.[0-9]+", wanted):
        raise SettingError(f"{wanted} is not a feature version; expected a major version such as 8.0")


def check_members(hosts: Iterable[str], ca_file: Path, wanted: str) -> None:
    """Raise SettingError if a member runs an older version, and RetryableError if one does not answer."""
    for host in hosts:
        with as_system(host, ca_file) as client, answering(host):
            runs = str(client.admin.command("buildInfo")["version"])
        if _numbers(runs)[:2] < _numbers(wanted):
            raise SettingError(f"{host} runs MongoDB {runs}; roll it to {wanted} first. Nothing was changed")


def set_feature_version(client: MongoClient[dict[str, Any]], wanted: str) -> str:
    """Set it on the primary. Returns the previous one."""
    answer = client.admin.command("getParameter", featureCompatibilityVersion=1)
    before = str(answer["featureCompatibilityVersion"]["version"])
    if before != wanted:
        major = _numbers(str(client.admin.command("buildInfo")["version"]))[0]
        confirmed: dict[str, Any] = {"confirm": True} if major >= _CONFIRMED_SINCE else {}
        client.admin.command("setFeatureCompatibilityVersion", wanted, **confirmed)
    return before


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version))
