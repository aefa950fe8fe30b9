"""Reports on disk: checked against their schema, without secrets, whole or not at all."""

from __future__ import annotations

import errno
import json
import os
import secrets
from collections.abc import Iterable
from datetime import datetime
from functools import cache
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from forecast.core.clock import report_time
from forecast.core.errors import SettingError
from forecast.core.text import escaped_lines, without_secrets
from forecast.report.models.base import Model, Report

if TYPE_CHECKING:
    import jsonschema_rs

# Decimals of shares and values.
DIGITS = 6
SCHEMAS_FOLDER = Path(__file__).parent / "schemas"


class ReportShapeError(AssertionError):
    """A report does not match its schema: an internal error, not a fault of the data."""


def as_data(model: Model) -> dict[str, Any]:
    """A report, or a part of one, as data for JSON."""
    data: dict[str, Any] = msgspec.to_builtins(model)
    return data


def write_report(name: str, report: Report, *, logs_dir: Path) -> Path:
    """Write `<logs_dir>/<name>`, replacing an existing file, and return its path.

    Raises SettingError if the folder cannot be written to, ReportShapeError if `report` violates its schema.
    """
    return write_text(name, _checked_text(report), logs_dir=logs_dir)


def write_text(name: str, text: str, *, logs_dir: Path) -> Path:
    """Write `<logs_dir>/<name>`, replacing an existing file, and return its path.

    Raises SettingError if the folder cannot be written to.
    """
    target = logs_dir / name
    try:
        temporary = _written_beside(target, text)
        try:
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(logs_dir, error) from error
    return target


def write_timed_report(report: Report, *, logs_dir: Path, now: datetime) -> Path:
    """Write `<logs_dir>/<kind>_<time>.json` and return its path.

    A second report within the same second becomes `<kind>_<time>-2.json`: no report replaces another.
    Raises the same errors as `write_report`.
    """
    text = _checked_text(report)
    stem = f"{report.kind}_{report_time(now)}"
    try:
        temporary = _written_beside(logs_dir / f"{stem}.json", text)
        try:
            return _put_under_a_free_name(temporary, stem)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise _unwritable(logs_dir, error) from error


@cache
def _validator(kind: str) -> jsonschema_rs.Draft202012Validator:
    import jsonschema_rs  # noqa: PLC0415  9 MB, only needed at the end of a run

    return jsonschema_rs.Draft202012Validator(json.loads((SCHEMAS_FOLDER / f"{kind}.schema.json").read_text("utf-8")))


def check_shape(data: Any, kind: str) -> None:
    """Raise ReportShapeError if data are not a report of this kind."""
    faults = sorted(f"{_place(fault.instance_path)}: {fault.message}" for fault in _validator(kind).iter_errors(data))
    if faults:
        raise ReportShapeError(f"{kind}: " + "; ".join(faults[:5]))


def _place(path: Iterable[str | int]) -> str:
    """A place in a report as a JSONPath."""
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)


def _checked_text(report: Report) -> str:
    data = as_data(report)
    # Python's encoder for indented JSON takes four times as long as encoding one line and splitting it.
    line = _line(data)
    # Looking into every number of a large report took 0.1 s.
    if b"://" in line:
        data = without_secrets(data)
        line = _line(data)
    check_shape(data, report.kind)
    lines = msgspec.json.format(line, indent=2).decode("utf-8", "surrogatepass")
    # Control characters and lone surrogates are written as JSON escapes.
    return escaped_lines(lines) + "\n"


def _line(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, allow_nan=False).encode("utf-8", "surrogatepass")


def _written_beside(target: Path, text: str) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


def _put_under_a_free_name(temporary: Path, stem: str) -> Path:
    for number in count(1):
        target = temporary.with_name(f"{stem}.json" if number == 1 else f"{stem}-{number}.json")
        try:
            # Unlike a rename, a link never replaces a file that another run has written meanwhile.
            target.hardlink_to(temporary)
        except FileExistsError:
            continue
        except OSError:
            if target.exists():
                continue
            temporary.replace(target)  # a file system without links
        return target
    raise AssertionError  # count() does not end


def _unwritable(folder: Path, error: OSError) -> SettingError:
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    next_step = "Free some space there" if full else "Make it a folder that this user can write to"
    return SettingError(
        f"reports cannot be written to {folder} ({error.strerror or error}). "
        f"{next_step}, or set LOGS_DIR (--logs-dir) to another one"
    )
