"""A program that knows one parameter more finds nothing to write in what an earlier one stored."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

from tests.integration.grown_program import NAME
from tests.integration.worlds import WorldMaker
from tests.waiting import WAIT_SECONDS

KEY = "infoclimat/observations/2024_10_08_1728356400000_0.jsonl.gz"


def test_a_new_parameter_changes_no_digest_and_older_files_are_read(new_world: WorldMaker, demo_data: Path) -> None:
    world = new_world()
    world.deliver(demo_data, [KEY])
    loaded = world.run()["counts"]["inserted"]
    before = world.document_bytes()
    commands = [
        ["migrate", "--verify", "--json"],
        ["quality", "--since", "2024-10-06", "--until", "2024-10-07", "--json"],
        ["run", "--json"],
        ["run", "--json"],
        ["migrate", "--json"],
    ]
    child = [sys.executable, str(Path(__file__).with_name("grown_program.py")), json.dumps(commands)]
    environment = {**world.variables(), "PYTHONPATH": f"{Path('src').resolve()}:{Path.cwd()}"}
    done = subprocess.run(
        child, cwd=world.home, env=environment, capture_output=True, text=True, timeout=WAIT_SECONDS, check=True
    )
    verified, quality, first, second, migrated = json.loads(done.stdout)
    # Two rows of the demo are of a station that nobody registered: exit code 0 all the same, they are few.
    assert [one[0] for one in (verified, quality, first, second, migrated)] == [0] * 5, done.stdout
    assert json.loads(verified[1])["verification"]["ok"]
    # Rules of another version: the object is read again, and what comes of it is what is there.
    counts = json.loads(first[1])["status"]["counts"]
    assert (counts["objects_loaded"], counts["inserted"], counts["updated"], counts["unchanged"]) == (1, 0, 0, loaded)
    assert json.loads(second[1])["status"]["counts"]["objects_loaded"] == 0
    assert (json.loads(migrated[1])["inserted"], json.loads(migrated[1])["updated"]) == (0, 0)
    assert world.document_bytes() == before
    columns = [pq.read_schema(Path(world.processed.uri) / key).names for key in world.record_keys()]
    assert columns
    assert all(NAME in names for names in columns)
