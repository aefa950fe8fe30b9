"""Settings: from an option of the command, the environment, or `.env`, in this order.

The name, type, default, limits and help of each setting are declared once: in the classes `Settings` and `Limits`, or,
if a network needs it, in the `settings.toml` of its package. The options of the commands, `.env.example` and the user
guide's table are generated from them. A value that can hold a credential is never shown.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Set
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from forecast.core.errors import SettingError
from forecast.core.network_folders import SETTINGS_FILE, built_in_folders, installed_folders
from forecast.core.network_settings import read_settings
from forecast.core.setting import (
    ANY,
    API_BASE,
    CONNECTION_STRING,
    CRON,
    DAYS,
    ENCODING,
    ENDPOINT,
    FILE,
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
    """The resources that raw objects may use. An object or row that exceeds them is rejected. Sizes are in bytes.

    Measured with the defaults: no object takes the process above 500 MB of memory (tests/hostile/test_memory.py).
    """

    # Airbyte begins a new object at about 200 MB.
    object_bytes: int = setting_field(
        "MAX_OBJECT_MB", Group.LIMITS, SIZE, "The largest raw object, as stored.", default="1024"
    )
    # Applies to gzip, and to the blocks of Parquet and Avro.
    unpacked_bytes: int = setting_field(
        "MAX_UNPACKED_MB",
        Group.LIMITS,
        SIZE,
        "The largest unpacked size of one object, and of one table.",
        default="1024",
    )
    # A year of one station of ten minutes is about 10 MB of JSON.
    record_bytes: int = setting_field(
        "MAX_RECORD_MB",
        Group.LIMITS,
        SIZE,
        "The largest record: a line, or a document in a cell or column.",
        details="A row that is not a document may have up to 1 MB.",
        default="32",
    )
    # All parts; a sheet of a day has 60 kB.
    workbook_bytes: int = setting_field(
        "MAX_WORKBOOK_MB",
        Group.LIMITS,
        SIZE,
        "The largest unpacked size of a workbook.",
        details="A sheet may have up to 1.5 million cells.",
        default="100",
    )
    temporary_bytes: int = setting_field(
        "MAX_TEMPORARY_MB",
        Group.LIMITS,
        SIZE,
        "The disk space that a run's temporary files may use at a time.",
        details="It must exceed MAX_OBJECT_MB plus MAX_UNPACKED_MB. The default is twice that sum.",
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
    """The settings of a command. `origins` says where each setting was found, by the name of its variable."""

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
        details="The server must be a replica set of at least one member.",
        without=f"a mongod on this machine, with its data in {EMBEDDED_FOLDER}",
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
        "The collection for the observations.",
        details="The names of the other collections begin with its name.",
        default="weather_measurements",
    )
    logs_dir: Path = setting_field(  # noqa: RUF009  it gives a field
        "LOGS_DIR", Group.REPORTS, FOLDER, "The folder for reports.", default="logs"
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
        "LOG_FORMAT", Group.REPORTS, FORMAT, "The log format: text, or json (one object per line).", default="text"
    )
    limits: Limits = Limits()
    max_data_age_hours: float | None = setting_field(
        "MAX_DATA_AGE_HOURS",
        Group.REPORTS,
        HOURS,
        "A station whose newest observation is older than this is silent.",
        details="Silence is a WARNING in the log, and a metric.",
        without="ages are shown, without a warning",
        example="36",
    )
    slo_uri: str | None = setting_field(
        "SLO_URI",
        Group.REPORTS,
        LOCATION,
        "The service level objectives: a .toml file, local or s3://.",
        details="It has the same form as src/config/slo.toml.",
        without="the built-in ones",
        example="s3://my-bucket/slo.toml",
    )
    metrics_namespace: str | None = setting_field(
        "METRICS_NAMESPACE",
        Group.REPORTS,
        NAME,
        "The CloudWatch namespace for metrics. If set, metrics are written to stdout, before the result.",
        details="They are lines in CloudWatch's embedded metric format.",
        without="no metrics are written",
        example="forecast-prod",
    )
    otlp_endpoint: str | None = setting_field(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        Group.REPORTS,
        API_BASE,
        "An OpenTelemetry collector, to which the spans of a run and its stages are sent by OTLP over HTTP.",
        details="Needs the extra `otlp`. Where it cannot be reached, the run is not affected.",
        without="no spans are sent",
        example="http://127.0.0.1:4318",
    )
    stations_uri: tuple[str, ...] | None = setting_field(
        "STATIONS_URI",
        Group.ZONES,
        LOCATIONS,
        "Stations to add or replace: .json and .csv files or folders, local or s3://.",
        details="Separate several with commas or spaces. A station replaces the built-in one with the same id.",
        without="only the built-in stations",
        example="s3://my-bucket/stations/",
    )
    ingest_state_uri: str | None = setting_field(
        "INGEST_STATE_URI",
        Group.INGEST,
        LOCATION,
        "Where ingest keeps its state: what it has read, call counts and leases.",
        details="It must not be below RAW_URI.",
        without="next to RAW_URI, with .ingest added to its name",
        example="s3://my-bucket/ingest/",
    )
    allow_non_commercial: bool = setting_field(
        "ALLOW_NON_COMMERCIAL",
        Group.INGEST,
        YES_OR_NO,
        "Whether to read stations whose licence forbids commercial use (CC BY-NC).",
        default="no",
    )
    logs_retention_days: int | None = setting_field(
        "LOGS_RETENTION_DAYS",
        Group.REPORTS,
        DAYS,
        "How many days timed reports and the run history are kept.",
        details="Each run removes older ones and their copies on S3, but never the newest report of a kind.",
        without="they are kept forever",
        example="365",
    )
    schedule: str | None = setting_field(
        "SCHEDULE",
        Group.REPORTS,
        CRON,
        "When runs are due: a cron expression, in UTC.",
        details="A run that does not start within an hour is missed. The next run and forecast status report it.",
        without="no run is missed",
        example="10 3 * * *",
    )
    airbyte_api_url: str = setting_field(
        "AIRBYTE_API_URL",
        Group.AIRBYTE,
        API_BASE,
        "The address of Airbyte's public API.",
        details="The default is that of abctl. Airbyte Cloud's is https://api.airbyte.com/v1.",
        default="http://localhost:8000/api/public/v1",
    )
    airbyte_client_id: str | None = setting_field(
        "AIRBYTE_CLIENT_ID", Group.AIRBYTE, KEY, "The client id of an application in Airbyte.", secret=True
    )
    airbyte_client_secret: str | None = setting_field(
        "AIRBYTE_CLIENT_SECRET", Group.AIRBYTE, KEY, "The client secret of that application.", secret=True
    )
    airbyte_workspace_id: str | None = setting_field(
        "AIRBYTE_WORKSPACE_ID", Group.AIRBYTE, NAME, "The id of the workspace, as in its address in the browser."
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
        "An AWS access key id for Airbyte, if its server has no role.",
        secret=True,
    )
    airbyte_aws_secret: str | None = setting_field(
        "AIRBYTE_AWS_SECRET", Group.AIRBYTE, KEY, "The secret access key for that id.", secret=True
    )
    scheduler_tls_ca: Path | None = setting_field(  # noqa: RUF009  it gives a field
        "SCHEDULER_TLS_CA",
        Group.CLUSTER,
        FILE,
        "The certificate of the private CA that signs for the Dask scheduler and its workers (PEM).",
        details="Required for a --scheduler at tls://.",
        example="/etc/forecast/dask/ca.pem",
    )
    scheduler_tls_cert: Path | None = setting_field(  # noqa: RUF009  it gives a field
        "SCHEDULER_TLS_CERT",
        Group.CLUSTER,
        FILE,
        "This machine's certificate of that CA (PEM).",
        details="Required for a --scheduler at tls://.",
        example="/etc/forecast/dask/driver.pem",
    )
    scheduler_tls_key: Path | None = setting_field(  # noqa: RUF009  it gives a field
        "SCHEDULER_TLS_KEY",
        Group.CLUSTER,
        FILE,
        "The file of its private key (PEM).",
        details="Required for a --scheduler at tls://.",
        example="/etc/forecast/dask/driver.key",
    )
    # The settings of the networks' packages, by variable name.
    of_networks: Mapping[str, str | None] = field(default_factory=lambda: _NETWORK_DEFAULTS, repr=False)
    origins: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"Settings(raw_uri={self.raw_uri!r}, processed_uri={self.processed_uri!r}, mongodb_uri=***)"

    def with_networks(self, **values: str | None) -> Settings:
        """Return the same settings with other values of the networks' own, by the name of the variable."""
        return replace(self, of_networks={**self.of_networks, **values})

    def require_raw_uri(self) -> str:
        """Return RAW_URI, or raise an error that says how to set it."""
        return self._require("raw_uri")[0]

    def require_processed_uri(self) -> str:
        """Return PROCESSED_URI, or raise an error that says how to set it."""
        return self._require("processed_uri")[0]

    def require_mongodb_uri(self) -> str:
        """Return MONGODB_URI where the embedded MongoDB will not do, or raise an error that says how to set it."""
        return self._require("mongodb_uri")[0]

    def require_airbyte(self) -> tuple[str, str, str]:
        """Return Airbyte's client id, client secret and workspace, or raise one error that names what is missing."""
        client, secret, workspace = self._require("airbyte_client_id", "airbyte_client_secret", "airbyte_workspace_id")
        return client, secret, workspace

    def require_zones(self) -> tuple[str, str]:
        """Return RAW_URI and PROCESSED_URI, or raise one error that names all that are missing."""
        raw_uri, processed_uri = self._require("raw_uri", "processed_uri")
        return raw_uri, processed_uri

    def _require(self, *names: str) -> list[str]:
        if missing := [_missing(_FIELDS[name]) for name in names if getattr(self, name) is None]:
            raise SettingError(*missing)
        return [str(getattr(self, name)) for name in names]


