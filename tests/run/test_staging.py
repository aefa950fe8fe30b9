"""An exception that nobody foresaw costs the object it was raised on; what concerns the whole run still ends it."""

from __future__ import annotations

import dataclasses
import errno
import gzip
import json
import logging
import os
import re
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import hypothesis
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given

from forecast.core.errors import ForecastError, InterruptedRunError, ObjectRejectedError, RetryableError, SettingError
from forecast.core.raw_objects import RawObject
from forecast.core.registry import load_stations
from forecast.core.settings import load_settings
from forecast.run import steps
from forecast.run.disk_budget import DiskBudget
from forecast.run.run import Run, RunOptions
from forecast.run.staging import Stager
from forecast.storage import LocalStore
from tests.examples import for_every_change
from tests.small_objects import small_objects

STATIONS = load_stations()
ROW = {"id_station": "07915", "dh_utc": "2024-10-01 00:00:00", "temperature": "12.5"}
LATE = {"id_station": "07915", "dh_utc": "2024-10-02 12:20:00", "temperature": "12.5"}
NOW = datetime(2024, 10, 2, 12, tzinfo=UTC)
UNFORESEEN = [
    UnicodeDecodeError("utf-8", b"\xed", 0, 1, "invalid"),
    OverflowError("date value out of range"),
    TypeError("bytes is not JSON serializable"),
    KeyError("b\n\x9b"),
    AssertionError(),
    RecursionError("maximum recursion depth exceeded"),
    pa.ArrowInvalid("Failed to parse string"),
    OSError("Couldn't deserialize thrift"),
]
ERRORS = UNFORESEEN[:1] + for_every_change(*UNFORESEEN[1:])
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
Raiser = Callable[..., Any]


class Remembered:
    """In the place of the checkpoints: what was rejected."""

    def __init__(self) -> None:
        self.rejected: list[tuple[str, str]] = []
        self.again_at: list[datetime | None] = []

    def reject(self, raw: RawObject, run_id: str, error: ObjectRejectedError, circumstances: str) -> None:
        self.rejected.append((raw.key, error.code))
        self.again_at.append(error.again_at)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "raw").mkdir()
    for key in ("a.jsonl", "b.jsonl"):
        (tmp_path / "raw" / key).write_text(json.dumps(ROW) + "\n", "utf-8")
    return tmp_path


def stager(folder: Path) -> Stager:
    """A stager of the objects of the folder."""
    settings = load_settings({"RAW_URI": str(folder / "raw"), "PROCESSED_URI": str(folder / "processed")})
    run = Run.begin(settings, RunOptions())
    run.context = dataclasses.replace(run.context, started_at=NOW)
    remembered: Any = Remembered()
    space = DiskBudget(settings.limits.temporary_bytes, run.check_stop)
    zones = LocalStore(folder / "raw"), LocalStore(folder / "processed")
    return Stager(run, STATIONS, *zones, remembered, space)


def stage_all(stager: Stager, folder: Path) -> dict[str, bool]:
    """Which of the objects were staged."""
    return {
        raw.key: stager.stage(raw, folder / f"work-{number}") is not None
        for number, raw in enumerate(stager.raw.list())
    }


def on_the_first(real: Raiser, error: BaseException) -> Raiser:
    """A stage that raises the first time it is called."""
    calls: list[None] = []

    def stage(*arguments: Any) -> Any:
        calls.append(None)
        if len(calls) == 1:
            raise error
        return real(*arguments)

    return stage


