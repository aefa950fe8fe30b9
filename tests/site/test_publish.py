"""The site where it is read: what is written, what stays, and what is removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from weakref import WeakSet

import boto3
import pytest

from forecast.core.errors import SettingError
from forecast.site.publish import MANIFEST, Linking, OnDemand, Published, publish_site
from forecast.storage import LocalStore, open_store

FILES = {"static/style.css": b"a", "station/07915.html": b"<p>", "index.html": b"<h1>"}


def publish(folder: Path, files: dict[str, bytes], kept: tuple[str, ...] = ()) -> Published:
    return publish_site(files.items(), LocalStore(folder, "SITE_URI"), kept)


def contents(folder: Path) -> dict[str, bytes]:
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    return {name: content for name, content in found.items() if name != MANIFEST}


def test_the_same_site_once_more_writes_nothing(tmp_path: Path) -> None:
    assert publish(tmp_path, FILES) == Published(3, 0, 0)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert publish(tmp_path, FILES) == Published(0, 3, 0)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert contents(tmp_path) == FILES


def test_only_changed_files_are_written_and_obsolete_ones_are_removed(tmp_path: Path) -> None:
    publish(tmp_path, FILES)
    changed = {"static/style.css": b"a", "index.html": b"<h2>"}
    assert publish(tmp_path, changed) == Published(1, 1, 1)
    assert contents(tmp_path) == changed


def test_kept_pages_stay_although_they_were_not_built(tmp_path: Path) -> None:
    publish(tmp_path, FILES)
    assert publish(tmp_path, {"index.html": b"new"}, kept=("station/07915.html", "never.html")) == Published(1, 1, 1)
    assert contents(tmp_path) == {"index.html": b"new", "station/07915.html": b"<p>"}


def test_after_an_interruption_everything_that_may_be_missing_is_written(tmp_path: Path) -> None:
    publish(tmp_path, FILES)

    def broken_off() -> object:
        yield "index.html", b"half"
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        publish_site(broken_off(), LocalStore(tmp_path, "SITE_URI"))  # type: ignore[arg-type]
    assert publish(tmp_path, {**FILES, "index.html": b"half"}).written == 1
    assert contents(tmp_path)["index.html"] == b"half"


@pytest.mark.parametrize("content", ["", "[]", "{", "\udcff"])
def test_a_manifest_that_cannot_be_read_means_that_all_is_written(tmp_path: Path, content: str) -> None:
    publish(tmp_path, FILES)
    (tmp_path / MANIFEST).write_text(content, "utf-8", "surrogateescape")
    assert publish(tmp_path, FILES) == Published(3, 0, 0)
    assert json.loads((tmp_path / MANIFEST).read_text()).keys() == FILES.keys()


def test_a_place_that_cannot_be_written_is_named_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file")
    with pytest.raises(SettingError, match="set SITE_URI to another"):
        publish(tmp_path / "site", FILES)


def test_on_s3_a_browser_is_told_what_each_file_is(s3_bucket: str) -> None:
    publish_site(FILES.items(), open_store(f"s3://{s3_bucket}/site/", "SITE_URI"))
    client = boto3.client("s3")
    kinds = {key: client.head_object(Bucket=s3_bucket, Key=f"site/{key}")["ContentType"] for key in FILES}
    assert kinds == {
        "static/style.css": "text/css; charset=utf-8",
        "station/07915.html": "text/html; charset=utf-8",
        "index.html": "text/html; charset=utf-8",
    }


def page(station: str, hour: int, state: str = "fresh") -> tuple[str, OnDemand]:
    """A station's page with its values up to an hour."""
    content = f"{state}, values of hour {hour}".encode
    return f"{station}.html", OnDemand(station, state, hour * 3600, f"{station}{hour}", content)


def shown(folder: Path) -> dict[str, str]:
    return {name.removesuffix(".html"): content.decode() for name, content in contents(folder).items()}


def test_of_many_pages_with_new_values_those_with_the_oldest_are_written_and_the_others_stay(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "SITE_URI")
    publish_site([page("A", 1), page("B", 2), page("C", 3)], store)
    assert shown(tmp_path) == {name: f"fresh, values of hour {at}" for name, at in (("A", 1), ("B", 2), ("C", 3))}
    for turn in "ABC":
        before = shown(tmp_path)
        assert publish_site([page(name, 4) for name in "ABC"], store, most_groups=1) == Published(1, 2, 0)
        assert shown(tmp_path) == before | {turn: "fresh, values of hour 4"}
    assert publish_site([page(name, 4) for name in "ABC"], store, most_groups=1) == Published(0, 3, 0)


