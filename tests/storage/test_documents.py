"""Small documents that several processes write."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from forecast.core.errors import SettingError
from forecast.storage.documents import DocumentChangedError, Documents, LocalDocuments, open_documents

PLACES = ["local", "s3"]


@pytest.fixture
def documents(request: pytest.FixtureRequest, tmp_path: Path) -> Documents:
    if request.param == "s3":
        return open_documents(f"s3://{request.getfixturevalue('s3_bucket')}/state/", "INGEST_STATE_URI")
    return open_documents(str(tmp_path / "state"), "INGEST_STATE_URI")


def places(*names: str) -> pytest.MarkDecorator:
    marked = [pytest.param(name, marks=pytest.mark.database) if name == "s3" else name for name in names]
    return pytest.mark.parametrize("documents", marked, indirect=True)


@places(*PLACES)
def test_a_document_is_written_in_place_of_the_version_that_was_read(documents: Documents) -> None:
    assert documents.read("a.json") is None
    first = documents.write("a.json", b"one", None)
    found = documents.read("a.json")
    assert found is not None
    assert (found.content, found.version) == (b"one", first)
    second = documents.write("a.json", b"two", first)
    assert second != first
    found = documents.read("a.json")
    assert found is not None
    assert found.content == b"two"


@places(*PLACES)
@pytest.mark.parametrize("replaces", [None, "old"])
def test_what_somebody_else_has_written_is_not_replaced(documents: Documents, replaces: str | None) -> None:
    old = documents.write("a.json", b"one", None)
    documents.write("a.json", b"two", old)
    with pytest.raises(DocumentChangedError, match=r"a\.json was changed by another process"):
        documents.write("a.json", b"three", old if replaces else None)
    found = documents.read("a.json")
    assert found is not None
    assert found.content == b"two"


@places(*PLACES)
def test_a_document_that_is_gone_is_not_replaced(documents: Documents) -> None:
    version = documents.write("a.json", b"one", None)
    with pytest.raises(DocumentChangedError):
        documents.write("b.json", b"two", version)


@places(*PLACES)
def test_a_new_document_is_a_few_seconds_old_by_the_clock_of_its_place(documents: Documents) -> None:
    documents.write("a.json", b"one", None)
    found = documents.read("a.json")
    assert found is not None
    assert -1 <= found.age_seconds < 300


def test_an_old_document_is_as_old_as_its_file(tmp_path: Path) -> None:
    documents = LocalDocuments(tmp_path, "INGEST_STATE_URI")
    documents.write("a.json", b"one", None)
    os.utime(tmp_path / "a.json", (0, 0))
    found = documents.read("a.json")
    assert found is not None
    assert found.age_seconds > 1e9


def test_of_writers_that_write_at_once_one_writes(tmp_path: Path) -> None:
    documents = LocalDocuments(tmp_path, "INGEST_STATE_URI")
    version = documents.write("a.json", b"start", None)
    written: list[bytes] = []

    def write(content: bytes) -> None:
        try:
            documents.write("a.json", content, version)
        except DocumentChangedError:
            return
        written.append(content)

    others = [threading.Thread(target=write, args=(str(number).encode(),)) for number in range(8)]
    for other in others:
        other.start()
    for other in others:
        other.join()
    found = documents.read("a.json")
    assert found is not None
    assert written == [found.content]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "a.json"]


def test_a_folder_that_cannot_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file")
    with pytest.raises(SettingError, match=r"state/a\.json cannot be written: .*INGEST_STATE_URI"):
        LocalDocuments(tmp_path / "state", "INGEST_STATE_URI").write("a.json", b"one", None)
