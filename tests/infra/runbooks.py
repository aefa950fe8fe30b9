"""The commands of docs/runbooks, as they are typed: what begins with `$` in a block of text, up to its end."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
# Nothing runs on moto, so there are no tasks, logs, jobs of AWS Backup and actions of alarms; version 1 of the AWS CLI
# has no `logs tail`.
NOT_ON_MOTO = re.compile(
    r"run-task|aws logs tail|aws ecs (list|describe)-tasks|aws backup list-(backup|restore)-jobs|describe-alarm-history"
)


def commands(page: str, heading: str) -> list[str]:
    """The commands of one section that moto has an answer to, in their order."""
    _, found, rest = (RUNBOOKS / page).read_text("utf-8").partition(f"\n## {heading}\n")
    assert found, f"{page} has no section {heading}"
    section, _, _ = rest.partition("\n## ")
    blocks = re.findall(r"^```text\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    typed = [command for block in blocks for command in _typed(block.splitlines())]
    return [command for command in typed if not NOT_ON_MOTO.search(command)]


def _typed(lines: list[str]) -> list[str]:
    """Those that begin with `$`, each with the lines that bash still waits for."""
    found: list[str] = []
    for line in lines:
        # A star marks what was tried on moto.
        text = re.sub(r" {2,}\*$", "", line)
        if text.startswith("$ "):
            found.append(text[2:])
        elif found and not _is_whole(found[-1]):
            found[-1] += f"\n{text}"
    return found


def _is_whole(command: str) -> bool:
    """Whether a command is complete; bash itself would accept one that ends with a backslash."""
    check = subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False)
    return check.returncode == 0 and not command.endswith("\\")
