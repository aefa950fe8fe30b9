"""Settings: an option wins over the environment, which wins over .env; what is wrong is named, and no secret shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forecast.core.errors import SettingError
from forecast.core.settings import Limits, Settings, load_settings

SECRET = "s3cr3t-w0rd"
NAMES = ["RAW_URI", "PROCESSED_URI", "MONGODB_URI", "MONGODB_DATABASE", "MONGODB_COLLECTION", "LOGS_DIR", "LOG_LEVEL"]
NAMES += ["LOG_FORMAT", "AWS_ENDPOINT_URL"]


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.setenv(name, "")  # so that it is put back as it was, whoever sets it
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def dotenv(text: str) -> None:
    Path(".env").write_text(text, "utf-8")


def fault(**options: str) -> str:
    with pytest.raises(SettingError) as caught:
        load_settings(options)
    assert caught.value.exit_code == 2
    return caught.value.message


def test_the_defaults() -> None:
    settings = load_settings()
    assert settings == Settings(None, None, None, "forecast_2_0", "weather_measurements", Path("logs"), "INFO", "text")


def test_an_option_wins_over_the_environment_which_wins_over_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv("RAW_URI=file\nPROCESSED_URI=file\nLOGS_DIR=file\n")
    monkeypatch.setenv("RAW_URI", "environment")
    monkeypatch.setenv("PROCESSED_URI", "environment")
    settings = load_settings({"RAW_URI": "option", "PROCESSED_URI": None})
    assert (settings.raw_uri, settings.processed_uri, settings.logs_dir) == ("option", "environment", Path("file"))


def test_boto3_finds_what_the_file_says_and_the_environment_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv("AWS_ENDPOINT_URL=http://file\n")
    load_settings()
    assert os.environ["AWS_ENDPOINT_URL"] == "http://file"
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://environment")
    load_settings()
    assert os.environ["AWS_ENDPOINT_URL"] == "http://environment"


def test_a_missing_location_says_where_it_was_looked_for_and_how_to_go_on_without() -> None:
    with pytest.raises(SettingError) as caught:
        load_settings().require_raw_uri()
    assert caught.value.message == (
        "RAW_URI is not set (where Airbyte writes: s3://bucket/airbyte-sync/ or a local folder). It was looked for as "
        f"an option (--raw-uri), in the environment and in .env (there is none in {Path.cwd()} or above it). "
        "To try the pipeline without any setting: pipeline --demo"
    )
    with pytest.raises(SettingError, match=r"^PROCESSED_URI is not set .*--processed-uri.*--demo"):
        load_settings({"PROCESSED_URI": "  "}).require_processed_uri()


def test_a_location_that_is_set_is_given() -> None:
    settings = load_settings({"RAW_URI": "s3://bucket/airbyte-sync/", "PROCESSED_URI": "a folder"})
    assert (settings.require_raw_uri(), settings.require_processed_uri()) == ("s3://bucket/airbyte-sync/", "a folder")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LOG_LEVEL", "LOUD", "LOG_LEVEL is 'LOUD'; it takes one of DEBUG, INFO, WARNING, ERROR"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT is 'xml'; it takes one of text, json"),
        ("MONGODB_DATABASE", "a.b", "MONGODB_DATABASE is 'a.b'; it takes 1 to 60 letters, digits, _ and -"),
        ("MONGODB_COLLECTION", "$x", "MONGODB_COLLECTION is '$x'; it takes 1 to 60 letters, digits, _ and -"),
        ("RAW_URI", "gs://bucket/", "RAW_URI begins with 'gs://'; it takes s3://bucket/prefix/ or a local folder"),
        ("PROCESSED_URI", "s3://", "PROCESSED_URI names no S3 bucket (s3://bucket/prefix/)"),
        ("RAW_URI", "s3://B/", "RAW_URI names no S3 bucket (s3://bucket/prefix/)"),
        (
            "MONGODB_URI",
            "localhost:27017",
            "MONGODB_URI is no connection string: it must begin with mongodb:// or mongodb+srv://",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_takes(name: str, value: str, message: str) -> None:
    assert fault(**{name: value}) == message


def test_a_level_may_be_in_small_letters() -> None:
    settings = load_settings({"LOG_LEVEL": "debug", "LOG_FORMAT": "JSON"})
    assert (settings.log_level, settings.log_format) == ("DEBUG", "json")


@pytest.mark.parametrize("name", ["MONGODB_URI", "RAW_URI", "PROCESSED_URI"])
@pytest.mark.parametrize(
    "uri", [f"ftp://user:{SECRET}@host", f"http://user:{SECRET}@host/", f"s3://user:{SECRET}@bucket/"]
)
def test_no_error_shows_a_credential(name: str, uri: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings({name: uri})
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.message}"


def test_settings_do_not_show_the_connection_string() -> None:
    settings = load_settings({"MONGODB_URI": f"mongodb://user:{SECRET}@host/", "RAW_URI": "raw"})
    assert SECRET not in f"{settings} {settings!r}"
    assert settings.mongodb_uri == f"mongodb://user:{SECRET}@host/"


@pytest.mark.parametrize("name", ["MONGODB_DATABASE", "LOG_LEVEL"])
def test_connection_string_in_the_wrong_variable_is_not_shown(name: str) -> None:
    with pytest.raises(SettingError) as caught:
        load_settings({name: "mongodb://me:PASSWORD@host/"})
    assert "password" not in caught.value.message.casefold()
    assert caught.value.message.startswith(f"{name} is something that looks like a connection string; it takes ")


def test_the_limits_are_given_in_megabytes() -> None:
    assert load_settings().limits == Limits()
    limits = load_settings({"MAX_RECORD_MB": "3", "MAX_OBJECT_MB": " 7 ", "FALLBACK_ENCODING": "CP1252"}).limits
    assert (limits.record_bytes, limits.object_bytes, limits.fallback_encoding) == (3 << 20, 7 << 20, "cp1252")
    assert limits.unpacked_bytes == Limits().unpacked_bytes


def test_the_limit_of_all_temporary_files_follows_those_of_an_object() -> None:
    of_an_object = {"MAX_OBJECT_MB": "3000", "MAX_UNPACKED_MB": "2000"}
    assert load_settings(of_an_object).limits.temporary_bytes == 10_000 << 20
    assert load_settings({**of_an_object, "MAX_TEMPORARY_MB": "5001"}).limits.temporary_bytes == 5001 << 20
    assert fault(**of_an_object, MAX_TEMPORARY_MB="5000") == (
        "MAX_TEMPORARY_MB is 5000; it takes more than MAX_OBJECT_MB and MAX_UNPACKED_MB together, 5000"
    )


@pytest.mark.parametrize(
    "name", ["MAX_OBJECT_MB", "MAX_UNPACKED_MB", "MAX_TEMPORARY_MB", "MAX_RECORD_MB", "MAX_WORKBOOK_MB"]
)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "64 MB", "99999999", "all"])
def test_a_limit_that_is_no_number_of_megabytes_is_named(name: str, value: str) -> None:
    assert fault(**{name: value}) == f"{name} is {value!r}; it takes a whole number of megabytes from 1 to 1048576"


def test_an_encoding_that_is_not_supported_is_named() -> None:
    assert fault(FALLBACK_ENCODING="latin-1") == "FALLBACK_ENCODING is 'latin-1'; it takes one of cp1252"
