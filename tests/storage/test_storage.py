"""The two kinds of place for objects behave alike: a local folder and an S3 bucket's prefix."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

import boto3
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecast.core.errors import ObjectDeniedError, ObjectRejectedError, RetryableError, SettingError
from forecast.core.raw_objects import RawObject
from forecast.storage import LocalStore, ObjectChangedError, Store, digest_of, open_store, s3
from forecast.storage.s3 import S3Store

SRC = Path(__file__).parents[2] / "src"
SECRET = "s3cr3t-w0rd"
KEYS = ["a.jsonl", "b/Weather+Underground+-+La+Madeleine,+FR.xlsx", "b/été %2B.csv"]
COMPOSED, DECOMPOSED = "caf\u00e9", "cafe\u0301"
ODD_KEYS = [
    "a b", "a+b", "a%2Bb", "a%20b", "a?b=c", "a#b", "a&b", "a;b", "a:b", "a\\b", "a'b\"c", "a\tb", "<a>", "~a", "*",
    COMPOSED, DECOMPOSED, "日本", "\u202ea", "...", "..a", " a ", "-rf", "a@b", "x" * 255,
]  # fmt: skip
NOBODY = 65534


@pytest.fixture(params=["folder", pytest.param("bucket", marks=pytest.mark.database)])
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


def test_a_folder_is_listed_in_the_order_of_whole_keys(tmp_path: Path) -> None:
    """A folder comes where its name with the slash does: "." and "-" are before a slash, digits and letters after."""
    keys = ["a-b", "a.b/c", "a/0", "a/b/c", "a/c", "a0", "ab/c", "b"]
    for key in reversed(keys):
        (tmp_path / key).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / key).write_bytes(b"")
    assert [listed.key for listed in LocalStore(tmp_path).list()] == keys == sorted(keys)
    assert [listed.key for listed in LocalStore(tmp_path).list("a/b")] == ["a/b/c"]


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


def test_an_object_that_is_removed_is_gone_and_no_other(store: Store, tmp_path: Path) -> None:
    for key in ("a/b", "a/c"):
        put(store, key, b"xyz", tmp_path)
    for _ in range(2):
        store.remove("a/b")
        assert [entry.key for entry in store.list()] == ["a/c"]
    for nothing in ("b/c", "a/c/d"):
        store.remove(nothing)
    assert [entry.key for entry in store.list()] == ["a/c"]


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


def test_content_in_memory_is_published_like_a_file(store: Store, tmp_path: Path) -> None:
    put(store, "a", b"of a file", tmp_path)
    store.publish(memoryview(b"in memory"), "a")
    store.fetch(only(store), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"in memory"


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


def test_an_object_that_was_removed_after_it_was_listed_is_reported(store: Store, tmp_path: Path) -> None:
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


def test_a_missing_folder_is_a_setting_error(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="does not exist"):
        list(LocalStore(tmp_path / "none").list())


@pytest.fixture
def zone_of_nobody() -> Iterator[Path]:
    """A folder, by a user whom file modes stop: root may read and write everywhere."""
    with tempfile.TemporaryDirectory() as name:
        zone = Path(name) / "zone"
        zone.mkdir()
        if os.geteuid() != 0:
            yield zone
            return
        for path in (zone.parent, zone):
            os.chown(path, NOBODY, -1)
        os.seteuid(NOBODY)
        try:
            yield zone
        finally:
            os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_a_setting_error(zone_of_nobody: Path) -> None:
    zone_of_nobody.chmod(0o500)
    with pytest.raises(SettingError) as caught:
        put(LocalStore(zone_of_nobody), "a", b"x", zone_of_nobody.parent)
    assert caught.value.message == (
        f"{zone_of_nobody}/a cannot be written: Permission denied; make its folder writable, "
        "or set PROCESSED_URI to another"
    )


def test_a_folder_that_cannot_be_listed_is_not_left_out(zone_of_nobody: Path) -> None:
    store = LocalStore(zone_of_nobody)
    put(store, "open/a", b"x", zone_of_nobody.parent)
    (zone_of_nobody / "shut").mkdir(mode=0o000)
    with pytest.raises(SettingError) as caught:
        list(store.list())
    assert caught.value.message == f"the folder {zone_of_nobody}/shut cannot be listed: Permission denied"
    assert store.find("open/a") is not None
    with pytest.raises(RetryableError, match="shut/a cannot be accessed: Permission denied"):
        store.find("shut/a")


def test_a_file_that_cannot_be_read_is_listed_and_reported(zone_of_nobody: Path) -> None:
    store = LocalStore(zone_of_nobody)
    put(store, "a", b"x", zone_of_nobody.parent)
    (zone_of_nobody / "a").chmod(0o000)
    words = r"zone/a may not be read by this user \(Permission denied\); change its permissions"
    with pytest.raises(ObjectDeniedError, match=words):
        store.fetch(only(store), zone_of_nobody.parent / "copy")


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _dangling(path: Path) -> None:
    path.symlink_to("nowhere")


def _round(path: Path) -> None:
    path.symlink_to(path.name)


def _folder_link(path: Path) -> None:
    (path.parent / "b").mkdir()
    path.symlink_to("b")


def _socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as made:
        made.bind(str(path))


@pytest.mark.parametrize(
    ("make", "found"),
    [
        (_pipe, "a named pipe"),
        (_folder_link, "a link to a folder"),
        (_dangling, "a link to nothing"),
        (_round, "a link to itself"),
        (_socket, "a socket"),
    ],
)
def test_something_other_than_a_file_is_listed_and_rejected_without_waiting(
    tmp_path: Path, make: Callable[[Path], None], found: str
) -> None:
    (tmp_path / "zone").mkdir()
    make(tmp_path / "zone" / "a")
    store = LocalStore(tmp_path / "zone")
    listed = only(store)
    with pytest.raises(ObjectRejectedError) as caught:
        store.fetch(listed, tmp_path / "copy")
    message = f"this is {found}, not a file; remove it from the zone"
    assert (caught.value.code, caught.value.message) == ("not_a_file", message)
    assert store.find("a") is None


def test_a_name_that_is_not_text_is_rejected(tmp_path: Path) -> None:
    (tmp_path / "zone").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/zone/caf\xe9")).write_bytes(b"x")
    store = LocalStore(tmp_path / "zone")
    listed = only(store)
    with pytest.raises(ObjectRejectedError) as caught:
        store.fetch(listed, tmp_path / "copy")
    assert (caught.value.code, caught.value.message) == (
        "bad_name",
        "the name of the file is not UTF-8; rename it",
    )


@pytest.mark.parametrize("zone", ["zone", "way"])
def test_a_link_to_a_file_of_the_zone_is_a_file(tmp_path: Path, zone: str) -> None:
    (tmp_path / "zone" / "b").mkdir(parents=True)
    (tmp_path / "way").symlink_to("zone")
    (tmp_path / "zone" / "b" / "file").write_bytes(b"xyz")
    (tmp_path / "zone" / "a").symlink_to("b/file")
    store = LocalStore(tmp_path / zone)
    assert [listed.key for listed in store.list()] == ["a", "b/file"]
    store.fetch(next(iter(store.list())), tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"xyz"


@pytest.mark.parametrize(
    "target", ["/etc/passwd", "/usr", "/dev/zero", "../beside", "../zone2/file", "b/../../zone2/file"]
)
def test_a_link_out_of_the_zone_is_rejected_by_name_and_not_read(tmp_path: Path, target: str) -> None:
    (tmp_path / "zone" / "b").mkdir(parents=True)
    (tmp_path / "zone2").mkdir()
    for name in ("beside", "zone2/file"):
        (tmp_path / name).write_text("a secret")
    (tmp_path / "zone" / "a").symlink_to(target)
    store = LocalStore(tmp_path / "zone")
    with pytest.raises(ObjectRejectedError) as caught:
        store.fetch(only(store), tmp_path / "copy")
    assert (caught.value.code, caught.value.message) == (
        "link_outside",
        "the file is a link that leads out of the folder, and is not followed; put the file itself there",
    )
    assert not (tmp_path / "copy").exists()


def test_a_full_disk_is_reported_as_such(tmp_path: Path) -> None:
    (tmp_path / "zone").mkdir()
    store = LocalStore(tmp_path / "zone")
    put(store, "a", b"x", tmp_path)
    with pytest.raises(RetryableError, match=r"/a cannot be copied to /dev: No space left on device; free some space"):
        store.fetch(only(store), Path("/dev/full"))


def test_odd_keys_are_kept_as_they_are(store: Store, tmp_path: Path) -> None:
    # The S3 server of these tests takes no key with a line feed.
    keys = [*ODD_KEYS, "a\nb"] if isinstance(store, LocalStore) else ODD_KEYS
    for key in keys:
        put(store, f"odd/{key}", key.encode(), tmp_path)
    listed = list(store.list())
    assert [entry.key for entry in listed] == sorted(f"odd/{key}" for key in keys)
    digests = set()
    for entry in listed:
        assert store.find(entry.key) is not None
        digests.add(store.fetch(entry, tmp_path / "copy"))
        assert f"odd/{(tmp_path / 'copy').read_text()}" == entry.key
    assert len(digests) == len(keys)


def test_the_prefix_of_a_bucket_may_be_odd_too(s3_bucket: str, tmp_path: Path) -> None:
    for prefix in ("a?b/c#d", "a%2Bb", COMPOSED, DECOMPOSED, "/", "../.."):
        store = S3Store(f"s3://{s3_bucket}/{prefix}")
        put(store, "x", prefix.encode(), tmp_path)
        entry = only(store)
        assert entry.uri == f"s3://{s3_bucket}/{prefix.removesuffix('/')}/x"
        store.fetch(entry, tmp_path / "copy")
        assert (tmp_path / "copy").read_text() == prefix


def test_a_folder_marker_is_not_listed(s3_bucket: str) -> None:
    for key in ("zone/", "zone/a/", "zone/b"):
        boto3.client("s3").put_object(Bucket=s3_bucket, Key=key, Body=b"")
    assert [entry.key for entry in S3Store(f"s3://{s3_bucket}/zone").list()] == ["a/", "b"]


def test_keys_that_climb_are_keys_in_a_bucket(s3_bucket: str, tmp_path: Path) -> None:
    store = S3Store(f"s3://{s3_bucket}/zone/")
    for key in ("../../x", "a/../b", "./c", "d//e"):
        put(store, key, key.encode(), tmp_path)
    listed = list(store.list())
    assert sorted(entry.key for entry in listed) == sorted(("../../x", "a/../b", "./c", "d//e"))
    for entry in listed:
        store.fetch(entry, tmp_path / "copy")
        assert (tmp_path / "copy").read_text() == entry.key


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b\0", "~", "*"]), min_size=1, max_size=5).map("/".join))
def test_no_key_leaves_the_folder(key: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        (home / "x" / "y" / "zone").mkdir(parents=True)
        (home / "source").write_bytes(b"content")
        before = set(home.rglob("*"))
        store = LocalStore(home / "x" / "y" / "zone")
        try:
            store.publish(home / "source", key)
        except SettingError as error:
            assert error.message.endswith(f"cannot be the name of a file in {store.uri}")
            assert set(home.rglob("*")) == before
            with pytest.raises(SettingError):
                store.find(key)
        else:
            assert (home / "x" / "y" / "zone" / key).read_bytes() == b"content"
            assert all(path.is_relative_to(home / "x" / "y" / "zone") for path in set(home.rglob("*")) - before)


def test_a_failed_write_leaves_nothing_half_written(tmp_path: Path) -> None:
    zone = tmp_path / "zone"
    (zone / "a").mkdir(parents=True)  # a folder stands where the object would be
    with pytest.raises(SettingError, match="cannot be written: Is a directory"):
        put(LocalStore(zone), "a", b"x", tmp_path)
    assert list(LocalStore(zone).list()) == []


KILLED_WRITER = """
import os, shutil, signal, sys
from pathlib import Path
from forecast.storage import LocalStore

