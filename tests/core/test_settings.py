"""Settings: an option wins over the environment, which wins over .env; what is wrong is named, and no secret shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from forecast.core.errors import SettingError
from forecast.core.settings import SETTINGS, Limits, Settings, load_settings, settings_in_force

SECRET = "s3cr3t-w0rd"
NAMES = [*(setting.name for setting in SETTINGS), "AWS_ENDPOINT_URL", "AWS_SECRET_ACCESS_KEY"]


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
    assert settings == Settings(
        raw_uri=None,
        processed_uri=None,
        mongodb_uri=None,
        mongodb_database="forecast_2_0",
        mongodb_collection="weather_measurements",
        logs_dir=Path("logs"),
        site_uri=None,
        log_level="INFO",
        log_format="text",
    )


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
        "RAW_URI is not set (where the raw objects are: s3://bucket/prefix/ or a local folder). It was looked for as "
        f"an option (--raw-uri), in the environment and in .env (there is none in {Path.cwd()} or above it). "
        "To try the pipeline without any setting: pipeline --demo"
    )
    with pytest.raises(SettingError, match=r"^PROCESSED_URI is not set .*--processed-uri.*--demo"):
        load_settings({"PROCESSED_URI": "  "}).require_processed_uri()


def test_a_location_that_is_set_is_returned() -> None:
    settings = load_settings({"RAW_URI": "s3://bucket/airbyte-sync/", "PROCESSED_URI": "a folder"})
    assert (settings.require_raw_uri(), settings.require_processed_uri()) == ("s3://bucket/airbyte-sync/", "a folder")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LOG_LEVEL", "LOUD", "is 'LOUD' (from --log-level); expected one of DEBUG, INFO, WARNING, ERROR"),
        ("LOG_FORMAT", "xml", "is 'xml' (from --log-format); expected one of text, json"),
        ("MONGODB_DATABASE", "a.b", "is 'a.b' (from --mongodb-database); expected 1 to 60 letters, digits, _ and -"),
        ("MONGODB_COLLECTION", "$x", "is '$x' (from --mongodb-collection); expected 1 to 60 letters, digits, _ and -"),
        ("RAW_URI", "gs://b/", "begins with 'gs://' (from --raw-uri); expected s3://bucket/prefix/ or a local folder"),
        (
            "PROCESSED_URI",
            "s3://",
            "does not name an S3 bucket (from --processed-uri); expected s3://bucket/prefix/ or a local folder",
        ),
        (
            "RAW_URI",
            "s3://B/",
            "does not name an S3 bucket (from --raw-uri); expected s3://bucket/prefix/ or a local folder",
        ),
        (
            "MONGODB_URI",
            "localhost:27017",
            "is not a connection string (from --mongodb-uri); expected a string that begins with mongodb:// or mongodb+srv://",
        ),
        (
            "MAX_DATA_AGE_HOURS",
            "0",
            "is '0' (from --max-data-age-hours); expected a number of hours above 0, such as 36",
        ),
    ],
)
def test_a_wrong_setting_is_named_with_what_it_takes(name: str, value: str, message: str) -> None:
    assert fault(**{name: value}) == f"{name} {message}"


def test_an_error_says_where_the_wrong_value_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv("LOG_LEVEL=LOUD\n")
    assert fault() == f"LOG_LEVEL is 'LOUD' (from {Path.cwd() / '.env'}); expected one of DEBUG, INFO, WARNING, ERROR"
    monkeypatch.setenv("LOG_LEVEL", "LOUDER")
    assert fault().startswith("LOG_LEVEL is 'LOUDER' (from the environment); ")


def test_all_wrong_settings_are_reported_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv("LOG_FORMAT=xml\n")
    monkeypatch.setenv("MAX_OBJECT_MB", "much")
    with pytest.raises(SettingError) as caught:
        load_settings({"RAW_URI": "gs://b/", "MAX_TEMPORARY_MB": "1"})
    named = [message.split(" ", 1)[0] for message in caught.value.messages]
    assert named == ["RAW_URI", "LOG_FORMAT", "MAX_OBJECT_MB"]
    with pytest.raises(SettingError) as caught:
        load_settings({"MAX_OBJECT_MB": "7", "MAX_TEMPORARY_MB": "8"})
    assert [message.split(" ", 1)[0] for message in caught.value.messages] == ["LOG_FORMAT", "MAX_TEMPORARY_MB"]


def test_all_missing_settings_are_reported_at_once() -> None:
    with pytest.raises(SettingError) as caught:
        load_settings().require_zones()
    assert [message.partition(" (")[0] for message in caught.value.messages] == [
        "RAW_URI is not set",
        "PROCESSED_URI is not set",
    ]
    assert load_settings({"RAW_URI": "raw", "PROCESSED_URI": "out"}).require_zones() == ("raw", "out")


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
    words = (
        f"{name} is something that looks like a connection string (from --{name.lower().replace('_', '-')}); expected "
    )
    assert caught.value.message.startswith(words)


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
        "MAX_TEMPORARY_MB is 5000 (from --max-temporary-mb); expected more than MAX_OBJECT_MB and MAX_UNPACKED_MB "
        "together, 5000"
    )


@pytest.mark.parametrize(
    "name", ["MAX_OBJECT_MB", "MAX_UNPACKED_MB", "MAX_TEMPORARY_MB", "MAX_RECORD_MB", "MAX_WORKBOOK_MB"]
)
@pytest.mark.parametrize("value", ["0", "-1", "1.5", "64 MB", "99999999", "all"])
def test_a_limit_that_is_not_a_number_of_megabytes_is_named(name: str, value: str) -> None:
    option = f"--{name.lower().replace('_', '-')}"
    takes = "expected a whole number of megabytes from 1 to 1048576"
    assert fault(**{name: value}) == f"{name} is {value!r} (from {option}); {takes}"


def test_an_encoding_that_is_not_supported_is_named() -> None:
    assert fault(FALLBACK_ENCODING="latin-1") == (
        "FALLBACK_ENCODING is 'latin-1' (from --fallback-encoding); expected one of cp1252"
    )


def test_each_setting_in_force_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    dotenv(f"RAW_URI=raw\nMAX_OBJECT_MB=7\nAWS_ENDPOINT_URL=http://127.0.0.1:{SECRET}/\n")
    monkeypatch.setenv("MONGODB_URI", f"mongodb://user:{SECRET}@host/")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    settings = load_settings({"PROCESSED_URI": "out", "MAX_DATA_AGE_HOURS": "36"})
    found = {item.setting.name: (item.value, item.origin) for item in settings_in_force(settings)}
    file = str(Path.cwd() / ".env")
    assert found["RAW_URI"] == ("raw", file)
    assert found["PROCESSED_URI"] == ("out", "--processed-uri")
    assert found["MONGODB_URI"] == ("***", "the environment")
    assert found["MONGODB_DATABASE"] == ("forecast_2_0", "default")
    assert found["MAX_OBJECT_MB"] == ("7", file)
    assert found["MAX_TEMPORARY_MB"] == ("2062", "default")
    assert found["MAX_DATA_AGE_HOURS"] == ("36", "--max-data-age-hours")
    assert found["FALLBACK_ENCODING"] == (None, "default")
    assert found["AWS_SECRET_ACCESS_KEY"] == ("***", "the environment")
    assert found["AWS_ENDPOINT_URL"] == ("***", file)
    assert SECRET not in str(found)
