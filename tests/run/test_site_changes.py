"""A site of which only the pages with news are made is the site of which all pages are made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forecast.mongo.client import ObservationCollection, sibling_collection
from forecast.mongo.days import SUFFIX as DAYS
from forecast.mongo.loader import load
from forecast.mongo.qc_queue import PendingQc
from forecast.mongo.qc_update import evaluate_pending
from forecast.mongo.station_states import SUFFIX as STATES
from forecast.mongo.station_states import note_stations
from forecast.report.headline import Assessment
from forecast.run.dashboard import place_of
from forecast.run.station_views import with_database, with_details
from forecast.site.build import changed_files
from forecast.site.model import Site, StationView
from forecast.site.publish import MANIFEST, publish_site
from forecast.storage import LocalStore
from tests.examples import examples
from tests.networks import START, network, observation, records, station

STATIONS = network(*(station(name, 10 * number) for number, name in enumerate("ABC")))
VIEWS = tuple(StationView(place_of(one), "fresh") for one in STATIONS)


class World:
    """A database, and the site of it that is built again and again."""

    def __init__(self, collection: ObservationCollection, folder: Path) -> None:
        self.collection = collection
        self.folder = folder
        self.now = datetime(2026, 11, 29, 3, 10, tzinfo=UTC)
        self.asked: list[str] = []

    def put(self, *rows: tuple[str, int, float], check: bool = True) -> None:
        """Observations by station, hour after START and temperature; without the checks, as of a run that failed."""
        found = {(name, hour): value for name, hour, value in rows}
        made = [observation(n, START + timedelta(hours=h), air_temperature=v) for (n, h), v in found.items()]
        pending = PendingQc.for_collection(self.collection, "run")
        load(records(made, STATIONS, self.folder), self.collection, pending)
        if check:
            evaluate_pending(pending, self.collection, STATIONS)
            note_stations(self.collection, STATIONS, START + timedelta(days=9), 36.0)

    def build(self, folder: str, program: str = "program") -> dict[str, bytes]:
        """The site as of a later moment each time."""
        self.now += timedelta(days=1)
        site = Site(self.now, "2.0.0", Assessment("", (), ()), stations=with_database(VIEWS, self.collection))
        self.asked = []
        target = self.folder / folder
        publish_site(changed_files(site, program, self.details), LocalStore(target, "SITE_URI"))
        return {path.name: path.read_bytes() for path in target.rglob("*") if path.is_file() and path.name != MANIFEST}

    def details(self, views: Sequence[StationView]) -> Iterator[StationView]:
        self.asked += [view.place.id for view in views]
        return with_details(views, self.collection)


def of_stations(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: content for name, content in files.items() if name[0] in "ABC"}


def test_only_pages_of_stations_with_changes_are_rebuilt(collection: ObservationCollection, tmp_path: Path) -> None:
    world = World(collection, tmp_path)
    world.put(("A", 0, 9.0), ("B", 0, 9.0), ("C", 0, 9.0))
    world.build("site")
    assert world.asked == ["A", "B", "C"]
    before = world.build("site")
    assert world.asked == []
    world.put(("B", 1, 9.5))
    after = world.build("site")
    assert world.asked == ["B"]
    changed = {name for name, content in of_stations(after).items() if before[name] != content}
    assert changed == {"B.js", "B.html", "B.fr.html"}


def test_a_page_whose_flags_change_because_of_another_day_is_rebuilt(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    """The jump before midnight is a spike only when the next day shows that it was left again."""
    world = World(collection, tmp_path)
    world.put(*(("A", hour, 9.0) for hour in range(23)), ("A", 23, 35.0))
    world.build("site")
    world.put(*(("A", hour, 9.0) for hour in range(24, 30)))
    assert of_stations(world.build("site")) == of_stations(world.build("anew"))


def test_the_page_of_a_station_that_never_sent_anything_is_built_once(
    collection: ObservationCollection, tmp_path: Path
) -> None:
    world = World(collection, tmp_path)
    world.put(("A", 0, 9.0))
    before = world.build("site")
    assert (world.asked, "B.js" in before, "B.html" in before) == (["A", "B", "C"], False, True)
    world.build("site")
    assert world.asked == []


def test_a_new_version_of_the_program_rebuilds_all_pages(collection: ObservationCollection, tmp_path: Path) -> None:
    world = World(collection, tmp_path)
    world.put(("A", 0, 9.0))
    world.build("site")
    world.build("site", "another program")
    assert world.asked == ["A", "B", "C"]


def test_the_pages_say_the_times_of_the_newest_build(collection: ObservationCollection, tmp_path: Path) -> None:
    world = World(collection, tmp_path)
    world.put(("A", 0, 9.0))
    world.build("site")
    files = world.build("site")
    assert b"As of Tue 1 Dec 2026" in files["times.js"].replace(b"\\u00a0", b" ")
    assert b'<script src="../times.js" defer></script>' in files["A.html"]


_ROW = st.tuples(st.sampled_from("ABC"), st.integers(0, 24 * 39), st.sampled_from([9.0, 9.5, 35.0, 70.0]))
_DELIVERY = st.tuples(st.lists(_ROW, max_size=12), st.booleans())


@settings(max_examples=examples(0.1), suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(_DELIVERY, min_size=1, max_size=4))
def test_after_any_changes_the_pages_equal_those_of_a_full_build(
    collection: ObservationCollection, tmp_path: Path, deliveries: list[tuple[list[tuple[str, int, float]], bool]]
) -> None:
    for beside in (collection, *(sibling_collection(collection, suffix) for suffix in (DAYS, STATES, "_pending_qc"))):
        beside.delete_many({})
    name = str(len(list(tmp_path.iterdir())))
    world = World(collection, tmp_path)
    for rows, check in deliveries:
        world.put(*rows, check=check)
        world.build(f"site{name}")
    world.put()
    assert of_stations(world.build(f"site{name}")) == of_stations(world.build(f"anew{name}"))
