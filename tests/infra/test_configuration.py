"""What holds for all of terraform/, read from its files; what it makes is proven by tests/infra/run."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from forecast.cli.program import forecast_app

TERRAFORM = Path(__file__).resolve().parents[2] / "terraform"
FILES = [
    path
    for pattern in ("*.tf", "modules/*/*.tf", "*.example", "*/*.example")
    for path in sorted(TERRAFORM.glob(pattern))
]
ROOT = sorted(TERRAFORM.glob("*.tf"))


def blocks(kind: str) -> Iterator[tuple[str, str]]:
    """Name and content of each block of a kind, such as variable."""
    for path in FILES:
        for name, content in re.findall(
            rf'^{kind} "(\w+)" \{{\n(.*?)^\}}', path.read_text("utf-8"), re.MULTILINE | re.DOTALL
        ):
            yield f"{path.relative_to(TERRAFORM)}: {name}", content


VARIABLES = dict(blocks("variable"))


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_is_typed_described_and_validated(name: str) -> None:
    content = VARIABLES[name]
    assert re.search(r'^  description = ".+\."$', content, re.MULTILINE)
    kind = re.search(r"^  type += (.+)$", content, re.MULTILINE)
    assert kind
    # There is no wrong value of a bool.
    assert "  validation {" in content or kind[1] == "bool"


def test_an_output_is_described() -> None:
    assert [name for name, content in blocks("output") if "  description = " not in content] == []


def test_every_role_stays_within_the_boundary_that_is_set() -> None:
    roles = {path.parent.name for path in FILES if 'resource "aws_iam_role"' in path.read_text("utf-8")}
    assert roles == {"backup", "chain", "mongodb", "network", "schedule", "task"}
    for path in FILES:
        text = path.read_text("utf-8")
        made = re.findall(r'^resource "aws_iam_role" "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL)
        for name, content in made:
            assert re.search(r"^  permissions_boundary += var\.permissions_boundary_arn$", content, re.MULTILINE), name
        for name, content in re.findall(r'^module "(\w+)" \{\n(.*?)^\}', text, re.MULTILINE | re.DOTALL):
            source = re.search(r'source += ".*/(\w+)"', content)
            if source and source[1] in roles | {"pipeline"}:
                assert "  permissions_boundary_arn = var.permissions_boundary_arn" in content, name


def test_a_task_is_told_of_the_operators_stations_exactly_where_its_command_reads_the_registry() -> None:
    tasks = re.findall(
        r"^    [a-z-]+ = \{\n(?:      #[^\n]*\n)*      entry_point = \[([^\]]*)\]\n(.*?)^    \}",
        (TERRAFORM / "modules" / "pipeline" / "main.tf").read_text("utf-8"),
        re.MULTILINE | re.DOTALL,
    )
    scripts = {"pipeline": "run", "latency-report": "latency"}
    commands = {command.name: command.callback for command in forecast_app.registered_commands}
    told, reading = set(), set()
    for entry_point, settings in tasks:
        word = entry_point.replace('"', "").rpartition(", ")[2]
        name = scripts.get(word, word)
        callback = commands[name]
        assert callback
        told |= {name} if "local.stations.environment" in settings else set()
        reading |= {name} if "configured_stations(" in inspect.getsource(inspect.unwrap(callback)) else set()
    assert len(tasks) == 10
    assert told == reading
    assert {"run", "status"} <= told
    assert "crud-check" not in told


def test_the_root_only_composes() -> None:
    kinds = {kind for path in ROOT for kind in re.findall(r"^(\w+)\b.*\{$", path.read_text("utf-8"), re.MULTILINE)}
    assert kinds == {"terraform", "provider", "variable", "locals", "module", "output"}


def test_no_account_and_no_address_of_anybody_is_there() -> None:
    text = "\n".join(path.read_text("utf-8") for path in FILES)
    assert re.findall(r"\b\d{12}\b", text) == []
    assert {address.rpartition("@")[2] for address in re.findall(r"[\w.+-]+@[\w-]+\.[\w.]+", text)} == {"example.org"}
    # Ranges only: the examples' own, the widest in the messages, and everywhere.
    numbers = set(re.findall(r"\b\d+\.\d+\.\d+\.\d+(?:/\d+)?", text))
    assert numbers <= {"10.20.0.0/16", "10.30.0.0/16", "0.0.0.0/0"}


def test_the_provider_is_locked_for_every_platform() -> None:
    lock = (TERRAFORM / ".terraform.lock.hcl").read_text("utf-8")
    assert re.findall(r'^  version += "(.+)"$', lock, re.MULTILINE) == ["5.100.0"]
    # zh: is of the archives of the registry, one for each platform; h1: of what lies unpacked.
    assert len(re.findall(r'"zh:[0-9a-f]{64}"', lock)) == 15
    assert re.search(r'"h1:[A-Za-z0-9+/]{43}="', lock)


def test_every_disabled_check_has_its_reason() -> None:
    text = "\n".join(path.read_text("utf-8") for path in FILES)
    for skip in re.findall(r"#checkov:skip=(.*)", text):
        assert re.fullmatch(r"CKV2?_AWS_\d+:.{20,}", skip)
    lines = (TERRAFORM / ".checkov.yaml").read_text("utf-8").splitlines()
    skipped = [number for number, line in enumerate(lines) if line.startswith("  - CKV")]
    assert skipped
    assert all(re.match(r"  # .{20,}", lines[number - 1]) for number in skipped)
