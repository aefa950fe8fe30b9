"""`airbyte/terraform` sets up what `forecast airbyte apply` does.

The provider's schema cannot be had without the registry: what is validated and applied is the same with Terraform's own
resource in place of the provider's.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from forecast.core.settings import NETWORK_SETTINGS, Settings
from forecast.ingest.airbyte.desired import DEFAULT_CRON, desired_setup, name_of
from forecast.ingest.sources import MANIFESTED

FOLDER = Path(__file__).resolve().parents[3] / "airbyte" / "terraform"
MAIN = (FOLDER / "main.tf").read_text("utf-8")
VARIABLES = (FOLDER / "variables.tf").read_text("utf-8")


@pytest.mark.whole
def test_the_configuration_is_formatted() -> None:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed here")
    done = subprocess.run([terraform, "fmt", "-check", "-diff", FOLDER], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_configuration_has_every_source_with_the_same_names_as_apply() -> None:
    assert 'fileexists("${path.module}/../manifests/${name}.json")' in VARIABLES
    assert sorted(path.stem for path in (FOLDER.parent / "manifests").glob("*.json")) == sorted(MANIFESTED)
    assert set(re.findall(r'name += "(forecast [^"]+)"', MAIN)) == {"forecast ${each.key}", "forecast raw zone"}
    assert [name_of(fetch) for fetch in MANIFESTED.values()] == [f"forecast {source}" for source in MANIFESTED]


def test_the_configuration_has_the_same_path_format_and_schedule_as_apply() -> None:
    keys = {setting.name: "a key" for setting in NETWORK_SETTINGS if setting.secret}
    settings = Settings(raw_uri="s3://bucket/raw/").with_networks(**keys)
    stations: dict[str, list[str]] = {source: [] for source in MANIFESTED}
    setup = desired_setup(settings, list(MANIFESTED.values()), stations, date(2026, 1, 1), DEFAULT_CRON)
    assert setup.destination["s3_path_format"] in MAIN.replace("$$", "$")
    for value in (*setup.destination["format"].values(), setup.sources[0].connection["namespaceDefinition"]):
        assert f'"{value}"' in MAIN or isinstance(value, dict)
    assert f'default     = "{DEFAULT_CRON}"' in VARIABLES
    assert '"GZIP"' in MAIN


def _with_the_builtin_resource(text: str) -> str:
    """The same with Terraform's own `terraform_data` in place of the provider's resources, which needs no registry."""

    def block(found: re.Match[str]) -> str:
        kind, body = found.groups()
        each = re.search(r"^  for_each += .*\n", body, re.MULTILINE)
        rest = body.replace(each.group(), "", 1) if each else body
        return f'resource "terraform_data" "{kind}" {{\n{each.group() if each else ""}  input = {{\n{rest}\n  }}\n}}\n'

    made = re.sub(r'^resource "(airbyte_\w+)" "\w+" \{\n(.*?)\n\}\n', block, text, flags=re.MULTILINE | re.DOTALL)
    made = re.sub(r"\b(airbyte_\w+)\.(?:this|raw_zone)\b", r"terraform_data.\1", made)
    made = re.sub(r"\.(?:source|destination)_id\b", ".id", made)
    kinds = re.findall(r'resource "terraform_data" "(\w+)"', made)
    return made + f'output "made" {{\n  sensitive = true\n  value = {{ {", ".join(map(_output, kinds))} }}\n}}\n'


def _output(kind: str) -> str:
    one = f"terraform_data.{kind}"
    several = f"{{ for name, made in {one} : name => made.output }}"
    return f"{kind} = {several if kind != 'airbyte_destination' else f'{one}.output'}"


def _snake(value: Any) -> Any:
    """The names of the API as the provider has them."""
    if isinstance(value, dict):
        return {re.sub(r"(?<=[a-z])([A-Z])", r"_\1", name).lower(): _snake(member) for name, member in value.items()}
    return [_snake(member) for member in value] if isinstance(value, list) else value


@pytest.mark.whole
def test_the_configuration_creates_the_same_resources_as_apply(tmp_path: Path) -> None:
    plain = Settings(raw_uri="s3://bucket/raw/", airbyte_bucket_region="eu-west-3")
    settings = plain.with_networks(WUNDERGROUND_API_KEY="a key", INFOCLIMAT_TOKEN="another")
    stations = {source: [f"of {source}"] for source in MANIFESTED}
    setup = desired_setup(settings, list(MANIFESTED.values()), stations, date(2026, 1, 1), DEFAULT_CRON)
    keys = {"wunderground": "a key", "infoclimat": "another"}
    variables = {
        **dict.fromkeys(("client_id", "client_secret"), "secret"),
        "workspace_id": "a workspace",
        "sources": {name: {"stations": of, "start_date": "2026-01-01"} for name, of in stations.items()},
        "keys": keys,
        "bucket": {"name": "bucket", "prefix": "raw", "region": "eu-west-3"},
    }
    made = _applied(tmp_path, variables)
    destination = {name: value for name, value in setup.destination.items() if name != "destinationType"}
    assert json.loads(made["airbyte_destination"]["configuration"]) == destination
    for name, source in zip(MANIFESTED, setup.sources, strict=True):
        assert json.loads(made["airbyte_declarative_source_definition"][name]["manifest"]) == source.manifest
        assert json.loads(made["airbyte_source"][name]["configuration"]) == source.configuration
        connection = made["airbyte_connection"][name]
        assert connection.items() >= _snake(source.connection).items()
        assert {thing[name]["name"] for kind, thing in made.items() if kind != "airbyte_destination"} == {source.name}


def _applied(folder: Path, variables: dict[str, Any]) -> dict[str, Any]:
    terraform = shutil.which("terraform")
    if terraform is None:
        pytest.skip("terraform is not installed here")
    here = folder / "terraform"
    here.mkdir()
    (folder / "manifests").symlink_to(FOLDER.parent / "manifests")
    (here / "main.tf").write_text(_with_the_builtin_resource(MAIN))
    (here / "variables.tf").write_text(VARIABLES)
    (here / "all.auto.tfvars.json").write_text(json.dumps(variables))
    environment = os.environ | {"CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1"}
    for command in (["init", "-input=false"], ["validate"], ["apply", "-auto-approve"], ["output", "-json", "made"]):
        arguments = [terraform, f"-chdir={here}", *command]
        done = subprocess.run(arguments, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
