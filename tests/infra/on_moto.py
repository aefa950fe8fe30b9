"""The whole configuration on a server that pretends to be AWS: made, planned again, changed, used, destroyed.

Run by tests/infra/run, in the order of this file: the stack is made once, and the last test destroys it.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from pymongo import MongoClient

from forecast_demo import write_demo
from forecast_ops.pki import issue, open_authority
from tests.infra.metric_filters import counted, declared
from tests.infra.runbooks import commands
from tests.infra.stack import DIGESTS, REGION, ROOT, STATE_BUCKET, Stack, copy_of_terraform, free_port, moto_server
from tests.slo import GENEROUS_MS, NO_MACHINE_MS, slo_file
from tests.stations import built_in_registry

USERS = {"root", "app", "backup", "monitor", "roll"}
TASK_DEFINITION = "aws_ecs_task_definition"
SCHEDULE = "aws_scheduler_schedule"
SECRET_VERSION = "aws_secretsmanager_secret_version"


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of the dev example, made."""
    folder = tmp_path_factory.mktemp("infra")
    with moto_server(folder / "moto.log") as endpoint:
        made = Stack(endpoint, copy_of_terraform(folder / "dev"), "dev.tfstate")
        made.client("s3").create_bucket(Bucket=STATE_BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        made.initialise()
        made.apply(dev(made))
        yield made


@pytest.fixture(scope="module")
def production(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Stack:
    """The configuration with nothing made of it yet."""
    planned = Stack(stack.endpoint, copy_of_terraform(tmp_path_factory.mktemp("infra") / "prod"), "prod.tfstate")
    planned.initialise()
    return planned


@pytest.fixture(scope="module")
def extended(stack: Stack) -> Stack:
    """The same stack with what the dev example leaves out: a worker, and a file of one's own stations."""
    stack.apply(dev(stack), workers="1", stations_prefix="stations/")
    put_station(stack)
    return stack


def dev(stack: Stack) -> Path:
    return stack.folder / "environments" / "dev.tfvars.example"


def prod(stack: Stack) -> Path:
    return stack.folder / "environments" / "prod.tfvars.example"


def kind_of(address: str) -> str:
    """The type of the resource: module.network.aws_vpc.this is an aws_vpc."""
    return next(part for part in address.split(".") if part.startswith(("aws_", "terraform_")))


def of_kind(planned: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """The values of all resources of a type."""
    return [values for address, values in planned.items() if kind_of(address) == kind]


def secret_values(stack: Stack) -> dict[str, str]:
    """What Secrets Manager holds, by name; a container without a value is left out."""
    client = stack.client("secretsmanager")
    found = {}
    for entry in client.list_secrets()["SecretList"]:
        try:
            found[entry["Name"]] = client.get_secret_value(SecretId=entry["Name"])["SecretString"]
        except client.exceptions.ResourceNotFoundException:
            continue
    return found


# Made, and made again.


def test_a_second_plan_is_empty(stack: Stack) -> None:
    code, output = stack.terraform(
        "plan", "-input=false", "-no-color", "-detailed-exitcode", f"-var-file={dev(stack)}", allowed=(0, 2)
    )
    assert code == 0, output


# Production, planned from nothing.


def test_in_production_nothing_that_holds_data_goes_by_a_slip(production: Stack) -> None:
    planned = {address: change["after"] for address, change in production.plan(prod(production)).items()}
    assert not any(values["force_destroy"] for values in of_kind(planned, "aws_s3_bucket"))
    assert {values["recovery_window_in_days"] for values in of_kind(planned, "aws_secretsmanager_secret")} == {30}
    assert [values["force_destroy"] for values in of_kind(planned, "aws_backup_vault")] == [False]
    assert {values["retention_in_days"] for values in of_kind(planned, "aws_cloudwatch_log_group")} == {400}
    assert "module.mongodb.terraform_data.deletion_protection[0]" in planned
    (lock,) = of_kind(planned, "aws_s3_bucket_object_lock_configuration")
    assert lock["rule"] == [{"default_retention": [{"days": 30, "mode": "GOVERNANCE", "years": None}]}]


def test_the_example_without_internet_has_endpoints_in_place_of_gateways(production: Stack) -> None:
    example = production.folder / "examples" / "no-internet.tfvars.example"
    planned = {address: change["after"] for address, change in production.plan(prod(production), example).items()}
    assert not of_kind(planned, "aws_nat_gateway")
    assert not of_kind(planned, "aws_internet_gateway")
    services = [values["service_name"] for values in of_kind(planned, "aws_vpc_endpoint")]
    names = ("ecr.api", "ecr.dkr", "ecs", "logs", "s3", "secretsmanager", "ssm")
    assert sorted(services) == [f"com.amazonaws.eu-west-3.{name}" for name in names]


def test_no_role_of_a_stack_with_a_boundary_is_without_it(production: Stack) -> None:
    boundary = "arn:aws:iam::123456789012:policy/forecast-prod-github-boundary"
    changes = production.plan(prod(production), permissions_boundary_arn=boundary)
    roles = of_kind({address: change["after"] for address, change in changes.items()}, "aws_iam_role")
    assert len(roles) > 20
    assert {role["permissions_boundary"] for role in roles} == {boundary}


# Secrets.


def test_every_user_has_a_password_and_a_connection_string(stack: Stack) -> None:
    held = {
        name.rpartition("/")[2]: json.loads(value)
        for name, value in secret_values(stack).items()
        if "/mongodb/user/" in name
    }
    assert held.keys() == USERS
    for user, secret in held.items():
        assert secret == {
            "username": user,
            "password": secret["password"],
            "uri": f"mongodb://{user}:{secret['password']}@"
            + ",".join(f"mongo-{number}.forecast-dev.internal:27017" for number in (1, 2, 3))
            + "/?replicaSet=forecast&tls=true&tlsCAFile=/run/mongo/ca.pem&authSource=admin",
        }
        assert len(secret["password"]) == 40
        assert secret["password"].isalnum()
    assert len({secret["password"] for secret in held.values()}) == len(USERS)


def test_the_replica_key_is_one_that_mongod_takes(stack: Stack) -> None:
    key = secret_values(stack)["forecast-dev/mongodb/replica-key"]
    assert len(key) == 756
    assert key.isalnum()
    assert key.isascii()


def test_tls_secrets_wait_for_the_operator(stack: Stack) -> None:
    names = {entry["Name"] for entry in stack.client("secretsmanager").list_secrets()["SecretList"]}
    waiting = {name for name in names if "/tls/" in name}
    assert waiting == {f"forecast-dev/mongodb/tls/{name}" for name in ("ca", "mongo-1", "mongo-2", "mongo-3")}
    assert not waiting & secret_values(stack).keys()


def test_no_secret_is_in_the_state_or_in_a_plan(stack: Stack) -> None:
    values = secret_values(stack)
    drawn = {json.loads(value)["password"] if value.startswith("{") else value for value in values.values()}
    assert len(drawn) == len(USERS) + 1
    planned = stack.plan(dev(stack), secrets_version="2")
    plan, state = stack.shown_plan(), json.dumps(stack.state())
    assert "forecast-dev/mongodb/user/app" in state
    assert "forecast-dev/mongodb/user/app" in plan
    assert not [value for value in drawn if value in state or value in plan]
    # The values that are going to be written are drawn again by the apply; the plan holds their version only.
    written = of_kind({address: change["after"] for address, change in planned.items()}, SECRET_VERSION)
    assert [values["secret_string_wo_version"] for values in written] == [2] * len(USERS)
    assert [values["secret_string_wo"] for values in written] == [None] * len(USERS)


# Settings that are refused.


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("mongo_image_digest", "latest", "a tag would not tell which image runs"),
        ("pipeline_image_digest", "sha256:abc", "sha256: and 64 hexadecimal digits"),
        ("alarm_emails", '{page=[],ticket=["a@example.org"]}', "an alarm that nobody hears is none"),
        ("alarm_emails", '{page=["a@example.org"],ticket=["weather-team"]}', "at least one e-mail address"),
        ("chain", "{hours_between=0}", "a whole number from 1 to 166"),
        ("chain", '{schedule="every day"}', "chain.schedule must be cron(...) or rate(...)"),
        ("chain", "{hours={sleep=1}}", "ingest, pipeline, latency, dump and dashboard"),
        ("ingest_keys", '["password"]', "end in _KEY or _TOKEN"),
        ("monthly_budget_usd", "0", "monthly_budget_usd must be above 0"),
        ("max_data_age_hours", "0", "max_data_age_hours must be above 0"),
        ("availability_zones", '["eu-west-3a","eu-west-3a","eu-west-3b"]', "must name three different zones"),
        ("availability_zones", '["us-east-1a","us-east-1b","us-east-1c"]', "must be zones of the region"),
        ("environment", "staging", "environment must be dev or prod"),
        ("nat_mode", "two", "nat_mode must be single, per_zone or none"),
        ("vpc_cidr", "10.0.0.0/8", "between /16 and /24"),
        ("secrets_version", "0", "a whole number from 1"),
        ("project", "Forecast", "lower-case letters"),
        ("workers", "-1", "workers must be a whole number from 0 to 100"),
        ("worker", "{cpu=4096}", "a worker has one thread"),
        ("stations_prefix", "stations", "stations_prefix must be empty or end in a slash"),
        ("region", "europe", "region must be an AWS region"),
    ],
)
def test_a_wrong_setting_is_refused_in_words(tmp_path: Path, name: str, value: str, words: str) -> None:
    wrong = evaluate(tmp_path, f"-var={name}={value}")
    assert wrong.returncode == 1
    assert words in " ".join(wrong.stderr.replace("│", " ").split())


def test_the_settings_that_these_were_put_into_are_right(tmp_path: Path) -> None:
    done = evaluate(tmp_path)
    assert done.returncode == 0, done.stderr


def evaluate(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Plan the variables alone: they are evaluated before anything else, and so need no server."""
    shutil.copy(ROOT / "terraform" / "variables.tf", folder)
    settings = ROOT / "terraform" / "environments" / "dev.tfvars.example"
    command = ["terraform", f"-chdir={folder}", "plan", "-input=false", "-no-color", f"-var-file={settings}"]
    digests = [f"-var={image}_image_digest={digest}" for image, digest in DIGESTS.items()]
    return subprocess.run([*command, *digests, *options], capture_output=True, text=True, check=False)


# What a delivery changes.


def test_a_changed_image_makes_task_definitions_and_touches_no_service(stack: Stack) -> None:
    changes = stack.plan(
        dev(stack), mongo_image_digest="sha256:" + "a" * 64, pipeline_image_digest="sha256:" + "b" * 64
    )
    members = {f'module.mongodb.aws_ecs_task_definition.member["mongo-{number}"]' for number in (1, 2, 3)}
    assert members <= changes.keys()
    assert not [address for address in changes if "aws_ecs_service" in address]
    assert {kind_of(address) for address in changes} <= {
        *(TASK_DEFINITION, SCHEDULE, "aws_iam_role_policy", "aws_cloudwatch_event_target")
    }


def test_workers_are_added_and_touch_nothing_that_is_there(stack: Stack) -> None:
    changes = stack.plan(dev(stack), workers="4")
    others = {address for address in changes if not address.startswith("module.workers[0].")}
    # It hears of the new task's failures too.
    assert others == {'module.observability.aws_cloudwatch_event_rule.this["task-failed"]'}
    assert {tuple(change["actions"]) for address, change in changes.items() if address not in others} == {("create",)}
    services = of_kind({address: change["after"] for address, change in changes.items()}, "aws_ecs_service")
    assert [service["desired_count"] for service in services] == [0, 0]


def test_a_larger_member_touches_no_service(stack: Stack) -> None:
    changes = stack.plan(dev(stack), member_cpu="1024", member_memory="4096", volume_size_gib="40")
    assert not [address for address in changes if "aws_ecs_service" in address]
    assert {kind_of(address) for address in changes} == {TASK_DEFINITION}


def test_a_member_keeps_its_data_on_an_encrypted_volume_of_its_own_zone(stack: Stack) -> None:
    ecs = stack.client("ecs")
    names = [f"mongo-{number}" for number in (1, 2, 3)]
    services = ecs.describe_services(cluster="forecast-dev", services=names)["services"]
    volumes = [service["deployments"][0]["volumeConfigurations"][0]["managedEBSVolume"] for service in services]
    assert len(volumes) == 3
    assert all(volume["encrypted"] and volume["filesystemType"] == "xfs" for volume in volumes)
    subnets = [service["networkConfiguration"]["awsvpcConfiguration"]["subnets"] for service in services]
    zones = stack.client("ec2").describe_subnets(SubnetIds=[subnet for (subnet,) in subnets])["Subnets"]
    assert {subnet["AvailabilityZone"] for subnet in zones} == {"eu-west-3a", "eu-west-3b", "eu-west-3c"}


# The pipeline, with the rights of its task and no other.


@dataclass(frozen=True)
class Task:
    """A task as its definition tells it."""

    command: list[str]
    environment: dict[str, str]
    credentials: dict[str, str]

    def run(self, stack: Stack, folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Its command on this machine, under its role and with IAM enforced; `variables` win over the definition's."""
        with stack.enforced_iam():
            return subprocess.run(
                [*self._program(), *arguments],
                cwd=folder,
                env=self._variables(stack, folder) | variables,
                capture_output=True,
                text=True,
                check=False,
            )

    @contextmanager
    def running(self, stack: Stack, folder: Path, **variables: str) -> Iterator[None]:
        """Its command on this machine, under its role, until this is left."""
        with (
            (folder / f"{self.command[1]}.log").open("wb") as log,
            subprocess.Popen(
                self._program(),
                cwd=folder,
                env=self._variables(stack, folder) | variables,
                stdout=log,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            try:
                yield
            finally:
                process.terminate()

    def moved(self, places: Mapping[str, str]) -> Task:
        """The same with other addresses and folders."""

        def here(text: str) -> str:
            for there, place in places.items():
                text = text.replace(there, place)
            return text

        environment = {name: here(value) for name, value in self.environment.items()}
        return Task([here(word) for word in self.command], environment, self.credentials)

    def _program(self) -> list[str | Path]:
        return [Path(sys.executable).with_name(self.command[0]), *self.command[1:]]

    def _variables(self, stack: Stack, folder: Path) -> dict[str, str]:
        keys = {name.upper(): value for name, value in self.credentials.items()}
        return stack.environment | self.environment | keys | {"LOGS_DIR": str(folder / "logs")}


def task(stack: Stack, name: str) -> Task:
    definition = stack.client("ecs").describe_task_definition(taskDefinition=f"forecast-dev-{name}")["taskDefinition"]
    (container,) = (found for found in definition["containerDefinitions"] if found["name"] == name)
    environment = {variable["name"]: variable["value"] for variable in container["environment"]}
    command = container["entryPoint"] + container["command"]
    return Task(command, environment, stack.assume(definition["taskRoleArn"]))


def bucket(stack: Stack, zone: str) -> str:
    account = stack.client("sts").get_caller_identity()["Account"]
    return f"forecast-dev-{zone}-{account}"


def fill_raw(stack: Stack, folder: Path) -> None:
    """Put the demonstration's objects into the raw zone."""
    with built_in_registry():
        write_demo(folder / "raw")
    for path in sorted((folder / "raw").rglob("*")):
        if path.is_file():
            key = f"airbyte-sync/{path.relative_to(folder / 'raw').as_posix()}"
            stack.client("s3").upload_file(str(path), bucket(stack, "raw"), key)


def test_the_pipeline_runs_under_its_role(stack: Stack, replica_set: str, mongo_database: str, tmp_path: Path) -> None:
    """All but the address of the database is as the task definition has it. Its log is what metrics are made of."""
    fill_raw(stack, tmp_path)
    database = {"MONGODB_URI": replica_set, "MONGODB_DATABASE": mongo_database}

    tried = task(stack, "pipeline").run(stack, tmp_path, "--dry-run", **database)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert counted(tried.stderr.splitlines(), declared()) == {}

    done = task(stack, "pipeline").run(stack, tmp_path, "--json", **database)
    assert done.returncode == 0, done.stdout + done.stderr
    assert counted((done.stdout + done.stderr).splitlines(), declared()) == {
        "RunsDone": 1,
        "RejectionRate": 1,
        "RecordsValidated": 1,
    }
    *metrics, result = map(json.loads, done.stdout.splitlines())
    assert {name for line in metrics for name in line} >= {"RowsRead", "NewestObservationAgeSeconds", "StationsSilent"}
    assert {line["_aws"]["CloudWatchMetrics"][0]["Namespace"] for line in metrics} == {"forecast-dev"}
    status = result["status"]
    assert status["status"] == "success"
    assert status["counts"]["inserted"] > 0
    client: MongoClient[dict[str, Any]]
    with MongoClient(replica_set) as client:
        assert client[mongo_database]["weather_measurements"].count_documents({}) == status["counts"]["inserted"]
    listed = stack.client("s3").list_objects_v2(Bucket=bucket(stack, "processed"))["Contents"]
    assert {entry["Key"].partition("/")[0] for entry in listed} == {
        *("observations", "current", "hourly", "stations.parquet", "parameters.parquet"),
        *("rejected", "logs", "site"),
    }

    for name in ("migrate", "replay"):
        again = task(stack, name).run(stack, tmp_path, **database)
        assert again.returncode == 0, again.stdout + again.stderr

    # What people start, and the last step of the chain.
    for name, arguments in {
        "crud-check": [],
        "dashboard": [],
        "quality": ["--since", "2024-10-01", "--until", "2024-10-02"],
    }.items():
        ended = task(stack, name).run(stack, tmp_path, *arguments, **database)
        assert ended.returncode == 0, ended.stdout + ended.stderr
    # The week of the demonstration is years ago: every station is silent.
    assert task(stack, "status").run(stack, tmp_path, **database).returncode == 3

    # A target that a busy machine holds too, and one that none holds.
    held = task(stack, "latency").run(stack, tmp_path, "--slo-uri", slo_file(tmp_path, GENEROUS_MS), **database)
    assert counted(held.stdout.splitlines(), declared()) == {"LatencyP95Milliseconds": 1}
    missed = task(stack, "latency").run(stack, tmp_path, "--slo-uri", slo_file(tmp_path, NO_MACHINE_MS), **database)
    assert counted(missed.stdout.splitlines(), declared()) == {"LatencyP95Milliseconds": 1, "LatencyTargetMissed": 1}
    assert (held.returncode, missed.returncode) == (0, 3)

    # Runs in the background load into collections and folders of their own.
    options = ("--clients", "1", "--requests", "2", "--until", "2024-10-08")
    loaded = task(stack, "load-test").run(
        stack, tmp_path, *options, "--slo-uri", slo_file(tmp_path, GENEROUS_MS), **database
    )
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr


def test_a_run_on_workers_needs_no_more_than_their_roles(
    extended: Stack, replica_set: str, mongo_database: str, tmp_path: Path
) -> None:
    """Scheduler, worker and run as their task definitions have them, with TLS, but for addresses and folders."""
    stack = extended
    fill_raw(stack, tmp_path)
    now = datetime.now(UTC)
    (tmp_path / "workers.pem").write_bytes(issue(open_authority(tmp_path, now), "scheduler", 1, now))
    port = str(free_port())
    places = {"/run/mongo": str(tmp_path), "scheduler.forecast-dev.internal": "127.0.0.1", "8786": port, "8787": "0"}
    scheduler, worker, run = (task(stack, name).moved(places) for name in ("scheduler", "worker", "pipeline-workers"))
    database = {"MONGODB_URI": replica_set, "MONGODB_DATABASE": mongo_database}
    with scheduler.running(stack, tmp_path), worker.running(stack, tmp_path, **database):
        done = run.run(stack, tmp_path, "--json", **database)
    assert done.returncode == 0, done.stdout + done.stderr
    status = json.loads(done.stdout.splitlines()[-1])["status"]
    assert (status["status"], status["counts"]["inserted"] > 0) == ("success", True)
    assert "AccessDenied" not in (tmp_path / "worker.log").read_text()


OWN_STATIONS = "stations/infoclimat.csv"


def put_station(stack: Stack) -> None:
    table = b"id,name,latitude,longitude,elevation\nOWN01,Steenvoorde,50.81,2.58,35\n"
    stack.client("s3").put_object(Bucket=bucket(stack, "raw"), Key=OWN_STATIONS, Body=table)


def test_stations_of_ones_own_are_read_under_the_roles(
    extended: Stack, replica_set: str, mongo_database: str, tmp_path: Path
) -> None:
    database = {"MONGODB_URI": replica_set, "MONGODB_DATABASE": mongo_database}
    tasks = {name: task(extended, name) for name in ("pipeline", "migrate", "replay", "dashboard", "status")}
    for name in ("pipeline", "migrate", "replay", "dashboard"):
        done = tasks[name].run(extended, tmp_path, **database)
        assert done.returncode == 0, f"{name}: {done.stdout}{done.stderr}"
    assert "OWN01" in tasks["status"].run(extended, tmp_path, "--json", **database).stdout

    extended.client("s3").delete_object(Bucket=bucket(extended, "raw"), Key=OWN_STATIONS)
    without = tasks["status"].run(extended, tmp_path, **database)
    put_station(extended)
    assert without.returncode == 2
    assert "holds no .json or .csv file (STATIONS_URI)" in without.stderr


ACTIONS: dict[str, Callable[[Any, str, str], object]] = {
    "list": lambda s3, bucket, prefix: s3.list_objects_v2(Bucket=bucket, Prefix=prefix),
    "get": lambda s3, bucket, key: s3.get_object(Bucket=bucket, Key=key),
    "put": lambda s3, bucket, key: s3.put_object(Bucket=bucket, Key=key, Body=b"test"),
    "delete": lambda s3, bucket, key: s3.delete_object(Bucket=bucket, Key=key),
}
MAY = [
    ("ingest", "list", "raw", "airbyte-sync/"),
    ("ingest", "put", "raw", "airbyte-sync/new"),
    ("ingest", "put", "raw", "ingest-state/new"),
    ("ingest", "get", "raw", "ingest-state/here"),
    ("ingest", "delete", "raw", "ingest-state/here"),
    ("dashboard", "get", "processed", "here"),
    ("dashboard", "put", "processed", "site/new"),
    ("status", "get", "processed", "here"),
    ("quality", "put", "processed", "logs/new"),
    ("pipeline", "list", "raw", "airbyte-sync/"),
    ("pipeline", "get", "raw", "airbyte-sync/here"),
    ("pipeline", "list", "processed", ""),
    ("pipeline", "get", "processed", "here"),
    ("pipeline", "put", "processed", "new"),
    ("pipeline", "put", "processed", "logs/new"),
    ("pipeline", "delete", "processed", "new"),
    ("worker", "get", "raw", "airbyte-sync/here"),
    ("worker", "put", "processed", "new"),
    ("pipeline-workers", "list", "raw", "airbyte-sync/"),
    ("pipeline-workers", "put", "processed", "logs/new"),
    *(
        (name, "list", "raw", "stations/")
        for name in ("dashboard", "latency", "migrate", "quality", "replay", "status")
    ),
    *(
        (name, "get", "raw", "stations/here")
        for name in ("dashboard", "ingest", "latency", "migrate", "pipeline", "quality", "replay", "status")
    ),
    ("pipeline-workers", "get", "raw", "stations/here"),
    ("latency", "put", "processed", "logs/new"),
    ("latency", "list", "processed", "logs/"),
    ("load-test", "get", "processed", "logs/here"),
    ("latency", "get", "processed", "logs/here"),
    ("migrate", "put", "processed", "logs/new"),
    ("mongo-dump", "put", "backup", "dumps/new"),
    ("mongo-restore", "list", "backup", "dumps/"),
    ("mongo-restore", "get", "backup", "dumps/here"),
]
MAY_NOT = [
    ("ingest", "delete", "raw", "airbyte-sync/here"),
    ("ingest", "put", "raw", "elsewhere/new"),
    ("ingest", "put", "processed", "observations/new"),
    ("dashboard", "put", "processed", "observations/new"),
    ("dashboard", "get", "raw", "airbyte-sync/here"),
    *((name, "put", "raw", "stations/new") for name in ("ingest", "pipeline", "status")),
    ("status", "delete", "raw", "stations/here"),
    ("status", "get", "raw", "airbyte-sync/here"),
    ("load-test", "list", "raw", "stations/"),
    ("load-test", "get", "raw", "stations/here"),
    ("crud-check", "get", "raw", "stations/here"),
    ("status", "put", "processed", "logs/new"),
    ("crud-check", "get", "processed", "here"),
    ("mongo-status", "list", "backup", "dumps/"),
    ("pipeline", "get", "raw", "elsewhere/here"),
    ("pipeline", "put", "raw", "airbyte-sync/here"),
    ("pipeline", "put", "raw", "airbyte-sync/new"),
    ("pipeline", "delete", "raw", "airbyte-sync/here"),
    ("pipeline", "list", "backup", ""),
    ("pipeline", "get", "backup", "dumps/here"),
    ("pipeline", "put", "backup", "dumps/new"),
    ("pipeline", "delete", "backup", "dumps/here"),
    ("scheduler", "list", "raw", "airbyte-sync/"),
    ("scheduler", "put", "processed", "new"),
    ("worker", "put", "raw", "airbyte-sync/new"),
    ("worker", "get", "backup", "dumps/here"),
    ("pipeline-workers", "delete", "raw", "airbyte-sync/here"),
    ("pipeline-workers", "put", "backup", "dumps/new"),
    ("latency", "put", "processed", "observations/new"),
    ("latency", "get", "processed", "here"),
    ("mongo-dump", "list", "raw", "airbyte-sync/"),
    ("mongo-dump", "get", "raw", "airbyte-sync/here"),
    ("mongo-dump", "put", "raw", "airbyte-sync/new"),
    ("mongo-dump", "put", "processed", "new"),
    ("mongo-dump", "put", "backup", "elsewhere"),
    ("mongo-dump", "get", "backup", "dumps/here"),
    ("mongo-dump", "delete", "backup", "dumps/here"),
    ("mongo-restore", "list", "backup", ""),
    ("mongo-restore", "put", "backup", "dumps/new"),
    ("mongo-restore", "delete", "backup", "dumps/here"),
    ("mongo-restore", "get", "raw", "airbyte-sync/here"),
]


@pytest.fixture(scope="module")
def objects(extended: Stack) -> None:
    """One object in each place, put by the administrator."""
    for zone, keys in {
        "raw": ["airbyte-sync/here", "elsewhere/here", "ingest-state/here", "stations/here"],
        "processed": ["here", "logs/here"],
        "backup": ["dumps/here"],
    }.items():
        for key in keys:
            extended.client("s3").put_object(Bucket=bucket(extended, zone), Key=key, Body=b"test")


@pytest.mark.parametrize(("name", "action", "zone", "key"), MAY)
def test_a_task_may(stack: Stack, objects: None, name: str, action: str, zone: str, key: str) -> None:
    target, s3 = bucket(stack, zone), stack.client("s3", task(stack, name).credentials)
    with stack.enforced_iam():
        ACTIONS[action](s3, target, key)


@pytest.mark.parametrize(("name", "action", "zone", "key"), MAY_NOT)
def test_a_task_may_not(stack: Stack, objects: None, name: str, action: str, zone: str, key: str) -> None:
    target, s3 = bucket(stack, zone), stack.client("s3", task(stack, name).credentials)
    with stack.enforced_iam(), pytest.raises(ClientError) as refused:
        ACTIONS[action](s3, target, key)
    assert refused.value.response["Error"]["Code"] == "AccessDenied"


# The metrics, and what an operator types.


def test_the_metrics_are_made_of_the_patterns_that_lines_are_tried_on(stack: Stack) -> None:
    filters = stack.client("logs").get_paginator("describe_metric_filters").paginate()
    made = {entry["filterName"]: entry["filterPattern"] for page in filters for entry in page["metricFilters"]}
    assert made == declared()


SNAPSHOT = "snap-0a1b2c3d4e5f67890"


@pytest.fixture(scope="module")
def desk(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that an operator types in."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "terraform").symlink_to(stack.folder)
    return folder


@pytest.mark.parametrize(
    ("page", "heading", "number"),
    [
        ("first-deployment.md", "4. Certificates", 1),
        ("first-deployment.md", "6. The replica set", 2),
        ("confirm-subscription.md", "Is it confirmed?", 2),
        ("alarms.md", "Does an alarm reach me?", 1),
        ("evidence.md", "Airbyte", 1),
        ("evidence.md", "Buckets", 2),
        ("evidence.md", "ECS", 2),
        ("evidence.md", "The pipeline", 2),
        ("evidence.md", "Alarms", 2),
        ("evidence.md", "SNS", 1),
        ("evidence.md", "Backup", 2),
        ("evidence.md", "No secret in the state", 2),
        ("restore.md", "After a total loss: an empty set first", 2),
        ("restore.md", "From a dump", 1),
        ("restore.md", "From a snapshot", 7),
        ("rotate-secrets.md", "Members' certificates", 2),
        ("rotate-secrets.md", "The members' key", 3),
    ],
)
def test_the_commands_of_the_runbooks_run(stack: Stack, desk: Path, page: str, heading: str, number: int) -> None:
    """As they stand there, for the stack that is here; poetry is left out, for there is one environment only."""
    typed = commands(page, heading)
    assert len(typed) == number, typed
    account = stack.client("sts").get_caller_identity()["Account"]
    script = "\n".join(typed).replace("forecast-prod", "forecast-dev").replace("ACCOUNT", account)
    script = script.replace("poetry run ", f"{Path(sys.executable).parent}/").replace("snap-…", SNAPSHOT)
    done = subprocess.run(
        ["bash", "-uc", script], cwd=desk, env=stack.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower(), done.stderr
    if (page, heading) == ("evidence.md", "No secret in the state"):
        assert done.stdout == "0\n"


def test_a_member_that_was_started_from_a_snapshot_is_not_started_from_it_again(stack: Stack, desk: Path) -> None:
    """The runbook ends with the volumes that it began with."""
    (seeded,) = json.loads((desk / "seeded.json").read_text())
    (service,) = stack.client("ecs").describe_services(cluster="forecast-dev", services=["mongo-1"])["services"]
    (volume,) = service["deployments"][0]["volumeConfigurations"]
    assert seeded["managedEBSVolume"] == volume["managedEBSVolume"] | {"snapshotId": SNAPSHOT}


# The end.


def test_a_raised_version_draws_new_passwords_and_keeps_the_replica_key(stack: Stack) -> None:
    before = secret_values(stack)
    # Together with a new image, of which the next test looks at what is left of the old one.
    stack.apply(dev(stack), secrets_version="2", pipeline_image_digest="sha256:" + "b" * 64)
    after = secret_values(stack)
    drawn = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert drawn == {f"forecast-dev/mongodb/user/{user}" for user in USERS}


def test_the_revision_before_a_delivery_can_still_be_started(stack: Stack) -> None:
    """docs/runbooks/roll-back.md; ECS lists only what it would start."""
    ecs = stack.client("ecs")
    for family in ("forecast-dev-pipeline", "forecast-dev-mongo-dump"):
        # moto knows no order of them.
        *_, before, newest = sorted(ecs.list_task_definitions(familyPrefix=family)["taskDefinitionArns"], key=revision)
        images = [
            container["image"].rpartition("@")[2]
            for definition in (newest, before)
            for container in ecs.describe_task_definition(taskDefinition=definition)["taskDefinition"][
                "containerDefinitions"
            ]
            if container["name"] != "prepare"
        ]
        assert images == ["sha256:" + "b" * 64, DIGESTS["pipeline"]]


def revision(task_definition_arn: str) -> int:
    return int(task_definition_arn.rpartition(":")[2])


def test_everything_is_destroyed_again(stack: Stack) -> None:
    # A delivery has pushed images.
    config = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": DIGESTS["mongo"], "size": 1}
    kind = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": []})
    stack.client("ecr").put_image(repositoryName="forecast-dev/mongo", imageManifest=manifest, imageTag="v1")
    stack.terraform("destroy", "-auto-approve", "-input=false", "-no-color", f"-var-file={dev(stack)}")
    assert stack.state()["resources"] == []
    assert [entry["Name"] for entry in stack.client("s3").list_buckets()["Buckets"]] == [STATE_BUCKET]