def copy_half(source, part, size):
    part.write(b"half")
    part.flush()
    os.kill(os.getpid(), signal.SIGKILL)

shutil.copyfileobj = copy_half
LocalStore(Path(sys.argv[1])).publish(Path(sys.argv[2]), "rejected/a.jsonl.gz")
"""


@pytest.mark.whole
def test_a_partial_file_of_a_killed_writer_is_not_an_object_and_the_next_writer_removes_it(tmp_path: Path) -> None:
    store, source = LocalStore(tmp_path), tmp_path / "source"
    source.write_bytes(b"whole")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED_WRITER, str(tmp_path), str(source)], env={"PYTHONPATH": str(SRC)}, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert [path.read_bytes() for path in (tmp_path / "rejected").iterdir()] == [b"half"]
    assert list(store.list("rejected/")) == []
    store.publish(source, "rejected/b.jsonl.gz")
    assert [path.name for path in (tmp_path / "rejected").iterdir()] == ["b.jsonl.gz"]


def test_what_another_writer_is_writing_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"whole")
    copy = shutil.copyfileobj

    def meanwhile(first: BinaryIO, part: BinaryIO, size: int) -> None:
        monkeypatch.setattr(shutil, "copyfileobj", copy)
        LocalStore(tmp_path).publish(source, "zone/b")
        copy(first, part, size)

    monkeypatch.setattr(shutil, "copyfileobj", meanwhile)
    LocalStore(tmp_path).publish(source, "zone/a")
    assert {path.name: path.read_bytes() for path in (tmp_path / "zone").iterdir()} == {"a": b"whole", "b": b"whole"}


def test_a_missing_bucket_is_a_setting_error(s3_bucket: str) -> None:
    with pytest.raises(SettingError) as caught:
        list(S3Store("s3://no-such-bucket-anywhere/prefix/").list())
    assert caught.value.message == (
        "s3://no-such-bucket-anywhere/prefix/ could not be listed: the bucket does not exist"
    )


def test_no_credentials_are_a_setting_error_that_names_them(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3._session.cache_clear()  # which remembers credentials
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(SettingError, match="no AWS credentials were found; set AWS_ACCESS_KEY_ID or a role"):
        list(S3Store(f"s3://{s3_bucket}/").list())


def test_an_access_key_without_its_secret_is_an_error(s3_bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    s3._session.cache_clear()
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


def test_the_entries_next_to_a_folder_at_the_root_are_those_of_the_root() -> None:
    where, names = LocalStore(Path("/no-such-zone")).beside()
    assert where == "/"
    assert "tmp/" in names
