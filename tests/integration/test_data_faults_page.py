"""The commands of the runbook on faulty data print what the page shows, on the demo's data and two bad objects."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from forecast_demo import write_demo
from tests.integration.worlds import World, WorldMaker
from tests.real_week import LESQUIN

PAGE = Path(__file__).resolve().parents[2] / "docs" / "runbooks" / "data-faults.md"
# What needs AWS, or an ingest.
_NOT_HERE = re.compile(r"aws |run-task|ingest_report")


def blocks() -> list[tuple[str, list[str]]]:
    """Each command, and the lines that the page shows of its output."""
    found: list[tuple[str, list[str]]] = []
    for block in re.findall(r"^```text\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return [(command, shown) for command, shown in found if not _NOT_HERE.search(command)]


# The page names stations of the registry that comes with the program.
pytestmark = pytest.mark.usefixtures("built_in_registry")


@pytest.fixture
def world(local_world: WorldMaker, tmp_path: Path) -> World:
    """The demonstration's week, then an object that cannot be read and one with a new column."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    made = local_world()
    write_demo(tmp_path / "demo")
    for path in sorted(path for path in (tmp_path / "demo").rglob("*") if path.is_file()):
        made.raw.put(path.relative_to(tmp_path / "demo").as_posix(), path.read_bytes())
    made.run()
    row = {"id_station": LESQUIN, "dh_utc": "2024-10-09 00:00:00", "temperature": "12.0", "point_de_rosee_neu": "1"}
    made.raw.put("infoclimat/observations/new.jsonl", json.dumps(row).encode())
    made.raw.put("infoclimat/observations/broken.csv", b"no data\n")
    made.run()
    return made


def test_the_commands_print_what_the_page_shows(world: World) -> None:
    commands = blocks()
    assert len(commands) > 5
    for command, shown in commands:
        # The shell keeps the variable that the page sets first.
        script = f"{commands[0][0]}\n{command}"
        done = subprocess.run(["bash", "-euc", script], cwd=world.home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        printed = done.stdout.splitlines()
        for line in shown:
            pattern = re.escape(line).replace(re.escape(" …"), ".*")
            assert any(re.fullmatch(pattern, told) for told in printed), (command, line, printed)
