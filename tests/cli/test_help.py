"""Help, version and completion: of every command, at no cost."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version

import pytest
import typer
from typer.testing import CliRunner

import forecast
from forecast.cli import program
from forecast.cli.program import forecast_app, latency_report_app, only, pipeline_app
from forecast.core.settings import SETTINGS
from forecast.ingest.sources import FETCHES, FILE_FETCHES, MANIFESTED
from forecast.networks.source import Source

OWN = (
    *("run", "ingest", "latency", "load-test", "quality", "status", "values", "latest", "stations", "parameters"),
    *("migrate", "replay", "crud-check", "dashboard", "config"),
)
AIRBYTE = ("manifests", "apply", "sync")
NESTED = (["stations", "sync"],)
MONGO = ("init", "pki", "dump", "restore", "roll", "status", "renew", "recover")
COMMANDS = [
    *([name] for name in OWN),
    *(["airbyte", name] for name in AIRBYTE),
    *(["mongo", name] for name in MONGO),
    *NESTED,
]
SCRIPTS = {"pipeline": pipeline_app, "latency-report": latency_report_app}
HEAVY = {
    *(
        "pandas",
        "numpy",
        "pyarrow",
        "pymongo",
        "bson",
        "boto3",
        "botocore",
        "jsonschema_rs",
        "msgspec",
        "rich",
        "pydantic",
        "dotenv",
        "locust",
        "gevent",
    ),
    *("fastavro", "ijson", "python_calamine", "xxhash", "cryptography", "main"),
    *(
        "forecast.core.logs",
        "forecast.core.stations",
        "forecast.mongo",
        "forecast.run",
        "forecast_demo",
        "forecast_ops",
    ),
}
# Everything that may be shown without work, in one process: what one of them imports is there at its end.
ASK_FOR_HELP = """
import sys
from typer.testing import CliRunner
from forecast.cli import program
for app, arguments in {asked!r}:
    result = CliRunner().invoke(getattr(program, app), [*arguments, "--help"], catch_exceptions=False)
    assert result.exit_code == 0 and "Usage: " in result.stdout, result.output
print(*sys.modules)
"""


def text(app: typer.Typer, *arguments: str, name: str = "forecast") -> str:
    result = CliRunner(env={"COLUMNS": "100"}).invoke(app, arguments, prog_name=name)
    assert (result.exit_code, result.stderr) == (0, "")
    return result.stdout


@pytest.mark.whole
def test_help_imports_no_library_that_only_the_command_needs() -> None:
    asked = [("forecast_app", command) for command in [[], ["airbyte"], ["mongo"], *COMMANDS]]
    asked += [("pipeline_app", []), ("latency_report_app", [])]
    done = subprocess.run(
        [sys.executable, "-c", ASK_FOR_HELP.format(asked=asked)],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) & HEAVY == set()


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_has_examples_and_a_separate_group_of_settings(command: list[str]) -> None:
    shown = text(forecast_app, *command, "--help")
    typed = f"forecast {' '.join(command)}"
    assert f"Usage: {typed} [OPTIONS]" in shown
    assert f"\n    {typed}" in shown.partition("Example")[2].partition("Options:")[0]
    own, _, settings = shown.partition("\nSettings: ")
    assert [setting.option for setting in SETTINGS if f" {setting.option} " in own.partition("Options:")[2]] == []
    assert [
        setting.option for setting in SETTINGS if f"\n  {setting.option} {setting.kind.metavar}" not in settings
    ] == []
    assert "-h, --help" in own
    assert text(forecast_app, *command, "-h") == shown


@pytest.mark.parametrize(
    ("command", "sources"),
    [(["ingest"], {**FETCHES, **FILE_FETCHES}), (["airbyte", "apply"], MANIFESTED), (["airbyte", "sync"], MANIFESTED)],
)
def test_help_names_the_sources_of_the_networks(command: list[str], sources: Mapping[str, Source]) -> None:
    shown = " ".join(text(forecast_app, *command, "--help").split())
    assert f"--source NAME Only this source: {', '.join(sorted(sources))}. May be repeated." in shown


def test_the_program_lists_its_commands() -> None:
    groups = {"airbyte": AIRBYTE, "mongo": MONGO}
    shown_groups = [(text(forecast_app, name, "-h"), names) for name, names in groups.items()]
    after = OWN.index("stations") + 1
    commands = (*OWN[:after], *map(" ".join, NESTED), *OWN[after:], *groups)
    for shown, names in ((text(forecast_app, "--help"), commands), *shown_groups):
        listed = [line.strip().partition("  ")[0] for line in shown.partition("\nCommands:\n")[2].splitlines()]
        assert listed == list(names)
        assert "..." not in shown.partition("\nCommands:\n")[2]
        assert "Example" in shown


@pytest.mark.parametrize(
    "asked", [["ingest"], ["stations"], ["stations", "sync"], ["airbyte", "apply"], ["mongo", "roll"]]
)
def test_the_program_with_one_command_says_of_it_what_the_whole_program_says(asked: list[str]) -> None:
    alone = only(program._program(), asked[:1])
    for arguments in ([*asked, "--help"], [*asked, "--no-such-option"]):
        shown = [CliRunner().invoke(app, arguments, prog_name="forecast") for app in (alone, forecast_app)]
        assert shown[0].output == shown[1].output
        assert shown[0].exit_code == shown[1].exit_code


@pytest.mark.parametrize("asked", [[], ["--help"], ["--version"], ["no-such-command"], ["air"]])
def test_the_program_is_whole_where_no_command_is_asked_for(asked: list[str]) -> None:
    whole, found = forecast_app, only(program._program(), asked[:1])
    for arguments in (asked, ["--help"]):
        results = [CliRunner().invoke(app, arguments, prog_name="forecast") for app in (found, whole)]
        assert results[0].output == results[1].output


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_of_its_own_shows_its_own_name(script: str) -> None:
    shown = text(SCRIPTS[script], "--help", name=script)
    assert f"Usage: {script} [OPTIONS]" in shown
    assert f"\n    {script} --" in shown
    assert "forecast" not in shown.partition("\nOptions:")[0]


def test_the_version_is_shown() -> None:
    expected = f"forecast {forecast.__version__}\n"
    assert expected.startswith(f"forecast {version('forecast')}")
    assert text(forecast_app, "--version") == expected
    assert text(forecast_app, "migrate", "--version") == expected
    assert [text(app, "--version") for app in SCRIPTS.values()] == [expected, expected]


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("forecast re", {"replay"}),
        ("forecast mongo re", {"restore", "recover", "renew"}),
        ("forecast run --raw", {"--raw-uri"}),
        ("pipeline --raw", {"--raw-uri"}),
        ("latency-report --st", {"--station-id", "--stations-uri"}),
    ],
)
def test_a_shell_gets_completions(typed: str, completed: set[str]) -> None:
    script = typed.split(maxsplit=1)[0]
    app = {"forecast": forecast_app, **SCRIPTS}[script]
    variables = {
        f"_{script.replace('-', '_').upper()}_COMPLETE": "complete_bash",
        "COMP_WORDS": typed,
        "COMP_CWORD": str(len(typed.split()) - 1),
    }
    result = CliRunner(env=variables).invoke(app, [], prog_name=script)
    assert set(result.stdout.split()) == completed


@pytest.mark.parametrize("app", [forecast_app, *SCRIPTS.values()])
def test_completion_can_be_installed(app: typer.Typer) -> None:
    assert {"--install-completion", "--show-completion"} <= set(text(app, "--help").split())
