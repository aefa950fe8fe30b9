"""Settings: an option of the command, the environment, or `.env`, in this order.

Name, type, default, limits and help of each stand once, in the classes `Settings` and `Limits`: the options of the
commands, `.env.example` and the user guide's table are made of them. No value that can hold a credential is ever shown.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from forecast.core.errors import SettingError
from forecast.core.setting import (
    ANY,
    API_ADDRESS,
    API_BASE,
    CONNECTION_STRING,
    CRON,
    DAYS,
    ENCODING,
    ENDPOINT,
    FOLDER,
    FORMAT,
    HOURS,
    KEY,
    LEVEL,
    LOCATION,
    LOCATIONS,
    NAME,
    SIZE,
    YES_OR_NO,
    Group,
    Setting,
    setting_field,
    shown,
)
from forecast.core.text import without_secrets

EMBEDDED_FOLDER = Path(".local") / "mongodb"


@dataclass(frozen=True, slots=True)
class Limits:
    """What raw objects may ask of the machine; beyond it the object, or the row, is rejected. Sizes are in bytes.

    Measured with the defaults: no object takes the process above 500 MB of memory (tests/hostile/test_memory.py).
    """

    # Airbyte begins a new object at about 200 MB.
    object_bytes: int = setting_field(
        "MAX_OBJECT_MB", Group.LIMITS, SIZE, "The largest raw object, as it is stored.", default="1024"
    )
    # Of a gzip, of Parquet's and Avro's blocks.
    unpacked_bytes: int = setting_field(
        "MAX_UNPACKED_MB",
        Group.LIMITS,
        SIZE,
        "The most that one object may unpack to, and the longest table.",
        default="1024",
    )
    # A year of one InfoClimat station is about 10 MB of JSON.
    record_bytes: int = setting_field(
        "MAX_RECORD_MB",
        Group.LIMITS,
        SIZE,
        "The longest record: a line, a document in a cell or in a column.",
        details="A row that is no document may have 1 MB.",
        default="32",
    )
    # All parts; a sheet of a day has 60 kB.
    workbook_bytes: int = setting_field(
        "MAX_WORKBOOK_MB",
        Group.LIMITS,
        SIZE,
        "The most that a workbook may unpack to.",
        details="A sheet may have 1.5 million cells.",
        default="100",
    )
    temporary_bytes: int = setting_field(
        "MAX_TEMPORARY_MB",
        Group.LIMITS,
        SIZE,
        "The temporary files of all objects of a run at once.",
        details="More than MAX_OBJECT_MB and MAX_UNPACKED_MB together; by default twice that.",
        default="4096",
    )
    fallback_encoding: str | None = setting_field(
        "FALLBACK_ENCODING",
        Group.LIMITS,
        ENCODING,
        "The encoding of text that is not UTF-8: cp1252.",
        without="such rows are quarantined",
        example="cp1252",
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What a command needs to know. `origins` tells where each setting was found, by the name of its variable."""

    raw_uri: str | None = setting_field(
        "RAW_URI",
        Group.ZONES,
        LOCATION,
        "Where the raw objects are: s3://bucket/prefix/ or a local folder.",
        details="Required, except with --demo.",
        example="s3://my-bucket/airbyte-sync/",
    )
    processed_uri: str | None = setting_field(
        "PROCESSED_URI",
        Group.ZONES,
        LOCATION,
        "Where the processed zone goes: s3://bucket/prefix/ or a local folder.",
        details="Required, except with --demo.",
        example="s3://my-bucket/processed/",
    )
    mongodb_uri: str | None = setting_field(
        "MONGODB_URI",
        Group.DATABASE,
        CONNECTION_STRING,
        "A MongoDB connection string.",
        details="The server must be a replica set, of one member or more.",
        without=f"a mongod of this machine, its data in {EMBEDDED_FOLDER}",
        example="mongodb://127.0.0.1:27017/?directConnection=true",
        secret=True,
    )
    mongodb_database: str = setting_field(
        "MONGODB_DATABASE", Group.DATABASE, NAME, "The database.", default="forecast_2_0"
    )
    mongodb_collection: str = setting_field(
        "MONGODB_COLLECTION",
        Group.DATABASE,
        NAME,
        "The collection of the observations.",
        details="Names of the others begin with this one.",
        default="weather_measurements",
    )
    logs_dir: Path = setting_field(  # noqa: RUF009  it gives a field
        "LOGS_DIR", Group.REPORTS, FOLDER, "The folder of the reports.", default="logs"
    )
    site_uri: str | None = setting_field(
        "SITE_URI",
        Group.REPORTS,
        LOCATION,
        "Where the dashboard goes: s3://bucket/prefix/ or a local folder.",
        without="the folder site in LOGS_DIR",
        example="s3://my-bucket/site/",
    )
    log_level: str = setting_field(
        "LOG_LEVEL", Group.REPORTS, LEVEL, "The log level: DEBUG, INFO, WARNING or ERROR.", default="INFO"
    )
    log_format: str = setting_field(
        "LOG_FORMAT", Group.REPORTS, FORMAT, "The log format: text, or json (one object a line).", default="text"
    )
    limits: Limits = Limits()
    max_data_age_hours: float | None = setting_field(
        "MAX_DATA_AGE_HOURS",
        Group.REPORTS,
        HOURS,
        "A station whose newest observation is older is silent.",
        details="That is a WARNING in the log, and a metric.",
        without="the age is shown, without a warning",
        example="36",
    )
    slo_uri: str | None = setting_field(
        "SLO_URI",
        Group.REPORTS,
        LOCATION,
        "The service level objectives: a .toml file, local or s3://.",
        details="It has the form of src/config/slo.toml.",
        without="the built-in ones",
        example="s3://my-bucket/slo.toml",
    )
    metrics_namespace: str | None = setting_field(
        "METRICS_NAMESPACE",
        Group.REPORTS,
        NAME,
        "The CloudWatch namespace of metrics: with it, they are lines on stdout before the result.",
        details="The format is CloudWatch's embedded metric format.",
        without="no metrics are written",
        example="forecast-prod",
    )
    stations_uri: tuple[str, ...] | None = setting_field(
        "STATIONS_URI",
        Group.ZONES,
        LOCATIONS,
        "More stations, or other ones: .json and .csv files or their folders, local or s3://.",
        details="Several are separated by commas or blanks. A station replaces the built-in one of the same id.",
        without="the built-in stations alone",
        example="s3://my-bucket/stations/",
    )
    ingest_state_uri: str | None = setting_field(
        "INGEST_STATE_URI",
        Group.INGEST,
        LOCATION,
        "Where ingest keeps what it has read, its counts of calls and its leases.",
        details="Not below RAW_URI.",
        without="next to RAW_URI, under its name with .ingest",
        example="s3://my-bucket/ingest/",
    )
    wunderground_api_key: str | None = setting_field(
        "WUNDERGROUND_API_KEY", Group.INGEST, KEY, "Your own key of Weather Underground's PWS API.", secret=True
    )
    wunderground_api_url: str = setting_field(
        "WUNDERGROUND_API_URL", Group.INGEST, API_ADDRESS, "Where that API is.", default="https://api.weather.com"
    )
    infoclimat_token: str | None = setting_field(
        "INFOCLIMAT_TOKEN",
        Group.INGEST,
        KEY,
        "Your own token of InfoClimat's open data API.",
        details="It is bound to one IPv4 address.",
        secret=True,
    )
    infoclimat_api_url: str = setting_field(
        "INFOCLIMAT_API_URL", Group.INGEST, API_ADDRESS, "Where that API is.", default="https://www.infoclimat.fr"
    )
    metar_api_url: str = setting_field(
        "METAR_API_URL",
        Group.INGEST,
        API_ADDRESS,
        "Where aviationweather's API is.",
        default="https://aviationweather.gov",
    )
    meteofrance_api_key: str | None = setting_field(
        "METEOFRANCE_API_KEY",
        Group.INGEST,
        KEY,
        "Your own key of Météo-France's API of observations.",
        secret=True,
    )
    meteofrance_api_url: str = setting_field(
        "METEOFRANCE_API_URL",
        Group.INGEST,
        API_ADDRESS,
        "Where that API is.",
        default="https://public-api.meteofrance.fr",
    )
    mf_synop_api_url: str = setting_field(
        "MF_SYNOP_API_URL",
        Group.INGEST,
        API_ADDRESS,
        "Where Météo-France's files of SYNOP observations are.",
        default="https://meteofrance.s3.sbg.io.cloud.ovh.net",
    )
    mf_hourly_api_url: str = setting_field(
        "MF_HOURLY_API_URL",
        Group.INGEST,
        API_ADDRESS,
        "Where the list of Météo-France's hourly files is.",
        default="https://www.data.gouv.fr",
    )
    dwd_api_url: str = setting_field(
        "DWD_API_URL", Group.INGEST, API_ADDRESS, "Where DWD's files are.", default="https://opendata.dwd.de"
    )
    rmi_api_url: str = setting_field(
        "RMI_API_URL", Group.INGEST, API_ADDRESS, "Where RMI's WFS is.", default="https://opendata.meteo.be"
    )
    allow_non_commercial: bool = setting_field(
        "ALLOW_NON_COMMERCIAL",
        Group.INGEST,
        YES_OR_NO,
        "Whether stations are read whose licence forbids commercial use (CC BY-NC).",
        default="no",
    )
    logs_retention_days: int | None = setting_field(
        "LOGS_RETENTION_DAYS",
        Group.REPORTS,
        DAYS,
        "How many days timed reports and the run history are kept.",
        details="Each run removes what is older, also its copies on S3, but never the newest of a kind.",
        without="they are kept",
        example="365",
    )
    schedule: str | None = setting_field(
        "SCHEDULE",
        Group.REPORTS,
        CRON,
        "When a run is due: a cron expression, in UTC.",
        details="A run that does not start within an hour is missed, as the next run and forecast status say.",
        without="no run is missed",
        example="10 3 * * *",
    )
    airbyte_api_url: str = setting_field(
        "AIRBYTE_API_URL",
        Group.AIRBYTE,
        API_BASE,
        "Airbyte's public API.",
        details="By default that of abctl; https://api.airbyte.com/v1 is Airbyte Cloud's.",
        default="http://localhost:8000/api/public/v1",
    )
    airbyte_client_id: str | None = setting_field(
        "AIRBYTE_CLIENT_ID", Group.AIRBYTE, KEY, "Client id of an application in Airbyte.", secret=True
    )
    airbyte_client_secret: str | None = setting_field(
        "AIRBYTE_CLIENT_SECRET", Group.AIRBYTE, KEY, "Its client secret.", secret=True
    )
    airbyte_workspace_id: str | None = setting_field(
        "AIRBYTE_WORKSPACE_ID", Group.AIRBYTE, NAME, "The workspace, as its address in the browser shows it."
    )
    airbyte_bucket_region: str | None = setting_field(
        "AIRBYTE_BUCKET_REGION",
        Group.AIRBYTE,
        NAME,
        "The region of the bucket that Airbyte writes to.",
        example="eu-west-3",
    )
    airbyte_aws_key_id: str | None = setting_field(
        "AIRBYTE_AWS_KEY_ID",
        Group.AIRBYTE,
        KEY,
        "A key of AWS for Airbyte, where its server has no role of its own.",
        secret=True,
    )
    airbyte_aws_secret: str | None = setting_field(
        "AIRBYTE_AWS_SECRET", Group.AIRBYTE, KEY, "The key's secret.", secret=True
    )
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Settings(raw_uri={self.raw_uri!r}, processed_uri={self.processed_uri!r}, mongodb_uri=***)"

    def require_raw_uri(self) -> str:
        """RAW_URI, or an error that says how to set it."""
        return self._require("raw_uri")[0]

    def require_processed_uri(self) -> str:
        """PROCESSED_URI, or an error that says how to set it."""
        return self._require("processed_uri")[0]

    def require_mongodb_uri(self) -> str:
        """MONGODB_URI, for what the embedded MongoDB will not do; or an error that says how to set it."""
        return self._require("mongodb_uri")[0]

    def require_airbyte(self) -> tuple[str, str, str]:
        """Client id, client secret and workspace of Airbyte, or one error for all that is missing of them."""
        client, secret, workspace = self._require("airbyte_client_id", "airbyte_client_secret", "airbyte_workspace_id")
        return client, secret, workspace

    def require_zones(self) -> tuple[str, str]:
        """RAW_URI and PROCESSED_URI, or one error for all that is missing of them."""
        raw_uri, processed_uri = self._require("raw_uri", "processed_uri")
        return raw_uri, processed_uri

    def _require(self, *names: str) -> list[str]:
        if missing := [_missing(_FIELDS[name]) for name in names if getattr(self, name) is None]:
            raise SettingError(*missing)
        return [str(getattr(self, name)) for name in names]


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting as it is in force: its value as it would be written, `***` where that can hold a credential."""

    setting: Setting
    value: str | None
    origin: str


def settings_in_force(settings: Settings) -> list[InForce]:
    """All settings, and where each comes from."""
    values = {**_values(settings), **_values(settings.limits)}
    values |= {setting: os.environ.get(setting.name) or None for setting in AWS_SETTINGS}
    return [
        InForce(setting, _presentable(setting, values[setting]), settings.origins.get(setting.name, "default"))
        for setting in (*SETTINGS, *AWS_SETTINGS)
    ]


def secret_values(settings: Settings) -> tuple[str, ...]:
    """What must not be shown, as it is set."""
    return tuple(str(value) for setting, value in _values(settings).items() if setting.secret and value)


def _presentable(setting: Setting, value: Any) -> str | None:
    if value is None:
        return None
    return "***" if setting.secret else str(without_secrets(setting.kind.text(value)))


def _declared(of: type[Settings | Limits]) -> dict[str, Setting]:
    """The settings among the fields of a class, by the name of the field."""
    return {item.name: item.metadata["setting"] for item in fields(of) if "setting" in item.metadata}


def _values(of: Settings | Limits) -> dict[Setting, Any]:
    return {setting: getattr(of, name) for name, setting in _declared(type(of)).items()}


_FIELDS = _declared(Settings)
# Each of them is an option of the commands too, in this order.
SETTINGS: tuple[Setting, ...] = tuple(
    sorted((*_FIELDS.values(), *_declared(Limits).values()), key=lambda setting: list(Group).index(setting.group))
)
# boto3 reads these from the environment itself; in .env they are found as well.
AWS_SETTINGS: tuple[Setting, ...] = (
    Setting("AWS_PROFILE", Group.AWS, ANY, "A profile of AWS's configuration files.", example="my-profile"),
    Setting("AWS_DEFAULT_REGION", Group.AWS, ANY, "The region.", example="eu-west-3"),
    Setting(
        "AWS_ACCESS_KEY_ID",
        Group.AWS,
        ANY,
        "A key, where there is neither profile nor role.",
        details="The role of an instance or of a task needs no key; keys in a file are the last resort.",
        secret=True,
    ),
    Setting("AWS_SECRET_ACCESS_KEY", Group.AWS, ANY, "The key's secret.", secret=True),
    Setting("AWS_SESSION_TOKEN", Group.AWS, ANY, "The token of a key that is valid for a time.", secret=True),
    Setting(
        "AWS_ENDPOINT_URL",
        Group.AWS,
        ENDPOINT,
        "Another S3 than Amazon's.",
        details="That of docker/compose.yml, for instance.",
        example="http://127.0.0.1:5000",
    ),
)
SECRETS: tuple[str, ...] = tuple(setting.name for setting in (*SETTINGS, *AWS_SETTINGS) if setting.secret)


class _Sources:
    """Where settings are looked for: the options of the command, the environment, `.env`."""

    def __init__(self, options: Mapping[str, str | None]) -> None:
        self._options = options
        self._file, self._from_file = _dotenv()
        self.origins: dict[str, str] = {}
        self.faults: dict[str, str] = {}
        self._hand_over_to_boto3()

    def read(self, of: type[Settings | Limits]) -> dict[str, Any]:
        """What is set of the fields of a class; faults and origins are noted."""
        found = {}
        for name, setting in _declared(of).items():
            text, origin = self._look_for(setting)
            if not text:
                continue
            self.origins[setting.name] = origin
            try:
                found[name] = setting.kind.parse(text)
            except ValueError as error:
                self.wrong(setting, f"{error}" or f"is {shown(text)}", setting.kind.takes)
        return found

    def wrong(self, setting: Setting, found: str, takes: str) -> None:
        """Note a fault."""
        self.faults[setting.name] = f"{setting.name} {found} (from {self.origins[setting.name]}); expected {takes}"

    def _hand_over_to_boto3(self) -> None:
        """What `.env` says of AWS goes into the environment, where boto3 looks; what is there already wins."""
        for setting in AWS_SETTINGS:
            text, origin = self._look_for(setting)
            if text:
                self.origins[setting.name] = origin
        for name, value in self._from_file.items():
            if name.startswith("AWS_"):
                os.environ.setdefault(name, value)

    def _look_for(self, setting: Setting) -> tuple[str, str]:
        name = setting.name
        if (option := self._options.get(name)) is not None:
            return option.strip(), setting.option
        if name in os.environ:
            return os.environ[name].strip(), "the environment"
        return self._from_file.get(name, "").strip(), self._file


def load_settings(options: Mapping[str, str | None] | None = None) -> Settings:
    """Settings from `options` (by variable name), the environment, and `.env` of the current folder, in this order.

    Raises SettingError with all that is wrong: the variable, what was found, where, and what it takes.
    """
    sources = _Sources(options or {})
    settings = Settings(**sources.read(Settings), limits=_limits(sources), origins=sources.origins)
    if sources.faults:
        raise SettingError(*sources.faults.values())
    return settings


def _limits(sources: _Sources) -> Limits:
    limits = Limits(**sources.read(Limits))
    # An object is copied, may be unpacked beside its copy, and what is made of it is beside both.
    of_one = limits.object_bytes + limits.unpacked_bytes
    setting = _declared(Limits)["temporary_bytes"]
    if setting.name not in sources.origins:
        return replace(limits, temporary_bytes=2 * of_one)
    compared = {setting.name, "MAX_OBJECT_MB", "MAX_UNPACKED_MB"}
    if limits.temporary_bytes <= of_one and not compared & sources.faults.keys():
        takes = f"more than MAX_OBJECT_MB and MAX_UNPACKED_MB together, {SIZE.text(of_one)}"
        sources.wrong(setting, f"is {SIZE.text(limits.temporary_bytes)}", takes)
    return limits


def _dotenv() -> tuple[str, Mapping[str, str]]:
    """The path of `.env` of the current folder or one above it ("" where there is none), and what it sets."""
    from dotenv import dotenv_values, find_dotenv  # noqa: PLC0415  no help text needs it

    path = find_dotenv(usecwd=True)
    return path, {name: value for name, value in dotenv_values(path).items() if value is not None} if path else {}


def _missing(setting: Setting) -> str:
    path, _ = _dotenv()
    without = " To try the pipeline without any setting: pipeline --demo" if setting.group is Group.ZONES else ""
    return (
        f"{setting.name} is not set ({setting.help[0].lower()}{setting.help[1:-1]}). It was looked for as an option "
        f"({setting.option}), in the environment and in {path or f'.env (there is none in {Path.cwd()} or above it)'}."
        f"{without}"
    )
