"""However the real week is cut into objects and runs, it ends with the same digests of every document."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from forecast.core.errors import InterruptedRunError
from forecast.mongo import qc_update as results
from forecast.run import pipeline
from forecast.run.run import RunOptions
from tests.examples import examples
from tests.integration.worlds import World, WorldMaker
from tests.real_week import ARMENTIERES, BERGUES, HAZEBROUCK, LA_MADELEINE, LESQUIN

pytestmark = pytest.mark.usefixtures("built_in_registry")

KILLED_RUN = Path(__file__).parents[1] / "integration" / "killed_run.py"
# Two days of the stations with values every ten minutes, the hourly one and one of the personal ones.
PART_DAYS = ("2024-10-05", "2024-10-06")
PART_STATIONS = (ARMENTIERES, BERGUES, LESQUIN, HAZEBROUCK, LA_MADELEINE)
# A row as a line, and the folder that says whose it is.
Line = tuple[str, bytes]
NO_SHRINKING = (Phase.explicit, Phase.reuse, Phase.generate)


@pytest.fixture(scope="module")
def new_world(replica_set: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorldMaker]:
    maker = WorldMaker("local", replica_set, tmp_path_factory.mktemp("worlds"), lambda: "")
    yield maker
    maker.end()


@pytest.fixture(scope="module")
def lines(shared_data: Path) -> list[Line]:
    """Every observation of the week, one a line, as Airbyte brings them."""
    raw = shared_data / "raw-airbyte"
    first, *_ = sorted((raw / "infoclimat").rglob("*.jsonl"))
    hourly = json.loads(first.read_text("utf-8"))["_airbyte_data"]["hourly"]
    rows = [row for station, of_station in hourly.items() if station != "_params" for row in of_station]
    found = [("infoclimat", json.dumps(row).encode()) for row in rows]
    for path in sorted((raw / "wunderground").rglob("*.jsonl")):
        folder = path.parent.relative_to(raw).as_posix()
        of_table = [line for line in path.read_bytes().splitlines() if json.loads(line)["_airbyte_data"]["Time"]]
        found += [(folder, line) for line in of_table]
    return found


@pytest.fixture(scope="module")
def part(lines: list[Line]) -> list[Line]:
    def belongs(folder: str, line: bytes) -> bool:
        text = line.decode()
        return any(day in text for day in PART_DAYS) and any(name in folder + text for name in PART_STATIONS)

    return [line for line in lines if belongs(*line)]


def put(world: World, lines: Sequence[Line], number: int) -> None:
    """Objects of these lines, one for each folder."""
    for folder in sorted({folder for folder, _ in lines}):
        content = b"\n".join(line for of, line in lines if of == folder)
        world.raw.put(f"{folder}/{number}-{secrets.token_hex(4)}.jsonl", content)


def told(world: World) -> dict[str, Any]:
    """Of every document its digest, and what it says of its quality."""
    return {
        name: (document["metadata"]["digest"], document["measurements"], document["data_quality"])
        for name, document in world.documents().items()
    }


def at_once(new_world: WorldMaker, lines: Sequence[Line]) -> dict[str, Any]:
    """What one load of everything leaves."""
    world = new_world()
    put(world, lines, 0)
    assert world.run()["exit_code"] == 0
    found = told(world)
    world.forget_documents()
    return found


@pytest.fixture(scope="module")
def part_at_once(new_world: WorldMaker, part: list[Line]) -> dict[str, Any]:
    return at_once(new_world, part)


@pytest.fixture(scope="module")
def week_at_once(new_world: WorldMaker, lines: list[Line]) -> dict[str, Any]:
    return at_once(new_world, lines)


def differences(found: dict[str, Any], expected: dict[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What is found and what is expected of every document that is not the same in both."""
    return {
        name: (found.get(name), expected.get(name))
        for name in found.keys() | expected.keys()
        if found.get(name) != expected.get(name)
    }


def marks(world: World) -> int:
    with world.mongo() as database:
        return int(database["weather_measurements_pending_qc"].count_documents({}))


def interrupted_run(world: World, block: int) -> None:
    """A run that loads and is then stopped, before the checks or after some blocks of them: its marks are left."""
    evaluate_block = results._evaluate_window
    evaluated = 0

    def stopping(*arguments: Any) -> Any:
        nonlocal evaluated
        if evaluated == block:
            raise InterruptedRunError("stopped here")
        evaluated += 1
        return evaluate_block(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "_evaluate_window", stopping)
        world.run()


def in_pieces(lines: Sequence[Line], random: Random, pieces: int) -> list[list[Line]]:
    """All lines in pieces: of neighbouring lines, or of lines from anywhere, and in any order."""
    shuffled = list(lines)
    if random.random() < 0.5:
        random.shuffle(shuffled)
    cuts = sorted(random.sample(range(1, len(shuffled)), pieces - 1))
    found = [shuffled[first:last] for first, last in zip([0, *cuts], [*cuts, len(shuffled)], strict=True)]
    random.shuffle(found)
    return found