@pytest.mark.parametrize("step", ["extract_data", "transform_data", "validate_data", "save_validated_to_s3"])
@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_an_unexpected_exception_rejects_only_its_object(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, step: str, error: Exception
) -> None:
    monkeypatch.setattr(steps, step, on_the_first(getattr(steps, step), error))
    chosen = stager(folder)
    assert stage_all(chosen, folder) == {"a.jsonl": False, "b.jsonl": True}
    (counts,) = chosen.run.objects
    assert (counts.key, counts.outcome, counts.error_code) == ("a.jsonl", "rejected", "internal_error")
    assert counts.error == (
        f"reading it caused an internal error ({type(error).__name__}), and its traceback is in the log; "
        "please report it, with the object. The other objects are not affected"
    )
    remembered: Any = chosen.checkpoints
    assert remembered.rejected == [("a.jsonl", "internal_error")]
    assert chosen.run.final_status(None) == ("partial", 3)
    (traced,) = [record for record in caplog.records if record.exc_info]
    assert (traced.levelno, traced.getMessage()) == (logging.ERROR, "internal error on a.jsonl")
    assert not (folder / "work-0").exists()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), MemoryError),
        (KeyboardInterrupt(), KeyboardInterrupt),
        (SettingError("the bucket is gone"), SettingError),
        (InterruptedRunError("stop"), InterruptedRunError),
        (OSError(errno.ENOSPC, "No space left on device"), RetryableError),
        (OSError(errno.EMFILE, "Too many open files"), RetryableError),
    ],
    ids=lambda value: None if isinstance(value, type) else type(value).__name__,
)
def test_what_concerns_the_whole_run_ends_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, kind: type[BaseException]
) -> None:
    monkeypatch.setattr(steps, "extract_data", on_the_first(steps.extract_data, error))
    chosen = stager(folder)
    with pytest.raises(kind) as caught:
        stage_all(chosen, folder)
    assert chosen.run.objects == []
    if kind is RetryableError:
        assert isinstance(caught.value, ForecastError)
        assert f"{folder} (TMPDIR)" in caught.value.message


ROWS: list[dict[str, Any]] = [
    {**ROW, "humidite": 50},
    {**ROW, "id_station": "99999"},
    {**ROW, "temperature": "warm"},
    {**ROW, "dh_utc": "2024-10-01 00:05:00"},
    {**ROW, "temperature": "99.0"},
    {**ROW, "temperature": None},
]


def staged_by(chosen: Stager, folder: Path, *, together: bool) -> dict[str, object]:
    """What is known of each object, with its records, where they are staged together and where one after another."""
    objects = [(raw, folder / f"{number}-{together}") for number, raw in enumerate(chosen.raw.list())]
    made = chosen.stage_together(objects) if together else map(chosen.stage, *zip(*objects, strict=True))
    return {
        raw.key: None
        if staged is None
        else (
            staged.counts,
            staged.tally,
            staged.again_at,
            [(file.key, _content(file.path)) for file in staged.files],
        )
        for (raw, _), staged in zip(objects, made, strict=True)
    }


def _content(path: Path) -> bytes:
    """What is in a file; a gzip file also has the time at which it was packed."""
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def test_objects_that_are_staged_together_come_to_the_same_as_one_after_another(folder: Path) -> None:
    """Also where they hold one observation: none has a part in the counts and the first QC of another."""
    for number, row in enumerate([*ROWS, *ROWS]):
        text = "".join(json.dumps(one) + "\n" for one in (row, LATE, {**row, "dh_utc": "2024-10-01 00:10:00"}))
        (folder / "raw" / f"{number:02}.jsonl").write_text(text, "utf-8")
    (folder / "raw" / "no.jsonl").write_text("no record\n", "utf-8")
    (folder / "raw" / "void.jsonl").write_text("{}\n", "utf-8")
    chosen = stager(folder)
    together, alone = (staged_by(chosen, folder, together=together) for together in (True, False))
    assert list(together) == [f"{number:02}.jsonl" for number in range(12)] + ["a.jsonl", "b.jsonl"] + [
        "no.jsonl",
        "void.jsonl",
    ]
    assert together == alone
    assert [key for key, staged in together.items() if staged is None] == ["no.jsonl"]


