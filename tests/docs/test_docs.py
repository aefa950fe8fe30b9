"""The documentation is true: its commands run, its tables are those of the program, its links lead somewhere."""

from __future__ import annotations

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from pymongo import MongoClient
from pymongo.collection import Collection
from typer.core import TyperGroup
from typer.main import get_command

import forecast
from forecast.cli.program import forecast_app
from forecast.core.digests import HASH_LENGTH
from forecast.core.errors import SettingError
from forecast.core.parameters import PARAMETER_NAMES
from forecast.core.registry import load_stations
from forecast.core.registry_files import RegistryFile
from forecast.core.schemas import RECORD_SCHEMA
from forecast.core.settings import AWS_SETTINGS, SETTINGS, Settings
from forecast.networks.registry import NETWORKS
from forecast_demo import write_demo
from tests.integration.worlds import APPS, typed
from tests.real_week import ARMENTIERES, BERGUES, HAZEBROUCK, ICHTEGEM, LA_MADELEINE, LESQUIN
from tests.waiting import WAIT_SECONDS

pytestmark = pytest.mark.usefixtures("built_in_registry")

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
README = ROOT / "README.md"
GUIDE = DOCS / "user-guide.md"
ZONE = DOCS / "processed-zone.md"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("*.md"), *(DOCS / "decisions").glob("*.md")])
ROOMS = ("1. EXTRACT", "2. TRANSFORM", "3. VALIDATE", "4. SAVE", "5. LOAD", "6. REPORT")

# What the demo's raw zone holds (tests/demo/test_synthetic.py counts it): 43 of its records are of an hour that comes
# twice.
RECORDS = 7_249
DOCUMENTS = 7_206
DATABASE = "test_docs"
OTHER_DATABASE = "forecast_copy"
BUCKET = "my-bucket"
SCRIPT = re.compile(r"poetry run (pipeline|forecast) ")
# Each script at least once as it is installed, and what starts processes of its own.
OF_PROCESSES = re.compile(r"forecast config|forecast load-test|--dry-run|--workers")


def blocks(page: Path, *languages: str) -> list[str]:
    """Give the fenced blocks in one of these languages."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [text for language, text in found if language in languages]


def commands(page: Path) -> list[str]:
    """Give the shell commands of a page, in their order."""
    lines = "".join(blocks(page, "bash", "console", "sh", "shell")).splitlines()
    return [line.removeprefix("$ ") for line in lines if line.strip()]


@dataclass(slots=True)
class Guide:
    """The user guide's commands, each run once, in its order, in one folder."""

    folder: Path
    results: dict[str, subprocess.CompletedProcess[str]]
    before_the_first_writing: list[str]
    digests: dict[str, str]

    def one(self, pattern: str) -> subprocess.CompletedProcess[str]:
        (found,) = [result for line, result in self.results.items() if re.search(pattern, line)]
        return found


@pytest.fixture(scope="module")
def guide(replica_set: str, s3_server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guide]:
    """Do what a reader does who types in the whole user guide."""
    folder = tmp_path_factory.mktemp("guide")
    shutil.copy(ROOT / ".env.example", folder)
    write_demo(folder / "raw")
    environment = guide_environment(folder, replica_set, s3_server)
    fill_bucket(folder / "raw", s3_server)
    client: MongoClient[dict[str, Any]]
    with MongoClient(replica_set) as client:
        try:
            results: dict[str, subprocess.CompletedProcess[str]] = {}
            before: list[str] = []
            for line in commands(GUIDE):
                results[line] = run_here(line, folder, environment)
                if "--dry-run" in line:
                    before = [
                        *sorted(path.name for path in folder.iterdir()),
                        *client[DATABASE].list_collection_names(),
                    ]
            collection: Collection[dict[str, Any]] = client[DATABASE][Settings().mongodb_collection]
            documents = collection.find({}, {"metadata.digest": 1})
            yield Guide(folder, results, before, {found["_id"]: found["metadata"]["digest"] for found in documents})
        finally:
            client.drop_database(DATABASE)
            client.drop_database(OTHER_DATABASE)