def load_in_pieces(world: World, lines: Sequence[Line], random: Random, runs: int, stopped: int) -> None:
    """Load the lines in several runs of several objects, some of them twice, with one run stopped before its end."""
    for number, piece in enumerate(in_pieces(lines, random, runs)):
        for of_object in in_pieces(piece, random, random.randint(1, min(4, len(piece)))):
            # Some of the lines come a second time.
            put(world, [*of_object, *random.sample(lines, len(lines) // 50)], number)
        if number == stopped:
            interrupted_run(world, block=random.randint(0, 1))
        elif random.random() < 0.3:
            world.reprocess()
        else:
            world.run()


def test_the_excerpt_has_the_expected_content(part: list[Line], lines: list[Line]) -> None:
    assert (len(lines), len(part)) == (4950, 1488)


def test_any_division_into_objects_and_runs_gives_the_same_digests(
    new_world: WorldMaker, part: list[Line], part_at_once: dict[str, Any]
) -> None:
    @settings(max_examples=examples(0.02), phases=NO_SHRINKING)
    # Two runs that bring little that is new among much that is not.
    @example(seed=66964, runs=3, stopped=0)
    @given(seed=st.integers(0, 2**32 - 1), runs=st.integers(1, 4), stopped=st.integers(0, 3))
    def cut_into_objects_and_runs(seed: int, runs: int, stopped: int) -> None:
        world = new_world()
        load_in_pieces(world, part, Random(seed), runs, stopped)
        world.run()
        assert marks(world) == 0
        # The fixtures are large: what differs is told, and not everything.
        differing = differences(told(world), part_at_once)
        world.forget_documents()
        assert differing == {}

    cut_into_objects_and_runs()


# The part shows the same with every change.
@pytest.mark.slow
def test_the_week_in_pieces_gives_the_same_digests(
    new_world: WorldMaker, lines: list[Line], week_at_once: dict[str, Any]
) -> None:
    assert len(week_at_once) == 4950
    world = new_world()
    load_in_pieces(world, lines, Random(7), runs=4, stopped=1)
    world.run()
    assert told(world) == week_at_once


def test_a_late_object_changes_qc_results_around_it_and_no_others(
    new_world: WorldMaker, lines: list[Line], week_at_once: dict[str, Any]
) -> None:
    """The afternoon of 5 October at La Madeleine comes last, and with it the neighbours' third neighbour."""
    late = [line for line in lines if b"2024-10-05T1" in line[1] and LA_MADELEINE in line[0]]
    world = new_world()
    put(world, [line for line in lines if line not in late], 0)
    world.run()
    before = told(world)
    assert before != {name: said for name, said in week_at_once.items() if name in before}
    put(world, late, 1)
    counts = world.run()["counts"]
    assert counts["inserted"] == len(late)
    assert counts["documents_checked"] > len(late)
    assert told(world) == week_at_once


def test_an_interrupted_run_leaves_queue_entries_that_the_next_run_evaluates_without_new_objects(
    new_world: WorldMaker, part: list[Line], part_at_once: dict[str, Any]
) -> None:
    world = new_world()
    put(world, part, 0)
    interrupted_run(world, block=0)
    assert world.status()["status"] == "interrupted"
    assert marks(world) > 0
    assert told(world) != part_at_once
    counts = world.run()["counts"]
    assert (counts["objects_loaded"], counts["documents_checked"]) == (0, len(part_at_once))
    assert marks(world) == 0
    assert told(world) == part_at_once


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_run_killed_around_its_checks_is_completed_by_the_next(
    new_world: WorldMaker, part: list[Line], part_at_once: dict[str, Any], moment: str
) -> None:
    world = new_world()
    put(world, part[: len(part) // 2], 0)
    world.run()
    put(world, part[len(part) // 2 :], 1)
    place = ["forecast.mongo.qc_update", "_evaluate_window", moment, "1"]
    killed = subprocess.run(
        [sys.executable, str(KILLED_RUN), *place],
        cwd=world.home,
        env=world.variables(),
        capture_output=True,
        check=False,
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert marks(world) > 0
    world.run()
    assert marks(world) == 0
    assert told(world) == part_at_once


def test_nothing_changes_when_everything_is_loaded_and_checked_again(
    new_world: WorldMaker, part: list[Line], part_at_once: dict[str, Any]
) -> None:
    world = new_world()
    put(world, part, 0)
    world.run()
    before = world.document_bytes()
    for options in (RunOptions(reprocess=True), RunOptions(rerun_qc=True), RunOptions(reprocess=True, rerun_qc=True)):
        counts = world.run(options)["counts"]
        assert (counts["documents_reflagged"], counts["flags_changed"]) == (0, 0)
        assert world.document_bytes() == before
    assert told(world) == part_at_once


def test_reprocessed_objects_keep_the_flags_that_depend_on_neighbours(
    new_world: WorldMaker, part: list[Line], part_at_once: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that are read once more know nothing of their neighbours: the documents' results stay."""
    world = new_world()
    put(world, part, 0)
    world.run()
    monkeypatch.setattr(pipeline, "program_digest", lambda stations: "another program")
    counts = world.reprocess()["counts"]
    assert counts["unchanged"] == counts["records_validated"]
    assert told(world) == part_at_once
