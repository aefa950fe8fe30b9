"""Observations whose parameters come in several groups: each group's record is a part of one document.

If two parts have the same parameter, the value comes from the later one in the order of `precedence`. A document only
depends on its parts, so they may arrive in any order and any number of times.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from forecast.core.digests import HASH_LENGTH, merged_half, qc_hashes
from forecast.core.parameters import MEASURED_NAMES, PARAMETER_NAMES
from forecast.core.precedence import RANK, key_of
from forecast.qc.flags import worse_of

DERIVED: Final = "precipitation_amount"
GROUP: Final = "parameter_group"
# The fields of a part and of a document that state the record's origin.
STAMP: Final = ("source_uri", "source_row", *RANK)
_PLACES: Final = {name: number for number, name in enumerate(PARAMETER_NAMES)}
_MEASURED: Final = frozenset(MEASURED_NAMES)

Document = Mapping[str, Any]
Part = Mapping[str, Any]


def parts_of(document: Document) -> dict[str, Part]:
    """The parts of a document by group; a document that was never merged is its own only part."""
    metadata, quality = document["metadata"], document["data_quality"]
    if "parts" in metadata:
        return {part[GROUP]: part for part in metadata["parts"]}
    group = metadata.get(GROUP, "")
    part = {
        GROUP: group,
        **{name: metadata[name] for name in STAMP},
        "digest": metadata["digest"][:HASH_LENGTH],
        "measurements": {name: value for name, value in document["measurements"].items() if name != DERIVED},
        **({"source_flags": quality["source_flags"]} if "source_flags" in quality else {}),
        "parse_issues": quality["parse_issues"],
    }
    return {group: part}


def observed(parts: Mapping[str, Part]) -> dict[str, Any]:
    """The combined content of parts: measurements, source flags, parse issues, and the origin of the newest part."""
    ordered = sorted(parts.values(), key=_key)
    values: dict[str, float] = {}
    codes: dict[str, Any] = {}
    for part in ordered:
        values |= part["measurements"]
        # If this part has a parameter without a code, the code of an earlier part is dropped.
        codes = {name: code for name, code in codes.items() if name not in part["measurements"]}
        codes |= part.get("source_flags", {})
    issues = [issue for group in sorted(parts) for issue in parts[group]["parse_issues"]]
    return {
        "measurements": _in_order(values),
        "source_flags": _in_order(codes),
        "parse_issues": [issue for number, issue in enumerate(issues) if issue not in issues[:number]],
        "stamp": {name: ordered[-1][name] for name in STAMP},
        "digest": merged_half({group: part["digest"] for group, part in parts.items()}),
    }


def merged(stored: Document, record: Document, reported: Iterable[str]) -> dict[str, Any]:
    """A stored document with a record merged into it as the part of its group.

    `reported` are the parameters that the station reports, for the completeness. The digest lacks its second half,
    which `complete_digests` adds. The flags are those of both; QC brings them up to date.
    """
    parts = parts_of(stored) | parts_of(record)
    found = observed(parts)
    values = found["measurements"]
    # The record's own derived amount takes precedence over the document's.
    amount = record["measurements"].get(DERIVED, stored["measurements"].get(DERIVED))
    expected = frozenset(reported) & _MEASURED
    quality = {
        **record["data_quality"],
        "completeness_score": len(expected & values.keys()) / len(expected) if expected else 0.0,
        **_flags(stored, record, values),
        "parse_issues": found["parse_issues"],
    }
    quality.pop("source_flags", None)
    metadata = {name: value for name, value in record["metadata"].items() if name != GROUP}
    return {
        **record,
        "measurements": _in_order(values | ({} if amount is None else {DERIVED: amount})),
        "data_quality": quality | ({"source_flags": found["source_flags"]} if found["source_flags"] else {}),
        "metadata": {**metadata, **found["stamp"], "digest": found["digest"], "parts": _listed(parts)},
    }


def touch_lineage(stored: Document, record: Document) -> dict[str, Any]:
    """The `metadata` of a stored document after a part of it was delivered again with the same content."""
    parts = parts_of(stored) | parts_of(record)
    return {**stored["metadata"], **observed(parts)["stamp"], "parts": _listed(parts)}


def complete_digests(documents: Sequence[dict[str, Any]]) -> None:
    """Add the second half of the digest to each document that `merged` returned."""
    for document, half in zip(documents, quality_digests(documents), strict=True):
        document["metadata"]["digest"] += half


def quality_digests(documents: Sequence[Document]) -> list[str]:
    """The second half of each document's digest, from its QC results."""
    qualities = [document["data_quality"] for document in documents]
    flags = pa.array([json.dumps(quality["flags"]) if quality["flags"] else None for quality in qualities], pa.string())
    flag, anomalies, version = (
        np.array([quality[name] for quality in qualities], dtype=np.int64)
        for name in ("flag", "anomalies_detected", "qc_version")
    )
    amount = np.array([document["measurements"].get(DERIVED, np.nan) for document in documents], dtype=np.float64)
    return [half.decode() for half in qc_hashes(flag, flags, anomalies, amount, version).tolist()]


def _key(part: Part) -> tuple[Any, ...]:
    # The group decides between two parts with equal ranks and digests.
    return (*key_of(part, part["digest"], valued=bool(part["measurements"])), part[GROUP])


def _flags(stored: Document, record: Document, values: Mapping[str, float]) -> dict[str, Any]:
    """The flags of both for the values that remain, until QC has evaluated the merged document."""
    flags: dict[str, Any] = {}
    for document in (stored, record):
        measured = document["measurements"]
        of_document = document["data_quality"]["flags"].items()
        flags |= {name: flag for name, flag in of_document if measured[name] == values.get(name)}
    given = [flag["flag"] for flag in flags.values()]
    earlier = [] if stored["data_quality"]["flags"] else [stored["data_quality"]["flag"]]
    among = np.array([record["data_quality"]["flag"], *earlier, *given], dtype=np.uint8)
    worst = among[0]
    for one in among[1:]:
        worst = worse_of(worst.reshape(1), one.reshape(1))[0]
    return {"flag": int(worst), "flags": _in_order(flags), "anomalies_detected": len(flags)}


def _in_order(entries: Mapping[str, Any]) -> dict[str, Any]:
    return dict(sorted(entries.items(), key=lambda entry: _PLACES[entry[0]]))


def _listed(parts: Mapping[str, Part]) -> list[Part]:
    return [parts[group] for group in sorted(parts)]
