"""Files that only one network has: its own reader is asked first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import IO

import pytest

from forecast.core.errors import ObjectRejectedError
from forecast.core.raw_objects import RawObject
from forecast.core.schemas import to_table
from forecast.core.settings import Limits
from forecast.core.stations import Stations
from forecast.extract import extract
from forecast.networks.model import Field, Format, Layout, Licence, Network, Recognise, Record, UtcTime
from forecast.networks.registry import Networks
from forecast.transform import ObjectTransformer
from tests.networks import station
from tests.transform.samples import NOW

HEAD = b"BULLETIN 7\n"
LENGTH = len("0042 2024100112 287.15")


def rows(file: IO[bytes]) -> Iterator[Record]:
    """Columns of fixed width: station, time, temperature."""
    file.readline()
    for number, line in enumerate(file, 2):
        text = line.decode().rstrip("\n")
        fault = "" if len(text) == LENGTH else f"{len(text)} characters where a row has {LENGTH}"
        fields = {"line": text} if fault else {"id": text[:4], "time": text[5:15], "t": text[16:]}
        yield Record(f"line {number}", fields, fault)


FIXED_WIDTH = Network(
    name="Bulletins",
    id_prefix="b-",
    licence=Licence("CC0", "https://creativecommons.org/publicdomain/zero/1.0/", "nobody"),
    formats=(Format("bulletin", lambda start: start.startswith(HEAD), rows),),
    layouts=(
        Layout(
            name="bulletins",
            recognise=Recognise(columns=("id", "time", "t")),
            station="id",
            time=UtcTime("time", format="%Y%m%d%H"),
            fields={"t": Field("air_temperature", "K")},
            cell="a number",
        ),
    ),
)
NETWORKS = Networks([FIXED_WIDTH])
STATION = station("b-0042", network="Bulletins")


def listed() -> RawObject:
    return RawObject("bulletins/a.txt", "a", 1, "etag", NOW)


def test_columns_of_fixed_width_are_read_by_their_network(tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(HEAD + b"0042 2024100112 287.15\n0042 20241\n0042 2024100113 288.15\n")
    transformer = ObjectTransformer("bulletins/a.txt", Stations({STATION.id: STATION}), NOW, NETWORKS)
    parts = [transformer.transform(batch) for batch in extract(path, listed(), NETWORKS, Limits(), NOW)]
    kept = [row for part in parts for row in part.observations.to_pylist()]
    rejected = [row for part in parts for row in to_table(part.rejected).to_pylist()]
    assert [(row["source_row"], row["station_id"], row["air_temperature"]) for row in kept] == [
        ("line 2", "b-0042", 14.0),
        ("line 4", "b-0042", 15.0),
    ]
    assert [(row["position"], row["code"], row["reason"]) for row in rejected] == [
        ("line 3", "malformed_record", "10 characters where a row has 22")
    ]
    assert sum(part.rows_read for part in parts) == 3


def test_a_file_of_which_no_row_can_be_read_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(HEAD + b"one\ntwo\n")
    with pytest.raises(ObjectRejectedError) as caught:
        list(extract(path, listed(), NETWORKS, Limits(), NOW))
    assert caught.value.code == "unknown_layout"
    assert "3 characters where a row has 22" in caught.value.message


def test_a_file_that_no_network_knows_goes_to_the_common_readers(tmp_path: Path) -> None:
    path = tmp_path / "object"
    path.write_bytes(b"id,time,t\n0042,2024100112,287.15\n")
    networks = Networks([replace(FIXED_WIDTH, formats=())])
    for known in (NETWORKS, networks):
        (batch,) = extract(path, listed(), known, Limits(), NOW)
        assert list(batch.rows.columns) == ["id", "time", "t"]
