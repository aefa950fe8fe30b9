"""The settings that a network's package declares in its `settings.toml`: its API's key and address."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Final

from forecast.core.network_folders import SETTINGS_FILE
from forecast.core.setting import API_ADDRESS, KEY, Group, Setting

_KINDS: Final = {"key": KEY, "address": API_ADDRESS}
_MEMBERS: Final = frozenset({"kind", "help", "details", "default"})


def read_settings(folder: Path) -> tuple[Setting, ...]:
    """The settings of a network's package, in their order. Raises ValueError that says what is wrong."""
    path = folder / SETTINGS_FILE
    if not path.exists():
        return ()
    try:
        document = tomllib.loads(path.read_text("utf-8"))
        return tuple(_setting(name, members) for name, members in document.items())
    except (OSError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _setting(name: str, members: Any) -> Setting:
    if not re.fullmatch(r"[A-Z][A-Z0-9_]{2,60}", name):
        raise ValueError(f"{name!r} is not a valid name of a setting; use one such as PORT_API_KEY")
    if not isinstance(members, dict) or not members.keys() <= _MEMBERS or not members.keys() >= {"kind", "help"}:
        raise ValueError(f"{name} takes kind and help, and may have details and default")
    if not all(isinstance(member, str) for member in members.values()) or members["kind"] not in _KINDS:
        raise ValueError(f"{name}: all members are texts, and kind is one of {', '.join(_KINDS)}")
    is_key = members["kind"] == "key"
    if is_key == ("default" in members):
        raise ValueError(f"{name}: an address needs a default, and a key must not have one")
    kind = _KINDS[members["kind"]]
    if not is_key:
        try:
            kind.parse(members["default"])
        except ValueError as error:
            raise ValueError(f"{name}: its default {error}") from error
    return Setting(
        name,
        Group.INGEST,
        kind,
        members["help"],
        details=members.get("details", ""),
        default=members.get("default"),
        secret=is_key,
    )
