"""Publishing several tables at a time."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from forecast.core.dataset import conformed
from forecast.core.errors import RetryableError
from forecast.storage import LocalStore
from forecast.zone.publishing import publishing


class FailingStore(LocalStore):
    """Refuses the first object; the others are only written after that."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.refused = threading.Event()

    def publish(self, source: Path | memoryview, key: str, metadata: Mapping[str, str] | None = None) -> None:
        if key == "0":
            self.refused.set()
            raise RetryableError("the disk is full")
        self.refused.wait()
        super().publish(source, key, metadata)


def table(temperature: float) -> pa.Table:
    return conformed(pa.table({"air_temperature": [temperature]}))


def test_each_table_is_published_under_its_key(tmp_path: Path) -> None:
    with publishing(LocalStore(tmp_path)) as publisher:
        for number in range(20):
            publisher.publish(table(number), f"{number}.parquet")
    found = {path.stem: pq.read_table(path)["air_temperature"].to_pylist() for path in tmp_path.iterdir()}
    assert found == {str(number): [number] for number in range(20)}


def test_a_table_may_be_read_when_the_publisher_has_finished(tmp_path: Path) -> None:
    with publishing(LocalStore(tmp_path)) as publisher:
        publisher.publish(table(12.0), "a.parquet")
        publisher.finish()
        assert pq.read_table(tmp_path / "a.parquet")["air_temperature"].to_pylist() == [12.0]


def test_after_an_error_nothing_is_being_published(tmp_path: Path) -> None:
    def publish_all() -> None:
        with publishing(FailingStore(tmp_path)) as publisher:
            for number in range(4):
                publisher.publish(table(number), str(number))

    with pytest.raises(RetryableError, match="the disk is full"):
        publish_all()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "3"]