def guide_environment(folder: Path, mongodb_uri: str, endpoint: str) -> dict[str, str]:
    """Give an environment in which `poetry run X` is this project's X, and in which nothing of the machine's counts."""
    programs = folder / ".programs"
    programs.mkdir()
    scripts = {"poetry": 'shift\nexec "$@"\n', "python": f'exec {shlex.quote(sys.executable)} "$@"\n'}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    for name, target in project["project"]["scripts"].items():
        module, function = target.split(":")
        code = f"import sys; sys.argv[0] = {name!r}; from {module} import {function}; {function}()"
        scripts[name] = f'exec {shlex.quote(sys.executable)} -c {shlex.quote(code)} "$@"\n'
    for name, text in scripts.items():
        (programs / name).write_text(f"#!/bin/sh\n{text}", "utf-8")
        (programs / name).chmod(0o755)
    return {
        "PATH": os.pathsep.join((str(programs), os.environ["PATH"])),
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(folder),
        "COLUMNS": "100",
        "RAW_URI": "raw",
        "PROCESSED_URI": "processed",
        "MONGODB_URI": mongodb_uri,
        "MONGODB_DATABASE": DATABASE,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def fill_bucket(raw: Path, endpoint: str) -> None:
    client = boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x", region_name="us-east-1"
    )
    client.create_bucket(Bucket=BUCKET)
    for path in raw.rglob("*"):
        if path.is_file():
            client.put_object(
                Bucket=BUCKET, Key=f"airbyte-sync/{path.relative_to(raw).as_posix()}", Body=path.read_bytes()
            )


