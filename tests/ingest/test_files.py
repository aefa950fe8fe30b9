"""Networks that serve whole files: which are fetched, and what becomes of them in the raw zone."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from forecast.core.raw_objects import RawObject
from forecast.core.settings import Limits
from forecast.core.stations import Station, Stations
from forecast.extract import extract
from forecast.ingest.request import Surroundings
from forecast.ingest.result import FileCounts, Outcome, SourceResult
from forecast.ingest.sources import FILE_FETCHES
from forecast.networks.registry import NETWORKS
from forecast.report.ingest import ingest_report
from forecast.report.models.ingest import IngestFiles
from forecast.storage.documents import LocalDocuments
from forecast.storage.local import LocalStore
from forecast.transform import ObjectTransformer
from forecast_demo.apis import Correction, Fault, serve
from forecast_demo.networks.dwd import FOLDER as DWD
from forecast_demo.networks.meteofrance_hourly import FOLDER as HOURLY
from forecast_demo.networks.meteofrance_synop import FOLDER as SYNOP
from tests.ingest.apis import NOW, Ingest, InProcess, at
from tests.networks import network, station
from tests.transform.samples import Result

STATIONS = {
    "dwd-00044": "DWD",
    "dwd-01262": "DWD",
    "mf-synop-07995": "Météo-France SYNOP",
    "mf-h-59343991": "Météo-France hourly data",
    "mf-h-80379002": "Météo-France hourly data",
}
GROUPS = ("air_temperature", "extreme_wind", "precipitation", "solar", "wind")
LISTS = 10  # of five groups, those of today and of the days before
AIR_NOW = "air_temperature/now/10minutenwerte_TU_00044_now.zip"


def _station(name: str, of: str) -> Station:
    return replace(station(name), network=of, network_id=name.rpartition("-")[2])


def stations() -> Stations:
    return network(*(_station(name, of) for name, of in STATIONS.items()))


@pytest.fixture
def ingest(tmp_path: Path) -> Ingest:
    return Ingest(tmp_path, stations=stations())


def read(ingest: Ingest, source: str = "dwd", **wanted: Any) -> SourceResult:
    (result,) = ingest.run(source, **wanted).sources
    return result


def counts(result: SourceResult) -> FileCounts:
    assert result.files is not None
    return result.files


def objects(ingest: Ingest) -> dict[str, bytes]:
    return {path.relative_to(ingest.raw).as_posix(): path.read_bytes() for path in ingest.objects()}


def served(ingest: Ingest, path: str) -> bytes:
    answer = ingest.apis.files.answer(path, {}, ingest.clock.time, "")
    assert answer is not None
    assert answer.status == 200
    return answer.body


def dwd_path(key: str, step: str = "10_minutes") -> str:
    return f"{DWD}{step}/{key}"


def test_the_files_of_registered_stations_become_objects_as_they_are(ingest: Ingest) -> None:
    result = read(ingest)
    assert (result.exit_code, result.outcome) == (0, Outcome.SUCCESS)
    found = objects(ingest)
    assert sorted({key.rpartition("/")[0] for key in found}) == sorted(
        f"dwd/{group}/{period}" for group in GROUPS for period in ("now", "recent")
    )
    assert {key.rpartition("/")[2] for key in found if "/wind/" in key} == {
        f"10minutenwerte_wind_{name}_{tag}.zip" for name in ("00044", "01262") for tag in ("now", "akt")
    }
    assert len(found) == 20
    assert found == {key: served(ingest, dwd_path(key.removeprefix("dwd/"))) for key in found}
    assert result.calls == LISTS + 20
    assert counts(result) == FileCounts(listed=20, written=20, unchanged=0, missing=0)


def test_a_second_run_only_requests_the_listings_and_writes_nothing(ingest: Ingest) -> None:
    read(ingest)
    before = {path: path.stat().st_mtime_ns for path in ingest.objects()}
    result = read(ingest)
    assert {path: path.stat().st_mtime_ns for path in ingest.objects()} == before
    assert (result.calls, result.objects, counts(result).unchanged) == (LISTS, [], 20)


def test_only_changed_files_are_fetched_and_they_replace_the_previous_objects(ingest: Ingest) -> None:
    read(ingest)
    before = objects(ingest)
    ingest.clock.time += 3600
    result = read(ingest)
    after = objects(ingest)
    assert {key for key in after if after[key] != before[key]} == {key for key in after if "/now/" in key}
    assert (result.calls, counts(result).written) == (LISTS + 10, 10)


def test_a_late_correction_of_a_file_arrives(ingest: Ingest) -> None:
    read(ingest)
    before = objects(ingest)
    ingest.clock.time += 600
    ingest.world.corrections.append(
        Correction("dwd-01262", at(2026, 11, 26, 6), at(2026, 11, 26, 9), ingest.clock.time - 60)
    )
    read(ingest)
    after = objects(ingest)
    key = "dwd/air_temperature/recent/10minutenwerte_TU_01262_akt.zip"
    assert after[key] != before[key]
    assert after[key] == served(ingest, dwd_path(key.removeprefix("dwd/")))


def test_history_is_fetched_once_if_requested(ingest: Ingest) -> None:
    assert not any("/historical/" in key for key in objects(ingest))
    result = read(ingest, since="2021-01-01")
    historical = [key for key in objects(ingest) if "/historical/" in key]
    assert (len(historical), result.calls) == (10, LISTS + 5 + 30)
    # What was asked for once stays wanted.
    assert read(ingest).calls == LISTS + 5


def test_files_that_end_before_the_history_that_is_wanted_are_left_out(ingest: Ingest) -> None:
    ingest.clock.time = datetime(2027, 12, 1, tzinfo=UTC).timestamp()
    read(ingest, since="2026-01-01")
    assert not any("/historical/" in key for key in objects(ingest))


def test_the_hourly_groups_are_a_source_of_their_own(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(200, b'<a href="stundenwerte_ST_00044_row.zip">x</a>', where="hourly/solar/"))
    fetch = FILE_FETCHES["dwd_hourly"]
    ingest.around.files = {"dwd_hourly": replace(fetch, folders=fetch.folders[:-1])}
    result = read(ingest, "dwd_hourly")
    assert (result.exit_code, len(objects(ingest)), result.calls) == (0, 20, 10 + 20)
    assert {key.split("/")[1] for key in objects(ingest)} == {
        "air_temperature", "cloudiness", "dew_point", "extreme_wind", "precipitation", "pressure", "soil_temperature",
        "sun", "visibility", "wind",
    }  # fmt: skip


def test_one_file_has_all_stations_of_a_year(ingest: Ingest) -> None:
    result = read(ingest, "meteofrance_synop", since="2025-06-01")
    assert result.calls == 2
    assert objects(ingest) == {
        f"meteofrance_synop/yearly/synop_{year}.csv.gz": served(ingest, f"{SYNOP}synop_{year}.csv.gz")
        for year in (2025, 2026)
    }


def test_a_file_without_a_listing_is_requested_conditionally(ingest: Ingest) -> None:
    read(ingest, "meteofrance_synop", since="2025-06-01")
    result = read(ingest, "meteofrance_synop")
    assert (result.calls, result.objects, counts(result).unchanged) == (2, [], 2)
    ingest.clock.time += 86_400
    (changed,) = read(ingest, "meteofrance_synop").objects
    assert changed.endswith("/synop_2026.csv.gz")


def test_at_the_turn_of_the_year_the_file_of_the_year_before_is_read_to_its_end(ingest: Ingest) -> None:
    ingest.clock.time = datetime(2027, 1, 1, 8, tzinfo=UTC).timestamp()
    read(ingest, "meteofrance_synop")
    assert [key.rpartition("_")[2] for key in objects(ingest)] == ["2026.csv.gz", "2027.csv.gz"]


def test_the_newest_period_of_each_department_with_registered_stations_is_fetched(ingest: Ingest) -> None:
    result = read(ingest, "meteofrance_hourly")
    assert objects(ingest) == {
        f"meteofrance_hourly/departments/H_{department}_latest-2025-2026.csv.gz": served(
            ingest, f"{HOURLY}H_{department}_latest-2025-2026.csv.gz"
        )
        for department in ("59", "80")
    }
    again = read(ingest, "meteofrance_hourly")
    assert (result.calls, again.calls, again.objects, counts(again).unchanged) == (3, 3, [], 2)


def test_ten_years_of_a_department_are_three_files(ingest: Ingest) -> None:
    read(ingest, "meteofrance_hourly", since="2016-11-28", stations=("mf-h-59343991",))
    assert [key.rpartition("/")[2] for key in objects(ingest)] == [
        "H_59_2010-2019.csv.gz", "H_59_latest-2025-2026.csv.gz", "H_59_previous-2020-2024.csv.gz",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b"<html>maintenance</html>",
        b"",
        b"PK\x03\x04 and no more",
    ],
)
def test_an_incomplete_file_is_requested_again_and_never_written(ingest: Ingest, body: bytes) -> None:
    ingest.apis.files.replaced[dwd_path(AIR_NOW)] = body
    result = read(ingest)
    (fault,) = result.window_faults
    assert (result.exit_code, result.outcome, fault.code) == (1, Outcome.PARTIAL, "no_answer")
    assert fault.message.startswith(
        "10minutenwerte_TU_00044_now.zip: 5 attempts failed; the last: the file is incomplete: "
    )
    assert (fault.stations, counts(result).missing) == (("dwd-00044",), 1)
    assert len(objects(ingest)) == 19
    ingest.apis.files.replaced.clear()
    again = read(ingest)
    assert (again.exit_code, counts(again).written) == (0, 1)
    assert objects(ingest)[f"dwd/{AIR_NOW}"] == served(ingest, dwd_path(AIR_NOW))


def test_a_truncated_file_is_incomplete(ingest: Ingest) -> None:
    path = f"{SYNOP}synop_2026.csv.gz"
    ingest.apis.files.replaced[path] = served(ingest, path)[:-9]
    result = read(ingest, "meteofrance_synop")
    assert (result.exit_code, result.calls, objects(ingest)) == (1, 5, {})


@pytest.mark.parametrize("fault", [Fault(503), Fault(200, b"half", breaks_off=True)])
def test_a_temporary_failure_is_retried(ingest: Ingest, fault: Fault) -> None:
    fault.times, fault.where = 2, "nieder_01262_akt"
    ingest.apis.faults.append(fault)
    result = read(ingest)
    assert (result.exit_code, result.retries, len(objects(ingest))) == (0, 2, 20)


def test_after_a_429_the_run_waits_and_retries(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(429, times=1, where="_now.zip", headers={"Retry-After": "50"}))
    result = read(ingest)
    assert (result.exit_code, result.retries, result.waited_seconds >= 50) == (0, 1, True)


def test_a_listed_file_that_does_not_exist_is_named_as_missing(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(404, b"gone", where="nieder_01262_akt"))
    result = read(ingest)
    assert [(fault.code, fault.message) for fault in result.window_faults] == [
        ("refused", "10minutenwerte_nieder_01262_akt.zip: it answered 404")
    ]
    assert (result.exit_code, len(objects(ingest))) == (1, 19)


def test_a_listing_without_a_response_only_affects_its_folder(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(500, where="precipitation/now/"))
    result = read(ingest)
    assert [fault.message for fault in result.window_faults] == [
        "precipitation/now: 5 attempts failed; the last: it answered 500"
    ]
    assert (result.exit_code, len(objects(ingest))) == (1, 18)


def test_a_listing_without_files_is_an_error(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(200, b"<html><a href='new-names.zip'>new</a></html>", where="wind/now/"))
    result = read(ingest)
    assert (result.exit_code, {fault.code for fault in result.window_faults}) == (3, {"no_files"})


def test_a_source_that_never_answers_is_abandoned_after_five_failed_calls(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(404))
    result = read(ingest)
    assert (result.exit_code, result.outcome, result.calls) == (1, Outcome.FAILED, 5)
    assert result.fault is not None
    assert "did not answer 5 times in a row" in result.fault


def test_a_station_without_a_file_is_named(ingest: Ingest) -> None:
    ingest.stations = network(*stations(), _station("dwd-99999", "DWD"))
    result = read(ingest)
    assert (result.exit_code, result.left_out) == (0, {"dwd-99999": "the source lists no file of this station"})


def _forget(ingest: Ingest, **fields: str) -> None:
    path = ingest.folder / "raw.ingest" / "dwd.json"
    state = json.loads(path.read_text())
    state["files"] = {key: {**entry, **fields} for key, entry in state["files"].items()}
    path.write_text(json.dumps(state))


@pytest.mark.parametrize("forgotten", [{"listed": ""}, {"listed": "", "etag": ""}])
def test_a_file_that_the_server_says_is_unchanged_is_not_sent_again(
    ingest: Ingest, forgotten: Mapping[str, str]
) -> None:
    read(ingest)
    _forget(ingest, **forgotten)
    result = read(ingest)
    assert (result.calls, result.objects, counts(result).unchanged) == (LISTS + 20, [], 20)
    assert read(ingest).calls == LISTS


def test_a_file_with_a_new_time_and_the_same_content_is_not_written_again(ingest: Ingest) -> None:
    read(ingest)
    _forget(ingest, listed="", etag='"other"', last_modified="")
    result = read(ingest)
    assert (result.objects, counts(result)) == ([], FileCounts(listed=20, written=0, unchanged=20, missing=0))


def test_a_full_refresh_writes_every_file_again(ingest: Ingest) -> None:
    read(ingest)
    assert len(read(ingest, full_refresh=True).objects) == 20


def test_a_file_elsewhere_is_fetched_over_tls_alone(ingest: Ingest) -> None:
    def resource(base: str, department: int) -> dict[str, str]:
        return {"url": f"{base}{HOURLY}H_{department}_latest-2025-2026.csv.gz"}

    catalogue = {"resources": [resource("http://example.org", 59), resource("https://example.org", 80)]}
    ingest.apis.faults.append(Fault(200, json.dumps(catalogue).encode(), where="/api/1/datasets/"))
    result = read(ingest, "meteofrance_hourly")
    assert [key.rpartition("/")[2] for key in objects(ingest)] == ["H_80_latest-2025-2026.csv.gz"]
    assert result.left_out == {"mf-h-59343991": "the source lists no file of this station"}


@pytest.mark.parametrize("body", [b"[]", b'{"resources": [{"title": "no address"}]}', b"<html>"])
def test_a_broken_catalogue_is_requested_again(ingest: Ingest, body: bytes) -> None:
    ingest.apis.faults.append(Fault(200, body, where="/api/1/datasets/", times=2))
    result = read(ingest, "meteofrance_hourly")
    assert (result.exit_code, result.retries, len(objects(ingest))) == (0, 2, 2)


def test_the_check_is_one_call_and_writes_nothing(ingest: Ingest) -> None:
    for source in ("dwd", "meteofrance_synop", "meteofrance_hourly"):
        result = read(ingest, source, check=True)
        assert (result.exit_code, result.calls) == (0, 1)
    assert objects(ingest) == {}


def test_the_check_of_a_source_that_does_not_answer_fails(ingest: Ingest) -> None:
    ingest.apis.faults.append(Fault(404))
    result = read(ingest, "meteofrance_synop", check=True)
    assert (result.exit_code, result.fault) == (1, "it answered 404")


def test_a_dry_run_makes_no_call_and_says_how_many_lists_it_would_ask_for(ingest: Ingest) -> None:
    result = read(ingest, dry_run=True, since="2019-01-01")
    assert (result.calls_planned, ingest.apis.calls, objects(ingest)) == (LISTS + 5, [], {})


def test_the_end_of_the_quota_is_a_clean_end_that_the_next_run_goes_on_from(ingest: Ingest) -> None:
    ingest.around.files = {"dwd": replace(FILE_FETCHES["dwd"], per_day=LISTS + 7)}
    result = read(ingest)
    assert (result.exit_code, result.outcome, len(objects(ingest))) == (0, Outcome.QUOTA_REACHED, 7)
    ingest.around.files = {"dwd": FILE_FETCHES["dwd"]}
    again = read(ingest)
    assert (again.outcome, len(objects(ingest)), counts(again).written) == (Outcome.SUCCESS, 20, 13)


def test_a_run_that_is_asked_to_end_keeps_what_it_has_fetched(ingest: Ingest) -> None:
    def stop(number: int) -> None:
        if number == LISTS + 4:
            ingest.around.stop.set()

    ingest.around.transport = lambda _: InProcess(ingest.apis, stop)
    result = read(ingest)
    assert (result.exit_code, result.outcome, len(objects(ingest))) == (1, Outcome.INTERRUPTED, 4)
    ingest.around.stop.clear()
    ingest.around.transport = lambda _: InProcess(ingest.apis)
    assert counts(read(ingest)) == FileCounts(listed=20, written=16, unchanged=4, missing=0)


def test_over_http_a_file_that_has_moved_is_fetched_where_it_is_now(ingest: Ingest) -> None:
    with serve(ingest.apis) as url:
        ingest.of_networks |= {"MF_SYNOP_API_URL": url}
        ingest.around.transport = Surroundings().transport
        moved = {"Location": f"{url}{SYNOP}synop_2025.csv.gz"}
        ingest.apis.faults.append(Fault(301, where="synop_2026", times=1, headers=moved))
        assert read(ingest, "meteofrance_synop").exit_code == 0
    assert list(objects(ingest).values()) == [served(ingest, f"{SYNOP}synop_2025.csv.gz")]


def test_lists_that_fail_here_and_there_do_not_end_the_source(ingest: Ingest) -> None:
    for group in GROUPS:
        ingest.apis.faults.append(Fault(404, where=f"/{group}/now/"))
    result = read(ingest)
    assert (result.exit_code, result.outcome, len(objects(ingest))) == (1, Outcome.PARTIAL, 10)


def test_the_report_counts_the_files(ingest: Ingest) -> None:
    read(ingest)
    ingest.clock.time += 3600
    ingest.apis.faults.append(Fault(404, where="nieder_01262_now"))
    report = ingest_report(ingest.run("dwd"))
    files = report.sources["dwd"].files
    assert files == IngestFiles(listed=20, written=9, unchanged=10, missing=1)
    (entry,) = report.attention
    assert (entry.kind, entry.station) == ("window_not_read", "dwd-01262")
    assert entry.message.endswith("10minutenwerte_nieder_01262_now.zip: it answered 404")


def test_without_an_allowed_station_no_listing_is_requested(ingest: Ingest) -> None:
    ingest.stations = network(
        replace(_station("dwd-00044", "DWD"), licence={"name": "CC BY-NC", "url": "https://a.example", "source": "a"})
    )
    result = read(ingest)
    assert (result.exit_code, result.calls, list(result.left_out)) == (0, 0, ["dwd-00044"])


class KilledError(BaseException):
    """The process is gone."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_run_that_is_killed_at_any_of_its_writes_loses_nothing_and_leaves_whole_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: bool
) -> None:
    deaths, kill_at = 0, 0
    while True:
        kill_at += 1
        ingest, writes = Ingest(tmp_path / str(kill_at), stations=stations()), 0

        def around(write: Any, kill_at: int = kill_at) -> Any:
            def mortal(self: Any, *arguments: Any) -> Any:
                nonlocal writes
                if isinstance(self, LocalDocuments) and arguments[0].endswith(".lease"):
                    return write(self, *arguments)
                writes += 1
                if writes == kill_at and not after:
                    raise KilledError
                done = write(self, *arguments)
                if writes == kill_at:
                    raise KilledError
                return done

            return mortal

        with monkeypatch.context() as patched:
            patched.setattr(LocalStore, "publish", around(LocalStore.publish))
            patched.setattr(LocalDocuments, "write", around(LocalDocuments.write))
            try:
                read(ingest, "meteofrance_synop", since="2025-06-01")
            except KilledError:
                deaths += 1
            else:
                break
        for key, content in objects(ingest).items():
            assert content == served(ingest, f"{SYNOP}{key.rpartition('/')[2]}")
        assert read(ingest, "meteofrance_synop").exit_code == 0
        read(ingest, "meteofrance_synop", since="2025-06-01")
        assert len(objects(ingest)) == 2
    # Two counts of calls, two objects, one state.
    assert deaths == 5


