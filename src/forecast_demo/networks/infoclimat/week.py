"""InfoClimat's objects of the demonstration week: documents of the API, and single records."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from forecast_demo import airbyte
from forecast_demo.airbyte import Record, Sync
from forecast_demo.networks.infoclimat import documents
from forecast_demo.week import Week, outside_gap, utc

NETWORK: Final = "InfoClimat"
UNKNOWN_STATION: Final = "STATIC0099"
# The last station's gap; in real weeks, about 5 % of the rows are missing.
_GAP: Final = (datetime(2024, 10, 4, 3, tzinfo=UTC), datetime(2024, 10, 4, 5, tzinfo=UTC))


def objects(week: Week) -> dict[str, bytes]:
    """Make the objects, by key."""
    one, other, *_ = (station.id for station in week.of(NETWORK))
    first_days = _document(week, utc(1), utc(4))
    del first_days["hourly"][one][100]["humidite"]
    first_days["hourly"][other][200]["temperature"] = ""
    api = Sync(utc(6, 3), sync_id=3)
    last = Sync(utc(8, 3), sync_id=4)
    # It begins an hour before the other one ends, like a sync with an inclusive cursor: 19 records are in both.
    records = _one_by_one(_rows(week, utc(5, 23), utc(8)))
    return {
        "infoclimat/Data_Source1_011024-031024.json": documents.document_text(first_days).encode(),
        f"infoclimat/api/{api.object_name('jsonl')}": airbyte.nested_jsonl(
            [_document(week, utc(4), utc(6))], api, week.seed
        ),
        f"infoclimat/observations/{last.object_name('jsonl.gz')}": airbyte.old_jsonl_gz(records, last, week.seed),
        "infoclimat/observations/_SUCCESS": b"",
    }


def _rows(week: Week, first: datetime, end: datetime) -> dict[str, list[documents.Row]]:
    """Make the records of [first, end), by station id."""
    stations = week.of(NETWORK)
    gaps = {stations[-1].id: _GAP}
    rows = {}
    for station in stations:
        step = int(station.interval_minutes * 60)
        epochs = np.arange(int(first.timestamp()), int(end.timestamp()), step, dtype=np.int64)
        epochs = epochs[outside_gap(gaps, station.id, epochs)]
        rows[station.id] = documents.observations(station, epochs, week.sites[station.id], week.seed)
    return rows


def _document(week: Week, first: datetime, end: datetime) -> dict[str, Any]:
    rows = _rows(week, first, end)
    return documents.document([week.stations[station_id] for station_id in rows], rows)


def _one_by_one(rows_by_station: dict[str, list[documents.Row]]) -> list[Record]:
    """All records as a list, two of them damaged, followed by two of a station that is not in the registry."""
    records: list[Record] = [row for rows in rows_by_station.values() for row in rows]
    *_, last = rows_by_station.values()
    strangers: list[Record] = [{**row, "id_station": UNKNOWN_STATION} for row in last[6:8]]
    del records[300]["point_de_rosee"]
    records[301]["pression"] = ""
    return records + strangers
