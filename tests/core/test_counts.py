"""Counts: exact numbers from a few rows, and sums that must hold."""

import json
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest

from forecast.core.counts import CountsError, ObjectCounts, QualityTally, check_counts, ratio, totals
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.registry import load_stations
from forecast.core.schemas import REJECTED_SCHEMA, VALIDATED_SCHEMA, empty_frame, frame_of

STATIONS = load_stations()


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2024, 10, 1, hour, minute, tzinfo=UTC)


def row(station_id: str, timestamp: datetime, score: float = 1.0, **values: Any) -> dict[str, Any]:
    empty = dict.fromkeys(VALIDATED_SCHEMA.names)
    return {
        **empty,
        "station_id": station_id,
        "timestamp": timestamp,
        "completeness_score": score,
        **values,
    }


def tally_of(*rows: dict[str, Any]) -> QualityTally:
    tally = QualityTally()
    tally.add_validated(pa.Table.from_pylist(list(rows), schema=VALIDATED_SCHEMA), STATIONS)
    return tally


def test_stations_are_distinguished_in_one_frame() -> None:
    tally = tally_of(
        row("ITESTB25", at(3), 0.5, air_temperature=13.8),
        row("07915", at(1), 0.25, air_temperature=12.0),
        row("ITESTB25", at(2), 1.0, air_temperature=13.9, wind_speed=2.0),
    )
    madeleine, lesquin = tally.stations["ITESTB25"], tally.stations["07915"]
    assert (madeleine.observations, madeleine.completeness_sum) == (2, 1.5)
    assert (madeleine.first, madeleine.last) == (at(2).timestamp() * 1000, at(3).timestamp() * 1000)
    assert (lesquin.observations, lesquin.completeness_sum) == (1, 0.25)
    assert tally.observations == 3
    assert tally.completeness_score == pytest.approx(1.75 / 3)


def test_missing_counts_against_what_the_station_reports() -> None:
    tally = tally_of(row("ITESTB25", at(1), air_temperature=13.8), row("00092", at(1), air_temperature=9.0))
    assert tally.values["air_temperature"] == 2
    assert tally.missing["air_temperature"] == 0
    # Only Armentières reports it.
    assert tally.missing["precipitation_amount_1h"] == 1
    # Neither station has a sensor for it.
    assert tally.missing["cloud_area_fraction"] == 0
    reported = sum(len(station.parameters) for station in STATIONS if station.id in {"ITESTB25", "00092"})
    assert sum(tally.missing.values()) == reported - 2


def test_unreadable_cells_are_counted_by_parameter() -> None:
    def note(name: str) -> dict[str, str]:
        return {"parameter": name, "raw": "n/a", "reason": "no number"}

    tally = tally_of(
        row("07915", at(1), parse_issues=json.dumps([note("air_temperature"), note("wind_speed")])),
        row("07915", at(2), parse_issues=json.dumps([note("air_temperature")])),
        row("07915", at(3)),
    )
    assert tally.unreadable == {"air_temperature": 2, "wind_speed": 1}


def test_quarantined_rows_are_counted_by_code() -> None:
    tally = QualityTally()
    codes = ["unknown_station", "no_time", "unknown_station"]
    tally.add_rejected(frame_of([{"code": code} for code in codes], REJECTED_SCHEMA))
    assert tally.reasons == {"unknown_station": 2, "no_time": 1}


def test_no_rows_change_nothing() -> None:
    tally = QualityTally()
    tally.add_validated(VALIDATED_SCHEMA.empty_table(), STATIONS)
    tally.add_rejected(empty_frame(REJECTED_SCHEMA))
    assert tally == QualityTally()
    assert tally.completeness_score == 0.0


def test_merging_is_the_same_as_counting_everything_at_once() -> None:
    first = row("ITESTB25", at(1), 0.5, air_temperature=1.0)
    second = row("ITESTB25", at(9), 0.75, wind_speed=1.0)
    third = row("07915", at(4), 1.0, air_temperature=2.0)
    merged = tally_of(second)
    merged.merge(tally_of(first, third))
    merged.merge(QualityTally())
    assert merged == tally_of(first, second, third)


def test_the_tally_does_not_grow_with_rows() -> None:
    tally = QualityTally()
    for hour in range(24):
        rows = [row("07915", at(hour, m), air_temperature=m * 1.0) for m in range(60)]
        tally.add_validated(pa.Table.from_pylist(rows, schema=VALIDATED_SCHEMA), STATIONS)
    assert tally.observations == 1440
    assert set(tally.values) == set(PARAMETER_NAMES)
    assert len(tally.stations) == 1


def test_consistent_counts_are_accepted_and_added_up() -> None:
    objects = [
        ObjectCounts("a", "s3://b/a", "loaded", 10, 1, 8, 1, inserted=3, updated=2, unchanged=2, superseded=1),
        ObjectCounts("b", "s3://b/b", "failed", 5, 0, 5, 0, inserted=2),
    ]
    check_counts(objects)
    sums = totals(objects)
    assert (sums["rows_read"], sums["rows_empty"], sums["records_extracted"]) == (15, 1, 14)
    assert (sums["records_validated"], sums["records_rejected"], sums["inserted"]) == (13, 1, 5)


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        (ObjectCounts("k", "u", "loaded", 10, 1, 8, 0, inserted=8), "9 records extracted, but 8 validated"),
        (ObjectCounts("k", "u", "loaded", 8, 0, 8, 0, inserted=7), "8 records validated, but .* are 7 together"),
        (ObjectCounts("k", "u", "failed", 1, 2, 0, -1), "records_extracted is -1"),
        (ObjectCounts("k", "u", "done"), "outcome 'done'"),  # type: ignore[arg-type]
    ],
)
def test_inconsistent_counts_are_an_error(counts: ObjectCounts, words: str) -> None:
    with pytest.raises(CountsError, match=f"^k: .*{words}"):
        check_counts([counts])


def test_a_share_of_nothing_is_zero() -> None:
    assert ratio(0, 0) == 0.0
    assert ratio(1, 4) == 0.25
