"""Small objects are loaded together: what is stored, and what is counted of each, is as if they came one by one."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from forecast.mongo.state import Checkpoints
from forecast.run import bundle
from tests.integration.worlds import COLLECTION, Row, World, WorldMaker, assert_reports_hold

OBJECTS: Final = 12
SITES: Final = ("07915", "00092", "000T5")
START: Final = datetime(2024, 10, 1)
COUNTS: Final = ("records_validated", "inserted", "updated", "unchanged", "superseded", "values_removed")


def deliver(world: World, seed: int) -> None:
    """Objects of one to thirty rows of a few stations; many hold the same observations, with other values or none."""
    chance = random.Random(seed)
    for number in range(OBJECTS):
        first, station = chance.randrange(60), chance.choice(SITES)
        rows = [_row(station, first + step, chance) for step in range(chance.randrange(1, 30))]
        key = f"{number:02}.jsonl"
        world.raw.put(key, "".join(json.dumps(row) + "\n" for row in rows).encode())
        world.raw.age(key, chance.randrange(5) * 3600)


def _row(station: str, step: int, chance: random.Random) -> dict[str, str | None]:
    moment = START + timedelta(minutes=10 * step)
    values = {"temperature": "12.5", "humidite": "80", "pression": "1010.5"}
    kept = {name: value if chance.random() < 0.8 else None for name, value in values.items()}
    return {"id_station": station, "dh_utc": f"{moment:%Y-%m-%d %H:%M:%S}", **kept}


def state(world: World) -> tuple[dict[str, Any], dict[str, Row], list[str]]:
    """Documents with the raw row each came from; the counts of each object; the files of the zone."""
    kept = ("digest", "source_uri", "source_row", "extracted_at")
    documents = {
        name: (document["measurements"], document["data_quality"], *(document["metadata"][part] for part in kept))
        for name, document in world.documents().items()
    }
    counts = {uri: {name: entry["counts"][name] for name in COUNTS} for uri, entry in world.checkpoints().items()}
    return documents, counts, world.processed.keys()


@pytest.mark.parametrize("seed", [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 8))])
def test_state_and_counts_do_not_depend_on_the_size_of_bundles(
    local_world: WorldMaker, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    first = local_world()
    deliver(first, seed)
    states, bundles = [], []
    write = Checkpoints.write

    def written(checkpoints: Checkpoints, run_id: str, now: datetime, loaded: list[Any]) -> None:
        bundles.append(len(loaded))
        write(checkpoints, run_id, now, loaded)

    monkeypatch.setattr(Checkpoints, "write", written)
    for most_objects in (1, random.Random(seed).randrange(2, 6), 50):
        world = replace(local_world(), raw=first.raw)
        monkeypatch.setattr(bundle, "_MOST_OBJECTS", most_objects)
        assert world.run()["exit_code"] == 0
        assert_reports_hold(world)
        states.append(state(world))
        again = world.reprocess()["counts"]
        assert again["unchanged"] + again["superseded"] == again["records_validated"]
    assert states[0] == states[1] == states[2]
    assert bundles[:OBJECTS] == [1] * OBJECTS
    assert max(bundles) > 1
    assert sum(entry["updated"] for entry in states[0][1].values()) > 0
    assert sum(entry["values_removed"] for entry in states[0][1].values()) > 0


def test_if_the_load_of_a_bundle_fails_the_next_run_loads_all_of_its_objects(
    local_world: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = local_world()
    for number in range(4):
        row = {"id_station": "07915", "dh_utc": f"2024-10-0{number + 1} 12:00:00", "temperature": "12.5"}
        world.raw.put(f"{number}.jsonl", json.dumps(row).encode())
    with monkeypatch.context() as patch, world.mongo() as database:
        # The server refuses the documents: nothing of the bundle is there.
        patch.setattr("forecast.mongo.loader.prepare_collection", lambda _: None)
        patch.setattr("forecast.run.pipeline.prepare_collection", lambda _: None)
        database.create_collection(COLLECTION, validator={"station.id": "another"})
        status = world.run()
    assert (status["exit_code"], status["counts"]["objects_interrupted"]) == (2, 4)
    assert world.checkpoints() == {}
    status = world.run()
    assert (status["exit_code"], status["counts"]["objects_loaded"], status["counts"]["inserted"]) == (0, 4, 4)