def test_two_runs_do_not_fetch_the_same_source_at_once(ingest: Ingest) -> None:
    lease = {"run_id": "other", "pid": 1, "place": "elsewhere", "host": "other"}
    (ingest.folder / "raw.ingest").mkdir()
    (ingest.folder / "raw.ingest" / "dwd.lease").write_text(json.dumps(lease))
    result = read(ingest)
    assert (result.exit_code, ingest.apis.calls) == (1, [])
    assert "another run is reading dwd: other" in (result.fault or "")


@pytest.mark.whole
def test_over_http_a_gzipped_file_stays_compressed(ingest: Ingest) -> None:
    with serve(ingest.apis) as url:
        ingest.of_networks |= {"MF_SYNOP_API_URL": url, "MF_HOURLY_API_URL": url, "DWD_API_URL": url}
        ingest.around.transport = Surroundings().transport
        for source, number in (("meteofrance_synop", 1), ("meteofrance_hourly", 2), ("dwd", 20)):
            assert counts(read(ingest, source)).written == number
            assert counts(read(ingest, source)).unchanged == number
    assert sum("H_" in address for *_, address in ingest.apis.calls) == 4
    assert objects(ingest)["meteofrance_synop/yearly/synop_2026.csv.gz"] == served(ingest, f"{SYNOP}synop_2026.csv.gz")