@dataclass(frozen=True, slots=True)
class InForce:
    """A setting in force: its value as text (`***` if it can hold a credential) and its origin."""

    setting: Setting
    value: str | None
    origin: str


def settings_in_force(settings: Settings) -> list[InForce]:
    """Return all settings, and where each comes from."""
    values = _all_values(settings)
    values |= {setting: os.environ.get(setting.name) or None for setting in AWS_SETTINGS}
    return [
        InForce(setting, _presentable(setting, values[setting]), settings.origins.get(setting.name, "default"))
        for setting in (*SETTINGS, *AWS_SETTINGS)
    ]


def secret_values(settings: Settings) -> tuple[str, ...]:
    """Return the values that must never be shown."""
    return tuple(str(value) for setting, value in _all_values(settings).items() if setting.secret and value)


def _presentable(setting: Setting, value: Any) -> str | None:
    if value is None:
        return None
    return "***" if setting.secret else str(without_secrets(setting.kind.text(value)))


def _declared(of: type[Settings | Limits]) -> dict[str, Setting]:
    """The settings among the fields of a class, by the name of the field."""
    return {item.name: item.metadata["setting"] for item in fields(of) if "setting" in item.metadata}


def _values(of: Settings | Limits) -> dict[Setting, Any]:
    return {setting: getattr(of, name) for name, setting in _declared(type(of)).items()}


