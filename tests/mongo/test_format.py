"""Documents of another format version are neither read nor mixed with this program's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from forecast.core.errors import SettingError
from forecast.core.format_version import FORMAT_VERSION
from forecast.mongo.client import ObservationCollection
from forecast.mongo.format import check_format
from forecast.mongo.loader import check_collection, load, prepare_collection
from forecast.mongo.qc_queue import PendingQc
from tests.networks import START, five, observation, records


def _words(collection: ObservationCollection, version: int) -> str:
    return (
        f"the documents of {collection.full_name} are of format version {version}, and this program reads and writes "
        "2. Set MONGODB_DATABASE or MONGODB_COLLECTION to a new name and run the pipeline, which fills it from the raw "
        "zone; or use the version of the program that wrote them"
    )


@pytest.mark.parametrize("check", [check_format, check_collection, prepare_collection])
@pytest.mark.parametrize(("metadata", "version"), [({}, 1), ({"format_version": 3}, 3)], ids=["unnumbered", "newer"])
def test_documents_of_another_format_are_reported_with_what_to_do(
    check: Callable[[ObservationCollection], None],
    metadata: dict[str, int],
    version: int,
    collection: ObservationCollection,
) -> None:
    document = {"_id": "A@2024-10-01T00:00:00Z", "metadata": {"digest": "0" * 32, **metadata}}
    collection.insert_one(document, bypass_document_validation=True)
    with pytest.raises(SettingError) as told:
        check(collection)
    assert told.value.message == _words(collection, version)
    assert collection.count_documents({}) == 1


@pytest.mark.parametrize("stranger", [{}, {"metadata": "imported"}, {"metadata": {"digest": 7}}])
def test_documents_of_another_program_have_no_format_version(
    stranger: dict[str, Any], collection: ObservationCollection
) -> None:
    check_format(collection)
    collection.insert_one(dict(stranger), bypass_document_validation=True)
    check_format(collection)


def test_every_document_names_its_format_version(collection: ObservationCollection, tmp_path: Path) -> None:
    prepare_collection(collection)
    frame = records([observation("A", START, air_temperature=1.0)], five(), tmp_path)
    load(frame, collection, PendingQc.for_collection(collection, "run"))
    assert [document["metadata"]["format_version"] for document in collection.find()] == [2]
    assert FORMAT_VERSION == 2
    prepare_collection(collection)
