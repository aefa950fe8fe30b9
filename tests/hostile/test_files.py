"""Hostile files and compression: cases 1 to 14."""

from __future__ import annotations

import gzip
import io
import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import main
from tests.hostile.conftest import TABLE_KEY, RunObject, run_in
from tests.hostile.objects import (
    CLIMATE_KEY,
    HEADER,
    TABLE,
    VALUES,
    climate,
    day_workbook,
    document,
    enveloped,
    lines,
    table_row,
    to_avro,
    to_csv,
    to_parquet,
    workbook,
)
from tests.integration.worlds import WorldMaker

MB = 1 << 20
WRITERS: dict[str, Callable[[list[dict[str, Any]]], bytes]] = {
    "jsonl": lambda rows: lines(*rows),
    "csv": to_csv,
    "parquet": to_parquet,
    "avro": to_avro,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_case_01_gzip_cut_in_the_middle_is_rejected_and_nothing_of_it_loaded(kind: str, run_object: RunObject) -> None:
    packed = gzip.compress(WRITERS[kind]([table_row(minute) for minute in range(60)]))
    ending = run_object(packed[: len(packed) * 7 // 10])
    message = "the gzip file is damaged or truncated: Compressed file ended before the end-of-stream marker was reached"
    ending.assert_rejected("bad_gzip", message)


def test_case_01_a_gzip_whose_readable_part_is_many_rows_leaves_none_of_them(run_object: RunObject) -> None:
    rows = [
        climate(hour, dh_utc=f"2024-{day % 12 + 1:02}-{day % 28 + 1:02} {hour:02}:00:00")
        for day in range(999)
        for hour in range(24)
    ]
    packed = gzip.compress(lines(*rows))
    ending = run_object(packed[: len(packed) * 9 // 10], CLIMATE_KEY)
    message = "the gzip file is damaged or truncated: Compressed file ended before the end-of-stream marker was reached"
    ending.assert_rejected("bad_gzip", message)


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(
    ("place", "message"), [(-8, "CRC check failed"), (-4, "Incorrect length of data produced")], ids=["CRC", "length"]
)
def test_case_02_gzip_with_a_wrong_trailer_is_rejected(
    kind: str, place: int, message: str, run_object: RunObject
) -> None:
    packed = bytearray(gzip.compress(WRITERS[kind](TABLE)))
    packed[place] ^= 1
    ending = run_object(bytes(packed))
    assert ending.error[1].startswith(f"the gzip file is damaged or truncated: {message}")
    ending.assert_rejected("bad_gzip", ending.error[1])


def test_case_03_gzip_members_one_after_another_are_all_loaded(run_object: RunObject) -> None:
    ending = run_object(b"".join(gzip.compress(lines(row)) for row in TABLE))
    ending.assert_accepted(3)
    assert ending.measurements == [VALUES] * 3


def test_case_04_a_name_that_ends_in_gz_and_plain_lines_are_loaded_with_a_note(run_object: RunObject) -> None:
    key = TABLE_KEY + ".gz"
    ending = run_object(lines(*TABLE), key)
    ending.assert_accepted(3)
    assert ending.warnings == [f"{key} is named .gz but is not gzipped"]


def test_case_04_a_gzip_that_is_named_jsonl_is_loaded_with_a_note(run_object: RunObject) -> None:
    ending = run_object(gzip.compress(lines(*TABLE)))
    ending.assert_accepted(3)
    assert ending.warnings == [f"{TABLE_KEY} is gzipped, although its name does not say so"]


def test_case_05_a_gzip_of_blanks_without_end_is_stopped_at_the_limit(run_object: RunObject) -> None:
    ending = run_object(gzip.compress(b" " * (40 * MB)), variables={"MAX_UNPACKED_MB": "32"})
    ending.assert_rejected("too_large", "the gzip file unpacks to more than 32 MB (MAX_UNPACKED_MB)")


@pytest.mark.parametrize("kind", ["jsonl", "csv", "parquet"])
def test_case_05_a_gzip_of_one_row_again_and_again_is_stopped_and_leaves_nothing(
    kind: str, run_object: RunObject
) -> None:
    content = WRITERS[kind](TABLE)
    body = content[content.index(b"\n") + 1 :] if kind != "parquet" else b"\0" * MB
    packed = gzip.compress(content + body * (6 * MB // len(body)))
    ending = run_object(packed, variables={"MAX_UNPACKED_MB": "4"})
    ending.assert_rejected("too_large", "the gzip file unpacks to more than 4 MB (MAX_UNPACKED_MB)")


def test_case_05_a_table_is_stopped_at_the_limit_in_whatever_encoding_it_comes(run_object: RunObject) -> None:
    """What has 2 bytes in UTF-16 has 3 in UTF-8."""
    text = to_csv(TABLE).decode() + "\u2100" * (3 * MB // 2)
    ending = run_object(text.encode("utf-16"), variables={"MAX_UNPACKED_MB": "4"})
    ending.assert_rejected("too_large", "the table unpacks to more than 4 MB (MAX_UNPACKED_MB)")


def rezipped(content: bytes, changes: dict[str, bytes]) -> bytes:
    """A workbook with some of its parts replaced."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as after:
        for name in {**dict.fromkeys(before.namelist()), **changes}:
            after.writestr(name, changes[name] if name in changes else before.read(name))
    return sink.getvalue()


SHEET = "xl/worksheets/sheet1.xml"
_SHEET_XML = (
    '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData></worksheet>'
)


def sheet_xml(cells: str) -> bytes:
    return _SHEET_XML.format(cells).encode()


@pytest.mark.heavy
@pytest.mark.parametrize("part", [SHEET, "xl/sharedStrings.xml"])
def test_case_06_a_workbook_with_a_part_of_some_hundred_megabytes_is_not_opened(
    part: str, run_object: RunObject
) -> None:
    ending = run_object(rezipped(day_workbook(), {part: b"<" + b" " * (120 * MB)}))
    ending.assert_rejected("too_large", "the workbook unpacks to 120 MB; MAX_WORKBOOK_MB is 100")


@pytest.mark.parametrize(
    ("cells", "row", "column"),
    [
        ('<row r="1"/><row r="1048576"><c r="A1048576" s="1"/><c r="L1048576" s="1"/></row>', 1048576, 12),
        ('<row r="1"><c r="A1"/></row><row r="2"><c r="XFD2"><v>1</v></c></row><row r="99999"/>', 99999, 16384),
        ("<row><c/></row>" * 90_000 + "<row>" + "<c/>" * 20 + "</row>", 90_001, 20),
    ],
    ids=["a last row of styles", "two far cells", "cells without a place"],
)
def test_case_06_a_sheet_that_reaches_far_is_rejected_before_it_is_read(
    cells: str, row: int, column: int, run_object: RunObject
) -> None:
    ending = run_object(rezipped(day_workbook(), {SHEET: sheet_xml(cells)}))
    message = f"{SHEET} reaches to row {row} and column {column}: more than 1,500,000 cells"
    ending.assert_rejected("too_large", message)


@pytest.mark.parametrize(
    "dtd",
    [
        b'<!DOCTYPE x [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;">]>',
        b'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
        b'<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    ],
    ids=["expansion", "file", "network"],
)
@pytest.mark.parametrize("part", [SHEET, "xl/styles.xml"])
def test_case_07_a_workbook_that_defines_entities_is_rejected(dtd: bytes, part: str, run_object: RunObject) -> None:
    book = day_workbook()
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        xml = archive.read(part)
    ending = run_object(rezipped(book, {part: dtd + xml}))
    ending.assert_rejected("not_workbook", f"{part} defines XML entities; no workbook of data does")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the object is empty"),
        (b" \n\r\n\t\n", "the object contains only whitespace"),
        (b"\n" * 9000, "the object contains only whitespace"),
        (gzip.compress(b""), "the object contains only whitespace"),
        (b"\xef\xbb\xbf\n", "the object contains only whitespace"),
    ],
    ids=["no byte", "blanks", "newlines", "gzip of nothing", "BOM alone"],
)
def test_case_08_an_empty_object_is_rejected(content: bytes, message: str, run_object: RunObject) -> None:
    run_object(content).assert_rejected("empty", message)


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n\r\n"])
def test_case_08_a_header_without_rows_is_accepted_with_a_warning(end: bytes, run_object: RunObject) -> None:
    ending = run_object(b"Date,Time,Temperature,Humidity,Pressure" + end)
    ending.assert_accepted(0)
    assert ending.warnings == [f"{TABLE_KEY} has no rows"]


@pytest.mark.parametrize(
    "content",
    [
        workbook({"011024": [HEADER]}),
        to_parquet(pa.table({name: pa.array([], pa.string()) for name in TABLE[0]})),
        b"[]",
    ],
    ids=["workbook", "Parquet", "array"],
)
def test_case_08_no_rows_is_accepted_with_a_warning_in_every_format(content: bytes, run_object: RunObject) -> None:
    ending = run_object(content)
    ending.assert_accepted(0)
    assert ending.warnings == [f"{TABLE_KEY} has no rows"]


def test_case_09_the_mark_of_a_folder_in_a_bucket_is_skipped(s3_world: WorldMaker) -> None:
    world = s3_world()
    world.raw.put("wunderground/ITESTB25/", b"")
    world.raw.put(TABLE_KEY, lines(*TABLE))
    status = world.run()
    counts = status["counts"]
    assert (status["exit_code"], counts["objects_listed"], counts["objects_skipped"]) == (0, 2, 1)
    assert len(world.documents()) == 3


@pytest.mark.parametrize(
    "name",
    ["_SUCCESS", "part_$folder$", ".DS_Store", "~$Book.xlsx", "__airbyte_tmp/1.jsonl", ".part-0.jsonl.crc",
     "_committed_739", "_started_739", "_temporary/0/part-0.jsonl", "_metadata", "Thumbs.db", "desktop.ini",
     "day.csv.part", "day.jsonl.tmp", "day.csv.crdownload", "day.csv.filepart", "day.jsonl.lock", ".day.csv.swp",
     ".ipynb_checkpoints/day-checkpoint.csv", "old/.Trash-1000/day.csv"],
)  # fmt: skip
def test_case_09_markers_and_lock_files_are_skipped_and_never_shown(name: str, run_object: RunObject) -> None:
    ending = run_object(b"\x0bJane Private" + b" " * 150, f"wunderground/ITESTB25/{name}", neighbour=True)
    assert ending.outcome == "skipped"
    assert (ending.status["counts"]["objects_listed"], ending.status["counts"]["objects_skipped"]) == (2, 1)
    assert ending.exit_code == 0
    assert "Jane" not in ending.stdout + ending.stderr


@pytest.mark.parametrize(
    "name",
    ["SUCCESS", "_temporary.jsonl", "part-0", "data.parts", "temp", "a.b/day.jsonl", "x.part/day", "_metadata/1"],
)
def test_case_09_a_name_that_only_looks_like_a_marker_is_read(name: str, run_object: RunObject) -> None:
    run_object(lines(*TABLE), f"wunderground/ITESTB25/{name}").assert_accepted(3)


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"<html><body>404</body></html>", "not_data", "the object is an HTML or XML page, not data"),
        (b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>", "not_data",
         "the object is an HTML or XML page, not data"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 9\n", "not_data",
         "the object is a Git LFS pointer, not the file it stands for"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "not_data",
         "the object is an old or protected Excel file (OLE2); save it as .xlsx without a password"),
        (b"\x7fELF\x02\x01\x01" + bytes(60), "not_data",
         "the object is binary (7F 45 4C 46 02 01 01 00 ...), neither JSON, CSV, Parquet, Avro nor a workbook"),
        (gzip.compress(gzip.compress(b"x")), "not_data", "the object is gzipped twice; compress it once"),
        (b"204 No Content\n", "unknown_layout",
         "text that is not a table: '204 No Content' (a table has a header and commas, semicolons or tabs)"),
    ],
    ids=["HTML", "S3 error", "LFS pointer", "OLE2", "binary", "gzip in gzip", "HTTP status"],
)  # fmt: skip
@pytest.mark.parametrize("key", [TABLE_KEY, "wunderground/ITESTB25/book.xlsx"])
def test_case_10_wrong_content_under_a_right_name_is_rejected_with_what_it_is(
    content: bytes, code: str, message: str, key: str, run_object: RunObject
) -> None:
    run_object(content, key).assert_rejected(code, message)


def test_case_10_a_table_named_json_is_a_table(run_object: RunObject) -> None:
    run_object(to_csv(TABLE), "wunderground/ITESTB25/a.json").assert_accepted(3)


@pytest.mark.parametrize("end", [8, 30, 60, 81, 82], ids=lambda end: f"after {end} bytes")
def test_case_11_only_a_truncated_last_line_is_quarantined(end: int, run_object: RunObject) -> None:
    last = json.dumps(table_row(14), ensure_ascii=False).encode()[:end]
    ending = run_object(lines(*TABLE[:2]) + last)
    assert ending.sums == (3, 0, 2, 1)
    assert [(row["position"], row["code"]) for row in ending.rejected] == [("line 3", "malformed_record")]
    assert ending.measurements == [VALUES] * 2


@pytest.mark.parametrize(
    ("last", "reason"),
    [
        (b"2024-10-01,00:14:00,56.8", "3 cells where the header has 6"),
        (b"2024-10-01,00:14:00,56.8\xc2\xa0\xc2", "3 cells where the header has 6"),
        (b"2024-10-01,00:14:00,56.8\xc2\xa0\xc2,,,", "a byte in the row that is not UTF-8"),
    ],
    ids=["cells", "cells and a character", "a character"],
)
def test_case_11_only_a_truncated_last_row_is_quarantined(last: bytes, reason: str, run_object: RunObject) -> None:
    ending = run_object(to_csv(TABLE[:2]) + last)
    assert ending.sums == (3, 0, 2, 1)
    assert ending.reasons == [("row 3", "malformed_record", reason)]


@pytest.mark.parametrize(
    ("make", "found"),
    [(os.mkfifo, "a named pipe"), (lambda path: path.symlink_to(path.name), "a link to itself")],
)
def test_something_other_than_a_file_is_rejected_once_and_the_others_are_loaded(
    local_world: WorldMaker, make: Callable[[Path], None], found: str
) -> None:
    world = local_world()
    world.raw.put(CLIMATE_KEY, lines(climate(0)))
    make(Path(world.raw.uri) / "by-hand.jsonl")
    status = world.run()
    assert (status["status"], status["exit_code"], status["counts"]["objects_loaded"]) == ("partial", 3, 1)
    (error,) = status["errors"]
    assert (error["code"], error["message"]) == ("not_a_file", f"this is {found}, not a file; remove it from the zone")
    assert world.run()["exit_code"] == 0


def test_case_12_the_same_content_under_two_keys_changes_nothing(local_world: WorldMaker) -> None:
    world = local_world()
    first = run_in(world, lines(*TABLE))
    first.assert_accepted(3)
    before = world.contents()
    second = run_in(world, lines(*TABLE), "wunderground/ITESTB25/again.jsonl")
    assert second.exit_code == 0
    assert second.counts["records_validated"] == 3
    assert world.contents() == before


def test_case_12_an_object_that_changed_after_it_was_listed_is_not_read_and_taken_by_the_next_run(
    s3_world: WorldMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = s3_world()
    world.raw.put(CLIMATE_KEY, lines(climate(0)))
    world.raw.put(TABLE_KEY, lines(TABLE[0]))
    listing = main.list_objects

    def then_changed(*given: Any) -> Any:
        found = listing(*given)
        world.raw.put(TABLE_KEY, lines(*TABLE))
        return found

    with monkeypatch.context() as patch:
        patch.setattr(main, "list_objects", then_changed)
        status = world.run()
    assert (status["status"], status["exit_code"]) == ("partial", 1)
    assert [(error["object"], error["message"]) for error in status["errors"]] == [
        (
            TABLE_KEY,
            f"{world.raw.uri} could not be read: {TABLE_KEY}: replaced or removed after it was listed; run again",
        )
    ]
    assert list(world.documents()) == ["07915@2024-10-05T00:00:00Z"]
    assert world.run()["exit_code"] == 0
    assert len(world.documents()) == 4


def test_case_13_a_key_with_parent_folders_is_a_key_and_not_a_path(s3_world: WorldMaker, tmp_path: Path) -> None:
    world = s3_world()
    key = "wunderground/ITESTB25/../../../../etc/x.jsonl"
    world.raw.put(key, lines(*TABLE))
    assert world.run()["exit_code"] == 0
    assert {document["metadata"]["source_uri"] for document in world.documents().values()} == {f"{world.raw.uri}{key}"}
    assert all(".." not in made for made in world.processed.keys())
    assert not any(path.name == "x.jsonl" for path in world.home.rglob("*"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name",
    [
        "%2e%2e%2f%2e%2e%2fetc%2fx",
        "Weather+Underground+-+La+Madeleine,+FR.jsonl",
        "a b  c.jsonl",
        "e\u0301t\u00e9.jsonl",
        "%2B.jsonl",
        "$(id)`id`;'\".jsonl",
        "{x}*?[a].jsonl",
    ],
)
def test_case_13_odd_names_are_opaque(name: str, run_object: RunObject, tmp_path: Path) -> None:
    ending = run_object(lines(*TABLE), f"wunderground/ITESTB25/{name}")
    ending.assert_accepted(3)
    assert all(document["metadata"]["source_uri"].endswith(f"/{name}") for document in ending.documents)
    assert not any(name in key for key in ending.processed_keys)
    assert list(tmp_path.iterdir()) == []


def test_case_14_a_zip_archive_is_rejected_with_what_it_holds(run_object: RunObject) -> None:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as archive:
        archive.writestr("Ichtegem.xlsx", day_workbook())
        archive.writestr("csv/011024.csv", to_csv(TABLE))
        archive.writestr("../../etc/x", b"x")
    ending = run_object(sink.getvalue())
    message = "the object is a zip archive, not a workbook; it holds: Ichtegem.xlsx, csv/011024.csv, ../../etc/x. "
    ending.assert_rejected("not_data", message + "Put its files into the raw zone one by one")


def test_case_12_a_file_and_an_envelope_with_the_same_document_are_the_same_rows(local_world: WorldMaker) -> None:
    world = local_world()
    rows = document(climate(0), climate(1))
    run_in(world, json.dumps(rows).encode(), "infoclimat/a.json").assert_accepted(2)
    before = world.contents()
    run_in(world, lines(enveloped(rows)), "infoclimat/b.jsonl")
    assert world.contents() == before