def run(line: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a line; of `make`, only look up what it would do, since this test is part of what it does."""
    words = ["bash", "-c", line]
    if line.startswith("make "):
        words, folder = ["make", "-n", *shlex.split(line)[1:]], ROOT
    return subprocess.run(
        words, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=WAIT_SECONDS
    )


def run_here(line: str, folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a line within this process where it is one of APPS': to start a process takes a second of CPU a command."""
    script = SCRIPT.match(line)
    if script is None or OF_PROCESSES.search(line):
        return run(line, folder, environment)
    outcome = typed(APPS[script[1]], shlex.split(line[script.end() :]), folder, environment)
    return subprocess.CompletedProcess(line, outcome.code, outcome.stdout, outcome.stderr)


def test_every_command_of_the_user_guide_works(guide: Guide) -> None:
    # How fast a busy machine answers is not for the guide to say.
    timed = re.compile("latency-report|forecast load-test")
    failed = {
        line: (result.returncode, result.stderr)
        for line, result in guide.results.items()
        if result.returncode not in ({0, 3} if timed.search(line) else {0})
    }
    assert failed == {}
    assert list(guide.results) == commands(GUIDE)


def test_the_dry_run_of_the_guide_writes_nothing(guide: Guide) -> None:
    assert guide.before_the_first_writing == [".env", ".env.example", ".programs", "raw"]
    assert "dry run: nothing was written" in guide.one("--dry-run").stdout


def test_the_first_run_of_the_guide_loads_everything(guide: Guide) -> None:
    summary = guide.one("pipeline --raw-uri raw --processed-uri processed$").stdout
    assert f"{RECORDS:,} validated, 2 rejected (0.03%)" in summary
    assert f"{DOCUMENTS:,} inserted, 24 updated, 19 unchanged, 0 superseded" in summary
    assert len(guide.digests) == DOCUMENTS


def test_data_that_are_delivered_again_change_nothing(guide: Guide) -> None:
    counts = json.loads(guide.one("--json").stdout)["status"]["counts"]
    assert (counts["inserted"], counts["updated"]) == (0, 0)
    assert counts["unchanged"] + counts["superseded"] == counts["records_validated"] == RECORDS
    daily = guide.one("pipeline --log-format json").stdout
    assert "10 listed, 0 loaded, 9 already processed, 1 skipped" in daily


def test_the_other_commands_of_the_guide_do_what_it_says(guide: Guide) -> None:
    assert "10 queries, 288 rows each" in guide.one("latency-report").stdout
    tested = guide.one("forecast load-test").stdout
    assert f"{DATABASE}.weather_measurements, observations up to 2024-10-07T23:50:00Z" in tested
    assert "1 client, open loop, warm: " in tested
    assert "documents were loaded." in tested
    config = guide.one("forecast config").stdout
    assert re.search(r"^MONGODB_URI +\*\*\* +the environment *$", config, re.MULTILINE)
    assert re.search(r"^LOGS_DIR +logs +default *$", config, re.MULTILINE)
    assert f"{DOCUMENTS:,} inserted" in guide.one(f"migrate .*{OTHER_DATABASE}$").stdout
    assert "both hold the same" in guide.one("migrate .*--verify").stdout
    quality = guide.one("forecast quality").stdout
    # The first two hours of the two tables' first day are of September in UTC.
    assert quality.startswith(f"2024-10-01 to 2024-10-07 (UTC): {DOCUMENTS - 2 * 24:,} observations, ")
    assert "deleted, also on a majority" in guide.one("crud-check").stdout


def test_the_examples_of_the_processed_zone_run(
    guide: Guide, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(guide.folder)
    outputs, names = [], []
    for block in blocks(ZONE, "python"):
        namespace: dict[str, Any] = {}
        exec(block, namespace)
        outputs.append(capsys.readouterr().out)
        names.append(namespace)
    dataset_example, hourly_example, pandas_example, duckdb_example, rejected_example = outputs
    means = {name: int(number) for name, number in re.findall(r"│ ([0-9A-Z]+) +│ +(\d+) │", dataset_example)}
    assert means.keys() == {ARMENTIERES, BERGUES, LESQUIN, ICHTEGEM, LA_MADELEINE, HAZEBROUCK}
    # Those that are flagged are left out.
    assert 1900 < means[LA_MADELEINE] <= 2016
    assert len(re.findall(r"│ 20\d\d-\d\d-\d\d \d\d:00:00", hourly_example)) == 12
    newest = names[2]["newest"]
    # The second half of a digest is the QC result, and the database has the last word on that.
    observations = dict(zip(newest["_id"], newest["digest"].str[:HASH_LENGTH], strict=True))
    assert observations == {name: digest[:HASH_LENGTH] for name, digest in guide.digests.items()}
    assert f"{LA_MADELEINE}     2015" in pandas_example
    assert re.findall(r"│ ([0-9A-Z]+) +│ +(\d+) │", duckdb_example) == [
        (ARMENTIERES, "1008"), (BERGUES, "1008"), (LESQUIN, "168"),
        (ICHTEGEM, "2010"), (LA_MADELEINE, "2016"), (HAZEBROUCK, "996"),
    ]  # fmt: skip
    reason = "unknown_station the station is not in the station registry"
    source = "raw/infoclimat/observations/2024_10_08_1728356400000_0.jsonl.gz"
    assert rejected_example.splitlines() == [f"{source} line 932 {reason}", f"{source} line 933 {reason}"]


def test_the_examples_of_the_page_for_python_run(guide: Guide, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(guide.folder)
    names: dict[str, Any] = {}
    observed, hourly = blocks(DOCS / "api.md", "python")
    exec(observed, names)
    frame = names["frame"]
    assert list(frame.columns) == ["station_id", "timestamp", "air_temperature", "relative_humidity"]
    assert frame["station_id"].value_counts().to_dict() == {LA_MADELEINE: 1992, LESQUIN: 168}
    exec(hourly, names)
    counted = names["frame"].groupby("station_id")["timestamp"].agg(["count", "min", "max"])
    assert set(counted["count"]) == {24}
    assert {f"{end:%d %H}" for end in counted["min"]} == {"05 01"}
    assert {f"{end:%d %H}" for end in counted["max"]} == {"06 00"}
    assert names["missing"].shape == names["frame"].shape


def test_the_readme_shows_two_commands_and_make_knows_them() -> None:
    assert commands(README) == ["make demo", "make test"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target, does in (("demo", "pipeline --demo"), ("test", "pytest")):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)
        assert does in run(f"make {target}", ROOT, dict(os.environ)).stdout


@pytest.mark.whole
def test_every_option_of_the_pipeline_is_in_the_user_guide() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "COLUMNS": "200"}
    shown = run(shlex.join([sys.executable, str(ROOT / "src" / "main.py"), "--help"]), ROOT, environment).stdout
    options = set(re.findall(r"^ +(--[a-z-]+)", shown, re.MULTILINE))
    text = GUIDE.read_text("utf-8")
    assert {name for name in options if not re.search(rf"`{name}[` ]", text)} == set()
    assert {"--date", "--reprocess", "--max-rejection-rate", "--raw-uri", "--json"} <= options


def test_the_pages_of_settings_are_up_to_date() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))
    text = GUIDE.read_text("utf-8")
    assert made["user_guide"](text) == text, "run `make docs`"
    assert made["env_example"]() == (ROOT / ".env.example").read_text("utf-8"), "run `make docs`"