def test_no_page_is_left_a_day_behind(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "SITE_URI")
    publish_site([page("A", 1), page("B", 2), page("C", 3)], store)
    publish_site([page(name, 25) for name in "ABC"], store, most_groups=0)
    assert shown(tmp_path) == {name: f"fresh, values of hour {at}" for name, at in (("A", 25), ("B", 25), ("C", 3))}


def test_a_page_with_changes_other_than_new_values_is_always_written(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "SITE_URI")
    publish_site([page("A", 1), page("B", 1)], store)
    publish_site([page("A", 2), page("B", 2, "silent")], store, most_groups=0)
    assert shown(tmp_path) == {"A": "fresh, values of hour 1", "B": "silent, values of hour 2"}
    publish_site([page("A", 2), page("B", 2, "silent")], store)
    assert shown(tmp_path)["A"] == "fresh, values of hour 2"


def test_pages_that_are_written_are_not_kept_in_memory(tmp_path: Path) -> None:
    kept: WeakSet[Callable[[], bytes]] = WeakSet()
    most = []

    def page_of(number: int) -> tuple[str, OnDemand]:
        def make() -> bytes:
            most.append(len(kept))
            return b"<p>"

        kept.add(make)
        return f"{number}.html", OnDemand(str(number), "fresh", 0, "", make)

    publish_site(map(page_of, range(3)), LocalStore(tmp_path, "SITE_URI"))
    assert most == [3, 2, 1]


def index() -> tuple[str, OnDemand | Linking]:
    return "index.html", Linking(lambda missing: f"without {', '.join(sorted(missing))}".encode())


def test_of_many_new_pages_some_are_written_in_each_build_as_they_come_and_others_link_to_what_is_there(
    tmp_path: Path,
) -> None:
    store = LocalStore(tmp_path, "SITE_URI")
    files: list[tuple[str, OnDemand | Linking]] = [page("B", 1), page("C", 2), page("A", 2), index()]
    assert publish_site(files, store, most_groups=1) == Published(2, 0, 0, 2)
    assert shown(tmp_path) == {"B": "fresh, values of hour 1", "index": "without A.html, C.html"}
    # A page that was never written comes before those with older values.
    files = [page("B", 2), page("C", 3), page("A", 3), index()]
    assert publish_site(files, store, most_groups=1) == Published(2, 1, 0, 1)
    assert shown(tmp_path) == {
        "B": "fresh, values of hour 1",
        "C": "fresh, values of hour 3",
        "index": "without A.html",
    }
    assert publish_site(files, store, most_groups=1) == Published(2, 2, 0, 0)
    assert shown(tmp_path)["index"] == "without "


def test_no_page_stays_unwritten_for_a_day(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "SITE_URI")
    publish_site([page("A", 1)], store, most_groups=0, at=3 * 3600.0)
    publish_site([page("A", 1), page("B", 1)], store, most_groups=0, at=4 * 3600.0)
    assert shown(tmp_path) == {}
    publish_site([page("A", 1), page("B", 1)], store, most_groups=0, at=26 * 3600.0)
    assert shown(tmp_path) == {"A": "fresh, values of hour 1"}


def test_a_page_that_is_still_to_be_written_stays_so_if_it_is_kept(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "SITE_URI")
    publish_site([page("A", 1), index()], store, most_groups=0)
    assert publish_site([("A.html", b"built"), index()], store, ["A.html"]) == Published(0, 1, 0, 1)
    assert shown(tmp_path) == {"index": "without A.html"}


def test_a_station_that_goes_before_its_page_was_written_leaves_nothing(tmp_path: Path) -> None:
    store = LocalStore(tmp_path, "SITE_URI")
    publish_site([page("A", 1), page("B", 1)], store, most_groups=1)
    assert publish_site([page("A", 1)], store, most_groups=1) == Published(0, 1, 0)
    assert shown(tmp_path) == {"A": "fresh, values of hour 1"}
