"""A file of the processed zone that another run replaces or removes while it is read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from forecast.core.clock import from_ms
from forecast.core.dataset import DATASET_SCHEMA, conformed
from forecast.core.raw_objects import RawObject
from forecast.storage import LocalStore, ObjectChangedError, digest_of
from forecast.zone.dataset import readable
from forecast.zone.identity import IDENTITY, Identity, read_identity, write_identity
from forecast.zone.newest import fetch_newest
from forecast.zone.publishing import publish_table
from forecast.zone.tables import publish_if_changed

KEY = "current/day=2024-10-01/part-0-of-1.parquet"


class Rival(LocalStore):
    """A folder in which another run acts after each of the first listings: it puts or removes a file."""

    def __init__(self, folder: Path, *acts: bytes | None) -> None:
        super().__init__(folder)
        self.acts = list(acts)

    def find(self, key: str) -> RawObject | None:
        found = super().find(key)
        if found is not None and self.acts:
            self._put(key, self.acts.pop(0))
        return found

    def _put(self, key: str, content: bytes | None) -> None:
        path = Path(self.uri.removeprefix("file://")) / key
        path.unlink()
        if content is not None:
            path.write_bytes(content)


def found(store: LocalStore, key: str) -> RawObject:
    listed = store.find(key)
    assert listed is not None
    return listed


def put(folder: Path, key: str, content: bytes) -> None:
    (folder / key).parent.mkdir(parents=True, exist_ok=True)
    (folder / key).write_bytes(content)


def observations(value: float) -> pa.Table:
    one = {"station_id": "A", "timestamp": from_ms(0), "air_temperature": value}
    schema = pa.schema([DATASET_SCHEMA.field(name) for name in one])
    return conformed(pa.table({name: pa.array([cell]) for name, cell in one.items()}).cast(schema), DATASET_SCHEMA)


@pytest.mark.parametrize("replaced", [[], [b"second"], [b"second", b"the third"], [b"2", b"33", b"444", b"5555"]])
def test_the_newest_version_of_a_replaced_file_is_read(tmp_path: Path, replaced: list[bytes]) -> None:
    put(tmp_path / "zone", "a.json", b"first, which is longer")
    store = Rival(tmp_path / "zone", *replaced)
    digest = fetch_newest(store, found(store, "a.json"), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == [b"first, which is longer", *replaced][-1]
    assert digest == digest_of(tmp_path / "copy", "a.json")


def test_a_file_that_is_replaced_without_end_is_given_up(tmp_path: Path) -> None:
    put(tmp_path / "zone", "a.json", b"")
    store = Rival(tmp_path / "zone", *(b"x" * size for size in range(1, 20)))
    with pytest.raises(ObjectChangedError, match="the next run takes its new version"):
        fetch_newest(store, found(store, "a.json"), tmp_path / "copy")


def test_a_removed_file_is_an_error_and_a_removed_day_is_rebuilt_from_the_database(tmp_path: Path) -> None:
    put(tmp_path / "zone", "a.json", b"first")
    store = Rival(tmp_path / "zone", None)
    with pytest.raises(ObjectChangedError, match="removed after it was listed"):
        fetch_newest(store, found(store, "a.json"), tmp_path / "copy")
    publish_table(observations(12.0), KEY, store)
    listed = found(store, KEY)
    (tmp_path / "zone" / KEY).unlink()
    assert readable(listed, store, tmp_path) is None


def test_a_day_that_another_run_has_replaced_is_read_as_it_is_now(tmp_path: Path) -> None:
    (tmp_path / "zone").mkdir()
    store = LocalStore(tmp_path / "zone")
    publish_table(observations(12.0), KEY, store)
    listed = found(store, KEY)
    publish_table(observations(13.0), KEY, store)
    table = readable(listed, store, tmp_path)
    assert table is not None
    assert table["air_temperature"].to_pylist() == [13.0]


def test_the_identity_and_the_tables_may_be_replaced_or_removed_meanwhile(tmp_path: Path) -> None:
    (tmp_path / "zone").mkdir()
    store = Rival(tmp_path / "zone")
    write_identity(Identity("f.w", "run-1", "2024-10-01T00:00:00Z"), store, tmp_path)
    store.acts = [b"{}", None]
    assert read_identity(store, tmp_path) is None
    write_identity(Identity("f.w", "run-1", "2024-10-01T00:00:00Z"), store, tmp_path)
    whole = (tmp_path / "zone" / IDENTITY).read_bytes()
    store.acts = [whole.replace(b"run-1", b"run-20")]
    identity = read_identity(store, tmp_path)
    assert identity is not None
    assert identity.revision == "run-20"
    table = observations(1.0)
    publish_if_changed(table, "stations.parquet", store, tmp_path)
    store.acts = [b"of another run"]
    publish_if_changed(table, "stations.parquet", store, tmp_path)
    assert (tmp_path / "zone" / "stations.parquet").read_bytes() != b"of another run"
