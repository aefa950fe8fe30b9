"""The commands of the runbooks on runs and their data print what the pages show, on the demo's data."""

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

RUNBOOKS = Path(__file__).resolve().parents[2] / "docs" / "runbooks"
# What needs AWS, an ingest, or the environment of whoever types it.
_NOT_HERE = re.compile(r"aws |run-task|run-on-workers|ingest_report|poetry run")
# Where the demo's processed zone is, and where it is here.
_PLACES = (".local/demo/processed", "processed")


def blocks(page: str) -> list[tuple[str, list[str]]]:
    """Each command, and the lines that the page shows of its output."""
    found: list[tuple[str, list[str]]] = []
    text = (RUNBOOKS / page).read_text("utf-8")
    for block in re.findall(r"^```text\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
        for line in block.splitlines():
            if line.startswith("$ "):
                found.append((line[2:], []))
            else:
                found[-1][1].append(line)
    return [(command, shown) for command, shown in found if not _NOT_HERE.search(command)]


# The pages name stations of the registry that comes with the program.
pytestmark = pytest.mark.usefixtures("built_in_registry")


@pytest.fixture
def world(local_world: WorldMaker, tmp_path: Path) -> World:
    """A run on the demonstration's week."""
    if shutil.which("jq") is None:
        pytest.skip("jq is not installed here")
    made = local_world()
    write_demo(tmp_path / "demo")
    for path in sorted(path for path in (tmp_path / "demo").rglob("*") if path.is_file()):
        made.raw.put(path.relative_to(tmp_path / "demo").as_posix(), path.read_bytes())
    made.run()
    return made


def assert_page_holds(page: str, world: World, at_least: int) -> None:
    commands = blocks(page)
    assert len(commands) >= at_least
    (names_report,) = [command for command, _ in commands if command.startswith("report=")]
    for command, shown in commands:
        # The shell keeps the variable that the page sets.
        script = f"{names_report}\n{command}".replace(*_PLACES)
        done = subprocess.run(["bash", "-euc", script], cwd=world.home, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        printed = done.stdout.splitlines()
        for line in shown:
            pattern = re.escape(line).replace(re.escape(" …"), ".*").replace("…", ".*")
            assert any(re.fullmatch(pattern, told) for told in printed), (command, line, printed)


def test_the_commands_of_daily_operation_print_what_the_page_shows(world: World) -> None:
    assert_page_holds("daily-operation.md", world, 8)


def test_the_commands_of_problems_with_the_data_print_what_the_page_shows(world: World) -> None:
    """An object that cannot be read and one with a new column come after the week."""
    row = {"id_station": LESQUIN, "dh_utc": "2024-10-09 00:00:00", "temperature": "12.0", "point_de_rosee_neu": "1"}
    world.raw.put("infoclimat/observations/new.jsonl", json.dumps(row).encode())
    world.raw.put("infoclimat/observations/broken.csv", b"no data\n")
    world.run()
    assert_page_holds("data-faults.md", world, 6)
