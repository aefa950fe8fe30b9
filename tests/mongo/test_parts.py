"""Records of different parameter groups of one observation, as one document, without a database."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.mongo.parts import complete_digests, merged, observed, parts_of, quality_digests, touch_lineage

NOON = datetime(2024, 10, 5, 12, tzinfo=UTC)
REPORTED = ("air_temperature", "wind_speed", "precipitation_amount_1h", "relative_humidity")


def document(
    group: str, values: dict[str, float], *, second: int = 0, half: str = "a", **quality: Any
) -> dict[str, Any]:
    return {
        "_id": "mf-59343991@2024-10-05T12:00:00Z",
        "station": {"id": "mf-59343991"},
        "timestamp": NOON,
        "measurements": values,
        "data_quality": {
            "completeness_score": 0.25,
            "flag": 1,
            "flags": {},
            "anomalies_detected": 0,
            "parse_issues": [],
            "qc_version": 1,
            **quality,
        },
        "metadata": {
            "source_uri": f"raw/{group}.csv",
            "source_row": "line 2",
            "extracted_at": NOON + timedelta(seconds=second),
            "generation_id": 1,
            "sync_id": 1,
            "source_modified_at": NOON,
            "run_id": "run",
            "digest": half * 16 + "0" * 16,
            **({"parameter_group": group} if group else {}),
            "format_version": 2,
        },
    }


def test_the_merged_document_has_the_parameters_of_both_groups() -> None:
    hour = document("1h", {"precipitation_amount_1h": 0.4}, second=5, half="b")
    found = merged(document("6min", {"air_temperature": 12.5, "wind_speed": 3.0}), hour, REPORTED)
    assert found["measurements"] == {"air_temperature": 12.5, "wind_speed": 3.0, "precipitation_amount_1h": 0.4}
    assert found["data_quality"]["completeness_score"] == 0.75
    # Where it came from is told of the part that was extracted last, and of each part.
    assert found["metadata"]["source_uri"] == "raw/1h.csv"
    assert "parameter_group" not in found["metadata"]
    assert [(part["parameter_group"], part["source_uri"]) for part in found["metadata"]["parts"]] == [
        ("1h", "raw/1h.csv"),
        ("6min", "raw/6min.csv"),
    ]


@pytest.mark.parametrize(("second", "value"), [(1, 12.9), (-1, 12.5)])
def test_if_both_parts_have_a_parameter_the_later_extraction_wins(second: int, value: float) -> None:
    other = document("1h", {"air_temperature": 12.9}, second=second, half="b", source_flags={"air_temperature": 2})
    found = merged(document("6min", {"air_temperature": 12.5, "wind_speed": 3.0}), other, REPORTED)
    assert found["measurements"] == {"air_temperature": value, "wind_speed": 3.0}
    assert found["data_quality"].get("source_flags") == ({"air_temperature": 2} if second > 0 else None)


def test_a_value_that_a_newer_record_of_its_group_lacks_comes_from_the_other_part() -> None:
    both = merged(document("6min", {"air_temperature": 12.5}), document("1h", {"air_temperature": 12.9}, second=1), ())
    complete_digests([both])
    found = merged(both, document("1h", {"wind_speed": 3.0}, second=2), REPORTED)
    assert found["measurements"] == {"air_temperature": 12.5, "wind_speed": 3.0}


def test_flags_of_removed_values_are_removed() -> None:
    entry = {"flag": 4, "checks": ["gross_range"]}
    flagged = document("1h", {"air_temperature": 99.0}, flag=4, flags={"air_temperature": entry}, anomalies_detected=1)
    kept = merged(flagged, document("6min", {"wind_speed": 3.0}), REPORTED)["data_quality"]
    assert (kept["flag"], kept["flags"], kept["anomalies_detected"]) == (4, {"air_temperature": entry}, 1)
    gone = merged(flagged, document("1h", {"air_temperature": 12.0}, second=1), REPORTED)["data_quality"]
    assert (gone["flag"], gone["flags"], gone["anomalies_detected"]) == (1, {}, 0)


def test_a_part_that_is_delivered_again_only_updates_its_lineage() -> None:
    both = merged(document("6min", {"air_temperature": 12.5}), document("1h", {"wind_speed": 3.0}, half="b"), REPORTED)
    metadata = touch_lineage(both, document("6min", {"air_temperature": 12.5}, second=9))
    assert metadata["extracted_at"] == NOON + timedelta(seconds=9)
    assert metadata["source_uri"] == "raw/6min.csv"
    assert metadata["digest"] == both["metadata"]["digest"]
    assert metadata["parts"][1]["extracted_at"] == NOON + timedelta(seconds=9)


def test_the_second_half_of_the_digest_is_that_of_what_the_document_says() -> None:
    both = merged(document("6min", {"air_temperature": 12.5}), document("1h", {"wind_speed": 3.0}), REPORTED)
    complete_digests([both])
    assert len(both["metadata"]["digest"]) == 32
    assert both["metadata"]["digest"][16:] == quality_digests([both])[0]


@given(
    st.lists(
        st.tuples(
            st.dictionaries(st.sampled_from(REPORTED), st.floats(0, 1), max_size=4),
            st.integers(0, 2),
            st.sampled_from("abc"),
            st.lists(st.sampled_from(["x", "y"]), max_size=2, unique=True),
        ),
        min_size=2,
        max_size=3,
    )
)
def test_the_merged_document_does_not_depend_on_the_order_of_its_parts(
    records: list[tuple[dict[str, float], int, str, list[str]]],
) -> None:
    documents = [
        document(
            name,
            values,
            second=second,
            half=half,
            parse_issues=[{"parameter": "wind_speed", "raw": raw, "reason": "not a number"} for raw in issues],
        )
        for name, (values, second, half, issues) in zip(("", "1h", "6min"), records, strict=False)
    ]
    found = []
    for order in itertools.permutations(documents):
        first, *others = order
        for other in others:
            first = merged(first, other, REPORTED)
        # Once more changes nothing.
        assert merged(first, order[0], REPORTED)["metadata"] | {"run_id": ""} == first["metadata"] | {"run_id": ""}
        told = {name: first["metadata"][name] for name in ("digest", "source_uri", "extracted_at", "parts")}
        found.append((first["measurements"], first["data_quality"]["parse_issues"], told))
        assert observed(parts_of(first))["measurements"] == first["measurements"]
    assert all(one == found[0] for one in found)