@hypothesis.settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(contents=small_objects())
def test_whatever_objects_hold_they_come_to_the_same_together(
    contents: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("objects")
    for key, content in contents.items():
        path = folder / "raw" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    one, other = stager(folder), stager(folder)
    other.run.context = one.run.context
    assert staged_by(one, folder, together=True) == staged_by(other, folder, together=False)
    found = [
        sorted((counts.key, counts.error_code, counts.error) for counts in each.run.objects) for each in (one, other)
    ]
    assert found[0] == found[1]
    shutil.rmtree(folder)


def test_objects_that_are_staged_together_are_validated_in_one_call(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    validate = steps.validate_data

    def counted(observations: Any, *more: Any) -> Any:
        calls.append(len(observations))
        return validate(observations, *more)

    monkeypatch.setattr(steps, "validate_data", counted)
    staged_by(stager(folder), folder, together=True)
    assert calls == [2]


def test_an_exception_while_objects_are_read_together_rejects_only_the_object_that_raises_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for step in ("extract_together", "transform_each"):
        monkeypatch.setattr(steps, step, on_the_first(getattr(steps, step), KeyError("x")))
    real = steps.transform_data

    def broken(transformer: Any, batch: Any) -> Any:
        if "13.5" in batch.rows["temperature"].tolist():
            raise KeyError("x")
        return real(transformer, batch)

    monkeypatch.setattr(steps, "transform_data", broken)
    (folder / "raw" / "b.jsonl").write_text(json.dumps({**ROW, "temperature": "13.5"}) + "\n", "utf-8")
    (folder / "raw" / "c.jsonl").write_text(json.dumps(ROW) + "\n", "utf-8")
    chosen = stager(folder)
    staged = staged_by(chosen, folder, together=True)
    assert [key for key, one in staged.items() if one is None] == ["b.jsonl"]
    assert [(counts.key, counts.error_code) for counts in chosen.run.objects] == [("b.jsonl", "internal_error")]


def test_an_exception_on_the_rows_of_one_object_rejects_only_that_object(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (folder / "raw" / "b.jsonl").write_text(json.dumps({**ROW, "temperature": "13.5"}) + "\n", "utf-8")
    (folder / "raw" / "c.jsonl").write_text(json.dumps(ROW) + "\n", "utf-8")
    validate = steps.validate_data

    def broken(observations: Any, *more: Any) -> Any:
        if any(13.5 in table["air_temperature"].to_pylist() for table in observations):
            raise KeyError("x")
        return validate(observations, *more)

    monkeypatch.setattr(steps, "validate_data", broken)
    chosen = stager(folder)
    staged = staged_by(chosen, folder, together=True)
    assert [key for key, one in staged.items() if one is None] == ["b.jsonl"]
    (counts,) = chosen.run.objects
    assert (counts.key, counts.outcome, counts.error_code) == ("b.jsonl", "rejected", "internal_error")
    (traced,) = [record for record in caplog.records if record.exc_info]
    assert traced.getMessage() == "internal error on b.jsonl"


def test_a_dry_run_remembers_nothing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "extract_data", on_the_first(steps.extract_data, KeyError("x")))
    chosen = stager(folder)
    chosen.run.options = RunOptions(dry_run=True)
    assert stage_all(chosen, folder) == {"a.jsonl": False, "b.jsonl": True}
    remembered: Any = chosen.checkpoints
    assert remembered.rejected == []


def test_temporarily_quarantined_rows_say_when_they_may_pass(folder: Path) -> None:
    later = {**LATE, "dh_utc": "2099-01-01 00:00:00"}
    rows = [ROW, later, LATE, {**ROW, "id_station": "99999"}]
    (folder / "raw" / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    chosen = stager(folder)
    first, second = (chosen.stage(raw, folder / raw.key) for raw in chosen.raw.list())
    assert first is not None
    assert second is not None
    assert dict(first.tally.reasons) == {"future_timestamp": 2, "unknown_station": 1}
    # 12:20 passes as soon as it is no more than 10 minutes ahead.
    assert (first.again_at, second.again_at) == (datetime(2024, 10, 2, 12, 10, tzinfo=UTC), None)


def test_a_file_dated_in_the_future_is_rejected_until_then(folder: Path) -> None:
    """Its time stands for that of its extraction: it would win over everything that comes until then."""
    to_come = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=9)
    for key, moment in (("a.jsonl", to_come), ("b.jsonl", to_come - timedelta(hours=8, minutes=55))):
        os.utime(folder / "raw" / key, (moment.timestamp(), moment.timestamp()))
    chosen = stager(folder)
    assert stage_all(chosen, folder) == {"a.jsonl": False, "b.jsonl": True}
    remembered: Any = chosen.checkpoints
    assert remembered.rejected == [("a.jsonl", "future_object")]
    assert remembered.again_at == [to_come - timedelta(minutes=10)]
    (counts,) = chosen.run.objects
    assert counts.error is not None
    assert re.fullmatch(
        rf"it was last changed at {to_come:%Y-%m-%dT%H:%M:%SZ}, more than 10 minutes in the future \(now: {TIME}\); "
        r"set that time \(touch\), or check the clock of this machine",
        counts.error,
    )
