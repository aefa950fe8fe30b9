"""The two kinds of place for objects behave alike: a local folder and an S3 bucket's prefix."""

from __future__ import annotations

import os
from pathlib import Path

import boto3
import pytest

from forecast.errors import RetryableError, SettingError
from forecast.observations import RawObject
from forecast.stores import LocalStore, ObjectChangedError, S3Store, Store, digest_of, open_store

SECRET = "s3cr3t-w0rd"
KEYS = ["a.jsonl", "b/Weather+Underground+-+La+Madeleine,+FR.xlsx", "b/été %2B.csv"]


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    """An empty place of each kind."""
    if request.param == "folder":
        (tmp_path / "zone").mkdir()
        return open_store(str(tmp_path / "zone"))
    return open_store(f"s3://{request.getfixturevalue('s3_bucket')}/zone")


def put(store: Store, key: str, content: bytes, folder: Path) -> None:
    source = folder / "source"
    source.write_bytes(content)
    store.publish(source, key)


def only(store: Store) -> RawObject:
    (listed,) = store.list()
    return listed


def test_what_is_published_is_listed_in_order_and_read_back(store: Store, tmp_path: Path) -> None:
    for key in reversed(KEYS):
        put(store, key, key.encode(), tmp_path)
    listed = list(store.list())
    assert [entry.key for entry in listed] == KEYS
    assert [entry.size for entry in listed] == [len(key.encode()) for key in KEYS]
    for entry in listed:
        store.fetch(entry, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == entry.key.encode()
        assert entry.uri.endswith(entry.key)
        assert entry.last_modified.utcoffset() is not None


def test_a_prefix_limits_the_list(store: Store, tmp_path: Path) -> None:
    for key in KEYS:
        put(store, key, b"x", tmp_path)
    assert [entry.key for entry in store.list("b/")] == KEYS[1:]
    assert list(store.list("c/")) == []


def test_an_object_is_found_by_its_key(store: Store, tmp_path: Path) -> None:
    put(store, "a/b", b"xyz", tmp_path)
    assert [store.find(key) is not None for key in ("a/b", "a", "a/c")] == [True, False, False]
    found = store.find("a/b")
    assert found is not None
    assert [found[:4]] == [listed[:4] for listed in store.list()]


def test_a_file_has_the_digest_that_fetching_it_will_give(store: Store, tmp_path: Path) -> None:
    put(store, "a/b", b"xyz", tmp_path)
    (listed,) = store.list()
    digest = store.fetch(listed, tmp_path / "copy")
    assert digest_of(tmp_path / "copy", "a/b") == digest
    assert digest_of(tmp_path / "copy", "a/c") != digest


def test_an_object_of_the_same_key_is_replaced(store: Store, tmp_path: Path) -> None:
    put(store, "a", b"old", tmp_path)
    put(store, "a", b"newer", tmp_path)
    store.fetch(only(store), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"newer"


def test_the_digest_is_of_key_and_content(store: Store, tmp_path: Path) -> None:
    for key, content in (("a", b"x"), ("b", b"x"), ("c", b"y")):
        put(store, key, content, tmp_path)
    digests = [store.fetch(entry, tmp_path / "copy") for entry in store.list()]
    assert len(set(digests)) == 3
    assert all(len(digest) == 32 and set(digest) <= set("0123456789abcdef") for digest in digests)
    assert digests == [store.fetch(entry, tmp_path / "copy") for entry in store.list()]


def test_an_object_that_changed_after_it_was_listed_is_not_read(store: Store, tmp_path: Path) -> None:
    put(store, "a", b"old", tmp_path)
    listed = only(store)
    put(store, "a", b"newer", tmp_path)
    with pytest.raises(ObjectChangedError):
        store.fetch(listed, tmp_path / "copy")


def test_an_object_that_was_removed_after_it_was_listed_is_told(store: Store, tmp_path: Path) -> None:
    put(store, "a", b"old", tmp_path)
    listed = only(store)
    if isinstance(store, LocalStore):
        Path(listed.uri).unlink()
    else:
        bucket, _, key = listed.uri.removeprefix("s3://").partition("/")
        boto3.client("s3").delete_object(Bucket=bucket, Key=key)
    with pytest.raises(ObjectChangedError, match="removed after it was listed"):
        store.fetch(listed, tmp_path / "copy")


def test_both_kinds_give_one_object_the_same_digest(s3_bucket: str, tmp_path: Path) -> None:
    (tmp_path / "zone").mkdir()
    digests = set()
    for store in (LocalStore(tmp_path / "zone"), S3Store(f"s3://{s3_bucket}")):
        put(store, "a/b", b"content", tmp_path)
        digests.add(store.fetch(only(store), tmp_path / "copy"))
    assert len(digests) == 1


def test_a_folder_that_is_not_there_is_a_setting_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not exist"):
        list(LocalStore(tmp_path / "none").list())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "zone").mkdir(mode=0o500)
    with pytest.raises(RetryableError, match="cannot be written"):
        put(LocalStore(tmp_path / "zone"), "a", b"x", tmp_path)


def test_a_failed_write_leaves_nothing_half_written(tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    (zone / "a").mkdir(parents=True)  # a folder stands where the object would be
    with pytest.raises(RetryableError, match="cannot be written"):
        put(LocalStore(zone), "a", b"x", tmp_path)
    assert list(LocalStore(zone).list()) == []


def test_a_bucket_that_is_not_there_is_a_setting_error(s3_bucket: str) -> None:
    with pytest.raises(SettingError) as caught:
        list(S3Store("s3://no-such-bucket-anywhere/prefix/").list())
    assert caught.value.message == ("s3://no-such-bucket-anywhere/prefix/ could not be listed: there is no such bucket")


def test_no_credentials_are_a_setting_error_that_names_them(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # which remembers credentials
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SettingError, match="no AWS credentials were found; set AWS_ACCESS_KEY_ID or a role"):
        list(S3Store(f"s3://{s3_bucket}/").list())


def test_half_of_the_credentials_are_no_credentials(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", SECRET)
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SettingError) as caught:
        S3Store(f"s3://{s3_bucket}/")
    assert "no AWS credentials were found" in caught.value.message
    assert SECRET not in str(caught.value)


def test_a_prefix_is_a_folder_and_not_the_beginning_of_a_name(s3_bucket: str, tmp_path: Path) -> None:
    put(S3Store(f"s3://{s3_bucket}/zone-2"), "a", b"x", tmp_path)
    assert list(S3Store(f"s3://{s3_bucket}/zone").list()) == []
    assert S3Store(f"s3://{s3_bucket}/zone").uri == f"s3://{s3_bucket}/zone/"
