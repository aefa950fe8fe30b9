"""`make demo` reads every network from its made-up API."""

from __future__ import annotations

from pathlib import Path

import pytest

from forecast.cli.demo import demo_ingest
from forecast.core.registry import load_stations
from forecast.core.settings import Settings
from forecast.ingest.request import Request
from forecast.ingest.result import SourceResult
from forecast.networks.registry import NETWORKS


@pytest.mark.usefixtures("built_in_registry")
@pytest.mark.whole
def test_every_station_of_every_network_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    stations = load_stations(id_prefixes=NETWORKS.id_prefixes)
    settings = Settings(raw_uri=str(tmp_path / "raw"), logs_dir=tmp_path / "logs")
    result, report = demo_ingest(settings, Request(), stations)
    assert (report.status, result.exit_code, report.attention) == ("success", 0, [])
    assert sorted(source.network for source in result.sources) == [network.name for network in NETWORKS]
    written = {source.network: _written(source) for source in result.sources}
    assert all(written.values()), written
    records = {name for source in result.sources for name in source.stations}
    of_files = {source.network for source in result.sources if source.files is not None}
    assert records == {station.id for station in stations if station.network not in of_files}
    again, _ = demo_ingest(settings, Request(), stations)
    assert [_written(source) for source in again.sources] == [0] * len(NETWORKS)


def _written(source: SourceResult) -> int:
    return source.written if source.files is None else source.files.written