def test_every_setting_is_in_the_user_guide_and_in_the_example() -> None:
    variables = re.findall(r"^#([A-Z][A-Z_]+)=", (ROOT / ".env.example").read_text("utf-8"), re.MULTILINE)
    rows = re.findall(r"^\| `([A-Z][A-Z_]+)` \|", GUIDE.read_text("utf-8"), re.MULTILINE)
    assert variables == rows == [setting.name for setting in (*SETTINGS, *AWS_SETTINGS)]
    assert {"RAW_URI", "PROCESSED_URI", "MONGODB_URI", "LOG_FORMAT", "AWS_ENDPOINT_URL"} <= set(variables)


def test_every_command_that_is_named_is_one_of_the_program() -> None:
    """In the pages, the runbooks, the local stack and the tasks of Terraform, whose commands no other test can run."""
    program = get_command(forecast_app)
    assert isinstance(program, TyperGroup)
    groups = {name: group for name, group in program.commands.items() if isinstance(group, TyperGroup)}
    assert groups.keys() == {"airbyte", "mongo"}
    known = {*program.commands, *(f"{name} {one}" for name, group in groups.items() for one in group.commands)}
    pages = [*PAGES, *DOCS.glob("*/*.md"), *(ROOT / "terraform").rglob("*.md"), *(ROOT / "docker").rglob("*.md")]
    named = {
        name for page in pages for name in re.findall(r"(?:`|poetry run |pem\)\" )forecast ([^`\n]+)", page.read_text())
    }
    named |= set(re.findall(r"--entrypoint forecast pipeline (.+)", (DOCS / "local-stack.md").read_text("utf-8")))
    compose = (ROOT / "docker" / "compose.yml").read_text("utf-8")
    named |= {name.replace(",", "") for name in re.findall(r"(?:\[|pem\)\" )forecast,? ([^\]\n]+)", compose)}
    for path in (ROOT / "terraform" / "modules").rglob("*.tf"):
        named |= {
            name.replace('", "', " ") for name in re.findall(r'= \["forecast", "([^\]]+)"\]', path.read_text("utf-8"))
        }
    typed = {" ".join(name.split()[: 1 + (name.split()[0] in groups)]) for name in named if name[0] != "-"}
    assert typed - known == set()
    assert typed >= {"migrate", "replay", "crud-check", "config", "quality", "mongo init", "mongo pki", "mongo recover"}


def test_schemas_say_of_parameters_and_thresholds_what_the_tables_say() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))
    registry, documents = (made[name].read_text("utf-8") for name in ("SCHEMA_FILE", "MONGODB_SCHEMA"))
    assert made["schema_text"](made["stations_schema"]()) == registry, "run `make docs`"
    assert made["schema_text"](made["mongodb_schema"](json.loads(documents))) == documents, "run `make docs`"


def test_the_tables_for_duckdb_athena_and_glue_are_up_to_date() -> None:
    files = runpy.run_path(str(DOCS / "generate.py"))["table_definitions"]()
    assert {path: path.read_text("utf-8") for path in files} == files, "run `make docs`"
    assert {path.name for path in files} == {"duckdb.sql", "athena.sql", "tables.json"}


def test_the_alarms_of_old_data_have_the_freshness_of_slo_toml() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))
    assert made["FRESHNESS"].read_text("utf-8") == made["freshness"](), "run `make docs`"


def test_the_reference_of_the_python_api_is_that_of_its_docstrings() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))
    text = made["API_PAGE"].read_text("utf-8")
    assert made["api_page"](text) == text, "run `make docs`"
    documented = re.findall(r"^### `(forecast|Observations)\.(\w+)`$", text, re.MULTILINE)
    assert {name for group, name in documented if group == "forecast"} == {*forecast.__all__} - {"__version__"}
    members = {name for name in vars(forecast.Observations) if not name.startswith("_")}
    assert {name for group, name in documented if group == "Observations"} == members