@pytest.mark.parametrize(
    ("source", "key", "rows", "values"),
    [
        (
            "dwd",
            "dwd/air_temperature/now/10minutenwerte_TU_00044_now.zip",
            96,
            {"air_temperature", "relative_humidity"},
        ),
        ("meteofrance_synop", "meteofrance_synop/yearly/synop_2026.csv.gz", 16, {"air_temperature", "wind_speed"}),
        (
            "meteofrance_hourly",
            "meteofrance_hourly/departments/H_59_latest-2025-2026.csv.gz",
            48,
            {"air_temperature", "precipitation_amount_1h"},
        ),
    ],
)
def test_the_pipeline_reads_what_was_fetched(
    ingest: Ingest, source: str, key: str, rows: int, values: set[str]
) -> None:
    read(ingest, source)
    path = ingest.raw / key
    transformer = ObjectTransformer(key, ingest.stations, NOW)
    raw = RawObject(key, "a", path.stat().st_size, "etag", NOW)
    result = Result.of(transformer, extract(path, raw, NETWORKS, Limits(), NOW))
    assert (len(result.observations), result.rejected) == (rows, [])
    assert values <= set(result.values(0))


def test_the_simulated_zips_have_the_form_of_dwds(ingest: Ingest) -> None:
    with zipfile.ZipFile(io.BytesIO(served(ingest, dwd_path(AIR_NOW)))) as archive:
        (name,) = archive.namelist()
        header, first, *_ = archive.read(name).decode().splitlines()
    assert header == "STATIONS_ID;MESS_DATUM;QN;PP_10;TT_10;TM5_10;RF_10;TD_10;eor"
    assert first.startswith(f"         44;{date(2026, 11, 28):%Y%m%d}0000;    3;")


def test_files_of_a_whole_country_are_read_only_where_their_source_is_named(ingest: Ingest) -> None:
    result = ingest.run(dry_run=True)
    assert [source.source for source in result.sources] == ["dwd", "dwd_hourly"]
    named = ingest.run("meteofrance_synop", dry_run=True)
    assert [source.source for source in named.sources] == ["meteofrance_synop"]
