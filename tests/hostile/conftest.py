"""Hostile bytes as one object of a run: up to the database's door, and again as a whole run of the real command.

A test that asks for `run_object` runs on both levels, with the same assertions. The whole runs are for the night, but
for the first of every case that is about more than reading; a test that only a whole run can pass says so with
`@pytest.mark.whole`.
"""

from __future__ import annotations

import io
import re
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.examples import PROFILE, inputs_in_turn
from tests.hostile.endings import TABLE_KEY, Ending, RunObject, deliver_neighbour, ending_of
from tests.hostile.layers import through_the_layers
from tests.integration.conftest import aws_environment, local_world, s3_world
from tests.integration.worlds import FolderZone, World, WorldMaker

__all__ = ["TABLE_KEY", "Ending", "RunObject", "aws_environment", "local_world", "run_in", "s3_world"]

# Of the inputs of one test, so many run through the layers in the inner loop.
_INNER_INPUTS = 1
# An input beside which a good object is read, though its test does not ask for it.
_BESIDE_GOOD = pytest.StashKey[bool]()
_CASE = re.compile(r"test_case_(\d+)_")
# How bytes are packed, divided and rejected as a whole: nothing of it reaches the database, and case 1 runs for all.
_DECIDED_WHEN_READ = {"02", "03", "04", "05", "06", "07", "10", "14", "18", "25", "51", "53", "62", "99", "100"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "level" in metafunc.fixturenames:
        only_whole = metafunc.definition.get_closest_marker("whole") is not None
        metafunc.parametrize("level", ["whole"] if only_whole else ["layers", "whole"])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of most cases one whole run is for every day; the inner loop has some inputs of each test, and no heavy ones."""
    shown = set(_DECIDED_WHEN_READ)
    layers = []
    for item in items:
        spec = getattr(item, "callspec", None)
        level = spec.params.get("level") if spec is not None else None
        if level == "layers" and item.get_closest_marker("heavy"):
            item.add_marker("whole")
        elif level == "layers":
            layers.append(item)
        if level != "whole" or item.get_closest_marker("whole"):
            continue
        case = _CASE.match(item.name)
        item.add_marker("whole" if case and case[1] not in shown else "slow")
        shown |= {case[1]} if case else set()
    for chosen in inputs_in_turn(layers):
        chosen[0].stash[_BESIDE_GOOD] = PROFILE != "inner"
        for item in chosen[_INNER_INPUTS:]:
            item.add_marker("whole")


@pytest.fixture(scope="module")
def one_world(local_world: WorldMaker) -> World:
    return local_world()


@pytest.fixture
def run_object(level: str, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> RunObject:
    """Run the pipeline on these bytes as one object, with a good one next to it; `variables` are settings by name.

    The good one takes more than half of a run through the layers: it is left out where it shows nothing new (beside
    the other inputs of one test, and in the inner loop), unless the test says `neighbour=True`.
    The world of whole runs is the same for all tests of a module and emptied before each run: to make one takes longer
    than the run.
    """

    beside_good: bool = request.node.stash.get(_BESIDE_GOOD, PROFILE == "nightly")

    def run_layers(
        content: bytes,
        key: str = TABLE_KEY,
        variables: dict[str, str] | None = None,
        *,
        neighbour: bool = beside_good,
    ) -> Ending:
        home = tmp_path_factory.mktemp("layers")
        (home / "raw").mkdir()
        world = World(FolderZone(home / "raw"), FolderZone(home / "processed"), "mongodb://nobody.invalid", "d", home)
        return through_the_layers(world, content, key, variables, neighbour=neighbour)

    def run_whole(
        content: bytes, key: str = TABLE_KEY, variables: dict[str, str] | None = None, *, neighbour: bool = True
    ) -> Ending:
        world = request.getfixturevalue("one_world")
        empty(world)
        return run_in(world, content, key, variables)

    return run_layers if level == "layers" else run_whole


def empty(world: World) -> None:
    """Take all objects and documents out of a world."""
    for zone in (world.raw, world.processed):
        for key in zone.keys():
            zone.delete(key)
    with world.mongo() as database:
        for name in database.list_collection_names():
            database[name].delete_many({})


def run_in(world: World, content: bytes, key: str = TABLE_KEY, variables: dict[str, str] | None = None) -> Ending:
    """One run of a world on these bytes and the neighbour; the neighbour must be unharmed."""
    world.raw.put(key, content)
    deliver_neighbour(world)
    given = ("--json", "--max-rejection-rate", "1")
    outcome = world.typed("pipeline", *given, variables=world.variables(**(variables or {})))
    rejected = {name: world.processed.get(name) for name in world.rejected_keys()}
    uri = f"{world.raw.uri}/{key}"
    records = [name for name in world.record_keys() if uri in _sources(world, name)]
    return ending_of(world, outcome, key, world.documents(), rejected, records)


def _sources(world: World, key: str) -> set[Any]:
    return set(pq.read_table(io.BytesIO(world.processed.get(key)), columns=["source_uri"])["source_uri"].to_pylist())