def test_the_page_of_stations_is_up_to_date() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))
    text = made["STATIONS"].read_text("utf-8")
    assert made["stations_page"](text) == text, "run `make docs`"


def test_the_examples_of_the_page_of_stations_say_the_same_and_its_error_is_what_is_said() -> None:
    (document,), (table,) = blocks(DOCS / "stations.md", "json"), blocks(DOCS / "stations.md", "csv")
    files = [RegistryFile("more.json", document.encode()), RegistryFile("infoclimat.csv", table.encode())]
    of_document, of_table = ({one.id: one for one in load_stations([file])} for file in files)
    assert of_document["06407"].interval_minutes == 30
    for name in ("06407", "06414"):
        one, other = of_document[name], of_table[name]
        assert replace(one, parameters=other.parameters, interval_minutes=other.interval_minutes) == other
    wrong = RegistryFile("more.json", document.replace("50.9", "95").encode())
    with pytest.raises(SettingError) as caught:
        load_stations([wrong])
    assert f"error: {caught.value.message}\n" in blocks(DOCS / "stations.md", "text")


def test_the_schemas_of_the_reports_and_their_page_are_those_of_the_models() -> None:
    made = runpy.run_path(str(DOCS / "generate.py"))
    page = (DOCS / "reports.md").read_text("utf-8")
    assert made["reports_page"](page) == page, "run `make docs`"
    schemas = made["report_schemas"]()
    assert {path: path.read_text("utf-8") for path in schemas} == schemas, "run `make docs`"
    assert set(schemas) == set(next(iter(schemas)).parent.glob("*.json"))


def test_the_page_of_parameters_is_up_to_date() -> None:
    page = runpy.run_path(str(DOCS / "generate.py"))["parameters_page"]()
    assert (DOCS / "parameters.md").read_text("utf-8") == page, "run `make docs`"
    assert [name for name in PARAMETER_NAMES if f"| `{name}` |" not in page] == []


def test_page_of_networks_is_current() -> None:
    page = runpy.run_path(str(DOCS / "generate.py"))["networks_page"](NETWORKS)
    assert (DOCS / "networks.md").read_text("utf-8") == page, "run `make docs`"


def test_the_columns_of_the_processed_zone_are_those_of_the_records() -> None:
    shown = []
    table = ZONE.read_text("utf-8").split("## Columns")[1].split("\n## ")[0]
    for first, last, kind in re.findall(r"^\| `(\w+)`(?: … `(\w+)`)? \| ([^|]+) \|", table, re.MULTILINE):
        if last:
            assert (first, last) == (PARAMETER_NAMES[0], PARAMETER_NAMES[-1])
        shown += [(name, kind) for name in (PARAMETER_NAMES if last else (first,))]
    assert shown == [
        (field.name, "dictionary" if pa.types.is_dictionary(field.type) else str(field.type)) for field in RECORD_SCHEMA
    ]


def test_the_flowchart_names_all_packages_and_its_pictures_are_of_it() -> None:
    source = (DOCS / "process_flowchart.mmd").read_text("utf-8")
    assert [room for room in ROOMS if room not in source] == []
    drawn = re.sub(r"<[^>]+>|\s", "", (DOCS / "process_flowchart.svg").read_text("utf-8"))
    labels = re.findall(r'[\[(]"([^"]+)"[\])]|-- "([^"]+)" -->', source)
    lines = [line for label in labels for line in "".join(label).split("<br/>")]
    assert [line for line in lines if re.sub(r"\s", "", line) not in drawn] == []
    assert (DOCS / "process_flowchart.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")


def test_the_flowchart_needs_nothing_from_outside() -> None:
    picture = (DOCS / "process_flowchart.svg").read_text("utf-8")
    assert set(re.findall(r"https?://([^/\"'\s]+)", picture)) == {"www.w3.org"}  # names, not addresses
    assert re.findall(r"@import|@font-face|<image|<script|url\((?!#)", picture) == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)\s#]+)", page.read_text("utf-8"))
    local = [target for target in targets if not re.match(r"\w+:", target)]
    assert [target for target in local if not (page.parent / target).exists()] == []
