"""Completes an admitted row: identity, completeness, flags and digest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from forecast.core.digests import content_hashes, qc_hashes, whole_digests
from forecast.core.parameters import MEASURED_NAMES
from forecast.core.schemas import VALIDATED_SCHEMA
from forecast.core.stations import Station, Stations
from forecast.networks.qc_version import qc_version
from forecast.validate.initial_qc import flag_batch


def with_metadata(table: pa.Table, stations: Stations, objects: npt.NDArray[np.integer]) -> pa.Table:
    """Convert observations of known stations from OBSERVATION_SCHEMA to VALIDATED_SCHEMA.

    `objects` numbers the raw objects of the rows. The flags only take the rows of one station in one object into
    account. The surrounding observations, and those of the neighbours, are in the database, and are used for QC once
    the records are there too.
    """
    size = table.num_rows
    encoded = table["station_id"].combine_chunks().dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    known = [station for name in encoded.dictionary.to_pylist() if (station := stations.get(name)) is not None]
    columns = {
        "_id": _document_ids(table),
        **{name: table[name] for name in table.column_names},
        "completeness_score": pa.array(_completeness(table, known, codes)),
    }
    first = content_hashes(pa.table(columns), known, codes)
    distinct, series = np.unique(objects * len(known) + codes, return_inverse=True)
    quality = flag_batch(table, [known[place % len(known)] for place in distinct.tolist()], series, first)
    columns |= {
        "precipitation_amount": pa.array(quality.amount, from_pandas=True),
        "flag": pa.array(quality.flag),
        "flags": quality.flags,
        "anomalies_detected": pa.array(quality.anomalies),
        "qc_version": pa.repeat(pa.scalar(qc_version(), pa.int32()), size),
    }
    second = qc_hashes(quality.flag, quality.flags, quality.anomalies, quality.amount, np.full(size, qc_version()))
    columns["digest"] = whole_digests(first, second)
    return pa.table(columns, schema=VALIDATED_SCHEMA)


def _document_ids(table: pa.Table) -> pa.Array:
    """Document ids of station and UTC time, such as ILAMAD25@2024-10-01T00:04:00Z."""
    seconds = table["timestamp"].cast(pa.int64())
    text = pc.divide(seconds, 1000).cast(pa.timestamp("s")).cast(pa.string())
    stamps = pc.utf8_replace_slice(text, 10, 11, "T")
    return pc.binary_join_element_wise(table["station_id"], "@", stamps, "Z", "").combine_chunks()


def _completeness(table: pa.Table, known: Sequence[Station], codes: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """Parameters present / parameters the station reports, row by row."""
    reports = np.array([[name in station.parameters for name in MEASURED_NAMES] for station in known], dtype=bool)
    reports = reports.reshape(len(known), len(MEASURED_NAMES))
    present = np.zeros(table.num_rows, dtype=np.int64)
    for index, name in enumerate(MEASURED_NAMES):
        column = table[name]
        if column.null_count < len(column) and reports[:, index].any():
            present += np.asarray(column.is_valid()) & reports[codes, index]
    return present / reports.sum(axis=1)[codes] if len(known) else np.zeros(0)
