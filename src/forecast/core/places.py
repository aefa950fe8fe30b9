"""Locations of objects: one canonical name for each, and which of them contains another."""

from __future__ import annotations

import posixpath
from pathlib import Path

from forecast.core.errors import SettingError

_S3 = "s3://"


def absolute(uri: str) -> str:
    """A canonical name of a place, however it is written: no links, `..` or double slashes, and a slash at the end."""
    if uri.startswith(_S3):
        bucket, _, prefix = uri.removeprefix(_S3).partition("/")
        inside = posixpath.normpath(f"/{prefix}").strip("/")
        return f"{_S3}{bucket}/{inside}/" if inside else f"{_S3}{bucket}/"
    return f"{Path(uri).resolve()}/".replace("//", "/")


def check_not_inside(outer: tuple[str, str], inner: tuple[str, str]) -> None:
    """Raise SettingError if the second place is inside the first; the message names their settings."""
    (outer_name, outer_uri), (inner_name, inner_uri) = outer, inner
    where = absolute(outer_uri)
    if absolute(inner_uri).startswith(where):
        relation = "is the same place as" if absolute(inner_uri) == where else "lies within"
        raise SettingError(
            f"{inner_name} ({absolute(inner_uri)}) {relation} {outer_name} ({where}); set one of them to a separate "
            "place; otherwise, what is written would be read as raw data"
        )
