"""What mongod's log says."""

from __future__ import annotations

import json
from pathlib import Path


def log_tail(folder: Path) -> str:
    """Quote the end of mongod's log: its errors if it has any, else its last lines."""
    log = folder / "mongod.log"
    try:
        lines = log.read_text(errors="replace").splitlines()[-200:]
    except OSError:
        return f"It left no log in {log}."
    entries = [_log_entry(line) for line in lines if '"client metadata"' not in line]
    errors = [text for severity, text in entries if severity in {"E", "F"}]
    chosen = errors[:3] or [text for _, text in entries[-3:]]
    return f"The end of its log, {log}: {' | '.join(chosen)}"


def _log_entry(line: str) -> tuple[str, str]:
    try:
        entry = json.loads(line)
        attributes = json.dumps(entry["attr"], ensure_ascii=False) if "attr" in entry else ""
        return str(entry["s"]), " ".join(f"{entry['msg']} {attributes}".split())[:300]
    except (ValueError, KeyError, TypeError):
        return "", line[:300]