def _all_values(settings: Settings) -> dict[Setting, Any]:
    of_networks = {setting: settings.of_networks.get(setting.name) for setting in NETWORK_SETTINGS}
    return {**_values(settings), **of_networks, **_values(settings.limits)}


# boto3 reads these from the environment itself; in .env they are found as well.
AWS_SETTINGS: tuple[Setting, ...] = (
    Setting("AWS_PROFILE", Group.AWS, ANY, "A profile in AWS's configuration files.", example="my-profile"),
    Setting("AWS_DEFAULT_REGION", Group.AWS, ANY, "The region.", example="eu-west-3"),
    Setting(
        "AWS_ACCESS_KEY_ID",
        Group.AWS,
        ANY,
        "An access key id, if there is neither a profile nor a role.",
        details="With the role of an instance or a task, no key is needed. Keys in a file are the last resort.",
        secret=True,
    ),
    Setting("AWS_SECRET_ACCESS_KEY", Group.AWS, ANY, "The secret access key for that id.", secret=True),
    Setting("AWS_SESSION_TOKEN", Group.AWS, ANY, "The session token of temporary credentials.", secret=True),
    Setting(
        "AWS_ENDPOINT_URL",
        Group.AWS,
        ENDPOINT,
        "The endpoint of an S3 service other than Amazon's.",
        details="For example, that of docker/compose.yml.",
        example="http://127.0.0.1:5000",
    ),
)
_FIELDS = _declared(Settings)
_OWN_SETTINGS: tuple[Setting, ...] = (*_FIELDS.values(), *_declared(Limits).values())


def _settings_of_networks() -> Iterator[Setting]:
    """The settings of all networks' packages. `find_networks` reports what is wrong with an installed one."""
    taken = {setting.name for setting in (*_OWN_SETTINGS, *AWS_SETTINGS)}
    for folder in built_in_folders():
        yield from (declared := _new_settings(folder, taken))
        taken |= {setting.name for setting in declared}
    for folder in installed_folders():
        with suppress(ValueError):
            yield from (declared := _new_settings(folder, taken))
            taken |= {setting.name for setting in declared}


def _new_settings(folder: Path, taken: Set[str]) -> tuple[Setting, ...]:
    """The settings of a network's package. Raises ValueError if they are wrong, or if a name is taken."""
    declared = read_settings(folder)
    if twice := sorted(taken & {setting.name for setting in declared}):
        raise ValueError(f"{folder / SETTINGS_FILE}: {twice[0]} is a setting of another part of the program")
    return declared


NETWORK_SETTINGS: tuple[Setting, ...] = tuple(_settings_of_networks())
_NETWORK_DEFAULTS: Mapping[str, str | None] = {setting.name: setting.default for setting in NETWORK_SETTINGS}
# Each of them is an option of the commands too, in this order.
SETTINGS: tuple[Setting, ...] = tuple(
    sorted((*_OWN_SETTINGS, *NETWORK_SETTINGS), key=lambda setting: list(Group).index(setting.group))
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
        """Return the fields of a class that are set. Faults and origins are recorded."""
        found = {name: self._value(setting) for name, setting in _declared(of).items()}
        return {name: value for name, value in found.items() if value is not None}

    def read_networks(self) -> dict[str, str | None]:
        """Return the networks' own settings, by the name of the variable."""
        return {
            setting.name: setting.default if (value := self._value(setting)) is None else value
            for setting in NETWORK_SETTINGS
        }

    def _value(self, setting: Setting) -> Any:
        """The value of a setting; None if it is not set or wrong."""
        text, origin = self._look_for(setting)
        if not text:
            return None
        self.origins[setting.name] = origin
        try:
            return setting.kind.parse(text)
        except ValueError as error:
            self.wrong(setting, f"{error}" or f"is {shown(text)}", setting.kind.takes)
            return None

    def wrong(self, setting: Setting, found: str, takes: str) -> None:
        """Record a fault."""
        self.faults[setting.name] = f"{setting.name} {found} (from {self.origins[setting.name]}); expected {takes}"

    def _hand_over_to_boto3(self) -> None:
        """Put the AWS settings of `.env` into the environment, where boto3 looks; existing variables win."""
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
    """Return settings from `options` (by variable name), the environment, and `.env` here, in this order.

    Raises SettingError that names every fault: the variable, what was found, where, and what is accepted.
    """
    sources = _Sources(options or {})
    settings = Settings(
        **sources.read(Settings),
        limits=_limits(sources),
        of_networks=sources.read_networks(),
        origins=sources.origins,
    )
    if sources.faults:
        raise SettingError(*sources.faults.values())
    return settings


def _limits(sources: _Sources) -> Limits:
    limits = Limits(**sources.read(Limits))
    # An object's copy, its unpacked content and its output can exist at the same time.
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
    """The path of `.env` in this folder or one above it ("" if there is none), and what it sets."""
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
